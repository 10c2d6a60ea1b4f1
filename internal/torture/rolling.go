package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// restartEvery is how often one of the three workers is replaced.
const restartEvery = 5 * time.Second

// rollingRestart replaces one of three workers after the other, as deploying all
// day long would. Commands take up to eight seconds, and a worker that stops
// gives them two: some are given back and run again from the start.
func rollingRestart(ctx context.Context, h *house, r *report) error {
	if err := h.apply(ctx, underLoad()); err != nil {
		return err
	}
	workers := make([]*process, 3)
	start := func(i int) (err error) {
		workers[i], err = h.start(fmt.Sprintf("worker-%d", i+1), "worker", "--quiet", "--concurrency=20", "--stop-grace=2s")
		return err
	}
	for i := range workers {
		if err := start(i); err != nil {
			return err
		}
	}
	clock, err := h.start("clock-1", "clock")
	if err != nil {
		return err
	}
	r.limit, r.disturbedLimit = time.Second, time.Second
	stops := 0
	for end := time.Now().Add(h.rolling); time.Now().Before(end); stops++ {
		if err := wait(ctx, restartEvery); err != nil {
			return err
		}
		i := stops % len(workers)
		stopped := workers[i]
		if err := start(i); err != nil {
			return err
		}
		stopped.signal(syscall.SIGTERM)
		if err := stopped.cmd.Wait(); err != nil {
			r.fault("%s ended with %v when it was asked to stop; want exit code 0", stopped.name, err)
		}
	}
	r.event(fmt.Sprintf("%d workers stopped and replaced", stops))
	clock.signal(syscall.SIGTERM)
	if err := clock.cmd.Wait(); err != nil {
		r.fault("the clock ended with %v when it was asked to stop", err)
	}
	var jobs int
	if err := h.db.QueryRowContext(ctx, "SELECT count(*) FROM river_job").Scan(&jobs); err != nil {
		return err
	}
	if err := h.until(ctx, time.Minute, "completed", jobs); err != nil {
		r.fault("%v", err)
		return nil
	}
	return h.ranAgain(ctx, r, jobs)
}

// underLoad declares schedules whose commands write when they begin and end.
func underLoad() string {
	var file strings.Builder
	file.WriteString("schedules:\n")
	for i, seconds := range []string{"0", "0.1", "0.3", "0.5", "1", "1", "2", "3", "4", "8"} {
		fmt.Fprintf(&file, `  load-%d:
    when: "every 1s"
    overlap: allow
    catch_up: all
    run: ['sh', '-c', 'echo "begin $PUNCTUAL_OCCURRENCE $(date +%%s.%%N)" >>course; sleep %s; echo "end $PUNCTUAL_OCCURRENCE $(date +%%s.%%N)" >>course']
`, i, seconds)
	}
	return file.String()
}

// ranAgain counts what was begun more than once, and finds what was begun after
// it had been recorded as finished.
func (h *house) ranAgain(ctx context.Context, r *report, jobs int) error {
	finished, err := h.finished(ctx)
	if err != nil {
		return err
	}
	file, err := os.Open(filepath.Join(h.directory, "course"))
	if err != nil {
		return err
	}
	defer file.Close()
	begun, ended, again := map[string]int{}, map[string]int{}, 0
	for scanner := bufio.NewScanner(file); scanner.Scan(); {
		fields := strings.Fields(scanner.Text())
		if len(fields) != 3 {
			return fmt.Errorf("the course has a line %q", scanner.Text())
		}
		what, name := fields[0], fields[1]
		if what == "end" {
			ended[name]++
			continue
		}
		at, err := strconv.ParseFloat(fields[2], 64)
		if err != nil {
			return err
		}
		begun[name]++
		if begun[name] > 1 {
			again++
		}
		if at > finished[name] {
			r.fault("%s was begun again %.3f s after it had been recorded as finished", name, at-finished[name])
		}
	}
	for name := range finished {
		if ended[name] == 0 {
			r.fault("%s is recorded as finished, but its command never came to its end", name)
		}
	}
	r.event(fmt.Sprintf("%d occurrences finished, %d were given back and begun again, %d commands of %d ended more than once", jobs, again, doubles(ended), len(ended)))
	return nil
}

func doubles(ended map[string]int) (n int) {
	for _, times := range ended {
		if times > 1 {
			n++
		}
	}
	return n
}

// finished is when each occurrence was recorded as finished, in Unix seconds.
func (h *house) finished(ctx context.Context) (map[string]float64, error) {
	nominal, finalized := "extract(epoch from o.nominal_at)", "extract(epoch from j.finalized_at)"
	if h.kind == "sqlite" {
		nominal, finalized = "o.nominal_at / 1e6", "(julianday(j.finalized_at) - 2440587.5) * 86400"
	}
	rows, err := h.db.QueryContext(ctx, "SELECT s.key, "+nominal+", "+finalized+` FROM punctual_occurrence o
		JOIN punctual_schedule s ON s.id = o.schedule_id JOIN river_job j ON j.id = o.job_id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string]float64{}
	for rows.Next() {
		var (
			key                string
			nominal, finalized float64
		)
		if err := rows.Scan(&key, &nominal, &finalized); err != nil {
			return nil, err
		}
		all[key+"@"+time.Unix(int64(nominal), 0).UTC().Format(time.RFC3339)] = finalized
	}
	return all, rows.Err()
}

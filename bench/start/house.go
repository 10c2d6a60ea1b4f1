package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/punctual-dev/punctual"
	"github.com/punctual-dev/punctual/bench/figure"
	"github.com/punctual-dev/punctual/bench/process"
	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/internal/pgtest"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

// atOnce is how many commands run at the same time, in the worker and in the
// bare loop.
const atOnce = 100

// house is an empty database and a folder.
type house struct {
	punctual *punctual.Punctual
	server   *pgtest.Running // nil on SQLite
	folder   string
	address  string
	child    string // the program whose starts are measured
}

func newHouse(ctx context.Context, kind string) (*house, error) {
	h := &house{}
	var err error
	if h.folder, err = os.MkdirTemp("", "punctual-start-"); err != nil {
		return nil, err
	}
	h.child = filepath.Join(h.folder, "child")
	for program, source := range map[string]string{h.child: "./child", filepath.Join(h.folder, "punctual"): "../../cmd/punctual"} {
		if err := process.Build(ctx, ".", source, program); err != nil {
			return nil, err
		}
	}
	h.address = "sqlite:" + filepath.Join(h.folder, "punctual.db")
	if kind == "postgres" {
		if h.server, err = pgtest.Launch(pgtest.Durable()); err != nil {
			return nil, err
		}
		h.address = h.server.URL()
	}
	h.punctual, err = punctual.Open(ctx, h.address, punctual.Logger(slog.New(slog.DiscardHandler)), punctual.Directory(h.folder), punctual.Concurrency(atOnce))
	return h, err
}

func (h *house) close() {
	if h.punctual != nil {
		h.punctual.Close()
	}
	if h.server != nil {
		h.server.Close()
	}
	os.RemoveAll(h.folder)
}

// latency is how soon commands start.
func (h *house) latency(ctx context.Context, g goals, samples int) ([]figure.Figure, error) {
	starts, err := h.starts(ctx, samples)
	if err != nil {
		return nil, err
	}
	bare, err := h.bareStarts(samples)
	if err != nil {
		return nil, err
	}
	line := func(name string, part float64, goal time.Duration) figure.Figure {
		limit := goal.Seconds() * 1000
		return figure.Figure{
			What: fmt.Sprintf("%s: due to first instruction, %s", g.kind, name), Unit: "ms",
			Ours: figure.At(starts, part), Beside: figure.At(bare, part), Peer: "exec alone", Goal: fmt.Sprintf("≤ %.0f ms", limit), Met: figure.At(starts, part) <= limit,
		}
	}
	return []figure.Figure{line("p50", 0.5, g.p50), line("p99", 0.99, g.p99)}, nil
}

// rounds is how often the worker and the bare loop take turns: no machine is
// equally quiet all the time. The ratios of single rounds lie up to a third apart.
const rounds = 6

// throughput is how many commands a second are run.
func (h *house) throughput(ctx context.Context, g goals, commands int) ([]figure.Figure, error) {
	var ours, bare time.Duration
	for round := range rounds {
		before, err := bareSpan(commands / 2)
		if err != nil {
			return nil, err
		}
		span, err := h.span(ctx, round, commands)
		if err != nil {
			return nil, err
		}
		after, err := bareSpan(commands / 2)
		if err != nil {
			return nil, err
		}
		ours, bare = ours+span, bare+before+after
	}
	rate := func(span time.Duration) float64 { return float64(rounds*commands) / span.Seconds() }
	return []figure.Figure{{
		What: g.kind + ": commands run", Unit: "a second", Ours: rate(ours), Beside: rate(bare), Peer: "by a bare loop", More: true,
		Goal: fmt.Sprintf("ratio ≤ %.1f", g.times), Met: ours.Seconds()/bare.Seconds() <= g.times,
	}}, nil
}

// starts are how many milliseconds after they were due commands began.
func (h *house) starts(ctx context.Context, samples int) ([]float64, error) {
	file := filepath.Join(h.folder, "began")
	err := h.declare(ctx, schedule.Declaration{
		Key: "start", When: calendar.When{Expressions: []string{"every 250ms"}},
		Job: schedule.Job{Run: &schedule.Command{Program: []string{h.child, file}}},
	})
	if err != nil {
		return nil, err
	}
	var lines []string
	err = h.until(ctx, h.punctual.Run, func() (bool, error) {
		text, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) {
			return false, nil
		}
		lines = strings.Split(strings.TrimSpace(string(text)), "\n")
		return len(lines) >= samples, err
	})
	if err != nil {
		return nil, err
	}
	var spans []float64
	for _, line := range lines {
		began, due, _ := strings.Cut(line, " ")
		nanoseconds, err := strconv.ParseInt(began, 10, 64)
		if err != nil {
			return nil, err
		}
		wasDue, err := time.Parse(time.RFC3339Nano, due)
		if err != nil {
			return nil, err
		}
		spans = append(spans, time.Unix(0, nanoseconds).Sub(wasDue).Seconds()*1000)
	}
	return spans, nil
}

// bareStarts are the same of a process that is started by nothing but exec.
func (h *house) bareStarts(samples int) ([]float64, error) {
	var spans []float64
	for i := range samples {
		file := filepath.Join(h.folder, fmt.Sprintf("bare-%d", i))
		before := time.Now()
		if err := exec.Command(h.child, file).Run(); err != nil {
			return nil, err
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		began, _, _ := strings.Cut(string(text), " ")
		nanoseconds, err := strconv.ParseInt(began, 10, 64)
		if err != nil {
			return nil, err
		}
		spans = append(spans, time.Unix(0, nanoseconds).Sub(before).Seconds()*1000)
	}
	return spans, nil
}

// span is how long a worker takes to run so many commands, output and history
// included, when all of them are queued already: from the instant at which the
// first is taken until the last has ended, as the database has it.
func (h *house) span(ctx context.Context, round, commands int) (time.Duration, error) {
	last, err := h.enqueue(ctx, round, commands)
	if err != nil {
		return 0, err
	}
	worker, err := process.Start(filepath.Join(h.folder, "worker.log"), filepath.Join(h.folder, "punctual"),
		"worker", "--quiet", "--database", h.address, "--concurrency", strconv.Itoa(atOnce))
	if err != nil {
		return 0, err
	}
	defer worker.Kill()
	reader := h.punctual.Store().Database().Reader()
	err = process.Until(ctx, 5*time.Minute, 100*time.Millisecond, []*process.Process{worker}, func() (bool, error) {
		// To count those that are left, ten times a second, would be a good part of
		// what is measured.
		var left int
		err := reader.QueryRow(ctx, `SELECT count(*) FROM (SELECT 1 FROM river_job
			WHERE state IN ('available', 'pending', 'retryable', 'running', 'scheduled') LIMIT 1) AS one`).Scan(&left)
		return left == 0, err
	})
	if err != nil {
		return 0, err
	}
	var began, ended time.Time
	if err := errors.Join(
		reader.QueryRow(ctx, "SELECT attempted_at FROM river_job WHERE id > $1 ORDER BY attempted_at LIMIT 1", last).Scan(&began),
		reader.QueryRow(ctx, "SELECT finalized_at FROM river_job WHERE id > $1 ORDER BY finalized_at DESC LIMIT 1", last).Scan(&ended),
	); err != nil {
		return 0, err
	}
	counts, err := h.punctual.Store().CountRuns(ctx, store.RunFilter{})
	if err == nil && counts["succeeded"] != (round+1)*commands {
		err = fmt.Errorf("of %d commands %d succeeded", (round+1)*commands, counts["succeeded"])
	}
	return ended.Sub(began), err
}

// enqueue has the clock queue so many commands, and returns the last job there was
// before them.
func (h *house) enqueue(ctx context.Context, round, commands int) (last int64, err error) {
	s := h.punctual.Store()
	reader := s.Database().Reader()
	if err := reader.QueryRow(ctx, "SELECT coalesce(max(id), 0) FROM river_job").Scan(&last); err != nil {
		return 0, err
	}
	now, err := s.Now(ctx)
	if err != nil {
		return 0, err
	}
	declared := make([]schedule.Declaration, commands)
	for i := range declared {
		declared[i] = schedule.Declaration{
			Key: fmt.Sprintf("echo-%d-%d", round, i), When: calendar.When{Expressions: []string{"once at " + schedule.FormatInstant(now.Add(20*time.Second).Truncate(time.Second))}},
			Job: schedule.Job{Run: &schedule.Command{Program: []string{"echo", "hello"}}},
		}
	}
	if err := h.declare(ctx, declared...); err != nil {
		return 0, err
	}
	return last, h.until(ctx, h.punctual.RunClock, func() (bool, error) {
		var n int
		err := reader.QueryRow(ctx, "SELECT count(*) FROM river_job WHERE id > $1", last).Scan(&n)
		return n == commands, err
	})
}

// bareSpan is the same without queue, database and history: processes whose
// output is captured, what goes to each stream apart, as many at once.
func bareSpan(commands int) (time.Duration, error) {
	todo := make(chan struct{}, commands)
	for range commands {
		todo <- struct{}{}
	}
	close(todo)
	faults := make(chan error, atOnce)
	began := time.Now()
	var loops sync.WaitGroup
	for range atOnce {
		loops.Go(func() {
			for range todo {
				var output, errors bytes.Buffer
				echo := exec.Command("echo", "hello")
				echo.Stdout, echo.Stderr = &output, &errors
				if err := echo.Run(); err != nil || output.String() != "hello\n" || errors.Len() > 0 {
					faults <- fmt.Errorf("echo wrote %q and %q: %v", output.String(), errors.String(), err)
					return
				}
			}
		})
	}
	loops.Wait()
	select {
	case err := <-faults:
		return 0, err
	default:
		return time.Since(began), nil
	}
}

// declare adds schedules whose runs may overlap.
func (h *house) declare(ctx context.Context, declared ...schedule.Declaration) error {
	for i := range declared {
		declared[i].Policies = schedule.DefaultPolicies()
		declared[i].Policies.Overlap = schedule.OverlapAllow
	}
	_, err := h.punctual.Store().Apply(ctx, declared, store.ApplyOptions{
		PlanOptions: schedule.PlanOptions{Owner: schedule.Owner{Kind: schedule.OwnerFile, Name: "bench"}}, Actor: "bench",
	})
	return err
}

// until runs a process until something has come, and stops it.
func (h *house) until(ctx context.Context, process func(context.Context) error, done func() (bool, error)) error {
	running, stop := context.WithTimeout(ctx, 5*time.Minute)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- process(running) }()
	for running.Err() == nil {
		ok, err := done()
		if err != nil {
			return err
		}
		if ok {
			stop()
			return <-ended
		}
		time.Sleep(100 * time.Millisecond)
	}
	return errors.Join(<-ended, running.Err())
}

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/punctual-dev/punctual"
	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/internal/pgtest"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

// childArgument makes this program a command that notes when it began.
const childArgument = "note-the-time"

// note appends this instant, and the due instant of its occurrence, to a file.
func note(path string) {
	now := time.Now()
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer file.Close()
	fmt.Fprintf(file, "%d %s\n", now.UnixNano(), os.Getenv("PUNCTUAL_DUE"))
}

// atOnce is how many commands run at the same time, in the worker and in the
// bare loop.
const atOnce = 10

// house is an empty database and a folder.
type house struct {
	punctual *punctual.Punctual
	server   *pgtest.Running // nil on SQLite
	folder   string
	program  string
}

func newHouse(ctx context.Context, kind string) (*house, error) {
	h := &house{}
	var err error
	if h.program, err = os.Executable(); err != nil {
		return nil, err
	}
	if h.folder, err = os.MkdirTemp("", "punctual-start-"); err != nil {
		return nil, err
	}
	address := "sqlite:" + filepath.Join(h.folder, "punctual.db")
	if kind == "postgres" {
		if h.server, err = pgtest.Launch(pgtest.Durable()); err != nil {
			return nil, err
		}
		address = h.server.URL()
	}
	h.punctual, err = punctual.Open(ctx, address, punctual.Logger(slog.New(slog.DiscardHandler)), punctual.Directory(h.folder), punctual.Concurrency(atOnce))
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
func (h *house) latency(ctx context.Context, g goals, samples int) ([]figure, error) {
	starts, err := h.starts(ctx, samples)
	if err != nil {
		return nil, err
	}
	bare, err := h.bareStarts(samples)
	if err != nil {
		return nil, err
	}
	line := func(name string, part float64, goal time.Duration) figure {
		limit := goal.Seconds() * 1000
		return figure{fmt.Sprintf("%s: due to first instruction, %s", g.kind, name), "ms", at(starts, part), at(bare, part), fmt.Sprintf("≤ %.0f ms", limit), at(starts, part) <= limit}
	}
	return []figure{line("p50", 0.5, g.p50), line("p99", 0.99, g.p99)}, nil
}

// throughput is how many commands a second are run.
func (h *house) throughput(ctx context.Context, g goals, commands int) ([]figure, error) {
	ours, err := h.rate(ctx, commands)
	if err != nil {
		return nil, err
	}
	floor, err := bareRate(commands)
	return []figure{{g.kind + ": commands a second", "commands/s", ours, floor, fmt.Sprintf("ratio ≤ %.1f", g.times), floor/ours <= g.times}}, err
}

// starts are how many milliseconds after they were due commands began.
func (h *house) starts(ctx context.Context, samples int) ([]float64, error) {
	file := filepath.Join(h.folder, "began")
	err := h.declare(ctx, schedule.Declaration{
		Key: "start", When: calendar.When{Expressions: []string{"every 250ms"}},
		Job: schedule.Job{Run: &schedule.Command{Program: []string{h.program, childArgument, file}}},
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
		if err := exec.Command(h.program, childArgument, file).Run(); err != nil {
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

// rate is how many commands a second a worker runs, output and history
// included, when all of them are queued already.
func (h *house) rate(ctx context.Context, commands int) (float64, error) {
	s := h.punctual.Store()
	now, err := s.Now(ctx)
	if err != nil {
		return 0, err
	}
	declared := make([]schedule.Declaration, commands)
	for i := range declared {
		declared[i] = schedule.Declaration{
			Key: fmt.Sprintf("echo-%d", i), When: calendar.When{Expressions: []string{"once at " + schedule.FormatInstant(now.Add(20*time.Second).Truncate(time.Second))}},
			Job: schedule.Job{Run: &schedule.Command{Program: []string{"echo", "hello"}}},
		}
	}
	if err := h.declare(ctx, declared...); err != nil {
		return 0, err
	}
	count := func(state string) func() (bool, error) {
		return func() (bool, error) {
			counts, err := s.CountRuns(ctx, store.RunFilter{})
			return counts[state] >= commands, err
		}
	}
	if err := h.until(ctx, h.punctual.RunClock, count("available")); err != nil {
		return 0, err
	}
	began, ended := time.Now(), time.Time{}
	err = h.until(ctx, h.punctual.RunWorker, func() (bool, error) {
		ended = time.Now()
		return count("succeeded")()
	})
	return float64(commands) / ended.Sub(began).Seconds(), err
}

// bareRate is the same without queue, database and history: processes whose
// output is captured, as many at once.
func bareRate(commands int) (float64, error) {
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
				if output, err := exec.Command("echo", "hello").CombinedOutput(); err != nil || !bytes.Equal(output, []byte("hello\n")) {
					faults <- fmt.Errorf("echo wrote %q: %v", output, err)
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
		return float64(commands) / time.Since(began).Seconds(), nil
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
		time.Sleep(50 * time.Millisecond)
	}
	return errors.Join(<-ended, running.Err())
}

// at is the value below which a part of the values lies.
func at(values []float64, part float64) float64 {
	values = slices.Sorted(slices.Values(values))
	return values[int(math.Ceil(part*float64(len(values))))-1]
}

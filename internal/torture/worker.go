package main

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"time"
)

// killWorker kills a worker while all its commands run, and measures how soon
// they run again elsewhere.
func killWorker(ctx context.Context, h *house, r *report) error {
	return worker(ctx, h, r, syscall.SIGKILL)
}

// freezeWorker stops a worker while all its commands run, until others have
// them, and lets it go on.
func freezeWorker(ctx context.Context, h *house, r *report) error {
	return worker(ctx, h, r, syscall.SIGSTOP)
}

// allowedBack is how soon the jobs of a lost worker have to run again.
const allowedBack = 30 * time.Second

func worker(ctx context.Context, h *house, r *report, cruelty syscall.Signal) error {
	if err := h.apply(ctx, once(h.jobs)); err != nil {
		return err
	}
	concurrency := fmt.Sprintf("--concurrency=%d", h.jobs)
	first, err := h.start("worker-1", "worker", "--quiet", concurrency)
	if err != nil {
		return err
	}
	if _, err := h.start("clock-1", "clock"); err != nil {
		return err
	}
	r.limit, r.disturbedLimit = 20*time.Second, 20*time.Second
	if err := h.until(ctx, time.Minute, "running", h.jobs); err != nil {
		return err
	}
	if _, err := h.start("worker-2", "worker", "--quiet", concurrency); err != nil {
		return err
	}
	// Who sweeps has to have been beating for as long as who is found dead.
	if err := wait(ctx, 22*time.Second); err != nil {
		return err
	}
	lost := time.Now()
	first.signal(cruelty)
	r.event(fmt.Sprintf("%s of a worker with %d commands running", cruelty, h.jobs))
	if err := h.until(ctx, time.Minute, "lost", h.jobs); err != nil {
		return err
	}
	back := time.Since(lost)
	r.event(fmt.Sprintf("all of them run again after %s", back.Round(100*time.Millisecond)))
	if back > allowedBack {
		r.fault("it took %s until all commands ran again; allowed are %s", back, allowedBack)
	}
	if cruelty == syscall.SIGSTOP {
		first.signal(syscall.SIGCONT)
		r.event("SIGCONT")
		ended := make(chan error, 1)
		go func() { ended <- first.cmd.Wait() }()
		select {
		case err := <-ended:
			r.event(fmt.Sprintf("the frozen worker ended: %v", err))
		case <-time.After(30 * time.Second):
			r.fault("the frozen worker did not end when it learnt that it had been taken for dead")
		}
	}
	if err := h.until(ctx, 2*time.Minute, "completed", h.jobs); err != nil {
		return err
	}
	r.event("all of them completed")
	return nil
}

// once declares n schedules that run a command of 40 seconds once.
func once(n int) string {
	var file strings.Builder
	at := time.Now().UTC().Add(8 * time.Second).Format("2006-01-02T15:04:05Z")
	file.WriteString("schedules:\n")
	for i := range n {
		fmt.Fprintf(&file, "  once-%04d:\n    when: %q\n    run: [\"sleep\", \"40\"]\n", i, "once at "+at)
	}
	return file.String()
}

// until waits until n jobs are in a state: running, completed, or lost, which is
// running again after an attempt that was lost.
func (h *house) until(ctx context.Context, limit time.Duration, state string, n int) error {
	query := "SELECT count(*) FROM river_job WHERE state = '" + state + "'"
	if state == "lost" {
		query = "SELECT count(*) FROM river_job WHERE state = 'running' AND array_length(errors, 1) = 1"
		if h.kind == "sqlite" {
			query = "SELECT count(*) FROM river_job WHERE state = 'running' AND json_array_length(json(errors)) = 1"
		}
	}
	found := 0
	for end := time.Now().Add(limit); time.Now().Before(end); {
		if err := h.db.QueryRowContext(ctx, query).Scan(&found); err != nil {
			return err
		}
		if found >= n {
			return nil
		}
		if err := wait(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	return fmt.Errorf("after %s %d jobs are %s, not %d", limit, found, state, n)
}

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"time"
)

// everySecond declares n schedules that run a command that takes no time.
func everySecond(n int, when string) string {
	var file strings.Builder
	file.WriteString("schedules:\n")
	for i := range n {
		fmt.Fprintf(&file, "  every-%03d:\n    when: %q\n    run: [\"true\"]\n    overlap: allow\n    catch_up: all\n", i, when)
	}
	return file.String()
}

// wait sleeps, or ends early with ctx.
func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// killClocks kills one of two clocks every few seconds and starts it again at
// once.
func killClocks(ctx context.Context, h *house, r *report) error {
	if err := h.apply(ctx, everySecond(20, "every 1s")); err != nil {
		return err
	}
	clocks, err := h.startAll()
	if err != nil {
		return err
	}
	r.limit = 2 * time.Second
	for end := time.Now().Add(h.kill); time.Now().Before(end); {
		if err := wait(ctx, 2*time.Second+rand.N(2*time.Second)); err != nil {
			return err
		}
		i := rand.IntN(len(clocks))
		killed := time.Now()
		clocks[i].kill()
		if clocks[i], err = h.start(clocks[i].name, "clock"); err != nil {
			return err
		}
		r.disturbed = append(r.disturbed, span{killed, time.Now().Add(time.Second)})
		r.event("kill -9 of " + clocks[i].name)
	}
	return nil
}

// freezeClock stops a clock while it holds a transaction, and lets it go after
// a while.
func freezeClock(ctx context.Context, h *house, r *report) error {
	if err := h.apply(ctx, everySecond(100, "every 200ms")); err != nil {
		return err
	}
	clocks, err := h.startAll()
	if err != nil {
		return err
	}
	r.limit, r.disturbedLimit = 5*time.Second, 5*time.Second
	if err := wait(ctx, 3*time.Second); err != nil {
		return err
	}
	frozen := clocks[0]
	for tries := 1; ; tries++ {
		frozen.signal(syscall.SIGSTOP)
		held, err := h.transactionHeld(ctx)
		if err != nil {
			return err
		}
		if held {
			r.event(fmt.Sprintf("SIGSTOP of %s in mid-transaction, at the %d. try, for %s", frozen.name, tries, h.freeze))
			break
		}
		frozen.signal(syscall.SIGCONT)
		if tries == 5000 {
			return fmt.Errorf("the clock was never found in a transaction")
		}
		if err := wait(ctx, rand.N(7*time.Millisecond)); err != nil {
			return err
		}
	}
	if err := wait(ctx, h.freeze); err != nil {
		return err
	}
	frozen.signal(syscall.SIGCONT)
	r.event("SIGCONT")
	return wait(ctx, 5*time.Second)
}

// transactionHeld says whether a session stands idle in a transaction that has
// written something, and goes on doing so.
func (h *house) transactionHeld(ctx context.Context) (bool, error) {
	for range 2 {
		var n int
		err := h.db.QueryRowContext(ctx, `SELECT count(*) FROM pg_stat_activity
			WHERE state = 'idle in transaction' AND application_name = 'punctual' AND backend_xid IS NOT NULL
			AND state_change < clock_timestamp() - interval '15 milliseconds'`).Scan(&n)
		if err != nil || n > 0 {
			return n > 0, err
		}
		if err := wait(ctx, 20*time.Millisecond); err != nil {
			return false, err
		}
	}
	return false, nil
}

// databaseAway crashes the server across an instant at which a hundred
// schedules are due.
func databaseAway(ctx context.Context, h *house, r *report) error {
	if err := h.apply(ctx, everySecond(100, "every 5s")); err != nil {
		return err
	}
	if _, err := h.startAll(); err != nil {
		return err
	}
	r.limit, r.disturbedLimit = 2*time.Second, h.away+4*time.Second
	now := time.Now()
	due := now.Truncate(5 * time.Second).Add(10 * time.Second)
	if err := wait(ctx, due.Add(-h.away/2).Sub(now)); err != nil {
		return err
	}
	down := time.Now()
	if err := h.server.Stop("immediate"); err != nil {
		return err
	}
	r.event(fmt.Sprintf("the server crashed %s before the due instant %s", time.Until(due).Round(time.Millisecond), due.UTC().Format(time.TimeOnly)))
	if err := wait(ctx, h.away); err != nil {
		return err
	}
	if err := h.server.Start(); err != nil {
		return err
	}
	r.event(fmt.Sprintf("the server is back after %s", time.Since(down).Round(time.Millisecond)))
	r.disturbed = append(r.disturbed, span{down, time.Now().Add(time.Second)})
	if err := wait(ctx, 12*time.Second); err != nil {
		return err
	}
	h.allAlive(r)
	return nil
}

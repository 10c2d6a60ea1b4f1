package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/punctual-dev/punctual/bench/figure"
	"github.com/punctual-dev/punctual/schedule"
)

const (
	spreadSchedules = 20_000
	spreadEvery     = 20 * time.Second // so that a thousand are due a second
)

// spreads measures a thousand occurrences a second, each due at an instant of its
// own, among few and among many other schedules.
func spreads(ctx context.Context, kind string, size sizes) (all []figure.Figure, err error) {
	for _, among := range size.spreadAmong {
		late, share, err := spread(ctx, kind, among, time.Duration(size.spreadSeconds)*time.Second)
		if err != nil {
			return nil, err
		}
		name := fmt.Sprintf("%s: 1,000 a second among %s", kind, grouped(among))
		p99, earliest := figure.At(late, 0.99), late[0]
		all = append(all,
			figure.Figure{What: name + ", lateness p50", Unit: "ms", Ours: figure.At(late, 0.5)},
			figure.Figure{What: name + ", lateness p99", Unit: "ms", Ours: p99, Goal: "≤ 30 ms, never early", Met: p99 <= 30 && earliest >= 0},
			figure.Figure{What: name + ", of a core for the clock", Unit: "%", Ours: 100 * share, Goal: "≤ 20 %", Met: share <= 0.2},
		)
	}
	return all, nil
}

// spread is how many milliseconds late each occurrence was decided, sorted, and
// which part of a core the clock took.
func spread(ctx context.Context, kind string, among int, length time.Duration) (late []float64, share float64, err error) {
	h, err := openHouse(ctx, kind)
	if err != nil {
		return nil, 0, err
	}
	defer h.close()
	if err := h.spreadOut(ctx, among); err != nil {
		return nil, 0, err
	}
	if err := h.startClocks(ctx, 1); err != nil {
		return nil, 0, err
	}
	// The first round is not measured: the schedules are spread by it.
	time.Sleep(spreadEvery + 5*time.Second)
	from := time.Now()
	before, err := h.busy()
	if err != nil {
		return nil, 0, err
	}
	time.Sleep(length)
	after, err := h.busy()
	if err != nil {
		return nil, 0, err
	}
	to := time.Now()
	late, err = h.lateness(ctx, from, to)
	if least := int(0.95 * length.Seconds() * spreadSchedules / spreadEvery.Seconds()); err == nil && len(late) < least {
		err = fmt.Errorf("only %d occurrences were decided, not %d", len(late), least)
	}
	return late, (after - before).Seconds() / to.Sub(from).Seconds(), err
}

// spreadOut makes the schedules that are measured and those among which they are.
func (h *house) spreadOut(ctx context.Context, among int) error {
	err := h.declare(ctx, "spread", "every 20s", func(d *schedule.Declaration) {
		d.Jitter = spreadEvery
		d.Policies.Overlap = schedule.OverlapAllow
	})
	if err != nil {
		return err
	}
	if err := h.copies(ctx, "spread", spreadSchedules-1); err != nil {
		return err
	}
	if among <= spreadSchedules {
		return nil
	}
	return h.atRest(ctx, among-spreadSchedules)
}

// atRest makes schedules that are not due for months.
func (h *house) atRest(ctx context.Context, n int) error {
	if err := h.declare(ctx, "rest", "every 8760h from 2020-01-01T00:00:00Z", nil); err != nil {
		return err
	}
	return h.copies(ctx, "rest", n-1)
}

// lateness is how many milliseconds after its due each decision was written that
// was due in a span, sorted.
func (h *house) lateness(ctx context.Context, from, to time.Time) ([]float64, error) {
	rows, err := h.db.Reader().Query(ctx, "SELECT due_at, decided_at FROM punctual_occurrence WHERE due_at >= $1 AND due_at < $2 AND decision = 'enqueued'", from, to)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []float64
	for rows.Next() {
		var due, decided time.Time
		if err := rows.Scan(&due, &decided); err != nil {
			return nil, err
		}
		all = append(all, decided.Sub(due).Seconds()*1000)
	}
	slices.Sort(all)
	if len(all) == 0 && rows.Err() == nil {
		return nil, fmt.Errorf("nothing was decided")
	}
	return all, rows.Err()
}

package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/punctual-dev/punctual/bench/figure"
	"github.com/punctual-dev/punctual/bench/house"
)

// spreads measures a thousand occurrences a second, each due at an instant of its
// own, among few and among many other schedules.
func spreads(ctx context.Context, kind string, size sizes) (all []figure.Figure, err error) {
	floor, floorShare, err := floorLateness(ctx, kind, time.Duration(size.spreadSeconds)*time.Second)
	if err != nil {
		return nil, err
	}
	for _, among := range size.spreadAmong {
		late, share, err := spread(ctx, kind, among, time.Duration(size.spreadSeconds)*time.Second)
		if err != nil {
			return nil, err
		}
		name := fmt.Sprintf("%s: 1,000 a second among %s", kind, figure.Grouped(among))
		p99, earliest := figure.At(late, 0.99), late[0]
		all = append(all,
			figure.Figure{What: name + ", lateness p50", Unit: "ms", Ours: figure.At(late, 0.5), Beside: figure.At(floor, 0.5), Peer: "raw SQL"},
			figure.Figure{What: name + ", lateness p99", Unit: "ms", Ours: p99, Beside: figure.At(floor, 0.99), Peer: "raw SQL", Goal: "≤ 30 ms, never early", Met: p99 <= 30 && earliest >= 0},
			figure.Figure{What: name + ", of a core for the clock", Unit: "%", Ours: 100 * share, Beside: 100 * floorShare, Peer: "raw SQL", Goal: "≤ 20 %", Met: share <= 0.2},
		)
	}
	return all, nil
}

// spread is how many milliseconds late each occurrence was decided, sorted, and
// which part of a core the clock took.
func spread(ctx context.Context, kind string, among int, length time.Duration) (late []float64, share float64, err error) {
	h, err := house.Open(ctx, kind, programs)
	if err != nil {
		return nil, 0, err
	}
	defer h.Close()
	if err := h.SpreadOut(ctx, house.SpreadSchedules, house.SpreadEvery, among); err != nil {
		return nil, 0, err
	}
	if err := h.StartClocks(ctx, 1); err != nil {
		return nil, 0, err
	}
	// The first round is not measured: the schedules are spread by it, all of them at
	// once, which takes seconds.
	time.Sleep(house.SpreadEvery + 15*time.Second)
	from := time.Now()
	before, err := h.Busy()
	if err != nil {
		return nil, 0, err
	}
	time.Sleep(length)
	after, err := h.Busy()
	if err != nil {
		return nil, 0, err
	}
	to := time.Now()
	late, err = lateness(ctx, h, from, to)
	if least := int(0.95 * length.Seconds() * house.SpreadSchedules / house.SpreadEvery.Seconds()); err == nil && len(late) < least {
		err = fmt.Errorf("only %d occurrences were decided, not %d", len(late), least)
	}
	return late, (after - before).Seconds() / to.Sub(from).Seconds(), err
}

// lateness is how many milliseconds after its due each decision was written that
// was due in a span, sorted.
func lateness(ctx context.Context, h *house.House, from, to time.Time) ([]float64, error) {
	rows, err := h.DB.Reader().Query(ctx, "SELECT due_at, decided_at FROM punctual_occurrence WHERE due_at >= $1 AND due_at < $2 AND decision = 'enqueued'", from, to)
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

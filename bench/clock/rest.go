package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/punctual-dev/punctual/bench/figure"
	"github.com/punctual-dev/punctual/bench/house"
	"github.com/punctual-dev/punctual/bench/process"
	"github.com/punctual-dev/punctual/schedule"
)

// rest measures a clock with very many schedules of which none is due, and how
// soon an edit of one takes effect.
func rest(ctx context.Context, kind string, size sizes) ([]figure.Figure, error) {
	h, err := house.Open(ctx, kind, programs)
	if err != nil {
		return nil, err
	}
	defer h.Close()
	if err := h.AtRest(ctx, size.atRest); err != nil {
		return nil, err
	}
	ready, err := untilReady(ctx, h)
	if err != nil {
		return nil, err
	}
	const length = 20 * time.Second
	before, err := h.Busy()
	if err != nil {
		return nil, err
	}
	floor, err := floorAtRest(ctx, h, length)
	if err != nil {
		return nil, err
	}
	after, err := h.Busy()
	if err != nil {
		return nil, err
	}
	memory, err := h.Clocks[0].Memory("VmRSS")
	if err != nil {
		return nil, err
	}
	edits, err := edit(ctx, h, 20)
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("%s: %s schedules, none due", kind, figure.Grouped(size.atRest))
	share := 100 * (after - before).Seconds() / length.Seconds()
	effect := edits[len(edits)-1]
	return []figure.Figure{
		{What: name + ", ready", Unit: "s", Ours: ready.Seconds(), Goal: "≤ 2 s", Met: ready <= 2*time.Second},
		{What: name + ", resident memory of the clock", Unit: "MB", Ours: memory, Goal: "≤ 40 MB", Met: memory <= 40},
		{What: name + ", of a core", Unit: "%", Ours: share, Beside: floor, Peer: "raw questions", Goal: "≤ 1 %", Met: share <= 1},
		{What: name + ", an edit takes effect, worst of 20", Unit: "ms", Ours: effect, Goal: "≤ 100 ms", Met: effect <= 100},
	}, nil
}

// floorAtRest is which part of a core, in percent, this process takes in a while in
// which it does the least that lets it hear of a change by another, even if a hint
// was lost: it asks the database something once a second.
func floorAtRest(ctx context.Context, h *house.House, length time.Duration) (float64, error) {
	before, err := process.OwnBusy()
	if err != nil {
		return 0, err
	}
	asks := time.NewTicker(time.Second)
	defer asks.Stop()
	for end := time.Now().Add(length); time.Now().Before(end); {
		<-asks.C
		if _, err := h.Number(ctx, "SELECT version FROM punctual_change WHERE id = 1"); err != nil {
			return 0, err
		}
	}
	after, err := process.OwnBusy()
	return 100 * (after - before).Seconds() / length.Seconds(), err
}

// untilReady is how long after its start a clock has decided what was due already.
func untilReady(ctx context.Context, h *house.House) (time.Duration, error) {
	due := time.Now().Add(2 * time.Second).Truncate(time.Second)
	if err := h.Declare(ctx, "first", "once at "+schedule.FormatInstant(due), nil); err != nil {
		return 0, err
	}
	time.Sleep(time.Until(due))
	began := time.Now()
	if err := h.StartClocks(ctx, 1); err != nil {
		return 0, err
	}
	err := h.Until(ctx, time.Minute, closely, func() (bool, error) {
		rows, err := h.Number(ctx, "SELECT count(*) FROM punctual_occurrence")
		return rows == 1, err
	})
	return time.Since(began), err
}

// edit makes one of the schedules due soon, again and again. Each time the clock
// sleeps, with nothing due for months, and is to decide the new instant as soon
// as it comes. It returns by how many milliseconds that came late, sorted.
func edit(ctx context.Context, h *house.House, n int) (late []float64, err error) {
	for i := range n {
		when := fmt.Sprintf("every %dms", 200+10*i)
		asked := time.Now()
		if err := h.Declare(ctx, "rest", when, nil); err != nil {
			return nil, err
		}
		declared := time.Now()
		var due, decided time.Time
		err := h.Until(ctx, 10*time.Second, closely, func() (bool, error) {
			rows, err := h.DB.Reader().Query(ctx, "SELECT due_at, decided_at FROM punctual_occurrence WHERE due_at > $1 ORDER BY id LIMIT 1", asked)
			if err != nil {
				return false, err
			}
			defer rows.Close()
			if !rows.Next() {
				return false, rows.Err()
			}
			return true, rows.Scan(&due, &decided)
		})
		if err != nil {
			return nil, err
		}
		if due.Before(declared) {
			due = declared // the clock cannot have known of it before
		}
		late = append(late, decided.Sub(due).Seconds()*1000)
		if err := h.Declare(ctx, "rest", "every 8760h from 2020-01-01T00:00:00Z", nil); err != nil {
			return nil, err
		}
		time.Sleep(300 * time.Millisecond) // until the clock sleeps again
	}
	slices.Sort(late)
	return late, nil
}

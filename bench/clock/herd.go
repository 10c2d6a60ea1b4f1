package main

import (
	"context"
	"fmt"
	"time"

	"github.com/punctual-dev/punctual/bench/figure"
	"github.com/punctual-dev/punctual/bench/house"
)

// herd is how a crowd that is due at one instant became durable.
type herd struct {
	first, half, last time.Duration // after due
	memory            float64       // of a clock, at most, MB
	clocks, server    time.Duration // computed by then
}

// How often the database is asked whether all are there.
const (
	closely = 4 * time.Millisecond
	seldom  = 20 * time.Millisecond
	few     = 10_000 // take little longer than that, and are looked at more often
)

// lastRow is the number of the newest row. Rows are numbered from one, without gaps as
// long as nothing is undone.
const lastRow = "SELECT coalesce(max(id), 0) FROM punctual_occurrence"

// herds measures crowds, beside raw SQL that writes the same rows.
func herds(ctx context.Context, kind string, size sizes) (all []figure.Figure, err error) {
	goal := map[string]float64{"postgres": 1.3, "sqlite": 1.8}[kind]
	for _, n := range size.herds {
		one, err := runHerd(ctx, kind, n, 1)
		if err != nil {
			return nil, err
		}
		floor, server, err := floorOf(ctx, kind, n)
		if err != nil {
			return nil, err
		}
		ours, raw := one.last.Seconds(), floor.Seconds()
		all = append(all,
			figure.Figure{
				What: fmt.Sprintf("%s: herd of %s, until the last job is durable", kind, figure.Grouped(n)), Unit: "s", Ours: ours, Beside: raw, Peer: "raw SQL",
				Goal: fmt.Sprintf("ratio ≤ %.1f", goal), Met: ours/raw <= goal,
			},
			figure.Figure{What: fmt.Sprintf("%s: herd of %s, first job durable", kind, figure.Grouped(n)), Unit: "ms", Ours: 1000 * one.first.Seconds(), Goal: "≤ 50 ms", Met: one.first <= 50*time.Millisecond},
			figure.Figure{What: fmt.Sprintf("%s: herd of %s, half of the jobs durable", kind, figure.Grouped(n)), Unit: "s", Ours: one.half.Seconds()},
			figure.Figure{What: fmt.Sprintf("%s: herd of %s, most memory of the clock", kind, figure.Grouped(n)), Unit: "MB", Ours: one.memory},
		)
		if kind != "postgres" {
			continue
		}
		all = append(all,
			figure.Figure{
				What: fmt.Sprintf("%s: herd of %s, of the processors' time for the server", kind, figure.Grouped(n)), Unit: "s",
				Ours: one.server.Seconds(), Beside: server.Seconds(), Peer: "raw SQL",
			},
			figure.Figure{What: fmt.Sprintf("%s: herd of %s, of the processors' time for the clock", kind, figure.Grouped(n)), Unit: "s", Ours: one.clocks.Seconds()},
		)
		two, err := runHerd(ctx, kind, n, 2)
		if err != nil {
			return nil, err
		}
		all = append(all, figure.Figure{
			What: fmt.Sprintf("%s: herd of %s, two clocks", kind, figure.Grouped(n)), Unit: "s", Ours: two.last.Seconds(), Beside: ours, Peer: "one clock",
			Goal: "ratio ≤ 0.9", Met: two.last.Seconds()/ours <= 0.9,
		})
	}
	return all, nil
}

// runHerd makes a number of schedules due at one instant, and watches clocks decide them.
func runHerd(ctx context.Context, kind string, number, clocks int) (found herd, err error) {
	h, due, err := house.Crowd(ctx, kind, programs, number, house.CommitTimes)
	if err != nil {
		return found, err
	}
	defer h.Close()
	if err := h.StartClocks(ctx, clocks); err != nil {
		return found, err
	}
	if wait := time.Until(due) - time.Second; wait < 0 {
		return found, fmt.Errorf("%d clocks were ready only %s after the herd was due", clocks, -wait)
	}
	time.Sleep(time.Until(due))
	clocksBefore, err := h.Busy()
	if err != nil {
		return found, err
	}
	serverBefore, err := h.ServerBusy(ctx)
	if err != nil {
		return found, err
	}
	watch := found.watchRows
	if kind == "postgres" {
		watch = found.readCommits
	}
	if err := watch(ctx, h, due, number); err != nil {
		return found, err
	}
	if found.clocks, err = h.Busy(); err != nil {
		return found, err
	}
	if found.server, err = h.ServerBusy(ctx); err != nil {
		return found, err
	}
	found.clocks, found.server = found.clocks-clocksBefore, found.server-serverBefore
	if found.memory, err = h.Clocks[0].Memory("VmHWM"); err != nil {
		return found, err
	}
	return found, h.Exactly(ctx, number)
}

// readCommits has the server say when the jobs were durable, once they all are. To
// ask it often meanwhile would be work that it does for the clock alone, and not for the
// floor. The instants are taken just before a commit goes to the disk.
func (found *herd) readCommits(ctx context.Context, h *house.House, due time.Time, number int) error {
	err := h.Until(ctx, 10*time.Minute, seldom, func() (bool, error) {
		n, err := h.Number(ctx, lastRow)
		if n < int64(number) || err != nil {
			return false, err
		}
		// Several write at once: a lower number may come after the last.
		n, err = h.Number(ctx, "SELECT count(*) FROM punctual_occurrence")
		return n >= int64(number), err
	})
	if err != nil {
		return err
	}
	var first, half, last time.Time
	err = h.DB.Reader().QueryRow(ctx, house.CommitMoments("punctual_occurrence")).Scan(&first, &half, &last)
	found.first, found.half, found.last = first.Sub(due), half.Sub(due), last.Sub(due)
	return err
}

// watchRows looks at a file again and again, which takes little.
func (found *herd) watchRows(ctx context.Context, h *house.House, due time.Time, number int) error {
	rows := func() (n int64, after time.Duration, err error) {
		n, err = h.Number(ctx, lastRow)
		return n, time.Since(due), err
	}
	err := h.Until(ctx, time.Minute, closely, func() (bool, error) {
		n, after, err := rows()
		found.first = after
		return n > 0, err
	})
	if err != nil {
		return err
	}
	looks := seldom
	if number <= few {
		looks = closely
	}
	return h.Until(ctx, 10*time.Minute, looks, func() (bool, error) {
		n, after, err := rows()
		if n >= int64(number)/2 && found.half == 0 {
			found.half = after
		}
		found.last = after
		return n >= int64(number), err
	})
}

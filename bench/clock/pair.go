package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/punctual-dev/punctual/bench/figure"
	"github.com/punctual-dev/punctual/bench/house"
	"github.com/punctual-dev/punctual/schedule"
)

// pair measures what a second clock costs the database, and the gap that a killed
// one leaves.
func pair(ctx context.Context, kind string, size sizes) (all []figure.Figure, err error) {
	length := time.Duration(size.pairSeconds) * time.Second
	if kind == "postgres" {
		one, two, err := databaseTime(ctx, kind, length)
		if err != nil {
			return nil, err
		}
		all = append(all, figure.Figure{
			What: kind + ": 1,000 a second, the database's time with two clocks", Unit: "ms a second", Ours: two, Beside: one, Peer: "with one",
			Goal: "ratio ≤ 1.1", Met: two/one <= 1.1,
		})
	}
	gap, err := killed(ctx, kind, length)
	return append(all, figure.Figure{What: kind + ": one of two clocks is killed, longest gap", Unit: "ms", Ours: gap, Goal: "≤ 1,000 ms", Met: gap <= 1000}), err
}

// databaseTime is how many milliseconds a second the server's sessions were busy
// under a spread load, with one clock and with two. They take turns on one database,
// since no machine is equally quiet all the time.
func databaseTime(ctx context.Context, kind string, length time.Duration) (one, two float64, err error) {
	h, err := house.Open(ctx, kind, programs)
	if err != nil {
		return 0, 0, err
	}
	defer h.Close()
	if err := h.SpreadOut(ctx, house.SpreadSchedules, house.SpreadEvery, 0); err != nil {
		return 0, 0, err
	}
	if err := h.StartClocks(ctx, 1); err != nil {
		return 0, 0, err
	}
	time.Sleep(house.SpreadEvery + 5*time.Second)
	for range databaseTurns {
		alone, err := sessionsBusy(ctx, h, length/databaseTurns)
		if err != nil {
			return 0, 0, err
		}
		if err := h.StartClocks(ctx, 1); err != nil {
			return 0, 0, err
		}
		time.Sleep(settle)
		together, err := sessionsBusy(ctx, h, length/databaseTurns)
		if err != nil {
			return 0, 0, err
		}
		h.Clocks[1].Stop()
		h.Clocks = h.Clocks[:1]
		time.Sleep(settle)
		one, two = one+alone/databaseTurns, two+together/databaseTurns
	}
	return one, two, nil
}

const (
	databaseTurns = 4
	// settle is how long clocks take to hear of one more or less, and the server to
	// count what the one did.
	settle = 4 * time.Second
)

// sessionsBusy is how many milliseconds a second the server's sessions are at work.
func sessionsBusy(ctx context.Context, h *house.House, length time.Duration) (float64, error) {
	active := func() (total float64, err error) {
		err = h.DB.Reader().QueryRow(ctx, "SELECT active_time FROM pg_stat_database WHERE datname = current_database()").Scan(&total)
		return total, err
	}
	before, err := active()
	if err != nil {
		return 0, err
	}
	time.Sleep(length)
	after, err := active()
	return (after - before) / length.Seconds(), err
}

// killed is the latest decision, in milliseconds, of schedules due every second
// while one of two clocks is killed.
func killed(ctx context.Context, kind string, length time.Duration) (float64, error) {
	h, err := house.Open(ctx, kind, programs)
	if err != nil {
		return 0, err
	}
	defer h.Close()
	if err := h.Declare(ctx, "tick", "every 1s", func(d *schedule.Declaration) { d.Policies.Overlap = schedule.OverlapAllow }); err != nil {
		return 0, err
	}
	if err := h.Copies(ctx, "tick", 19); err != nil {
		return 0, err
	}
	if err := h.StartClocks(ctx, 2); err != nil {
		return 0, err
	}
	from := time.Now()
	for end := from.Add(length); time.Now().Before(end); {
		// Now this, now that one, around the instant of a second.
		time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(3*time.Second + 2*time.Millisecond)))
		h.Clocks[0].Kill()
		h.Clocks = h.Clocks[1:]
		if err := h.StartClocks(ctx, 1); err != nil {
			return 0, err
		}
		if len(h.Clocks) != 2 {
			return 0, fmt.Errorf("there are %d clocks, not two", len(h.Clocks))
		}
	}
	gap, seen, err := worst(ctx, h, "tick%", from, time.Now().Add(-2*time.Second))
	if err == nil && seen == 0 {
		err = errors.New("nothing was decided after the clock was killed")
	}
	return gap, err
}

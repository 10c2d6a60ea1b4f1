package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/punctual-dev/punctual/bench/figure"
)

// steady is how schedules were served that are due one after the other.
type steady struct {
	late    []float64 // milliseconds, sorted
	missing int       // not made even a while after the end
	share   float64   // of a core, for the scheduler
}

// patience is how long is waited for those that come late.
const patience = 3 * time.Second

// spreads measures a thousand occurrences a second, each due at an instant of its
// own.
func spreads(ctx context.Context, size sizes) (all []figure.Figure, err error) {
	ours, err := runSpread(ctx, oneClock, size)
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("%s a second among %s", figure.Grouped(int(float64(size.spread)/size.every.Seconds())), figure.Grouped(size.spread))
	if ours.missing > 0 {
		return nil, fmt.Errorf("our own clock made %d too few", ours.missing)
	}
	for _, peer := range []scheduler{river, cron} {
		theirs, err := runSpread(ctx, peer, size)
		if err != nil {
			return nil, err
		}
		add := func(what, unit string, ours, beside float64) {
			all = append(all, figure.Figure{What: name + ": " + what, Unit: unit, Ours: ours, Beside: beside, Peer: peer.name})
		}
		add("lateness p50", "ms", figure.At(ours.late, 0.5), figure.At(theirs.late, 0.5))
		add("lateness p99", "ms", figure.At(ours.late, 0.99), figure.At(theirs.late, 0.99))
		add("latest", "ms", figure.At(ours.late, 1), figure.At(theirs.late, 1))
		add("earliest, before it is due", "ms", max(0, -ours.late[0]), max(0, -theirs.late[0]))
		last := &all[len(all)-1]
		last.Goal, last.Met = "0: never early", ours.late[0] >= 0
		add("of a core", "%", 100*ours.share, 100*theirs.share)
		if theirs.missing > 0 {
			add("not made", "", 0, float64(theirs.missing))
		}
	}
	return all, nil
}

// runSpread lets a scheduler run for a while, of which the first part is not
// measured.
func runSpread(ctx context.Context, who scheduler, size sizes) (found steady, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s: %w", who.name, err)
		}
	}()
	s, err := who.spread(ctx, size.spread, size.every)
	if err != nil {
		return found, err
	}
	defer s.close()
	time.Sleep(time.Until(s.due) + size.warm)
	from, before, err := s.busy()
	if err != nil {
		return found, err
	}
	time.Sleep(size.length)
	to, after, err := s.busy()
	if err != nil {
		return found, err
	}
	time.Sleep(patience)
	if found.late, err = s.lateness(ctx, from, to); err != nil {
		return found, err
	}
	if len(found.late) == 0 {
		return found, fmt.Errorf("no jobs were made")
	}
	// At either end one more or less may be due.
	if due := int(to.Sub(from).Seconds() * float64(size.spread) / size.every.Seconds()); len(found.late) < due*99/100 {
		found.missing = due - len(found.late)
	}
	found.share = (after - before).Seconds() / to.Sub(from).Seconds()
	fmt.Fprintf(os.Stderr, "%s, %d spread: p50 %.1f, p99 %.1f, earliest %.1f, latest %.1f ms, %.1f %% of a core, %d not made\n", who.name, size.spread,
		figure.At(found.late, 0.5), figure.At(found.late, 0.99), found.late[0], figure.At(found.late, 1), 100*found.share, found.missing)
	return found, nil
}

// busy is how long the processes have computed until when.
func (s *stage) busy() (now time.Time, total time.Duration, err error) {
	for _, p := range s.processes {
		one, err := p.Busy()
		if err != nil {
			return now, 0, err
		}
		total += one
	}
	return time.Now(), total, nil
}

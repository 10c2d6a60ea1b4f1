package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/punctual-dev/punctual/bench/figure"
)

// crowd is how jobs that were due at one instant became durable.
type crowd struct {
	seen              time.Duration // by another connection, the first
	first, half, last time.Duration // committed, after due
	lost              int
	memory            float64 // of a process, at most, MB
}

// herds measures crowds that are due at one instant.
func herds(ctx context.Context, size sizes) (all []figure.Figure, err error) {
	for _, n := range size.herds {
		one, commit, err := runHerd(ctx, oneClock, n)
		if err != nil {
			return nil, err
		}
		two, _, err := runHerd(ctx, twoClocks, n)
		if err != nil {
			return nil, err
		}
		if one.lost+two.lost > 0 {
			return nil, fmt.Errorf("our own clocks lost %d and %d of %d", one.lost, two.lost, n)
		}
		name := "herd of " + figure.Grouped(n)
		all = append(all,
			figure.Figure{What: name + ": first job seen by another connection", Unit: "ms", Ours: milliseconds(one.seen), Goal: "≤ 50 ms", Met: one.seen <= 50*time.Millisecond},
			figure.Figure{What: name + ": a transaction of one row on its server, p50", Unit: "ms", Ours: commit},
		)
		for _, peer := range []scheduler{river, cron, asynqAsItComes, asynqDurable} {
			theirs, _, err := runHerd(ctx, peer, n)
			if err != nil {
				return nil, err
			}
			all = append(all, beside(name, peer.name, n, one, two, theirs)...)
		}
	}
	return all, nil
}

// fewest is from how many on a herd has goals: a few thousand are over before it
// matters.
const fewest = 10_000

// beside is what we did beside what a peer did. The goals are of River, which
// makes the same jobs in the same database.
func beside(name, peer string, n int, one, two, theirs crowd) (all []figure.Figure) {
	add := func(what, unit string, ours, beside float64, goal string, most float64) {
		f := figure.Figure{What: name + ": " + what, Unit: unit, Ours: ours, Beside: beside, Peer: peer}
		if peer == river.name && goal != "" && n >= fewest {
			f.Goal, f.Met = goal, beside > 0 && ours/beside <= most
		}
		all = append(all, f)
	}
	if theirs.lost > 0 {
		add("jobs lost", "", 0, float64(theirs.lost), "", 0)
	}
	if theirs.lost < n {
		add("first job, one clock", "ms", milliseconds(one.first), milliseconds(theirs.first), "", 0)
		if peer == river.name {
			add("half of the jobs, one clock; beside its first", "ms", milliseconds(one.half), milliseconds(theirs.first), "ratio ≤ 1", 1)
		}
		add("half of the jobs, one clock", "s", one.half.Seconds(), theirs.half.Seconds(), "", 0)
		add("last job, one clock", "s", one.last.Seconds(), theirs.last.Seconds(), "", 0)
		add("last job, two clocks", "s", two.last.Seconds(), theirs.last.Seconds(), "ratio ≤ 1.1", 1.1)
	}
	add("most memory", "MB", one.memory, theirs.memory, "ratio ≤ 0.1", 0.1)
	return all
}

func milliseconds(d time.Duration) float64 { return 1000 * d.Seconds() }

// runHerd makes n schedules due at one instant, and watches their jobs come.
func runHerd(ctx context.Context, who scheduler, n int) (found crowd, commit float64, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s, %d at once: %w", who.name, n, err)
		}
	}()
	s, err := who.crowd(ctx, n)
	if err != nil {
		return found, 0, err
	}
	defer s.close()
	time.Sleep(time.Until(s.due) - 200*time.Millisecond) // some are early
	looks, err := s.watch(ctx, n)
	if err != nil {
		return found, 0, err
	}
	m, err := s.moments(ctx, looks)
	if err != nil {
		return found, 0, err
	}
	if m.jobs > n {
		return found, 0, fmt.Errorf("%d jobs were made", m.jobs)
	}
	found.lost = n - m.jobs
	found.first, found.half, found.last = m.first.Sub(s.due), m.half.Sub(s.due), m.last.Sub(s.due)
	if len(looks) > 0 {
		found.seen = looks[0].at.Sub(s.due)
	}
	for _, p := range s.processes {
		memory, err := p.Memory("VmHWM")
		if err != nil {
			return found, 0, err
		}
		found.memory = max(found.memory, memory)
	}
	if p, ok := s.queue.(postgres); ok {
		commit, err = p.commit(ctx)
	}
	fmt.Fprintf(os.Stderr, "%s, %d at once: first %s (seen %s), half %s, last %s, lost %d, %.1f MB\n", who.name, n, found.first, found.seen, found.half, found.last, found.lost, found.memory)
	return found, commit, err
}

// manyRows is longer than a look takes over few rows, even on a busy machine.
const manyRows = 10 * time.Millisecond

// watch looks until n jobs are there, or nothing more comes. It notes each look
// that saw more than the one before. Where a look takes long, as it does over many
// rows that are not committed, it rests for longer, so as not to take the processor
// from what it measures.
func (s *stage) watch(ctx context.Context, n int) (looks []look, err error) {
	latest := look{at: s.due}
	for latest.jobs < n && time.Since(latest.at) < s.patience() {
		began := time.Now()
		jobs, err := s.jobs(ctx)
		if err != nil {
			return nil, err
		}
		now := time.Now()
		if jobs > latest.jobs {
			latest = look{now, jobs}
			looks = append(looks, latest)
		}
		rest := 2 * time.Millisecond
		if took := now.Sub(began); took > manyRows {
			rest = 10 * took
		}
		time.Sleep(rest)
	}
	if _, ok := s.queue.(postgres); ok {
		time.Sleep(time.Second) // for numbers that are seen out of turn
	}
	return looks, nil
}

package storetest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

// race runs functions at once and waits for all of them.
func race(all ...func()) {
	var ready, done sync.WaitGroup
	ready.Add(len(all))
	for _, one := range all {
		done.Go(func() {
			ready.Done()
			ready.Wait()
			one()
		})
	}
	done.Wait()
}

var raceTests = []test{
	{"nothing is enqueued behind a pause's back, however they race", func(h *house) {
		h.apply(tagged("a_1", "x_y"))
		other := h.open(database.Options{})
		for round := range 24 {
			target := targets[round%len(targets)]
			h.advance(time.Hour)
			b := h.one()
			var after int
			race(
				func() { commitOf(h, other, b) },
				func() {
					if _, err := h.Pause(h.ctx(), target, time.Time{}, "", me); err != nil {
						h.Error(err)
					}
					after = h.number("SELECT count(*) FROM river_job")
				},
			)
			if now := h.number("SELECT count(*) FROM river_job"); now != after {
				h.Fatalf("round %d: %d jobs when the pause of %s held, %d later", round, after, target, now)
			}
			h.tick()
			h.end()
			h.resume(target)
		}
		equal(h, "decisions", h.number("SELECT count(*) FROM punctual_occurrence"), 24)
	}},
	{"many edits at once need no more connections than there are", func(h *house) {
		h.setTime(time.Now().Truncate(time.Second)) // the database's clock is asked for
		h.apply(many(8, "every 1d")...)
		s := h.openInRealTime(database.Options{MaxConnections: 2})
		ctx, cancel := context.WithTimeout(h.ctx(), 20*time.Second)
		defer cancel()
		try := func(err error) {
			if err != nil {
				h.Error(err)
			}
		}
		var all []func()
		for i := range 8 {
			key := fmt.Sprintf("s%03d", i)
			all = append(all,
				func() { try(errorOf(s.Pause(ctx, store.Target{Key: key}, time.Time{}, "", me))) },
				func() { try(errorOf(s.SkipNext(ctx, key, me))) },
				func() { try(errorOf(s.Trigger(ctx, key, store.TriggerOptions{Force: true, Actor: me}))) },
				func() { try(errorOf(s.CopyOutcomes(ctx))) },
				func() { try(errorOf(s.Beat(ctx, store.Process{ID: key, Role: "clock"}))) },
				func() { try(errorOf(s.Rewind(ctx))) },
			)
		}
		race(all...)
	}},
	{"two who apply the same at once agree", func(h *house) {
		all := many(10, "hourly at :00")
		other := h.open(database.Options{})
		backwards := slices.Clone(all)
		slices.Reverse(backwards)
		for round := range 5 {
			for i := range all {
				all[i].Description, backwards[i].Description = fmt.Sprint("this way ", round), fmt.Sprint("that way ", round)
			}
			apply := func(s *store.Store, declared []schedule.Declaration) func() {
				return func() {
					if _, err := s.Apply(h.ctx(), declared, byFile()); err != nil {
						h.Error(err)
					}
				}
			}
			race(apply(h.Store, all), apply(other, backwards))
			equal(h, "schedules", h.number("SELECT count(*) FROM punctual_schedule"), 10)
			equal(h, "kinds of description", h.number("SELECT count(DISTINCT description) FROM punctual_schedule"), 1)
		}
	}},
	{"an apply that races a deletion leaves a schedule whole or gone", func(h *house) {
		other := h.open(database.Options{})
		for round := range 12 {
			h.apply(declared("a", "hourly at :00"))
			h.advance(time.Minute)
			race(
				func() {
					if err := other.Delete(h.ctx(), "a", false, me); err != nil {
						h.Error(err)
					}
				},
				func() {
					h.apply(declared("a", "hourly at :00", func(d *schedule.Declaration) { d.Description = fmt.Sprint(round) }))
				},
			)
			all, err := h.Overviews(h.ctx(), "")
			h.must(err)
			for _, o := range all {
				if o.Timeline.Spec() == nil {
					h.Fatalf("round %d: the schedule is there, and has no when", round)
				}
			}
		}
	}},
	{"clocks, edits, limits, pauses and triggers at once neither deadlock nor lose anything", func(h *house) {
		all := many(12, "every 1m", limit("places"), tags("t"))
		for i := range all {
			if i%3 == 0 {
				all[i].Policies.Overlap = schedule.OverlapWait
			}
		}
		limited(4, all...)(h)
		const rounds = 12
		try := func(what string, err error) {
			if err != nil {
				h.Errorf("%s: %v", what, err)
			}
		}
		repeat := func(do func(round int)) func() {
			return func() {
				for round := range rounds {
					do(round)
				}
			}
		}
		ticking := func(s *store.Store) func() {
			return repeat(func(int) {
				h.advance(20 * time.Second)
				for _, lane := range []schedule.Lane{schedule.LaneOnTime, schedule.LaneLate} {
					b, err := s.Due(h.ctx(), schedule.Wanted{Lane: lane, Limit: 500})
					try("due", err)
					try("commit", errorOf(s.Commit(h.ctx(), b, decide(b))))
				}
				b, err := s.Waiting(h.ctx(), 500)
				try("waiting", err)
				try("commit", errorOf(s.Commit(h.ctx(), b, decide(b))))
				try("outcomes", errorOf(s.CopyOutcomes(h.ctx())))
				try("backfills", errorOf(s.StepBackfills(h.ctx())))
				h.exec("UPDATE river_job SET state = 'completed', finalized_at = created_at WHERE state = 'available'")
			})
		}
		clocks := []*store.Store{h.open(database.Options{}), h.open(database.Options{})}
		hand := h.open(database.Options{})
		race(
			ticking(clocks[0]), ticking(clocks[1]),
			repeat(func(round int) {
				o := byFile()
				o.Limits = map[string]int{"places": 3 + round%2}
				changed := slices.Clone(all)
				slices.Reverse(changed)
				for i := range changed {
					changed[i].Description = fmt.Sprint(round)
				}
				try("apply", errorOf(hand.Apply(h.ctx(), changed, o)))
			}),
			repeat(func(int) {
				try("pause", errorOf(hand.Pause(h.ctx(), store.Target{Tag: "t"}, time.Time{}, "", me)))
				try("resume", errorOf(hand.Resume(h.ctx(), store.Target{Tag: "t"}, me)))
				try("pause", errorOf(hand.Pause(h.ctx(), store.Target{Key: "s001"}, time.Time{}, "", me)))
				try("resume", errorOf(hand.Resume(h.ctx(), store.Target{Key: "s001"}, me)))
			}),
			repeat(func(round int) {
				key := fmt.Sprintf("s%03d", round)
				// It may find the schedule ever changing, which is no fault.
				_, _ = hand.Trigger(h.ctx(), key, store.TriggerOptions{Force: true, Actor: me})
				try("skip", errorOf(hand.SkipNext(h.ctx(), key, me)))
			}),
		)
		h.tick()
	}},
}

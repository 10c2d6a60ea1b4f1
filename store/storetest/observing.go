package storetest

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

var observeTests = []test{
	{"of outcomes that are copied by several at once each is told to one of them", func(h *house) {
		for i := range 40 {
			h.apply(declared(fmt.Sprintf("s%02d", i), "hourly at :00"))
		}
		h.at("10:00")
		h.tick()
		told := make(chan store.EndedJob, 100)
		copier := func() func() {
			s := h.open(database.Options{})
			s.WatchOutcomes(func(jobs []store.EndedJob) {
				for _, job := range jobs {
					told <- job
				}
			})
			return func() { h.must(errorOf(s.CopyOutcomes(h.ctx()))) }
		}
		for i := range 40 {
			state := "completed"
			if i%4 == 0 {
				state = "discarded"
			}
			h.job(h.run(fmt.Sprintf("s%02d", i), 0).JobID, state)
		}
		race(copier(), copier(), copier())
		copier()() // rows that one had locked another passes over
		close(told)
		count, seen := map[string]int{}, map[string]bool{}
		for job := range told {
			count[job.Outcome]++
			seen[job.Schedule] = true
		}
		equal(h, "outcomes", fmt.Sprint(count), fmt.Sprint(map[string]int{"succeeded": 30, "failed": 10}))
		equal(h, "schedules", len(seen), 40)
	}},
	{"a commit says which decisions were written down, and not those that another clock was faster with", func(h *house) {
		h.apply(declared("a", "hourly at :00"), declared("b", "hourly at :00"))
		h.at("10:00:00.5")
		both := h.one()
		first := both
		first.Candidates = both.Candidates[:1]
		done, err := h.Commit(h.ctx(), first, decide(first))
		h.must(err)
		same(h, "first", committedKeys(done), []string{"a"})
		done, err = h.Commit(h.ctx(), both, decide(both))
		h.must(err)
		same(h, "second", committedKeys(done), []string{"b"})
		if late := done.At.Sub(moment("10:00:00.5")); late < 0 || late > 10*time.Second {
			h.Errorf("it says to have been written down at %s", done.At)
		}
	}},
	{"the load says what is due, what waits and fails, and who is alive", func(h *house) {
		load := func() store.Load { h.Helper(); l, err := h.Load(h.ctx()); h.must(err); return l }
		equal(h, "queues of nothing", len(load().Queues), 0)
		h.apply(declared("a", "hourly at :00", overlap(schedule.OverlapWait)), declared("b", "hourly at :30"))
		h.must(errorOf(h.Beat(h.ctx(), store.Process{ID: "clock-1", Role: "clock"})))
		h.must(errorOf(h.Beat(h.ctx(), store.Process{ID: "worker-1", Role: "worker"})))
		h.at("10:00")
		h.tick()
		h.at("11:00:07")
		h.must(errorOf(h.Beat(h.ctx(), store.Process{ID: "clock-1", Role: "clock"})))
		equal(h, "overdue since", load().Oldest, moment("10:30"))
		h.tick()
		l := load()
		equal(h, "overdue since", l.Oldest, time.Time{})
		equal(h, "waiting schedules", l.Waiting, 1)
		equal(h, "in error", l.Errors, 0)
		equal(h, "alive", fmt.Sprint(l.Processes), fmt.Sprint(map[string]int{"clock": 1}))
		equal(h, "waiting jobs", l.Queues[0].Waiting, 2)
		h.exec("UPDATE punctual_schedule SET error = 'broken' WHERE key = 'b'")
		equal(h, "in error", load().Errors, 1)
	}},
	{"the moments of schedules are when they are due next and last succeeded", func(h *house) {
		h.apply(declared("a", "hourly at :00"), declared("b", "hourly at :30"), declared("gone", "hourly at :30"))
		h.apply(declared("a", "hourly at :00"), declared("b", "hourly at :30"))
		h.at("10:00")
		h.tick()
		h.at("10:01")
		h.job(h.run("a", 0).JobID, "completed")
		h.must(errorOf(h.CopyOutcomes(h.ctx())))
		found := map[string]store.Moment{}
		moments, err := h.Moments(h.ctx(), []string{"a", "b", "nobody"})
		h.must(err)
		for _, m := range moments {
			found[m.Schedule] = m
		}
		same(h, "keys", slices.Sorted(maps.Keys(found)), []string{"a", "b"})
		equal(h, "next of a", found["a"].NextDue, moment("11:00"))
		equal(h, "success of a", found["a"].LastSuccess.IsZero(), false)
		equal(h, "success of b", found["b"].LastSuccess, time.Time{})
	}},
}

func committedKeys(done schedule.Committed) (keys []string) {
	for _, d := range done.Decided {
		keys = append(keys, d.Schedule.Key)
	}
	return keys
}

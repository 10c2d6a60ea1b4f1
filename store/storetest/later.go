package storetest

import (
	"fmt"
	"time"

	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

var laterTests = []test{
	{"what was coalesced is followed to what it was left to, whatever became of that", func(h *house) {
		h.apply(declared("ran", "hourly at :00"), declared("skipped", "hourly at :00"), declared("waits", "hourly at :00", overlap(schedule.OverlapWait)), declared("off", "hourly at :00"))
		h.at("10:00")
		h.tick()
		h.job(h.run("ran", 0).JobID, "completed")
		h.job(h.run("off", 0).JobID, "completed")
		h.job(h.run("skipped", 0).JobID, "running")
		// A pause in the middle takes out what was never to run for another.
		h.at("12:30")
		h.pause(store.Target{Key: "off"}, time.Time{})
		h.at("13:30")
		h.resume(store.Target{Key: "off"})
		h.at("14:00")
		h.tick()
		left := func(key string) string {
			h.Helper()
			for n := range len(h.ledger(key)) {
				if r := h.run(key, n); r.Reason == string(schedule.ReasonCoalesced) {
					later, err := h.LeftTo(h.ctx(), r)
					h.must(err)
					return store.LeftToInWords(later)
				}
			}
			return "nothing is coalesced"
		}
		equal(h, "of one that ran", left("ran"), "that one, ran@"+schedule.FormatInstant(moment("14:00"))+", waits for a worker")
		equal(h, "of one that was skipped", left("skipped"), "that one, skipped@"+schedule.FormatInstant(moment("14:00"))+", was skipped: previous run not finished")
		equal(h, "of one that waits", left("waits"), "that one is not decided yet")
		equal(h, "beyond a pause", left("off"), "that one, off@"+schedule.FormatInstant(moment("14:00"))+", waits for a worker")
		h.at("15:00")
		h.tick() // a newer one takes the place of the one that waits
		h.job(h.run("waits", 0).JobID, "completed")
		h.tick()
		equal(h, "of one that was superseded", left("waits"), "that one, waits@"+schedule.FormatInstant(moment("15:00"))+", waits for a worker")
	}},
	{"what was missed within the grace is told with the newest, which alone might run", func(h *house) {
		h.apply(declared("a", "every 20s", catchUp(schedule.CatchUpNone)), declared("b", "every 20s", catchUp(schedule.CatchUpNone)))
		last := func(key string, fits func(store.Run) bool) (last store.Run) {
			h.Helper()
			for n := range len(h.ledger(key)) {
				if r := h.run(key, n); fits(r) {
					last = r
				}
			}
			return last
		}
		why := func(key string) string {
			h.Helper()
			one, err := h.Overviews(h.ctx(), key)
			h.must(err)
			missed := last(key, func(r store.Run) bool { return r.Reason == string(schedule.ReasonMissed) })
			text, err := h.WhySkipped(h.ctx(), missed, nil, one[0].Policies)
			h.must(err)
			return text
		}
		job := func(key, state string) {
			h.Helper()
			h.job(last(key, func(r store.Run) bool { return r.JobID != 0 }).JobID, state)
		}
		h.at("10:00:00")
		h.tick()
		job("a", "completed")
		job("b", "running")
		h.at("10:00:54")
		h.tick()
		within := "the clock was away when it was due; of those that were missed only the newest may run, if the clock is back within 1m (catch_up: none); that one, "
		equal(h, "within the grace", why("a"), within+"a@2026-11-23T10:00:40Z, waits for a worker")
		equal(h, "where that one did not run either", why("b"), within+"b@2026-11-23T10:00:40Z, was skipped: previous run not finished")
	}},
	{"a skip says if the run in the way had ended before, and that was not written down yet", func(h *house) {
		h.apply(declared("a", "hourly at :00"))
		h.at("10:00")
		h.tick()
		h.job(h.run("a", 0).JobID, "running")
		h.at("11:00")
		h.tick()
		why := func() string {
			h.Helper()
			blocker := h.run("a", 0)
			text, err := h.WhySkipped(h.ctx(), h.run("a", 1), &blocker, schedule.DefaultPolicies())
			h.must(err)
			return text
		}
		plain := "the previous run had not finished (overlap: skip)"
		equal(h, "while it runs", why(), plain)
		h.job(h.run("a", 0).JobID, "completed")
		h.must(errorOf(h.CopyOutcomes(h.ctx())))
		ended := func(after time.Duration) {
			h.exec("UPDATE punctual_occurrence SET finished_at = $1 WHERE id = $2", h.run("a", 1).DecidedAt.Add(after), h.run("a", 0).ID)
		}
		ended(time.Second)
		equal(h, "when it has ended since", why(), plain)
		ended(-80 * time.Millisecond)
		equal(h, "when it had ended before", why(), plain+"; it ended 80ms before, which was not written down yet when this was decided")
	}},
	{"a skip says if the run in the way waited for a worker", func(h *house) {
		h.apply(declared("a", "hourly at :00"))
		h.at("10:00")
		h.tick()
		h.at("11:00")
		h.tick()
		h.job(h.run("a", 0).JobID, "running")
		h.at("12:00")
		h.tick()
		same(h, "notes", []string{h.run("a", 1).Note, h.run("a", 2).Note}, []string{schedule.NoteNotTaken, ""})
	}},
	{"a backfill is told what else makes jobs in its range", func(h *house) {
		h.apply(declared("a", "hourly at :00"))
		h.at("13:00")
		h.tick()
		h.end()
		beside := func(b store.Backfill) string {
			h.Helper()
			found, err := h.BesideBackfill(h.ctx(), b)
			h.must(err)
			var open []int64
			for _, one := range found.Open {
				open = append(open, one.ID)
			}
			return fmt.Sprint(found.Before, " before, since ", found.Since, ", open ", open)
		}
		h.advance(time.Second)
		first := h.startBackfill("a", "09:00", "14:00")
		h.advance(time.Second)
		h.step(1)
		h.end()
		h.advance(time.Second)
		second := h.startBackfill("a", "09:00", "11:00")
		equal(h, "total of the second", second.Total, 1)
		equal(h, "beside the second", beside(second), fmt.Sprintf("1 before, since map[], open [%d]", first.ID))
		equal(h, "beside one of another time", beside(store.Backfill{Key: "a", From: moment("13:00"), To: moment("13:30"), CreatedAt: h.clock()}), fmt.Sprintf("1 before, since map[], open [%d]", first.ID))
		h.must(h.StopBackfill(h.ctx(), first.ID, me))
		h.advance(time.Second)
		h.step(1)
		equal(h, "beside the first", beside(first), fmt.Sprintf("1 before, since map[%d:1], open []", second.ID))
		equal(h, "beside a rerun", beside(store.Backfill{Key: "a", From: first.From, To: first.To, Rerun: true, CreatedAt: h.clock()}), "0 before, since map[], open []")
	}},
}

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

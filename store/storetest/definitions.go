package storetest

import (
	"time"

	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

func allowAll(d *schedule.Declaration) {
	d.Policies.Overlap, d.Policies.CatchUp = schedule.OverlapAllow, schedule.CatchUpAll
}

var definitionTests = []test{
	{"an edit while the clock is down loses nothing and invents nothing", func(h *house) {
		h.apply(declared("a", "hourly at :00", allowAll))
		h.at("11:10")
		h.apply(declared("a", "hourly at :30", allowAll))
		h.at("12:45")
		h.apply(declared("a", "every 15m", allowAll))
		h.at("13:05")
		h.tick()
		h.wantLedger("a", "10:00 enqueued", "11:00 enqueued", "11:30 enqueued", "12:30 enqueued", "13:00 enqueued")
	}},
	{"an edit of the policies or the job holds for what is still undecided", func(h *house) {
		h.apply(declared("a", "hourly at :00", allowAll))
		h.at("11:10")
		h.apply(declared("a", "hourly at :00"))
		equal(h, "definitions", h.number("SELECT count(*) FROM punctual_definition"), 1)
		h.tick()
		h.wantLedger("a", "10:00 skipped: coalesced", "11:00 enqueued")
	}},
	{"two edits within one instant leave the later", func(h *house) {
		h.apply(declared("a", "hourly at :00"))
		h.apply(declared("a", "hourly at :20"))
		h.apply(declared("a", "hourly at :40"))
		h.at("10:00")
		h.tick()
		h.wantLedger("a", "09:40 enqueued")
	}},
	{"an edit holds even where the time slipped back a little", func(h *house) {
		h.at("09:30:00.800")
		h.apply(declared("a", "hourly at :00"))
		h.at("09:30:00.300")
		h.apply(declared("a", "hourly at :40"))
		h.at("10:00")
		h.tick()
		h.wantLedger("a", "09:40 enqueued")
		h.at("10:20:00.500")
		h.apply(declared("a", "hourly at :50"))
		h.at("10:20:00.100")
		h.apply(declared("a", "hourly at :55"))
		h.end()
		h.at("11:00")
		h.tick()
		h.wantLedger("a", "09:40 enqueued", "10:55 enqueued")
	}},
	{"an edit that races a commit undoes the commit", func(h *house) {
		h.apply(declared("a", "hourly at :00"))
		h.at("10:00")
		b := h.one()
		h.apply(declared("a", "hourly at :00", overlap(schedule.OverlapWait)))
		done, err := h.Commit(h.ctx(), b, decide(b))
		h.must(err)
		equal(h, "enqueued", done.Enqueued, 0)
		h.tick()
		h.wantLedger("a", "10:00 enqueued")
	}},
	{"an instant with microseconds stays exact", func(h *house) {
		at := moment("09:30").Add(123456 * time.Microsecond)
		h.setTime(at)
		h.apply(declared("a", "every 100ms"))
		equal(h, "created", h.overview("a").CreatedAt, at)
		equal(h, "next due", h.overview("a").State.NextDue, moment("09:30:00.200"))
		h.setTime(moment("09:30:00.300").Add(999 * time.Microsecond))
		h.tick()
		h.wantLedger("a", "09:30:00.2 skipped: coalesced", "09:30:00.3 enqueued")
		runs, err := h.Runs(h.ctx(), store.RunFilter{Key: "a", Nominal: moment("09:30:00.300")})
		h.must(err)
		equal(h, "name", runs[0].Occurrence, "a@2026-11-23T09:30:00.300Z")
	}},
	{"what waits is judged anew when its policies are edited", func(h *house) {
		h.apply(declared("a", "hourly at :00", overlap(schedule.OverlapWait)))
		h.at("10:00")
		h.tick()
		h.at("11:00")
		h.tick()
		equal(h, "waiting", h.overview("a").State.Waiting, schedule.WaitingForRun)
		h.apply(declared("a", "hourly at :00", overlap(schedule.OverlapAllow)))
		h.tick()
		h.wantLedger("a", "10:00 enqueued", "11:00 enqueued")
		equal(h, "waiting", h.overview("a").State.Waiting, schedule.NotWaiting)
	}},
	{"an edit takes a schedule out of its error at once", func(h *house) {
		h.apply(declared("a", "hourly at :00"))
		h.at("10:00")
		h.must(h.Fail(h.ctx(), h.overview("a").ID, h.clock(), "the queue's name is bad"))
		h.tick()
		h.wantLedger("a")
		same(h, "findings", h.findings(), []string{"in error a 10:00"})
		equal(h, "error", h.overview("a").Error, "the queue's name is bad")
		d := declared("a", "hourly at :00")
		d.Policies.Queue = "other"
		h.apply(d)
		equal(h, "error", h.overview("a").Error, "")
		h.tick()
		h.wantLedger("a", "10:00 enqueued")
	}},
	{"an error that was met before an edit is not that of the edit", func(h *house) {
		h.apply(declared("a", "hourly at :00"))
		h.at("10:00")
		read := h.clock()
		h.advance(time.Second)
		h.apply(declared("a", "hourly at :00", overlap(schedule.OverlapAllow)))
		h.must(h.Fail(h.ctx(), h.overview("a").ID, read, "bad"))
		equal(h, "error", h.overview("a").Error, "")
		h.tick()
		h.wantLedger("a", "10:00 enqueued")
	}},
	{"an error is tried again after a minute, and cleared when it goes through", func(h *house) {
		h.apply(declared("a", "hourly at :00"), declared("waits", "hourly at :00", overlap(schedule.OverlapWait)))
		h.at("10:00")
		h.must(h.Fail(h.ctx(), h.overview("a").ID, h.clock(), "bad"))
		h.at("10:00:59")
		h.tick()
		h.wantLedger("a")
		h.at("10:01")
		h.tick()
		h.wantLedger("a", "10:00 enqueued")
		equal(h, "error", h.overview("a").Error, "")
		h.at("11:00")
		h.tick()
		// One that waits is left alone for a minute too.
		h.must(h.Fail(h.ctx(), h.overview("waits").ID, h.clock(), "bad"))
		h.end()
		h.tick()
		h.wantLedger("waits", "10:00 enqueued")
		h.at("11:01")
		h.tick()
		h.wantLedger("waits", "10:00 enqueued", "11:00 enqueued")
		equal(h, "error", h.overview("waits").Error, "")
	}},
}

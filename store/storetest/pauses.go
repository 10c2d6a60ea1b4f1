package storetest

import (
	"time"

	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

func (h *house) pause(target store.Target, until time.Time) int {
	h.Helper()
	n, err := h.Pause(h.ctx(), target, until, "", me)
	h.must(err)
	return n
}

func (h *house) resume(target store.Target) bool {
	h.Helper()
	ended, err := h.Resume(h.ctx(), target, me)
	h.must(err)
	return ended
}

// targets are the three kinds of pause that concern the schedule a_1.
var targets = []store.Target{{Key: "a_1"}, {Tag: "x_y"}, {All: true}}

func tagged(key string, names ...string) schedule.Declaration {
	return declared(key, "hourly at :00", tags(names...))
}

var pauseTests = []test{
	{"what falls due in a pause is skipped, and not caught up on", func(h *house) {
		h.apply(tagged("a_1", "x_y"))
		for i, target := range targets {
			day := time.Duration(i) * 24 * time.Hour
			h.setTime(moment("09:30").Add(day))
			equal(h, "concerned", h.pause(target, time.Time{}), 1)
			h.setTime(moment("11:00").Add(day)) // the clock is down from here
			h.setTime(moment("12:30").Add(day))
			equal(h, "resumed", h.resume(target), true)
			equal(h, "resumed again", h.resume(target), false)
			h.setTime(moment("13:00").Add(day))
			h.tick()
			h.end()
			h.setTime(moment("09:00").Add(day + 24*time.Hour))
			h.tick()
			h.end()
		}
		h.wantLedger("a_1", "10:00-12:00 x3 skipped: paused", "13:00 enqueued",
			"14:00-11-24 08:00 x19 skipped: coalesced", "11-24 09:00 enqueued",
			"11-24 10:00-11-24 12:00 x3 skipped: paused", "11-24 13:00 enqueued",
			"11-24 14:00-11-25 08:00 x19 skipped: coalesced", "11-25 09:00 enqueued",
			"11-25 10:00-11-25 12:00 x3 skipped: paused", "11-25 13:00 enqueued",
			"11-25 14:00-11-26 08:00 x19 skipped: coalesced", "11-26 09:00 enqueued")
	}},
	{"a pause holds from its start up to but not including its end", func(h *house) {
		h.apply(tagged("a_1", "x_y"))
		h.at("10:00")
		h.tick()
		h.pause(store.Target{Key: "a_1"}, moment("12:00"))
		h.at("11:00")
		h.tick()
		equal(h, "pauses", len(h.overview("a_1").Pauses), 1)
		h.end()
		h.at("12:00")
		equal(h, "pauses", len(h.overview("a_1").Pauses), 0)
		h.tick()
		h.wantLedger("a_1", "10:00 enqueued", "11:00 skipped: paused", "12:00 enqueued")
		_, err := h.Pause(h.ctx(), store.Target{Key: "a_1"}, moment("11:59"), "", me)
		h.refused(err, "past")
	}},
	{"a pause made again gets the new end, and only that", func(h *house) {
		h.apply(tagged("a_1", "x_y"))
		for _, target := range targets {
			h.pause(target, moment("15:00"))
			h.advance(time.Minute)
			h.pause(target, moment("12:00"))
			equal(h, "pauses", len(h.overview("a_1").Pauses), 1)
			equal(h, "until", h.overview("a_1").Pauses[0].Until, moment("12:00"))
			h.resume(target)
			equal(h, "pauses", len(h.overview("a_1").Pauses), 0)
		}
	}},
	{"a tag's underscore is an underscore, and a tag is no part of another", func(h *house) {
		h.apply(tagged("a", "x_y"), tagged("b", "xzy"), tagged("c", "x_y_z"), tagged("d", "ax_y"), tagged("e", "other", "x_y"))
		equal(h, "concerned", h.pause(store.Target{Tag: "x_y"}, time.Time{}), 2)
		h.at("10:00")
		h.tick()
		for _, key := range []string{"a", "e"} {
			h.wantLedger(key, "10:00 skipped: paused")
		}
		for _, key := range []string{"b", "c", "d"} {
			h.wantLedger(key, "10:00 enqueued")
		}
	}},
	{"a pause by hand survives an apply, and a pause of the environment ends with one", func(h *house) {
		disabled := func(d *schedule.Declaration) { d.Disabled = "enabled in production" }
		h.apply(declared("a", "hourly at :00", disabled))
		equal(h, "again", h.apply(declared("a", "hourly at :00", disabled))[0].Kind, schedule.ChangeNone)
		h.at("09:10")
		h.pause(store.Target{Key: "a"}, time.Time{})
		equal(h, "pauses", len(h.overview("a").Pauses), 2)
		h.at("09:20")
		h.apply(declared("a", "hourly at :00"))
		equal(h, "pauses", len(h.overview("a").Pauses), 1)
		equal(h, "origin", h.overview("a").Pauses[0].Origin, "hand")
		h.at("10:00")
		h.tick()
		h.resume(store.Target{Key: "a"})
		h.at("10:10")
		h.apply(declared("a", "hourly at :00", disabled))
		equal(h, "resumed", h.resume(store.Target{Key: "a"}), false)
		h.at("11:00")
		h.tick()
		equal(h, "origin", h.overview("a").Pauses[0].Origin, "environment")
		equal(h, "note", h.overview("a").Pauses[0].Note, "enabled in production")
		h.wantLedger("a", "10:00 skipped: paused", "11:00 skipped: paused")
	}},
	{"a pause that lands between reading and committing prevents the enqueue", func(h *house) {
		h.apply(tagged("a_1", "x_y"))
		h.at("09:50")
		for _, target := range targets {
			h.advance(time.Hour)
			b := h.one()
			h.pause(target, time.Time{})
			done, err := h.Commit(h.ctx(), b, decide(b))
			h.must(err)
			equal(h, "enqueued behind a pause of "+target.String(), done.Enqueued, 0)
			h.tick()
			h.resume(target)
		}
		h.wantLedger("a_1", "10:00 skipped: paused", "11:00 skipped: paused", "12:00 skipped: paused")
	}},
	{"a pause that began since the clock last read the time prevents the enqueue", func(h *house) {
		h.apply(tagged("a_1", "x_y"))
		h.at("09:50")
		for _, target := range targets {
			h.advance(time.Hour)
			read := h.clock()
			h.advance(time.Second)
			h.pause(target, time.Time{})
			b, err := h.Due(h.ctx(), schedule.Wanted{Now: read, Lane: schedule.LaneLate, Limit: 10})
			h.must(err)
			done, err := h.Commit(h.ctx(), b, decide(b))
			h.must(err)
			equal(h, "decided and enqueued behind a pause of "+target.String(), [2]int{len(done.Decided), done.Enqueued}, [2]int{1, 0})
			h.resume(target)
		}
		h.wantLedger("a_1", "10:00 skipped: paused", "11:00 skipped: paused", "12:00 skipped: paused")
	}},
	{"what waits is skipped when a pause comes", func(h *house) {
		h.apply(tagged("a_1", "x_y"))
		h.apply(declared("a_1", "hourly at :00", tags("x_y"), overlap(schedule.OverlapQueue)))
		h.at("10:00")
		h.tick()
		for i, target := range targets {
			h.setTime(moment("11:00").Add(time.Duration(i) * time.Hour))
			h.tick()
			equal(h, "waiting", h.overview("a_1").State.Waiting, schedule.WaitingInQueue)
			h.pause(target, time.Time{})
			h.tick()
			equal(h, "waiting", h.overview("a_1").State.Waiting, schedule.NotWaiting)
			h.resume(target)
		}
		h.wantLedger("a_1", "10:00 enqueued", "11:00 skipped: paused", "12:00 skipped: paused", "13:00 skipped: paused")
	}},
	{"trigger and backfill work while paused", func(h *house) {
		h.apply(declared("a", "hourly at :00", overlap(schedule.OverlapAllow)))
		h.pause(store.Target{All: true}, time.Time{})
		h.at("11:00")
		h.tick()
		equal(h, "refused", h.trigger("a", store.TriggerOptions{}).Refused, "")
		h.startBackfill("a", "10:00", "11:00")
		h.step(1)
		h.wantLedger("a", "10:00-11:00 x2 skipped: paused", "! enqueued", "backfill 10:00 enqueued")
	}},
	{"skip-next names the next, repeats harmlessly, and is skipped by hand", func(h *house) {
		h.apply(declared("a", "hourly at :00"))
		for range 3 {
			nominal, err := h.SkipNext(h.ctx(), "a", me)
			h.must(err)
			equal(h, "named", nominal, moment("10:00"))
		}
		equal(h, "activities", h.number("SELECT count(*) FROM punctual_activity WHERE action = 'skip-next'"), 1)
		h.at("10:05") // the clock is down; the skip still stands, and no second is named
		nominal, err := h.SkipNext(h.ctx(), "a", me)
		h.must(err)
		equal(h, "named", nominal, moment("10:00"))
		h.at("11:00")
		h.tick()
		h.wantLedger("a", "10:00 skipped: by hand", "11:00 enqueued")
		equal(h, "skip", h.overview("a").State.SkipAt, time.Time{})
		h.apply(declared("once", "once at 2026-11-23T10:00:00Z"))
		_, err = h.SkipNext(h.ctx(), "once", me)
		h.refused(err, "no occurrence lies ahead")
	}},
	{"skip-next can be taken back until its occurrence is decided", func(h *house) {
		undo := func(want time.Time) {
			h.Helper()
			nominal, err := h.UndoSkipNext(h.ctx(), "a", me)
			h.must(err)
			equal(h, "taken back", nominal, want)
		}
		h.apply(declared("a", "hourly at :00"))
		undo(time.Time{})
		h.must(errorOf(h.SkipNext(h.ctx(), "a", me)))
		undo(moment("10:00"))
		undo(time.Time{})
		h.at("10:00")
		h.tick()
		h.end()
		h.must(errorOf(h.SkipNext(h.ctx(), "a", me)))
		h.at("11:00")
		h.tick()
		undo(time.Time{})
		h.wantLedger("a", "10:00 enqueued", "11:00 skipped: by hand")
		equal(h, "activities", h.number("SELECT count(*) FROM punctual_activity WHERE action = 'undo-skip-next'"), 1)
		_, err := h.UndoSkipNext(h.ctx(), "nobody", me)
		h.refused(err, "nobody")
	}},
	{"skip-next lapses when the when is edited, and only then", func(h *house) {
		h.apply(declared("a", "hourly at :00"))
		_, err := h.SkipNext(h.ctx(), "a", me)
		h.must(err)
		h.apply(declared("a", "hourly at :00", overlap(schedule.OverlapAllow)))
		equal(h, "skip", h.overview("a").State.SkipAt, moment("10:00"))
		h.apply(declared("a", "hourly at :30"))
		equal(h, "skip", h.overview("a").State.SkipAt, time.Time{})
		h.at("09:30")
		h.tick()
		h.wantLedger("a", "09:30 enqueued")
	}},
	{"skip until decides what is due, of one schedule or of all, and nothing else", func(h *house) {
		h.apply(declared("a", "hourly at :00"), declared("b", "hourly at :30"))
		h.at("11:45")
		n, err := h.SkipDue(h.ctx(), "a", moment("10:30"), me)
		h.must(err)
		equal(h, "skipped", n, 1)
		n, err = h.SkipDue(h.ctx(), "", moment("23:00"), me)
		h.must(err)
		equal(h, "skipped", n, 4)
		n, err = h.SkipDue(h.ctx(), "", time.Time{}, me)
		h.must(err)
		equal(h, "skipped", n, 0)
		h.tick()
		h.wantLedger("a", "10:00 skipped: by hand", "11:00 skipped: by hand")
		h.wantLedger("b", "09:30-11:30 x3 skipped: by hand")
		equal(h, "author", h.run("b", 0).Author, string(me))
		h.at("12:00")
		h.tick()
		equal(h, "rows", len(h.ledger("a")), 3)
		_, err = h.SkipDue(h.ctx(), "nobody", time.Time{}, me)
		h.refused(err, "nobody")
	}},
	{"skip until takes out what waits", func(h *house) {
		h.apply(declared("a", "hourly at :00", overlap(schedule.OverlapQueue)))
		for _, at := range []string{"10:00", "11:00", "12:00"} {
			h.at(at)
			h.tick()
		}
		n, err := h.SkipDue(h.ctx(), "a", time.Time{}, me)
		h.must(err)
		equal(h, "skipped", n, 2)
		equal(h, "waiting", h.overview("a").State.Waiting, schedule.NotWaiting)
		h.end()
		h.tick()
		h.wantLedger("a", "10:00 enqueued", "11:00-12:00 x2 skipped: by hand")
	}},
}

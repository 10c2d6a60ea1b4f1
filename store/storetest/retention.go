package storetest

import (
	"context"
	"fmt"
	"time"

	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

const day = 24 * time.Hour

// prune keeps the history for 90 days.
func (h *house) prune() store.Pruned {
	h.Helper()
	return h.pruneAfter(store.DefaultHistory)
}

func (h *house) pruneAfter(history time.Duration) store.Pruned {
	h.Helper()
	// The queue has forgotten them long before.
	h.exec("DELETE FROM river_job WHERE state IN ('completed', 'cancelled', 'discarded')")
	pruned, err := h.Prune(h.ctx(), history, func(context.Context) {})
	h.must(err)
	return pruned
}

// live lets days pass, at each of which the clock decides and every job succeeds.
func (h *house) live(days int) {
	h.Helper()
	for range days {
		h.advance(day)
		h.tick()
		h.exec("UPDATE river_job SET state = 'completed', finalized_at = created_at WHERE state = 'available'")
		for copied := int64(1); copied > 0; {
			var err error
			copied, err = h.CopyOutcomes(h.ctx())
			h.must(err)
		}
	}
}

var retentionTests = []test{
	{"the ledger is kept for its time, and the last twenty rows for ever; the audit begins behind what is gone", func(h *house) {
		h.apply(declared("daily", "daily at 12:00"), declared("weekly", "weekly on mon at 12:00"))
		h.live(120)
		pruned := h.prune()
		equal(h, "rows of daily", len(h.ledger("daily")), 91)
		equal(h, "rows of weekly", len(h.ledger("weekly")), 18)
		equal(h, "rows removed", pruned.Runs, 29)
		h.wantSound()
		equal(h, "the horizon of daily", h.overview("daily").HistoryFrom, h.run("daily", 0).Nominal.Add(-day))
		equal(h, "the horizon of weekly", h.overview("weekly").HistoryFrom, start)
		equal(h, "removed again", h.prune().Total(), 0)
		h.live(30)
		h.pruneAfter(10 * day)
		equal(h, "rows of daily, kept shortly", len(h.ledger("daily")), 20)
		equal(h, "rows of weekly, kept shortly", len(h.ledger("weekly")), 20)
		h.pruneAfter(0) // never less than a day
		equal(h, "rows of daily", len(h.ledger("daily")), 20)
		h.exec("DELETE FROM punctual_occurrence WHERE id = $1", h.run("daily", 3).ID)
		same(h, "what the audit still finds", h.findings(), []string{"no decision daily " + clockTime(h.run("daily", 2).Nominal.Add(day))})
		h.damaged = true
	}},
	{"a stretch is kept whole or goes whole, and the audit counts neither wrongly", func(h *house) {
		h.apply(declared("a", "hourly at :00"))
		h.advance(40 * day) // one stretch of skips and a job
		h.tick()
		h.live(30)
		h.advance(60 * day)
		h.tick()
		h.end()
		h.must(errorOf(h.CopyOutcomes(h.ctx())))
		h.live(25)
		rows := len(h.ledger("a"))
		pruned := h.prune()
		equal(h, "rows left", len(h.ledger("a")), rows-int(pruned.Runs))
		if pruned.Runs == 0 {
			h.Error("nothing was pruned")
		}
		h.wantSound()
		// Were history to begin within the stretch, its rest would still be there.
		var stretch store.Run
		for i := range len(h.ledger("a")) {
			if run := h.run("a", i); run.Count > 100 {
				stretch = run
			}
		}
		h.exec("UPDATE punctual_schedule SET history_from = $1", stretch.Nominal.Add(5*time.Hour))
		h.wantSound()
	}},
	{"what has not ended, the last job and the last success stay however old they are", func(h *house) {
		h.apply(declared("a", "daily at 12:00", overlap(schedule.OverlapAllow)))
		h.at("12:00")
		h.tick()
		success, open, last := h.run("a", 0).JobID, int64(0), int64(0)
		h.job(success, "completed")
		for i := range 2 {
			h.advance(day)
			h.tick()
			id := h.run("a", 1+i).JobID
			if i == 0 {
				open = id
			} else {
				last = id
			}
		}
		h.job(last, "discarded", "boom")
		h.must(errorOf(h.CopyOutcomes(h.ctx())))
		h.must(errorOf(h.Pause(h.ctx(), store.Target{All: true}, time.Time{}, "", me)))
		for range 120 { // skipped, a row each
			h.advance(day)
			h.tick()
		}
		h.prune()
		for what, id := range map[string]int64{"the last success": success, "the open job": open, "the last job": last} {
			runs, err := h.Runs(h.ctx(), store.RunFilter{JobID: id})
			h.must(err)
			equal(h, "rows of "+what, len(runs), 1)
		}
		at, err := h.LastSuccess(h.ctx(), "a")
		h.must(err)
		equal(h, "last success", at, moment("09:30:01.250"))
		h.wantSound()
		h.job(open, "completed")
		h.must(errorOf(h.CopyOutcomes(h.ctx())))
		h.prune()
		equal(h, "rows of the job that was open", h.number("SELECT count(*) FROM punctual_occurrence WHERE job_id = $1", open), 1) // it is the last success now
		equal(h, "rows of the success before", h.number("SELECT count(*) FROM punctual_occurrence WHERE job_id = $1", success), 0)
	}},
	{"what a job wrote, and how far it said it was, goes with its row", func(h *house) {
		h.apply(declared("a", "daily at 12:00"))
		h.live(30)
		first, later := h.run("a", 0).JobID, h.run("a", 29).JobID
		for _, id := range []int64{first, later} {
			var pieces []store.Output
			for i := range 250 {
				pieces = append(pieces, store.Output{Attempt: 1, Sequence: i + 1, At: start, Stream: "stdout", Data: []byte("x")})
			}
			h.must(h.RecordOutput(h.ctx(), []store.JobOutput{{Job: id, Pieces: pieces}}))
			h.must(h.RecordProgress(h.ctx(), id, store.Progress{Attempt: 1, Fraction: 0.5}))
		}
		h.live(85)
		equal(h, "pieces removed", h.prune().Outputs, 250)
		equal(h, "pieces left", h.number("SELECT count(*) FROM punctual_output WHERE job_id = $1", later), 250)
		equal(h, "progress left", h.number("SELECT count(*) FROM punctual_progress"), 1)
	}},
	{"a backfill before the horizon runs only what is to run again, and one under way keeps what it goes by", func(h *house) {
		h.apply(declared("a", "daily at 12:00"))
		h.live(100)
		r := store.BackfillRequest{Key: "a", From: start, To: start.Add(9 * day), Actor: me}
		b, err := h.StartBackfill(h.ctx(), r)
		h.must(err)
		equal(h, "everything ran", b.Total, 0)
		h.exec("DELETE FROM punctual_occurrence WHERE id = $1", h.run("a", 1).ID)
		h.damaged = true
		b, err = h.StartBackfill(h.ctx(), r)
		h.must(err)
		equal(h, "one did not", b.Total, 1)
		equal(h, "rows pruned under a backfill", h.prune().Runs, 0)
		h.must(h.StopBackfill(h.ctx(), b.ID, me))
		equal(h, "rows pruned after it", h.prune().Runs, 8)
		_, err = h.StartBackfill(h.ctx(), r)
		h.refused(err, "pruned", "--rerun")
		r.Rerun = true
		b, err = h.StartBackfill(h.ctx(), r)
		h.must(err)
		equal(h, "with rerun", b.Total, 9)
		h.live(1)
	}},
	{"definitions, pauses, activity, backfills and processes go when nothing needs them any more", func(h *house) {
		h.must(errorOf(h.Beat(h.ctx(), store.Process{ID: "clock", Role: "clock", TickAt: start})))
		h.must(errorOf(h.Beat(h.ctx(), store.Process{ID: "worker", Role: "worker"})))
		h.must(errorOf(h.Beat(h.ctx(), store.Process{ID: "busy", Role: "worker"})))
		for _, id := range []string{"clock", "worker", "busy"} {
			h.must(h.Stopped(h.ctx(), id))
		}
		h.apply(declared("a", "daily at 12:00"), declared("rare", "0 12 1 1 *"))
		h.must(errorOf(h.Pause(h.ctx(), store.Target{Tag: "x"}, start.Add(time.Hour), "", me)))
		h.live(2)
		list := "ARRAY['busy']"
		if h.Database().Kind == database.SQLite {
			list = `jsonb('["busy"]')`
		}
		h.exec("UPDATE river_job SET state = 'running', finalized_at = NULL, attempted_by = "+list+" WHERE id = $1", h.run("a", 0).JobID)
		b, err := h.StartBackfill(h.ctx(), store.BackfillRequest{Key: "a", From: start, To: h.clock(), Rerun: true, Actor: me})
		h.must(err)
		h.must(h.StopBackfill(h.ctx(), b.ID, me))
		h.apply(declared("a", "daily at 13:00"), declared("rare", "0 12 1 1 *"))
		h.live(2)
		h.prune()
		equal(h, "definitions of a", h.number("SELECT count(*) FROM punctual_definition WHERE schedule_id = 1 OR schedule_id = (SELECT id FROM punctual_schedule WHERE key = 'a')"), 2)
		h.live(120)
		pruned := h.prune()
		equal(h, "definitions of a", h.number("SELECT count(*) FROM punctual_definition WHERE schedule_id = (SELECT id FROM punctual_schedule WHERE key = 'a')"), 1)
		equal(h, "definitions of one seldom due", h.number("SELECT count(*) FROM punctual_definition WHERE schedule_id = (SELECT id FROM punctual_schedule WHERE key = 'rare')"), 1)
		equal(h, "backfills", pruned.Backfills, 1)
		equal(h, "activity", h.number("SELECT count(*) FROM punctual_activity"), 0)
		equal(h, "processes", pruned.Processes, 1)
		for _, id := range []string{"clock", "busy"} {
			equal(h, id, h.number("SELECT count(*) FROM punctual_process WHERE id = $1", id), 1)
		}
		// The pause lies after the last decision of the schedule that is seldom
		// due; it goes when that has been decided again.
		h.live(1)
		h.exec("UPDATE river_job SET state = 'completed', finalized_at = created_at WHERE state = 'running'")
		h.prune()
		equal(h, "pauses", h.number("SELECT count(*) FROM punctual_pause"), 0)
		h.wantSound()
	}},
	{"a schedule deleted long ago disappears, and its key comes again as a new one", func(h *house) {
		h.apply(declared("a", "daily at 12:00"), declared("b", "daily at 12:00"))
		h.live(3)
		h.must(h.Delete(h.ctx(), "a", false, me))
		h.advance(80 * day)
		h.prune()
		equal(h, "rows of a", len(h.ledger("a")), 3)
		h.advance(11 * day)
		equal(h, "schedules removed", h.prune().Schedules, 1)
		equal(h, "rows", h.number("SELECT count(*) FROM punctual_schedule WHERE key = 'a'"), 0)
		h.tick()
		h.apply(declared("a", "daily at 13:00"), declared("b", "daily at 12:00"))
		equal(h, "created", h.overview("a").CreatedAt, h.clock())
		h.live(2)
		equal(h, "rows of the new one", len(h.ledger("a")), 2)
	}},
	{"a deleted schedule stays while a job of it has not ended, and one that came back stays", func(h *house) {
		h.apply(declared("a", "daily at 12:00"), declared("b", "daily at 12:00"))
		h.at("12:00")
		h.tick()
		h.must(h.Delete(h.ctx(), "a", false, me))
		h.must(h.Delete(h.ctx(), "b", false, me))
		h.advance(100 * day)
		h.apply(declared("b", "daily at 12:00"))
		equal(h, "schedules removed", h.prune().Schedules, 0)
		equal(h, "state", h.run("a", 0).State, "available")
		h.end()
		h.must(errorOf(h.CopyOutcomes(h.ctx())))
		equal(h, "schedules removed", h.prune().Schedules, 1)
		equal(h, "rows of b", len(h.ledger("b")), 1)
	}},
	{"several may prune at once, beside a clock that goes on deciding", func(h *house) {
		all := many(30, "daily at 12:00")
		h.apply(all...)
		h.live(110)
		h.advance(day)
		prune := func() {
			if _, err := h.Prune(h.ctx(), store.DefaultHistory, func(context.Context) {}); err != nil {
				h.Error(err)
			}
		}
		race(prune, prune, prune, func() {
			if _, err := tick(h.ctx(), h.Store); err != nil {
				h.Error(err)
			}
		})
		h.tick()
		h.prune()
		equal(h, "rows", h.number("SELECT count(*) FROM punctual_occurrence"), 30*91)
	}},
	{"no transaction that prunes is long", func(h *house) {
		h.apply(many(200, "daily at 12:00")...)
		h.live(1)
		for i := range 20 { // as if they had been busy
			key := fmt.Sprintf("s%03d", i)
			h.exec(`INSERT INTO punctual_occurrence (schedule_id, nominal_at, due_at, origin, trigger_id, decision, decided_at)
				SELECT s.id, NULL, $2, 'trigger', $1 || n.id, 'skipped', $2 FROM punctual_schedule s, punctual_occurrence n WHERE s.key = $1 AND n.origin = 'clock'`, key, start)
		}
		h.exec("UPDATE punctual_occurrence SET decided_at = $1", start)
		h.live(1)
		h.advance(100 * day)
		before := h.number("SELECT count(*) FROM punctual_occurrence")
		rests := 0
		_, err := h.Prune(h.ctx(), store.DefaultHistory, func(context.Context) {
			rests++
			now := h.number("SELECT count(*) FROM punctual_occurrence")
			if before-now > 500 {
				h.Errorf("one transaction removed %d rows", before-now)
			}
			before = now
		})
		h.must(err)
		h.prune()
		if rests < 5 {
			h.Errorf("it rested %d times only", rests)
		}
	}},
}

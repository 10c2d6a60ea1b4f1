package storetest

import (
	"strings"
	"time"

	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

func (h *house) trigger(key string, o store.TriggerOptions) store.Triggered {
	h.Helper()
	o.Actor = me
	result, err := h.Trigger(h.ctx(), key, o)
	h.must(err)
	return result
}

// startBackfill backfills [from, to).
func (h *house) startBackfill(key, from, to string) store.Backfill {
	h.Helper()
	b, err := h.StartBackfill(h.ctx(), store.BackfillRequest{Key: key, From: moment(from), To: moment(to), Actor: me})
	h.must(err)
	return b
}

// step takes the backfills on and wants that many jobs of it.
func (h *house) step(want int) {
	h.Helper()
	made, err := h.StepBackfills(h.ctx())
	h.must(err)
	equal(h, "jobs of the backfill's step", made, want)
}

var triggerTests = []test{
	{"a trigger makes one job now, beside what the clock decides", func(h *house) {
		h.apply(declared("a", "hourly at :00"))
		got := h.trigger("a", store.TriggerOptions{})
		equal(h, "name", strings.HasPrefix(got.Name, "a!"), true)
		equal(h, "job", got.JobID, h.run("a", 0).JobID)
		equal(h, "author", h.run("a", 0).Author, string(me))
		equal(h, "named as told", h.run("a", 0).Occurrence, got.Name)
		h.end()
		h.at("10:00")
		h.tick()
		h.wantLedger("a", "! enqueued", "10:00 enqueued")
		_, err := h.Trigger(h.ctx(), "nobody", store.TriggerOptions{})
		h.refused(err, "nobody")
	}},
	{"a trigger is refused while a job is active, with a row that names it, unless forced", func(h *house) {
		h.apply(declared("a", "hourly at :00"))
		first := h.trigger("a", store.TriggerOptions{})
		got := h.trigger("a", store.TriggerOptions{})
		equal(h, "blocker", got.Blocker, first.JobID)
		equal(h, "refused", got.Refused != "", true)
		equal(h, "blocker on record", h.run("a", 1).Blocker, first.JobID)
		equal(h, "forced", h.trigger("a", store.TriggerOptions{Force: true}).JobID != 0, true)
		h.wantLedger("a", "! enqueued", "! skipped: previous run not finished", "! enqueued")
		h.apply(declared("a", "hourly at :00", overlap(schedule.OverlapAllow)))
		equal(h, "allowed", h.trigger("a", store.TriggerOptions{}).JobID != 0, true)
	}},
	{"a trigger is refused while a nominal waits, and supersedes no retry", func(h *house) {
		h.apply(declared("a", "hourly at :00", overlap(schedule.OverlapQueue)))
		h.at("10:00")
		h.tick()
		h.job(h.run("a", 0).JobID, "retryable", "boom")
		h.at("11:00")
		h.tick()
		equal(h, "waiting", h.overview("a").State.Waiting, schedule.WaitingInQueue)
		equal(h, "refused", h.trigger("a", store.TriggerOptions{}).Refused != "", true)
		h.apply(declared("b", "hourly at :30"))
		h.at("11:30")
		h.tick()
		h.job(h.run("b", 0).JobID, "retryable", "boom")
		equal(h, "refused", h.trigger("b", store.TriggerOptions{}).Refused, "")
		equal(h, "the retry", h.run("b", 0).State, "retryable")
	}},
	{"a decision read before a trigger does not hold after it", func(h *house) {
		h.apply(declared("a", "hourly at :00"))
		h.at("10:00")
		b := h.one()
		h.trigger("a", store.TriggerOptions{})
		equal(h, "enqueued", commitOf(h, h.Store, b).Enqueued, 0)
		h.tick()
		h.wantLedger("a", "! enqueued", "10:00 skipped: previous run not finished")
	}},
	{"an idempotency key makes a repeat harmless for a day", func(h *house) {
		h.apply(declared("a", "every 1d"), declared("b", "every 1d"))
		o := store.TriggerOptions{IdempotencyKey: "deploy-1"}
		first := h.trigger("a", o)
		again := h.trigger("a", o)
		equal(h, "repeated", again.Repeated, true)
		equal(h, "job", again.JobID, first.JobID)
		equal(h, "name", again.Name, first.Name)
		_, err := h.Trigger(h.ctx(), "b", o)
		h.refused(err, "another schedule")
		h.end()
		h.advance(24 * time.Hour)
		equal(h, "a day later", h.trigger("b", o).Repeated, false)
		equal(h, "rows of a", len(h.ledger("a")), 1)
	}},
	{"the same idempotency key from four sides at once makes one job", func(h *house) {
		h.apply(declared("a", "every 1d", overlap(schedule.OverlapAllow)))
		trigger := func() {
			if _, err := h.Trigger(h.ctx(), "a", store.TriggerOptions{IdempotencyKey: "k"}); err != nil {
				h.Error(err)
			}
		}
		race(trigger, trigger, trigger, trigger)
		h.wantLedger("a", "! enqueued")
	}},
	{"a trigger's arguments replace those declared", func(h *house) {
		h.apply(declared("a", "every 1d", func(d *schedule.Declaration) {
			d.Job = schedule.Job{Work: &schedule.Work{Kind: "send_report", Args: []byte(`{"to":"all","copies":1}`)}}
		}))
		got := h.trigger("a", store.TriggerOptions{Args: map[string]string{"copies": "2", "from": "me"}})
		job, err := h.Queue().Get(h.ctx(), got.JobID)
		h.must(err)
		equal(h, "kind", job.Kind, "send_report")
		for _, word := range []string{`"to":"all"`, `"copies":2`, `"from":"me"`} {
			if !strings.Contains(strings.ReplaceAll(string(job.EncodedArgs), `": `, `":`), word) {
				h.Errorf("the arguments %s lack %s", job.EncodedArgs, word)
			}
		}
		h.apply(declared("b", "every 1d"))
		_, err = h.Trigger(h.ctx(), "b", store.TriggerOptions{Args: map[string]string{"not a name": "x"}})
		h.refused(err, "not a name")
		h.wantLedger("b")
	}},
}

var latestTests = []test{
	{"the last job of a schedule is that made last, by the clock, a trigger or a backfill", func(h *house) {
		h.apply(declared("a", "hourly at :00"), declared("b", "hourly at :00"), declared("never", "every 1d"))
		latest := func(key string) (origins []string) {
			runs, err := h.Runs(h.ctx(), store.RunFilter{Key: key, Latest: true, Limit: 10})
			h.must(err)
			for _, r := range runs {
				origins = append(origins, r.Schedule+" "+r.Origin+" "+clockTime(r.Due))
			}
			return origins
		}
		same(h, "at first", latest(""), nil)
		h.at("12:00")
		h.tick()
		h.end()
		same(h, "of the clock", latest(""), []string{"b clock 12:00", "a clock 12:00"})
		h.at("12:10")
		h.trigger("a", store.TriggerOptions{})
		same(h, "of a trigger", latest(""), []string{"a trigger 12:10", "b clock 12:00"})
		h.trigger("a", store.TriggerOptions{}) // refused
		h.end()
		h.startBackfill("b", "11:00", "12:00")
		h.step(1)
		same(h, "of a backfill", latest(""), []string{"b backfill 11:00", "a trigger 12:10"})
		same(h, "of one", latest("a"), []string{"a trigger 12:10"})
		h.end()
		h.at("13:00")
		h.tick()
		same(h, "of the clock again", latest("a"), []string{"a clock 13:00"})
	}},
}

var backfillTests = []test{
	{"a backfill makes up what has no job, one at a time, and says how far it is", func(h *house) {
		h.apply(declared("a", "hourly at :00"))
		h.at("13:00")
		h.tick()
		h.end()
		r := store.BackfillRequest{Key: "a", From: moment("09:00"), To: moment("14:00"), Actor: me}
		planned, err := h.PlanBackfill(h.ctx(), r)
		h.must(err)
		var names []string
		for _, nominal := range planned {
			names = append(names, clockTime(nominal))
		}
		same(h, "plan", names, []string{"09:00", "10:00", "11:00", "12:00"})
		equal(h, "backfills after a plan", h.number("SELECT count(*) FROM punctual_backfill"), 0)
		b := h.startBackfill("a", "09:00", "14:00")
		equal(h, "total", b.Total, 4)
		for _, want := range []int{1, 0, 0} {
			h.step(want)
		}
		for range 3 {
			h.end()
			h.step(1)
		}
		h.end()
		h.step(0)
		h.wantLedger("a", "10:00-12:00 x3 skipped: coalesced", "13:00 enqueued",
			"backfill 09:00 enqueued", "backfill 10:00 enqueued", "backfill 11:00 enqueued", "backfill 12:00 enqueued")
		b, err = h.BackfillByID(h.ctx(), b.ID)
		h.must(err)
		equal(h, "enqueued", b.Enqueued, 4)
		equal(h, "finished", b.FinishedAt, moment("13:00"))
		job, err := h.Queue().Get(h.ctx(), h.run("a", 2).JobID)
		h.must(err)
		equal(h, "priority", job.Priority, schedule.PriorityLate)
		equal(h, "a second backfill's total", h.startBackfill("a", "09:00", "14:00").Total, 0)
	}},
	{"a rerun makes up everything, in batches where jobs may overlap", func(h *house) {
		h.apply(declared("a", "every 1m", overlap(schedule.OverlapAllow), catchUp(schedule.CatchUpAll)))
		h.at("10:00")
		h.tick()
		b, err := h.StartBackfill(h.ctx(), store.BackfillRequest{Key: "a", From: moment("09:01"), To: moment("10:30"), Rerun: true, Actor: me})
		h.must(err)
		equal(h, "total", b.Total, 60)
		h.step(50)
		h.step(10)
		h.step(0)
	}},
	{"a backfill's range is sound, and reaches up to the cursor", func(h *house) {
		h.apply(declared("a", "hourly at :00"))
		h.at("12:30")
		_, err := h.PlanBackfill(h.ctx(), store.BackfillRequest{Key: "a", From: moment("12:00"), To: moment("12:00")})
		h.refused(err, "not after")
		_, err = h.PlanBackfill(h.ctx(), store.BackfillRequest{Key: "nobody", From: moment("11:00"), To: moment("12:00")})
		h.refused(err, "nobody")
		_, err = h.PlanBackfill(h.ctx(), store.BackfillRequest{Key: "a", From: start.AddDate(-100, 0, 0), To: start})
		h.refused(err, "shorter")
		// Nothing is decided yet, so nothing is to be made up.
		equal(h, "total", h.startBackfill("a", "10:00", "12:30").Total, 0)
		h.exec("UPDATE punctual_schedule SET history_from = $1", moment("11:00"))
		_, err = h.PlanBackfill(h.ctx(), store.BackfillRequest{Key: "a", From: moment("10:00"), To: moment("12:00")})
		h.refused(err, "--rerun")
		h.exec("UPDATE punctual_schedule SET history_from = created_at")
	}},
	{"a backfill up to now ends there, or before what is yet to be decided", func(h *house) {
		h.apply(declared("a", "hourly at :00"))
		h.at("12:00")
		h.tick()
		h.at("12:30")
		equal(h, "all is decided", h.startBackfill("a", "09:00", "12:30").To, moment("12:30"))
		equal(h, "asked for tomorrow", h.startBackfill("a", "09:00", "23:30").To, moment("12:30"))
		h.at("14:30")
		equal(h, "two are not", h.startBackfill("a", "09:00", "14:30").To, moment("13:00"))
	}},
	{"a backfill can be stopped, once", func(h *house) {
		h.apply(declared("a", "hourly at :00"))
		h.at("13:00")
		h.tick()
		b := h.startBackfill("a", "10:00", "13:00")
		h.step(1)
		h.must(h.StopBackfill(h.ctx(), b.ID, me))
		h.refused(h.StopBackfill(h.ctx(), b.ID, me), "does not run")
		h.end()
		h.step(0)
	}},
	{"two clocks take a backfill on by one job together", func(h *house) {
		h.apply(declared("a", "hourly at :00"))
		h.at("23:00")
		h.tick()
		h.startBackfill("a", "10:00", "23:00")
		step := func() {
			if _, err := h.StepBackfills(h.ctx()); err != nil {
				h.Error(err)
			}
		}
		for n := range 5 {
			race(step, step)
			equal(h, "jobs", h.number("SELECT count(*) FROM punctual_occurrence WHERE origin = 'backfill'"), n+1)
			h.end()
		}
	}},
	{"a backfill keeps to the limit and gives way to what the clock waits with", func(h *house) {
		limited(1, declared("a", "hourly at :00", limit("places")), declared("b", "hourly at :05", limit("places")))(h)
		h.at("12:05")
		for range 3 {
			h.tick()
			h.end()
		}
		h.at("13:00")
		h.tick() // a has the place
		h.at("13:05")
		h.tick() // and b waits
		h.startBackfill("a", "10:00", "12:00")
		h.step(0)
		jobs := h.jobs("b")
		h.job(h.lastJob("a"), "completed")
		h.step(0) // b is first
		h.tick()
		equal(h, "jobs of b", h.jobs("b"), jobs+1)
		h.step(0)
		h.end()
		h.step(1)
	}},
	{"a backfill of a schedule that is deleted meanwhile ends", func(h *house) {
		h.apply(declared("a", "hourly at :00"))
		h.at("13:00")
		h.tick()
		b := h.startBackfill("a", "10:00", "13:00")
		h.must(h.Delete(h.ctx(), "a", false, me))
		h.step(0)
		b, err := h.BackfillByID(h.ctx(), b.ID)
		h.must(err)
		equal(h, "finished", b.FinishedAt.IsZero(), false)
	}},
	{"a backfill that fails for its content stops, and the others go on", func(h *house) {
		h.apply(declared("bad", "hourly at :00"), declared("good", "hourly at :00"))
		h.at("13:00")
		h.tick()
		b := h.startBackfill("bad", "10:00", "13:00")
		h.startBackfill("good", "10:00", "13:00")
		h.exec(`UPDATE punctual_schedule SET policies = replace(policies, '"queue":"default"', '"queue":"no queue!"'), version = version + 1 WHERE key = 'bad'`)
		h.step(1)
		b, err := h.BackfillByID(h.ctx(), b.ID)
		h.must(err)
		equal(h, "stopped", b.StoppedAt.IsZero(), false)
		equal(h, "on record", h.number("SELECT count(*) FROM punctual_activity WHERE action = 'stop-backfill' AND author = 'clock'"), 1)
	}},
}

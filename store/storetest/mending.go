package storetest

import (
	"strings"
	"time"

	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

func (h *house) rewind(want int) {
	h.Helper()
	n, err := h.Rewind(h.ctx())
	h.must(err)
	equal(h, "schedules set back", n, want)
}

func (h *house) retime(want int) {
	h.Helper()
	n, err := h.Retime(h.ctx())
	h.must(err)
	equal(h, "schedules recomputed", n, want)
}

func daily(key string) schedule.Declaration {
	return declared(key, "daily at 09:00", func(d *schedule.Declaration) { d.When.Zone = "Europe/Berlin" })
}

var mendTests = []test{
	{"a clock set back undoes skips, cuts stretches, keeps what was enqueued, and passes it over later", func(h *house) {
		h.apply(declared("a", "hourly at :00"))
		h.at("14:00")
		h.tick()
		h.end()
		h.at("14:30")
		_, err := h.SkipNext(h.ctx(), "a", me)
		h.must(err)
		h.at("16:00")
		h.tick()
		h.wantLedger("a", "10:00-13:00 x4 skipped: coalesced", "14:00 enqueued", "15:00 skipped: by hand", "16:00 enqueued")
		h.end()
		h.at("11:30")
		h.rewind(1)
		h.rewind(0)
		h.wantLedger("a", "10:00-11:00 x2 skipped: coalesced", "14:00 enqueued", "16:00 enqueued")
		o := h.overview("a")
		equal(h, "cursor", o.State.Cursor, moment("11:30"))
		equal(h, "next due", o.State.NextDue, moment("12:00"))
		h.wantSound()
		for _, at := range []string{"12:00", "13:00", "14:00", "15:00", "16:00", "17:00"} {
			h.at(at)
			h.tick()
			h.end()
		}
		h.wantLedger("a", "10:00-11:00 x2 skipped: coalesced", "14:00 enqueued", "16:00 enqueued",
			"12:00 enqueued", "13:00 enqueued", "15:00 enqueued", "17:00 enqueued")
		equal(h, "on record", h.number("SELECT count(*) FROM punctual_activity WHERE action = 'rewind'"), 1)
	}},
	{"what was enqueued before the clock was set back stays sound, though the when is edited before it comes again", func(h *house) {
		h.apply(declared("a", "hourly at :00"))
		h.at("12:00")
		h.tick()
		h.end()
		h.at("11:30")
		h.rewind(1)
		h.apply(declared("a", "hourly at :20"))
		h.at("12:20")
		h.tick()
		var told []string
		_, err := h.Audit(h.ctx(), "a", func(f schedule.Finding) { told = append(told, string(f.Kind)+" "+f.Name()) })
		h.must(err)
		same(h, "findings", told, []string{"note a@2026-11-23T12:00:00Z"})
	}},
	{"a cursor a second ahead is no reason to mend anything", func(h *house) {
		h.apply(declared("a", "hourly at :00"))
		h.at("10:00")
		h.tick()
		h.at("09:59:59")
		h.rewind(0)
	}},
	{"creation, edits and pauses beyond now become now", func(h *house) {
		h.at("15:00")
		h.apply(declared("a", "hourly at :00"))
		h.at("16:30")
		h.apply(declared("a", "hourly at :20"))
		h.pause(store.Target{Key: "a"}, moment("18:00"))
		h.at("10:30")
		h.rewind(1)
		o := h.overview("a")
		equal(h, "created", o.CreatedAt, moment("10:30"))
		equal(h, "paused from", o.Pauses[0].From, moment("10:30"))
		equal(h, "next due", o.State.NextDue, moment("11:20"))
		equal(h, "definitions", h.number("SELECT count(*) FROM punctual_definition"), 1)
		h.at("18:30")
		h.tick()
		h.wantLedger("a", "11:20-17:20 x7 skipped: paused", "18:20 enqueued")
	}},
	{"edits and pauses beyond now become now, though nothing has been decided beyond it", func(h *house) {
		at := func(when string) schedule.Declaration { return declared("a", when, tags("t")) }
		h.apply(at("daily at 18:00"))
		h.at("14:00") // ahead of the true time
		h.apply(at("daily at 12:00"))
		h.pause(store.Target{Tag: "t"}, moment("20:00"))
		h.pause(store.Target{Key: "a"}, moment("21:00"))
		h.at("14:30")
		h.resume(store.Target{Key: "a"})
		h.at("10:00")
		h.rewind(1)
		h.rewind(0)
		o := h.overview("a")
		equal(h, "next due", o.State.NextDue, moment("12:00"))
		equal(h, "pauses", len(o.Pauses), 1)
		equal(h, "paused from", o.Pauses[0].From, moment("10:00"))
		equal(h, "paused until", o.Pauses[0].Until, moment("20:00"))
		h.at("12:00")
		h.tick()
		h.wantLedger("a", "12:00 skipped: paused")
	}},
	{"a deleted schedule stays deleted when the time is set back", func(h *house) {
		h.apply(declared("a", "hourly at :00"))
		h.at("14:30")
		h.must(h.Delete(h.ctx(), "a", false, me))
		h.at("10:30")
		h.rewind(1)
		h.at("16:00")
		h.tick()
		h.wantLedger("a", "10:00 skipped: deleted")
	}},
	{"what waits when the time is set back is decided again", func(h *house) {
		h.apply(declared("a", "hourly at :00", overlap(schedule.OverlapQueue)))
		h.at("14:00")
		h.tick()
		h.at("15:00")
		h.tick()
		equal(h, "waiting", h.overview("a").State.Waiting, schedule.WaitingInQueue)
		h.at("10:30")
		h.rewind(1)
		h.end()
		h.tick()
		equal(h, "waiting", h.overview("a").State.Waiting, schedule.NotWaiting)
		h.at("11:00")
		h.tick()
		h.wantLedger("a", "10:00 skipped: coalesced", "14:00 enqueued", "11:00 enqueued")
	}},
	{"two clocks that mend at once do it once", func(h *house) {
		h.apply(many(20, "hourly at :00")...)
		h.at("14:00")
		h.tick()
		h.at("10:30")
		again := func() {
			if _, err := h.Rewind(h.ctx()); err != nil {
				h.Error(err)
			}
		}
		race(again, again, again)
		equal(h, "on record", h.number("SELECT count(*) FROM punctual_activity WHERE action = 'rewind'"), 20)
	}},
	{"a schedule that cannot be read does not stop the mending of others", func(h *house) {
		h.apply(declared("bad", "hourly at :00"), declared("good", "hourly at :00"))
		h.at("14:00")
		h.tick()
		h.exec("UPDATE punctual_definition SET expressions = '[\"gibberish\"]' WHERE seed = 'bad'")
		h.at("10:30")
		h.rewind(2)
		equal(h, "cursor", h.overview("good").State.Cursor, moment("10:30"))
		h.exec("UPDATE punctual_due SET tzdata = '2019a'")
		h.retime(2)
		h.damaged = true
	}},
	{"under another tzdata nothing is decided twice", func(h *house) {
		h.apply(daily("a")) // 08:00 UTC
		h.setTime(moment("08:00").AddDate(0, 0, 1))
		h.tick()
		h.wantLedger("a", "11-24 08:00 enqueued")
		h.end()
		// As if another tzdata had said that 09:00 in Berlin is 06:30 UTC.
		past := moment("06:30").AddDate(0, 0, 1)
		h.exec("UPDATE punctual_occurrence SET nominal_at = $1", past)
		h.exec("UPDATE punctual_due SET cursor_at = $1, tzdata = '2019a', next_due_at = $2", past, past.Add(2*time.Hour))
		h.setTime(moment("07:00").AddDate(0, 0, 1))
		h.retime(1)
		h.retime(0)
		equal(h, "next due", h.overview("a").State.NextDue, moment("08:00").AddDate(0, 0, 2))
		h.setTime(moment("08:00").AddDate(0, 0, 2))
		h.tick()
		h.wantLedger("a", "11-24 06:30 enqueued", "11-25 08:00 enqueued")
		equal(h, "an apply of the same", h.apply(daily("a"))[0].Kind, schedule.ChangeNone)
		h.damaged = true // the first row is made up
	}},
	{"a tick recomputes before it decides", func(h *house) {
		h.apply(daily("a"), declared("b", "hourly at :00"))
		h.exec("UPDATE punctual_due SET tzdata = '2019a', next_due_at = $1", moment("09:30"))
		h.at("09:45")
		h.tick()
		h.wantLedger("a")
		h.wantLedger("b")
		equal(h, "next due", h.overview("b").State.NextDue, moment("10:00"))
		equal(h, "stamped", h.number("SELECT count(*) FROM punctual_due WHERE tzdata = $1", calendar.TZDataVersion()), 2)
		h.exec("UPDATE punctual_due SET tzdata = '2019a'")
		equal(h, "refused", h.trigger("b", store.TriggerOptions{}).Refused, "")
	}},
	{"a change of tzdata keeps an edit from the instant it was made at", func(h *house) {
		h.apply(declared("a", "daily at 10:00, 11:00", allowAll))
		h.at("10:00")
		h.tick()
		h.at("11:30") // the clock is down
		h.apply(declared("a", "daily at 10:45, 12:00", allowAll))
		h.exec("UPDATE punctual_due SET tzdata = '2019a'")
		h.at("12:00")
		h.retime(1)
		h.tick()
		h.wantLedger("a", "10:00 enqueued", "11:00 enqueued", "12:00 enqueued")
	}},
	{"what was decided in one zone hides nothing of another", func(h *house) {
		in := func(zone string) schedule.Declaration {
			return declared("a", "daily at 22:00", allowAll, func(d *schedule.Declaration) { d.When.Zone = zone })
		}
		h.apply(in("Pacific/Auckland")) // 09:00 UTC
		h.setTime(moment("09:00").AddDate(0, 0, 1))
		h.tick()
		h.apply(in("America/New_York")) // 03:00 UTC of the next day
		h.exec("UPDATE punctual_due SET tzdata = '2019a'")
		h.retime(1)
		h.setTime(moment("03:00").AddDate(0, 0, 2))
		h.tick()
		h.wantLedger("a", "11-24 09:00 enqueued", "11-25 03:00 enqueued")
	}},
}

// keep keeps what an audit looks at, until it is restored.
func (h *house) keep() (restore func()) {
	overriding := map[string]string{"punctual_occurrence": "", "punctual_due": "", "punctual_backfill": "", "river_job": ""}
	if h.Database().Kind == database.Postgres {
		overriding["punctual_occurrence"], overriding["punctual_backfill"] = "OVERRIDING SYSTEM VALUE", "OVERRIDING SYSTEM VALUE"
	}
	for table := range overriding {
		h.exec("CREATE TABLE kept_" + table + " AS SELECT * FROM " + table)
	}
	return func() {
		for table, overriding := range overriding {
			h.exec("DELETE FROM " + table)
			h.exec("INSERT INTO " + table + " " + overriding + " SELECT * FROM kept_" + table)
			h.exec("DROP TABLE kept_" + table)
		}
	}
}

var auditTests = []test{
	{"an audit names what was deleted, added, doubled or stretched by hand", func(h *house) {
		h.damaged = true
		insert := func(from string, until any, count int, skipped string) {
			decision := "skipped"
			if skipped == "" {
				decision = "enqueued"
			}
			h.exec(`INSERT INTO punctual_occurrence (schedule_id, nominal_at, until_at, count, due_at, origin, decision, reason, decided_at)
				SELECT id, $1, $2, $3, $1, 'clock', $4, $5, $1 FROM punctual_schedule`, moment(from), until, count, decision, skipped)
		}
		h.apply(declared("a", "hourly at :00"))
		for _, at := range []string{"10:00", "11:00", "15:00", "16:00"} { // 12:00-14:00 is a stretch
			h.at(at)
			h.tick()
			h.end()
		}
		same(h, "undamaged", h.findings(), nil)
		for _, c := range []struct {
			what   string
			damage func()
			want   []string
		}{
			{"deleted", func() { h.exec("DELETE FROM punctual_occurrence WHERE nominal_at = $1", moment("11:00")) },
				[]string{"no decision a 11:00"}},
			{"the stretch deleted", func() { h.exec("DELETE FROM punctual_occurrence WHERE count > 1") },
				[]string{"no decision a 12:00", "no decision a 13:00", "no decision a 14:00"}},
			{"the last deleted", func() { h.exec("DELETE FROM punctual_occurrence WHERE nominal_at = $1", moment("16:00")) },
				[]string{"no decision a 16:00"}},
			{"added", func() { insert("10:30", nil, 1, "missed") },
				[]string{"no such nominal a 10:30"}},
			{"added beyond the cursor", func() { insert("16:00:30", nil, 1, "") },
				[]string{"no such nominal a 16:00:30"}},
			{"added for what is not due yet", func() { insert("17:00", nil, 1, "missed") },
				[]string{"wrong row a 17:00"}},
			{"added before the schedule was created", func() { insert("08:00", nil, 1, "missed") },
				[]string{"no such nominal a 08:00"}},
			{"with a decision that is none", func() {
				h.exec("UPDATE punctual_occurrence SET decision = 'banana' WHERE nominal_at = $1", moment("10:00"))
			},
				[]string{"wrong row a 10:00"}},
			{"added for nobody", func() {
				h.exec(`INSERT INTO punctual_occurrence (schedule_id, nominal_at, due_at, origin, decision, decided_at) VALUES (999, $1, $1, 'clock', 'enqueued', $1)`, moment("12:00"))
			}, []string{"wrong row schedule-999 12:00"}},
			{"doubled within the stretch", func() { insert("13:00", nil, 1, "missed") },
				[]string{"decided twice a 13:00"}},
			{"stretched", func() { h.exec("UPDATE punctual_occurrence SET until_at = $1 WHERE count > 1", moment("15:00")) },
				[]string{"wrong row a 12:00 x3", "decided twice a 15:00"}},
			{"shrunk", func() { h.exec("UPDATE punctual_occurrence SET until_at = $1 WHERE count > 1", moment("13:00")) },
				[]string{"wrong row a 12:00 x3", "no decision a 14:00"}},
			{"miscounted", func() { h.exec("UPDATE punctual_occurrence SET count = 4 WHERE count > 1") },
				[]string{"wrong row a 12:00 x4"}},
			{"without a job", func() { h.exec("UPDATE punctual_occurrence SET job_id = NULL WHERE nominal_at = $1", moment("10:00")) },
				[]string{"wrong row a 10:00"}},
			{"moved to a trigger", func() {
				h.exec("UPDATE punctual_occurrence SET origin = 'trigger', trigger_id = 'x' WHERE nominal_at = $1", moment("10:00"))
			},
				[]string{"no decision a 10:00"}},
			{"without the row of what moves", func() { h.exec("DELETE FROM punctual_due") },
				[]string{"wrong row a 09:00"}},
		} {
			restore := h.keep()
			c.damage()
			same(h, c.what, h.findings(), c.want)
			restore()
		}
		same(h, "restored", h.findings(), nil)
	}},
	{"an audit names rows of backfills and triggers, and jobs of rows, that were changed by hand", func(h *house) {
		h.damaged = true
		h.apply(declared("a", "hourly at :00"), declared("b", "every 1d"))
		h.at("13:00")
		h.tick() // 10:00-12:00 are one stretch
		h.end()
		h.startBackfill("a", "10:00", "12:00")
		for range 2 {
			h.step(1)
			h.end()
		}
		h.step(0)
		h.advance(time.Minute)
		h.trigger("b", store.TriggerOptions{})
		h.trigger("b", store.TriggerOptions{}) // refused
		same(h, "undamaged", h.findings(), nil)
		columns := "schedule_id, nominal_at, due_at, origin, run, trigger_id, decision, reason, job_id, decided_at"
		backfilled := "origin = 'backfill' AND nominal_at = "
		for _, c := range []struct {
			what   string
			damage func()
			want   []string
		}{
			{"a backfill's row deleted", func() { h.exec("DELETE FROM punctual_occurrence WHERE "+backfilled+"$1", moment("11:00")) },
				[]string{"no decision a 11:00"}},
			{"a backfill's row and job deleted", func() {
				h.exec("DELETE FROM river_job WHERE id = (SELECT job_id FROM punctual_occurrence WHERE "+backfilled+"$1)", moment("11:00"))
				h.exec("DELETE FROM punctual_occurrence WHERE "+backfilled+"$1", moment("11:00"))
			}, []string{"no decision a 11:00"}},
			{"a backfill's row deleted, and its count changed", func() {
				h.exec("UPDATE punctual_backfill SET enqueued = 5")
				h.exec("DELETE FROM river_job WHERE id = (SELECT job_id FROM punctual_occurrence WHERE "+backfilled+"$1)", moment("11:00"))
				h.exec("DELETE FROM punctual_occurrence WHERE "+backfilled+"$1", moment("11:00"))
			}, []string{"wrong row a 10:00"}},
			{"a backfill's row doubled", func() {
				h.exec("DROP INDEX punctual_occurrence_backfill")
				h.exec("INSERT INTO punctual_occurrence ("+columns+") SELECT "+columns+" FROM punctual_occurrence WHERE "+backfilled+"$1", moment("11:00"))
			}, []string{"wrong row a 10:00", "wrong row a 11:00"}},
			{"a backfill's row doubled with another job", func() {
				h.exec("INSERT INTO punctual_occurrence ("+columns+") SELECT "+strings.Replace(columns, "job_id", "job_id + 1000", 1)+" FROM punctual_occurrence WHERE "+backfilled+"$1", moment("11:00"))
			}, []string{"wrong row a 10:00", "decided twice a 11:00"}},
			{"a row added for a backfill that is not there", func() {
				h.exec("INSERT INTO punctual_occurrence ("+columns+") SELECT "+strings.Replace(strings.Replace(columns, "job_id", "job_id + 1000", 1), "run", "run + 1", 1)+" FROM punctual_occurrence WHERE "+backfilled+"$1", moment("11:00"))
			}, []string{"no such nominal a 11:00"}},
			{"a backfill's row moved out of its range", func() {
				h.exec("UPDATE punctual_occurrence SET nominal_at = $2 WHERE "+backfilled+"$1", moment("11:00"), moment("12:30"))
			}, []string{"no such nominal a 12:30"}},
			{"a backfill's row without a job", func() { h.exec("UPDATE punctual_occurrence SET job_id = NULL WHERE "+backfilled+"$1", moment("10:00")) },
				[]string{"wrong row a 10:00"}},
			{"another row's job", func() {
				h.exec("UPDATE punctual_occurrence SET job_id = (SELECT job_id FROM punctual_occurrence WHERE "+backfilled+"$1) WHERE "+backfilled+"$2", moment("10:00"), moment("11:00"))
			}, []string{"wrong row a 11:00"}},
			{"a job that is not there", func() {
				h.exec("UPDATE punctual_occurrence SET job_id = 999 WHERE origin = 'clock' AND nominal_at = $1", moment("13:00"))
			}, []string{"wrong row a 13:00"}},
			{"a trigger deleted", func() { h.exec("DELETE FROM punctual_occurrence WHERE origin = 'trigger' AND decision = 'enqueued'") },
				[]string{"no decision b 13:01"}},
			{"a trigger deleted that was refused", func() { h.exec("DELETE FROM punctual_occurrence WHERE origin = 'trigger' AND decision = 'skipped'") },
				[]string{"no decision b 13:01"}},
			{"a trigger added", func() {
				h.exec("INSERT INTO punctual_occurrence (" + columns + ") SELECT " + strings.Replace(strings.Replace(columns, "job_id", "job_id + 1000", 1), "trigger_id", "'x'", 1) + " FROM punctual_occurrence WHERE origin = 'trigger' AND decision = 'enqueued'")
			}, []string{"no such nominal b 13:01"}},
		} {
			restore := h.keep()
			c.damage()
			same(h, c.what, h.findings(), c.want)
			var ofA []string
			_, err := h.Audit(h.ctx(), "a", func(f schedule.Finding) { ofA = append(ofA, f.Key) })
			h.must(err)
			equal(h, c.what+", audited alone", len(ofA), strings.Count(strings.Join(c.want, " "), " a "))
			restore()
		}
		same(h, "restored", h.findings(), nil)
	}},
	{"what is due after the cursor is listed as waiting, in error or not yet decided", func(h *house) {
		h.apply(declared("pending", "hourly at :00"), declared("waits", "hourly at :00", overlap(schedule.OverlapWait)))
		h.at("10:00")
		h.tick()
		h.at("11:00")
		b := h.one()
		var waits []schedule.Decided
		for _, d := range decide(b) {
			if d.Schedule.Key == "waits" {
				waits = append(waits, d)
			}
		}
		h.must(errorOf(h.Commit(h.ctx(), b, waits)))
		same(h, "findings", h.findings(), []string{"not yet decided pending 11:00", "waiting waits 11:00"})
	}},
	{"a difference under another tzdata is a note", func(h *house) {
		h.apply(declared("a", "hourly at :00"))
		h.at("10:00")
		h.tick()
		h.exec("UPDATE punctual_definition SET tzdata = '2019a'")
		h.exec("DELETE FROM punctual_occurrence")
		h.exec("DELETE FROM river_job")
		same(h, "findings", h.findings(), []string{"note a 10:00"})
	}},
	{"an audit of nobody is an error, and one of a deleted schedule is not", func(h *house) {
		_, err := h.Audit(h.ctx(), "nobody", func(schedule.Finding) {})
		h.refused(err, "nobody")
		h.apply(declared("a", "hourly at :00"))
		h.must(h.Delete(h.ctx(), "a", false, me))
		n, err := h.Audit(h.ctx(), "a", func(schedule.Finding) {})
		h.must(err)
		equal(h, "audited", n, 1)
	}},
}

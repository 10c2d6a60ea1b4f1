package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

var declaringTests = []test{
	{"creating a schedule fires nothing and makes up nothing", func(h *house) {
		h.at("09:30")
		h.apply(declared("hourly", "hourly at :00"))
		h.tick()
		h.wantLedger("hourly")
		o := h.overview("hourly")
		equal(h, "next due", o.State.NextDue, moment("10:00"))
		equal(h, "created", o.CreatedAt, moment("09:30"))
		h.at("10:00")
		h.tick()
		h.wantLedger("hourly", "10:00 enqueued")
	}},
	{"a schedule created at the very instant of a nominal begins with the next", func(h *house) {
		h.at("10:00")
		h.apply(declared("hourly", "hourly at :00"))
		h.tick()
		h.at("11:00")
		h.tick()
		h.wantLedger("hourly", "11:00 enqueued")
	}},
	{"a once that is past is created as finished", func(h *house) {
		h.apply(declared("past", "once at 2026-11-01T09:00:00Z"))
		h.tick()
		h.wantLedger("past")
		equal(h, "next due", h.overview("past").State.NextDue, time.Time{})
	}},
	{"keys with dots and dashes, texts with quotes, percents and umlauts come back as they went in", func(h *house) {
		d := declared("a.b-c_d.9", "daily at 09:00", tags("a_b", "c-d"))
		d.Description = `50 % of "ünïcödé" 'quotes' \ and a _`
		d.When.Zone, d.Jitter = "Europe/Berlin", 90*time.Second
		d.When.NotBefore, d.When.NotAfter = start.Add(1500*time.Millisecond), start.AddDate(1, 0, 0)
		d.When.Except = []calendar.Date{{Year: 2026, Month: 12, Day: 25}}
		h.apply(d)
		changes := h.apply(d)
		equal(h, "change", changes[0].Kind, schedule.ChangeNone)
		o := h.overview(d.Key)
		equal(h, "description", o.Description, d.Description)
		same(h, "tags", o.Tags, d.Tags)
		equal(h, "not before", o.When.NotBefore, d.When.NotBefore)
		equal(h, "zone", o.When.Zone, "Europe/Berlin")
		equal(h, "jitter", o.Jitter, d.Jitter)
	}},
	{"an apply is all or nothing", func(h *house) {
		h.apply(declared("stays", "every 1h"))
		bad := declared("bad key!", "every 1h")
		_, err := h.Apply(h.ctx(), []schedule.Declaration{declared("new", "every 1h"), bad}, byFile())
		h.refused(err, "bad key!")
		// What goes wrong in the midst of it undoes what was written before.
		ctx, cancel := context.WithCancel(h.ctx())
		defer cancel()
		created := 0
		dying := h.open(database.Options{Trace: func(statement string) {
			if strings.Contains(statement, "INSERT INTO punctual_schedule") {
				if created++; created == 2 {
					cancel()
				}
			}
		}})
		_, err = dying.Apply(ctx, []schedule.Declaration{declared("new", "every 1h"), declared("newer", "every 1h")}, byFile())
		h.refused(err, "newer")
		for _, table := range []string{"schedule", "due", "definition"} {
			equal(h, "rows of "+table, h.number("SELECT count(*) FROM punctual_"+table), 1)
		}
	}},
	{"all faults are told in one go", func(h *house) {
		_, err := h.Apply(h.ctx(), []schedule.Declaration{
			declared("a", "nonsense"), declared("b", "every 1h"), declared("b", "every 2h"),
		}, store.ApplyOptions{PlanOptions: schedule.PlanOptions{Owner: file}, Limits: map[string]int{"none": 0}, Actor: me})
		h.refused(err, "nonsense", "declared twice", "limits.none")
		if _, ok := errors.AsType[*store.RefusedError](err); !ok {
			h.Errorf("the error is a %T", err)
		}
	}},
	{"a dry run changes nothing", func(h *house) {
		h.apply(declared("a", "every 1h"), declared("gone", "every 1h"))
		before := h.number("SELECT count(*) FROM punctual_activity")
		o := byFile()
		o.DryRun, o.Prune, o.Limits = true, true, map[string]int{"x": 1}
		changes, err := h.Apply(h.ctx(), []schedule.Declaration{declared("a", "every 2h"), declared("b", "every 1h")}, o)
		h.must(err)
		var kinds []string
		for _, c := range changes {
			kinds = append(kinds, string(c.Kind)+" "+c.Key)
		}
		same(h, "plan", kinds, []string{"update a", "create b", "delete gone"})
		equal(h, "schedules", h.number("SELECT count(*) FROM punctual_schedule WHERE deleted_at IS NULL"), 2)
		equal(h, "definitions", h.number("SELECT count(*) FROM punctual_definition"), 2)
		equal(h, "limits", h.number("SELECT count(*) FROM punctual_limit"), 0)
		equal(h, "activities", h.number("SELECT count(*) FROM punctual_activity"), before)
	}},
	{"another owner's key is refused by name, unless adopted", func(h *house) {
		h.apply(declared("a", "every 1h"))
		o := byFile()
		o.Owner = schedule.Owner{Kind: schedule.OwnerProgram, Name: "billing"}
		_, err := h.Apply(h.ctx(), []schedule.Declaration{declared("a", "every 1h")}, o)
		h.refused(err, "file punctual.yaml", "--adopt")
		o.Adopt = true
		changes, err := h.Apply(h.ctx(), []schedule.Declaration{declared("a", "every 1h")}, o)
		h.must(err)
		equal(h, "adopted", changes[0].Adopted, true)
		equal(h, "owner", h.overview("a").Owner, o.Owner)
	}},
	{"prune removes what the owner has and declares no longer, and nothing else", func(h *house) {
		h.apply(declared("mine", "every 1h"), declared("old", "every 1h"))
		o := byFile()
		o.Owner = schedule.Owner{Kind: schedule.OwnerAPI}
		_, err := h.Apply(h.ctx(), []schedule.Declaration{declared("theirs", "every 1h")}, o)
		h.must(err)
		o = byFile()
		o.Prune = true
		_, err = h.Apply(h.ctx(), []schedule.Declaration{declared("mine", "every 1h")}, o)
		h.must(err)
		all, err := h.Overviews(h.ctx(), "")
		h.must(err)
		var keys []string
		for _, one := range all {
			keys = append(keys, one.Key)
		}
		same(h, "keys", keys, []string{"mine", "theirs"})
	}},
	{"an apply does not look at what others own, however much that is", func(h *house) {
		h.apply(declared("theirs", "daily at 09:00"))
		h.exec("UPDATE punctual_schedule SET job = 'no job', policies = 'no policies' WHERE key = 'theirs'")
		o := byFile()
		o.Owner.Name, o.Prune = "another", true
		o.Limits = map[string]int{"one": 1}
		_, err := h.Apply(h.ctx(), []schedule.Declaration{declared("mine", "daily at 09:00")}, o)
		h.must(err)
		h.damaged = true
	}},
	{"a rename keeps the history, the state and the pauses", func(h *house) {
		h.apply(declared("old", "hourly at :00"))
		h.at("10:00")
		h.tick()
		h.end()
		_, err := h.Pause(h.ctx(), store.Target{Key: "old"}, moment("11:30"), "", me)
		h.must(err)
		h.apply(declared("new", "hourly at :00", was("old")))
		h.apply(declared("new", "hourly at :00", was("old"))) // again is harmless
		h.at("11:00")
		h.tick()
		h.at("12:00")
		h.tick()
		h.wantLedger("new", "10:00 enqueued", "11:00 skipped: paused", "12:00 enqueued")
		_, err = h.Overviews(h.ctx(), "old")
		h.refused(err, "old")
		for key, want := range map[string]string{"old": "new", "o%": "", "new": ""} {
			now, err := h.Renamed(h.ctx(), key)
			h.must(err)
			equal(h, "the key that "+key+" has now", now, want)
		}
	}},
	{"a rename that is ambiguous is refused", func(h *house) {
		h.apply(declared("a", "every 1h"), declared("b", "every 1h"))
		_, err := h.Apply(h.ctx(), []schedule.Declaration{declared("b", "every 1h", was("a"))}, byFile())
		h.refused(err, "both")
		_, err = h.Apply(h.ctx(), []schedule.Declaration{declared("c", "every 1h", was("a")), declared("a", "every 1h")}, byFile())
		h.refused(err, "both")
		_, err = h.Apply(h.ctx(), []schedule.Declaration{declared("c", "every 1h", was("a")), declared("d", "every 1h", was("a"))}, byFile())
		h.refused(err, "both")
		h.must(h.Delete(h.ctx(), "b", false, me))
		_, err = h.Apply(h.ctx(), []schedule.Declaration{declared("b", "every 1h", was("a"))}, byFile())
		h.refused(err, "deleted", "b")
		equal(h, "schedules", h.number("SELECT count(*) FROM punctual_schedule"), 2)
	}},
	{"a rename moves the jitter from that instant on, and loses nothing", func(h *house) {
		jittered := func(d *schedule.Declaration) { d.Jitter = 20 * time.Minute }
		h.apply(declared("old", "hourly at :00", jittered))
		h.at("10:45")
		h.apply(declared("other", "hourly at :00", jittered, was("old")))
		h.at("12:45")
		h.tick()
		h.wantLedger("other", "10:00-11:00 x2 skipped: coalesced", "12:00 enqueued")
	}},
	{"a deletion decides everything up to now, and the same key goes on with its history", func(h *house) {
		h.apply(declared("a", "hourly at :00"))
		h.at("10:00")
		h.tick()
		h.at("13:30") // the clock is down
		h.must(h.Delete(h.ctx(), "a", false, me))
		h.at("15:30")
		h.tick()
		h.refused(h.Delete(h.ctx(), "a", false, me), "a")
		same(h, "findings", h.findings(), nil)
		h.apply(declared("a", "hourly at :00"))
		h.at("16:00")
		h.end()
		h.tick()
		h.wantLedger("a", "10:00 enqueued", "11:00-13:00 x3 skipped: deleted", "16:00 enqueued")
	}},
	{"a deletion decides what has a nominal but is not yet due", func(h *house) {
		h.apply(declared("a", "hourly at :00", func(d *schedule.Declaration) { d.Jitter = 59 * time.Minute }))
		due := h.overview("a").State.NextDue
		if !due.After(moment("10:00:30")) {
			h.Fatalf("the key has too little jitter for this test: %s", due)
		}
		h.at("10:00:30")
		h.must(h.Delete(h.ctx(), "a", false, me))
		h.at("12:00")
		h.tick()
		h.apply(declared("a", "hourly at :00"))
		h.wantLedger("a", "10:00 skipped: deleted")
	}},
	{"a deletion leaves pending jobs, unless it is told otherwise", func(h *house) {
		h.apply(declared("keep", "hourly at :00"), declared("cancel", "hourly at :00"))
		h.at("10:00")
		h.tick()
		h.must(h.Delete(h.ctx(), "keep", false, me))
		h.must(h.Delete(h.ctx(), "cancel", true, me))
		equal(h, "state of the job kept", h.run("keep", 0).State, "available")
		equal(h, "state of the job cancelled", h.run("cancel", 0).State, "cancelled")
	}},
	{"long and odd texts are cut, not refused", func(h *house) {
		h.apply(declared("a", "every 1h"))
		odd := strings.Repeat("ö", 3000) + "\x00\xff"
		_, err := h.Pause(h.ctx(), store.Target{Key: "a"}, time.Time{}, odd, store.Actor(odd))
		h.must(err)
		h.must(h.Fail(h.ctx(), h.overview("a").ID, h.clock(), "x"+odd))
		o := h.overview("a")
		if len(o.Error) < 1990 || len(o.Error) > 2000 || len(o.Pauses[0].Note) > 2000 {
			h.Errorf("error has %d bytes, note %d", len(o.Error), len(o.Pauses[0].Note))
		}
		h.refused(errorOf(h.Trigger(h.ctx(), "a", store.TriggerOptions{IdempotencyKey: strings.Repeat("k", 201)})), "201")
		h.refused(errorOf(h.Trigger(h.ctx(), "a", store.TriggerOptions{IdempotencyKey: "a\x00b"})), "not allowed")
	}},
	{"schedules written by a newer version are left alone, and say so", func(h *house) {
		h.apply(declared("newer", "hourly at :00"), declared("plain", "hourly at :00"))
		h.exec("UPDATE punctual_schedule SET format = 99, job = '{\"teleport\": 1}' WHERE key = 'newer'")
		h.at("10:00")
		h.tick()
		h.wantLedger("newer")
		h.wantLedger("plain", "10:00 enqueued")
		h.at("10:01")
		if next, err := h.NextDue(h.ctx()); err != nil || next.Before(h.clock()) {
			h.Errorf("the clock would look again at %s for what it leaves alone (%v)", next, err)
		}
		h.refused(errorOf(h.Trigger(h.ctx(), "newer", store.TriggerOptions{})), "newer version")
		equal(h, "cursor", h.overview("newer").State.Cursor, start)
		if text := h.overview("newer").Error; !strings.Contains(text, "newer version") {
			h.Errorf("its error is %q", text)
		}
		same(h, "findings", h.findings(), []string{"in error newer 09:00"})
	}},
	{"a schedule that cannot be read stands in error and does not stop the others", func(h *house) {
		h.apply(declared("bad", "hourly at :00"), declared("good", "hourly at :00"))
		h.exec("UPDATE punctual_definition SET expressions = '[\"gibberish\"]' WHERE seed = 'bad'")
		h.at("10:00")
		h.tick()
		h.wantLedger("good", "10:00 enqueued")
		if text := h.overview("bad").Error; !strings.Contains(text, "gibberish") {
			h.Errorf("its error is %q", text)
		}
		equal(h, "findings", len(h.findings()), 1)
		_, err := h.SkipDue(h.ctx(), "", time.Time{}, me)
		h.refused(err, "gibberish")
	}},
	{"hundreds of schedules are applied in one go", func(h *house) {
		var all []schedule.Declaration
		for i := range 300 {
			all = append(all, declared(fmt.Sprintf("s%d", i), "hourly at :00"))
		}
		h.apply(all...)
		h.at("10:00")
		equal(h, "enqueued", h.tick().Enqueued, 300)
	}},
}

func errorOf[T any](_ T, err error) error { return err }

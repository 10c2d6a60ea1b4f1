package storetest

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/punctual-dev/punctual/alert"
	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

// told are the settings of these tests.
func told() alert.Settings {
	return alert.Settings{
		Late: schedule.Duration(time.Minute), Missed: true, Failures: 2, Running: schedule.Duration(time.Hour),
		To:        map[string]alert.Recipient{"ops": {Webhook: "https://example.com/hook"}, "pager": {Run: &schedule.Command{Shell: "true"}}},
		PingEvery: schedule.Duration(time.Minute),
	}
}

// watch declares schedules by the file, and that it is to be told of them.
func (h *house) watch(settings alert.Settings, all ...schedule.Declaration) {
	h.Helper()
	o := byFile()
	o.Alerts = &settings
	_, err := h.Apply(h.ctx(), all, o)
	h.must(err)
}

// watched is the only one there is.
func (h *house) watched() alert.Watched {
	h.Helper()
	all, err := h.WatchedAlerts(h.ctx())
	h.must(err)
	if len(all) != 1 {
		h.Fatalf("%d want to be told, want 1", len(all))
	}
	return all[0]
}

// look looks once, as one process does, and returns what it tells.
func (h *house) look() (lines []string) {
	h.Helper()
	h.advance(alert.LookEvery)
	w := h.watched()
	claimed, err := h.ClaimLook(h.ctx(), &w)
	h.must(err)
	equal(h, "claimed", claimed, true)
	return h.lookAs(h.Store, w)
}

func (h *house) lookAs(s *store.Store, w alert.Watched) []string {
	h.Helper()
	return h.found(s, w)()
}

// found is what a process has decided to tell; calling it tells it.
func (h *house) found(s *store.Store, w alert.Watched) (tell func() []string) {
	h.Helper()
	suspects, now, err := s.AlertFacts(h.ctx(), w)
	h.must(err)
	changes, states := alert.DecideAll(w.Settings, suspects, now)
	return func() (lines []string) {
		h.Helper()
		if len(states) == 0 {
			return nil
		}
		done, err := s.TellAlerts(h.ctx(), w, states, alert.NewMessage(changes, now))
		if err != nil {
			h.Error(err)
		}
		for _, c := range changes {
			if line := c.Schedule + " " + string(c.Kind); done && c.Raised {
				lines = append(lines, line)
			} else if done {
				lines = append(lines, line+" no more")
			}
		}
		return lines
	}
}

// endNow ends a job at the house's time.
func (h *house) endNow(id int64, state string) {
	h.Helper()
	h.job(id, state, "boom")
	at := any(h.clock())
	if h.Database().Kind == database.SQLite {
		at = h.clock().Format("2006-01-02 15:04:05.000")
	}
	h.exec("UPDATE river_job SET finalized_at = $2 WHERE id = $1", id, at)
}

func (h *house) tells(want ...string) {
	h.Helper()
	same(h, "told at "+clockTime(h.clock()), h.look(), want)
}

var alertTests = []test{
	{"what a file wants to be told is kept, changed and removed with it, and each change is noted", func(h *house) {
		h.watch(told(), declared("a", "hourly at :00"))
		equal(h, "owner", h.watched().Owner, "file punctual.yaml")
		version := h.watched().Version
		h.watch(told(), declared("a", "hourly at :00"))
		equal(h, "version of the same", h.watched().Version, version)
		more := told()
		more.Failures = 5
		h.watch(more, declared("a", "hourly at :00"))
		equal(h, "failures", h.watched().Settings.Failures, 5)
		h.apply(declared("a", "hourly at :00")) // says nothing of alerts
		equal(h, "failures", h.watched().Settings.Failures, 5)
		h.watch(alert.Settings{}, declared("a", "hourly at :00"))
		all, err := h.WatchedAlerts(h.ctx())
		h.must(err)
		equal(h, "left", len(all), 0)
		equal(h, "notes", h.number("SELECT count(*) FROM punctual_activity WHERE action = 'alerts'"), 3)
		bad := told()
		bad.Late = 1
		_, err = h.Apply(h.ctx(), nil, store.ApplyOptions{PlanOptions: schedule.PlanOptions{Owner: file}, Alerts: &bad, Actor: me})
		h.refused(err, "alerts.late", "at least 10s")
	}},
	{"late is what no clock decides, what waits for another run, and what waits for a worker", func(h *house) {
		h.watch(told(), declared("clock", "hourly at :00"), declared("run", "hourly at :00", overlap(schedule.OverlapWait)), declared("fine", "daily at 23:00"))
		h.at("10:00:30")
		h.tells()
		h.at("10:01")
		h.tells("clock late", "run late")
		h.tick()
		h.tells("clock late no more", "run late no more")
		h.at("10:02:30") // their jobs wait for a worker
		h.tells("clock late", "run late")
		h.job(h.run("clock", 0).JobID, "completed")
		h.job(h.run("run", 0).JobID, "running")
		h.tells("clock late no more", "run late no more")
		h.at("11:00")
		h.tick()
		h.at("11:02")
		same(h, "told", h.look(), []string{"clock late", "run late", "run running too long"})
	}},
	{"a schedule in error is late at once, and no longer when it can be decided", func(h *house) {
		h.watch(told(), declared("a", "hourly at :00"), declared("b", "hourly at :00"))
		h.must(h.Fail(h.ctx(), h.overview("a").ID, h.clock(), "it is broken"))
		h.tells("a late")
		h.tells()
		h.exec("UPDATE punctual_schedule SET error = '', error_at = NULL WHERE key = 'a'")
		h.tells("a late no more")
	}},
	{"failures count from the last success, by whoever ran the job, and a success ends them", func(h *house) {
		h.watch(told(), declared("a", "every 10m", overlap(schedule.OverlapAllow)), declared("b", "every 10m", overlap(schedule.OverlapAllow)))
		n := 0
		run := func(a, b string) {
			h.Helper()
			h.setTime(start.Add(time.Duration(n+1) * 10 * time.Minute))
			h.tick()
			h.endNow(h.run("a", n).JobID, a)
			h.endNow(h.run("b", n).JobID, b)
			n++
			h.must(errorOf(h.CopyOutcomes(h.ctx())))
		}
		run("discarded", "completed")
		h.tells()
		run("discarded", "discarded")
		h.tells("a failing")
		run("discarded", "completed")
		h.tells()
		run("completed", "discarded")
		h.tells("a failing no more")
		run("completed", "discarded")
		h.tells("b failing")
	}},
	{"missed is what was skipped for being too late, and ends with the next that is enqueued", func(h *house) {
		h.watch(told(), declared("a", "every 10m", catchUp(schedule.CatchUpNone)), declared("b", "every 10m"))
		h.at("10:05")
		h.tick()
		lines := h.look()
		if !slices.Contains(lines, "a missed") || slices.Contains(lines, "b missed") {
			h.Errorf("it tells %v", lines)
		}
		h.at("10:10")
		h.tick()
		if lines = h.look(); !slices.Contains(lines, "a missed no more") {
			h.Errorf("it tells %v", lines)
		}
		h.tells()
	}},
	{"an attempt that runs too long is told of, and its end", func(h *house) {
		h.watch(told(), declared("a", "daily at 09:30"))
		h.at("09:30")
		h.tick()
		h.job(h.run("a", 0).JobID, "running")
		h.at("10:20")
		h.tells()
		h.at("10:40")
		h.tells("a running too long")
		h.job(h.run("a", 0).JobID, "completed")
		h.must(errorOf(h.CopyOutcomes(h.ctx())))
		h.tells("a running too long no more")
	}},
	{"schedules of others are told of too, unless their owner is told himself; deleted ones are not", func(h *house) {
		h.watch(told(), declared("mine", "hourly at :00"), declared("gone", "hourly at :00"), declared("hushed", "hourly at :00", tags("quiet")))
		own := told()
		own.Except = []string{"quiet"}
		h.watch(own, declared("mine", "hourly at :00"), declared("gone", "hourly at :00"), declared("hushed", "hourly at :00", tags("quiet")))
		program := store.ApplyOptions{PlanOptions: schedule.PlanOptions{Owner: schedule.Owner{Kind: schedule.OwnerProgram, Name: "app"}}, Actor: me}
		h.must(errorOf(h.Apply(h.ctx(), []schedule.Declaration{declared("theirs", "hourly at :00")}, program)))
		other := store.ApplyOptions{PlanOptions: schedule.PlanOptions{Owner: schedule.Owner{Kind: schedule.OwnerFile, Name: "other"}}, Actor: me}
		h.must(errorOf(h.Apply(h.ctx(), []schedule.Declaration{declared("others", "hourly at :00")}, other)))
		h.at("10:05")
		h.tells("mine late", "gone late", "theirs late", "others late")
		settings := told()
		other.Alerts = &settings
		h.must(errorOf(h.Apply(h.ctx(), []schedule.Declaration{declared("others", "hourly at :00")}, other)))
		h.must(h.Delete(h.ctx(), "gone", false, me))
		h.advance(alert.LookEvery)
		all, err := h.WatchedAlerts(h.ctx())
		h.must(err)
		same(h, "the file", h.lookAs(h.Store, all[1]), nil)
		same(h, "the other file", h.lookAs(h.Store, all[0]), []string{"theirs late", "others late"})
	}},
	{"of many processes that look at once one tells, and each change once", func(h *house) {
		var all []schedule.Declaration
		for i := range 20 {
			all = append(all, declared(fmt.Sprintf("s%02d", i), "hourly at :00"))
		}
		h.watch(told(), all...)
		h.at("10:05")
		var claimed, lines atomic.Int64
		var claims, tellings []func()
		for range 4 {
			s := h.open(database.Options{})
			w := h.watched()
			claims = append(claims, func() {
				if ok, err := s.ClaimLook(h.ctx(), &w); err != nil {
					h.Error(err)
				} else if ok {
					claimed.Add(1)
				}
			})
			w.Version++ // also those without a claim go on, as if they had been frozen
			tell := h.found(s, w)
			w.Version--
			tellings = append(tellings, func() { lines.Add(int64(len(tell()))) })
		}
		race(claims...)
		equal(h, "claims", claimed.Load(), 1)
		race(tellings...)
		equal(h, "told", lines.Load(), 20)
		equal(h, "messages", h.number("SELECT count(*) FROM punctual_alert_message"), 2)
	}},
	{"a process that was frozen between its look and its telling tells nothing", func(h *house) {
		h.watch(told(), declared("a", "hourly at :00"))
		h.at("10:05")
		frozen := h.watched()
		claimed, err := h.ClaimLook(h.ctx(), &frozen)
		h.must(err)
		equal(h, "claimed", claimed, true)
		tell := h.found(h.Store, frozen)
		h.tells("a late")
		same(h, "frozen", tell(), nil)
	}},
	{"a message goes to each recipient, is taken by one process at a time, and again if that one ends", func(h *house) {
		h.watch(told(), declared("a", "hourly at :00"))
		h.at("10:05")
		h.tells("a late")
		claim := func(s *store.Store, ways ...string) []alert.Delivery {
			h.Helper()
			all, err := s.ClaimDeliveries(h.ctx(), ways, 10)
			h.must(err)
			return all
		}
		other := h.open(database.Options{})
		first := claim(h.Store, alert.ByWebhook, alert.ByMail)
		equal(h, "deliveries", len(first), 1)
		equal(h, "recipient", first[0].Recipient, "ops")
		if !strings.Contains(first[0].Body, `"schedule":"a"`) {
			h.Errorf("the message is %s", first[0].Body)
		}
		equal(h, "meanwhile", len(claim(other, alert.ByWebhook)), 0)
		equal(h, "commands", claim(other, alert.ByCommand)[0].Recipient, "pager")
		h.advance(3 * time.Minute) // the first process has ended
		second := claim(other, alert.ByWebhook)
		equal(h, "deliveries", len(second), 1)
		equal(h, "try", second[0].Tries, 2)
		h.must(h.EndDelivery(h.ctx(), first[0], "late news", h.clock())) // it was only frozen
		equal(h, "meanwhile", len(claim(h.Store, alert.ByWebhook)), 0)
		h.must(other.EndDelivery(h.ctx(), second[0], "", time.Time{}))
		h.advance(time.Hour)
		equal(h, "after it was sent", len(claim(other, alert.ByWebhook)), 0)
	}},
	{"a message that fails is tried again when it is to be, or given up", func(h *house) {
		h.watch(told(), declared("a", "hourly at :00"))
		h.at("10:05")
		h.tells("a late")
		claim := func() []alert.Delivery {
			h.Helper()
			all, err := h.ClaimDeliveries(h.ctx(), []string{alert.ByWebhook}, 10)
			h.must(err)
			return all
		}
		h.must(h.EndDelivery(h.ctx(), claim()[0], "refused", h.clock().Add(time.Minute)))
		equal(h, "at once", len(claim()), 0)
		h.advance(time.Minute)
		again := claim()
		equal(h, "in time", len(again), 1)
		h.must(h.EndDelivery(h.ctx(), again[0], "refused", time.Time{}))
		h.advance(48 * time.Hour)
		equal(h, "given up", len(claim()), 0)
		equal(h, "reason", h.number("SELECT count(*) FROM punctual_alert_message WHERE error = 'refused' AND ended_at IS NOT NULL"), 1)
	}},
	{"the outside monitor is pinged once in its time, by whomever", func(h *house) {
		h.watch(told(), declared("a", "hourly at :00"))
		w := h.watched()
		var pings atomic.Int64
		ping := func() func() {
			s := h.open(database.Options{})
			return func() {
				if ok, err := s.ClaimPing(h.ctx(), w); err != nil {
					h.Error(err)
				} else if ok {
					pings.Add(1)
				}
			}
		}
		pingers := []func(){ping(), ping(), ping()}
		race(pingers...)
		race(pingers...)
		equal(h, "pings", pings.Load(), 1)
		h.advance(time.Minute)
		race(pingers...)
		equal(h, "pings", pings.Load(), 2)
	}},
}

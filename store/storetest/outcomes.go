package storetest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/queue"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

var outcomeTests = []test{
	{"what came of a job is copied into the ledger, and stays when the queue forgets", func(h *house) {
		cases := []struct {
			outcome, state string
			failures       []string
			metadata       bool // asked to be cancelled
		}{
			{outcome: "succeeded", state: "completed"},
			{outcome: "succeeded", state: "completed", failures: []string{"boom"}},
			{outcome: "failed", state: "discarded", failures: []string{"boom", "it's over"}},
			{outcome: "failed", state: "cancelled", failures: []string{"exit code 1"}}, // ended without another attempt
			{outcome: "cancelled", state: "cancelled"},
			{outcome: "cancelled", state: "cancelled", failures: []string{"killed"}, metadata: true},
			{outcome: "expired", state: "cancelled", failures: []string{queue.ErrExpired.Error()}},
			{outcome: "unknown"},
			{outcome: ""}, // still available
		}
		h.apply(many(len(cases), "hourly at :00")...)
		h.at("10:00")
		h.tick()
		for i, c := range cases {
			id := h.run(fmt.Sprintf("s%03d", i), 0).JobID
			if c.metadata {
				h.must(h.Queue().Cancel(h.ctx(), id))
			}
			switch {
			case c.state != "":
				h.job(id, c.state, c.failures...)
			case c.outcome == "unknown":
				h.exec("DELETE FROM river_job WHERE id = $1", id)
			}
		}
		before := make([]store.Run, len(cases))
		for i := range cases {
			before[i] = h.run(fmt.Sprintf("s%03d", i), 0)
		}
		h.at("10:00:30")
		n, err := h.CopyOutcomes(h.ctx())
		h.must(err)
		equal(h, "copied", n, int64(len(cases)-1))
		n, err = h.CopyOutcomes(h.ctx())
		h.must(err)
		equal(h, "copied again", n, 0)
		h.exec("DELETE FROM river_job WHERE state <> 'available'")
		for i, c := range cases {
			key := fmt.Sprintf("s%03d", i)
			got := h.run(key, 0)
			if c.outcome == "" {
				equal(h, "state", got.State, "available")
				continue
			}
			equal(h, key+" "+c.state, got.State, c.outcome)
			if c.outcome == "unknown" {
				equal(h, "finished", got.FinishedAt, moment("10:00:30"))
				continue
			}
			// Seen through the queue it was the same.
			got.ID, before[i].ID = 0, 0
			equal(h, "through the queue and in the ledger, "+c.outcome, fmt.Sprint(got), fmt.Sprint(before[i]))
			equal(h, "finished", got.FinishedAt, moment("09:30:01.250"))
			if c.outcome == "expired" {
				// A worker took it to find that it was too late, and began nothing.
				equal(h, "attempts of what expired", got.Attempts, 0)
				equal(h, "started", got.StartedAt, time.Time{})
				equal(h, "error", got.Error, "not started in time")
				continue
			}
			equal(h, "attempts", got.Attempts, len(c.failures)+1)
			equal(h, "started", got.StartedAt, moment("09:30:00.123"))
			if c.state != "completed" && len(c.failures) > 0 {
				equal(h, "error", got.Error, c.failures[len(c.failures)-1])
			}
		}
		at, err := h.LastSuccess(h.ctx(), "s000")
		h.must(err)
		equal(h, "last success", at, moment("09:30:01.250"))
		at, err = h.LastSuccess(h.ctx(), "s002")
		h.must(err)
		equal(h, "last success of none", at, time.Time{})
	}},
	{"two who copy outcomes at once do not stand in each other's way", func(h *house) {
		h.apply(many(100, "hourly at :00")...)
		h.at("10:00")
		h.tick()
		h.exec("UPDATE river_job SET state = 'completed', finalized_at = created_at")
		copyAll := func() {
			if _, err := h.CopyOutcomes(h.ctx()); err != nil {
				h.Error(err)
			}
		}
		race(copyAll, copyAll, copyAll)
		copyAll()
		equal(h, "open", h.number("SELECT count(*) FROM punctual_occurrence WHERE outcome IS NULL"), 0)
	}},
	{"of thousands that wait the one that is gone and the one that was written down late are found", func(h *house) {
		const all = 2500
		h.apply(many(all, "hourly at :00")...)
		h.at("10:00")
		for h.number("SELECT count(*) FROM river_job") < all {
			h.tick()
		}
		// As of a minute ago there is nothing that ended lately.
		h.must(errorOf(h.CopyOutcomes(h.ctx())))
		for i, key := range []string{"s001", "s2400"} {
			id := h.run(key, 0).JobID
			if i == 0 {
				h.exec("DELETE FROM river_job WHERE id = $1", id)
			} else {
				h.job(id, "completed") // at half past nine
			}
		}
		looks := 0
		for ; looks < 20 && h.number("SELECT count(*) FROM punctual_occurrence WHERE outcome IS NULL") > all-2; looks++ {
			h.at(fmt.Sprintf("10:00:%02d", 20+looks))
			h.must(errorOf(h.CopyOutcomes(h.ctx())))
		}
		equal(h, "the one that is gone", h.run("s001", 0).State, "unknown")
		equal(h, "the one that was written down late", h.run("s2400", 0).State, "succeeded")
		if looks < 3 {
			h.Errorf("all %d were looked through %d at a time, so that the clock was held up", all, all/looks)
		}
	}},
	{"a job that is retried by hand has its outcome yet to come", func(h *house) {
		h.apply(declared("a", "hourly at :00"))
		h.at("10:00")
		h.tick()
		id := h.run("a", 0).JobID
		h.job(id, "discarded", "boom")
		h.must(errorOf(h.CopyOutcomes(h.ctx())))
		h.must(h.RetryJob(h.ctx(), id, me))
		equal(h, "state", h.run("a", 0).State, "retryable")
		h.job(id, "completed", "boom")
		h.must(errorOf(h.CopyOutcomes(h.ctx())))
		equal(h, "state", h.run("a", 0).State, "succeeded")
	}},
	{"output is kept in order, a repeat is harmless, and pieces can be replaced", func(h *house) {
		piece := func(attempt, sequence int, text string, replaces int) store.Output {
			return store.Output{Attempt: attempt, Sequence: sequence, At: start, Stream: "stdout", Data: []byte(text), Replaces: replaces}
		}
		record := func(pieces ...store.Output) {
			h.Helper()
			h.must(h.RecordOutput(h.ctx(), []store.JobOutput{{Job: 7, Pieces: pieces}}))
		}
		read := func(attempt, sequence int) (texts []string) {
			pieces, err := h.Outputs(h.ctx(), 7, attempt, sequence)
			h.must(err)
			for _, p := range pieces {
				texts = append(texts, string(p.Data))
				equal(h, "at", p.At, start)
			}
			return texts
		}
		record(piece(1, 1, "a\x00\xff", 0), piece(1, 2, "b", 0))
		record(piece(1, 2, "b", 0), piece(1, 3, "c", 0), piece(2, 1, "again", 0))
		same(h, "all", read(0, 0), []string{"a\x00\xff", "b", "c", "again"})
		same(h, "after a place", read(1, 2), []string{"c", "again"})
		record(piece(1, 1, "cut", 3))
		same(h, "replaced", read(0, 0), []string{"cut", "again"})
		record()
		record(piece(1, 4, "first", 0), piece(1, 4, "", 0))
		same(h, "of two the latter", read(0, 0), []string{"cut", "", "again"})
		h.must(h.RecordOutput(h.ctx(), []store.JobOutput{
			{Job: 8, Pieces: []store.Output{piece(1, 1, "eight", 0), piece(1, 2, "gone", 0)}}, {Job: 9}, {Job: 8, Pieces: []store.Output{piece(1, 1, "8", 2)}},
		}))
		other, err := h.Outputs(h.ctx(), 8, 0, 0)
		h.must(err)
		equal(h, "pieces of another job", len(other), 1)
		equal(h, "its piece", string(other[0].Data), "8")
		kept := func(attempt int) string {
			bytes, pieces, last, err := h.KeptOutput(h.ctx(), 7, attempt)
			h.must(err)
			return fmt.Sprint(bytes, pieces, last)
		}
		equal(h, "kept up to the first attempt", kept(1), "3 2 4")
		equal(h, "kept up to the second", kept(2), "8 3 1")
		equal(h, "kept before the third has written", kept(3), "8 3 0")
	}},
}

var processTests = []test{
	{"a process beats, stops, and is refused once it was found dead", func(h *house) {
		p := store.Process{ID: "c1", Role: "clock", Host: "h", PID: 1, Version: "v"}
		beat := func() bool { h.Helper(); alive, err := h.Beat(h.ctx(), p); h.must(err); return alive }
		equal(h, "alive", beat(), true)
		p.TickAt = start
		h.advance(5 * time.Second)
		equal(h, "alive", beat(), true)
		p.TickAt = time.Time{} // nothing new to say: what was known stays
		h.advance(5 * time.Second)
		equal(h, "alive", beat(), true)
		all, err := h.Processes(h.ctx())
		h.must(err)
		equal(h, "processes", len(all), 1)
		equal(h, "started", all[0].StartedAt, start)
		equal(h, "beat", all[0].BeatAt, start.Add(10*time.Second))
		equal(h, "tick", all[0].TickAt, start)
		h.exec("UPDATE punctual_process SET lost_at = $1", h.clock())
		equal(h, "alive when lost", beat(), false)
		h.must(h.Stopped(h.ctx(), "c1"))
		all, err = h.Processes(h.ctx())
		h.must(err)
		equal(h, "stopped", all[0].StoppedAt, h.clock())
	}},
	{"clocks are ranked among those alive", func(h *house) {
		for _, id := range []string{"b", "a", "c"} {
			h.must(errorOf(h.Beat(h.ctx(), store.Process{ID: id, Role: "clock"})))
		}
		h.must(errorOf(h.Beat(h.ctx(), store.Process{ID: "0", Role: "worker"})))
		h.must(h.Stopped(h.ctx(), "a"))
		rank, clocks, err := h.Rank(h.ctx(), "c")
		h.must(err)
		equal(h, "rank", rank, 1)
		equal(h, "clocks", clocks, 2)
		h.advance(store.DeadAfter)
		rank, clocks, err = h.Rank(h.ctx(), "c")
		h.must(err)
		equal(h, "rank when all are dead", rank, 0)
		equal(h, "clocks when all are dead", clocks, 1)
	}},
	{"the clock is healthy while it ticks or nothing is due", func(h *house) {
		health := func() store.Health { h.Helper(); got, err := h.Health(h.ctx()); h.must(err); return got }
		equal(h, "with nothing to do", health().Healthy, true)
		h.apply(declared("a", "hourly at :00"))
		equal(h, "before it is due", health().Healthy, true)
		h.at("10:00:14")
		equal(h, "a moment late", health().Healthy, true)
		h.at("10:00:16")
		equal(h, "late", health().Healthy, false)
		equal(h, "reason", health().Reason, "no clock is alive")
		p := store.Process{ID: "c", Role: "clock", TickAt: moment("09:00")}
		h.must(errorOf(h.Beat(h.ctx(), p)))
		equal(h, "reason", health().Reason, "the clock has not been through with what is due")
		p.TickAt = h.clock()
		h.must(errorOf(h.Beat(h.ctx(), p)))
		equal(h, "ticking", health().Healthy, true)
		equal(h, "oldest", health().Oldest, moment("10:00"))
		h.tick()
		equal(h, "decided", health().Reason, "nothing is due")
	}},
	{"what a lost worker ran is available at once, uses up no retry, and ends the fifth time in a row", func(h *house) {
		h.apply(declared("a", "hourly at :00"), declared("alive", "hourly at :00"), declared("asked", "hourly at :00"), declared("plain", "hourly at :00"))
		h.at("10:00")
		h.tick()
		taken := func(key, worker string) {
			h.Helper()
			list, now := "ARRAY['other', '"+worker+"']", "'"+h.clock().Format("2006-01-02 15:04:05.000")+"'"
			if h.Database().Kind == database.SQLite {
				list = `jsonb('["other", "` + worker + `"]')`
			}
			h.exec("UPDATE river_job SET state = 'running', attempt = attempt + 1, attempted_at = "+now+", attempted_by = "+list+" WHERE id = $1", h.run(key, 0).JobID)
		}
		beat := func(id string) { h.Helper(); h.must(errorOf(h.Beat(h.ctx(), store.Process{ID: id, Role: "worker"}))) }
		sweep := func(want int) {
			h.Helper()
			h.must(errorOf(h.MarkSilent(h.ctx(), h.clock())))
			n, err := h.Sweep(h.ctx())
			h.must(err)
			equal(h, "returned", n, want)
		}
		taken("alive", "w-alive")
		taken("plain", "a plain River client")
		taken("asked", "w1")
		h.must(h.Queue().Cancel(h.ctx(), h.run("asked", 0).JobID))
		for i := range 5 {
			worker := fmt.Sprint("w", i+1)
			beat(worker)
			taken("a", worker)
			begun := h.run("a", 0).StartedAt
			h.advance(store.DeadAfter)
			beat("w-alive")
			sweep(0)
			h.advance(time.Second)
			beat("w-alive")
			if i == 0 {
				sweep(2)
				equal(h, "asked to stop", h.run("asked", 0).State, "cancelled")
			} else {
				sweep(1)
			}
			sweep(0)
			want, used := "available", 0
			if i == 4 {
				want, used = "failed", 1
			}
			equal(h, fmt.Sprint("state after being lost ", i+1, " times"), h.run("a", 0).State, want)
			lost, err := h.Queue().Get(h.ctx(), h.run("a", 0).JobID)
			h.must(err)
			said, began, ok := queue.ParseLost(lost.Errors[i].Error)
			equal(h, "is lost", ok, true)
			equal(h, "on record", strings.TrimSuffix(said, "; the job was lost 5 times in a row"),
				"worker "+worker+" was last heard from at "+schedule.FormatInstant(h.clock().Add(-store.DeadAfter-time.Second)))
			equal(h, "it began", began, begun)
			equal(h, fmt.Sprint("attempts used up after being lost ", i+1, " times"),
				h.number("SELECT attempt FROM river_job WHERE id = $1", h.run("a", 0).JobID), used)
			alive, err := h.Beat(h.ctx(), store.Process{ID: worker, Role: "worker"})
			h.must(err)
			equal(h, "beat of the lost", alive, false)
		}
		equal(h, "job of one alive", h.run("alive", 0).State, "running")
		equal(h, "job of a plain client", h.run("plain", 0).State, "running")
		taken("alive", "w-alive")
		h.must(h.Stopped(h.ctx(), "w-alive"))
		sweep(1)
		equal(h, "left by one that stopped", h.run("alive", 0).State, "available")
		equal(h, "active", len(h.facts("alive").Active), 1)
	}},
	{"two who sweep at once return a job once", func(h *house) {
		h.apply(many(20, "hourly at :00")...)
		h.at("10:00")
		h.tick()
		list := "ARRAY['w']"
		if h.Database().Kind == database.SQLite {
			list = `jsonb('["w"]')`
		}
		h.exec("UPDATE river_job SET state = 'running', attempt = 1, attempted_by = " + list)
		h.must(errorOf(h.Beat(h.ctx(), store.Process{ID: "w", Role: "worker"})))
		h.advance(store.DeadAfter + time.Second)
		sweep := func() {
			h.must(errorOf(h.MarkSilent(h.ctx(), h.clock())))
			if _, err := h.Sweep(h.ctx()); err != nil {
				h.Error(err)
			}
		}
		race(sweep, sweep, sweep)
		equal(h, "available, their attempt given back", h.number("SELECT count(*) FROM river_job WHERE state = 'available' AND attempt = 0"), 20)
		for _, r := range []string{"s000", "s019"} {
			job, err := h.Queue().Get(h.ctx(), h.run(r, 0).JobID)
			h.must(err)
			equal(h, "attempts on record", len(job.Errors), 1)
		}
	}},
	{"who is gone from its own machine is found at once, and nobody else's process is", func(h *house) {
		for id, machine := range map[string]string{"gone": "here", "alive": "here", "elsewhere": "there", "unknown": ""} {
			pid := 1
			if id == "alive" {
				pid = 2
			}
			h.must(errorOf(h.Beat(h.ctx(), store.Process{ID: id, Role: "worker", PID: pid, Machine: machine})))
		}
		h.must(h.MarkGone(h.ctx(), "here", func(pid int) bool { return pid == 2 }))
		h.must(h.MarkGone(h.ctx(), "", func(int) bool { return false }))
		for id, want := range map[string]bool{"gone": false, "alive": true, "elsewhere": true, "unknown": true} {
			alive, err := h.Beat(h.ctx(), store.Process{ID: id, Role: "worker"})
			h.must(err)
			equal(h, "beat of "+id, alive, want)
		}
	}},
	{"a wakeup comes with every edit", func(h *house) {
		woken := make(chan struct{}, 100)
		ctx, cancel := context.WithCancel(h.ctx())
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = h.Wakeups(ctx, func() { woken <- struct{}{} })
		}()
		deadline := time.After(10 * time.Second)
		for i := 0; ; i++ {
			// The listener may not listen yet: a hint may be lost.
			h.apply(declared("a", "hourly at :00", func(d *schedule.Declaration) { d.Description = fmt.Sprint(i) }))
			select {
			case <-woken:
			case <-time.After(10 * time.Millisecond):
				continue
			case <-deadline:
				h.Error("nobody was woken")
			}
			break
		}
		cancel()
		<-done
	}},
}

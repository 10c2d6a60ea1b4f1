package storetest

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/queue"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

func inQueue(name string) func(*schedule.Declaration) {
	return func(d *schedule.Declaration) { d.Policies.Queue = name }
}

// queues are how the queues stand: "reports: 2 waiting, 1 running, paused".
func (h *house) queues() (lines []string) {
	h.Helper()
	all, err := h.QueueOverviews(h.ctx())
	h.must(err)
	for _, q := range all {
		line := fmt.Sprintf("%s: %d schedules, %d waiting, %d retrying, %d running, %d workers, %d at once",
			q.Name, q.Schedules, q.Waiting, q.Retrying, q.Running, q.Workers, q.Concurrency)
		if !q.PausedAt.IsZero() {
			line += ", paused"
		}
		lines = append(lines, line)
	}
	return lines
}

// unseen are the failures nobody has seen: "a 10:00", "a 10:00 recovered 11:00".
func (h *house) unseen() (lines []string) {
	h.Helper()
	all, err := h.Unseen(h.ctx(), 100)
	h.must(err)
	n, err := h.CountUnseen(h.ctx())
	h.must(err)
	equal(h, "counted", n, len(all))
	for _, f := range all {
		line := f.Schedule + " " + clockTime(f.Nominal)
		if !f.RecoveredAt.IsZero() {
			line += " recovered"
		}
		lines = append(lines, line)
	}
	return lines
}

// lead makes a River client lead the queue for a while of the house's time.
func (h *house) lead(id string, d time.Duration) {
	h.Helper()
	at := any(h.clock().Add(d))
	if h.Database().Kind == database.SQLite {
		at = h.clock().Add(d).Format("2006-01-02 15:04:05.000")
	}
	h.exec("DELETE FROM river_leader")
	h.exec("INSERT INTO river_leader (elected_at, expires_at, leader_id, name) VALUES ($1, $1, $2, 'default')", at, id)
}

var watchTests = []test{
	{"a queue is paused and resumed, by somebody, and shows what waits in it", func(h *house) {
		h.apply(declared("a", "hourly at :00", inQueue("reports")), declared("b", "hourly at :00", inQueue("reports")), declared("c", "hourly at :00"), declared("d", "daily at 23:00", inQueue("quiet")))
		h.at("10:00")
		h.tick()
		h.exec("UPDATE river_job SET state = 'running' WHERE id = $1", h.run("a", 0).JobID)
		h.exec("UPDATE river_job SET state = 'retryable' WHERE id = $1", h.run("c", 0).JobID)
		paused, err := h.PauseQueue(h.ctx(), "reports", "the printer burns", me)
		h.must(err)
		equal(h, "paused", paused, true)
		paused, err = h.PauseQueue(h.ctx(), "reports", "", me)
		h.must(err)
		equal(h, "paused again", paused, false)
		_, err = h.PauseQueue(h.ctx(), "new", "", me)
		h.must(err)
		_, err = h.PauseQueue(h.ctx(), "No such name", "", me)
		h.refused(err, "No such name", "a-z")
		for id, p := range map[string]store.Process{
			"every": {Concurrency: 10}, "some": {Concurrency: 5, Queues: map[string]int{"reports": 2, "default": 0}}, "gone": {Concurrency: 7},
		} {
			p.ID, p.Role = id, "worker"
			h.must(errorOf(h.Beat(h.ctx(), p)))
		}
		h.must(h.Stopped(h.ctx(), "gone"))
		h.must(errorOf(h.Beat(h.ctx(), store.Process{ID: "clock", Role: "clock"})))
		same(h, "queues", h.queues(), []string{
			"default: 1 schedules, 0 waiting, 1 retrying, 0 running, 2 workers, 15 at once",
			"new: 0 schedules, 0 waiting, 0 retrying, 0 running, 1 workers, 10 at once, paused",
			"quiet: 1 schedules, 0 waiting, 0 retrying, 0 running, 1 workers, 10 at once",
			"reports: 2 schedules, 1 waiting, 0 retrying, 1 running, 2 workers, 12 at once, paused",
		})
		resumed, err := h.ResumeQueue(h.ctx(), "reports", me)
		h.must(err)
		equal(h, "resumed", resumed, true)
		resumed, err = h.ResumeQueue(h.ctx(), "reports", me)
		h.must(err)
		equal(h, "resumed again", resumed, false)
		resumed, err = h.ResumeQueue(h.ctx(), "never heard of", me)
		h.must(err)
		equal(h, "resumed what is not there", resumed, false)
		activity, err := h.Activities(h.ctx(), 0, 3)
		h.must(err)
		equal(h, "activity", fmt.Sprint(activity[0].Action, activity[0].Subject, activity[0].Author, activity[2].Action, activity[2].Detail), "resume-queue"+"reports"+"tester"+"pause-queue"+"“the printer burns”")
	}},
	{"jobs of a kind that no worker alive takes from their queue are told of", func(h *house) {
		letter := func(d *schedule.Declaration) {
			d.Job = schedule.Job{Work: &schedule.Work{Kind: "letter", Args: []byte("{}")}}
		}
		untaken := func() (lines []string) {
			h.Helper()
			all, err := h.QueueOverviews(h.ctx())
			h.must(err)
			for _, q := range all {
				for _, u := range q.Untaken {
					lines = append(lines, fmt.Sprintf("%s: %d of %s", q.Name, u.Waiting, u.Kind))
				}
			}
			return lines
		}
		warnings := func() string {
			h.Helper()
			health, err := h.Health(h.ctx())
			h.must(err)
			return strings.Join(health.Warnings, "\n")
		}
		beat := func(id string, kinds []string, queues ...string) {
			h.Helper()
			p := store.Process{ID: id, Role: "worker", Concurrency: 2, Kinds: kinds}
			for _, name := range queues {
				p.Queues = map[string]int{name: 1}
			}
			h.must(errorOf(h.Beat(h.ctx(), p)))
		}
		own := []string{queue.KindCommand, queue.KindHTTP}
		h.apply(declared("a", "hourly at :00", letter), declared("b", "hourly at :00"), declared("c", "hourly at :00", letter, inQueue("reports")))
		same(h, "nothing waits", untaken(), nil)
		h.at("10:00")
		h.tick()
		at := any(h.clock())
		if h.Database().Kind == database.SQLite {
			at = h.clock().Format("2006-01-02 15:04:05.000")
		}
		h.exec("UPDATE river_job SET scheduled_at = $1", at)
		same(h, "nobody is there", untaken(), []string{"default: 1 of letter", "default: 1 of punctual.command", "reports: 1 of letter"})
		beat("plain", own)
		same(h, "a plain worker", untaken(), []string{"default: 1 of letter", "reports: 1 of letter"})
		processes, err := h.Processes(h.ctx())
		h.must(err)
		same(h, "its kinds", processes[0].Kinds, own)
		equal(h, "warned at once", strings.Contains(warnings(), "letter"), false)
		h.at("10:01")
		beat("plain", own)
		equal(h, "the processes are gone", strings.Contains(warnings(), "of the kind"), true)
		h.must(errorOf(h.PauseQueue(h.ctx(), "default", "", me)))
		beat("plain-2", own)
		equal(h, "warned", strings.Contains(warnings(), "jobs of the kind letter that wait in the queue reports: 1; no worker alive takes them"), true)
		equal(h, "warned of a queue that is paused", strings.Contains(warnings(), "jobs that wait in the queue default: 2; it is paused, until somebody resumes it (punctual queues resume default)"), true)
		equal(h, "warned twice", strings.Contains(warnings(), "jobs of the kind letter that wait in the queue default"), false)
		beat("letters", append(own, "letter"), "default")
		same(h, "who takes them in one queue", untaken(), []string{"reports: 1 of letter"})
		h.exec("UPDATE river_job SET state = 'running' WHERE id = $1", h.run("c", 0).JobID)
		same(h, "somebody runs one", untaken(), nil)
		h.exec("UPDATE river_job SET state = 'available' WHERE id = $1", h.run("c", 0).JobID)
		beat("older", nil)
		same(h, "who does not tell may take all", untaken(), nil)
	}},
	{"a queue that is paused stays so however long nobody works it", func(h *house) {
		h.must(errorOf(h.PauseQueue(h.ctx(), "reports", "", me)))
		before := h.number("SELECT count(*) FROM river_queue")
		h.advance(23 * time.Hour)
		h.prune()
		at := any(h.clock().Add(-time.Hour)) // River removes what is a day old
		if h.Database().Kind == database.SQLite {
			at = h.clock().Add(-time.Hour).Format("2006-01-02 15:04:05.000")
		}
		equal(h, "kept", h.number("SELECT count(*) FROM river_queue WHERE updated_at >= $1", at), before)
	}},
	{"a final failure is shown until somebody has seen it, also when the schedule has recovered", func(h *house) {
		h.apply(declared("a", "hourly at :00"), declared("b", "hourly at :00"), declared("c", "hourly at :00"))
		h.at("10:00")
		h.tick()
		h.job(h.run("a", 0).JobID, "discarded", "boom")
		h.job(h.run("b", 0).JobID, "cancelled", queue.ErrExpired.Error())
		h.job(h.run("c", 0).JobID, "completed")
		listed := func(f store.RunFilter) (lines []string) {
			h.Helper()
			f.Unseen = true
			runs, err := h.Runs(h.ctx(), f)
			h.must(err)
			for _, r := range runs {
				lines = append(lines, r.Schedule+" "+r.State)
			}
			return lines
		}
		just := func(key string) int { h.Helper(); n, err := h.JustFailed(h.ctx(), key); h.must(err); return n }
		same(h, "before the outcomes are in the ledger", listed(store.RunFilter{}), []string{"b expired", "a failed"})
		same(h, "of one", listed(store.RunFilter{Key: "a"}), []string{"a failed"})
		same(h, "in a state", listed(store.RunFilter{State: "expired"}), []string{"b expired"})
		same(h, "with words", listed(store.RunFilter{Error: "boom"}), []string{"a failed"})
		same(h, "that are open", listed(store.RunFilter{Open: true}), nil)
		equal(h, "just failed", [3]int{just(""), just("a"), just("c")}, [3]int{2, 1, 0})
		h.must(errorOf(h.CopyOutcomes(h.ctx())))
		equal(h, "just failed, once they are", just(""), 0)
		same(h, "when they are", listed(store.RunFilter{}), []string{"b expired", "a failed"})
		same(h, "unseen", h.unseen(), []string{"b 10:00", "a 10:00"})
		health, err := h.Health(h.ctx())
		h.must(err)
		equal(h, "in health", health.Unseen, 2)
		h.at("11:00")
		h.tick()
		h.job(h.run("a", 1).JobID, "completed")
		h.must(errorOf(h.CopyOutcomes(h.ctx())))
		h.exec("UPDATE punctual_occurrence SET finished_at = $1 WHERE id = $2", moment("11:00:05"), h.run("a", 1).ID)
		same(h, "unseen", h.unseen(), []string{"b 10:00", "a 10:00 recovered"})
		n, err := h.MarkSeen(h.ctx(), store.SeenFilter{JobID: h.run("a", 0).JobID}, me)
		h.must(err)
		equal(h, "marked", n, 1)
		equal(h, "by", h.run("a", 0).SeenBy, "tester")
		equal(h, "at", h.run("a", 0).SeenAt, h.clock())
		n, err = h.MarkSeen(h.ctx(), store.SeenFilter{Key: "a"}, me)
		h.must(err)
		equal(h, "marked again", n, 0)
		same(h, "unseen", h.unseen(), []string{"b 10:00"})
		_, err = h.MarkSeen(h.ctx(), store.SeenFilter{}, me)
		h.refused(err, "All")
		n, err = h.MarkSeen(h.ctx(), store.SeenFilter{All: true}, me)
		h.must(err)
		equal(h, "marked", n, 1)
		same(h, "unseen", h.unseen(), nil)
		// Run again, it may fail again.
		id := h.run("a", 0).JobID
		h.must(h.RetryJob(h.ctx(), id, me))
		h.job(id, "discarded", "boom", "boom")
		h.at("11:01") // the job says to have ended long ago, as one does whose worker's clock is slow
		h.must(errorOf(h.CopyOutcomes(h.ctx())))
		same(h, "unseen", h.unseen(), []string{"a 10:00 recovered"})
	}},
	{"a running job says how far it is, and the latest word stands", func(h *house) {
		h.apply(declared("a", "hourly at :00"))
		h.at("10:00")
		h.tick()
		id := h.run("a", 0).JobID
		if h.run("a", 0).Progress != nil {
			h.Error("there is progress of a job that never told of any")
		}
		for _, said := range []struct{ fraction, want float64 }{{0.25, 0.25}, {7, 1}, {-1, 0}, {math.NaN(), 0}} {
			h.must(h.RecordProgress(h.ctx(), id, store.Progress{Attempt: 1, Fraction: said.fraction, Note: "row\x00s"}))
			equal(h, "fraction", h.run("a", 0).Progress.Fraction, said.want)
		}
		equal(h, "progress", *h.run("a", 0).Progress, store.Progress{Attempt: 1, At: h.clock(), Note: "rows"})
	}},
	{"a River program that leads the queue and is none of ours is told of, and the clock is as healthy as it was", func(h *house) {
		health := func() store.Health { h.Helper(); got, err := h.Health(h.ctx()); h.must(err); return got }
		equal(h, "without a leader", health().ForeignLeader, "")
		h.must(errorOf(h.Beat(h.ctx(), store.Process{ID: "w1", Role: "worker"})))
		h.lead("w1", time.Minute)
		equal(h, "without a clock", strings.Join(health().Warnings, " "), "no clock runs: what falls due waits until one does (punctual start, or punctual clock)")
		h.must(errorOf(h.Beat(h.ctx(), store.Process{ID: "c1", Role: "clock"})))
		equal(h, "led by ours", len(health().Warnings), 0)
		h.lead("their_app", time.Minute)
		got := health()
		equal(h, "led by another", got.ForeignLeader, "their_app")
		equal(h, "healthy", got.Healthy, true)
		if len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0], "LeaderElectionDisabled") {
			h.Errorf("the warnings %q do not say what to do", got.Warnings)
		}
		h.advance(2 * time.Minute)
		equal(h, "when its term is over", health().ForeignLeader, "")
	}},
	{"a clock that has stopped is none that ticks", func(h *house) {
		reason := func() string { h.Helper(); got, err := h.Health(h.ctx()); h.must(err); return got.Reason }
		h.apply(declared("a", "hourly at :00"))
		h.at("10:00:05")
		h.must(errorOf(h.Beat(h.ctx(), store.Process{ID: "c", Role: "clock", TickAt: h.clock()})))
		equal(h, "with one", reason(), "the clock ticks")
		h.must(h.Stopped(h.ctx(), "c"))
		equal(h, "without", reason(), "no clock is alive, and nothing has been due for longer than 15s")
		h.at("10:00:16")
		equal(h, "without for a while", reason(), "no clock is alive")
		n, err := h.ClocksAlive(h.ctx())
		h.must(err)
		equal(h, "alive", n, 0)
		h.tick()
	}},
	{"limits follow the file: shown before, changed, and removed when nothing needs them", func(h *house) {
		apply := func(dry bool, limits map[string]int, all ...schedule.Declaration) (lines []string) {
			h.Helper()
			o := byFile()
			var changes []store.LimitChange
			o.Limits, o.DryRun, o.LimitChanges, o.Prune = limits, dry, &changes, true
			_, err := h.Apply(h.ctx(), all, o)
			h.must(err)
			for _, c := range changes {
				lines = append(lines, fmt.Sprint(c.Name, " ", c.Before, " ", c.After))
			}
			return lines
		}
		standing := func() int { return h.number("SELECT coalesce(sum(number), 0) FROM punctual_limit") }
		a := declared("a", "hourly at :00", limit("x"))
		for _, dry := range []bool{true, false} {
			same(h, "made", apply(dry, map[string]int{"x": 2, "y": 3}, a), []string{"x 0 2", "y 0 3"})
		}
		same(h, "unchanged", apply(false, map[string]int{"x": 2, "y": 3}, a), nil)
		same(h, "nothing said", apply(false, nil, a), nil)
		o := byFile()
		o.Owner, o.Limits = schedule.Owner{Kind: schedule.OwnerFile, Name: "other.yaml"}, map[string]int{"z": 10}
		h.must(errorOf(h.Apply(h.ctx(), nil, o)))
		for _, dry := range []bool{true, false} {
			same(h, "one changed, one gone", apply(dry, map[string]int{"x": 4}, a), []string{"x 2 4", "y 3 0"})
		}
		equal(h, "standing", standing(), 14)
		same(h, "one that a schedule belongs to", apply(false, map[string]int{}, a), nil)
		same(h, "and then no longer", apply(false, map[string]int{}), []string{"x 4 0"})
		equal(h, "standing", standing(), 10)
	}},
}

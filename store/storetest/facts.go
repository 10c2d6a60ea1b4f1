package storetest

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

// facts are those of a schedule, whether it is due or not.
func (h *house) facts(key string) schedule.Facts {
	h.Helper()
	b, err := h.ReadSchedules(h.ctx(), []int64{h.overview(key).ID})
	h.must(err)
	return b.Candidates[0].Facts
}

var factTests = []test{
	{"a job is active until a failed attempt is on record, and again when it runs again", func(h *house) {
		h.apply(declared("a", "hourly at :00"))
		h.at("10:00")
		h.tick()
		id := h.run("a", 0).JobID
		for _, c := range []struct {
			state                     string
			failures                  []string
			active, running, retrying bool
		}{
			{state: "available", active: true},
			{state: "scheduled", active: true},
			{state: "pending", active: true},
			{state: "running", active: true, running: true},
			{state: "running", failures: []string{"boom"}, active: true, running: true},
			{state: "retryable", failures: []string{"boom"}, retrying: true},
			{state: "available", failures: []string{"boom"}, retrying: true},
			{state: "scheduled", failures: []string{"boom"}, retrying: true},
			// Lost with its worker, it did not fail.
			{state: "available", failures: []string{"lost: worker gone"}, active: true},
			{state: "available", failures: []string{"lost: a", "lost: b"}, active: true},
			{state: "available", failures: []string{"lost: a", "boom"}, retrying: true},
			{state: "completed"},
			{state: "cancelled"},
			{state: "discarded", failures: []string{"boom"}},
		} {
			h.job(id, c.state, c.failures...)
			got, want := h.facts("a"), schedule.Facts{}
			if c.active {
				want.Active = []schedule.ActiveJob{{ID: id, Running: c.running}}
			}
			if c.retrying {
				want.Retrying = []int64{id}
			}
			if fmt.Sprint(got.Active, got.Retrying) != fmt.Sprint(want.Active, want.Retrying) {
				h.Errorf("%s with failures %q: active %v, retrying %v; want %v, %v", c.state, c.failures, got.Active, got.Retrying, want.Active, want.Retrying)
			}
		}
	}},
	{"every job of the clock and of triggers counts, and none of a backfill", func(h *house) {
		h.apply(declared("a", "hourly at :00", overlap(schedule.OverlapAllow)))
		h.at("12:00")
		h.tick()
		h.trigger("a", store.TriggerOptions{})
		h.startBackfill("a", "10:00", "12:00")
		h.step(2)
		h.apply(declared("a", "hourly at :00"))
		equal(h, "active", len(h.facts("a").Active), 2)
	}},
	{"pauses that concern a schedule are among its facts, and others are not", func(h *house) {
		h.apply(tagged("a_1", "x_y"), tagged("b", "x"))
		for _, target := range targets {
			h.pause(target, time.Time{})
		}
		equal(h, "pauses of a_1", len(h.facts("a_1").Pauses), 3)
		equal(h, "pauses of b", len(h.facts("b").Pauses), 1)
	}},
}

func limited(number int, all ...schedule.Declaration) func(*house) {
	return func(h *house) {
		h.Helper()
		o := byFile()
		o.Limits = map[string]int{"places": number}
		_, err := h.Apply(h.ctx(), all, o)
		h.must(err)
	}
}

func (h *house) openJobs() int {
	return h.number("SELECT count(*) FROM river_job WHERE state IN ('available', 'running')")
}

var limitTests = []test{
	{"a limit is never exceeded, and its places go to who was due first", func(h *house) {
		var all []schedule.Declaration
		for i := range 5 {
			all = append(all, declared(fmt.Sprintf("s%d", i), fmt.Sprintf("hourly at :%02d", 10-2*i), limit("places")))
		}
		limited(2, all...)(h)
		h.at("10:30")
		order := []string{"s4", "s3", "s2", "s1", "s0"}
		for i, key := range order {
			h.tick()
			if n := h.openJobs(); n > 2 {
				h.Fatalf("%d jobs at once", n)
			}
			for place, other := range order {
				equal(h, other+" has a place in round "+fmt.Sprint(i), h.jobs(other), min(1, max(0, i+2-place)))
			}
			h.job(h.lastJob(key), "completed")
		}
	}},
	{"two committers never exceed a limit together", func(h *house) {
		limited(3, many(12, "hourly at :00", limit("places"))...)(h)
		other := h.open(database.Options{})
		for round := range 10 {
			h.setTime(moment("10:00").Add(time.Duration(round) * time.Hour))
			b := h.due(h.Store)
			if len(b) == 0 {
				continue
			}
			// Both know of three free places; each gives them to others.
			first, second := b[0], b[0]
			first.Candidates, second.Candidates = first.Candidates[:len(first.Candidates)/2], second.Candidates[len(second.Candidates)/2:]
			race(
				func() { commitOf(h, h.Store, first) },
				func() { commitOf(h, other, second) },
			)
			h.tick()
			if n := h.openJobs(); n != 3 {
				h.Fatalf("round %d: %d jobs at once, the limit is 3", round, n)
			}
			h.end()
			h.must(errorOf(h.CopyOutcomes(h.ctx())))
		}
	}},
	{"who has counted the places of a limit gives them before anybody else counts", func(h *house) {
		if h.Database().Kind == database.SQLite {
			return // whose transactions are alone
		}
		limited(3, many(12, "hourly at :00", limit("places"))...)(h)
		counted, seconds := make(chan struct{}), make(chan struct{})
		var once sync.Once
		first := h.open(database.Options{Trace: func(statement string) {
			if strings.HasPrefix(statement, "INSERT INTO river_job") {
				once.Do(func() {
					close(counted)
					h.untilDoneOrLocked(seconds)
				})
			}
		}})
		h.at("10:00")
		b := h.one()
		half := len(b.Candidates) / 2
		one, two := b, b
		one.Candidates, two.Candidates = b.Candidates[:half], b.Candidates[half:]
		race(
			func() {
				commitOf(h, first, one)
				once.Do(func() { close(counted) }) // it has not come as far
			},
			func() {
				defer close(seconds)
				<-counted
				commitOf(h, h.Store, two)
			},
		)
		equal(h, "jobs at once", h.openJobs(), 3)
		h.tick()
	}},
	{"a limit nobody gave a number does not hold anybody up", func(h *house) {
		h.apply(many(3, "hourly at :00", limit("unknown"))...)
		h.at("10:00")
		equal(h, "enqueued", h.tick().Enqueued, 3)
	}},
	{"who stands in error, or is left to a newer version, holds nobody up at a limit", func(h *house) {
		h.at("09:50")
		limited(1, declared("first", "hourly at :00", limit("places")), declared("bad", "hourly at :01", limit("places")),
			declared("newer", "hourly at :02", limit("places")), declared("last", "hourly at :03", limit("places")))(h)
		h.at("10:03")
		h.tick()
		h.must(h.Fail(h.ctx(), h.overview("bad").ID, h.clock(), "bad"))
		h.exec("UPDATE punctual_schedule SET format = 99 WHERE key = 'newer'")
		h.end()
		h.tick()
		h.wantLedger("last", "10:03 enqueued")
		h.wantLedger("bad")
		h.exec("UPDATE punctual_schedule SET format = 1")
	}},
	{"a limit changes with an apply, and that is on record", func(h *house) {
		all := many(5, "hourly at :00", limit("places"))
		limited(1, all...)(h)
		h.at("10:00")
		equal(h, "enqueued", h.tick().Enqueued, 1)
		limited(3, all...)(h)
		equal(h, "enqueued", h.tick().Enqueued, 2)
		limited(3, all...)(h)
		equal(h, "activities", h.number("SELECT count(*) FROM punctual_activity WHERE action = 'limit'"), 2)
		h.end()
	}},
	{"a retry that waits takes no place, and a trigger does", func(h *house) {
		h.at("09:50")
		limited(1, declared("a", "hourly at :00", limit("places")), declared("b", "hourly at :30", limit("places")))(h)
		h.at("10:00")
		h.tick()
		equal(h, "refused", h.trigger("b", store.TriggerOptions{}).Refused != "", true)
		h.job(h.run("a", 0).JobID, "retryable", "boom")
		equal(h, "refused", h.trigger("b", store.TriggerOptions{}).Refused, "")
		h.at("10:30")
		h.tick()
		same(h, "b", h.ledger("b")[2:], []string{"10:30 skipped: previous run not finished"})
	}},
}

// lastJob is the last job of a schedule.
func (h *house) lastJob(key string) int64 {
	h.Helper()
	return int64(h.number(`SELECT max(o.job_id) FROM punctual_occurrence o JOIN punctual_schedule s ON s.id = o.schedule_id WHERE s.key = $1`, key))
}

// untilDoneOrLocked waits until somebody is done, or is seen to wait for a lock.
func (h *house) untilDoneOrLocked(done <-chan struct{}) {
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		select {
		case <-done:
			return
		case <-time.After(time.Millisecond):
		}
		var locked int
		if err := h.Database().Reader().QueryRow(h.ctx(), `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&locked); err != nil {
			h.Errorf("asking who waits for a lock: %v", err)
			return
		}
		if locked > 0 {
			return
		}
	}
	h.Errorf("nobody was done, or waited for a lock, within ten seconds")
}

func commitOf(h *house, s *store.Store, b schedule.Batch) schedule.Committed {
	done, err := s.Commit(h.ctx(), b, decide(b))
	if err != nil {
		h.Errorf("committing: %v", err)
	}
	return done
}

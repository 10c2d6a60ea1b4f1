package storetest

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

// many are schedules with keys s000, s001, ...
func many(n int, when string, change ...func(*schedule.Declaration)) []schedule.Declaration {
	all := make([]schedule.Declaration, n)
	for i := range all {
		all[i] = declared(fmt.Sprintf("s%03d", i), when, change...)
	}
	return all
}

// ids are the schedules of a batch, in order.
func ids(b schedule.Batch) (all []int64) {
	for _, c := range b.Candidates {
		all = append(all, c.Schedule.ID)
	}
	return all
}

var commitTests = []test{
	{"three committers of the same batch enqueue exactly once", func(h *house) {
		h.apply(many(60, "hourly at :00")...)
		stores := []*store.Store{h.Store, h.open(database.Options{}), h.open(database.Options{})}
		for round := range 5 {
			h.setTime(moment("10:00").Add(time.Duration(round) * time.Hour))
			batches := make([]schedule.Batch, len(stores))
			for i, s := range stores {
				batches[i] = h.due(s)[0]
			}
			var wg sync.WaitGroup
			var mu sync.Mutex
			enqueued := 0
			for i, s := range stores {
				wg.Go(func() {
					done, err := s.Commit(h.ctx(), batches[i], decide(batches[i]))
					if err != nil {
						h.Errorf("committer %d: %v", i, err)
					}
					mu.Lock()
					defer mu.Unlock()
					enqueued += done.Enqueued
				})
			}
			wg.Wait()
			// On Postgres each leaves the rows alone that another holds; what
			// none of them took is taken now.
			enqueued += h.tick().Enqueued
			equal(h, "enqueued", enqueued, 60)
			h.end()
		}
		equal(h, "jobs", h.number("SELECT count(*) FROM river_job"), 300)
	}},
	{"a batch committed twice does nothing the second time", func(h *house) {
		h.apply(declared("a", "hourly at :00"))
		h.at("10:00")
		b := h.one()
		for _, want := range []int{1, 0} {
			done, err := h.Commit(h.ctx(), b, decide(b))
			h.must(err)
			equal(h, "enqueued", done.Enqueued, want)
		}
		h.wantLedger("a", "10:00 enqueued")
	}},
	{"of a batch that another has decided in part the rest gets its own jobs, and no more", func(h *house) {
		h.apply(many(6, "hourly at :00")...)
		h.at("10:00")
		b := h.one()
		decided := decide(b)
		done, err := h.Commit(h.ctx(), b, []schedule.Decided{decided[0], decided[3]})
		h.must(err)
		equal(h, "enqueued by the other", done.Enqueued, 2)
		done, err = h.Commit(h.ctx(), b, decided)
		h.must(err)
		equal(h, "enqueued", done.Enqueued, 4)
		equal(h, "jobs", h.number("SELECT count(*) FROM river_job"), 6)
		equal(h, "jobs that stand in their own schedule's row", h.number(`SELECT count(*) FROM punctual_occurrence o
			JOIN punctual_schedule s ON s.id = o.schedule_id JOIN river_job j ON j.id = o.job_id WHERE j.args ->> 'schedule' = s.key`), 6)
	}},
	{"a job that cannot be made fails nobody where its decision does not stand any more", func(h *house) {
		h.apply(many(3, "hourly at :00")...)
		h.at("10:00")
		b := h.one()
		decided := decide(b)
		_, err := h.Commit(h.ctx(), b, decided[1:2])
		h.must(err)
		bad := *decided[1].Schedule
		bad.Policies.Queue = "no such queue!"
		decided[1].Schedule = &bad
		done, err := h.Commit(h.ctx(), b, decided)
		h.must(err)
		equal(h, "enqueued", done.Enqueued, 2)
		equal(h, "jobs", h.number("SELECT count(*) FROM river_job"), 3)
	}},
	{"content that cannot be written fails its batch, is no matter of the database, and leaves nothing behind", func(h *house) {
		h.apply(many(4, "hourly at :00")...)
		h.at("10:00")
		b := h.one()
		decided := decide(b)
		bad := *decided[2].Schedule
		bad.Policies.Queue = "no such queue!"
		decided[2].Schedule = &bad
		_, err := h.Commit(h.ctx(), b, decided)
		h.refused(err, "queue")
		equal(h, "transient", h.Transient(err), false)
		equal(h, "jobs", h.number("SELECT count(*) FROM river_job"), 0)
		equal(h, "rows", h.number("SELECT count(*) FROM punctual_occurrence"), 0)
		done, err := h.Commit(h.ctx(), b, append(decided[:2:2], decided[3]))
		h.must(err)
		equal(h, "enqueued", done.Enqueued, 3)
		h.tick()
	}},
	{"what is rehearsed is written and undone, and decided afterwards as if it had not been", func(h *house) {
		h.apply(many(16, "hourly at :00")...)
		h.at("09:59")
		var (
			mu      sync.Mutex
			written int
		)
		actor := h.open(database.Options{Trace: func(statement string) {
			mu.Lock()
			defer mu.Unlock()
			if strings.Contains(statement, "UPDATE punctual_due") {
				written++
			}
		}})
		at := h.clock().Add(time.Minute)
		b, err := actor.Due(h.ctx(), schedule.Wanted{Now: at, Lane: schedule.LaneOnTime, Limit: 100})
		h.must(err)
		equal(h, "those due then", b.Len(), 16)
		h.must(actor.Rehearse(h.ctx(), b, decide(b)))
		equal(h, "cursors were moved", written > 0, true)
		for _, table := range []string{"river_job", "punctual_occurrence"} {
			equal(h, "rows of "+table, h.number("SELECT count(*) FROM "+table), 0)
		}
		equal(h, "decided a minute before", h.tick().Enqueued, 0)
		h.at("10:00")
		equal(h, "enqueued", h.tick().Enqueued, 16)
		equal(h, "jobs", h.number("SELECT count(*) FROM river_job"), 16)
	}},
	{"what is due within seconds is made ready, and no more of it", func(h *house) {
		h.apply(append(many(150, "hourly at :00"), declared("later", "hourly at :01"))...)
		var mu sync.Mutex
		read := 0
		seer := h.open(database.Options{Trace: func(statement string) {
			mu.Lock()
			defer mu.Unlock()
			if strings.Contains(statement, "FROM punctual_definition") {
				read++
			}
		}})
		foresee := func(want ...bool) {
			h.Helper()
			for i, want := range want {
				more, err := seer.Foresee(h.ctx(), h.clock())
				h.must(err)
				equal(h, fmt.Sprintf("more, the %d. time", i+1), more, want)
			}
		}
		h.setTime(moment("10:00").Add(-10 * time.Second))
		foresee(false)
		equal(h, "reads ten seconds before", read, 0)
		h.setTime(moment("10:00").Add(-2 * time.Second))
		foresee(true, false, false)
		equal(h, "reads two seconds before", read, 2)
		h.at("10:00")
		b, err := seer.Due(h.ctx(), schedule.Wanted{Lane: schedule.LaneOnTime, Limit: 500})
		h.must(err)
		equal(h, "due", len(b.Candidates), 150)
		equal(h, "reads when they are due", read, 2)
		_, err = seer.Commit(h.ctx(), b, decide(b))
		h.must(err)
		h.setTime(moment("11:00").Add(-2 * time.Second))
		foresee(true, false)
		equal(h, "reads of what is ready already", read, 2)
	}},
	{"shares of what is due are all of it, each schedule in one of them, in order", func(h *house) {
		h.apply(many(100, "hourly at :00")...)
		h.at("10:00")
		for of := range 5 {
			seen := map[int64]int{}
			for number := range max(of, 1) {
				share := schedule.Share{Number: number, Of: of}
				b, err := h.Due(h.ctx(), schedule.Wanted{Share: share, Limit: 200})
				h.must(err)
				for i, c := range b.Candidates {
					seen[c.Schedule.ID]++
					if i > 0 && c.Schedule.ID < b.Candidates[i-1].Schedule.ID {
						h.Errorf("of %d: %d came after %d", of, c.Schedule.ID, b.Candidates[i-1].Schedule.ID)
					}
				}
				some, err := h.Due(h.ctx(), schedule.Wanted{Share: share, Limit: 7})
				h.must(err)
				equal(h, "the seventh of those that are wanted", some.Candidates[6].Schedule.ID, b.Candidates[6].Schedule.ID)
				equal(h, "wanted", len(some.Candidates), 7)
			}
			for id, n := range seen {
				equal(h, fmt.Sprintf("shares of %d that have schedule %d", of, id), n, 1)
			}
			equal(h, fmt.Sprintf("schedules in %d shares", of), len(seen), 100)
		}
	}},
	{"batches of which each is wanted behind the one before are all that is due, in order", func(h *house) {
		h.apply(append(many(20, "0 10 * * *"), many(20, "10 10 * * *", func(d *schedule.Declaration) { d.Key += "-later" })...)...)
		h.at("10:10:30")
		for _, share := range []schedule.Share{{}, {Number: 1, Of: 2}} {
			for _, lane := range []schedule.Lane{schedule.LaneOnTime, schedule.LaneLate} {
				all, err := h.Due(h.ctx(), schedule.Wanted{Lane: lane, Share: share, Limit: 100})
				h.must(err)
				want, found := ids(all), []int64{}
				for behind := (schedule.Place{}); ; {
					b, err := h.Due(h.ctx(), schedule.Wanted{Lane: lane, Share: share, Limit: 3, Behind: behind})
					h.must(err)
					if b.Len() == 0 {
						break
					}
					found, behind = append(found, ids(b)...), b.Last
				}
				equal(h, "of 20, or half of them", len(want), 20/max(share.Of, 1))
				equal(h, "three at a time", fmt.Sprint(found), fmt.Sprint(want))
			}
		}
	}},
	{"hundreds of schedules are read and committed by a handful of statements", func(h *house) {
		var mu sync.Mutex
		var statements []string
		traced := h.open(database.Options{Trace: func(statement string) {
			mu.Lock()
			defer mu.Unlock()
			statements = append(statements, statement)
		}})
		policies := []schedule.Overlap{schedule.OverlapSkip, schedule.OverlapWait, schedule.OverlapQueue, schedule.OverlapAllow}
		all := many(200, "hourly at :00", tags("t"))
		for i := range all {
			all[i].Policies.Overlap = policies[i%len(policies)]
			if i%10 == 0 {
				all[i].Policies.Limit = "places"
			}
		}
		o := byFile()
		o.Limits = map[string]int{"places": 7}
		_, err := h.Apply(h.ctx(), all, o)
		h.must(err)
		// On time; then late, with stretches; then waiting and not finished.
		for _, at := range []string{"10:00", "13:30", "15:00", "16:00"} {
			h.at(at)
			for _, lane := range []schedule.Lane{schedule.LaneOnTime, schedule.LaneLate} {
				statements = nil
				b, err := traced.Due(h.ctx(), schedule.Wanted{Lane: lane, Limit: 500})
				h.must(err)
				read := len(statements)
				_, err = traced.Commit(h.ctx(), b, decide(b))
				h.must(err)
				allowed := 20
				if h.Database().Kind == database.SQLite {
					// Jobs and cursors go sixteen by sixteen, states one by one: none is a round trip.
					allowed += len(b.Candidates) + 2*(len(b.Candidates)/16+15)
				}
				if read > 9 || len(statements) > allowed {
					h.Errorf("at %s, %d schedules: %d statements to read and %d to commit:\n%s", at, len(b.Candidates), read, len(statements)-read, strings.Join(statements, "\n"))
				}
			}
			if at == "10:00" {
				h.end()
			}
		}
	}},
	{"every row of a batch names its own job", func(h *house) {
		h.apply(many(40, "hourly at :00")...)
		h.at("10:00")
		h.tick()
		runs, err := h.Runs(h.ctx(), store.RunFilter{Limit: 100})
		h.must(err)
		for _, r := range runs {
			job, err := h.Queue().Get(h.ctx(), r.JobID)
			h.must(err)
			if !strings.Contains(string(job.EncodedArgs), r.Occurrence) {
				h.Errorf("the job of %s is told %s", r.Occurrence, job.EncodedArgs)
			}
		}
	}},
	{"a job waits for no one: it is available at once, and carries what it is told", func(h *house) {
		h.apply(declared("a", "hourly at :00", func(d *schedule.Declaration) {
			d.Policies.Priority, d.Policies.Queue, d.Policies.Retries = 1, "reports", 3
		}))
		h.at("12:00")
		h.tick()
		job, err := h.Queue().Get(h.ctx(), h.run("a", 1).JobID)
		h.must(err)
		equal(h, "state", string(job.State), "available")
		equal(h, "queue", job.Queue, "reports")
		equal(h, "priority", job.Priority, 1)
		equal(h, "attempts", job.MaxAttempts, 4)
		for _, word := range []string{`"occurrence":"a@2026-11-23T12:00:00Z"`, `"from":"2026-11-23T09:00:00Z"`, `"missed":2`, `"missed_since":"2026-11-23T10:00:00Z"`} {
			if !strings.Contains(strings.ReplaceAll(string(job.EncodedArgs), `": `, `":`), word) {
				h.Errorf("the job's arguments %s do not say %s", job.EncodedArgs, word)
			}
		}
	}},
	{"what stands for a name in braces is not stored", func(h *house) {
		const name, secret = "PUNCTUAL_STORETEST_SECRET", "nobody-is-to-read-this"
		h.must(os.Setenv(name, secret)) // the same for all who run beside this one
		h.apply(
			declared("command", "hourly at :00", func(d *schedule.Declaration) {
				d.Job.Run.Env = map[string]string{"TOKEN": "${" + name + "}"}
			}),
			declared("request", "hourly at :00", func(d *schedule.Declaration) {
				d.Job = schedule.Job{HTTP: &schedule.Request{
					Method: "POST", URL: "https://example.com/${" + name + "}", Headers: map[string]string{"X-Key": "${" + name + "}"},
					Body: "${" + name + "}", Env: map[string]string{"A": "${" + name + "}"},
				}}
			}))
		h.at("10:00")
		h.tick()
		triggered := h.trigger("command", store.TriggerOptions{Force: true, Args: map[string]string{"OTHER": "${" + name + "}"}})
		for _, id := range []int64{h.run("command", 0).JobID, h.run("request", 0).JobID, triggered.JobID} {
			job, err := h.Queue().Get(h.ctx(), id)
			h.must(err)
			if !strings.Contains(string(job.EncodedArgs), "${"+name+"}") || strings.Contains(string(job.EncodedArgs)+string(job.Metadata), secret) {
				h.Errorf("job %d stands in the queue with %s", id, job.EncodedArgs)
			}
		}
		equal(h, "schedules that hold the name", h.number("SELECT count(*) FROM punctual_schedule WHERE CAST(job AS text) LIKE $1", "%{"+name+"}%"), 2)
		equal(h, "schedules that hold the secret", h.number("SELECT count(*) FROM punctual_schedule WHERE CAST(job AS text) LIKE $1", "%"+secret+"%"), 0)
	}},
	{"a retry that waits is superseded by a newer occurrence", func(h *house) {
		h.apply(declared("a", "hourly at :00"))
		h.at("10:00")
		h.tick()
		h.job(h.run("a", 0).JobID, "retryable", "boom")
		h.at("11:00")
		h.tick()
		h.wantLedger("a", "10:00 enqueued", "11:00 enqueued")
		equal(h, "state of the first", h.run("a", 0).State, "superseded")
		job, err := h.Queue().Get(h.ctx(), h.run("a", 0).JobID)
		h.must(err)
		equal(h, "job", string(job.State), "cancelled")
		if job.FinalizedAt == nil {
			h.Error("the cancelled job has no instant of its end")
		}
	}},
	{"what waits for a retry is retryable, also where the queue has it available already", func(h *house) {
		h.apply(declared("a", "hourly at :00"))
		h.at("10:00")
		h.tick()
		job := h.run("a", 0).JobID
		listed := func(state string) int {
			h.Helper()
			runs, err := h.Runs(h.ctx(), store.RunFilter{State: state})
			h.must(err)
			return len(runs)
		}
		for _, c := range []struct {
			name     string
			state    string
			failures []string
			want     string
		}{
			{name: "not begun", state: "available", want: "available"},
			{name: "lost with its worker", state: "available", failures: []string{"lost: worker gone"}, want: "available"},
			{name: "failed, again within seconds", state: "available", failures: []string{"boom"}, want: "retryable"},
			{name: "failed, again later", state: "retryable", failures: []string{"boom"}, want: "retryable"},
		} {
			h.job(job, c.state, c.failures...)
			equal(h, c.name, h.run("a", 0).State, c.want)
			equal(h, c.name+", looked for", listed(c.want), 1)
		}
		equal(h, "looked for by another state", listed("available"), 0)
	}},
	{"a retry that has begun meanwhile undoes the decision to supersede it", func(h *house) {
		h.apply(declared("a", "hourly at :00"))
		h.at("10:00")
		h.tick()
		first := h.run("a", 0).JobID
		h.job(first, "retryable", "boom")
		h.at("11:00")
		b := h.one()
		decided := decide(b)
		equal(h, "superseded", len(decided[0].Supersede), 1)
		h.job(first, "running", "boom")
		done, err := h.Commit(h.ctx(), b, decided)
		h.must(err)
		equal(h, "enqueued", done.Enqueued, 0)
		equal(h, "job", h.run("a", 0).State, "running")
		h.tick()
		h.wantLedger("a", "10:00 enqueued", "11:00 skipped: previous run not finished")
		equal(h, "blocker", h.run("a", 1).Blocker, first)
	}},
	{"a decision that blocks itself names its own job", func(h *house) {
		h.apply(declared("a", "hourly at :00", catchUp(schedule.CatchUpAll), func(d *schedule.Declaration) {
			d.Policies.Grace = schedule.Duration(24 * time.Hour) // nothing is late: no line
		}))
		h.at("12:00")
		h.tick()
		h.wantLedger("a", "10:00 enqueued", "11:00-12:00 x2 skipped: previous run not finished")
		equal(h, "blocker", h.run("a", 1).Blocker, h.run("a", 0).JobID)
	}},
	{"overlap cancel asks the running job to stop and takes its place in time", func(h *house) {
		h.apply(declared("a", "hourly at :00", overlap(schedule.OverlapCancel)))
		h.at("10:00")
		h.tick()
		h.job(h.run("a", 0).JobID, "running")
		h.at("11:00")
		h.tick()
		equal(h, "waiting", h.overview("a").State.Waiting, schedule.WaitingForCancel)
		equal(h, "asked", h.number("SELECT count(*) FROM river_job WHERE CAST(metadata AS text) LIKE '%cancel_attempted_at%'")+
			h.number("SELECT count(*) FROM river_job WHERE id = $1", h.run("a", 0).JobID), 2)
		h.at("11:00:09")
		h.tick()
		equal(h, "rows", len(h.ledger("a")), 1)
		h.at("11:00:10")
		h.tick()
		h.wantLedger("a", "10:00 enqueued", "11:00 enqueued")
		if note := h.run("a", 1).Note; !strings.Contains(note, fmt.Sprint("job ", h.run("a", 0).JobID)) {
			h.Errorf("the note is %q", note)
		}
	}},
}

var standingTests = []test{
	{"what stands in the ledger is passed over, without a job", func(h *house) {
		h.apply(declared("a", "hourly at :00", allowAll))
		h.exec(`INSERT INTO punctual_occurrence (schedule_id, nominal_at, due_at, origin, decision, job_id, decided_at)
			SELECT id, $1, $1, 'clock', 'enqueued', 4711, $1 FROM punctual_schedule`, moment("11:00"))
		h.damaged = true // the job 4711 is made up
		h.at("12:00")
		h.tick()
		h.wantLedger("a", "11:00 enqueued", "10:00 enqueued", "12:00 enqueued")
		equal(h, "jobs", h.number("SELECT count(*) FROM river_job"), 2)
		same(h, "findings", h.findings(), nil)
	}},
	{"stretches never overlap what stands", func(h *house) {
		h.apply(declared("a", "hourly at :00"))
		row := func(from, until string, count int) {
			h.exec(`INSERT INTO punctual_occurrence (schedule_id, nominal_at, until_at, count, due_at, origin, decision, reason, decided_at)
				SELECT id, $1, $2, $3, $1, 'clock', 'skipped', 'missed', $1 FROM punctual_schedule`, moment(from), moment(until), count)
		}
		row("10:00", "11:00", 2) // reaches in from where the stretch begins
		row("13:00", "13:00", 1)
		row("15:00", "17:00", 3)
		h.exec("UPDATE punctual_due SET cursor_at = $1", moment("10:00"))
		h.at("20:00")
		h.tick()
		same(h, "findings", h.findings(), nil)
		h.wantLedger("a", "10:00-11:00 x2 skipped: missed", "13:00 skipped: missed", "15:00-17:00 x3 skipped: missed",
			"12:00 skipped: coalesced", "14:00 skipped: coalesced", "18:00-19:00 x2 skipped: coalesced", "20:00 enqueued")
	}},
	{"a retry is not superseded by its own occurrence, met again", func(h *house) {
		h.apply(declared("a", "hourly at :00"))
		h.at("10:00")
		h.tick()
		h.job(h.run("a", 0).JobID, "retryable", "boom")
		h.at("09:50")
		n, err := h.Rewind(h.ctx())
		h.must(err)
		equal(h, "mended", n, 1)
		h.at("10:00")
		h.tick()
		h.wantLedger("a", "10:00 enqueued")
		equal(h, "state", h.run("a", 0).State, "retryable")
	}},
	{"a deletion passes over what stands", func(h *house) {
		h.apply(declared("a", "hourly at :00"))
		h.at("12:00")
		h.tick()
		h.end()
		h.at("10:30")
		_, err := h.Rewind(h.ctx())
		h.must(err)
		h.at("13:10")
		h.must(h.Delete(h.ctx(), "a", false, me))
		h.wantLedger("a", "10:00 skipped: coalesced", "12:00 enqueued", "11:00 skipped: deleted", "13:00 skipped: deleted")
	}},
}

// killer lets the database die under a store at the n-th statement of every
// transaction it is armed for.
type killer struct {
	h      *house
	cancel context.CancelFunc
	left   int // statements until it strikes; below zero: never
	struck bool
}

func (k *killer) trace(string) {
	if k.left--; k.left != 0 {
		return
	}
	k.struck = true
	if k.h.Database().Kind == database.SQLite {
		k.cancel()
		return
	}
	// The connection that is in the midst of a transaction dies. The server may
	// say so a moment after the client has its answer, and on a busy machine the
	// moment is long.
	killed := 0
	for limit := time.Now().Add(10 * time.Second); killed == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			k.h.Fatal("no connection is in the midst of a transaction")
		}
		k.h.must(k.h.Database().Reader().QueryRow(k.h.ctx(), `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
			WHERE datname = current_database() AND state LIKE 'idle in transaction%'`).Scan(&killed))
	}
}

var crashTests = []test{
	{"a transaction that dies at any of its statements leaves nothing behind and loses nothing", func(h *house) {
		o := byFile()
		o.Limits = map[string]int{"places": 5}
		_, err := h.Apply(h.ctx(), []schedule.Declaration{
			declared("plain", "every 1m"), declared("waits", "every 1m", overlap(schedule.OverlapWait)),
			declared("limited", "every 1m", limit("places")), declared("late", "every 10s", catchUp(schedule.CatchUpAll), overlap(schedule.OverlapAllow)),
		}, o)
		h.must(err)
		k := &killer{h: h, left: -1}
		dying := h.open(database.Options{Trace: k.trace})
		for n := 1; ; n++ {
			h.end()
			h.advance(time.Minute)
			ctx, cancel := context.WithCancel(h.ctx())
			batches := h.due(dying)
			k.cancel, k.struck, k.left = cancel, false, n
			rows := h.number("SELECT count(*) FROM punctual_occurrence")
			_, err := dying.Commit(ctx, batches[0], decide(batches[0]))
			k.left = -1
			cancel()
			if !k.struck && err == nil {
				if n <= 6 {
					h.Errorf("a commit has only %d statements", n-1)
				}
				break
			}
			if err == nil || !h.Transient(err) {
				h.Fatalf("dying at statement %d gives %v, which is not said to be transient", n, err)
			}
			equal(h, "rows behind a dead transaction", h.number("SELECT count(*) FROM punctual_occurrence"), rows)
			h.tick()
			if n > 60 {
				h.Fatal("the commit never ends")
			}
		}
		h.tick()
	}},
}

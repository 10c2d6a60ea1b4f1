package punctual_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"

	"github.com/punctual-dev/punctual"
	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

// crowd counts how many jobs run at once.
type crowd struct {
	mu      sync.Mutex
	now     map[string]int
	most    map[string]int
	arrived chan string
}

func (c *crowd) enter(queue string) {
	c.mu.Lock()
	for _, name := range []string{queue, "all"} {
		c.now[name]++
		c.most[name] = max(c.most[name], c.now[name])
	}
	c.mu.Unlock()
	c.arrived <- queue
}

func (c *crowd) leave(queue string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range []string{queue, "all"} {
		c.now[name]--
	}
}

func TestAWorkerRunsNoMoreAtOnceThanItIsToldInAllAndInEachQueue(t *testing.T) {
	onBoth(t, func(t *testing.T, address string) {
		p := open(t, address, punctual.Concurrency(3), punctual.QueueConcurrency("a", 2), punctual.Queues("a", "b"))
		c := &crowd{now: map[string]int{}, most: map[string]int{}, arrived: make(chan string, 100)}
		leave := make(chan bool)
		punctual.AddWorker(p, river.WorkFunc(func(_ context.Context, job *river.Job[Task]) error {
			c.enter(job.Queue)
			<-leave
			c.leave(job.Queue)
			return nil
		}))
		const each = 8
		var jobs []int64
		for _, name := range []string{"a", "b"} {
			p.Schedule(name, never, Task{}, punctual.Queue(name), punctual.Overlap(schedule.OverlapAllow))
		}
		for range each {
			jobs = append(jobs, trigger(t, p, "a"), trigger(t, p, "b"))
		}
		defer run(t, p.RunWorker)()
		for range 3 {
			receive(t, c.arrived)
		}
		// What finds no place is not said to run.
		if got := count(t, p, "SELECT count(*) FROM river_job WHERE state = 'running'"); got != 3 {
			t.Errorf("%d jobs are said to run, want 3", got)
		}
		for range jobs {
			select {
			case leave <- true:
			case <-time.After(patience):
				t.Fatal("no job runs, though some are left")
			}
		}
		for _, job := range jobs {
			awaitRun(t, p, store.RunFilter{JobID: job}, "succeeded")
		}
		if c.most["all"] != 3 || c.most["a"] > 2 {
			t.Errorf("at most %d ran at once, and %d of the bounded queue; want 3 and at most 2", c.most["all"], c.most["a"])
		}
	})
}

func TestAWorkerTakesNothingFromAPausedQueueAndGoesOnWhenItIsResumed(t *testing.T) {
	onBoth(t, func(t *testing.T, address string) {
		p, other := open(t, address), open(t, address)
		punctual.AddWorker(p, river.WorkFunc(func(context.Context, *river.Job[Task]) error { return nil }))
		for _, name := range []string{"held", "free"} {
			p.Schedule(name, never, Task{}, punctual.Queue(name), punctual.Overlap(schedule.OverlapAllow))
		}
		// Paused before anybody has worked it.
		if _, err := other.Store().PauseQueue(t.Context(), "held", "", "a test"); err != nil {
			t.Fatal(err)
		}
		job := trigger(t, p, "held")
		defer run(t, p.RunWorker)()
		awaitRun(t, p, store.RunFilter{JobID: trigger(t, p, "free")}, "succeeded")
		awaitRun(t, p, store.RunFilter{JobID: job}, "available")
		began := time.Now()
		if _, err := other.Store().ResumeQueue(t.Context(), "held", "a test"); err != nil {
			t.Fatal(err)
		}
		awaitRun(t, p, store.RunFilter{JobID: job}, "succeeded")
		t.Logf("it went on after %s", time.Since(began))
		// Paused while it is worked: soon nothing is taken any more.
		began = time.Now()
		if _, err := other.Store().PauseQueue(t.Context(), "held", "", "a test"); err != nil {
			t.Fatal(err)
		}
		for {
			job = trigger(t, p, "held")
			awaitRun(t, p, store.RunFilter{JobID: trigger(t, p, "free")}, "succeeded")
			runs, err := p.Store().Runs(t.Context(), store.RunFilter{JobID: job})
			if err != nil {
				t.Fatal(err)
			}
			if runs[0].State == "available" {
				break
			}
			if time.Since(began) > patience {
				t.Fatal("jobs are still taken from a paused queue")
			}
		}
		t.Logf("it stopped within %s", time.Since(began))
	})
}

func TestAPauseThatNobodyWasNotifiedOfIsSeenAllTheSame(t *testing.T) {
	onBoth(t, func(t *testing.T, address string) {
		p := open(t, address)
		punctual.AddWorker(p, river.WorkFunc(func(context.Context, *river.Job[Task]) error { return nil }))
		p.Schedule("held", never, Task{}, punctual.Overlap(schedule.OverlapAllow))
		p.Schedule("free", never, Task{}, punctual.Queue("free"), punctual.Overlap(schedule.OverlapAllow))
		job := trigger(t, p, "held")
		defer run(t, p.RunWorker)()
		awaitRun(t, p, store.RunFilter{JobID: job}, "succeeded")
		execute(t, p, "UPDATE river_queue SET paused_at = updated_at WHERE name = 'default'")
		for limit := time.Now().Add(patience); ; {
			job = trigger(t, p, "held")
			awaitRun(t, p, store.RunFilter{JobID: trigger(t, p, "free")}, "succeeded")
			if runs, err := p.Store().Runs(t.Context(), store.RunFilter{JobID: job}); err == nil && runs[0].State == "available" {
				break
			}
			if time.Now().After(limit) {
				t.Fatal("jobs are still taken from a paused queue")
			}
		}
		execute(t, p, "UPDATE river_queue SET paused_at = NULL WHERE name = 'default'")
		awaitRun(t, p, store.RunFilter{JobID: job}, "succeeded")
	})
}

func TestACancellationThatNobodyWasNotifiedOfIsSeenAllTheSame(t *testing.T) {
	onBoth(t, func(t *testing.T, address string) {
		p := open(t, address)
		started, causes := make(chan bool, 1), make(chan error, 1)
		punctual.AddWorker(p, river.WorkFunc(func(ctx context.Context, job *river.Job[Task]) error {
			started <- true
			<-ctx.Done()
			causes <- context.Cause(ctx)
			return ctx.Err()
		}))
		p.Schedule("long", never, Task{}, punctual.Retries(5))
		job := trigger(t, p, "long")
		defer run(t, p.RunWorker)()
		receive(t, started)
		change := `UPDATE river_job SET metadata = jsonb_set(metadata, '{cancel_attempted_at}', '"2026-11-23T09:00:00Z"') WHERE id = $1`
		if p.Store().Database().Kind == database.SQLite {
			change = `UPDATE river_job SET metadata = jsonb_set(metadata, '$.cancel_attempted_at', '2026-11-23T09:00:00Z') WHERE id = $1`
		}
		execute(t, p, change, job)
		if cause := receive(t, causes); cause != punctual.ErrCancelled {
			t.Errorf("the context ended because of %v, want %v", cause, punctual.ErrCancelled)
		}
		if r := awaitRun(t, p, store.RunFilter{JobID: job}, "cancelled"); r.Attempts != 1 {
			t.Errorf("it was tried %d times", r.Attempts)
		}
	})
}

func TestACancellationFromAnotherProcessArrivesInNoTime(t *testing.T) {
	onBoth(t, func(t *testing.T, address string) {
		p, other := open(t, address), open(t, address)
		started, ended := make(chan bool, 1), make(chan time.Time, 1)
		punctual.AddWorker(p, river.WorkFunc(func(ctx context.Context, job *river.Job[Task]) error {
			started <- true
			<-ctx.Done()
			ended <- time.Now()
			return ctx.Err()
		}))
		p.Schedule("long", never, Task{}, punctual.Overlap(schedule.OverlapAllow))
		job := trigger(t, p, "long")
		defer run(t, p.RunWorker)()
		receive(t, started)
		asked := time.Now()
		if err := other.Store().CancelJob(t.Context(), job, "a test"); err != nil {
			t.Fatal(err)
		}
		t.Logf("the context ended after %s", receive(t, ended).Sub(asked))
	})
}

func TestAJobSaysHowFarItIsAsOftenAsItLikes(t *testing.T) {
	onBoth(t, func(t *testing.T, address string) {
		p := open(t, address)
		half, done := make(chan bool), make(chan bool)
		punctual.AddWorker(p, river.WorkFunc(func(ctx context.Context, job *river.Job[Task]) error {
			punctual.Progress(ctx, 0.5, "half of it")
			half <- true
			<-done
			for i := range 1000 {
				punctual.Progress(ctx, 0.5+float64(i+1)/2000, fmt.Sprint("row ", i+1))
			}
			return nil
		}))
		p.Schedule("long", never, Task{})
		job := trigger(t, p, "long")
		defer run(t, p.RunWorker)()
		receive(t, half)
		for limit := time.Now().Add(patience); ; {
			if r := awaitRun(t, p, store.RunFilter{JobID: job}, "running"); r.Progress != nil {
				if r.Progress.Fraction != 0.5 || r.Progress.Note != "half of it" || r.Progress.Attempt != 1 {
					t.Errorf("it is said to be at %+v", *r.Progress)
				}
				break
			}
			if time.Now().After(limit) {
				t.Fatal("nothing is said of how far it is")
			}
		}
		close(done)
		if r := awaitRun(t, p, store.RunFilter{JobID: job}, "succeeded"); r.Progress == nil || r.Progress.Fraction != 1 || r.Progress.Note != "row 1000" {
			t.Errorf("at its end it is said to be at %+v", r.Progress)
		}
		punctual.Progress(t.Context(), 1, "of no job") // does nothing
	})
}

func TestAPanicIsOnRecordWithItsStack(t *testing.T) {
	p := open(t, sqlite(t))
	punctual.AddWorker(p, river.WorkFunc(func(context.Context, *river.Job[Task]) error { panic("the roof is on fire") }))
	p.Schedule("panics", never, Task{})
	job := trigger(t, p, "panics")
	defer run(t, p.RunWorker)()
	awaitRun(t, p, store.RunFilter{JobID: job}, "failed")
	row, err := p.Store().Queue().Get(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	if trace := row.Errors[0].Trace; !strings.Contains(trace, "TestAPanicIsOnRecordWithItsStack") {
		t.Errorf("the stack on record does not name who panicked:\n%s", trace)
	}
}

func TestARiverProgramOfSomebodyElseThatLeadsIsNoticed(t *testing.T) {
	onBoth(t, func(t *testing.T, address string) {
		p := open(t, address)
		workers := river.NewWorkers()
		river.AddWorker(workers, river.WorkFunc(func(context.Context, *river.Job[Other]) error { return nil }))
		config := &river.Config{
			ID: "their_app", Workers: workers, Queues: map[string]river.QueueConfig{"theirs": {MaxWorkers: 1}}, Logger: slog.New(slog.DiscardHandler),
		}
		start, stop := foreign(t, p, config)
		if err := start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = stop(context.WithoutCancel(t.Context())) }()
		for limit := time.Now().Add(patience); ; {
			health, err := p.Store().Health(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if health.ForeignLeader == "their_app" && health.Healthy {
				break
			}
			if time.Now().After(limit) {
				t.Fatalf("nothing is said of it: %+v", health)
			}
		}
		// Whoever comes up beside it says so.
		for role, process := range map[string]func(*punctual.Punctual) func(context.Context) error{
			"clock":  func(p *punctual.Punctual) func(context.Context) error { return p.RunClock },
			"worker": func(p *punctual.Punctual) func(context.Context) error { return p.RunWorker },
		} {
			log := &loggedLines{lines: make(chan string, 100)}
			stop := run(t, process(open(t, address, punctual.Logger(slog.New(slog.NewTextHandler(log, nil))))))
			for line := ""; !strings.Contains(line, "level=WARN") || !strings.Contains(line, "LeaderElectionDisabled"); {
				line = receive(t, log.lines)
			}
			stop()
			t.Log(role, "says so")
		}
	})
}

// loggedLines are what a program logs, line by line.
type loggedLines struct{ lines chan string }

func (l *loggedLines) Write(line []byte) (int, error) {
	l.lines <- string(line)
	return len(line), nil
}

// foreign is a plain client of River in the same database.
func foreign(t *testing.T, p *punctual.Punctual, config *river.Config) (start, stop func(context.Context) error) {
	t.Helper()
	switch pool := p.Store().Database().Native().(type) {
	case *pgxpool.Pool:
		client, err := river.NewClient(riverpgxv5.New(pool), config)
		if err != nil {
			t.Fatal(err)
		}
		return client.Start, client.Stop
	case *sql.DB:
		client, err := river.NewClient(riversqlite.New(pool), config)
		if err != nil {
			t.Fatal(err)
		}
		return client.Start, client.Stop
	}
	t.Fatal("an unknown database")
	return nil, nil
}

func TestJobsAreLeftAloneHoweverLongTheyRun(t *testing.T) {
	address := sqlite(t)
	synctest.Test(t, func(t *testing.T) {
		p := open(t, address)
		started, finish := make(chan int, 2), make(chan bool)
		punctual.AddWorker(p, river.WorkFunc(func(ctx context.Context, job *river.Job[Task]) error {
			started <- job.Attempt
			select {
			case <-finish:
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}))
		p.Schedule("ours", never, Task{})
		p.Schedule("theirs", never, Other{})
		ours, theirs := trigger(t, p, "ours"), trigger(t, p, "theirs")
		execute(t, p, `UPDATE river_job SET state = 'running', attempt = 1, attempted_by = jsonb('["their_app"]') WHERE id = $1`, theirs)
		stop := run(t, p.Run)
		<-started
		// River takes them for a year old, and has looked for what is stuck by the
		// end of this.
		execute(t, p, "UPDATE river_job SET attempted_at = $1", time.Now().AddDate(-1, 0, 0).UTC().Format("2006-01-02 15:04:05.000"))
		time.Sleep(2 * time.Minute)
		for _, job := range []int64{ours, theirs} {
			if r := awaitRun(t, p, store.RunFilter{JobID: job}, "running"); r.Attempts != 1 || r.Error != "" || len(started) > 0 {
				t.Errorf("it was disturbed: %+v", r)
			}
		}
		close(finish)
		awaitRun(t, p, store.RunFilter{JobID: ours}, "succeeded")
		stop()
		p.Close()
	})
}

func TestAWorkerKeepsTheHistoryWhileNoClockIsAlive(t *testing.T) {
	p := open(t, sqlite(t))
	punctual.AddWorker(p, river.WorkFunc(func(context.Context, *river.Job[Task]) error { return nil }))
	p.Schedule("works", never, Task{})
	job := trigger(t, p, "works")
	defer run(t, p.RunWorker)()
	awaitRun(t, p, store.RunFilter{JobID: job}, "succeeded")
	for limit := time.Now().Add(patience); count(t, p, "SELECT count(*) FROM punctual_occurrence WHERE outcome IS NULL") > 0; {
		if time.Now().After(limit) {
			t.Fatal("what came of the job is not in the ledger")
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func count(t *testing.T, p *punctual.Punctual, query string) (n int) {
	t.Helper()
	if err := p.Store().Database().Reader().QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func execute(t *testing.T, p *punctual.Punctual, statement string, arguments ...any) {
	t.Helper()
	err := p.Store().Database().Transaction(t.Context(), func(tx database.Tx) error {
		_, err := tx.Exec(t.Context(), statement, arguments...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAWorkerTellsWhichKindsItTakes(t *testing.T) {
	onBoth(t, func(t *testing.T, address string) {
		p := open(t, address)
		punctual.AddWorker(p, river.WorkFunc(func(context.Context, *river.Job[Task]) error { return nil }))
		punctual.AddWorker(p, river.WorkFunc(func(context.Context, *river.Job[renamed]) error { return nil }))
		p.Schedule("a", never, Task{})
		job := trigger(t, p, "a")
		defer run(t, p.RunWorker)()
		awaitRun(t, p, store.RunFilter{JobID: job}, "succeeded")
		processes, err := p.Store().Processes(t.Context())
		if err != nil || len(processes) != 1 {
			t.Fatalf("%d processes (%v)", len(processes), err)
		}
		if got, want := strings.Join(processes[0].Kinds, " "), "punctual.command punctual.http new old "+(Task{}).Kind(); got != want {
			t.Errorf("it takes %q, want %q", got, want)
		}
	})
}

// renamed is a kind that had another name.
type renamed struct{}

func (renamed) Kind() string          { return "new" }
func (renamed) KindAliases() []string { return []string{"old"} }

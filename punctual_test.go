package punctual_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"go.uber.org/goleak"

	"github.com/punctual-dev/punctual"
	"github.com/punctual-dev/punctual/internal/pgtest"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

const (
	// patience is how long a test waits for what must happen before it fails.
	patience = 30 * time.Second
	// never is a when that lies beyond the end of every test: such a schedule
	// has the jobs it is given by hand.
	never = "once at 2999-01-01T00:00:00Z"
)

// Task is a job of these tests.
type Task struct {
	Note string `json:"note"`
}

// Kind names it.
func (Task) Kind() string { return "task" }

// Other is a job of another kind.
type Other struct{}

// Kind names it.
func (Other) Kind() string { return "other" }

func TestAProgramRunsWhatItDeclaresAndStopsWhenToldTo(t *testing.T) {
	onBoth(t, func(t *testing.T, address string) {
		p := open(t, address)
		told := make(chan schedule.Told, 100)
		punctual.AddWorker(p, river.WorkFunc(func(ctx context.Context, job *river.Job[Task]) error {
			facts, err := punctual.Told(job)
			if err == nil && job.Args.Note == "kept" {
				told <- facts
			}
			return err
		}))
		p.Schedule("tick", "every 1s", Task{Note: "kept"}, punctual.Describe("one a second"), punctual.Tags("test"))
		first := func() schedule.Told {
			stop := run(t, p.Run)
			defer stop()
			facts := receive(t, told)
			if want := schedule.OccurrenceName("tick", facts.Nominal); facts.Occurrence != want || facts.Schedule != "tick" {
				t.Errorf("the job was told %+v, want occurrence %s", facts, want)
			}
			if facts.Nominal.Sub(facts.From) != time.Second*time.Duration(1+facts.Missed) || !facts.Due.Equal(facts.Nominal) {
				t.Errorf("the job was told that it covers %s to %s, due %s, missed %d", facts.From, facts.Nominal, facts.Due, facts.Missed)
			}
			awaitRun(t, p, store.RunFilter{Key: "tick", Nominal: facts.Nominal}, "succeeded")
			return facts
		}()
		// The same can be run again, and goes on where it was.
		stop := run(t, p.Run)
		defer stop()
		for facts := first; facts.Nominal.Equal(first.Nominal); {
			if facts = receive(t, told); facts.Nominal.Before(first.Nominal) {
				t.Errorf("%s ran after %s", facts.Occurrence, first.Occurrence)
			}
		}
	})
}

func TestAProgramThatIsToldToStopBeforeItBeganStopsInOrder(t *testing.T) {
	onBoth(t, func(t *testing.T, address string) {
		p := open(t, address)
		punctual.AddWorker(p, river.WorkFunc(func(context.Context, *river.Job[Task]) error { return nil }))
		p.Schedule("tick", "every 1s", Task{})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for name, process := range map[string]func(context.Context) error{"Run": p.Run, "RunClock": p.RunClock, "RunWorker": p.RunWorker} {
			if err := process(ctx); err != nil {
				t.Errorf("%s ended with %v", name, err)
			}
		}
	})
}

func TestAnAttemptEndsAtItsTimeoutAndIsTriedAgainAfterTheBackoff(t *testing.T) {
	onBoth(t, func(t *testing.T, address string) {
		const wait = 300 * time.Millisecond
		p := open(t, address)
		var ended time.Time
		causes := make(chan error, 1)
		paused := make(chan time.Duration, 1)
		punctual.AddWorker(p, river.WorkFunc(func(ctx context.Context, job *river.Job[Task]) error {
			if job.Attempt == 1 {
				<-ctx.Done()
				causes <- context.Cause(ctx)
				ended = time.Now()
				return ctx.Err()
			}
			paused <- time.Since(ended)
			return nil
		}))
		p.Schedule("slow", never, Task{}, punctual.Timeout(50*time.Millisecond), punctual.Retries(1), punctual.Backoff(wait, wait))
		job := trigger(t, p, "slow")
		defer run(t, p.RunWorker)()
		if cause := receive(t, causes); !errors.Is(cause, punctual.ErrTimeout) {
			t.Errorf("the context ended because of %v, want %v", cause, punctual.ErrTimeout)
		}
		// The backoff is spread by a tenth.
		if got := receive(t, paused); got < wait*9/10-50*time.Millisecond {
			t.Errorf("it was tried again after %s, want %s", got, wait)
		}
		done := awaitRun(t, p, store.RunFilter{JobID: job}, "succeeded")
		if done.Attempts != 2 {
			t.Errorf("it took %d attempts, want 2", done.Attempts)
		}
		row, err := p.Store().Queue().Get(t.Context(), job)
		if err != nil {
			t.Fatal(err)
		}
		if want := "the attempt ran into its timeout of 50ms: context deadline exceeded"; len(row.Errors) != 1 || row.Errors[0].Error != want {
			t.Errorf("the history of the job tells %+v, want %q", row.Errors, want)
		}
	})
}

func TestAJobWithoutRetriesFailsOnceAndAPanicIsAFailure(t *testing.T) {
	onBoth(t, func(t *testing.T, address string) {
		p := open(t, address)
		punctual.AddWorker(p, river.WorkFunc(func(ctx context.Context, job *river.Job[Task]) error {
			switch job.Args.Note {
			case "panic":
				panic("the roof is on fire")
			case "fail":
				return errors.New("the roof leaks")
			}
			return nil
		}))
		p.Schedule("panics", never, Task{Note: "panic"})
		p.Schedule("fails", never, Task{Note: "fail"})
		p.Schedule("works", never, Task{})
		panics, fails := trigger(t, p, "panics"), trigger(t, p, "fails")
		defer run(t, p.RunWorker)()
		if r := awaitRun(t, p, store.RunFilter{JobID: panics}, "failed"); r.Error != "the roof is on fire" || r.Attempts != 1 {
			t.Errorf("the panic is told as %q after %d attempts", r.Error, r.Attempts)
		}
		if r := awaitRun(t, p, store.RunFilter{JobID: fails}, "failed"); r.Error != "the roof leaks" || r.Attempts != 1 {
			t.Errorf("the failure is told as %q after %d attempts", r.Error, r.Attempts)
		}
		awaitRun(t, p, store.RunFilter{JobID: trigger(t, p, "works")}, "succeeded")
	})
}

func TestAStoppedWorkerGivesBackWhatDoesNotEndInTheGrace(t *testing.T) {
	onBoth(t, func(t *testing.T, address string) {
		p := open(t, address, punctual.StopGrace(20*time.Millisecond))
		started, causes := make(chan int, 10), make(chan error, 1)
		finish := make(chan struct{})
		punctual.AddWorker(p, river.WorkFunc(func(ctx context.Context, job *river.Job[Task]) error {
			started <- job.Attempt
			select {
			case <-finish:
				return nil
			case <-ctx.Done():
				causes <- context.Cause(ctx)
				return errors.New("half of it is done") // whatever it returns
			}
		}))
		p.Schedule("long", never, Task{})
		job := trigger(t, p, "long")
		stop := run(t, p.RunWorker)
		receive(t, started)
		stop()
		if cause := receive(t, causes); !errors.Is(cause, punctual.ErrStopping) {
			t.Errorf("the context ended because of %v, want %v", cause, punctual.ErrStopping)
		}
		awaitRun(t, p, store.RunFilter{JobID: job}, "available")
		close(finish)
		defer run(t, p.RunWorker)()
		if attempt := receive(t, started); attempt != 1 {
			t.Errorf("it began anew as attempt %d: the stop has used one up", attempt)
		}
		awaitRun(t, p, store.RunFilter{JobID: job}, "succeeded")
	})
}

func TestACancelledJobLearnsOfItAndIsNotTriedAgain(t *testing.T) {
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
		if err := p.Store().CancelJob(t.Context(), job, "a test"); err != nil {
			t.Fatal(err)
		}
		if cause := receive(t, causes); !errors.Is(cause, punctual.ErrCancelled) {
			t.Errorf("the context ended because of %v, want %v", cause, punctual.ErrCancelled)
		}
		awaitRun(t, p, store.RunFilter{JobID: job}, "cancelled")
	})
}

func TestAJobThatComesTooLateExpiresWithoutARun(t *testing.T) {
	p := open(t, sqlite(t))
	punctual.AddWorker(p, river.WorkFunc(func(context.Context, *river.Job[Task]) error {
		t.Error("it ran")
		return nil
	}))
	p.Schedule("urgent", never, Task{}, punctual.Policies(func(p *schedule.Policies) { p.Expires = schedule.Duration(time.Millisecond) }))
	job := trigger(t, p, "urgent")
	row, err := p.Store().Queue().Get(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	var told struct {
		ExpiresAt time.Time `json:"punctual_expires_at"`
	}
	if err := json.Unmarshal(row.Metadata, &told); err != nil || told.ExpiresAt.IsZero() {
		t.Fatalf("its metadata %s say nothing of when it expires: %v", row.Metadata, err)
	}
	time.Sleep(time.Until(told.ExpiresAt))
	defer run(t, p.RunWorker)()
	awaitRun(t, p, store.RunFilter{JobID: job}, "expired")
}

func TestWorkersThatShareAQueueTakeOnlyTheKindsTheyKnow(t *testing.T) {
	onBoth(t, func(t *testing.T, address string) {
		one, two := open(t, address, punctual.Name("one")), open(t, address, punctual.Name("two"))
		ones, twos := make(chan bool, 1), make(chan bool, 1)
		punctual.AddWorker(one, river.WorkFunc(func(context.Context, *river.Job[Task]) error { ones <- true; return nil }))
		punctual.AddWorker(two, river.WorkFunc(func(context.Context, *river.Job[Other]) error { twos <- true; return nil }))
		one.Schedule("a", never, Task{})
		two.Schedule("b", never, Other{})
		a, b := trigger(t, one, "a"), trigger(t, two, "b")
		// The one that knows only the second job comes first to the queue.
		defer run(t, two.RunWorker)()
		receive(t, twos)
		awaitRun(t, two, store.RunFilter{JobID: b}, "succeeded")
		awaitRun(t, two, store.RunFilter{JobID: a}, "available")
		defer run(t, one.RunWorker)()
		receive(t, ones)
		awaitRun(t, one, store.RunFilter{JobID: a}, "succeeded")
	})
}

func TestToldRefusesAJobThatNoScheduleMade(t *testing.T) {
	p := open(t, sqlite(t))
	p.Schedule("known", never, Task{})
	row, err := p.Store().Queue().Get(t.Context(), trigger(t, p, "known"))
	if err != nil {
		t.Fatal(err)
	}
	if told, err := punctual.Told(&river.Job[Task]{JobRow: row}); err != nil || told.Schedule != "known" {
		t.Errorf("a job of a schedule is told %+v, %v", told, err)
	}
	row.Metadata = []byte(`{"mine": 1}`)
	if told, err := punctual.Told(&river.Job[Task]{JobRow: row}); err == nil {
		t.Errorf("a job that no schedule made is told %+v", told)
	}
}

// onBoth runs a test on either database, fresh.
func onBoth(t *testing.T, test func(t *testing.T, address string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, sqlite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, pgtest.New(t)) })
}

func sqlite(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "test.db") }

// open opens a database for the length of a test.
func open(t *testing.T, address string, options ...punctual.Option) *punctual.Punctual {
	t.Helper()
	p, err := punctual.Open(t.Context(), address, append([]punctual.Option{punctual.Logger(slog.New(slog.DiscardHandler))}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// run runs a process until stop is called, which waits for its end and may be
// called twice.
func run(t *testing.T, process func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- process(ctx) }()
	return func() {
		t.Helper()
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("the process ended with %v", err)
			}
			ended <- nil
		case <-time.After(patience):
			t.Errorf("the process did not end within %s", patience)
		}
	}
}

// trigger applies what is declared, makes a job by hand, and returns its id.
func trigger(t *testing.T, p *punctual.Punctual, key string) int64 {
	t.Helper()
	if err := p.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	triggered, err := p.Store().Trigger(t.Context(), key, store.TriggerOptions{Actor: "a test"})
	if err != nil || triggered.JobID == 0 {
		t.Fatalf("triggering %s: %+v, %v", key, triggered, err)
	}
	return triggered.JobID
}

func receive[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case value := <-from:
		return value
	case <-time.After(patience):
		t.Fatalf("nothing came within %s", patience)
		panic("not reached")
	}
}

// awaitRun waits until a run is in a state.
func awaitRun(t *testing.T, p *punctual.Punctual, filter store.RunFilter, state string) store.Run {
	t.Helper()
	filter.Limit = 1
	deadline := time.Now().Add(patience)
	for {
		runs, err := p.Store().Runs(t.Context(), filter)
		if err != nil {
			t.Fatal(err)
		}
		if len(runs) == 1 && runs[0].State == state {
			return runs[0]
		}
		if time.Now().After(deadline) {
			t.Fatalf("the run is not %s within %s: %+v", state, patience, runs)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

package punctual_test

import (
	"context"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/riverqueue/river"

	"github.com/punctual-dev/punctual"
	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/schedule"
)

// Letter has options of its own, as River's arguments may.
type Letter struct{}

// Kind names it.
func (Letter) Kind() string { return "letter" }

// InsertOpts say where it is queued.
func (Letter) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: "post", Priority: 3, MaxAttempts: 4}
}

// Unprintable cannot be stored.
type Unprintable struct{ Line chan int }

// Kind names it.
func (Unprintable) Kind() string { return "unprintable" }

func TestWhatIsDeclaredStandsInTheDatabase(t *testing.T) {
	p := open(t, sqlite(t))
	from, until := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC)
	p.Schedule("report", "weekdays at 09:00", Task{Note: "all"},
		punctual.In("Europe/Paris"), punctual.And("0 12 * * sat"), punctual.NotBefore(from), punctual.NotAfter(until),
		punctual.Except(calendar.Date{Year: 2027, Month: time.May, Day: 1}), punctual.Jitter(time.Minute),
		punctual.Describe("for everyone"), punctual.Tags("reports", "mail"), punctual.Retries(3), punctual.Backoff(time.Second, time.Minute),
		punctual.Timeout(time.Hour), punctual.CatchUp(schedule.CatchUpAll), punctual.Overlap(schedule.OverlapQueue), punctual.Queue("office"),
		punctual.Policies(func(p *schedule.Policies) { p.Priority = 1 }))
	p.Schedule("letter", "daily at 08:00", Letter{})
	p.Schedule("letter-fast", "daily at 08:00", Letter{}, punctual.Queue("express"))
	apply(t, p)

	policies := schedule.DefaultPolicies()
	policies.Retries, policies.Timeout, policies.Queue, policies.Priority = 3, schedule.Duration(time.Hour), "office", 1
	policies.Backoff = schedule.Backoff{Kind: schedule.BackoffExponential, Initial: schedule.Duration(time.Second), Max: schedule.Duration(time.Minute)}
	policies.CatchUp, policies.Overlap = schedule.CatchUpAll, schedule.OverlapQueue
	want := schedule.Declaration{
		Key: "report", Description: "for everyone", Tags: []string{"reports", "mail"}, Jitter: time.Minute, Policies: policies,
		When: calendar.When{
			Expressions: []string{"weekdays at 09:00", "0 12 * * sat"}, Zone: "Europe/Paris",
			NotBefore: from, NotAfter: until, Except: []calendar.Date{{Year: 2027, Month: time.May, Day: 1}},
		},
		Job: schedule.Job{Work: &schedule.Work{Kind: "task", Args: []byte(`{"note":"all"}`)}},
	}
	stored := declared(t, p)
	if got := stored["report"].Declaration; !reflect.DeepEqual(got, want) {
		t.Errorf("the declaration was stored as\n%+v, want\n%+v", got, want)
	}
	if owner := stored["report"].Owner; owner.Kind != schedule.OwnerProgram || owner.Name == "" {
		t.Errorf("the owner is %q, want this program", owner)
	}
	if got := stored["letter"].Policies; got.Queue != "post" || got.Priority != 3 || got.Retries != 3 {
		t.Errorf("InsertOpts of the arguments became queue %s, priority %d, retries %d", got.Queue, got.Priority, got.Retries)
	}
	if got := stored["letter-fast"].Policies.Queue; got != "express" {
		t.Errorf("an option gives way to the arguments: the queue is %s", got)
	}
}

func TestEverythingWrongWithTheDeclarationsIsToldAtOnceAndNothingRuns(t *testing.T) {
	p := open(t, sqlite(t))
	work := river.WorkFunc(func(context.Context, *river.Job[Task]) error { return nil })
	punctual.AddWorker(p, work)
	punctual.AddWorker(p, work)
	p.Schedule("empty", never, nil)
	p.Schedule("pointer", never, (*Letter)(nil))
	p.Schedule("unprintable", never, Unprintable{})
	for name, start := range map[string]func(context.Context) error{"Run": p.Run, "RunClock": p.RunClock, "RunWorker": p.RunWorker, "Apply": p.Apply} {
		err := start(t.Context())
		for _, want := range []string{"adding a worker", `"task"`, `"empty"`, `"pointer"`, `"unprintable"`} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s does not tell of %s: %v", name, want, err)
			}
		}
	}
	p = open(t, sqlite(t))
	p.Schedule("fine", never, Task{})
	p.Schedule("Bad Key", never, Task{}, punctual.In("Mars/Olympus"))
	p.Schedule("vague", "every now and then", Task{})
	err := p.Run(t.Context())
	for _, want := range []string{"program ", "Bad Key", "Mars/Olympus", "vague.when"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Run does not tell of %s: %v", want, err)
		}
	}
	if left := declared(t, p); len(left) > 0 {
		t.Errorf("with faults in one, others were applied: %v", left)
	}
}

func TestAProgramDeletesWhatItDeclaresNoLongerAndLeavesOthersAlone(t *testing.T) {
	address := sqlite(t)
	first := open(t, address, punctual.Name("mailer"))
	first.Schedule("kept", never, Task{})
	first.Schedule("dropped", never, Task{})
	apply(t, first)
	other := open(t, address, punctual.Name("biller"))
	other.Schedule("bill", never, Task{})
	apply(t, other)
	second := open(t, address, punctual.Name("mailer"))
	second.Schedule("kept", never, Task{})
	apply(t, second)
	if got := declared(t, second); len(got) != 2 || got["kept"] == nil || got["bill"] == nil {
		t.Errorf("there are now %v, want kept and bill", got)
	}
	apply(t, open(t, address, punctual.Name("mailer")))
	if got := declared(t, second); len(got) != 1 || got["bill"] == nil {
		t.Errorf("a program without schedules left %v, want bill", got)
	}
}

func TestAScheduleOfAnotherOwnerIsTakenOverOnPurposeOnly(t *testing.T) {
	address := sqlite(t)
	first := open(t, address, punctual.Name("old"))
	first.Schedule("report", never, Task{})
	apply(t, first)
	thief := open(t, address, punctual.Name("new"))
	thief.Schedule("report", never, Task{})
	err := thief.Apply(t.Context())
	if err == nil || !strings.Contains(err.Error(), "program old") || !strings.Contains(err.Error(), "punctual.Adopt()") {
		t.Errorf("declaring another's key gives %v, want the owner and what to do", err)
	}
	heir := open(t, address, punctual.Name("new"), punctual.Adopt())
	heir.Schedule("report", never, Task{})
	apply(t, heir)
	if got := declared(t, heir)["report"].Owner.Name; got != "new" {
		t.Errorf("the owner is %q, want new", got)
	}
}

func TestOpenRefusesSettingsThatCannotBeMeantAndAddressesItDoesNotKnow(t *testing.T) {
	for want, options := range map[string][]punctual.Option{
		"Concurrency: 0": {punctual.Concurrency(0)},
		"Name":           {punctual.Name(" ")},
		"Logger":         {punctual.Logger(nil)},
		"Name: it is empty; give the name of this program\nConcurrency: 20000 is not from 1 to 10000": {punctual.Name(""), punctual.Concurrency(20_000)},
	} {
		p, err := punctual.Open(t.Context(), sqlite(t), options...)
		if err == nil {
			p.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Open gives %v, want %q", err, want)
		}
	}
	if _, err := punctual.Open(t.Context(), "mysql://root:secret@localhost/x"); err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "sqlite:PATH") {
		t.Errorf("Open gives %v, want what is allowed, and no password", err)
	}
}

func TestAProgramIsWarnedOfAJobItCannotRun(t *testing.T) {
	var log strings.Builder
	p := open(t, sqlite(t), punctual.Logger(slog.New(slog.NewTextHandler(&log, nil))))
	punctual.AddWorker(p, river.WorkFunc(func(context.Context, *river.Job[Task]) error { return nil }))
	p.Schedule("mine", never, Task{})
	p.Schedule("foreign", never, Other{})
	stop := run(t, p.Run)
	for deadline := time.Now().Add(patience); len(declared(t, p)) < 2 && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	stop() // not before it has applied
	if got := log.String(); !strings.Contains(got, "schedule=foreign kind=other") || strings.Contains(got, "schedule=mine") {
		t.Errorf("the log says %q, want a warning of foreign alone", got)
	}
}

func apply(t *testing.T, p *punctual.Punctual) {
	t.Helper()
	if err := p.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// declared is what stands in the database, by key.
func declared(t *testing.T, p *punctual.Punctual) map[string]*schedule.Schedule {
	t.Helper()
	overviews, err := p.Store().Overviews(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	stored := map[string]*schedule.Schedule{}
	for _, o := range overviews {
		stored[o.Key] = o.Schedule
	}
	return stored
}

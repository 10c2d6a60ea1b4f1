// Package punctual runs jobs at scheduled times, inside a Go program: clocks
// decide what is due and queue it, workers run it, and a ledger tells of every
// occurrence whether it ran, and if not, why not.
//
// A program opens a database, says which Go code runs which kind of job, says
// when jobs are due, and runs a clock and a worker in its own process:
//
//	p, err := punctual.Open(ctx, "sqlite:punctual.db")
//	if err != nil {
//		return err
//	}
//	defer p.Close()
//	punctual.AddWorker(p, river.WorkFunc(sendReport))
//	p.Schedule("report", "weekdays at 09:00", Report{To: "everyone"}, punctual.In("Europe/Paris"))
//	return p.Run(ctx)
//
// Arguments and workers are those of River (github.com/riverqueue/river), the
// queue that jobs stand in. Any number of processes may run [Punctual.Run],
// [Punctual.RunClock] or [Punctual.RunWorker] on one database at once: each
// occurrence is queued exactly once. It is run at least once, since a worker may
// die after the work and before it could say so; [Told] gives a job the name of
// its occurrence, to be used as an idempotency key.
//
// The library and the command share everything: schedules of programs and of a
// schedule file live side by side in one database, each with its owner.
package punctual

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/riverqueue/river"

	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/metrics"
	"github.com/punctual-dev/punctual/queue"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
	"github.com/punctual-dev/punctual/tracing"
)

// Punctual is an open database, the schedules a program declares, and the Go
// workers it runs jobs with. Declare first, then run: AddWorker and Schedule are
// not to be called while anything runs.
type Punctual struct {
	db       *database.Database
	store    *store.Store
	log      *slog.Logger
	name     string
	adopt    bool
	workers  workers
	declared []schedule.Declaration
	faults   []error
	options  workOptions
	history  time.Duration
	narrator *narrator        // nil: nobody looks on
	counted  []string         // schedules that metrics count one by one
	tracing  *tracing.Tracing // nil: nothing is followed
	metrics  *metrics.Metrics // nil: nothing is counted
	leader   leaderNote
}

// Option is a setting of Open.
type Option func(*Punctual) error

// Name says which program owns the schedules declared here: what it declares
// no longer is deleted, and no other program or file can change what it has. The
// default is the import path of the main package; set a name where several
// programs are built from one, or where the package moves.
func Name(name string) Option {
	return func(p *Punctual) error {
		p.name = name
		if strings.TrimSpace(name) == "" {
			return errors.New("Name: it is empty; give the name of this program")
		}
		return nil
	}
}

// Adopt lets this program take over schedules that belong to a file, the API or
// another program. Without it, declaring a key of another owner is an error.
func Adopt() Option {
	return func(p *Punctual) error { p.adopt = true; return nil }
}

// Logger says where to log; the default is slog.Default().
func Logger(log *slog.Logger) Option {
	return func(p *Punctual) error {
		p.log = log
		if log == nil {
			return errors.New("Logger: it is nil; slog.New(slog.DiscardHandler) logs nothing")
		}
		return nil
	}
}

// History is how long a clock of this program keeps what ran, with what it wrote,
// who did what, and deleted schedules: at least a day, 90 days by default. Of
// each schedule the last 20 runs stay however old they are. Where several clocks
// keep it for different times, the shortest counts.
func History(keep time.Duration) Option {
	return func(p *Punctual) error {
		p.history = keep
		if keep < store.MinHistory {
			return fmt.Errorf("History: %s is shorter than a day; a repeated trigger is recognised that long", schedule.Duration(keep))
		}
		return nil
	}
}

// Open connects to the database at an address, postgres://… or sqlite:PATH, and
// brings its tables up to date. It fails where the database does not answer, or
// can only be read; once open, one that goes away is waited for.
func Open(ctx context.Context, address string, options ...Option) (*Punctual, error) {
	p := &Punctual{log: slog.Default(), name: programName(), options: defaultWorkOptions(), workers: newWorkers(), history: store.DefaultHistory}
	var faults []error
	for _, option := range options {
		faults = append(faults, option(p))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("opening punctual: %w", err)
	}
	db, err := database.Open(ctx, address, database.Options{})
	if err != nil {
		return nil, err
	}
	if p.store, err = store.Open(db); err != nil {
		db.Close()
		return nil, err
	}
	p.db = db
	err = p.store.Migrate(ctx)
	if err == nil {
		err = p.store.CheckWritable(ctx)
	}
	if err != nil {
		db.Close()
		return nil, err
	}
	if err := p.count(); err != nil {
		db.Close()
		return nil, fmt.Errorf("opening punctual: %w", err)
	}
	return p, nil
}

// Close ends all connections. Whatever runs has to have returned.
func (p *Punctual) Close() { p.db.Close() }

// Store gives access to everything that can be done by hand: pause, trigger,
// backfill, and reading the ledger.
func (p *Punctual) Store() *store.Store { return p.store }

// AddWorker says which Go code runs the jobs of a kind: an ordinary River
// worker, or a function made one by river.WorkFunc. A kind added twice is an
// error, which Run tells.
//
// Timeout, retries and backoff are those of the schedule. A worker's own
// Timeout and NextRetry, where it has them, count too: the shorter timeout, and
// the worker's NextRetry. Middleware and panics work as they do in River.
func AddWorker[T river.JobArgs](p *Punctual, worker river.Worker[T]) {
	if err := p.workers.add(func(w *river.Workers) error { return river.AddWorkerSafely(w, worker) }); err != nil {
		p.faults = append(p.faults, fmt.Errorf("adding a worker: %w", err))
		return
	}
	var args T
	p.workers.kinds[args.Kind()] = true
	if renamed, ok := any(args).(river.JobArgsWithKindAliases); ok {
		for _, kind := range renamed.KindAliases() {
			p.workers.kinds[kind] = true
		}
	}
}

// workers are what a program has added. River's own bundle can be given to one
// client only, so each worker process is given a new one.
type workers struct {
	all   *river.Workers
	adds  []func(*river.Workers) error
	kinds map[string]bool
}

func newWorkers() workers { return workers{all: river.NewWorkers(), kinds: map[string]bool{}} }

func (w *workers) add(add func(*river.Workers) error) error {
	if err := add(w.all); err != nil {
		return err
	}
	w.adds = append(w.adds, add)
	return nil
}

func (w *workers) bundle() (*river.Workers, error) {
	all := river.NewWorkers()
	for _, add := range w.adds {
		if err := add(all); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Apply makes the database agree with the schedules declared so far, all or
// nothing: it creates and changes them, and deletes those this program declared
// once and declares no longer. Creating and changing fires nothing by itself.
//
// Run and RunClock do it too; it is there for programs that apply once per
// release and for tests.
func (p *Punctual) Apply(ctx context.Context) error {
	err := p.declarationError()
	if err == nil {
		_, err = p.store.Apply(ctx, p.declared, store.ApplyOptions{
			PlanOptions: schedule.PlanOptions{Owner: schedule.Owner{Kind: schedule.OwnerProgram, Name: p.name}, Prune: true, Adopt: p.adopt},
			Actor:       store.Actor("program " + p.name),
		})
	}
	if refused, ok := errors.AsType[*store.RefusedError](err); ok {
		for i := range refused.Faults {
			advice := &refused.Faults[i].Advice // what the command line calls --adopt
			*advice = strings.ReplaceAll(*advice, "--adopt", "the option punctual.Adopt()")
		}
	}
	if err != nil {
		return fmt.Errorf("the schedules of program %s: %w", p.name, err)
	}
	return nil
}

// declarationError tells all that went wrong in AddWorker and Schedule.
func (p *Punctual) declarationError() error { return errors.Join(p.faults...) }

// Run applies the declared schedules and runs a clock and a worker until ctx
// ends. It returns nil then, and an error where it cannot start or go on. A
// database that is away for a while is no error.
func (p *Punctual) Run(ctx context.Context) error {
	if err := p.Apply(ctx); err != nil {
		return unlessAsked(ctx, err)
	}
	for _, d := range p.declared {
		if kind := d.Job.Work.Kind; !p.workers.kinds[kind] {
			p.log.Warn("this program has no worker for a job it schedules: the job waits for a program that has one; punctual.AddWorker adds one",
				"schedule", d.Key, "kind", kind)
		}
	}
	return RunTogether(ctx, p.runClock, p.RunWorker)
}

// unlessAsked is an error, but none of the database where ctx has ended: to end
// then is what was asked for.
func unlessAsked(ctx context.Context, err error) error {
	if ctx.Err() != nil && database.Transient(err) {
		return nil
	}
	return err
}

// RunTogether runs processes until ctx ends or one of them returns, and then
// waits for all.
func RunTogether(ctx context.Context, processes ...func(context.Context) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	results := make(chan error, len(processes))
	for _, process := range processes {
		go func() { results <- process(ctx) }()
	}
	var failures []error
	for range processes {
		if err := <-results; err != nil {
			failures = append(failures, err)
		}
		stop()
	}
	return errors.Join(failures...)
}

// programName is the import path of the main package, or, where the program was
// built from single files, the name of the executable.
func programName() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Path != "" && info.Path != "command-line-arguments" {
		return info.Path
	}
	path, err := os.Executable()
	if err != nil {
		return "program"
	}
	return strings.TrimSuffix(filepath.Base(path), ".exe")
}

// Version is the version of the module this program was built with.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return info.Main.Version
}

// workOptions are the settings of the worker.
type workOptions struct {
	concurrency int
	queues      []string       // empty: every queue that schedules name
	bounds      map[string]int // jobs at once of single queues
	directory   string
	stopGrace   time.Duration
	atOnce      <-chan struct{}
}

const (
	defaultConcurrency = 10
	maxConcurrency     = 10_000 // River's
	defaultQueue       = "default"
	// defaultStopGrace and the time a command gets to end after it
	// (worker.StopKillGrace) fit into the 30 seconds that platforms in Heroku's
	// style give a process.
	defaultStopGrace = 25 * time.Second
)

func defaultWorkOptions() workOptions {
	return workOptions{concurrency: defaultConcurrency, stopGrace: defaultStopGrace}
}

// Concurrency is how many jobs the worker runs at once, in all its queues
// together; the default is 10. A job that finds no place stays in the queue.
func Concurrency(n int) Option {
	return func(p *Punctual) error {
		p.options.concurrency = n
		if n < 1 || n > maxConcurrency {
			return fmt.Errorf("Concurrency: %d is not from 1 to %d", n, maxConcurrency)
		}
		return nil
	}
}

// Queues are the queues the worker works; the default is every queue that
// schedules name. In each it takes the kinds of job it knows, and leaves the
// others to other workers.
func Queues(names ...string) Option {
	return func(p *Punctual) error {
		p.options.queues = names
		for _, name := range names {
			if err := queue.ValidName(name); err != nil {
				return fmt.Errorf("Queues: %w", err)
			}
		}
		return nil
	}
}

// QueueConcurrency bounds besides how many jobs of one queue the worker runs at
// once.
func QueueConcurrency(name string, n int) Option {
	return func(p *Punctual) error {
		if n < 1 || n > maxConcurrency {
			return fmt.Errorf("QueueConcurrency: %d of queue %q is not from 1 to %d", n, name, maxConcurrency)
		}
		if p.options.bounds == nil {
			p.options.bounds = map[string]int{}
		}
		p.options.bounds[name] = n
		return nil
	}
}

// Directory is where commands run, unless their schedule names one.
func Directory(path string) Option {
	return func(p *Punctual) error { p.options.directory = path; return nil }
}

// StopGrace is how long running jobs may go on when the worker is told to stop;
// then their contexts end, and what has not finished is given back to the queue.
// The default is 25 seconds; commands are killed 3 seconds later.
func StopGrace(grace time.Duration) Option {
	return func(p *Punctual) error {
		p.options.stopGrace = max(grace, time.Millisecond)
		return nil
	}
}

// StopAtOnce ends that grace when the channel is closed, as at the second Ctrl-C:
// contexts end at once, commands are killed, and what did not finish is given
// back to the queue as after the grace. It does nothing before the worker is told
// to stop.
func StopAtOnce(now <-chan struct{}) Option {
	return func(p *Punctual) error { p.options.atOnce = now; return nil }
}

// Package punctual runs jobs at scheduled times, inside a Go program: any
// number of clocks decide what is due and queue it, workers run it, and a
// ledger tells of every occurrence whether it ran, and if not, why not.
//
// The library and the command share everything: schedules of a program and
// those of a file live side by side in one database.
package punctual

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/riverqueue/river"

	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

// Punctual is an open store, the schedules a program declares, and the Go
// workers it runs jobs with.
type Punctual struct {
	db       *database.Database
	store    *store.Store
	log      *slog.Logger
	name     string
	workers  *river.Workers
	declared []schedule.Declaration
	faults   []error
	options  workOptions
}

// Option is a setting of Open.
type Option func(*Punctual)

// Name says which program owns the schedules declared here; Run deletes those
// it owned before and declares no longer. The default is the name of the
// executable.
func Name(name string) Option { return func(p *Punctual) { p.name = name } }

// Logger says where to log; the default is slog.Default().
func Logger(log *slog.Logger) Option { return func(p *Punctual) { p.log = log } }

// Open connects to the database at an address, postgres://… or sqlite:PATH, and
// brings its tables up to date.
func Open(ctx context.Context, address string, options ...Option) (*Punctual, error) {
	p := &Punctual{log: slog.Default(), name: programName(), workers: river.NewWorkers(), options: defaultWorkOptions()}
	for _, option := range options {
		option(p)
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
	if err := p.store.Migrate(ctx); err != nil {
		db.Close()
		return nil, err
	}
	return p, nil
}

// Close ends all connections. Run has to have returned.
func (p *Punctual) Close() { p.db.Close() }

// Store gives access to everything that can be done by hand: pause, trigger,
// backfill, and reading the ledger.
func (p *Punctual) Store() *store.Store { return p.store }

// AddWorker says which Go code runs the jobs of a kind: an ordinary River
// worker.
func AddWorker[T river.JobArgs](p *Punctual, worker river.Worker[T]) {
	if err := river.AddWorkerSafely(p.workers, worker); err != nil {
		p.faults = append(p.faults, err)
	}
}

// Apply makes the store agree with the schedules declared so far, all or
// nothing. Run does it too.
func (p *Punctual) Apply(ctx context.Context) error {
	if err := errors.Join(p.faults...); err != nil {
		return fmt.Errorf("the schedules of %s: %w", p.name, err)
	}
	if len(p.declared) == 0 {
		return nil
	}
	_, err := p.store.Apply(ctx, p.declared, store.ApplyOptions{
		PlanOptions: schedule.PlanOptions{Owner: schedule.Owner{Kind: schedule.OwnerProgram, Name: p.name}, Prune: true},
		Actor:       store.Actor("program " + p.name),
	})
	if err != nil {
		return fmt.Errorf("the schedules of %s: %w", p.name, err)
	}
	return nil
}

// Run applies the declared schedules and runs a clock and a worker until ctx
// ends.
func (p *Punctual) Run(ctx context.Context) error {
	if err := p.Apply(ctx); err != nil {
		return err
	}
	return RunTogether(ctx, p.RunClock, p.RunWorker)
}

// RunTogether runs processes until ctx ends or one of them fails, and then
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

func programName() string {
	path, err := os.Executable()
	if err != nil {
		return "program"
	}
	return baseName(path)
}

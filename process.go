package punctual

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/punctual-dev/punctual/alert"
	"github.com/punctual-dev/punctual/clock"
	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/queue"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
	"github.com/punctual-dev/punctual/worker"
)

// RunClock applies the declared schedules, if there are any, and then decides
// what is due and queues it until ctx ends. Any number of clocks may run at
// once, in any number of processes.
func (p *Punctual) RunClock(ctx context.Context) error {
	if len(p.declared) > 0 || len(p.faults) > 0 {
		if err := p.Apply(ctx); err != nil {
			return unlessAsked(ctx, err)
		}
	}
	return p.runClock(ctx)
}

func (p *Punctual) runClock(ctx context.Context) error {
	var ticked atomic.Pointer[time.Time]
	process := newProcess("clock")
	upkeep := upkeep{p.store, process.ID}
	options := clock.Options{
		Logger: p.log.With("process", "clock"),
		Ticked: func(at time.Time) { ticked.Store(&at) },
	}
	if p.metrics != nil {
		options.Observer = p.metrics
	}
	var decided clock.Store = p.store
	if p.tracing != nil {
		decided = tracedStore{p.store, p.tracing}
	}
	c := clock.New(decided, upkeep, options)
	life := p.newLifeline(process, func() time.Time {
		if at := ticked.Load(); at != nil {
			return *at
		}
		return time.Time{}
	})
	return life.run(ctx, func(ctx context.Context) error {
		return RunTogether(ctx, c.Run, p.prune, p.alerts(alert.ByWebhook, alert.ByMail))
	})
}

// pruneEvery is how often history is pruned, and pruneRest the pause between two
// of the small transactions it takes.
const (
	pruneEvery = 10 * time.Minute
	pruneRest  = 50 * time.Millisecond
)

// prune keeps the history no longer than it is to be kept, beside the clock, and
// gives way to it. What fails is tried again the next time.
func (p *Punctual) prune(ctx context.Context) error {
	rest := func(ctx context.Context) { sleep(ctx, pruneRest) }
	for sleep(ctx, pruneEvery/10); ctx.Err() == nil; sleep(ctx, pruneEvery) {
		pruned, err := p.store.Prune(ctx, p.history, rest)
		switch {
		case err != nil && ctx.Err() == nil && !database.Transient(err):
			p.log.Warn("the history could not be pruned; it is tried again", "error", err, "again", pruneEvery.String())
		case pruned.Total() > 0:
			p.log.Info("pruned the history", "kept", schedule.Duration(p.history).String(), "runs", pruned.Runs, "outputs", pruned.Outputs,
				"schedules", pruned.Schedules, "activities", pruned.Activities)
		}
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// upkeep is the clock's view of the store beside deciding.
type upkeep struct {
	*store.Store
	id string
}

// Rank is the place of this clock among those alive.
func (u upkeep) Rank(ctx context.Context) (rank, clocks int, err error) {
	return u.Store.Rank(ctx, u.id)
}

// RunWorker takes jobs off the queue and runs them until ctx ends: those of the
// kinds that were added, and the commands and HTTP calls of a schedule file.
// When ctx ends it takes no more, lets those that run finish for StopGrace, then
// ends their contexts, gives back what did not finish, and returns when all
// functions have: one that ignores its context holds it up. StopAtOnce cuts the
// grace short.
func (p *Punctual) RunWorker(ctx context.Context) error {
	if err := p.declarationError(); err != nil {
		return err
	}
	own, err := p.workers.bundle()
	if err != nil {
		return err
	}
	process := newProcess("worker")
	log := p.log.With("process", "worker")
	handlers := worker.Handlers(worker.Options{
		Directory: p.options.directory, Environment: os.Environ(),
		LastSuccess: lastSuccess(p.store), Output: newRecorder(p.store, p.narrator), Logger: log,
		AtOnce: p.options.atOnce,
	})
	if p.narrator != nil {
		handlers = p.narrator.handlers(handlers)
	}
	process.Concurrency = p.options.concurrency
	for _, name := range p.options.queues {
		if process.Queues == nil {
			process.Queues = map[string]int{}
		}
		process.Queues[name] = p.options.bounds[name]
	}
	process.Kinds = slices.Sorted(maps.Keys(handlers))
	process.Kinds = append(process.Kinds, slices.Sorted(maps.Keys(p.workers.kinds))...)
	life := p.newLifeline(process, nil)
	options := queue.WorkOptions{
		ID: process.ID, Queues: p.options.queues, Concurrency: p.options.concurrency, Bounds: p.options.bounds,
		StopGrace: p.options.stopGrace, AtOnce: p.options.atOnce, Workers: own, Logger: log,
		Handlers: handlers, Lost: life.lost, Owned: life.owns,
		Progress: func(ctx context.Context, job int64, attempt int, fraction float64, note string) error {
			return p.store.RecordProgress(ctx, job, store.Progress{Attempt: attempt, Fraction: fraction, Note: note})
		},
	}
	if p.metrics != nil || p.tracing != nil {
		options.Around = p.around
	}
	if len(options.Queues) == 0 {
		options.Queues, options.MoreQueues = []string{defaultQueue}, p.store.Queues
	}
	work := func(ctx context.Context) error {
		err := p.store.Queue().Work(ctx, options)
		if errors.Is(err, queue.ErrLost) {
			return ErrTakenForDead
		}
		return err
	}
	return life.run(ctx, func(ctx context.Context) error {
		return RunTogether(ctx, work, p.alerts(alert.ByWebhook, alert.ByMail, alert.ByCommand))
	})
}

// RunWeb runs serve, which answers requests until its context ends, and records
// meanwhile that a web process is alive. What it serves is its own affair.
func (p *Punctual) RunWeb(ctx context.Context, serve func(context.Context) error) error {
	life := p.newLifeline(newProcess("web"), nil)
	// It owns no jobs, so one that did not answer for a while just begins anew.
	life.renew = func() store.Process { return newProcess("web") }
	return life.run(ctx, func(ctx context.Context) error {
		return RunTogether(ctx, serve, p.alerts(alert.ByWebhook, alert.ByMail))
	})
}

func newProcess(role string) store.Process {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	if dyno := os.Getenv("DYNO"); dyno != "" {
		host = dyno
	}
	return store.Process{
		ID:   fmt.Sprintf("%s-%s-%d-%s", role, host, os.Getpid(), strings.ToLower(rand.Text()[:6])),
		Role: role, Host: host, PID: os.Getpid(), Machine: machine(), Version: Version(),
	}
}

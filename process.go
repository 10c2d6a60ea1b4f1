package punctual

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/punctual-dev/punctual/clock"
	"github.com/punctual-dev/punctual/queue"
	"github.com/punctual-dev/punctual/store"
	"github.com/punctual-dev/punctual/worker"
)

// workOptions are the settings of the worker.
type workOptions struct {
	concurrency int
	queues      []string // empty: every queue that schedules name
	directory   string
	stopGrace   time.Duration
}

const (
	defaultConcurrency = 10
	defaultQueue       = "default"
	// defaultStopGrace and the time a command gets to end after it fit into the
	// 30 seconds that platforms in Heroku's style give a process.
	defaultStopGrace = 20 * time.Second
)

func defaultWorkOptions() workOptions {
	return workOptions{concurrency: defaultConcurrency, stopGrace: defaultStopGrace}
}

// Concurrency is how many jobs of a queue the worker runs at once; the default
// is 10.
func Concurrency(n int) Option { return func(p *Punctual) { p.options.concurrency = n } }

// Queues are the queues the worker works; the default is every queue that
// schedules name.
func Queues(names ...string) Option { return func(p *Punctual) { p.options.queues = names } }

// Directory is where commands run, unless their schedule names one.
func Directory(path string) Option { return func(p *Punctual) { p.options.directory = path } }

// StopGrace is how long running jobs may go on when the worker is told to stop.
func StopGrace(grace time.Duration) Option { return func(p *Punctual) { p.options.stopGrace = grace } }

// RunClock decides what is due and enqueues it until ctx ends. Any number of
// clocks may run at once.
func (p *Punctual) RunClock(ctx context.Context) error {
	var ticked atomic.Pointer[time.Time]
	process := newProcess("clock")
	upkeep := upkeep{p.store, process.ID}
	c := clock.New(p.store, upkeep, clock.Options{
		Logger: p.log.With("process", "clock"),
		Ticked: func(at time.Time) { ticked.Store(&at) },
	})
	return p.beating(ctx, process, func() time.Time {
		if at := ticked.Load(); at != nil {
			return *at
		}
		return time.Time{}
	}, c.Run)
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

// RunWorker takes jobs off the queue and runs them until ctx ends; then it lets
// running ones finish for a while, ends them and gives them back.
func (p *Punctual) RunWorker(ctx context.Context) error {
	process := newProcess("worker")
	log := p.log.With("process", "worker")
	options := queue.WorkOptions{
		ID: process.ID, Queues: p.options.queues, Concurrency: p.options.concurrency,
		StopGrace: p.options.stopGrace, Workers: p.workers, Logger: log,
		Handlers: worker.Handlers(worker.Options{
			Directory: p.options.directory, Environment: os.Environ(),
			LastSuccess: p.store.LastSuccess, Output: recorder{p.store}, Logger: log,
		}),
	}
	if len(options.Queues) == 0 {
		options.Queues, options.MoreQueues = []string{defaultQueue}, p.store.Queues
	}
	return p.beating(ctx, process, nil, func(ctx context.Context) error {
		return p.store.Queue().Work(ctx, options)
	})
}

// recorder keeps what jobs write in the store.
type recorder struct{ store *store.Store }

// RecordOutput implements worker.OutputRecorder.
func (r recorder) RecordOutput(ctx context.Context, job int64, attempt int, chunks []worker.Chunk) error {
	pieces := make([]store.Output, len(chunks))
	for i, c := range chunks {
		pieces[i] = store.Output{Attempt: attempt, Sequence: c.Sequence, At: c.At, Stream: c.Stream, Data: c.Data, Replaces: c.Replaces}
	}
	return r.store.RecordOutput(ctx, job, pieces)
}

// beating runs a process while recording that it is alive.
func (p *Punctual) beating(ctx context.Context, process store.Process, tickedAt func() time.Time, run func(context.Context) error) error {
	beats, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.beat(beats, process, tickedAt)
	}()
	err := run(ctx)
	stop()
	<-done
	ended, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	// If this fails, the process is found dead after a while; no more is lost.
	_ = p.store.Stopped(ended, process.ID)
	return err
}

func (p *Punctual) beat(ctx context.Context, process store.Process, tickedAt func() time.Time) {
	for {
		if tickedAt != nil {
			process.TickAt = tickedAt()
		}
		limited, cancel := context.WithTimeout(ctx, store.BeatEvery)
		// A missed beat is made up by the next; the clock and the worker speak
		// of a database that is away themselves.
		_, _ = p.store.Beat(limited, process)
		cancel()
		select {
		case <-ctx.Done():
			return
		case <-time.After(store.BeatEvery):
		}
	}
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
		Role: role, Host: host, PID: os.Getpid(), Version: Version(),
	}
}

// Version is the version of the module this program was built with.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return info.Main.Version
}

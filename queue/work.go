package queue

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivertype"

	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/schedule"
)

// Settings of River's client. A job starts a few milliseconds after it is
// inserted; on Postgres a notification carries that, on SQLite polling does. The
// polls are those for which there is no other reason (places).
const (
	fetchCooldown       = 10 * time.Millisecond
	fetchPollPostgres   = time.Second
	fetchPollSQLite     = 30 * time.Millisecond
	keepFinishedJobs    = 24 * time.Hour
	keepFailedJobs      = 7 * 24 * time.Hour
	riverRescueOutOfWay = 100 * 365 * 24 * time.Hour // lost jobs are found by heartbeat, not by age
	defaultSoftStop     = 25 * time.Second
	metadataPrefix      = "punctual_"
	metadataTimeout     = metadataPrefix + "timeout"
	metadataExpires     = metadataPrefix + "expires_at"
	metadataBackoff     = metadataPrefix + "backoff"
	metadataTrace       = metadataPrefix + "trace"
)

// WorkOptions say what is worked and how.
type WorkOptions struct {
	ID     string // names the worker on the jobs it takes
	Queues []string
	// MoreQueues is asked every few seconds for queues to be worked besides;
	// may be nil.
	MoreQueues  func(ctx context.Context) ([]string, error)
	Concurrency int // jobs at once, in all queues together
	// Bounds are jobs at once of single queues, besides; may be nil.
	Bounds   map[string]int
	Handlers map[string]Handler
	// Workers are Go workers besides the handlers; Work adds the handlers to
	// them. May be nil. Jobs of other kinds are left to those who know them.
	Workers *river.Workers
	// Lost is closed when this worker is found to have been taken for dead; nil:
	// never. The contexts of its attempts end then, with ErrLost.
	Lost <-chan struct{}
	// Owned is asked when an attempt has ended, and before its result is written
	// down: ErrLost means that the job has been given to somebody else, and
	// nothing is written; any other error, that it is not known yet. Nil: always.
	Owned func(ctx context.Context) error
	// StopGrace is how long running jobs may go on after a stop.
	StopGrace time.Duration
	// AtOnce ends that grace when it is closed; may be nil.
	AtOnce <-chan struct{}
	// Progress is told how far running jobs say they are (Report); may be nil.
	Progress func(ctx context.Context, job int64, attempt int, fraction float64, note string) error
	// Around is called when an attempt begins. The attempt has the context that it
	// returns, and the function that it returns is told how the attempt ended. May
	// be nil.
	Around func(ctx context.Context, b Begun) (context.Context, func(Result))
	Logger *slog.Logger
}

// bound is how many jobs of a queue run at once.
func (o WorkOptions) bound(name string) int {
	if n := o.Bounds[name]; n > 0 {
		return min(n, o.Concurrency)
	}
	return o.Concurrency
}

func (o WorkOptions) grace() time.Duration {
	if o.StopGrace > 0 {
		return o.StopGrace
	}
	return defaultSoftStop
}

// Work takes jobs off the queue and runs them until ctx ends; then it takes no
// more, lets running ones finish for the grace, ends them, and returns. What
// did not finish is available again, its attempt given back.
func (q *Queue) Work(ctx context.Context, o WorkOptions) error {
	workers := o.Workers
	if workers == nil {
		workers = river.NewWorkers()
	}
	if err := errors.Join(addHandler[commandArgs](q, workers, o), addHandler[httpArgs](q, workers, o)); err != nil {
		return fmt.Errorf("working the queue: %w", err)
	}
	queues := map[string]river.QueueConfig{}
	for _, name := range o.Queues {
		queues[name] = river.QueueConfig{MaxWorkers: o.bound(name)}
	}
	every := fetchPollPostgres
	if q.db.Kind == database.SQLite {
		every = fetchPollSQLite
	}
	attempts := newAttempts(o, newPlaces(o.Concurrency, every), &q.time)
	config := &river.Config{
		ID: o.ID, Queues: queues, Workers: workers, Logger: quiet(o.Logger),
		FetchCooldown: fetchCooldown, FetchPollInterval: pollEvery,
		JobTimeout: -1, RescueStuckJobsAfter: riverRescueOutOfWay,
		CompletedJobRetentionPeriod: keepFinishedJobs, CancelledJobRetentionPeriod: keepFinishedJobs,
		DiscardedJobRetentionPeriod: keepFailedJobs,
		SoftStopTimeout:             o.grace(),
		RetryPolicy:                 retryPolicy{&q.time},
		Test:                        river.TestConfig{Time: &q.time},
		Middleware:                  []rivertype.Middleware{attempts},
		// Else the first worker to come by would fail what another program is
		// to work.
		FetchOnlyKnownKinds: true,
	}
	q.time.compare(ctx, q.db)
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	go q.watch(watching, attempts)
	switch pool := q.db.Native().(type) {
	case *pgxpool.Pool:
		return workPostgres(ctx, pool, config, o, attempts)
	case *sql.DB:
		_, err := work(ctx, o, attempts, func() (*river.Client[*sql.Tx], error) {
			return river.NewClient(bounded[*sql.Tx]{riversqlite.New(pool), attempts.places, attempts.owned}, config)
		})
		return err
	}
	return fmt.Errorf("working the queue: unknown database %s", q.db.Kind)
}

// maintenanceTime is the most a statement of River's maintenance takes.
const maintenanceTime = time.Minute

// workPostgres gives River a pool of its own: its maintenance may take longer
// than the limits the clock's short statements live under.
func workPostgres(ctx context.Context, pool *pgxpool.Pool, config *river.Config, o WorkOptions, a *attempts) error {
	settings := pool.Config().Copy()
	for _, name := range []string{"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"} {
		delete(settings.ConnConfig.RuntimeParams, name)
	}
	settings.MaxConns = int32(min(max(6, o.Concurrency/4), 30))
	own, err := database.NewPool(ctx, settings, maintenanceTime)
	if err != nil {
		return fmt.Errorf("working the queue: %w", err)
	}
	ended, err := work(ctx, o, a, func() (*river.Client[pgx.Tx], error) {
		return river.NewClient(bounded[pgx.Tx]{riverpgxv5.New(own), a.places, a.owned}, config)
	})
	if ended {
		own.Close()
	} else {
		go own.Close() // which waits for those who still use it
	}
	return err
}

// work returns when the client has ended, or has been left to itself.
func work[T any](ctx context.Context, o WorkOptions, a *attempts, open func() (*river.Client[T], error)) (ended bool, err error) {
	client, err := open()
	if err != nil {
		return true, fmt.Errorf("working the queue: %w", err)
	}
	if err := startPatiently(ctx, client); err != nil {
		if ctx.Err() != nil {
			return true, nil
		}
		return true, fmt.Errorf("working the queue: %w", err)
	}
	if o.MoreQueues != nil {
		adding, stop := context.WithCancel(ctx)
		defer stop()
		go addQueues(adding, client, o)
	}
	select {
	case <-client.Stopped():
		return true, nil
	case <-ctx.Done():
		a.announceStop()
		settled := make(chan struct{})
		defer close(settled)
		go endAtOnce(client, o.AtOnce, settled)
		return a.settle(client.Stopped(), o.Logger), nil
	case <-o.Lost:
		a.abandon()
		return false, ErrLost
	}
}

// endAtOnce ends the contexts of what still runs when it is asked for before the
// client has settled.
func endAtOnce[T any](client *river.Client[T], atOnce, settled <-chan struct{}) {
	select {
	case <-atOnce:
		ended, cancel := context.WithCancel(context.Background())
		cancel()                        // settle waits for it
		_ = client.StopAndCancel(ended) // says that it did not wait
	case <-settled:
	}
}

// addQueues begins to work queues that come up while the worker runs, until ctx
// ends.
func addQueues[T any](ctx context.Context, client *river.Client[T], o WorkOptions) {
	const every = 2 * time.Second
	known := map[string]bool{}
	for _, name := range o.Queues {
		known[name] = true
	}
	for {
		// A database that is away is asked again; so is one with a bad name.
		names, _ := o.MoreQueues(ctx)
		for _, name := range names {
			if !known[name] && client.Queues().Add(name, river.QueueConfig{MaxWorkers: o.bound(name)}) == nil {
				known[name] = true
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(every):
		}
	}
}

// startPatiently starts the client, waiting for a database that is away.
func startPatiently[T any](ctx context.Context, client *river.Client[T]) error {
	for {
		err := client.Start(ctx)
		if err == nil || ctx.Err() != nil || !database.Transient(err) {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

// commandArgs and httpArgs are the arguments of punctual's own kinds.
type commandArgs struct{ schedule.Payload }

func (commandArgs) Kind() string                { return KindCommand }
func (a commandArgs) payload() schedule.Payload { return a.Payload }

type httpArgs struct{ schedule.Payload }

func (httpArgs) Kind() string                { return KindHTTP }
func (a httpArgs) payload() schedule.Payload { return a.Payload }

type payloadArgs interface {
	river.JobArgs
	payload() schedule.Payload
}

// addHandler makes a worker of the handler for one of punctual's own kinds.
func addHandler[A payloadArgs](q *Queue, workers *river.Workers, o WorkOptions) error {
	var arguments A
	handler := o.Handlers[arguments.Kind()]
	if handler == nil {
		return nil
	}
	return river.AddWorkerSafely(workers, &payloadWorker[A]{queue: q, handler: handler})
}

// payloadWorker hands River's jobs of one kind to a handler.
type payloadWorker[A payloadArgs] struct {
	river.WorkerDefaults[A]
	queue   *Queue
	handler Handler
	later   sync.Map // job id → when a LaterError asked for the next attempt
}

func (w *payloadWorker[A]) Timeout(*river.Job[A]) time.Duration { return -1 }

func (w *payloadWorker[A]) Work(ctx context.Context, job *river.Job[A]) error {
	payload := job.Args.payload()
	err := w.handler(ctx, Attempt{
		JobID: job.ID, Kind: job.Kind, Queue: job.Queue,
		Number: job.Attempt, First: len(job.AttemptedBy) <= 1, MaxAttempts: job.MaxAttempts, Payload: payload, Trace: traceOf(ctx),
		Now: w.queue.time.Now,
	})
	return w.result(ctx, job.JobRow, err)
}

// result puts a handler's error into River's terms.
func (w *payloadWorker[A]) result(ctx context.Context, job *rivertype.JobRow, err error) error {
	if err == nil || errors.Is(context.Cause(ctx), ErrStopping) {
		return err // attempts gives the job back
	}
	if _, ok := errors.AsType[*EndedError](err); ok {
		return river.JobCancel(err)
	}
	if later, ok := errors.AsType[*LaterError](err); ok {
		if later.After > 0 {
			w.later.Store(job.ID, w.queue.time.Now().Add(later.After))
		}
		if later.UsesNoRetry {
			w.queue.grantAttempt(ctx, job)
		}
	}
	return err
}

func (w *payloadWorker[A]) NextRetry(job *river.Job[A]) time.Time {
	if at, found := w.later.LoadAndDelete(job.ID); found {
		return at.(time.Time)
	}
	return w.queue.time.Now().Add(job.Args.payload().Backoff.Delay(job.Attempt, rand.Float64()))
}

// metadataOf is what a Go worker's job is told, flat and without nulls.
func metadataOf(p schedule.Payload) map[string]string {
	metadata := map[string]string{
		metadataPrefix + "schedule":   p.Schedule,
		metadataPrefix + "occurrence": p.Occurrence,
	}
	for name, at := range map[string]time.Time{
		"nominal": p.Nominal, "due": p.Due, "from": p.From, "missed_since": p.MissedSince, "expires_at": p.ExpiresAt,
	} {
		if !at.IsZero() {
			metadata[metadataPrefix+name] = schedule.FormatInstant(at)
		}
	}
	if p.Trace != "" {
		metadata[metadataTrace] = p.Trace
	}
	if p.Missed > 0 {
		metadata[metadataPrefix+"missed"] = fmt.Sprint(p.Missed)
	}
	if p.Timeout > 0 {
		metadata[metadataTimeout] = p.Timeout.String()
	}
	if p.Backoff != schedule.DefaultBackoff() {
		text, _ := json.Marshal(p.Backoff)
		metadata[metadataBackoff] = string(text)
	}
	return metadata
}

// ToldOf reads what a Go worker's job is told from its metadata.
func ToldOf(job *rivertype.JobRow) (schedule.Told, error) {
	metadata := readMetadata(job)
	if metadata[metadataPrefix+"occurrence"] == "" {
		return schedule.Told{}, fmt.Errorf("job %d was not made by punctual", job.ID)
	}
	told := schedule.Told{
		Schedule:   metadata[metadataPrefix+"schedule"],
		Occurrence: metadata[metadataPrefix+"occurrence"],
	}
	for name, at := range map[string]*time.Time{
		"nominal": &told.Nominal, "due": &told.Due, "from": &told.From, "missed_since": &told.MissedSince,
	} {
		*at, _ = time.Parse(time.RFC3339, metadata[metadataPrefix+name])
	}
	_, _ = fmt.Sscan(metadata[metadataPrefix+"missed"], &told.Missed)
	return told, nil
}

func readMetadata(job *rivertype.JobRow) map[string]string {
	var raw map[string]any
	_ = json.Unmarshal(job.Metadata, &raw)
	metadata := map[string]string{}
	for name, value := range raw {
		if text, ok := value.(string); ok {
			metadata[name] = text
		}
	}
	return metadata
}

// retryPolicy is the backoff of jobs of Go workers.
type retryPolicy struct{ time *databaseTime }

func (p retryPolicy) NextRetry(job *rivertype.JobRow) time.Time {
	backoff := schedule.DefaultBackoff()
	if text := readMetadata(job)[metadataBackoff]; text != "" {
		_ = json.Unmarshal([]byte(text), &backoff)
	}
	return p.time.Now().Add(backoff.Delay(job.Attempt, rand.Float64()))
}

package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/schedule"
)

// attempts is what every job meets before its worker: the context ends with a
// cause of this package. Timeout and expiry, which punctual's own kinds carry in
// their payload, are applied to the jobs of Go workers.
type attempts struct {
	river.MiddlewareDefaults
	options WorkOptions
	places  *places
	time    *databaseTime
	running atomic.Int64

	mu      sync.Mutex
	cancels map[*rivertype.JobRow]context.CancelCauseFunc // of those under way
}

func newAttempts(o WorkOptions, places *places, clock *databaseTime) *attempts {
	return &attempts{options: o, places: places, time: clock, cancels: map[*rivertype.JobRow]context.CancelCauseFunc{}}
}

func (a *attempts) Work(ctx context.Context, job *rivertype.JobRow, do func(context.Context) error) error {
	a.running.Add(1)
	defer a.keepWhatIsLost() // also if it panics
	return a.run(ctx, job, do)
}

// keepWhatIsLost never returns where the job has been given to somebody else:
// whatever the attempt came to would be written down.
func (a *attempts) keepWhatIsLost() {
	if a.owned(context.Background()) != nil {
		select {}
	}
}

// owned says whether what attempts came to may be written down.
func (a *attempts) owned(ctx context.Context) error {
	if a.options.Owned == nil {
		return nil
	}
	return a.options.Owned(ctx)
}

func (a *attempts) run(ctx context.Context, job *rivertype.JobRow, do func(context.Context) error) error {
	defer a.running.Add(-1) // these also if it panics
	defer a.places.release(job.ID)
	ctx, cancel, end := withCauses(ctx, a.options.Lost)
	defer end()
	defer a.underWay(job, cancel)()
	metadata := readMetadata(job)
	// A retry comes never too late: its job was started in time.
	if expires, err := time.Parse(time.RFC3339, metadata[metadataExpires]); err == nil && job.Attempt == 1 && !a.time.Now().Before(expires) {
		return river.JobCancel(fmt.Errorf("%w: it was to start before %s", ErrExpired, schedule.FormatInstant(expires)))
	}
	if timeout, err := schedule.ParseDuration(metadata[metadataTimeout]); err == nil && timeout > 0 {
		limited, cancel := context.WithTimeoutCause(ctx, time.Duration(timeout), fmt.Errorf("%w of %s", ErrTimeout, timeout))
		defer cancel()
		ctx = limited
	}
	ctx, stopReporting := a.reporting(ctx, job)
	defer stopReporting()
	return a.observed(ctx, job, metadata, func(ctx context.Context) error { return explained(ctx, do(ctx)) })
}

// withCauses gives a context that ends with one of the causes of this package,
// whatever River ended its own with, and when the worker is lost.
func withCauses(parent context.Context, lost <-chan struct{}) (ctx context.Context, cancel context.CancelCauseFunc, end func()) {
	ctx, cancel = context.WithCancelCause(context.WithoutCancel(parent))
	stop := context.AfterFunc(parent, func() {
		if errors.Is(context.Cause(parent), rivertype.ErrJobCancelledRemotely) {
			cancel(ErrCancelled)
		} else {
			cancel(ErrStopping)
		}
	})
	if lost != nil {
		go func() {
			select {
			case <-lost:
				cancel(ErrLost)
			case <-ctx.Done():
			}
		}()
	}
	return ctx, cancel, func() { stop(); cancel(nil) }
}

// explained is the error of an attempt whose context has ended, with the cause:
// "context deadline exceeded" alone says nothing to who reads the history.
func explained(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	switch {
	case err == nil:
		return nil
	case errors.Is(cause, ErrStopping):
		// Canceled tells River to give the attempt back.
		return fmt.Errorf("%w: %w", context.Canceled, err)
	case errors.Is(cause, ErrCancelled):
		return rivertype.ErrJobCancelledRemotely // no other attempt follows
	case errors.Is(cause, ErrTimeout) && !errors.Is(err, ErrTimeout):
		return fmt.Errorf("%w: %w", cause, err)
	}
	return err
}

// underWay notes that an attempt runs until what it returns is called.
func (a *attempts) underWay(job *rivertype.JobRow, cancel context.CancelCauseFunc) func() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.cancels[job] = cancel
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.cancels, job)
	}
}

// watchEvery is how often a worker looks for what no notification told it of.
// Usually one does, in milliseconds; behind a connection pool in transaction
// mode, or while the notifier connects again, none comes.
const watchEvery = 500 * time.Millisecond

// compareEvery is how often it asks what time it is there.
const compareEvery = 10 * time.Second

// watch ends the attempts of jobs that somebody asked to stop, and takes nothing
// more from queues that somebody paused. What a database that is away does not
// tell is asked again.
func (q *Queue) watch(ctx context.Context, a *attempts) {
	for compared := time.Now(); ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(watchEvery):
		}
		if time.Since(compared) >= compareEvery {
			q.time.compare(ctx, q.db)
			compared = time.Now()
		}
		if paused, err := q.Paused(ctx); err == nil {
			a.places.setPaused(paused)
		}
		ids, cancels := a.underWayNow()
		if len(ids) == 0 {
			continue
		}
		asked, err := q.asked(ctx, ids)
		if err != nil {
			continue
		}
		for _, id := range asked {
			cancels[id](ErrCancelled)
		}
	}
}

// underWayNow are the jobs of the attempts under way. Their contexts are ended
// by the attempt and not by the job's id: by the time that somebody is known to
// have asked, the job may have ended and begun anew.
func (a *attempts) underWayNow() (ids []int64, cancels map[int64]context.CancelCauseFunc) {
	a.mu.Lock()
	defer a.mu.Unlock()
	cancels = make(map[int64]context.CancelCauseFunc, len(a.cancels))
	for job, cancel := range a.cancels {
		ids, cancels[job.ID] = append(ids, job.ID), cancel
	}
	return ids, cancels
}

// asked are those jobs that somebody asked to stop.
func (q *Queue) asked(ctx context.Context, ids []int64) ([]int64, error) {
	condition := `j.metadata ? 'cancel_attempted_at'`
	if q.db.Kind == database.SQLite {
		condition = `json_extract(j.metadata, '$.cancel_attempted_at') IS NOT NULL`
	}
	return database.Values[int64](q.db.Reader().Query(ctx, "SELECT j.id FROM river_job j WHERE j.id = ANY($1) AND "+condition, ids))
}

// lostGrace is how long a worker that was taken for dead waits for the attempts
// it has ended.
const lostGrace = 10 * time.Second

// abandon waits until no attempt is under way. What they came to is not written
// down, and the client cannot be stopped without: the program is to end.
func (a *attempts) abandon() {
	for limit := time.Now().Add(lostGrace); a.running.Load() > 0 && time.Now().Before(limit); {
		time.Sleep(settleTime / 30)
	}
}

// announceStop says why a worker that was told to stop is still there.
func (a *attempts) announceStop() {
	if n := a.running.Load(); n > 0 && a.options.Logger != nil {
		a.options.Logger.Info("stopping: the jobs that run may finish first; a second signal ends them at once, to run again later",
			"jobs", n, "at_most", schedule.Duration(a.options.grace()).String())
	}
}

// settleTime is how long the client may take to write down what came of the
// jobs after the last one has ended. It tries for half a minute where the
// database is away; a platform would have killed the process by then.
const settleTime = 3 * time.Second

// settle waits until the client has stopped. It returns false if no job has run
// for a while and the client still tries to reach the database: what it could
// not write down is found with a worker that is gone, and runs again.
func (a *attempts) settle(stopped <-chan struct{}, log *slog.Logger) bool {
	limit := time.Now().Add(settleTime)
	for {
		select {
		case <-stopped:
			return true
		case <-time.After(settleTime / 30):
		}
		switch {
		case a.running.Load() > 0:
			limit = time.Now().Add(settleTime)
		case time.Now().After(limit):
			if log != nil {
				log.Warn("the worker ends while the database does not answer; what it could not write down will run again")
			}
			return false
		}
	}
}

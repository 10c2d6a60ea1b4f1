// Package worker is the second of the three processes: it runs jobs. Here are
// the executors, which run one attempt of a command or of an HTTP call, end it
// when its context ends, and keep what it wrote.
package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/punctual-dev/punctual/queue"
	"github.com/punctual-dev/punctual/schedule"
)

// Options are what the executors need to know of the process they run in. The
// zero value works: children inherit nothing but what punctual tells them, and
// what they write is read and dropped.
type Options struct {
	Directory string // commands run here unless the schedule names a directory; empty: the process's own
	// Environment is the worker's own, in the form of os.Environ. ${NAME} is
	// resolved from it, and children inherit it less what is punctual's own.
	Environment []string
	// LastSuccess says when a job of the schedule last completed; zero: never.
	// Nil: jobs are not told.
	LastSuccess func(ctx context.Context, schedule string) (time.Time, error)
	Output      OutputRecorder // nil: output is dropped
	OutputLimit int            // bytes kept of a job's output; zero: DefaultOutputLimit
	// KillGrace is the time between SIGTERM and SIGKILL of a command's process
	// group; zero: DefaultKillGrace. A cancelled job gets at most CancelGrace,
	// one that is ended because the worker stops at most StopKillGrace, and one
	// whose worker was taken for dead none.
	KillGrace time.Duration
	AtOnce    <-chan struct{} // closed: no command gets any such time from now on; may be nil
	Logger    *slog.Logger    // nil: slog.Default
}

const (
	// DefaultKillGrace lets a command clean up.
	DefaultKillGrace = 5 * time.Second
	// CancelGrace is the most a cancelled command gets between SIGTERM and
	// SIGKILL: a cancellation ends the whole process group within a second, also
	// where the worker learns of it by looking, twice a second.
	CancelGrace = 400 * time.Millisecond
	// StopKillGrace comes after the grace that a stop gives to running jobs. The
	// two, and the time to write down what came of it, fit into the 30 seconds
	// that platforms in Heroku's style give a process.
	StopKillGrace = 3 * time.Second
	// DefaultHTTPTimeout is how long an HTTP call may take, body included,
	// where the schedule names no timeout. A command may run for ever and be
	// seen to; a call without an end only holds a place in the worker.
	DefaultHTTPTimeout = time.Minute
)

// Handlers are the executors by kind of job. They may run any number of
// attempts at once and keep nothing between two.
func Handlers(o Options) map[string]queue.Handler { return newExecutor(o).handlers() }

func newExecutor(o Options) *executor {
	if o.KillGrace <= 0 {
		o.KillGrace = DefaultKillGrace
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Directory != "" {
		o.Directory = absolute(o.Directory)
	}
	return &executor{Options: o, variables: variables(o.Environment), client: newClient(), guard: newGuard(o.Logger)}
}

func (e *executor) handlers() map[string]queue.Handler {
	return map[string]queue.Handler{
		queue.KindCommand: e.attempt(0, e.command),
		queue.KindHTTP:    e.attempt(DefaultHTTPTimeout, e.call),
	}
}

// executor runs attempts of either kind.
type executor struct {
	Options
	variables map[string]string // Environment by name
	client    *http.Client
	guard     *guard
}

// attempt is what the kinds have in common: a job that came too late is not
// started, and the attempt's context ends at its timeout, with that cause.
// usual is the timeout of a schedule that names none; zero: none.
func (e *executor) attempt(usual time.Duration, run func(context.Context, *task) error) queue.Handler {
	return func(ctx context.Context, a queue.Attempt) error {
		if err := expired(a, now(a)); err != nil {
			return err
		}
		if timeout := cmp.Or(time.Duration(a.Payload.Timeout), usual); timeout > 0 {
			cause := fmt.Errorf("%w of %s", queue.ErrTimeout, schedule.Duration(timeout))
			limited, cancel := context.WithTimeoutCause(ctx, timeout, cause)
			defer cancel()
			ctx = limited
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		facts, err := e.facts(ctx, a)
		if err != nil {
			return err
		}
		return run(ctx, &task{Attempt: a, facts: facts})
	}
}

// task is an attempt under way.
type task struct {
	queue.Attempt
	facts []fact
}

// expired says whether a job comes too late to be started. A retry does not:
// its job was started in time, and how long it may go on is for retries and
// timeout to say.
func expired(a queue.Attempt, now time.Time) error {
	limit := a.Payload.ExpiresAt
	if limit.IsZero() || now.Before(limit) || a.Number > 1 {
		return nil
	}
	return &queue.EndedError{Err: fmt.Errorf("%w: it was to start before %s", queue.ErrExpired, schedule.FormatInstant(limit))}
}

// now is the database's time, by which a clock said when the job is to start or to
// give up.
func now(a queue.Attempt) time.Time {
	if a.Now == nil {
		return time.Now()
	}
	return a.Now()
}

// ended ends the job without another attempt: what it asks for can never run.
func ended(text string) error { return &queue.EndedError{Err: errors.New(text)} }

package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/punctual-dev/punctual/schedule"
)

// The kinds of job that punctual's own workers run.
const (
	KindCommand = "punctual.command"
	KindHTTP    = "punctual.http"
)

// Attempt is a job taken off the queue, to be run once.
type Attempt struct {
	JobID       int64
	Kind        string
	Queue       string
	Number      int  // the first attempt is 1
	First       bool // no worker ever took the job before: not even one that gave it back
	MaxAttempts int
	Payload     schedule.Payload
	Trace       string // the context of this attempt's span, to be handed on; empty: there is none
	// Now is the database's time, which the host's may differ from.
	Now func() time.Time
}

// Handler runs one attempt. A nil error completes the job; any other fails the
// attempt, which is tried again after the job's backoff while attempts are
// left, unless the error says otherwise (EndedError, LaterError).
type Handler func(ctx context.Context, attempt Attempt) error

// EndedError ends the job without another attempt, whatever is left of them.
type EndedError struct{ Err error }

func (e *EndedError) Error() string { return e.Err.Error() }
func (e *EndedError) Unwrap() error { return e.Err }

// LaterError fails the attempt and says when the next one may begin.
type LaterError struct {
	After time.Duration // zero: after the job's backoff
	// UsesNoRetry grants the job one attempt more. Whoever sets it sees to a
	// bound.
	UsesNoRetry bool
	Err         error
}

func (e *LaterError) Error() string {
	if e.After == 0 {
		return e.Err.Error()
	}
	return fmt.Sprintf("%v (again in %s)", e.Err, schedule.Duration(e.After))
}
func (e *LaterError) Unwrap() error { return e.Err }

// The causes a job's context ends with; context.Cause tells them apart.
var (
	ErrTimeout   = errors.New("the attempt ran into its timeout")
	ErrCancelled = errors.New("the job was cancelled")
	ErrStopping  = errors.New("the worker is stopping")
	// ErrLost: the worker was taken for dead, and the job given to another.
	ErrLost = errors.New("the worker was taken for dead")
	// ErrExpired ends a job that was not started in time.
	ErrExpired = errors.New("expired: not started in time")
)

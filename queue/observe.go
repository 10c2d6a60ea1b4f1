package queue

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/riverqueue/river/rivertype"
)

// Begun is an attempt that begins.
type Begun struct {
	JobID       int64
	Kind        string
	Queue       string
	Schedule    string // empty: the job was not made by a schedule
	Occurrence  string
	Trace       string // the context of the trace its decision began; empty: none did
	Number      int    // the first attempt is 1
	AvailableAt time.Time
}

// Result is how an attempt ended.
type Result struct {
	Word string // succeeded, failed, …
	Err  error
	Took time.Duration
}

// The words for how an attempt ends.
const (
	ResultSucceeded = "succeeded"
	ResultFailed    = "failed"    // whether another attempt follows or not
	ResultPutOff    = "put off"   // another follows, and no retry is used up
	ResultCancelled = "cancelled" // somebody asked for it
	ResultStopped   = "stopped"   // with its worker; the job is run again
)

// observed runs an attempt, and has those told who look on.
func (a *attempts) observed(ctx context.Context, job *rivertype.JobRow, metadata map[string]string, do func(context.Context) error) error {
	if a.options.Around == nil {
		return do(ctx)
	}
	ctx, end := a.options.Around(ctx, begun(job, metadata))
	start := time.Now()
	result := Result{Word: ResultFailed, Err: errors.New("it panicked")}
	defer func() {
		result.Took = time.Since(start)
		end(result)
	}()
	err := do(ctx)
	result = Result{Word: resultOf(err, context.Cause(ctx)), Err: err}
	return err
}

func begun(job *rivertype.JobRow, metadata map[string]string) Begun {
	b := Begun{
		JobID: job.ID, Kind: job.Kind, Queue: job.Queue, Number: job.Attempt, AvailableAt: job.ScheduledAt,
		Schedule: metadata[metadataPrefix+"schedule"], Occurrence: metadata[metadataPrefix+"occurrence"], Trace: metadata[metadataTrace],
	}
	if OwnKind(job.Kind) {
		var told struct{ Schedule, Occurrence, Trace string }
		_ = json.Unmarshal(job.EncodedArgs, &told) // what cannot be read fails in the worker
		b.Schedule, b.Occurrence, b.Trace = told.Schedule, told.Occurrence, told.Trace
	}
	return b
}

// resultOf says in a word how an attempt ended, by its error and by what its
// context ended with.
func resultOf(err, cause error) string {
	switch {
	case err == nil:
		return ResultSucceeded
	case errors.Is(cause, ErrCancelled):
		return ResultCancelled
	case errors.Is(cause, ErrStopping), errors.Is(cause, ErrLost):
		return ResultStopped
	}
	if later, ok := errors.AsType[*LaterError](err); ok && later.UsesNoRetry {
		return ResultPutOff
	}
	return ResultFailed
}

type traceKey struct{}

// WithTrace gives an attempt the context of its span as text, for its handler to
// hand on.
func WithTrace(ctx context.Context, trace string) context.Context {
	return context.WithValue(ctx, traceKey{}, trace)
}

func traceOf(ctx context.Context) string {
	trace, _ := ctx.Value(traceKey{}).(string)
	return trace
}

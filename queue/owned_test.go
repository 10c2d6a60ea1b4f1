package queue

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"
)

// counted is a database that counts what River asks of it.
type counted struct {
	riverdriver.Executor
	fetched, written int
}

func (c *counted) JobGetAvailable(context.Context, *riverdriver.JobGetAvailableParams) (*riverdriver.JobGetAvailableResult, error) {
	c.fetched++
	return &riverdriver.JobGetAvailableResult{Jobs: jobsFrom(1, 1)}, nil
}

func (c *counted) JobSetStateIfRunningMany(context.Context, *riverdriver.JobSetStateIfRunningManyParams) ([]*rivertype.JobRow, error) {
	c.written++
	return nil, nil
}

func TestAWorkerTakesAndWritesNothingUnlessItOwnsItsJobs(t *testing.T) {
	unknown := errors.New("the database does not answer")
	tests := []struct {
		name  string
		owned error
		asked int // of the database, for each
		error error
		waits bool // until whoever writes gives up
	}{
		{"it does", nil, 1, nil, false},
		{"it was taken for dead", ErrLost, 0, ErrLost, true},
		{"it cannot tell", unknown, 0, unknown, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := &counted{}
			e := boundedExecutor{c, newPlaces(2, time.Hour), func(context.Context) error { return test.owned }}
			got, err := e.JobGetAvailable(t.Context(), &riverdriver.JobGetAvailableParams{Queue: "a", MaxToLock: 2})
			if err != nil || len(got.Jobs) != test.asked || c.fetched != test.asked {
				t.Errorf("it took %d jobs and asked %d times (%v), want %d", len(got.Jobs), c.fetched, err, test.asked)
			}
			if want := 2 - test.asked; e.places.free != want {
				t.Errorf("%d places are free, want %d", e.places.free, want)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if test.waits {
				cancel()
			}
			if _, err := e.JobSetStateIfRunningMany(ctx, &riverdriver.JobSetStateIfRunningManyParams{ID: []int64{1}}); !errors.Is(err, test.error) {
				t.Errorf("writing down what a job came to ends with %v, want %v", err, test.error)
			}
			if c.written != test.asked {
				t.Errorf("it was written down %d times, want %d", c.written, test.asked)
			}
			if e.places.free != 2 {
				t.Errorf("afterwards %d places are free, want both", e.places.free)
			}
		})
	}
}

func TestAContextEndsWithTheReasonWhy(t *testing.T) {
	tests := []struct {
		name string
		end  func(cancel context.CancelCauseFunc, lost chan struct{})
		want error
	}{
		{"somebody cancelled the job", func(cancel context.CancelCauseFunc, _ chan struct{}) { cancel(rivertype.ErrJobCancelledRemotely) }, ErrCancelled},
		{"the worker stops", func(cancel context.CancelCauseFunc, _ chan struct{}) { cancel(errors.New("whatever River says")) }, ErrStopping},
		{"the worker was taken for dead", func(_ context.CancelCauseFunc, lost chan struct{}) { close(lost) }, ErrLost},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			parent, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			lost := make(chan struct{})
			ctx, _, end := withCauses(parent, lost)
			defer end()
			test.end(cancel, lost)
			<-ctx.Done()
			if got := context.Cause(ctx); got != test.want {
				t.Errorf("it ended because of %v, want %v", got, test.want)
			}
		})
	}
}

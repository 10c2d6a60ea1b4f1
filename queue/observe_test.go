package queue

import (
	"context"
	"errors"
	"testing"

	"github.com/riverqueue/river/rivertype"
)

func TestWhoLooksOnIsToldOfAnAttemptAndHowItEnded(t *testing.T) {
	boom := errors.New("boom")
	tests := []struct {
		sentence string
		cause    error // that the attempt's context ends with
		do       func() error
		want     string
	}{
		{"it succeeds", nil, func() error { return nil }, ResultSucceeded},
		{"it succeeds although it was asked to stop", ErrCancelled, func() error { return nil }, ResultSucceeded},
		{"it fails", nil, func() error { return boom }, ResultFailed},
		{"it fails and is to be tried later", nil, func() error { return &LaterError{Err: boom} }, ResultFailed},
		{"it asks to be run again", nil, func() error { return &LaterError{Err: boom, UsesNoRetry: true} }, ResultPutOff},
		{"it runs into its timeout", ErrTimeout, func() error { return boom }, ResultFailed},
		{"somebody cancels it", ErrCancelled, func() error { return rivertype.ErrJobCancelledRemotely }, ResultCancelled},
		{"its worker stops", ErrStopping, func() error { return boom }, ResultStopped},
		{"its worker was taken for dead", ErrLost, func() error { return boom }, ResultStopped},
		{"it panics", nil, func() error { panic("boom") }, ResultFailed},
	}
	type key struct{}
	for _, test := range tests {
		t.Run(test.sentence, func(t *testing.T) {
			var begun Begun
			var ended []Result
			a := &attempts{options: WorkOptions{Around: func(ctx context.Context, b Begun) (context.Context, func(Result)) {
				begun = b
				return context.WithValue(ctx, key{}, true), func(r Result) { ended = append(ended, r) }
			}}}
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			job := &rivertype.JobRow{ID: 7, Kind: KindCommand, Queue: "mail", Attempt: 2,
				EncodedArgs: []byte(`{"schedule":"report","occurrence":"report@2026-11-26T09:00:00Z","trace":"00-1-2-01","backoff":{}}`)}
			func() {
				defer func() { _ = recover() }()
				_ = a.observed(ctx, job, nil, func(ctx context.Context) error {
					if ctx.Value(key{}) == nil {
						t.Error("the attempt has not the context that was given")
					}
					cancel(test.cause)
					return test.do()
				})
			}()
			if len(ended) != 1 || ended[0].Word != test.want || (ended[0].Err == nil) != (test.want == ResultSucceeded) {
				t.Errorf("it was told %+v, want %s once", ended, test.want)
			}
			if begun.Schedule != "report" || begun.Trace != "00-1-2-01" || begun.Number != 2 || begun.Queue != "mail" {
				t.Errorf("it was told of %+v", begun)
			}
		})
	}
}

func TestAJobOfAGoWorkerIsKnownByItsMetadata(t *testing.T) {
	job := &rivertype.JobRow{Kind: "report", Metadata: []byte(`{"punctual_schedule":"report","punctual_occurrence":"o","punctual_trace":"00-1-2-01"}`), EncodedArgs: []byte(`{"schedule":"of its own"}`)}
	if got := begun(job, readMetadata(job)); got.Schedule != "report" || got.Occurrence != "o" || got.Trace != "00-1-2-01" {
		t.Errorf("it is %+v", got)
	}
}

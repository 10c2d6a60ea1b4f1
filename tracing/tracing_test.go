package tracing

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/punctual-dev/punctual/queue"
	"github.com/punctual-dev/punctual/schedule"
)

var nine = time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)

func recorded() (*Tracing, *tracetest.InMemoryExporter) {
	kept := tracetest.NewInMemoryExporter()
	return New(sdk.NewTracerProvider(sdk.WithSyncer(kept)), "v1"), kept
}

func decided(key string, rows ...schedule.Row) schedule.Decided {
	one := &schedule.Schedule{Declaration: schedule.Declaration{Key: key}}
	return schedule.Decided{Candidate: schedule.Candidate{Schedule: one}, Decision: schedule.Decision{Rows: rows}}
}

func TestAnAttemptStandsBelowTheDecisionThatMadeItsJob(t *testing.T) {
	tracing, kept := recorded()
	all := []schedule.Decided{decided("report", schedule.Row{Nominal: nine, Due: nine, Missed: 2})}
	committed := tracing.Deciding(t.Context(), all)
	committed(schedule.Committed{Decided: all, At: nine.Add(20 * time.Millisecond)})
	for number := range 2 { // a retry stands beside the first attempt
		ctx, end := tracing.Around(t.Context(), queue.Begun{Schedule: "report", Occurrence: "report@2026-11-26T09:00:00Z", Number: number + 1, Trace: all[0].Rows[0].Trace})
		if ctx == t.Context() {
			t.Error("the context of the attempt carries no span")
		}
		end(queue.Result{Word: queue.ResultFailed, Err: errors.New("exit code 1")})
	}
	spans := kept.GetSpans()
	if len(spans) != 3 {
		t.Fatalf("%d spans were told of, want 3", len(spans))
	}
	decision := spans[0]
	if decision.Name != "enqueue report" || decision.Parent.IsValid() || !decision.StartTime.Equal(nine) || !decision.EndTime.Equal(nine.Add(20*time.Millisecond)) {
		t.Errorf("the decision is %s from %s to %s, below %v", decision.Name, decision.StartTime, decision.EndTime, decision.Parent.SpanID())
	}
	for _, attempt := range spans[1:] {
		if attempt.Name != "run report" || attempt.Parent.SpanID() != decision.SpanContext.SpanID() || attempt.SpanContext.TraceID() != decision.SpanContext.TraceID() {
			t.Errorf("%s stands below %s in trace %s, want %s in %s", attempt.Name,
				attempt.Parent.SpanID(), attempt.SpanContext.TraceID(), decision.SpanContext.SpanID(), decision.SpanContext.TraceID())
		}
		if attempt.Status.Code != codes.Error || attempt.Status.Description != "exit code 1" {
			t.Errorf("its status is %+v", attempt.Status)
		}
	}
}

func TestOnlyWhatWasCommittedIsToldOf(t *testing.T) {
	tracing, kept := recorded()
	all := []schedule.Decided{
		decided("mine", schedule.Row{Nominal: nine, Due: nine}),
		decided("skipped", schedule.Row{Nominal: nine, Due: nine, Skipped: schedule.ReasonPaused}),
		decided("theirs", schedule.Row{Nominal: nine, Due: nine}), // another clock was faster
	}
	committed := tracing.Deciding(t.Context(), all)
	committed(schedule.Committed{Decided: all[:2], At: nine})
	if spans := kept.GetSpans(); len(spans) != 1 || spans[0].Name != "enqueue mine" {
		t.Errorf("it tells of %d spans: %v", len(spans), spans)
	}
	if all[1].Rows[0].Trace != "" || all[0].Rows[0].Trace == all[2].Rows[0].Trace {
		t.Errorf("the rows carry %q, %q and %q", all[0].Rows[0].Trace, all[1].Rows[0].Trace, all[2].Rows[0].Trace)
	}
}

func TestAJobThatNoClockMadeHasATraceOfItsOwn(t *testing.T) {
	for name, parent := range map[string]string{"none": "", "garbage": "00-zz-1-9"} {
		t.Run(name, func(t *testing.T) {
			tracing, kept := recorded()
			_, end := tracing.Around(t.Context(), queue.Begun{Kind: "mail", Trace: parent})
			end(queue.Result{Word: queue.ResultSucceeded})
			spans := kept.GetSpans()
			if len(spans) != 1 || spans[0].Name != "run mail" || spans[0].Parent.IsValid() || spans[0].Status.Code == codes.Error {
				t.Errorf("it tells of %+v", spans)
			}
		})
	}
}

func TestAProviderThatFollowsNothingWritesNothing(t *testing.T) {
	tracing := New(noop.NewTracerProvider(), "v1")
	all := []schedule.Decided{decided("report", schedule.Row{Nominal: nine, Due: nine})}
	tracing.Deciding(context.Background(), all)(schedule.Committed{Decided: all})
	if got := all[0].Rows[0].Trace; strings.TrimSpace(got) != "" {
		t.Errorf("the row carries %q", got)
	}
}

// Package tracing follows an occurrence from the decision to its job, as
// OpenTelemetry traces. It is the only room that knows OpenTelemetry besides the
// root, where programs hand in a provider of their own. The clock and the worker
// know nothing of it: the context of a trace travels as text with the job.
package tracing

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/punctual-dev/punctual/queue"
	"github.com/punctual-dev/punctual/schedule"
)

// Tracing makes spans.
type Tracing struct{ tracer trace.Tracer }

// New makes spans of a provider.
func New(provider trace.TracerProvider, version string) *Tracing {
	return &Tracing{provider.Tracer("github.com/punctual-dev/punctual", trace.WithInstrumentationVersion(version))}
}

// Deciding begins a span for every occurrence that is to be enqueued, at its due,
// and writes its context into the row. What it returns is to be called with what
// was committed: spans of what was not are never told of.
func (t *Tracing) Deciding(ctx context.Context, decided []schedule.Decided) (committed func(schedule.Committed)) {
	spans := map[string]trace.Span{}
	for i := range decided {
		d := &decided[i]
		for j := range d.Rows {
			row := &d.Rows[j]
			if row.Skipped != "" {
				continue
			}
			at, span := t.tracer.Start(ctx, "enqueue "+d.Schedule.Key, trace.WithNewRoot(), trace.WithSpanKind(trace.SpanKindProducer),
				trace.WithTimestamp(row.Due), trace.WithAttributes(
					attribute.String("punctual.schedule", d.Schedule.Key),
					attribute.String("punctual.occurrence", schedule.OccurrenceName(d.Schedule.Key, row.Nominal)),
					attribute.Int("punctual.missed", row.Missed),
				))
			if row.Trace = text(at); row.Trace != "" {
				spans[row.Trace] = span
			}
		}
	}
	return func(done schedule.Committed) {
		for _, d := range done.Decided {
			for _, row := range d.Rows {
				if span := spans[row.Trace]; span != nil && row.Trace != "" {
					span.End(trace.WithTimestamp(later(done.At, row.Due)))
				}
			}
		}
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Around begins the span of an attempt, below that of the decision which made its
// job. Jobs that no clock made have a trace of their own.
func (t *Tracing) Around(ctx context.Context, b queue.Begun) (context.Context, func(queue.Result)) {
	ctx = format.Extract(ctx, propagation.MapCarrier{traceparent: b.Trace})
	name := b.Schedule
	if name == "" {
		name = b.Kind
	}
	ctx, span := t.tracer.Start(ctx, "run "+name, trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(
		attribute.String("punctual.schedule", b.Schedule), attribute.String("punctual.occurrence", b.Occurrence),
		attribute.Int64("punctual.job", b.JobID), attribute.Int("punctual.attempt", b.Number),
		attribute.String("punctual.kind", b.Kind), attribute.String("punctual.queue", b.Queue),
	))
	return queue.WithTrace(ctx, text(ctx)), func(r queue.Result) {
		span.SetAttributes(attribute.String("punctual.result", r.Word))
		if r.Err != nil && r.Word == queue.ResultFailed {
			span.SetStatus(codes.Error, r.Err.Error())
		}
		span.End()
	}
}

// traceparent is the header of W3C Trace Context, which is the form in which a
// context travels.
const traceparent = "traceparent"

var format = propagation.TraceContext{}

// text is the context of a span as text; empty where there is none.
func text(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	format.Inject(ctx, carrier)
	return carrier[traceparent]
}

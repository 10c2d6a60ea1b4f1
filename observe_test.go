package punctual_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/riverqueue/river"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/punctual-dev/punctual"
)

func TestAGoFunctionRunsBelowTheDecisionThatMadeItsJobAndIsCounted(t *testing.T) {
	onBoth(t, func(t *testing.T, address string) {
		kept := tracetest.NewInMemoryExporter()
		p := open(t, address, punctual.Traces(sdk.NewTracerProvider(sdk.WithSyncer(kept))), punctual.Metrics("task"))
		seen := make(chan string, 100)
		punctual.AddWorker(p, river.WorkFunc(func(ctx context.Context, _ *river.Job[Task]) error {
			seen <- trace.SpanContextFromContext(ctx).TraceID().String()
			return nil
		}))
		p.Schedule("task", "every 1s", Task{})
		stop := run(t, p.Run)
		id := receive(t, seen)
		receive(t, seen) // by now the first has ended
		stop()
		var names []string
		for _, span := range kept.GetSpans() {
			if span.SpanContext.TraceID().String() == id {
				names = append(names, span.Name)
			}
		}
		slices.Sort(names) // a job may run before the transaction that made it has been heard of
		if got := strings.Join(names, ", "); got != "enqueue task, run task" {
			t.Errorf("the trace that the function saw is %s", got)
		}
		w := httptest.NewRecorder()
		p.MetricsHandler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		for _, line := range []string{`punctual_decisions_total{decision="enqueued",reason=""} `, `punctual_schedule_attempt_duration_seconds_count{result="succeeded",schedule="task"} `} {
			if !strings.Contains(w.Body.String(), line) || strings.Contains(w.Body.String(), line+"0\n") {
				t.Errorf("the metrics do not count %s", line)
			}
		}
	})
}

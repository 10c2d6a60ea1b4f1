package examples_test

import (
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/punctual-dev/punctual/internal/pgtest"
)

// spans are what was sent to a collector, by name.
type spans struct {
	mu   sync.Mutex
	sent map[string][]*trace.Span
	from map[string]bool // names of services
}

// ServeHTTP implements http.Handler, as a collector does.
func (s *spans) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var request collector.ExportTraceServiceRequest
	if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(body, &request) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, resource := range request.ResourceSpans {
		for _, attribute := range resource.Resource.Attributes {
			if attribute.Key == "service.name" {
				s.from[attribute.Value.GetStringValue()] = true
			}
		}
		for _, scope := range resource.ScopeSpans {
			for _, span := range scope.Spans {
				s.sent[span.Name] = append(s.sent[span.Name], span)
			}
		}
	}
}

func (s *spans) named(name string) []*trace.Span {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent[name]
}

// above is the decision that a span stands below; nil: it has not been sent.
func (s *spans) above(span *trace.Span, name string) *trace.Span {
	for _, one := range s.named(name) {
		if string(one.SpanId) == string(span.ParentSpanId) && string(one.TraceId) == string(span.TraceId) {
			return one
		}
	}
	return nil
}

func TestATraceLeadsFromTheDecisionOfOneProcessToTheJobInAnother(t *testing.T) {
	t.Parallel()
	kept := &spans{sent: map[string][]*trace.Span{}, from: map[string]bool{}}
	collects := httptest.NewServer(kept)
	defer collects.Close()
	parents := make(chan string, 1000)
	called := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { parents <- r.Header.Get("Traceparent") }))
	defer called.Close()
	directory := directoryWith(t, fmt.Sprintf("shell: { when: \"every 1s\", run: \"echo $TRACEPARENT >> parents\" }\n  call: { when: \"every 1s\", http: { url: %q } }", called.URL))
	environment := []string{"DATABASE_URL=" + pgtest.New(t), "OTEL_EXPORTER_OTLP_ENDPOINT=" + collects.URL, "OTEL_BSP_SCHEDULE_DELAY=50"}
	succeeds(t, directory, environment, "punctual", "apply")
	clock := start(t, directory, environment, "punctual", "clock")
	worker := start(t, directory, environment, "punctual", "worker", "--quiet")
	for _, key := range []string{"shell", "call"} {
		eventually(t, "an attempt of "+key+" stands below its decision", func() bool {
			runs := kept.named("run " + key)
			return len(runs) > 0 && kept.above(runs[0], "enqueue "+key) != nil
		})
	}
	known := func(parent string) bool {
		for _, name := range []string{"run shell", "run call"} {
			for _, span := range kept.named(name) {
				if strings.HasPrefix(parent, "00-"+hex.EncodeToString(span.TraceId)+"-"+hex.EncodeToString(span.SpanId)) {
					return true
				}
			}
		}
		return false
	}
	header := <-parents
	eventually(t, "the span that the call names is sent", func() bool { return known(header) })
	worker.stops(quick)
	clock.stops(quick)
	text, err := os.ReadFile(filepath.Join(directory, "parents"))
	lines := strings.Fields(string(text))
	if err != nil || len(lines) == 0 {
		t.Fatalf("the commands saw %q (%v)", text, err)
	}
	for _, parent := range lines { // what was under way when the worker stopped was sent, too
		if !known(parent) {
			t.Errorf("a command saw %q, of which no span was sent", parent)
		}
	}
	if !kept.from["punctual"] {
		t.Errorf("the traces are from %v", kept.from)
	}
}

func TestATraceThatCannotBeSentHoldsNothingUp(t *testing.T) {
	t.Parallel()
	directory := directoryWith(t, "hello: { when: \"every 1s\", run: \"echo hello\" }")
	p := start(t, directory, []string{"PORT=" + freePort(t), "PUNCTUAL_TOKEN=t", "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1"}, "punctual", "start")
	p.says("succeeded in")
	p.stops(2 * quick)
	refused := start(t, directory, []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"}, "punctual", "clock")
	refused.ends(1)
	refused.says("http/protobuf is what punctual speaks")
}

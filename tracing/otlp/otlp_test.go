package otlp

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestTracesAreSentOnlyWhereTheEnvironmentAsksForThem(t *testing.T) {
	tests := []struct {
		sentence    string
		environment map[string]string
		wanted      bool
	}{
		{"nothing is set", nil, false},
		{"an endpoint is set", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"}, true},
		{"an endpoint for traces is set", map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://localhost:4318/v1/traces"}, true},
		{"an endpoint for something else is set", map[string]string{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://localhost:4318"}, false},
		{"everything is turned off", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318", "OTEL_SDK_DISABLED": "TRUE"}, false},
		{"traces are turned off", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318", "OTEL_TRACES_EXPORTER": "none"}, false},
	}
	for _, test := range tests {
		if got := Wanted(func(name string) string { return test.environment[name] }); got != test.wanted {
			t.Errorf("%s: wanted is %v, want %v", test.sentence, got, test.wanted)
		}
	}
}

func TestAProtocolThatIsNotSpokenIsRefused(t *testing.T) {
	for _, name := range []string{"OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"} {
		_, _, err := FromEnvironment(t.Context(), func(asked string) string { return map[string]string{name: "grpc"}[asked] }, "v1", slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "4318") {
			t.Errorf("%s=grpc is answered with %v", name, err)
		}
	}
}

func TestACollectorThatIsAwayIsSpokenOfOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var text strings.Builder
		c := &complaints{log: slog.New(slog.NewTextHandler(&text, nil))}
		for range 60 * 3 / 5 {
			c.Handle(errors.New("connection refused"))
			time.Sleep(5 * time.Second)
		}
		if got := strings.Count(text.String(), "connection refused"); got != 3 {
			t.Errorf("in three minutes it is said %d times:\n%s", got, text.String())
		}
	})
}

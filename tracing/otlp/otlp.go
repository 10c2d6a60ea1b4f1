// Package otlp sends traces where the environment says, in the protocol of
// OpenTelemetry. It stands apart from tracing, so that a program which hands in a
// provider of its own is not built with another.
package otlp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Wanted says whether the environment asks for traces, by the names that
// OpenTelemetry has given: an endpoint is set, and nothing turns them off.
func Wanted(variable func(string) string) bool {
	if strings.EqualFold(variable("OTEL_SDK_DISABLED"), "true") || variable("OTEL_TRACES_EXPORTER") == "none" {
		return false
	}
	return variable("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != ""
}

// serviceName is what traces are from, unless OTEL_SERVICE_NAME says otherwise.
const serviceName = "punctual"

// stopTime is how long the last spans may take to be sent.
const stopTime = 3 * time.Second

// FromEnvironment is a provider that sends spans where the environment says, and
// stop, which sends the last of them. The variables are those of OpenTelemetry;
// only HTTP is spoken.
func FromEnvironment(ctx context.Context, variable func(string) string, version string, log *slog.Logger) (provider trace.TracerProvider, stop func(), err error) {
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		if protocol := variable(name); protocol != "" {
			if protocol != "http/protobuf" {
				return nil, nil, fmt.Errorf("%s is %q; http/protobuf is what punctual speaks, usually to port 4318", name, protocol)
			}
			break
		}
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("traces: %w", err)
	}
	from, err := resource.New(ctx, resource.WithAttributes(
		attribute.String("service.name", serviceName), attribute.String("service.version", version)), resource.WithHost(), resource.WithFromEnv(), resource.WithTelemetrySDK())
	if err != nil && !errors.Is(err, resource.ErrPartialResource) {
		return nil, nil, fmt.Errorf("traces: OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	otel.SetErrorHandler(&complaints{log: log})
	own := sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithResource(from))
	return own, func() {
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
		defer cancel()
		_ = own.Shutdown(limited) // nobody is left to act on it
	}, nil
}

// complaints tells of spans that could not be sent, once a minute: while a
// collector is away that would be every few seconds.
type complaints struct {
	log *slog.Logger

	mu   sync.Mutex
	last time.Time
}

const complainEvery = time.Minute

// Handle implements otel.ErrorHandler.
func (c *complaints) Handle(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); c.last.IsZero() || now.Sub(c.last) >= complainEvery {
		c.last = now
		c.log.Warn("traces could not be sent; jobs are not held up by it", "error", err)
	}
}

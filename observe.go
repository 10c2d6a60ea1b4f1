package punctual

import (
	"context"
	"errors"
	"net/http"

	"go.opentelemetry.io/otel/trace"

	"github.com/punctual-dev/punctual/alert/watch"
	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/metrics"
	"github.com/punctual-dev/punctual/queue"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
	"github.com/punctual-dev/punctual/tracing"
)

// Metrics makes the clock and the worker count what they do, and the schedules
// named, by key, one by one besides: at most 200. MetricsHandler serves the
// numbers to Prometheus.
func Metrics(schedules ...string) Option {
	return func(p *Punctual) error {
		p.counted = append([]string{}, schedules...)
		return nil
	}
}

// count begins to count, where the option Metrics asks for it.
func (p *Punctual) count() (err error) {
	if p.counted == nil {
		return nil
	}
	p.metrics, err = metrics.New(metrics.Options{
		Source: p.store, Schedules: p.counted, Version: Version(), TZData: calendar.TZDataVersion(),
	})
	if err != nil {
		return err
	}
	p.store.WatchOutcomes(p.metrics.Ended)
	return nil
}

// MetricsHandler answers Prometheus with what was counted, and with how things
// stand in the database. Without the option Metrics it says that there is
// nothing. Whom it answers is for the program to see to.
func (p *Punctual) MetricsHandler() http.Handler {
	if p.metrics == nil {
		return http.NotFoundHandler()
	}
	return p.metrics.Handler()
}

// alerts looks whether somebody is to be told of something, and sends it by the
// given ways. Every process does, so that one notices where no clock is alive; of
// all of them one looks at a time.
func (p *Punctual) alerts(ways ...string) func(context.Context) error {
	return func(ctx context.Context) error {
		return watch.Run(ctx, p.store, p.store, watch.Options{
			Ways: ways, Directory: p.options.directory, Logger: p.log.With("process", "alerts"), Transient: database.Transient,
		})
	}
}

// Traces makes the clock and the worker follow every occurrence from its decision
// to its job, as spans of a provider of OpenTelemetry. The context of a Go
// function carries the span, for its own to stand below. Flushing the provider at
// the end is for the program to see to.
func Traces(provider trace.TracerProvider) Option {
	return func(p *Punctual) error {
		if provider == nil {
			return errors.New("Traces: the provider is nil; leave the option out where there is none")
		}
		p.tracing = tracing.New(provider, Version())
		return nil
	}
}

// tracedStore is the clock's view of a store whose commits are followed.
type tracedStore struct {
	*store.Store
	tracing *tracing.Tracing
}

// Commit implements clock.Store.
func (s tracedStore) Commit(ctx context.Context, b schedule.Batch, decided []schedule.Decided) (schedule.Committed, error) {
	committed := s.tracing.Deciding(ctx, decided)
	done, err := s.Store.Commit(ctx, b, decided)
	committed(done)
	return done, err
}

// around has attempts counted and followed.
func (p *Punctual) around(ctx context.Context, b queue.Begun) (context.Context, func(queue.Result)) {
	var ends []func(queue.Result)
	if p.metrics != nil {
		ends = append(ends, p.metrics.Around(b))
	}
	if p.tracing != nil {
		var end func(queue.Result)
		ctx, end = p.tracing.Around(ctx, b)
		ends = append(ends, end)
	}
	return ctx, func(r queue.Result) {
		for _, end := range ends {
			end(r)
		}
	}
}

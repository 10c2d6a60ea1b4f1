package punctual

import (
	"context"
	"net/http"

	"github.com/punctual-dev/punctual/alert/watch"
	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/metrics"
	"github.com/punctual-dev/punctual/queue"
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

// around has attempts counted.
func (p *Punctual) around(ctx context.Context, b queue.Begun) (context.Context, func(queue.Result)) {
	return ctx, p.metrics.Around(b)
}

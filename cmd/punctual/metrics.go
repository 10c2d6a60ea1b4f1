package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"

	"github.com/punctual-dev/punctual"
	"github.com/punctual-dev/punctual/metrics"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/web"
)

// countFlags say what is counted.
type countFlags struct {
	MetricsSchedules []string `help:"Schedules that /metrics tells of one by one, by key; at most 200." env:"PUNCTUAL_METRICS_SCHEDULES" placeholder:"KEY"`
}

// Validate refuses settings that cannot be meant.
func (f *countFlags) Validate() error {
	if n := len(f.MetricsSchedules); n > metrics.MaxSchedules {
		return fmt.Errorf("--metrics-schedules names %d schedules; at most %d, since each makes some fifty series", n, metrics.MaxSchedules)
	}
	for _, key := range f.MetricsSchedules {
		if !schedule.ValidKey(key) {
			return fmt.Errorf("--metrics-schedules: %q is no key; a key is %s", key, schedule.KeyAllowed)
		}
	}
	return nil
}

func (f *countFlags) options() []punctual.Option {
	keys := slices.Sorted(slices.Values(f.MetricsSchedules))
	return []punctual.Option{punctual.Metrics(slices.Compact(keys)...)}
}

// metricsFlags are those of a process that serves no pages.
type metricsFlags struct {
	countFlags
	MetricsListen string `help:"Where to answer Prometheus at /metrics: a port of 127.0.0.1, or an address; nowhere by default." env:"PUNCTUAL_METRICS_LISTEN" placeholder:"ADDRESS"`
	Password      string `help:"The password of the web process." env:"PUNCTUAL_PASSWORD" placeholder:"SECRET" hidden:""`
	Token         string `help:"The token of the API." env:"PUNCTUAL_TOKEN" placeholder:"SECRET" hidden:""`
}

// Validate refuses settings that cannot be meant.
func (f *metricsFlags) Validate() error {
	err := f.countFlags.Validate()
	if _, _, addressErr := net.SplitHostPort(f.address()); f.MetricsListen != "" && addressErr != nil {
		err = errors.Join(err, fmt.Errorf("--metrics-listen %s: %w; a port such as 9464, or an address such as 10.0.0.7:9464", f.MetricsListen, addressErr))
	}
	return err
}

// options count only where somebody can ask.
func (f *metricsFlags) options() []punctual.Option {
	if f.MetricsListen == "" {
		return nil
	}
	return f.countFlags.options()
}

func (f *metricsFlags) address() string {
	if _, err := strconv.ParseUint(f.MetricsListen, 10, 16); err == nil {
		return net.JoinHostPort("127.0.0.1", f.MetricsListen)
	}
	return f.MetricsListen
}

// watchedSite is where a process that serves no pages answers Prometheus; nil:
// nowhere.
type watchedSite struct{ options web.Options }

// site is what the flags ask for. A public address needs credentials, as that of
// the web process does.
func (f *metricsFlags) site(a *app, s *settings) (*watchedSite, error) {
	if f.MetricsListen == "" {
		return nil, nil
	}
	o := web.Options{
		Address: f.address(), Password: f.Password, Token: f.Token, Local: string(actor()) + " (local)",
		MetricsOnly: true, Version: punctual.Version(),
	}
	return &watchedSite{o}, s.mayListen(a, o, "--metrics-listen "+f.MetricsListen)
}

// serve answers until its context ends.
func (w *watchedSite) serve(p *punctual.Punctual, log *slog.Logger) func(context.Context) error {
	return func(ctx context.Context) error {
		if w == nil {
			<-ctx.Done()
			return nil
		}
		o := w.options
		o.Store, o.Logger, o.Metrics = p.Store(), log, p.MetricsHandler()
		o.Listening = func(at net.Addr) { log.Info("metrics are served", "address", "http://"+at.String()+"/metrics") }
		return web.Run(ctx, o)
	}
}

package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"github.com/punctual-dev/punctual"
	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
	"github.com/punctual-dev/punctual/web"
)

// startCommand runs everything in one process.
type startCommand struct {
	workerFlags
	webFlags
}

// Run migrates, applies the file, and runs clock, worker and web.
func (c *startCommand) Run(a *app, s *settings) (err error) {
	defer endInOrder(a, &err)
	address, err := c.address()
	if err != nil {
		return err
	}
	file, err := s.load(a)
	if err != nil {
		return err
	}
	p, err := s.open(a.Context, a, c.options(a)...)
	if err != nil {
		return err
	}
	defer p.Close()
	log := s.logger(a.Stderr)
	warnOfEphemeralDisk(log, p.Store())
	changes, err := p.Store().Apply(a.Context, file.Schedules, store.ApplyOptions{
		PlanOptions: schedule.PlanOptions{Owner: s.owner()}, Limits: file.Limits, Actor: actor(),
	})
	if err != nil {
		return fmt.Errorf("applying %s: %w", s.Config, err)
	}
	log.Info("applied "+s.Config, "schedules", len(file.Schedules), "changed", countChanges(changes), "database", p.Store().Database().Location)
	return punctual.RunTogether(a.Context, p.RunClock, p.RunWorker, func(ctx context.Context) error {
		return c.serve(ctx, p, address, log)
	})
}

// endInOrder makes a success of what went wrong with the database because the
// process was asked to end, as it may be while it still starts.
func endInOrder(a *app, err *error) {
	if a.Context.Err() != nil && database.Transient(*err) {
		*err = nil
	}
}

func countChanges(changes []schedule.Change) int {
	n := 0
	for _, change := range changes {
		if change.Kind != schedule.ChangeNone {
			n++
		}
	}
	return n
}

// clockCommand decides what is due.
type clockCommand struct{}

// Run migrates and keeps time until it is told to stop.
func (c *clockCommand) Run(a *app, s *settings) (err error) {
	defer endInOrder(a, &err)
	p, err := s.open(a.Context, a)
	if err != nil {
		return err
	}
	defer p.Close()
	log := s.logger(a.Stderr)
	warnOfEphemeralDisk(log, p.Store())
	log.Info("the clock runs", "database", p.Store().Database().Location)
	return p.RunClock(a.Context)
}

type workerFlags struct {
	Concurrency int      `help:"Jobs at once in each queue." default:"10" env:"PUNCTUAL_CONCURRENCY"`
	Queues      []string `help:"The queues to work; every queue that schedules name by default." env:"PUNCTUAL_QUEUES" placeholder:"A,B"`
	Quiet       bool     `help:"Do not print what jobs write and how they end." env:"PUNCTUAL_QUIET"`
	StopGrace   string   `help:"How long running jobs may go on after a stop." default:"20s" placeholder:"DURATION"`
}

// Validate refuses settings that cannot be meant.
func (f *workerFlags) Validate() error {
	if f.Concurrency < 1 || f.Concurrency > 10_000 {
		return fmt.Errorf("--concurrency %d: a number from 1 to 10000", f.Concurrency)
	}
	_, err := schedule.ParseDuration(f.StopGrace)
	return err
}

func (f *workerFlags) options(a *app) []punctual.Option {
	grace, _ := schedule.ParseDuration(f.StopGrace)
	options := []punctual.Option{punctual.Concurrency(f.Concurrency), punctual.Queues(f.Queues...), punctual.StopGrace(time.Duration(grace))}
	if !f.Quiet {
		options = append(options, punctual.Narrate(a.Stdout))
	}
	return options
}

// workerCommand runs jobs.
type workerCommand struct{ workerFlags }

// Run migrates and works the queue until it is told to stop.
func (c *workerCommand) Run(a *app, s *settings) (err error) {
	defer endInOrder(a, &err)
	p, err := s.open(a.Context, a, c.options(a)...)
	if err != nil {
		return err
	}
	defer p.Close()
	log := s.logger(a.Stderr)
	warnOfEphemeralDisk(log, p.Store())
	log.Info("the worker runs", "concurrency", c.Concurrency, "database", p.Store().Database().Location)
	return p.RunWorker(a.Context)
}

type webFlags struct {
	Listen   string `help:"Where the web process listens; 127.0.0.1:8080, or all addresses at PORT where that is set." placeholder:"ADDRESS"`
	Port     string `hidden:"" env:"PORT"`
	Password string `help:"The password of the web process." env:"PUNCTUAL_PASSWORD" placeholder:"SECRET" hidden:""`
	Token    string `help:"The token of the API." env:"PUNCTUAL_TOKEN" placeholder:"SECRET" hidden:""`
}

// defaultListen is reachable from this machine only.
const defaultListen = "127.0.0.1:8080"

// address is where to listen; a public one needs credentials.
func (f *webFlags) address() (string, error) {
	switch {
	case f.Listen != "":
		return f.Listen, nil
	case f.Port == "":
		return defaultListen, nil
	case f.Password == "" && f.Token == "":
		return "", fmt.Errorf("PORT is set, so the web process would listen on all addresses: %w", web.ErrCredentials)
	}
	return net.JoinHostPort("", f.Port), nil
}

func (f *webFlags) serve(ctx context.Context, p *punctual.Punctual, address string, log *slog.Logger) error {
	return web.Run(ctx, web.Options{
		Address: address, Password: f.Password, Token: f.Token, Logger: log,
		Health: func(ctx context.Context) (bool, any, error) {
			health, err := p.Store().Health(ctx)
			return health.Healthy, health, err
		},
		Listening: func(at net.Addr) { log.Info("the web process listens", "address", "http://"+at.String()) },
	})
}

// webCommand serves.
type webCommand struct{ webFlags }

// Run migrates and serves until it is told to stop.
func (c *webCommand) Run(a *app, s *settings) (err error) {
	defer endInOrder(a, &err)
	address, err := c.address()
	if err != nil {
		return err
	}
	p, err := s.open(a.Context, a)
	if err != nil {
		return err
	}
	defer p.Close()
	log := s.logger(a.Stderr)
	warnOfEphemeralDisk(log, p.Store())
	return c.serve(a.Context, p, address, log)
}

// migrateCommand brings the tables up to date.
type migrateCommand struct{}

// Run migrates.
func (c *migrateCommand) Run(a *app, s *settings) error {
	p, err := s.open(a.Context, a)
	if err != nil {
		return err
	}
	defer p.Close()
	_, err = fmt.Fprintf(a.Stdout, "The tables in %s are up to date.\n", p.Store().Database().Location)
	return err
}

// warnOfEphemeralDisk speaks up where a SQLite file will not outlive the
// process: platforms in Heroku's style give each process a disk of its own and
// throw it away at least once a day.
func warnOfEphemeralDisk(log *slog.Logger, s *store.Store) {
	if s.Database().Kind != database.SQLite {
		return
	}
	for _, name := range []string{"DYNO", "RENDER", "FLY_APP_NAME", "RAILWAY_ENVIRONMENT", "K_SERVICE"} {
		if os.Getenv(name) != "" {
			log.Warn(strings.ToUpper("the database is a file on a disk that this platform throws away")+
				": schedules, history and the queue will be lost at the next restart, and other processes do not see them; set DATABASE_URL to a Postgres database", "platform", name)
			return
		}
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/punctual-dev/punctual"
	"github.com/punctual-dev/punctual/config"
	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/queue"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
	"github.com/punctual-dev/punctual/web"
)

// startCommand runs everything in one process.
type startCommand struct {
	Prune bool `help:"Delete the schedules the file put there and has no longer." env:"PUNCTUAL_PRUNE"`
	clockFlags
	workerFlags
	webFlags
	countFlags
}

// Validate refuses settings that cannot be meant, of any of the three.
func (c *startCommand) Validate() error {
	return errors.Join(c.clockFlags.Validate(), c.workerFlags.Validate(), c.webFlags.Validate(), c.countFlags.Validate())
}

// Run migrates, applies the file, and runs clock, worker and web.
func (c *startCommand) Run(a *app, s *settings) (err error) {
	defer endInOrder(a, &err)
	suitStarts()
	defer ballast(clockBallast)()
	site, err := c.site(a, s)
	if err != nil {
		return err
	}
	file, err := s.load(a)
	if err != nil {
		return err
	}
	// Before anything is made: that the address is taken is a usual mistake.
	if site.Listener, err = web.Listen(site.Address); err != nil {
		return err
	}
	defer site.Listener.Close()
	traced, stopTracing, err := tracedOptions(a, s)
	if err != nil {
		return err
	}
	defer stopTracing()
	p, err := s.open(a.Context, a, slices.Concat(c.workerFlags.options(a), c.clockFlags.options(), c.countFlags.options(), traced)...)
	if err != nil {
		return err
	}
	defer p.Close()
	log := s.logger(a.Stderr)
	warnOfEphemeralDisk(log, p.Store())
	if err := c.apply(a, s, p.Store(), file, log); err != nil {
		return fmt.Errorf("applying %s: %w", s.Config, err)
	}
	return punctual.RunTogether(a.Context, p.RunClock, p.RunWorker, func(ctx context.Context) error {
		return serve(ctx, p, site, log)
	})
}

// apply makes the database agree with the file. What the file has no longer goes
// on unless it is to be pruned, and is named each time.
func (c *startCommand) apply(a *app, s *settings, st *store.Store, file *config.File, log *slog.Logger) error {
	o := store.ApplyOptions{
		PlanOptions: schedule.PlanOptions{Owner: s.owner(file), Prune: c.Prune}, Limits: limitsOf(file), Alerts: &file.Alerts, Actor: actor(),
	}
	changes, err := st.Apply(a.Context, file.Schedules, o)
	if refused, ok := errors.AsType[*store.RefusedError](err); ok {
		for i := range refused.Faults {
			advice := &refused.Faults[i].Advice // start takes nothing over by itself
			*advice = strings.ReplaceAll(*advice, "--adopt", "punctual apply --adopt")
		}
	}
	if err != nil {
		return err
	}
	log.Info("applied "+s.Config, append(append([]any{"schedules", len(file.Schedules)}, tally(changes)...), "database", st.Database().Location)...)
	for _, change := range changes {
		if change.Warning != "" {
			log.Warn(change.Warning, "schedule", change.Key)
		}
	}
	if n := len(file.Warnings(a.now())); n > 0 {
		log.Warn("the file may not do what was meant; punctual check tells the warnings", "file", s.Config, "warnings", n)
	}
	left, err := keysLeft(a, st, file, o)
	if len(left) > 0 {
		log.Warn("schedules that "+s.Config+" has no longer go on; punctual apply --prune deletes them, start --prune does so at each start", "schedules", some(left))
	}
	return err
}

// tally is how many schedules were created, changed and so on, for a log line.
func tally(changes []schedule.Change) (words []any) {
	counts := map[schedule.ChangeKind]int{}
	for _, change := range changes {
		counts[change.Kind]++
	}
	for _, kind := range []schedule.ChangeKind{schedule.ChangeCreate, schedule.ChangeUpdate, schedule.ChangeRename, schedule.ChangeDelete} {
		if counts[kind] > 0 {
			words = append(words, signs[kind].done, counts[kind])
		}
	}
	return words
}

// endInOrder makes a success of what went wrong with the database because the
// process was asked to end, as it may be while it still starts.
func endInOrder(a *app, err *error) {
	if a.Context.Err() != nil && database.Transient(*err) {
		*err = nil
	}
}

type clockFlags struct {
	History string `help:"How long runs, what they wrote and who did what are kept, at least a day (90d). Of each schedule the last 20 runs stay." default:"90d" env:"PUNCTUAL_HISTORY" placeholder:"DURATION"`
}

// Validate refuses settings that cannot be meant.
func (f *clockFlags) Validate() error {
	history, err := schedule.ParseDuration(f.History)
	if err != nil {
		return fmt.Errorf("--history, or PUNCTUAL_HISTORY: %w", err)
	}
	if time.Duration(history) < store.MinHistory {
		return fmt.Errorf("--history, or PUNCTUAL_HISTORY, is %s: at least a day (1d)", f.History)
	}
	return nil
}

func (f *clockFlags) options() []punctual.Option {
	history, _ := schedule.ParseDuration(f.History)
	return []punctual.Option{punctual.History(time.Duration(history))}
}

// clockCommand decides what is due.
type clockCommand struct {
	clockFlags
	metricsFlags
}

// Validate refuses settings that cannot be meant.
func (c *clockCommand) Validate() error {
	return errors.Join(c.clockFlags.Validate(), c.metricsFlags.Validate())
}

// Run migrates and keeps time until it is told to stop.
func (c *clockCommand) Run(a *app, s *settings) (err error) {
	defer endInOrder(a, &err)
	defer ballast(clockBallast)()
	watched, err := c.site(a, s)
	if err != nil {
		return err
	}
	traced, stopTracing, err := tracedOptions(a, s)
	if err != nil {
		return err
	}
	defer stopTracing()
	p, err := s.open(a.Context, a, slices.Concat(c.clockFlags.options(), c.metricsFlags.options(), traced)...)
	if err != nil {
		return err
	}
	defer p.Close()
	log := s.logger(a.Stderr)
	warnOfEphemeralDisk(log, p.Store())
	log.Info("the clock runs", "database", p.Store().Database().Location)
	if none, _ := unscheduled(a, p.Store()); none {
		log.Info(noSchedulesYet)
	}
	return punctual.RunTogether(a.Context, p.RunClock, watched.serve(p, log.With("process", "clock")))
}

type workerFlags struct {
	Concurrency int      `help:"Jobs at once, in all queues together." default:"10" env:"PUNCTUAL_CONCURRENCY"`
	Queues      []string `help:"The queues to work, and jobs at once of each where it is to have fewer; every queue that schedules name by default." env:"PUNCTUAL_QUEUES" placeholder:"A,B=2"`
	Quiet       bool     `help:"Do not print what jobs write and how they end." env:"PUNCTUAL_QUIET"`
	StopGrace   string   `help:"How long running jobs may go on after a stop." default:"25s" placeholder:"DURATION"`
}

// Validate refuses settings that cannot be meant.
func (f *workerFlags) Validate() error {
	if f.Concurrency < 1 || f.Concurrency > 10_000 {
		return fmt.Errorf("--concurrency %d: a number from 1 to 10000", f.Concurrency)
	}
	if _, _, err := f.queues(); err != nil {
		return err
	}
	if _, err := schedule.ParseDuration(f.StopGrace); err != nil {
		return fmt.Errorf("--stop-grace: %w", err)
	}
	return nil
}

// queues are the names of --queues, and the bounds of those that have one.
func (f *workerFlags) queues() (names []string, bounds map[string]int, err error) {
	bounds = map[string]int{}
	for _, text := range f.Queues {
		name, number, bounded := strings.Cut(text, "=")
		if err := queue.ValidName(name); err != nil {
			return nil, nil, fmt.Errorf("--queues %s: %w", text, err)
		}
		names = append(names, name)
		if !bounded {
			continue
		}
		if bounds[name], err = strconv.Atoi(number); err != nil || bounds[name] < 1 || bounds[name] > 10_000 {
			return nil, nil, fmt.Errorf("--queues %s: %q is not a number of jobs at once; allowed is 1 to 10000, as in reports=2", text, number)
		}
	}
	return names, bounds, nil
}

func (f *workerFlags) options(a *app) []punctual.Option {
	grace, _ := schedule.ParseDuration(f.StopGrace)
	names, bounds, _ := f.queues()
	options := []punctual.Option{punctual.Concurrency(f.Concurrency), punctual.Queues(names...), punctual.StopGrace(time.Duration(grace)), punctual.StopAtOnce(a.Signals.second())}
	for name, n := range bounds {
		options = append(options, punctual.QueueConcurrency(name, n))
	}
	if !f.Quiet {
		options = append(options, punctual.Narrate(a.Stdout))
	}
	return options
}

// workerCommand runs jobs.
type workerCommand struct {
	workerFlags
	metricsFlags
}

// Validate refuses settings that cannot be meant.
func (c *workerCommand) Validate() error {
	return errors.Join(c.workerFlags.Validate(), c.metricsFlags.Validate())
}

// Run migrates and works the queue until it is told to stop.
func (c *workerCommand) Run(a *app, s *settings) (err error) {
	defer endInOrder(a, &err)
	suitStarts()
	defer ballast(workerBallast)()
	watched, err := c.site(a, s)
	if err != nil {
		return err
	}
	traced, stopTracing, err := tracedOptions(a, s)
	if err != nil {
		return err
	}
	defer stopTracing()
	p, err := s.open(a.Context, a, slices.Concat(c.workerFlags.options(a), c.metricsFlags.options(), traced)...)
	if err != nil {
		return err
	}
	defer p.Close()
	log := s.logger(a.Stderr)
	warnOfEphemeralDisk(log, p.Store())
	log.Info("the worker runs", "concurrency", c.Concurrency, "database", p.Store().Database().Location)
	return punctual.RunTogether(a.Context, p.RunWorker, watched.serve(p, log.With("process", "worker")))
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
	if name := platform(); name != "" {
		log.Warn(strings.ToUpper("the database is a file on a disk that this platform throws away")+
			": schedules, history and the queue will be lost at the next restart, and other processes do not see them; set DATABASE_URL to a Postgres database", "platform", name)
	}
}

// platform is the variable by which a platform in Heroku's style makes itself
// known; empty elsewhere.
func platform() string {
	for _, name := range []string{"DYNO", "RENDER", "FLY_APP_NAME", "RAILWAY_ENVIRONMENT", "K_SERVICE"} {
		if os.Getenv(name) != "" {
			return name
		}
	}
	return ""
}

// Package clock is the first of the three processes: it finds out what is due,
// has it decided, and commits the decisions. It never runs a job. Any number of
// clocks may run at once.
package clock

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/punctual-dev/punctual/schedule"
)

// Store is what the clock needs of a store. All instants are the store's time.
type Store interface {
	Now(ctx context.Context) (time.Time, error)
	Due(ctx context.Context, lane schedule.Lane, limit, offset int) (schedule.Batch, error)
	Waiting(ctx context.Context, limit int) (schedule.Batch, error)
	Commit(ctx context.Context, b schedule.Batch, decided []schedule.Decided) (schedule.Committed, error)
	Fail(ctx context.Context, id int64, now time.Time, reason string) error
	NextDue(ctx context.Context) (time.Time, error)
	Wakeups(ctx context.Context, wake func()) error
	Transient(err error) bool
}

// Upkeep is what the clock does beside deciding, about once a second.
type Upkeep interface {
	Retime(ctx context.Context) (int, error)
	Rewind(ctx context.Context) (int, error)
	StepBackfills(ctx context.Context) (int, error)
	// CopyOutcomes copies a bounded number of outcomes and says how many.
	CopyOutcomes(ctx context.Context) (int64, error)
	Rank(ctx context.Context) (rank, clocks int, err error)
	// LastTick is when any clock was last through with what was due, or ended.
	LastTick(ctx context.Context) (time.Time, error)
}

// Options are the settings of a clock; zero values are good.
type Options struct {
	Logger *slog.Logger
	// BatchSize is how many schedules one transaction decides. It sets how soon
	// the first of a herd is durable and how much memory it takes; for the last
	// it makes hardly a difference.
	BatchSize int
	// Ticked is called when everything due has been decided; may be nil.
	Ticked func(at time.Time)
}

const (
	defaultBatchSize = 500
	// idleWait is the longest sleep: an edit by another process is seen after
	// this long even if its hint was lost.
	idleWait = time.Second
	// tickPause lets other writers at a SQLite file in between two batches, and
	// bundles what is due within it.
	tickPause = 5 * time.Millisecond
	// upkeepEvery is how often waits, backfills and outcomes are looked at.
	upkeepEvery = time.Second
	maxBackoff  = 2 * time.Second
)

// Clock decides what is due.
type Clock struct {
	store  Store
	upkeep Upkeep
	log    *slog.Logger
	batch  int
	ticked func(time.Time)

	steady     steadiness
	outage     outage
	absence    *absence
	rank       int
	clocks     int
	nextUpkeep time.Time
	woken      chan struct{}
}

// New makes a clock over a store.
func New(store Store, upkeep Upkeep, o Options) *Clock {
	c := &Clock{store: store, upkeep: upkeep, log: o.Logger, batch: o.BatchSize, ticked: o.Ticked, clocks: 1, woken: make(chan struct{}, 1)}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.batch <= 0 {
		c.batch = defaultBatchSize
	}
	if c.ticked == nil {
		c.ticked = func(time.Time) {}
	}
	c.outage.log = c.log
	return c
}

// Run keeps time until ctx ends, and finishes the transaction in hand. Errors of
// the database are waited out: nothing is lost by them, since what was not
// committed is undecided.
func (c *Clock) Run(ctx context.Context) error {
	listening, stopListening := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.listen(listening)
	}()
	defer func() {
		stopListening()
		<-done
	}()
	if err := c.start(ctx); err != nil {
		return err
	}
	for ctx.Err() == nil {
		wait, err := c.turn(ctx)
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			if !c.store.Transient(err) {
				return fmt.Errorf("the clock stops: %w", err)
			}
			wait = c.outage.failed(err)
		} else {
			c.outage.over()
		}
		c.sleep(ctx, wait)
	}
	return nil
}

// start recomputes what another tzdata computed, before anything is decided.
func (c *Clock) start(ctx context.Context) error {
	for ctx.Err() == nil {
		n, err := c.upkeep.Retime(ctx)
		if err == nil {
			c.outage.over()
			if n > 0 {
				c.log.Info("recomputed schedules for another version of the time zone data", "schedules", n)
			}
			return c.reportAbsence(ctx)
		}
		if !c.store.Transient(err) {
			return fmt.Errorf("the clock does not start: %w", err)
		}
		c.sleep(ctx, c.outage.failed(err))
	}
	return nil
}

// turn decides everything that is due, keeps house when it is time to, and says
// how long to sleep.
func (c *Clock) turn(ctx context.Context) (time.Duration, error) {
	now, err := c.store.Now(ctx)
	if err != nil {
		return 0, err
	}
	switch c.steady.judge(now, time.Now()) {
	case timeHeld:
		return steadyInterval, nil
	case timeSetBack:
		if err := c.rewind(ctx); err != nil {
			return 0, err
		}
	}
	more, err := c.tick(ctx)
	if err != nil {
		return 0, err
	}
	if err := c.keepHouse(ctx); err != nil {
		return 0, err
	}
	if more {
		return tickPause, nil
	}
	c.reportBack(now)
	c.ticked(now)
	return c.untilNext(ctx)
}

// untilNext is the time to the next due instant, at most a second. It never
// rounds down, so that waking up early costs no second query.
func (c *Clock) untilNext(ctx context.Context) (time.Duration, error) {
	next, err := c.store.NextDue(ctx)
	if err != nil {
		return 0, err
	}
	now, err := c.store.Now(ctx)
	if err != nil {
		return 0, err
	}
	wait := idleWait
	if !next.IsZero() {
		wait = min(wait, next.Sub(now))
	}
	wait = min(wait, time.Until(c.nextUpkeep))
	return max(wait, tickPause), nil
}

// sleep waits, unless something wakes the clock or ends it.
func (c *Clock) sleep(ctx context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.woken:
	case <-ctx.Done():
	}
}

// Wake makes the clock look at once.
func (c *Clock) Wake() {
	select {
	case c.woken <- struct{}{}:
	default:
	}
}

// listen passes on the store's hints. Without them the clock sees a change
// within a second, so a failure is only tried again.
func (c *Clock) listen(ctx context.Context) {
	for ctx.Err() == nil {
		_ = c.store.Wakeups(ctx, c.Wake)
		select {
		case <-ctx.Done():
		case <-time.After(idleWait):
		}
	}
}

// Package clock is the first of the three processes: it finds out what is due,
// has it decided, and commits the decisions. It never runs a job. Any number of
// clocks may run at once.
package clock

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/punctual-dev/punctual/schedule"
)

// Store is what the clock needs of a store. All instants are the store's time.
type Store interface {
	Now(ctx context.Context) (time.Time, error)
	Due(ctx context.Context, w schedule.Wanted) (schedule.Batch, error)
	Waiting(ctx context.Context, limit int) (schedule.Batch, error)
	Commit(ctx context.Context, b schedule.Batch, decided []schedule.Decided) (schedule.Committed, error)
	// Rehearse does for decisions what Commit will, as far as that can be undone, and
	// undoes it.
	Rehearse(ctx context.Context, b schedule.Batch, decided []schedule.Decided) error
	// Pace is how the store would have much decided.
	Pace() schedule.Pace
	Fail(ctx context.Context, id int64, now time.Time, reason string) error
	NextDue(ctx context.Context) (time.Time, error)
	// Foresee makes some schedules ready that are due soon after now, so that deciding
	// them takes less time, and says whether there are more.
	Foresee(ctx context.Context, now time.Time) (more bool, err error)
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

// Observer is told what a clock does, for those who count it. It is called
// between two transactions and must not wait for anything.
type Observer interface {
	// Read is told how far the store's time is ahead of this process's.
	Read(ahead time.Duration)
	// Ticked is told how long it took to read, decide and commit a batch of what
	// is due on time and one of what is late. Where nothing is due soon there is no tick.
	Ticked(took time.Duration)
	Committed(done schedule.Committed)
}

// nobody is told in vain.
type nobody struct{}

func (nobody) Read(time.Duration)           {}
func (nobody) Ticked(time.Duration)         {}
func (nobody) Committed(schedule.Committed) {}

// Options are the settings of a clock; zero values are good.
type Options struct {
	Logger *slog.Logger
	// BatchSize is how many schedules one transaction decides at most. With how many
	// of those there are at once (Pace) it sets how much memory a herd takes.
	BatchSize int
	// Ticked is called when everything due has been decided; may be nil.
	Ticked func(at time.Time)
	// Observer may be nil.
	Observer Observer
}

const (
	defaultBatchSize = 1000
	// firstBatch is how many the first transaction of a herd decides, so that some
	// are durable soon. Those after it grow.
	firstBatch = 64
	// idleWait is the longest sleep: an edit by another process is seen after
	// this long even if its hint was lost.
	idleWait = time.Second
	// tickPause bundles what is due within it. Where something is due all the time, the
	// store's pace says how much.
	tickPause = 10 * time.Millisecond
	// flow is how many are due at once where others will be due in the next moment: it
	// is not asked then when that is.
	flow = 8
	// flowTurn is how long a turn is then, its rest included. What took longer rests
	// less: more has come due behind it.
	flowTurn = 25 * time.Millisecond
	// standbyWait is how long every clock but the first leaves what is due to the
	// others: two that read the same at the same instant would do the database's
	// work twice. When the first one dies, the gap is up to twice that.
	standbyWait = 50 * time.Millisecond
	// standbyRest is how long such a clock rests at most where something is due all
	// the time and it has found for a while that nothing is left: its looks are the
	// database's work, too. When the first one dies then, the gap is up to that and
	// standbyWait.
	standbyRest = 4 * standbyWait
	// standbyUpkeep is how many times more seldom the others keep house.
	standbyUpkeep = 3
	// lateEvery is how often at least what is late is looked at.
	lateEvery = 250 * time.Millisecond
	// foresightTime is how long it may take to make a few schedules ready.
	foresightTime = 50 * time.Millisecond
	// batchPause is the shortest rest between two turns.
	batchPause = 2 * time.Millisecond
	// soon is how long before something is due a clock at rest looks for it already,
	// instead of rehearsing it.
	soon = 250 * time.Millisecond
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
	seen   Observer

	steady     steadiness
	setBack    bool // what was decided beyond now is still to be looked at
	outage     outage
	absence    *absence
	rank       int
	clocks     int
	idle       time.Duration // the least rest of one that stands by, behind its last look; 0 for the first
	nextUpkeep time.Time
	chores     []func(context.Context) error // of this round of upkeep, not done yet
	nextLate   time.Time
	crowds     map[schedule.Lane]crowd
	flows      bool      // many were due at once, and were decided
	rested     bool      // the last turn found out what is due next
	awaited    time.Time // what that was; zero if nothing is
	rehearsal  rehearsal
	woken      chan struct{}
	reports    sync.Mutex
}

// New makes a clock over a store.
func New(store Store, upkeep Upkeep, o Options) *Clock {
	c := &Clock{store: store, upkeep: upkeep, log: o.Logger, batch: o.BatchSize, ticked: o.Ticked, seen: o.Observer, clocks: 1, crowds: map[schedule.Lane]crowd{}, woken: make(chan struct{}, 1)}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.batch <= 0 {
		c.batch = defaultBatchSize
	}
	if c.ticked == nil {
		c.ticked = func(time.Time) {}
	}
	if c.seen == nil {
		c.seen = nobody{}
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
			clear(c.crowds) // after it a herd begins small again
			c.rehearsal.hands = false
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
	asked := time.Now()
	asks := c.asksFirst(asked)
	if asks && c.mayPass(asked) {
		if wait, rests, err := c.restUnlessDue(ctx, c.steady.at(asked)); err != nil || rests {
			return wait, err
		}
		asks = false
	}
	now, held, err := c.readTime(ctx, asked)
	if err != nil || held {
		return steadyInterval, err
	}
	if asks {
		// House is kept first, since what is due next may change by it: a wait that is over.
		if err := c.keepHouse(ctx); err != nil {
			return 0, err
		}
		if wait, rests, err := c.restUnlessDue(ctx, now); err != nil || rests {
			return wait, err
		}
	}
	return c.decideDue(ctx, now, asked, asks)
}

// readTime reads the store's time. While that is not to be believed, nothing is to be
// decided. After it was set back, what was decided beyond it is looked at first.
func (c *Clock) readTime(ctx context.Context, asked time.Time) (now time.Time, held bool, err error) {
	if now, err = c.store.Now(ctx); err != nil {
		return time.Time{}, false, err
	}
	answered := time.Now()
	// The store read its clock somewhere between: in the middle, as far as anybody
	// knows.
	c.seen.Read(now.Sub(asked.Add(answered.Sub(asked) / 2)))
	switch c.steady.judge(now, answered) {
	case timeHeld:
		return now, true, nil
	case timeSetBack:
		c.setBack = true
	}
	if c.setBack { // also when the database was away the last time
		if err := c.rewind(ctx); err != nil {
			return time.Time{}, false, err
		}
		c.setBack = false
	}
	return now, false, nil
}

// decideDue is the rest of a turn in which something may be due: it decides that, and
// keeps house unless that has been done.
func (c *Clock) decideDue(ctx context.Context, now, asked time.Time, kept bool) (time.Duration, error) {
	began := time.Now()
	more, err := c.tick(ctx)
	if err != nil {
		return 0, err
	}
	c.seen.Ticked(time.Since(began))
	if !kept {
		if err := c.keepHouse(ctx); err != nil {
			return 0, err
		}
	}
	switch {
	case len(c.crowds) > 0:
		return batchPause, nil
	case more:
		return tickPause, nil
	}
	c.through(now)
	if c.flows {
		return max(min(c.store.Pace().Pause, flowTurn-time.Since(asked)), batchPause, c.standby()), nil
	}
	next, err := c.nextDue(ctx)
	if err != nil {
		return 0, err
	}
	return c.untilDue(ctx, next)
}

// asksFirst says whether a turn begins with the question when the next schedule is
// due, since there is likely nothing for this clock to decide: it rested, and stands by
// or what it rested for is not due soon. That is cheaper than to look for all that is
// due. Where something is due soon it is looked for all the same: so the statement is at
// hand, in the database as in here, when that comes. After an error it is looked for
// first, too: what cannot be done in the house must not keep a clock from deciding.
func (c *Clock) asksFirst(now time.Time) bool {
	rested := c.rested
	c.rested = false
	if !rested || len(c.crowds) > 0 {
		return false
	}
	return c.rank > 0 || c.awaited.IsZero() || c.steady.at(now).Add(soon).Before(c.awaited)
}

// mayPass says whether a turn in which nothing is due has nothing else to do either.
// The store's time is not read for that, as long as the last reading is young.
func (c *Clock) mayPass(now time.Time) bool {
	_, counted := c.steady.counted(now)
	return counted && !c.setBack && c.steady.sure(now) && now.Before(c.nextUpkeep) && len(c.chores) == 0
}

// restUnlessDue ends a turn in which there is nothing for this clock to decide, and says
// how long to sleep then. One that stands by leaves to the others what is due since a
// moment, which they have as good as always decided. All that was due at an instant
// before the question has been.
func (c *Clock) restUnlessDue(ctx context.Context, at time.Time) (wait time.Duration, rests bool, err error) {
	next, err := c.nextDue(ctx)
	if err != nil {
		return 0, false, err
	}
	now := c.now()
	rests = next.IsZero() || next.Add(c.standby()).After(now)
	c.idle = idleRest(c.idle, rests && !next.IsZero() && !next.After(now))
	if !rests {
		return 0, false, nil
	}
	c.through(at)
	wait, err = c.untilDue(ctx, next)
	return wait, true, err
}

// through says that all that was due at an instant has been decided, by whichever
// clock.
func (c *Clock) through(at time.Time) {
	c.reportBack(at)
	c.ticked(at)
}

// idleRest is how long a clock that stands by rests at least behind a look, by how long
// it did behind the last: longer and longer while others have something in hand at each
// and leave nothing.
func idleRest(last time.Duration, inHand bool) time.Duration {
	if !inHand {
		return 0
	}
	return min(max(2*last, standbyWait), standbyRest)
}

// untilDue makes some schedules ready in the time until the next is due, rehearses that
// shortly before, and says how much of the time is left.
func (c *Clock) untilDue(ctx context.Context, next time.Time) (time.Duration, error) {
	if !next.Equal(c.awaited) {
		c.rehearsal.await(next, c.now())
	}
	c.rested, c.awaited = true, next
	end := time.Now().Add(c.until(next))
	if err := c.foresee(ctx, end); err != nil {
		return 0, err
	}
	if left := next.Sub(c.now()); c.rank == 0 && c.rehearsal.begins(left) {
		c.rehearse(ctx, next)
		end = time.Now().Add(c.rehearsal.wait(time.Until(end), next.Sub(c.now())))
	}
	return time.Until(end), nil
}

// foresee makes schedules ready as long as it holds nothing up: the clock would
// only sleep meanwhile.
func (c *Clock) foresee(ctx context.Context, end time.Time) error {
	for more := c.rank == 0; more && len(c.woken) == 0 && ctx.Err() == nil && time.Until(end) > foresightTime; {
		var err error
		if more, err = c.store.Foresee(ctx, c.now()); err != nil {
			return fmt.Errorf("reading what is due soon: %w", err)
		}
	}
	return nil
}

func (c *Clock) nextDue(ctx context.Context) (time.Time, error) {
	next, err := c.store.NextDue(ctx)
	if err != nil {
		return time.Time{}, fmt.Errorf("reading when the next schedule is due: %w", err)
	}
	return next, nil
}

// until is the time to the next due instant, at most a second. It never rounds down,
// so that waking up early costs no second query.
func (c *Clock) until(next time.Time) time.Duration {
	wait := idleWait
	if !next.IsZero() {
		left := next.Sub(c.now())
		if wait = min(wait, left+c.standby()); c.rank == 0 {
			wait = c.rehearsal.wait(wait, left)
		}
	}
	if len(c.chores) > 0 {
		return max(tickPause, c.standby())
	}
	return max(min(wait, time.Until(c.nextUpkeep)), tickPause, c.standby(), c.idle)
}

// now is the store's time, by its last reading and what this process has counted
// since.
func (c *Clock) now() time.Time { return c.steady.at(time.Now()) }

// standby is how long this clock leaves what is due to others.
func (c *Clock) standby() time.Duration {
	if c.rank == 0 {
		return 0
	}
	return standbyWait
}

// sleep waits, unless something wakes the clock or ends it. A short rest is not cut
// short by a hint: on a SQLite file a clock's own commits look like one, or those of the
// clock that it stands by for, and it would rest all the less for them. What the hint is
// about is seen right after the rest.
func (c *Clock) sleep(ctx context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	hints := c.woken
	if wait <= max(flowTurn, c.idle) {
		hints = nil
	}
	select {
	case <-timer.C:
	case <-hints:
	case <-ctx.Done():
	}
	if hints == nil {
		select {
		case <-c.woken:
		default:
		}
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

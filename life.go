package punctual

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/punctual-dev/punctual/queue"
	"github.com/punctual-dev/punctual/store"
)

// ErrTakenForDead ends a worker that did not beat for so long that its jobs were
// given to others. It has ended those it ran; the program is to end too.
var ErrTakenForDead = errors.New("this worker did not answer for too long and was taken for dead; its jobs were given to others")

// lifeline records that a process is alive, finds those that are not, and
// learns it if this one was taken for dead itself.
type lifeline struct {
	store    *store.Store
	log      *slog.Logger
	process  store.Process
	tickedAt func() time.Time // nil: this process does not tick
	lost     chan struct{}    // closed when a beat is refused
	leader   *leaderNote
	// renew gives the process another life when a beat is refused; nil: it is lost.
	renew func() store.Process

	steady steadiness    // of the turns of this process
	ticks  bool          // a tick is on record
	soon   time.Duration // from the last turn until somebody may be found dead; zero: not known

	mu   sync.Mutex
	last time.Time // the last beat that was recorded
}

func (p *Punctual) newLifeline(process store.Process, tickedAt func() time.Time) *lifeline {
	return &lifeline{store: p.store, log: p.log, process: process, tickedAt: tickedAt, lost: make(chan struct{}), leader: &p.leader}
}

// run beats while a process runs, and says when it has ended. The first beat,
// and the look at who is gone, come before the process begins: what a killed
// worker left behind is back in the queue when the clock first decides.
func (l *lifeline) run(ctx context.Context, process func(context.Context) error) error {
	l.turn(ctx)
	beats, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.beatOn(beats)
	}()
	err := process(ctx)
	stop()
	<-done
	ended, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if l.tickedAt != nil {
		_, _ = l.beat(ended) // tells of the last tick
	}
	// If this fails, the process is found dead after a while; no more is lost.
	_ = l.store.Stopped(ended, l.process.ID)
	return err
}

func (l *lifeline) beatOn(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(l.pause()):
		}
		if !l.turn(ctx) {
			close(l.lost)
			return
		}
	}
}

// pause is the time until the next turn: that between two beats, or less where
// somebody will be dead before, or a clock that ticks is not on record yet.
func (l *lifeline) pause() time.Duration {
	const soonest = 100 * time.Millisecond
	pause := store.BeatEvery
	if l.tickedAt != nil && !l.ticks {
		pause = time.Second
	}
	if l.soon > 0 {
		pause = min(pause, max(l.soon, soonest))
	}
	return pause
}

// turn beats, and looks for those that do so no longer. It returns false if this
// process was taken for dead.
func (l *lifeline) turn(ctx context.Context) (alive bool) {
	l.soon = 0
	alive, err := l.beat(ctx)
	if err == nil && !alive && l.renew != nil {
		l.process = l.renew()
		alive, err = l.beat(ctx)
	}
	if err != nil || !alive {
		return err != nil
	}
	// What fails here is done at the next turn.
	err = l.store.MarkGone(ctx, l.process.Machine, processExists)
	if err == nil {
		err = l.markSilent(ctx)
	}
	if err != nil {
		return true
	}
	if n, err := l.store.Sweep(ctx); err == nil && n > 0 {
		l.log.Warn("jobs of workers that stopped answering went back to the queue", "jobs", n)
	}
	l.noteLeader(ctx)
	if l.tickedAt == nil {
		l.copyOutcomes(ctx)
	}
	return true
}

// markSilent marks those who do not beat, if this process has been steady for as
// long as they were silent.
func (l *lifeline) markSilent(ctx context.Context) error {
	now, err := l.store.Now(ctx)
	if err != nil {
		return err
	}
	if steady := l.steady.turn(now); steady < store.DeadAfter {
		l.soon = store.DeadAfter - steady
		return nil
	}
	next, err := l.store.MarkSilent(ctx, now)
	if err == nil && !next.IsZero() {
		const sure = 10 * time.Millisecond
		l.soon = next.Sub(now) + sure
	}
	return err
}

// steadiness is how long a process has been beating without a gap, by the
// database's clock. Only who has been beating all that time may find others dead:
// after an outage of the database everybody has the full time again, and so they
// have after a jump of that clock, by which beats of a moment ago look old.
type steadiness struct{ since, last time.Time }

// turn notes that this process has just beaten, and returns for how long it has
// been steady.
func (s *steadiness) turn(now time.Time) time.Duration {
	if passed := now.Sub(s.last); passed < 0 || passed > 2*store.BeatEvery {
		s.since = now
	}
	s.last = now
	return now.Sub(s.since)
}

// leaderNote is what the processes of a program have said of who leads the
// queue.
type leaderNote struct {
	mu      sync.Mutex
	foreign string // the program that leads, where it is none of ours
}

// noteLeader says once that a program leads the queue that is none of ours.
func (l *lifeline) noteLeader(ctx context.Context) {
	foreign, err := l.store.ForeignLeader(ctx)
	l.leader.mu.Lock()
	defer l.leader.mu.Unlock()
	if err != nil || foreign == l.leader.foreign {
		return
	}
	l.leader.foreign = foreign
	if foreign == "" {
		l.log.Info("the queue is no longer led by another program")
		return
	}
	l.log.Warn(store.ForeignLeaderWarning(foreign))
}

// copyOutcomes stands in for the clocks while none is alive: the queue forgets
// what has ended after a day.
func (l *lifeline) copyOutcomes(ctx context.Context) {
	if clocks, err := l.store.ClocksAlive(ctx); err != nil || clocks > 0 {
		return
	}
	for copied, err := int64(1), error(nil); copied > 0 && err == nil && ctx.Err() == nil; {
		copied, err = l.store.CopyOutcomes(ctx)
	}
}

// beat records one beat. A missed one is made up by the next; the clock and the
// worker speak of a database that is away themselves.
func (l *lifeline) beat(ctx context.Context) (alive bool, err error) {
	process := l.process
	if l.tickedAt != nil {
		process.TickAt = l.tickedAt()
	}
	limited, cancel := context.WithTimeout(ctx, store.BeatEvery)
	defer cancel()
	if alive, err = l.store.Beat(limited, process); err != nil || !alive {
		return alive, err
	}
	l.ticks = !process.TickAt.IsZero()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = time.Now()
	return true, nil
}

// elapsed counts the time in which a machine was suspended, too, which
// monotonic time leaves out.
func elapsed(from, to time.Time) time.Duration {
	return max(to.Sub(from), to.Round(0).Sub(from.Round(0)))
}

// owns is nil if this process still owns the jobs it runs, and queue.ErrLost if
// it does not. As long as the last beat is fresh nobody can have taken it for
// dead; otherwise the database is asked, for as long as it takes to answer, or
// until ctx ends.
func (l *lifeline) owns(ctx context.Context) error {
	for {
		select {
		case <-l.lost:
			return queue.ErrLost
		default:
		}
		if l.fresh() {
			return nil
		}
		alive, err := l.beat(ctx)
		switch {
		case err == nil && alive:
			return nil
		case err == nil:
			return queue.ErrLost
		}
		select {
		case <-l.lost:
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

// fresh says whether the last beat is.
func (l *lifeline) fresh() bool {
	const margin = 2 * store.BeatEvery
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.last.IsZero() && elapsed(l.last, time.Now()) < store.DeadAfter-margin
}

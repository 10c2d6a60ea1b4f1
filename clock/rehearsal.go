package clock

import (
	"context"
	"time"

	"github.com/punctual-dev/punctual/schedule"
)

// After a rest everything is slow for a moment: what a processor, a virtual machine
// and a database keep at hand has been given to others. A decision that takes a
// millisecond in the midst of others takes ten behind a second's sleep. So a clock that
// has slept wakes a moment before something is due and rehearses: it reads what will be
// due, decides it as of then, has the store write it and undo it, and forgets it.
// Nothing is kept of that; when the instant comes, everything is read and decided as it
// is then.

const (
	// rehearsalLead is how long before something is due that is rehearsed. It takes 10
	// to 60 ms where all has to be fetched again.
	rehearsalLead = 100 * time.Millisecond
	// rehearsedAgain is how long before a crowd is due that is rehearsed once more, at
	// least: as long as it took the first time, which is always longer.
	rehearsedAgain = 30 * time.Millisecond
	// rehearsalEnd is how long before it is called off, so that what it held is free then.
	rehearsalEnd = 5 * time.Millisecond
	// unrehearsed is for how long it is left alone where there was not time enough: the
	// database is far away, and to call off a statement there costs a connection.
	unrehearsed = time.Hour
)

// rehearsal is what a clock that rests means to rehearse.
type rehearsal struct {
	lead  time.Duration // how long before what is due next; 0 if that is done
	from  time.Time     // what is due before is not rehearsed
	hands bool          // all of them have just rehearsed what is due next
}

// await is told of what is due next when that is first heard of. It is to be rehearsed
// unless it is due soon: then there is no rest before it that would be worth it.
func (r *rehearsal) await(next, now time.Time) {
	r.lead, r.hands = 0, false
	if next.Sub(now) > soon && !next.Before(r.from) {
		r.lead = rehearsalLead
	}
}

// wait is how much of a rest there is until the rehearsal begins of what is due in a
// while.
func (r *rehearsal) wait(rest, left time.Duration) time.Duration {
	if r.lead > 0 && left > rehearsalEnd {
		return min(rest, max(left-r.lead, 0))
	}
	return rest
}

// begins says that it is time to rehearse what is due in a while.
func (r *rehearsal) begins(left time.Duration) bool { return left > rehearsalEnd && left <= r.lead }

// done says what is left to rehearse of what is due at an instant: a crowd once more,
// where the first time, which took so long, was not called off.
func (r *rehearsal) done(at time.Time, took time.Duration, crowd, calledOff bool) {
	first := r.lead == rehearsalLead
	r.lead = 0
	switch {
	case first && calledOff:
		r.from = at.Add(unrehearsed)
	case first && crowd:
		r.lead = max(took, rehearsedAgain)
	}
}

// awake says once, right behind a rehearsal, that all hands have been at it.
func (r *rehearsal) awake() bool {
	hands := r.hands
	r.hands = false
	return hands
}

// rehearse does what a turn at an instant will do. Where that is to decide a crowd its
// hands rehearse, too, unless there is not time enough: each has a connection to the
// database to itself. What goes wrong is met again when they are due, and told then. What
// is not through shortly before is called off.
func (c *Clock) rehearse(ctx context.Context, at time.Time) {
	began := time.Now()
	left := func() time.Duration { return at.Sub(c.now()) - rehearsalEnd }
	ctx, cancel := context.WithTimeout(ctx, left())
	defer cancel()
	line := &line{wanted: schedule.Wanted{Now: at, Lane: schedule.LaneOnTime}, alone: at}
	c.rehearsal.hands = false
	crowd := c.rehearseBatch(ctx, line) == c.firstBatch()
	if crowd && left() > time.Since(began) {
		together(c.store.Pace().Hands, func(int) { c.rehearseBatch(ctx, line) })
		c.rehearsal.hands = ctx.Err() == nil
	}
	c.rehearsal.done(at, time.Since(began), crowd, ctx.Err() != nil)
}

// rehearseBatch rehearses the next of a line, and says how many they were.
func (c *Clock) rehearseBatch(ctx context.Context, line *line) int {
	b, err := line.next(ctx, c, c.firstBatch())
	if err != nil || len(b.Candidates) == 0 {
		return 0
	}
	if decided, err := decideSafely(b.Candidates, b.Groups); err == nil {
		_ = c.store.Rehearse(ctx, b, decided)
	}
	return b.Len()
}

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
	// rehearsedAgain is how long before a crowd is due that is rehearsed once more. What
	// is left of the first time is worth a third of the time until the last is decided.
	rehearsedAgain = 30 * time.Millisecond
	// rehearsalEnd is how long before it is called off, so that what it held is free then.
	rehearsalEnd = 5 * time.Millisecond
	// unrehearsed is for how long it is left alone where there was not time enough: the
	// database is far away, and to call off a statement there costs a connection.
	unrehearsed = time.Hour
)

// rehearsal is what a clock that rests means to rehearse.
type rehearsal struct {
	at   time.Time     // what is due next then
	lead time.Duration // how long before; 0 if that is done
	from time.Time     // what is due before is not rehearsed
}

// await is told what is due next. That is to be rehearsed unless it is due soon when it
// is first heard of: then there is no rest before it that would be worth it.
func (r *rehearsal) await(next, now time.Time) {
	if next.Equal(r.at) {
		return
	}
	r.at, r.lead = next, 0
	if next.Sub(now) > soon && !next.Before(r.from) {
		r.lead = rehearsalLead
	}
}

// wait is how much of a rest there is until the rehearsal begins.
func (r *rehearsal) wait(rest time.Duration, now time.Time) time.Duration {
	if until := r.at.Sub(now) - r.lead; r.lead > 0 && until > 0 {
		return min(rest, until)
	}
	return rest
}

// begins says that it is time to rehearse.
func (r *rehearsal) begins(now time.Time) bool {
	return r.lead > 0 && r.at.Sub(now) > rehearsalEnd && r.at.Sub(now) <= r.lead
}

// done says what is left to rehearse after a time of a crowd, or of a few, that was
// through in time or called off.
func (r *rehearsal) done(crowd, inTime bool) {
	again := crowd && inTime && r.lead > rehearsedAgain
	r.lead = 0
	if again {
		r.lead = rehearsedAgain
	}
	if !inTime {
		r.from = r.at.Add(unrehearsed)
	}
}

// rehearse does what a turn at an instant will do, and says whether that is to decide a
// crowd. Then its hands rehearse, too: each has a connection to the database to itself.
// What goes wrong is met again when they are due, and told then. What is not through
// shortly before is called off.
func (c *Clock) rehearse(ctx context.Context, at time.Time) (crowd, inTime bool) {
	ctx, cancel := context.WithTimeout(ctx, at.Sub(c.now())-rehearsalEnd)
	defer cancel()
	line := &line{wanted: schedule.Wanted{Now: at, Lane: schedule.LaneOnTime}}
	if crowd = c.rehearseBatch(ctx, line) == firstBatch; crowd {
		together(c.store.Pace().Hands, func(int) { c.rehearseBatch(ctx, line) })
	}
	return crowd, ctx.Err() == nil
}

// rehearseBatch rehearses the next of a line, and says how many they were.
func (c *Clock) rehearseBatch(ctx context.Context, line *line) int {
	b, err := line.next(ctx, c, firstBatch)
	if err != nil || len(b.Candidates) == 0 {
		return 0
	}
	if decided, err := decideSafely(b.Candidates, b.Groups); err == nil {
		_ = c.store.Rehearse(ctx, b, decided)
	}
	return b.Len()
}

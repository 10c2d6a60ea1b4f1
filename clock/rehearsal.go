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
	// rehearsalLead is how long before something is due that is rehearsed. A rehearsal
	// takes 10 to 60 ms where all has to be fetched again.
	rehearsalLead = 100 * time.Millisecond
)

// rehearsal is what a clock that rests means to rehearse.
type rehearsal struct {
	at      time.Time // what is due next then
	pending bool
}

// await is told what is due next. That is to be rehearsed, once, unless it is due soon
// when it is first heard of: then there is no rest before it that would be worth it.
func (r *rehearsal) await(next, now time.Time) {
	if !next.Equal(r.at) {
		r.at, r.pending = next, next.Sub(now) > soon
	}
}

// wait is how much of a rest there is until the rehearsal begins.
func (r *rehearsal) wait(rest time.Duration, now time.Time) time.Duration {
	if lead := r.at.Sub(now) - rehearsalLead; r.pending && lead > 0 {
		return min(rest, lead)
	}
	return rest
}

// begins says, once, that it is time to rehearse.
func (r *rehearsal) begins(now time.Time) bool {
	if !r.pending || r.at.Sub(now) > rehearsalLead {
		return false
	}
	r.pending = false
	return r.at.After(now)
}

// rehearse does what a turn at an instant will do. Where a crowd is due, its hands
// rehearse, too: each has a connection to the database to itself. What goes wrong is
// met again when they are due, and told then; it takes no longer than until that.
func (c *Clock) rehearse(ctx context.Context, at time.Time) {
	ctx, cancel := context.WithTimeout(ctx, rehearsalLead)
	defer cancel()
	line := &line{wanted: schedule.Wanted{Now: at, Lane: schedule.LaneOnTime}}
	if c.rehearseBatch(ctx, line) < firstBatch {
		return
	}
	together(c.store.Pace().Hands, func(int) { c.rehearseBatch(ctx, line) })
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

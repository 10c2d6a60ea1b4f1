package store

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/schedule"
)

// OverviewFilter chooses schedules.
type OverviewFilter struct {
	Key    string // this one alone
	Search string // words in the key or the description, in any case
	Tag    string
	Owner  string // the kind of the owner
	// Standing leaves out some that stand otherwise, as far as the database can
	// tell: whoever asks looks at each once more. What cannot be read is in error
	// for the database from when a clock met it.
	Standing Standing
	// OverdueSince means those of which something is due since before then and
	// neither decided, nor paused, nor in error; WaitingSince, those of which
	// something waits since before then.
	OverdueSince, WaitingSince time.Time
	// DueAfter means those that are due next after then, the first of them first.
	DueAfter time.Time
	After    string // keys after this one, for the next page
	Limit    int    // zero: all
}

// where is a filter as SQL.
func (f OverviewFilter) where(look Look) (condition string, arguments []any) {
	condition = "s.deleted_at IS NULL"
	where := func(clause string, value any) {
		arguments = append(arguments, value)
		condition += fmt.Sprintf(" AND "+clause, len(arguments))
	}
	const sound = "s.error = ''"
	switch {
	case f.Standing == StandingError:
		// An index knows each of the two.
		where(`s.id IN (SELECT e.id FROM punctual_schedule e WHERE e.error <> ''
			UNION ALL SELECT n.id FROM punctual_schedule n WHERE n.format > 1 AND n.format > $%d)`, look.known)
	case f.Standing == StandingWaiting:
		condition += " AND d.waiting_for <> ''"
	case f.Standing == StandingPaused && len(look.pauses.wide) == 0:
		where("s.id = ANY($%d)", slices.Sorted(maps.Keys(look.pauses.bySchedule)))
	}
	if !f.OverdueSince.IsZero() {
		where("d.next_due_at < $%d AND "+sound, f.OverdueSince)
		look.pauses.without(where)
	}
	if !f.WaitingSince.IsZero() {
		where("d.waiting_for <> '' AND d.waiting_due_at < $%d AND "+sound, f.WaitingSince)
		look.pauses.without(where)
	}
	if !f.DueAfter.IsZero() {
		where("d.next_due_at > $%d AND "+sound, f.DueAfter)
	}
	if f.Key != "" {
		where("s.key = $%d", f.Key)
	}
	if f.Search != "" {
		where("lower(s.key || ' ' || s.description) LIKE $%d ESCAPE '!'", containing(f.Search))
	}
	if f.Tag != "" {
		where(`replace(s.tags, '"' || $%d || '"', '') <> s.tags`, f.Tag)
	}
	if f.Owner != "" {
		where("s.owner_kind = $%d", f.Owner)
	}
	if f.After != "" {
		where("s.key > $%d", f.After)
	}
	return condition, arguments
}

// order is in which order they come, and how many.
func (f OverviewFilter) order() string {
	order := " ORDER BY s.key"
	switch {
	case !f.WaitingSince.IsZero():
		order = " ORDER BY d.waiting_due_at, s.key"
	case !f.DueAfter.IsZero():
		order = " ORDER BY d.next_due_at, d.schedule_id"
	}
	if f.Limit > 0 {
		order += fmt.Sprintf(" LIMIT %d", f.Limit)
	}
	return order
}

// containing is a pattern for LIKE ... ESCAPE '!' that finds words in lower
// case.
func containing(words string) string { return "%" + beginning(strings.ToLower(words)) }

// beginning is a pattern for LIKE, with ! as its escape: texts that begin so.
func beginning(words string) string {
	plain := strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(words)
	return strings.ReplaceAll(plain, "\x00", "") + "%"
}

// Standing is how a schedule stands, in a word.
type Standing string

// The values of Standing, the one that matters most first.
const (
	StandingError   Standing = "error"   // it cannot be decided
	StandingEnded   Standing = "ended"   // nothing is ever due again
	StandingPaused  Standing = "paused"  // the clock enqueues nothing
	StandingWaiting Standing = "waiting" // a nominal is due and waits for something
	StandingActive  Standing = "active"
)

// Standings are all of them.
var Standings = []Standing{StandingError, StandingEnded, StandingPaused, StandingWaiting, StandingActive}

// Standing says how the schedule stands.
func (o Overview) Standing() Standing {
	_, more := o.Timeline.Next(o.State.Cursor)
	switch {
	case o.Error != "":
		return StandingError
	case !more:
		return StandingEnded
	case len(o.Pauses) > 0:
		return StandingPaused
	case o.State.Waiting != schedule.NotWaiting:
		return StandingWaiting
	}
	return StandingActive
}

// NextRun is the first nominal due after now that will be enqueued, as far as
// pauses and skip-next say.
func (o Overview) NextRun(now time.Time) (schedule.Nominal, bool) {
	after := o.State.Cursor
	past := func(instant time.Time) {
		if last, ok := o.Timeline.LastDue(instant); ok && last.At.After(after) {
			after = last.At
		}
	}
	past(now)
	for _, pause := range o.Pauses {
		if pause.Until.IsZero() {
			return schedule.Nominal{}, false
		}
		past(pause.Until.Add(-1))
	}
	next, ok := o.Timeline.Next(after)
	if ok && next.At.Equal(o.State.SkipAt) {
		next, ok = o.Timeline.Next(next.At)
	}
	return next, ok
}

// FatePaused is the fate of what falls due in a pause.
const FatePaused = "will be skipped: paused"

// Upcoming is a nominal that is yet to be due, and what will become of it as
// things stand.
type Upcoming struct {
	Nominal time.Time `json:"nominal"`
	Due     time.Time `json:"due"`
	Fate    string    `json:"fate,omitempty"` // empty: it will run
}

// Ahead are the next n nominals that are due after now.
func (o Overview) Ahead(now time.Time, n int) []Upcoming {
	return o.AheadUntil(now, time.Time{}, n)
}

// AheadUntil are those of them up to the first that is due after an instant;
// zero: all.
func (o Overview) AheadUntil(now, until time.Time, n int) []Upcoming {
	after := o.State.Cursor
	if last, ok := o.Timeline.LastDue(now); ok && last.At.After(after) {
		after = last.At
	}
	next := []Upcoming{}
	for range n {
		nominal, ok := o.Timeline.Next(after)
		if !ok || !until.IsZero() && nominal.Due.After(until) {
			break
		}
		u := Upcoming{Nominal: nominal.At, Due: nominal.Due}
		if nominal.At.Equal(o.State.SkipAt) {
			u.Fate = "will be skipped: by hand"
		}
		for _, pause := range o.Pauses {
			if pause.Until.IsZero() || nominal.Due.Before(pause.Until) {
				u.Fate = FatePaused
			}
		}
		next, after = append(next, u), nominal.At
	}
	return next
}

// Undecided are how many nominals are due and not decided, and since when the
// first of them is due.
func (o Overview) Undecided(now time.Time) (count int, since time.Time) {
	last, ok := o.Timeline.LastDue(now)
	if !ok || !last.At.After(o.State.Cursor) {
		return 0, time.Time{}
	}
	first, _ := o.Timeline.Next(o.State.Cursor)
	return o.Timeline.Count(o.State.Cursor, last.At), first.Due
}

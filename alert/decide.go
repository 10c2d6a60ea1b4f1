package alert

import (
	"fmt"
	"time"

	"github.com/punctual-dev/punctual/schedule"
)

// Kind is what may be wrong with a schedule.
type Kind string

// The kinds.
const (
	Late    Kind = "late"    // something is due, or queued, and has not begun
	Missed  Kind = "missed"  // an occurrence was skipped since it was too late for it
	Failing Kind = "failing" // so many jobs in a row failed for good
	Running Kind = "running too long"
)

// Kinds are all of them, in the order in which they are told.
var Kinds = []Kind{Late, Missed, Failing, Running}

// Facts are how one schedule stands.
type Facts struct {
	ID       int64
	Schedule string
	// LateSince is since when the oldest waits that is due and undecided, or
	// queued and not begun; zero: nothing does. LateFor says for what.
	LateSince time.Time
	LateFor   string
	// Broken is why it cannot be decided at all; it is late at once.
	Broken string
	// Missed is the newest nominal that was missed lately, of MissedCount.
	Missed       time.Time
	MissedCount  int
	MissedReason schedule.Reason
	Enqueued     time.Time // the newest nominal that was enqueued
	// Failures are the jobs that failed since one last succeeded, as far as they
	// are counted; Error is that of the last.
	Failures int
	FailedAt time.Time
	Error    string
	// RunningSince is since when the attempt runs that has run the longest.
	RunningSince time.Time
}

// State is what was told of a schedule and a kind.
type State struct {
	Raised bool
	Since  time.Time
	Mark   time.Time // of Missed: the newest nominal that was told
}

// Suspect is a schedule that is to be judged, and what was told of it.
type Suspect struct {
	Facts
	States map[Kind]State
}

// MostChanges bounds how many schedules one look tells of; the next goes on.
const MostChanges = 1000

// DecideAll judges suspects: what is to be told, and the states it comes to, by
// schedule.
func DecideAll(s Settings, suspects []Suspect, now time.Time) (changes []Change, next map[int64]map[Kind]State) {
	next = map[int64]map[Kind]State{}
	for _, one := range suspects {
		told, states := Decide(s, one.Facts, one.States, now)
		if len(states) == 0 {
			continue
		}
		if changes, next[one.ID] = append(changes, told...), states; len(next) == MostChanges {
			break
		}
	}
	return changes, next
}

// Change is a state that changed, to be told once.
type Change struct {
	Schedule string    `json:"schedule"`
	Kind     Kind      `json:"kind"`
	Raised   bool      `json:"raised"` // false: it has recovered
	Since    time.Time `json:"since"`
	Detail   string    `json:"detail,omitempty"`
}

// Decide says what is to be told of one schedule, and what it comes to.
func Decide(s Settings, f Facts, states map[Kind]State, now time.Time) (changes []Change, next map[Kind]State) {
	next = map[Kind]State{}
	for _, kind := range Kinds {
		before := states[kind]
		after, detail := judge(s, kind, f, before, now)
		if after != before {
			next[kind] = after
		}
		if after.Raised != before.Raised && s.watches(kind) {
			since := after.Since
			if !after.Raised {
				since = before.Since
			}
			changes = append(changes, Change{Schedule: f.Schedule, Kind: kind, Raised: after.Raised, Since: since, Detail: detail})
		}
	}
	return changes, next
}

func (s Settings) watches(kind Kind) bool {
	switch kind {
	case Late:
		return s.Late > 0
	case Missed:
		return s.Missed
	case Failing:
		return s.Failures > 0
	}
	return s.Running > 0
}

// judge gives the state of one kind after the one before. A kind that is watched
// no longer is forgotten without a word.
func judge(s Settings, kind Kind, f Facts, before State, now time.Time) (after State, detail string) {
	if !s.watches(kind) {
		return State{Mark: before.Mark}, ""
	}
	switch kind {
	case Late:
		if f.Broken != "" {
			return holds(before, true, now), "it cannot be decided: " + f.Broken
		}
		return holds(before, older(f.LateSince, s.Late, now), f.LateSince), lateDetail(f, now)
	case Missed:
		return missed(f, before, now), missedDetail(f)
	case Failing:
		// One that failed less often in a row than is told keeps its state: only a
		// success ends a failure.
		if f.Failures > 0 && f.Failures < s.Failures {
			return before, ""
		}
		return holds(before, f.Failures > 0, f.FailedAt), failingDetail(f)
	}
	return holds(before, older(f.RunningSince, s.Running, now), f.RunningSince), runningDetail(f, now)
}

func older(since time.Time, limit schedule.Duration, now time.Time) bool {
	return !since.IsZero() && now.Sub(since) >= time.Duration(limit)
}

// holds is the state where something holds, or does not; what held before began
// then.
func holds(before State, wrong bool, since time.Time) State {
	switch {
	case !wrong:
		return State{Mark: before.Mark}
	case before.Raised:
		return before
	}
	return State{Raised: true, Since: since, Mark: before.Mark}
}

// missed is raised by a nominal newer than those that were told, and ends when a
// later one is enqueued. Where both have come about since the last look, the one
// is told now and the other at the next.
func missed(f Facts, before State, now time.Time) State {
	switch {
	case f.Missed.After(before.Mark) && before.Raised:
		return State{Raised: true, Since: before.Since, Mark: f.Missed}
	case f.Missed.After(before.Mark):
		return State{Raised: true, Since: now, Mark: f.Missed}
	case before.Raised && f.Enqueued.After(before.Mark):
		return State{Mark: before.Mark}
	}
	return before
}

func lateDetail(f Facts, now time.Time) string {
	if f.LateSince.IsZero() {
		return ""
	}
	return fmt.Sprintf("%s for %s", f.LateFor, rounded(now.Sub(f.LateSince)))
}

func missedDetail(f Facts) string {
	switch {
	case f.Missed.IsZero():
		return ""
	case f.MissedCount > 1:
		return fmt.Sprintf("%d occurrences, the last %s: %s", f.MissedCount, schedule.FormatInstant(f.Missed), f.MissedReason)
	}
	return fmt.Sprintf("%s: %s", schedule.FormatInstant(f.Missed), f.MissedReason)
}

func failingDetail(f Facts) string {
	switch {
	case f.Failures == 0:
		return ""
	case f.Failures == 1:
		return "a job failed: " + f.Error
	}
	return fmt.Sprintf("%d jobs in a row failed, the last: %s", f.Failures, f.Error)
}

func runningDetail(f Facts, now time.Time) string {
	if f.RunningSince.IsZero() {
		return ""
	}
	return "an attempt runs for " + rounded(now.Sub(f.RunningSince))
}

func rounded(d time.Duration) string { return schedule.Duration(d.Round(time.Second)).String() }

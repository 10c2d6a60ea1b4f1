package schedule

import (
	"errors"
	"fmt"
	"time"
)

// SkipUntil decides every undecided nominal at or before an instant as
// skipped: on deletion whether due or not, by hand only what is due. What
// waited is decided too; what then is left of a catch-up line stays in line.
func SkipUntil(s *Schedule, state State, until time.Time, reason Reason) Decision {
	if reason == ReasonByHand {
		last, ok := s.Timeline.LastDue(until)
		if !ok {
			return Decision{State: state}
		}
		until = last.At
	}
	d := Decision{State: state}
	if row, ok := skippedStretch(s.Timeline, state.Cursor, until, reason); ok {
		d.Rows = []Row{row}
		d.State.Cursor = row.Until
	}
	d.State = afterSkip(s.Timeline, d.State)
	return d
}

// afterSkip is a state in which nothing waits and the clock looks again at the
// next due.
func afterSkip(t Timeline, state State) State {
	state.Waiting, state.WaitingDue, state.WaitUntil = NotWaiting, time.Time{}, time.Time{}
	state.CoveredCount, state.CoveredSince = 0, time.Time{}
	if next, ok := t.Next(state.Cursor); !ok || next.At.After(state.Met) {
		state.InLine = false
	}
	if !state.SkipAt.IsZero() && !state.SkipAt.After(state.Cursor) {
		state.SkipAt = time.Time{}
	}
	state.NextDue = t.nextDue(state.Cursor)
	return state
}

// ErrNothingAhead says that a schedule has no nominal left to be skipped.
var ErrNothingAhead = errors.New("no occurrence lies ahead")

// SkipNext names the first undecided nominal whose due is after now. Repeating
// it changes nothing: the nominal already named is named again, for as long as
// it is undecided.
func SkipNext(s *Schedule, state State, now time.Time) (time.Time, error) {
	if state.SkipAt.After(state.Cursor) {
		return state.SkipAt, nil
	}
	after := state.Cursor
	for {
		n, ok := s.Timeline.Next(after)
		if !ok {
			return time.Time{}, ErrNothingAhead
		}
		if n.Due.After(now) {
			return n.At, nil
		}
		if last, ok := s.Timeline.LastDue(now); ok && last.At.After(n.At) {
			after = last.At
		} else {
			after = n.At
		}
	}
}

// DecideTrigger says whether a job may be made by hand now. The returned row is
// enqueued, or skipped with the job that stands in the way; why says so in
// words.
func DecideTrigger(s *Schedule, state State, facts Facts, force bool) (row Row, why string) {
	row = Row{Due: facts.Now, Count: 1}
	policies := s.Policies
	switch {
	case force:
		return row, ""
	case policies.Overlap != OverlapAllow && len(facts.Active) > 0:
		row.Blocker = facts.Active[len(facts.Active)-1].ID
		why = fmt.Sprintf("job %d of this schedule is active, and its overlap is %s", row.Blocker, policies.Overlap)
	case policies.Overlap == OverlapQueue && len(facts.Retrying) > 0:
		row.Blocker = facts.Retrying[len(facts.Retrying)-1]
		why = fmt.Sprintf("job %d of this schedule waits for a retry, and its overlap is %s", row.Blocker, policies.Overlap)
	case state.Waiting != NotWaiting:
		why = fmt.Sprintf("an occurrence of this schedule waits for %s", state.Waiting.InWords())
	case policies.Limit != "" && facts.Places <= 0:
		why = fmt.Sprintf("the limit %q is full", policies.Limit)
	default:
		return row, ""
	}
	row.Skipped = ReasonNotFinished
	return row, why
}

// NextState is the state of a schedule just created or edited. Nothing before
// the cursor is made up. The clock looks at what waits at once: by the policies
// of now it may wait no longer, or for something else.
func NextState(t Timeline, state State) State {
	if state.Waiting == NotWaiting {
		state.NextDue = t.nextDue(state.Cursor)
	} else {
		state.NextDue = state.WaitingDue
	}
	return state
}

// BackfillNominals are the nominals a backfill of [from, to) is made of, by the
// definition now in force, at most limit of those after an instant. They may
// lie before the schedule was created.
func (t Timeline) BackfillNominals(after, from, to time.Time, limit int) []time.Time {
	spec := t.Spec()
	if spec == nil {
		return nil
	}
	return spec.Between(later(after, from.Add(-1)), to.Add(-1), limit)
}

package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/schedule"
)

// What came after a run and took its part: a row of the ledger knows only that
// something did.

// LeftTo is the occurrence that a coalesced one was left to, whatever became of it;
// nil: it is not decided yet, or not on record any more. What was superseded was
// left to a later one in its turn, and what a pause or somebody took out when the
// run was decided was never to run for it.
func (s *Store) LeftTo(ctx context.Context, r Run) (*Run, error) {
	last := r.Nominal
	if r.Until.After(last) {
		last = r.Until
	}
	ids, err := database.Values[int64](s.db.Reader().Query(ctx, `SELECT o.id FROM punctual_occurrence o
		WHERE o.schedule_id = (SELECT w.id FROM punctual_schedule w WHERE w.key = $1) AND o.origin = 'clock' AND o.nominal_at > $2
			AND o.reason NOT IN ('coalesced', 'superseded') AND NOT (o.reason IN ('paused', 'by hand') AND o.decided_at = $3)
		ORDER BY o.nominal_at LIMIT 1`, r.Schedule, last, r.DecidedAt))
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	found, err := s.Runs(ctx, RunFilter{ID: ids[0], Limit: 1})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

// LastDue is when the last of those was due that a row stands for.
func (r Run) LastDue() time.Time {
	if r.Count > 1 {
		return r.Until
	}
	return r.Due
}

// Late is how long after that it was decided.
func (r Run) Late() time.Duration { return r.DecidedAt.Sub(r.LastDue()) }

// NewestMissed is the newest of those that were missed together with a run, where it
// was left out as one of the others: under catch_up: none only the newest may run,
// within the grace. Nil: the run was too late itself, or the newest waits.
func (s *Store) NewestMissed(ctx context.Context, r Run, p schedule.Policies) (*Run, error) {
	if r.Late() > time.Duration(p.Grace) {
		return nil, nil
	}
	found, err := s.Runs(ctx, RunFilter{Key: r.Schedule, Origin: "clock", DecidedFrom: r.DecidedAt, From: r.LastDue(), To: r.DecidedAt.Add(time.Second), Limit: 100})
	if err != nil {
		return nil, err
	}
	var newest *Run
	for i, one := range found {
		byHand := one.Reason == string(schedule.ReasonPaused) || one.Reason == string(schedule.ReasonByHand)
		if one.DecidedAt.Equal(r.DecidedAt) && !byHand && one.Nominal.After(r.Nominal) && (newest == nil || one.Nominal.After(newest.Nominal)) {
			newest = &found[i]
		}
	}
	if newest != nil && newest.Reason == string(schedule.ReasonMissed) {
		return nil, nil // the grace was another then
	}
	return newest, nil
}

// DecidedWith says whether two runs were decided at the same moment: what was missed
// is, by a clock that has been away.
func (r Run) DecidedWith(other Run) bool { return r.DecidedAt.Equal(other.DecidedAt) }

// EndedUnnoticed says that the run in the way of a skipped one had ended before that
// was decided. The end of a job is written down some milliseconds after it ended, and
// until then it stands in the way. Empty: it had not.
func (r Run) EndedUnnoticed(blocker Run) string {
	before := r.DecidedAt.Sub(blocker.FinishedAt)
	if r.Reason != string(schedule.ReasonNotFinished) || blocker.FinishedAt.IsZero() || before <= 0 || !blocker.DecidedAt.Before(r.DecidedAt) {
		return ""
	}
	return fmt.Sprintf("it ended %s before, which was not written down yet when this was decided", schedule.Elapsed(max(before, time.Millisecond)))
}

// WhySkipped is the reason of a skip in words, with what became of the occurrence it
// was left to, and of the run that stood in its way. blocker may be nil.
func (s *Store) WhySkipped(ctx context.Context, r Run, blocker *Run, p schedule.Policies) (why string, err error) {
	why = schedule.Reason(r.Reason).InWords(p, r.Note, r.Late())
	if blocker != nil && r.EndedUnnoticed(*blocker) != "" {
		why += "; " + r.EndedUnnoticed(*blocker)
	}
	if blocker != nil && r.State == "skipped" && r.DecidedWith(*blocker) {
		why += "; both were decided at the same moment, by a clock that had been away"
	}
	switch schedule.Reason(r.Reason) {
	case schedule.ReasonCoalesced:
		later, err := s.LeftTo(ctx, r)
		if err != nil {
			return why, err
		}
		why += "; " + LeftToInWords(later)
	case schedule.ReasonMissed:
		newest, err := s.NewestMissed(ctx, r, p)
		if err != nil {
			return why, err
		}
		if newest != nil {
			why += "; " + LeftToInWords(newest)
		}
	}
	return why, nil
}

// LeftToInWords says what became of the occurrence that a coalesced one was left to.
func LeftToInWords(later *Run) string {
	if later == nil {
		return "that one is not decided yet"
	}
	return fmt.Sprintf("that one, %s, %s", later.Occurrence, later.fate())
}

// fate is what became of a run, as a sentence goes on.
func (r Run) fate() string {
	switch r.State {
	case "skipped":
		if schedule.Reason(r.Reason) == schedule.ReasonNotFinished && r.Note != "" {
			return "was skipped: " + r.Note
		}
		return "was skipped: " + r.Reason
	case "available", "scheduled", "pending":
		return "waits for a worker"
	case "retryable":
		return "failed and waits for a retry"
	case "running":
		return "runs"
	case "cancelled", "superseded":
		return "was " + r.State
	case "unknown":
		return "was queued"
	}
	return r.State // succeeded, failed, expired
}

// NewerThan is the first run of the same schedule that was due after a run, and by
// an instant; nil: there is none.
func (s *Store) NewerThan(ctx context.Context, r Run, by time.Time) (*Run, error) {
	const most = 20
	runs, err := s.Runs(ctx, RunFilter{Key: r.Schedule, Decision: "enqueued", From: r.Due.Add(time.Microsecond), To: by.Add(time.Microsecond), Limit: most})
	for _, one := range slices.Backward(runs) {
		if one.Origin != "backfill" && !one.DecidedAt.Before(r.DecidedAt) {
			return &one, err
		}
	}
	return nil, err
}

// WithoutJob says of a run that was skipped that it has no job, why, and what runs it
// after all. A refused trigger has no nominal that could be run.
func (s *Store) WithoutJob(ctx context.Context, r Run) string {
	text := fmt.Sprintf("%s was skipped (%s), so it has no job", r.Occurrence, cmp.Or(r.Note, r.Reason))
	if r.Nominal.IsZero() {
		return text
	}
	switch overviews, err := s.Overviews(ctx, r.Schedule); {
	case err != nil: // it is deleted
		return text
	case overviews[0].When.Yields(r.Nominal):
		return text + "; " + MakesUp(r.Schedule, r.Nominal)
	}
	return text + "; its when has changed since and yields it no more, so no backfill runs it: punctual schedules trigger " + r.Schedule + "   runs it now"
}

// At is the run as that of one occurrence in a stretch that was skipped together.
func (r Run) At(nominal time.Time) Run {
	if !nominal.IsZero() && !r.Nominal.IsZero() {
		r.Nominal, r.Occurrence = nominal, schedule.OccurrenceName(r.Schedule, nominal)
	}
	return r
}

// MakesUp says what runs one occurrence that is past.
func MakesUp(key string, at time.Time) string {
	return fmt.Sprintf("punctual backfill %s --from %s --to %s   runs it after all", key, schedule.FormatInstant(at), schedule.FormatInstant(at.Add(time.Second)))
}

package store

import (
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

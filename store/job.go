package store

import (
	"context"
	"fmt"
	"time"

	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/schedule"
)

// RetryJob makes a job that has ended, or waits for a retry, available at once.
// The ledger will tell what comes of that; what came of it before is kept with
// who asked for the retry (JobActivities).
func (s *Store) RetryJob(ctx context.Context, id int64, actor Actor) error {
	return s.editJob(ctx, id, "retry", actor, func(e *edit) (string, error) {
		before, err := s.runs(ctx, e.tx, RunFilter{JobID: id, Limit: 1})
		if err != nil {
			return "", err
		}
		if err := s.queue.RetryTx(ctx, e.tx, id); err != nil {
			return "", err
		}
		_, err = e.tx.Exec(ctx, `UPDATE punctual_occurrence SET outcome = NULL, attempts = 0, started_at = NULL, finished_at = NULL, error = '',
				seen_at = NULL, seen_by = ''
			WHERE job_id = $1 AND outcome IS NOT NULL`, id)
		if len(before) == 0 {
			return "", err
		}
		return before[0].soFar(), err
	})
}

// soFar says what has come of a run, for when it begins anew.
func (r Run) soFar() string {
	if r.FinishedAt.IsZero() {
		return "it was " + r.State
	}
	text := "it had " + r.State
	if r.State == "cancelled" || r.State == "expired" {
		text = "it was " + r.State
	}
	text += " at " + schedule.FormatInstant(r.FinishedAt)
	if r.FinishedAt.After(r.StartedAt) && !r.StartedAt.IsZero() {
		text += " after " + schedule.Elapsed(r.FinishedAt.Sub(r.StartedAt).Round(time.Millisecond))
	}
	return text
}

// CancelJob asks a running job to stop, and cancels one that waits.
func (s *Store) CancelJob(ctx context.Context, id int64, actor Actor) error {
	return s.editJob(ctx, id, "cancel", actor, func(e *edit) (string, error) {
		return "", s.queue.CancelTx(ctx, e.tx, []int64{id})
	})
}

// editJob changes a job of the ledger and records who did, with what change says
// of it. The schedule's row is held first, in the order in which everyone takes
// locks; its version moves, so that decisions which rest on how the job stood
// are made again.
func (s *Store) editJob(ctx context.Context, id int64, action string, actor Actor, change func(*edit) (string, error)) error {
	return s.edit(ctx, func(e *edit) error {
		var (
			scheduleID int64
			key        string
		)
		err := e.tx.QueryRow(ctx, `SELECT s.id, s.key FROM punctual_occurrence o JOIN punctual_schedule s ON s.id = o.schedule_id
			WHERE o.job_id = $1`, id).Scan(&scheduleID, &key)
		if err == database.ErrNoRows {
			return fmt.Errorf("job %d is none of the ledger's", id)
		}
		if err != nil {
			return err
		}
		if _, err := e.tx.Exec(ctx, "UPDATE punctual_due SET version = version + 1 WHERE schedule_id = $1", scheduleID); err != nil {
			return err
		}
		said, err := change(e)
		if err != nil {
			return err
		}
		if said != "" {
			said = "; " + said
		}
		return e.record(actor, action, scheduleID, key, jobDetail(id)+said)
	})
}

// jobDetail begins the detail of an activity that is about a job.
func jobDetail(id int64) string { return fmt.Sprintf("job %d", id) }

// JobActivities lists who retried and cancelled a job, the oldest first, with
// what had come of it before.
func (s *Store) JobActivities(ctx context.Context, id int64) ([]Activity, error) {
	return s.activities(ctx, `schedule_id = (SELECT schedule_id FROM punctual_occurrence WHERE job_id = $1 LIMIT 1)
		AND (detail = $2 OR detail LIKE $3) ORDER BY id`, id, jobDetail(id), jobDetail(id)+";%")
}

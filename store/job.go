package store

import (
	"context"
	"fmt"

	"github.com/punctual-dev/punctual/database"
)

// RetryJob makes a job that has ended, or waits for a retry, available at once.
// What the ledger says came of it is taken back in the same transaction: it is
// yet to come. A running job is left alone.
func (s *Store) RetryJob(ctx context.Context, id int64, actor Actor) error {
	return s.editJob(ctx, id, "retry", actor, func(e *edit) error {
		if err := s.queue.RetryTx(ctx, e.tx, id); err != nil {
			return err
		}
		_, err := e.tx.Exec(ctx, `UPDATE punctual_occurrence SET outcome = NULL, attempts = 0, started_at = NULL, finished_at = NULL, error = '',
				seen_at = NULL, seen_by = ''
			WHERE job_id = $1 AND outcome IS NOT NULL`, id)
		return err
	})
}

// CancelJob asks a running job to stop, and cancels one that waits.
func (s *Store) CancelJob(ctx context.Context, id int64, actor Actor) error {
	return s.editJob(ctx, id, "cancel", actor, func(e *edit) error {
		return s.queue.CancelTx(ctx, e.tx, []int64{id})
	})
}

// editJob changes a job of the ledger and records who did. The schedule's row is
// held first, in the order in which everyone takes locks; its version moves, so
// that decisions which rest on how the job stood are made again.
func (s *Store) editJob(ctx context.Context, id int64, action string, actor Actor, change func(*edit) error) error {
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
		if err := change(e); err != nil {
			return err
		}
		return e.record(actor, action, scheduleID, key, fmt.Sprintf("job %d", id))
	})
}

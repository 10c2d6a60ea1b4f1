package store

import (
	"context"

	"github.com/punctual-dev/punctual/database"
)

// outcomeBatch bounds how many outcomes one statement copies.
const outcomeBatch = 2000

// CopyOutcomes copies what came of ended jobs from the queue into the ledger,
// which keeps it when the queue forgets, and returns how many that were. A job
// that is gone from the queue without a trace is said to be unknown.
func (s *Store) CopyOutcomes(ctx context.Context) (int64, error) {
	var copied int64
	err := s.db.Transaction(ctx, func(tx database.Tx) error {
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		copied, err = tx.Exec(ctx, `UPDATE punctual_occurrence SET outcome = e.outcome, attempts = e.attempts,
				started_at = e.started_at, finished_at = coalesce(e.finished_at, $1), error = e.error
			FROM (SELECT o.id AS row_id, CASE WHEN j.id IS NULL THEN 'unknown' ELSE `+s.jobs.Outcome+` END AS outcome,
					coalesce(j.attempt, 0) AS attempts, `+s.jobs.StartedAt+` AS started_at, `+s.jobs.FinishedAt+` AS finished_at,
					CASE WHEN j.state = 'completed' OR j.id IS NULL THEN '' ELSE `+s.jobs.Error+` END AS error
				FROM punctual_occurrence o LEFT JOIN river_job j ON j.id = o.job_id
				WHERE o.job_id IS NOT NULL AND o.outcome IS NULL AND (j.id IS NULL OR `+s.jobs.Ended+`)
				LIMIT $2 FOR UPDATE OF o SKIP LOCKED) AS e
			WHERE punctual_occurrence.id = e.row_id`, now, outcomeBatch)
		return err
	})
	return copied, err
}

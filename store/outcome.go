package store

import (
	"context"
	"sync"
	"time"

	"github.com/punctual-dev/punctual/database"
)

// outcomeBatch bounds how many outcomes one statement copies.
const outcomeBatch = 2000

// Outcomes are the words for what came of a job. Unknown is one that is gone from
// the queue without a trace.
var Outcomes = []string{"succeeded", "failed", "expired", "cancelled", "superseded", "unknown"}

// EndedJob is what came of a job of a schedule.
type EndedJob struct{ Schedule, Outcome string }

// WatchOutcomes has this store tell of every outcome that it copies, once it is
// written down. Of all processes exactly one copies it. It is to be called before
// anything runs.
func (s *Store) WatchOutcomes(ended func([]EndedJob)) { s.ended = ended }

// Those that ended lately are found by an index. All that is open is looked
// through more seldom: for jobs whose worker's clock is slow, and for those that
// are gone from the queue. That takes the longer the more jobs wait, and meanwhile
// the clock decides nothing.
const (
	outcomesOverlap  = 3 * time.Second
	outcomesAllEvery = 15 * time.Second
)

// outcomesSeen is until when a store has looked for outcomes.
type outcomesSeen struct {
	mu          sync.Mutex
	lately, all time.Time
}

// CopyOutcomes copies what came of ended jobs from the queue into the ledger,
// which keeps it when the queue forgets, and returns how many that were. A job
// that is gone from the queue without a trace is said to be unknown.
func (s *Store) CopyOutcomes(ctx context.Context) (int64, error) {
	s.outcomes.mu.Lock()
	defer s.outcomes.mu.Unlock()
	now, err := s.db.Now(ctx)
	if err != nil {
		return 0, err
	}
	seen := &s.outcomes
	all := seen.all.IsZero() || now.Before(seen.all) || now.Sub(seen.all) >= outcomesAllEvery
	rows, err := s.openButEnded(ctx, all)
	if err != nil {
		return 0, err
	}
	var copied int64
	if len(rows) > 0 {
		if copied, err = s.copyOutcomes(ctx, rows); err != nil {
			return 0, err
		}
	}
	if len(rows) < outcomeBatch {
		// There are no more.
		if seen.lately = now; all {
			seen.all = now
		}
	}
	return copied, nil
}

// openButEnded are the rows of the ledger whose job has ended, at most a batch:
// of those lately, or of all.
func (s *Store) openButEnded(ctx context.Context, all bool) ([]int64, error) {
	query, arguments := `SELECT o.id FROM river_job j JOIN punctual_occurrence o ON o.job_id = j.id
		WHERE o.job_id IS NOT NULL AND o.outcome IS NULL AND `+s.jobs.EndedSince+` LIMIT $1`,
		[]any{outcomeBatch, s.queue.Instant(s.outcomes.lately.Add(-outcomesOverlap))}
	if all {
		query, arguments = `SELECT o.id FROM punctual_occurrence o LEFT JOIN river_job j ON j.id = o.job_id
			WHERE o.job_id IS NOT NULL AND o.outcome IS NULL AND (j.id IS NULL OR `+s.jobs.Ended+`) LIMIT $1`, arguments[:1]
	}
	return database.Values[int64](s.db.Reader().Query(ctx, query, arguments...))
}

// copyOutcomes copies those of rows that nobody has copied meanwhile.
func (s *Store) copyOutcomes(ctx context.Context, rows []int64) (copied int64, err error) {
	var ended []EndedJob
	err = s.db.Transaction(ctx, func(tx database.Tx) error {
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		statement := `UPDATE punctual_occurrence SET outcome = e.outcome, attempts = e.attempts,
				started_at = e.started_at, finished_at = coalesce(e.finished_at, $1), error = e.error
			FROM (SELECT o.id AS row_id, CASE WHEN j.id IS NULL THEN 'unknown' ELSE ` + s.jobs.Outcome + ` END AS outcome,
					coalesce(j.attempt, 0) AS attempts, ` + s.jobs.StartedAt + ` AS started_at, ` + s.jobs.FinishedAt + ` AS finished_at,
					CASE WHEN j.state = 'completed' OR j.id IS NULL THEN '' ELSE ` + s.jobs.Error + ` END AS error
				FROM punctual_occurrence o LEFT JOIN river_job j ON j.id = o.job_id
				WHERE o.id = ANY($2) AND o.outcome IS NULL AND (j.id IS NULL OR ` + s.jobs.Ended + `) FOR UPDATE OF o SKIP LOCKED) AS e
			WHERE punctual_occurrence.id = e.row_id`
		if s.ended == nil {
			copied, err = tx.Exec(ctx, statement, now, rows)
			return err
		}
		ended, err = endedJobs(tx.Query(ctx, statement+` RETURNING
			(SELECT s.key FROM punctual_schedule s WHERE s.id = punctual_occurrence.schedule_id), punctual_occurrence.outcome`, now, rows))
		copied = int64(len(ended))
		return err
	})
	if err == nil && len(ended) > 0 {
		s.ended(ended)
	}
	return copied, err
}

func endedJobs(rows database.Rows, err error) ([]EndedJob, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []EndedJob
	for rows.Next() {
		var one EndedJob
		if err := rows.Scan(&one.Schedule, &one.Outcome); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

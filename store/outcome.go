package store

import (
	"context"
	"slices"
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

// Those that ended lately are found by an index. What is open is looked through
// beside that, a stretch at a time, since it takes the longer the more jobs wait,
// and meanwhile the clock decides nothing: for outcomes that were written down
// late, and for jobs that are gone from the queue.
const (
	outcomesOverlap  = 3 * time.Second
	outcomesAllEvery = 15 * time.Second
	outcomesStretch  = 250
)

// outcomesSeen is how far a store has looked for outcomes.
type outcomesSeen struct {
	mu     sync.Mutex
	known  bool      // lately is
	lately time.Time // until when jobs that ended have been looked at
	// copied are jobs whose outcome was copied since lately, or so shortly before
	// that they would be found once more.
	copied []copiedJob
	all    time.Time // when all that is open had been looked through
	// after is the row after which to go on with all that is open; zero stands
	// before the first.
	after struct{ schedule, job int64 }
}

// copiedJob is a job whose outcome is in the ledger, and when that was found.
type copiedJob struct {
	id int64
	at time.Time
}

// CopyOutcomes copies what came of ended jobs from the queue into the ledger,
// which keeps it when the queue forgets, and returns how many that were. A job
// that is gone from the queue without a trace is said to be unknown.
func (s *Store) CopyOutcomes(ctx context.Context) (copied int64, err error) {
	s.outcomes.mu.Lock()
	defer s.outcomes.mu.Unlock()
	now, err := s.db.Now(ctx)
	if err != nil {
		return 0, err
	}
	if err := s.beginOutcomes(ctx, now); err != nil {
		return 0, err
	}
	rows, jobs, err := s.endedLately(ctx)
	if err != nil {
		return 0, err
	}
	lately := len(rows)
	overlooked, err := s.endedOfOpen(ctx, now)
	if err != nil {
		return 0, err
	}
	if rows = append(rows, overlooked...); len(rows) > 0 {
		if copied, err = s.copyOutcomes(ctx, rows); err != nil {
			return 0, err
		}
	}
	s.outcomes.endLook(now, jobs, lately < outcomeBatch)
	return copied, nil
}

// endLook notes what a look has copied, and whether there was no more.
func (o *outcomesSeen) endLook(now time.Time, jobs []int64, all bool) {
	for _, id := range jobs {
		o.copied = append(o.copied, copiedJob{id, now})
	}
	if !all {
		return
	}
	// What ended before the next look's beginning is not found again.
	past := slices.IndexFunc(o.copied, func(c copiedJob) bool { return !c.at.Before(now.Add(-outcomesOverlap)) })
	if past < 0 {
		past = len(o.copied)
	}
	o.lately, o.copied = now, slices.Delete(o.copied, 0, past)
}

// beginOutcomes finds out how far the clocks before this one came. What they left
// is found among all that is open.
func (s *Store) beginOutcomes(ctx context.Context, now time.Time) (err error) {
	seen := &s.outcomes
	if !seen.known {
		if seen.lately, err = s.LastTick(ctx); err != nil {
			return err
		}
		seen.known = true
	}
	// The time may have been set back.
	if now.Before(seen.lately) {
		seen.lately, seen.copied = now, nil
	}
	if now.Before(seen.all) {
		seen.all = time.Time{}
	}
	return nil
}

// endedLately are the rows of the ledger whose job has ended lately and whose
// outcome is still open, at most a batch, and those jobs. The row is asked for job by job, and not
// in words that fit the index of what is open: a planner that knows little of
// young tables takes that for tiny, and would read all of it each time.
func (s *Store) endedLately(ctx context.Context) (rows, jobs []int64, err error) {
	seen := &s.outcomes
	copied := database.Column(seen.copied, func(c copiedJob) int64 { return c.id })
	found, err := s.db.Reader().Query(ctx, `SELECT row_id, job_id FROM (
			SELECT j.id AS job_id, (SELECT o.id FROM punctual_occurrence o WHERE o.job_id = j.id AND coalesce(o.outcome, '') = '' LIMIT 1) AS row_id
			FROM river_job j WHERE `+s.jobs.EndedSince+` AND NOT (j.id = ANY($3))) AS lately
		WHERE row_id IS NOT NULL LIMIT $1`, outcomeBatch, s.queue.Instant(seen.lately.Add(-outcomesOverlap)), copied)
	if err != nil {
		return nil, nil, err
	}
	defer found.Close()
	for found.Next() {
		var row, job int64
		if err := found.Scan(&row, &job); err != nil {
			return nil, nil, err
		}
		rows, jobs = append(rows, row), append(jobs, job)
	}
	return rows, jobs, found.Err()
}

// endedOfOpen looks through the next stretch of what is open, and gives the rows
// whose job has ended or is gone.
func (s *Store) endedOfOpen(ctx context.Context, now time.Time) (ended []int64, err error) {
	if now.Sub(s.outcomes.all) < outcomesAllEvery {
		return nil, nil
	}
	if s.db.Kind == database.SQLite {
		return s.endedInStretch(ctx, s.db.Reader(), now)
	}
	err = s.db.Transaction(ctx, func(tx database.Tx) error {
		// As long as a table is young its statistics say that next to nothing is
		// open, and then to gather and to sort it all would look cheapest.
		if _, err := tx.Exec(ctx, "SET LOCAL enable_bitmapscan = off"); err != nil {
			return err
		}
		ended, err = s.endedInStretch(ctx, tx, now)
		return err
	})
	return ended, err
}

func (s *Store) endedInStretch(ctx context.Context, from database.Querier, now time.Time) (ended []int64, err error) {
	seen := &s.outcomes
	rows, err := from.Query(ctx, `SELECT o.id, o.schedule_id, o.job_id,
			coalesce((SELECT CASE WHEN `+s.jobs.Ended+` THEN 1 ELSE 0 END FROM river_job j WHERE j.id = o.job_id), 1)
		FROM punctual_occurrence o WHERE o.job_id IS NOT NULL AND o.outcome IS NULL AND (o.schedule_id, o.job_id) > ($1, $2)
		ORDER BY o.schedule_id, o.job_id LIMIT $3`, seen.after.schedule, seen.after.job, outcomesStretch)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	looked, after := 0, seen.after
	for ; rows.Next(); looked++ {
		var (
			id   int64
			over bool
		)
		if err := rows.Scan(&id, &after.schedule, &after.job, boolean{&over}); err != nil {
			return nil, err
		}
		if over {
			ended = append(ended, id)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if seen.after = after; looked < outcomesStretch {
		seen.after, seen.all = struct{ schedule, job int64 }{}, now
	}
	return ended, nil
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

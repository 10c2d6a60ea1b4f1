package store

import (
	"context"
)

// Beside is what else makes jobs in the range of a backfill, which leaves out what
// has one. With rerun it leaves out nothing.
type Beside struct {
	// Before is how many of its occurrences had a job already when it began.
	Before int
	// Since is how many have been given one since then, by the backfill that did so;
	// zero: by a clock.
	Since map[int64]int
	// Open are the other backfills that go on over a part of the range, the oldest
	// first.
	Open []Backfill
}

// BesideBackfill tells what else makes jobs in the range of a backfill, which may be
// one that is only planned.
func (s *Store) BesideBackfill(ctx context.Context, b Backfill) (Beside, error) {
	beside := Beside{Since: map[int64]int{}}
	if b.Rerun {
		return beside, nil
	}
	made, arguments := `FROM punctual_occurrence o
		WHERE o.schedule_id = (SELECT w.id FROM punctual_schedule w WHERE w.key = $1) AND o.nominal_at >= $2 AND o.nominal_at < $3
			AND o.decision = 'enqueued' AND (o.origin = 'clock' OR o.origin = 'backfill' AND o.run <> $4)`, []any{b.Key, b.From, b.To, b.ID}
	err := s.db.Reader().QueryRow(ctx, "SELECT count(DISTINCT o.nominal_at) "+made+" AND o.decided_at < $5", append(arguments, b.CreatedAt)...).Scan(&beside.Before)
	if err != nil {
		return beside, err
	}
	if err := s.madeSince(ctx, beside.Since, made, append(arguments, b.CreatedAt)); err != nil {
		return beside, err
	}
	beside.Open, err = s.readBackfills(ctx, `s.key = $1 AND b.from_at < $3 AND b.to_at > $2 AND b.id <> $4
		AND b.finished_at IS NULL AND b.stopped_at IS NULL ORDER BY b.id`, arguments...)
	return beside, err
}

func (s *Store) madeSince(ctx context.Context, counts map[int64]int, made string, arguments []any) error {
	rows, err := s.db.Reader().Query(ctx, "SELECT o.run, count(*) "+made+" AND o.decided_at >= $5 GROUP BY o.run", arguments...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var backfill int64
		var count int
		if err := rows.Scan(&backfill, &count); err != nil {
			return err
		}
		counts[backfill] = count
	}
	return rows.Err()
}

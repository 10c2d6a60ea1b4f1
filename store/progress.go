package store

import (
	"context"
	"math"
	"time"

	"github.com/punctual-dev/punctual/database"
)

// Progress is how far a running job said it was, the last time it did.
type Progress struct {
	Attempt  int       `json:"attempt"`
	At       time.Time `json:"at"`
	Fraction float64   `json:"fraction"` // from 0 to 1
	Note     string    `json:"note,omitempty"`
}

// RecordProgress keeps how far a job is; the latest takes the place of what was
// kept before.
func (s *Store) RecordProgress(ctx context.Context, job int64, p Progress) error {
	fraction := min(max(p.Fraction, 0), 1)
	if math.IsNaN(fraction) {
		fraction = 0
	}
	return s.db.Transaction(ctx, func(tx database.Tx) error {
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO punctual_progress (job_id, attempt, at, fraction, note) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (job_id) DO UPDATE SET attempt = excluded.attempt, at = excluded.at, fraction = excluded.fraction, note = excluded.note`,
			job, p.Attempt, now, fraction, short(p.Note, maxNote))
		return err
	})
}

package store

import (
	"context"
	"time"

	"github.com/punctual-dev/punctual/database"
)

// Output is a piece of what an attempt of a job wrote, in order of Sequence.
type Output struct {
	Attempt  int       `json:"attempt"`
	Sequence int       `json:"sequence"`
	At       time.Time `json:"at"`
	Stream   string    `json:"stream"`
	Data     []byte    `json:"data"`
	// Replaces asks for the removal of the pieces after this one up to and
	// including that sequence; zero: none.
	Replaces int `json:"-"`
}

// RecordOutput keeps pieces of output. A piece takes the place of the one with
// its job, attempt and sequence, so that a repeat is harmless.
func (s *Store) RecordOutput(ctx context.Context, job int64, pieces []Output) error {
	return s.db.Transaction(ctx, func(tx database.Tx) error {
		for _, p := range pieces {
			if p.Replaces > 0 {
				if _, err := tx.Exec(ctx, `DELETE FROM punctual_output
					WHERE job_id = $1 AND attempt = $2 AND sequence > $3 AND sequence <= $4`, job, p.Attempt, p.Sequence, p.Replaces); err != nil {
					return err
				}
			}
			if _, err := tx.Exec(ctx, `INSERT INTO punctual_output (job_id, attempt, sequence, at, stream, data) VALUES ($1, $2, $3, $4, $5, $6)
				ON CONFLICT (job_id, attempt, sequence) DO UPDATE SET at = excluded.at, stream = excluded.stream, data = excluded.data`,
				job, p.Attempt, p.Sequence, p.At, p.Stream, p.Data); err != nil {
				return err
			}
		}
		return nil
	})
}

// Outputs reads what a job wrote after a place (attempt, sequence); zeros are
// the beginning.
func (s *Store) Outputs(ctx context.Context, job int64, attempt, sequence int) ([]Output, error) {
	const page = 500
	rows, err := s.db.Reader().Query(ctx, `SELECT attempt, sequence, at, stream, data FROM punctual_output
		WHERE job_id = $1 AND (attempt > $2 OR attempt = $2 AND sequence > $3) ORDER BY attempt, sequence LIMIT $4`, job, attempt, sequence, page)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var pieces []Output
	for rows.Next() {
		var p Output
		if err := rows.Scan(&p.Attempt, &p.Sequence, &p.At, &p.Stream, &p.Data); err != nil {
			return nil, err
		}
		pieces = append(pieces, p)
	}
	return pieces, rows.Err()
}

// KeptOutput is how much of a job's output is kept: its bytes and pieces, up to
// and including an attempt, and the newest sequence of that attempt (zero: none).
func (s *Store) KeptOutput(ctx context.Context, job int64, attempt int) (bytes, pieces, last int, err error) {
	length := "octet_length(data)"
	if s.db.Kind == database.SQLite {
		length = "length(data)"
	}
	err = s.db.Reader().QueryRow(ctx, `SELECT coalesce(sum(`+length+`), 0), count(*), coalesce(max(CASE WHEN attempt = $2 THEN sequence END), 0)
		FROM punctual_output WHERE job_id = $1 AND attempt <= $2`, job, attempt).Scan(&bytes, &pieces, &last)
	return bytes, pieces, last, err
}

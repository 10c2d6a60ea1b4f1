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

// JobOutput is what a job wrote lately.
type JobOutput struct {
	Job    int64
	Pieces []Output
}

// RecordOutput keeps pieces of output of any number of jobs, all or none. A piece
// takes the place of the one with its job, attempt and sequence, so that a repeat
// is harmless; of two in one call the latter stays.
func (s *Store) RecordOutput(ctx context.Context, written []JobOutput) error {
	rows := outputRows(written)
	if len(rows.jobs) == 0 {
		return nil
	}
	return s.db.Transaction(ctx, func(tx database.Tx) error {
		for _, w := range written {
			for _, p := range w.Pieces {
				if p.Replaces == 0 {
					continue
				}
				if _, err := tx.Exec(ctx, `DELETE FROM punctual_output
					WHERE job_id = $1 AND attempt = $2 AND sequence > $3 AND sequence <= $4`, w.Job, p.Attempt, p.Sequence, p.Replaces); err != nil {
					return err
				}
			}
		}
		return rows.insert(ctx, tx, s.db.Kind)
	})
}

// outputColumns are rows of punctual_output, column by column.
type outputColumns struct {
	jobs               []int64
	attempts, sequence []int64
	at                 []time.Time
	streams            []string
	data               [][]byte
}

// outputRows are the rows that all this comes to.
func outputRows(written []JobOutput) (c outputColumns) {
	type place struct {
		job               int64
		attempt, sequence int
	}
	newest := map[place]*Output{}
	var order []place
	for _, w := range written {
		for i, p := range w.Pieces {
			for gone := p.Sequence + 1; gone <= p.Replaces; gone++ {
				delete(newest, place{w.Job, p.Attempt, gone})
			}
			at := place{w.Job, p.Attempt, p.Sequence}
			newest[at] = &w.Pieces[i]
			order = append(order, at)
		}
	}
	for _, at := range order {
		p := newest[at]
		if p == nil {
			continue
		}
		delete(newest, at)
		c.jobs, c.attempts, c.sequence = append(c.jobs, at.job), append(c.attempts, int64(p.Attempt)), append(c.sequence, int64(p.Sequence))
		c.at, c.streams, c.data = append(c.at, p.At), append(c.streams, p.Stream), append(c.data, p.Data)
	}
	return c
}

// insert sends all rows at once to a server; to a file there is no way.
func (c outputColumns) insert(ctx context.Context, tx database.Tx, kind database.Kind) error {
	const into, replacing = `INSERT INTO punctual_output (job_id, attempt, sequence, at, stream, data) `,
		` ON CONFLICT (job_id, attempt, sequence) DO UPDATE SET at = excluded.at, stream = excluded.stream, data = excluded.data`
	if kind == database.Postgres {
		_, err := tx.Exec(ctx, into+`SELECT * FROM unnest($1::bigint[], $2::int[], $3::int[], $4::timestamptz[], $5::text[], $6::bytea[])`+replacing,
			c.jobs, c.attempts, c.sequence, c.at, c.streams, c.data)
		return err
	}
	for i := range c.jobs {
		if _, err := tx.Exec(ctx, into+`VALUES ($1, $2, $3, $4, $5, $6)`+replacing, c.jobs[i], c.attempts[i], c.sequence[i], c.at[i], c.streams[i], c.data[i]); err != nil {
			return err
		}
	}
	return nil
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

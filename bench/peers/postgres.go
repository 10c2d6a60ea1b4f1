package main

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/punctual-dev/punctual/bench/figure"
	"github.com/punctual-dev/punctual/bench/house"
)

// postgres is a queue of River's tables, which nobody reads.
type postgres struct {
	*pgx.Conn
	made string // a query for the due and the transaction of each job
}

func openPostgres(ctx context.Context, address, made string) (postgres, error) {
	connection, err := pgx.Connect(ctx, address)
	return postgres{connection, made}, err
}

// jobs counts only when as many numbers were given out, since that takes long.
func (p postgres) jobs(ctx context.Context) (n int, err error) {
	// Numbers are seen out of turn where several transactions write at once, so
	// this may be more than there are; moments counts them.
	err = p.QueryRow(ctx, "SELECT coalesce(max(id), 0) FROM river_job").Scan(&n)
	return n, err
}

func (p postgres) moments(ctx context.Context, _ []look) (m moments, err error) {
	if err := p.QueryRow(ctx, "SELECT count(*) FROM river_job").Scan(&m.jobs); err != nil || m.jobs == 0 {
		return m, err
	}
	// Nobody works the jobs, so the transaction that is seen is the one that made
	// them.
	err = p.QueryRow(ctx, house.CommitMoments("river_job")).Scan(&m.first, &m.half, &m.last)
	return m, err
}

func (p postgres) lateness(ctx context.Context, from, to time.Time) ([]float64, error) {
	rows, err := p.Query(ctx, "SELECT due, pg_xact_commit_timestamp(made) FROM ("+p.made+") AS j WHERE due >= $1 AND due < $2", from, to)
	if err != nil {
		return nil, err
	}
	late, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (float64, error) {
		var due, committed time.Time
		err := row.Scan(&due, &committed)
		return committed.Sub(due).Seconds() * 1000, err
	})
	slices.Sort(late)
	return late, err
}

// patience is longer than the half minute after which River gives up an insert.
func (postgres) patience() time.Duration { return 35 * time.Second }

// commit is how many milliseconds a transaction with one row takes.
func (p postgres) commit(ctx context.Context) (float64, error) {
	if _, err := p.Exec(ctx, "CREATE TABLE small (number int)"); err != nil {
		return 0, err
	}
	var took []float64
	for n := range 50 {
		began := time.Now()
		if _, err := p.Exec(ctx, "INSERT INTO small VALUES ($1)", n); err != nil {
			return 0, err
		}
		took = append(took, time.Since(began).Seconds()*1000)
	}
	return figure.At(took, 0.5), nil
}

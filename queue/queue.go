// Package queue is the only room that knows River: it inserts jobs in the
// caller's transaction, works them, and cancels, retries and lists them. Jobs
// stay ordinary River jobs that other River programs can work.
package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"

	"github.com/punctual-dev/punctual/database"
)

// Queue is the queue in a database.
type Queue struct {
	db     *database.Database
	client client
	time   databaseTime
}

// client is what the two instances of River's generic client have in common.
type client interface {
	cancelTx(ctx context.Context, tx database.Tx, id int64) (*rivertype.JobRow, error)
	cancel(ctx context.Context, id int64) (*rivertype.JobRow, error)
	retry(ctx context.Context, id int64) (*rivertype.JobRow, error)
	retryTx(ctx context.Context, tx database.Tx, id int64) (*rivertype.JobRow, error)
	get(ctx context.Context, id int64) (*rivertype.JobRow, error)
	pauseQueueTx(ctx context.Context, tx database.Tx, name string) error
	resumeQueueTx(ctx context.Context, tx database.Tx, name string) error
}

// Open gives the queue in db, to insert into and to look at.
func Open(db *database.Database) (*Queue, error) {
	config := &river.Config{Logger: slog.New(slog.DiscardHandler)}
	q := &Queue{db: db}
	var err error
	switch pool := db.Native().(type) {
	case *pgxpool.Pool:
		q.client, err = newRiver[pgx.Tx](riverpgxv5.New(pool), config)
	case *sql.DB:
		q.client, err = newRiver[*sql.Tx](riversqlite.New(pool), config)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the queue: %w", err)
	}
	return q, nil
}

// Migrate brings River's tables up to date over a driver's pool, whose
// statements may take long. It is to be called under a lock.
func Migrate(ctx context.Context, pool any) error {
	var err error
	switch pool := pool.(type) {
	case *pgxpool.Pool:
		err = migratePostgres(ctx, pool)
	case *sql.DB:
		err = migrate(ctx, riversqlite.New(pool))
	}
	if err != nil {
		return fmt.Errorf("migrating the queue's tables: %w", err)
	}
	return nil
}

func migratePostgres(ctx context.Context, pool *pgxpool.Pool) error {
	var there bool
	if err := pool.QueryRow(ctx, "SELECT to_regclass('river_job') IS NOT NULL").Scan(&there); err != nil {
		return err
	}
	if err := migrate(ctx, riverpgxv5.New(pool)); err != nil {
		return err
	}
	if !there {
		// If we die before this line the index stays, which costs time and nothing else.
		if _, err := pool.Exec(ctx, "DROP INDEX IF EXISTS "+argsIndex); err != nil {
			return err
		}
	}
	return shortenPendingLists(ctx, pool)
}

// argsIndex finds jobs by what their arguments hold, for people who ask so with
// statements of their own: neither River nor Punctual does. Every insert and every
// change of a job's state writes each word of its arguments to it, which is a large
// part of what a job costs the server. Where River's tables were there before us it
// is left to whom they belong.
const argsIndex = "river_job_args_index"

func migrate[T any](ctx context.Context, driver riverdriver.Driver[T]) error {
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return err
}

// shortenPendingLists has River's inverted indexes worked off a little at a
// time. They collect what is new in a list, 4 MB by default, and whoever fills it
// up works it off in the middle of an insert: for 150 ms once in some thousand
// jobs, for which everything that is due then waits.
func shortenPendingLists(ctx context.Context, pool *pgxpool.Pool) error {
	rows, err := pool.Query(ctx, `SELECT indexrelid::regclass::text FROM pg_index i
		JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam
		WHERE i.indrelid = to_regclass('river_job') AND a.amname = 'gin' AND c.reloptions IS NULL`)
	if err != nil {
		return err
	}
	indexes, err := pgx.CollectRows(rows, pgx.RowTo[string])
	for _, index := range indexes {
		if _, err := pool.Exec(ctx, "ALTER INDEX "+index+" SET (gin_pending_list_limit = 64)"); err != nil {
			return err
		}
	}
	return err
}

// CancelWaitingTx cancels jobs that wait to be started or for a retry. It
// returns false if one of them waits no longer; the transaction is to be
// rolled back then.
func (q *Queue) CancelWaitingTx(ctx context.Context, tx database.Tx, ids []int64, now time.Time) (bool, error) {
	changed, err := tx.Exec(ctx, `UPDATE river_job SET state = 'cancelled', finalized_at = $2
		WHERE id = ANY($1) AND state IN ('available', 'scheduled', 'pending', 'retryable')`, ids, q.timestamp(now))
	return changed == int64(len(ids)), err
}

// CancelTx asks running jobs to stop and cancels those not yet started.
func (q *Queue) CancelTx(ctx context.Context, tx database.Tx, ids []int64) error {
	for _, id := range ids {
		if _, err := q.client.cancelTx(ctx, tx, id); err != nil && !isNotFound(err) {
			return err
		}
	}
	return nil
}

// Cancel asks a job to stop, or cancels it if it has not started.
func (q *Queue) Cancel(ctx context.Context, id int64) error {
	_, err := q.client.cancel(ctx, id)
	return describe(id, err)
}

// Retry makes a job that has ended, or waits for a retry, available at once.
func (q *Queue) Retry(ctx context.Context, id int64) error {
	_, err := q.client.retry(ctx, id)
	return describe(id, err)
}

// RetryTx is Retry as part of tx.
func (q *Queue) RetryTx(ctx context.Context, tx database.Tx, id int64) error {
	_, err := q.client.retryTx(ctx, tx, id)
	return describe(id, err)
}

// ErrNoJob says that the queue has no such job (any more).
var ErrNoJob = fmt.Errorf("no such job in the queue")

func isNotFound(err error) bool { return errors.Is(err, rivertype.ErrNotFound) }

func describe(id int64, err error) error {
	switch {
	case err == nil:
		return nil
	case isNotFound(err):
		return fmt.Errorf("job %d: %w", id, ErrNoJob)
	}
	return fmt.Errorf("job %d: %w", id, err)
}

// Get is one job as River has it, but for its errors, which are those of attempts
// that began, without River's own words.
func (q *Queue) Get(ctx context.Context, id int64) (*rivertype.JobRow, error) {
	row, err := q.client.get(ctx, id)
	if err != nil {
		return row, describe(id, err)
	}
	var errors []rivertype.AttemptError
	for _, one := range row.Errors {
		if one.Error = InOurWords(one.Error); !strings.HasPrefix(one.Error, ErrExpired.Error()) {
			errors = append(errors, one)
		}
	}
	row.Errors = errors
	return row, nil
}

// timestamp is an instant as River's tables keep it.
func (q *Queue) timestamp(at time.Time) any {
	if q.db.Kind == database.SQLite {
		return at.UTC().Format("2006-01-02 15:04:05.000")
	}
	return at
}

// riverClient is River's client for one kind of transaction.
type riverClient[T any] struct{ client *river.Client[T] }

func newRiver[T any](driver riverdriver.Driver[T], config *river.Config) (*riverClient[T], error) {
	c, err := river.NewClient(driver, config)
	return &riverClient[T]{c}, err
}

func (r *riverClient[T]) cancelTx(ctx context.Context, tx database.Tx, id int64) (*rivertype.JobRow, error) {
	return r.client.JobCancelTx(ctx, tx.Native().(T), id)
}

func (r *riverClient[T]) cancel(ctx context.Context, id int64) (*rivertype.JobRow, error) {
	return r.client.JobCancel(ctx, id)
}

func (r *riverClient[T]) retry(ctx context.Context, id int64) (*rivertype.JobRow, error) {
	return r.client.JobRetry(ctx, id)
}

func (r *riverClient[T]) retryTx(ctx context.Context, tx database.Tx, id int64) (*rivertype.JobRow, error) {
	return r.client.JobRetryTx(ctx, tx.Native().(T), id)
}

func (r *riverClient[T]) get(ctx context.Context, id int64) (*rivertype.JobRow, error) {
	return r.client.JobGet(ctx, id)
}

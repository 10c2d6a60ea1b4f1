package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/punctual-dev/punctual/bench/house"
	"github.com/punctual-dev/punctual/bench/process"
	"github.com/punctual-dev/punctual/database"
)

// floorBatch is how many schedules a transaction of the floor decides: as many as
// one of the clock's.
const floorBatch = 500

// rawJob is what a job of a herd looks like in the queue.
type rawJob struct {
	arguments, metadata, kind string
	attempts, priority        int
}

// of is the arguments of one of the herd: as an index has them, no two are alike.
func (j rawJob) of(id int) string {
	return strings.ReplaceAll(j.arguments, `"herd`, fmt.Sprintf(`"herd-%d`, id))
}

// floorOf is how long raw SQL takes to write what a herd of n comes to: the jobs,
// the ledger and the cursors, in batches, with nothing read, decided or compared;
// and how long the server computed for it.
func floorOf(ctx context.Context, kind string, n int) (took, server time.Duration, err error) {
	sample, err := sampleJob(ctx, kind)
	if err != nil {
		return 0, 0, err
	}
	h, due, err := house.Crowd(ctx, kind, programs, n, house.CommitTimes)
	if err != nil {
		return 0, 0, err
	}
	defer h.Close()
	before, err := h.ServerBusy(ctx)
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	for from := 1; from <= n; from += floorBatch {
		if err := rawBatch(ctx, h, sample, due, from, min(from+floorBatch-1, n)); err != nil {
			return 0, 0, err
		}
	}
	took = time.Since(began)
	after, err := h.ServerBusy(ctx)
	if err != nil {
		return 0, 0, err
	}
	return took, after - before, h.Exactly(ctx, n)
}

// floorLateness is how many milliseconds after they were due raw SQL came to
// occurrences of which a thousand are due a second, sorted. It writes what is due
// in one transaction, and rests as a clock does before it looks again. It says too
// which part of a core this process took for that.
func floorLateness(ctx context.Context, kind string, length time.Duration) (late []float64, share float64, err error) {
	const apart = time.Millisecond
	sample, err := sampleJob(ctx, kind)
	if err != nil {
		return nil, 0, err
	}
	h, err := house.Open(ctx, kind, programs)
	if err != nil {
		return nil, 0, err
	}
	defer h.Close()
	if err := h.SpreadOut(ctx, house.SpreadSchedules, house.SpreadEvery, 0); err != nil {
		return nil, 0, err
	}
	before, err := process.OwnBusy()
	if err != nil {
		return nil, 0, err
	}
	began, written := time.Now(), 0
	for time.Since(began) < length {
		time.Sleep(h.Pause())
		now := time.Now()
		until := int(now.Sub(began) / apart)
		for i := written; i < until; i++ {
			late = append(late, now.Sub(began.Add(time.Duration(i)*apart)).Seconds()*1000)
		}
		for written < until {
			first := written % house.SpreadSchedules
			n := min(until-written, house.SpreadSchedules-first)
			if err := rawBatch(ctx, h, sample, now, first+1, first+n); err != nil {
				return nil, 0, err
			}
			written += n
		}
	}
	took := time.Since(began)
	after, err := process.OwnBusy()
	slices.Sort(late)
	return late, (after - before).Seconds() / took.Seconds(), err
}

// rawBatch writes one transaction of the floor's: the schedules of some numbers are
// due at an instant.
func rawBatch(ctx context.Context, h *house.House, j rawJob, due time.Time, from, to int) error {
	return h.DB.Transaction(ctx, func(tx database.Tx) error {
		switch native := tx.Native().(type) {
		case pgx.Tx:
			return rawPostgres(ctx, native, j, due, from, to)
		case *sql.Tx:
			return rawSQLite(ctx, tx, j, due, from, to)
		default:
			return fmt.Errorf("no statements for %T", native)
		}
	})
}

// sampleJob is a job as the clock makes it.
func sampleJob(ctx context.Context, kind string) (j rawJob, err error) {
	h, _, err := house.Crowd(ctx, kind, programs, 1)
	if err != nil {
		return j, err
	}
	defer h.Close()
	if err := h.StartClocks(ctx, 1); err != nil {
		return j, err
	}
	columns := "args, metadata, kind, max_attempts, priority"
	if kind == "sqlite" {
		columns = "json(args), json(metadata), kind, max_attempts, priority"
	}
	err = h.Until(ctx, time.Minute, closely, func() (bool, error) {
		var arguments, metadata []byte
		err := h.DB.Reader().QueryRow(ctx, "SELECT "+columns+" FROM river_job").Scan(&arguments, &metadata, &j.kind, &j.attempts, &j.priority)
		if errors.Is(err, database.ErrNoRows) {
			return false, nil
		}
		j.arguments, j.metadata = string(arguments), string(metadata)
		return true, err
	})
	if err == nil && (!json.Valid([]byte(j.arguments)) || !strings.Contains(j.arguments, `"herd`)) {
		err = fmt.Errorf("the job is not what was expected: %s %s", j.arguments, j.metadata)
	}
	return j, err
}

func rawPostgres(ctx context.Context, tx pgx.Tx, j rawJob, due time.Time, from, to int) error {
	ids := make([]int64, 0, to-from+1)
	arguments, metadata := make([]string, 0, cap(ids)), make([]string, 0, cap(ids))
	for id := from; id <= to; id++ {
		ids, arguments, metadata = append(ids, int64(id)), append(arguments, j.of(id)), append(metadata, j.metadata)
	}
	rows, err := tx.Query(ctx, `INSERT INTO river_job (args, metadata, kind, max_attempts, priority, queue, scheduled_at, state, tags)
		SELECT unnest($1::jsonb[]), unnest($2::jsonb[]), $3, $4, $5, 'default', now(), 'available', '{}' RETURNING id`,
		arguments, metadata, j.kind, j.attempts, j.priority)
	if err != nil {
		return err
	}
	jobs, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return err
	}
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"punctual_occurrence"},
		[]string{"schedule_id", "nominal_at", "due_at", "origin", "decision", "job_id", "decided_at"},
		pgx.CopyFromSlice(len(ids), func(i int) ([]any, error) {
			return []any{ids[i], due, due, "clock", "enqueued", jobs[i], due}, nil
		})); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE punctual_due d SET cursor_at = $3, met_at = $3, next_due_at = $4, last_job_id = u.job_id, version = d.version + 1
		FROM unnest($1::bigint[], $2::bigint[]) AS u (id, job_id) WHERE d.schedule_id = u.id`, ids, jobs, due, due.Add(time.Hour))
	return err
}

func rawSQLite(ctx context.Context, tx database.Tx, j rawJob, due time.Time, from, to int) error {
	n := to - from + 1
	jobs, rows, cursors := make([][]any, n), make([][]any, n), make([][]any, n)
	for i := range jobs {
		jobs[i] = []any{j.of(from + i), j.metadata, j.kind, j.attempts, j.priority, due.UTC().Format(time.DateTime)}
	}
	if err := database.ExecRows(ctx, tx, "INSERT INTO river_job (args, metadata, kind, max_attempts, priority, queue, scheduled_at, state, tags) VALUES ",
		"(jsonb(?), jsonb(?), ?, ?, ?, 'default', ?, 'available', jsonb('[]'))", "", jobs); err != nil {
		return err
	}
	var last int64
	if err := tx.QueryRow(ctx, "SELECT last_insert_rowid()").Scan(&last); err != nil {
		return err
	}
	for i := range jobs {
		number := last - int64(n-1-i)
		rows[i] = []any{from + i, number, due, due, due}
		cursors[i] = []any{from + i, number, due, due.Add(time.Hour)}
	}
	if err := database.ExecRows(ctx, tx, "INSERT INTO punctual_occurrence (schedule_id, job_id, nominal_at, due_at, decided_at, origin, decision) VALUES ",
		"(?, ?, ?, ?, ?, 'clock', 'enqueued')", "", rows); err != nil {
		return err
	}
	return database.ExecRows(ctx, tx, "WITH u (id, job_id, due, next) AS (VALUES ", "(?, ?, ?, ?)", `) UPDATE punctual_due AS d
		SET cursor_at = u.due, met_at = u.due, next_due_at = u.next, last_job_id = u.job_id, version = d.version + 1 FROM u WHERE d.schedule_id = u.id`, cursors)
}

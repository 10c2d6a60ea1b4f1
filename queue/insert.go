package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/schedule"
)

// Job is a job to be inserted.
type Job struct {
	Queue       string
	Priority    int
	MaxAttempts int
	Payload     schedule.Payload
	// Work is set for a job that a Go worker runs; the payload's command and
	// request are empty then, and what the job is told becomes metadata.
	Work *schedule.Work
}

// InsertTx inserts jobs as part of tx and returns their ids in order. They are
// available at once, and workers are told of them when tx is committed.
func (q *Queue) InsertTx(ctx context.Context, tx database.Tx, jobs []Job) ([]int64, error) {
	prepared, err := Prepare(jobs)
	if err != nil {
		return nil, err
	}
	return q.InsertPreparedTx(ctx, tx, prepared)
}

// Prepared are jobs of which all is put into words already, so that a transaction in
// which others wait has nothing left to do but to write them.
type Prepared struct{ rows []row }

// Prepare makes jobs ready to be inserted.
func Prepare(jobs []Job) (Prepared, error) {
	p := Prepared{make([]row, len(jobs))}
	for i := range jobs {
		var err error
		if p.rows[i], err = rowOf(&jobs[i]); err != nil {
			return Prepared{}, fmt.Errorf("inserting the job of %s: %w", jobs[i].Payload.Occurrence, err)
		}
	}
	return p, nil
}

// InsertPreparedTx inserts jobs as InsertTx does.
//
// The statements are our own: River's returns every column of every job, and on
// SQLite takes each apart as JSON twelve times, which was half of what a herd
// cost. What they write is what River's write, which a test compares.
func (q *Queue) InsertPreparedTx(ctx context.Context, tx database.Tx, jobs Prepared) ([]int64, error) {
	if len(jobs.rows) == 0 {
		return nil, nil
	}
	if q.db.Kind == database.SQLite {
		return insertIntoFile(ctx, tx, jobs.rows)
	}
	ids, err := insertTogether(ctx, tx, jobs.rows)
	if err != nil {
		return nil, err
	}
	return ids, notify(ctx, tx, jobs.rows)
}

// row is a job as its row in River's table has it; what is not here is as the
// table has it by default: available, due now, never attempted, without tags.
type row struct {
	*Job
	kind           string
	args, metadata string
}

func rowOf(job *Job) (row, error) {
	r := row{Job: job, kind: KindCommand, metadata: "{}"}
	if err := ValidName(job.Queue); err != nil {
		return r, err
	}
	if job.Work != nil {
		r.kind, r.args = job.Work.Kind, "{}"
		if len(job.Work.Args) > 0 {
			r.args = string(job.Work.Args)
		}
		metadata, err := json.Marshal(metadataOf(job.Payload))
		r.metadata = string(metadata)
		return r, err
	}
	if job.Payload.HTTP != nil {
		r.kind = KindHTTP
	}
	args, err := json.Marshal(&job.Payload)
	r.args = string(args)
	return r, err
}

func insertTogether(ctx context.Context, tx database.Tx, all []row) ([]int64, error) {
	args := database.Column(all, func(r row) string { return r.args })
	first := all[0]
	if !slices.ContainsFunc(all, func(r row) bool { return !r.alike(first) }) {
		// To read lists of what is the same in all would cost the server more than it
		// does to write it.
		return database.Values[int64](tx.Query(ctx, `INSERT INTO river_job (args, metadata, kind, queue, priority, max_attempts)
			SELECT args, $2::jsonb, $3::text, $4::text, $5::smallint, $6::smallint FROM unnest($1::jsonb[]) AS args RETURNING id`,
			args, first.metadata, first.kind, first.Queue, first.Priority, first.MaxAttempts))
	}
	return database.Values[int64](tx.Query(ctx, `INSERT INTO river_job (args, metadata, kind, queue, priority, max_attempts)
		SELECT * FROM unnest($1::jsonb[], $2::jsonb[], $3::text[], $4::text[], $5::smallint[], $6::smallint[]) RETURNING id`,
		args,
		database.Column(all, func(r row) string { return r.metadata }),
		database.Column(all, func(r row) string { return r.kind }),
		database.Column(all, func(r row) string { return r.Queue }),
		database.Column(all, func(r row) int { return r.Priority }),
		database.Column(all, func(r row) int { return r.MaxAttempts })))
}

// alike says that a row differs from another in its arguments at most.
func (r row) alike(other row) bool {
	return r.metadata == other.metadata && r.kind == other.kind && r.Queue == other.Queue &&
		r.Priority == other.Priority && r.MaxAttempts == other.MaxAttempts
}

func insertIntoFile(ctx context.Context, tx database.Tx, all []row) ([]int64, error) {
	rows := make([][]any, len(all))
	for i, r := range all {
		rows[i] = []any{r.args, r.metadata, r.kind, r.Queue, r.Priority, r.MaxAttempts}
	}
	if err := database.ExecRows(ctx, tx, "INSERT INTO river_job (args, metadata, kind, queue, priority, max_attempts, tags, created_at, scheduled_at) VALUES ",
		"(jsonb(?), jsonb(?), ?, ?, ?, ?, jsonb('[]'), datetime('now', 'subsec'), datetime('now', 'subsec'))", "", rows); err != nil {
		return nil, err
	}
	// A transaction is alone, so what it inserts is numbered without a gap.
	var last int64
	if err := tx.QueryRow(ctx, "SELECT last_insert_rowid()").Scan(&last); err != nil {
		return nil, err
	}
	ids := make([]int64, len(all))
	for i := range ids {
		ids[i] = last - int64(len(all)-1-i)
	}
	return ids, nil
}

// notify tells River's clients which queues have got jobs. River's own leaves out
// what comes within a moment of the last, and a worker that has just looked finds
// those a second later.
func notify(ctx context.Context, tx database.Tx, all []row) error {
	var queues, told []string
	for _, r := range all {
		if slices.Contains(queues, r.Queue) {
			continue
		}
		payload, err := json.Marshal(map[string]string{"queue": r.Queue})
		if err != nil {
			return err
		}
		queues, told = append(queues, r.Queue), append(told, string(payload))
	}
	_, err := tx.Exec(ctx, `SELECT pg_notify(current_schema() || '.river_insert', payload) FROM unnest($1::text[]) AS payload`, told)
	return err
}

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/punctual-dev/punctual/database"
)

var (
	occurrenceColumns = []string{
		"schedule_id", "nominal_at", "until_at", "count", "due_at", "origin", "run", "trigger_id", "decision", "reason", "job_id",
		"decided_at", "note", "outcome", "attempts", "started_at", "finished_at", "error", "seen_at", "seen_by",
	}
	jobColumns = []string{
		"id", "state", "attempt", "max_attempts", "attempted_at", "created_at", "finalized_at", "scheduled_at", "priority",
		"args", "attempted_by", "errors", "kind", "metadata", "queue", "tags",
	}
	outputColumns = []string{"job_id", "attempt", "sequence", "at", "stream", "data"}
)

// written are rows of one transaction.
type written struct{ occurrences, jobs, outputs [][]any }

// ledger writes every decision of the two weeks, with what came of it.
func (f *filling) ledger(ctx context.Context) error {
	ids, err := f.numbers(ctx)
	if err != nil {
		return err
	}
	for from := 0; from < f.rows; from += batch {
		var w written
		for i := from; i < min(from+batch, f.rows); i++ {
			f.decide(&w, ids, i)
		}
		err := f.db.Transaction(ctx, func(tx database.Tx) error {
			if err := tx.InsertRows(ctx, "punctual_occurrence", occurrenceColumns, w.occurrences); err != nil {
				return fmt.Errorf("the ledger: %w", err)
			}
			if err := insertJobs(ctx, tx, w.jobs); err != nil {
				return fmt.Errorf("the queue: %w", err)
			}
			return tx.InsertRows(ctx, "punctual_output", outputColumns, w.outputs)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// insertJobs writes rows of River's table, which on Postgres has columns that are
// lists.
func insertJobs(ctx context.Context, tx database.Tx, rows [][]any) error {
	native, ok := tx.Native().(pgx.Tx)
	if !ok {
		return tx.InsertRows(ctx, "river_job", jobColumns, rows)
	}
	_, err := native.CopyFrom(ctx, pgx.Identifier{"river_job"}, jobColumns, pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) {
		for column, value := range rows[i] {
			if at, ok := value.(time.Time); ok && at.IsZero() {
				rows[i][column] = nil
			}
		}
		return rows[i], nil
	}))
	return err
}

// row is a row of the ledger as it comes about.
type row struct {
	schedule                        int
	nominal, due, decided           time.Time
	started, finished, until, seen  time.Time
	count                           int
	origin, trigger, reason, note   string
	run, job                        int64
	state, outcome, failure, seenBy string
	attempts                        int
}

// decide makes the i-th row: of a hundred 92 ran well, 3 failed, and 5 were
// skipped. Half of all are of few schedules.
func (f *filling) decide(w *written, ids []int64, i int) {
	r := row{count: 1, origin: "clock", attempts: 1, state: "completed", outcome: "succeeded"}
	r.schedule = f.dice.IntN(f.size.schedules)
	if f.dice.IntN(2) == 0 {
		r.schedule = f.dice.IntN(busySchedules(f.size.schedules))
	}
	r.nominal = f.now.Add(-history + time.Duration(float64(history)*float64(i)/float64(f.rows))).Truncate(time.Millisecond)
	r.due = r.nominal.Add(time.Duration(f.dice.IntN(500)) * time.Millisecond)
	r.decided = r.due.Add(time.Duration(2+f.dice.IntN(40)) * time.Millisecond)
	if f.dice.IntN(100) < 5 {
		r.skip(f)
	} else {
		r.enqueue(f, i)
	}
	w.add(f, ids, i, &r)
}

func (r *row) skip(f *filling) {
	r.state, r.outcome, r.attempts = "", "", 0
	switch n := f.dice.IntN(100); {
	case n < 70:
		r.reason, r.note = "previous run not finished", "job 1"
	case n < 90:
		r.reason = "paused"
	case n < 98:
		r.reason, r.count, r.until = "coalesced", 12, r.nominal.Add(500*time.Microsecond)
	default:
		r.reason = "missed"
	}
}

// enqueue gives it a job, from its start to its end.
func (r *row) enqueue(f *filling, i int) {
	r.job = int64(i + 1)
	r.started = r.decided.Add(time.Duration(3+f.dice.IntN(200)) * time.Millisecond)
	r.finished = r.started.Add(time.Duration(f.dice.ExpFloat64() * float64(20*time.Second)))
	switch f.dice.IntN(100) {
	case 0:
		r.origin, r.trigger = "trigger", fmt.Sprintf("t%07d", i)
	case 1:
		r.origin, r.run = "backfill", int64(1+f.dice.IntN(20))
	}
	switch n := f.dice.IntN(1000); {
	case n < 30 || r.schedule%97 == 0 && n < 300:
		r.state, r.outcome, r.attempts = "discarded", "failed", 3
		r.failure = fmt.Sprintf("exit code %d\nthe last lines it wrote: connection refused by 10.0.0.%d", 1+f.dice.IntN(40), f.dice.IntN(250))
		if f.dice.IntN(2000) == 0 {
			r.failure = fmt.Sprintf("exit code 1\n%s %d", rare, f.dice.IntN(9))
		}
		if f.now.Sub(r.decided) > 3*24*time.Hour || f.dice.IntN(4) > 0 {
			r.seen, r.seenBy = r.finished.Add(time.Hour), "ops"
		}
	case n < 35:
		r.state, r.outcome = "cancelled", "cancelled"
	case n < 36:
		r.state, r.outcome, r.started, r.attempts, r.failure = "cancelled", "expired", time.Time{}, 0, "expired before it was started"
	}
	if i >= f.rows-open {
		r.state, r.outcome, r.finished, r.failure, r.seen, r.seenBy = "running", "", time.Time{}, "", time.Time{}, ""
		if i%3 > 0 {
			r.state, r.started, r.attempts = "available", time.Time{}, 0
		}
	}
}

// add writes a row down with its job and output, as far as they are remembered.
func (w *written) add(f *filling, ids []int64, i int, r *row) {
	decision, nominal := "enqueued", any(r.nominal)
	job, outcome := any(r.job), any(r.outcome)
	if r.reason != "" {
		decision, job = "skipped", nil
	}
	if r.outcome == "" {
		outcome = nil
	}
	if r.trigger != "" {
		nominal = nil
	}
	attempts, started := r.attempts, r.started
	if r.outcome == "" {
		attempts, started = 0, time.Time{} // what has not ended is not copied
	}
	w.occurrences = append(w.occurrences, []any{
		ids[r.schedule], nominal, r.until, r.count, r.due, r.origin, r.run, r.trigger, decision, r.reason, job,
		r.decided, r.note, outcome, attempts, started, r.finished, r.failure, r.seen, r.seenBy,
	})
	if r.job == 0 || i < f.rows-remembered {
		return
	}
	w.jobs = append(w.jobs, f.job(r))
	if r.started.IsZero() {
		return
	}
	for n := range 1 + i%3 {
		text := fmt.Appendf(nil, "working on part %d of customer %d\nall is well so far\n", n, r.schedule)
		w.outputs = append(w.outputs, []any{r.job, max(r.attempts, 1), n + 1, r.started.Add(time.Second), "stdout", text})
	}
}

// job is a row of River's table.
func (f *filling) job(r *row) []any {
	d := declared(r.schedule)
	args, _ := json.Marshal(map[string]any{
		"schedule": d.Key, "occurrence": d.Key + "@" + r.nominal.Format(time.RFC3339Nano), "nominal": r.nominal, "due": r.due,
		"command": map[string]any{"shell": "run-" + d.Key}, "backoff": d.Policies.Backoff,
	})
	var failures []string
	if r.state == "discarded" {
		for n := range r.attempts {
			one, _ := json.Marshal(map[string]any{"at": r.finished, "attempt": n + 1, "error": r.failure, "trace": ""})
			failures = append(failures, string(one))
		}
	}
	var by []string
	if !r.started.IsZero() {
		by = []string{"worker-1"}
	}
	values := []any{
		r.job, r.state, r.attempts, max(3, r.attempts), r.started, r.decided, r.finished, r.decided, d.Policies.Priority,
		string(args), by, failures, "punctual.command", "{}", d.Policies.Queue, []string{},
	}
	if f.db.Kind == database.SQLite {
		f.asRiverKeeps(values)
	}
	return values
}

// asRiverKeeps turns instants and lists into what River writes into SQLite.
func (f *filling) asRiverKeeps(values []any) {
	for i, value := range values {
		switch value := value.(type) {
		case time.Time:
			values[i] = nil
			if !value.IsZero() {
				values[i] = value.UTC().Format("2006-01-02 15:04:05.000")
			}
		case []string:
			values[i] = nil
			if value != nil {
				list := make([]json.RawMessage, len(value))
				for n, one := range value {
					list[n] = json.RawMessage(one)
					if !json.Valid(list[n]) {
						list[n], _ = json.Marshal(one)
					}
				}
				text, _ := json.Marshal(list)
				values[i] = string(text)
			}
		}
	}
}

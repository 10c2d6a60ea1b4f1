package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/schedule"
)

// maxLostInARow is how many attempts in a row a job may lose with its workers
// before it ends: one that takes its worker down with it must not take them
// all.
const maxLostInARow = 5

// Orphan is a job that runs on a worker which is no more.
type Orphan struct {
	JobID    int64
	Worker   string
	LastSeen time.Time
	began    time.Time // the attempt; zero: it is not known
	attempt  int
	errors   string // as JSON
	asked    bool   // to stop
}

// OrphanColumns are read by ScanOrphan, from river_job as j.
func (q *Queue) OrphanColumns() string {
	if q.db.Kind == database.SQLite {
		return `j.id, j.attempt, json(coalesce(j.errors, '[]')), CASE WHEN json_extract(j.metadata, '$.cancel_attempted_at') IS NOT NULL THEN 1 ELSE 0 END, ` + micros("j.attempted_at")
	}
	return `j.id, j.attempt, coalesce(array_to_json(j.errors)::text, '[]'), CASE WHEN j.metadata ? 'cancel_attempted_at' THEN 1 ELSE 0 END, j.attempted_at`
}

// Scan reads OrphanColumns and what follows them.
func (o *Orphan) Scan(rows database.Rows, more ...any) error {
	var asked int
	if err := rows.Scan(append([]any{&o.JobID, &o.attempt, &o.errors, &asked, &o.began}, more...)...); err != nil {
		return err
	}
	o.asked = asked > 0
	return nil
}

// Owner is SQL for the id of the worker that took the job j last.
func (q *Queue) Owner() string {
	if q.db.Kind == database.SQLite {
		return `json_extract(j.attempted_by, '$[#-1]')`
	}
	return `j.attempted_by[array_length(j.attempted_by, 1)]`
}

// ReturnTx makes an orphan available again at once. The lost attempt is on
// record and uses up no retry; the fifth lost in a row ends the job, and so does
// a cancellation that the worker no longer heeded.
func (q *Queue) ReturnTx(ctx context.Context, tx database.Tx, o Orphan, now time.Time) error {
	lost := lostPrefix + fmt.Sprintf("worker %s was last heard from at %s", o.Worker, schedule.FormatInstant(o.LastSeen))
	if !o.began.IsZero() {
		// The next attempt writes over it: River keeps when the last one began.
		lost += lostBegan + schedule.FormatInstant(o.began)
	}
	state, attempt, finalized := "available", "attempt - 1", any(nil)
	switch {
	case o.asked:
		state, attempt, finalized = "cancelled", "attempt", q.timestamp(now)
	case o.lostInARow()+1 >= maxLostInARow:
		state, attempt, finalized = "discarded", "attempt", q.timestamp(now)
		lost += fmt.Sprintf("; the job was lost %d times in a row", maxLostInARow)
	}
	record, err := json.Marshal(map[string]any{"at": now, "attempt": o.attempt, "error": lost, "trace": ""})
	if err != nil {
		return err
	}
	errors := `array_append(errors, $2::jsonb)`
	if q.db.Kind == database.SQLite {
		errors = `jsonb(json_insert(json(coalesce(errors, '[]')), '$[#]', json($2)))`
	}
	// Whoever has the job by now keeps it: another may have returned it first.
	_, err = tx.Exec(ctx, `UPDATE river_job AS j SET state = '`+state+`', attempt = `+attempt+`, errors = `+errors+`, finalized_at = $3
		WHERE j.id = $1 AND j.state = 'running' AND `+q.Owner()+` = $4`, o.JobID, string(record), finalized, o.Worker)
	return err
}

// lostBegan stands in the error of a lost attempt before the instant it began.
const lostBegan = "; the attempt began at "

// ParseLost reads the error of an attempt that was lost with its worker: what is
// known of the worker, and when the attempt began, zero if that is not known. Of
// any other error ok is false.
func ParseLost(text string) (worker string, began time.Time, ok bool) {
	text, ok = strings.CutPrefix(text, lostPrefix)
	worker, rest, _ := strings.Cut(text, lostBegan)
	instant, rest, more := strings.Cut(rest, ";")
	if began, _ = time.Parse(time.RFC3339, instant); more {
		worker += ";" + rest
	}
	return worker, began, ok
}

// lostInARow counts the lost attempts since the last one that was not.
func (o Orphan) lostInARow() int {
	var attempts []struct {
		Error string `json:"error"`
	}
	if json.Unmarshal([]byte(o.errors), &attempts) != nil {
		return 0
	}
	n := 0
	for i := len(attempts) - 1; i >= 0 && strings.HasPrefix(attempts[i].Error, lostPrefix); i-- {
		n++
	}
	return n
}

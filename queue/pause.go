package queue

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/riverqueue/river/rivertype"

	"github.com/punctual-dev/punctual/database"
)

// PauseTx makes every worker take nothing more from a queue, those of plain
// River too; what runs goes on. It returns false if the queue was paused before.
// The queue need not be known yet.
func (q *Queue) PauseTx(ctx context.Context, tx database.Tx, name string, now time.Time) (bool, error) {
	at := q.timestamp(now)
	if _, err := tx.Exec(ctx, `INSERT INTO river_queue (name, created_at, updated_at) VALUES ($1, $2, $2)
		ON CONFLICT (name) DO NOTHING`, name, at); err != nil {
		return false, err
	}
	paused, err := q.pausedTx(ctx, tx, name)
	if err != nil || paused {
		return false, err
	}
	return true, q.client.pauseQueueTx(ctx, tx, name)
}

// ResumeTx ends a pause; it returns false if there is none.
func (q *Queue) ResumeTx(ctx context.Context, tx database.Tx, name string) (bool, error) {
	paused, err := q.pausedTx(ctx, tx, name)
	if err != nil || !paused {
		return false, err
	}
	return true, q.client.resumeQueueTx(ctx, tx, name)
}

func (q *Queue) pausedTx(ctx context.Context, tx database.Tx, name string) (paused bool, err error) {
	var count int
	err = tx.QueryRow(ctx, "SELECT count(*) FROM river_queue WHERE name = $1 AND paused_at IS NOT NULL", name).Scan(&count)
	return count > 0, err
}

// Paused are the queues that are paused.
func (q *Queue) Paused(ctx context.Context) (map[string]bool, error) {
	rows, err := q.db.Reader().Query(ctx, "SELECT name FROM river_queue WHERE paused_at IS NOT NULL")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names := map[string]bool{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names[name] = true
	}
	return names, rows.Err()
}

// KeepPausesTx keeps River from forgetting queues that are paused: its leader
// removes those that no worker has worked for a day, and their pause with them.
func (q *Queue) KeepPausesTx(ctx context.Context, tx database.Tx, now time.Time) error {
	_, err := tx.Exec(ctx, "UPDATE river_queue SET updated_at = $1 WHERE paused_at IS NOT NULL AND updated_at < $2",
		q.timestamp(now), q.timestamp(now.Add(-time.Hour)))
	return err
}

// State is how a queue stands.
type State struct {
	Name     string
	PausedAt time.Time // zero: it is not
	Waiting  int       // jobs that wait for a worker
	Retrying int       // jobs that wait for their next attempt
	Running  int
	Oldest   time.Time // since when the one waits that has waited longest; zero: none does
}

// States are the queues that have jobs, or that a worker has worked lately, in
// order of name.
func (q *Queue) States(ctx context.Context) ([]State, error) {
	paused, since := "paused_at", "scheduled_at"
	if q.db.Kind == database.SQLite {
		paused, since = micros(paused), micros(since)
	}
	rows, err := q.db.Reader().Query(ctx, `SELECT n.name,
			(SELECT `+paused+` FROM river_queue WHERE name = n.name),
			coalesce(sum(CASE WHEN j.state IN ('available', 'pending') THEN j.number ELSE 0 END), 0),
			coalesce(sum(CASE WHEN j.state IN ('retryable', 'scheduled') THEN j.number ELSE 0 END), 0),
			coalesce(sum(CASE WHEN j.state = 'running' THEN j.number ELSE 0 END), 0),
			min(CASE WHEN j.state = 'available' THEN j.oldest END)
		FROM (SELECT name FROM river_queue UNION SELECT DISTINCT queue FROM river_job WHERE `+unended+`) n
		LEFT JOIN (SELECT queue, state, count(*) AS number, min(`+since+`) AS oldest FROM river_job
			WHERE `+unended+` GROUP BY queue, state) j ON j.queue = n.name
		GROUP BY n.name ORDER BY n.name`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []State
	for rows.Next() {
		var s State
		if err := rows.Scan(&s.Name, &s.PausedAt, &s.Waiting, &s.Retrying, &s.Running, &s.Oldest); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, rows.Err()
}

const unended = "state IN ('available', 'pending', 'retryable', 'running', 'scheduled')"

var namePattern = regexp.MustCompile(`^[a-z0-9]+([_-][a-z0-9]+)*$`)

// ValidName says what is wrong with the name of a queue; nil: nothing.
func ValidName(name string) error {
	const longest = 64
	if len(name) > longest || !namePattern.MatchString(name) {
		return fmt.Errorf("%q is not the name of a queue; allowed are at most %d characters of a-z and 0-9, words joined by _ or -", name, longest)
	}
	return nil
}

// Leader is the id of the River client that leads: it brings retries back,
// prunes, and rescues what seems stuck. Empty: none does.
func (q *Queue) Leader(ctx context.Context, now time.Time) (id string, err error) {
	err = q.db.Reader().QueryRow(ctx, "SELECT leader_id FROM river_leader WHERE expires_at > $1", q.timestamp(now)).Scan(&id)
	if errors.Is(err, database.ErrNoRows) {
		return "", nil
	}
	return id, err
}

// micros reads an instant of River's tables on SQLite as our own keep it.
func micros(column string) string {
	return "CAST(round(unixepoch(" + column + ", 'subsec') * 1000000) AS INTEGER)"
}

func (r *riverClient[T]) pauseQueueTx(ctx context.Context, tx database.Tx, name string) error {
	return r.client.QueuePauseTx(ctx, tx.Native().(T), name, nil)
}

func (r *riverClient[T]) resumeQueueTx(ctx context.Context, tx database.Tx, name string) error {
	err := r.client.QueueResumeTx(ctx, tx.Native().(T), name, nil)
	if errors.Is(err, rivertype.ErrNotFound) {
		return nil
	}
	return err
}

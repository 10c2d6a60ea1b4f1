package store

import (
	"context"
	"fmt"
	"time"

	"github.com/punctual-dev/punctual/queue"
)

// Load is how everything stands, in numbers that are cheap to read however many
// schedules there are.
type Load struct {
	Health
	Queues    []queue.State
	Processes map[string]int // alive, by role
	Waiting   int            // schedules of which a nominal waits for something
	Errors    int            // schedules that cannot be decided
}

// Load reads how everything stands.
func (s *Store) Load(ctx context.Context) (Load, error) {
	var l Load
	var err error
	if l.Health, err = s.Health(ctx); err != nil {
		return l, err
	}
	if l.Queues, err = s.queue.States(ctx); err != nil {
		return l, err
	}
	reader := s.db.Reader()
	if err := reader.QueryRow(ctx, "SELECT count(*) FROM punctual_due WHERE waiting_for <> ''").Scan(&l.Waiting); err != nil {
		return l, err
	}
	if err := reader.QueryRow(ctx, "SELECT count(*) FROM punctual_schedule WHERE error <> '' AND deleted_at IS NULL").Scan(&l.Errors); err != nil {
		return l, err
	}
	rows, err := reader.Query(ctx, `SELECT role, count(*) FROM punctual_process
		WHERE stopped_at IS NULL AND lost_at IS NULL AND beat_at > $1 GROUP BY role`, l.Now.Add(-DeadAfter))
	if err != nil {
		return l, err
	}
	defer rows.Close()
	l.Processes = map[string]int{}
	for rows.Next() {
		var (
			role  string
			alive int
		)
		if err := rows.Scan(&role, &alive); err != nil {
			return l, err
		}
		l.Processes[role] = alive
	}
	return l, rows.Err()
}

// Moment is when a schedule is due next and when it last succeeded; zero: never.
type Moment struct {
	Schedule             string
	NextDue, LastSuccess time.Time
}

// Moments reads those of schedules by key. A key that is not there is left out.
func (s *Store) Moments(ctx context.Context, keys []string) ([]Moment, error) {
	rows, err := s.db.Reader().Query(ctx, `SELECT s.key, d.next_due_at,
			(SELECT max(o.finished_at) FROM punctual_occurrence o WHERE o.schedule_id = s.id AND o.outcome = 'succeeded')
		FROM punctual_schedule s JOIN punctual_due d ON d.schedule_id = s.id
		WHERE s.key = ANY($1) AND s.deleted_at IS NULL ORDER BY s.key`, keys)
	if err != nil {
		return nil, fmt.Errorf("reading when schedules last succeeded: %w", err)
	}
	defer rows.Close()
	var all []Moment
	for rows.Next() {
		var one Moment
		if err := rows.Scan(&one.Schedule, &one.NextDue, &one.LastSuccess); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

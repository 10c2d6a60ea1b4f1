package store

import (
	"context"
	"sync"
	"time"
)

const (
	// foreseeable is how far ahead schedules are made ready.
	foreseeable = 3 * time.Second
	// foreseenAtOnce is how many at once: some milliseconds' work.
	foreseenAtOnce = 100
	// maxForeseen leaves room for those that were due lately.
	maxForeseen = maxCompiled / 2
)

// foresight is how far ahead schedules have been made ready: up to the one of an
// id that is due at an instant, and how many since it was last overtaken by time.
type foresight struct {
	mu     sync.Mutex
	due    time.Time
	id     int64
	number int
}

// Foresee makes some of the schedules ready that come due within seconds of now,
// so that a herd's first decisions need not wait for its whens to be read. It says
// whether there are more. What it has not seen is read when it is due.
func (s *Store) Foresee(ctx context.Context, now time.Time) (more bool, err error) {
	ctx = s.db.Brief(ctx)
	f := s.foresight
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.due.Before(now) {
		f.due, f.id, f.number = now, 0, 0
	}
	if f.number >= maxForeseen {
		return false, nil
	}
	rows, err := s.db.Reader().Query(ctx, `SELECT s.id, s.version, d.next_due_at FROM punctual_due d JOIN punctual_schedule s ON s.id = d.schedule_id
		WHERE (d.next_due_at, d.schedule_id) > ($1, $2) AND d.next_due_at <= $3 AND s.format <= $4
		ORDER BY d.next_due_at, d.schedule_id LIMIT $5`, f.due, f.id, now.Add(foreseeable), Format, foreseenAtOnce)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	var references []reference
	for rows.Next() {
		var r reference
		if err := rows.Scan(&r.id, &r.version, &f.due); err != nil {
			return false, err
		}
		references, f.id = append(references, r), r.id
	}
	rows.Close()
	if err := rows.Err(); err != nil || len(references) == 0 {
		return false, err
	}
	f.number += len(references)
	// Those that cannot be read are heard of when they are due.
	_, err = s.compile(ctx, references, map[int64]error{})
	return len(references) == foreseenAtOnce, err
}

package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/punctual-dev/punctual/database"
)

// Process is a clock, a worker or a web process.
type Process struct {
	ID        string    `json:"id"`
	Role      string    `json:"role"`
	Host      string    `json:"host"`
	PID       int       `json:"pid"`
	Machine   string    `json:"-"` // within which PID names one process; empty: unknown
	Version   string    `json:"version"`
	StartedAt time.Time `json:"started_at"`
	BeatAt    time.Time `json:"beat_at"`
	TickAt    time.Time `json:"tick_at,omitzero"` // of a clock: the last time it was through with what was due
	StoppedAt time.Time `json:"stopped_at,omitzero"`
	LostAt    time.Time `json:"lost_at,omitzero"` // found dead by another
	// Concurrency is how many jobs a worker runs at once, and Queues how many of
	// each queue it works; no queues: every one that schedules name.
	Concurrency int            `json:"concurrency,omitempty"`
	Queues      map[string]int `json:"queues,omitempty"`
	// Kinds are the kinds of job a worker takes; nil: it does not tell, as those of
	// older versions.
	Kinds []string `json:"kinds,omitempty"`
}

// How often a process beats, and when it counts as dead.
const (
	BeatEvery = 5 * time.Second
	DeadAfter = 20 * time.Second
)

// Beat records that a process is alive. The first beat registers it. It returns
// false if the process has been found dead meanwhile: what it ran was given to
// others.
func (s *Store) Beat(ctx context.Context, p Process) (alive bool, err error) {
	err = s.db.Transaction(ctx, func(tx database.Tx) error {
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		queues, err := json.Marshal(p.Queues)
		if err != nil {
			return err
		}
		kinds, err := json.Marshal(p.Kinds)
		if err != nil {
			return err
		}
		changed, err := tx.Exec(ctx, `INSERT INTO punctual_process (id, role, host, pid, version, format, started_at, beat_at, tick_at, machine, concurrency, queues, kinds)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9, $10, $11, $12)
			ON CONFLICT (id) DO UPDATE SET beat_at = excluded.beat_at, tick_at = coalesce(excluded.tick_at, punctual_process.tick_at)
			WHERE punctual_process.lost_at IS NULL`,
			p.ID, p.Role, p.Host, p.PID, p.Version, Format, now, p.TickAt, p.Machine, p.Concurrency, string(queues), string(kinds))
		alive = changed > 0
		return err
	})
	return alive, err
}

// Stopped records that a process ended of itself.
func (s *Store) Stopped(ctx context.Context, id string) error {
	return s.db.Transaction(ctx, func(tx database.Tx) error {
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "UPDATE punctual_process SET stopped_at = $2 WHERE id = $1", id, now)
		return err
	})
}

// Processes lists the processes that beat within the last day, the newest first.
func (s *Store) Processes(ctx context.Context) ([]Process, error) {
	now, err := s.db.Now(ctx)
	if err != nil {
		return nil, err
	}
	return s.processes(ctx, "beat_at > $1 ORDER BY started_at DESC, id", now.Add(-24*time.Hour))
}

func (s *Store) processes(ctx context.Context, which string, arguments ...any) ([]Process, error) {
	rows, err := s.db.Reader().Query(ctx, `SELECT id, role, host, pid, version, started_at, beat_at, tick_at, stopped_at, lost_at, concurrency, queues, kinds
		FROM punctual_process WHERE `+which, arguments...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Process
	for rows.Next() {
		var (
			p             Process
			queues, kinds string
		)
		if err := rows.Scan(&p.ID, &p.Role, &p.Host, &p.PID, &p.Version, &p.StartedAt, &p.BeatAt, &p.TickAt, &p.StoppedAt, &p.LostAt,
			&p.Concurrency, &queues, &kinds); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(queues), &p.Queues); err != nil {
			return nil, fmt.Errorf("reading the queues of process %s: %w", p.ID, err)
		}
		if err := json.Unmarshal([]byte(kinds), &p.Kinds); err != nil {
			return nil, fmt.Errorf("reading the kinds of process %s: %w", p.ID, err)
		}
		all = append(all, p)
	}
	return all, rows.Err()
}

// Rank is the place of a clock among those alive, and their number; it spreads
// a herd among them. A process not (yet) registered is the first of one.
func (s *Store) Rank(ctx context.Context, id string) (rank, clocks int, err error) {
	now, err := s.db.Now(ctx)
	if err != nil {
		return 0, 1, err
	}
	err = s.db.Reader().QueryRow(ctx, `SELECT coalesce(sum(CASE WHEN id < $1 THEN 1 ELSE 0 END), 0), count(*) FROM punctual_process
		WHERE role IN ('clock', 'start') AND stopped_at IS NULL AND lost_at IS NULL AND beat_at > $2`, id, now.Add(-DeadAfter)).Scan(&rank, &clocks)
	return rank, max(clocks, 1), err
}

// LastTick is when any clock was last known to be through with what was due;
// zero if none ever was.
func (s *Store) LastTick(ctx context.Context) (at time.Time, err error) {
	err = s.db.Reader().QueryRow(ctx, `SELECT max(CASE WHEN stopped_at > tick_at THEN stopped_at ELSE tick_at END)
		FROM punctual_process WHERE role IN ('clock', 'start')`).Scan(&at)
	return at, err
}

package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/punctual-dev/punctual/database"
)

// Watch tells what changes from one look to the next, for pages that are to be
// live. It is a hint, made of a few cheap statements: what it does not tell
// (that a schedule cannot be decided any more, say) a page learns when it is
// read again. It is for one goroutine.
type Watch struct {
	store      *Store
	activities tail
	runs       tail
	open       map[int64]openRun
	processes  map[string]string
}

// Changes are what changed between two looks, each list bounded.
type Changes struct {
	// Schedules are keys of schedules somebody changed; All says that it may be
	// any of them (a pause by tag, a limit, a queue, or too many to list).
	Schedules    []string
	AllSchedules bool
	// Runs are ids of rows that are new or have changed, RunSchedules the keys of
	// their schedules; AllRuns says that there are more.
	Runs         []int64
	RunSchedules []string
	AllRuns      bool
	Processes    []string // ids of those that came, went, were lost or returned
}

// Bounds of a look.
const (
	watchedRuns = 500 // open ones, and new ones
	watchedLog  = 200
	// lateRows is how far back a look goes again: a row with a smaller number may
	// be committed after one with a larger.
	lateRows = 100
)

// Watch begins to watch: the first look tells nothing.
func (s *Store) Watch() *Watch { return &Watch{store: s} }

// tail is the end of a table that grows.
type tail struct {
	begun bool
	last  int64
	seen  map[int64]bool // rows at or before last that have been told
}

type openRun struct {
	key, state string
}

// Look reads what is new. Where it fails it tells nothing, and the next look
// tells it.
func (w *Watch) Look(ctx context.Context) (Changes, error) {
	var c Changes
	for _, look := range []func(context.Context, *Changes) error{w.lookAtActivities, w.lookAtRuns, w.lookAtOpen, w.lookAtProcesses} {
		if err := look(ctx, &c); err != nil {
			return Changes{}, err
		}
	}
	slices.Sort(c.Schedules)
	slices.Sort(c.Runs)
	slices.Sort(c.RunSchedules)
	c.Schedules, c.Runs, c.RunSchedules = slices.Compact(c.Schedules), slices.Compact(c.Runs), slices.Compact(c.RunSchedules)
	return c, nil
}

// grow reads the rows of a query of (id, key) with parameters (after, limit)
// that have not been told, and says whether there are more than the limit.
func (t *tail) grow(ctx context.Context, from database.Querier, table, query string, limit int, each func(id int64, key string)) (more bool, err error) {
	if !t.begun {
		err := from.QueryRow(ctx, "SELECT coalesce(max(id), 0) FROM "+table).Scan(&t.last)
		if err != nil {
			return false, err
		}
		t.begun, t.seen = true, map[int64]bool{}
		// What stands already is not told.
		return false, readKeyed(ctx, from, query, t.last-lateRows, lateRows, func(id int64, _ string) { t.seen[id] = true })
	}
	newest, read := t.last, 0
	err = readKeyed(ctx, from, query, t.last-lateRows, limit+lateRows, func(id int64, key string) {
		read++
		if !t.seen[id] {
			t.seen[id] = true
			each(id, key)
		}
		newest = max(newest, id)
	})
	if err != nil {
		return false, err
	}
	if more = read >= limit+lateRows; more {
		// The rest is passed over: it is said that there is more.
		if err := from.QueryRow(ctx, "SELECT coalesce(max(id), 0) FROM "+table).Scan(&newest); err != nil {
			return false, err
		}
	}
	t.last = newest
	maps.DeleteFunc(t.seen, func(id int64, _ bool) bool { return id <= t.last-lateRows })
	return more, nil
}

func readKeyed(ctx context.Context, from database.Querier, query string, after int64, limit int, each func(id int64, key string)) error {
	rows, err := from.Query(ctx, query, after, limit)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var (
			id  int64
			key string
		)
		if err := rows.Scan(&id, &key); err != nil {
			return err
		}
		each(id, key)
	}
	return rows.Err()
}

func (w *Watch) lookAtActivities(ctx context.Context, c *Changes) error {
	more, err := w.activities.grow(ctx, w.store.db.Reader(), "punctual_activity", `SELECT a.id, coalesce(s.key, '') FROM punctual_activity a
		LEFT JOIN punctual_schedule s ON s.id = a.schedule_id WHERE a.id > $1 ORDER BY a.id LIMIT $2`, watchedLog, func(_ int64, key string) {
		if key == "" {
			c.AllSchedules = true
		} else {
			c.Schedules = append(c.Schedules, key)
		}
	})
	c.AllSchedules = c.AllSchedules || more
	return err
}

func (w *Watch) lookAtRuns(ctx context.Context, c *Changes) error {
	more, err := w.runs.grow(ctx, w.store.db.Reader(), "punctual_occurrence", `SELECT o.id, s.key FROM punctual_occurrence o
		JOIN punctual_schedule s ON s.id = o.schedule_id WHERE o.id > $1 ORDER BY o.id LIMIT $2`, watchedRuns, c.run)
	c.AllRuns = c.AllRuns || more
	return err
}

func (c *Changes) run(id int64, key string) {
	c.Runs, c.RunSchedules = append(c.Runs, id), append(c.RunSchedules, key)
}

// lookAtOpen compares the jobs that have not ended with those of the look
// before. One that is open no longer has ended.
func (w *Watch) lookAtOpen(ctx context.Context, c *Changes) error {
	open, more, err := w.store.openRuns(ctx)
	if err != nil {
		return err
	}
	if w.open != nil {
		for id, now := range open {
			if before, known := w.open[id]; known && before != now {
				c.run(id, now.key)
			}
		}
		for id, before := range w.open {
			if _, still := open[id]; !still && !more {
				c.run(id, before.key)
			}
		}
	}
	// Of more than are looked at, anything may have changed.
	c.AllRuns = c.AllRuns || more && w.open != nil
	w.open = open
	return nil
}

func (s *Store) openRuns(ctx context.Context) (open map[int64]openRun, more bool, err error) {
	// No order: an index holds the open ones, and nothing else is to be read.
	rows, err := s.db.Reader().Query(ctx, `SELECT o.id, s.key, coalesce(j.state`+s.text()+`, ''), coalesce(j.attempt, 0)
		FROM punctual_occurrence o JOIN punctual_schedule s ON s.id = o.schedule_id LEFT JOIN river_job j ON j.id = o.job_id
		WHERE o.outcome IS NULL AND o.job_id IS NOT NULL LIMIT $1`, watchedRuns+1)
	if err != nil {
		return nil, false, err
	}
	defer rows.Close()
	open = map[int64]openRun{}
	for rows.Next() {
		var (
			id      int64
			one     openRun
			attempt int
		)
		if err := rows.Scan(&id, &one.key, &one.state, &attempt); err != nil {
			return nil, false, err
		}
		one.state += fmt.Sprint(" ", attempt)
		open[id] = one
	}
	return open, len(open) > watchedRuns, rows.Err()
}

func (w *Watch) lookAtProcesses(ctx context.Context, c *Changes) error {
	all, err := w.store.Processes(ctx)
	if err != nil {
		return err
	}
	now, err := w.store.db.Now(ctx)
	if err != nil {
		return err
	}
	processes := map[string]string{}
	for _, p := range all {
		processes[p.ID] = p.Condition(now)
	}
	if w.processes != nil {
		for id, condition := range processes {
			if w.processes[id] != condition {
				c.Processes = append(c.Processes, id)
			}
		}
		for id := range w.processes {
			if processes[id] == "" {
				c.Processes = append(c.Processes, id)
			}
		}
		slices.Sort(c.Processes)
		c.Processes = c.Processes[:min(len(c.Processes), watchedLog)]
	}
	w.processes = processes
	return nil
}

// The conditions of a process.
const (
	ProcessAlive   = "alive"
	ProcessLost    = "lost" // it beats no longer and did not say goodbye
	ProcessStopped = "stopped"
)

// Condition says how a process is.
func (p Process) Condition(now time.Time) string {
	switch {
	case !p.StoppedAt.IsZero():
		return ProcessStopped
	case !p.LostAt.IsZero() || now.Sub(p.BeatAt) > DeadAfter:
		return ProcessLost
	}
	return ProcessAlive
}

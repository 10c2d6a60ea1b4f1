package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

const (
	// history is how far back the ledger goes: the last hour has thousands of
	// rows in it.
	history = 14 * 24 * time.Hour
	// remembered is how many jobs the queue has not forgotten yet.
	remembered = 40_000
	// open is how many of the last rows have jobs that have not ended.
	open = 300
	// batch is how many rows one transaction writes.
	batch = 20_000
	// rare are words that few errors have.
	rare = "no space left on volume"
)

// filling writes what would be there after two weeks.
type filling struct {
	size
	db    *database.Database
	store *store.Store
	now   time.Time
	dice  *rand.Rand
}

// fill makes the tables and everything in them. The same is in them every time,
// but for the instants.
func fill(ctx context.Context, address string, s size) error {
	if strings.HasPrefix(address, "postgres") {
		separator := "?"
		if strings.Contains(address, "?") {
			separator = "&"
		}
		address += separator + "statement_timeout=0&synchronous_commit=off"
	}
	db, err := database.Open(ctx, address, database.Options{})
	if err != nil {
		return err
	}
	defer db.Close()
	f := &filling{size: s, db: db, dice: rand.New(rand.NewPCG(1, 2))}
	if f.store, err = store.Open(db); err != nil {
		return err
	}
	if err := f.store.Migrate(ctx); err != nil {
		return err
	}
	if f.now, err = db.Now(ctx); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{f.schedules, f.ledger, f.standing, f.activity, f.settle} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// schedules declares them in order, so that their ids are their numbers and one.
func (f *filling) schedules(ctx context.Context) error {
	for _, p := range processes {
		p.TickAt = f.now
		if _, err := f.store.Beat(ctx, p); err != nil {
			return err
		}
	}
	byOwner := map[schedule.Owner][]schedule.Declaration{}
	for i := range f.size.schedules {
		byOwner[ownerOf(i)] = append(byOwner[ownerOf(i)], declared(i))
	}
	for owner, all := range byOwner {
		_, err := f.store.Apply(ctx, all, store.ApplyOptions{PlanOptions: schedule.PlanOptions{Owner: owner}, Actor: "measurement"})
		if err != nil {
			return err
		}
	}
	for i := 3; i < f.size.schedules; i += 211 {
		if _, err := f.store.Pause(ctx, store.Target{Key: keyOf(i)}, time.Time{}, "until the customer has paid", "ops"); err != nil {
			return err
		}
	}
	return nil
}

// numbers are the ids of the schedules, by their number.
func (f *filling) numbers(ctx context.Context) ([]int64, error) {
	ids := make([]int64, f.size.schedules)
	rows, err := f.db.Reader().Query(ctx, "SELECT id, key FROM punctual_schedule")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	byKey := make(map[string]int64, len(ids))
	for rows.Next() {
		var (
			id  int64
			key string
		)
		if err := rows.Scan(&id, &key); err != nil {
			return nil, err
		}
		byKey[key] = id
	}
	for i := range ids {
		ids[i] = byKey[keyOf(i)]
	}
	return ids, rows.Err()
}

// standing makes the schedules stand as after their history: old, with a last
// job, some in error.
func (f *filling) standing(ctx context.Context) error {
	return f.all(ctx,
		statement{"UPDATE punctual_schedule SET created_at = $1, updated_at = $1, history_from = $1", []any{f.now.Add(-history)}},
		statement{`UPDATE punctual_due SET last_job_id = coalesce((SELECT max(o.job_id) FROM punctual_occurrence o
			WHERE o.schedule_id = punctual_due.schedule_id AND o.origin = 'clock'), 0)`, nil},
		statement{"UPDATE punctual_schedule SET error = 'its zone is not known here', error_at = $1 WHERE id % 1013 = 5", []any{f.now.Add(-time.Hour)}},
		statement{`INSERT INTO punctual_backfill (schedule_id, from_at, to_at, cursor_at, total, enqueued, author, created_at, finished_at)
			SELECT id, $1, $2, $2, 100, 100, 'ops', $1, $2 FROM punctual_schedule WHERE id % 199 = 0`, []any{f.now.Add(-history), f.now.Add(-time.Hour)}},
		statement{`INSERT INTO punctual_process (id, role, host, pid, version, format, started_at, beat_at, stopped_at)
			SELECT 'gone-' || id, 'worker', 'old.example', 99, 'measured', 1, $1, $2, $2 FROM punctual_schedule WHERE id <= 40`, []any{f.now.Add(-20 * time.Hour), f.now.Add(-10 * time.Hour)}},
	)
}

// activity is what people did.
func (f *filling) activity(ctx context.Context) error {
	const entries = 20_000
	rows := make([][]any, entries)
	for i := range rows {
		key := keyOf(f.dice.IntN(f.size.schedules))
		rows[i] = []any{f.now.Add(-history + history*time.Duration(i)/entries), "ops", []string{"pause", "resume", "retry", "trigger", "edit"}[i%5], key, "by hand"}
	}
	return f.db.Transaction(ctx, func(tx database.Tx) error {
		return tx.InsertRows(ctx, "punctual_activity", []string{"at", "author", "action", "subject", "detail"}, rows)
	})
}

// settle does what a server does by itself before long.
func (f *filling) settle(ctx context.Context) error {
	if f.db.Kind == database.SQLite {
		return nil
	}
	_, err := f.db.Reader().Exec(ctx, "VACUUM ANALYZE")
	return err
}

type statement struct {
	sql       string
	arguments []any
}

func (f *filling) all(ctx context.Context, statements ...statement) error {
	return f.db.Transaction(ctx, func(tx database.Tx) error {
		for _, s := range statements {
			if _, err := tx.Exec(ctx, s.sql, s.arguments...); err != nil {
				return fmt.Errorf("%.60s: %w", s.sql, err)
			}
		}
		return nil
	})
}

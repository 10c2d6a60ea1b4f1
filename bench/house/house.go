// Package house is a house that is measured: a database with schedules, and
// clocks that are processes of their own.
package house

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/punctual-dev/punctual"
	"github.com/punctual-dev/punctual/bench/process"
	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/internal/pgtest"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

// House is a database with schedules, and clocks.
type House struct {
	Kind     string // postgres or sqlite
	DB       *database.Database
	Clocks   []*process.Process // alive
	Programs string             // the folder of what was built
	Address  string             // of the database

	folder  string
	server  *pgtest.Running // nil on SQLite
	store   *store.Store
	door    *punctual.Punctual
	started int // clocks, ever
}

// Build compiles the program into a folder. It is called from a folder of bench.
func Build(ctx context.Context, programs string) error {
	return process.Build(ctx, filepath.Join("..", ".."), "./cmd/punctual", filepath.Join(programs, "punctual"))
}

// Open makes an empty database, whose commits are durable, for the programs in a
// folder. Settings are of the server, on Postgres.
func Open(ctx context.Context, kind, programs string, settings ...pgtest.Option) (h *House, err error) {
	h = &House{Kind: kind, Programs: programs}
	defer func() {
		if err != nil {
			h.Close()
		}
	}()
	if h.folder, err = os.MkdirTemp("", "punctual-bench-"); err != nil {
		return nil, err
	}
	h.Address = "sqlite:" + filepath.Join(h.folder, "punctual.db")
	if kind == "postgres" {
		if h.server, err = pgtest.Launch(append(settings, pgtest.Durable(), keptLog)...); err != nil {
			return nil, err
		}
		h.Address = h.server.URL()
	}
	if h.door, err = punctual.Open(ctx, h.Address, punctual.Logger(slog.New(slog.DiscardHandler))); err != nil {
		return nil, err
	}
	h.store = h.door.Store()
	own := h.Address
	if kind == "postgres" {
		// To make a hundred thousand schedules takes longer than a statement may.
		separator := "?"
		if strings.Contains(own, "?") {
			separator = "&"
		}
		own += separator + "statement_timeout=0"
	}
	h.DB, err = database.Open(ctx, own, database.Options{})
	return h, err
}

// Close ends the clocks and the server, and removes the database.
func (h *House) Close() {
	for _, c := range h.Clocks {
		c.Kill()
	}
	if h.DB != nil {
		h.DB.Close()
	}
	if h.door != nil {
		h.door.Close()
	}
	if h.server != nil {
		h.server.Close()
	}
	os.RemoveAll(h.folder)
}

// Pause is how long a clock rests between two looks, where something is due all the
// time.
func (h *House) Pause() time.Duration { return h.store.Pace().Pause }

// Declare writes one schedule as `apply` does.
func (h *House) Declare(ctx context.Context, key, when string, set func(*schedule.Declaration)) error {
	d := schedule.Declaration{
		Key: key, When: calendar.When{Expressions: []string{when}}, Policies: schedule.DefaultPolicies(),
		Job: schedule.Job{Run: &schedule.Command{Shell: "true"}},
	}
	if set != nil {
		set(&d)
	}
	// Each has an owner of its own, so that none of the others are removed.
	_, err := h.store.Apply(ctx, []schedule.Declaration{d}, store.ApplyOptions{
		PlanOptions: schedule.PlanOptions{Owner: schedule.Owner{Kind: schedule.OwnerFile, Name: key}}, Actor: "bench",
	})
	return err
}

// Copies makes n schedules like the one of a key, with keys of the same
// beginning: a million of them one by one would take longer than all that is
// measured.
func (h *House) Copies(ctx context.Context, key string, n int) error {
	const atOnce = 50_000 // within what a statement may take
	for from := 1; from <= n; from += atOnce {
		if err := h.copies(ctx, key, from, min(n, from+atOnce-1)); err != nil {
			return err
		}
	}
	if h.Kind != "postgres" {
		return nil
	}
	for _, table := range []string{"punctual_schedule", "punctual_due", "punctual_definition"} {
		if _, err := h.DB.Reader().Exec(ctx, "VACUUM ANALYZE "+table); err != nil {
			return err
		}
	}
	return nil
}

// copies makes the copies of these numbers.
func (h *House) copies(ctx context.Context, key string, from, to int) error {
	series := "generate_series($2::int, $3::int) AS n(i)"
	if h.Kind == "sqlite" {
		series = "(WITH RECURSIVE n(i) AS (SELECT $2 UNION ALL SELECT i + 1 FROM n WHERE i < $3) SELECT i FROM n) AS n"
	}
	const schedules = `created_at, updated_at, deleted_at, owner_kind, owner_name, description, tags, job, policies, queue, limit_group, format, error, error_at, history_from, version`
	return h.DB.Transaction(ctx, func(tx database.Tx) error {
		var last int64
		if err := tx.QueryRow(ctx, "SELECT max(id) FROM punctual_schedule").Scan(&last); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO punctual_schedule (key, `+schedules+`)
			SELECT key || '-' || n.i, `+schedules+` FROM punctual_schedule CROSS JOIN `+series+` WHERE key = $1`, key, from, to); err != nil {
			return err
		}
		for table, columns := range map[string]string{
			"punctual_due":        "cursor_at, cursor_local, met_at, next_due_at, waiting_for, waiting_due_at, wait_until, in_line, covered_count, covered_since, skip_at, last_job_id, tzdata, version",
			"punctual_definition": "from_at, expressions, zone, not_before, not_after, except_dates, after_local, jitter_ms, tzdata, author, declared_at",
		} {
			seedInto, seed := "", ""
			if table == "punctual_definition" {
				seedInto, seed = ", seed", ", s.key"
			}
			if _, err := tx.Exec(ctx, `INSERT INTO `+table+` (schedule_id, `+columns+seedInto+`)
				SELECT s.id, `+prefixed("t.", columns)+seed+` FROM punctual_schedule s, `+table+` t, punctual_schedule o
				WHERE o.key = $1 AND t.schedule_id = o.id AND s.id > $2`, key, last); err != nil {
				return err
			}
		}
		return nil
	})
}

func prefixed(prefix, columns string) string {
	return prefix + strings.ReplaceAll(columns, ", ", ", "+prefix)
}

// Number is the answer to a question for one number.
func (h *House) Number(ctx context.Context, query string, arguments ...any) (n int64, err error) {
	err = h.DB.Reader().QueryRow(ctx, query, arguments...).Scan(&n)
	return n, err
}

// StartClocks starts clocks and waits until each says that it runs.
func (h *House) StartClocks(ctx context.Context, n int) error {
	path := filepath.Join(h.folder, "clocks.log")
	for range n {
		p, err := process.Start(path, filepath.Join(h.Programs, "punctual"), "clock", "--database", h.Address)
		if err != nil {
			return err
		}
		h.Clocks, h.started = append(h.Clocks, p), h.started+1
	}
	return h.Until(ctx, time.Minute, 2*time.Millisecond, func() (bool, error) {
		text, err := os.ReadFile(path)
		return strings.Count(string(text), "the clock runs") == h.started, err
	})
}

// Until asks again and again.
func (h *House) Until(ctx context.Context, limit, every time.Duration, done func() (bool, error)) error {
	return process.Until(ctx, limit, every, h.Clocks, done)
}

// Busy is how long the clocks computed.
func (h *House) Busy() (total time.Duration, err error) {
	for _, c := range h.Clocks {
		one, err := c.Busy()
		if err != nil {
			return 0, err
		}
		total += one
	}
	return total, nil
}

// ServerBusy is how long the processes of the database's server computed. Zero on
// SQLite, which has none.
func (h *House) ServerBusy(ctx context.Context) (time.Duration, error) {
	if h.Kind != "postgres" {
		return 0, nil
	}
	own, err := h.Number(ctx, "SELECT pg_backend_pid()")
	if err != nil {
		return 0, err
	}
	server, err := process.Parent(int(own))
	if err != nil {
		return 0, err
	}
	return process.TreeBusy(server)
}

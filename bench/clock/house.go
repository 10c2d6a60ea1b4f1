package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/punctual-dev/punctual"
	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/internal/pgtest"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

// programs is the folder of what is built to be measured.
var programs string

func buildPrograms() (err error) {
	if programs, err = os.MkdirTemp("", "punctual-bench-"); err != nil {
		return err
	}
	output, err := exec.Command("go", "build", "-o", filepath.Join(programs, "punctual"), "../../cmd/punctual").CombinedOutput()
	if err != nil {
		return fmt.Errorf("building punctual: %w\n%s", err, output)
	}
	return nil
}

// house is a database with schedules, and clocks.
type house struct {
	kind    string
	address string
	folder  string
	server  *pgtest.Running // nil on SQLite
	store   *store.Store
	door    *punctual.Punctual
	db      *database.Database
	clocks  []*process // alive
	started int        // clocks, ever
}

// openHouse makes an empty database, whose commits are durable.
func openHouse(ctx context.Context, kind string) (h *house, err error) {
	h = &house{kind: kind}
	defer func() {
		if err != nil {
			h.close()
		}
	}()
	if h.folder, err = os.MkdirTemp("", "punctual-bench-"); err != nil {
		return nil, err
	}
	h.address = "sqlite:" + filepath.Join(h.folder, "punctual.db")
	if kind == "postgres" {
		if h.server, err = pgtest.Launch(pgtest.Durable()); err != nil {
			return nil, err
		}
		h.address = h.server.URL()
	}
	if h.door, err = punctual.Open(ctx, h.address, punctual.Logger(slog.New(slog.DiscardHandler))); err != nil {
		return nil, err
	}
	h.store = h.door.Store()
	h.db, err = database.Open(ctx, h.address, database.Options{})
	return h, err
}

func (h *house) close() {
	for _, c := range h.clocks {
		c.kill()
	}
	if h.db != nil {
		h.db.Close()
	}
	if h.door != nil {
		h.door.Close()
	}
	if h.server != nil {
		h.server.Close()
	}
	os.RemoveAll(h.folder)
}

// declare writes one schedule as `apply` does.
func (h *house) declare(ctx context.Context, key, when string, set func(*schedule.Declaration)) error {
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

// copies makes n schedules like the one of a key, with keys of the same
// beginning: a million of them one by one would take longer than all that is
// measured.
func (h *house) copies(ctx context.Context, key string, n int) error {
	series := "generate_series(1, $2::int) AS n(i)"
	if h.kind == "sqlite" {
		series = "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $2) SELECT i FROM n) AS n"
	}
	const schedules = `created_at, updated_at, deleted_at, owner_kind, owner_name, description, tags, job, policies, queue, limit_group, format, error, error_at, history_from, version`
	err := h.db.Transaction(ctx, func(tx database.Tx) error {
		if _, err := tx.Exec(ctx, `INSERT INTO punctual_schedule (key, `+schedules+`)
			SELECT key || '-' || n.i, `+schedules+` FROM punctual_schedule CROSS JOIN `+series+` WHERE key = $1`, key, n); err != nil {
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
				WHERE o.key = $1 AND t.schedule_id = o.id AND s.key LIKE $1 || '-%'`, key); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && h.kind == "postgres" {
		_, err = h.db.Reader().Exec(ctx, "VACUUM ANALYZE punctual_schedule, punctual_due, punctual_definition")
	}
	return err
}

func prefixed(prefix, columns string) string {
	return prefix + strings.ReplaceAll(columns, ", ", ", "+prefix)
}

// number is the answer to a question for one number.
func (h *house) number(ctx context.Context, query string, arguments ...any) (n int64, err error) {
	err = h.db.Reader().QueryRow(ctx, query, arguments...).Scan(&n)
	return n, err
}

// process is a clock.
type process struct {
	command *exec.Cmd
	ended   chan struct{}
}

// startClocks starts clocks and waits until each says that it runs.
func (h *house) startClocks(ctx context.Context, n int) error {
	path := filepath.Join(h.folder, "clocks.log")
	log, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	for range n {
		c := exec.Command(filepath.Join(programs, "punctual"), "clock", "--database", h.address)
		c.Dir, c.Stdout, c.Stderr = h.folder, log, log
		if err := c.Start(); err != nil {
			return err
		}
		p := &process{c, make(chan struct{})}
		go func() {
			_ = p.command.Wait()
			close(p.ended)
		}()
		h.clocks, h.started = append(h.clocks, p), h.started+1
	}
	return h.until(ctx, time.Minute, func() (bool, error) {
		text, err := os.ReadFile(path)
		return strings.Count(string(text), "the clock runs") == h.started, err
	})
}

func (p *process) kill() {
	_ = p.command.Process.Kill()
	<-p.ended
}

// until asks every few milliseconds.
func (h *house) until(ctx context.Context, limit time.Duration, done func() (bool, error)) error {
	for end := time.Now().Add(limit); time.Now().Before(end); {
		for _, c := range h.clocks {
			select {
			case <-c.ended:
				text, _ := os.ReadFile(filepath.Join(h.folder, "clocks.log"))
				return fmt.Errorf("a clock has ended: %s", text)
			default:
			}
		}
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-time.After(2 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return errors.New("it took too long")
}

// busy is how long the clocks computed.
func (h *house) busy() (total time.Duration, err error) {
	for _, c := range h.clocks {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.command.Process.Pid))
		if err != nil {
			return 0, err
		}
		// After the name in brackets, which may hold anything, come the state and
		// on; see proc(5).
		_, rest, _ := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest)
		for _, field := range fields[11:13] {
			ticks, err := strconv.ParseInt(field, 10, 64)
			if err != nil {
				return 0, err
			}
			total += time.Duration(ticks) * 10 * time.Millisecond
		}
	}
	return total, nil
}

// memory is what a line of /proc/PID/status says of the first clock, in MB.
func (h *house) memory(line string) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", h.clocks[0].command.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), "\n"+line+":")
	var kilobytes float64
	if _, err := fmt.Sscan(rest, &kilobytes); err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	return kilobytes / 1024, nil
}

package simtest

import (
	"bytes"
	"context"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/clock"
	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/internal/pgtest"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

// onBothStores runs a simulation on a SQLite file and on Postgres, each in a
// bubble of fake time.
func onBothStores(t *testing.T, simulate func(*testing.T, *house)) {
	addresses := map[string]func(*testing.T) string{
		"sqlite":   func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "punctual.db") },
		"postgres": func(t *testing.T) string { return pgtest.New(t) },
	}
	for kind, address := range addresses {
		t.Run(kind, func(t *testing.T) {
			at := address(t)
			synctest.Test(t, func(t *testing.T) {
				h := open(t, at)
				defer h.db.Close()
				simulate(t, h)
			})
		})
	}
}

// house is a store in fake time, and a hand that does a worker's work: River's
// own worker listens on the network, which stops fake time.
type house struct {
	t       *testing.T
	address string
	ahead   *atomic.Int64 // what the database's clock is ahead of fake time
	db      *database.Database
	store   *store.Store
	owner   schedule.Owner
}

// now is the time by the database's clock.
func (h *house) now() time.Time { return time.Now().Add(time.Duration(h.ahead.Load())) }

func open(t *testing.T, address string) *house {
	t.Helper()
	h := &house{t: t, address: address, ahead: new(atomic.Int64), owner: schedule.Owner{Kind: schedule.OwnerFile, Name: "punctual.yaml"}}
	db, err := database.Open(t.Context(), address, database.Options{Now: h.now})
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(db)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.db, h.store = db, s
	return h
}

// quietStore has no hints: listening stops fake time. Polling alone is correct.
type quietStore struct{ *store.Store }

func (quietStore) Wakeups(ctx context.Context, _ func()) error {
	<-ctx.Done()
	return ctx.Err()
}

// upkeep is a lone clock's.
type upkeep struct{ *store.Store }

func (upkeep) Rank(context.Context) (int, int, error) { return 0, 1, nil }

// runClock keeps time for a while and returns what the clock logged.
func (h *house) runClock(d time.Duration) string {
	h.t.Helper()
	var log bytes.Buffer
	ctx, stop := context.WithTimeout(h.t.Context(), d)
	defer stop()
	c := clock.New(quietStore{h.store}, upkeep{h.store}, clock.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err := c.Run(ctx); err != nil {
		h.t.Fatalf("the clock: %v", err)
	}
	return log.String()
}

// declare is a declaration with the default policies, changed by set.
func declare(key, when string, set func(*schedule.Policies)) schedule.Declaration {
	d := schedule.Declaration{
		Key: key, When: calendar.When{Expressions: []string{when}},
		Job:      schedule.Job{Run: &schedule.Command{Program: []string{"true"}}},
		Policies: schedule.DefaultPolicies(),
	}
	if set != nil {
		set(&d.Policies)
	}
	return d
}

// apply makes the store agree with the declarations, and prunes.
func (h *house) apply(declared ...schedule.Declaration) {
	h.t.Helper()
	if _, err := h.store.Apply(h.t.Context(), declared, store.ApplyOptions{
		PlanOptions: schedule.PlanOptions{Owner: h.owner, Prune: true}, Actor: "test",
	}); err != nil {
		h.t.Fatalf("applying: %v", err)
	}
}

// finishJobs completes every job that has not ended.
func (h *house) finishJobs() {
	h.t.Helper()
	finalized := any(time.Now())
	if h.db.Kind == database.SQLite {
		finalized = time.Now().UTC().Format("2006-01-02 15:04:05.000")
	}
	err := h.db.Transaction(h.t.Context(), func(tx database.Tx) error {
		_, err := tx.Exec(h.t.Context(), `UPDATE river_job SET state = 'completed', finalized_at = $1
			WHERE state IN ('available', 'running', 'retryable')`, finalized)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// history is the ledger of a schedule, oldest first, in a line: each row as
// MM:SS or MM:SS-MM:SS since start and what was decided.
func (h *house) history(key string, start time.Time) string {
	h.t.Helper()
	runs, err := h.store.Runs(h.t.Context(), store.RunFilter{Key: key, Limit: 1000})
	if err != nil {
		h.t.Fatal(err)
	}
	slices.SortFunc(runs, func(a, b store.Run) int { return a.Nominal.Compare(b.Nominal) })
	var words []string
	for _, run := range runs {
		word := minutes(run.Nominal.Sub(start))
		if run.Count > 1 {
			word += "-" + minutes(run.Until.Sub(start))
		}
		decision := run.Decision
		if run.Reason != "" {
			decision = run.Reason
		}
		words = append(words, word+" "+decision)
	}
	return strings.Join(words, ", ")
}

func minutes(d time.Duration) string {
	return time.Time{}.Add(d).Format("15:04")
}

// audit fails the test for every finding that is a fault.
func (h *house) audit() {
	h.t.Helper()
	_, err := h.store.Audit(h.t.Context(), "", func(f schedule.Finding) {
		if f.Kind.Failure() {
			h.t.Errorf("audit: %s: %s: %s", f.Name(), f.Kind, f.Detail)
		}
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// jobsEqualEnqueued checks that every enqueued decision has one job.
func (h *house) jobsEqualEnqueued() {
	h.t.Helper()
	var jobs, enqueued int
	for query, n := range map[string]*int{
		"SELECT count(*) FROM river_job":                                       &jobs,
		"SELECT count(*) FROM punctual_occurrence WHERE decision = 'enqueued'": &enqueued,
	} {
		if err := h.db.Reader().QueryRow(h.t.Context(), query).Scan(n); err != nil {
			h.t.Fatal(err)
		}
	}
	if jobs != enqueued {
		h.t.Errorf("%d jobs stand for %d enqueued decisions", jobs, enqueued)
	}
}

// Package storetest is the one suite that every store must pass, whatever
// database it stands on.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

// Run runs the suite. fresh gives the address of an empty, migrated database
// that is the test's own until it ends.
func Run(t *testing.T, fresh func(t *testing.T) (address string)) {
	for _, group := range [][]test{
		declaringTests, definitionTests, pauseTests, commitTests, standingTests, crashTests, factTests, limitTests,
		triggerTests, latestTests, backfillTests, laterTests, outcomeTests, mendTests, auditTests, processTests, accessTests, raceTests,
		retentionTests, watchTests, observeTests, alertTests, listTests,
	} {
		for _, one := range group {
			t.Run(one.sentence, func(t *testing.T) {
				t.Parallel()
				h := &house{T: t, address: fresh(t), now: start}
				h.Store = h.open(database.Options{})
				one.holds(h)
				if !t.Failed() && !h.damaged {
					h.wantSound()
				}
			})
		}
	}
}

// test is a sentence about stores, and the proof that it holds.
type test struct {
	sentence string
	holds    func(*house)
}

// start is when every test begins: a Monday, 09:00.
var start = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

const me = store.Actor("tester")

var file = schedule.Owner{Kind: schedule.OwnerFile, Name: "punctual.yaml"}

// house is a store with a clock that stands still until it is moved.
type house struct {
	*testing.T
	*store.Store
	address string
	damaged bool // on purpose: the audit at the end is not wanted

	mu  sync.Mutex
	now time.Time
}

// open gives another store in the same database, which goes by the house's
// clock.
func (h *house) open(o database.Options) *store.Store {
	h.Helper()
	o.Now = h.clock
	return h.openInRealTime(o)
}

// openInRealTime gives one that goes by the database's clock.
func (h *house) openInRealTime(o database.Options) *store.Store {
	h.Helper()
	db, err := database.Open(h.ctx(), h.address, o)
	h.must(err)
	h.Cleanup(db.Close)
	s, err := store.Open(db)
	h.must(err)
	return s
}

func (h *house) ctx() context.Context { return h.Context() }

func (h *house) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *house) setTime(at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = at
}

func (h *house) advance(d time.Duration) { h.setTime(h.clock().Add(d)) }

// at moves the clock to a time of the day the tests begin on.
func (h *house) at(text string) { h.setTime(moment(text)) }

// moment is a time of that day: 10:30, 10:30:15 or 10:30:15.250.
func moment(text string) time.Time {
	for _, layout := range []string{"15:04", "15:04:05"} {
		if at, err := time.Parse("2006-01-02 "+layout, start.Format("2006-01-02 ")+text); err == nil {
			return at
		}
	}
	panic("no moment: " + text)
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// refused wants an error that says all the words.
func (h *house) refused(err error, words ...string) {
	h.Helper()
	if err == nil {
		h.Fatalf("it was allowed; it should be refused, saying %q", words)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			h.Errorf("the error %q does not say %q", err, word)
		}
	}
}

func equal[T comparable](h *house, what string, got, want T) {
	h.Helper()
	if got != want {
		h.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func same(h *house, what string, got, want []string) {
	h.Helper()
	if !slices.Equal(got, want) {
		h.Errorf("%s:\n got %s\nwant %s", what, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
}

// declared is a schedule that runs a command.
func declared(key, when string, change ...func(*schedule.Declaration)) schedule.Declaration {
	d := schedule.Declaration{
		Key:      key,
		When:     calendar.When{Expressions: []string{when}},
		Job:      schedule.Job{Run: &schedule.Command{Shell: "true"}},
		Policies: schedule.DefaultPolicies(),
	}
	for _, one := range change {
		one(&d)
	}
	return d
}

func overlap(o schedule.Overlap) func(*schedule.Declaration) {
	return func(d *schedule.Declaration) { d.Policies.Overlap = o }
}

func catchUp(c schedule.CatchUp) func(*schedule.Declaration) {
	return func(d *schedule.Declaration) { d.Policies.CatchUp = c }
}

func limit(name string) func(*schedule.Declaration) {
	return func(d *schedule.Declaration) { d.Policies.Limit = name }
}

func tags(names ...string) func(*schedule.Declaration) {
	return func(d *schedule.Declaration) { d.Tags = names }
}

func was(key string) func(*schedule.Declaration) {
	return func(d *schedule.Declaration) { d.Was = key }
}

func byFile() store.ApplyOptions {
	return store.ApplyOptions{PlanOptions: schedule.PlanOptions{Owner: file}, Actor: me}
}

// apply declares schedules by the file.
func (h *house) apply(all ...schedule.Declaration) []schedule.Change {
	h.Helper()
	changes, err := h.Apply(h.ctx(), all, byFile())
	h.must(err)
	return changes
}

// due reads what is due, on time and late, as one batch of each lane.
func (h *house) due(s *store.Store) []schedule.Batch {
	h.Helper()
	var batches []schedule.Batch
	for _, lane := range []schedule.Lane{schedule.LaneOnTime, schedule.LaneLate} {
		b, err := s.Due(h.ctx(), schedule.Wanted{Lane: lane, Limit: 500})
		h.must(err)
		if b.Len() > 0 {
			batches = append(batches, b)
		}
	}
	return batches
}

// one reads the batch that is due, which has to be just one.
func (h *house) one() schedule.Batch {
	h.Helper()
	batches := h.due(h.Store)
	if len(batches) != 1 {
		h.Fatalf("%d batches are due, want 1", len(batches))
	}
	return batches[0]
}

func decide(b schedule.Batch) []schedule.Decided {
	return schedule.DecideBatch(b.Candidates, b.Groups)
}

// tick decides what is due and what waits until nothing changes any more.
func (h *house) tick() schedule.Committed {
	h.Helper()
	total, err := tick(h.ctx(), h.Store)
	h.must(err)
	return total
}

func tick(ctx context.Context, s *store.Store) (total schedule.Committed, err error) {
	const rounds = 300
	for range rounds {
		moved := 0
		for _, read := range []func() (schedule.Batch, error){
			func() (schedule.Batch, error) {
				return s.Due(ctx, schedule.Wanted{Lane: schedule.LaneOnTime, Limit: 500})
			},
			func() (schedule.Batch, error) {
				return s.Due(ctx, schedule.Wanted{Lane: schedule.LaneLate, Limit: 500})
			},
			func() (schedule.Batch, error) { return s.Waiting(ctx, 500) },
		} {
			b, err := read()
			if err != nil {
				return total, err
			}
			for id, reason := range b.Unreadable {
				if err := s.Fail(ctx, id, b.Now, reason.Error()); err != nil {
					return total, err
				}
			}
			if len(b.Candidates) == 0 {
				continue
			}
			done, err := s.Commit(ctx, b, decide(b))
			if err != nil {
				return total, err
			}
			total.Schedules += done.Schedules
			total.Enqueued += done.Enqueued
			total.Skipped += done.Skipped
			moved += done.Enqueued + done.Skipped
		}
		if moved == 0 {
			return total, nil
		}
	}
	return total, errors.New("the clock never comes to rest")
}

// ledger is the rows of a schedule in the order they were written:
// "10:00 enqueued", "10:00-12:00 x3 skipped: coalesced", "! enqueued".
func (h *house) ledger(key string) []string {
	h.Helper()
	runs, err := h.Runs(h.ctx(), store.RunFilter{Key: key, Limit: 1000})
	h.must(err)
	var lines []string
	for _, r := range slices.Backward(runs) {
		line := clockTime(r.Nominal)
		switch {
		case r.Origin == "trigger":
			line = "!"
		case r.Origin == "backfill":
			line = "backfill " + line
		}
		if r.Count > 1 {
			line += fmt.Sprintf("-%s x%d", clockTime(r.Until), r.Count)
		}
		line += " " + r.Decision
		if r.Reason != "" {
			line += ": " + r.Reason
		}
		lines = append(lines, line)
	}
	return lines
}

func clockTime(at time.Time) string {
	text := strings.TrimSuffix(at.Format("15:04:05.999"), ":00")
	if at.Truncate(24*time.Hour) != start.Truncate(24*time.Hour) {
		text = at.Format("01-02 ") + text
	}
	return text
}

func (h *house) wantLedger(key string, want ...string) {
	h.Helper()
	same(h, "the ledger of "+key, h.ledger(key), want)
}

// jobs is how many jobs the clock made of a schedule.
func (h *house) jobs(key string) int {
	h.Helper()
	return h.number(`SELECT count(*) FROM punctual_occurrence o JOIN punctual_schedule s ON s.id = o.schedule_id
		WHERE s.key = $1 AND o.origin = 'clock' AND o.decision = 'enqueued'`, key)
}

// run is a row of a schedule's ledger, in the order they were written.
func (h *house) run(key string, n int) store.Run {
	h.Helper()
	runs, err := h.Runs(h.ctx(), store.RunFilter{Key: key, Limit: 1000})
	h.must(err)
	if n >= len(runs) {
		h.Fatalf("%s has %d runs, no run %d", key, len(runs), n)
	}
	return runs[len(runs)-1-n]
}

// overview is how a schedule stands.
func (h *house) overview(key string) store.Overview {
	h.Helper()
	all, err := h.Overviews(h.ctx(), key)
	h.must(err)
	return all[0]
}

// findings are what an audit says: "no decision 10:00", "decided twice ...".
func (h *house) findings() []string {
	h.Helper()
	var all []string
	_, err := h.Audit(h.ctx(), "", func(f schedule.Finding) {
		line := string(f.Kind) + " " + f.Key + " " + clockTime(f.Nominal)
		if f.Count > 1 {
			line += fmt.Sprintf(" x%d", f.Count)
		}
		all = append(all, line)
	})
	h.must(err)
	return all
}

// wantSound wants an audit without failures, and as many jobs of the clock as
// enqueued decisions.
func (h *house) wantSound() {
	h.Helper()
	_, err := h.Audit(h.ctx(), "", func(f schedule.Finding) {
		if f.Kind.Failure() {
			h.Errorf("the audit finds %s: %s (%s)", f.Name(), f.Kind, f.Detail)
		}
	})
	h.must(err)
	rows := h.number("SELECT count(*) FROM punctual_occurrence WHERE decision = 'enqueued'")
	equal(h, "jobs that ever were", h.number("SELECT count(DISTINCT job_id) FROM punctual_occurrence WHERE decision = 'enqueued'"), rows)
	equal(h, "jobs in the queue without a row", h.number("SELECT count(*) FROM river_job WHERE id NOT IN (SELECT job_id FROM punctual_occurrence WHERE job_id IS NOT NULL)"), 0)
}

func (h *house) number(query string, arguments ...any) int {
	h.Helper()
	var n int
	h.must(h.Database().Reader().QueryRow(h.ctx(), query, arguments...).Scan(&n))
	return n
}

func (h *house) exec(query string, arguments ...any) {
	h.Helper()
	h.must(h.Database().Transaction(h.ctx(), func(tx database.Tx) error {
		_, err := tx.Exec(h.ctx(), query, arguments...)
		return err
	}))
}

// job puts a job of the queue into a state as a worker would, with the errors of
// the attempts that failed so far.
func (h *house) job(id int64, state string, failures ...string) {
	h.Helper()
	var list []string
	for i, text := range failures {
		list = append(list, fmt.Sprintf(`{"at":"2026-11-23T09:00:00Z","attempt":%d,"error":%q,"trace":""}`, i+1, strings.ReplaceAll(text, "'", "''")))
	}
	failed, timestamp := "NULL", func(at string) string { return at + "::timestamptz" }
	if h.Database().Kind == database.SQLite {
		timestamp = func(at string) string { return at }
		if list != nil {
			failed = "jsonb('[" + strings.Join(list, ",") + "]')"
		}
	} else if list != nil {
		failed = "ARRAY['" + strings.Join(list, "','") + "']::jsonb[]"
	}
	finalized := "NULL"
	if slices.Contains([]string{"completed", "cancelled", "discarded"}, state) {
		finalized = timestamp("'2026-11-23 09:30:01.250'")
	}
	changed := int64(0)
	h.must(h.Database().Transaction(h.ctx(), func(tx database.Tx) (err error) {
		changed, err = tx.Exec(h.ctx(), `UPDATE river_job SET state = '`+state+`', attempt = `+fmt.Sprint(len(failures)+1)+`,
			attempted_at = `+timestamp("'2026-11-23 09:30:00.123'")+`, finalized_at = `+finalized+`, errors = `+failed+` WHERE id = $1`, id)
		return err
	}))
	equal(h, "jobs changed", changed, 1)
}

// end completes every job that is open.
func (h *house) end() {
	h.Helper()
	runs, err := h.Runs(h.ctx(), store.RunFilter{Limit: 1000})
	h.must(err)
	for _, r := range runs {
		if r.JobID != 0 && slices.Contains([]string{"available", "running", "retryable"}, r.State) {
			h.job(r.JobID, "completed")
		}
	}
}

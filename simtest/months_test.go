package simtest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/punctual-dev/punctual/clock"
	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

// Months go by in fake time. Clocks run for half a minute now and then, one to
// three at once, and die at random statements; in between and meanwhile
// everything happens that may happen to a schedule. What the ledger says at the
// end is compared with a second reading of the contract (oracle_test.go).
//
// PUNCTUAL_PROOF=N simulates N lives of some two months instead of one of six days,
// and PUNCTUAL_SEED=N the long life of that seed alone.
func TestMonthsOfRestartsFaultsAndEditsLoseAndDoubleNothing(t *testing.T) {
	seeds, steps := []uint64{1}, 12
	if proof := os.Getenv("PUNCTUAL_PROOF"); proof != "" {
		n, err := strconv.ParseUint(proof, 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		seeds, steps = nil, 120
		for seed := range n {
			seeds = append(seeds, seed+1)
		}
	}
	if text := os.Getenv("PUNCTUAL_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seeds, steps = []uint64{seed}, 120
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			onBothStores(t, func(t *testing.T, h *house) {
				l := newLife(h, seed)
				for range steps {
					l.step()
				}
				l.end()
			})
		})
	}
}

// life is what happens to a house. What happens is drawn from a seed; how
// clocks share the work in it is not, so a replay is alike and not the same.
type life struct {
	*house
	random  *rand.Rand
	created int      // keys so far
	keys    []string // that stand
	faults  *faults
	told    []string
	// strict are the schedules whose runs may not overlap, with the last job that
	// was made before that was so.
	strict map[string]int64
}

// zones have their clocks change at different times and by different widths.
var zones = []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"}

// changes of the clocks: each life begins in the days before one of them.
var changes = []struct {
	zone string
	at   time.Time
}{
	{"America/New_York", time.Date(2027, 3, 14, 7, 0, 0, 0, time.UTC)},
	{"Europe/Berlin", time.Date(2027, 3, 28, 1, 0, 0, 0, time.UTC)},
	{"Australia/Lord_Howe", time.Date(2027, 4, 3, 15, 0, 0, 0, time.UTC)},
	{"Australia/Lord_Howe", time.Date(2027, 10, 2, 15, 30, 0, 0, time.UTC)},
	{"Europe/Berlin", time.Date(2027, 10, 31, 1, 0, 0, 0, time.UTC)},
	{"America/New_York", time.Date(2027, 11, 7, 6, 0, 0, 0, time.UTC)},
}

var whens = []string{"every 20m", "every 3h", "every 90m", "daily at 02:30", "daily at 12:15", "hourly at :20", "weekdays at 01:45"}

func newLife(h *house, seed uint64) *life {
	l := &life{
		house: h, random: rand.New(rand.NewPCG(seed, 0)), faults: &faults{random: rand.New(rand.NewPCG(seed, 1))}, strict: map[string]int64{},
	}
	h.t.Cleanup(func() {
		if h.t.Failed() {
			h.t.Logf("to live this again: PUNCTUAL_SEED=%d go test ./simtest -run Months; what happened:\n", seed)
			for _, event := range l.told {
				h.t.Log(event)
			}
		}
	})
	change := changes[l.random.IntN(len(changes))]
	time.Sleep(time.Until(change.at.Add(-time.Duration(1+l.random.IntN(72)) * time.Hour)))
	l.tell("the clocks of %s change at %s", change.zone, change.at)
	first := l.declaration("first")
	first.When.Zone, first.When.Expressions = change.zone, []string{"daily at 01:45", "daily at 02:15"}
	l.put(first) // and nobody edits it
	for range 5 {
		l.create()
	}
	return l
}

func (l *life) tell(format string, arguments ...any) {
	l.told = append(l.told, l.now().UTC().Format("2006-01-02 15:04:05 ")+fmt.Sprintf(format, arguments...))
}

// declaration is a schedule of a random when and policies.
func (l *life) declaration(key string) schedule.Declaration {
	d := declare(key, l.pick(whens), func(p *schedule.Policies) {
		p.CatchUp = pickOf(l, schedule.CatchUpLatest, schedule.CatchUpAll, schedule.CatchUpNone)
		p.Overlap = pickOf(l, schedule.OverlapSkip, schedule.OverlapWait, schedule.OverlapQueue, schedule.OverlapCancel, schedule.OverlapAllow)
		p.CatchUpWindow, p.CatchUpMax = schedule.Duration(36*time.Hour), 1+l.random.IntN(20)
		if l.random.IntN(3) == 0 {
			p.Limit = "press"
		}
	})
	d.When.Zone = l.pick(zones)
	d.Tags = []string{l.pick([]string{"red", "blue"})}
	if l.random.IntN(3) == 0 {
		d.Jitter = 7 * time.Minute
	}
	if l.random.IntN(4) == 0 {
		d.When.Expressions = append(d.When.Expressions, l.pick(whens))
	}
	return d
}

func (l *life) pick(from []string) string { return from[l.random.IntN(len(from))] }

func pickOf[T any](l *life, from ...T) T { return from[l.random.IntN(len(from))] }

// step is a stretch without clocks, and then half a minute with some.
func (l *life) step() {
	away := time.Duration(l.random.Int64N(int64(36 * time.Hour)))
	if l.random.IntN(3) == 0 {
		away = time.Duration(l.random.Int64N(int64(time.Hour)))
	}
	time.Sleep(away / 2)
	l.happens()
	time.Sleep(away / 2)
	clocks := 1 + l.random.IntN(3)
	l.tell("%d clocks run", clocks)
	ctx, stop := context.WithTimeout(l.t.Context(), 30*time.Second)
	defer stop()
	var running sync.WaitGroup
	for i := range clocks {
		running.Go(func() { l.keepTime(ctx, i) })
	}
	for range 3 {
		time.Sleep(time.Duration(1+l.random.IntN(9)) * time.Second)
		l.nothingOverlaps()
		l.startJobs()
		l.endJobs(l.random.IntN(5) > 0)
		l.happens()
	}
	running.Wait()
}

// keepTime runs a clock until ctx ends, and another where it dies.
func (l *life) keepTime(ctx context.Context, number int) {
	for ctx.Err() == nil {
		l.untilItDies(ctx, number)
	}
}

// untilItDies runs one clock. A fault before a statement undoes the transaction
// in hand, as the end of the process would.
func (l *life) untilItDies(ctx context.Context, number int) {
	db, err := database.Open(context.WithoutCancel(ctx), l.address, database.Options{Now: l.now, MaxConnections: 2, Trace: l.faults.beforeStatement})
	if err != nil {
		l.t.Errorf("a clock does not open the database: %v", err)
		return
	}
	defer db.Close()
	defer func() {
		if fault := recover(); fault != nil && fault != any(errDies) {
			panic(fault)
		}
	}()
	s, err := store.Open(db)
	if err != nil {
		l.t.Errorf("a clock does not open the store: %v", err)
		return
	}
	c := clock.New(faultyStore{quietStore{s}, l.faults}, ranked{s, number}, clock.Options{Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), BatchSize: 3})
	if err := c.Run(ctx); err != nil {
		l.t.Errorf("a clock ended with %v", err)
	}
}

// ranked is the upkeep of one of three clocks.
type ranked struct {
	*store.Store
	number int
}

func (r ranked) Rank(context.Context) (int, int, error) { return r.number, 3, nil }

var (
	errDies  = errors.New("the process dies here")
	errFault = fmt.Errorf("the connection is gone: %w", io.ErrUnexpectedEOF)
)

// faults strike at random: a process dies, an answer is lost, the database is
// away for a few seconds.
type faults struct {
	mu     sync.Mutex
	random *rand.Rand
	away   time.Time
}

func (f *faults) strikes(oneIn int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.random.IntN(oneIn) == 0
}

func (f *faults) beforeStatement(string) {
	if f.strikes(150) {
		panic(errDies)
	}
}

// fails says whether the database is away.
func (f *faults) fails() bool {
	begins := f.strikes(200)
	f.mu.Lock()
	defer f.mu.Unlock()
	if begins {
		f.away = time.Now().Add(5 * time.Second)
	}
	return time.Now().Before(f.away)
}

// faultyStore is a store whose database goes away, and loses the answer to a
// commit that went through.
type faultyStore struct {
	quietStore
	faults *faults
}

func (s faultyStore) Transient(err error) bool {
	return errors.Is(err, errFault) || s.quietStore.Transient(err)
}

func (s faultyStore) Due(ctx context.Context, w schedule.Wanted) (schedule.Batch, error) {
	if s.faults.fails() {
		return schedule.Batch{}, errFault
	}
	return s.quietStore.Due(ctx, w)
}

func (s faultyStore) Commit(ctx context.Context, b schedule.Batch, decided []schedule.Decided) (schedule.Committed, error) {
	if s.faults.fails() {
		return schedule.Committed{}, errFault
	}
	done, err := s.quietStore.Commit(ctx, b, decided)
	if err == nil && s.faults.strikes(20) {
		return schedule.Committed{}, errFault
	}
	return done, err
}

// happens is something somebody does, or that befalls the machine.
func (l *life) happens() {
	events := []func(){
		l.create, l.edit, l.edit, l.edit, l.rename, l.delete, l.pause, l.pause, l.resume, l.resume,
		l.skipNext, l.skipDue, l.trigger, l.backfill, l.jump, func() {}, func() {},
	}
	events[l.random.IntN(len(events))]()
}

func (l *life) create() {
	l.created++
	key := "s" + strconv.Itoa(l.created)
	l.put(l.declaration(key))
	l.keys = append(l.keys, key)
}

func (l *life) edit() {
	if key := l.some(); key != "" {
		l.put(l.declaration(key))
	}
}

func (l *life) rename() {
	if key := l.some(); key != "" {
		l.created++
		d := l.declaration("s" + strconv.Itoa(l.created))
		d.Was = key
		l.put(d)
		l.forget(key)
		l.keys = append(l.keys, d.Key)
	}
}

// put applies one declaration, and leaves the others as they are.
func (l *life) put(d schedule.Declaration) {
	l.tell("put %s (was %q): %v in %s, catch up %s, overlap %s, limit %q", d.Key, d.Was, d.When.Expressions, d.When.Zone, d.Policies.CatchUp, d.Policies.Overlap, d.Policies.Limit)
	_, err := l.store.Apply(l.t.Context(), []schedule.Declaration{d}, store.ApplyOptions{
		PlanOptions: schedule.PlanOptions{Owner: l.owner}, Limits: map[string]int{"press": 2}, Actor: "test",
	})
	l.must("put", err)
	_, already := l.strict[d.Key]
	switch d.Policies.Overlap {
	case schedule.OverlapAllow, schedule.OverlapCancel: // the latter only asks for an end
		delete(l.strict, d.Key)
	default:
		if !already {
			var last int64
			l.must("asking for the last job", l.db.Reader().QueryRow(l.t.Context(), "SELECT coalesce(max(id), 0) FROM river_job").Scan(&last))
			l.strict[d.Key] = last
		}
	}
}

// nothingOverlaps looks at the jobs that are active: where runs may not overlap the
// clock makes none beside an older one. A job never becomes active again here, so
// what is active now was so when the newer one was made.
func (l *life) nothingOverlaps() {
	l.t.Helper()
	rows, err := l.db.Reader().Query(l.t.Context(), `SELECT s.key, o.origin, j.id
		FROM punctual_occurrence o JOIN river_job j ON j.id = o.job_id JOIN punctual_schedule s ON s.id = o.schedule_id
		WHERE o.origin <> 'backfill' AND j.state IN ('available', 'scheduled', 'pending', 'running') ORDER BY j.id`)
	if err != nil {
		l.t.Fatal(err)
	}
	defer rows.Close()
	older := map[string]int64{}
	for rows.Next() {
		var (
			key, origin string
			id          int64
		)
		if err := rows.Scan(&key, &origin, &id); err != nil {
			l.t.Fatal(err)
		}
		since, strict := l.strict[key]
		if before, found := older[key]; found && strict && id > since && origin == "clock" {
			l.t.Errorf("job %d of %s was made while job %d was active", id, key, before)
		}
		older[key] = id
	}
	l.must("reading active jobs", rows.Err())
}

// startJobs starts some of the jobs that wait, as a worker does.
func (l *life) startJobs() {
	l.t.Helper()
	l.must("starting jobs", l.db.Transaction(l.t.Context(), func(tx database.Tx) error {
		_, err := tx.Exec(l.t.Context(), "UPDATE river_job SET state = 'running', attempt = attempt + 1 WHERE state = 'available' AND id % 2 = 0")
		return err
	}))
}

func (l *life) delete() {
	if key := l.some(); key != "" && len(l.keys) > 3 {
		l.tell("delete %s", key)
		l.must("delete", l.store.Delete(l.t.Context(), key, l.random.IntN(2) == 0, "test"))
		l.forget(key)
	}
}

func (l *life) pause() {
	target := pickOf(l, store.Target{Key: l.some()}, store.Target{Tag: "red"}, store.Target{All: true})
	if target == (store.Target{}) {
		return
	}
	until := pickOf(l, time.Time{}, l.now().Add(time.Duration(1+l.random.IntN(600))*time.Minute))
	l.tell("pause %+v until %s", target, until)
	_, err := l.store.Pause(l.t.Context(), target, until, "", "test")
	l.must("pause", err)
}

func (l *life) resume() {
	l.tell("resume")
	targets := []store.Target{{Tag: "red"}, {All: true}}
	for _, key := range l.keys {
		targets = append(targets, store.Target{Key: key})
	}
	for _, target := range targets {
		_, err := l.store.Resume(l.t.Context(), target, "test")
		l.must("resume", err)
	}
}

func (l *life) skipNext() {
	if key := l.some(); key != "" {
		at, err := l.store.SkipNext(l.t.Context(), key, "test")
		l.tell("skip the next of %s, %s", key, at)
		l.must("skip", err)
	}
}

func (l *life) skipDue() {
	if key := l.some(); key != "" {
		l.tell("skip what is due of %s", key)
		_, err := l.store.SkipDue(l.t.Context(), key, l.now(), "test")
		l.must("skip what is due", err)
	}
}

func (l *life) trigger() {
	if key := l.some(); key != "" {
		l.tell("trigger %s", key)
		_, err := l.store.Trigger(l.t.Context(), key, store.TriggerOptions{Force: l.random.IntN(2) == 0, Actor: "test"})
		l.must("trigger", err)
	}
}

func (l *life) backfill() {
	if key := l.some(); key != "" {
		l.tell("backfill a day of %s", key)
		_, err := l.store.StartBackfill(l.t.Context(), store.BackfillRequest{Key: key, From: l.now().Add(-24 * time.Hour), To: l.now(), Actor: "test"})
		if _, refused := errors.AsType[*store.RefusedError](err); !refused && err != nil {
			l.tell("no backfill: %v", err)
		}
	}
}

// jump sets the database's clock forward or back.
func (l *life) jump() {
	by := pickOf(l, 90*time.Second, 3*time.Hour, -90*time.Second, -2*time.Hour, -500*time.Millisecond)
	l.tell("the clock is set by %s", by)
	l.ahead.Add(int64(by))
}

func (l *life) some() string {
	if len(l.keys) == 0 {
		return ""
	}
	return l.pick(l.keys)
}

func (l *life) forget(key string) {
	for i := range l.keys {
		if l.keys[i] == key {
			l.keys = append(l.keys[:i], l.keys[i+1:]...)
			return
		}
	}
}

func (l *life) must(what string, err error) {
	l.t.Helper()
	if err != nil {
		l.t.Errorf("%s: %v", what, err)
	}
}

// endJobs completes what runs; if not all, some stay as if they were stuck.
func (l *life) endJobs(all bool) {
	l.t.Helper()
	finalized := any(l.now())
	if l.db.Kind == database.SQLite {
		finalized = l.now().UTC().Format("2006-01-02 15:04:05.000")
	}
	some := cmp.Or(map[bool]string{true: "1 = 1"}[all], "id % 4 <> 0")
	l.must("ending jobs", l.db.Transaction(l.t.Context(), func(tx database.Tx) error {
		_, err := tx.Exec(l.t.Context(), `UPDATE river_job SET state = 'completed', finalized_at = $1
			WHERE state IN ('available', 'running', 'retryable') AND `+some, finalized)
		return err
	}))
}

// end lets one clock that nothing strikes come up, and looks at what stands.
func (l *life) end() {
	l.faults.mu.Lock()
	l.faults.random = rand.New(never{})
	l.faults.mu.Unlock()
	l.resume()
	for range 8 {
		l.endJobs(true)
		ctx, stop := context.WithTimeout(l.t.Context(), 20*time.Second)
		l.keepTime(ctx, 0)
		stop()
	}
	l.audit()
	l.jobsEqualEnqueued()
	l.compareWithOracle()
}

// never is a source of which no fault is drawn.
type never struct{}

func (never) Uint64() uint64 { return 1<<64 - 1 }

package schedule_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/schedule"
)

// declared is a schedule of default policies, changed.
func declared(key, when string, change func(*schedule.Declaration)) schedule.Declaration {
	d := schedule.Declaration{Key: key, When: calendar.When{Expressions: []string{when}}, Policies: schedule.DefaultPolicies()}
	if change != nil {
		change(&d)
	}
	return d
}

var start = day.Add(9 * time.Hour)

func TestYearsOfDowntimeAreDecidedAtOnce(t *testing.T) {
	const years = 5 * 365 * 24 * time.Hour
	for _, c := range []struct {
		name    string
		catchUp schedule.CatchUp
		max     int
		jitter  time.Duration
		want    int // enqueued by the first decision
	}{
		{"latest", schedule.CatchUpLatest, 100, 0, 1},
		{"latest with jitter", schedule.CatchUpLatest, 100, time.Hour, 1},
		{"none", schedule.CatchUpNone, 100, 0, 1},
		{"all, with as many as there may be", schedule.CatchUpAll, 10_000, 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			a := w.create(start, declared("often", "every 100ms", func(d *schedule.Declaration) {
				d.Jitter, d.Policies.CatchUp, d.Policies.CatchUpMax = c.jitter, c.catchUp, c.max
			}))
			began := time.Now()
			d := w.look(start.Add(years), all)[0]
			if took := time.Since(began); took > time.Second {
				t.Errorf("deciding took %s", took)
			}
			decided, enqueued := 0, 0
			for _, row := range d.Rows {
				decided += row.Count
				if row.Skipped == "" {
					enqueued++
				}
			}
			if enqueued != c.want || len(d.Rows) > 3 {
				t.Errorf("%d rows, %d enqueued; want %d", len(d.Rows), enqueued, c.want)
			}
			if undecided := a.Timeline.Count(a.state.Cursor, start.Add(years)); decided+undecided != int(years/(100*time.Millisecond)) {
				t.Errorf("%d decided and %d not, of %d", decided, undecided, years/(100*time.Millisecond))
			}
			if found := failures(a.audit(start.Add(years), a.rows())); len(found) > 0 {
				t.Errorf("the audit: %v", found)
			}
		})
	}
}

func all(*actor) bool { return true }

func TestALongCatchUpIsEnqueuedInBatches(t *testing.T) {
	w := newWorld(t)
	a := w.create(start, declared("batches", "every 1m", func(d *schedule.Declaration) {
		d.Policies.CatchUp, d.Policies.CatchUpMax, d.Policies.Overlap = schedule.CatchUpAll, 250, schedule.OverlapAllow
	}))
	now := start.Add(10 * time.Hour)
	var sizes []int
	for more := true; more; {
		before := len(w.jobs)
		d := w.look(now, func(a *actor) bool { return w.isDue(a, now) })[0]
		sizes, more = append(sizes, len(w.jobs)-before), d.More
		if more && (a.state.NextDue.IsZero() || a.state.NextDue.After(now)) {
			t.Fatalf("there is more, but the clock looks again at %s", a.state.NextDue)
		}
	}
	if want := []int{100, 100, 50}; !slices.Equal(sizes, want) {
		t.Errorf("batches of %v, want %v", sizes, want)
	}
	w.checkLedgers(now)
}

// A clock that dies between two batches and comes back late: what it had met
// runs all the same, and what it had not is limited on its own.
func TestCatchUpLimitsAreAppliedOnceToEachStretch(t *testing.T) {
	w := newWorld(t)
	a := w.create(start, declared("twice", "every 1m", func(d *schedule.Declaration) {
		d.Policies.CatchUp, d.Policies.CatchUpMax, d.Policies.Overlap = schedule.CatchUpAll, 250, schedule.OverlapAllow
	}))
	w.look(start.Add(10*time.Hour), all)
	if len(w.jobs) != 100 {
		t.Fatalf("%d jobs at first", len(w.jobs))
	}
	later := start.Add(50 * time.Hour)
	for range 7 {
		w.look(later, all)
	}
	if got, want := len(w.jobs), 250+250; got != want {
		t.Errorf("%d jobs, want %d", got, want)
	}
	w.checkLedgers(later)
	if a.state.Waiting != schedule.NotWaiting {
		t.Errorf("it waits for %s", a.state.Waiting)
	}
}

func TestWhatWaitedIsNotCoalescedBetweenTwoBatches(t *testing.T) {
	w := newWorld(t)
	w.limits["press"] = 1
	a := w.create(start, declared("many", "every 1m", func(d *schedule.Declaration) {
		d.Policies.Overlap, d.Policies.Limit = schedule.OverlapAllow, "press"
	}))
	w.look(start.Add(time.Minute), all)
	w.look(start.Add(2*time.Minute), all)
	later := start.Add(252 * time.Minute)
	w.set(a, func(p *schedule.Policies) { p.Limit = "" })
	for range 4 {
		w.look(later, all)
	}
	if got, want := len(w.jobs), 252; got != want {
		t.Errorf("%d jobs, want %d", got, want)
	}
	w.checkLedgers(later)
}

func TestAGroupWithoutALimitIsEnqueuedInBatchesToo(t *testing.T) {
	w := newWorld(t)
	w.limits["press"] = schedule.Unlimited
	for _, key := range []string{"one", "two"} {
		w.create(start, declared(key, "every 1m", func(d *schedule.Declaration) {
			d.Policies.CatchUp, d.Policies.CatchUpMax = schedule.CatchUpAll, 150
			d.Policies.Overlap, d.Policies.Limit = schedule.OverlapAllow, "press"
		}))
	}
	now := start.Add(10 * time.Hour)
	for _, want := range []int{200, 300, 300} {
		w.look(now, all)
		if len(w.jobs) != want {
			t.Errorf("%d jobs, want %d", len(w.jobs), want)
		}
	}
	w.checkLedgers(now)
}

func TestPlacesGoInOrderOfDueThoughABatchIsFull(t *testing.T) {
	w := newWorld(t)
	w.limits["press"] = 120
	for i, key := range []string{"early", "late"} {
		created := start.Add(time.Duration(i) * 5 * time.Hour)
		w.create(created, declared(key, "every 1m", func(d *schedule.Declaration) {
			d.When.NotAfter = created.Add(150 * time.Minute)
			d.Policies.CatchUp, d.Policies.CatchUpMax = schedule.CatchUpAll, 150
			d.Policies.Overlap, d.Policies.Limit = schedule.OverlapAllow, "press"
		}))
	}
	now := start.Add(6 * time.Hour)
	for _, want := range []int{100, 120, 120} {
		w.look(now, all)
		if len(w.jobs) != want {
			t.Errorf("%d jobs, want %d", len(w.jobs), want)
		}
	}
	for _, j := range w.jobs {
		if j.actor.Key != "early" {
			t.Errorf("%s@%s was enqueued before what was due earlier", j.actor.Key, clockTime(j.nominal))
		}
	}
}

func TestAPlaceIsLeftToWhoWaitsForItOutsideOfTheBatch(t *testing.T) {
	w := newWorld(t)
	w.limits["press"] = 0
	for _, d := range []schedule.Declaration{declared("early", "every 10m", nil), declared("late", "every 15m", nil)} {
		d.Policies.Limit = "press"
		w.create(start, d)
	}
	now := start.Add(16 * time.Minute)
	w.look(start.Add(10*time.Minute), all)
	w.look(now, all)
	w.limits["press"] = 1
	for _, batch := range []struct {
		key  string
		jobs int
	}{{"late", 0}, {"early", 1}, {"late", 1}} {
		w.look(now, func(a *actor) bool { return a.Key == batch.key })
		if len(w.jobs) != batch.jobs {
			t.Fatalf("%d jobs after a look at %s alone, want %d", len(w.jobs), batch.key, batch.jobs)
		}
	}
}

// A due far behind its nominal holds up all that an edit brings meanwhile.
func TestManyNominalsBelowTheFloorOfAnEditAreNotWalked(t *testing.T) {
	w := newWorld(t)
	a := w.create(start, declared("floor", "every 3000d from 2026-11-23T10:00:00Z", func(d *schedule.Declaration) { d.Jitter = 3000 * 24 * time.Hour }))
	first, _ := a.Timeline.Next(start)
	w.define(a, start.Add(2*time.Hour), calendar.When{Expressions: []string{"every 100ms"}}, 0)
	began := time.Now()
	if d := w.look(first.Due.Add(-1), all)[0]; len(d.Rows) > 0 {
		t.Errorf("before %s, %d rows are written", first.Due, len(d.Rows))
	}
	w.look(first.Due, all)
	if took := time.Since(began); took > time.Second {
		t.Errorf("deciding took %s", took)
	}
	if first.Due.Sub(first.At) < 24*time.Hour || a.state.Cursor.Before(first.Due.Add(-time.Second)) {
		t.Errorf("due at %s, the cursor stands at %s", first.Due, a.state.Cursor)
	}
}

func TestTheOrderOfABatchDoesNotMatter(t *testing.T) {
	decide := func(order []int) string {
		w := newWorld(t)
		w.limits["press"] = 2
		for _, i := range order {
			w.create(start, declared(fmt.Sprintf("s%d", i), fmt.Sprintf("every %dm", 7+i), func(d *schedule.Declaration) {
				d.Policies.Limit = "press"
			}))
		}
		var names []string
		w.look(start.Add(7*time.Minute+30*time.Second), all)
		w.look(start.Add(time.Hour), all)
		for _, j := range w.jobs {
			names = append(names, schedule.OccurrenceName(j.actor.Key, j.nominal))
		}
		slices.Sort(names)
		return fmt.Sprint(names)
	}
	if one, other := decide([]int{0, 1, 2, 3}), decide([]int{3, 1, 0, 2}); one != other {
		t.Errorf("%s\n%s", one, other)
	}
}

func TestDecideLeavesItsArgumentsAlone(t *testing.T) {
	w := newWorld(t)
	a := w.create(start, declared("pure", "every 1m", func(d *schedule.Declaration) {
		d.Policies.CatchUp, d.Policies.Overlap = schedule.CatchUpAll, schedule.OverlapAllow
	}))
	jobs := append(make([]schedule.ActiveJob, 0, 10), schedule.ActiveJob{ID: 7})
	facts := schedule.Facts{Now: start.Add(5 * time.Minute), Active: jobs}
	first := schedule.Decide(a.Schedule, a.state, facts)
	if again := schedule.Decide(a.Schedule, a.state, facts); len(again.Rows) != len(first.Rows) || again.State != first.State {
		t.Errorf("the same arguments gave %+v and %+v", first, again)
	}
	if jobs[:2][1].ID != 0 {
		t.Errorf("deciding wrote into the facts")
	}
}

func TestACursorMayStandAnywhere(t *testing.T) {
	w := newWorld(t)
	a := w.create(start, declared("odd", "every 10m", func(d *schedule.Declaration) { d.Jitter = 5 * time.Minute }))
	for _, cursor := range []time.Time{{}, start.Add(-time.Hour), start.Add(time.Microsecond), start.Add(10*time.Minute - 1), start.Add(20 * time.Minute), start.Add(90 * time.Minute)} {
		d := schedule.Decide(a.Schedule, schedule.State{Cursor: cursor}, schedule.Facts{Now: start.Add(35 * time.Minute)})
		decided := 0
		for _, row := range d.Rows {
			decided += row.Count
			if !row.Nominal.After(cursor) || !row.Nominal.After(start) {
				t.Errorf("with the cursor at %s, %s is decided", cursor, row.Nominal)
			}
		}
		if want := a.Timeline.Count(cursor, start.Add(30*time.Minute)); decided != want {
			t.Errorf("with the cursor at %s, %d are decided, want %d", cursor, decided, want)
		}
		if d.State.NextDue.Before(start.Add(35 * time.Minute)) {
			t.Errorf("with the cursor at %s, the clock looks again at %s", cursor, d.State.NextDue)
		}
	}
}

package clock

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/schedule"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeStore keeps states in memory and breaks on demand.
type fakeStore struct {
	outcomes  int                              // batches of them that are yet to be copied
	soon      int                              // those that can be made ready, each in 10 ms
	foreseen  []time.Time                      // when they were
	offset    func(at time.Time) time.Duration // of the store's time against this process's; nil: none
	mu        sync.Mutex                       // holds schedules
	schedules []*fakeSchedule
	calls     int
	away      func(at time.Time) bool // the database does not answer
	refuse    map[int64]error         // a commit with this schedule fails for its content
	wake      chan func()
	takes     time.Duration // a commit, for each schedule
	looks     int           // for what is due
	readings  int           // of the time
	asked     int           // when the next is due
	waiting   func()        // what looking for waits that are over does; may be nil
	unwilling int           // how often the database goes away when time is to be set back

	fired    []firing
	failed   map[int64]string
	commits  []int // the number of schedules of each commit
	decided  int   // in all of them, whether they held or not
	rewinds  int
	retimed  int
	lastTick time.Time
}

type fakeSchedule struct {
	one     *schedule.Schedule
	state   schedule.State
	version int64
}

type firing struct {
	key         string
	nominal, at time.Time
	skipped     schedule.Reason
}

var errAway, errContent = errors.New("the database is away"), errors.New("value out of range")

func newFakeStore(t *testing.T, whens map[string]string) *fakeStore {
	t.Helper()
	f := &fakeStore{refuse: map[int64]error{}, failed: map[int64]string{}, wake: make(chan func(), 1)}
	keys := make([]string, 0, len(whens))
	for key := range whens {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for i, key := range keys {
		f.add(t, int64(i+1), key, whens[key])
	}
	return f
}

func (f *fakeStore) add(t *testing.T, id int64, key, when string) {
	t.Helper()
	now := time.Now()
	policies := schedule.DefaultPolicies()
	policies.Overlap = schedule.OverlapAllow
	one := &schedule.Schedule{ID: id, CreatedAt: now, Declaration: schedule.Declaration{Key: key, Policies: policies}}
	var err error
	one.Timeline, err = schedule.NewTimeline([]schedule.Definition{{From: now, When: calendar.When{Expressions: []string{when}}, Seed: key}})
	if err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.schedules = append(f.schedules, &fakeSchedule{one, schedule.NextState(one.Timeline, schedule.State{Cursor: now}), 1})
}

func (f *fakeStore) now() time.Time {
	at := time.Now()
	if f.offset != nil {
		return at.Add(f.offset(at))
	}
	return at
}

func (f *fakeStore) call() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.called()
}

func (f *fakeStore) called() error {
	f.calls++
	if f.away != nil && f.away(time.Now()) {
		return errAway
	}
	return nil
}

func (f *fakeStore) Now(context.Context) (time.Time, error) {
	f.mu.Lock()
	f.readings++
	f.mu.Unlock()
	return f.now(), f.call()
}

func (f *fakeStore) Due(_ context.Context, w schedule.Wanted) (schedule.Batch, error) {
	b := schedule.Batch{Now: f.now()}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.looks++
	if err := f.called(); err != nil || w.Lane == schedule.LaneLate {
		return b, err
	}
	inOrder := slices.SortedStableFunc(slices.Values(f.schedules), func(a, b *fakeSchedule) int { return a.state.NextDue.Compare(b.state.NextDue) })
	for _, s := range inOrder {
		next := s.state.NextDue
		place := schedule.Place{Due: next, ID: s.one.ID}
		switch {
		case place.Due.Before(w.Behind.Due) || place.Due.Equal(w.Behind.Due) && place.ID <= w.Behind.ID:
		case next.IsZero() || next.After(b.Now.Add(-w.Since)) || len(b.Candidates) == w.Limit || !w.Share.Has(s.one.ID):
		default:
			b.Candidates = append(b.Candidates, schedule.Candidate{Schedule: s.one, State: s.state, Version: s.version, Facts: schedule.Facts{Now: b.Now}})
			b.Last = place
		}
	}
	return b, nil
}

func (f *fakeStore) Waiting(context.Context, int) (schedule.Batch, error) {
	if f.waiting != nil {
		f.mu.Lock()
		f.waiting()
		f.mu.Unlock()
	}
	return schedule.Batch{Now: f.now()}, f.call()
}

func (f *fakeStore) Commit(_ context.Context, b schedule.Batch, decided []schedule.Decided) (schedule.Committed, error) {
	if err := f.call(); err != nil {
		return schedule.Committed{}, err
	}
	for _, d := range decided {
		if err := f.refuse[d.Schedule.ID]; err != nil {
			return schedule.Committed{}, err
		}
	}
	time.Sleep(time.Duration(len(decided)) * f.takes)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.commits, f.decided = append(f.commits, len(decided)), f.decided+len(decided)
	for _, d := range decided {
		s := f.schedules[d.Schedule.ID-1]
		if d.Version != s.version {
			continue
		}
		for _, row := range d.Rows {
			f.fired = append(f.fired, firing{d.Schedule.Key, row.Nominal, f.now(), row.Skipped})
		}
		s.state, s.version = d.State(), s.version+1
	}
	return schedule.Committed{Schedules: len(decided)}, nil
}

func (f *fakeStore) Pace() schedule.Pace {
	return schedule.Pace{Hands: 2, Between: 2 * time.Millisecond, Pause: 10 * time.Millisecond}
}

func (f *fakeStore) Fail(_ context.Context, id int64, now time.Time, reason string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failed[id] = reason
	s := f.schedules[id-1]
	s.state.NextDue, s.version = now.Add(time.Minute), s.version+1
	return f.called()
}

func (f *fakeStore) NextDue(context.Context) (time.Time, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	return f.next(), f.called()
}

func (f *fakeStore) next() (next time.Time) {
	for _, s := range f.schedules {
		if due := s.state.NextDue; !due.IsZero() && (next.IsZero() || due.Before(next)) {
			next = due
		}
	}
	return next
}

func (f *fakeStore) Foresee(context.Context, time.Time) (more bool, err error) {
	if f.soon == 0 {
		return false, f.call()
	}
	f.soon--
	f.foreseen = append(f.foreseen, f.now())
	time.Sleep(10 * time.Millisecond)
	return f.soon > 0, f.call()
}

func (f *fakeStore) Wakeups(ctx context.Context, wake func()) error {
	select {
	case f.wake <- wake:
	default:
	}
	<-ctx.Done()
	return ctx.Err()
}

func (f *fakeStore) Transient(err error) bool { return errors.Is(err, errAway) }

func (f *fakeStore) Retime(context.Context) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.retimed++
	return 0, f.called()
}

func (f *fakeStore) Rewind(context.Context) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.rewinds == 1 && f.unwilling > 0 { // behind the one at the start
		f.unwilling--
		return 0, errAway
	}
	f.rewinds++
	return 0, f.called()
}

func (f *fakeStore) LastTick(context.Context) (time.Time, error) { return f.lastTick, f.call() }

func (f *fakeStore) CopyOutcomes(context.Context) (int64, error) {
	if f.outcomes == 0 {
		return 0, f.call()
	}
	f.outcomes--
	time.Sleep(40 * time.Millisecond)
	return 2000, f.call()
}

func (f *fakeStore) StepBackfills(context.Context) (int, error)    { return 0, f.call() }
func (f *fakeStore) Rank(context.Context) (rank, n int, err error) { return 0, 1, f.call() }

// keepTime runs a clock over f for a while of fake time and returns its log.
func keepTime(t *testing.T, f *fakeStore, d time.Duration) string {
	t.Helper()
	var log bytes.Buffer
	ctx, stop := context.WithTimeout(t.Context(), d)
	defer stop()
	if err := New(f, f, Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}).Run(ctx); err != nil {
		t.Fatalf("the clock: %v", err)
	}
	return log.String()
}

func TestEveryNominalIsDecidedNeverBeforeItIsDueAndAtOnceAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		f := newFakeStore(t, map[string]string{"five": "every 5s", "seven": "every 7s", "quick": "every 300ms"})
		keepTime(t, f, time.Hour-time.Millisecond)
		count := map[string]int{}
		for _, fired := range f.fired {
			count[fired.key]++
			if late := fired.at.Sub(fired.nominal); late < 0 || late > 10*time.Millisecond {
				t.Fatalf("%s at %s was decided %s after it was due", fired.key, fired.nominal, late)
			}
		}
		for key, every := range map[string]time.Duration{"five": 5 * time.Second, "seven": 7 * time.Second, "quick": 300 * time.Millisecond} {
			spec, _ := calendar.Parse("every " + every.String())
			if want := spec.Count(start, start.Add(time.Hour-time.Millisecond)); count[key] != want {
				t.Errorf("%s was decided %d times in an hour; it was due %d times", key, count[key], want)
			}
		}
	})
}

func TestWhatIsDueSoonIsMadeReadyWhileTheClockWouldSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeStore(t, map[string]string{"quick": "every 300ms"})
		f.soon = 100 // a second of it
		keepTime(t, f, 3*time.Second)
		if f.soon > 0 {
			t.Errorf("after three seconds %d of 100 are left", f.soon)
		}
		for _, fired := range f.fired {
			if late := fired.at.Sub(fired.nominal); late > 10*time.Millisecond {
				t.Errorf("%s was decided %s after it was due", fired.nominal, late)
			}
		}
		for _, at := range f.foreseen {
			for _, fired := range f.fired {
				if ahead := fired.nominal.Sub(at); ahead > 0 && ahead < foresightTime {
					t.Errorf("at %s another was made ready, %s before one was due", at, ahead)
				}
			}
		}
	})
}

func TestAHerdOfOutcomesIsCopiedWithoutHoldingUpWhatIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeStore(t, map[string]string{"quick": "every 300ms"})
		f.outcomes = 50 // two seconds of it
		keepTime(t, f, 4*time.Second)
		if f.outcomes > 0 {
			t.Errorf("after four seconds %d of 50 batches are left", f.outcomes)
		}
		for _, fired := range f.fired {
			if late := fired.at.Sub(fired.nominal); late > 150*time.Millisecond {
				t.Errorf("%s was decided %s after it was due", fired.nominal, late)
			}
		}
	})
}

func TestWhereManyAreDueALongCommitIsFollowedByAShorterRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		whens := map[string]string{}
		for i := range 48 {
			// Twelve in each turn.
			whens[fmt.Sprint("quick-", i)] = fmt.Sprintf("every 100ms from 2000-01-01T00:00:00.%03dZ", i%4*25)
		}
		f := newFakeStore(t, whens)
		f.takes = 1500 * time.Microsecond // 18 ms for twelve
		keepTime(t, f, 5*time.Second)
		var worst time.Duration
		for _, fired := range f.fired {
			worst = max(worst, fired.at.Sub(fired.nominal))
		}
		if limit := 12*f.takes + f.Pace().Pause; worst == 0 || worst > limit {
			t.Errorf("the latest was decided %s after it was due, where twelve are due every %s; %s are allowed", worst, flowTurn, limit)
		}
	})
}

func TestAnIdleClockAsksLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeStore(t, map[string]string{"rare": "0 0 1 7 *"})
		keepTime(t, f, time.Hour)
		// About ten statements each second that it looks, and no more.
		if limit := 12 * 3600; f.calls > limit {
			t.Errorf("an hour with nothing due took %d statements; at most %d are due", f.calls, limit)
		}
	})
}

func TestAnEditWakesTheClockEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeStore(t, map[string]string{"rare": "0 0 1 7 *"})
		go func() {
			wake := <-f.wake
			time.Sleep(10*time.Second + 100*time.Millisecond)
			f.add(t, 2, "soon", "every 100ms")
			wake()
		}()
		start := time.Now()
		keepTime(t, f, 12*time.Second)
		if len(f.fired) == 0 || f.fired[0].nominal.Sub(start) > 10300*time.Millisecond || f.fired[0].at.Sub(f.fired[0].nominal) > 10*time.Millisecond {
			t.Errorf("the new schedule did not fire at once: %v", f.fired[:min(1, len(f.fired))])
		}
	})
}

func TestADatabaseThatIsAwayLosesNothingAndIsSpokenOfTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		f := newFakeStore(t, map[string]string{"tick": "every 10s"})
		f.away = func(at time.Time) bool {
			since := at.Sub(start)
			return since > 25*time.Second && since < 33*time.Second
		}
		log := keepTime(t, f, 59*time.Second)
		var nominals []int
		for _, fired := range f.fired {
			nominals = append(nominals, int(fired.nominal.Sub(start).Seconds()))
			if fired.at.Sub(fired.nominal) > 5*time.Second+maxBackoff {
				t.Errorf("%s was decided at %s", fired.nominal, fired.at)
			}
		}
		if want := []int{10, 20, 30, 40, 50}; !slices.Equal(nominals, want) {
			t.Errorf("decided were %v, want %v", nominals, want)
		}
		if strings.Count(log, "does not answer") != 1 || strings.Count(log, "answers again") != 1 {
			t.Errorf("an outage is to be told once when it begins and once when it ends:\n%s", log)
		}
	})
}

func TestOneBadScheduleIsLeftInErrorAndTheOthersGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		whens := map[string]string{}
		for i := range 100 {
			whens[fmt.Sprintf("s-%03d", i)] = "every 10s"
		}
		f := newFakeStore(t, whens)
		f.refuse[37] = errContent
		start := time.Now()
		keepTime(t, f, 95*time.Second)
		count := map[string]int{}
		for _, fired := range f.fired {
			count[fired.key]++
		}
		for key, n := range count {
			if n != 9 {
				t.Errorf("%s was decided %d times in 95 s, want 9", key, n)
			}
		}
		if len(count) != 99 || len(f.failed) != 1 || f.failed[37] == "" {
			t.Errorf("%d schedules went on and %v failed; only the 37th is to fail", len(count), f.failed)
		}
		if again := f.schedules[36].state.NextDue; again.Sub(start) < 95*time.Second {
			t.Errorf("the schedule in error is looked at again after %s", again.Sub(start))
		}
	})
}

func TestStoppingEndsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeStore(t, map[string]string{"rare": "0 0 1 7 *"})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = New(f, f, Options{}).Run(ctx)
		}()
		time.Sleep(10500 * time.Millisecond)
		asked := time.Now()
		stop()
		<-done
		if took := time.Since(asked); took > 10*time.Millisecond {
			t.Errorf("the clock took %s to stop", took)
		}
	})
}

func TestAJumpOfTimeIsHeldUntilReadingsAgree(t *testing.T) {
	base := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	type reading struct {
		store, own time.Duration // since base
		want       judgement
	}
	cases := map[string][]reading{
		"steady time is trusted":                      {{0, 0, timeSetBack}, {1 * time.Second, 1 * time.Second, timeSteady}, {61 * time.Second, 61 * time.Second, timeSteady}},
		"a short jump forward is like a downtime":     {{0, 0, timeSetBack}, {40 * time.Second, time.Second, timeSteady}},
		"a long sleep that both clocks saw is none":   {{0, 0, timeSetBack}, {time.Hour, time.Hour, timeSteady}},
		"a jump forward is held for ten seconds":      {{0, 0, timeSetBack}, {time.Hour, time.Second, timeHeld}, {time.Hour + 5*time.Second, 6 * time.Second, timeHeld}, {time.Hour + 10*time.Second, 11 * time.Second, timeSteady}},
		"a jump that is taken back is not acted upon": {{0, 0, timeSetBack}, {time.Hour, time.Second, timeHeld}, {2 * time.Second, 2 * time.Second, timeHeld}, {11 * time.Second, 11 * time.Second, timeHeld}, {12 * time.Second, 12 * time.Second, timeSetBack}},
		"a small step back is acted upon at once":     {{0, 0, timeSetBack}, {-30 * time.Second, time.Second, timeSetBack}, {-29 * time.Second, 2 * time.Second, timeSteady}},
		"a step back of milliseconds is nothing":      {{0, 0, timeSetBack}, {900 * time.Millisecond, time.Second, timeSteady}},
	}
	for name, readings := range cases {
		t.Run(name, func(t *testing.T) {
			var s steadiness
			for i, r := range readings {
				if got := s.judge(base.Add(r.store), base.Add(r.own)); got != r.want {
					t.Errorf("reading %d: judged %d, want %d", i, got, r.want)
				}
			}
		})
	}
}

func TestAClockSetBackLooksAtWhatLiesAhead(t *testing.T) {
	for _, c := range []struct {
		name            string
		rank, unwilling int
	}{
		{name: "and it is the first"},
		{name: "and it stands by", rank: 1},
		{name: "and the database goes away meanwhile", unwilling: 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFakeStore(t, map[string]string{"tick": "every 10s"})
				start := time.Now()
				f.unwilling = c.unwilling
				f.offset = func(at time.Time) time.Duration {
					if at.Sub(start) > 30500*time.Millisecond {
						return -20 * time.Second
					}
					return 0
				}
				ranked{f, c.rank, c.rank + 1}.keepTime(t, time.Minute)
				if f.rewinds != 2 { // at the start, and after the step back
					t.Errorf("what lies ahead was looked at %d times, want twice", f.rewinds)
				}
			})
		})
	}
}

// observed is what a clock told.
type observed struct {
	ahead     []time.Duration
	ticks     int
	schedules int
}

func (o *observed) Read(ahead time.Duration)          { o.ahead = append(o.ahead, ahead) }
func (o *observed) Ticked(time.Duration)              { o.ticks++ }
func (o *observed) Committed(done schedule.Committed) { o.schedules += done.Schedules }

func TestWhoLooksOnIsToldOfEveryTickAndCommitAndOfHowFarAheadTheStoreIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeStore(t, map[string]string{"five": "every 5s"})
		f.offset = func(time.Time) time.Duration { return 3 * time.Second }
		var seen observed
		ctx, stop := context.WithTimeout(t.Context(), time.Minute-time.Millisecond)
		defer stop()
		if err := New(f, f, Options{Observer: &seen}).Run(ctx); err != nil {
			t.Fatal(err)
		}
		if seen.schedules != len(f.fired) || seen.schedules == 0 {
			t.Errorf("it was told of %d decisions, and %d were committed", seen.schedules, len(f.fired))
		}
		// When something is due, and in the two seconds before; the time is read once a second.
		if seen.ticks < seen.schedules || seen.ticks > 4*seen.schedules || len(seen.ahead) < 60 {
			t.Errorf("it was told of %d ticks and %d readings of the time in a minute", seen.ticks, len(seen.ahead))
		}
		for _, ahead := range seen.ahead {
			if ahead != 3*time.Second {
				t.Fatalf("the store is said to be %s ahead, it is 3s", ahead)
			}
		}
	})
}

func TestTheLineAboutAnAbsenceCountsWhatHasToWaitItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			name   string
			change func(*schedule.Policies)
			want   string
		}{
			{"each in its turn", func(p *schedule.Policies) { p.CatchUp, p.Overlap = schedule.CatchUpAll, schedule.OverlapQueue }, `hello missed 4, enqueued 1, 3 to follow in turn" missed=4 enqueued=1`},
			{"at most two", func(p *schedule.Policies) {
				p.CatchUp, p.Overlap, p.CatchUpMax = schedule.CatchUpAll, schedule.OverlapQueue, 2
			}, `hello missed 4, enqueued 1, 1 to follow in turn" missed=4 enqueued=1`},
			{"all at once", func(p *schedule.Policies) { p.CatchUp = schedule.CatchUpAll }, `hello missed 4, enqueued 4" missed=4 enqueued=4`},
		} {
			f := newFakeStore(t, map[string]string{"hello": "every 5s"})
			c.change(&f.schedules[0].one.Policies)
			f.lastTick = time.Now()
			time.Sleep(21 * time.Second)
			if log := keepTime(t, f, 3*time.Second); !strings.Contains(log, c.want) {
				t.Errorf("%s: the line is not as promised:\n%s", c.name, log)
			}
			time.Sleep(4 * time.Second) // to where a period begins
		}
	})
}

func TestALineOfAClockThatWasHeardFromSinceSaysWhatItKnows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeStore(t, map[string]string{"hello": "every 5s"})
		time.Sleep(16 * time.Second)
		f.lastTick = time.Now()
		time.Sleep(5 * time.Second)
		if log := keepTime(t, f, 3*time.Second); !strings.Contains(log, "was away 16s: hello missed 4") {
			t.Errorf("the line is not as promised:\n%s", log)
		}
	})
}

func TestTheLineAboutAnAbsenceNamesWhatWasMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeStore(t, map[string]string{"hello": "every 5s", "rare": "0 0 1 7 *"})
		f.lastTick = time.Now()
		time.Sleep(21 * time.Second)
		log := keepTime(t, f, 3*time.Second)
		if !strings.Contains(log, "hello missed 4, enqueued 1") || !strings.Contains(log, "was away 21s: hello") {
			t.Errorf("the line is not as promised:\n%s", log)
		}
	})
}

package clock

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/schedule"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

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
		f.decidedWithin(t, 10*time.Millisecond)
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
		f.decidedWithin(t, 150*time.Millisecond)
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
		f := newFakeStore(t, crowdOf(100, "every 10s"))
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

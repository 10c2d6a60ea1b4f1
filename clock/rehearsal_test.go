package clock

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/punctual-dev/punctual/schedule"
)

func TestWhatARestedClockWillDecideIsRehearsedOnceAndNothingOfItIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeStore(t, map[string]string{"seldom": "every 10s"})
		keepTime(t, f, time.Minute+time.Second)
		if len(f.fired) != 6 || len(f.rehearsed) != 6 || f.decided != 6 {
			t.Fatalf("%d were fired of %d decided, and %d rehearsed, not six each", len(f.fired), f.decided, len(f.rehearsed))
		}
		for i, r := range f.rehearsed {
			due := f.fired[i].nominal
			if !r.now.Equal(due) {
				t.Errorf("it was rehearsed as of %v and not of %v", r.now, due)
			}
			if lead := due.Sub(r.at); lead <= 0 || lead > rehearsalLead {
				t.Errorf("it was rehearsed %v before it was due", lead)
			}
		}
	})
}

func TestWhatIsDueAgainInAMomentIsNotRehearsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeStore(t, map[string]string{"quick": "every 200ms"})
		keepTime(t, f, 10*time.Second+100*time.Millisecond)
		if len(f.fired) != 50 || len(f.rehearsed) > 0 {
			t.Errorf("%d were fired, not 50, and %d rehearsed", len(f.fired), len(f.rehearsed))
		}
	})
}

func TestAllHandsRehearseForACrowdTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		whens := crowdOf(5*firstBatch, "every 10s")
		f := newFakeStore(t, whens)
		keepTime(t, f, 11*time.Second)
		times, leads := map[string]int{}, map[time.Duration]int{}
		for _, r := range f.rehearsed {
			times[r.key]++
			leads[r.now.Sub(r.at)]++
		}
		wanted := (1 + f.Pace().Hands) * firstBatch
		if len(times) != wanted || leads[rehearsalLead] != wanted || leads[rehearsedAgain] != wanted || len(leads) != 2 {
			t.Errorf("%d were rehearsed, not %d; as many milliseconds before: %v", len(times), wanted, leads)
		}
		if len(f.fired) != len(whens) {
			t.Errorf("%d were fired, not %d", len(f.fired), len(whens))
		}
	})
}

func TestHandsThatHaveRehearsedBeginTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeStore(t, crowdOf(2*firstBatch, "every 10s"))
		f.takes = 100 * time.Microsecond
		keepTime(t, f, 11*time.Second)
		if len(f.fired) != 2*firstBatch {
			t.Fatalf("%d were fired, not %d", len(f.fired), 2*firstBatch)
		}
		f.decidedWithin(t, firstBatch*f.takes+batchPause)
	})
}

func TestTheFirstOfARehearsedCrowdGoAlone(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(f *fakeStore, due time.Time)
	}{
		{"where an error came between", func(f *fakeStore, due time.Time) {
			f.away = func(at time.Time) bool { return !at.Before(due) && at.Before(due.Add(time.Second)) }
		}},
		{"where places are limited", func(f *fakeStore, _ time.Time) {
			f.groups = map[string]schedule.Group{"few": {Free: 5}}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFakeStore(t, crowdOf(2*firstBatch, "every 10s"))
				f.takes = 100 * time.Microsecond
				c.prepare(f, time.Now().Add(10*time.Second))
				keepTime(t, f, 15*time.Second)
				if len(f.fired) != 2*firstBatch {
					t.Fatalf("%d were fired, not %d", len(f.fired), 2*firstBatch)
				}
				if apart := f.fired[len(f.fired)-1].at.Sub(f.fired[0].at); apart < firstBatch*f.takes {
					t.Errorf("the last were decided %v behind the first", apart)
				}
			})
		})
	}
}

func TestTheHandsDoNotRehearseWhatTheyWouldNotGetThroughWith(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeStore(t, crowdOf(5*firstBatch, "every 10s"))
		f.rehearsing = rehearsalLead / 2
		keepTime(t, f, 21*time.Second)
		leads := map[time.Duration]int{}
		for _, r := range f.rehearsed {
			leads[r.now.Sub(r.at)]++
		}
		if leads[rehearsalLead] != 2*firstBatch || leads[f.rehearsing] != 2*firstBatch || len(leads) != 2 {
			t.Errorf("of two herds as many were rehearsed, so long before: %v", leads)
		}
		f.decidedWithin(t, 3*tickPause)
	})
}

func TestARehearsalThatDoesNotComeToAnEndHoldsNothingUpAndIsNotTriedAgainSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeStore(t, map[string]string{"seldom": "every 10s"})
		f.rehearsing = time.Minute
		keepTime(t, f, time.Minute+time.Second)
		if len(f.fired) != 6 || len(f.rehearsed) != 1 {
			t.Fatalf("%d were fired, not six, and %d rehearsed, not the first alone", len(f.fired), len(f.rehearsed))
		}
		f.decidedWithin(t, tickPause)
	})
}

func TestARehearsalForWhichADistantDatabaseLeavesNoTimeHoldsNothingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeStore(t, map[string]string{"seldom": "every 10s"})
		f.rehearsing = time.Minute
		const trip = 12 * time.Millisecond
		ctx, stop := context.WithTimeout(t.Context(), time.Minute+time.Second)
		defer stop()
		if err := New(distant{f, trip}, f, Options{}).Run(ctx); err != nil {
			t.Fatal(err)
		}
		if len(f.fired) != 6 || len(f.rehearsed) == 0 {
			t.Fatalf("%d were fired, not six, and %d rehearsed", len(f.fired), len(f.rehearsed))
		}
		f.decidedWithin(t, 3*trip) // the time, what is due, and the commit
	})
}

// distant is a store behind a network: every question takes a round trip.
type distant struct {
	*fakeStore
	trip time.Duration
}

func (d distant) Now(ctx context.Context) (time.Time, error) {
	time.Sleep(d.trip)
	return d.fakeStore.Now(ctx)
}

func (d distant) Due(ctx context.Context, w schedule.Wanted) (schedule.Batch, error) {
	time.Sleep(d.trip)
	return d.fakeStore.Due(ctx, w)
}

func (d distant) NextDue(ctx context.Context) (time.Time, error) {
	time.Sleep(d.trip)
	return d.fakeStore.NextDue(ctx)
}

func (d distant) Foresee(ctx context.Context, now time.Time) (bool, error) {
	time.Sleep(d.trip)
	return d.fakeStore.Foresee(ctx, now)
}

func TestOnlyTheFirstOfSeveralClocksRehearses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeStore(t, map[string]string{"seldom": "every 10s"})
		ranked{f, 1, 2}.keepTime(t, time.Minute)
		if len(f.rehearsed) > 0 {
			t.Errorf("one that stands by rehearsed %d times", len(f.rehearsed))
		}
	})
}

package clock

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/punctual-dev/punctual/schedule"
)

func TestAHerdIsDecidedInGrowingBatchesAndEachScheduleOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		whens := crowdOf(6000, "every 10s")
		f := newFakeStore(t, whens)
		f.takes = 10 * time.Microsecond
		keepTime(t, f, 15*time.Second)
		count := map[string]int{}
		for _, fired := range f.fired {
			count[fired.key]++
			if late := fired.at.Sub(fired.nominal); late > time.Second {
				t.Errorf("%s was decided %s late", fired.key, late)
			}
		}
		for key := range whens {
			if n := count[key]; n < 1 || n > 2 {
				t.Errorf("%s was decided %d times in 15 s", key, n)
			}
		}
		if f.decided != len(f.fired) {
			t.Errorf("%d decisions were committed, and %d held: hands took the same", f.decided, len(f.fired))
		}
		if len(f.commits) < 3 || f.commits[0] != 64 || slices.Max(f.commits) != 1000 {
			t.Errorf("the commits took %v; the first of a herd is to be durable soon, and the last not to take much longer", f.commits)
		}
	})
}

func TestClocksShareACrowdAndTakeOverWhatOneOfThemLeaves(t *testing.T) {
	const number = 3000
	whens := crowdOf(number, "every 1h")
	for _, c := range []struct {
		name string
		dies bool // the second clock, in the middle
	}{{"both live", false}, {"one dies", true}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFakeStore(t, whens)
				f.takes = 100 * time.Microsecond
				ends := 2 * time.Hour
				if c.dies {
					ends = time.Hour + 300*time.Millisecond
				}
				keepTimeTogether(t, f, time.Hour+20*time.Second, ends)
				if len(f.fired) != number {
					t.Errorf("%d of %d were decided", len(f.fired), number)
				}
				last, began := time.Time{}, f.fired[0].nominal
				for _, fired := range f.fired {
					last = later(last, fired.at)
				}
				alone, wasted := number*f.takes, float64(f.decided-number)/number
				if took := last.Sub(began); !c.dies && took > alone*3/4 || took > alone*3/2 {
					t.Errorf("two clocks took %s; one takes %s", took, alone)
				}
				if wasted > 0.25 {
					t.Errorf("%.0f %% were decided in vain, since another clock had", 100*wasted)
				}
			})
		})
	}
}

func TestTheFirstClockDecidesAllOfACrowdWhileTheOthersStandBy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeStore(t, crowdOf(3*firstBatch, "every 10s"))
		f.takes = 100 * time.Microsecond
		ranked{f, 0, 2}.keepTime(t, 11*time.Second)
		if len(f.fired) != 3*firstBatch || len(f.commits) != 2 {
			t.Errorf("%d were fired, by commits of %v", len(f.fired), f.commits)
		}
		f.decidedWithin(t, standbyWait/2)
	})
}

func TestABatchThatTakesLongIsFollowedByASmallerOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		whens := crowdOf(2000, "every 1h")
		f := newFakeStore(t, whens)
		f.takes = 4 * time.Millisecond // each
		keepTime(t, f, time.Hour+20*time.Second)
		if len(f.fired) != len(whens) {
			t.Errorf("%d of %d were decided", len(f.fired), len(whens))
		}
		// One batch is in hand while it turns out that the last took too long.
		if longest := time.Duration(slices.Max(f.commits)) * f.takes; longest > 2*laneTime[schedule.LaneOnTime] {
			t.Errorf("one batch took %s: the commits had %v", longest, f.commits)
		}
	})
}

// ranked is one of several clocks' view of the store they share.
type ranked struct {
	*fakeStore
	rank, clocks int
}

func (r ranked) Rank(context.Context) (rank, n int, err error) { return r.rank, r.clocks, r.call() }

// keepTime runs one of the clocks for a while.
func (r ranked) keepTime(t *testing.T, d time.Duration) {
	ctx, stop := context.WithTimeout(t.Context(), d)
	defer stop()
	if err := New(r, r, Options{}).Run(ctx); err != nil {
		t.Errorf("a clock: %v", err)
	}
}

// keepTimeTogether runs two clocks over f for a while, of which the second ends.
func keepTimeTogether(t *testing.T, f *fakeStore, d, second time.Duration) {
	t.Helper()
	var clocks sync.WaitGroup
	for i, d := range []time.Duration{d, second} {
		clocks.Go(func() { ranked{f, i, 2}.keepTime(t, d) })
	}
	time.Sleep(d)
	clocks.Wait()
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

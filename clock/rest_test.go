package clock

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestAWaitThatIsOverMayMakeSomethingDueInTheNextMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeStore(t, map[string]string{"waits": "every 10s"})
		time.Sleep(300 * time.Millisecond) // a clock keeps house at whole seconds of its own
		state := &f.schedules[0].state
		due := state.NextDue
		state.NextDue = time.Time{}
		f.waiting = func() {
			if until := time.Until(due); until > 0 && until < time.Second {
				state.NextDue = due // as the end of a wait writes it
			}
		}
		keepTime(t, f, 20*time.Second)
		if len(f.fired) == 0 {
			t.Fatal("nothing was decided")
		}
		if late := f.fired[0].at.Sub(due); late < 0 || late > tickPause {
			t.Errorf("it was decided %v after it was due", late)
		}
	})
}

func TestAClockAtRestLooksForWhatIsDueOnlyShortlyBeforeItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeStore(t, map[string]string{"seldom": "every 1m"})
		keepTime(t, f, 10*time.Minute+time.Second)
		if len(f.fired) != 10 {
			t.Fatalf("%d occurrences were decided in ten minutes, not ten", len(f.fired))
		}
		f.decidedWithin(t, tickPause)
		// In both lanes, up to three times for each, and not once a second.
		if f.looks > 2*3*len(f.fired)+2 {
			t.Errorf("it looked %d times for what is due", f.looks)
		}
	})
}

func TestAClockThatStandsByTakesOverThoughItsHouseCannotBeKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeStore(t, map[string]string{"tick": "every 1s"})
		const together, alone = 10 * time.Second, 20 * time.Second
		go f.decideAsTheFirst(together, 0)
		ctx, stop := context.WithTimeout(t.Context(), together+alone)
		defer stop()
		one := ranked{f, 1, 2}
		if err := New(one, untidy{one, time.Now().Add(together)}, Options{}).Run(ctx); err != nil {
			t.Fatal(err)
		}
		if wanted := int(alone/time.Second) - 3; len(f.fired) < wanted {
			t.Errorf("%d were decided in %v after the first clock's end, not %d", len(f.fired), alone, wanted)
		}
	})
}

// untidy is a house in which outcomes can no longer be copied.
type untidy struct {
	ranked
	from time.Time
}

func (u untidy) CopyOutcomes(context.Context) (int64, error) {
	if time.Now().Before(u.from) {
		return 0, nil
	}
	return 0, errAway
}

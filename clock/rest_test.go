package clock

import (
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
		for _, fired := range f.fired {
			if late := fired.at.Sub(fired.nominal); late < 0 || late > tickPause {
				t.Errorf("%v was decided %v after it was due", fired.nominal, late)
			}
		}
		// In both lanes, up to three times for each, and not once a second.
		if f.looks > 2*3*len(f.fired)+2 {
			t.Errorf("it looked %d times for what is due", f.looks)
		}
	})
}

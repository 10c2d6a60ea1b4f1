package clock

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/punctual-dev/punctual/schedule"
)

func TestAClockThatStandsByLooksForWhatIsDueOnlyWhereItWasLeft(t *testing.T) {
	for _, c := range []struct {
		name   string
		whens  map[string]string
		leaves int // the first clock leaves one of so many occurrences; 0: none
		left   int // in a minute
	}{
		{name: "every other occurrence is left", whens: map[string]string{"seldom": "every 10s"}, leaves: 2, left: 3},
		{name: "none is, and something is always due just now", whens: map[string]string{"a": "every 100ms", "b": "every 130ms"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFakeStore(t, c.whens)
				go f.decideAsTheFirst(65*time.Second, c.leaves)
				ranked{f, 1, 2}.keepTime(t, 65*time.Second)
				if len(f.fired) != c.left {
					t.Errorf("%d occurrences were decided; %d were left", len(f.fired), c.left)
				}
				for _, fired := range f.fired {
					if late := fired.at.Sub(fired.nominal); late < standbyWait || late > 2*standbyWait {
						t.Errorf("%v was decided %v after it was due; it is left to others for %v", fired.nominal, late, standbyWait)
					}
				}
				// Once a second and whenever something was left, not at each of 1,300 looks.
				if f.readings < 60 || f.readings > 2*65 {
					t.Errorf("the time was read %d times in 65 seconds", f.readings)
				}
				// At both lanes, at the start and whenever something was left.
				if wanted := 2 + 2*c.left; f.looks != wanted {
					t.Errorf("looked %d times for what is due, not %d, where %d were left", f.looks, wanted, c.left)
				}
			})
		})
	}
}

func TestAClockThatStandsByAsksSeldomWhereOthersKeepUpAndTakesOverAllTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const together, alone = 60 * time.Second, 5 * time.Second
		whens := map[string]string{}
		for i := range 100 {
			whens[fmt.Sprint("tick ", i)] = fmt.Sprintf("every %dms", 100+i)
		}
		f := newFakeStore(t, whens)
		died, asked := time.Now().Add(together), 0
		go f.decideAsTheFirst(together, 0)
		time.AfterFunc(together, func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			asked = f.asked
		})
		ranked{f, 1, 2}.keepTime(t, together+alone)
		if most := int(together/standbyRest) + 2*int(together/time.Second); asked > most {
			t.Errorf("it asked %d times when the next is due in a minute, want at most %d", asked, most)
		}
		if len(f.fired) == 0 {
			t.Fatal("nothing was decided after the first clock's end")
		}
		if first := f.fired[0].at.Sub(died); first < 0 || first > standbyRest+standbyWait {
			t.Errorf("the first was decided %v after the other clock's end", first)
		}
		for _, fired := range f.fired[1:] {
			if late := fired.at.Sub(later(fired.nominal, died.Add(standbyRest))); late > 2*standbyWait {
				t.Errorf("%v was decided %v late", fired.nominal, late)
			}
		}
	})
}

// decideAsTheFirst decides what is due 5 ms after it is, as the first of several
// clocks would, and leaves one of so many occurrences.
func (f *fakeStore) decideAsTheFirst(d time.Duration, leaves int) {
	end, n := time.Now().Add(d), 0
	for {
		f.mu.Lock()
		due := f.next()
		f.mu.Unlock()
		if !due.Before(end) {
			return
		}
		n++
		if time.Sleep(time.Until(due.Add(5 * time.Millisecond))); leaves > 0 && n%leaves == 0 {
			time.Sleep(time.Second)
			continue
		}
		f.mu.Lock()
		for _, s := range f.schedules {
			if s.state.NextDue.Equal(due) {
				s.state, s.version = schedule.NextState(s.one.Timeline, schedule.State{Cursor: due}), s.version+1
			}
		}
		f.mu.Unlock()
	}
}

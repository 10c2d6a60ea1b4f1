package access

import (
	"fmt"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func TestTheWaitDoublesAfterTheFreeGuessesUpToALongest(t *testing.T) {
	l := limit{free: 3, first: time.Second, longest: 10 * time.Second}
	for guesses, want := range []time.Duration{0, 0, 0, 1, 2, 4, 8, 10, 10} {
		if got := l.wait(guesses); got != want*time.Second {
			t.Errorf("after %d guesses the wait is %s, want %s", guesses, got, want*time.Second)
		}
	}
	if got := l.wait(1 << 40); got != l.longest {
		t.Errorf("after very many guesses the wait is %s", got)
	}
}

// try is a guess at a second after noon, and how long it has to wait.
type try struct {
	at    float64
	right bool
	wait  float64
}

func TestGuessesWaitLongerAndLonger(t *testing.T) {
	l := limit{free: 2, first: time.Second, longest: time.Hour}
	tests := []struct {
		sentence string
		tries    []try
	}{
		{"the free ones do not wait, the others do", []try{{at: 0}, {at: 0}, {at: 0, wait: 1}, {at: 0.5, wait: 0.5}, {at: 1}, {at: 1, wait: 2}, {at: 3}, {at: 3, wait: 4}}},
		{"a try that has to wait does not count", []try{{at: 0}, {at: 0}, {at: 0.1, wait: 0.9}, {at: 0.2, wait: 0.8}, {at: 1}, {at: 1, wait: 2}}},
		{"right ones do not count", []try{{at: 0, right: true}, {at: 0, right: true}, {at: 0, right: true}, {at: 0}, {at: 0}, {at: 0, wait: 1}}},
		{"a right one takes back itself alone", []try{{at: 0}, {at: 0, right: true}, {at: 0}, {at: 0, wait: 1}}},
		{"one is forgiven every five minutes", []try{{at: 0}, {at: 0}, {at: 1}, {at: 1, wait: 2}, {at: 601}, {at: 601, wait: 1}}},
	}
	for _, test := range tests {
		t.Run(test.sentence, func(t *testing.T) {
			limiter, names := newLimiter(), map[string]limit{"somebody": l}
			for i, try := range test.tries {
				now := noon.Add(time.Duration(try.at * float64(time.Second)))
				wait := limiter.guess(now, names)
				if want := time.Duration(try.wait * float64(time.Second)); wait != want {
					t.Errorf("try %d: it waits %s, want %s", i, wait, want)
				}
				if try.right && wait == 0 {
					limiter.right(names)
				}
			}
		})
	}
}

func TestAGuessWaitsForTheStricterOfItsNames(t *testing.T) {
	strict := limit{free: 1, first: time.Minute, longest: time.Hour}
	limiter := newLimiter()
	limiter.guess(noon, map[string]limit{"user ada": strict, "address one": perAddress})
	if wait := limiter.guess(noon, map[string]limit{"user ada": strict, "address two": perAddress}); wait != time.Minute {
		t.Errorf("from another address the user waits %s", wait)
	}
	if _, counted := limiter.entries["address two"]; counted {
		t.Error("a try that has to wait was counted")
	}
	if wait := limiter.guess(noon, map[string]limit{"user bob": strict, "address one": perAddress}); wait != 0 {
		t.Errorf("another user waits %s", wait)
	}
}

func TestManyGuessersTakeNoMoreThanSoMuchMemory(t *testing.T) {
	limiter := newLimiter()
	for i := range 3 * limiterEntries {
		limiter.guess(noon.Add(time.Duration(i)*time.Millisecond), map[string]limit{fmt.Sprint(i): perUser})
		if len(limiter.entries) > limiterEntries {
			t.Fatalf("%d entries are kept", len(limiter.entries))
		}
	}
	if _, kept := limiter.entries[fmt.Sprint(3*limiterEntries-1)]; !kept {
		t.Error("the latest was forgotten")
	}
	limiter.guess(noon.Add(time.Hour), map[string]limit{"later": perUser})
	for i := range limiterEntries {
		limiter.guess(noon.Add(2*time.Hour), map[string]limit{fmt.Sprint("new ", i): perUser})
	}
	if _, kept := limiter.entries["0"]; kept {
		t.Error("what counts no more is kept")
	}
}

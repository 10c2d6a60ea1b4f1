package access

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"
)

// limit is how many guesses are free, and how long the next have to wait: twice
// as long after each, up to a longest.
type limit struct {
	free    int
	first   time.Duration
	longest time.Duration
}

// Of an address and of a user. Whoever knows a user's name can make his logins
// wait, so that wait is short; sessions and tokens never wait.
var (
	perAddress = limit{free: 8, first: time.Second, longest: 15 * time.Minute}
	perUser    = limit{free: 8, first: time.Second, longest: 30 * time.Second}
)

// wait is how long somebody has to wait after so many guesses.
func (l limit) wait(guesses int) time.Duration {
	if guesses < l.free {
		return 0
	}
	const enough = 30 // doublings: more than any longest
	return min(l.longest, l.first<<min(guesses-l.free, enough))
}

const (
	// limiterEntries bounds the memory that strangers can make a limiter take.
	limiterEntries = 10_000
	// forgiveEvery is how long it takes until one guess counts no more.
	forgiveEvery = 5 * time.Minute
)

// limiter slows down guessing. A guess is counted before it is checked, so that
// many at once gain nothing, and taken back if it was right.
type limiter struct {
	mu      sync.Mutex
	entries map[string]guesses
}

type guesses struct {
	count int // when the last was made
	last  time.Time
}

// still is how many of the guesses count now.
func (g guesses) still(now time.Time) int {
	return max(0, g.count-int(now.Sub(g.last)/forgiveEvery))
}

func newLimiter() *limiter { return &limiter{entries: map[string]guesses{}} }

// guess counts one more try by each of the names, or says how long to wait
// until one may be made; then it counts none.
func (l *limiter) guess(now time.Time, limits map[string]limit) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if wait := l.waits(now, limits); wait > 0 {
		return wait
	}
	for name := range limits {
		entry, known := l.entries[name]
		if !known && len(l.entries) >= limiterEntries {
			l.forget(now)
		}
		l.entries[name] = guesses{entry.still(now) + 1, now}
	}
	return 0
}

// wait is how long to wait until one of the names may guess.
func (l *limiter) wait(now time.Time, limits map[string]limit) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.waits(now, limits)
}

func (l *limiter) waits(now time.Time, limits map[string]limit) (wait time.Duration) {
	for name, limit := range limits {
		if entry, known := l.entries[name]; known {
			wait = max(wait, entry.last.Add(limit.wait(entry.count)).Sub(now))
		}
	}
	return wait
}

// right takes back a guess of each of the names.
func (l *limiter) right(limits map[string]limit) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for name := range limits {
		entry, known := l.entries[name]
		switch {
		case entry.count > 1:
			l.entries[name] = guesses{entry.count - 1, entry.last}
		case known:
			delete(l.entries, name)
		}
	}
}

// forget makes room: by what is too old to count, else by the older half.
func (l *limiter) forget(now time.Time) {
	maps.DeleteFunc(l.entries, func(_ string, entry guesses) bool { return entry.still(now) == 0 })
	if len(l.entries) < limiterEntries {
		return
	}
	byAge := slices.SortedFunc(maps.Keys(l.entries), func(a, b string) int {
		return cmp.Compare(l.entries[a].last.UnixNano(), l.entries[b].last.UnixNano())
	})
	for _, name := range byAge[:len(byAge)/2] {
		delete(l.entries, name)
	}
}

package dashboard

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/punctual-dev/punctual/store"
)

// coming is what comes due in the coming day and week, of all schedules.
type coming struct {
	plan    store.Plan
	from    time.Time // a full hour
	seconds []uint32  // what is due in each second of the coming day, and two hours
	minutes []int     // what the seconds leave out, since it is due all the time
	hours   [7 * weekColumns]int
	herds   []herdRow
	counted int // schedules
	every   int // schedules that are due all the time
}

const (
	comingSpan = 26 * time.Hour
	// oftenADay is from how many on a schedule is due all the time: it is counted
	// by the minute, and is in no herd, since it would be in each.
	oftenADay = 4000
	// mostComing bounds what is counted: it is how many whens are kept parsed.
	mostComing = 20_000
	mostHerds  = 12
)

// comings keep what was counted while schedules, pauses and the hour are the same.
// To read and count ten thousand schedules takes up to a second.
type comings struct {
	mu   sync.Mutex
	last *coming
}

// get counts, unless what was counted before still holds.
func (c *comings) get(ctx context.Context, look store.Look, now time.Time) (*coming, error) {
	plan, err := look.Plan(ctx)
	if err != nil {
		return nil, err
	}
	from := now.Truncate(time.Hour)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last != nil && c.last.plan == plan && c.last.from.Equal(from) {
		return c.last, nil
	}
	found, err := look.Overviews(ctx, store.OverviewFilter{Limit: mostComing})
	if err != nil {
		return nil, err
	}
	last := &coming{plan: plan, from: from, seconds: make([]uint32, comingSpan/time.Second), minutes: make([]int, comingSpan/time.Minute), counted: len(found)}
	for _, one := range found {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		last.add(one)
	}
	last.addHerds(found)
	c.last = last
	return last, nil
}

// part says that not all schedules were counted.
func (c *coming) part() bool { return c.counted < c.plan.Schedules }

// add counts what a schedule is due.
func (c *coming) add(one store.Overview) {
	from := c.from
	for _, pause := range one.Pauses {
		if pause.Until.IsZero() {
			return
		}
		if pause.Until.After(from) {
			from = pause.Until
		}
	}
	t := one.Timeline
	if day := t.Count(c.from.Add(-1), c.from.Add(24*time.Hour)); day > oftenADay {
		c.every++
		for i := range c.minutes {
			if at := c.from.Add(time.Duration(i) * time.Minute); !at.Before(from) {
				c.minutes[i] += t.Count(at.Add(-1), at.Add(time.Minute-1))
			}
		}
	} else {
		after := c.from.Add(-1)
		if last, ok := t.LastDue(after); ok {
			after = last.At
		}
		for next, ok := t.Next(after); ok; next, ok = t.Next(next.At) {
			second := int(next.Due.Sub(c.from) / time.Second)
			if second >= len(c.seconds) {
				break
			}
			if second >= 0 && !next.Due.Before(from) && !next.At.Equal(one.State.SkipAt) {
				c.seconds[second]++
			}
		}
	}
	// By the week a jitter makes no difference. Most are due seldom: where nothing
	// is, no hour is counted.
	for day := range len(c.hours) / weekColumns {
		begins := c.from.Add(time.Duration(day) * 24 * time.Hour)
		left := t.Count(begins.Add(-1), begins.Add(24*time.Hour-1))
		for i := day * weekColumns; left > 0 && i < (day+1)*weekColumns; i++ {
			at := c.from.Add(time.Duration(i) * time.Hour)
			n := t.Count(at.Add(-1), at.Add(time.Hour-1))
			left -= n
			if !at.Before(from.Truncate(time.Hour)) {
				c.hours[i] += n
			}
		}
	}
}

// addHerds finds the fullest seconds of the coming day, and who is due in them.
func (c *coming) addHerds(found []store.Overview) {
	var fullest []herdRow
	for second, n := range c.seconds[:daySpan/time.Second] {
		if n > 1 {
			fullest = append(fullest, herdRow{At: c.from.Add(time.Duration(second) * time.Second), Size: int(n)})
		}
	}
	slices.SortStableFunc(fullest, func(a, b herdRow) int { return cmp.Compare(b.Size, a.Size) })
	c.herds = fullest[:min(len(fullest), mostHerds)]
	for i := range c.herds {
		herd := &c.herds[i]
		for _, one := range found {
			if last, ok := one.Timeline.LastDue(herd.At.Add(time.Second - 1)); ok && !last.Due.Before(herd.At) && takesPart(one, last.Due) {
				herd.Keys = append(herd.Keys, one.Key)
			}
		}
	}
}

// takesPart says that no pause that is known keeps a schedule from what is due at
// an instant, and that it is seldom enough due to be in a herd.
func takesPart(one store.Overview, due time.Time) bool {
	for _, pause := range one.Pauses {
		if pause.Until.IsZero() || due.Before(pause.Until) {
			return false
		}
	}
	return one.Timeline.Count(due.Add(-time.Hour), due) <= oftenADay/24
}

// daySpan is the coming day.
const daySpan = 24 * time.Hour

// between counts what is due in a stretch of whole minutes of the coming day.
func (c *coming) between(from time.Time, span time.Duration) (n int) {
	first := int(from.Sub(c.from) / time.Second)
	for second := max(0, first); second < min(len(c.seconds), first+int(span/time.Second)); second++ {
		n += int(c.seconds[second])
	}
	minute := int(from.Sub(c.from) / time.Minute)
	for i := max(0, minute); i < min(len(c.minutes), minute+int(span/time.Minute)); i++ {
		n += c.minutes[i]
	}
	return n
}

// fullest is the fullest second of a stretch, and how full it is.
func (c *coming) fullest(from time.Time, span time.Duration) (at time.Time, n int) {
	first := int(from.Sub(c.from) / time.Second)
	for second := max(0, first); second < min(len(c.seconds), first+int(span/time.Second)); second++ {
		if here := int(c.seconds[second]); here > n {
			at, n = c.from.Add(time.Duration(second)*time.Second), here
		}
	}
	return at, n
}

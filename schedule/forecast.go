package schedule

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/punctual-dev/punctual/calendar"
)

// Forecast is what schedules will do between two instants, if a clock runs all
// the time and nothing is edited or paused meanwhile.
type Forecast struct {
	From        time.Time          `json:"from"`  // exclusive
	Until       time.Time          `json:"until"` // inclusive
	Occurrences int                `json:"occurrences"`
	Schedules   []ForecastSchedule `json:"schedules"` // as they were declared
	Herds       []Herd             `json:"herds"`     // the largest first
	Changes     []ForecastChange   `json:"daylight_saving"`
	// Hours is how many jobs come due in each hour after the full hour, UTC, at
	// or before From.
	Hours []int `json:"-"`
}

// ForecastSchedule is what one schedule will do.
type ForecastSchedule struct {
	Key         string    `json:"schedule"`
	When        string    `json:"when"` // in words, with the zone
	Occurrences int       `json:"occurrences"`
	First       time.Time `json:"first,omitzero"` // nominals
	Last        time.Time `json:"last,omitzero"`
	LongestGap  Duration  `json:"longest_gap,omitzero"` // between two nominals
}

// Herd is several schedules that are due in the same second of the day.
type Herd struct {
	At        string    `json:"at"`        // the time of day in UTC, 15:04:05
	Size      int       `json:"size"`      // jobs in that second of the day it has most
	Days      int       `json:"days"`      // on which two or more are due then
	Most      time.Time `json:"most"`      // the second that has most, the first such
	Schedules []string  `json:"schedules"` // that are due then, in order of key
}

// ForecastChange is what a transition of a zone's clocks does to a schedule.
type ForecastChange struct {
	Key     string              `json:"schedule"`
	Kind    calendar.ChangeKind `json:"kind"`
	Local   calendar.LocalTime  `json:"local"`
	Instant time.Time           `json:"instant"`
	Why     string              `json:"why"`
}

const (
	stride      = 31 * 24 * time.Hour // counted by the second at once
	daySeconds  = 24 * 60 * 60
	mostHerds   = 20
	mostChanges = 1000 // of one schedule
)

// NewForecast computes what happens to what is declared in (from, until].
// Declarations that are disabled take part in nothing. The error is that of a
// when that cannot be read, or of ctx.
func NewForecast(ctx context.Context, declared []Declaration, from, until time.Time) (*Forecast, error) {
	from, until = from.UTC(), until.UTC()
	f := &Forecast{From: from, Until: until, Schedules: []ForecastSchedule{}, Changes: []ForecastChange{}}
	var timelines []Timeline
	for _, d := range declared {
		if d.Disabled != "" {
			continue
		}
		timeline, err := NewTimeline([]Definition{{When: d.When, Jitter: d.Jitter, Seed: d.Key}})
		if err != nil {
			return nil, fmt.Errorf("schedule %s: %w", d.Key, err)
		}
		timelines = append(timelines, timeline)
		f.Schedules = append(f.Schedules, ForecastSchedule{Key: d.Key, When: timeline.Spec().Describe()})
		for _, c := range timeline.Spec().Changes(from, until, mostChanges) {
			f.Changes = append(f.Changes, ForecastChange{d.Key, c.Kind, c.Reading, c.Instant, c.Why})
		}
	}
	slices.SortStableFunc(f.Changes, func(a, b ForecastChange) int { return a.Instant.Compare(b.Instant) })
	day := new(dayOfHerds)
	err := forEachStride(ctx, timelines, from, until, func(c *counts) {
		f.add(c)
		day.add(c)
	})
	if err != nil {
		return nil, err
	}
	f.Herds = day.fullest()
	for i := range f.Herds {
		f.Herds[i].Schedules = dueInSecond(declared, f.Herds[i].Most)
	}
	return f, nil
}

// Occurrences yields what is due in (from, until], by due and then by key.
func Occurrences(declared []Declaration, from, until time.Time) iter.Seq2[Declaration, Nominal] {
	return func(yield func(Declaration, Nominal) bool) {
		var ahead []upcoming
		for _, d := range declared {
			timeline, err := NewTimeline([]Definition{{When: d.When, Jitter: d.Jitter, Seed: d.Key}})
			if err != nil || d.Disabled != "" {
				continue
			}
			if n, ok := timeline.Next(from); ok && !n.At.After(until) {
				ahead = append(ahead, upcoming{n, d, timeline})
			}
		}
		for i := len(ahead)/2 - 1; i >= 0; i-- {
			sink(ahead, i)
		}
		for len(ahead) > 0 {
			first := &ahead[0]
			if !yield(first.declaration, first.nominal) {
				return
			}
			next, ok := first.timeline.Next(first.nominal.At)
			if first.nominal = next; !ok || next.At.After(until) {
				ahead[0] = ahead[len(ahead)-1]
				ahead = ahead[:len(ahead)-1]
			}
			sink(ahead, 0)
		}
	}
}

// upcoming is the next nominal of one schedule; those of all are a heap.
type upcoming struct {
	nominal     Nominal
	declaration Declaration
	timeline    Timeline
}

func (u *upcoming) compare(v *upcoming) int {
	return cmp.Or(u.nominal.Due.Compare(v.nominal.Due), cmp.Compare(u.declaration.Key, v.declaration.Key))
}

// sink moves the element at i down to its place in a heap.
func sink(heap []upcoming, i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(heap); child++ {
			if heap[child].compare(&heap[least]) < 0 {
				least = child
			}
		}
		if least == i {
			return
		}
		heap[i], heap[least] = heap[least], heap[i]
		i = least
	}
}

// counts is what happens in one stride.
type counts struct {
	from, until time.Time
	start       time.Time // from, cut to the second
	seconds     []uint32  // jobs due in each second after start; jitter may lead beyond until
	each        []ForecastSchedule
}

// forEachStride counts stretches of time side by side, a few at once so that
// they fit the memory, and hands them on in order.
func forEachStride(ctx context.Context, timelines []Timeline, from, until time.Time, take func(*counts)) error {
	var late []uint32 // what jitter leads beyond the strides so far
	for at := from; at.Before(until) && ctx.Err() == nil; {
		var group sync.WaitGroup
		var strides []*counts
		for range runtime.GOMAXPROCS(0) {
			if !at.Before(until) {
				break
			}
			c := &counts{from: at, until: at.Add(stride), start: at.Truncate(time.Second)}
			if c.until.After(until) {
				c.until = until
			}
			strides, at = append(strides, c), c.until
			group.Go(func() { c.count(ctx, timelines) })
		}
		group.Wait()
		for _, c := range strides {
			late = c.carry(late, !c.until.Before(until))
			take(c)
		}
	}
	return ctx.Err()
}

func (c *counts) count(ctx context.Context, timelines []Timeline) {
	c.seconds = make([]uint32, c.length())
	c.each = make([]ForecastSchedule, len(timelines))
	for i, timeline := range timelines {
		s := &c.each[i]
		for n, ok := timeline.Next(c.from); ok && !n.At.After(c.until); n, ok = timeline.Next(n.At) {
			second := int(n.Due.Sub(c.start) / time.Second)
			for second >= len(c.seconds) {
				c.seconds = append(c.seconds, 0)
			}
			c.seconds[second]++
			s.met(n.At, n.At, 1)
			if s.Occurrences%100_000 == 0 && ctx.Err() != nil {
				return
			}
		}
	}
}

// length is the number of seconds before the next stride begins.
func (c *counts) length() int { return int(c.until.Truncate(time.Second).Sub(c.start) / time.Second) }

// carry adds what the strides before were late with, and gives away what lies
// beyond this one, unless it is the last.
func (c *counts) carry(late []uint32, last bool) []uint32 {
	for second, n := range late {
		if second == len(c.seconds) {
			c.seconds = append(c.seconds, 0)
		}
		c.seconds[second] += n
	}
	if last {
		return nil
	}
	late = c.seconds[c.length():]
	c.seconds = c.seconds[:c.length()]
	return late
}

// met takes a later stretch of nominals into account.
func (s *ForecastSchedule) met(first, last time.Time, occurrences int) {
	if s.Occurrences == 0 {
		s.First = first
	} else {
		s.LongestGap = max(s.LongestGap, Duration(first.Sub(s.Last)))
	}
	s.Last = last
	s.Occurrences += occurrences
}

// add takes a stride into account, after those before it.
func (f *Forecast) add(c *counts) {
	for i, s := range c.each {
		if s.Occurrences == 0 {
			continue
		}
		f.Occurrences += s.Occurrences
		f.Schedules[i].met(s.First, s.Last, s.Occurrences)
		f.Schedules[i].LongestGap = max(f.Schedules[i].LongestGap, s.LongestGap)
	}
	offset := int(c.start.Sub(f.From.Truncate(time.Hour)) / time.Second)
	for second, n := range c.seconds {
		if n == 0 {
			continue
		}
		hour := (offset + second) / 3600
		for hour >= len(f.Hours) {
			f.Hours = append(f.Hours, 0)
		}
		f.Hours[hour] += int(n)
	}
}

// secondOfDay is how full one second of the day is, over all days.
type secondOfDay struct {
	most uint32
	when time.Time
	days int // on which it has two or more
}

type dayOfHerds [daySeconds]secondOfDay

func (d *dayOfHerds) add(c *counts) {
	first := int(c.start.Unix() % daySeconds)
	for second, n := range c.seconds {
		if n < 2 {
			continue
		}
		s := &d[(first+second)%daySeconds]
		s.days++
		if n > s.most {
			s.most, s.when = n, c.start.Add(time.Duration(second)*time.Second)
		}
	}
}

// fullest are the seconds of the day in which most is due.
func (d *dayOfHerds) fullest() []Herd {
	found := []Herd{}
	for ofDay, s := range d {
		if s.most > 1 {
			at := time.Unix(int64(ofDay), 0).UTC().Format(time.TimeOnly)
			found = append(found, Herd{At: at, Size: int(s.most), Days: s.days, Most: s.when})
		}
	}
	slices.SortStableFunc(found, func(a, b Herd) int { return cmp.Or(cmp.Compare(b.Size, a.Size), cmp.Compare(b.Days, a.Days)) })
	return found[:min(len(found), mostHerds)]
}

// dueInSecond names the schedules that are due in the second that begins at an
// instant.
func dueInSecond(declared []Declaration, at time.Time) []string {
	var keys []string
	for _, d := range declared {
		timeline, err := NewTimeline([]Definition{{When: d.When, Jitter: d.Jitter, Seed: d.Key}})
		if err != nil || d.Disabled != "" {
			continue
		}
		if n, ok := timeline.LastDue(at.Add(time.Second - 1)); ok && !n.Due.Before(at) {
			keys = append(keys, d.Key)
		}
	}
	slices.Sort(keys)
	return keys
}

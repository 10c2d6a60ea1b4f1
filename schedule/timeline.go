package schedule

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/punctual-dev/punctual/calendar"
)

// Definition is a when and a jitter, in force from an instant on.
type Definition struct {
	From   time.Time     // rules the nominals after this instant
	When   calendar.When // no expressions: nothing is in force (the schedule is deleted)
	Jitter time.Duration
	Seed   string // the key the jitter is drawn from: the schedule's when it was declared
	TZData string // version of the tzdata it was declared under
	Author string
}

// Timeline is every nominal of a schedule across its definitions. Its dues
// keep the order of its nominals.
type Timeline struct {
	segments []segment
}

// segment is a compiled definition; it rules the nominals in (from, until].
type segment struct {
	from, until time.Time // until is zero for the last
	spec        *calendar.Spec
	jitter      time.Duration
	hash        uint64
	floor       time.Time // the last due of the segments before: no due is earlier
}

// Nominal is an instant a when yields, and when it is to be enqueued.
type Nominal struct {
	At  time.Time
	Due time.Time
}

// NewTimeline compiles definitions, which stand in the order of From.
func NewTimeline(definitions []Definition) (Timeline, error) {
	var t Timeline
	for i, definition := range definitions {
		s := segment{from: definition.From, jitter: definition.Jitter, hash: jitterHash(definition.Seed)}
		if i+1 < len(definitions) {
			s.until = definitions[i+1].From
		}
		if len(definition.When.Expressions) > 0 {
			spec, err := definition.When.Parse()
			if err != nil {
				return Timeline{}, err
			}
			s.spec = spec
		}
		s.floor = t.lastDue()
		t.segments = append(t.segments, s)
	}
	return t, nil
}

// lastDue is the due of the last nominal of the segments so far, which all
// have ended or end where the next begins.
func (t Timeline) lastDue() time.Time {
	var floor time.Time
	if len(t.segments) == 0 {
		return floor
	}
	last := t.segments[len(t.segments)-1]
	floor = last.floor
	if last.spec == nil || last.jitter == 0 || last.until.IsZero() {
		return floor
	}
	if at, ok := last.spec.Prev(last.until.Add(1)); ok && at.After(last.from) {
		if due := last.due(at); due.After(floor) {
			floor = due
		}
	}
	return floor
}

// jitterHash is the first 64 bits of SHA-256(key): the same on every clock and
// after every restart.
func jitterHash(key string) uint64 {
	sum := sha256.Sum256([]byte(key))
	return binary.BigEndian.Uint64(sum[:8])
}

// due is the nominal plus its jitter offset. The offset is below the gap to
// the next nominal of the same when, so dues keep the order of nominals; the
// floor keeps it across an edit.
func (s segment) due(at time.Time) time.Time {
	due := at
	if width := s.width(at); width > 0 {
		due = at.Add(time.Duration(s.hash%uint64(width.Milliseconds())) * time.Millisecond)
	}
	if due.Before(s.floor) {
		return s.floor
	}
	return due
}

// width is min(jitter, gap to the next nominal).
func (s segment) width(at time.Time) time.Duration {
	if s.jitter < time.Millisecond {
		return 0
	}
	if next, ok := s.spec.Next(at); ok {
		return min(s.jitter, next.Sub(at))
	}
	return s.jitter
}

func (s segment) rules(at time.Time) bool {
	return at.After(s.from) && (s.until.IsZero() || !at.After(s.until))
}

// Next is the first nominal after an instant; ok is false if there is none
// ever again.
func (t Timeline) Next(after time.Time) (n Nominal, ok bool) {
	for _, s := range t.segments {
		if s.spec == nil || (!s.until.IsZero() && !s.until.After(after)) {
			continue
		}
		if at, ok := s.spec.Next(later(after, s.from)); ok && s.rules(at) {
			return Nominal{At: at, Due: s.due(at)}, true
		}
	}
	return Nominal{}, false
}

// Prev is the last nominal before an instant. Before the first definition
// there is none.
func (t Timeline) Prev(before time.Time) (n Nominal, ok bool) {
	for i := len(t.segments) - 1; i >= 0; i-- {
		s := t.segments[i]
		if s.spec == nil || !s.from.Before(before) {
			continue
		}
		bound := before
		if !s.until.IsZero() && s.until.Before(before) {
			bound = s.until.Add(1)
		}
		if at, ok := s.spec.Prev(bound); ok && s.rules(at) {
			return Nominal{At: at, Due: s.due(at)}, true
		}
	}
	return Nominal{}, false
}

// LastDue is the newest nominal whose due is not after an instant.
func (t Timeline) LastDue(by time.Time) (n Nominal, ok bool) {
	before := by.Add(1)
	for i := len(t.segments) - 1; i >= 0; i-- {
		// Below its floor nothing of a segment is due, however many nominals
		// it has by then.
		if s := t.segments[i]; s.floor.After(by) && !s.from.After(before) {
			before = s.from.Add(1)
		}
	}
	for {
		n, ok = t.Prev(before)
		if !ok || !n.Due.After(by) {
			return n, ok
		}
		before = n.At
	}
}

// Count is the number of nominals in (after, until].
func (t Timeline) Count(after, until time.Time) int {
	count := 0
	for _, s := range t.segments {
		if s.spec == nil {
			continue
		}
		from, to := later(after, s.from), until
		if !s.until.IsZero() && s.until.Before(to) {
			to = s.until
		}
		if from.Before(to) {
			count += s.spec.Count(from, to)
		}
	}
	return count
}

// Covered is the instant a nominal's interval begins at: the nominal before
// it. Before a schedule's first definition its when is continued backwards, so
// that the first run covers as much as any other. Zero if there is none.
func (t Timeline) Covered(at time.Time) time.Time {
	if n, ok := t.Prev(at); ok {
		return n.At
	}
	for _, s := range t.segments {
		if s.spec != nil && s.rules(at) {
			from, _ := s.spec.Prev(at)
			return from
		}
	}
	return time.Time{}
}

// LocalReading is the local date and time that matched at a nominal, by the
// definition that rules it; zero where none does, and for what is no nominal.
func (t Timeline) LocalReading(nominal time.Time) calendar.LocalTime {
	for _, s := range t.segments {
		if s.spec != nil && s.rules(nominal) {
			return s.spec.LocalReading(nominal)
		}
	}
	return calendar.LocalTime{}
}

// Spec is the when in force after the last edit; nil if the schedule is deleted.
func (t Timeline) Spec() *calendar.Spec {
	if len(t.segments) == 0 {
		return nil
	}
	return t.segments[len(t.segments)-1].spec
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

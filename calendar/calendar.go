// Package calendar answers which instants a schedule means.
//
// A [When] is what a user wrote: intervals, phrases, cron expressions or
// single instants, in a zone, with bounds and exceptions. [When.Parse] turns
// it into a [Spec], which gives the instants, called nominals, one after the
// other:
//
//	spec, err := calendar.When{Expressions: []string{"weekdays at 09:00"}, Zone: "Europe/Paris"}.Parse()
//	next, ok := spec.Next(time.Now())
//
// The package is pure: it imports the standard library only, asks for no time
// and carries its own time zone database. To learn how daylight-saving time
// is handled read reading.go, and firstShowing in zone.go.
//
// Nominals lie in the years 1 to 9999, in UTC, on whole seconds, or on whole
// milliseconds for intervals below a second.
package calendar

import (
	"iter"
	"slices"
	"strings"
	"time"
)

// When is a when as users write it: plain data.
type When struct {
	// Expressions are one or more; the instants of all are merged.
	Expressions []string
	// Zone is an IANA name. Empty is what a TZ= prefix of an expression says,
	// else UTC. A prefix must agree with a zone given here.
	Zone string
	// NotBefore and NotAfter bound the nominals, both inclusive. Zero is no
	// bound.
	NotBefore, NotAfter time.Time
	// Except are local dates without nominals. What counts is the local date
	// that matched, also where a transition moved the nominal to another.
	// Intervals and absolute instants match no local date, but are held to
	// the one in the zone.
	Except []Date
	// AfterLocal, if not zero, says that local dates and times at or before it
	// are no nominals of phrases, cron expressions and a once at a local time.
	// It is set when a binary with another tzdata takes over, so that a local
	// date and time already decided is not run again.
	AfterLocal LocalTime
}

// Spec is a parsed [When]. It does not change and is safe for concurrent use.
type Spec struct {
	rules       []rule
	zone        *zone
	first, last int64 // bounds in Unix milliseconds, inclusive
	except      []int64
	prefixed    bool // the zone came from a TZ= prefix

	// The common cases, one rule on whole seconds, need no milliseconds:
	// readings alone, or an interval alone. Nil if it is something else.
	readings                *readings
	elapsed                 *elapsed
	firstSecond, lastSecond int64
}

// rule is one expression. Instants are Unix milliseconds; both methods are
// inclusive, and neither allocates.
type rule interface {
	next(from int64) (int64, bool)
	prev(until int64) (int64, bool)
	// count counts the nominals from one instant until another, inclusive.
	count(from, until int64) int
	// text is the canonical form.
	text() string
	// describe is the rule in plain English, without its zone.
	describe() string
}

// Next returns the first nominal strictly after the instant given, in UTC.
// False means that there is none, ever again.
func (s *Spec) Next(after time.Time) (time.Time, bool) {
	from := min(max(after.Unix()+1, s.firstSecond), s.lastSecond+1)
	switch {
	case s.readings != nil:
		if second, ok := s.readings.nextSecond(from); ok && second <= s.lastSecond {
			return time.Unix(second, 0).UTC(), true
		}
		return time.Time{}, false
	case s.elapsed != nil:
		if second := s.elapsed.nextSecond(from); second <= s.lastSecond {
			return time.Unix(second, 0).UTC(), true
		}
		return time.Time{}, false
	}
	nominal, ok := s.next(milliseconds(after) + 1)
	if !ok {
		return time.Time{}, false
	}
	return instant(nominal), true
}

// Prev returns the last nominal strictly before the instant given, in UTC.
// False means that there is none.
func (s *Spec) Prev(before time.Time) (time.Time, bool) {
	until := milliseconds(before)
	if before.Nanosecond()%1_000_000 == 0 {
		until--
	}
	nominal, ok := s.prev(until)
	if !ok {
		return time.Time{}, false
	}
	return instant(nominal), true
}

// All yields the nominals strictly after the instant given, in order. It may
// go on for thousands of years: break out of it.
func (s *Spec) All(after time.Time) iter.Seq[time.Time] {
	return func(yield func(time.Time) bool) {
		from := milliseconds(after) + 1
		for {
			nominal, ok := s.next(from)
			if !ok || !yield(instant(nominal)) {
				return
			}
			from = nominal + 1
		}
	}
}

// Between returns the nominals in (after, until], at most limit of them, the
// earliest ones.
func (s *Spec) Between(after, until time.Time, limit int) []time.Time {
	var found []time.Time
	for t := range s.All(after) {
		if len(found) >= limit || t.After(until) {
			break
		}
		found = append(found, t)
	}
	return found
}

// Expressions returns the canonical forms, in the order given. Parsing one in
// the spec's zone gives the same spec.
func (s *Spec) Expressions() []string {
	texts := make([]string, len(s.rules))
	for i, r := range s.rules {
		texts[i] = r.text()
	}
	return texts
}

// String returns the canonical forms, separated by semicolons, with a TZ=
// prefix if the zone came from one. Parsing that of a single expression gives
// the same spec.
func (s *Spec) String() string {
	text := strings.Join(s.Expressions(), "; ")
	if s.prefixed {
		text = "TZ=" + s.zone.name + " " + text
	}
	return text
}

// Zone is the IANA name of the zone.
func (s *Spec) Zone() string { return s.zone.name }

// Location is the zone, from the embedded database.
func (s *Spec) Location() *time.Location { return s.zone.location }

// Once returns the instant of a when that consists of a once, whether or not
// it is past; of several, the last.
func (s *Spec) Once() (time.Time, bool) {
	for _, r := range s.rules {
		switch r := r.(type) {
		case *once:
		case *readings:
			if r.dates.shape != oneDate {
				return time.Time{}, false
			}
		default:
			return time.Time{}, false
		}
	}
	nominal, ok := s.prev(lastInstant)
	return instant(nominal), ok
}

// LocalReading returns the local date and time that matched at a nominal: the
// one asked for where a transition moved it, the last of them where several
// were merged. It is zero for intervals and absolute instants, and for what is
// no nominal.
func (s *Spec) LocalReading(nominal time.Time) LocalTime {
	at := milliseconds(nominal)
	if nominal.Nanosecond()%1_000_000 != 0 || at < s.first || at > s.last {
		return LocalTime{}
	}
	last := int64(farPast)
	for _, r := range s.rules {
		if r, ok := r.(*readings); ok {
			if reading, ok := r.localReading(at); ok {
				last = max(last, reading)
			}
		}
	}
	if last == farPast {
		return LocalTime{}
	}
	return localTimeOf(last)
}

// next returns the first nominal at or after from, in Unix milliseconds.
func (s *Spec) next(from int64) (int64, bool) {
	from = max(from, s.first)
	if len(s.rules) == 1 {
		nominal, ok := s.rules[0].next(from)
		return nominal, ok && nominal <= s.last
	}
	nominal := s.last + 1
	for _, r := range s.rules {
		if n, ok := r.next(from); ok {
			nominal = min(nominal, n)
		}
	}
	return nominal, nominal <= s.last
}

// prev returns the last nominal at or before until, in Unix milliseconds.
func (s *Spec) prev(until int64) (int64, bool) {
	until = min(until, s.last)
	nominal := s.first - 1
	for _, r := range s.rules {
		if n, ok := r.prev(until); ok {
			nominal = max(nominal, n)
		}
	}
	return nominal, nominal >= s.first
}

// The first and last instant of the calendar, in Unix milliseconds.
var (
	firstInstant = firstDay * secondsPerDay * 1000
	lastInstant  = (lastDay+1)*secondsPerDay*1000 - 1
)

// milliseconds returns t in Unix milliseconds, rounded down, and brought near
// the calendar if it lies far outside, so that arithmetic cannot overflow.
func milliseconds(t time.Time) int64 {
	second := t.Unix()
	if second < firstInstant/1000 {
		return firstInstant - 1
	}
	if second > lastInstant/1000 {
		return lastInstant + 1
	}
	return second*1000 + int64(t.Nanosecond())/1_000_000
}

// instant is the inverse of milliseconds.
func instant(ms int64) time.Time {
	second := floorDiv(ms, 1000)
	return time.Unix(second, (ms-second*1000)*1_000_000).UTC()
}

func dayNumbers(dates []Date) []int64 {
	if len(dates) == 0 {
		return nil
	}
	days := make([]int64, len(dates))
	for i, d := range dates {
		days[i] = d.number()
	}
	slices.Sort(days)
	return slices.Compact(days)
}

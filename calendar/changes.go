package calendar

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Change is what a transition does to one local time of a spec.
type Change struct {
	Kind    ChangeKind
	Reading LocalTime // the local date and time concerned
	Instant time.Time // when it is due, in UTC; of what is removed, the transition
	Why     string    // a sentence
}

// ChangeKind is the sort of a [Change].
type ChangeKind string

const (
	Moved    ChangeKind = "moved"    // it does not exist, and is due after the gap
	Merged   ChangeKind = "merged"   // as Moved, and one with others that are due there
	Removed  ChangeKind = "removed"  // it does not exist, and is not made up
	Repeated ChangeKind = "repeated" // it comes twice and is due twice; this is the second
	OnlyOnce ChangeKind = "once"     // it comes twice and is due the first time only
)

// Changes returns what transitions do to the spec in (after, until], by the
// instant of each change, at most limit of them, the earliest ones.
func (s *Spec) Changes(after, until time.Time, limit int) []Change {
	if limit <= 0 {
		return nil
	}
	from, last := max(milliseconds(after)+1, s.first), min(milliseconds(until), s.last)
	var found []Change
	end := floorDiv(last, 1000) + aWhile
	for at := floorDiv(from, 1000) - aWhile; len(found) < limit; {
		before := s.zone.at(at)
		if before.end > end {
			break
		}
		at = before.end
		for _, c := range s.changesAt(transition{s.zone, before, s.zone.at(at)}, limit) {
			if ms := milliseconds(c.Instant); from <= ms && ms <= last {
				found = append(found, c)
			}
		}
	}
	return found[:min(limit, len(found))]
}

// transition is where one window ends and the next begins.
type transition struct {
	zone          *zone
	before, after window
}

// changesAt returns, in order, what a transition does to every rule.
func (s *Spec) changesAt(t transition, limit int) []Change {
	var found []Change
	appointments := 0 // readings to be kept as the gap ends
	for _, r := range s.rules {
		r, ok := r.(*readings)
		if !ok {
			continue
		}
		changes := r.changesAt(t, limit)
		found = append(found, changes...)
		if !r.flows {
			appointments += len(changes)
		}
	}
	if appointments > 1 || appointments == 1 && s.ownNominalAt(t) {
		for i := range found {
			if found[i].Kind == Moved {
				found[i].Kind = Merged
				found[i].Why += ", as one with the others due then"
			}
		}
	}
	slices.SortStableFunc(found, func(a, b Change) int {
		return cmp.Or(a.Instant.Compare(b.Instant), a.Reading.Compare(b.Reading))
	})
	found = slices.Compact(found)
	for i := range found {
		found[i].Why += "."
	}
	return found
}

// ownNominalAt reports whether something is due as a transition ends that was
// not moved there.
func (s *Spec) ownNominalAt(t transition) bool {
	for _, r := range s.rules {
		if kept, ok := r.(*readings); ok && !kept.flows {
			if reading, ok := kept.nextReading(t.after.first()); ok && reading == t.after.first() {
				return true
			}
		} else if yields(r, t.after.start*1000) {
			return true
		}
	}
	return false
}

// changesAt returns what a transition does to the readings it skips or
// repeats.
func (r *readings) changesAt(t transition, limit int) []Change {
	from, until := t.before.last(), t.after.first()
	gap := from < until
	if !gap {
		from, until = until, from
	}
	var found []Change
	for reading, ok := r.nextReading(from); ok && reading < until && len(found) < limit; reading, ok = r.nextReading(reading + 1) {
		c := Change{Reading: localTimeOf(reading)}
		var instant int64
		switch {
		case gap && r.flows:
			c.Kind, instant = Removed, t.after.start
		case gap:
			c.Kind, instant = Moved, t.after.start
		case r.flows:
			c.Kind, instant = Repeated, reading-t.after.offset
		default:
			c.Kind, instant = OnlyOnce, reading-t.before.offset
		}
		c.Instant = time.Unix(instant, 0).UTC()
		c.Why = t.why(c.Kind, reading)
		found = append(found, c)
	}
	return found
}

// why explains the change in a sentence, without its full stop.
func (t transition) why(kind ChangeKind, reading int64) string {
	was, is := localTimeOf(t.before.last()), localTimeOf(t.after.first())
	sameDay := was.Date == is.Date && is.Date == localTimeOf(reading).Date
	write := func(l LocalTime) string {
		if sameDay {
			return writeClock(l.Hour*3600 + l.Minute*60 + l.Second)
		}
		return l.Date.String() + " " + writeClock(l.Hour*3600+l.Minute*60+l.Second)
	}
	local, on := write(localTimeOf(reading)), ""
	if sameDay {
		on = " on " + is.Date.String()
	}
	exists := fmt.Sprintf("%s does not exist in %s%s, where clocks jump from %s to %s", local, t.zone.name, on, write(was), write(is))
	twice := fmt.Sprintf("%s comes twice in %s%s, where clocks go back from %s to %s", local, t.zone.name, on, write(was), write(is))
	switch kind {
	case Removed:
		return exists + "; it is left out"
	case Repeated:
		return twice + "; this is the second time"
	case OnlyOnce:
		return twice + "; it is due the first time only"
	}
	return exists + "; it is due as they do"
}

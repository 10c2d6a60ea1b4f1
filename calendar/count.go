package calendar

import (
	"cmp"
	"slices"
	"time"
)

// Count counts the nominals in (after, until]. One expression alone is
// counted in closed form between transitions, whole days at a time; of
// several, all but the densest are walked.
func (s *Spec) Count(after, until time.Time) int {
	from, last := max(milliseconds(after)+1, s.first), min(milliseconds(until), s.last)
	if from > last {
		return 0
	}
	if len(s.rules) == 1 {
		return s.rules[0].count(from, last)
	}
	return s.countUnion(from, last)
}

// countUnion counts instants that any rule yields, each once.
func (s *Spec) countUnion(from, last int64) int {
	counts := make(map[rule]int, len(s.rules))
	for _, r := range s.rules {
		counts[r] = r.count(from, last)
	}
	rules := slices.Clone(s.rules)
	slices.SortStableFunc(rules, func(a, b rule) int { return cmp.Compare(counts[b], counts[a]) })
	total := counts[rules[0]]
	for i, r := range rules[1:] {
		counted := rules[:i+1]
		for n, ok := r.next(from); ok && n <= last; n, ok = r.next(n + 1) {
			if !slices.ContainsFunc(counted, func(c rule) bool { return yields(c, n) }) {
				total++
			}
		}
	}
	return total
}

// yields reports whether the instant is a nominal of the rule.
func yields(r rule, instant int64) bool {
	n, ok := r.next(instant)
	return ok && n == instant
}

func (i *interval) count(from, until int64) int {
	n := i.countAll(from, until)
	for _, day := range i.days {
		// The date may have several parts, before and after a transition.
		at, _ := i.zone.firstShowing(day * secondsPerDay)
		for end := at + 2*secondsPerDay; at < end; {
			w := i.zone.at(at)
			midnight := day*secondsPerDay - w.offset
			n -= i.countAll(max(from, max(at, midnight)*1000), min(until, min(w.end, midnight+secondsPerDay)*1000-1))
			at = w.end
		}
	}
	return n
}

// countAll counts without regard to exceptions.
func (i *interval) countAll(from, until int64) int {
	if from > until {
		return 0
	}
	return int(floorDiv(until-i.anchor, i.period) - floorDiv(from-1-i.anchor, i.period))
}

func (o *once) count(from, until int64) int {
	if n, ok := o.next(from); ok && n <= until {
		return 1
	}
	return 0
}

func (r *readings) count(from, until int64) int {
	n := 0
	last := floorDiv(until, 1000)
	for at := floorDiv(from+999, 1000); at <= last; {
		w := r.zone.at(at)
		n += r.countIn(w, at, min(last, w.end-1))
		at = w.end
	}
	return n
}

// countIn counts the nominals from at until, inclusive, which lie in w.
func (r *readings) countIn(w window, at, until int64) int {
	end := until + w.offset + 1
	if r.flows {
		return r.countReadings(at+w.offset, end)
	}
	n, beyond := 0, w.reached
	if at > w.start {
		beyond = max(beyond, at+w.offset)
	}
	if beyond < w.first() { // what fell into the gap is one, and one with its end
		if reading, ok := r.nextReading(beyond); ok && reading <= w.first() {
			n++
		}
		beyond = w.first() + 1
	}
	return n + r.countReadings(beyond, end)
}

// countReadings counts the matching readings from one up to, not including,
// another.
func (r *readings) countReadings(from, until int64) int {
	from = max(from, r.floor+1, firstDay*secondsPerDay)
	until = min(until, (lastDay+1)*secondsPerDay)
	if from >= until {
		return 0
	}
	day, second := split(from)
	lastDay, lastSecond := split(until)
	n := 0
	if r.matchesDate(day) {
		n -= r.times.countBefore(second)
	}
	if r.matchesDate(lastDay) {
		n += r.times.countBefore(lastSecond)
	}
	return n + r.countDates(day, lastDay)*r.times.count()
}

// countDates counts the dates from day up to, not including, until.
func (r *readings) countDates(day, until int64) int {
	n := r.dates.count(day, until)
	for _, excluded := range r.days {
		if excluded >= day && excluded < until && r.dates.contains(excluded) {
			n--
		}
	}
	return n
}

func (r *readings) matchesDate(day int64) bool {
	return r.dates.contains(day) && !r.excludes(day)
}

package calendar

import "slices"

// exceptions are local dates, in a zone, that are left out.
type exceptions struct {
	zone *zone
	days []int64 // day numbers, ascending
}

func (e *exceptions) excludes(day int64) bool {
	if len(e.days) == 0 {
		return false
	}
	_, found := slices.BinarySearch(e.days, day)
	return found
}

// excludedUntil says whether the instant, in Unix seconds, is on an excluded
// date, and if so the span [start, end) around it in which it stays so without
// a transition.
func (e *exceptions) excludedSpan(instant int64) (start, end int64, excluded bool) {
	w := e.zone.at(instant)
	day, _ := split(instant + w.offset)
	if !e.excludes(day) {
		return 0, 0, false
	}
	midnight := day*secondsPerDay - w.offset
	return max(w.start, midnight), min(w.end, midnight+secondsPerDay), true
}

package calendar

// readings is a when that asks what local clocks show: a phrase, a cron
// expression or a once at a local time. Its dates and times name readings;
// how a reading becomes an instant where clocks jump is the daylight-saving
// rule, and is decided by the hour field alone:
//
//   - If the hours are named, each reading is one appointment. It is kept at
//     the first instant at which clocks show it or a later one. So in a gap it
//     is kept as the gap ends, several that fall there are one, and in an
//     overlap the first pass keeps it. See nextKept.
//   - If the hours are free (flows), real time passes and we look at the
//     clock. What clocks do not show does not happen, and what they show twice
//     happens twice. See nextShown.
type readings struct {
	dates  dateSet
	times  timeSet
	flows  bool
	source source // as it was written, for printing

	exceptions
	floor int64 // readings at or before are none

	earliest, latest int // of times
}

// newReadings makes a rule of dates and times.
func newReadings(source source, dates dateSet, times timeSet, except exceptions) *readings {
	return &readings{
		source: source, dates: dates, times: times, exceptions: except,
		earliest: times.first(), latest: times.last(), floor: farPast,
	}
}

// next returns the first nominal at or after from, in Unix milliseconds.
func (r *readings) next(from int64) (int64, bool) {
	second, ok := r.nextSecond(floorDiv(from+999, 1000))
	return second * 1000, ok
}

// nextSecond is next in Unix seconds.
func (r *readings) nextSecond(from int64) (int64, bool) {
	if r.flows {
		return r.nextShown(from)
	}
	return r.nextKept(from)
}

// prev returns the last nominal at or before until, in Unix milliseconds.
func (r *readings) prev(until int64) (int64, bool) {
	second := floorDiv(until, 1000)
	if r.flows {
		second, ok := r.prevShown(second)
		return second * 1000, ok
	}
	second, ok := r.prevKept(second)
	return second * 1000, ok
}

// nextKept is next for named hours. Before from, clocks have come as far as
// some reading; those up to it have been kept. The first one beyond it is
// next, and is kept when clocks first show it or jump over it.
func (r *readings) nextKept(from int64) (int64, bool) {
	w := r.zone.at(from)
	beyond := w.reached
	if from > w.start {
		beyond = max(beyond, from+w.offset)
	}
	reading, ok := r.nextReading(beyond)
	if !ok {
		return 0, false
	}
	if reading < w.last() {
		return max(w.start, reading-w.offset), true
	}
	instant, _ := r.zone.firstShowing(reading)
	return instant, true
}

func (r *readings) prevKept(until int64) (int64, bool) {
	w := r.zone.at(until)
	reading, ok := r.prevReading(max(w.reached-1, until+w.offset))
	if !ok {
		return 0, false
	}
	instant, _ := r.zone.firstShowing(reading)
	return instant, true
}

// aWhile is longer than any two offsets, and so any two clocks, differ.
const aWhile = 2 * maxOffset

// nextShown is next for free hours. It looks for a reading window by window.
func (r *readings) nextShown(from int64) (int64, bool) {
	for {
		w := r.zone.at(from)
		reading, ok := r.nextReading(from + w.offset)
		if !ok {
			return 0, false
		}
		if reading < w.last() {
			return reading - w.offset, true
		}
		stayed := w.end - from
		from = w.end
		if stayed >= aWhile {
			// No jump back leads to readings before those just searched,
			// and they held none before reading: wait for that one.
			from = max(from, reading-aWhile)
		}
	}
}

func (r *readings) prevShown(until int64) (int64, bool) {
	for {
		w := r.zone.at(until)
		reading, ok := r.prevReading(until + w.offset)
		if !ok && until+w.offset >= w.reached {
			return 0, false
		}
		if ok && reading >= w.first() {
			return reading - w.offset, true
		}
		stayed := until - w.start
		until = w.start - 1
		if ok && stayed >= aWhile {
			until = min(until, reading+aWhile)
		}
	}
}

// nextReading returns the first matching reading at or after the one given.
func (r *readings) nextReading(reading int64) (int64, bool) {
	day, second := split(max(reading, r.floor+1, firstDay*secondsPerDay))
	if second > r.latest {
		day, second = day+1, 0
	}
	date, ok := r.nextDate(day)
	if !ok {
		return 0, false
	}
	if date == day {
		time, _ := r.times.next(second) // there is one: the latest, if no other
		return date*secondsPerDay + int64(time), true
	}
	return date*secondsPerDay + int64(r.earliest), true
}

// prevReading returns the last matching reading at or before the one given.
func (r *readings) prevReading(reading int64) (int64, bool) {
	day, second := split(reading)
	date, ok := r.prevDate(min(day, lastDay))
	if !ok {
		return 0, false
	}
	time := r.latest
	if date == day {
		if time, ok = r.times.prev(second); !ok {
			if date, ok = r.prevDate(day - 1); !ok {
				return 0, false
			}
			time = r.latest
		}
	}
	found := date*secondsPerDay + int64(time)
	return found, found > r.floor
}

// nextDate returns the first date that matches and is not excluded.
func (r *readings) nextDate(day int64) (int64, bool) {
	for {
		date, ok := r.dates.next(day)
		if !ok || date > lastDay {
			return 0, false
		}
		if !r.excludes(date) {
			return date, true
		}
		day = date + 1
	}
}

func (r *readings) prevDate(day int64) (int64, bool) {
	for {
		date, ok := r.dates.prev(day)
		if !ok || date < firstDay {
			return 0, false
		}
		if !r.excludes(date) {
			return date, true
		}
		day = date - 1
	}
}

// localReading returns the reading that the nominal keeps; if it keeps
// several, because clocks jumped over them, the last.
func (r *readings) localReading(nominal int64) (int64, bool) {
	if got, ok := r.next(nominal); !ok || got != nominal {
		return 0, false
	}
	instant := nominal / 1000
	if r.flows {
		return instant + r.zone.at(instant).offset, true
	}
	w := r.zone.at(instant)
	return r.prevReading(instant + w.offset)
}

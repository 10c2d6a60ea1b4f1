package calendar

import "math/bits"

// dateSet is a set of dates. Which fields count depends on the shape; the
// simple shapes are there because most schedules have them and they are
// answered without looking at months.
type dateSet struct {
	shape    shape
	weekdays uint8 // bit 0 is Sunday; byWeekday, byWeeks, byMonth

	// byWeeks: every so many weeks (Monday to Sunday), counted from the week
	// of the Monday with this day number.
	weeks, monday int64

	// oneDate
	day int64

	// byMonth
	months            uint16   // bit m
	days              uint32   // bit d: day of the month
	daysFromLast      uint32   // bit n: n days before the last (L is n = 0)
	nearestTo         uint32   // bit d: dW, the working day nearest to day d
	nearestToFromLast uint32   // bit n: LW, L-nW
	nthWeekday        [6]uint8 // 1 to 5: weekdays whose nth in the month is meant
	lastWeekday       uint8    // weekdays whose last in the month is meant
	bothMustMatch     bool     // a day must be in the days and the weekdays; else in either
	daysOnly          bool     // a day is in the set if it is in days
	leapDayOnly       bool     // no date but February 29 can be in the set: other years need no look
}

type shape uint8

const (
	everyDay shape = iota
	byWeekday
	byWeeks
	byMonth
	oneDate
)

const (
	allWeekdays = 1<<7 - 1
	allDays     = 1<<32 - 1<<1
	allMonths   = 1<<13 - 1<<1
	// A set that is empty for a whole cycle of the calendar is empty for ever.
	cycleYears = 400
)

// next returns the first date in the set at or after day, false if there is
// none for 400 years and so never again.
func (s *dateSet) next(day int64) (int64, bool) {
	switch s.shape {
	case everyDay:
		return day, true
	case byWeekday:
		return day + daysUntil(s.weekdays, weekdayOf(day)), true
	case byWeeks:
		return s.nextByWeeks(day), true
	case oneDate:
		return s.day, day <= s.day
	}
	return s.nextByMonth(day)
}

// prev returns the last date in the set at or before day.
func (s *dateSet) prev(day int64) (int64, bool) {
	switch s.shape {
	case everyDay:
		return day, true
	case byWeekday:
		return day - daysSince(s.weekdays, weekdayOf(day)), true
	case byWeeks:
		return s.prevByWeeks(day), true
	case oneDate:
		return s.day, day >= s.day
	}
	return s.prevByMonth(day)
}

// contains reports whether day is in the set.
func (s *dateSet) contains(day int64) bool {
	d, ok := s.next(day)
	return ok && d == day
}

// count counts the dates in the set from day up to, not including, until.
func (s *dateSet) count(day, until int64) int {
	if day >= until {
		return 0
	}
	switch s.shape {
	case everyDay:
		return int(until - day)
	case byWeekday:
		weeks := (until - day) / 7
		n := int(weeks) * bits.OnesCount8(s.weekdays)
		for day += weeks * 7; day < until; day++ {
			n += int(s.weekdays >> weekdayOf(day) & 1)
		}
		return n
	case byMonth:
		return s.countByMonth(day, until)
	}
	n := 0
	for d, ok := s.next(day); ok && d < until; d, ok = s.next(d + 1) {
		n++
	}
	return n
}

// daysUntil counts the days from weekday to the next one in the set, 0 if it
// is in it.
func daysUntil(weekdays uint8, weekday int) int64 {
	twoWeeks := uint32(weekdays) | uint32(weekdays)<<7
	return int64(bits.TrailingZeros32(twoWeeks >> weekday))
}

// daysSince counts the days back from weekday to the last one in the set.
func daysSince(weekdays uint8, weekday int) int64 {
	twoWeeks := uint64(weekdays) | uint64(weekdays)<<7
	return int64(weekday + 7 - highest(below(twoWeeks, weekday+8)))
}

func (s *dateSet) nextByWeeks(day int64) int64 {
	week := floorDiv(day-s.monday, 7)
	into := week - floorDiv(week, s.weeks)*s.weeks
	if into == 0 {
		d := day + daysUntil(s.weekdays, weekdayOf(day))
		if floorDiv(d-s.monday, 7) == week {
			return d
		}
	}
	start := s.monday + (week-into+s.weeks)*7
	return start + daysUntil(s.weekdays, 1)
}

func (s *dateSet) prevByWeeks(day int64) int64 {
	week := floorDiv(day-s.monday, 7)
	into := week - floorDiv(week, s.weeks)*s.weeks
	if into == 0 {
		d := day - daysSince(s.weekdays, weekdayOf(day))
		if floorDiv(d-s.monday, 7) == week {
			return d
		}
		into = s.weeks
	}
	sunday := s.monday + (week-into)*7 + 6
	return sunday - daysSince(s.weekdays, 0)
}

func (s *dateSet) nextByMonth(day int64) (int64, bool) {
	year, month, dayOfMonth := civil(day)
	first := day - int64(dayOfMonth-1)
	for end := year + cycleYears; year <= end; {
		if s.months>>month&1 != 0 {
			if left := s.inMonth(first, monthLength(year, month)) >> dayOfMonth; left != 0 {
				return first + int64(dayOfMonth-1+bits.TrailingZeros32(left)), true
			}
		}
		if later := s.months >> (month + 1); later != 0 {
			month += 1 + bits.TrailingZeros16(later)
		} else {
			year, month = year+1, bits.TrailingZeros16(s.months)
		}
		if s.leapDayOnly {
			year = leapYearFrom(year)
		}
		first, dayOfMonth = dayNumber(year, month, 1), 1
	}
	return 0, false
}

func (s *dateSet) prevByMonth(day int64) (int64, bool) {
	year, month, dayOfMonth := civil(day)
	first := day - int64(dayOfMonth-1)
	for end := max(year-cycleYears, 0); year >= end; {
		if s.months>>month&1 != 0 {
			if left := below(uint64(s.inMonth(first, monthLength(year, month))), dayOfMonth+1); left != 0 {
				return first + int64(highest(left)-1), true
			}
		}
		if earlier := below(uint64(s.months), month); earlier != 0 {
			month = highest(earlier)
		} else {
			year, month = year-1, highest(uint64(s.months))
		}
		first, dayOfMonth = dayNumber(year, month, 1), 31
	}
	return 0, false
}

// leapYearFrom returns the first leap year from year on.
func leapYearFrom(year int) int {
	year = (year + 3) &^ 3
	if monthLength(year, 2) < 29 {
		year += 4
	}
	return year
}

func (s *dateSet) countByMonth(day, until int64) int {
	n := 0
	for day < until {
		year, month, dayOfMonth := civil(day)
		first := day - int64(dayOfMonth-1)
		length := monthLength(year, month)
		if s.months>>month&1 != 0 {
			set := uint64(s.inMonth(first, length)) >> dayOfMonth << dayOfMonth
			n += bits.OnesCount64(below(set, int(min(until-first, int64(length)))+1))
		}
		day = first + int64(length)
	}
	return n
}

// inMonth returns the days of the month in the set, bit d for day d. The
// month begins on the day number first; that it is one of the months of the
// set is the caller's business.
func (s *dateSet) inMonth(first int64, length int) uint32 {
	all := uint32(1)<<(length+1) - 2
	days := s.days
	if s.daysOnly {
		return days & all
	}
	if s.daysFromLast|s.nearestTo|s.nearestToFromLast != 0 {
		days |= s.counted(first, length)
	}
	weekdays := s.inWeeks(weekdayOf(first), length)
	if s.bothMustMatch {
		return days & weekdays & all
	}
	return (days | weekdays) & all
}

// counted resolves L, L-n, nW, LW and L-nW. A month that lacks the day named
// is passed over.
func (s *dateSet) counted(first int64, length int) (days uint32) {
	for left := s.daysFromLast; left != 0; left &= left - 1 {
		if d := length - bits.TrailingZeros32(left); d >= 1 {
			days |= 1 << d
		}
	}
	for left := s.nearestTo; left != 0; left &= left - 1 {
		if d := bits.TrailingZeros32(left); d <= length {
			days |= 1 << nearestWorkday(first, length, d)
		}
	}
	for left := s.nearestToFromLast; left != 0; left &= left - 1 {
		if d := length - bits.TrailingZeros32(left); d >= 1 {
			days |= 1 << nearestWorkday(first, length, d)
		}
	}
	return days
}

// nearestWorkday returns the day from Monday to Friday nearest to day of the
// month, without leaving the month.
func nearestWorkday(first int64, length, day int) int {
	switch weekdayOf(first + int64(day-1)) {
	case 6: // Saturday
		if day == 1 {
			return 3
		}
		return day - 1
	case 0: // Sunday
		if day == length {
			return day - 2
		}
		return day + 1
	}
	return day
}

// inWeeks resolves the weekdays, plain, nth and last, of a month that begins
// on the weekday begins.
func (s *dateSet) inWeeks(begins, length int) uint32 {
	// everyWeek spreads seven bits over five weeks from day 1 on.
	const everyWeek = 1<<1 | 1<<8 | 1<<15 | 1<<22 | 1<<29
	set := uint32(uint64(turned(s.weekdays, begins)) * everyWeek)
	if s.nthWeekday != [6]uint8{} {
		for n := 1; n <= 5; n++ {
			set |= turned(s.nthWeekday[n], begins) << (1 + 7*(n-1))
		}
	}
	if s.lastWeekday != 0 {
		start := length - 6 // the last seven days
		set |= turned(s.lastWeekday, (begins+start-1)%7) << start
	}
	return set
}

// turned rotates a set of weekdays so that bit 0 is the weekday begins.
func turned(weekdays uint8, begins int) uint32 {
	return (uint32(weekdays) | uint32(weekdays)<<7) >> begins & allWeekdays
}

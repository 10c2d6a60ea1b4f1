package calendar

import (
	"cmp"
	"fmt"
	"time"
)

// Date is a day of the proleptic Gregorian calendar, in no zone.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// ParseDate reads a date written as 2026-12-25.
func ParseDate(text string) (Date, error) {
	d, ok := readDate(text)
	if !ok {
		return Date{}, &Error{Field: "date", Text: text, Problem: momentProblem(text, "is not a date"), Allowed: "a day that exists, written 2026-12-25"}
	}
	return d, nil
}

// DateOf is the date of an instant, by the clocks of its location.
func DateOf(t time.Time) Date {
	year, month, day := t.Date()
	return Date{Year: year, Month: month, Day: day}
}

// String writes the date as 2026-12-25.
func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, int(d.Month), d.Day) }

// IsZero reports whether d is the zero Date, which is no day.
func (d Date) IsZero() bool { return d == Date{} }

// Compare returns -1, 0 or 1 as d is before, equal to or after e.
func (d Date) Compare(e Date) int {
	return cmp.Or(cmp.Compare(d.Year, e.Year), cmp.Compare(d.Month, e.Month), cmp.Compare(d.Day, e.Day))
}

// Weekday is the day of the week.
func (d Date) Weekday() time.Weekday { return time.Weekday(weekdayOf(d.number())) }

// MarshalText writes the date as 2026-12-25, the zero Date as nothing.
func (d Date) MarshalText() ([]byte, error) {
	if d.IsZero() {
		return []byte{}, nil
	}
	return []byte(d.String()), nil
}

// UnmarshalText reads what MarshalText writes.
func (d *Date) UnmarshalText(text []byte) (err error) {
	if len(text) == 0 {
		*d = Date{}
		return nil
	}
	*d, err = ParseDate(string(text))
	return err
}

// number counts the days from 1970-01-01 to d.
func (d Date) number() int64 { return dayNumber(d.Year, int(d.Month), d.Day) }

func dateOf(day int64) Date {
	year, month, dayOfMonth := civil(day)
	return Date{Year: year, Month: time.Month(month), Day: dayOfMonth}
}

// LocalTime is what a wall clock and a wall calendar show: a date and a time
// of day, in no zone.
type LocalTime struct {
	Date
	Hour, Minute, Second int
}

// ParseLocalTime reads a local time written as 2026-11-01T01:30:00.
func ParseLocalTime(text string) (LocalTime, error) {
	m, ok := readMoment(text)
	if !ok || m.dateOnly || m.absolute || m.millisecond != 0 {
		return LocalTime{}, &Error{Field: "local time", Text: text, Problem: momentProblem(text, "is not a local time"), Allowed: "a date and time without a zone, written 2026-11-01T01:30:00"}
	}
	return localTimeOf(m.local), nil
}

// String writes the local time as 2026-11-01T01:30:00.
func (l LocalTime) String() string {
	return fmt.Sprintf("%vT%02d:%02d:%02d", l.Date, l.Hour, l.Minute, l.Second)
}

// Compare returns -1, 0 or 1 as l is before, equal to or after m.
func (l LocalTime) Compare(m LocalTime) int {
	return cmp.Or(l.Date.Compare(m.Date), cmp.Compare(l.Hour, m.Hour), cmp.Compare(l.Minute, m.Minute), cmp.Compare(l.Second, m.Second))
}

// IsZero reports whether l is the zero LocalTime, which stands for none.
func (l LocalTime) IsZero() bool { return l == LocalTime{} }

// MarshalText writes the local time as 2026-11-01T01:30:00, the zero one as
// nothing.
func (l LocalTime) MarshalText() ([]byte, error) {
	if l.IsZero() {
		return []byte{}, nil
	}
	return []byte(l.String()), nil
}

// UnmarshalText reads what MarshalText writes.
func (l *LocalTime) UnmarshalText(text []byte) (err error) {
	if len(text) == 0 {
		*l = LocalTime{}
		return nil
	}
	*l, err = ParseLocalTime(string(text))
	return err
}

// A reading is a local date and time as one number: the seconds a clock that
// never changed would have counted since 1970-01-01T00:00:00. All arithmetic
// on local times is done on readings, so that no zone can bend it.

func (l LocalTime) reading() int64 {
	return l.number()*secondsPerDay + int64(l.Hour*3600+l.Minute*60+l.Second)
}

func localTimeOf(reading int64) LocalTime {
	day, second := split(reading)
	return LocalTime{Date: dateOf(day), Hour: second / 3600, Minute: second / 60 % 60, Second: second % 60}
}

// split parts a reading into its day number and second of the day.
func split(reading int64) (day int64, second int) {
	day = floorDiv(reading, secondsPerDay)
	return day, int(reading - day*secondsPerDay)
}

const (
	secondsPerDay = 24 * 60 * 60
	// The Gregorian calendar repeats after 400 years, weekdays included.
	daysPerCycle    = 146097
	secondsPerCycle = daysPerCycle * secondsPerDay
)

// The calendar holds the years 1 to 9999, those that RFC 3339 can write. No
// nominal lies outside.
var (
	firstDay = dayNumber(1, 1, 1)
	lastDay  = dayNumber(9999, 12, 31)
)

// civil turns a day number into year, month (1–12) and day of the month, by
// the method of Neri and Schneider, "Euclidean affine functions and their
// application to calendar algorithms" (2022). It holds from 400 years before
// our first year to far after the last.
func civil(day int64) (year, month, dayOfMonth int) {
	const toMarchOfYearMinus400 = 719468 + daysPerCycle
	n := 4*uint32(day+toMarchOfYearMinus400) + 3
	century, ofCentury := n/daysPerCycle, n%daysPerCycle|3
	product := 2939745 * uint64(ofCentury)
	yearOfCentury, dayOfYear := uint32(product>>32), uint32(product)/2939745/4
	m := 2141*dayOfYear + 197913
	year = int(100*century+yearOfCentury) - 400
	month, dayOfMonth = int(m>>16), int(m&0xffff/2141)+1
	if dayOfYear >= 306 { // January and February end the year that began in March
		return year + 1, month - 12, dayOfMonth
	}
	return year, month, dayOfMonth
}

// dayNumber is the inverse of civil, for years from -400 on.
func dayNumber(year, month, dayOfMonth int) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	y := uint32(year + 400)
	century := y / 100
	days := 1461*y/4 - century + century/4 + (979*uint32(month)-2919)/32 + uint32(dayOfMonth) - 1
	return int64(days) - 719468 - daysPerCycle
}

func monthLength(year, month int) int {
	if month == 2 {
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 30 | (month ^ month>>3)
}

// weekdayOf gives the day of the week, 0 for Sunday.
func weekdayOf(day int64) int {
	const sundayFarBefore = 4 + 7*200_000 // 1970-01-01 was a Thursday
	return int(uint32(day+sundayFarBefore) % 7)
}

// floorDiv divides and rounds down, also below zero.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

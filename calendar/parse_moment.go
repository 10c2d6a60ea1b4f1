package calendar

import (
	"fmt"
	"time"
)

// moment is a date and time as written after once at and from.
type moment struct {
	local       int64 // reading
	millisecond int
	absolute    bool  // an offset from UTC was written
	offset      int64 // seconds east of UTC, if absolute
	dateOnly    bool
}

// in returns the moment in Unix milliseconds; a local one is read in the zone.
func (m moment) in(z *zone) int64 {
	instant := m.local - m.offset
	if !m.absolute {
		instant, _ = z.firstShowing(m.local)
	}
	return instant*1000 + int64(m.millisecond)
}

// readMoment reads 2027-01-01, 2027-01-01T09:00 and 2027-01-01T09:00:00.000,
// the latter two also with a space for the T and with Z or an offset such as
// +01:00 behind.
func readMoment(text string) (m moment, ok bool) {
	if len(text) < len("2027-01-01") {
		return moment{}, false
	}
	date, ok := readDate(text[:10])
	if !ok {
		return moment{}, false
	}
	m.local = date.number() * secondsPerDay
	if len(text) == 10 {
		m.dateOnly = true
		return m, true
	}
	if c := text[10]; c != 'T' && c != 't' && c != ' ' {
		return moment{}, false
	}
	clock, zone := text[11:], ""
	for i := range len(clock) {
		if c := clock[i]; c == 'Z' || c == 'z' || c == '+' || c == '-' {
			clock, zone = clock[:i], clock[i:]
			break
		}
	}
	if len(clock) > 8 { // 09:00:00.123
		fraction := clock[8:]
		n, ok := number(fraction[1:], 3)
		if fraction[0] != '.' || !ok {
			return moment{}, false
		}
		for range 3 - len(fraction[1:]) {
			n *= 10
		}
		m.millisecond, clock = n, clock[:8]
	}
	second, ok := readClock(clock)
	if !ok {
		return moment{}, false
	}
	m.local += int64(second)
	return m, zone == "" || m.readOffset(zone)
}

// readOffset reads Z, +01:00 or -05:30.
func (m *moment) readOffset(text string) bool {
	m.absolute = true
	if text == "Z" || text == "z" {
		return true
	}
	if len(text) != 6 {
		return false
	}
	second, ok := readClock(text[1:])
	m.offset = int64(second)
	if text[0] == '-' {
		m.offset = -m.offset
	}
	return ok
}

// readDate reads 2026-12-25, in the years 1 to 9999.
func readDate(text string) (Date, bool) {
	if len(text) != 10 || text[4] != '-' || text[7] != '-' {
		return Date{}, false
	}
	year, ok1 := number(text[:4], 4)
	month, ok2 := number(text[5:7], 2)
	day, ok3 := number(text[8:], 2)
	if !ok1 || !ok2 || !ok3 || year < 1 || month < 1 || month > 12 || day < 1 || day > monthLength(year, month) {
		return Date{}, false
	}
	return Date{Year: year, Month: time.Month(month), Day: day}, true
}

// readClock reads 9:00, 09:00 or 09:00:30 as seconds of the day.
func readClock(text string) (second int, ok bool) {
	colon := 2
	if len(text) > 1 && text[1] == ':' {
		colon = 1
	}
	if len(text) < colon+3 || text[colon] != ':' {
		return 0, false
	}
	hour, ok1 := number(text[:colon], 2)
	minute, ok2 := number(text[colon+1:colon+3], 2)
	if !ok1 || !ok2 || hour > 23 || minute > 59 {
		return 0, false
	}
	second = hour*3600 + minute*60
	rest := text[colon+3:]
	if rest == "" {
		return second, true
	}
	s, ok := number(rest[1:], 2)
	if rest[0] != ':' || len(rest) != 3 || !ok || s > 59 {
		return 0, false
	}
	return second + s, true
}

// ParseEnd reads an instant as ParseInstant does, but a date is its last
// millisecond: it holds until it ends.
func ParseEnd(text, zone string) (time.Time, error) {
	day, err := ParseDate(text)
	if err != nil {
		return ParseInstant(text, zone)
	}
	next, err := ParseInstant(time.Date(day.Year, day.Month, day.Day+1, 0, 0, 0, 0, time.UTC).Format(time.DateOnly), zone)
	if err != nil {
		return time.Time{}, err
	}
	return next.Add(-time.Millisecond), nil
}

// ParseInstant reads an instant such as 2027-01-01T09:00:00+01:00. A date
// without a time is its midnight, and without an offset both are read in the
// zone, as a once would be. The result is in UTC.
func ParseInstant(text, zone string) (time.Time, error) {
	z, err := loadZone(zone)
	if err != nil {
		return time.Time{}, err
	}
	m, ok := readMoment(text)
	if !ok {
		return time.Time{}, &Error{Field: "instant", Text: text, Problem: momentProblem(text, "is not understood"), Allowed: "an instant such as 2027-01-01T09:00:00Z, or a local date and time such as 2027-01-01T09:00 or 2027-01-01"}
	}
	return instant(m.in(z)), nil
}

// momentProblem is what is wrong with a date, or a date and time: that there is no
// such day, where it is written as one, or else the problem otherwise.
func momentProblem(text, otherwise string) string {
	if len(text) < len("2027-01-01") || text[4] != '-' || text[7] != '-' {
		return otherwise
	}
	year, ok1 := number(text[:4], 4)
	month, ok2 := number(text[5:7], 2)
	day, ok3 := number(text[8:10], 2)
	switch {
	case !ok1 || !ok2 || !ok3:
		return otherwise
	case month < 1 || month > 12:
		return "is no day: the month is a number from 01 to 12"
	case year >= 1 && (day < 1 || day > monthLength(year, month)):
		return fmt.Sprintf("is no day: %s %d has %d days", time.Month(month), year, monthLength(year, month))
	}
	return otherwise
}

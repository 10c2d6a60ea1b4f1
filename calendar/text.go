package calendar

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// The canonical forms. Parsing one gives the rule it was written from.

func (i *interval) text() string {
	text := "every " + i.length()
	if i.anchored {
		text += " from " + writeInstant(i.anchor)
	}
	return text
}

// length writes the period in the largest unit that divides it, but weeks.
func (i *interval) length() string {
	for _, unit := range []struct {
		name   string
		length int64
	}{{"d", day}, {"h", hour}, {"m", minute}, {"s", second}} {
		if i.period%unit.length == 0 {
			return strconv.FormatInt(i.period/unit.length, 10) + unit.name
		}
	}
	return strconv.FormatInt(i.period, 10) + "ms"
}

func (o *once) text() string { return "once at " + writeInstant(o.instant) }

func writeInstant(ms int64) string { return instant(ms).Format("2006-01-02T15:04:05.999Z07:00") }

func (r *readings) text() string {
	switch r.source.form {
	case cronForm:
		return r.source.cron.written()
	case hourlyForm:
		return "hourly at " + strings.Join(numbers(r.times.minutes, ":%02d"), ", ")
	case dailyForm:
		return "daily at " + r.times.text()
	case weekdaysForm:
		return "weekdays at " + r.times.text()
	case weeklyForm:
		return "weekly on " + strings.Join(weekdayList(r.dates.weekdays), ", ") + " at " + r.times.text()
	case everyWeeksForm:
		text := fmt.Sprintf("every %d weeks on %s at %s", r.dates.weeks, strings.Join(weekdayList(r.dates.weekdays), ", "), r.times.text())
		if !r.source.from.IsZero() {
			text += " from " + r.source.from.String()
		}
		return text
	case monthlyForm:
		days := numbers(uint64(r.dates.days), "%d")
		if r.dates.daysFromLast != 0 {
			days = append(days, "last")
		}
		return "monthly on " + strings.Join(days, ", ") + " at " + r.times.text()
	}
	return "once at " + localTimeOf(r.dates.day*secondsPerDay+int64(r.times.first())).String()
}

// text writes listed times.
func (t *timeSet) text() string {
	clocks := make([]string, len(t.listed))
	for i, s := range t.listed {
		clocks[i] = writeClock(s)
	}
	return strings.Join(clocks, ", ")
}

// writeClock writes a second of the day as 09:00, or as 09:00:30.
func writeClock(second int) string {
	text := fmt.Sprintf("%02d:%02d", second/3600, second/60%60)
	if second%60 != 0 {
		text += fmt.Sprintf(":%02d", second%60)
	}
	return text
}

// numbers writes each member of a set by the format.
func numbers(set uint64, format string) []string {
	var list []string
	for ; set != 0; set &= set - 1 {
		list = append(list, fmt.Sprintf(format, bits.TrailingZeros64(set)))
	}
	return list
}

// weekdayList names the weekdays in a set, from Monday on.
func weekdayList(set uint8) []string {
	var list []string
	for i := range 7 {
		if d := (i + 1) % 7; set>>d&1 != 0 {
			list = append(list, weekdayName(d))
		}
	}
	return list
}

func weekdayName(d int) string { return weekdayNames[3*d : 3*d+3] }

// written writes the fields; the second only where it is not 0.
func (c *cronFields) written() string {
	texts := make([]string, 0, 6)
	if c.bits[secondField] != 1 {
		texts = append(texts, c.plain(secondField))
	}
	hours := c.plain(hourField)
	if c.star[hourField] {
		hours = c.starred(hourField)
	}
	texts = append(texts, c.plain(minuteField), hours, c.dayText(), c.plain(monthField), c.weekdayText())
	return strings.Join(texts, " ")
}

// plain writes a field whose star has no meaning beyond its values.
func (c *cronFields) plain(i int) string {
	f := &fields[i]
	if c.full(i) {
		return "*"
	}
	if low, high, step := progression(c.bits[i]); step > 1 {
		if i != hourField && low == f.min && high+step > f.max {
			return "*/" + strconv.Itoa(step)
		}
		return fmt.Sprintf("%d-%d/%d", low, high, step)
	}
	return strings.Join(runs(c.bits[i]), ",")
}

// starred writes a field that begins with a star.
func (c *cronFields) starred(i int, special ...string) string {
	if c.full(i) && len(special) == 0 {
		return "*"
	}
	f := &fields[i]
	first, left := "*", c.bits[i]
	if c.step[i] > 1 {
		first += "/" + strconv.Itoa(c.step[i])
	}
	for v := f.min; v <= f.max; v += c.step[i] {
		left &^= 1 << v
	}
	list := []string{first}
	if left != 0 {
		list = append(list, runs(left)...)
	}
	return strings.Join(append(list, special...), ",")
}

// dayText writes the day of the month.
func (c *cronFields) dayText() string {
	var special []string
	special = append(special, numbers(uint64(c.dates.nearestTo), "%dW")...)
	special = append(special, fromLast(c.dates.daysFromLast, "")...)
	special = append(special, fromLast(c.dates.nearestToFromLast, "W")...)
	if c.full(dayField) && (c.star[dayField] || c.star[weekdayField]) {
		return "*"
	}
	if c.star[dayField] {
		return c.starred(dayField, special...)
	}
	var list []string
	if c.bits[dayField] != 0 {
		if low, high, step := progression(c.bits[dayField]); step > 1 {
			list = append(list, fmt.Sprintf("%d-%d/%d", low, high, step))
		} else {
			list = runs(c.bits[dayField])
		}
	}
	return strings.Join(append(list, special...), ",")
}

// fromLast writes L, L-3, or with a suffix LW, L-3W.
func fromLast(set uint32, suffix string) []string {
	var list []string
	for ; set != 0; set &= set - 1 {
		text := "L"
		if n := bits.TrailingZeros32(set); n > 0 {
			text += "-" + strconv.Itoa(n)
		}
		list = append(list, text+suffix)
	}
	return list
}

// weekdayText writes the day of the week, with names.
func (c *cronFields) weekdayText() string {
	var special []string
	for n := 1; n <= 5; n++ {
		for _, name := range weekdayList(c.dates.nthWeekday[n]) {
			special = append(special, fmt.Sprintf("%s#%d", name, n))
		}
	}
	for _, name := range weekdayList(c.dates.lastWeekday) {
		special = append(special, name+"L")
	}
	if c.full(weekdayField) && (c.star[dayField] || c.star[weekdayField]) {
		return "*"
	}
	if c.star[weekdayField] {
		return c.starred(weekdayField, special...)
	}
	return strings.Join(append(weekdayRuns(uint8(c.bits[weekdayField])), special...), ",")
}

// weekdayRuns writes weekdays from Monday on, three or more in a row as a
// range.
func weekdayRuns(set uint8) []string {
	fromMonday := uint64(set>>1&0x3f) | uint64(set&1)<<6
	var list []string
	for _, r := range spans(fromMonday) {
		name := func(i int) string { return weekdayName((i + 1) % 7) }
		switch {
		case r.high-r.low >= 2:
			list = append(list, name(r.low)+"-"+name(r.high))
		default:
			for i := r.low; i <= r.high; i++ {
				list = append(list, name(i))
			}
		}
	}
	return list
}

// runs writes the members of a set, three or more in a row as a range.
func runs(set uint64) []string {
	var list []string
	for _, r := range spans(set) {
		switch {
		case r.high-r.low >= 2:
			list = append(list, fmt.Sprintf("%d-%d", r.low, r.high))
		default:
			for i := r.low; i <= r.high; i++ {
				list = append(list, strconv.Itoa(i))
			}
		}
	}
	return list
}

type span struct{ low, high int }

// spans parts a set into runs of neighbours.
func spans(set uint64) []span {
	var list []span
	for set != 0 {
		low := bits.TrailingZeros64(set)
		high := low + bits.TrailingZeros64(^(set >> low)) - 1
		list = append(list, span{low, high})
		set &^= 1<<(high+1) - 1
	}
	return list
}

// progression recognises a set of three or more with equal steps; else step
// is 0.
func progression(set uint64) (low, high, step int) {
	if bits.OnesCount64(set) < 3 {
		return 0, 0, 0
	}
	low, high = bits.TrailingZeros64(set), highest(set)
	step = bits.TrailingZeros64(set >> low &^ 1)
	for v := low; v <= high; v += step {
		if set>>v&1 == 0 {
			return 0, 0, 0
		}
	}
	if bits.OnesCount64(set) != (high-low)/step+1 {
		return 0, 0, 0
	}
	return low, high, step
}

package calendar

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// Describe says in plain English when the spec is due, with its zone:
// "Every weekday at 09:00, Europe/Paris".
func (s *Spec) Describe() string {
	parts := make([]string, len(s.rules))
	for i, r := range s.rules {
		parts[i] = r.describe()
		if i > 0 {
			parts[i] = lowered(parts[i])
		}
	}
	return strings.Join(parts, "; and ") + ", " + s.zone.name
}

// lowered begins a phrase with a small letter.
func lowered(text string) string { return strings.ToLower(text[:1]) + text[1:] }

func (i *interval) describe() string {
	text := "Every " + i.inWords()
	if i.anchored {
		text += ", counted from " + writeInstant(i.anchor)
	}
	return text
}

// inWords writes the period as "90 minutes", or as "hour" if it is just one.
func (i *interval) inWords() string {
	digits := i.length()
	unit := strings.TrimLeft(digits, "0123456789")
	n, _ := strconv.Atoi(digits[:len(digits)-len(unit)])
	name := map[string]string{"ms": "millisecond", "s": "second", "m": "minute", "h": "hour", "d": "day of 24 hours"}[unit]
	switch {
	case n == 1:
		return name
	case unit == "d":
		return fmt.Sprintf("%d days of 24 hours", n)
	}
	return count(n, name)
}

func (o *once) describe() string { return "Once at " + writeInstant(o.instant) }

func (r *readings) describe() string {
	switch r.source.form {
	case hourlyForm:
		return "Every hour at " + and(numbers(r.times.minutes, ":%02d"))
	case everyWeeksForm:
		weeks := "Every week"
		if r.dates.weeks > 1 {
			weeks = fmt.Sprintf("Every %d weeks", r.dates.weeks)
		}
		from := r.source.from
		if from.IsZero() {
			from = dateOf(0)
		}
		return fmt.Sprintf("%s on %s at %s, counted from the week of %v", weeks, r.dates.weekdaysInWords(), r.times.inWords(), from)
	case onceForm:
		local := localTimeOf(r.dates.day*secondsPerDay + int64(r.times.first()))
		return fmt.Sprintf("Once at %v %s", local.Date, r.times.inWords())
	case cronForm:
		if times := r.source.cron.flow(); times != "" {
			if r.dates.shape == everyDay {
				return times
			}
			return times + " " + lowered(r.dates.describe())
		}
	}
	return r.dates.describe() + " at " + r.times.inWords()
}

// inWords lists the times: "08:00, 14:00 and 20:00".
func (t *timeSet) inWords() string {
	var clocks []string
	for second, ok := t.next(0); ok; second, ok = t.next(second + 1) {
		clocks = append(clocks, writeClock(second))
		if second == secondsPerDay-1 {
			break
		}
	}
	return and(clocks)
}

// fewTimes is how many times of day are listed one by one.
const fewTimes = 6

// flow describes the times as a repetition, or is empty if they are few and
// better listed.
func (c *cronFields) flow() string {
	times := timeSet{hours: uint32(c.bits[hourField]), minutes: c.bits[minuteField], seconds: c.bits[secondField]}
	if !c.hoursFlow() && times.count() <= fewTimes {
		return ""
	}
	seconds, minutes, hours := c.bits[secondField], c.bits[minuteField], c.inHours()
	if seconds == 1 {
		_, _, step := progression(minutes)
		switch {
		case evenly(minutes), step == 1 && bits.OnesCount64(minutes) > fewTimes:
			return "Every " + repetition(minutes, "minute") + hours
		}
		return c.everyHour(hours) + " at " + and(numbers(minutes, ":%02d"))
	}
	text := "Every " + repetition(seconds, "second")
	if onlyOne(minutes) && onlyOne(c.bits[hourField]) {
		at := times.first() / 60 * 60
		return fmt.Sprintf("%s from %s to %s", text, writeClock(at), writeClock(at+59))
	}
	if !c.full(minuteField) {
		text += ", in " + ordinalRepetition(minutes, "minute")
	}
	return text + hours
}

// evenly reports whether a set within 60 repeats at one distance for ever.
func evenly(set uint64) bool {
	low, high, step := progression(set)
	return step > 0 && low == 0 && high+step == 60
}

// everyHour is "Every hour", or which ones.
func (c *cronFields) everyHour(hours string) string {
	if nth, ok := strings.CutPrefix(hours, " of every "); ok {
		return "Every " + nth
	}
	return "Every hour" + hours
}

// inHours describes the hours, if not all.
func (c *cronFields) inHours() string {
	hours := c.bits[hourField]
	if c.full(hourField) {
		return ""
	}
	if r := spans(hours); len(r) == 1 {
		return fmt.Sprintf(" from %02d:00 to %02d:59", r[0].low, r[0].high)
	}
	if low, high, step := progression(hours); step > 1 && low == 0 && high+step > 23 {
		return fmt.Sprintf(" of every %s hour", ordinal(step))
	}
	return " in the hours of " + and(numbers(hours, "%02d"))
}

// repetition describes a set within 60 as "5 minutes", "minute", or as the
// minutes by number.
func repetition(set uint64, unit string) string {
	if set == allSixty {
		return unit
	}
	if evenly(set) {
		_, _, step := progression(set)
		return fmt.Sprintf("%d %ss", step, unit)
	}
	return ordinalRepetition(set, unit)
}

// ordinalRepetition names members of a set by number: "minute 5", "minutes 5
// and 20".
func ordinalRepetition(set uint64, unit string) string {
	if low, high, step := progression(set); step == 1 {
		return fmt.Sprintf("%s from :%02d to :%02d", unit, low, high)
	} else if evenly(set) {
		return fmt.Sprintf("every %s %s", ordinal(step), unit)
	}
	if onlyOne(set) {
		return unit + " " + and(numbers(set, ":%02d"))
	}
	return unit + "s " + and(numbers(set, ":%02d"))
}

// describe describes the dates: "Every weekday", "On the 1st of every month".
func (s *dateSet) describe() string {
	switch s.shape {
	case everyDay:
		return "Every day"
	case byWeekday:
		if s.weekdays == workdays {
			return "Every weekday"
		}
		return "Every " + s.weekdaysInWords()
	}
	days, weekdays := s.daysInWords(), s.weekdaysInWords()
	allOfDays, allOfWeek := s.days == allDays, s.weekdays == allWeekdays
	months := " of every month"
	if s.months != allMonths {
		months = " of " + and(s.monthsInWords())
	}
	switch {
	case allOfDays && allOfWeek, !s.bothMustMatch && (allOfDays || allOfWeek):
		return "Every day" + months
	case s.bothMustMatch && allOfDays:
		return "Every " + weekdays + months
	case weekdays == "" || s.bothMustMatch && allOfWeek:
		return "On " + days + months
	case s.bothMustMatch:
		return "On " + days + months + " if it is " + orWeekdays(weekdays)
	}
	return "On " + days + months + ", and on every " + weekdays + strings.Replace(months, " of every month", "", 1)
}

func orWeekdays(list string) string { return "a " + strings.ReplaceAll(list, " and ", " or ") }

// daysInWords lists the days of the month: "the 1st, the 15th and the last
// day".
func (s *dateSet) daysInWords() string {
	var list []string
	for _, r := range spans(uint64(s.days)) {
		if r.high-r.low >= 2 {
			list = append(list, "the "+ordinal(r.low)+" to "+ordinal(r.high))
			continue
		}
		for d := r.low; d <= r.high; d++ {
			list = append(list, "the "+ordinal(d))
		}
	}
	for set := s.nearestTo; set != 0; set &= set - 1 {
		list = append(list, "the working day nearest to the "+ordinal(bits.TrailingZeros32(set)))
	}
	for set := s.daysFromLast; set != 0; set &= set - 1 {
		list = append(list, lastDayInWords(bits.TrailingZeros32(set)))
	}
	for set := s.nearestToFromLast; set != 0; set &= set - 1 {
		list = append(list, "the working day nearest to "+lastDayInWords(bits.TrailingZeros32(set)))
	}
	return and(list)
}

func lastDayInWords(before int) string {
	if before == 0 {
		return "the last day"
	}
	return count(before, "day") + " before the last"
}

// weekdaysInWords lists the days of the week: "Monday and 2nd Friday".
func (s *dateSet) weekdaysInWords() string {
	list := weekdayNamesIn(s.weekdays)
	if s.weekdays == workdays && s.shape == byMonth {
		list = []string{"weekday"}
	}
	for n := 1; n <= 5; n++ {
		for _, name := range weekdayNamesIn(s.nthWeekday[n]) {
			list = append(list, ordinal(n)+" "+name)
		}
	}
	for _, name := range weekdayNamesIn(s.lastWeekday) {
		list = append(list, "last "+name)
	}
	return and(list)
}

// weekdayNamesIn names the weekdays in a set in full, from Monday on.
func weekdayNamesIn(set uint8) []string {
	var list []string
	for i := range 7 {
		if d := (i + 1) % 7; set>>d&1 != 0 {
			list = append(list, time.Weekday(d).String())
		}
	}
	return list
}

func (s *dateSet) monthsInWords() []string {
	var list []string
	for _, r := range spans(uint64(s.months)) {
		if r.high-r.low >= 2 {
			list = append(list, time.Month(r.low).String()+" to "+time.Month(r.high).String())
			continue
		}
		for m := r.low; m <= r.high; m++ {
			list = append(list, time.Month(m).String())
		}
	}
	return list
}

// and joins a list as in English.
func and(list []string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	return strings.Join(list[:len(list)-1], ", ") + " and " + list[len(list)-1]
}

// ordinal writes 1st, 2nd, 3rd, 4th.
func ordinal(n int) string {
	suffix := "th"
	if n/10 != 1 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return strconv.Itoa(n) + suffix
}

package calendar

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
)

// form is the way an expression is written.
type form uint8

const (
	cronForm form = iota
	hourlyForm
	dailyForm
	weekdaysForm
	weeklyForm
	everyWeeksForm
	monthlyForm
	onceForm
)

// source is what must be remembered, beside dates and times, to write an
// expression again.
type source struct {
	form form
	cron *cronFields // cronForm
	from Date        // everyWeeksForm: as given, zero if not
}

const (
	workdays = 1<<1 | 1<<2 | 1<<3 | 1<<4 | 1<<5

	allowedTimes    = "at and times such as 09:00 or 09:00:30, separated by commas, from 00:00 to 23:59:59"
	allowedMoments  = "an instant such as 2027-01-01T09:00:00Z, or a local date and time such as 2027-01-01T09:00"
	allowedWeekdays = "sun, mon, tue, wed, thu, fri, sat, separated by commas"
)

func (p *parser) phrase(form form, dates dateSet, times timeSet) *readings {
	return newReadings(source{form: form}, dates, times, p.exceptions)
}

// hourly reads the rest of: hourly at :20
func (p *parser) hourly(words *words) (rule, error) {
	const allowed = "at and minutes such as :20 or :00, :30"
	if err := p.expect(words, "at", "hourly", allowed); err != nil {
		return nil, err
	}
	times := timeSet{hours: allHours, seconds: 1}
	err := p.list(words, "minute", allowed, func(w word) bool {
		minute, ok := 0, len(w.text) == 3 && w.text[0] == ':'
		if ok {
			minute, ok = number(w.text[1:], 2)
		}
		times.minutes |= 1 << (minute % 60)
		return ok && minute < 60
	})
	if err != nil {
		return nil, err
	}
	r := p.phrase(hourlyForm, dateSet{shape: everyDay}, times)
	r.flows = true
	return r, p.end(words)
}

// daily reads the rest of: daily at 08:00, 14:00
func (p *parser) daily(words *words) (rule, error) {
	return p.at(words, dailyForm, dateSet{shape: everyDay})
}

// everyWeekday reads the rest of: weekdays at 09:00
func (p *parser) everyWeekday(words *words) (rule, error) {
	return p.at(words, weekdaysForm, dateSet{shape: byWeekday, weekdays: workdays})
}

// weekly reads the rest of: weekly on mon, fri at 07:30
func (p *parser) weekly(words *words) (rule, error) {
	weekdays, err := p.onWeekdays(words, "weekly")
	if err != nil {
		return nil, err
	}
	return p.at(words, weeklyForm, dateSet{shape: byWeekday, weekdays: weekdays})
}

// monthly reads the rest of: monthly on 1, 15, last at 00:05
func (p *parser) monthly(words *words) (rule, error) {
	const allowed = "days from 1 to 31 and last, separated by commas"
	if err := p.expect(words, "on", "monthly", "on and "+allowed); err != nil {
		return nil, err
	}
	dates := dateSet{shape: byMonth, months: allMonths}
	err := p.list(words, "day of month", allowed, func(w word) bool {
		if w.text == "last" {
			dates.daysFromLast = 1
			return true
		}
		day, ok := number(w.text, 2)
		dates.days |= 1 << day & allDays
		return ok && day >= 1 && day <= 31
	})
	if err != nil {
		return nil, err
	}
	return p.at(words, monthlyForm, dates)
}

// everyWeeks reads, after every 2 weeks, the rest of:
// every 2 weeks on mon at 09:00 from 2026-11-23
func (p *parser) everyWeeks(amount word, weeks int, words *words) (rule, error) {
	const most = 1000
	if weeks < 1 || weeks > most {
		return nil, p.failWord("interval", amount, "is out of range", fmt.Sprintf("1 to %d weeks", most))
	}
	weekdays, err := p.onWeekdays(words, "weeks")
	if err != nil {
		return nil, err
	}
	times, err := p.times(words)
	if err != nil {
		return nil, err
	}
	from := Date{}
	if words.accept("from") {
		w, _ := words.next()
		date, ok := readDate(w.text)
		if !ok {
			return nil, p.failWord("from", w, momentProblem(w.text, "is not a date"), "a date such as 2026-11-23, whose week is the first")
		}
		from = date
	}
	dates := dateSet{shape: byWeeks, weekdays: weekdays, weeks: int64(weeks), monday: mondayOf(from)}
	r := p.phrase(everyWeeksForm, dates, times)
	r.source.from = from
	return r, p.end(words)
}

// mondayOf begins the week of a date, for the zero date that of the Unix
// epoch.
func mondayOf(d Date) int64 {
	day := int64(0)
	if !d.IsZero() {
		day = d.number()
	}
	return day - int64(weekdayOf(day)+6)%7
}

// once reads the rest of: once at 2027-01-01T09:00:00Z
func (p *parser) once(words *words) (rule, error) {
	const allowed = "at and " + allowedMoments
	if err := p.expect(words, "at", "once", allowed); err != nil {
		return nil, err
	}
	w := words.rest()
	m, ok := readMoment(w.text)
	if !ok || m.dateOnly || m.millisecond != 0 {
		return nil, p.failWord("once", w, momentProblem(w.text, "is not a date and time"), allowed)
	}
	if m.absolute {
		return &once{exceptions: p.exceptions, instant: m.in(utc)}, nil
	}
	day, second := split(m.local)
	return p.phrase(onceForm, dateSet{shape: oneDate, day: day}, timeSet{listed: []int{second}}), nil
}

// at reads times and the end.
func (p *parser) at(words *words, form form, dates dateSet) (rule, error) {
	times, err := p.times(words)
	if err != nil {
		return nil, err
	}
	return p.phrase(form, dates, times), p.end(words)
}

// times reads: at 08:00, 14:00
func (p *parser) times(words *words) (timeSet, error) {
	if err := p.expect(words, "at", "the days", allowedTimes); err != nil {
		return timeSet{}, err
	}
	var listed []int
	err := p.list(words, "time", allowedTimes, func(w word) bool {
		second, ok := readClock(w.text)
		listed = append(listed, second)
		return ok
	})
	slices.Sort(listed)
	return timeSet{listed: slices.Compact(listed)}, err
}

// onWeekdays reads: on mon, fri
func (p *parser) onWeekdays(words *words, before string) (weekdays uint8, err error) {
	if err := p.expect(words, "on", before, "on and "+allowedWeekdays); err != nil {
		return 0, err
	}
	err = p.list(words, "day of week", allowedWeekdays, func(w word) bool {
		day, ok := fields[weekdayField].value(w.text)
		if !ok || isDigit(w.text[0]) {
			return false
		}
		weekdays |= 1 << day
		return true
	})
	return weekdays, err
}

// list reads one or more items with commas between them.
func (p *parser) list(words *words, field, allowed string, take func(word) bool) error {
	for {
		w, ok := words.next()
		if !ok || w.text == "," {
			return p.failWord(field, w, "stands where an item of the list is missing", allowed)
		}
		if !take(w) {
			return p.failWord(field, w, "is not understood", allowed)
		}
		if !words.accept(",") {
			return nil
		}
	}
}

// expect takes the word wanted.
func (p *parser) expect(words *words, wanted, before, allowed string) error {
	if words.accept(wanted) {
		return nil
	}
	w, ok := words.peek()
	if !ok {
		return p.failWord("expression", w, fmt.Sprintf("ends after %s, where %q is missing", before, wanted), allowed)
	}
	return p.failWord("expression", w, fmt.Sprintf("stands where %q is missing", wanted), allowed)
}

// end makes sure that nothing is left.
func (p *parser) end(words *words) error {
	if w, ok := words.peek(); ok {
		return p.failWord("expression", w, "is too much here", "nothing more, or a comma and another item")
	}
	return nil
}

// Units of intervals, in milliseconds.
const (
	millisecond = 1
	second      = 1000 * millisecond
	minute      = 60 * second
	hour        = 60 * minute
	day         = 24 * hour
	week        = 7 * day

	shortestInterval = 100 * millisecond
	longestInterval  = 36_525 * day // a hundred years
)

var units = map[string]int64{
	"ms": millisecond, "millisecond": millisecond, "milliseconds": millisecond,
	"s": second, "sec": second, "secs": second, "second": second, "seconds": second,
	"m": minute, "min": minute, "mins": minute, "minute": minute, "minutes": minute,
	"h": hour, "hr": hour, "hrs": hour, "hour": hour, "hours": hour,
	"d": day, "day": day, "days": day,
	"w": week, "week": week, "weeks": week,
}

const allowedIntervals = "whole numbers with ms, s, m, h, d or w, such as every 5s, every 90m or every 10 minutes; at least 100ms, at most 100 years"

// wordsForFrom are other words with which people say when an interval begins.
var wordsForFrom = map[string]bool{"starting": true, "beginning": true, "since": true, "after": true}

// every reads the rest of: every 90m from 2027-01-01T00:00:00Z
// and hands over where it turns out to be: every 2 weeks on mon at 09:00
func (p *parser) every(words *words) (rule, error) {
	period, parts := int64(0), 0
	begin, _ := words.peek()
	for ; ; parts++ {
		w, ok := words.peek()
		if !ok || w.text == "from" || w.text == "on" || w.text == "at" || parts > 0 && wordsForFrom[w.text] {
			break
		}
		n, unit, err := p.amount(words)
		if err != nil {
			return nil, err
		}
		if next, _ := words.peek(); unit == week && next.text == "on" && parts == 0 {
			return p.everyWeeks(w, int(n), words)
		}
		if next, more := words.peek(); w.text == "second" && more && next.text != "from" && next.text != "on" && next.text != "at" {
			return nil, p.failWord("interval", w, "may mean a second or every other one of what follows", allowedIntervals)
		}
		period += n * unit
		if period > longestInterval {
			return nil, p.failWord("interval", w, "is too long", allowedIntervals)
		}
	}
	text := p.fail("interval", begin.start, max(begin.start, words.at), "", allowedIntervals)
	switch {
	case parts == 0:
		text.Problem = "has no length"
	case period < shortestInterval:
		text.Problem = "is too short"
	case period > second && period%second != 0:
		text.Problem = "is neither whole seconds nor below one"
	default:
		return p.from(words, &interval{exceptions: p.exceptions, period: period})
	}
	return nil, text
}

// amount reads 90m, 10 minutes, 1h30m (in parts) or minute.
func (p *parser) amount(words *words) (n, unit int64, err error) {
	w, _ := words.next()
	digits := 0
	for digits < len(w.text) && isDigit(w.text[digits]) {
		digits++
	}
	value, ok := number(w.text[:digits], 9)
	name := w.text[digits:]
	switch {
	case digits == 0: // every minute
		value, ok = 1, true
	case !ok:
		return 0, 0, p.failWord("interval", w, "is too long", allowedIntervals)
	case name == "": // every 10 minutes
		next, _ := words.next()
		name, w = next.text, word{start: w.start, end: max(w.end, next.end)}
	default: // every 1h30m: leave what follows the unit
		letters := 0
		for letters < len(name) && !isDigit(name[letters]) {
			letters++
		}
		words.at -= len(name) - letters
		name = name[:letters]
	}
	if name == "m" && p.original[w.start+digits] == 'M' {
		return 0, 0, p.failWord("interval", w, "may mean months, which are not of one length, or minutes, which are m: see monthly on, or cron", allowedIntervals)
	}
	unit, ok = units[name]
	if !ok {
		return 0, 0, p.failWord("interval", w, unitProblem(name), allowedIntervals)
	}
	return int64(value), unit, nil
}

func unitProblem(name string) string {
	switch name {
	case "month", "months", "mo", "year", "years", "y":
		return "is not of one length: see monthly on, or cron"
	case "":
		return "has no unit"
	}
	return "is not understood"
}

// from reads an optional: from 2027-01-01T00:00:00Z
func (p *parser) from(words *words, i *interval) (rule, error) {
	if !words.accept("from") {
		if w, ok := words.peek(); ok {
			allowed := "from and an instant"
			if w.text == "at" && i.period != day || wordsForFrom[w.text] {
				clock := "00:00"
				if second, ok := readClock(p.text[max(w.end, strings.LastIndexAny(p.text, " \t")+1):]); ok {
					clock = writeClock(second)[:len(clock)]
				}
				allowed += fmt.Sprintf(", such as every %s from 2027-01-01T%s:00Z", i.length(), clock)
			}
			if w.text == "at" {
				return nil, p.failWord("time", w, "and a time of day do not go with an interval, which counts elapsed time", allowed+"; times of day go with daily at 09:00 and the like")
			}
			return nil, p.failWord("interval", w, "is not known after an interval", allowed)
		}
		return i, nil
	}
	w := words.rest()
	m, ok := readMoment(w.text)
	if !ok || m.millisecond != 0 && i.period >= second {
		return nil, p.failWord("from", w, momentProblem(w.text, "is not an instant"), "an instant such as 2027-01-01T00:00:00Z, on a whole second unless the interval is shorter than one")
	}
	i.anchor, i.anchored = m.in(p.exceptions.zone), true
	return i, nil
}

// onlyOne reports whether a set has a single member.
func onlyOne(set uint64) bool { return bits.OnesCount64(set) == 1 }

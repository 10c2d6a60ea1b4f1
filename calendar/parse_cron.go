package calendar

import (
	"fmt"
	"strings"
)

// field describes one of the six fields of a cron expression.
type field struct {
	name     string
	min, max int
	names    string // three letters each, the first standing for min
	allowed  string
}

// size is how many values the field has.
func (f *field) size() int { return f.max - f.min + 1 }

const (
	secondField = iota
	minuteField
	hourField
	dayField
	monthField
	weekdayField
)

const (
	monthNames   = "janfebmaraprmayjunjulaugsepoctnovdec"
	weekdayNames = "sunmontuewedthufrisat"
)

var fields = [6]field{
	secondField:  {name: "second", min: 0, max: 59, allowed: "0–59, *, ranges a-b, steps */n, a/n and a-b/n, and lists of these"},
	minuteField:  {name: "minute", min: 0, max: 59, allowed: "0–59, *, ranges a-b, steps */n, a/n and a-b/n, and lists of these"},
	hourField:    {name: "hour", min: 0, max: 23, allowed: "0–23, *, ranges a-b, steps */n, a/n and a-b/n, and lists of these"},
	dayField:     {name: "day of month", min: 1, max: 31, allowed: "1–31, *, L, L-3, 15W, LW, L-3W, ranges a-b, steps */n, a/n and a-b/n, and lists of these"},
	monthField:   {name: "month", min: 1, max: 12, names: monthNames, allowed: "1–12, jan–dec, *, ranges a-b, steps */n, a/n and a-b/n, and lists of these"},
	weekdayField: {name: "day of week", min: 0, max: 6, names: weekdayNames, allowed: "0–7 (0 and 7 are Sunday), sun–sat, *, 5#2, friL, ranges a-b, steps */n, a/n and a-b/n, and lists of these"},
}

// cronFields are the parsed fields of a cron expression.
type cronFields struct {
	bits  [6]uint64
	star  [6]bool // the field begins with * or ?
	step  [6]int  // of the star that the field begins with
	dates dateSet // only what L, W and # say
	six   string  // the expression, where it has six fields
}

// full reports whether the field matches whatever its value.
func (c *cronFields) full(i int) bool {
	f := &fields[i]
	return c.bits[i] == 1<<(f.max+1)-1<<f.min
}

// hoursFlow is the line between appointments and the flow of time: see
// readings.
func (c *cronFields) hoursFlow() bool { return c.star[hourField] || c.full(hourField) }

// cron reads five fields, or six with the seconds first.
func (p *parser) cron(offset int) (rule, error) {
	var list [7]word
	n, err := p.splitFields(offset, &list)
	if err != nil {
		return nil, err
	}
	c := &cronFields{}
	if n == 5 {
		c.bits[secondField] = 1
	} else {
		c.six = p.text[list[0].start:list[5].end]
	}
	for i := range n {
		at := 6 - n + i
		if err := p.field(c, at, list[i]); err != nil {
			return nil, err
		}
	}
	r := c.readings(p.exceptions)
	if _, ok := r.dates.next(dayNumber(2000, 1, 1)); !ok {
		return nil, p.impossible(list[n-3 : n])
	}
	return r, nil
}

// splitFields parts the expression at spaces.
func (p *parser) splitFields(offset int, list *[7]word) (int, error) {
	n, plain, hasClock, hasStar := 0, 0, false, false
	for at := offset; ; n++ {
		for at < len(p.text) && isSpace(p.text[at]) {
			at++
		}
		if at == len(p.text) {
			break
		}
		start := at
		for at < len(p.text) && !isSpace(p.text[at]) {
			at++
		}
		w := word{text: p.text[start:at], start: start, end: at}
		if isPlainWord(w.text) {
			plain++
		}
		hasClock = hasClock || strings.Contains(w.text, ":")
		hasStar = hasStar || w.text[0] == '*' || w.text[0] == '?'
		if n < len(list) {
			list[n] = w
		}
	}
	first := list[0]
	all := word{text: p.text[first.start:], start: first.start, end: len(p.text)}
	switch {
	case looksLikeDate(first.text):
		return 0, p.failWord("once", all, momentProblem(all.text, `lacks "once at" before it`), "once at and "+allowedMoments)
	case n < 5 && first.text[0] >= 'a' && first.text[0] <= 'z':
		return 0, p.failWord("expression", first, "is not known here", "every, hourly, daily, weekdays, weekly, monthly, once, @daily and its like, or a cron expression with five or six fields")
	case 2*plain > n || hasClock && !hasStar: // no cron expression has a colon
		return 0, p.fail("expression", first.start, len(p.text), "is not understood",
			"an interval such as every 5m, a phrase such as daily at 09:00, a cron expression such as 0 9 * * mon-fri, or a once such as once at 2027-01-01T09:00")
	case n == 5 || n == 6:
		return n, nil
	}
	return 0, p.fail("expression", first.start, len(p.text), fmt.Sprintf("has %s", count(n, "field")),
		"five (minute, hour, day of month, month, day of week), or six with the second first")
}

// isPlainWord tells words of a language from fields of cron, which hold letters
// too: mon-fri, jan, friL, LW and L-3.
func isPlainWord(text string) bool {
	letters := 0
	for letters < len(text) && text[letters] >= 'a' && text[letters] <= 'z' {
		letters++
	}
	if letters < 2 || text[:letters] == "lw" {
		return false
	}
	for _, name := range []string{text[:letters], strings.TrimSuffix(text[:letters], "l")} {
		_, isMonth := fields[monthField].value(name)
		_, isWeekday := fields[weekdayField].value(name)
		if isMonth || isWeekday {
			return false
		}
	}
	return true
}

// looksLikeDate says whether a word begins as 2027-01-01 does.
func looksLikeDate(text string) bool {
	if len(text) < len("2027-01-01") || text[4] != '-' || text[7] != '-' {
		return false
	}
	_, year := number(text[:4], 4)
	_, month := number(text[5:7], 2)
	_, day := number(text[8:10], 2)
	return year && month && day
}

// count says so many of something in English.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// field reads the list in one field.
func (p *parser) field(c *cronFields, at int, w word) error {
	c.star[at] = w.text[0] == '*' || w.text[0] == '?'
	for start := w.start; start <= w.end; {
		end := start
		for end < w.end && p.text[end] != ',' {
			end++
		}
		item := word{text: p.text[start:end], start: start, end: end}
		if err := p.item(c, at, item, start == w.start); err != nil {
			return err
		}
		start = end + 1
	}
	return nil
}

// item reads one item of a list: *, a, a-b, each with or without /n, or what
// is special to the field.
func (p *parser) item(c *cronFields, at int, item word, isFirst bool) error {
	f := &fields[at]
	if item.text == "" {
		return p.fail(f.name, item.start, item.end, "has an empty item in its list", f.allowed)
	}
	special, err := false, (*Error)(nil)
	switch at {
	case dayField:
		special, err = p.specialDay(c, item)
	case weekdayField:
		special, err = p.specialWeekday(c, item)
	}
	if err != nil {
		return err
	}
	if special {
		return nil
	}
	base, stepText, stepped := strings.Cut(item.text, "/")
	step := 1
	if stepped {
		n, ok := number(stepText, 4)
		if !ok || n < 1 || n > f.size() {
			return p.fail(f.name, item.start, item.end, "has a step that is not a number in range", fmt.Sprintf("a step from 1 to %d", f.size()))
		}
		step = n
	}
	low, high, problem := f.span(base, stepped)
	if problem != "" {
		return p.fail(f.name, item.start, item.end, problem, f.allowed)
	}
	if isFirst && c.star[at] {
		c.step[at] = step
	}
	for n := 0; n <= high-low; n += step {
		c.bits[at] |= 1 << (f.min + (low-f.min+n)%f.size())
	}
	return nil
}

// span reads what stands before a step as first and last value. The last is
// larger than the field's where the range wraps around its end.
func (f *field) span(text string, stepped bool) (low, high int, problem string) {
	if text == "*" || text == "?" {
		return f.min, f.max, ""
	}
	first, last, isRange := strings.Cut(text, "-")
	low, ok := f.value(first)
	if !ok {
		return 0, 0, f.valueProblem(first)
	}
	if low > f.max { // Sunday as 7
		low = f.min
	}
	if !isRange {
		if stepped {
			return low, f.max, ""
		}
		return low, low, ""
	}
	high, ok = f.value(last)
	if !ok {
		return 0, 0, f.valueProblem(last)
	}
	switch {
	case first == "7" && high == 7: // Sunday to Sunday
		high = low
	case high < low:
		high += f.size()
	}
	return low, high, ""
}

// value reads a number or name. In the day of week it may be one too large:
// Sunday as 7.
func (f *field) value(text string) (int, bool) {
	if n, ok := number(text, 4); ok {
		return n, f.min <= n && (n <= f.max || f.names == weekdayNames && n == 7)
	}
	if len(text) == 3 && f.names != "" {
		if i := strings.Index(f.names, text); i >= 0 && i%3 == 0 {
			return f.min + i/3, true
		}
	}
	return 0, false
}

// valueProblem says why a value is none.
func (f *field) valueProblem(text string) string {
	if text == "" {
		return "lacks a number"
	}
	if text[0] == 'h' {
		return "is not known; to spread load, give the schedule a jitter"
	}
	for i := range len(text) {
		if !isDigit(text[i]) {
			return "is not understood"
		}
	}
	return "is out of range"
}

// specialDay reads L, L-3, 15W, LW and L-3W.
func (p *parser) specialDay(c *cronFields, item word) (bool, *Error) {
	text, workday := strings.CutSuffix(item.text, "w")
	fromLast, isLast := strings.CutPrefix(text, "l")
	if !workday && !isLast {
		return false, nil
	}
	if !isLast {
		day, ok := number(text, 4)
		if !ok || day < 1 || day > 31 {
			return false, p.failWord("day of month", item, "is not a working day nearest to a day", "nW with n from 1 to 31, or LW")
		}
		c.dates.nearestTo |= 1 << day
		return true, nil
	}
	before := 0
	if fromLast != "" {
		n, ok := number(strings.TrimPrefix(fromLast, "-"), 4)
		if fromLast[0] != '-' || !ok || n < 1 || n > 30 {
			return false, p.failWord("day of month", item, "is not a number of days before the last", "L, L-1 to L-30, LW, L-1W to L-30W")
		}
		before = n
	}
	if workday {
		c.dates.nearestToFromLast |= 1 << before
	} else {
		c.dates.daysFromLast |= 1 << before
	}
	return true, nil
}

// specialWeekday reads 5#2, friL, 5L and fri#L.
func (p *parser) specialWeekday(c *cronFields, item word) (bool, *Error) {
	name, nth, isNth := strings.Cut(item.text, "#")
	isLast := false
	if !isNth {
		if name, isLast = strings.CutSuffix(item.text, "l"); !isLast {
			return false, nil
		}
	}
	weekday, ok := fields[weekdayField].value(name)
	if !ok {
		return false, p.failWord("day of week", item, "does not name a day of the week", "5#2, fri#2, friL, 5L or fri#L")
	}
	weekday %= 7
	if isLast || nth == "l" {
		c.dates.lastWeekday |= 1 << weekday
		return true, nil
	}
	n, ok := number(nth, 4)
	if !ok || n < 1 || n > 5 {
		return false, p.failWord("day of week", item, "does not say which one in the month", "#1 to #5, or #L for the last")
	}
	c.dates.nthWeekday[n] |= 1 << weekday
	return true, nil
}

// readings builds the rule that the fields mean.
func (c *cronFields) readings(except exceptions) *readings {
	d := &c.dates
	d.months = uint16(c.bits[monthField])
	d.days = uint32(c.bits[dayField])
	d.weekdays = uint8(c.bits[weekdayField])
	// Vixie's star test: a field that begins with a star, even */2, narrows
	// the other; two that do not widen each other.
	d.bothMustMatch = c.star[dayField] || c.star[weekdayField]
	d.simplify()
	times := timeSet{hours: uint32(c.bits[hourField]), minutes: c.bits[minuteField], seconds: c.bits[secondField]}
	r := newReadings(source{form: cronForm, cron: c}, *d, times, except)
	r.flows = c.hoursFlow()
	return r
}

// simplify finds the simplest shape for a set by month.
func (s *dateSet) simplify() {
	s.shape = byMonth
	counted := s.daysFromLast|s.nearestTo|s.nearestToFromLast != 0 || s.lastWeekday != 0 || s.nthWeekday != [6]uint8{}
	s.leapDayOnly = s.months == 1<<2 && s.days == 1<<29 && s.bothMustMatch && !counted
	s.daysOnly = s.weekdays == allWeekdays && s.bothMustMatch && !counted
	if s.months != allMonths || counted {
		return
	}
	eitherFull := s.days == allDays || s.weekdays == allWeekdays
	switch {
	case s.days == allDays && s.weekdays == allWeekdays, eitherFull && !s.bothMustMatch:
		s.shape = everyDay
	case s.days == allDays:
		s.shape = byWeekday
	}
}

// impossible is the error for dates that do not exist, given the last three
// fields.
func (p *parser) impossible(dates []word) *Error {
	written := func(w word) string { return shortened(p.original[w.start:w.end]) }
	return p.failWord("day of month", dates[0],
		fmt.Sprintf("never comes with month %q and day of week %q", written(dates[1]), written(dates[2])), "dates that exist; the last day of a month is L, as in 0 9 L 2 *")
}

// macros and the cron expressions they stand for.
var macros = map[string]string{
	"@hourly":   "0 * * * *",
	"@daily":    "0 0 * * *",
	"@midnight": "0 0 * * *",
	"@weekly":   "0 0 * * 0",
	"@monthly":  "0 0 1 * *",
	"@yearly":   "0 0 1 1 *",
	"@annually": "0 0 1 1 *",
}

func (p *parser) macro(name word, rest *words) (rule, error) {
	if name.text == "@every" {
		return p.every(rest)
	}
	allowed := "@hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually, @every 5m"
	expression, ok := macros[name.text]
	if !ok {
		return nil, p.failWord("expression", name, "is not known", allowed)
	}
	if more, ok := rest.next(); ok {
		return nil, p.failWord("expression", more, "is too much after "+name.text, allowed)
	}
	meant := parser{original: expression, text: expression, exceptions: p.exceptions}
	return meant.cron(0)
}

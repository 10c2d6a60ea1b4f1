package calendar

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// People say the parts of a when in any order: noon on sundays, weekdays 9-17
// every 15m. The grammar has one order, so the parts are cut out one after the
// other, and put together again if nothing else was said.

// parts are what a phrase says.
type parts struct {
	count       int  // every so many units; 0 where no interval is named
	unit        byte // s, m or h
	minutes     []int
	from, until *hourOfDay
	days        []int // nil: not said
	excepted    []int
	times       string
}

// hourOfDay is one end of a window. Where it is a bare number, the afternoon may
// be meant.
type hourOfDay struct {
	hour, minute int
	bare         bool
}

const (
	clockTime  = `[0-9]{2}:[0-5][0-9](?::[0-5][0-9])?`
	clockTimes = clockTime + `(?:(?:,? and |, ?| ?& ?)` + clockTime + `)*`
	anHour     = `([0-9]{1,2})(?:(h)|:([0-5][0-9]))?`
	daysSaid   = `(?:(weekdays?|workdays?|working days?|business days?|week days?)|(weekends?)|(` + dayList + `))`
)

var (
	timeFirst  = pattern(`^(?:at )?(` + clockTimes + `),? (?:on )?(.+)$`)
	timeInside = pattern(`^(.+?),? at (` + clockTimes + `),? (.+)$`)

	saidExcept   = pattern(`,? ?\(?\b(?:except|excluding|excl|but not|but|not|without|other than|skip|skipping|apart from)\.?(?: for| from| on| the| every)* ` + daysSaid + `\b\)?`)
	saidOnHour   = pattern(`\b(?:at |on )?the (?:(hour)|30 minutes|half hour)\b`)
	saidPast     = pattern(`\b(?:at )?(?:(half)|(quarter)|([0-9]{1,2})(?: min(?:ute)?s?)?) (?:(past|after|into)\b|(?:to|before) (?:the|every|each|hour)\b)(?: (?:the|every|each))*(?: hour)?\b`)
	saidMinutes  = pattern(`(?:\b(?:at|on))?(?:^| )(:[0-5][0-9](?:(?:,? and |, ?| ?& ?):?[0-5][0-9])*)\b`)
	saidHours    = pattern(`\b(?:during )?(?:office|business|working|work) hours\b`)
	saidInterval = pattern(`\b(?:(?:once )?(?:every|each) (?:([0-9]{1,4})[ -]?)?(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?)|(hourly))\b`)
	saidWindow   = pattern(`,? ?(?:\b(between|from)(?: the hours of)? )?\b` + anHour + ` ?(-|to|until|till|and|through|thru) ?` + anHour + `(?: |$)`)
	saidDays     = pattern(`,? ?\b(?:(?:on|every|each|only|weekly)(?: the)? )*` + daysSaid + `\b`)
	saidDaily    = pattern(`\b(?:daily|(?:every|each|all) days?)\b`)
	saidTimes    = pattern(`,? ?(?:\bat )?\b(` + clockTimes + `)\b`)
	saidNothing  = pattern(`\b(?:on|at|the|of|only|and|each|every|in|hour)\b|[ ,]`)
)

// timeLast puts times that are said first, or before the days, behind them.
func timeLast(guess string) string {
	if found := timeFirst().FindStringSubmatch(guess); found != nil {
		return found[2] + " at " + found[1]
	}
	if found := timeInside().FindStringSubmatch(guess); found != nil {
		return found[1] + " " + found[3] + " at " + found[2]
	}
	return guess
}

// inAnyOrder writes what was said in any order in the grammar; nothing where
// something of it was not understood.
func inAnyOrder(guess string) string {
	var p parts
	p.exceptOf(&guess)
	p.minutesOf(&guess)
	p.intervalOf(&guess)
	if p.count > 0 {
		p.windowOf(&guess)
	}
	if found := cut(&guess, saidDays()); found != nil {
		p.days = daysFrom(found[1:])
	}
	daily := cut(&guess, saidDaily()) != nil
	if found := cut(&guess, saidTimes()); found != nil {
		p.times = strings.Join(regexp.MustCompile(clockTime).FindAllString(found[1], -1), ", ")
	}
	if saidNothing().ReplaceAllString(guess, "") != "" {
		return ""
	}
	if p.days == nil && !daily && p.excepted == nil && p.count == 0 {
		return ""
	}
	return p.when()
}

// cut takes out of a text what a pattern finds first.
func cut(text *string, words *regexp.Regexp) []string {
	found := words.FindStringSubmatchIndex(*text)
	if found == nil {
		return nil
	}
	groups := words.FindStringSubmatch(*text)
	*text = (*text)[:found[0]] + " " + (*text)[found[1]:]
	return groups
}

func daysFrom(found []string) []int {
	switch {
	case found[0] != "":
		return []int{1, 2, 3, 4, 5}
	case found[1] != "":
		return []int{6, 0}
	}
	return weekdaysIn(found[2])
}

func (p *parts) exceptOf(text *string) {
	if found := cut(text, saidExcept()); found != nil {
		p.excepted = daysFrom(found[1:])
	}
}

// minutesOf reads the minutes of an hour: half past, on the hour, at :15 and :45.
func (p *parts) minutesOf(text *string) {
	if found := cut(text, saidPast()); found != nil {
		minute, _ := strconv.Atoi(cmp.Or(found[3], map[bool]string{true: "30", false: "15"}[found[1] != ""]))
		if found[4] == "" { // to the hour
			minute = 60 - minute
		}
		p.minutes = []int{minute}
	} else if found := cut(text, saidOnHour()); found != nil {
		p.minutes = []int{0}
		if found[1] == "" {
			p.minutes[0] = 30
		}
	} else if found := cut(text, saidMinutes()); found != nil {
		for _, numeral := range numerals().FindAllString(found[1], -1) {
			minute, _ := strconv.Atoi(numeral)
			p.minutes = append(p.minutes, minute)
		}
	}
	if p.minutes != nil { // of every hour, unless another interval is named
		p.count, p.unit = 1, 'h'
		slices.Sort(p.minutes)
	}
}

func (p *parts) intervalOf(text *string) {
	found := cut(text, saidInterval())
	switch {
	case found == nil:
	case found[3] != "":
		p.count, p.unit = 1, 'h'
	default:
		p.count, _ = strconv.Atoi(cmp.Or(found[1], "1"))
		p.unit = found[2][0]
	}
}

// windowOf reads the hours between which an interval is to hold.
func (p *parts) windowOf(text *string) {
	if cut(text, saidHours()) != nil {
		p.from, p.until = &hourOfDay{hour: 9}, &hourOfDay{hour: 17}
		if p.days == nil && !saidDays().MatchString(*text) {
			p.days = []int{1, 2, 3, 4, 5}
		}
		return
	}
	span := saidWindow().FindStringSubmatch(*text)
	if span == nil || span[5] == "and" && span[1] != "between" {
		return
	}
	cut(text, saidWindow())
	p.from, p.until = readHour(span[2:5]), readHour(span[6:9])
	if p.until.bare && p.from.hour < 12 && p.until.hour < p.from.hour { // 9 to 5
		p.until.hour += 12
	}
}

func readHour(found []string) *hourOfDay {
	hour, _ := strconv.Atoi(found[0])
	minute, _ := strconv.Atoi(found[2])
	return &hourOfDay{hour: hour, minute: minute, bare: found[1]+found[2] == ""}
}

// when puts the parts together: as a phrase, or in cron where there is none.
func (p *parts) when() string {
	all := p.days == nil
	days := p.days
	if all {
		days = []int{1, 2, 3, 4, 5, 6, 0}
	}
	days = slices.DeleteFunc(slices.Clone(days), func(day int) bool { return slices.Contains(p.excepted, day) })
	if len(days) == 0 {
		return ""
	}
	if p.count == 0 {
		return onThese(days) + " at " + cmp.Or(p.times, "00:00")
	}
	if minute, ok := strings.CutPrefix(p.times, "00:"); ok && p.unit == 'h' && len(minute) == 2 && p.minutes == nil {
		n, _ := strconv.Atoi(minute)
		p.minutes, p.times = []int{n}, ""
	}
	if p.times != "" {
		return ""
	}
	onDays := "*"
	switch phrase := onThese(days); {
	case phrase == "weekdays":
		onDays = "mon-fri"
	case phrase != "daily":
		onDays = strings.ReplaceAll(strings.TrimPrefix(phrase, "weekly on "), " ", "")
	}
	if onDays == "*" && p.from == nil && p.unit == 'h' && p.count == 1 && p.minutes != nil {
		return fmt.Sprintf("hourly at :%s", strings.ReplaceAll(joined(p.minutes, "%02d"), ",", ", :"))
	}
	times := p.timesInCron()
	if times == "" {
		return ""
	}
	return times + " * * " + onDays
}

func joined(numbers []int, format string) string {
	var list []string
	for _, n := range numbers {
		list = append(list, fmt.Sprintf(format, n))
	}
	return strings.Join(list, ",")
}

// timesInCron are the fields of cron before the days, nothing where they cannot
// say it: an interval begins anew in each hour or day.
func (p *parts) timesInCron() string {
	first, last, hours := 0, 23, "*"
	window := p.from != nil
	if window {
		first, last = p.from.hour, p.until.hour
		if first > 23 || last > 24 {
			return ""
		}
	}
	step := func(n int) string {
		if n == 1 {
			return ""
		}
		return fmt.Sprintf("/%d", n)
	}
	if p.unit == 'h' {
		return p.hoursInCron(first, last, step(p.count), window)
	}
	if 60%p.count != 0 || p.count == 60 && p.unit == 's' || p.minutes != nil && (p.unit == 's' || len(p.minutes) > 1 || p.minutes[0] >= p.count) {
		return ""
	}
	field := "*" + step(p.count)
	if p.minutes != nil && p.minutes[0] > 0 {
		field = fmt.Sprintf("%d%s", p.minutes[0], step(p.count))
	}
	if window {
		start, end := p.from.minute, p.until.minute
		switch {
		case first == last && start < end && p.unit == 'm':
			return fmt.Sprintf("%d-%d%s %d", start, end, step(p.count), first)
		case start != 0 || first == last:
			return ""
		case end == 0: // until the end, at which there is none
			last = (last + 23) % 24
		case p.unit == 's' || end < 60-p.count:
			return ""
		}
		hours = fmt.Sprintf("%d-%d", first, last)
		if first == last {
			hours = strconv.Itoa(first)
		}
	}
	if p.unit == 's' {
		return field + " * " + hours
	}
	return field + " " + hours
}

// hoursInCron are those fields for every so many hours, the last included where
// it is due within the window.
func (p *parts) hoursInCron(first, last int, step string, window bool) string {
	minutes := p.minutes
	if minutes == nil {
		minutes = []int{0}
		if window {
			minutes[0] = p.from.minute
		}
	}
	list := joined(minutes, "%d")
	if !window {
		if 24%p.count != 0 || p.count == 24 {
			return ""
		}
		return list + " *" + step
	}
	if p.from.minute > minutes[0] || len(minutes) > 1 && p.until.minute >= minutes[0] && p.until.minute < minutes[len(minutes)-1] {
		return ""
	}
	if p.until.minute < minutes[0] {
		last--
	}
	if last > 23 || last == first || last < 0 {
		return ""
	}
	return fmt.Sprintf("%s %d-%d%s", list, first, last, step)
}

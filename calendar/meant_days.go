package calendar

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	monthName     = `(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)`
	dayOfTheMonth = `([0-9]{1,2})(?:st|nd|rd|th)?`
	dayAndMonth   = `(?:` + monthName + ` (?:the )?` + dayOfTheMonth + `(?:,? ([0-9]{4}))?|` + dayOfTheMonth + ` (?:of )?` + monthName + `(?:,? ([0-9]{4}))?|([0-9]{1,2})-([0-9]{1,2}))`
	oneTime       = `(?:(?: at)? ([0-9]{1,2}):([0-5][0-9]))?$`
	ofTheMonth    = `(?: (?:of|in) (?:(?:the|every|each|a) )?month)`
	toHour        = ` ?(?:and|to|until|till|-) ?`
)

func pattern(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}

var (
	// dayOfYear finds dec 25, every year on the 25th of december at 09:00,
	// 1 jan 2027, and annually on 12-25.
	dayOfYear = pattern(`^(?:(yearly|annually|every year|every|each|on)(?: on)?(?: the)? )?` + dayAndMonth + oneTime)
	// dayAlone finds the day in what is written as it is.
	dayAlone = pattern(`(?i)\b` + dayAndMonth + `\b`)
	// everyMonths finds quarterly, every 6 months on the 15th at 09:00, and every
	// year at 09:00.
	everyMonths = pattern(`^(?:(quarterly|every quarter)|(half-?yearly|semi-?annually)|(yearly|annually|(?:every|once an?|once per) year)|(every month)|every (?:other|second) (month)|every ([0-9]{1,2}) months?)` +
		`(?: on (?:the )?` + dayOfTheMonth + `(?: day)?)?` + oneTime)
	// withinHours finds every 5 minutes between 09:00 and 17:00, hourly from 9 to
	// 17, and every 2 hours from 8 to 18 on weekdays.
	withinHours = pattern(`^(?:hourly|every (?:([0-9]+) ?)?(?:(m|mins?|minutes?)|h|hrs?|hours?))(?: between| from)? ([0-9]{1,2})(?::00)?` + toHour + `([0-9]{1,2})(?::00)?( (?:on )?(?:weekdays|mon-fri))?$`)
	// onDays finds every 5 minutes on weekdays, and every 2 hours on mon, wed.
	onDays = pattern(`^(?:hourly|every (?:([0-9]+) ?)?(?:(m|mins?|minutes?)|h|hrs?|hours?)) (?:on )?(?:(weekdays|workdays)|(weekends)|(` + dayList + `))$`)
	// weekdayOfMonth finds monthly on last friday, and the 2nd tuesday of the month
	// at 09:00.
	weekdayOfMonth = pattern(`^(?:(?:monthly|every month)(?: on)? |(?:every|each|on) )?(?:the )?` + nthWeekday + `(?:(?:,? and |, ?| ?& ?)(?:the )?` + nthWeekday + `)? ` + dayName + `(?:` + ofTheMonth + `| (?:of|in) (?:every )?` + monthName + `)?` + oneTime)
	// endOfQuarter finds the last day of the quarter at 18:00.
	endOfQuarter = pattern(`^(?:the )?(?:last day|end) of (?:(?:the|each|every) )?quarter` + oneTime)
	// oddDays finds every odd day at 09:00, and even days of the month.
	oddDays = pattern(`^(?:(?:every|on) )?(odd|even) (?:days?|dates?)` + ofTheMonth + `?` + oneTime)
	// everySecond finds what may mean every other week, and the second in a month.
	everySecond = pattern(`^every (second|2nd|third|3rd|fourth|4th) ` + dayName + oneTime)
	// dayOfMonth finds the last day of the month at 09:00, end of month, and the
	// 15th of every month.
	dayOfMonth = pattern(`^(?:(?:every|each|on|monthly on) )?(?:the )?(?:(last|first) (?:(day)|working day|workday|weekday|business day)|(end)|` + dayOfTheMonth + `(?: day)?)` + ofTheMonth + oneTime)
	// partOfDay finds nightly, and every morning at 08:00.
	partOfDay = pattern(`^(?:(?:(?:every|each|in the|all) )?(morning|afternoon|evening|night)s?|(nightly))` + oneTime)
	// partOfDays finds weekday mornings, and every friday evening at 18:00.
	partOfDays = pattern(`^((?:(?:every|each|on|weekly on) )?(?:weekdays?|weekends?|` + dayList + `)) ((?:morning|afternoon|evening|night)s?` + oneTime[:len(oneTime)-1] + `)$`)
	// endOfMonth finds the last day of february, and first day of march at 09:00.
	endOfMonth = pattern(`^(?:(?:on|every) )?(?:the )?(?:(?:(last)|first) day|(end)|start|beginning) (?:of|in) (?:every )?` + monthName + oneTime)
	// everyMonthOf finds every january, and each may at 09:00.
	everyMonthOf = pattern(`^(?:every|each) ` + monthName + oneTime)
	// daysOfMonth finds every 1st and 15th at 06:00, and on the 1st, 10th and 20th.
	daysOfMonth = pattern(`^(?:(?:every month on|every|on|monthly on) )?(?:the )?(` + nthDay + `(?:(?:, ?| and |, and | ?& ?)(?:the )?` + nthDay + `)*)` + ofTheMonth + `?` + oneTime)
	timesAnHour = pattern(`^([0-9]{1,2}) times (?:(?:an?|per|each|every) )?(hour|minute)(?:ly)?$`)
	timesADay   = pattern(`^([0-9]{1,2}) times (?:daily|(?:a|per|each|every) day)$`)
	// listOfWeekdays finds mon-fri at 09:00, and monday, wednesday and friday.
	listOfWeekdays = pattern(`^(?:weekly )?(?:(?:every|each|on) )?(` + dayList + `)` + anyTime)
	numerals       = pattern(`[0-9]+`)
	weekdayWords   = pattern(dayName + `|-|to|thr|til`)
)

const (
	aDayOrDays = aDay + `(?: ?(?:-|to|through|thru|until|till) ?` + aDay + `)?`
	dayList    = aDayOrDays + `(?:(?:,? and |, ?| ?[&+/] ?| )` + aDayOrDays + `)*`
	nthWeekday = `(first|1st|second|2nd|third|3rd|fourth|4th|last)`
	nthDay     = `[0-9]{1,2}(?:st|nd|rd|th)`
)

// ordinals are what stands behind a weekday in cron.
var ordinals = map[string]string{"first": "#1", "1st": "#1", "second": "#2", "2nd": "#2", "third": "#3", "3rd": "#3", "fourth": "#4", "4th": "#4", "last": "L"}

// clock writes an hour and a minute, both of which may be missing, for a phrase.
func clock(hour, minute string) string {
	h, _ := strconv.Atoi(hour)
	return fmt.Sprintf("%02d:%s", h, cmp.Or(minute, "00"))
}

// cronClock writes them for cron.
func cronClock(hour, minute string) string {
	h, _ := strconv.Atoi(hour)
	m, _ := strconv.Atoi(minute)
	return fmt.Sprintf("%d %d", m, h)
}

// yearDay is a day of every year, or of one year.
type yearDay struct {
	year, month, day int
	time             [2]string
}

func readYearDay(guess string) (d yearDay, ok bool) {
	parts := dayOfYear().FindStringSubmatch(guess)
	if parts == nil {
		return d, false
	}
	if d.month, _ = strconv.Atoi(parts[8]); parts[8] == "" {
		name := (parts[2] + parts[6])[:3]
		d.month = strings.Index(monthNames, name)/3 + 1
	} else if len(parts[1]) < len("yearly") { // 12-25 alone may be anything
		return d, false
	}
	d.day, _ = strconv.Atoi(parts[3] + parts[5] + parts[9])
	d.year, _ = strconv.Atoi(parts[4] + parts[7])
	d.time = [2]string{parts[10], parts[11]}
	return d, d.month >= 1 && d.month <= 12
}

// inTheYear writes days of a year, every few months, weekdays of a month and
// hours of a day as the cron expression that means them: no phrase does.
func inTheYear(guess string) string {
	if d, ok := readYearDay(guess); ok {
		if d.year > 0 {
			return fmt.Sprintf("once at %04d-%02d-%02dT%s", d.year, d.month, d.day, clock(d.time[0], d.time[1]))
		}
		month := fields[monthField].names[d.month*3-3 : d.month*3]
		return fmt.Sprintf("%s %d %s *", cronClock(d.time[0], d.time[1]), d.day, month)
	}
	if parts := endOfMonth().FindStringSubmatch(guess); parts != nil {
		day := "1"
		if parts[1]+parts[2] != "" {
			day = "L"
		}
		return cronClock(parts[4], parts[5]) + " " + day + " " + parts[3][:3] + " *"
	}
	if parts := everyMonthOf().FindStringSubmatch(guess); parts != nil {
		return cronClock(parts[2], parts[3]) + " 1 " + parts[1][:3] + " *"
	}
	if parts := everyMonths().FindStringSubmatch(guess); parts != nil {
		return monthsApart(parts)
	}
	if parts := withinHours().FindStringSubmatch(guess); parts != nil {
		return hoursOfDay(parts[1], parts[2] != "", parts[3], parts[4], parts[5] != "")
	}
	if parts := onDays().FindStringSubmatch(guess); parts != nil {
		return intervalOnDays(parts[1], parts[2] != "", daysOfCron(parts))
	}
	if parts := weekdayOfMonth().FindStringSubmatch(guess); parts != nil {
		days, month := parts[3]+ordinals[parts[1]], "*"
		if parts[2] != "" {
			days += "," + parts[3] + ordinals[parts[2]]
		}
		if parts[4] != "" {
			month = parts[4][:3]
		}
		return fmt.Sprintf("%s * %s %s", cronClock(parts[5], parts[6]), month, days)
	}
	if parts := endOfQuarter().FindStringSubmatch(guess); parts != nil {
		return cronClock(parts[1], parts[2]) + " L 3/3 *"
	}
	if parts := oddDays().FindStringSubmatch(guess); parts != nil {
		return cronClock(parts[2], parts[3]) + map[string]string{"odd": " */2 * *", "even": " 2/2 * *"}[parts[1]]
	}
	return guess
}

func monthsApart(parts []string) string {
	months, _ := strconv.Atoi(parts[6])
	for i, apart := range map[int]int{1: 3, 2: 6, 3: 12, 4: 1, 5: 2} {
		if parts[i] != "" {
			months = apart
		}
	}
	day, _ := strconv.Atoi(cmp.Or(parts[7], "1"))
	at := cronClock(parts[8], parts[9])
	switch {
	case months == 1:
		return fmt.Sprintf("monthly on %d at %s", day, clock(parts[8], parts[9]))
	case months == 12 && parts[7]+parts[8] == "":
		return "@yearly"
	case months == 12:
		return fmt.Sprintf("%s %d 1 *", at, day)
	case months == 0 || 12%months != 0: // not the same months every year
		return ""
	}
	return fmt.Sprintf("%s %d */%d *", at, day, months)
}

// hoursOfDay is every so many minutes up to the end, at which there is none, or
// every so many hours up to and including it, since the hour was named.
func hoursOfDay(apart string, minutes bool, from, to string, onWorkdays bool) string {
	first, _ := strconv.Atoi(from)
	last, _ := strconv.Atoi(to)
	minute, step := "0", ""
	switch {
	case minutes:
		minute, last = "*/"+cmp.Or(apart, "1"), (last+23)%24
	case apart != "" && apart != "1":
		step = "/" + apart
	}
	if last < first {
		return "" // from 9 to 5 may be meant by another clock
	}
	days := "*"
	if onWorkdays {
		days = "mon-fri"
	}
	return fmt.Sprintf("%s %d-%d%s * * %s", minute, first, last, step, days)
}

// daysOfCron is the field of cron for the days that onDays found.
func daysOfCron(parts []string) string {
	switch {
	case parts[3] != "":
		return "mon-fri"
	case parts[4] != "":
		return "sat,sun"
	}
	phrase := strings.TrimSuffix(inTheWeek(parts[5]), " at ")
	switch list, weekly := strings.CutPrefix(phrase, "weekly on "); {
	case weekly:
		return strings.ReplaceAll(list, " ", "")
	case phrase == "weekdays":
		return "mon-fri"
	}
	return "*"
}

// intervalOnDays is every so many minutes or hours of some days: nothing where cron
// would begin anew at each hour or day before the interval is over.
func intervalOnDays(apart string, minutes bool, days string) string {
	n, _ := strconv.Atoi(cmp.Or(apart, "1"))
	whole, before, after := 24, "0 ", ""
	if minutes {
		whole, before, after = 60, "", " *"
	}
	step := "*"
	switch {
	case n == 0 || n == whole || whole%n != 0:
		return ""
	case n > 1:
		step = fmt.Sprintf("*/%d", n)
	}
	return before + step + after + " * * " + days
}

// inTheMonth writes days of a month as the phrase that means them, and working
// days of a month in cron.
func inTheMonth(guess string) string {
	if parts := daysOfMonth().FindStringSubmatch(guess); parts != nil {
		list := numerals().FindAllString(parts[1], -1)
		return "monthly on " + strings.Join(list, ", ") + " at " + clock(parts[2], parts[3])
	}
	parts := dayOfMonth().FindStringSubmatch(guess)
	if parts == nil {
		return guess
	}
	which, ordinary := parts[1], parts[2] != ""
	switch {
	case which != "" && !ordinary:
		day := map[string]string{"first": "1W", "last": "LW"}[which]
		return cronClock(parts[5], parts[6]) + " " + day + " * *"
	case which == "last" || parts[3] != "":
		which = "last"
	case which == "first":
		which = "1"
	default:
		which = parts[4]
	}
	return "monthly on " + which + " at " + clock(parts[5], parts[6])
}

// inTheDay writes parts of a day, and so many times a day, as times of day.
func inTheDay(guess string) string {
	if parts := timesADay().FindStringSubmatch(guess); parts != nil {
		times, _ := strconv.Atoi(parts[1])
		if times < 2 || 24%times != 0 {
			return guess
		}
		var list []string
		for hour := 0; hour < 24; hour += 24 / times {
			list = append(list, fmt.Sprintf("%02d:00", hour))
		}
		return "daily at " + strings.Join(list, ", ")
	}
	if parts := timesAnHour().FindStringSubmatch(guess); parts != nil {
		times, _ := strconv.Atoi(parts[1])
		if times < 1 || 60%times != 0 {
			return guess
		}
		return fmt.Sprintf("every %d%s", 60/times, map[string]string{"hour": "m", "minute": "s"}[parts[2]])
	}
	if parts := partOfDays().FindStringSubmatch(guess); parts != nil {
		if parts[3] == "" && strings.HasPrefix(parts[2], "night") {
			return guess // of which of two days
		}
		return parts[1] + strings.TrimPrefix(inTheDay(parts[2]), "daily")
	}
	parts := partOfDay().FindStringSubmatch(guess)
	if parts == nil {
		return guess
	}
	part := cmp.Or(parts[1], "night")
	if parts[3] == "" {
		return "daily at " + map[string]string{"morning": "09:00", "afternoon": "15:00", "evening": "18:00", "night": "00:00"}[part]
	}
	hour, _ := strconv.Atoi(parts[3])
	inTheEvening := part == "night" && hour >= 6 || part == "evening" && hour >= 1 || part == "afternoon"
	if inTheEvening && hour < 12 {
		hour += 12
	}
	return "daily at " + clock(strconv.Itoa(hour), parts[4])
}

// inTheWeek writes lists and ranges of weekdays as the phrase that means them.
func inTheWeek(guess string) string {
	parts := listOfWeekdays().FindStringSubmatch(guess)
	if parts == nil {
		return guess
	}
	times := parts[2]
	if len(times) > 0 && len(times) <= 2 {
		times = clock(times, "")
	}
	return onThese(weekdaysIn(parts[1])) + " at " + times
}

// onThese is the beginning of the phrase for some days of the week.
func onThese(days []int) string {
	set, names := uint8(0), []string(nil)
	for _, day := range days {
		set |= 1 << day
		names = append(names, weekdayNames[day*3:day*3+3])
	}
	switch set {
	case allWeekdays:
		return "daily"
	case workdays:
		return "weekdays"
	}
	return "weekly on " + strings.Join(names, ", ")
}

// weekdaysIn are the days of a list in words, such as mondays and wed-fri, each
// once, in the order of the list.
func weekdaysIn(list string) (days []int) {
	set, before, through := uint8(0), 0, false
	add := func(day int) {
		if set&(1<<day) == 0 {
			days = append(days, day)
		}
		set |= 1 << day
	}
	for _, found := range weekdayWords().FindAllStringSubmatch(list, -1) {
		day, ok := fields[weekdayField].value(found[1])
		if !ok {
			through = true
			continue
		}
		for through && before != day {
			before = (before + 1) % 7
			add(before)
		}
		add(day)
		before, through = day, false
	}
	return days
}

// noSuchDay is the error about a day that is in no year, or not in the one given.
func noSuchDay(expression string) *Error {
	d, ok := readYearDay(plainly(expression))
	if !ok {
		return nil
	}
	length, has := monthLength(cmp.Or(d.year, 2000), d.month), "has"
	if d.day >= 1 && d.day <= length {
		return nil
	}
	_, _, offset := cutZone(expression)
	text := strings.TrimSpace(expression[offset:])
	if span := dayAlone().FindStringIndex(expression[offset:]); span != nil {
		text = expression[offset+span[0] : offset+span[1]]
	}
	month := time.Month(d.month).String()
	if d.year > 0 {
		month += fmt.Sprintf(" %d", d.year)
	} else if d.month == 2 {
		has = "has at most"
	}
	return &Error{
		Expression: expression, Field: "day", Text: text, Offset: offset + strings.Index(expression[offset:], text),
		Problem: fmt.Sprintf("is no day: %s %s %d days", month, has, length), Allowed: "days that exist, in cron such as 0 9 25 dec * for the 25th of December at 09:00",
	}
}

package calendar

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// foreign is what an expression means that is written as elsewhere: in another
// program's code, in ISO 8601, as a line of a crontab, as a date of some country.
// There may be several meanings, and none where it is not one of those.
func foreign(expression string) []string {
	written := strings.TrimSpace(expression)
	for _, read := range []func(string) []string{bare, ofNickname, ofISO, ofICalendar, ofSystemd, ofCode, ofDate, ofCron} {
		if guesses := read(written); len(guesses) > 0 {
			return guesses
		}
	}
	return nil
}

// orInWords is an expression if it makes a when, else what it means in words.
func orInWords(expression string) []string {
	if whole := whens([]string{expression}); whole != nil {
		return whole
	}
	return inWords(expression)
}

// labelled finds an expression in quotes, or with a label before it or a mark or
// a comment behind.
var labelled = pattern("^(?:(?i:cron|schedule|when|cron ?tab|on_?calendar)[:=]? *)?[\"'`(]*(.*?)[\"'`);,]*(?: +#.*)?$")

// bare is an expression without what stands around it.
func bare(written string) []string {
	if inTheCloud().MatchString(strings.ToLower(written)) {
		return nil
	}
	inner := strings.TrimSpace(submatch(labelled(), written))
	if inner == "" || inner == written || strings.ContainsAny(inner, "()") {
		return nil
	}
	if meant := orInWords(inner); meant != nil {
		return meant
	}
	return foreign(inner)
}

// ofNickname reads what begins with @ and is none of the names: @5m, @noon, and
// @daily at 9.
func ofNickname(written string) []string {
	name, ok := strings.CutPrefix(strings.ToLower(written), "@")
	if !ok {
		return nil
	}
	for macro := range macros {
		if strings.HasPrefix("@"+name, macro) && !strings.Contains(name, " ") {
			return []string{macro} // @hourlyy
		}
	}
	if rest, ok := strings.CutPrefix(name, "every"); ok && rest != "" {
		name = "every " + strings.TrimLeft(strings.ReplaceAll(rest, "_", " "), " -")
	}
	if unitsAlone[submatch(firstWord(), name)] {
		name = "every " + name
	}
	return orInWords(name)
}

var (
	firstWord  = pattern(`^([a-z]+)`)
	unitsAlone = map[string]bool{"minute": true, "hour": true, "day": true, "week": true, "month": true, "year": true, "quarter": true}
)

var (
	isoMonths   = pattern(`^(?:R[0-9]*/)?P([0-9]+)([MY])$`)
	isoDuration = pattern(`^(?:R[0-9]*/)?(?:([0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9:]+(?:Z|[+-][0-9:]+)?)?)/)?P(?:([0-9]+)W)?(?:([0-9]+)D)?(?:T(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9]+)S)?)?$`)
	clockLength = pattern(`^(?:every )?(?:([0-9]{1,3})\.)?([0-9]{1,2}):([0-9]{2}):([0-9]{2})$`)
)

// ofISO reads the durations of ISO 8601 and repetitions of them, such as PT5M and
// R/2027-01-01T00:00:00Z/PT1H, and those of .NET, such as 00:05:00.
func ofISO(written string) []string {
	amounts, from := []string(nil), ""
	if found := isoMonths().FindStringSubmatch(strings.ToUpper(written)); found != nil {
		unit := map[string]string{"M": "month", "Y": "year"}[found[2]]
		if found[1] == "1" {
			return orInWords("every " + unit)
		}
		return orInWords("every " + found[1] + " " + unit + "s")
	}
	if found := isoDuration().FindStringSubmatch(strings.ToUpper(written)); found != nil {
		amounts, from = found[2:], found[1]
	} else if found := clockLength().FindStringSubmatch(written); found != nil && (found[1] != "" || strings.Trim(found[2], "0") == "" || strings.HasPrefix(written, "every ")) {
		amounts = append([]string{""}, found[1:]...)
	} else {
		return nil
	}
	var length strings.Builder
	for i, unit := range []string{"w", "d", "h", "m", "s"} {
		if amount := strings.TrimLeft(amounts[i], "0"); amount != "" {
			length.WriteString(amount + unit)
		}
	}
	if from != "" {
		length.WriteString(" from " + from)
	}
	return []string{"every " + length.String()}
}

var (
	isRule    = pattern(`(?i)^(?:rrule:)?(freq=.*)$`)
	frequency = map[string]string{"SECONDLY": "seconds", "MINUTELY": "minutes", "HOURLY": "hours", "DAILY": "days", "WEEKLY": "weeks"}
	ruleParts = map[string]bool{"FREQ": true, "INTERVAL": true, "BYDAY": true, "BYHOUR": true, "BYMINUTE": true, "BYMONTHDAY": true, "BYSECOND": true, "WKST": true}
	byDay     = strings.NewReplacer("MO", "mon", "TU", "tue", "WE", "wed", "TH", "thu", "FR", "fri", "SA", "sat", "SU", "sun", ",", ", ")
)

// ofICalendar reads simple rules of calendars, such as FREQ=WEEKLY;BYDAY=MO.
func ofICalendar(written string) []string {
	text := submatch(isRule(), written)
	if text == "" {
		return nil
	}
	rule := map[string]string{}
	for part := range strings.SplitSeq(strings.ToUpper(strings.Trim(text, ";")), ";") {
		name, value, _ := strings.Cut(part, "=")
		if !ruleParts[name] || name == "BYSECOND" && value != "0" {
			return nil
		}
		rule[name] = value
	}
	interval := cmp.Or(rule["INTERVAL"], "1")
	at := cmp.Or(rule["BYHOUR"], "0") + ":" + fmt.Sprintf("%02s", cmp.Or(rule["BYMINUTE"], "0"))
	if strings.Contains(at, ",") {
		return nil
	}
	at = " at " + clockOf(at)
	days := byDay.Replace(rule["BYDAY"])
	switch freq := rule["FREQ"]; {
	case frequency[freq] == "" && freq == "MONTHLY" && interval == "1" && days == "":
		return []string{"monthly on " + strings.ReplaceAll(strings.ReplaceAll(cmp.Or(rule["BYMONTHDAY"], "1"), "-1", "last"), ",", ", ") + at}
	case frequency[freq] == "" || rule["BYMONTHDAY"] != "":
		return nil
	case freq == "WEEKLY" && interval == "1":
		return orInWords("weekly on " + cmp.Or(days, "mon") + at)
	case freq == "WEEKLY":
		return []string{"every " + interval + " weeks on " + cmp.Or(days, "mon") + at}
	case freq == "DAILY" && interval == "1" && days == "":
		return []string{"daily" + at}
	case freq == "DAILY" && interval == "1":
		return orInWords("weekly on " + days + at)
	case len(rule) == 1 || len(rule) == 2 && rule["INTERVAL"] != "":
		return []string{"every " + interval + " " + frequency[freq]}
	}
	return nil
}

func clockOf(text string) string {
	second, ok := readClock(text)
	if !ok {
		return text
	}
	return writeClock(second)
}

// onAllDates finds calendar events of systemd that are no less than daily.
var onAllDates = pattern(`(?i)^((?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*[-., ]*)*)(?:\*-\*-\*)? ?([0-9]{1,2}:[0-9]{2})(?::00)?$`)

var (
	stepOfHour = pattern(`^(?:\*-\*-\* )?\*:0{1,2}/([0-9]{1,2})(?::00)?$`)
	onOneDate  = pattern(`^\*-\*-([0-9]{1,2}) ([0-9]{1,2}:[0-9]{2})(?::00)?$`)
)

// ofSystemd reads calendar events of systemd, such as Mon..Fri *-*-* 09:00.
func ofSystemd(written string) []string {
	if step := submatch(stepOfHour(), written); step != "" {
		return []string{"*/" + step + " * * * *"}
	}
	if found := onOneDate().FindStringSubmatch(written); found != nil {
		return []string{"monthly on " + strings.TrimPrefix(found[1], "0") + " at " + found[2]}
	}
	found := onAllDates().FindStringSubmatch(written)
	if found == nil || !strings.Contains(written, "*-*-*") && !strings.Contains(written, "..") {
		return nil
	}
	return orInWords(strings.TrimSpace(strings.ReplaceAll(found[1], "..", "-") + " at " + found[2]))
}

var (
	codeMark = pattern(`[a-z]\(|\)\.|->|^[a-z]+[A-Z]`)
	capital  = pattern(`([a-z])([A-Z])`)
	noWords  = pattern(`[().'">;]+|->`)
)

// ofCode reads calls of other schedulers, such as every().day.at("09:00"),
// everyFiveMinutes() and dailyAt('09:00').
func ofCode(written string) []string {
	if !codeMark().MatchString(written) {
		return nil
	}
	words := strings.Trim(noWords().ReplaceAllString(capital().ReplaceAllString(written, "$1 $2"), " "), " -")
	return orInWords(strings.Join(strings.Fields(strings.ToLower(words)), " "))
}

var (
	unixTime = pattern(`^(?:once at )?([0-9]{10})$`)
	anyDate  = pattern(`(?i)^(?:once )?(?:(?:on |at |at\())?(?:([0-9]{4})[/.-]([0-9]{1,2})[/.-]([0-9]{1,2})|([0-9]{1,2})([/.-])([0-9]{1,2})[/.-]([0-9]{4}))(?:(?: at|,)? ?T?([0-9][^)]*))?\)?$`)
)

// ofDate reads dates as countries write them: where the order of day and month is
// not sure, there are two.
func ofDate(written string) []string {
	if seconds := submatch(unixTime(), strings.ToLower(written)); seconds != "" {
		n, _ := strconv.ParseInt(seconds, 10, 64)
		return []string{"once at " + time.Unix(n, 0).UTC().Format(time.RFC3339)}
	}
	found := anyDate().FindStringSubmatch(written)
	if found == nil {
		return nil
	}
	at := strings.TrimSpace(twelveHours().ReplaceAllStringFunc(found[8], inTwentyFourHours))
	if second, ok := readClock(at); ok {
		at = writeClock(second)
	} else if hour, isHour := number(at, 2); isHour {
		at = fmt.Sprintf("%02d:00", hour)
	}
	on := func(year, month, day string) string {
		m, _ := strconv.Atoi(month)
		d, _ := strconv.Atoi(day)
		return fmt.Sprintf("once at %s-%02d-%02dT%s", year, m, d, cmp.Or(at, "00:00"))
	}
	switch {
	case found[1] != "":
		return []string{on(found[1], found[2], found[3])}
	case found[5] == "/":
		return []string{on(found[7], found[4], found[6]), on(found[7], found[6], found[4])}
	}
	return []string{on(found[7], found[6], found[4])}
}

var (
	hourInCron  = pattern(`(?i)^((?:[^ ]+ )?[^ ]+) (?:(1[0-2]|0?[1-9])([ap])m|([0-9]{1,2}):00) ([^ ]+ [^ ]+ [^ ]+)$`)
	isCron      = pattern(`^[-0-9*?/,#LWa-zA-Z~ ]+$`)
	largeMinute = pattern(`^\*/([0-9]{1,5}) \* \* \* \*$`)
	largeHour   = pattern(`^0 \*/([0-9]{1,5}) \* \* \*$`)
	largeDay    = pattern(`^0 0 \*/([0-9]{1,5}) \* \*$`)
	longNames   = pattern(`(?i)\b(` + monthName[1:len(monthName)-1] + `|` + aDay + `)\b`)
	hashed      = regexp.MustCompile(`(^|[ ,])H(?:\([0-9-]+\))?`)
)

// wordsOfCron are words in the fields of cron.
var wordsOfCron = strings.NewReplacer("weekdays", "mon-fri", "weekends", "sat,sun", "daily", "*")

// fieldsMended are ways to write a field of cron that none reads.
var fieldsMended = rephrasings([][2]string{
	{`(?i)^([^ ]+ [0-9]{1,2}) ([ap]m) `, "$1$2 "}, {`^0 ([0-9]{1,2}):([0-5][0-9]) `, "$2 $1 "}, {`(^| )/([0-9])`, "$1*/$2"}, {`(^| )([0-9]+)/\*( |$)`, "$1*/$2$3"},
	{`^((?:[^ ]+ ){2})(?:last|-1) `, "${1}L "}, {`^((?:[^ ]+ ){2}[0-9]{1,2})(?:st|nd|rd|th) `, "$1 "}, {`(?i)\b(mon|tue|wed|thu|fri|sat|sun)[|;](mon|tue|wed|thu|fri|sat|sun)\b`, "$1,$2"},
})

func mendedFields(text string) string { return rephrased(text, fieldsMended()) }

// ofCron mends cron expressions as other programs read them.
func ofCron(written string) []string {
	fields := strings.Fields(written)
	text := mendedFields(strings.Join(fields, " "))
	if !isCron().MatchString(strings.NewReplacer(":", "", "(", "", ")", "").Replace(text)) || !strings.ContainsAny(text, "0123456789*") {
		return nil
	}
	for _, large := range []struct {
		words *regexp.Regexp
		most  int
		unit  string
	}{{largeMinute(), 59, "m"}, {largeHour(), 23, "h"}, {largeDay(), 30, "d"}} {
		n, _ := strconv.Atoi(submatch(large.words, text))
		if n > large.most {
			return []string{"every " + (&interval{period: int64(n) * units[large.unit]}).length()}
		}
	}
	short := longNames().ReplaceAllStringFunc(wordsOfCron.Replace(strings.ToLower(text)), func(name string) string { return name[:3] })
	switch {
	case len(fields) < 5 && strings.Contains(text, "*"):
		return []string{text + strings.Repeat(" *", 5-len(fields))}
	case len(fields) == 7 && fields[6] == "*" && (strings.Contains(text, "?") || strings.Trim(fields[5], "0123456789") == fields[5]): // with the year of Quartz
		return ofAmazonAnyway(fields)
	case hourInCron().MatchString(text):
		found := hourInCron().FindStringSubmatch(text)
		hour, _ := strconv.Atoi(found[2] + found[4])
		if found[3] != "" {
			hour %= 12
		}
		if strings.EqualFold(found[3], "p") {
			hour += 12
		}
		return []string{fmt.Sprintf("%s %d %s", found[1], hour, found[5])}
	case text == "60 * * * *":
		return []string{"0 * * * *"}
	case len(fields) == 5 && fields[1] == "24" && strings.HasSuffix(text, " * * *"):
		return []string{fields[0] + " 0 * * *"}
	case len(fields) == 5 && hashed.MatchString(text):
		return []string{hashed.ReplaceAllString(strings.ReplaceAll(text, "H/", "*/"), "${1}0")}
	case len(fields) >= 5 && text != strings.Join(fields, " "):
		return []string{text}
	case (len(fields) == 5 || len(fields) == 6) && short != strings.ToLower(text):
		return []string{short}
	}
	return nil
}

// ofAmazonAnyway reads seven fields: seconds first, the year last, and days of the
// week that begin with 1 for Sunday.
func ofAmazonAnyway(fields []string) []string {
	six := ofAmazon("cron(" + strings.ToLower(strings.Join(fields[1:], " ")) + ")")
	if strings.HasPrefix(six, "cron") {
		return nil
	}
	if fields[0] != "0" {
		six = fields[0] + " " + six
	}
	return []string{six}
}

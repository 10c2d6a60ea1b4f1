package calendar

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/punctual-dev/punctual/internal/nearest"
)

// withMeant adds to the error of an expression what was probably meant by it.
func withMeant(err error, expression string) error {
	fault, ok := err.(*Error)
	if !ok || len(expression) > longest {
		return err
	}
	if meant := meant(expression); meant != "" {
		advised := *fault
		advised.Allowed = fmt.Sprintf("%s; did you mean %q?", fault.Allowed, meant)
		return &advised
	}
	return err
}

// meant says in the words of the grammar what was written in everyday words;
// empty if that makes no when either.
func meant(expression string) string {
	_, _, offset := cutZone(expression)
	guess := strings.Join(strings.Fields(strings.ToLower(expression[offset:])), " ")
	guess = twelveHours().ReplaceAllStringFunc(guess, inTwentyFourHours)
	guess = inTheYear(guess)
	for _, r := range everyday() {
		guess = r.words.ReplaceAllString(guess, r.meaning)
	}
	if first, rest, _ := strings.Cut(guess, " "); phrases[first] == nil && first != "" && first[0] >= 'a' && len(first) > 3 {
		var known []string
		for word := range phrases {
			known = append(known, word)
		}
		if word := nearest.To(first, known); word != "" {
			guess = strings.TrimSpace(word + " " + rest)
		}
	}
	if strings.HasPrefix(guess, "@") {
		guess = nearest.To(guess, slices.Sorted(maps.Keys(macros)))
	}
	if _, err := parseRule(guess, exceptions{zone: utc}); err != nil {
		return ""
	}
	return guess
}

// inTheYear writes days of a year, weekdays of a month and hours of a day as the
// cron expression that means them: no phrase does.
func inTheYear(guess string) string {
	clock := func(hour, minute string) string {
		h, _ := strconv.Atoi(cmp.Or(hour, "0"))
		m, _ := strconv.Atoi(cmp.Or(minute, "0"))
		return fmt.Sprintf("%d %d", m, h)
	}
	if parts := dayOfYear().FindStringSubmatch(guess); parts != nil {
		month, day := cmp.Or(parts[1], parts[4]), cmp.Or(parts[2], parts[3])
		if parts[5] != "" {
			number, _ := strconv.Atoi(parts[5])
			month, day = strconv.Itoa(number), parts[6]
		}
		day = strings.TrimLeft(day, "0")
		return clock(parts[7], parts[8]) + " " + day + " " + month + " *"
	}
	if parts := withinHours().FindStringSubmatch(guess); parts != nil {
		first, _ := strconv.Atoi(parts[3])
		end, _ := strconv.Atoi(parts[4])
		minute, hours := "*/"+parts[1], fmt.Sprintf("%d-%d", first, end-1)
		if parts[2] == "h" {
			minute, hours = "0", hours+"/"+parts[1]
		}
		days := "*"
		if parts[5] != "" {
			days = "mon-fri"
		}
		return minute + " " + hours + " * * " + days
	}
	if parts := weekdayOfMonth().FindStringSubmatch(guess); parts != nil {
		which := map[string]string{"first": "#1", "1st": "#1", "second": "#2", "2nd": "#2", "third": "#3", "3rd": "#3", "fourth": "#4", "4th": "#4", "last": "L"}[parts[1]]
		return clock(parts[3], parts[4]) + " * * " + parts[2] + which
	}
	return guess
}

const (
	monthName     = `(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*`
	dayOfTheMonth = `([0-9]{1,2})(?:st|nd|rd|th)?`
	oneTime       = `(?:(?: at)? ([0-9]{1,2}):([0-5][0-9]))?$`
)

// dayOfYear finds yearly on dec 25, every year on the 25th of december at 09:00,
// and annually on 12-25.
var dayOfYear = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?:yearly|annually|every year)(?: on)?(?: the)? (?:` + monthName + ` (?:the )?` + dayOfTheMonth + `|` +
		dayOfTheMonth + ` (?:of )?` + monthName + `|([0-9]{1,2})-([0-9]{1,2}))` + oneTime)
})

// withinHours finds every 5 minutes between 09:00 and 17:00, at the end of which
// there is none, and every 2 hours from 8 to 18 on weekdays.
var withinHours = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^every ([0-9]+) ?(m|h)[a-z]* (?:between|from) ([0-9]{1,2})(?::00)? (?:and|to|until|till|-) ([0-9]{1,2})(?::00)?( (?:on )?(?:weekdays|mon-fri))?$`)
})

// weekdayOfMonth finds monthly on last friday, and every month on the 2nd tuesday
// at 09:00.
var weekdayOfMonth = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?:monthly|every month)(?: on)?(?: the)? (first|1st|second|2nd|third|3rd|fourth|4th|last) ` + dayName + oneTime)
})

const (
	dayName = `(mon|tue|wed|thu|fri|sat|sun)(?:day|s|sday|nesday|rsday|urday)?s?`
	anyTime = `(?: at)? ([0-9][0-9:, ]*)$`
)

// everyday is what people write and what it means, one after the other.
var everyday = sync.OnceValue(func() (all []rephrasing) {
	for _, pair := range [][2]string{
		{`\btwo\b`, "2"}, {`\bthree\b`, "3"}, {`\bfour\b`, "4"}, {`\bfive\b`, "5"}, {`\bsix\b`, "6"}, {`\bten\b`, "10"},
		{`\bfifteen\b`, "15"}, {`\btwenty\b`, "20"}, {`\bthirty\b`, "30"}, {`\bhalf an hour\b`, "30 minutes"}, {`\ban hour\b`, "hour"},
		{`^[0-9]+ ?(?:ms|s|m|h|d|w|seconds?|minutes?|hours?|days?|weeks?)$`, "every $0"},
		{`\bnoon\b`, "12:00"},
		{`\bmidnight\b`, "00:00"},
		{`^(?:hourly|every hour) (?:at|on) (?:minute )?:?([0-5][0-9])(?: minutes?)?$`, "hourly at :$1"},
		{`^once (?:at )?([0-9]{4}-[0-9]{2}-[0-9]{2})[t ]`, "once at ${1}T"},
		{`^(once .*)z$`, "${1}Z"},
		{`( at|^at) ([0-9]{1,2})$`, "$1 $2:00"},
		{`\b([0-9]):([0-5][0-9])`, "0$1:$2"},
		{`\b([0-9]{2}:[0-9]{2}) and ([0-9])`, "$1, $2"},
		{`^(?:at )?([0-9]{2}:[0-9]{2}(?:, ?[0-9]{2}:[0-9]{2})*)$`, "daily at $1"},
		{`^(daily|weekdays)` + anyTime, "$1 at $2"},
		{`^every day` + anyTime, "daily at $1"},
		{`^(?:every weekday|on weekdays|weekday)` + anyTime, "weekdays at $1"},
		{`^(?:every weekend|on weekends|weekends?)` + anyTime, "weekly on sat, sun at $1"},
		{`^(?:every |on )?` + dayName + anyTime, "weekly on $1 at $2"},
		{`^(?:every month|monthly) on (?:the )?([0-9]+)(?:st|nd|rd|th)(?: day)?` + anyTime, "monthly on $1 at $2"},
		{`^(?:every month|monthly) on (?:the )?last(?: day)?` + anyTime, "monthly on last at $1"},
		{`\b(mon|tue|wed|thu|fri|sat|sun)(?:day|sday|nesday|rsday|urday)s?\b`, "$1"},
		{`^every other (day|week|hour)$`, "every 2 ${1}s"},
		{`^every other ` + dayName + anyTime, "every 2 weeks on $1 at $2"},
		{`^(?:yearly|annually|every year)$`, "@yearly"},
		{`^twice a day$`, "daily at 00:00, 12:00"},
		{`^hourly$`, "hourly at :00"},
		{`^(daily|weekdays)$`, "$1 at 00:00"},
		{`^weekly( at .*)?$`, "weekly on mon$1"},
		{`^monthly( at .*)?$`, "monthly on 1$1"},
		{`^(weekly on mon|monthly on 1)$`, "$1 at 00:00"},
	} {
		all = append(all, rephrasing{regexp.MustCompile(pair[0]), pair[1]})
	}
	return all
})

type rephrasing struct {
	words   *regexp.Regexp
	meaning string
}

// twelveHours finds times such as 9am and 5:30 pm.
var twelveHours = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\b(1[0-2]|0?[1-9])(:[0-5][0-9])? ?([ap])\.?m\.?(?:\b|$)`)
})

func inTwentyFourHours(text string) string {
	parts := twelveHours().FindStringSubmatch(text)
	hour, _ := strconv.Atoi(parts[1])
	hour %= 12
	if parts[3] == "p" {
		hour += 12
	}
	return fmt.Sprintf("%02d%s", hour, cmp.Or(parts[2], ":00"))
}

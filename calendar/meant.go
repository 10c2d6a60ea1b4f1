package calendar

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/punctual-dev/punctual/internal/nearest"
)

// longestPhrase is the number of bytes that everyday words have at most.
const longestPhrase = 200

// withMeant adds to the error of an expression what was probably meant by it.
func withMeant(err error, expression string) error {
	fault, ok := err.(*Error)
	if !ok || len(expression) > longestPhrase {
		return err
	}
	if fault := noSuchDay(expression); fault != nil {
		return fault
	}
	advised, hints := *fault, meant(expression)
	if misplaced, hint := zoneBehind(expression); misplaced != nil {
		advised, hints = *misplaced, hint
	}
	if len(hints) > 0 {
		for i, hint := range hints {
			hints[i] = strconv.Quote(hint)
		}
		advised.Allowed += fmt.Sprintf("; did you mean %s?", strings.Join(hints, " or "))
	}
	return &advised
}

// meant says in the words of the grammar what was written in everyday words:
// nothing if that makes no when either, and several whens if the words have
// several meanings.
func meant(expression string) (hints []string) {
	guess := plainly(expression)
	guesses := []string{guess}
	if parts := everySecond().FindStringSubmatch(guess); parts != nil {
		weeks := strings.TrimSuffix(strings.TrimPrefix(ordinals[parts[1]], "#"), "L")
		guesses = []string{"every " + weeks + " weeks on " + parts[2] + " at " + clock(parts[3], parts[4]), "the" + strings.TrimPrefix(guess, "every")}
	}
	for _, guess := range guesses {
		guess = inTheGrammar(guess)
		if _, err := parseRule(guess, exceptions{zone: utc}); err == nil {
			hints = append(hints, guess)
		}
	}
	return hints
}

// plainly writes an expression in one way of spelling numbers and times.
func plainly(expression string) string {
	_, _, offset := cutZone(expression)
	guess := strings.Join(strings.Fields(strings.ToLower(typewritten.Replace(expression[offset:]))), " ")
	guess = withoutFractions(ofAmazon(guess))
	guess = twelveHours().ReplaceAllStringFunc(guess, inTwentyFourHours)
	return rephrased(guess, spelled())
}

// typewritten replaces what word processors write for plain characters.
var typewritten = strings.NewReplacer("“", "", "”", "", "„", "", "«", "", "»", "", "‘", "'", "’", "'", "–", "-", "\u00a0", " ", "\u202f", " ")

// fraction finds 1.5h, and 2.5 minutes.
var fraction = pattern(`\b([0-9]{1,4}\.[0-9]{1,3}) ?([a-z]+)`)

// withoutFractions writes 1.5h as 90m: in the largest unit of which it is a whole
// number.
func withoutFractions(guess string) string {
	return fraction().ReplaceAllStringFunc(guess, func(written string) string {
		parts := fraction().FindStringSubmatch(written)
		amount, err := strconv.ParseFloat(parts[1], 64)
		unit := units[parts[2]]
		if err != nil || unit == 0 {
			return written
		}
		return (&interval{period: int64(math.Round(amount * float64(unit)))}).length()
	})
}

// inTheCloud finds rate(5 minutes) and cron(0 9 * * ? *), whose last field is the
// year, and whose days of the week begin with 1 for Sunday.
var inTheCloud = pattern(`^(?:rate\(([0-9]+ [a-z]+)\)|cron\(((?:[^ ()]+ ){4})([^ ()]+) \*\))$`)

// ofAmazon writes an expression of EventBridge as we do.
func ofAmazon(guess string) string {
	parts := inTheCloud().FindStringSubmatch(guess)
	if parts == nil {
		return guess
	}
	if parts[1] != "" {
		return "every " + parts[1]
	}
	weekdays := parts[3]
	if strings.Trim(weekdays, "1234567,-") == "" {
		weekdays = strings.Map(func(c rune) rune {
			if isDigit(byte(c)) {
				return c - 1
			}
			return c
		}, weekdays)
	} else if strings.ContainsAny(weekdays, "0123456789") {
		return guess
	}
	return strings.ReplaceAll(parts[2]+weekdays, "?", "*")
}

func inTheGrammar(guess string) string {
	guess = inTheMonth(inTheYear(guess))
	guess = rephrased(inTheDay(guess), dates())
	guess = rephrased(inTheWeek(guess), everyday())
	guess = withUnits(guess)
	if first, rest, _ := strings.Cut(guess, " "); phrases[first] == nil && first != "" && first[0] >= 'a' && len(first) > 3 {
		if word := nearest.To(first, slices.Sorted(maps.Keys(phrases))); word != "" {
			guess = strings.TrimSpace(word + " " + rest)
		}
	}
	if strings.HasPrefix(guess, "@") {
		guess = nearest.To(guess, slices.Sorted(maps.Keys(macros)))
	}
	return guess
}

// unitNames are what a misspelled unit is compared with. Shorter names would
// be near to anything.
var unitNames = []string{"seconds", "second", "secs", "minutes", "minute", "mins", "hours", "hour", "hrs", "days", "day", "weeks", "week"}

// withUnits mends the units of an interval.
func withUnits(guess string) string {
	words := strings.Split(guess, " ")
	if words[0] != "every" {
		return guess
	}
	for i, word := range words[1:] {
		if word == "at" || word == "on" || word == "from" {
			break
		}
		name := strings.TrimLeft(word, "0123456789")
		if _, known := units[name]; known || len(name) < 3 {
			continue
		}
		if near := nearest.To(name, unitNames); near != "" {
			words[1+i] = strings.TrimSuffix(word, name) + near
		}
	}
	return strings.Join(words, " ")
}

const (
	dayName = `(mon|tue|wed|thu|fri|sat|sun)(?:day|s|sday|nesday|rsday|urday)?s?`
	aDay    = `(?:mon|tue|wed|thu|fri|sat|sun)(?:day|s|sday|nesday|rsday|urday)?s?`
	anyTime = `(?:(?: at)? ([0-9][0-9:, ]*))?$`
	aDate   = `([0-9]{4}-[0-9]{2}-[0-9]{2})`
)

// spelled is how numbers and times are spelled out.
var spelled = rephrasings([][2]string{
	{`^each `, "every "},
	{`\bquarter (?:of an )?hour\b`, "15 minutes"}, {`\bhalf[- ]hours?\b`, "30 minutes"}, {`^half-?hourly$`, "every 30 minutes"},
	{`\b([0-9]{1,2}) o'?clock\b`, "$1:00"},
	{`\b(` + aDay + `|at|daily|day|weekdays) ([0-9]{1,2})(?:h|\.)([0-5][0-9])\b`, "$1 $2:$3"},
	{`\b(` + aDay + `|at|daily|day|weekdays) ([0-9]{1,2})h\b`, "$1 $2:00"},
	{`^((?:daily|every day)\b.*\b)24:00`, "${1}00:00"},
	{`\bfirst (of|in) `, "1st $1 "}, {`\blast (of|in) `, "last day $1 "},
	{`\btwo\b`, "2"}, {`\bthree\b`, "3"}, {`\bfour\b`, "4"}, {`\bfive\b`, "5"}, {`\bsix\b`, "6"}, {`\beight\b`, "8"}, {`\bten\b`, "10"},
	{`\btwelve\b`, "12"}, {`\bfifteen\b`, "15"}, {`\btwenty\b`, "20"}, {`\bthirty\b`, "30"},
	{`\bhalf an hour\b`, "30 minutes"}, {`\ban hour\b`, "hour"}, {`\btwice\b`, "2 times"},
	{`\bnoon\b`, "12:00"},
	{`\bmidnight\b`, "00:00"},
	{`^(?:hourly|every hour) (?:at|on) (?:minute )?:?([0-5][0-9])(?: minutes?)?$`, "hourly at :$1"},
	{`( at|^at) ([0-9]{1,2})$`, "$1 $2:00"},
	{`\b([0-9]):([0-5][0-9])`, "0$1:$2"},
})

// dates are what single dates mean, and lists of times.
var dates = rephrasings([][2]string{
	{`^(?:once )?(?:(?:on|at) )?` + aDate + `$`, "once at ${1}T00:00"},
	{`^(?:once )?(?:(?:on|at) )?` + aDate + `(?: at |[t ])([0-9].*)$`, "once at ${1}T$2"},
	{`^(once .*)z$`, "${1}Z"},
	{`\b([0-9]{2}:[0-9]{2}) and ([0-9])`, "$1, $2"},
})

// everyday is what else people write and what it means.
var everyday = rephrasings([][2]string{
	{`^[0-9]+ ?(?:ms|s|m|h|d|w|seconds?|minutes?|hours?|days?|weeks?)$`, "every $0"},
	{`^(?:at )?([0-9]{2}:[0-9]{2}(?:, ?[0-9]{2}:[0-9]{2})*)$`, "daily at $1"},
	{`^(?:every day|once (?:a|per|every) day)` + anyTime, "daily at $1"},
	{`^(?:(?:on|every) )?(?:working|business|work) ?days?` + anyTime, "weekdays at $1"},
	{`^every (?:1 ?)?(?:week|w) (?:at )?([0-9][0-9:, ]*)$`, "weekly on mon at $1"},
	{`^every ([0-9]+) ?(?:weeks?|w) (?:at )?([0-9][0-9:, ]*)$`, "every $1 weeks on mon at $2"},
	{`^every ([0-9]+) ?h ?([0-9]{1,2})$`, "every ${1}h${2}m"},
	{`^(?:every month|monthly) on (?:the )?first(?: day)?` + anyTime, "monthly on 1 at $1"},
	{`^once (?:a|per|every) week on `, "weekly on "},
	{`^once (?:a|per|every) (week|month)\b`, "${1}ly"},
	{`^once (?:an|per|every)? ?hour$`, "hourly"},
	{`^(?:every weekday|on weekdays|weekday)` + anyTime, "weekdays at $1"},
	{`^(?:every weekend|on weekends|weekends?)` + anyTime, "weekly on sat, sun at $1"},
	{`^monthly on (?:the )?([0-9]+)(?:st|nd|rd|th)?(?: day)?` + anyTime, "monthly on $1 at $2"},
	{`^(?:every month|monthly) on (?:the )?last(?: day)?` + anyTime, "monthly on last at $1"},
	{`^(?:bi-?weekly|fortnightly|every fortnight|every other week) on `, "every 2 weeks on "},
	{`^(?:bi-?weekly|fortnightly|every fortnight)` + anyTime, "every 2 weeks on mon at $1"},
	{`^every other ` + dayName + anyTime, "every 2 weeks on $1 at $2"},
	{`\b(mon|tue|wed|thu|fri|sat|sun)(?:day|sday|nesday|rsday|urday)s?\b`, "$1"},
	{`^(every [0-9]+ weeks on [a-z]{3}(?:, ?[a-z]{3})*)$`, "$1 at "},
	{`^every (?:other|second) (minute|hour|day|week)\b`, "every 2 ${1}s"},
	{`^hourly$`, "hourly at :00"},
	{`^(daily|weekdays)` + anyTime, "$1 at $2"},
	{`^weekly` + anyTime, "weekly on mon at $1"},
	{`^monthly` + anyTime, "monthly on 1 at $1"},
	{` at $`, " at 00:00"},
})

type rephrasing struct {
	words   *regexp.Regexp
	meaning string
}

func rephrasings(pairs [][2]string) func() []rephrasing {
	return sync.OnceValue(func() (all []rephrasing) {
		for _, pair := range pairs {
			all = append(all, rephrasing{regexp.MustCompile(pair[0]), pair[1]})
		}
		return all
	})
}

func rephrased(guess string, all []rephrasing) string {
	for _, r := range all {
		guess = r.words.ReplaceAllString(guess, r.meaning)
	}
	return guess
}

// twelveHours finds times such as 9am and 5:30 pm.
var twelveHours = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\b(1[0-2]|0?[1-9])([:.][0-5][0-9])? ?([ap])\.?m\.?(?:\b|$)`)
})

func inTwentyFourHours(text string) string {
	parts := twelveHours().FindStringSubmatch(text)
	hour, _ := strconv.Atoi(parts[1])
	hour %= 12
	if parts[3] == "p" {
		hour += 12
	}
	return fmt.Sprintf("%02d%s", hour, cmp.Or(strings.Replace(parts[2], ".", ":", 1), ":00"))
}

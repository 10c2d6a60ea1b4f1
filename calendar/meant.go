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
	if misplaced, hint := zoneAstray(expression); misplaced != nil {
		advised, hints = *misplaced, hint
	} else if said, five := sixFields(fault, expression); said != nil {
		advised, hints = *said, five
	} else if said := saidElsewhere(fault, expression); said != nil && len(hints) == 0 {
		advised = *said
	}
	advised.Allowed += hinted(hints)
	return &advised
}

// meant says in the words of the grammar what was written in everyday words:
// nothing if that makes no when either, and several whens if the words have
// several meanings.
func meant(expression string) (hints []string) {
	_, _, offset := cutZone(expression)
	if hints = whens(foreign(expression[offset:])); hints == nil {
		hints = inWords(expression[offset:])
	}
	return hints
}

// inWords are the whens that everyday words mean.
func inWords(expression string) []string {
	guess := misspelled(plainly(expression))
	if hints := whens(everydayWords(guess)); hints != nil {
		return hints
	}
	return whens([]string{otherOrder(guess)})
}

// whens keeps the guesses that are whens, each once.
func whens(guesses []string) (kept []string) {
	for _, guess := range guesses {
		if _, err := parseRule(guess, exceptions{zone: utc}); err == nil && !slices.Contains(kept, guess) {
			kept = append(kept, guess)
		}
	}
	return kept
}

// everydayWords are the meanings of a phrase whose words stand in the order of the
// grammar.
func everydayWords(guess string) []string {
	guesses := []string{guess}
	if friday13().MatchString(guess) {
		return nil
	}
	if parts := noUnit().FindStringSubmatch(guess); parts != nil {
		guesses = []string{"every " + parts[1] + "s", "every " + parts[1] + "m"}
	}
	if parts := hourOrLength().FindStringSubmatch(guess); parts != nil {
		second, _ := readClock(parts[1] + ":" + parts[2])
		guesses = []string{"every " + (&interval{period: int64(second) * units["s"]}).length(), "daily at " + parts[1] + ":" + parts[2]}
	}
	if guess == "bimonthly" || guess == "bi-monthly" {
		guesses = []string{"0 0 1 */2 *", "monthly on 1, 15"}
	}
	if parts := everySecond().FindStringSubmatch(guess); parts != nil {
		weeks := strings.TrimSuffix(strings.TrimPrefix(ordinals[parts[1]], "#"), "L")
		guesses = []string{"every " + weeks + " weeks on " + parts[2] + " at " + clock(parts[3], parts[4]), "the" + strings.TrimPrefix(guess, "every")}
	}
	for i, guess := range guesses {
		guesses[i] = inTheGrammar(guess)
	}
	return guesses
}

var (
	noUnit       = pattern(`^(?:every )?([0-9]{1,5})$`)
	hourOrLength = pattern(`^every ([0-9]{2}):([0-5][0-9])$`)
	friday13     = pattern(`\bfri(?:day)? (?:the )?13(?:th|:00)?$`) // hardly at one in the afternoon
	longWord     = pattern(`\b[a-z]{5,}\b`)
)

// misspelled mends the names of weekdays and months.
func misspelled(guess string) string {
	return longWord().ReplaceAllStringFunc(guess, func(word string) string {
		if plain := strings.TrimSuffix(word, "s"); slices.Contains(namesOfTime, plain) || knownWords[plain] || units[word] != 0 {
			return word
		}
		return cmp.Or(nearest.To(word, namesOfTime), word)
	})
}

var namesOfTime = []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "january", "february", "august", "september", "october", "november", "december"}

// knownWords are near to a name of a day, and no misspelling.
var knownWords = map[string]bool{"today": true, "midday": true, "someday": true, "holiday": true, "workday": true, "weekday": true, "noonday": true, "birthday": true}

// otherOrder is the meaning of a phrase whose words stand in another order.
func otherOrder(guess string) string {
	if last := timeLast(guess); last != guess {
		if phrase := whens([]string{inTheGrammar(last)}); phrase != nil {
			return phrase[0]
		}
	}
	return inAnyOrder(guess)
}

// plainly writes an expression in one way of spelling numbers and times.
func plainly(expression string) string {
	_, _, offset := cutZone(expression)
	guess := strings.Join(strings.Fields(strings.ToLower(typewritten.Replace(expression[offset:]))), " ")
	guess = withoutFractions(ofAmazon(guess))
	guess = twelveHours().ReplaceAllStringFunc(rephrased(guess, halvesOfDay()), inTwentyFourHours)
	return hoursAlone(rephrased(guess, spelled()))
}

// halvesOfDay are other words for am and pm.
var halvesOfDay = rephrasings([][2]string{
	{`\btwo\b`, "2"}, {`\bthree\b`, "3"}, {`\bfour\b`, "4"}, {`\bfive\b`, "5"}, {`\bsix\b`, "6"}, {`\bseven\b`, "7"},
	{`\beight\b`, "8"}, {`\bnine\b`, "9"}, {`\bten\b`, "10"}, {`\beleven\b`, "11"}, {`\btwelve\b`, "12"}, {`\bfifteen\b`, "15"},
	{`\btwenty\b`, "20"}, {`\bthirty\b`, "30"}, {`\bforty-five\b`, "45"}, {`\bforty\b`, "40"},
	{`^(?:please )?(?:run|runs|repeat|repeats|execute|executes|starts?|fires?)(?: it| this| them)?,? (every|each|daily|weekly|monthly|hourly|weekdays|at|on|once)\b`, "$1"}, {`^once (every|each) `, "$1 "},
	{`\b(?:every )?alternate ([a-z]+?)s?\b`, "every other $1"}, {`\bmo\b`, "mon"}, {`\btu\b`, "tue"}, {`\bwe\b`, "wed"}, {`\bth\b`, "thu"}, {`\bfr\b`, "fri"}, {`\bsa\b`, "sat"}, {`\bsu\b`, "sun"},
	{`\b(?:at |on )?(?:the )?top of (?:the|every|each) hour\b`, "on the hour"}, {`\bhalf past ([0-9]{1,2})\b`, "$1:30"}, {`\bquarter past ([0-9]{1,2})\b`, "$1:15"},
	{`\bthrice\b`, "3 times"}, {`^([0-9]+) ?(?:x|times?) ?(?:/|a |per )? ?(day|daily|week|weekly|hour|month|d|h)$`, "$1 times a $2"}, {`^([0-9]+) ?(?:/|per) ?(day|week|hour|month|d|h)$`, "$1 times a $2"},
	{`\b(times a) d(?:aily)?$`, "$1 day"}, {`\b(times a) h$`, "$1 hour"}, {`\b(times a) weekly$`, "$1 week"}, {`^1 times`, "once"}, {`^(?:twice|[0-9]+ times) (?:daily|a day) at `, "daily at "},
	{`^day at `, "daily at "}, {`^every 14 ?d(?:ays?)? on `, "every 2 weeks on "}, {`^every (hour|minute|day) and ([0-9]+ ?[a-z]+)$`, "every 1 $1 $2"}, {`^every minute and (?:a )?half$`, "every 90s"},
	{`^every ([0-9]+ ?[a-z]+), ?([0-9]+ ?[a-z]+)$`, "every $1 $2"}, {`^(every (?:[0-9]+(?:st|nd|rd|th)? )?(?:second|minute)s?) of (?:the|every|each) (?:day|hour)$`, "$1"}, {`\bweeknights?\b`, "weekday night"},
	{`^(monthly on (?:the )?[0-9, ]*[0-9])(?:st|nd|rd|th)?,? and (?:the )?last(?: day)?\b`, "$1, last"},
	{`^(?:the )?(?:first day|start|beginning) of (?:(?:the|each|every) )?(year|quarter)\b`, "every $1"}, {`^(?:the )?(?:last day|end) of (?:(?:the|each|every) )?year\b`, "every dec 31"},
	{`\b([0-9]{1,2}(?::[0-5][0-9])?) (?:o'?clock )?in the (?:(morning)|(?:afternoon|evening))\b`, "$1 ${2}pm"}, {`\bmorningpm\b`, "am"},
	{`\b([0-9]{1,2})([ap])\b`, "$1${2}m"}, {`\b(1[3-9]|2[0-3])(:[0-5][0-9])? ?pm\b`, "$1$2"},
})

// hoursOfList finds hours without minutes: at 9 and 17, at 8, 12:30 on mondays.
var hoursOfList = pattern(`\bat ([0-9]{1,2}(?::[0-9]{2})*(?:(?:,? and | or |, ?| ?[&/;] ?)[0-9]{1,2}(?::[0-9]{2})*)*)(| (?:on|every|each|daily|weekdays|except|excluding|but|not|from|starting|of|in)\b.*)$`)

// hoursAlone gives minutes to the hours that have none.
func hoursAlone(guess string) string {
	found := hoursOfList().FindStringSubmatchIndex(guess)
	if found == nil || strings.HasPrefix(guess, "hourly") {
		return guess
	}
	times := clockOrHour().FindAllString(guess[found[2]:found[3]], -1)
	for i, time := range times {
		if len(time) <= 2 {
			time += ":00"
		}
		second, ok := readClock(time)
		if !ok {
			return guess
		}
		times[i] = writeClock(second)
	}
	return guess[:found[2]] + strings.Join(times, ", ") + guess[found[3]:]
}

var clockOrHour = pattern(`[0-9:]+`)

// typewritten replaces what word processors write for plain characters.
var typewritten = strings.NewReplacer("“", "", "”", "", "„", "", "«", "", "»", "", "‘", "'", "½", "1/2", "’", "'", "–", "-", "\u00a0", " ", "\u202f", " ")

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
var inTheCloud = pattern(`^(?:rate\(([0-9]+ ?[a-z]+)\)|cron\(((?:[^ ()]+ ){4})([^ ()]+) \*\))$`)

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
			guess = rephrased(strings.TrimSpace(word+" "+rest), everyday())
		}
	}
	if strings.HasPrefix(guess, "@") && !strings.Contains(guess, " ") {
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
	dayName = `(mon|tue|wed|thu|fri|sat|sun)(?:day|s|rs?|sday|nesday|rsday|urday)?s?`
	aDay    = `(?:mon|tue|wed|thu|fri|sat|sun)(?:day|s|rs?|sday|nesday|rsday|urday)?s?`
	anyTime = `(?:(?: at)? ([0-9][0-9:, ]*))?$`
	aDate   = `([0-9]{4}-[0-9]{2}-[0-9]{2})`
)

// spelled is how numbers and times are spelled out.
var spelled = rephrasings([][2]string{
	{`^each `, "every "}, {`\beveryday\b`, "every day"}, {`^(?:all|any) days?\b`, "every day"}, {`^per day\b`, "daily"}, {`^per hour\b`, "hourly"},
	{`\bm-f\b`, "mon-fri"}, {`\bmwf\b`, "mon, wed, fri"}, {`\bmidday\b`, "12:00"},
	{`\b(beginning|start|end) of (day|week|hour|the day|the hour)\b`, "$1 of every $2"},
	{`^([a-z ]+?) ?@ ?([0-9])`, "$1 at $2"}, {`\bat ([01][0-9]|2[0-3])([0-5][0-9])\b`, "at $1:$2"}, {` ?\buhr\b`, ""},
	{`^every([0-9])`, "every $1"}, {`\b([0-9]+),([0-9]{3})\b`, "$1$2"}, {`\bat ([0-9]{1,2}) ([0-5][0-9])$`, "at $1:$2"},
	{`^(daily|every day|weekdays|every weekday|` + aDay + `) ([0-9]{1,2})$`, "$1 at $2:00"}, {`^([0-9]{1,2}) (daily|every day)$`, "$2 at $1:00"},
	{`^(daily|every day|weekdays|weekly|monthly|hourly)[:,] ?`, "$1 "}, {`^daily on (` + aDay + `)`, "weekly on $1"}, {`^every (?:1 )?week on `, "weekly on "},
	{`^(?:minutely|per minute)$`, "every minute"}, {`^(?:secondly|per second)$`, "every second"}, {`^every hour and (?:a )?half$`, "every 90m"},
	{`\b(?:half (?:a )?|1/2 (?:a )?)second\b`, "500ms"}, {`\b(?:half (?:a )?|1/2 (?:a )?)minute\b`, "30 seconds"}, {`\b1/2 (?:an )?hour\b`, "30 minutes"},
	{`\bone\b`, "1"}, {`\bseven\b`, "7"}, {`\bnine\b`, "9"}, {`\beleven\b`, "11"},
	{`^every (?:other|second) (minute|hour|day|week|month)\b`, "every 2 ${1}s"}, {`([0-9]:[0-5][0-9])h\b`, "$1"}, {`\bwks?\b`, "weeks"}, {`"`, ""},
	{`^once (?:a|per|every) (second|minute)$`, "every $1"}, {`^once (daily|hourly|weekly|monthly|weekdays)\b`, "$1"}, {`^every ([0-9]+ ?[a-z]+) and ([0-9]+ ?[a-z]+)$`, "every $1 $2"},
	{`^every (?:1 )?week at (` + aDay + `)`, "weekly on $1"},
	{`^every third (second|minute|hour|day|week|month)\b`, "every 3 ${1}s"}, {`^every fourth (second|minute|hour|day|week|month)\b`, "every 4 ${1}s"},
	{`^every ([0-9]+)(?:st|nd|rd|th) (second|minute|hour|day|week|month)( at\b.*| on\b.*| from\b.*| between\b.*|)$`, "every $1 ${2}s$3"},
	{`^once (?:at|on) (.*\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b.*\b[0-9]{4}\b.*)$`, "$1"},
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
	{`^(?:hourly|every hour) at ([0-9])$`, "hourly at :0$1"}, {`^hourly ([0-5][0-9])$`, "hourly at :$1"}, {`^(?:hourly|every hour) (?:at|on) (?:minute )?:?([0-5][0-9])(?: minutes?)?$`, "hourly at :$1"},
	{`( at|^at) ([0-9]{1,2})$`, "$1 $2:00"},
	{`\b([0-9]):([0-5][0-9])`, "0$1:$2"},
	{`^(?:every )?(?:2 times|semi-?)(?:(?: a| per| each| every)? month| ?-?monthly)\b`, "monthly on 1, 15"}, {`^(?:2 times )(?:a|per) year$`, "every 6 months"},
	{`^2 times (?:(?:a|per|each|every) )?week(?:ly)?$`, "weekly on mon, thu"}, {`^3 times (?:(?:a|per|each|every) )?week(?:ly)?$`, "weekly on mon, wed, fri"},
	{`^(?:every month|monthly) (?:on (?:the )?|at the )(?:day )?([0-9l])`, "monthly on $1"}, {`^monthly on -1\b`, "monthly on last"}, {`^monthly (?:the )?([0-9]+(?:st|nd|rd|th)|last day)`, "monthly on $1"},
	{`^(monthly on [0-9, ]*[0-9]),? and ([0-9])`, "$1, $2"}, {`^(?:monthly|every month) on (?:the )?(first|last) ((?:working|business) day|weekday|workday)\b`, "the $1 $2 of the month"},
	{`^(?:at )?(?:the )?(?:beginning|start) of (?:(?:the|each|every) )?month\b`, "monthly on 1"}, {`^(?:at )?(?:the )?(?:beginning|start) of every hour$`, "hourly at :00"},
	{`^(?:at )?(?:the )?(?:beginning|start) of every (?:the )?day$`, "daily at 00:00"}, {`^(?:at )?(?:the )?end of every (?:the )?day$`, "daily at 23:59"},
	{`^every (?:1 ?d(?:ays?)?|24 ?h(?:ours?)?) at `, "daily at "}, {`^every ([0-9]+) ?(?:d|days?) at (` + clockTime + `)$`, "every ${1}d from 2027-01-01T$2"},
	{`^every ([0-9]+ ?[a-z]+|[a-z]+)(?: (?:starting|beginning|since|from))(?: at| from)? (` + clockTime + `)$`, "every $1 from 2027-01-01T$2"},
	{`^every ([0-9]+ ?[a-z]+|[a-z]+) (?:starting|beginning|since)(?: at| on| from)? (` + aDate + `(?:t[0-9:]+(?:z|[+-][0-9:]+)?)?)$`, "every $1 from $2"},
	{`^every ([0-9]+) ?(?:weeks?|w) (?:starting|beginning|from)(?: on)? ` + aDate + ` (on .*)$`, "every $1 weeks $3 from $2"},
	{`^every ([0-9]+) ?(?:weeks?|w) (on .*) (?:starting|beginning)(?: on| from)? ` + aDate + `$`, "every $1 weeks $2 from $3"},
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
	{`\b(mon|tue|wed|thu|fri|sat|sun)(?:day|s|rs?|sday|nesday|rsday|urday)s?\b`, "$1"},
	{`^(every [0-9]+ weeks on [a-z]{3}(?:, ?[a-z]{3})*)$`, "$1 at "},
	{`^every (?:other|second) (minute|hour|day|week)\b`, "every 2 ${1}s"},
	{`^hourly$`, "hourly at :00"},
	{`^(daily|weekdays)` + anyTime, "$1 at $2"},
	{`^weekly` + anyTime, "weekly on mon at $1"},
	{`^monthly` + anyTime, "monthly on 1 at $1"},
	{`^(monthly on (?:[0-9]+, ?)+[0-9]+)$`, "$1 at "},
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

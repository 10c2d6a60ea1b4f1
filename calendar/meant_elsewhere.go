package calendar

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// elsewhere is what people write into a when that has a place of its own, or none
// in a calendar: what is wrong with it, and where it goes.
type elsewhere struct {
	words            *regexp.Regexp
	problem, allowed string
}

const (
	noDate = "says no date, which a once needs"
	noTime = "is no time of day"
	noYear = "says no year, which a once needs"
)

const byTrigger = "punctual schedules trigger KEY, which runs it once at any moment"

// placesElsewhere are looked at in order: the first that fits is told.
var placesElsewhere = []struct{ words, problem, allowed string }{
	{`^once (?:on |at )?(?:.*\b)?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)(?:[a-z]*)\b.*$`, noYear, "once at with a date and a time, as in once at 2027-12-25T09:00; for each year cron, such as 0 9 25 dec *"},
	{`^(?:once )?(?:at |on )?(?:(?:[0-9:]+ ?(?:[ap]m)? )?(?:today|tonight|tomorrow|next|this|now)\b|in (?:an? |[0-9]+)).*$|^once (?:at |on )?[0-9:]+ ?(?:[ap]m)?$`, noDate, "once at with a date and a time, as in once at 2027-01-01T%s, or " + byTrigger},
	{`(?:@|\b(?:at |on |after )?(?:the )?)(?:reboot|start-?up|boot|(?:system|machine|server) start)\b`, "is no instant of a calendar",
		"an interval, a phrase, a cron expression or a once; what starts the machine can call " + byTrigger},
	{`^@?(?:never|none|manual(?:ly)?|off|disabled|on demand|by hand|on request)$`, "names no instant",
		"a when that is far away, such as once at 2999-01-01T00:00, and " + byTrigger + "; a schedule that has a when is halted by punctual schedules pause KEY"},
	{`^(?:now|immediately|asap|right away|right now|at once|straight away)$`, "names no instant",
		"once at with a date and a time, as in once at 2027-01-01T09:00, or " + byTrigger},
	{`^@?(?:always|continuously|constantly|forever|all the time|permanently|non-?stop)$`, "does not say how often",
		"an interval, such as every 1s or every 1m"},
	{`\b(?:randomly|at random(?: times?)?|random|jitter|splay|roughly|about|around|approximately|approx|ca)\b.*|\+/?-.*|±.*|[0-9*]*~[0-9*]*`, "does not belong to a when, whose instants are exact",
		"the key jitter beside the when, such as jitter: 5m, which moves a schedule by a part of that"},
	{`\b[0-9]+(?: ?[a-z]+)? ?(?:-|to|or) ?[0-9]+ ?(?:s|secs?|seconds?|m|mins?|minutes?|h|hours?|d|days?)\b`, "is not one length",
		"one length, such as every 5m; the key jitter beside the when, such as jitter: 5m, moves a schedule by a part of that"},
	{`,? ?\(?\b(?:except|excluding|excl|but not|but|not|without|other than|unless)\b.*\b(?:holidays?|christmas|vacations?)\b.*|\bholidays?\b`, "does not belong to a when",
		"the key except beside the when, with dates such as [2026-12-25], or with the name of a list under calendars"},
	{`,? ?\(?\b(?:except|excluding|excl|but not|not|without|other than|unless|skip|skipping)\b.*`, "does not belong to a when",
		"the key except beside the when, with dates such as [2026-12-25]; for other days of the week or hours, those that remain, as in weekly on mon, tue at 09:00, or 0 9-11,13-17 * * *"},
	{`\b(?:until|till|ending|ends|not after|for (?:an?|[0-9]+|one|two|three) ?[a-z]+)\b.*`, "does not belong to a when",
		"the key not_after beside the when, such as not_after: 2027-12-31; for hours of each day, cron such as */5 9-16 * * *"},
	{`\b[0-9]+ times\b$|^limit.*`, "does not belong to a when", "the key not_after beside the when, such as not_after: 2027-12-31"},
	{`^every [0-9]+ ?(?:s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?) (?:(?:on )?(?:weekdays|weekends|workdays|` + aDay + `)|between|from [0-9]{1,2}(?::[0-9]{2})? ?(?:-|to))\b.*`, "counts on through days and hours, so that its part within them is not the same each day",
		"one that hours or days are multiples of, written in cron, such as */10 9-16 * * mon-fri; or the interval alone, such as every 7m"},
	{`^(?:daily|weekdays|weekly|monthly|every day|every weekday).*(?:from|starting|beginning|since|as of|after)(?: on)? (?:[0-9]{4}-.*|` + aDay + `|tomorrow|next .*|now)$`, "begins with a date, which does not belong to a phrase", "the key not_before beside the when, such as not_before: 2027-01-01"},
	{`\bevery .*\b(?:between|from) (?:[0-9]{1,2}:(?:[0-5][1-9]|[1-5]0) ?(?:and|to|-|until) ?[0-9:]+|[0-9:]+ ?(?:and|to|-|until) ?[0-9]{1,2}:(?:[0-5][1-9]|[1-5]0)).*`, "begins or ends within an hour, which takes more than one when", `a list of them, such as ["30 8 * * *", "*/30 9-16 * * *"]`},
	{`^[0-9]+ times? .*`, "does not part a day or an hour into whole minutes or hours", "an interval such as every 2h, or times such as daily at 06:00, 12:00, 20:00"},
	{`^(?:when|if|after|depends|on (?:push|failure|success|change|commit|error|event))\b.*`, "is no instant of a calendar", "an interval, a phrase, a cron expression or a once; what notices it can call " + byTrigger},
	{`^(?:(?:daily|every day|weekdays|every weekday|weekly)\b[^-]*\b)?[0-9]{1,2}(?::[0-9]{2}|h)?(?:[ap]m)? ?(?:-|to|until|and) ?[0-9]{1,2}(?::[0-9]{2}|h)?(?:[ap]m)?$`, "names hours, but not how often it is due within them",
		"cron, such as 0 9-17 * * * for each hour from 09:00 to 17:00, or times, such as daily at 09:00, 17:00"},
	{`^(?:[^ ]+ +){6}(?:19|20)[0-9]{2}(?:[-,/][0-9]+)*$`, "ends with a year, which is no field here", "five or six fields, and the keys not_before and not_after beside the when, such as not_after: 2027-12-31"},
	{`^[^-]*\b[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?(?:z|[+-][0-9]{2}:?[0-9]{2})$`, "ends with an offset from UTC, which does not belong to a time of day", "the zone in the key timezone beside the when, such as timezone: Europe/Paris"},
	{`\b(?:2[4-9]|[3-9][0-9]):[0-9]{2}\b|\b[0-9]{1,2}:[6-9][0-9]\b`, noTime, "times from 00:00 to 23:59:59"},
	{`^.*\b(?:` + aDay + `),? (?:the )?[0-9]{1,2}(?:st|nd|rd|th)\b.*$`, "names a day of the week and one of the month at once, which no when does", "one of them, such as 0 9 13 * *, and a job that looks at the other"},
	{`\b(?:sunrise|sunset|dawn|dusk|full moon|new moon)\b.*`, "is not in this calendar", "times of day such as daily at 06:00"},
	{`^(?:freq=|rrule:|dtstart).*`, "is a rule of iCalendar", "an interval such as every 5m, a phrase such as weekly on mon at 09:00, or a cron expression such as 0 9 * * mon-fri"},
}

var elsewheres = sync.OnceValue(func() (places []elsewhere) {
	for _, one := range placesElsewhere {
		places = append(places, elsewhere{regexp.MustCompile("(?i)" + one.words), one.problem, one.allowed})
	}
	return places
})

// commandBehind finds a line of a crontab: five fields, or a nickname, and more.
var commandBehind = pattern(`^\s*([0-9*?][-0-9*?/,#LWa-zA-Z]*\s+(?:[-0-9*?/,#LWa-zA-Z]+\s+){3}[-0-9*?/,#LWa-zA-Z]+|@[a-z]+)\s+(.*?)\s*$`)

// saidElsewhere is the error about a part of an expression that has another place.
func saidElsewhere(fault *Error, expression string) *Error {
	_, text, offset := cutZone(expression)
	offset += len(text) - len(strings.TrimLeft(text, " \t"))
	text = expression[offset:]
	if found := commandBehind().FindStringSubmatchIndex(text); found != nil && !sevenFields(text) {
		fields, command := text[found[2]:found[3]], text[found[4]:found[5]]
		_, err := parseRule(fields, exceptions{zone: utc})
		if _, isField := number(command, 9); err == nil && !isField && strings.ContainsAny(command, "abcdefghijklmnopqrstuvwxyz/") {
			return &Error{
				Expression: expression, Field: "expression", Text: command, Offset: offset + found[4], Problem: "stands behind the when, as a command does in a crontab",
				Allowed: "the when alone, and the command in the key run beside it" + hinted([]string{fields}),
			}
		}
	}
	if list := severalWhens(text); list != nil {
		return &Error{
			Expression: expression, Field: "expression", Text: strings.TrimSpace(text), Offset: offset, Problem: "holds more than one when",
			Allowed: fmt.Sprintf("one; several stand in a list, as in [%q, %q]", list[0], list[1]),
		}
	}
	for _, place := range elsewheres() {
		span := place.words.FindStringIndex(strings.TrimRight(text, " \t"))
		if span == nil || place.problem == noTime && fault.Field != "expression" {
			continue
		}
		part := strings.TrimLeft(text[span[0]:span[1]], ", (")
		said := &Error{Expression: expression, Field: "expression", Text: part, Offset: offset + span[1] - len(part), Problem: place.problem, Allowed: place.allowed}
		if place.problem == noDate || place.problem == noYear {
			said.Field = "once"
			said.Allowed = strings.Replace(said.Allowed, "%s", cmp.Or(timeOfDay().FindString(plainly(part)), "09:00"), 1)
		}
		return said
	}
	return nil
}

// sevenFields says whether an expression is one of Quartz that ends with a year or all
// years, and no line of a crontab with a command.
func sevenFields(text string) bool {
	fields := strings.Fields(text)
	if len(fields) != 7 || fields[6] != "*" && !aYear().MatchString(fields[6]) {
		return false
	}
	_, err := parseRule(strings.Join(fields[:6], " "), exceptions{zone: utc})
	return err == nil
}

// betweenWhens is what stands between two whens in one expression.
var betweenWhens = pattern(`(?i),? and | or |, ?|; | [/&+] | plus `)

// aloneWhen is a word without which the second of two belongs to the first.
var aloneWhen = pattern(`(?i)\b(?:every|each|daily|hourly|weekdays?|weekends?|monthly|` + aDay + `)\b`)

// severalWhens are two whens that an expression holds, if both mean something.
func severalWhens(text string) []string {
	for _, span := range betweenWhens().FindAllStringIndex(text, 4) {
		var list []string
		for _, part := range []string{text[:span[0]], text[span[1]:]} {
			part = strings.TrimSpace(part)
			if !aloneWhen().MatchString(part) || strings.ContainsAny(part, "*=") {
				break
			}
			if _, err := parseRule(part, exceptions{zone: utc}); err == nil {
				list = append(list, part)
			} else if hints := meant(part); len(hints) > 0 {
				list = append(list, hints[0])
			}
		}
		if len(list) == 2 && list[0] != list[1] {
			return list
		}
	}
	return nil
}

var timeOfDay = pattern(clockTime)

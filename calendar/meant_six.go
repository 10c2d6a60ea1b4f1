package calendar

import (
	"fmt"
	"slices"
	"strings"
)

// This file knows cron expressions of six fields that were written for programs in which
// the sixth is the year. Here six begin with the seconds, so that each is read as its neighbour.

// inFields says what each of six fields is read as.
func inFields(six []string) string {
	parts := make([]string, len(six))
	for i, text := range six {
		parts[i] = fields[i].name + " " + text
	}
	last := len(parts) - 1
	return strings.Join(parts[:last], ", ") + " and " + parts[last]
}

// aYear finds a field that can only be the year.
var aYear = pattern(`^(?:19|20)[0-9]{2}(?:[-,/][0-9]+)*$`)

// sixFields is the error about an expression of six fields whose first five make a
// when, and that when; nil if it is none.
func sixFields(fault *Error, expression string) (said *Error, five []string) {
	_, text, offset := cutZone(expression)
	six := strings.Fields(strings.ToLower(text))
	if len(six) != 6 || !isCron().MatchString(strings.Join(six, " ")) {
		return nil, nil
	}
	meant, year := withoutYear(six), aYear().MatchString(six[5])
	if meant == "" || !year && six[5] != "*" && six[5] != "?" && fault.Field == fields[weekdayField].name {
		return nil, nil
	}
	offset += len(text) - len(strings.TrimLeft(text, " \t"))
	text = strings.TrimSpace(text)
	said = &Error{
		Expression: expression, Field: "expression", Text: text, Offset: offset,
		Problem: "has six fields, which begin with the seconds: it is read as " + inFields(strings.Fields(text)),
		Allowed: "five (minute, hour, day of month, month, day of week), or six with the second first",
	}
	if year {
		said.Allowed += ", and no year, for which there are the keys not_before and not_after beside the when"
	}
	return said, []string{meant}
}

// withoutYear is an expression of six fields as one that begins with the minute and
// ends with a year means it, if that is a when. Where a ? stands, the days of the week
// are those of AWS and Quartz, which begin with 1 for Sunday.
func withoutYear(six []string) string {
	five := slices.Clone(six[:5])
	five[2] = strings.ToUpper(five[2]) // L and W are written so
	meant := strings.Join(five, " ")
	if found := nthOfCloud().FindStringSubmatch(five[4]); found != nil && five[2] == "?" {
		five[2], five[4] = "*", string(found[1][0]-1)+strings.ToUpper(found[2])
		meant = strings.Join(five, " ")
	}
	if strings.Contains(meant, "?") {
		if meant = ofAmazon("cron(" + meant + " *)"); strings.HasPrefix(meant, "cron") {
			return ""
		}
	}
	if _, err := parseRule(meant, exceptions{zone: utc}); err != nil {
		return ""
	}
	return meant
}

// nthOfCloud finds 6L and 6#2, the last and the second friday of AWS and Quartz.
var nthOfCloud = pattern(`^([1-7])(l|#[1-5])$`)

// aHour finds an hour, or a list of some, and aWeekday numbers of days of the week.
var (
	aHour    = pattern(`^(?:[01]?[0-9]|2[0-3])(?:,(?:[01]?[0-9]|2[0-3]))*$`)
	aWeekday = pattern(`^[0-7](?:[-,][0-7])*$`)
	aMinute  = pattern(`^[0-5]?[0-9]$`)
)

// yearLast says that six fields were probably written for a program in which the last
// is the year: it is none here, but all, and the others mean something.
func (c *cronFields) yearLast() string {
	six := strings.Fields(c.six)
	if len(six) != 6 || six[5] != "*" && six[5] != "?" {
		return ""
	}
	// With the second first, ? stands for a day of the month or of the week. With the
	// year last, those are the fields that are read as hour and month here.
	asks := six[hourField] == "?" || six[monthField] == "?"
	weekdays := aMinute().MatchString(six[secondField]) && aHour().MatchString(six[minuteField]) &&
		six[hourField] == "*" && six[dayField] == "*" && aWeekday().MatchString(six[monthField])
	if !asks && !weekdays {
		return ""
	}
	meant := withoutYear(six)
	if meant == "" {
		return ""
	}
	other := parser{original: meant, text: meant}
	if r, err := other.cron(0); err != nil || r.text() == c.written() {
		return ""
	}
	return fmt.Sprintf("%q has six fields, which begin with the seconds: it is read as %s. If the last was to be the year, as with AWS, write %q.", c.six, inFields(six), meant)
}

package calendar

import (
	"fmt"
	"math/bits"
)

// Advice returns what about the when may surprise, a sentence or two each.
func (s *Spec) Advice() []string {
	var advice []string
	for _, r := range s.rules {
		switch r := r.(type) {
		case *interval:
			advice = append(advice, r.advice()...)
		case *readings:
			advice = append(advice, r.advice()...)
		}
	}
	return advice
}

func (i *interval) advice() []string {
	if i.period%day != 0 {
		return nil
	}
	instead := "daily at 09:00"
	switch {
	case i.period%week == 0 && i.period > week:
		instead = fmt.Sprintf("every %d weeks on mon at 09:00", i.period/week)
	case i.period == week:
		instead = "weekly on mon at 09:00"
	case i.period > day:
		return []string{fmt.Sprintf("%q counts days of 24 hours of elapsed time, so its local time of day moves when clocks change.", i.text())}
	}
	return []string{fmt.Sprintf("%q counts days of 24 hours of elapsed time, so its local time of day moves when clocks change. To keep a local time of day, write %q.", i.text(), instead)}
}

func (r *readings) advice() []string {
	if r.source.form == cronForm {
		return r.source.cron.advice()
	}
	text := r.text()
	var advice []string
	if r.source.form == everyWeeksForm && r.source.from.IsZero() && r.dates.weeks > 1 {
		advice = append(advice, fmt.Sprintf("%q counts weeks from that of 1970-01-01. To choose the weeks, add from and a date in one of them.", text))
	}
	if last := highest(uint64(r.dates.days) | 1); r.source.form == monthlyForm && last > 28 && r.dates.daysFromLast == 0 {
		advice = append(advice, passesOver(text, last)+" For the last day of each month, write last.")
	}
	return advice
}

func passesOver(text string, day int) string {
	return fmt.Sprintf("%q passes over months that have no day %d.", text, day)
}

func (c *cronFields) advice() []string {
	text := c.written()
	var advice []string
	if order := c.yearLast(); order != "" {
		advice = append(advice, order)
	}
	if rule := c.whichDays(text); rule != "" {
		advice = append(advice, rule)
	}
	if c.full(minuteField) && !c.full(hourField) && c.bits[secondField] == 1 {
		advice = append(advice, fmt.Sprintf("%q is due in each minute of its hours. For once an hour, put a number such as 0 in the minute field.", text))
	}
	for _, at := range []int{secondField, minuteField} {
		if a := c.uneven(at, text); a != "" {
			advice = append(advice, a)
		}
	}
	days := c.bits[dayField]
	if days != 0 && days>>1&(1<<28-1) == 0 && c.full(weekdayField) && c.bits[monthField] == allMonths {
		advice = append(advice, passesOver(text, highest(days))+" For the last day of each month, write L.")
	}
	return advice
}

// whichDays says whether both day fields must match, where both are given.
func (c *cronFields) whichDays(text string) string {
	dayGiven := !c.full(dayField) || !c.star[dayField]
	weekdayGiven := !c.full(weekdayField) || !c.star[weekdayField]
	switch {
	case !dayGiven || !weekdayGiven:
		return ""
	case c.dates.bothMustMatch:
		return fmt.Sprintf("%q gives a day of month and a day of week. One of the fields begins with *, so a date must match both.", text)
	}
	return fmt.Sprintf("%q gives a day of month and a day of week. Neither field begins with *, so a date need match only one of them.", text)
}

// uneven says where a step does not divide the minute or hour.
func (c *cronFields) uneven(at int, text string) string {
	set := c.bits[at]
	low, high, step := progression(set)
	if step < 2 || low != 0 || high+step < 60 || 60%step == 0 || bits.OnesCount64(set) < 3 {
		return ""
	}
	name, larger := fields[at].name, fields[at+1].name
	return fmt.Sprintf("%q starts over with each %s: after %s %d comes 0, %d later instead of %d.", text, larger, name, high, 60-high, step)
}

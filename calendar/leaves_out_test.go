package calendar_test

import (
	"testing"
	"time"

	"github.com/punctual-dev/punctual/calendar"
)

func TestWhatLeavesAnInstantOutIsSaidOnlyOfWhatWouldElseBeDue(t *testing.T) {
	at := func(text string) time.Time {
		t.Helper()
		instant, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return instant
	}
	christmas := calendar.Date{Year: 2026, Month: 12, Day: 25}
	bounded := calendar.When{
		Expressions: []string{"daily at 09:00"}, Zone: "Europe/Paris", Except: []calendar.Date{christmas},
		NotBefore: at("2026-12-01T00:00:00Z"), NotAfter: at("2026-12-31T00:00:00Z"),
	}
	moved := calendar.When{Expressions: []string{"daily at 00:30"}, Zone: "Africa/Cairo", Except: []calendar.Date{{Year: 2026, Month: 4, Day: 24}}}
	for _, c := range []struct {
		name string
		when calendar.When
		at   string
		by   calendar.Exclusion
		date calendar.Date
	}{
		{name: "within the bounds", when: bounded, at: "2026-12-02T08:00:00Z"},
		{name: "before not_before", when: bounded, at: "2026-11-30T08:00:00Z", by: calendar.ByNotBefore},
		{name: "before not_before, and never due at that time", when: bounded, at: "2026-11-30T08:30:00Z"},
		{name: "after not_after", when: bounded, at: "2027-01-01T08:00:00Z", by: calendar.ByNotAfter},
		{name: "on an excepted date", when: bounded, at: "2026-12-25T08:00:00Z", by: calendar.ByExcept, date: christmas},
		{name: "on an excepted date, and never due at that time", when: bounded, at: "2026-12-25T09:00:00Z"},
		{name: "moved by a transition, by the date that was asked for", when: moved, at: "2026-04-23T22:00:00Z", by: calendar.ByExcept, date: calendar.Date{Year: 2026, Month: 4, Day: 24}},
		{name: "an interval, by the date in the zone", when: calendar.When{Expressions: []string{"every 1h"}, Zone: "Europe/Paris", Except: []calendar.Date{christmas}}, at: "2026-12-24T23:00:00Z", by: calendar.ByExcept, date: christmas},
		{name: "no when at all", when: calendar.When{Expressions: []string{"now and then"}}, at: "2026-12-02T08:00:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if by, date := c.when.LeavesOut(at(c.at)); by != c.by || date != c.date {
				t.Errorf("left out by %q on %s; want %q on %s", by, date, c.by, c.date)
			}
		})
	}
}

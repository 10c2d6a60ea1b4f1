package calendar_test

import (
	"strings"
	"testing"

	"github.com/punctual-dev/punctual/calendar"
)

func TestEverydayWordsAreAnsweredInTheWordsOfTheGrammar(t *testing.T) {
	for _, c := range []struct{ written, meant string }{
		{"every monday at 09:00", "weekly on mon at 09:00"},
		{"every Tue 7:30", "weekly on tue at 07:30"},
		{"mondays at 9am", "weekly on mon at 09:00"},
		{"wednesday at 17:00", "weekly on wed at 17:00"},
		{"weekends at 10:00", "weekly on sat, sun at 10:00"},
		{"every weekday at 9", "weekdays at 09:00"},
		{"every day at 09:00", "daily at 09:00"},
		{"every day at 8:00 and 20:00", "daily at 08:00, 20:00"},
		{"at 09:00", "daily at 09:00"},
		{"9am", "daily at 09:00"},
		{"12am", "daily at 00:00"},
		{"daily at 5:30 p.m.", "daily at 17:30"},
		{"daily at noon", "daily at 12:00"},
		{"midnight", "daily at 00:00"},
		{"monthly on the last day at 09:00", "monthly on last at 09:00"},
		{"every month on the 1st at 09:00", "monthly on 1 at 09:00"},
		{"every other day", "every 2 days"},
		{"twice a day", "daily at 00:00, 12:00"},
		{"hourly", "hourly at :00"},
		{"daily", "daily at 00:00"},
		{"weekly", "weekly on mon at 00:00"},
		{"monthly at 08:00", "monthly on 1 at 08:00"},
		{"wekdays at 09:00", "weekdays at 09:00"},
		{"weekdays 09:00", "weekdays at 09:00"},
		{"every five minutes", "every 5 minutes"},
		{"5s", "every 5s"},
		{"@hourlyy", "@hourly"},
		{"dayly at 09:00", "daily at 09:00"},
		{"yearly on dec 25", "0 0 25 dec *"},
		{"every year on the 5th of December at 9:30", "30 9 5 dec *"},
		{"annually on 07-04 at 09:00", "0 9 4 7 *"},
		{"yearly", "@yearly"},
		{"monthly on last friday", "0 0 * * friL"},
		{"every month on the last Friday at 17:00", "0 17 * * friL"},
		{"monthly on the 2nd tuesday at 9am", "0 9 * * tue#2"},
		{"every 5 minutes between 09:00 and 17:00", "*/5 9-16 * * *"},
		{"every 10m from 9am to 5pm on weekdays", "*/10 9-16 * * mon-fri"},
		{"every 2 hours between 8 and 18", "0 8-17/2 * * *"},
		{"hourly at 15", "hourly at :15"},
		{"every hour at 15", "hourly at :15"},
		{"once 2027-01-01T09:00", "once at 2027-01-01T09:00"},
		{"every other monday at 09:00", "every 2 weeks on mon at 09:00"},
		{"TZ=Europe/Paris every monday at 09:00", "weekly on mon at 09:00"},
	} {
		_, err := calendar.Parse(c.written)
		if err == nil || !strings.HasSuffix(err.Error(), `did you mean "`+c.meant+`"?`) {
			t.Errorf("%q: %v; want a hint at %q", c.written, err, c.meant)
		}
		if _, err := calendar.Parse(c.meant); err != nil {
			t.Errorf("the hint at %q is no when itself: %v", c.meant, err)
		}
	}
}

func TestATimeOfDayAfterAnIntervalIsToldAsThat(t *testing.T) {
	_, err := calendar.Parse("every day at 09:00")
	want := `time "at" and a time of day do not go with an interval, which counts elapsed time; allowed: from and an instant; times of day go with daily at 09:00 and the like; did you mean "daily at 09:00"?`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestADayThatDoesNotExistIsToldAsThat(t *testing.T) {
	for _, c := range []struct{ written, want string }{
		{"once at 2027-02-30T09:00", "is no day: February 2027 has 28 days"},
		{"once at 2027-13-01T09:00:00Z", "is no day: the month is a number from 01 to 12"},
		{"every 2h from 2027-04-31T00:00:00Z", "is no day: April 2027 has 30 days"},
		{"every 2 weeks on mon at 09:00 from 2027-02-29", "is no day: February 2027 has 28 days"},
		{"once at 2027-02-28T25:00", "is not a date and time"},
	} {
		if _, err := calendar.Parse(c.written); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.written, err, c.want)
		}
	}
	if _, err := calendar.ParseInstant("2027-02-30", "UTC"); err == nil || !strings.Contains(err.Error(), "is no day: February 2027 has 28 days") {
		t.Errorf("as an instant: %v", err)
	}
	if _, err := calendar.ParseDate("2027-06-31"); err == nil || !strings.Contains(err.Error(), "is no day: June 2027 has 30 days") {
		t.Errorf("as a date: %v", err)
	}
}

func TestNothingIsSuggestedWhereNothingIsMeant(t *testing.T) {
	for _, written := range []string{"", "soon", "1 2 3", "61 * * * *", "every blue moon", "at", "0 0 30 2 *"} {
		if _, err := calendar.Parse(written); err == nil || strings.Contains(err.Error(), "did you mean") {
			t.Errorf("%q: %v; want an error without a hint", written, err)
		}
	}
}

func TestAZoneThatIsNotKnownIsAnsweredWithWhatIsNear(t *testing.T) {
	for _, c := range []struct{ zone, want string }{
		{"Europe/Pariss", "did you mean Europe/Paris?"},
		{"new york", "did you mean America/New_York?"},
		{"GMT+2", "offsets know no daylight saving: name a place"},
		{"UTC-05:30", "offsets know no daylight saving: name a place"},
	} {
		_, err := calendar.When{Expressions: []string{"daily at 09:00"}, Zone: c.zone}.Parse()
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.zone, err, c.want)
		}
		if c.zone == "GMT+2" && strings.Contains(err.Error(), "Etc/") {
			t.Errorf("%v: Etc/GMT+2 is two hours behind", err)
		}
	}
}

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
		{"annually on 07-04 at 09:00", "0 9 4 jul *"},
		{"yearly", "@yearly"},
		{"monthly on last friday", "0 0 * * friL"},
		{"every month on the last Friday at 17:00", "0 17 * * friL"},
		{"monthly on the 2nd tuesday at 9am", "0 9 * * tue#2"},
		{"every 5 minutes between 09:00 and 17:00", "*/5 9-16 * * *"},
		{"every 10m from 9am to 5pm on weekdays", "*/10 9-16 * * mon-fri"},
		{"every 2 hours between 8 and 18", "0 8-18/2 * * *"},
		{"hourly at 15", "hourly at :15"},
		{"every hour at 15", "hourly at :15"},
		{"once 2027-01-01T09:00", "once at 2027-01-01T09:00"},
		{"every other monday at 09:00", "every 2 weeks on mon at 09:00"},
		{"TZ=Europe/Paris every monday at 09:00", "weekly on mon at 09:00"},

		{"last day of month at 23:00", "monthly on last at 23:00"},
		{"last day of the month at 23:00", "monthly on last at 23:00"},
		{"every last day of the month", "monthly on last at 00:00"},
		{"end of month at 23:00", "monthly on last at 23:00"},
		{"on the first day of each month at 6am", "monthly on 1 at 06:00"},
		{"15th of the month at 9:00", "monthly on 15 at 09:00"},
		{"last working day of the month at 17:00", "0 17 LW * *"},
		{"first monday of the month at 9:00", "0 9 * * mon#1"},
		{"every first monday at 9:00", "0 9 * * mon#1"},
		{"last friday of every month at 17:00", "0 17 * * friL"},
		{"every second tuesday of the month at noon", "0 12 * * tue#2"},

		{"25 dec at 09:00", "0 9 25 dec *"},
		{"dec 25", "0 0 25 dec *"},
		{"every september 3rd at 9:00", "0 9 3 sep *"},
		{"1 jan 2027 at 09:00", "once at 2027-01-01T09:00"},
		{"dec 24, 2027", "once at 2027-12-24T00:00"},
		{"2027-01-01T09:00", "once at 2027-01-01T09:00"},
		{"2027-01-01T09:00:00+01:00", "once at 2027-01-01T09:00:00+01:00"},
		{"2027-01-01T09:00Z", "once at 2027-01-01T09:00Z"},
		{"2027-01-01 09:00", "once at 2027-01-01T09:00"},
		{"on 2027-01-01 at 9:00", "once at 2027-01-01T09:00"},
		{"2027-01-01", "once at 2027-01-01T00:00"},
		{"once at 2027-01-01", "once at 2027-01-01T00:00"},

		{"every other friday", "every 2 weeks on fri at 00:00"},
		{"every other friday at 17:00", "every 2 weeks on fri at 17:00"},
		{"every second hour", "every 2 hours"},
		{"biweekly", "every 2 weeks on mon at 00:00"},
		{"fortnightly", "every 2 weeks on mon at 00:00"},
		{"every fortnight on fri at 9:00", "every 2 weeks on fri at 09:00"},
		{"every two weeks", "every 2 weeks"},
		{"quarterly", "0 0 1 */3 *"},
		{"every quarter", "0 0 1 */3 *"},
		{"every 3 months", "0 0 1 */3 *"},
		{"every three months on the 15th at 9:00", "0 9 15 */3 *"},
		{"every other month", "0 0 1 */2 *"},
		{"every month", "monthly on 1 at 00:00"},
		{"every 6 months at 9:00", "0 9 1 */6 *"},
		{"every year at 9:00", "0 9 1 1 *"},
		{"every 90 minuts", "every 90 minutes"},
		{"every 5 secnds", "every 5 seconds"},
		{"every 2 huors", "every 2 hours"},
		{"every 3 dayz", "every 3 days"},
		{"every minut", "every minute"},
		{"every 2 weaks on mon at 09:00", "every 2 weeks on mon at 09:00"},

		{"mon-fri at 9", "weekdays at 09:00"},
		{"mon-fri 9", "weekdays at 09:00"},
		{"monday to friday at 9:00", "weekdays at 09:00"},
		{"mon to thu at 8:30", "weekly on mon, tue, wed, thu at 08:30"},
		{"every sat-mon at 8:30", "weekly on sat, sun, mon at 08:30"},
		{"mon, wed and fri at 9", "weekly on mon, wed, fri at 09:00"},
		{"weekly on mondays and thursdays at 9:00 and 17:00", "weekly on mon, thu at 09:00, 17:00"},
		{"sundays", "weekly on sun at 00:00"},
		{"mondays", "weekly on mon at 00:00"},
		{"every friday", "weekly on fri at 00:00"},
		{"weekly on friday", "weekly on fri at 00:00"},
		{"every weekday", "weekdays at 00:00"},
		{"weekends", "weekly on sat, sun at 00:00"},
		{"hourly between 9 and 17", "0 9-17 * * *"},
		{"every hour from 9 to 17", "0 9-17 * * *"},
		{"every hour from 9am to 5pm on weekdays", "0 9-17 * * mon-fri"},
		{"once a day", "daily at 00:00"},
		{"once a week on friday at 9", "weekly on fri at 09:00"},
		{"twice daily", "daily at 00:00, 12:00"},
		{"three times a day", "daily at 00:00, 08:00, 16:00"},
		{"nightly", "daily at 00:00"},
		{"every night at 2", "daily at 02:00"},
		{"every night at 11", "daily at 23:00"},
		{"every morning at 8", "daily at 08:00"},
		{"every evening at 6:30", "daily at 18:30"},

		{"every 2 weeks at 9:00", "every 2 weeks on mon at 09:00"},
		{"every week at 9:00", "weekly on mon at 09:00"},
		{"every 5 minutes on weekdays", "*/5 * * * mon-fri"},
		{"every 15m on mon, wed", "*/15 * * * mon,wed"},
		{"every hour on weekends", "0 * * * sat,sun"},
		{"every 2 hours on monday to friday", "0 */2 * * mon-fri"},
		{"every 1st and 15th at 6:00", "monthly on 1, 15 at 06:00"},
		{"on the 1st, 10th and 20th of the month at 6:00", "monthly on 1, 10, 20 at 06:00"},
		{"first of the month", "monthly on 1 at 00:00"},
		{"on the first of the month", "monthly on 1 at 00:00"},
		{"last of the month at 18:00", "monthly on last at 18:00"},
		{"every working day at 8:15", "weekdays at 08:15"},
		{"business days at 9", "weekdays at 09:00"},
		{"every half hour", "every 30 minutes"},
		{"every half an hour", "every 30 minutes"},
		{"every quarter hour", "every 15 minutes"},
		{"every quarter of an hour", "every 15 minutes"},
		{"each hour", "every hour"},
		{"each day at 9", "daily at 09:00"},
		{"Fridays 17h", "weekly on fri at 17:00"},
		{"weekly on fridays at 17h", "weekly on fri at 17:00"},
		{"daily at 8h30", "daily at 08:30"},
		{"sat+sun at 10:00", "weekly on sat, sun at 10:00"},
		{"daily at 9.30", "daily at 09:30"},
		{"daily at 9.30pm", "daily at 21:30"},
		{"daily at 24:00", "daily at 00:00"},
		{"daily at 8 o'clock", "daily at 08:00"},
		{"monthly on first", "monthly on 1 at 00:00"},
		{"every 1.5h", "every 90m"},
		{"every 2.5 minutes", "every 150s"},
		{"every 1.5 days", "every 36h"},
		{"every 1h30", "every 1h30m"},
		{"cron(0 9 * * ? *)", "0 9 * * *"},
		{"cron(15 10 ? * 2-6 *)", "15 10 * * 1-5"},
		{"cron(15 10 ? * MON-FRI *)", "15 10 * * mon-fri"},
		{"rate(5 minutes)", "every 5 minutes"},
		{"“every 5s”", "every 5s"},

		{"weekdays at 9 in Europe/Paris", "TZ=Europe/Paris weekdays at 09:00"},
		{"weekdays at 09:00 Europe/Paris", "TZ=Europe/Paris weekdays at 09:00"},
		{"0 9 * * mon-fri Europe/Paris", "TZ=Europe/Paris 0 9 * * mon-fri"},
		{"monday to friday at 9:00 (America/New_York)", "TZ=America/New_York weekdays at 09:00"},
		{"daily at 9:00 UTC", "TZ=UTC daily at 9:00"},
		{"2027-01-01 09:00 Europe/Paris", "TZ=Europe/Paris once at 2027-01-01T09:00"},
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

func TestAnIntervalThatBeginsAtATimeOfDayIsToldHowFromIsWritten(t *testing.T) {
	for _, c := range []struct{ written, want string }{
		{"every 2 days at 7:00", "allowed: from and an instant, such as every 2d from 2027-01-01T07:00:00Z; times of day go with "},
		{"every 2 days at noon", "allowed: from and an instant, such as every 2d from 2027-01-01T00:00:00Z; times of day go with "},
		{"every 5 minutes starting at 9:00", `interval "starting" is not known after an interval; allowed: from and an instant, such as every 5m from 2027-01-01T09:00:00Z`},
		{"every 5 minutes since 9:30", `interval "since" is not known after an interval; allowed: from and an instant, such as every 5m from 2027-01-01T09:30:00Z`},
		{"every 5 minutes on blue moons", `interval "on" is not known after an interval; allowed: from and an instant`},
	} {
		if _, err := calendar.Parse(c.written); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.written, err, c.want)
		}
	}
	for _, example := range []string{"every 2d from 2027-01-01T07:00:00Z", "every 5m from 2027-01-01T09:00:00Z"} {
		if _, err := calendar.Parse(example); err != nil {
			t.Errorf("the example %q is no when itself: %v", example, err)
		}
	}
}

func TestADayCountedFromTodayIsToldThatAOnceNeedsItsDate(t *testing.T) {
	for _, c := range []struct{ written, example string }{
		{"in 5 minutes", "once at 2027-01-01T09:00"},
		{"in an hour", "once at 2027-01-01T09:00"},
		{"tomorrow at noon", "once at 2027-01-01T12:00"},
		{"tomorrow at 8", "once at 2027-01-01T08:00"},
		{"next friday 14:00", "once at 2027-01-01T14:00"},
		{"today at 5pm", "once at 2027-01-01T17:00"},
		{"Tonight", "once at 2027-01-01T09:00"},
		{"once tomorrow at 9", "once at 2027-01-01T09:00"},
		{"once at 8:30", "once at 2027-01-01T08:30"},
		{"once in 10 minutes", "once at 2027-01-01T09:00"},
		{"TZ=Europe/Paris tomorrow at 9:00", "once at 2027-01-01T09:00"},
	} {
		_, err := calendar.Parse(c.written)
		want := "says no date, which a once needs; allowed: once at with a date and a time, as in " + c.example + ", or punctual schedules trigger KEY, which runs it once at any moment"
		if err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%q: %v, want %s", c.written, err, want)
		}
		if _, err := calendar.Parse(c.example); err != nil {
			t.Errorf("the example %q is no when itself: %v", c.example, err)
		}
	}
}

func TestACharacterOfWordProcessorsIsToldAsThat(t *testing.T) {
	for _, c := range []struct{ written, want string }{
		{"“every 5s”", `expression "“" has typographic quotes; use plain ones; allowed: `},
		{"every ä", `expression "ä" has a character that is not plain ASCII; allowed: `},
		{"mon – fri at 9:00", `expression "–" has a character that is not plain ASCII; allowed: `},
	} {
		if _, err := calendar.Parse(c.written); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%q: %v, want %s", c.written, err, c.want)
		}
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

func TestWhereAPhraseMayMeanTwoThingsBothAreOffered(t *testing.T) {
	for _, c := range []struct{ written, first, second string }{
		{"every second tuesday", "every 2 weeks on tue at 00:00", "0 0 * * tue#2"},
		{"every second tuesday at 9:00", "every 2 weeks on tue at 09:00", "0 9 * * tue#2"},
		{"every third friday at 9:00", "every 3 weeks on fri at 09:00", "0 9 * * fri#3"},
	} {
		mustOfferBoth(t, c.written, c.first, c.second)
	}
}

// mustOfferBoth fails the test unless what was written is answered with two whens.
func mustOfferBoth(t *testing.T, written, first, second string) {
	t.Helper()
	_, err := calendar.Parse(written)
	want := `did you mean "` + first + `" or "` + second + `"?`
	if err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("%q: %v, want %s", written, err, want)
	}
	for _, hint := range []string{first, second} {
		if _, err := calendar.Parse(hint); err != nil {
			t.Errorf("the hint at %q is no when itself: %v", hint, err)
		}
	}
}

const everyForm = "allowed: an interval such as every 5m, a phrase such as daily at 09:00, a cron expression such as 0 9 * * mon-fri, or a once such as once at 2027-01-01T09:00"

func TestWordsAreNotJudgedAsTheFieldsOfCron(t *testing.T) {
	for _, written := range []string{
		"run this at nine please",
		"do it some other day please",
		"do it some other day please now",
		"whenever you feel like it",
		"the day after tomorrow at 9:00",
		"9:00 some day",
	} {
		_, err := calendar.Parse(written)
		if want := `expression "` + written + `" is not understood; ` + everyForm; err == nil || err.Error() != want {
			t.Errorf("%q:\ngot  %v\nwant %s", written, err, want)
		}
	}
	for _, c := range []struct{ written, field string }{
		{"0 0 * foo *", "month"},
		{"0 0 * * monday", "day of week"},
		{"0 9:00 * * *", "hour"},
		{"0 0 1 january monday", "month"},
		{"H H * * *", "minute"},
		{"0 0 lw xx *", "month"},
		{"1 2 3", "expression"},
	} {
		_, err := calendar.Parse(c.written)
		if err == nil || !strings.HasPrefix(err.Error(), c.field+" ") || strings.Contains(err.Error(), everyForm) {
			t.Errorf("%q: %v; want what is wrong with the %s", c.written, err, c.field)
		}
	}
}

func TestNamesInCronAreNoWords(t *testing.T) {
	for _, expression := range []string{"0 0 LW,15 jul friL", "0 0 LW jul-sep fri#2,sat", "0 0 L-3W jul sun"} {
		if _, err := calendar.Parse(expression); err != nil {
			t.Errorf("%q: %v", expression, err)
		}
	}
	if _, err := calendar.Parse("jul aug LW 0 *"); err == nil || !strings.HasPrefix(err.Error(), "minute ") {
		t.Errorf("names in the wrong fields: %v", err)
	}
}

func TestADateWithoutOnceIsToldWhatItLacks(t *testing.T) {
	for _, c := range []struct{ written, want string }{
		{"2027-01-01 09:00", `once "2027-01-01 09:00" lacks "once at" before it; allowed: `},
		{"TZ=Europe/Paris 2027-01-01", `once "2027-01-01" lacks "once at" before it; allowed: `},
		{"2027-02-30 09:00", `once "2027-02-30 09:00" is no day: February 2027 has 28 days; allowed: `},
	} {
		if _, err := calendar.Parse(c.written); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%q: %v, want %s", c.written, err, c.want)
		}
	}
}

func TestADayThatNoYearHasIsToldAsThat(t *testing.T) {
	for _, c := range []struct{ written, want string }{
		{"30 feb at 09:00", `day "30 feb" is no day: February has at most 29 days; allowed: days that exist`},
		{"feb 30", `day "feb 30" is no day: February has at most 29 days; allowed: days that exist`},
		{"yearly on April 31st", `day "April 31st" is no day: April has 30 days; allowed: days that exist`},
		{"29 feb 2027 at 09:00", `day "29 feb 2027" is no day: February 2027 has 28 days; allowed: days that exist`},
		{"TZ=Europe/Paris every year on 0 may at 09:00", `day "0 may" is no day: May has 31 days; allowed: days that exist`},
	} {
		_, err := calendar.Parse(c.written)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) || strings.Contains(err.Error(), "did you mean") {
			t.Errorf("%q: %v, want %s", c.written, err, c.want)
		}
	}
}

func TestAZoneBehindTheTimeIsToldWhereItGoes(t *testing.T) {
	const places = "allowed: a zone in the field for it, timezone in a file of schedules, or before the expression, as in TZ=Europe/Paris 0 9 * * *"
	for _, c := range []struct{ written, want string }{
		{"weekdays at 9 in Europe/Paris", `zone "Europe/Paris" does not stand behind the times; ` + places + `; did you mean "TZ=Europe/Paris weekdays at 09:00"?`},
		{"0 9 * * * Europe/Paris", `zone "Europe/Paris" does not stand behind the times; ` + places + `; did you mean "TZ=Europe/Paris 0 9 * * *"?`},
		{"daily at 9:00 europe/paris", `zone "europe/paris" does not stand behind the times; ` + places + `; did you mean "TZ=Europe/Paris daily at 9:00"?`},
		{"daily at 9:00 CET", `zone "CET" is an abbreviation, and abbreviations mean different things to different people: name a place, such as Europe/Berlin; ` + places},
		{"soon in Europe/Paris", `expression "soon" is not known here`},
	} {
		if _, err := calendar.Parse(c.written); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%q:\ngot  %v\nwant %s", c.written, err, c.want)
		}
	}
}

func TestASecondThatMayMeanEveryOtherIsRefused(t *testing.T) {
	for _, written := range []string{"every second day", "every second hour", "every second 5m"} {
		_, err := calendar.Parse(written)
		if err == nil || !strings.Contains(err.Error(), `"second" may mean a second or every other one of what follows`) {
			t.Errorf("%q: %v", written, err)
		}
	}
	for _, written := range []string{"every second", "every second from 2027-01-01T00:00:00Z"} {
		if _, err := calendar.Parse(written); err != nil {
			t.Errorf("%q: %v", written, err)
		}
	}
}

func TestNothingIsSuggestedWhereNothingIsMeant(t *testing.T) {
	for _, written := range []string{"", "soon", "1 2 3", "61 * * * *", "every blue moon", "at", "0 0 30 2 *", "christmas", "every 2 decades", "every 5 months", "five times a day", "every soon", "mon-fri at noonish", "every 7 minutes on weekdays", "weekly on fri at 24:00", "cron(0 9 ? * 6L *)", "cron(0 9 * * ? 2027)", "every 1.5 moons"} {
		if _, err := calendar.Parse(written); err == nil || strings.Contains(err.Error(), "did you mean") {
			t.Errorf("%q: %v; want an error without a hint", written, err)
		}
	}
}

func TestAZoneThatIsNotKnownIsAnsweredWithWhatIsNear(t *testing.T) {
	for _, c := range []struct{ zone, want string }{
		{"Europe/Pariss", "did you mean Europe/Paris?"},
		{"new york", "did you mean America/New_York?"},
		{"Pairs", "did you mean Europe/Paris?"},
		{"new yrok", "did you mean America/New_York?"},
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

package calendar_test

import (
	"strings"
	"testing"

	"github.com/punctual-dev/punctual/calendar"
)

func TestSixFieldsThatEndWithAYearAreToldHowTheyAreRead(t *testing.T) {
	for _, c := range []struct{ written, read, meant string }{
		{"0 9 * * mon-fri *", "second 0, minute 9, hour *, day of month *, month mon-fri and day of week *", "0 9 * * mon-fri"},
		{"0 9 * * MON-FRI ?", "second 0, minute 9, hour *, day of month *, month MON-FRI and day of week ?", "0 9 * * mon-fri"},
		{"0 9 * * 1 2026", "month 1 and day of week 2026", "0 9 * * 1"},
		{"0 9 * * 1-5 2026-2028", "month 1-5 and day of week 2026-2028", "0 9 * * 1-5"},
		{"0 9 ? * 2-6 2026", "hour ?, day of month *, month 2-6 and day of week 2026", "0 9 * * 1-5"},
		{"0 9 ? * 6L *", "month 6L and day of week *", "0 9 * * 5L"},
		{"0 9 ? * 6#2 *", "month 6#2 and day of week *", "0 9 * * 5#2"},
		{"0 9 L * ? *", "hour L, day of month *", "0 9 L * *"},
		{"0 9 25 * * *", "second 0, minute 9, hour 25", "0 9 25 * *"},
		{"0 9 * * mon 1", "month mon and day of week 1", "0 9 * * mon"},
		{"TZ=Europe/Paris 0 9 * * fri *", "month fri and day of week *", "0 9 * * fri"},
	} {
		_, err := calendar.Parse(c.written)
		if err == nil || !strings.Contains(err.Error(), "has six fields, which begin with the seconds: it is read as ") || !strings.Contains(err.Error(), c.read) {
			t.Errorf("%q: %v", c.written, err)
		}
		hintsAt(t, c.written, c.meant)
		if err != nil && strings.Contains(err.Error(), "not_after") != strings.Contains(c.written, "2026") {
			t.Errorf("%q: the year: %v", c.written, err)
		}
	}
}

func TestAFaultInSixFieldsThatAreMeantIsToldAsThat(t *testing.T) {
	for written, says := range map[string]string{
		"60 0 9 * * *":     `second "60" is out of range`,
		"0 0 9 * * funday": `day of week "funday" is not understood`,
		"0 70 9 * * *":     `minute "70" is out of range`,
	} {
		if _, err := calendar.Parse(written); err == nil || !strings.HasPrefix(err.Error(), says) {
			t.Errorf("%q: %v", written, err)
		}
	}
}

func TestAWhenThatIsProbablyInTheOrderOfAWSIsAdvisedAbout(t *testing.T) {
	for _, c := range []struct{ written, meant string }{
		{"0 9 * * ? *", "0 9 * * *"},
		{"0 9 ? * 2-6 *", "0 9 * * 1-5"},
		{"0 9 1 * ? *", "0 9 1 * *"},
		{"0/15 9-17 * * ? *", "0/15 9-17 * * *"},
		{"* * * * ? *", "* * * * *"},
		{"0 9 * * 1-5 *", "0 9 * * 1-5"},
		{"30 9,17 * * 1,3 *", "30 9,17 * * 1,3"},
		{"0 0 9 * * *", ""},
		{"0 30 * * * *", ""},
		{"0 0 9 ? * mon-fri", ""},
		{"0 0 12 * * ?", ""},
		{"0 30 * * 1-5 *", ""},
		{"0 9 * * 1-12 *", ""},
		{"0 9 * * 1-5", ""},
		{"0 9 * * ?", ""},
	} {
		spec, err := calendar.Parse(c.written)
		if err != nil {
			t.Errorf("%q: %v", c.written, err)
			continue
		}
		advice := strings.Join(spec.Advice(), " ")
		if c.meant == "" && strings.Contains(advice, "six fields") || c.meant != "" && !strings.Contains(advice, `If the last was to be the year, as with AWS, write "`+c.meant+`".`) {
			t.Errorf("%q: advice %q, want one about %q", c.written, advice, c.meant)
		}
	}
}

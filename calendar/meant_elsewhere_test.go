package calendar_test

import (
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/punctual-dev/punctual/calendar"
)

// hintsAt makes sure that what is written is answered with what is meant, and that
// this is a when.
func hintsAt(t *testing.T, written, meant string) {
	t.Helper()
	_, err := calendar.Parse(written)
	if err == nil || !strings.HasSuffix(err.Error(), `; did you mean "`+meant+`"?`) {
		t.Errorf("%q: %v; want a hint at %q", written, err, meant)
	}
	if _, err := calendar.Parse(meant); err != nil {
		t.Errorf("the hint at %q is no when itself: %v", meant, err)
	}
}

func TestWhatHasAPlaceOfItsOwnIsToldWhere(t *testing.T) {
	for _, c := range []struct{ written, text, problem, allowed string }{
		{"every weekday at 9 except holidays", "except holidays", "does not belong to a when", "the key except beside the when"},
		{"every 10 minutes except at noon", "except at noon", "does not belong to a when", "the key except beside the when"},
		{"every 5 minutes until 17:00", "until 17:00", "does not belong to a when", "the key not_after"},
		{"every day for 2 weeks", "for 2 weeks", "does not belong to a when", "the key not_after"},
		{"every day at 9 starting 2027-01-01", "every day at 9 starting 2027-01-01", "begins with a date", "the key not_before"},
		{"every 5m jitter 30s", "jitter 30s", "exact", "the key jitter"},
		{"0 9~17 * * *", "9~17", "exact", "the key jitter"},
		{"every 5-10 minutes", "5-10 minutes", "is not one length", "the key jitter"},
		{"daily at 09:00+02:00", "daily at 09:00+02:00", "ends with an offset from UTC", "the key timezone"},
		{"daily at 9 local time", "local time", "means something else on every host", "timezone in a file"},
		{"daily at 9 +01:00", "+01:00", "offsets know no daylight saving", "timezone in a file"},
		{"0 0 9 * * ? 2027", "0 0 9 * * ? 2027", "ends with a year", "the keys not_before and not_after"},
		{"0 0 9 * * mon-fri 2027", "0 0 9 * * mon-fri 2027", "ends with a year", "the keys not_before and not_after"},
		{"TZ=Europe/Paris 0 0 9 1-5 jan MON 2027-2030", "0 0 9 1-5 jan MON 2027-2030", "ends with a year", "the keys not_before and not_after"},
		{"0 0 9 * * mon 2027/2", "0 0 9 * * mon 2027/2", "ends with a year", "the keys not_before and not_after"},
		{"0 0 9 * * mon-fri *", "0 0 9 * * mon-fri *", "has 7 fields", `did you mean "0 9 * * mon-fri"?`},
		{"0 9 * * mon report 2027", "report 2027", "stands behind the when", "in the key run beside it"},
		{"0 9 * * * /usr/bin/backup --all", "/usr/bin/backup --all", "as a command does in a crontab", `the key run beside it; did you mean "0 9 * * *"?`},
		{"@daily root /usr/bin/backup", "root /usr/bin/backup", "as a command does in a crontab", `the key run beside it; did you mean "@daily"?`},
		{"@reboot", "@reboot", "is no instant of a calendar", "punctual schedules trigger KEY"},
		{"after backup", "after backup", "is no instant of a calendar", "punctual schedules trigger KEY"},
		{"never", "never", "names no instant", "punctual schedules pause KEY"},
		{"now", "now", "says no date", "punctual schedules trigger KEY"},
		{"asap", "asap", "names no instant", "punctual schedules trigger KEY"},
		{"always", "always", "does not say how often", "every 1s"},
		{"once on dec 25", "once on dec 25", "says no year", "0 9 25 dec *"},
		{"daily from 9 to 17", "daily from 9 to 17", "not how often", "0 9-17 * * *"},
		{"every 7 minutes on weekdays", "every 7 minutes on weekdays", "counts on through days and hours", "*/10 9-16 * * mon-fri"},
		{"every half hour between 8:30 and 17:00", "every half hour between 8:30 and 17:00", "more than one when", `["30 8 * * *", "*/30 9-16 * * *"]`},
		{"monday at 9 and friday at 17", "monday at 9 and friday at 17", "holds more than one when", `["weekly on mon at 09:00", "weekly on fri at 17:00"]`},
		{"weekdays at 9, weekends at 11", "weekdays at 9, weekends at 11", "holds more than one when", `["weekdays at 09:00", "weekly on sat, sun at 11:00"]`},
		{"10 times a day", "10 times a day", "does not part a day", "every 2h"},
		{"every friday the 13th", "every friday the 13th", "at once", "0 9 13 * *"},
		{"sunday at 25:00", "25:00", "is no time of day", "from 00:00 to 23:59:59"},
		{"0 9 31 2 *", "31", "never comes", "0 9 L 2 *"},
		{"TZ=Europe/Paris  every 5m jitter 30s", "jitter 30s", "exact", "the key jitter"},
	} {
		_, err := calendar.Parse(c.written)
		fault, ok := err.(*calendar.Error)
		if !ok {
			t.Errorf("%q: %v", c.written, err)
			continue
		}
		if fault.Text != c.text || !strings.Contains(fault.Problem, c.problem) || !strings.Contains(fault.Allowed, c.allowed) {
			t.Errorf("%q: %v; want it to say %q of %q, and %q", c.written, fault, c.problem, c.text, c.allowed)
		}
		if !strings.HasPrefix(c.written[fault.Offset:], fault.Text) {
			t.Errorf("%q: %q is not at %d", c.written, fault.Text, fault.Offset)
		}
	}
}

func TestWhatMayMeanTwoThingsIsAnsweredWithBoth(t *testing.T) {
	for _, c := range []struct{ written, first, second string }{
		{"every 5", "every 5s", "every 5m"},
		{"300", "every 300s", "every 300m"},
		{"every 1:30", "every 90m", "daily at 01:30"},
		{"once at 01/02/2027", "once at 2027-01-02T00:00", "once at 2027-02-01T00:00"},
		{"01/02/2027 9pm", "once at 2027-01-02T21:00", "once at 2027-02-01T21:00"},
		{"bimonthly", "0 0 1 */2 *", "monthly on 1, 15 at 00:00"},
	} {
		mustOfferBoth(t, c.written, c.first, c.second)
	}
}

// quotes finds what an error puts in quotes.
var quotes = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

func TestEveryHintIsAWhen(t *testing.T) {
	pieces := strings.Split(`every each daily hourly weekly monthly once at on the of and or to from between until except but not in , - / : * */5 0 1 2 5 9 10 12 17 24 30 60 90 9am 5pm 9:00 17:30 24:00 `+
		`noon midnight :15 m s h min minutes hours days weeks months year quarter mon tue friday sundays weekdays weekends mon-fri first last 2nd third 15th day month january feb `+
		`half past quarter past hour twice times a per other second next tomorrow UTC Europe/Berlin EST @daily @every TZ=UTC FREQ=DAILY PT5M 2027-01-01 01/02/2027 L ? # ; ( ) "`, " ")
	random := rand.New(rand.NewPCG(1, 2))
	hints := 0
	for range 3_000 {
		var words []string
		for range 1 + random.IntN(7) {
			words = append(words, pieces[random.IntN(len(pieces))])
		}
		written := strings.Join(words, " ")
		_, err := calendar.Parse(written)
		fault, ok := err.(*calendar.Error)
		if !ok {
			continue
		}
		if !strings.HasPrefix(fault.Expression[fault.Offset:], fault.Text) {
			t.Errorf("%q: %q is not at %d", written, fault.Text, fault.Offset)
		}
		_, told, ok := strings.Cut(fault.Allowed, "; did you mean ")
		if !ok {
			continue
		}
		for _, hint := range quotes.FindAllString(told, -1) {
			hints++
			plain, err := strconv.Unquote(hint)
			if err != nil {
				t.Errorf("%q: the hint %s: %v", written, hint, err)
			}
			if _, err := calendar.Parse(plain); err != nil {
				t.Errorf("%q: the hint at %q is no when itself: %v", written, plain, err)
			}
		}
	}
	if hints < 200 {
		t.Errorf("only %d hints", hints)
	}
}

package calendar

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// canonicalForms lists what users write with its canonical form and its
// description, which ends in the zone.
var canonicalForms = []struct{ written, canonical, description string }{
	{"every 5s", "every 5s", "Every 5 seconds"},
	{"EVERY 90m", "every 90m", "Every 90 minutes"},
	{"every 10 minutes", "every 10m", "Every 10 minutes"},
	{"every minute", "every 1m", "Every minute"},
	{"every 1 hour 30 minutes", "every 90m", "Every 90 minutes"},
	{"every 1d", "every 1d", "Every day of 24 hours"},
	{"every 2 weeks", "every 14d", "Every 14 days of 24 hours"},
	{"every 250ms", "every 250ms", "Every 250 milliseconds"},
	{"every 2h from 2027-01-01T01:00:00+01:00", "every 2h from 2027-01-01T00:00:00Z", "Every 2 hours, counted from 2027-01-01T00:00:00Z"},
	{"@every 1h30m", "every 90m", "Every 90 minutes"},
	{"@EVERY 5m", "every 5m", "Every 5 minutes"},

	{"hourly at :20", "hourly at :20", "Every hour at :20"},
	{"hourly at :40, :20,:20", "hourly at :20, :40", "Every hour at :20 and :40"},
	{"daily at 9:00", "daily at 09:00", "Every day at 09:00"},
	{"  Daily  at 20:00,08:00 , 14:00:30 ", "daily at 08:00, 14:00:30, 20:00", "Every day at 08:00, 14:00:30 and 20:00"},
	{"weekdays at 09:00", "weekdays at 09:00", "Every weekday at 09:00"},
	{"weekly on FRI, mon at 07:30", "weekly on mon, fri at 07:30", "Every Monday and Friday at 07:30"},
	{"every 2 weeks on mon at 09:00 from 2026-11-23", "every 2 weeks on mon at 09:00 from 2026-11-23", "Every 2 weeks on Monday at 09:00, counted from the week of 2026-11-23"},
	{"every 2w on mon at 09:00", "every 2 weeks on mon at 09:00", "Every 2 weeks on Monday at 09:00, counted from the week of 1970-01-01"},
	{"monthly on last, 15, 1 at 00:05", "monthly on 1, 15, last at 00:05", "On the 1st, the 15th and the last day of every month at 00:05"},
	{"once at 2027-01-01T09:00:00Z", "once at 2027-01-01T09:00:00Z", "Once at 2027-01-01T09:00:00Z"},
	{"once at 2027-01-01T10:00+01:00", "once at 2027-01-01T09:00:00Z", "Once at 2027-01-01T09:00:00Z"},
	{"once at 2027-01-01 09:00", "once at 2027-01-01T09:00:00", "Once at 2027-01-01 09:00"},

	{"*/5 * * * *", "*/5 * * * *", "Every 5 minutes"},
	{"0-59/5 * * * *", "*/5 * * * *", "Every 5 minutes"},
	{"0 9 * * MON-FRI", "0 9 * * mon-fri", "Every weekday at 09:00"},
	{"0 9 * * 1-5", "0 9 * * mon-fri", "Every weekday at 09:00"},
	{"0 9 ? * fri-mon", "0 9 * * mon,fri-sun", "Every Monday, Friday, Saturday and Sunday at 09:00"},
	{"0 9 * * 5-7", "0 9 * * fri-sun", "Every Friday, Saturday and Sunday at 09:00"},
	{"0 9 * * 0-7", "0 9 * * *", "Every day at 09:00"},
	{"0 9 * * 7", "0 9 * * sun", "Every Sunday at 09:00"},
	{"0 9 * * 7-2", "0 9 * * mon,tue,sun", "Every Monday, Tuesday and Sunday at 09:00"},
	{"0 22-2 * * *", "0 0-2,22,23 * * *", "Every day at 00:00, 01:00, 02:00, 22:00 and 23:00"},
	{"0 0 1 nov-feb *", "0 0 1 1,2,11,12 *", "On the 1st of January, February, November and December at 00:00"},
	{"30 0-23/2 * * *", "30 0-22/2 * * *", "Every 2nd hour at :30"},
	{"30 */2 * * *", "30 */2 * * *", "Every 2nd hour at :30"},
	{"30 0-23 * * *", "30 * * * *", "Every hour at :30"},
	{"30 0/1 * * *", "30 * * * *", "Every hour at :30"},
	{"20/10 4 * * *", "20-50/10 4 * * *", "Every day at 04:20, 04:30, 04:40 and 04:50"},
	{"*/15 9-17 * * mon-fri", "*/15 9-17 * * mon-fri", "Every 15 minutes from 09:00 to 17:59 every weekday"},
	{"0 0 0 * * *", "0 0 * * *", "Every day at 00:00"},
	{"*/10 * * * * *", "*/10 * * * * *", "Every 10 seconds"},
	{"* * * * * *", "* * * * * *", "Every second"},
	{"*/10 30 2 * * *", "*/10 30 2 * * *", "Every day at 02:30, 02:30:10, 02:30:20, 02:30:30, 02:30:40 and 02:30:50"},
	{"0 0 13 * fri", "0 0 13 * fri", "On the 13th of every month, and on every Friday at 00:00"},
	{"0 0 13-13 * *", "0 0 13 * *", "On the 13th of every month at 00:00"},
	{"0 0 */2 * mon", "0 0 */2 * mon", ""},
	{"0 0 */2,4,3 * mon", "0 0 */2,4 * mon", ""},
	{"0 0 1-31 * mon", "0 0 1-31 * mon", "Every day at 00:00"},
	{"0 0 1-31 * *", "0 0 * * *", "Every day at 00:00"},
	{"0 0 *,15 * mon", "0 0 * * mon", "Every Monday at 00:00"},
	{"0 0 l * *", "0 0 L * *", "On the last day of every month at 00:00"},
	{"0 0 1,L-3,15w,LW,l-2W * *", "0 0 1,15W,L-3,LW,L-2W * *", ""},
	{"0 0 * * 5#2", "0 0 * * fri#2", "Every 2nd Friday of every month at 00:00"},
	{"0 0 * * friL,5l,fri#L", "0 0 * * friL", "Every last Friday of every month at 00:00"},
	{"0 0 * * mon,7#1", "0 0 * * mon,sun#1", "Every Monday and 1st Sunday of every month at 00:00"},
	{"0 0 29 2 *", "0 0 29 2 *", "On the 29th of February at 00:00"},
	{"@hourly", "0 * * * *", "Every hour at :00"},
	{"@Daily", "0 0 * * *", "Every day at 00:00"},
	{"@midnight", "0 0 * * *", "Every day at 00:00"},
	{"@weekly", "0 0 * * sun", "Every Sunday at 00:00"},
	{"@monthly", "0 0 1 * *", "On the 1st of every month at 00:00"},
	{"@YEARLY", "0 0 1 1 *", "On the 1st of January at 00:00"},
	{"TZ=UTC 0 9 * * *", "TZ=UTC 0 9 * * *", "Every day at 09:00"},
	{"@annually", "0 0 1 1 *", "On the 1st of January at 00:00"},
}

func TestWhatIsWrittenHasOneCanonicalForm(t *testing.T) {
	for _, f := range canonicalForms {
		spec, err := Parse(f.written)
		if err != nil {
			t.Errorf("%q: %v", f.written, err)
			continue
		}
		if got := spec.String(); got != f.canonical {
			t.Errorf("%q is written %q, not %q", f.written, got, f.canonical)
		}
		if again, err := Parse(spec.String()); err != nil || again.String() != spec.String() {
			t.Errorf("%q reads as %v, %v", spec, again, err)
		}
		if got := spec.Describe(); f.description != "" && got != f.description+", UTC" {
			t.Errorf("%q is described as %q, not %q", f.written, got, f.description)
		}
	}
}

func TestMistakesAreNamed(t *testing.T) {
	for _, m := range []struct{ written, field, text, says string }{
		{"", "expression", "", "empty"},
		{"   ", "expression", "", "empty"},
		{"* * * *", "expression", "* * * *", "4 fields"},
		{"* * * * * * *", "expression", "* * * * * * *", "7 fields"},
		{"0", "expression", "0", "1 field"},
		{"soon at 9", "expression", "soon", "every, hourly"},
		{"tomorrow at 9", "once", "tomorrow at 9", "once at 2027-01-01T09:00"},
		{"60 * * * *", "minute", "60", "0–59"},
		{"* 24 * * *", "hour", "24", "0–23"},
		{"60 * * * * *", "second", "60", "0–59"},
		{"0 0 0 * *", "day of month", "0", "1–31"},
		{"0 0 32 * *", "day of month", "32", "1–31"},
		{"0 0 * 13 *", "month", "13", "1–12"},
		{"0 0 * 0 *", "month", "0", "1–12"},
		{"0 0 * * 8", "day of week", "8", "0–7"},
		{"0 0 * foo *", "month", "foo", "jan–dec"},
		{"0 0 * * monday", "day of week", "monday", "sun–sat"},
		{"*/0 * * * *", "minute", "*/0", "1 to 60"},
		{"*/61 * * * *", "minute", "*/61", "1 to 60"},
		{"0 */25 * * *", "hour", "*/25", "1 to 24"},
		{"0 0 * * */8", "day of week", "*/8", "1 to 7"},
		{"*/ * * * *", "minute", "*/", "step"},
		{"*/2/3 * * * *", "minute", "*/2/3", "step"},
		{"*/-1 * * * *", "minute", "*/-1", "step"},
		{"1,,2 * * * *", "minute", "", "empty item"},
		{", * * * *", "minute", "", "empty item"},
		{"1, * * * *", "minute", "", "empty item"},
		{"-1 * * * *", "minute", "-1", "lacks a number"},
		{"+1 * * * *", "minute", "+1", "not understood"},
		{"1- * * * *", "minute", "1-", "lacks a number"},
		{"1-2-3 * * * *", "minute", "1-2-3", "not understood"},
		{"1.5 * * * *", "minute", "1.5", "not understood"},
		{"1e3 * * * *", "minute", "1e3", "not understood"},
		{"99999999999999999999 * * * *", "minute", "99999999999999999999", "out of range"},
		{"٣ * * * *", "expression", "٣", "ASCII"},
		{"0\u00a09 * * *", "expression", "\u00a0", "is a space that is not plain"},
		{"every\u200b 5s", "expression", "\u200b", "is a character that nobody sees"},
		{"0 9\n* * *", "expression", "\n", "control character"},
		{"\xff", "expression", "\xff", "ASCII"},
		{"H * * * *", "minute", "H", "jitter"},
		{"0 0 30 2 *", "day of month", "30", "never"},
		{"0 0 31 2,4,6,9,11 *", "day of month", "31", "never"},
		{"0 0 31W 4 *", "day of month", "31W", "never"},
		{"0 0 L-30 2 *", "day of month", "L-30", "never"},
		{"0 0 32W * *", "day of month", "32W", "1 to 31"},
		{"0 0 W * *", "day of month", "W", "1 to 31"},
		{"0 0 L-0 * *", "day of month", "L-0", "L-30"},
		{"0 0 L-31 * *", "day of month", "L-31", "L-30"},
		{"0 0 L3 * *", "day of month", "L3", "L-30"},
		{"0 0 * * 5#6", "day of week", "5#6", "#5"},
		{"0 0 * * 5#0", "day of week", "5#0", "#5"},
		{"0 0 * * #2", "day of week", "#2", "name a day"},
		{"0 0 * * L", "day of week", "L", "friL"},
		{"@reboot", "expression", "@reboot", "schedules trigger"},
		{"@daily 5", "expression", "5", "too much"},
		{"@", "expression", "@", "@hourly"},
		{"every", "interval", "", "no length"},
		{"every 0s", "interval", "0s", "too short"},
		{"every 99ms", "interval", "99ms", "100ms"},
		{"every 1500ms", "interval", "1500ms", "whole seconds"},
		{"every 1.5s", "interval", "1.5s", "whole numbers"},
		{"every -5s", "interval", "-5s", "whole numbers"},
		{"every 5", "interval", "5", "no unit"},
		{"every 5 parsecs", "interval", "5 parsecs", "not understood"},
		{"every 1 month", "interval", "1 month", "monthly"},
		{"every 9999999999s", "interval", "9999999999s", "too long"},
		{"every 200000d", "interval", "200000d", "100 years"},
		{"every 5m at 09:00", "time", "at", "daily at"},
		{"every 5m from yesterday", "from", "yesterday", "2027-01-01"},
		{"every 2 weeks on mon at 09:00 from now", "from", "now", "2026-11-23"},
		{"every 0 weeks on mon at 09:00", "interval", "0", "1 to 1000"},
		{"hourly", "expression", "", `"at" is missing`},
		{"hourly at 20", "minute", "20", ":20"},
		{"hourly at :60", "minute", ":60", ":20"},
		{"daily", "expression", "", `"at" is missing`},
		{"daily at", "time", "", "missing"},
		{"daily at 24:00", "time", "24:00", "23:59"},
		{"daily at 9", "time", "9", "09:00"},
		{"daily at 09:00,", "time", "", "missing"},
		{"daily at 09:00, , 10:00", "time", ",", "missing"},
		{"daily at 09:00 10:00", "expression", "10:00", "comma"},
		{"weekly at 09:00", "expression", "at", `"on" is missing`},
		{"weekly on 1 at 09:00", "day of week", "1", "mon"},
		{"monthly on 0 at 09:00", "day of month", "0", "1 to 31"},
		{"monthly on 32 at 09:00", "day of month", "32", "1 to 31"},
		{"once at 2027-02-29T09:00:00Z", "once", "2027-02-29T09:00:00Z", "2027-01-01T09:00"},
		{"once at 2027-01-01", "once", "2027-01-01", "2027-01-01T09:00"},
		{"once at 2027-01-01T09:00:00.5Z", "once", "2027-01-01T09:00:00.5Z", "2027-01-01T09:00"},
		{"TZ= 0 9 * * *", "zone", "", "empty"},
		{"TZ=Local 0 9 * * *", "zone", "Local", "every host"},
		{"TZ=EST 0 9 * * *", "zone", "EST", "America/New_York"},
		{"TZ=cest 0 9 * * *", "zone", "cest", "Europe/Berlin"},
		{"TZ=../../etc/passwd 0 9 * * *", "zone", "../../etc/passwd", "not a zone name"},
		{"TZ=/etc/localtime 0 9 * * *", "zone", "/etc/localtime", "not a zone name"},
		{"TZ=europe/paris 0 9 * * *", "zone", "europe/paris", "did you mean Europe/Paris"},
		{"TZ=Berlin 0 9 * * *", "zone", "Berlin", "did you mean Europe/Berlin"},
		{"TZ=Mars/Olympus 0 9 * * *", "zone", "Mars/Olympus", "tzdata"},
		{"TZ=UTC", "expression", "", "empty"},
		{strings.Repeat("1,", 10_000) + "1 * * * *", "expression", strings.Repeat("1,", 10_000) + "1 * * * *", "too long"},
	} {
		_, err := Parse(m.written)
		fault, ok := errors.AsType[*Error](err)
		if !ok {
			t.Errorf("%q: the error is %v", shortened(m.written), err)
			continue
		}
		if fault.Field != m.field || fault.Text != m.text {
			t.Errorf("%q: the error names %s %q, not %s %q", shortened(m.written), fault.Field, fault.Text, m.field, m.text)
		}
		if !strings.Contains(fault.Error(), m.says) {
			t.Errorf("%q: %q does not say %q", shortened(m.written), fault, m.says)
		}
		if fault.Expression != "" && !strings.HasPrefix(fault.Expression[fault.Offset:], fault.Text) {
			t.Errorf("%q: %q is not at %d", shortened(m.written), fault.Text, fault.Offset)
		}
	}
}

func TestAWhenThatContradictsItselfIsRefused(t *testing.T) {
	at := func(text string) time.Time {
		i, err := ParseInstant(text, "UTC")
		if err != nil {
			t.Fatal(err)
		}
		return i
	}
	for _, c := range []struct {
		name, says string
		when       When
	}{
		{"nothing", "empty", When{}},
		{"two prefixes", "does not agree", When{Expressions: []string{"TZ=Europe/Paris 0 9 * * *", "CRON_TZ=Asia/Tokyo 0 9 * * *"}}},
		{"prefix and zone", "does not agree", When{Expressions: []string{"TZ=Europe/Paris 0 9 * * *"}, Zone: "UTC"}},
		{"bounds", "before not_before", When{Expressions: []string{"@daily"}, NotBefore: at("2027-01-02"), NotAfter: at("2027-01-01")}},
		{"nothing between the bounds", "never occurs", When{Expressions: []string{"0 0 29 2 *"}, NotBefore: at("2029-01-01"), NotAfter: at("2031-01-01")}},
		{"its only date excepted", "never occurs", When{Expressions: []string{"once at 2027-01-01T09:00"}, Except: []Date{{2027, 1, 1}}}},
		{"a date that is none", "not a date", When{Expressions: []string{"@daily"}, Except: []Date{{2027, 2, 29}}}},
	} {
		if _, err := c.when.Parse(); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: the error is %v", c.name, err)
		}
	}
}

func TestAPrefixSetsTheZoneWhereNoneIsGiven(t *testing.T) {
	for _, w := range []When{
		{Expressions: []string{"TZ=Europe/Paris 0 9 * * *"}},
		{Expressions: []string{"  CRON_TZ=Europe/Paris daily at 09:00"}},
		{Expressions: []string{"TZ=Europe/Paris 0 9 * * *"}, Zone: "Europe/Paris"},
		{Expressions: []string{"0 9 * * *", "TZ=Europe/Paris 0 10 * * *"}},
	} {
		if spec, err := w.Parse(); err != nil || spec.Zone() != "Europe/Paris" {
			t.Errorf("%v: %v", w.Expressions, err)
		}
	}
	spec, err := Parse("CRON_TZ=Europe/Paris daily at 9:00")
	if err != nil || spec.String() != "TZ=Europe/Paris daily at 09:00" {
		t.Errorf("the canonical form is %q, %v", spec, err)
	}
	if parsed(t, "0 9 * * *", "").Zone() != "UTC" {
		t.Error("the zone is not UTC where none is given")
	}
}

package calendar

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func instantOf(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// nominals lists the first nominals of a when after an instant.
func nominals(t testing.TB, w When, after string, count int) string {
	t.Helper()
	spec, err := w.Parse()
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for n := range spec.All(instantOf(t, after)) {
		if len(list) == count {
			break
		}
		list = append(list, n.Format("2006-01-02T15:04:05.999"))
	}
	return strings.Join(list, " ")
}

func TestWhensYieldTheirInstants(t *testing.T) {
	for _, c := range []struct {
		name  string
		when  When
		after string
		want  string
	}{
		{"leap days are passed over in 2100", When{Expressions: []string{"0 0 29 2 *"}}, "2095-01-01T00:00:00Z", "2096-02-29T00:00:00 2104-02-29T00:00:00 2108-02-29T00:00:00"},
		{"a leap day on a Monday is rare", When{Expressions: []string{"0 0 29 2 */7,mon"}}, "2060-01-01T00:00:00Z", "2060-02-29T00:00:00 2072-02-29T00:00:00 2088-02-29T00:00:00"},
		{"intervals count from the epoch", When{Expressions: []string{"every 7m"}}, "1970-01-01T00:00:00Z", "1970-01-01T00:07:00 1970-01-01T00:14:00"},
		{"intervals count from their anchor, before it too", When{Expressions: []string{"every 1h from 2030-01-01T00:10:00Z"}}, "2026-01-01T00:00:00Z", "2026-01-01T00:10:00 2026-01-01T01:10:00"},
		{"intervals below a second have milliseconds", When{Expressions: []string{"every 400ms"}}, "2026-01-01T00:00:00.1Z", "2026-01-01T00:00:00.4 2026-01-01T00:00:00.8 2026-01-01T00:00:01.2"},
		{"a whole day of intervals is left out", When{Expressions: []string{"every 12h"}, Zone: "America/New_York", Except: []Date{{2026, 1, 2}}}, "2026-01-01T12:00:00Z", "2026-01-02T00:00:00 2026-01-03T12:00:00"},
		{"every two weeks counts Monday to Sunday", When{Expressions: []string{"every 2 weeks on mon, sun at 09:00 from 2026-11-25"}}, "2026-11-20T00:00:00Z", "2026-11-23T09:00:00 2026-11-29T09:00:00 2026-12-07T09:00:00 2026-12-13T09:00:00"},
		{"months without the day are passed over", When{Expressions: []string{"monthly on 31 at 00:00"}}, "2026-01-31T12:00:00Z", "2026-03-31T00:00:00 2026-05-31T00:00:00"},
		{"the last day is always there", When{Expressions: []string{"monthly on last at 00:00"}}, "2028-01-31T12:00:00Z", "2028-02-29T00:00:00 2028-03-31T00:00:00"},
		{"the nearest working day stays in its month", When{Expressions: []string{"0 0 1W,LW * *"}}, "2026-07-31T12:00:00Z", "2026-08-03T00:00:00 2026-08-31T00:00:00 2026-09-01T00:00:00"},
		{"the fifth Friday is in some months", When{Expressions: []string{"0 0 * * fri#5"}}, "2026-01-01T00:00:00Z", "2026-01-30T00:00:00 2026-05-29T00:00:00"},
		{"lists merge, and what coincides is one", When{Expressions: []string{"0 */6 * * *", "daily at 06:00, 07:00", "every 12h"}}, "2026-01-01T00:00:00Z", "2026-01-01T06:00:00 2026-01-01T07:00:00 2026-01-01T12:00:00 2026-01-01T18:00:00"},
		{"bounds are inclusive", When{Expressions: []string{"@hourly"}, NotBefore: time.Date(2026, 1, 1, 2, 0, 0, 0, time.UTC), NotAfter: time.Date(2026, 1, 1, 3, 0, 0, 0, time.UTC)}, "2025-01-01T00:00:00Z", "2026-01-01T02:00:00 2026-01-01T03:00:00"},
		{"exceptions go by the date asked for, not the one moved to", When{Expressions: []string{"0 9 * * fri,sat"}, Zone: "Pacific/Apia", Except: []Date{{2011, 12, 30}}}, "2011-12-25T00:00:00Z", "2011-12-30T19:00:00 2012-01-05T19:00:00"},
		{"a once in a gap is moved", When{Expressions: []string{"once at 2026-03-08T02:30"}, Zone: "America/New_York"}, "2026-01-01T00:00:00Z", "2026-03-08T07:00:00"},
		{"a once in an overlap is the first pass", When{Expressions: []string{"once at 2026-11-01T01:30"}, Zone: "America/New_York"}, "2026-01-01T00:00:00Z", "2026-11-01T05:30:00"},
		{"hourly at flows", When{Expressions: []string{"hourly at :30"}, Zone: "America/New_York"}, "2026-11-01T05:00:00Z", "2026-11-01T05:30:00 2026-11-01T06:30:00 2026-11-01T07:30:00"},
		{"phrases are kept once", When{Expressions: []string{"daily at 01:30"}, Zone: "America/New_York"}, "2026-11-01T05:00:00Z", "2026-11-01T05:30:00 2026-11-02T06:30:00"},
		{"what was decided is not run again", When{Expressions: []string{"daily at 09:00"}, Zone: "Europe/Paris", AfterLocal: LocalTime{Date{2026, 1, 2}, 9, 0, 0}}, "2026-01-01T00:00:00Z", "2026-01-03T08:00:00 2026-01-04T08:00:00 2026-01-05T08:00:00"},
		{"what was decided does not hold up intervals", When{Expressions: []string{"every 12h"}, Zone: "Europe/Paris", AfterLocal: LocalTime{Date{2026, 1, 2}, 9, 0, 0}}, "2026-01-01T00:00:00Z", "2026-01-01T12:00:00 2026-01-02T00:00:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := nominals(t, c.when, c.after, 1+strings.Count(c.want, " ")); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestAWhenThatEndsSaysSo(t *testing.T) {
	spec := parsed(t, "once at 2027-01-01T09:00:00Z", "UTC")
	if _, ok := spec.Next(instantOf(t, "2027-01-01T09:00:00Z")); ok {
		t.Error("a once comes again")
	}
	if at, ok := spec.Once(); !ok || !at.Equal(instantOf(t, "2027-01-01T09:00:00Z")) {
		t.Errorf("the once is at %v", at)
	}
	if at, ok := parsed(t, "once at 2026-03-08T02:30", "America/New_York").Once(); !ok || !at.Equal(instantOf(t, "2026-03-08T07:00:00Z")) {
		t.Errorf("the local once is at %v", at)
	}
	if _, ok := parsed(t, "daily at 09:00", "UTC").Once(); ok {
		t.Error("daily is a once")
	}
}

func TestBetweenIsBounded(t *testing.T) {
	spec := parsed(t, "* * * * *", "UTC")
	from := instantOf(t, "2026-01-01T00:00:00Z")
	if got := spec.Between(from, from.Add(time.Hour), 1000); len(got) != 60 || !got[59].Equal(from.Add(time.Hour)) {
		t.Errorf("an hour has %d minutes", len(got))
	}
	if got := spec.Between(from, from.Add(time.Hour), 3); len(got) != 3 {
		t.Errorf("the limit is 3, not %d", len(got))
	}
	if got := spec.Between(from, from, 3); got != nil {
		t.Errorf("nothing is between an instant and itself, but %v", got)
	}
}

func TestTheLocalReadingIsTheOneAskedFor(t *testing.T) {
	for _, c := range []struct{ expression, zone, nominal, want string }{
		{"30 2 * * *", "America/New_York", "2026-03-08T07:00:00Z", "2026-03-08T02:30:00"},
		{"0 2,3 * * *", "America/New_York", "2026-03-08T07:00:00Z", "2026-03-08T03:00:00"},
		{"30 1 * * *", "America/New_York", "2026-11-01T05:30:00Z", "2026-11-01T01:30:00"},
		{"30 * * * *", "America/New_York", "2026-11-01T06:30:00Z", "2026-11-01T01:30:00"},
		{"0 9 * * fri", "Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-30T09:00:00"},
		{"every 5m", "Europe/Paris", "2026-03-08T07:00:00Z", ""},
		{"daily at 09:00", "UTC", "2026-03-08T08:00:00Z", ""},
	} {
		spec := parsed(t, c.expression, c.zone)
		got, _ := spec.LocalReading(instantOf(t, c.nominal)).MarshalText()
		if string(got) != c.want {
			t.Errorf("%q at %s reads %q, not %q", c.expression, c.nominal, got, c.want)
		}
	}
}

func TestChangesSayWhatTransitionsDo(t *testing.T) {
	for _, c := range []struct {
		name        string
		expressions []string
		zone, from  string
		want        []string // kind, reading, instant
	}{
		{"moved", []string{"30 2 * * *"}, "America/New_York", "2026-03-07T12:00:00Z", []string{"moved 2026-03-08T02:30:00 2026-03-08T07:00:00Z"}},
		{"merged in the gap", []string{"0,30 2 * * *"}, "America/New_York", "2026-03-07T12:00:00Z", []string{"merged 2026-03-08T02:00:00 2026-03-08T07:00:00Z", "merged 2026-03-08T02:30:00 2026-03-08T07:00:00Z"}},
		{"merged with the end of the gap", []string{"0 2,3 * * *"}, "America/New_York", "2026-03-07T12:00:00Z", []string{"merged 2026-03-08T02:00:00 2026-03-08T07:00:00Z"}},
		{"merged with another expression", []string{"30 2 * * *", "every 1h"}, "America/New_York", "2026-03-07T12:00:00Z", []string{"merged 2026-03-08T02:30:00 2026-03-08T07:00:00Z"}},
		{"removed", []string{"15 * * * *"}, "America/New_York", "2026-03-07T12:00:00Z", []string{"removed 2026-03-08T02:15:00 2026-03-08T07:00:00Z"}},
		{"repeated", []string{"15 * * * *"}, "America/New_York", "2026-10-31T12:00:00Z", []string{"repeated 2026-11-01T01:15:00 2026-11-01T06:15:00Z"}},
		{"only once", []string{"15 1 * * *"}, "America/New_York", "2026-10-31T12:00:00Z", []string{"once 2026-11-01T01:15:00 2026-11-01T05:15:00Z"}},
		{"a day that does not exist", []string{"0 9 * * fri"}, "Pacific/Apia", "2011-12-29T12:00:00Z", []string{"moved 2011-12-30T09:00:00 2011-12-30T10:00:00Z"}},
		{"intervals", []string{"every 1m"}, "America/New_York", "2026-03-07T12:00:00Z", nil},
		{"half an hour", []string{"15 2 * * *"}, "Australia/Lord_Howe", "2026-10-03T00:00:00Z", []string{"moved 2026-10-04T02:15:00 2026-10-03T15:30:00Z"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			spec, err := When{Expressions: c.expressions, Zone: c.zone}.Parse()
			if err != nil {
				t.Fatal(err)
			}
			from := instantOf(t, c.from)
			var got []string
			for _, change := range spec.Changes(from, from.Add(24*time.Hour), 100) {
				got = append(got, string(change.Kind)+" "+change.Reading.String()+" "+change.Instant.Format(time.RFC3339))
				if !strings.HasSuffix(change.Why, ".") {
					t.Errorf("%q is no sentence", change.Why)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestAdviceNamesHazards(t *testing.T) {
	for _, c := range []struct{ expression, says string }{
		{"every 1d", "daily at"},
		{"every 2 weeks", "every 2 weeks on mon"},
		{"0 0 13 * fri", "only one of them"},
		{"0 0 */2 * mon", "match both"},
		{"0 0 1-31 * mon", "only one of them"},
		{"*/7 * * * *", "4 later instead of 7"},
		{"* 9 * * *", "each minute"},
		{"0 0 31 * *", "write L"},
		{"monthly on 30 at 09:00", "last"},
		{"every 2 weeks on mon at 09:00", "from"},
		{"0 9 * * mon-fri", ""},
		{"*/5 * * * *", ""},
		{"*/10 * * * * *", ""},
		{"monthly on 1, 31, last at 09:00", ""},
		{"every 5m", ""},
	} {
		advice := strings.Join(parsed(t, c.expression, "").Advice(), " ")
		if (c.says == "") != (advice == "") || !strings.Contains(advice, c.says) {
			t.Errorf("%q: the advice is %q", c.expression, advice)
		}
	}
}

func TestDatesAndLocalTimesAreText(t *testing.T) {
	type both struct {
		D Date
		L LocalTime
		E []Date
	}
	want := both{Date{2026, 12, 25}, LocalTime{Date{2026, 11, 1}, 1, 30, 0}, []Date{{2026, 1, 1}}}
	text, err := json.Marshal(want)
	if err != nil || string(text) != `{"D":"2026-12-25","L":"2026-11-01T01:30:00","E":["2026-01-01"]}` {
		t.Fatalf("%s, %v", text, err)
	}
	var got both
	if err := json.Unmarshal(text, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	if err := json.Unmarshal([]byte(`{"D":"2026-02-29"}`), &got); err == nil {
		t.Error("2026-02-29 is a date")
	}
	if err := json.Unmarshal([]byte(`{"D":"","L":""}`), &got); err != nil || !got.D.IsZero() || !got.L.IsZero() {
		t.Errorf("nothing is not the zero value: %v, %v", got, err)
	}
	if want.L.Compare(LocalTime{Date: Date{2026, 11, 2}}) != -1 {
		t.Error("the 1st is not before the 2nd")
	}
}

func TestCountIsTheNumberOfNominals(t *testing.T) {
	for _, w := range []When{
		{Expressions: []string{"every 5s"}},
		{Expressions: []string{"every 7m"}, Zone: "America/St_Johns", Except: []Date{{2026, 11, 1}, {2026, 3, 8}, {2026, 5, 1}}},
		{Expressions: []string{"every 7m"}, Zone: "America/New_York", Except: []Date{{2026, 10, 31}, {2026, 11, 1}}},
		{Expressions: []string{"* * * * *"}, Zone: "Europe/Berlin"},
		{Expressions: []string{"*/10 30 2 * * *"}, Zone: "America/New_York", Except: []Date{{2026, 5, 1}}},
		{Expressions: []string{"*/20 * * * *", "every 7m", "daily at 02:30, 02:40"}, Zone: "Australia/Lord_Howe"},
		{Expressions: []string{"0 0 13 * fri"}, Zone: "Africa/Cairo", NotBefore: instantOf(t, "2026-03-13T00:00:00Z"), NotAfter: instantOf(t, "2026-10-01T00:00:00Z")},
		{Expressions: []string{"monthly on last at 00:00, 12:00"}, AfterLocal: LocalTime{Date{2026, 4, 30}, 0, 0, 0}},
		{Expressions: []string{"every 3 weeks on tue, sun at 09:00"}},
		{Expressions: []string{"once at 2026-06-01T00:00"}, Zone: "Asia/Tokyo"},
	} {
		spec, err := w.Parse()
		if err != nil {
			t.Fatal(err)
		}
		from, until := instantOf(t, "2026-01-01T12:34:56.7Z"), instantOf(t, "2026-12-24T01:02:03Z")
		want := len(spec.Between(from, until, 100_000_000))
		if got := spec.Count(from, until); got != want {
			t.Errorf("%v: Count is %d, not %d", spec, got, want)
		}
		if spec.Count(until, from) != 0 {
			t.Errorf("%v: an empty span has nominals", spec)
		}
	}
}

func TestCountIsFastOverMonthsOfSeconds(t *testing.T) {
	start := time.Now()
	spec := parsed(t, "* * * * * *", "Europe/Berlin")
	n := spec.Count(instantOf(t, "2026-01-01T00:00:00Z"), instantOf(t, "2126-01-01T00:00:00Z"))
	if want := 36524 * 24 * 60 * 60; n != want {
		t.Errorf("a century has %d seconds, not %d", n, want)
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("counting took %v", took)
	}
}

// TestExceptionsOfIntervalsEndWhereTheDateDoes goes through a midnight that
// comes twice: clocks went back from 00:01 to 23:01.
func TestExceptionsOfIntervalsEndWhereTheDateDoes(t *testing.T) {
	spec, err := When{Expressions: []string{"every 1m"}, Zone: "America/St_Johns", Except: []Date{{2009, 10, 31}}}.Parse()
	if err != nil {
		t.Fatal(err)
	}
	from := instantOf(t, "2009-10-30T00:00:00Z")
	all := spec.Between(from, from.Add(96*time.Hour), 10_000)
	for _, n := range all {
		if local := n.In(spec.Location()); local.Day() == 31 {
			t.Fatalf("%v is on the excluded date", local)
		}
	}
	if got := spec.Count(from, from.Add(96*time.Hour)); got != len(all) || got != 96*60-(24*60+59) {
		t.Errorf("Count is %d of %d", got, len(all))
	}
	back := from.Add(96*time.Hour + time.Nanosecond)
	for _, n := range slices.Backward(all) {
		if back, _ = spec.Prev(back); !back.Equal(n) {
			t.Fatalf("Prev is %v, not %v", back, n)
		}
	}
}

// TestIntervalsAloneAgreeWithIntervalsInAList compares the two ways in which
// intervals are computed, far ends of the calendar included.
func TestIntervalsAloneAgreeWithIntervalsInAList(t *testing.T) {
	for _, period := range []string{"1s", "2s", "3s", "5s", "7s", "59s", "60s", "86399s", "33554431s", "33554432s", "33554433s", "36525d", "100ms", "900ms"} {
		for _, from := range []string{"", " from 1969-12-31T23:59:59Z", " from 9999-12-31T23:59:59Z", " from 0001-01-01T00:00:01Z"} {
			expression := "every " + period + from
			alone := parsed(t, expression, "")
			list, err := When{Expressions: []string{expression, expression}}.Parse()
			if err != nil {
				t.Fatal(err)
			}
			for second := firstInstant / 1000; second < lastInstant/1000; second += 1_234_567_891 {
				for _, after := range []time.Time{time.Unix(second, 0), time.Unix(second, 1), time.Unix(second-second%60, 0), time.Unix(second, 999_999_999)} {
					a, aOK := alone.Next(after)
					b, bOK := list.Next(after)
					if aOK != bOK || !a.Equal(b) {
						t.Fatalf("%q after %v: %v %v and %v %v", expression, after, a, aOK, b, bOK)
					}
				}
			}
		}
	}
}

package calendar

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// goldenVectors are the promises of the contract: what a when yields on the
// local date of a transition.
var goldenVectors = []struct {
	zone, date, expression string
	from, until            string // UTC; the span asked about
	want                   string // UTC, month-day hour:minute; every nominal in the span
}{
	{"America/New_York", "2026-03-08", "30 2 * * *", "03-08 05:00", "03-09 04:00", "03-08 07:00"},
	{"America/New_York", "2026-03-08", "0 2,3 * * *", "03-08 05:00", "03-09 04:00", "03-08 07:00"},
	{"America/New_York", "2026-03-08", "0 2-4 * * *", "03-08 05:00", "03-09 04:00", "03-08 07:00, 03-08 08:00"},
	{"America/New_York", "2026-03-08", "*/15 2 * * *", "03-08 05:00", "03-09 04:00", "03-08 07:00"},
	{"America/New_York", "2026-03-08", "*/10 30 2 * * *", "03-08 05:00", "03-09 04:00", "03-08 07:00"},
	{"America/New_York", "2026-03-08", "30 0-23/2 * * *", "03-08 05:00", "03-08 09:00", "03-08 05:30, 03-08 07:00, 03-08 08:30"},
	{"America/New_York", "2026-03-08", "0 */2 * * *", "03-08 04:59", "03-08 12:00", "03-08 05:00, 03-08 08:00, 03-08 10:00, 03-08 12:00"},
	{"America/New_York", "2026-03-08", "15 * * * *", "03-08 05:00", "03-08 09:00", "03-08 05:15, 03-08 06:15, 03-08 07:15, 03-08 08:15"},
	{"America/New_York", "2026-11-01", "30 1 * * *", "11-01 04:00", "11-02 05:00", "11-01 05:30"},
	{"America/New_York", "2026-11-01", "0 1,2 * * *", "11-01 04:00", "11-02 05:00", "11-01 05:00, 11-01 07:00"},
	{"America/New_York", "2026-11-01", "*/30 * * * *", "11-01 04:30", "11-01 07:00", "11-01 05:00, 11-01 05:30, 11-01 06:00, 11-01 06:30, 11-01 07:00"},
	{"America/Santiago", "2026-09-06", "0 0 * * *", "09-05 04:30", "09-07 02:59", "09-06 04:00"},
	{"Africa/Cairo", "2026-04-24", "30 0 * * *", "04-22 23:00", "04-24 21:00", "04-23 22:00"},
	{"Australia/Lord_Howe", "2026-10-04", "15 2 * * *", "10-02 16:00", "10-04 15:00", "10-03 15:30"},
	{"Australia/Lord_Howe", "2026-04-05", "45 1 * * *", "04-03 15:00", "04-05 15:00", "04-04 14:45"},
	{"Pacific/Apia", "2011-12-31", "0 9 * * fri", "12-23 20:00", "01-05 00:00", "12-30 10:00"},
}

func TestGoldenVectors(t *testing.T) {
	for _, v := range goldenVectors {
		t.Run(v.zone+" "+v.date+" "+v.expression, func(t *testing.T) {
			spec, err := When{Expressions: []string{v.expression}, Zone: v.zone}.Parse()
			if err != nil {
				t.Fatal(err)
			}
			from, until := spanOfVector(t, v.date, v.from, v.until)
			all := spec.Between(from, until, 100)
			var got []string
			for _, n := range all {
				got = append(got, n.Format("01-02 15:04"))
			}
			if s := strings.Join(got, ", "); s != v.want {
				t.Errorf("got  %s\nwant %s", s, v.want)
			}
			// Whenever somebody begins to ask, as in the midst of a repeated hour.
			for at := from; at.Before(until); at = at.Add(5 * time.Minute) {
				left := slices.DeleteFunc(slices.Clone(all), func(n time.Time) bool { return !n.After(at) })
				if got := spec.Between(at, until, 100); !slices.EqualFunc(got, left, time.Time.Equal) {
					t.Fatalf("asked from %s on: got %s, want %s", at, got, left)
				}
			}
		})
	}
}

func spanOfVector(t *testing.T, date, from, until string) (time.Time, time.Time) {
	t.Helper()
	read := func(s string) time.Time {
		at, err := time.Parse("2006-01-02 15:04", date[:4]+"-"+s)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	a, b := read(from), read(until)
	if b.Before(a) {
		b = b.AddDate(1, 0, 0)
	}
	return a, b
}

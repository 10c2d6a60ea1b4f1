package schedule_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/schedule"
)

func planned(key, zone string, jitter time.Duration, when ...string) schedule.Declaration {
	return schedule.Declaration{Key: key, When: calendar.When{Expressions: when, Zone: zone}, Jitter: jitter}
}

var company = []schedule.Declaration{
	planned("backup", "", 0, "daily at 00:00"),
	planned("invoices", "", 0, "monthly on 1, last at 00:00"),
	planned("poll", "", 0, "every 5m"),
	planned("report", "Europe/Berlin", 0, "daily at 02:30"),
	planned("spread", "", 10*time.Minute, "hourly at :58"),
	planned("twice", "America/New_York", 0, "0 9 * * *", "30 14 * * fri"),
}

var (
	newYear  = time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	yearsEnd = time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC)
)

func forecast(t *testing.T, declared []schedule.Declaration, from, until time.Time) *schedule.Forecast {
	t.Helper()
	f, err := schedule.NewForecast(t.Context(), declared, from, until)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestAForecastCountsWhatTheOccurrencesListOneByOne(t *testing.T) {
	from := newYear.Add(-1234567 * time.Millisecond)
	f := forecast(t, company, from, yearsEnd)
	each := map[string]*schedule.ForecastSchedule{}
	seconds := map[int64]int{}
	hours := make([]int, len(f.Hours))
	total, before := 0, time.Time{}
	for d, n := range schedule.Occurrences(company, from, yearsEnd) {
		s := each[d.Key]
		if s == nil {
			s = &schedule.ForecastSchedule{Key: d.Key, First: n.At, Last: n.At}
			each[d.Key] = s
		}
		s.LongestGap = max(s.LongestGap, schedule.Duration(n.At.Sub(s.Last)))
		s.Last = n.At
		s.Occurrences++
		total++
		seconds[n.Due.Unix()]++
		hours[int(n.Due.Sub(from.Truncate(time.Hour))/time.Hour)]++
		if n.Due.Before(before) {
			t.Fatalf("%s is due at %s, after one of %s: they come in order of due", d.Key, n.Due, before)
		}
		before = n.Due
	}
	if f.Occurrences != total {
		t.Errorf("%d occurrences, but %d listed", f.Occurrences, total)
	}
	for _, s := range f.Schedules {
		s.When = ""
		if diff := cmp.Diff(*each[s.Key], s); diff != "" {
			t.Errorf("%s, listed one by one (-) and as forecast (+):\n%s", s.Key, diff)
		}
	}
	if !slices.Equal(f.Hours, hours) {
		t.Error("the jobs of each hour are not those listed")
	}
	for _, h := range f.Herds {
		if got := seconds[h.Most.Unix()]; got != h.Size || len(h.Schedules) != h.Size {
			t.Errorf("herd of %d at %s (%v): %d are listed then", h.Size, h.Most, h.Schedules, got)
		}
	}
	most := 0
	for _, n := range seconds {
		most = max(most, n)
	}
	if f.Herds[0].Size != most {
		t.Errorf("the largest herd has %d, but %d are due in one second", f.Herds[0].Size, most)
	}
}

func TestAForecastNamesTheHerds(t *testing.T) {
	f := forecast(t, company, newYear, yearsEnd)
	want := schedule.Herd{At: "00:00:00", Size: 3, Days: 365, Most: time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC), Schedules: []string{"backup", "invoices", "poll"}}
	if diff := cmp.Diff(want, f.Herds[0]); diff != "" {
		t.Errorf("the first herd (-want +got):\n%s", diff)
	}
}

func TestAForecastSaysWhatDaylightSavingDoes(t *testing.T) {
	f := forecast(t, company, newYear, yearsEnd)
	var got []string
	for _, c := range f.Changes {
		got = append(got, c.Key+" "+string(c.Kind)+" "+c.Local.String())
	}
	want := []string{"report moved 2027-03-28T02:30:00", "report once 2027-10-31T02:30:00"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

func TestAForecastLeavesOutWhatIsDisabled(t *testing.T) {
	off := planned("off", "", 0, "every 1s")
	off.Disabled = "enabled in production only"
	f := forecast(t, []schedule.Declaration{off}, newYear, yearsEnd)
	if f.Occurrences != 0 || len(f.Schedules) != 0 {
		t.Errorf("%d occurrences of %v, want none", f.Occurrences, f.Schedules)
	}
	for d := range schedule.Occurrences([]schedule.Declaration{off}, newYear, yearsEnd) {
		t.Fatalf("%s occurs", d.Key)
	}
}

func TestAForecastEndsWhenNobodyWaitsForItAnyMore(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := schedule.NewForecast(ctx, []schedule.Declaration{planned("busy", "", 0, "every 100ms")}, newYear, yearsEnd)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v, want that the context was cancelled", err)
	}
}

// A year of a hundred ordinary schedules.
func BenchmarkForecastOfAYear(b *testing.B) {
	var hundred []schedule.Declaration
	whens := []string{"every 5m", "daily at 09:00", "weekdays at 08:30", "*/15 * * * *", "hourly at :20", "0 0 1 * *", "every 2h", "every 1m", "weekly on mon at 07:00", "daily at 02:30"}
	for i := range 100 {
		hundred = append(hundred, planned("schedule-"+string(rune('a'+i%26))+string(rune('a'+i/26)), "Europe/Berlin", 0, whens[i%10]))
	}
	for b.Loop() {
		if _, err := schedule.NewForecast(b.Context(), hundred, newYear, yearsEnd); err != nil {
			b.Fatal(err)
		}
	}
}

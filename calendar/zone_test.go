package calendar

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestCivilDatesAgreeWithTheTimePackage(t *testing.T) {
	for day := dayNumber(1, 1, 1) - 400; day <= lastDay+400; day += 1 + day&7 {
		at := time.Unix(day*secondsPerDay, 0).UTC()
		year, month, dayOfMonth := civil(day)
		if y, m, d := at.Date(); year != y || month != int(m) || dayOfMonth != d {
			t.Fatalf("day %d is %d-%d-%d, not %v", day, year, month, dayOfMonth, at)
		}
		if dayNumber(year, month, dayOfMonth) != day || weekdayOf(day) != int(at.Weekday()) {
			t.Fatalf("day %d: number %d, weekday %d", day, dayNumber(year, month, dayOfMonth), weekdayOf(day))
		}
		if length := monthLength(year, month); length != time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day() {
			t.Fatalf("month %d-%d has %d days", year, month, length)
		}
	}
}

// TestWindowsAgreeWithTheTimePackage holds the tables against the time
// package in every zone, in years listed one by one, in years that follow a
// rule, and in those that are folded back into the table.
func TestWindowsAgreeWithTheTimePackage(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, name := range sortedZones() {
		z, err := loadZone(name)
		if err != nil {
			t.Fatal(err)
		}
		check := func(instant int64) {
			_, offset := time.Unix(instant, 0).In(z.location).Zone()
			if w := z.at(instant); w.offset != int64(offset) || instant < w.start || instant >= w.end {
				t.Errorf("%s at %v: offset %d, not %d", name, time.Unix(instant, 0).UTC(), w.offset, offset)
			}
		}
		for i := range z.windows {
			check(z.windows[i].end - 1)
			if i > 0 {
				check(z.windows[i].start)
				check(z.windows[i].start - 1)
			}
		}
		for range 300 {
			check(tableStart + r.Int64N(tableEnd-tableStart))
			check(firstDay*secondsPerDay + r.Int64N((lastDay-firstDay)*secondsPerDay))
		}
		check(tableEnd - 1)
		check(tableEnd)
		check(tableEnd + secondsPerCycle)
	}
}

// TestEveryTransitionOfTheTimePackageIsInTheTable finds them by asking for
// the offset every six hours.
func TestEveryTransitionOfTheTimePackageIsInTheTable(t *testing.T) {
	zones := []string{"America/New_York", "Africa/Casablanca", "Asia/Gaza", "Australia/Lord_Howe", "Antarctica/Troll", "Pacific/Apia"}
	for _, name := range zones {
		z, err := loadZone(name)
		if err != nil {
			t.Fatal(err)
		}
		for at := time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC).Unix(); at < time.Date(2110, 1, 1, 0, 0, 0, 0, time.UTC).Unix(); at += 6 * 3600 {
			if _, offset := time.Unix(at, 0).In(z.location).Zone(); z.at(at).offset != int64(offset) {
				t.Fatalf("%s at %v: offset %d, not %d", name, time.Unix(at, 0).UTC(), z.at(at).offset, offset)
			}
		}
	}
}

// TestNoPlaceJumpsOverLocalTimesAndThenGoesBackToThem shows that the rule "at
// the first instant at which clocks show it or a later one" never meets a
// local time that is jumped over first and shown afterwards.
func TestNoPlaceJumpsOverLocalTimesAndThenGoesBackToThem(t *testing.T) {
	for _, name := range sortedZones() {
		z, err := loadZone(name)
		if err != nil {
			t.Fatal(err)
		}
		for i := 1; i < len(z.windows); i++ {
			gapEnd, gapStart := z.windows[i].first(), z.windows[i-1].last()
			for j := i + 1; gapStart < gapEnd && j < len(z.windows) && z.windows[j].start < z.windows[i].start+3*secondsPerDay; j++ {
				if z.windows[j].first() < gapEnd {
					t.Logf("%s jumps over %v and shows it later", name, localTimeOf(gapStart))
					if z.windows[i].start > time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC).Unix() {
						t.Errorf("%s does so at %v", name, time.Unix(z.windows[i].start, 0).UTC())
					}
				}
			}
			for _, w := range z.windows {
				if w.offset > maxOffset || w.offset < -maxOffset {
					t.Fatalf("%s is %d seconds from UTC", name, w.offset)
				}
			}
		}
	}
}

func TestRulesGoOnBeyondTheTables(t *testing.T) {
	spec := parsed(t, "30 2 * * *", "America/New_York")
	for _, year := range []int{2030, 2200, 2600, 5000, 9998} {
		// The second Sunday of March.
		day := 8 + (7-int(time.Date(year, 3, 8, 0, 0, 0, 0, time.UTC).Weekday()))%7
		next, _ := spec.Next(time.Date(year, 3, day, 5, 0, 0, 0, time.UTC))
		if want := time.Date(year, 3, day, 7, 0, 0, 0, time.UTC); !next.Equal(want) {
			t.Errorf("in %d: %v, not %v", year, next, want)
		}
	}
}

func TestTheCalendarEndsWithTheYear9999(t *testing.T) {
	for _, expression := range []string{"every 5s", "* * * * *", "0 0 29 2 *", "daily at 09:00", "every 3 weeks on mon at 00:00"} {
		for _, zone := range []string{"UTC", "Pacific/Kiritimati", "America/New_York"} {
			spec := parsed(t, expression, zone)
			for _, after := range []time.Time{
				time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC),
				time.Unix(1<<62, 0), time.Date(292277026596, 1, 1, 0, 0, 0, 0, time.UTC),
			} {
				if next, ok := spec.Next(after); ok {
					t.Errorf("%q in %s: %v comes after %v", expression, zone, next, after)
				}
			}
			for _, before := range []time.Time{{}, time.Unix(-1<<62, 0), time.Date(-500, 1, 1, 0, 0, 0, 0, time.UTC)} {
				if prev, ok := spec.Prev(before); ok {
					t.Errorf("%q in %s: %v comes before %v", expression, zone, prev, before)
				}
				if next, ok := spec.Next(before); !ok || next.Year() > 8 {
					t.Errorf("%q in %s: %v comes after %v", expression, zone, next, before)
				}
			}
		}
	}
}

func TestEachZoneCanBeNamedAndAbbreviationsCannot(t *testing.T) {
	for _, name := range []string{"UTC", "Etc/GMT+5", "America/Argentina/Buenos_Aires", "GMT", "Japan"} {
		if _, err := loadZone(name); err != nil {
			t.Error(err)
		}
	}
	for name := range abbreviations {
		if _, err := loadZone(name); err == nil {
			t.Errorf("%s is a zone", name)
		}
	}
	if TZDataVersion() < "2025" || len(TZDataVersion()) != 5 {
		t.Errorf("the tzdata version is %q", TZDataVersion())
	}
}

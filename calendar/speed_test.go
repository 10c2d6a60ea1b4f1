package calendar

import (
	"testing"
	"time"
)

// speedLines are what make bench measures, beside other libraries.
var speedLines = []struct{ expression, zone string }{
	{"*/5 * * * *", "UTC"},
	{"0 0 * * *", "UTC"},
	{"0 9 * * mon-fri", "America/New_York"},
	{"0 0 29 2 *", "UTC"},
	{"30 2 * * *", "Europe/Berlin"},
	{"every 5s", "UTC"},
}

func parsed(t testing.TB, expression, zone string) *Spec {
	t.Helper()
	spec, err := When{Expressions: []string{expression}, Zone: zone}.Parse()
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

func TestNextAndPrevDoNotAllocate(t *testing.T) {
	lines := append(speedLines[:len(speedLines):len(speedLines)], []struct{ expression, zone string }{
		{"0 */2 * * *", "Australia/Lord_Howe"},
		{"monthly on 1, 15, last at 00:05, 12:00", "Africa/Cairo"},
		{"0 0 15W,L-3 * fri#L", "Pacific/Apia"},
		{"every 2 weeks on mon at 09:00", "Asia/Tokyo"},
	}...)
	for _, line := range lines {
		spec := parsed(t, line.expression, line.zone)
		at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
		allocations := testing.AllocsPerRun(1000, func() {
			at, _ = spec.Next(at)
			spec.Prev(at)
		})
		if allocations != 0 {
			t.Errorf("%q: Next and Prev allocate %v times", line.expression, allocations)
		}
	}
}

func BenchmarkNext(b *testing.B) {
	for _, line := range speedLines {
		b.Run(line.expression+" "+line.zone, func(b *testing.B) {
			spec := parsed(b, line.expression, line.zone)
			start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
			at := start
			b.ReportAllocs()
			for b.Loop() {
				at, _ = spec.Next(at)
				if at.Year() > 2040 {
					at = start
				}
			}
		})
	}
}

func BenchmarkFloor(b *testing.B) {
	for _, zone := range []string{"UTC", "America/New_York", "Europe/Berlin"} {
		b.Run(zone, func(b *testing.B) {
			z, err := loadZone(zone)
			if err != nil {
				b.Fatal(err)
			}
			at := time.Date(2026, 3, 1, 0, 0, 0, 0, z.location)
			for b.Loop() {
				year, month, day := at.Date()
				hour, minute, second := at.Clock()
				at = time.Date(year, month, day, hour, minute, second+1, 0, z.location)
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	for b.Loop() {
		if _, err := (When{Expressions: []string{"0 9 * * mon-fri"}, Zone: "America/New_York"}).Parse(); err != nil {
			b.Fatal(err)
		}
	}
}

package calendar

import (
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// proofCases is how many random cases the proof compares; PUNCTUAL_PROOF sets
// another number, say 5000000 for a long run.
func proofCases(t *testing.T, usual int) int {
	text := os.Getenv("PUNCTUAL_PROOF")
	if text == "" {
		if testing.Short() {
			return usual / 5
		}
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("PUNCTUAL_PROOF: %v", err)
	}
	return n
}

// proofSeed makes runs with PUNCTUAL_PROOF differ; a failure names its case.
func proofSeed() uint64 {
	if os.Getenv("PUNCTUAL_PROOF") != "" {
		return uint64(time.Now().UnixNano())
	}
	return 1
}

// transitionsOf lists the transitions of each zone from 2000 to 2040, asked
// of the time package.
var transitionsOf = sync.OnceValue(func() map[string][]time.Time {
	all := map[string][]time.Time{}
	for _, name := range sortedZones() {
		z, err := loadZone(name)
		if err != nil {
			panic(err)
		}
		at := time.Date(2000, 1, 2, 0, 0, 0, 0, time.UTC).In(z.location)
		for at.Year() < 2040 {
			_, next := at.ZoneBounds()
			if next.IsZero() {
				break
			}
			if !next.After(at) {
				next = at.AddDate(0, 0, 1)
			}
			_, before := next.Add(-1).Zone()
			if _, after := next.Zone(); before != after {
				all[name] = append(all[name], next.UTC())
			}
			at = next
		}
	}
	return all
})

var sortedZones = sync.OnceValue(ZoneNames)

// randomMoment is an instant near a transition of the zone, if it has any.
func randomMoment(r *rand.Rand, zone string) time.Time {
	near := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(r.Int64N(40*365*24)) * time.Hour)
	if list := transitionsOf()[zone]; len(list) > 0 && r.IntN(10) > 0 {
		near = list[r.IntN(len(list))]
	}
	return near.Add(time.Duration(r.IntN(40*3600)-30*3600) * time.Second)
}

func randomZone(r *rand.Rand) string {
	odd := []string{"Pacific/Apia", "Australia/Lord_Howe", "America/Santiago", "Africa/Cairo", "Africa/Casablanca", "Asia/Gaza", "Antarctica/Troll", "America/St_Johns", "Pacific/Kwajalein", "Europe/Dublin", "America/Nuuk", "Asia/Pyongyang", "America/Caracas", "Pacific/Fakaofo", "Antarctica/Casey", "Europe/Istanbul"}
	if r.IntN(3) == 0 {
		return odd[r.IntN(len(odd))]
	}
	return sortedZones()[r.IntN(len(sortedZones()))]
}

// TestTheCalendarAgreesWithItsDefinition compares the nominals of random cron
// expressions around transitions with those found by walking absolute time.
func TestTheCalendarAgreesWithItsDefinition(t *testing.T) {
	cases := proofCases(t, 4000)
	seed := proofSeed()
	workers := 2
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(seed, uint64(w)))
			for range cases / workers {
				if !agrees(t, r) {
					return
				}
			}
		})
	}
	wg.Wait()
}

func agrees(t *testing.T, r *rand.Rand) bool {
	expression, zone := randomCron(r), randomZone(r)
	from := randomMoment(r, zone)
	until := from.Add(36 * time.Hour)
	if len(expression) > 0 && newMatcher(expression, nil).seconds {
		until = from.Add(3 * time.Hour)
	}
	when := When{Expressions: []string{expression}, Zone: zone}
	if r.IntN(10) == 0 {
		local := from.Add(12 * time.Hour)
		when.Except = []Date{{local.Year(), local.Month(), local.Day()}}
	}
	spec, err := when.Parse()
	if err != nil {
		if e := err.(*Error); e.Field != "day of month" {
			t.Errorf("%q in %s: %v", expression, zone, err)
			return false
		}
		return true
	}
	want := oracleNominals(expression, spec.Location(), when.Except, from, until)
	got := spec.Between(from, until, 1_000_000)
	if !slices.Equal(got, want) {
		t.Errorf("%q in %s except %v, in (%v, %v]:\ngot  %v\nwant %v", expression, zone, when.Except, from.UTC(), until.UTC(), got, want)
		return false
	}
	return consistent(t, r, when, spec, from, until, got)
}

// consistent checks what must hold of any spec over a span whose nominals are
// known.
func consistent(t *testing.T, r *rand.Rand, when When, spec *Spec, from, until time.Time, nominals []time.Time) bool {
	fault := func(format string, arguments ...any) bool {
		t.Errorf("%+v, in (%v, %v]: "+format, append([]any{when, from.UTC(), until.UTC()}, arguments...)...)
		return false
	}
	if n := spec.Count(from, until); n != len(nominals) {
		return fault("Count is %d, but there are %d nominals", n, len(nominals))
	}
	back := until.Add(1)
	for i := len(nominals) - 1; i >= 0; i-- {
		p, ok := spec.Prev(back)
		if !ok || !p.Equal(nominals[i]) {
			return fault("Prev(%v) is %v, not %v", back, p, nominals[i])
		}
		back = p
	}
	if len(nominals) > 0 {
		at := from.Add(time.Duration(r.Int64N(int64(nominals[0].Sub(from)))))
		if n, _ := spec.Next(at); !n.Equal(nominals[0]) {
			return fault("Next(%v) is %v, not %v", at, n, nominals[0])
		}
	}
	when.Expressions, when.Zone = spec.Expressions(), spec.Zone()
	again, err := when.Parse()
	if err != nil || again.String() != spec.String() {
		return fault("the canonical form reads as %v, %v", again, err)
	}
	if !slices.Equal(again.Between(from, until, len(nominals)+1), nominals) {
		return fault("the canonical form yields others")
	}
	return true
}

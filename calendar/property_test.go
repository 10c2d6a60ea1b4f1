package calendar

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// randomExpression is in any form of the grammar.
func randomExpression(r *rand.Rand) string {
	clock := func() string { return fmt.Sprintf("%02d:%02d", r.IntN(24), 15*r.IntN(4)) }
	if r.IntN(2) == 0 {
		clock = func() string { return fmt.Sprintf("%02d:%02d", r.IntN(4), 10*r.IntN(6)) }
	}
	weekday := func() string { return weekdayName(r.IntN(7)) }
	switch r.IntN(10) {
	case 0:
		return fmt.Sprintf("every %d%s", 1+r.IntN(50), []string{"m", "h", " minutes", "d"}[r.IntN(4)])
	case 1:
		return fmt.Sprintf("every %dm from 2026-03-0%dT01:02:03Z", 1+r.IntN(500), 1+r.IntN(9))
	case 2:
		return fmt.Sprintf("hourly at :%02d", r.IntN(60))
	case 3:
		return "daily at " + clock() + ", " + clock()
	case 4:
		return "weekly on " + weekday() + "," + weekday() + " at " + clock()
	case 5:
		return fmt.Sprintf("every %d weeks on %s, %s at %s", 1+r.IntN(4), weekday(), weekday(), clock())
	case 6:
		return fmt.Sprintf("monthly on %d, last at %s", 1+r.IntN(31), clock())
	}
	return randomCron(r)
}

// TestEverySpecIsConsistent checks, for random whens of every form with
// bounds and exceptions, what must hold whatever the when: instants follow
// one another, jumping equals iterating, back is the inverse of forth, Count
// counts, changes belong to nominals, and the canonical form means the same.
func TestEverySpecIsConsistent(t *testing.T) {
	r := rand.New(rand.NewPCG(proofSeed(), 7))
	for range proofCases(t, 4000) {
		if !checkRandomSpec(t, r) {
			return
		}
	}
}

func checkRandomSpec(t *testing.T, r *rand.Rand) bool {
	w := When{Zone: randomZone(r)}
	for range 1 + r.IntN(3)*r.IntN(2) {
		w.Expressions = append(w.Expressions, randomExpression(r))
	}
	from := randomMoment(r, w.Zone)
	until := from.Add(time.Duration(1+r.IntN(10*24)) * time.Hour)
	if strings.Contains(strings.Join(w.Expressions, ""), "* * *") && r.IntN(4) > 0 {
		until = from.Add(30 * time.Hour)
	}
	if r.IntN(4) == 0 {
		w.NotBefore, w.NotAfter = from.Add(5*time.Hour+1), until.Add(-5*time.Hour)
	}
	for range r.IntN(3) {
		at := from.Add(time.Duration(r.IntN(72)) * time.Hour)
		w.Except = append(w.Except, Date{at.Year(), at.Month(), at.Day()})
	}
	if r.IntN(5) == 0 {
		w.AfterLocal = localTimeOf(from.Unix() + 36*3600)
	}
	spec, err := w.Parse()
	if err != nil {
		return true // impossible dates, or nothing within the bounds
	}
	nominals := spec.Between(from, until, 20_000)
	if len(nominals) == 20_000 {
		return true
	}
	for i := 1; i < len(nominals); i++ {
		if !nominals[i].After(nominals[i-1]) {
			t.Errorf("%+v: %v comes after %v", w, nominals[i], nominals[i-1])
			return false
		}
	}
	return consistent(t, r, w, spec, from, until, nominals) && changesConcernNominals(t, spec, from, until, nominals)
}

// changesConcernNominals checks that what is said to be due is, and what is
// said to be removed or due only once is not due otherwise.
func changesConcernNominals(t *testing.T, spec *Spec, from, until time.Time, nominals []time.Time) bool {
	if slices.ContainsFunc(spec.rules, func(r rule) bool { _, reads := r.(*readings); return !reads }) || len(spec.rules) > 1 {
		return true
	}
	for _, c := range spec.Changes(from, until, 100_000) {
		_, due := slices.BinarySearchFunc(nominals, c.Instant, time.Time.Compare)
		if !due && c.Kind != Removed {
			t.Errorf("%v in %s: %v is not due at %v", spec, spec.Zone(), c, c.Instant)
			return false
		}
		if c.Instant.Before(from) || c.Instant.After(until) {
			t.Errorf("%v in %s: %v is outside of the span", spec, spec.Zone(), c)
			return false
		}
	}
	return true
}

// TestPhrasesAreTheCronExpressionsTheyAbbreviate compares each phrase with
// cron expressions, which the oracle has proved.
func TestPhrasesAreTheCronExpressionsTheyAbbreviate(t *testing.T) {
	for _, c := range []struct {
		phrase string
		cron   []string
	}{
		{"hourly at :20, :50", []string{"20,50 * * * *"}},
		{"daily at 02:30, 00:00, 14:15", []string{"30 2 * * *", "0 0 * * *", "15 14 * * *"}},
		{"weekdays at 01:59:59", []string{"59 59 1 * * mon-fri"}},
		{"weekly on sun, mon at 02:00", []string{"0 2 * * 0,1"}},
		{"every 1 week on sun, fri at 02:00", []string{"0 2 * * 0,5"}},
		{"monthly on 1, 15, 30, last at 02:30", []string{"30 2 1,15,30,L * *"}},
	} {
		for _, zone := range []string{"UTC", "America/New_York", "America/Santiago", "Africa/Cairo", "Australia/Lord_Howe", "Pacific/Apia", "Antarctica/Troll"} {
			phrase := parsed(t, c.phrase, zone)
			cron, err := When{Expressions: c.cron, Zone: zone}.Parse()
			if err != nil {
				t.Fatal(err)
			}
			from, until := instantOf(t, "2009-01-01T00:00:00Z"), instantOf(t, "2030-01-01T00:00:00Z")
			if !slices.Equal(phrase.Between(from, until, 1_000_000), cron.Between(from, until, 1_000_000)) {
				t.Errorf("%q in %s is not %q", c.phrase, zone, c.cron)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, c := range canonicalForms {
		f.Add(c.written, "UTC")
	}
	for _, v := range goldenVectors {
		f.Add(v.expression, v.zone)
	}
	for _, s := range []string{"", ",", "*/0 * * * *", "TZ=Local * * * * *", "\xff", "every 0s", "@", "L W # L", "0 0 L-31W * #"} {
		f.Add(s, "Europe/Berlin")
	}
	f.Fuzz(func(t *testing.T, expression, zone string) {
		spec, err := When{Expressions: []string{expression}, Zone: zone}.Parse()
		if err != nil {
			if err.Error() == "" {
				t.Error("an error says nothing")
			}
			return
		}
		again, err := When{Expressions: []string{spec.String()}, Zone: zone}.Parse()
		if err != nil || again.String() != spec.String() || again.Describe() != spec.Describe() {
			t.Errorf("%q reads as %q, which reads as %v, %v", expression, spec, again, err)
		}
		spec.Advice()
	})
}

func FuzzNext(f *testing.F) {
	for _, c := range canonicalForms {
		f.Add(c.written, "America/New_York", int64(1_772_953_200))
	}
	for _, v := range goldenVectors {
		f.Add(v.expression, v.zone, int64(1_793_516_400))
	}
	f.Fuzz(func(t *testing.T, expression, zone string, second int64) {
		spec, err := When{Expressions: []string{expression}, Zone: zone}.Parse()
		if err != nil {
			return
		}
		at := time.Unix(second, 0)
		for range 5 {
			next, ok := spec.Next(at)
			if !ok {
				return
			}
			if !next.After(at) {
				t.Fatalf("%q in %s: %v is not after %v", spec, zone, next, at)
			}
			if back, ok := spec.Prev(next.Add(1)); !ok || !back.Equal(next) {
				t.Fatalf("%q in %s: before %v comes %v", spec, zone, next.Add(1), back)
			}
			if n := spec.Count(at, next); n != 1 && at.Year() > 0 && next.Sub(at) < 1<<62 {
				t.Fatalf("%q in %s: %d nominals in (%v, %v]", spec, zone, n, at, next)
			}
			at = next
		}
	})
}

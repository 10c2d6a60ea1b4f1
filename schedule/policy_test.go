package schedule_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/punctual-dev/punctual/schedule"
)

func TestDefaultsAreThoseOfTheContract(t *testing.T) {
	text, err := json.Marshal(schedule.DefaultPolicies())
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"catch_up":"latest","catch_up_window":"1d","catch_up_max":100,"grace":"1m","overlap":"skip","cancel_grace":"10s",` +
		`"queue":"default","priority":2,"retries":0,"backoff":{"kind":"exponential","initial":"10s","max":"1h"}}`
	if string(text) != want {
		t.Errorf("the defaults are\n%s, want\n%s", text, want)
	}
	if schedule.PriorityLate != 4 {
		t.Errorf("what is late has priority %d, want 4", schedule.PriorityLate)
	}
}

func TestBackoff(t *testing.T) {
	fixed := schedule.Backoff{Kind: schedule.BackoffFixed, Initial: schedule.Duration(time.Minute), Max: schedule.Duration(time.Minute)}
	for _, c := range []struct {
		name    string
		backoff schedule.Backoff
		attempt int
		random  float64
		want    time.Duration
	}{
		{"the first retry comes after the first delay", schedule.DefaultBackoff(), 1, 0.5, 10 * time.Second},
		{"it doubles", schedule.DefaultBackoff(), 2, 0.5, 20 * time.Second},
		{"and doubles", schedule.DefaultBackoff(), 9, 0.5, 2560 * time.Second},
		{"up to the longest", schedule.DefaultBackoff(), 10, 0.5, time.Hour},
		{"and stays there", schedule.DefaultBackoff(), 1_000_000, 0.5, time.Hour},
		{"it is spread downwards", schedule.DefaultBackoff(), 1, 0, 9 * time.Second},
		{"and upwards", schedule.DefaultBackoff(), 1, 1, 11 * time.Second},
		{"a fixed one is always the same", fixed, 7, 0, time.Minute},
	} {
		if got := c.backoff.Delay(c.attempt, c.random); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestDurationsReadAsPeopleWriteThem(t *testing.T) {
	for text, want := range map[string]string{
		"90s": "1m30s", "5m": "5m", "1h30m": "1h30m", "1d": "1d", "2w": "14d", "500ms": "500ms", "0s": "0s",
		"1w2d3h4m5s6ms": "9d3h4m5s6ms", " 1m ": "1m", "24h": "1d", "007s": "7s", "3650d": "3650d",
	} {
		d, err := schedule.ParseDuration(text)
		if err != nil || d.String() != want {
			t.Errorf("%q is %s, %v; want %s", text, d, err, want)
		}
	}
	for _, text := range []string{"", " ", "5", "m", "-5m", "5m5h", "5m5m", "1.5h", "5 m", "5M", "5x", "5µs", "1h 30m", "99999999999999999999d", strings.Repeat("1", 50) + "s"} {
		if d, err := schedule.ParseDuration(text); err == nil || !strings.Contains(err.Error(), "a duration such as") {
			t.Errorf("%q is %s, %v", text, d, err)
		}
	}
	if _, err := schedule.ParseDuration("4000d"); err == nil || !strings.Contains(err.Error(), "longer than ten years") {
		t.Errorf("4000d: %v", err)
	}
}

func TestEveryDurationCanBeReadAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := schedule.Duration(rapid.Int64Range(0, int64(10*365*24*time.Hour)).Draw(t, "nanoseconds"))
		text, err := d.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var again schedule.Duration
		if err := again.UnmarshalText(text); err != nil || again != d/1e6*1e6 {
			t.Fatalf("%d is %s, and again %d, %v", d, text, again, err)
		}
	})
}

func TestAnyDurationCanBePrinted(t *testing.T) {
	for d, want := range map[schedule.Duration]string{
		1: "0s", -1: "0s", schedule.Duration(-90 * time.Second): "-1m30s", -1 << 63: "-106751d23h47m16s854ms", 1<<63 - 1: "106751d23h47m16s854ms",
	} {
		if d.String() != want {
			t.Errorf("%d is %s, want %s", int64(d), d, want)
		}
	}
}

func TestOccurrenceNames(t *testing.T) {
	name := schedule.OccurrenceName("report", time.Date(2026, 11, 23, 10, 0, 0, 0, time.FixedZone("", 3600)))
	if name != "report@2026-11-23T09:00:00Z" {
		t.Errorf("the name is %s", name)
	}
	if name := schedule.OccurrenceName("often", start.Add(100*time.Millisecond)); name != "often@2026-11-23T09:00:00.100Z" {
		t.Errorf("the name is %s", name)
	}
	key, at, err := schedule.ParseOccurrenceName("report@2026-11-23T10:00:00+01:00")
	if err != nil || key != "report" || !at.Equal(start) {
		t.Errorf("%s, %s, %v", key, at, err)
	}
	for _, name := range []string{"", "report", "report@", "@2026-11-23T09:00:00Z", "Report@2026-11-23T09:00:00Z", "report@2026-11-23", "report@2026-11-23T09:00:00.0001Z", "report!k3", "r@0001-01-01T00:00:00+01:00"} {
		if _, _, err := schedule.ParseOccurrenceName(name); err == nil {
			t.Errorf("%q is taken for the name of an occurrence", name)
		}
	}
}

func TestKeys(t *testing.T) {
	for key, want := range map[string]bool{
		"a": true, "0": true, "a.b_c-d": true, strings.Repeat("x", 100): true,
		"": false, "A": false, "-a": false, ".a": false, "_a": false, "a b": false, "a\n": false, "ä": false, "a@b": false, "a!b": false, strings.Repeat("x", 101): false,
	} {
		if schedule.ValidKey(key) != want {
			t.Errorf("ValidKey(%q) is %t", key, !want)
		}
	}
	if !strings.Contains(schedule.KeyAllowed, "1 to 100 characters") {
		t.Errorf("a key is said to be %s", schedule.KeyAllowed)
	}
}

func TestEveryWaitIsSaidInWords(t *testing.T) {
	for _, w := range []schedule.Waiting{"", "run", "queue", "cancel", "line", "limit"} {
		if w.InWords() == string(w) {
			t.Errorf("%q has no words", w)
		}
	}
}

func TestJobsSayWhatTheyRun(t *testing.T) {
	for want, j := range map[string]schedule.Job{
		"./report.sh":            {Run: &schedule.Command{Shell: "./report.sh"}},
		"node report.js":         {Run: &schedule.Command{Program: []string{"node", "report.js"}}},
		"GET https://a.test/now": {HTTP: &schedule.Request{Method: "GET", URL: "https://a.test/now"}},
		"job send":               {Work: &schedule.Work{Kind: "send"}},
		"nothing":                {},
	} {
		if j.String() != want {
			t.Errorf("%q, want %q", j, want)
		}
	}
}

func TestOfWhatWasMissedOnlyTheNewestRunsIsSaidInWords(t *testing.T) {
	p := schedule.DefaultPolicies()
	p.CatchUp = schedule.CatchUpNone
	want := "If the clock is down when it is due, it does not run; of all that were missed only the newest does, if the clock is back within 1m of it."
	if got := (schedule.Declaration{Policies: p}).PoliciesInWords(time.Time{})[0]; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestAMissedOccurrenceIsToldByHowLateItWas(t *testing.T) {
	p := schedule.DefaultPolicies()
	p.CatchUp = schedule.CatchUpNone
	for late, want := range map[time.Duration]string{
		14 * time.Second:              "the clock was away when it was due; of those that were missed only the newest may run, if the clock is back within 1m (catch_up: none)",
		time.Minute:                   "the clock was away when it was due; of those that were missed only the newest may run, if the clock is back within 1m (catch_up: none)",
		time.Minute + time.Nanosecond: "the clock was away when it was due, and came back more than 1m later; then it is not made up for (catch_up: none)",
	} {
		if got := schedule.ReasonMissed.InWords(p, "", late); got != want {
			t.Errorf("%s late: %q, want %q", late, got, want)
		}
	}
}

func TestWhatCatchUpLeavesToOverlapIsSaidInWords(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*schedule.Policies)
		want   string // that it ends with
	}{
		{"left out", func(p *schedule.Policies) {}, "What is late by less than grace, 1m, is decided as if on time: overlap: skip may leave it out (with grace: 0s each waits its turn)."},
		{"ended", func(p *schedule.Policies) { p.Overlap = schedule.OverlapCancel }, "overlap: cancel may end it early (with grace: 0s each waits its turn)."},
		{"in line", func(p *schedule.Policies) { p.Overlap = schedule.OverlapQueue }, "at most 100."},
		{"without grace", func(p *schedule.Policies) { p.Grace = 0 }, "at most 100."},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := schedule.DefaultPolicies()
			p.CatchUp = schedule.CatchUpAll
			c.change(&p)
			if got := (schedule.Declaration{Policies: p}).PoliciesInWords(time.Time{})[0]; !strings.HasSuffix(got, c.want) {
				t.Errorf("%q does not end with %q", got, c.want)
			}
		})
	}
}

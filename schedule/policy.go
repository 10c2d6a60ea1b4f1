package schedule

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// CatchUp says what becomes of nominals that fell due while no clock ran.
type CatchUp string

// The values of CatchUp.
const (
	CatchUpLatest CatchUp = "latest" // the newest runs and stands for the rest
	CatchUpAll    CatchUp = "all"    // each runs, oldest first, within a window and a number
	CatchUpNone   CatchUp = "none"   // the newest runs if it is at most a grace late
)

// Overlap says what happens when a nominal is due while a job of the same
// schedule is active.
type Overlap string

// The values of Overlap.
const (
	OverlapSkip   Overlap = "skip"   // the nominal is skipped
	OverlapWait   Overlap = "wait"   // it waits; a newer one takes its place
	OverlapQueue  Overlap = "queue"  // nominals wait in order
	OverlapCancel Overlap = "cancel" // the active job is cancelled
	OverlapAllow  Overlap = "allow"  // it is enqueued all the same
)

// Policies are the rules of a schedule. Zero durations mean "none" where a
// policy may be absent (Timeout, Expires).
type Policies struct {
	CatchUp       CatchUp  `json:"catch_up"`
	CatchUpWindow Duration `json:"catch_up_window"`
	CatchUpMax    int      `json:"catch_up_max"`
	Grace         Duration `json:"grace"`
	Overlap       Overlap  `json:"overlap"`
	CancelGrace   Duration `json:"cancel_grace"`
	Limit         string   `json:"limit,omitempty"` // name of a group
	Queue         string   `json:"queue"`
	Priority      int      `json:"priority"` // 1 (first) to 4
	Timeout       Duration `json:"timeout,omitzero"`
	Retries       int      `json:"retries"`
	Backoff       Backoff  `json:"backoff"`
	Expires       Duration `json:"expires,omitzero"`
}

// PriorityLate is the priority of catch-up and backfill jobs: the last.
const PriorityLate = 4

// DefaultPolicies are the policies of a schedule that names none.
func DefaultPolicies() Policies {
	return Policies{
		CatchUp:       CatchUpLatest,
		CatchUpWindow: Duration(24 * time.Hour),
		CatchUpMax:    100,
		Grace:         Duration(time.Minute),
		Overlap:       OverlapSkip,
		CancelGrace:   Duration(10 * time.Second),
		Queue:         "default",
		Priority:      2,
		Backoff:       DefaultBackoff(),
	}
}

// Backoff says how long a failed job waits before it is tried again.
type Backoff struct {
	Kind    string   `json:"kind"` // BackoffFixed or BackoffExponential
	Initial Duration `json:"initial"`
	Max     Duration `json:"max"`
}

// The kinds of backoff.
const (
	BackoffFixed       = "fixed"
	BackoffExponential = "exponential"
)

// DefaultBackoff doubles from 10 s to an hour.
func DefaultBackoff() Backoff {
	return Backoff{Kind: BackoffExponential, Initial: Duration(10 * time.Second), Max: Duration(time.Hour)}
}

// Delay is the time between the failure of an attempt (the first is 1) and the
// next one. random in [0, 1) spreads exponential delays over ±10 % so that jobs
// that failed together do not come back together; fixed delays are exact.
func (b Backoff) Delay(attempt int, random float64) time.Duration {
	delay := time.Duration(b.Initial)
	if b.Kind == BackoffFixed {
		return delay
	}
	for i := 1; i < attempt && delay < time.Duration(b.Max); i++ {
		delay *= 2
	}
	delay = min(delay, time.Duration(b.Max))
	return delay + time.Duration((random*0.2-0.1)*float64(delay))
}

// Duration is a time.Duration that reads and prints as people write it:
// 90s, 5m, 1h30m, 1d (24 hours), 1w.
type Duration time.Duration

// DurationAllowed is the form of a duration, in words for error messages.
const DurationAllowed = "a duration such as 30s, 5m, 1h30m, 1d or 500ms"

var durationUnits = []struct {
	name string
	unit time.Duration
}{
	{"w", 7 * 24 * time.Hour},
	{"d", 24 * time.Hour},
	{"h", time.Hour},
	{"m", time.Minute},
	{"s", time.Second},
	{"ms", time.Millisecond},
}

const maxDuration = 10 * 366 * 24 * time.Hour

// ParseDuration reads a duration between zero and ten years. Units go from
// large to small, each at most once.
func ParseDuration(text string) (Duration, error) {
	fault := fmt.Errorf("%q is not %s", text, DurationAllowed)
	rest, total, position := strings.TrimSpace(text), time.Duration(0), 0
	if rest == "" || len(rest) > 40 {
		return 0, fault
	}
	for rest != "" {
		digits := 0
		for digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' {
			digits++
		}
		letters := digits
		for letters < len(rest) && rest[letters] >= 'a' && rest[letters] <= 'z' {
			letters++
		}
		number, err := strconv.ParseInt(rest[:digits], 10, 64)
		if err != nil {
			return 0, fault
		}
		for position < len(durationUnits) && durationUnits[position].name != rest[digits:letters] {
			position++
		}
		if position == len(durationUnits) {
			return 0, fault
		}
		unit := durationUnits[position].unit
		if number > int64((maxDuration-total)/unit) {
			return 0, fmt.Errorf("%q is longer than ten years", text)
		}
		total += time.Duration(number) * unit
		rest = rest[letters:]
		position++
	}
	return Duration(total), nil
}

// String prints whole milliseconds; weeks are printed as days.
func (d Duration) String() string {
	rest := time.Duration(d).Truncate(time.Millisecond)
	if rest == 0 {
		return "0s"
	}
	var text strings.Builder
	if rest < 0 {
		text.WriteByte('-')
	}
	for _, u := range durationUnits[1:] {
		if n := rest / u.unit; n != 0 {
			fmt.Fprintf(&text, "%d%s", max(n, -n), u.name)
			rest -= n * u.unit
		}
	}
	return text.String()
}

// Elapsed writes how long something took as a person would say it: 812ms, 14.1s,
// 1m14s.
func Elapsed(d time.Duration) string {
	switch {
	case d < 0:
		return "0s"
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	}
	return Duration(d.Round(time.Second)).String()
}

// MarshalText prints the duration.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads the duration.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := ParseDuration(string(text))
	if err == nil {
		*d = parsed
	}
	return err
}

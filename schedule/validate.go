package schedule

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/punctual-dev/punctual/calendar"
)

// Fault is one thing wrong with a declaration. Field is named as in the
// schedule file ("when", "http.url", "except[2]").
type Fault struct {
	Field   string
	Problem string // what is wrong, with the offending value
	Advice  string // what is allowed or what to do; may be empty
}

func (f Fault) Error() string {
	text := f.Field + ": " + f.Problem
	if f.Advice != "" {
		text += "; " + f.Advice
	}
	return text
}

// Bounds on what a declaration may hold, so that no input grows without limit.
const (
	maxDescription = 1000
	maxTags        = 20
	maxCommand     = 64 << 10
	maxArgs        = 256 << 10
	maxCatchUp     = 10_000
	maxRetries     = 1000
)

var (
	tagPattern   = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,59}$`)
	queuePattern = regexp.MustCompile(`^[a-z0-9]+([_-][a-z0-9]+)*$`)
)

// Validate tells every fault of a declaration in one go; none means that it
// may be stored. A once that is already past is not a fault here: whether it
// is one depends on who asks.
func (d Declaration) Validate() []Fault {
	v := &validator{}
	v.identity(d)
	v.when(d)
	v.job(d.Job)
	v.policies(d.Policies)
	return v.faults
}

type validator struct{ faults []Fault }

func (v *validator) fault(field, advice, problem string, arguments ...any) {
	v.faults = append(v.faults, Fault{Field: field, Problem: fmt.Sprintf(problem, arguments...), Advice: advice})
}

func (v *validator) identity(d Declaration) {
	if !ValidKey(d.Key) {
		v.fault("key", "a key is "+KeyAllowed, "%q is not a key", d.Key)
	}
	if d.Was != "" && !ValidKey(d.Was) {
		v.fault("was", "a key is "+KeyAllowed, "%q is not a key", d.Was)
	}
	if d.Was != "" && d.Was == d.Key {
		v.fault("was", "name the key the schedule had before, or leave it out", "%q is the schedule's own key", d.Was)
	}
	v.text("description", d.Description)
	if len(d.Description) > maxDescription {
		v.fault("description", fmt.Sprintf("at most %d bytes", maxDescription), "is %d bytes long", len(d.Description))
	}
	if len(d.Tags) > maxTags {
		v.fault("tags", fmt.Sprintf("at most %d", maxTags), "has %d tags", len(d.Tags))
	}
	for i, tag := range d.Tags {
		if !tagPattern.MatchString(tag) {
			v.fault(fmt.Sprintf("tags[%d]", i), "a tag is 1 to 60 characters of a-z, 0-9, underscore and hyphen", "%q is not a tag", tag)
		}
	}
}

func (v *validator) when(d Declaration) {
	if _, err := d.When.Parse(); err != nil {
		v.faults = append(v.faults, whenFault(d.When, err))
	}
	v.duration("jitter", Duration(d.Jitter), 0)
	if b := d.When.NotBefore; !b.IsZero() && !d.When.NotAfter.IsZero() && d.When.NotAfter.Before(b) {
		v.fault("not_after", "put it after not_before", "%s is before not_before, %s", FormatInstant(d.When.NotAfter), FormatInstant(b))
	}
}

// whenFault says which part of the when a parse error is about.
func whenFault(when calendar.When, err error) Fault {
	if len(when.Expressions) == 0 {
		return Fault{Field: "when", Problem: "is missing", Advice: `say when it runs, for example "daily at 09:00", "every 5s" or "*/5 * * * *"`}
	}
	field := "when"
	if _, zoneErr := (calendar.When{Expressions: []string{"every 1h"}, Zone: when.Zone}).Parse(); zoneErr != nil {
		field = "timezone"
	}
	return Fault{Field: field, Problem: err.Error()}
}

// text refuses what no database keeps as it is.
func (v *validator) text(field, value string) {
	if strings.ContainsRune(value, 0) || !utf8.ValidString(value) {
		v.fault(field, "text in UTF-8 without NUL bytes", "%q cannot be stored", shortened(value))
	}
}

func shortened(text string) string {
	const enough = 60
	if len(text) > enough {
		return text[:enough] + "…"
	}
	return text
}

func (v *validator) policies(p Policies) {
	oneOf(v, "catch_up", p.CatchUp, CatchUpLatest, CatchUpAll, CatchUpNone)
	oneOf(v, "overlap", p.Overlap, OverlapSkip, OverlapWait, OverlapQueue, OverlapCancel, OverlapAllow)
	oneOf(v, "backoff.kind", p.Backoff.Kind, BackoffFixed, BackoffExponential)
	v.between("catch_up_max", p.CatchUpMax, 1, maxCatchUp)
	v.between("priority", p.Priority, 1, PriorityLate)
	v.between("retries", p.Retries, 0, maxRetries)
	v.duration("catch_up_window", p.CatchUpWindow, time.Millisecond)
	v.duration("backoff.initial", p.Backoff.Initial, time.Millisecond)
	v.duration("backoff.max", p.Backoff.Max, 0)
	v.duration("grace", p.Grace, 0)
	v.duration("cancel_grace", p.CancelGrace, 0)
	v.duration("timeout", p.Timeout, 0)
	v.duration("expires", p.Expires, 0)
	if p.Backoff.Kind == BackoffExponential && p.Backoff.Max < p.Backoff.Initial {
		v.fault("backoff.max", "at least as long as backoff.initial", "%s is shorter than the first delay, %s", p.Backoff.Max, p.Backoff.Initial)
	}
	if !queuePattern.MatchString(p.Queue) || len(p.Queue) > 64 {
		v.fault("queue", "at most 64 characters of a-z and 0-9, words joined by _ or -", "%q is not the name of a queue", p.Queue)
	}
	if p.Limit != "" && !tagPattern.MatchString(p.Limit) {
		v.fault("limit", "1 to 60 characters of a-z, 0-9, underscore and hyphen", "%q is not the name of a limit", p.Limit)
	}
}

func oneOf[T ~string](v *validator, field string, value T, allowed ...T) {
	if slices.Contains(allowed, value) {
		return
	}
	names := make([]string, len(allowed))
	for i, a := range allowed {
		names[i] = string(a)
	}
	v.fault(field, "one of "+strings.Join(names, ", "), "%q is unknown", string(value))
}

func (v *validator) between(field string, value, low, high int) {
	if value < low || value > high {
		v.fault(field, "a whole number from "+strconv.Itoa(low)+" to "+strconv.Itoa(high), "%d is out of range", value)
	}
}

// duration is from a least one to ten years, so that no sum of two overflows.
func (v *validator) duration(field string, d Duration, least time.Duration) {
	switch {
	case d < 0:
		v.fault(field, DurationAllowed, "%s is negative", d)
	case d < Duration(least):
		v.fault(field, DurationAllowed+", longer than zero", "%s is too short", d)
	case d > Duration(maxDuration):
		v.fault(field, DurationAllowed, "%s is longer than ten years", d)
	case d%Duration(time.Millisecond) != 0:
		v.fault(field, DurationAllowed, "%s is not a whole number of milliseconds", time.Duration(d))
	}
}

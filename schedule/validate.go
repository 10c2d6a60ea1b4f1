package schedule

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
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
	kindPattern  = regexp.MustCompile(`^[\w][\w\-\[\]<>/.·:+]+$`)
	// headerPattern is a token of HTTP.
	headerPattern = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")
	envPattern    = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	codePattern   = regexp.MustCompile(`^([1-5]\d\d|[1-5]xx|[1-5]\d\d-[1-5]\d\d)$`)
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

func (v *validator) job(j Job) {
	given := 0
	for _, set := range []bool{j.Run != nil, j.HTTP != nil, j.Work != nil} {
		if set {
			given++
		}
	}
	if given != 1 {
		v.fault("run", "give exactly one of run (a command), http (a request) and job (work for a Go worker)", "%d jobs are given", given)
	}
	if j.Run != nil {
		v.command(*j.Run)
	}
	if j.HTTP != nil {
		v.request(*j.HTTP)
	}
	if j.Work != nil {
		v.work(*j.Work)
	}
}

func (v *validator) command(c Command) {
	size := len(c.Shell)
	for _, word := range c.Program {
		size += len(word)
	}
	switch {
	case strings.TrimSpace(c.Shell) == "" && (len(c.Program) == 0 || c.Program[0] == ""):
		v.fault("run", `for example "./report.sh" or ["node", "report.js"]`, "the command is empty")
	case c.Shell != "" && len(c.Program) > 0:
		v.fault("run", "give one of them", "both a line for the shell and a program are given")
	case size > maxCommand:
		v.fault("run", fmt.Sprintf("at most %d bytes; put long scripts into a file", maxCommand), "the command is %d bytes long", size)
	}
	v.text("run", c.Shell+strings.Join(c.Program, ""))
	v.text("directory", c.Directory)
	v.env(c.Env)
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

func (v *validator) env(env map[string]string) {
	for name, value := range env {
		if !envPattern.MatchString(name) {
			v.fault("env."+name, "letters, digits and underscores, the first no digit", "%q is not the name of an environment variable", name)
		}
		if strings.HasPrefix(name, "PUNCTUAL_") {
			v.fault("env."+name, "names that begin with PUNCTUAL_ are set by punctual", "%q is reserved", name)
		}
		v.text("env."+name, value)
		if len(value) > maxCommand {
			v.fault("env."+name, fmt.Sprintf("at most %d bytes", maxCommand), "is %d bytes long", len(value))
		}
	}
}

func (v *validator) request(r Request) {
	v.env(r.Env)
	if r.Method == "" || strings.ContainsFunc(r.Method, func(c rune) bool { return c < 'A' || c > 'Z' }) {
		v.fault("http.method", "for example GET or POST", "%q is not a method", r.Method)
	}
	if r.URL == "" {
		v.fault("http.url", "for example https://example.com/tasks/report", "is missing")
	} else if u, err := url.Parse(placeholder.ReplaceAllString(r.URL, "x")); err != nil ||
		(!strings.HasPrefix(r.URL, "${") && (u.Host == "" || u.Scheme != "http" && u.Scheme != "https")) {
		v.fault("http.url", "an absolute URL with http or https, for example https://example.com/tasks/report", "%q is not a URL to call", r.URL)
	}
	for name, value := range r.Headers {
		if !headerPattern.MatchString(name) {
			v.fault("http.headers."+name, "for example Authorization", "%q is not the name of a header", name)
		}
		v.text("http.headers."+name, value)
		if strings.ContainsAny(value, "\r\n") {
			v.fault("http.headers."+name, "one line", "%q has a line break", shortened(value))
		}
	}
	v.text("http.url", r.URL)
	v.text("http.body", r.Body)
	if len(r.Body) > maxArgs {
		v.fault("http.body", fmt.Sprintf("at most %d bytes", maxArgs), "is %d bytes long", len(r.Body))
	}
	for i, code := range r.SuccessCodes {
		if !codePattern.MatchString(code) {
			v.fault(fmt.Sprintf("http.success_codes[%d]", i), "for example 200, 2xx or 200-299", "%q is not a status code", code)
		}
	}
}

// placeholder is ${NAME}, resolved by the worker when an attempt starts.
var placeholder = regexp.MustCompile(`\$\{[A-Za-z_][A-Za-z0-9_]*\}`)

func (v *validator) work(w Work) {
	if !kindPattern.MatchString(w.Kind) || len(w.Kind) > 127 {
		v.fault("job.kind", "the kind of a River worker, at least two characters, for example send_report", "%q is not a kind", w.Kind)
	}
	if strings.HasPrefix(w.Kind, "punctual.") {
		v.fault("job.kind", "choose a name of your own", "%q is reserved: kinds that begin with punctual. belong to punctual", w.Kind)
	}
	if len(w.Args) > maxArgs {
		v.fault("job.args", fmt.Sprintf("at most %d bytes", maxArgs), "are %d bytes long", len(w.Args))
	}
	if len(w.Args) > 0 {
		var object map[string]json.RawMessage
		if json.Unmarshal(w.Args, &object) != nil || object == nil {
			v.fault("job.args", "a mapping of names to values", "are not an object")
		}
		if hasNUL(w.Args) {
			v.fault("job.args", "text in UTF-8 without NUL bytes", "hold a NUL byte")
		}
	}
}

// hasNUL says whether a string or a name in a JSON text holds a NUL, which
// PostgreSQL does not keep.
func hasNUL(text json.RawMessage) bool {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	for {
		token, err := decoder.Token()
		if err != nil {
			return false
		}
		if word, ok := token.(string); ok && strings.ContainsRune(word, 0) {
			return true
		}
	}
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

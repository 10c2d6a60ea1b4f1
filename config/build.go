package config

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/internal/nearest"
	"github.com/punctual-dev/punctual/schedule"
)

// document is a file between its text and its declarations.
type document struct {
	*decoder
	root      *node
	written   written
	calendars map[string][]calendar.Date
	entries   []*entry // in the order of the file
	used      map[string]bool
	absent    map[int]absent // by line, the keys that were taken out of it and told
}

// entry is one schedule of the document.
type entry struct {
	*definition
	key, node   *node
	declaration schedule.Declaration
}

func readDocument(name string, data []byte) *document {
	d, text := newDocument(name, data)
	d.read(text, map[place]bool{})
	return d
}

// newDocument is a document that has not been read, and its text with plain line ends.
func newDocument(name string, data []byte) (d *document, text string) {
	if bytes.IndexByte(data, '\r') >= 0 { // line ends, too; a script in a block has no use for them
		data = bytes.ReplaceAll(bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")), []byte("\r"), []byte("\n"))
	}
	text = string(bytes.TrimPrefix(data, []byte("\ufeff")))
	lines := strings.Split(text, "\n")
	return &document{
		decoder:   &decoder{findings: newFindings(name, lines, false), hazards: newFindings(name, lines, true), wrong: map[*node]bool{}, meant: map[*node]map[string]bool{}},
		calendars: map[string][]calendar.Date{}, used: map[string]bool{}, absent: map[int]absent{},
	}, text
}

// read decodes a text, which may differ from that of the file where a fault has been
// told: values at the places in replaced stand for what was there.
func (d *document) read(text string, replaced map[place]bool) {
	if d.root = d.readYAML([]byte(text), replaced); d.root != nil {
		d.value(d.root, reflect.ValueOf(&d.written).Elem(), "")
	}
}

// build makes declarations of what was written.
func (d *document) build(f *File, o Options) {
	if d.root == nil {
		return
	}
	d.zone()
	d.limits()
	d.readCalendars()
	f.Alerts = d.alerts()
	d.contradictions(d.root.get("defaults"), "defaults", d.written.Defaults.shared)
	schedules := d.root.get("schedules")
	switch {
	case schedules == nil && len(d.all) == 0:
		d.add(d.root.place, "schedules", "add it, and put each schedule below it, under its key", "the file has no schedules")
		return
	case schedules == nil:
		return
	case len(schedules.pairs) > maxSchedules:
		d.add(schedules.place, "schedules", "split the file", fmt.Sprintf("the file holds %d schedules; at most %d are allowed", len(schedules.pairs), maxSchedules))
		return
	}
	for _, p := range schedules.pairs {
		e := &entry{key: p.key, node: p.value, definition: d.written.Schedules[p.key.text]}
		if e.definition == nil {
			continue
		}
		d.declare(e, o)
		d.entries = append(d.entries, e)
		f.Schedules = append(f.Schedules, e.declaration)
	}
	for _, e := range d.again {
		d.declare(e, o)
	}
	d.renames()
	f.Limits = d.written.Limits
	if owner := d.written.Owner; owner != nil {
		f.Owner = *owner
		if !schedule.ValidKey(f.Owner) {
			d.fault(d.root.get("owner"), "owner", "lower-case letters, digits, dots, hyphens and underscores, at most 100, beginning with a letter or digit", "%q is no name", f.Owner)
		}
	}
}

// zone checks the zone of the file by itself, for it may hold for no schedule.
// A bad one counts as absent, so that the rest can be judged.
func (d *document) zone() {
	if zone := d.written.Timezone; zone != nil && !d.knownZone(d.root.get("timezone"), "timezone", *zone) {
		d.written.Timezone = nil
	}
}

func (d *document) knownZone(n *node, field, zone string) bool {
	if zone == "" {
		d.fault(n, field, "an IANA name such as Europe/Paris, or leave it out for UTC", "is empty")
		return false
	}
	_, err := (calendar.When{Expressions: []string{"every 1h"}, Zone: zone}).Parse()
	if err != nil {
		problem, advice := problemOf(err)
		d.fault(n, field, advice, "%s", problem)
	}
	return err == nil
}

// Limits and calendars are named like tags.
var namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,59}$`)

const nameAllowed = "1 to 60 characters of a-z, 0-9, underscore and hyphen"

func (d *document) limits() {
	for _, p := range d.root.get("limits").entries() {
		field := below("limits", p.key.text)
		if places := d.written.Limits[p.key.text]; places < 1 && !d.wrong[p.value] && p.value.kind != broken {
			d.fault(p.value, field, "at least 1; to stop a group, pause it by tag", "%d places would let nothing run", places)
		}
		if !namePattern.MatchString(p.key.text) {
			d.fault(p.key, field, nameAllowed, "%s is not the name of a limit", quoted(p.key.text))
		}
	}
}

func (d *document) readCalendars() {
	for _, p := range d.root.get("calendars").entries() {
		field := below("calendars", p.key.text)
		if !namePattern.MatchString(p.key.text) || looksLikeDate(p.key.text) {
			d.fault(p.key, field, nameAllowed, "%s is not the name of a calendar", quoted(p.key.text))
		}
		days := []calendar.Date{}
		for i, written := range d.written.Calendars[p.key.text] {
			if day, ok := d.date(p.value, i, written, field); ok {
				days = append(days, day)
			}
		}
		d.calendars[p.key.text] = days
	}
}

// date reads item i of a list.
func (d *document) date(list *node, i int, written, field string) (calendar.Date, bool) {
	item := list
	if i < len(list.items) {
		item = list.items[i]
	}
	if d.wrong[item] || item.kind == broken {
		return calendar.Date{}, false
	}
	day, err := calendar.ParseDate(written)
	if err != nil {
		d.fault(item, fmt.Sprintf("%s[%d]", field, i), "a day that exists, written 2026-12-25", "%s is not a date", quoted(written))
	}
	return day, err == nil
}

func looksLikeDate(name string) bool {
	return len(name) >= 5 && strings.Trim(name[:4], "0123456789") == "" && name[4] == '-'
}

// fine counts the schedules that no fault is about.
func (d *document) fine() int {
	faulty := map[string]bool{}
	for _, f := range d.all {
		path, _ := strings.CutPrefix(f.Field, "schedules.")
		for cut := range len(path) + 1 { // keys may hold dots
			if cut == len(path) || path[cut] == '.' || path[cut] == '[' {
				faulty[path[:cut]] = true
			}
		}
	}
	if schedules := d.root.get("schedules"); schedules != nil {
		for _, p := range schedules.twice {
			faulty[p.key.text] = true
		}
	}
	without, end := d.withoutField(), d.endOfSchedules()
	count := 0
	for i, e := range d.entries {
		last := end
		if i+1 < len(d.entries) {
			last = d.entries[i+1].key.place.line
		}
		first, _ := slices.BinarySearch(without, e.key.place.line)
		if !faulty[e.key.text] && (first == len(without) || without[first] >= last) {
			count++
		}
	}
	return count
}

// withoutField are the lines, in order, of faults of form, which name no field.
func (d *document) withoutField() []int {
	lines := slices.Clone(d.further)
	for _, f := range d.all {
		if f.Field == "" {
			lines = append(lines, f.Line)
		}
	}
	slices.Sort(lines)
	return lines
}

// endOfSchedules is the line of the key of the file behind the schedules, or one that
// no file has.
func (d *document) endOfSchedules() int {
	end := math.MaxInt
	schedules := d.root.key("schedules", nil)
	for _, p := range d.root.entries() {
		if schedules != nil && p.key.place.line > schedules.place.line {
			end = min(end, p.key.place.line)
		}
	}
	return end
}

// declare makes the declaration of an entry: what it says, else the defaults.
func (d *document) declare(e *entry, o Options) {
	field := below("schedules", e.key.text)
	own := e.shared
	merged := inherit(own, d.written.Defaults.shared)
	d.contradictions(e.node, field, own)
	d.contradictsJob(e, field)
	d.useless(e, field, own, merged)

	s := schedule.Declaration{Key: e.key.text, Policies: merged.policies(), Tags: merged.Tags}
	set(&s.Was, e.Was)
	set(&s.Description, e.Description)
	if merged.Jitter != nil {
		s.Jitter = time.Duration(*merged.Jitter)
	}
	s.Disabled = d.disabled(e, field, merged.EnabledIn, o.Environment)
	s.Job = e.job(merged)
	s.When = d.when(e, field)
	s.When.Except = d.except(e, field, merged.Except)
	e.declaration = s

	if limit := s.Policies.Limit; limit != "" {
		if _, ok := d.written.Limits[limit]; !ok {
			d.noLimit(e, field, limit)
		}
		d.used["limit "+limit] = true
	}
	if d.more { // what else is wrong is told another time, and costs time
		return
	}
	for _, fault := range s.Validate() {
		d.invalid(e, field, fault)
	}
}

func set[T any](into *T, from *T) {
	if from != nil {
		*into = *from
	}
}

// inherit fills what own leaves open from the defaults; the environments are
// joined, name by name.
func inherit(own, from shared) shared {
	merged := own
	into, defaults := reflect.ValueOf(&merged).Elem(), reflect.ValueOf(from)
	for i := range into.NumField() {
		if into.Field(i).IsNil() {
			into.Field(i).Set(defaults.Field(i))
		}
	}
	if len(from.Env) > 0 && len(own.Env) > 0 {
		merged.Env = maps.Clone(from.Env)
		maps.Copy(merged.Env, own.Env)
	}
	return merged
}

func (s shared) policies() schedule.Policies {
	p := schedule.DefaultPolicies()
	set(&p.CatchUp, s.CatchUp)
	set(&p.CatchUpWindow, s.CatchUpWindow)
	set(&p.CatchUpMax, s.CatchUpMax)
	set(&p.Grace, s.Grace)
	set(&p.Overlap, s.Overlap)
	set(&p.CancelGrace, s.CancelGrace)
	set(&p.Limit, s.Limit)
	set(&p.Queue, s.Queue)
	set(&p.Priority, s.Priority)
	set(&p.Timeout, s.Timeout)
	set(&p.Retries, s.Retries)
	set(&p.Expires, s.Expires)
	if b := s.Backoff; b != nil {
		p.Backoff = b.policy()
	}
	return p
}

// policy fills what was left open; a first delay above the usual longest is
// the longest, too.
func (b backoff) policy() schedule.Backoff {
	p := schedule.DefaultBackoff()
	if b.fixed {
		p.Kind = schedule.BackoffFixed
	}
	set(&p.Kind, b.Kind)
	set(&p.Initial, b.Initial)
	p.Max = max(p.Max, p.Initial)
	if p.Kind == schedule.BackoffFixed {
		p.Max = p.Initial
	}
	set(&p.Max, b.Max)
	return p
}

func (e *entry) job(merged shared) schedule.Job {
	var j schedule.Job
	env := plain(merged.Env)
	if r := e.Run; r != nil {
		j.Run = &schedule.Command{Shell: r.shell, Program: r.program, Env: env}
		merged.command(j.Run)
	}
	if r := e.HTTP; r != nil {
		j.HTTP = &schedule.Request{Method: "GET", Headers: plain(r.Headers), SuccessCodes: r.SuccessCodes, RetryCodes: r.RetryCodes, Env: env}
		if r.Body != nil {
			j.HTTP.Method = "POST"
		}
		set(&j.HTTP.Method, r.Method)
		set(&j.HTTP.URL, r.URL)
		set(&j.HTTP.Body, r.Body)
		set(&j.HTTP.FollowRedirects, r.FollowRedirects)
		set(&j.HTTP.SignWith, r.SignWith)
		set(&j.HTTP.CAFile, r.CAFile)
		j.HTTP.Method = strings.ToUpper(j.HTTP.Method)
	}
	if w := e.Job; w != nil {
		j.Work = &schedule.Work{Args: json.RawMessage(w.Args)}
		set(&j.Work.Kind, w.Kind)
	}
	return j
}

func plain(values map[string]placeholder) map[string]string {
	if values == nil {
		return nil
	}
	texts := make(map[string]string, len(values))
	for name, value := range values {
		texts[name] = string(value)
	}
	return texts
}

// when is the when of an entry with its zone and bounds. The zone of the file
// gives way to a TZ= prefix, since neither was written for the other.
func (d *document) when(e *entry, field string) calendar.When {
	w := calendar.When{Expressions: slices.Clone([]string(e.When))}
	switch {
	case e.Timezone != nil && d.knownZone(e.node.get("timezone"), below(field, "timezone"), *e.Timezone):
		w.Zone = *e.Timezone
	case d.written.Timezone != nil && !prefixed(w.Expressions):
		w.Zone = *d.written.Timezone
	}
	zone := w.Zone
	if spec, err := w.Parse(); err == nil {
		zone = spec.Zone()
	}
	if e.NotBefore != nil {
		w.NotBefore = d.bound(e, field, "not_before", *e.NotBefore, zone)
	}
	if e.NotAfter != nil {
		w.NotAfter = d.bound(e, field, "not_after", *e.NotAfter, zone)
	}
	return w
}

func prefixed(expressions []string) bool {
	for _, expression := range expressions {
		expression = strings.TrimSpace(expression)
		if !strings.HasPrefix(expression, "TZ=") && !strings.HasPrefix(expression, "CRON_TZ=") {
			return false
		}
	}
	return len(expressions) > 0
}

const instantAllowed = "write 2027-01-01 or 2027-01-01 09:00, both in the schedule's zone, or 2027-01-01T09:00:00Z"

// bound reads an instant, or a local date or date and time. A local date as
// not_after holds until it ends.
func (d *document) bound(e *entry, field, key, written, zone string) time.Time {
	parse := calendar.ParseInstant
	if key == "not_after" {
		parse = calendar.ParseEnd
	}
	if _, err := parse(written, ""); err != nil {
		problem := "is not an instant"
		if fault, ok := errors.AsType[*calendar.Error](err); ok && strings.HasPrefix(fault.Problem, "is no day") {
			problem = fault.Problem
		}
		isInstant := func(written string) bool { _, err := parse(written, ""); return err == nil }
		d.fault(e.node.get(key), below(field, key), cmp.Or(withoutMark(written, isInstant), instantAllowed), "%s %s", quoted(written), problem)
		return time.Time{}
	}
	instant, err := parse(written, zone)
	if err != nil {
		return time.Time{} // the zone is at fault, which is told
	}
	return instant
}

// except are the dates of a list of dates and names of calendars.
func (d *document) except(e *entry, field string, written words) []calendar.Date {
	var days []calendar.Date
	list, inherited := d.origin(e, "except")
	if inherited {
		field = "defaults"
	}
	for i, word := range written {
		if named, ok := d.calendars[word]; ok {
			days = append(days, named...)
			d.used["calendar "+word] = true
			continue
		}
		if looksLikeDate(word) {
			if day, ok := d.date(list, i, word, below(field, "except")); ok {
				days = append(days, day)
			}
			continue
		}
		item := list
		if i < len(list.items) {
			item = list.items[i]
		}
		advice := "write a date, 2026-12-25, or the name of a list of dates under calendars at the top of the file"
		if near := nearest.To(word, slices.Sorted(maps.Keys(d.calendars))); near != "" {
			advice = "did you mean " + near + "?"
		}
		d.fault(item, fmt.Sprintf("%s.except[%d]", field, i), advice, "there is no calendar %s", quoted(word))
	}
	return days
}

// origin is the node that says what holds for a key of an entry: its own, or
// that of the defaults, or nil.
func (d *document) origin(e *entry, key string) (n *node, inherited bool) {
	if own := e.node.get(key); own != nil {
		return own, false
	}
	return d.root.get("defaults").get(key), true
}

// disabled says why the schedule is paused in this environment.
func (d *document) disabled(e *entry, field string, in words, environment string) string {
	if in == nil || slices.Contains(in, environment) && environment != "" {
		return ""
	}
	n, _ := d.origin(e, "enabled_in")
	for _, name := range in {
		if strings.TrimSpace(name) == "" && !d.excused(n) {
			d.fault(n, below(field, "enabled_in"), "for example [production]", "names an environment without a name")
			return ""
		}
	}
	if len(in) == 0 {
		d.fault(n, below(field, "enabled_in"), "list environments, for example [production], or leave it out", "lists no environment")
		return ""
	}
	only := "enabled only in " + in[len(in)-1]
	if len(in) > 1 {
		only = "enabled only in " + strings.Join(in[:len(in)-1], ", ") + " and " + in[len(in)-1]
	}
	if environment == "" {
		return only + "; PUNCTUAL_ENV is not set here"
	}
	return only + "; this is " + environment
}

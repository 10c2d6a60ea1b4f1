package config

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/internal/nearest"
	"github.com/punctual-dev/punctual/schedule"
)

// invalid places a fault of a declaration: at the node it is about, in the
// schedule or in the defaults. What follows from a fault already told is left
// out.
func (d *document) invalid(e *entry, field string, fault schedule.Fault) {
	first := firstOf(fault.Field)
	holder, defaults := e.node, d.root.get("defaults")
	switch {
	case first == "key":
		if meant := keyMeant(e.key.text); meant != "" && d.root.get("schedules").get(meant) == nil {
			fault.Advice = "write " + meant + "; " + fault.Advice
		}
		d.fault(e.key, field, fault.Advice, "%s", fault.Problem)
		return
	case first == "run" && slices.ContainsFunc([]string{"run", "http", "job"}, func(kind string) bool {
		_, excused := d.walk(e.node, kind)
		return excused
	}):
		return
	case e.node.get(first) != nil:
	case first == "timezone" && d.root.get("timezone") != nil:
		holder, field = d.root, ""
	case first == "timezone":
		first, fault.Field = "when", "when"
	case defaults.get(first) != nil && slices.Contains(defaultFields().names, first):
		holder, field = defaults, "defaults"
	}
	n, excused := d.walk(holder, fault.Field)
	switch {
	case excused:
		return
	case first == "when" && n != holder:
		d.invalidWhen(e, n, field, fault)
		return
	case n == holder:
		n = e.key
	case first == "tags" && n == holder.get("tags"):
		fault.Advice = cmp.Or(tagsMeant(n.text), withoutMark(n.text, namePattern.MatchString), fault.Advice)
	case n.kind == text && allowedTexts[fault.Field] != "":
		isAllowed := func(written string) bool {
			return slices.Contains(strings.FieldsFunc(allowedTexts[fault.Field], notInWord), written)
		}
		fault.Advice = cmp.Or(withoutMark(n.text, isAllowed), textMeant(n, fault.Field), fault.Advice)
	}
	for _, names := range []string{"env", "http.headers"} { // what is wrong is the name
		if name, ok := strings.CutPrefix(fault.Field, names+"."); ok {
			mapping, _ := d.walk(holder, names)
			n = mapping.key(name, n)
		}
	}
	problem := fault.Problem
	if fault.Field == "run" && n == e.key && e.HTTP == nil && e.Job == nil {
		problem = "is missing, and so are http and job"
	}
	if n == e.key { // of which several things may be missing
		d.add(n.place, below(field, fault.Field), fault.Advice, problem)
		return
	}
	d.fault(n, below(field, fault.Field), fault.Advice, "%s", problem)
}

// walk is the node that a path such as http.headers.X-Token or tags[2] names,
// or the last on the way there that exists. It is excused if a fault has been
// told about something on the way, or about a key that was meant to be on it.
func (d *document) walk(n *node, path string) (found *node, excused bool) {
	switch {
	case d.excused(n):
		return n, true
	case path == "":
		return n, false
	case n.get(path) != nil: // a key may hold dots
		return d.walk(n.get(path), "")
	}
	first, rest, _ := strings.Cut(path, ".")
	name, index, indexed := strings.Cut(strings.TrimSuffix(first, "]"), "[")
	under := n.get(name)
	if under == nil {
		return n, d.meant[n][name]
	}
	if i, err := strconv.Atoi(index); indexed && err == nil && i < len(under.items) {
		under = under.items[i]
	}
	return d.walk(under, rest)
}

// firstOf is the first name of a path.
func firstOf(path string) string {
	name, _, _ := strings.Cut(path, ".")
	name, _, _ = strings.Cut(name, "[")
	return name
}

// excused says whether a fault has been told about a node or its items.
func (d *document) excused(n *node) bool {
	return n != nil && (n.kind == broken || d.wrong[n] || slices.ContainsFunc(n.items, d.excused))
}

// invalidWhen points at the offending part of the expression.
func (d *document) invalidWhen(e *entry, n *node, field string, fault schedule.Fault) {
	path := "when"
	_, err := e.declaration.When.Parse()
	detail, ok := errors.AsType[*calendar.Error](err)
	if ok && detail.Field == "not_after" {
		return // told there
	}
	if err != nil && fault.Advice == "" {
		fault.Problem, fault.Advice = problemOf(err)
	}
	if ok && detail.Expression != "" {
		for i, expression := range e.When {
			if expression == detail.Expression && i < len(n.items) {
				n, path = n.items[i], fmt.Sprintf("when[%d]", i)
				break
			}
		}
		if at, ok := d.within(n, detail); ok {
			d.wrong[n] = true
			d.add(at, below(field, path), fault.Advice, fault.Problem)
			return
		}
	}
	d.fault(n, below(field, path), fault.Advice, "%s", fault.Problem)
}

// problemOf parts an error of the calendar into the problem and the advice.
func problemOf(err error) (problem, advice string) {
	detail, ok := errors.AsType[*calendar.Error](err)
	if !ok || detail.Allowed == "" {
		return err.Error(), ""
	}
	short := *detail
	short.Allowed = ""
	return short.Error(), "allowed: " + detail.Allowed
}

// within is the place of the offending text in a text that stands in one line
// as it is.
func (d *document) within(n *node, detail *calendar.Error) (place, bool) {
	if detail.Text == "" || detail.Offset < 0 || detail.Offset+len(detail.Text) > len(n.text) {
		return place{}, false
	}
	line := d.line(n.place.line)
	start := n.place.column - 1
	if start < len(line) && (line[start] == '"' || line[start] == '\'') {
		start++
	}
	characters := utf8.RuneCountInString(n.text)
	if start+characters > len(line) || string(line[start:start+characters]) != n.text {
		return place{}, false
	}
	column := start + 1 + utf8.RuneCountInString(n.text[:detail.Offset])
	return place{n.place.line, column, utf8.RuneCountInString(detail.Text)}, true
}

// contradictions are keys that stand together and cannot both hold.
func (d *document) contradictions(n *node, field string, s shared) {
	b := s.Backoff
	if b == nil || n == nil {
		return
	}
	if b.Kind != nil && *b.Kind == schedule.BackoffFixed && b.Max != nil {
		d.fault(n.get("backoff").get("max"), below(field, "backoff.max"), "leave it out, or write kind: exponential", "a fixed backoff has one delay, initial")
	}
}

// contradictsJob are keys that mean nothing for the kind of job.
func (d *document) contradictsJob(e *entry, field string) {
	refuse := func(key, advice, problem string) {
		if n := e.node.get(key); n != nil {
			d.fault(n, below(field, key), advice, "%s", problem)
		}
	}
	var kinds []string
	for _, kind := range []string{"run", "http", "job"} {
		if e.node.get(kind) != nil {
			kinds = append(kinds, kind)
		}
	}
	if len(kinds) > 1 {
		n := e.node.get(kinds[1])
		d.fault(n, below(field, kinds[1]), "keep one of them, or make two schedules", "a schedule has one job, and here stand %s", strings.Join(kinds, " and "))
		for _, kind := range kinds {
			d.wrong[e.node.get(kind)] = true
		}
		return
	}
	for _, only := range commandOnly {
		switch {
		case e.HTTP != nil && only.key == "success_codes":
			refuse(only.key, "it belongs under http", only.problem)
		case e.HTTP != nil && only.key == "no_retry_codes":
			refuse(only.key, "leave it out; codes from 400 to 499 are not tried again unless retry_codes under http names them", only.problem)
		case e.HTTP != nil || e.Job != nil:
			refuse(only.key, "leave it out, or use run", only.problem)
		}
	}
	if e.Job != nil {
		refuse("env", "leave it out, or put it into args", "a job for a Go worker has no environment")
	}
	if e.HTTP != nil {
		d.twiceHeaders(e, field)
	}
}

// twiceHeaders are headers that differ in case only: one would win, and which
// is not said.
func (d *document) twiceHeaders(e *entry, field string) {
	first := map[string]string{}
	for _, p := range e.node.get("http").get("headers").entries() {
		name := http.CanonicalHeaderKey(p.key.text)
		if before, twice := first[name]; twice {
			d.fault(p.key, below(field, "http.headers."+p.key.text), "keep one of the two", "is the same header as %s", before)
			continue
		}
		first[name] = p.key.text
	}
}

// useless are policies that a schedule says itself and that have no effect
// under its other policies. The defaults may hold such, for the schedules
// where they have one.
func (d *document) useless(e *entry, field string, own, merged shared) {
	p := merged.policies()
	refuse := func(written bool, key, advice, problem string) {
		if n := e.node.get(key); written && n != nil {
			d.fault(n, below(field, key), advice, "%s", problem)
		}
	}
	for _, key := range []string{"catch_up", "overlap", "retries"} {
		_, excused := d.walk(e.node, key)
		if n, _ := d.origin(e, key); excused || d.excused(n) {
			return
		}
	}
	if p.CatchUp != schedule.CatchUpAll {
		refuse(own.CatchUpWindow != nil, "catch_up_window", "add catch_up: all, or leave it out",
			fmt.Sprintf("has no effect: catch_up is %s", p.CatchUp))
		if p.Overlap != schedule.OverlapQueue {
			refuse(own.CatchUpMax != nil, "catch_up_max", "add catch_up: all or overlap: queue, or leave it out",
				fmt.Sprintf("has no effect: catch_up is %s and overlap is %s", p.CatchUp, p.Overlap))
		}
	}
	if p.Overlap != schedule.OverlapCancel {
		refuse(own.CancelGrace != nil, "cancel_grace", "add overlap: cancel, or leave it out",
			fmt.Sprintf("has no effect: overlap is %s", p.Overlap))
	}
	if p.Retries == 0 {
		const advice, problem = "add retries: 3, for example, or leave it out", "has no effect: retries is 0"
		refuse(own.Backoff != nil && e.Run == nil, "backoff", advice, problem)
		refuse(own.NoRetryCodes != nil && !schedule.HasExitCode(own.NoRetryCodes, schedule.TemporaryFailure), "no_retry_codes", advice, problem)
		if e.HTTP != nil && e.HTTP.RetryCodes != nil {
			d.fault(e.node.get("http").get("retry_codes"), below(field, "http.retry_codes"), advice, problem)
		}
	}
	refuse(own.Group != nil && merged.User == nil, "group", "add user, or leave it out", "has no effect: there is no user")
}

// noLimit tells of a limit that is not under limits.
func (d *document) noLimit(e *entry, field, limit string) {
	n, inherited := d.origin(e, "limit")
	if inherited {
		field = "defaults"
	}
	names := slices.Sorted(maps.Keys(d.written.Limits))
	advice := fmt.Sprintf("add limits: {%s: 1} at the top of the file", limit)
	if near := nearest.To(limit, names); near != "" {
		advice = "did you mean " + near + "?"
	} else if len(names) > 0 {
		advice = "there is " + strings.Join(names, ", ")
	}
	if d.root.get("limits") != nil && d.excused(d.root.get("limits")) {
		return
	}
	d.fault(n, below(field, "limit"), advice, "there is no limit %s", quoted(limit))
}

// renames refuses two schedules that were one, and one that was another which
// still stands in the file.
func (d *document) renames() {
	heirs := map[string]*entry{}
	for _, e := range d.entries {
		was := e.declaration.Was
		if was == "" || was == e.key.text {
			continue
		}
		n, field := e.node.get("was"), "schedules."+e.key.text+".was"
		if first := heirs[was]; first != nil {
			d.wrong[n] = false // an alias may share it
			d.fault(n, field, "one history goes to one schedule; leave it out of the other", "%s was %s, too", first.key.text, quoted(was))
			continue
		}
		heirs[was] = e
		if old := d.root.get("schedules").get(was); old != nil {
			d.fault(n, field, "take the old key out, or leave out was", "%s still stands in the file", quoted(was))
		}
	}
}

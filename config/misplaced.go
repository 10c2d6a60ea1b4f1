package config

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/punctual-dev/punctual/internal/nearest"
)

// misplaced is a key that is known from elsewhere: from another place of the
// file, or from other programs.
type misplaced struct {
	instead string // the key that was meant, if it stands in the same mapping
	advice  string
}

// What is meant by the words that other programs have for the bounds.
const (
	notBefore = "not_before says from when on it is due; the phase of an interval stands in the when, as in every 2h from 2027-01-01T00:00:00Z"
	notAfter  = "not_after says until when it is due"
)

var misplacedKeys = map[string]misplaced{
	"schedules.cron":              {"when", "when takes cron expressions"},
	"schedules.schedule":          {"when", "when says when it runs"},
	"schedules.on":                {"when", "when says when it runs"},
	"schedules.every":             {"when", `when takes intervals: when: "every 5m"`},
	"schedules.command":           {"run", "run takes commands"},
	"schedules.cmd":               {"run", "run takes commands"},
	"schedules.shell":             {"run", "run takes commands"},
	"schedules.script":            {"run", "run takes commands"},
	"schedules.exec":              {"run", "run takes commands, for the shell as a text, to execute as a list"},
	"schedules.retry":             {"retries", "retries says how often it is tried again"},
	"schedules.max_retries":       {"retries", "retries says how often it is tried again"},
	"schedules.attempts":          {"retries", "retries says how often it is tried again after the first attempt"},
	"schedules.max_attempts":      {"retries", "retries says how often it is tried again after the first attempt"},
	"schedules.cwd":               {"directory", "directory says where it runs"},
	"schedules.workdir":           {"directory", "directory says where it runs"},
	"schedules.working_directory": {"directory", "directory says where it runs"},
	"schedules.dir":               {"directory", "directory says where it runs"},
	"schedules.interval":          {"when", `when takes intervals: when: "every 5m"`},
	"schedules.at":                {"when", `when takes times: when: "daily at 09:00"`},
	"schedules.concurrency":       {"overlap", "overlap says what happens while the previous run goes on; limit bounds several schedules together"},
	"schedules.name":              {"", "the name of a schedule is its key; description is free text"},
	"schedules.url":               {"http", "it belongs under http"},
	"schedules.method":            {"", "it belongs under http"},
	"schedules.headers":           {"", "it belongs under http"},
	"schedules.body":              {"", "it belongs under http"},
	"schedules.kind":              {"job", "it belongs under job"},
	"schedules.args":              {"", "it belongs under job"},
	"schedules.environment":       {"", "env sets variables, inherit_env says which the command inherits, enabled_in where the schedule runs"},
	"schedules.retry_codes":       {"", "it belongs under http; for a command, no_retry_codes names the exit codes that are not tried again"},
	"schedules.follow_redirects":  {"", "it belongs under http"},
	"schedules.sign_with":         {"", "it belongs under http"},
	"schedules.ca_file":           {"", "it belongs under http"},
	"schedules.from":              {"not_before", notBefore},
	"schedules.start":             {"not_before", notBefore},
	"schedules.start_at":          {"not_before", notBefore},
	"schedules.starts_at":         {"not_before", notBefore},
	"schedules.since":             {"not_before", notBefore},
	"schedules.begin":             {"not_before", notBefore},
	"schedules.until":             {"not_after", notAfter},
	"schedules.to":                {"not_after", notAfter},
	"schedules.end":               {"not_after", notAfter},
	"schedules.end_at":            {"not_after", notAfter},
	"schedules.ends_at":           {"not_after", notAfter},
	"schedules.tz":                {"timezone", "did you mean timezone?"},
	"schedules.zone":              {"timezone", "did you mean timezone?"},
	"schedules.enabled":           {"", "enabled_in lists environments; punctual schedules pause pauses by hand"},
	"schedules.limits":            {"", "limits stands at the top of the file; a schedule names one with limit"},
	"defaults.timezone":           {"", "it stands at the top of the file"},
	"defaults.when":               {"", "each schedule has its own"},
	"defaults.run":                {"", "each schedule has its own"},
	"defaults.http":               {"", "each schedule has its own"},
	"defaults.job":                {"", "each schedule has its own"},
	".tz":                         {"timezone", "did you mean timezone?"},
	".jobs":                       {"schedules", "did you mean schedules?"},
	".queue":                      {"", "it belongs under defaults"},
	".env":                        {"", "it belongs under defaults"},
}

// unknown tells of a key that means nothing, and what may have been meant.
func (d *decoder) unknown(n, key *node, fields structFields, field string) {
	where, _, _ := strings.Cut(field, ".")
	if where == "" && strings.HasPrefix(key.text, "x-") {
		return // a place to mark things for aliases
	}
	if d.meant[n] == nil {
		d.meant[n] = map[string]bool{}
	}
	if strings.Contains(key.text, " ") && !n.flow {
		if above := n.get(d.belowHeader(key.place.line, field)); above != nil {
			d.wrong[above] = true // for it is empty
			return
		}
	}
	if line := d.line(key.place.line); strings.Contains(key.text, ":") && 0 < key.place.column && key.place.column <= len(line) {
		if advice := withoutSpace(string(line[key.place.column-1:]), isAnyKey); advice != "" {
			for word := range strings.FieldsSeq(key.text) { // YAML made one key of two lines
				name, _, _ := strings.Cut(word, ":")
				d.meant[n][name] = true
			}
			d.fault(key, field, advice, "this is not a key with a value")
			return
		}
	}
	if strings.HasPrefix(key.text, "//") || strings.HasPrefix(key.text, "/*") {
		d.fault(key, field, "begin it with #, or leave it out", "this is no comment of YAML")
		return
	}
	if line := string(d.line(key.place.line)); strings.Contains(key.text, " ") && !n.flow && key.place.column <= len(line) {
		content, indent := indented(line)
		if advice := d.withoutColon(key.place.line, content, indent); advice != "" && indent == key.place.column-1 {
			name, _, _ := strings.Cut(key.text, " ")
			d.meant[n][name] = true
			d.fault(key, field, advice, "this is not a key with a value")
			return
		}
	}
	known, ok := misplacedKeys[where+"."+key.text]
	if !ok && where == "schedules" && strings.Count(field, ".") == 1 && looksLikeSchedule(n.get(key.text)) {
		_, owner, _ := strings.Cut(field, ".")
		known, ok = misplaced{advice: fmt.Sprintf("it looks like a schedule: indent it, and what is below it, like %s:", owner)}, true
	}
	if advice := d.atTheTop(n, key); !ok && where == "" && advice != "" {
		known, ok = misplaced{advice: advice}, true
	}
	if !ok {
		known = misplaced{advice: "known here: " + fields.list()}
		if near := nearest.To(key.text, fields.names); near != "" {
			known = misplaced{instead: near, advice: "did you mean " + near + "?"}
		}
	}
	d.meant[n][known.instead] = true
	d.fault(key, below(field, key.text), known.advice, "%s is not a key", quoted(key.text))
}

// atTheTop is advice for a key at the top of the file that belongs below schedules.
func (d *decoder) atTheTop(n, key *node) string {
	schedules := n.key("schedules", nil)
	_, ofSchedule := fieldsOf(reflect.TypeFor[definition]()).index[key.text]
	_, ofDefaults := fieldsOf(reflect.TypeFor[defaults]()).index[key.text]
	switch {
	case ofDefaults:
		return "it belongs to a schedule, below schedules: and the key of the schedule, or under defaults:"
	case ofSchedule:
		return "it belongs to a schedule, below schedules: and the key of the schedule"
	case schedules != nil && n.get("schedules").kind == null && schedules.place.line < key.place.line:
		return fmt.Sprintf("indent %s: below schedules:", key.text)
	case looksLikeSchedule(n.get(key.text)):
		if schedules != nil && schedules.place.line < key.place.line && n.get("schedules").kind == mapping {
			return fmt.Sprintf("it looks like a schedule: indent %s:, and what is below it, by %d spaces more, so that it stands below schedules:", key.text, max(2, columnOfFirst(n.get("schedules"))-1))
		}
		return "schedules stand under schedules:, each under its key"
	}
	return ""
}

// columnOfFirst is the column of the first key of a mapping.
func columnOfFirst(n *node) int {
	for _, p := range n.entries() {
		return p.key.place.column
	}
	return 0
}

func looksLikeSchedule(n *node) bool {
	return n.get("when") != nil || n.get("run") != nil || n.get("http") != nil
}

func below(field, key string) string {
	if field == "" {
		return key
	}
	return field + "." + key
}

// describe says what a node is, for "…; a mapping belongs here".
func (n *node) describe() string {
	switch n.kind {
	case text:
		return quoted(n.text) + " is text"
	case number:
		return n.text + " is a number"
	case boolean:
		return n.text + " is a boolean"
	case null:
		return "is empty"
	case sequence:
		return "is a list"
	}
	return "is a mapping"
}

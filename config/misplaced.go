package config

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/punctual-dev/punctual/internal/nearest"
)

// unknown tells of a key that means nothing, and what may have been meant.
func (d *decoder) unknown(n, key *node, fields structFields, field string) {
	where := fields.of()
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
			d.fault(key, field, advice, noKeyProblem)
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
			d.fault(key, field, advice, noKeyProblem)
			return
		}
	}
	known, ok := fields.ofOthers(key.text, n)
	if !ok && where == "schedules" && strings.Count(field, ".") == 1 && looksLikeSchedule(n.get(key.text)) {
		_, owner, _ := strings.Cut(field, ".")
		known, ok = misplaced{advice: fmt.Sprintf("it looks like a schedule: indent it, and what is below it, like %s:", owner)}, true
	}
	if advice := d.atTheTop(n, key); !ok && where == "" && advice != "" {
		known, ok = misplaced{advice: advice}, true
	}
	if !ok {
		known = misplaced{advice: knownHere + fields.list()}
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

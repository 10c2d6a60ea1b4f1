package config

import (
	"cmp"
	"fmt"
	"net/mail"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/punctual-dev/punctual/schedule"
)

// This file knows how what was written in another shape is written here.

// mappingMeant is advice for what stands where a mapping with names of one's own
// belongs.
func (d *decoder) mappingMeant(n *node, elem reflect.Type, field string) string {
	last := field[strings.LastIndexByte(field, '.')+1:]
	if isListOfMappings(n) {
		return "write it without the dashes, as name: value"
	}
	if advice := recipientsMeant(n); last == "to" && advice != "" {
		return "write to: {team: " + advice + "}" + mailNeeds(advice)
	}
	if pairs := pairsOfList(n); pairs != "" && last == "env" {
		return "write env: " + pairs
	}
	if n.kind == text && !n.quoted && elem != reflect.TypeFor[*definition]() {
		if pairs := d.pairsMeant(n, elem, last); pairs != "" {
			return pairs
		}
	}
	switch last {
	case "schedules":
		return "below schedules: write a key of your choice, such as hello:, indented, and below it when: and run:, indented further"
	case "limits":
		return "write limits: {api: 1}"
	case "calendars":
		return "write calendars: {feasts: [2026-12-25]}"
	case "env":
		return `write env: {NAME: "value"}`
	case "headers":
		return `write headers: {Accept: "text/plain"}`
	case "to":
		return `write to: {team: {webhook: "https://example.com/hook"}}`
	}
	return "write it as name: value"
}

// pairsMeant are the names and values of a text such as A=1 B=2: behind the key in
// braces, on a line of its own as it is written there.
func (d *decoder) pairsMeant(n *node, elem reflect.Type, key string) string {
	line := d.line(n.place.line)
	if n.place.column < 1 || n.place.column > len(line) {
		return ""
	}
	value := func(written string) string { return written }
	if elem.Kind() == reflect.String {
		value = inYAML
	}
	before, written := string(line[:n.place.column-1]), string(line[n.place.column-1:])
	written, _, _ = strings.Cut(written, " #")
	if strings.TrimSpace(before) == "" {
		if parts := nameAndValue.FindStringSubmatch(strings.TrimSpace(written)); parts != nil {
			return fmt.Sprintf("write %s: %s", parts[1], value(parts[2]))
		}
		return ""
	}
	var pairs []string
	for word := range strings.FieldsSeq(n.text) {
		parts := nameAndValue.FindStringSubmatch(word)
		if parts == nil {
			break
		}
		pairs = append(pairs, parts[1]+": "+value(parts[2]))
	}
	if len(pairs) < len(strings.Fields(n.text)) { // one value of several words
		parts := nameAndValue.FindStringSubmatch(n.text)
		if parts == nil {
			return ""
		}
		pairs = []string{parts[1] + ": " + value(parts[2])}
	}
	return fmt.Sprintf("write %s: {%s}", key, strings.Join(pairs, ", "))
}

// pairsOfList are the names and values of a list of texts such as A=1; empty if one
// is none.
func pairsOfList(n *node) string {
	var pairs []string
	for _, item := range n.items {
		parts := nameAndValue.FindStringSubmatch(item.text)
		if item.kind != text || parts == nil {
			return ""
		}
		pairs = append(pairs, parts[1]+": "+inYAML(parts[2]))
	}
	if len(pairs) == 0 {
		return ""
	}
	return "{" + strings.Join(pairs, ", ") + "}"
}

var (
	// plainWord is text that YAML reads as text, in braces, too.
	plainWord = regexp.MustCompile(`^[A-Za-z/][A-Za-z0-9_./@+-]*$`)
	// otherWord is no text for YAML, or for others that read it.
	otherWord = regexp.MustCompile(`(?i)^(?:true|false|null|yes|no|on|off|y|n)$`)
)

// inYAML is a text as a value, in quotes if it needs some.
func inYAML(written string) string {
	if plainWord.MatchString(written) && !otherWord.MatchString(written) {
		return written
	}
	return fmt.Sprintf("%q", written)
}

// recipientsMeant is the recipient that is meant by addresses of mail, or by the
// address of a webhook; empty where none is.
func recipientsMeant(n *node) string {
	if n.kind == text && strings.Contains(n.text, "://") {
		return fmt.Sprintf("{webhook: %q}", n.text)
	}
	items := []*node{n}
	if n.kind == sequence {
		items = n.items
	}
	var addresses []string
	for _, item := range items {
		address, err := mail.ParseAddress(strings.TrimPrefix(item.text, "mailto:"))
		if item.kind != text || err != nil {
			return ""
		}
		addresses = append(addresses, inYAML(address.Address))
	}
	if len(addresses) == 1 {
		return "{mail: " + addresses[0] + "}"
	}
	return "{mail: [" + strings.Join(addresses, ", ") + "]}"
}

// mailNeeds goes on about what recipients of mail need besides.
func mailNeeds(recipient string) string {
	if !strings.HasPrefix(recipient, "{mail:") {
		return ""
	}
	return ", and beside to the server: mail: {server: smtp.example.org:587, from: punctual@example.org}"
}

// textMeant is advice for a value of another kind that stands for a name or a
// pattern; empty where there is nothing special to say.
func textMeant(n *node, name string) string {
	if name == "limit" && n.kind == number {
		return fmt.Sprintf("limit names an entry of limits: write limit: api, and limits: {api: %s} at the top of the file; for one run at a time of this schedule alone leave it out: overlap: skip is the default", cmp.Or(strings.TrimLeft(n.text, "-0"), "1"))
	}
	if name == "overlap" {
		return overlapMeant(n.text)
	}
	return ""
}

// overlapMeant is advice for a value that overlap does not take: what stands for yes, no
// and the words of Kubernetes, or else all values, with the one that lets no runs
// overlap and the one that does.
func overlapMeant(written string) string {
	switch strings.ToLower(written) {
	case "no", "n", "false", "off", "none", "never", "not", "0", "deny", "denied", "forbid", "forbidden", "disallow", "disable", "disabled", "prevent", "single", "exclusive":
		return fmt.Sprintf("write %s, the default: what comes due while a run goes on is left out; with %s or %s it waits, with %s it ends the run", schedule.OverlapSkip, schedule.OverlapWait, schedule.OverlapQueue, schedule.OverlapCancel)
	case "yes", "y", "true", "on", "always", "allowed", "enable", "enabled", "permit", "permitted", "parallel", "concurrent", "unlimited":
		return fmt.Sprintf("write %s: what comes due while a run goes on begins beside it", schedule.OverlapAllow)
	case "replace", "kill", "terminate", "restart":
		return fmt.Sprintf("write %s: what comes due while a run goes on ends it, and begins", schedule.OverlapCancel)
	}
	return fmt.Sprintf("%s: with %s, the default, what comes due while a run goes on is left out; only with %s may runs overlap", allowedTexts["overlap"], schedule.OverlapSkip, schedule.OverlapAllow)
}

// numbersMeant say which numbers a key takes.
var numbersMeant = map[string]string{
	"priority":     "write 1 to 4: 1 is worked first, and 2 is the default",
	"catch_up_max": "write 1 to 10000, for example 100",
	"failures":     "write 0 to 100, for example 1",
}

func numberMeant(field string) string {
	return cmp.Or(numbersMeant[nameOf(field)], "for example 3")
}

// bracesMeant is advice for a text in braces, which are a mapping to YAML.
func (d *decoder) bracesMeant(n *node, field string) string {
	whole := behindKey(d.line(n.place.line), n.place.column)
	if !n.flow || whole == "" || !takesText(field) {
		return ""
	}
	for _, p := range n.pairs {
		if p.value.kind != null {
			return ""
		}
	}
	return "put it in quotes if it is text: " + whole
}

// tagsMeant is advice for several tags in one text.
func tagsMeant(written string) string {
	tags := strings.FieldsFunc(written, func(c rune) bool { return c == ',' || c == ';' || c == ' ' })
	if len(tags) < 2 || slices.ContainsFunc(tags, func(tag string) bool { return !namePattern.MatchString(tag) }) {
		return ""
	}
	return "write [" + strings.Join(tags, ", ") + "]"
}

// backoffMeant is advice for one word in place of a backoff.
func backoffMeant(word string) string {
	switch strings.ToLower(word) {
	case schedule.BackoffExponential, "exp", "double":
		return "write backoff: {kind: exponential, initial: 10s, max: 1h}"
	case schedule.BackoffFixed, "constant":
		return "write backoff: {kind: fixed, initial: 10s}"
	}
	return ""
}

// noDuration are words for a duration that is not to hold.
var noDuration = regexp.MustCompile(`(?i)^(?:none|never|no|off|false|null|unlimited|infinite|infinity|forever|-1?)$`)

// noDurationMeant is advice for such a word.
func noDurationMeant(word, field string) string {
	if !noDuration.MatchString(word) {
		return ""
	}
	switch nameOf(field) {
	case "timeout", "expires", "jitter":
		return "leave it out, since there is none by default; 0s takes back that of the defaults"
	case "late", "running":
		return "write never"
	}
	return ""
}

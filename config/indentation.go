package config

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/token"
)

// indentKeys puts keys of a schedule that stand beside its key below it, and
// tells them. So what else is wrong with them is told, too, and nothing that
// only follows from where they stand.
func (r *yamlReader) indentKeys(schedules *node) {
	known := fieldsOf(reflect.TypeFor[definition]()).index
	var kept []pair
	var astray []pair // below the last one kept
	settle := func() {
		if len(astray) == 0 {
			return
		}
		var owner *pair
		if len(kept) > 0 {
			owner = &kept[len(kept)-1]
		}
		if owner == nil && !slices.ContainsFunc(astray, isOfScheduleOnly) {
			r.tellOfFile(astray)
		} else {
			r.tellAstray(owner, astray)
		}
		if owner != nil {
			r.field = below("schedules", owner.key.text)
			owner.value = &node{kind: mapping, place: astray[0].key.place, pairs: append(slices.Clone(owner.value.pairs), astray...)}
			r.settle(owner.value)
		}
		astray = nil
	}
	for _, p := range schedules.pairs {
		if isOfFile(p) {
			r.tellOfFile([]pair{p})
			continue
		}
		_, isKey := known[p.key.text]
		if isKey && !looksLikeSchedule(p.value) && (len(astray) > 0 || belongsTo(kept, p.key.text, p.value)) {
			astray = append(astray, p)
			continue
		}
		settle()
		kept = append(kept, p)
	}
	settle()
	schedules.pairs = kept
}

// belongsTo says whether a value under a name that is a key of schedules can only
// have been meant as that, and not as a schedule of that name.
func belongsTo(schedules []pair, key string, value *node) bool {
	holds := value.kind != mapping && value.kind != null || value.kind == mapping && len(value.pairs) > 0 && !slices.ContainsFunc(value.pairs, func(p pair) bool {
		return !scheduleFields().fitBelow(key, value, p.key.text)
	})
	if len(schedules) == 0 {
		return holds
	}
	before := schedules[len(schedules)-1].value
	return before.kind == null || before.kind == mapping && !before.flow && holds
}

// tellAstray tells keys that stand beside the key of their schedule, or without
// one.
func (r *yamlReader) tellAstray(owner *pair, astray []pair) {
	var names []string
	for _, p := range astray {
		if name := quoted(p.key.text); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	list, stand, them, they := names[0], "stands", "it", "it stands"
	if last := len(names) - 1; last > 0 {
		list = strings.Join(names[:last], ", ") + " and " + names[last]
		stand, them, they = "stand", "them", "they stand"
	}
	at := astray[0].key.place
	spaces := fmt.Sprintf("indent %s by %d spaces more, so that %s below", them, max(at.column-1, 2), they)
	field, advice := "schedules", fmt.Sprintf("put a key of your choice above %s, such as hello:, and %s it", them, spaces)
	if owner != nil {
		field, advice = below("schedules", owner.key.text), spaces+" "+owner.key.text+":"
	}
	r.add(at, field, advice, fmt.Sprintf("%s %s where only keys of schedules stand", list, stand))
}

// keyLine is a line with a key, and its value unless that stands below.
var keyLine = regexp.MustCompile(`^( *)(?:"[^"]*"|'[^']*'|[^\s#"'\[\]{},&*!|>%@-][^:#]*?):(?:[ \t]+([^#\s].*?))?(?:[ \t]+#.*)?$`)

// misindented finds the first line of a piece that stands deeper than a line above
// which has a value, or on the level of none above. Of what a library of YAML says
// about such a line, nothing is to the point.
func (r *yamlReader) misindented(piece token.Tokens) (at place, problem, advice string) {
	var levels []int                       // columns of keys that are open
	hasValue, block, list := false, -1, -1 // list: the column of the dashes of one
	for number := piece[0].Position.Line; number <= piece[len(piece)-1].Position.Line; number++ {
		line := strings.TrimRight(string(r.line(number)), " \t")
		content := strings.TrimLeft(line, " ")
		indent := len(line) - len(content)
		if content == "" || content[0] == '#' || block >= 0 && indent > block {
			continue
		}
		block = -1
		parts := keyLine.FindStringSubmatch(line)
		if parts == nil {
			hasValue = false // a list, or text in several lines
			if list = listOf(content, indent, list); list >= 0 && plainKey.MatchString(content) {
				list = -1 // its items are mappings
			}
			continue
		}
		at = place{number, indent + 1, len([]rune(content))}
		if last := len(levels) - 1; list >= 0 && indent >= list && last >= 0 && indent > levels[last] {
			return at, "this line stands where the items of the list above stand, and is none", fmt.Sprintf("indent it to %s, like the key of the list", counted(levels[last], "space"))
		}
		list = -1
		for len(levels) > 0 && levels[len(levels)-1] > indent {
			deeper := levels[len(levels)-1]
			levels = levels[:len(levels)-1]
			if len(levels) == 0 || levels[len(levels)-1] < indent {
				if len(levels) > 0 && parts[2] == "" && !isAnyKey(strings.TrimSuffix(content, ":")) {
					return at, betweenProblem, fmt.Sprintf("indent it to %s, like those", counted(levels[len(levels)-1], "space")) // the key of a schedule
				}
				return at, shallowProblem, likeAbove(deeper)
			}
		}
		if len(levels) == 0 || levels[len(levels)-1] < indent {
			if hasValue {
				if parts[2] == "" && len(levels) > 1 && !isAnyKey(strings.TrimSuffix(content, ":")) {
					levels = levels[:len(levels)-1]
				}
				return at, "this line is indented more than the one above, which has a value already", likeAbove(levels[len(levels)-1])
			}
			levels = append(levels, indent)
		}
		value := parts[2]
		hasValue = value != "" && !strings.ContainsAny(value[:1], `&!|>[{"'`) || isClosed(value)
		if value != "" && strings.ContainsAny(value[:1], "|>") {
			block = indent
		}
	}
	return place{}, "", ""
}

// listOf is the column of the dashes where a line is an item of a list, or goes on
// with one; else less than none.
func listOf(content string, indent, list int) int {
	switch {
	case strings.HasPrefix(content, "- "):
		return indent
	case indent > list:
		return list
	}
	return -1
}

// lineAstray tells the first of some lines that explains by itself why they cannot
// be read, and says whether there is one.
func (r *yamlReader) lineAstray(from, to int, field string) bool {
	block := -1
	for number := max(from, 1); number <= to; number++ {
		line := string(r.line(number))
		content := strings.TrimLeft(line, " ")
		indent := len(line) - len(content)
		if content == "" || content[0] == '#' || block >= 0 && indent > block {
			continue
		}
		block = -1
		advice := withoutSpace(content, isAnyKey)
		if advice == "" {
			advice = r.withoutColon(number, content, indent)
		}
		if advice != "" {
			first, _, _ := strings.Cut(field, " ")
			r.add(place{number, indent + 1, len([]rune(content))}, first, advice, noKeyProblem)
			return true
		}
		if header := blockHeader.FindStringSubmatch(content); header != nil {
			block = indent
			if r.notBelow(number, indent, header[1], header[2], field) {
				return true
			}
		}
	}
	return false
}

var (
	// blockHeader is a line below which a text follows, as run: |
	blockHeader = regexp.MustCompile(`^(?:- )?([A-Za-z0-9_.-]+):[ \t]+([|>][-+0-9]*)[ \t]*(?:#.*)?$`)
	// plainKey begins a line with a key.
	plainKey = regexp.MustCompile(`^(?:- )?[A-Za-z0-9_.-]+:(?:[ \t]|$)`)
	// closeKey is a key, and a value without the space before it.
	closeKey = regexp.MustCompile(`^(?:- )?([a-z_]+):([^\s:].*)$`)
)

// belowHeader tells that a line belongs to a text such as that of run: | above it.
// The key is that of the text, or empty if the line does not belong to one.
func (f *findings) belowHeader(number int, field string) (key string) {
	const enough = 100 // lines of such a text
	for above := number - 1; above > max(0, number-enough); above-- {
		line := string(f.line(above))
		content := strings.TrimLeft(line, " ")
		if header := blockHeader.FindStringSubmatch(content); header != nil {
			if f.notBelow(above, len(line)-len(content), header[1], header[2], field) {
				return header[1]
			}
			return ""
		}
		if plainKey.MatchString(content) {
			return ""
		}
	}
	return ""
}

// notBelow tells the line after a header such as run: | if it is not indented, and
// no key either.
func (f *findings) notBelow(number, indent int, key, mark, field string) bool {
	for number++; number <= len(f.lines) && len(f.line(number)) == 0; number++ {
	}
	line := string(f.line(number))
	content := strings.TrimLeft(line, " ")
	if content == "" || content[0] == '#' || len(line)-len(content) > indent || plainKey.MatchString(content) {
		return false
	}
	at := place{number, len(line) - len(content) + 1, len([]rune(content))}
	f.add(at, field, fmt.Sprintf("indent the lines below %s: %s further than %[1]s:", key, mark), fmt.Sprintf("this line is not indented below %s:, to which it belongs", key))
	return true
}

// withoutSpace is advice for a line that begins with a known key, a colon, and no
// space after it.
func withoutSpace(line string, known func(key string) bool) string {
	parts := closeKey.FindStringSubmatch(line)
	if parts == nil || strings.HasPrefix(parts[2], "//") || !known(parts[1]) {
		return ""
	}
	return fmt.Sprintf("put a space after the colon: %s: %s", parts[1], parts[2])
}

// equalsKey is a key and its value with something else than a colon between them.
var equalsKey = regexp.MustCompile(`^([a-z_]+)(?:[ \t]*=[ \t]*|[ \t]+)([^\s:=].*)$`)

// inQuotesAlone is a line with a text in quotes, and nothing else.
var inQuotesAlone = regexp.MustCompile(`^(?:"[^"]+"|'[^']+')$`)

// withoutColon is advice for a line that is a key without the colon behind it: a
// known one before its value, or any on a line of its own, above deeper keys.
func (f *findings) withoutColon(number int, content string, indent int) string {
	if parts := equalsKey.FindStringSubmatch(content); parts != nil && isAnyKey(parts[1]) && !plainKey.MatchString(content) {
		return fmt.Sprintf("put a colon after the key: %s: %s", parts[1], parts[2])
	}
	content, _, _ = strings.Cut(content, " #")
	content = strings.TrimRight(content, " ")
	if !inQuotesAlone.MatchString(content) && (strings.Trim(content, "abcdefghijklmnopqrstuvwxyz0123456789._-") != "" || content[0] == '-') {
		return ""
	}
	below := string(f.line(number + 1))
	if deeper := strings.TrimLeft(below, " "); len(below)-len(deeper) > indent && plainKey.MatchString(deeper) {
		return fmt.Sprintf("put a colon after the key: %s:", content)
	}
	return ""
}

// isAnyKey says whether a key has a meaning somewhere in a file.
func isAnyKey(key string) bool {
	for _, t := range []reflect.Type{reflect.TypeFor[written](), reflect.TypeFor[definition](), reflect.TypeFor[request](), reflect.TypeFor[work]()} {
		if _, ok := fieldsOf(t).index[key]; ok {
			return true
		}
	}
	return false
}

func likeAbove(spaces int) string {
	if spaces == 0 {
		return "do not indent it, as the one above"
	}
	return fmt.Sprintf("indent it to %s, like the one above", counted(spaces, "space"))
}

const (
	shallowProblem = "this line is indented less than its neighbours"
	betweenProblem = "this key is indented more than those of its kind above, and less than what is below them"
	noKeyProblem   = "this is not a key with a value"
)

// isClosed says whether a value in quotes or brackets ends on its line.
func isClosed(value string) bool {
	if len(value) < 2 {
		return false
	}
	closing, ok := map[byte]byte{'"': '"', '\'': '\'', '[': ']', '{': '}'}[value[0]]
	return ok && value[len(value)-1] == closing
}

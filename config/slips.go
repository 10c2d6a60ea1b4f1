package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// This file knows lines that people write and YAML makes nothing of: two entries in
// one line, text behind the mark of a block, comments of other languages, commands
// that go on beside their key. Each is told and taken out, so that the rest is read.

var (
	// behindMark is a text in the line of the mark below which it belongs.
	behindMark = regexp.MustCompile(`^((?:-[ \t]+)*([A-Za-z0-9_.-]+):[ \t]+)([|>])[-+0-9]{0,2}[ \t]+([^#\s].*)$`)
	// valueOfKey is a key, and what stands behind it.
	valueOfKey = regexp.MustCompile(`^((?:-[ \t]+)?([A-Za-z0-9_.-]+):[ \t]+)(\S.*)$`)
	// anotherKey is a key behind the value of one.
	anotherKey = regexp.MustCompile(`[,;]?[ \t]+([a-z_]+):(?:[ \t]|$)`)
	// firstKey is a key in place of a value.
	firstKey = regexp.MustCompile(`^([A-Za-z0-9_.-]+):(?:[ \t]|$)`)
	// goesOn is the end of a line that another is to follow.
	goesOn = regexp.MustCompile(`(?:&&|\|\|?|\\|;)$`)
)

// textsBehindMarks tells a text that begins in the line of its | or >.
func (d *document) textsBehindMarks(lines []string, replaced map[place]bool) {
	for number := range structure(lines) {
		content, indent := indented(lines[number])
		parts := behindMark.FindStringSubmatch(content)
		if parts == nil {
			continue
		}
		if len(d.all) >= maxFaults {
			return
		}
		before, key, mark := parts[1], parts[2], parts[3]
		column := indent + len(before) + 1
		advice := fmt.Sprintf("write the text on the lines below, indented further than %s:", key)
		follows := deeperBelow(lines, number, indent)
		switch {
		case key == "run" && mark == ">":
			advice += "; if > is to write into a file, put it in quotes: " + inQuotesOf(content[len(before):])
		case !follows:
			advice += ", or leave out the " + mark
		}
		d.add(place{number + 1, column, len([]rune(content[len(before):]))}, below(d.pathAbove(number, indent), key), advice,
			fmt.Sprintf("behind %s a text begins in the next line, and not in this one", mark))
		lines[number] = lines[number][:column-1] + mark
		if !follows {
			lines[number] = lines[number][:column-1] + "x"
			replaced[place{line: number + 1, column: column}] = true
		}
	}
}

// otherComments tells comments of other languages, and takes them out.
func (d *document) otherComments(lines []string) {
	var first place
	more, field, above := 0, "", owner{indent: -1}
	for number := range structure(lines) {
		content, indent := indented(lines[number])
		if !strings.HasPrefix(content, "//") && !strings.HasPrefix(content, "/*") || indent > above.indent && valueOfKey.MatchString(above.content) {
			above = owner{indent, content}
			continue
		}
		lines[number] = ""
		if first.line > 0 {
			more++
			d.further = append(d.further, number+1)
			continue
		}
		first, field = place{number + 1, indent + 1, len([]rune(content))}, d.pathAbove(number, indent)
	}
	if first.line > 0 {
		d.add(first, field, "begin it with #, or leave it out", "this is no comment of YAML"+andBelow(more))
	}
}

// severalEntries tells keys that stand behind the value of another in one line, and
// takes them out.
func (d *document) severalEntries(lines []string, replaced map[place]bool) {
	column := columnOfSchedules(lines)
	for number := range structure(lines) {
		content, indent := indented(lines[number])
		parts := valueOfKey.FindStringSubmatch(content)
		if parts == nil || strings.Count(content, ":") < 2 {
			continue
		}
		if len(d.all) >= maxFaults {
			return
		}
		key, value := parts[2], parts[3]
		found := firstKey.FindStringSubmatch(value)
		isHolder := holdsKeys.MatchString(key+":") || !isAnyKey(key) && found != nil && isScheduleKey(found[1]) && indent == column
		switch {
		case isHolder && found != nil:
			d.entriesOf(lines, number, key, found[1], value[len(found[1])+1:], replaced)
		case isAnyKey(key):
			d.entriesBehind(lines, number, indent+len(parts[1]), key)
		}
	}
}

// entriesOf tells keys in the line of the one that holds them, of which the first is
// given and what stands behind that.
func (d *document) entriesOf(lines []string, number int, holder, first, rest string, replaced map[place]bool) {
	content, indent := indented(lines[number])
	keys := colons(append([]string{first}, keysBehind(rest)...))
	behind := len(content) - len(first) - len(":") - len(rest)
	at := place{number + 1, indent + len([]rune(content[:behind])) + 1, len(first)}
	d.add(at, below(d.pathAbove(number, indent), holder), fmt.Sprintf("put %s on %s below %s:, indented further", listed(keys), linesOfTheirOwn(keys), holder), "a key cannot stand here, behind another")
	lines[number] = lines[number][:indent+len(holder)+1]
	if deeperBelow(lines, number, indent) {
		d.absent[number+1] = absent{keys, true}
		return
	}
	lines[number] += " x"
	replaced[place{line: number + 1, column: indent + len(holder) + 3}] = true
}

// entriesBehind tells the keys behind the value of a key, which begins at a column
// from 0 on.
func (d *document) entriesBehind(lines []string, number, column int, key string) {
	line := strings.TrimRight(lines[number], " \t")
	value := line[column:]
	if cut := strings.Index(value, " #"); cut >= 0 {
		value = strings.TrimRight(value[:cut], " \t")
	}
	start := 0 // where a value in quotes ends
	switch {
	case value[0] == '"' || value[0] == '\'':
		end := strings.IndexByte(value[1:], value[0]) + 2
		if end < 2 || !anotherKey.MatchString(value[end:]) || anotherKey.FindStringIndex(value[end:])[0] > 0 {
			return
		}
		start = end
	case strings.ContainsAny(value[:1], "{[|>&*!#%@`"):
		return
	}
	keys := keysBehind(value[start:])
	if len(keys) == 0 {
		return
	}
	span := anotherKey.FindStringSubmatchIndex(value[start:])
	for span != nil && !isAnyKey(value[start+span[2]:start+span[3]]) {
		start += span[3]
		span = anotherKey.FindStringSubmatchIndex(value[start:])
	}
	if span == nil {
		return
	}
	at := place{number + 1, len([]rune(line[:column+start+span[2]])) + 1, len(keys[0])}
	names := colons(keys)
	advice := fmt.Sprintf("put %s on %s", listed(names), linesOfTheirOwn(names))
	if takesText(key) && start == 0 {
		whole := "put the value in quotes if it is one text: " + inQuotesOf(value)
		if strings.ContainsAny(value[span[0]:span[0]+1], ",;") {
			advice += ", or " + whole
		} else {
			advice = whole + ", or " + advice
		}
	}
	_, indent := indented(line)
	d.add(at, below(d.pathAbove(number, indent), key), advice, "a key cannot stand behind the value of another")
	d.absent[number+1] = absent{names, false}
	lines[number] = line[:column+start+span[0]]
}

// keysBehind are the known keys in a text that follow a space.
func keysBehind(written string) (keys []string) {
	for _, found := range anotherKey.FindAllStringSubmatch(written, -1) {
		if isAnyKey(found[1]) {
			keys = append(keys, found[1])
		}
	}
	return keys
}

func colons(keys []string) (names []string) {
	for _, key := range keys {
		names = append(names, key+":")
	}
	return names
}

func linesOfTheirOwn(keys []string) string {
	if len(keys) == 1 {
		return "a line of its own"
	}
	return "lines of their own"
}

// absent are keys that were taken out of a line: of the mapping that the key of the
// line stands in, or of that below it.
type absent struct {
	keys  []string
	below bool
}

// excuseAbsent notes for each mapping the keys that were taken out of its lines, so
// that none is told to be missing.
func (d *document) excuseAbsent() {
	seen := map[*node]bool{}
	var look func(n *node)
	look = func(n *node) {
		if n == nil || seen[n] {
			return
		}
		seen[n] = true
		for _, p := range n.pairs {
			out, holder := d.absent[p.key.place.line], n
			if out.below {
				holder = p.value
			}
			for _, key := range out.keys {
				if d.meant[holder] == nil {
					d.meant[holder] = map[string]bool{}
				}
				d.meant[holder][strings.TrimSuffix(key, ":")] = true
			}
			look(p.value)
		}
	}
	if len(d.absent) > 0 {
		look(d.root)
	}
}

// textsGoOn tells lines that go on with a text above and are not indented below its
// key, and indents them, but those with a colon, which would be keys.
func (d *document) textsGoOn(lines []string) {
	above, key, header := owner{indent: -1}, "", 0 // the line of the key
	var first place
	more := 0
	tell := func() {
		if first.line > 0 {
			d.add(first, below(d.pathAbove(header, above.indent), key), fmt.Sprintf("indent it further than %s:, or write %[1]s: | and all of its lines below, indented further", key),
				fmt.Sprintf("this line goes on with the text behind %s:, and is not indented below it", key)+andBelow(more))
		}
		first, more = place{}, 0
	}
	for number := range structure(lines) {
		content, indent := indented(lines[number])
		if len(d.all) >= maxFaults {
			return
		}
		isText := above.indent >= 0 && indent > above.indent
		if !isText && (above.indent < 0 || !d.continues(lines, number, above)) {
			tell()
			above.indent = -1
			if parts := valueOfKey.FindStringSubmatch(content); parts != nil && takesText(parts[2]) && !strings.ContainsAny(parts[3][:1], "\"'{[|>&*!#%@`") && content[0] != '-' {
				above, key, header = owner{indent, content}, parts[2], number
			}
			continue
		}
		above.content = content
		if isText {
			continue
		}
		if lines[number] = ""; !strings.Contains(content, ": ") {
			lines[number] = strings.Repeat(" ", above.indent+2) + content
		}
		if first.line > 0 {
			more++
			continue
		}
		first = place{number + 1, indent + 1, len([]rune(content))}
	}
	tell()
}

// continues says whether a line can only go on with the text that the one above
// holds: it is neither a key nor meant as one.
func (d *document) continues(lines []string, number int, above owner) bool {
	content, indent := indented(lines[number])
	if plainKey.MatchString(content) || strings.HasPrefix(content, "- ") || content == "-" || strings.HasPrefix(content, "---") && indent == 0 ||
		withoutSpace(content, isAnyKey) != "" || d.withoutColon(number+1, content, indent) != "" {
		return false
	}
	if goesOn.MatchString(above.content) {
		return true
	}
	return indent == above.indent && !strings.Contains(content, ": ") && !strings.HasSuffix(content, ":") && !strings.ContainsAny(content[:1], "{}[]\"'<?") && !deeperBelow(lines, number, indent)
}

// isKeyOfFile says whether a key stands at the top of a file, here or elsewhere.
func isKeyOfFile(key string) bool {
	_, ofOthers := misplacedKeys["."+key]
	return ofOthers || strings.HasPrefix(key, "x-") || slices.Contains(fileFields().names, key)
}

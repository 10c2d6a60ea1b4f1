package config

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

var (
	// loneDash is a line that holds dashes and nothing behind them.
	loneDash = regexp.MustCompile(`^(?:-[ \t]*)+(?:[ \t]#.*)?$`)
	// dashAsValue is a key whose value is a dash.
	dashAsValue = regexp.MustCompile(`^(?:-[ \t]+)?([^\s#"'{}\[\]][^#"'{}]*?):[ \t]+(-)[ \t]*(?:[ \t]#.*)?$`)
	// dashBefore is a key behind a dash.
	dashBefore = regexp.MustCompile(`^-[ \t]*([A-Za-z0-9_-]+):(?:[ \t]|$)`)
	// holdsKeys is a key, below which keys stand and no list.
	holdsKeys = regexp.MustCompile(`^(schedules|defaults|limits|calendars|alerts|http|job|env|headers|backoff|to):[ \t]*(?:#.*)?$`)
)

// dashesAlone tells dashes that have nothing behind them where no list is, and takes
// them away. A dash without a value in a list is told by the decoder.
func (d *document) dashesAlone(lines []string, replaced map[place]bool) {
	var above []owner
	previous, last := "", "" // what the line above holds
	for number := range structure(lines) {
		content, indent := indented(lines[number])
		previous, last = last, lines[number]
		if len(d.all) >= maxFaults {
			return
		}
		if loneDash.MatchString(content) && !(indent == 0 && strings.HasPrefix(content, "---")) { // which begins a document
			if !inList(above, indent) {
				d.dashAlone(lines, number, indent, previous, replaced)
			}
			continue
		}
		if content[0] != '-' {
			for len(above) > 0 && above[len(above)-1].indent >= indent {
				above = above[:len(above)-1]
			}
			above = append(above, owner{indent, content})
		}
		span := dashAsValue.FindStringSubmatchIndex(content)
		if span == nil {
			continue
		}
		key, column := content[span[2]:span[3]], len([]rune(lines[number][:indent+span[4]]))+1
		path := d.pathAbove(number, indent)
		d.add(place{number + 1, column, 1}, below(path, key), dashMeant(path, key), "a dash alone is no value")
		lines[number] = lines[number][:indent+span[4]]
		if !deeperBelow(lines, number, indent) {
			lines[number] += "x"
			replaced[place{line: number + 1, column: column}] = true
		}
	}
}

// dashAlone tells a dash that begins no item. Where it is all that a key has below it,
// it counts as its value.
func (d *document) dashAlone(lines []string, number, indent int, previous string, replaced map[place]bool) {
	above, deep := indented(previous)
	at, field := place{number + 1, indent + 1, 1}, d.pathAbove(number, indent)
	advice := "take the line out: nothing here is a list"
	lines[number] = ""
	if opensKey.MatchString(above) && deep < indent && !deeperBelow(lines, number, deep) {
		key, _, _ := strings.Cut(above, ":")
		advice = dashMeant(d.pathAbove(number-1, deep), key)
		lines[number] = strings.Repeat(" ", indent) + "x"
		replaced[place{line: number + 1, column: indent + 1}] = true
	}
	d.add(at, field, advice, "a dash stands alone in this line, and begins no item")
}

// owner is a line that others may stand below.
type owner struct {
	indent  int
	content string
}

// inList says whether a dash belongs to a list: the key that it stands below can have
// one.
func inList(above []owner, indent int) bool {
	last := len(above) - 1
	for last >= 0 && above[last].indent > indent {
		last--
	}
	if last < 0 || !opensKey.MatchString(above[last].content) || holdsKeys.MatchString(above[last].content) {
		return false
	}
	return last == 0 || !opensSchedules(strings.Repeat(" ", above[last-1].indent)+above[last-1].content)
}

// dashMeant is advice for a dash in place of the value of a key.
func dashMeant(above, key string) string {
	switch {
	case above == "schedules":
		return fmt.Sprintf("take it away, and write when: and run: below %s:, indented further", key)
	case holdsKeys.MatchString(key + ":"):
		return "take it away, and write keys below " + key + ":, indented further"
	case listKey.MatchString(key + ":"):
		return fmt.Sprintf(`write %s: and its value, or below it, indented further, each item behind a dash of its own; if a dash is meant, put it in quotes: "-"`, key)
	}
	return fmt.Sprintf(`write %s: and its value, or leave the key out; if a dash is meant, put it in quotes: "-"`, key)
}

// deeperBelow says whether what follows a line is indented further than it.
func deeperBelow(lines []string, number, indent int) bool {
	at := firstBelow(lines, number)
	if at == len(lines) {
		return false
	}
	_, deep := indented(lines[at])
	return deep > indent
}

// dashesBeforeKeys tells the dashes before keys of a mapping, and takes them away: to
// YAML they make a list, or end the mapping that stands there.
func (d *document) dashesBeforeKeys(lines []string, replaced map[place]bool) {
	from := slices.IndexFunc(lines, opensSchedules) + 1
	if from == 0 {
		return
	}
	column := -1 // of the keys of schedules
	for number := range structure(lines) {
		content, indent := indented(lines[number])
		if number < from || column >= 0 && indent < column {
			continue
		}
		if column < 0 {
			if content[0] == '-' && !dashedKey.MatchString(content) {
				return // the schedules are a list, of which the whole is told
			}
			column = indent
		}
		if key, _, _ := strings.Cut(content, ":"); indent == column && opensKey.MatchString(content) {
			d.undash(lines, keysBelow{number, indent, strings.Trim(strings.TrimPrefix(key, "- "), `"' `), true, isScheduleKey}, replaced)
		}
	}
	for number := range structure(lines) {
		content, indent := indented(lines[number])
		if !opensKey.MatchString(content) {
			continue
		}
		key, _, _ := strings.Cut(content, ":")
		if known := keysWithin(key); known != nil {
			d.undash(lines, keysBelow{number, indent, key, false, known}, replaced)
		}
	}
}

// opensKey is a key whose value stands below it.
var opensKey = regexp.MustCompile(`^(?:- +)?(?:[A-Za-z0-9_.-]+|"[^"]*"|'[^']*'):[ \t]*(?:#.*)?$`)

func isScheduleKey(key string) bool {
	_, known := scheduleFields().index[key]
	_, ofOthers := misplacedKeys["schedules."+key]
	return known || ofOthers
}

// keysWithin says which keys stand below one; nil where that is not known.
func keysWithin(key string) func(string) bool {
	types := map[string]reflect.Type{"http": reflect.TypeFor[request](), "job": reflect.TypeFor[work](), "backoff": reflect.TypeFor[backoff](), "defaults": reflect.TypeFor[defaults](), "alerts": reflect.TypeFor[alerts]()}
	if of, ok := types[key]; ok {
		return func(key string) bool { _, known := fieldsOf(of).index[key]; return known }
	}
	return nil
}

// keysBelow is a key below which other keys stand.
type keysBelow struct {
	number, indent int
	key            string
	schedule       bool
	known          func(key string) bool
}

// dashed is a key behind a dash.
type dashed struct {
	number, indent int    // the latter that of the dash
	key, rest      string // the latter is all behind the dash
}

// undash mends the dashes before the keys of one mapping.
func (d *document) undash(lines []string, of keysBelow, replaced map[place]bool) {
	found, end, others := dashesBelow(lines, of)
	if len(found) == 0 || !of.schedule && others == 0 || len(d.all) >= maxFaults {
		return // what is a list as a whole is told by the decoder
	}
	field := below("schedules", of.key)
	if !of.schedule {
		field = d.pathAbove(found[0].number, of.indent+1)
	}
	first := found[0]
	at := place{first.number + 1, first.indent + 1, len([]rune(lines[first.number])) - first.indent}
	if n := timesFirst(found); n > 1 {
		d.add(at, field, fmt.Sprintf("write a key of its own for each, such as %s-1: and %[1]s-2:, beside each other below schedules:, without the dashes", of.key),
			fmt.Sprintf("this is a list of %d schedules under one key", n))
		for number := of.number + 1; number < end; number++ {
			lines[number] = ""
		}
		lines[of.number] = strings.Repeat(" ", of.indent) + of.key + ": x"
		replaced[place{line: of.number + 1, column: of.indent + len([]rune(of.key)) + 3}] = true
		return
	}
	column := columnOfKeys(lines, of, found, others)
	var keys []string
	for _, one := range found {
		keys = append(keys, one.key+":")
		lines[one.number] = strings.Repeat(" ", column) + one.rest
	}
	dash, them := "the dash", "it"
	if len(keys) > 1 {
		dash, them = "the dashes", "them"
	}
	advice := fmt.Sprintf("take %s away before %s", dash, listed(keys))
	if others > 0 {
		advice += fmt.Sprintf(", and indent %s to %s, like the other keys of %s:", them, counted(column, "space"), of.key)
	}
	problem := "a dash begins an item of a list, and what stands below " + of.key + ": is no list but keys"
	d.add(at, field, advice, problem+andBelow(len(keys)-1))
}

// listed puts several names into a sentence.
func listed(names []string) string {
	last := len(names) - 1
	if last == 0 {
		return names[0]
	}
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// timesFirst is how often the first of some keys stands among them.
func timesFirst(found []dashed) (n int) {
	for _, one := range found {
		if one.key == found[0].key {
			n++
		}
	}
	return n
}

// dashesBelow finds the dashes before the keys of a mapping, the line at which it ends
// and, of its keys without a dash, how far the first is indented that is indented
// least; 0 if there is none.
func dashesBelow(lines []string, of keysBelow) (found []dashed, end, others int) {
	above := []owner{{of.indent, of.key + ":"}} // the keys that a line may stand below
	end = len(lines)
	for after := range structure(lines[of.number+1:]) {
		number := of.number + 1 + after
		content, indent := indented(lines[number])
		parts := dashBefore.FindStringSubmatch(content)
		isDashed := parts != nil && of.known(parts[1]) && (indent > of.indent || of.schedule && (indent == of.indent || ofSchedulesOnly(parts[1])))
		if indent <= of.indent && !isDashed {
			end = number
			break
		}
		for len(above) > 1 && above[len(above)-1].indent > indent {
			above = above[:len(above)-1]
		}
		switch {
		case isDashed && isAstray(above, indent, parts[1]):
			rest := strings.TrimLeft(content[1:], " \t")
			found = append(found, dashed{number, indent, parts[1], rest})
			above = append(above[:1], owner{indent + len(content) - len(rest), rest})
		case plainKey.MatchString(content) && content[0] != '-':
			key, _, _ := strings.Cut(content, ":")
			if of.known(key) && indent > of.indent && (others == 0 || indent < others) {
				others = indent
			}
			above = append(above, owner{indent, content})
		}
	}
	return found, end, others
}

// isAstray says whether a key behind a dash is no item of the list below another key,
// the first above being that of the mapping.
func isAstray(above []owner, indent int, key string) bool {
	for i, one := range above {
		if i == 0 || !opensKey.MatchString(one.content) {
			continue
		}
		if _, ofSchedule := scheduleFields().index[key]; ofSchedule && listKey.MatchString(one.content) {
			continue // such a list is one of texts
		}
		if one.indent < indent || i == len(above)-1 {
			return false
		}
	}
	return true
}

// ofSchedulesOnly says whether a key stands in schedules and not at the top of a file.
func ofSchedulesOnly(key string) bool {
	_, ofSchedule := scheduleFields().index[key]
	_, ofFile := fieldsOf(reflect.TypeFor[written]()).index[key]
	return ofSchedule && !ofFile
}

// dashesAtTheTop tells dashes before the keys of the file, and takes them away.
func (d *document) dashesAtTheTop(lines []string) {
	var keys []string
	first, of, above := place{}, fieldsOf(reflect.TypeFor[written]()).index, ""
	column := 0
	for number := range structure(lines) {
		content, indent := indented(lines[number])
		parts := dashBefore.FindStringSubmatch(content)
		if parts != nil && indent == 0 && of[parts[1]] != nil && !opensSchedules(above) {
			rest := strings.TrimLeft(content[1:], " \t")
			if len(keys) == 0 {
				first = place{number + 1, 1, len([]rune(content))}
				if after := firstBelow(lines, number); !opensKey.MatchString(rest) && after < len(lines) {
					if _, deep := indented(lines[after]); deep == len(content)-len(rest) {
						column = deep
					}
				}
			}
			keys = append(keys, parts[1]+":")
			lines[number] = strings.Repeat(" ", column) + rest
		}
		above = lines[number]
	}
	if len(keys) > 0 {
		d.add(first, "", "take the dash away before "+listed(keys)+", and begin all keys of the file at the edge", "a dash begins an item of a list, and the file is no list but keys"+andBelow(len(keys)-1))
	}
}

// columnOfKeys is how far the keys of a mapping are to be indented.
func columnOfKeys(lines []string, of keysBelow, found []dashed, others int) int {
	first := found[0]
	behind := first.indent + len(strings.TrimLeft(lines[first.number], " ")) - len(first.rest)
	follows := !opensKey.MatchString(first.rest)
	switch {
	case others > 0 && (others <= behind || follows || first.number > firstBelow(lines, of.number)):
		return others
	case len(found) > 1 && first.indent > of.indent:
		return first.indent
	}
	return behind
}

// firstBelow is the first line below one that holds something.
func firstBelow(lines []string, number int) int {
	for number++; number < len(lines); number++ {
		if content, _ := indented(lines[number]); content != "" && content[0] != '#' {
			return number
		}
	}
	return number
}

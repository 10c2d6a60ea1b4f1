package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// itemsAstray tells items of a list whose dashes do not stand below the first, and
// puts them there. One that is indented further is text of the item above to YAML.
func (d *document) itemsAstray(lines []string) {
	const none = -1
	key, column := none, none // of the key of a list, and of its first dash
	var first place
	field, advice, problem, more := "", "", "", 0
	tell := func() {
		if first.line > 0 {
			d.add(first, field, advice, problem+andBelow(more))
		}
		first, more = place{}, 0
	}
	for number := range structure(lines) {
		content, indent := indented(lines[number])
		if len(d.all) >= maxFaults {
			return
		}
		isItem := strings.HasPrefix(content, "- ")
		switch {
		case !isItem && key != none && indent > key && !plainKey.MatchString(content): // of an item
		case !isItem:
			tell()
			key, column = none, none
			if opensKey.MatchString(content) && !holdsKeys.MatchString(content) {
				key = indent
			}
		case key == none || indent < key && column == none:
			key = none
		case plainKey.MatchString(content):
			key = none // such a list is one of mappings
		case column == none:
			column = indent
		case indent != column:
			if first.line == 0 {
				first, field = place{number + 1, indent + 1, len([]rune(content))}, d.pathAbove(number, key+1)
				problem, advice = "this item of the list is indented less than the one above", dashLikeAbove(column)
				if indent > column {
					problem = "this item of the list is indented more than the one above"
				}
			} else {
				more++
			}
			lines[number] = strings.Repeat(" ", column) + content
		}
	}
	tell()
}

func dashLikeAbove(spaces int) string {
	if spaces == 0 {
		return "do not indent the dash, as the one above"
	}
	return fmt.Sprintf("indent the dash to %s, like the one above", counted(spaces, "space"))
}

// makesSchedule is a key that makes a schedule of what it stands in.
var makesSchedule = regexp.MustCompile(`^(?:when|run|http|job):(?:[ \t]|$)`)

// schedulesAtTheEdge tells schedules that are not indented among others that are, and
// indents them. To YAML the schedules would end there.
func (d *document) schedulesAtTheEdge(lines []string) {
	from := slices.IndexFunc(lines, opensSchedules) + 1
	if from == 0 {
		return
	}
	numbers := slices.Collect(structure(lines))
	column := columnOfSchedules(lines)
	if column <= 0 {
		return
	}
	for i, number := range numbers {
		content, indent := indented(lines[number])
		key, _, _ := strings.Cut(content, ":")
		if number < from || indent > 0 {
			continue
		}
		if !opensKey.MatchString(content) || content[0] == '-' || isKeyOfFile(key) || isAnyKey(key) || len(d.all) >= maxFaults {
			return
		}
		end, made := i+1, false
		for ; end < len(numbers); end++ {
			below, deep := indented(lines[numbers[end]])
			name, _, _ := strings.Cut(below, ":")
			if deep == 0 || deep <= column && !isAnyKey(name) {
				break
			}
			made = made || makesSchedule.MatchString(below)
		}
		if !made {
			continue
		}
		_, deep := indented(lines[numbers[i+1]])
		what := key + ":"
		if deep <= column {
			what += ", and what is below it,"
		}
		d.add(place{number + 1, 1, len([]rune(key))}, key, fmt.Sprintf("it looks like a schedule: indent %s by %s more, so that it stands below schedules:", what, counted(column, "space")), quoted(key)+" is not a key")
		last := number + 1
		if deep <= column {
			last = len(lines)
			if end < len(numbers) {
				last = numbers[end]
			}
		}
		for ; number < last; number++ {
			lines[number] = strings.Repeat(" ", column) + lines[number]
		}
	}
}

// columnOfSchedules is how far the keys of schedules are indented; less than none if
// there are none.
func columnOfSchedules(lines []string) int {
	from := slices.IndexFunc(lines, opensSchedules) + 1
	if at := firstBelow(lines, from-1); from > 0 && at < len(lines) {
		_, indent := indented(lines[at])
		return indent
	}
	return -1
}

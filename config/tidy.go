package config

import (
	"fmt"
	"iter"
	"regexp"
	"strings"
)

// tidied reads a file that has faults again, without what makes no sense of all that
// stands around it: marks of a merge, white space that is none to YAML, templates,
// dashes that begin no item and what else stands where it cannot. Each is told, where
// the library of YAML would trip over something else. It gives nil where there is none
// of that. A file without faults is never looked at in this way: what can be read means
// what it says.
func tidied(name string, data []byte) *document {
	d, text := newDocument(name, data)
	if !(&yamlReader{findings: d.findings}).readable([]byte(text)) {
		return nil
	}
	lines := strings.Split(text, "\n")
	if d.unmerged(lines) {
		return d // both sides stand in it, so nothing else is sure
	}
	replaced := map[place]bool{}
	d.spaces(lines)
	d.templates(lines, replaced)
	d.textsBehindMarks(lines, replaced)
	d.otherComments(lines)
	d.opensWithoutColon(lines)
	d.namesAmongKeys(lines)
	d.firstKeysAstray(lines)
	d.dashesAlone(lines, replaced)
	d.dashesAtTheTop(lines)
	d.dashesBeforeKeys(lines, replaced)
	d.schedulesAtTheEdge(lines)
	d.itemsAstray(lines)
	d.severalEntries(lines, replaced)
	d.textsGoOn(lines)
	if len(d.all) == 0 {
		return nil
	}
	d.read(strings.Join(lines, "\n"), replaced)
	d.excuseAbsent()
	return d
}

// anyBlockHeader is a line below which a text follows, also as an item of a list.
var anyBlockHeader = regexp.MustCompile(`^(?:-[ \t]+)*(?:[^\s#][^#]*:[ \t]+)?(?:[&!]\S*[ \t]+)*[|>][-+0-9]{0,2}[ \t]*(?:#.*)?$`)

// structure ranges over the numbers of the lines that make up the form of a file, from
// 0 on: none that are empty, comments or part of a text below run: |.
func structure(lines []string) iter.Seq[int] {
	return func(yield func(number int) bool) {
		block := -1
		for number := range lines {
			content, indent := indented(lines[number])
			if content == "" || content[0] == '#' || block >= 0 && indent > block {
				continue
			}
			block = -1
			if anyBlockHeader.MatchString(content) {
				block = indent
			}
			if !yield(number) {
				return
			}
		}
	}
}

// mergeMark is a line that git writes into a file where it could not merge.
var mergeMark = regexp.MustCompile(`^(?:<{7}|>{7}|\|{7})(?: .*)?$|^={7}[ \t]*$`)

// marksOfMerges are the numbers of such lines, from 0 on: at the edge, and where the
// form of the file is. An editor may have indented them.
func marksOfMerges(lines []string) (numbers []int) {
	for number, line := range lines {
		if mergeMark.MatchString(line) {
			numbers = append(numbers, number)
		}
	}
	if numbers != nil {
		return numbers
	}
	for number := range structure(lines) {
		if content, _ := indented(lines[number]); mergeMark.MatchString(content) {
			numbers = append(numbers, number)
		}
	}
	return numbers
}

// unmerged tells the marks of merges that nobody has resolved.
func (d *document) unmerged(lines []string) bool {
	const enough = 12 // lines that are named
	marks := marksOfMerges(lines)
	if marks == nil {
		return false
	}
	var numbers []string
	merges := 0
	for _, number := range marks {
		if strings.HasPrefix(strings.TrimLeft(lines[number], " "), "<") {
			merges++
		}
		numbers = append(numbers, fmt.Sprint(number+1))
	}
	problem := "the file holds an unresolved merge of git: its marks are "
	switch {
	case merges > 1:
		problem = fmt.Sprintf("the file holds %d unresolved merges of git: their marks are ", merges)
	case len(numbers) == 1:
		problem = "this is left of a merge of git: its mark is "
	}
	content, indent := indented(lines[marks[0]])
	d.add(place{marks[0] + 1, indent + 1, len([]rune(content))}, "", "keep of each side what is to hold, and take the lines of the marks out", problem+listOfLines(numbers, enough))
	return true
}

// listOfLines names lines, and counts those that are more than enough.
func listOfLines(numbers []string, enough int) string {
	last := len(numbers) - 1
	switch {
	case last == 0:
		return "line " + numbers[0]
	case last >= enough:
		return fmt.Sprintf("lines %s and %d more", strings.Join(numbers[:enough], ", "), last+1-enough)
	}
	return "lines " + strings.Join(numbers[:last], ", ") + " and " + numbers[last]
}

// andBelow goes on about how many lines further down a problem is that of.
func andBelow(more int) string {
	if more == 0 {
		return ""
	}
	return fmt.Sprintf(", here and in %s below", counted(more, "line"))
}

// orHere ends a problem with where it is: here, and how many lines further down.
func orHere(more int) string {
	if more == 0 {
		return " here"
	}
	return andBelow(more)
}

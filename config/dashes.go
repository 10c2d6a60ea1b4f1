package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var (
	// listKey is a key whose value may be a list, with the list below it.
	listKey = regexp.MustCompile(`^(when|run|tags|env|except|enabled_in|inherit_env|retry_codes|no_retry_codes):[ \t]*(?:#.*)?$`)
	// variableInList is a variable that is written as an item of a list.
	variableInList = regexp.MustCompile(`^-([A-Za-z_][A-Za-z0-9_]*)[=:][ \t]*(.*)$`)
)

// mendDashes tells items of lists that lack the space behind their dash, or the
// dash, and gives the text with them. To YAML such lines are one text, of which no
// fault would name the place.
func (r *yamlReader) mendDashes(text string) string {
	if !strings.Contains(text, "-") {
		return text
	}
	lines := strings.Split(text, "\n")
	r.mendKeys(lines)
	block := -1
	for number := range lines {
		content, indent := indented(lines[number])
		if content == "" || content[0] == '#' || block >= 0 && indent > block {
			continue
		}
		block = -1
		if blockHeader.MatchString(content) {
			block = indent
			continue
		}
		if key := listKey.FindStringSubmatch(content); key != nil {
			r.mendList(lines, number+1, indent, key[1])
		}
	}
	return strings.Join(lines, "\n")
}

// dashedKey is the key of a schedule behind the dash of an item.
var dashedKey = regexp.MustCompile(`^-[ \t]+([a-z0-9][A-Za-z0-9._-]*):[ \t]*(?:#.*)?$`)

// mendKeys tells keys of schedules behind a dash, where others have none, and takes
// the dashes away.
func (r *yamlReader) mendKeys(lines []string) {
	var dashed []int
	column, plain := -1, false // of what stands right below schedules:
	for number := slices.IndexFunc(lines, opensSchedules) + 1; number > 0 && number < len(lines); number++ {
		content, indent := indented(lines[number])
		if content == "" || content[0] == '#' {
			continue
		}
		if column < 0 {
			column = indent
		}
		if indent < column || indent == 0 && content[0] != '-' {
			break
		}
		if indent > column {
			continue
		}
		plain = plain || content[0] != '-' && plainKey.MatchString(content)
		if key := dashedKey.FindStringSubmatch(content); key != nil && !isAnyKey(key[1]) {
			dashed = append(dashed, number)
		}
	}
	if !plain {
		return // all are a list, of which the whole is told
	}
	for _, number := range dashed {
		content, _ := indented(lines[number])
		key := dashedKey.FindStringSubmatch(content)[1]
		r.add(place{number + 1, column + 1, len([]rune(content))}, below("schedules", key), "write "+key+":", "the dash does not belong here: schedules are keys, and no items of a list")
		lines[number] = strings.Repeat(" ", column) + key + ":"
	}
}

func opensSchedules(line string) bool {
	content, indent := indented(line)
	key, rest, _ := strings.Cut(content, ":")
	rest = strings.TrimSpace(rest)
	return indent == 0 && key == "schedules" && (rest == "" || rest[0] == '#') && content != key
}

func indented(line string) (content string, indent int) {
	line = strings.TrimRight(line, " \t\r")
	content = strings.TrimLeft(line, " ")
	return content, len(line) - len(content)
}

// mendList mends the items of one list, which stand below the indentation of their
// key, all at that of the first.
func (r *yamlReader) mendList(lines []string, from, indent int, key string) {
	var items []int
	dashes, column := false, -1
	for number := from; number < len(lines); number++ {
		content, deep := indented(lines[number])
		if content == "" || content[0] == '#' {
			continue
		}
		if deep < indent || deep == indent && content[0] != '-' || plainKey.MatchString(content) && content[0] != '-' {
			break
		}
		if column < 0 {
			column = deep
		}
		if deep == column {
			items = append(items, number)
			dashes = dashes || content[0] == '-'
		}
	}
	if !dashes {
		return
	}
	var told []lacking
	for _, number := range items {
		content, _ := indented(lines[number])
		problem, mended := itemProblem(content, key)
		if problem == "" {
			continue
		}
		lines[number] = strings.Repeat(" ", column) + mended
		if i := slices.IndexFunc(told, func(l lacking) bool { return l.problem == problem }); i >= 0 {
			told[i].more++
			continue
		}
		told = append(told, lacking{place{number + 1, column + 1, len([]rune(content))}, problem, "write " + strings.TrimSpace(mended), 0})
	}
	for _, l := range told {
		if l.more > 0 {
			l.problem += fmt.Sprintf(", here and in %s below", counted(l.more, "line"))
		}
		r.add(l.at, r.pathAbove(l.at.line-1, indent+1), l.advice, l.problem)
	}
}

// lacking is what the first of some items lacks, and how many more lack it.
type lacking struct {
	at              place
	problem, advice string
	more            int
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// itemProblem says what an item of a list lacks, and how it is written with that.
func itemProblem(content, key string) (problem, mended string) {
	switch {
	case content == "-" || strings.HasPrefix(content, "- ") || strings.HasPrefix(content, "--"):
		return "", ""
	case key == "env" && variableInList.MatchString(content):
		return "variables are no list of items", variableInList.ReplaceAllString(content, "$1: $2")
	case key == "env":
		return "", ""
	case content[0] == '-':
		return "a dash begins an item only with a space behind it", "- " + content[1:]
	}
	return "this line lacks the dash of an item", "- " + content
}

// pathAbove is the path of the keys above a line that stand further left than the
// indentation.
func (f *findings) pathAbove(number, indent int) string {
	path := ""
	for ; number > 0 && indent > 0; number-- {
		content, deep := indented(string(f.line(number)))
		if deep >= indent || !plainKey.MatchString(content) {
			continue
		}
		indent = deep
		key, _, _ := strings.Cut(content, ":")
		if path == "" {
			path = key
		} else {
			path = key + "." + path
		}
	}
	return path
}

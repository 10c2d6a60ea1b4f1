package config

import (
	"regexp"
	"strings"

	"github.com/goccy/go-yaml/token"
)

// neverClosed are the braces and brackets that nothing closes, or the one that closes
// with another sign than its own. Behind one, all of the file would be read as if it
// stood in braces, where a comma ends a value.
func neverClosed(tokens token.Tokens) (open []int) {
	for i, t := range tokens {
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			open = append(open, i)
		case token.SequenceEndType, token.MappingEndType:
			last := len(open) - 1
			if last < 0 {
				continue
			}
			if closes(tokens[open[last]], t) {
				open = open[:last]
			} else if last > 0 && closes(tokens[open[last-1]], t) {
				return open[last:]
			}
		}
	}
	return open
}

func closes(opening, closing *token.Token) bool {
	return opening.Type == token.SequenceStartType && closing.Type == token.SequenceEndType || opening.Type == token.MappingStartType && closing.Type == token.MappingEndType
}

// closingSign stands behind a line, before a comment.
var closingSign = regexp.MustCompile(`(?:[ \t]+#.*)?$`)

// closeBrackets closes one of the braces and brackets that are never closed, and tells
// it: of the first, and those that stand open within it, the last. The others may only
// be text that is read as if it stood in braces.
func (r *yamlReader) closeBrackets(text string, tokens token.Tokens, open []int) string {
	lines := strings.Split(text, "\n")
	last := lastWithin(lines, tokens[open[0]].Position.Line)
	i := open[0]
	for _, other := range open {
		if tokens[other].Position.Line <= last+1 {
			i = other
		}
	}
	t := tokens[i]
	at := place{t.Position.Line, t.Position.Column, 1}
	name, sign := "brace", "}"
	if t.Type == token.SequenceStartType {
		name, sign = "bracket", "]"
	}
	line := []rune(lines[at.line-1])
	if i != open[0] && tokens[i-1].Type == token.StringType { // text, as in {A: ${HOME
		line[at.column-1] = '_'
		lines[at.line-1] = string(line)
		return strings.Join(lines, "\n")
	}
	advice, field := "close it with "+sign, pathTo(tokens, i)
	if whole := behindKey(line, at.column); whole != "" && takesText(field) {
		advice += ", or put the value in quotes if it is text: " + whole
	}
	r.add(at, field, advice, "the "+name+" that begins here is never closed")
	r.unclosed[place{line: at.line, column: at.column}] = true
	if end := wronglyClosed(tokens, i); end >= 0 {
		other := tokens[end].Position
		line := []rune(lines[other.Line-1])
		lines[other.Line-1] = string(line[:other.Column-1]) + sign + string(line[other.Column-1:])
		return strings.Join(lines, "\n")
	}
	last = lastWithin(lines, at.line)
	span := closingSign.FindStringIndex(lines[last])
	if strings.ContainsAny(lines[last][span[0]:], `"'`) { // perhaps no comment
		span[0] = len(lines[last])
	}
	lines[last] = lines[last][:span[0]] + sign + lines[last][span[0]:]
	return strings.Join(lines, "\n")
}

// lastWithin is the last line, from 0 on, before another key begins that stands no
// further right than what the line given, from 1 on, begins with.
func lastWithin(lines []string, number int) int {
	last, indent := number-1, len(leading(lines[number-1]))
	for ; number < len(lines); number++ {
		content, deep := indented(lines[number])
		if content == "" || content[0] == '#' {
			continue
		}
		if deep <= indent && beginsLine.MatchString(content) {
			break
		}
		last = number
	}
	return last
}

// wronglyClosed is the sign that closes what is around an opening one; -1 if none does.
func wronglyClosed(tokens token.Tokens, i int) int {
	depth := 0
	for end := i + 1; end < len(tokens); end++ {
		switch tokens[end].Type {
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			if depth == 0 && !closes(tokens[i], tokens[end]) {
				return end
			}
			depth = max(0, depth-1)
		}
	}
	return -1
}

// behindKey is the value of a key in quotes, if it begins at a column.
func behindKey(line []rune, column int) string {
	parts := oneLine.FindStringSubmatch(string(line))
	if parts == nil || parts[1] == "" || !strings.HasSuffix(strings.TrimRight(string(line), " \t"), parts[1]) {
		return ""
	}
	value := []rune(parts[1])
	if len([]rune(strings.TrimRight(string(line), " \t")))-len(value) != column-1 {
		return ""
	}
	return inQuotesOf(parts[1])
}

// takesText says whether the value of a field is text, which a brace may begin.
func takesText(field string) bool {
	switch nameOf(field) {
	case "run", "description", "body", "url":
		return true
	}
	return false
}

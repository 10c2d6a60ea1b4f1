package config

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml/token"
)

// mend finds the first thing that would make no sense of all that follows it, tells
// it, and gives the text without it, to be read again.
func (r *yamlReader) mend(text string, tokens token.Tokens) (mended string, ok bool) {
	lists := 0
	for i, t := range tokens {
		switch {
		case t.Type == token.SequenceStartType:
			lists++
		case t.Type == token.SequenceEndType && lists > 0:
			lists--
		case t.Type == token.SequenceEndType && i > 0 && endsOn(tokens[i-1], t.Position.Line):
			return r.dropBracket(text, tokens, i), true
		case t.Type == token.InvalidType && strings.Contains(t.Error, "'\t'"):
			return r.mendTab(text, t), true
		case t.Type == token.InvalidType && strings.HasPrefix(t.Error, "found unknown escape character"):
			if mended, ok := r.mendEscape(text, tokens, i); ok {
				return mended, true
			}
		case runsOn(tokens, i), neverEnds(tokens, i):
			return r.closeQuotes(text, tokens, i), true
		}
	}
	if open := neverClosed(tokens); len(open) > 0 {
		return r.closeBrackets(text, tokens, open), true
	}
	return "", false
}

// beginsLine is what begins a line of a file, and hardly one of a text in quotes.
var beginsLine = regexp.MustCompile(`(?m)^[ \t]*(?:- |[A-Za-z0-9_.-]+:(?:[ \t]|$))`)

// runsOn says whether token i is text in quotes that ends at quotes which were
// meant to begin another: it holds lines of the file, and what those quotes were
// put around follows.
func runsOn(tokens token.Tokens, i int) bool {
	if !beginsQuoted(tokens, i) {
		return false
	}
	first, rest, several := strings.Cut(strings.TrimSpace(tokens[i].Origin), "\n")
	if !several || first == "" || !beginsLine.MatchString(rest) {
		return false
	}
	return followed(tokens, i, tokens[i].Position.Line+1+strings.Count(rest, "\n"))
}

// beginsQuoted says whether token i is text in quotes, and not behind other text.
func beginsQuoted(tokens token.Tokens, i int) bool {
	return i > 0 && inQuotes(tokens[i]) && beginsValue(tokens, i)
}

func beginsValue(tokens token.Tokens, i int) bool {
	switch tokens[i-1].Type {
	case token.MappingValueType, token.SequenceEntryType, token.SequenceStartType, token.CollectEntryType:
		return true
	}
	return false
}

// neverEnds says whether token i is text in quotes without an end, and what comes
// below it begins a line of the file, so that it was to end in its own.
func neverEnds(tokens token.Tokens, i int) bool {
	t := tokens[i]
	if i == 0 || t.Type != token.InvalidType || !strings.HasPrefix(t.Error, "could not find end character") || !beginsValue(tokens, i) {
		return false
	}
	_, rest, _ := strings.Cut(strings.TrimSpace(t.Origin), "\n")
	rest = strings.TrimLeft(rest, "\n")
	span := beginsLine.FindStringIndex(rest)
	return rest == "" || span != nil && span[0] == 0
}

func inQuotes(t *token.Token) bool {
	return t.Type == token.DoubleQuoteType || t.Type == token.SingleQuoteType
}

// followed says whether text stands behind token i, which ends on the line given.
func followed(tokens token.Tokens, i, line int) bool {
	if i+1 == len(tokens) || tokens[i+1].Position.Line != line {
		return false
	}
	switch tokens[i+1].Type {
	case token.MappingValueType, token.CollectEntryType, token.MappingEndType, token.SequenceEndType, token.CommentType:
		return false
	}
	return true
}

// endsInBraces is where a value in braces ends that lacks its closing quotes.
var endsInBraces = regexp.MustCompile(`, *[a-z_]+:|[\]}]`)

// closeQuotes tells quotes that are not closed, and closes them in their line.
func (r *yamlReader) closeQuotes(text string, tokens token.Tokens, i int) string {
	t := tokens[i]
	at := placeOf(t)
	lines := strings.Split(text, "\n")
	line := []rune(lines[at.line-1])
	before, value := string(line[:at.column-1]), string(line[at.column-1:])
	end := len(value)
	if span := endsInBraces.FindStringIndex(value); span != nil && strings.ContainsAny(before, "{[") {
		end = span[0]
	} else if cut := strings.Index(value, " #"); cut > 0 {
		end = cut
	}
	closing := value[:1]
	if last := lastOfText(lines, at.line); end == len(value) && last >= at.line {
		lines[last] += closing
	} else {
		lines[at.line-1] = before + value[:end] + closing + value[end:]
	}
	r.unquoted[place{line: at.line, column: at.column}] = true
	problem := "the quotes that begin here are never closed"
	if t.Type != token.InvalidType {
		last := at.line + strings.Count(strings.TrimSpace(t.Origin), "\n")
		problem = fmt.Sprintf("perhaps the quotes that begin here, in line %d, are not closed: they end in line %d", at.line, last)
	}
	r.add(at, pathTo(tokens, i), "close them with "+closing, problem)
	return strings.Join(lines, "\n")
}

// lastOfText is the last line, from 0 on, of a text that begins in the line given, from
// 1 on: further lines of it are indented, and begin nothing else.
func lastOfText(lines []string, number int) int {
	_, indent := indented(lines[number-1])
	for ; number < len(lines); number++ {
		content, deep := indented(lines[number])
		if content == "" || content[0] == '#' || deep <= indent || beginsLine.MatchString(content) {
			break
		}
	}
	return number - 1
}

// escapes are the characters that may follow \ in double quotes.
const escapes = "0abtnvfre \"/\\N_LPxuU\t"

// mendEscape tells a \ in double quotes that escapes nothing.
func (r *yamlReader) mendEscape(text string, tokens token.Tokens, i int) (mended string, ok bool) {
	position := tokens[i].Position
	lines := strings.Split(text, "\n")
	if position.Line > len(lines) {
		return "", false
	}
	line := []rune(lines[position.Line-1])
	unknown := func(at int) bool { return line[at] == '\\' && !strings.ContainsRune(escapes, line[at+1]) }
	at := min(position.Column, len(line)) - 2
	for at >= 0 && !unknown(at) {
		at--
	}
	if at < 0 {
		return "", false
	}
	r.add(place{position.Line, at + 1, 2}, pathTo(tokens, i), fmt.Sprintf(`use single quotes, in which \ is plain, or write \\%c`, line[at+1]),
		fmt.Sprintf(`in double quotes \ begins an escape, and \%c is none`, line[at+1]))
	for ; at+1 < len(line) && line[at] != '"'; at++ {
		if unknown(at) {
			line[at] = '/' // as wide, so that what follows stays in its columns
		} else if line[at] == '\\' {
			at++
		}
	}
	lines[position.Line-1] = string(line)
	return strings.Join(lines, "\n"), true
}

// endsEarly says whether text in quotes, at token i, is followed by more text. In
// brackets, what follows may be another item that lacks its comma.
func endsEarly(tokens token.Tokens, i int, flow bool) bool {
	if !beginsQuoted(tokens, i) || strings.Contains(strings.TrimSpace(tokens[i].Origin), "\n") || !followed(tokens, i, tokens[i].Position.Line) {
		return false
	}
	isKey := i+2 < len(tokens) && tokens[i+2].Type == token.MappingValueType
	return !isKey && !(flow && inQuotes(tokens[i+1]))
}

// wholeInQuotes is advice for a value that begins in quotes and goes on behind them.
func wholeInQuotes(written string) string {
	double := func(text string) string {
		return `"` + strings.ReplaceAll(strings.ReplaceAll(text, `\"`, `"`), `"`, `\"`) + `"`
	}
	second := strings.IndexByte(written[1:], written[0]) + 1
	if second == 0 || written[0] != '"' && written[0] != '\'' { // its columns were mended
		return "put the whole in quotes"
	}
	inner := written[1 : len(written)-1]
	apart := written[second-1] != ' ' && strings.HasPrefix(written[second+1:], " ") // 'a' 'b', not 'a 'b''
	switch closed := written[len(written)-1] == written[0] && !apart; {
	case closed && written[0] == '\'':
		inner = strings.ReplaceAll(strings.ReplaceAll(inner, "''", "'"), "'", "''")
		return fmt.Sprintf("write '%s', with quotes inside doubled, or put the whole in double quotes", inner)
	case closed:
		return fmt.Sprintf(`write %s, with \ before the quotes inside, or put the whole in single quotes`, double(inner))
	case strings.Contains(written, "'"):
		return "put the whole in quotes: " + double(written)
	}
	return "put the whole in quotes: '" + written + "'"
}

// tooMany tells braces that close nothing, or a comma, behind token i, and says whether
// there are any. They are text to the library.
func (r *yamlReader) tooMany(tokens token.Tokens, i int) bool {
	if i+1 == len(tokens) || tokens[i+1].Type != token.StringType && tokens[i+1].Type != token.CollectEntryType || tokens[i+1].Position.Line != tokens[i].Position.Line {
		return false
	}
	written := tokens[i+1].Value
	if mark := strings.TrimSpace(tokens[i+1].Origin); mark != "" && strings.Trim(mark, ",; ") == "" {
		r.add(placeOf(tokens[i+1]), pathTo(tokens, opening(tokens, i)), fmt.Sprintf("take the %s away", nameOfMark(mark)), fmt.Sprintf("a %s stands behind the value in brackets, and does not belong to it", nameOfMark(mark)))
		return true
	}
	if written == "" || strings.Trim(written, "}") != "" {
		return false
	}
	problem := "one } too many"
	if len(written) > 1 {
		problem = fmt.Sprintf("%d } too many", len(written))
	}
	r.add(placeOf(tokens[i+1]), pathTo(tokens, opening(tokens, i)), "leave out what closes nothing", problem)
	return true
}

// dropBracket tells a bracket that closes nothing, and makes a space of it. To the
// library, a list would stay closed once too often.
func (r *yamlReader) dropBracket(text string, tokens token.Tokens, i int) string {
	at := placeOf(tokens[i])
	r.add(at, pathTo(tokens, opening(tokens, i-1)), "leave out what closes nothing", "one ] too many")
	lines := strings.Split(text, "\n")
	line := []rune(lines[at.line-1])
	line[at.column-1] = ' '
	lines[at.line-1] = string(line)
	return strings.Join(lines, "\n")
}

func endsOn(t *token.Token, line int) bool {
	return t.Position.Line == line && (t.Type == token.SequenceEndType || t.Type == token.MappingEndType)
}

// opening is the bracket that the one at token i closes.
func opening(tokens token.Tokens, i int) int {
	for start, open := i, 0; start >= 0; start-- {
		switch tokens[start].Type {
		case token.MappingEndType, token.SequenceEndType:
			open++
		case token.MappingStartType, token.SequenceStartType:
			open--
		}
		if open == 0 {
			return start
		}
	}
	return i
}

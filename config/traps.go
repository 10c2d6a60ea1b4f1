package config

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml/token"
)

// quote finds values that were meant as text but begin with a character that
// YAML keeps for itself: */5 * * * * would be an alias, @hourly is reserved. It
// also finds those that go on behind their quotes, as 'it's' does. Each is a fault
// that says so; its tokens are replaced by one text, so that what stands around it
// can be read. So are brackets that close nothing, which are left out.
func (r *yamlReader) quote(tokens token.Tokens) token.Tokens {
	kept := make(token.Tokens, 0, len(tokens))
	flow := 0
	for i := 0; i < len(tokens); i++ {
		t, closes := tokens[i], false
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow--
			closes = true
		}
		early := endsEarly(tokens, i, flow > 0)
		if !early && !beginsUnquoted(tokens, i, flow > 0) {
			kept = append(kept, t)
			if closes && flow == 0 && r.tooMany(tokens, i) {
				i++
			}
			continue
		}
		end := endOfValue(tokens, i, flow > 0)
		at := placeOf(t)
		written := r.between(at, tokens, end)
		at.width = len([]rune(written))
		field := ""
		if len(r.all) < maxFaults {
			field = pathTo(tokens, i)
		}
		if mark := markBehind(written); early && mark != "" {
			r.add(place{at.line, at.column + at.width - len(mark), len(mark)}, field, fmt.Sprintf("take the %s away: %s", nameOfMark(mark), strings.TrimRight(written, ",; ")), fmt.Sprintf("a %s stands behind the value in quotes, and does not belong to it", nameOfMark(mark)))
			kept = append(kept, t)
			i = end - 1
			continue
		}
		if early && strings.HasSuffix(strings.TrimSpace(t.Value), ",") {
			r.add(at, field, "close them before the comma", "perhaps the quotes that begin here are not closed")
		} else if early {
			r.add(at, field, wholeInQuotes(written), "the value ends at its second quote, and more follows")
		} else {
			r.add(at, field, fmt.Sprintf(`put it in quotes: "%s"`, strings.ReplaceAll(written, `"`, `\"`)),
				fmt.Sprintf("a value cannot begin with %c unless it is in quotes", written[0]))
		}
		whole := *t
		whole.Type, whole.CharacterType, whole.Indicator = token.StringType, token.CharacterTypeMiscellaneous, token.NotIndicator
		whole.Value, whole.Origin, whole.Error = written, written, ""
		position := *t.Position
		position.Column = at.column
		whole.Position = &position
		kept = append(kept, &whole)
		r.unquoted[place{line: at.line, column: at.column}] = true
		i = end - 1
	}
	return kept
}

// marksBehind is a value in quotes, and commas or semicolons behind.
var marksBehind = regexp.MustCompile(`^(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*') *([,;]+)$`)

// markBehind are the commas or semicolons behind a value in quotes.
func markBehind(written string) string {
	if parts := marksBehind.FindStringSubmatch(written); parts != nil {
		return parts[1]
	}
	return ""
}

// withoutMark is advice for a text that is a value with a comma or a semicolon behind,
// if that value is one here.
func withoutMark(written string, isValue func(written string) bool) string {
	value := strings.TrimRight(written, ",; ")
	if mark := strings.TrimLeft(written[len(value):], " "); mark != "" && isValue(value) {
		return fmt.Sprintf("take the %s away: %s", nameOfMark(mark), value)
	}
	return ""
}

func notInWord(c rune) bool { return c == ' ' || c == ',' }

func nameOfMark(mark string) string {
	if mark[0] == ';' {
		return "semicolon"
	}
	return "comma"
}

// beginsUnquoted says whether token i begins such a value.
func beginsUnquoted(tokens token.Tokens, i int, flow bool) bool {
	if i == 0 || i+1 == len(tokens) {
		return false
	}
	t, next := tokens[i], tokens[i+1]
	switch tokens[i-1].Type {
	case token.MappingValueType, token.SequenceEntryType, token.SequenceStartType, token.CollectEntryType:
	default:
		return false
	}
	sameLine := next.Position.Line == t.Position.Line
	switch t.Type {
	case token.InvalidType:
		written := strings.TrimSpace(t.Value)
		return sameLine && (written == "@" || written == "`" || written == "%")
	case token.DirectiveType:
		return sameLine
	case token.TagType: // the mark that keeps a number from being one is left alone
		return t.Value == "!" && (!sameLine || next.Type == token.StringType)
	case token.AnchorType:
		return marksNothing(tokens, i)
	case token.AliasType:
		if !sameLine || next.Type != token.StringType || next.Position.Column != t.Position.Column+1 || strings.ContainsAny(next.Value, "/, ") {
			return true
		}
		return endOfValue(tokens, i, flow) > i+2
	}
	return false
}

// marksNothing says whether the & at token i marks nothing: no name stands behind it,
// or no value behind the name.
func marksNothing(tokens token.Tokens, i int) bool {
	t, name := tokens[i], tokens[i+1]
	if name.Position.Line != t.Position.Line || name.Position.Column != t.Position.Column+1 {
		return true
	}
	if i+2 == len(tokens) {
		return true
	}
	value, above := tokens[i+2], tokens[i-1]
	if value.Position.Line == t.Position.Line {
		return false
	}
	if above.Type == token.MappingValueType && i > 1 {
		above = tokens[i-2] // the key
	}
	return value.Position.Column < above.Position.Column || value.Position.Column == above.Position.Column && (value.Type != token.SequenceEntryType || above.Type == token.SequenceEntryType)
}

// endOfValue is the index after the last token of an unquoted value.
func endOfValue(tokens token.Tokens, i int, flow bool) int {
	for end := i + 1; end < len(tokens); end++ {
		t := tokens[end]
		if t.Position.Line != tokens[i].Position.Line {
			return end
		}
		if !flow {
			continue
		}
		switch t.Type {
		case token.MappingEndType, token.SequenceEndType:
			return end
		case token.CollectEntryType:
			if end+2 >= len(tokens) || tokens[end+2].Type == token.MappingValueType || tokens[i-1].Type != token.MappingValueType {
				return end
			}
		}
	}
	return len(tokens)
}

// between is the source from a place up to the token at end.
func (r *yamlReader) between(at place, tokens token.Tokens, end int) string {
	line := r.line(at.line)
	until := len(line)
	if end < len(tokens) && tokens[end].Position.Line == at.line {
		until = min(until, tokens[end].Position.Column-1)
	}
	written := string(line[min(at.column-1, until):until])
	if cut := strings.Index(written, " #"); cut >= 0 {
		written = written[:cut]
	}
	if written = strings.TrimSpace(written); written == "" {
		return "*"
	}
	return written
}

// pathTo is the path of the value at token i, from the indentation of the keys
// before it.
func pathTo(tokens token.Tokens, i int) string {
	path, column := "", tokens[i].Position.Column
	for i--; i > 0 && column > 1; i-- {
		key := tokens[i-1]
		if tokens[i].Type != token.MappingValueType || key.Position.Column >= column || key.Position.Line != tokens[i].Position.Line {
			continue
		}
		column = key.Position.Column
		if path == "" {
			path = key.Value
		} else {
			path = key.Value + "." + path
		}
	}
	return path
}

const tabProblem = "a tab cannot indent"

// explain turns what the YAML library says into what a person can act on.
func explain(message string) (problem, advice string) {
	for _, known := range []struct{ begins, problem, advice string }{
		{"found character '\t'", tabProblem, "indent with spaces"},
		{"tab character cannot", tabProblem, "indent with spaces"},
		{"mapping value is not allowed", "a key cannot stand here", `put a value that holds ": " in quotes, or mend the indentation`},
		{"could not find end character of double-quoted", "the quotes that begin here are never closed", `close them with "`},
		{"could not find end character of single-quoted", "the quotes that begin here are never closed", "close them with '"},
		{"could not find flow mapping end", "the brace that begins here is never closed", "close it with }"},
		{"sequence end token", "the bracket that begins before is never closed", "close it with ]"},
		{"',' or ']' must be specified", "the list in brackets is not closed before this", "close it with ], or put a comma between its items"},
		{"',' or '}' must be specified", "the braces are not closed before this", "close them with }, or put a comma between the entries"},
		{"non-map value is specified", noKeyProblem, "write key: value, with a colon and a space after the key"},
		{"unexpected key name", noKeyProblem, "write key: value, with a colon and a space after the key"},
		{"block sequence entries are not allowed", "a list cannot begin on the line of its key", "put each - on a line of its own, or write the list as [a, b]"},
		{"value is not allowed in this context", "this value does not belong here", "put text that holds special characters in quotes, and mend the indentation"},
		{"unexpected scalar value type", "this value does not belong here", "put text that holds special characters in quotes"},
		{"invalid header option", "a value cannot begin with | or > unless it is in quotes", "put it in quotes, or its text on the lines below, indented further"},
		{"undefined alias name", "an unquoted * refers to an anchor, and names none", `put text that begins with * in quotes`},
	} {
		if strings.HasPrefix(message, known.begins) {
			return known.problem, known.advice
		}
	}
	return "this is not YAML: " + message, "check the quotes and the indentation"
}

// splitWhen recognises a when that lost its tail inside braces: in
// {when: daily at 08:00, 14:00} YAML sees a key 14 after the comma. It returns
// what was meant and how many of the pairs after index i belong to it.
func (d *decoder) splitWhen(m *node, i int, known func(key string) bool) (meant string, tail int) {
	when := m.pairs[i].value
	if !m.flow || when.quoted || when.kind != text && when.kind != number {
		return "", 0
	}
	end := 0
	for _, p := range m.pairs[i+1:] {
		key := p.key.text
		if known(key) || p.key.place.line != when.place.line || p.value.quoted || p.value.kind == mapping {
			break
		}
		if !strings.ContainsAny(key, "0123456789*") && !isWeekday(key) {
			break
		}
		end = p.value.place.column + p.value.place.width - 1
		tail++
	}
	line := d.line(when.place.line)
	if tail == 0 || end > len(line) || end < when.place.column {
		return "", 0
	}
	return strings.TrimSpace(string(line[when.place.column-1 : end])), tail
}

func isWeekday(text string) bool {
	for _, day := range []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"} {
		if strings.HasPrefix(strings.ToLower(text), day) {
			return true
		}
	}
	return false
}

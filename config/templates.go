package config

import (
	"fmt"
	"regexp"
	"strings"
)

var (
	// templateBegins is a line whose value, or which as a whole, begins with a mark of
	// templates, and what stands before.
	templateBegins = regexp.MustCompile(`^([ \t]*(?:-[ \t]+)*(?:(?:[^\s"'#{}\[\]][^"'#{}]*?|"[^"]*"|'[^']*'):[ \t]+)?)(\{\{|\{%)`)
	// templateInBraces is a value in braces that is one.
	templateInBraces = regexp.MustCompile(`([:,\[][ \t]*)(\{\{[^{}]*\}\})`)
	// templateAsKey is one with the colon of a key behind it.
	templateAsKey = regexp.MustCompile(`^\{\{[^{}]*\}\}:(?:[ \t]|$)`)
	// templateEnds is what ends a line that only steers a template.
	templateEnds = regexp.MustCompile(`(?:\}\}|%\})[ \t]*(?:#.*)?$`)
	// behindTemplate is a comment behind a value.
	behindTemplate = regexp.MustCompile(`[ \t]+#.*$`)
)

// templates tells the marks of templates that stand where YAML reads braces, and puts
// other text in their place: {{ retries }} is a mapping in a mapping to YAML, and
// nothing fills it in.
func (d *document) templates(lines []string, replaced map[place]bool) {
	first, field, written, more := place{}, "", "", 0
	above := "" // the line above
	for number := range structure(lines) {
		key, deep := indented(above)
		isValue := opensKey.MatchString(key) && deeperBelow(lines, number-1, deep) && !deeperBelow(lines, number, deep)
		column, mark := templated(lines, number, isValue, replaced)
		above = lines[number]
		if mark == "" {
			continue
		}
		if first.line > 0 {
			more++
			d.further = append(d.further, number+1)
			continue
		}
		content, indent := indented(string(d.line(number + 1)))
		first, written = place{number + 1, column, len([]rune(mark))}, mark
		if field = d.pathAbove(number+1, indent+1); plainKey.MatchString(content) {
			key, _, _ := strings.Cut(strings.TrimPrefix(content, "- "), ":")
			field = below(d.pathAbove(number, indent), key)
		}
	}
	if first.line > 0 {
		d.add(first, field, templateAdvice(field, written), shortly(written)+" belongs to a template, and nothing fills it in"+orHere(more))
	}
}

// templated replaces the template in a line, which may be the value of the key above,
// and says where one begins.
func templated(lines []string, number int, isValue bool, replaced map[place]bool) (column int, mark string) {
	line := lines[number]
	parts := templateBegins.FindStringSubmatch(line)
	if parts == nil {
		return inBraces(lines, number, replaced)
	}
	before, value := parts[1], strings.TrimRight(line[len(parts[1]):], " \t")
	column = len([]rune(before)) + 1
	if key := templateAsKey.FindString(value); key != "" && strings.TrimSpace(before) == "" {
		mark = strings.TrimRight(key, ": \t")
		lines[number] = before + fmt.Sprintf("x%0*d", len([]rune(mark))-1, number+1) + value[len(mark):]
		return column, mark
	}
	if mark = behindTemplate.ReplaceAllString(value, ""); strings.TrimSpace(before) == "" && templateEnds.MatchString(value) && !isValue {
		lines[number] = ""
		return column, mark
	}
	lines[number] = before + standIn(mark)
	replaced[place{line: number + 1, column: column}] = true
	return column, mark
}

// inBraces replaces the templates among the values in braces.
func inBraces(lines []string, number int, replaced map[place]bool) (column int, mark string) {
	const enough = 100 // in one line
	line := lines[number]
	for at, found := 0, 0; found < enough; found++ {
		span := templateInBraces.FindStringSubmatchIndex(line[at:])
		if span == nil {
			break
		}
		start, end := at+span[4], at+span[5]
		at = end
		if before := line[:start]; strings.Count(before, `"`)%2+strings.Count(before, "'")%2 > 0 || !strings.ContainsAny(before, "{[") {
			continue
		}
		here := len([]rune(line[:start])) + 1
		replaced[place{line: number + 1, column: here}] = true
		if mark == "" {
			column, mark = here, line[start:end]
		}
		filled := standIn(line[start:end])
		line = line[:start] + filled + line[end:]
		at = start + len(filled)
	}
	lines[number] = line
	return column, mark
}

// standIn is a text as wide as another.
func standIn(written string) string { return strings.Repeat("x", len([]rune(written))) }

// shortly is a piece of a file that is not put in quotes.
func shortly(written string) string {
	const enough = 40
	if characters := []rune(written); len(characters) > enough {
		return string(characters[:enough]) + "…"
	}
	return written
}

// templateAdvice says what to do about a template in the value of a field.
func templateAdvice(field, written string) string {
	const fill = "write the value itself, or let what fills in templates write the file before punctual reads it"
	switch name := nameOf(field); {
	case name == "run" || strings.HasSuffix(field, ".env") || strings.Contains(field, ".env."):
		return fmt.Sprintf(`%s; if it is meant as it stands, put it in quotes: '%s'; a command finds variables in its environment, as "$NAME"`, fill, strings.ReplaceAll(written, "'", "''"))
	case strings.Contains(field, ".http"):
		return fill + "; in url, headers and body, ${NAME} in quotes is a variable of the worker"
	}
	return fill
}

// marksOfTemplates find values that others would fill in, in whatever quotes.
var marksOfTemplates = regexp.MustCompile(`\{\{.*\}\}|\{%.*%\}|<%.*%>|\$\{\{|^\$\{?[A-Za-z_][A-Za-z0-9_]*\}?$`)

// takesNoVariable are texts in which nothing of that kind means anything.
var takesNoVariable = map[string]bool{"when": true, "timezone": true, "catch_up": true, "overlap": true, "not_before": true, "not_after": true, "except": true}

// notFilledIn tells a template or a variable where nothing replaces one, and says
// whether there is one.
func (d *decoder) notFilledIn(n *node, field string) bool {
	if n.kind != text || !marksOfTemplates.MatchString(n.text) {
		return false
	}
	if strings.HasPrefix(n.text, "$") && !strings.HasPrefix(n.text, "${{") {
		d.fault(n, field, "write the value itself, or let envsubst, for example, write the file before punctual reads it", "%s is a variable, and nothing replaces it here", shortly(n.text))
		return true
	}
	d.fault(n, field, templateAdvice("", ""), "%s belongs to a template, and nothing fills it in here", shortly(n.text))
	return true
}

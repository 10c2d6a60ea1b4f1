package config

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/punctual-dev/punctual/calendar"
)

// oneLine is a key or the dash of an item, and a value that stands behind it.
var oneLine = regexp.MustCompile(`^ *(?:- )?(?:[A-Za-z0-9_.-]+:[ \t]+|- )(.*?)[ \t]*$`)

// unreadableValues are the errors of the YAML library about a value that was meant
// as text.
var unreadableValues = []string{"invalid header option", "value is not allowed in this context", "mapping value is not allowed"}

// valueInQuotes is the value of a line, in quotes, where an error is about a value
// that has to be in some. It is empty where that may not be what is wrong.
func valueInQuotes(line, problem string) string {
	known := false
	for _, begins := range unreadableValues {
		known = known || strings.HasPrefix(problem, begins)
	}
	parts := oneLine.FindStringSubmatch(line)
	if !known || parts == nil || parts[1] == "" || strings.ContainsAny(parts[1][:1], "\"'-?") || strings.HasSuffix(parts[1], ":") {
		return ""
	}
	first, _, isKey := strings.Cut(parts[1], ": ")
	if isKey && isAnyKey(first) { // a: when: every 5s
		return ""
	}
	if without := strings.Replace(parts[1], ": ", " ", 1); isKey && strings.HasPrefix(strings.TrimSpace(line), "when:") {
		if _, err := (calendar.When{Expressions: []string{without}}).Parse(); err == nil { // when: every: 10s
			return inQuotesOf(without) + ", without the colon"
		}
	}
	return inQuotesOf(parts[1])
}

// inQuotesOf is a text in the quotes that suit it.
func inQuotesOf(text string) string {
	if !strings.Contains(text, "'") {
		return "'" + text + "'"
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

// nameAndValue is a variable without the space behind its colon, or with another
// sign.
var nameAndValue = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_-]*)[:=][ \t]*([^\s:=].*)$`)

// crontabLine is five fields, or a name such as @daily, and a command.
var crontabLine = regexp.MustCompile(`^([0-9*][-0-9*/,]*(?:[ \t]+[-0-9*/,A-Za-z]+){4}|@[a-z]+)[ \t]+(\S.*)$`)

// ofCrontab is advice for a file that is a crontab: how its first line is written
// here.
func (r *yamlReader) ofCrontab() string {
	const enough = 100 // lines before the first
	for number := 1; number <= min(enough, len(r.lines)); number++ {
		content, _ := indented(string(r.line(number)))
		if parts := crontabLine.FindStringSubmatch(content); parts != nil {
			return fmt.Sprintf("write each line as a schedule: under schedules: a key of your choice, and below it when: %q and run: '%s'",
				strings.Join(strings.Fields(parts[1]), " "), strings.ReplaceAll(parts[2], "'", "''"))
		}
	}
	return ""
}

package main

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/punctual-dev/punctual/schedule"
)

// longestRun is how much of a command a table shows, in characters.
const longestRun = 60

// shownRun is what a job runs, in one line: of several lines the first that does
// something, and how many there are. Lines put behind each other would be another
// command.
func shownRun(job schedule.Job) string {
	if job.Run == nil {
		return shortened(visible(job.String()), longestRun)
	}
	if job.Run.Shell != "" {
		return firstLine(job.Run.Shell)
	}
	words := make([]string, len(job.Run.Program))
	for i, word := range job.Run.Program {
		if words[i] = word; strings.Contains(strings.TrimSpace(word), "\n") { // a script for sh -c
			words[i] = firstLine(word)
		}
	}
	return shortened(visible(schedule.ShellWords(words)), longestRun)
}

// firstLine is the first line of a script that does something, and how many lines
// there are, if there are several.
func firstLine(script string) string {
	first, count := "", 0
	for line := range strings.SplitSeq(lineEnds.ReplaceAllString(script, " "), "\n") {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		count++
		if prepares(first) && !(prepares(line) && first != "") {
			first = line
		}
	}
	if count < 2 {
		return shortened(visible(first), longestRun)
	}
	more := fmt.Sprintf(" … (%d lines)", count)
	return strings.TrimSuffix(shortened(visible(first), longestRun-len([]rune(more))), "…") + more
}

// lineEnds are those behind which a line goes on in the next.
var lineEnds = regexp.MustCompile(`[ \t]*\\\n[ \t]*`)

// prepares says whether a line of a script does nothing by itself: a comment, or set -e.
func prepares(line string) bool {
	return line == "" || strings.HasPrefix(line, "#") || strings.HasPrefix(line, "set -")
}

// visible is text without what would disturb a terminal or a table.
func visible(text string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == '\t' || c == '\n' || c == '\r':
			return ' '
		case !unicode.IsPrint(c):
			return '·'
		}
		return c
	}, text)
}

// shortened is the beginning of a text that may be long.
func shortened(text string, enough int) string {
	if characters := []rune(text); len(characters) > enough {
		return string(characters[:enough]) + "…"
	}
	return text
}

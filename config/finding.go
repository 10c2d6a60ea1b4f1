package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Finding is one thing to tell about a place in the file: a fault, which keeps
// the file from being used, or a warning.
type Finding struct {
	File    string `json:"file"`
	Line    int    `json:"line"`   // from 1
	Column  int    `json:"column"` // from 1, in characters
	Field   string `json:"field"`  // schedules.report.http.url; empty if it is about the file
	Problem string `json:"problem"`
	Advice  string `json:"advice,omitempty"`
	Source  string `json:"source,omitempty"` // the line it is about, or a piece of a long one
	Hazard  bool   `json:"-"`                // it is a warning

	before, carets int // characters of Source before the caret, and its width
}

// Warning is a hazard: the file is usable, but may not do what was meant.
type Warning = Finding

// Error holds every fault of a file, in the order of the lines.
type Error struct {
	Faults []Finding
	// Fine is how many schedules none of them is about; zero where there are more
	// faults than are told.
	Fine int
	More bool // there are more faults than these
}

// Error prints all the faults, each with an excerpt.
func (e *Error) Error() string {
	var text strings.Builder
	for i, f := range e.Faults {
		if i > 0 {
			text.WriteString("\n\n")
		}
		text.WriteString(f.Render(false))
	}
	return text.String()
}

// ANSI sequences for terminals.
const (
	bold   = "\x1b[1m"
	faint  = "\x1b[2m"
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
	reset  = "\x1b[0m"
)

// Render prints the finding as place, problem, excerpt and advice.
func (f Finding) Render(colour bool) string {
	paint := func(code, text string) string {
		if !colour {
			return text
		}
		return code + text + reset
	}
	var text strings.Builder
	text.WriteString(paint(bold, fmt.Sprintf("%s:%d:%d:", f.File, f.Line, f.Column)))
	if f.Hazard {
		text.WriteString(" " + paint(yellow, "warning:"))
	}
	if f.Field != "" {
		text.WriteString(" " + printable(f.Field) + ":")
	}
	text.WriteString(" " + printable(f.Problem))
	if f.Source != "" {
		number := fmt.Sprintf("%5d | ", f.Line)
		text.WriteString("\n" + paint(faint, number) + f.Source)
		text.WriteString("\n" + paint(faint, strings.Repeat(" ", len(number)-2)+"| "))
		text.WriteString(strings.Repeat(" ", f.before) + paint(red, strings.Repeat("^", f.carets)))
	}
	if f.Advice != "" {
		text.WriteString("\n      " + paint(faint, "→ ") + folded(f.Advice))
	}
	return text.String()
}

// folded puts keys that are listed into lines. Other advice stays in one: it may hold
// what is to be written.
func folded(advice string) string {
	if advice = printable(advice); !strings.HasPrefix(advice, knownHere) && !strings.HasPrefix(advice, itTakes) {
		return advice
	}
	var text strings.Builder
	width := 0
	for i, key := range strings.SplitAfter(advice, ",") {
		if width += len(key); i > 0 && width > maxExcerpt {
			text.WriteString("\n       ")
			width = len(key)
		}
		text.WriteString(key)
	}
	return text.String()
}

// maxExcerpt is the longest piece of a line that is shown, in characters.
const maxExcerpt = 100

// excerpt cuts a piece out of a line around a place, and says how many
// characters stand before the caret and how wide the caret is.
func excerpt(line []rune, at place) (piece string, before, carets int) {
	before = min(max(at.column-1, 0), len(line))
	carets = max(1, min(at.width, len(line)-before))
	if len(line) <= maxExcerpt {
		return printable(string(line)), before, carets
	}
	start := max(0, min(before-maxExcerpt/3, len(line)-maxExcerpt))
	piece = printable(string(line[start : start+maxExcerpt]))
	before -= start
	carets = max(1, min(carets, maxExcerpt-before))
	if start > 0 {
		piece = "…" + piece
		before++
	}
	if start+maxExcerpt < len(line) {
		piece += "…"
	}
	return piece, before, carets
}

// printable replaces what would disturb a terminal or the alignment of the
// caret, one character for one.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n':
			return ' '
		case r == utf8.RuneError || !unicode.IsPrint(r):
			return '·'
		}
		return r
	}, text)
}

// place is where something stands: line and column from 1, in characters.
type place struct {
	line, column, width int
}

// maxFaults is how many faults of one file are told.
const maxFaults = 1000

// findings collects what there is to tell about one file.
type findings struct {
	file    string
	hazards bool // they are warnings
	lines   []string
	told    map[Finding]bool
	all     []Finding
	more    bool  // than all
	further []int // lines besides those of findings that have what one finding tells

	// reindented is, by line, what a line is read with in place of the tabs that indent
	// it. What is looked at and added stands in columns of the line as it is read; what
	// is told, in those of the line as it was written.
	reindented map[int]string

	recent     []rune // a line in characters, since one may hold all faults
	recentLine int
}

func newFindings(file string, lines []string, hazards bool) *findings {
	return &findings{file: file, hazards: hazards, lines: lines, told: map[Finding]bool{}, reindented: map[int]string{}}
}

// add notes a finding; the same at the same place is told once, under the
// first field it came up for.
func (f *findings) add(at place, field, advice, problem string) {
	same := Finding{Line: at.line, Column: at.column, Problem: problem}
	if f.told[same] {
		return
	}
	if len(f.all) == maxFaults {
		f.more = true
		return
	}
	f.told[same] = true
	at = f.asWritten(at)
	found := Finding{
		File: f.file, Line: max(at.line, 1), Column: max(at.column, 1),
		Field: field, Problem: problem, Advice: advice, Hazard: f.hazards,
	}
	if line := f.written(at.line); len(line) > 0 {
		found.Source, found.before, found.carets = excerpt(line, at)
	}
	f.all = append(f.all, found)
}

// line is a line as it is read, in characters; it has none if it is not in the file.
func (f *findings) line(number int) []rune {
	line := f.written(number)
	if mended, ok := f.reindented[number]; ok && len(line) > 0 {
		return append([]rune(mended), line[len(leading(f.lines[number-1])):]...)
	}
	return line
}

// written is a line as it stands in the file, in characters.
func (f *findings) written(number int) []rune {
	if number != f.recentLine {
		f.recent, f.recentLine = nil, number
		if number >= 1 && number <= len(f.lines) {
			f.recent = []rune(strings.TrimRight(f.lines[number-1], " \t"))
		}
	}
	return f.recent
}

// asWritten is where a place of a line as it is read stands in the file.
func (f *findings) asWritten(at place) place {
	mended, ok := f.reindented[at.line]
	if !ok {
		return at
	}
	tabbed := len(leading(f.lines[at.line-1]))
	if at.column > len(mended) {
		at.column += tabbed - len(mended)
	} else {
		at.column = min(at.column, max(tabbed, 1)) // within what indents it
	}
	return at
}

// sorted gives what was found in the order of the file, but tabs that indent before
// all else: what is wrong besides is often only what they make of it.
func (f *findings) sorted() []Finding {
	first := func(one Finding) int {
		if strings.HasPrefix(one.Problem, tabProblem) {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(f.all, func(a, b Finding) int {
		return cmp.Or(first(a)-first(b), a.Line-b.Line, a.Column-b.Column)
	})
	return f.all
}

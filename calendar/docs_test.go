package calendar

import (
	"os"
	"strings"
	"testing"
)

// TestTheGrammarInTheDocumentationHolds reads the table of the grammar in
// docs/calendar.md: what is written, its canonical form, and the description.
func TestTheGrammarInTheDocumentationHolds(t *testing.T) {
	text, err := os.ReadFile("../docs/calendar.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "| written | canonical form | in words |\n|---|---|---|\n")
	rows := 0
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(line, "|\n"), " | ")
		if len(cells) != 3 {
			break
		}
		rows++
		written, canonical := strings.Trim(cells[0], " `"), strings.Trim(cells[1], " `")
		spec := parsed(t, written, "")
		if spec.String() != canonical || spec.Describe() != strings.TrimSpace(cells[2])+", UTC" {
			t.Errorf("%q is %q: %s", written, spec, spec.Describe())
		}
	}
	if rows < 20 {
		t.Errorf("only %d rows found", rows)
	}
}

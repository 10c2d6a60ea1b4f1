package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestColourIsForTerminalsOnly(t *testing.T) {
	directory := t.TempDir()
	file := filepath.Join(directory, "punctual.yaml")
	text := "schedules:\n  hello: { when: \"every 5m\", run: echo hello }\n"
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, terminal := range []bool{false, true} {
		for _, arguments := range [][]string{{"apply", file, "--dry-run"}, {"apply", file}, {"schedules", "list"}, {"schedules", "show", "hello"}, {"audit"}, {"health"}} {
			var out, errors bytes.Buffer
			a := &app{Context: t.Context(), Stdout: &out, Stderr: &errors, Terminal: terminal, TerminalErr: terminal}
			if code := run(a, append(arguments, "--database", "sqlite:"+filepath.Join(directory, "punctual.db"))); code != 0 {
				t.Fatalf("%v exits with %d: %s", arguments, code, errors.String())
			}
			coloured := strings.Contains(out.String(), "\x1b")
			if coloured && !terminal {
				t.Errorf("%v: colour without a terminal: %q", arguments, out.String())
			}
			if !coloured && terminal && arguments[0] != "audit" {
				t.Errorf("%v: no colour on a terminal: %q", arguments, out.String())
			}
		}
	}
}

func TestATableIsAlignedByWhatIsSeen(t *testing.T) {
	table := newTable("A", "B")
	table.row(cell{"über", red}, cell{"1", plain})
	table.row(cell{"x", plain}, cell{"2", green})
	var out bytes.Buffer
	table.write(&out, false)
	if got, want := out.String(), "A     B\nüber  1\nx     2\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestLocalTimesStandBesideUTC(t *testing.T) {
	kolkata, err := time.LoadLocation("Asia/Kolkata")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 23, 9, 0, 0, 123456000, time.UTC)
	for _, c := range []struct {
		at   time.Time
		zone *time.Location
		want string
	}{
		{at, time.UTC, "Mon 2026-11-23 09:00:00 UTC"},
		{at, kolkata, "Mon 2026-11-23 14:30:00 IST (09:00:00Z)"},
		{at.Add(12 * time.Hour), kolkata, "Tue 2026-11-24 02:30:00 IST (2026-11-23T21:00:00Z)"},
		{time.Time{}, kolkata, "–"},
	} {
		if got := local(c.at, c.zone); got != c.want {
			t.Errorf("%s in %s: got %q, want %q", c.at, c.zone, got, c.want)
		}
	}
	if got, want := localNominal(at, kolkata), "Mon 2026-11-23 14:30:00.123 IST (09:00:00.123Z)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTheNearestWordIsWhatWasMeant(t *testing.T) {
	keys := []string{"report", "tick", "clean-up", "billing.monthly"}
	for word, want := range map[string]string{
		"reprot": "report", "tikc": "tick", "cleanup": "clean-up", "monthly": "billing.monthly",
		"zebra": "", "x": "", "": "",
	} {
		if got := meant(word, keys); got != want {
			t.Errorf("meant(%q): got %q, want %q", word, got, want)
		}
	}
}

func TestTheLastColumnOfATableTakesTheWidthThatATerminalLeaves(t *testing.T) {
	long := strings.Repeat("x", 100)
	for _, c := range []struct {
		name  string
		width int
		want  string
	}{
		{"no terminal: all of it", 0, long},
		{"a wide terminal: all of it", 200, long},
		{"one in which it just fits", 104, long},
		{"one in which it lacks one character", 103, long[:98] + "…"},
		{"a narrow terminal: enough to tell something", 40, long[:59] + "…"},
	} {
		t.Run(c.name, func(t *testing.T) {
			table := newTable("A", "")
			table.row(cell{"ü1", plain}, cell{long, faint})
			table.fit(c.width)
			if got := table[1][1].text; got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

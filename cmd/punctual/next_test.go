package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// nextOutput runs punctual next with arguments and returns what it writes and
// its exit code.
func nextOutput(input string, arguments ...string) (stdout, stderr string, code int) {
	var out, errs bytes.Buffer
	a := &app{Stdin: strings.NewReader(input), Stdout: &out, Stderr: &errs}
	code = run(a, append([]string{"next"}, arguments...))
	return out.String(), errs.String(), code
}

func TestNextShowsWhatTransitionsDo(t *testing.T) {
	for _, c := range []struct {
		name      string
		arguments []string
		says      []string
	}{
		{"the canonical form, a description and instants", []string{"Weekdays at 9:00", "--tz", "Europe/Paris", "--from", "2026-11-20T12:00:00Z", "-n", "2"},
			[]string{"weekdays at 09:00\n", "Every weekday at 09:00, Europe/Paris", "Mon 2026-11-23 09:00:00+01:00", "2026-11-23T08:00:00Z", "Tue 2026-11-24"}},
		{"a moved run", []string{"30 2 * * *", "--tz", "America/New_York", "--from", "2026-03-08", "-n", "1"},
			[]string{"Sun 2026-03-08 03:00:00-04:00", "moved: 02:30 does not exist"}},
		{"removed local times, three lines at most", []string{"*/5 * * * *", "--tz", "America/New_York", "--from", "2026-03-08T06:59:00Z", "-n", "1"},
			[]string{"– 02:00 does not exist", "and 10 more local times like it", "2026-03-08T07:00:00Z"}},
		{"a repeated run", []string{"30 * * * *", "--tz", "America/New_York", "--from", "2026-11-01T06:00:00Z", "-n", "1"},
			[]string{"repeated: 01:30 comes twice"}},
		{"words without quotes", []string{"daily", "at", "09:00", "--from", "2026-01-01", "-n", "1"}, []string{"daily at 09:00\n"}},
		{"bounds, exceptions and the end", []string{"daily at 09:00", "--not-before", "2026-01-02", "--not-after", "2026-01-05", "--except", "2026-01-03", "--from", "2025-01-01"},
			[]string{"2026-01-02T09:00:00Z", "2026-01-04T09:00:00Z", "There are no more"}},
		{"advice", []string{"every 1d", "-n", "1"}, []string{"Note:", "daily at 09:00"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, errs, code := nextOutput("", c.arguments...)
			if code != 0 || errs != "" {
				t.Fatalf("exit %d: %s", code, errs)
			}
			for _, s := range c.says {
				if !strings.Contains(out, s) {
					t.Errorf("it does not say %q:\n%s", s, out)
				}
			}
		})
	}
}

func TestNextSaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		name      string
		arguments []string
		code      int
		says      string
	}{
		{"a bad when, with its place marked", []string{"0 25 * * *"}, 2, "  0 25 * * *\n    ^^"},
		{"a character of two bytes, marked as wide as it is", []string{"every ä"}, 2, "  every ä\n        ^\n"},
		{"a when that never occurs", []string{"0 0 30 2 *"}, 2, "never"},
		{"an unknown zone", []string{"@daily", "--tz", "EST"}, 2, "America/New_York"},
		{"a city misspelled", []string{"daily at 09:00", "--tz", "Pairs"}, 2, "(did you mean Europe/Paris?)"},
		{"the key of a schedule", []string{"report"}, 2, "punctual schedules show report   tells the next instants"},
		{"no when", nil, 2, "say when"},
		{"a count out of range", []string{"@daily", "-n", "0"}, 2, "1 to 100000"},
		{"a from that is none", []string{"@daily", "--from", "later"}, 2, "--from"},
		{"an exception that is no date", []string{"@daily", "--except", "2026-02-30"}, 2, "--except"},
		{"a when beside --batch", []string{"@daily", "--batch"}, 2, "standard input"},
		{"an unknown flag", []string{"@daily", "--wat"}, 2, "wat"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, errs, code := nextOutput("", c.arguments...)
			if code != c.code || !strings.Contains(errs, c.says) {
				t.Errorf("exit %d, not %d: %s", code, c.code, errs)
			}
		})
	}
}

func TestNextPrintsJSON(t *testing.T) {
	out, _, code := nextOutput("", "0 2,3 * * *", "--tz", "America/New_York", "--from", "2026-03-08T05:00:00Z", "-n", "2", "--json")
	var got preview
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != 0 {
		t.Fatalf("%v, exit %d:\n%s", err, code, out)
	}
	if len(got.Next) != 2 || got.Next[0].Local != "2026-03-08T03:00:00-04:00" || len(got.Next[0].Changes) != 1 || got.Zone != "America/New_York" {
		t.Errorf("got %+v", got)
	}
}

func TestBatchAnswersEachLine(t *testing.T) {
	for _, c := range []struct{ name, line, want string }{
		{"cron", `{"expr":"30 2 * * *","tz":"America/New_York","from":"2026-03-08T05:00:00Z","count":2}`, `{"next":["2026-03-08T03:00:00-04:00","2026-03-09T02:30:00-04:00"]}`},
		{"an anchor", `{"expr":"every 90m","from":"2026-03-08T05:00:00Z","count":1,"anchor":"2026-01-01T00:10:00Z"}`, `{"next":["2026-03-08T06:10:00Z"]}`},
		{"an anchor for weeks", `{"expr":"every 2 weeks on mon at 09:00","tz":"Asia/Tokyo","from":"2026-11-22T00:00:00Z","count":2,"anchor":"2026-11-22T20:00:00Z"}`, `{"next":["2026-11-23T09:00:00+09:00","2026-12-07T09:00:00+09:00"]}`},
		{"an anchor where there is nothing to anchor", `{"expr":"@daily","from":"2026-03-08T05:00:00Z","count":1,"anchor":"2026-01-01T00:10:00Z"}`, `{"next":["2026-03-09T00:00:00Z"]}`},
		{"below a second", `{"expr":"every 250ms","from":"2026-03-08T05:00:00.1Z","count":2}`, `{"next":["2026-03-08T05:00:00.25Z","2026-03-08T05:00:00.5Z"]}`},
		{"strictly after", `{"expr":"@hourly","from":"2026-03-08T05:00:00Z","count":1}`, `{"next":["2026-03-08T06:00:00Z"]}`},
		{"never again", `{"expr":"once at 2026-01-01T00:00:00Z","from":"2026-03-08T05:00:00Z","count":1}`, `{"next":[]}`},
		{"none wanted", `{"expr":"@hourly","from":"2026-03-08T05:00:00Z","count":0}`, `{"next":[]}`},
		{"offsets with seconds are written in UTC", `{"expr":"@daily","tz":"America/New_York","from":"1850-01-01T00:00:00Z","count":1}`, `{"next":["1850-01-01T04:56:02Z"]}`},
		{"a bad when", `{"expr":"61 * * * *","from":"2026-03-08T05:00:00Z","count":1}`, `{"error":"minute`},
		{"a bad zone", `{"expr":"@daily","tz":"Local","from":"2026-03-08T05:00:00Z","count":1}`, `{"error":"zone`},
		{"a bad from", `{"expr":"@daily","from":"soon","count":1}`, `{"error":"from: `},
		{"a bad anchor", `{"expr":"every 5m","from":"2026-03-08T05:00:00Z","count":1,"anchor":"soon"}`, `{"error":"anchor: `},
		{"two anchors", `{"expr":"every 5m from 2026-01-01T00:00:00Z","count":1,"anchor":"2026-01-01T00:10:00Z"}`, `{"error":"anchor `},
		{"too many", `{"expr":"@daily","from":"2026-03-08T05:00:00Z","count":1000000000}`, `{"error":"count`},
		{"fewer than none", `{"expr":"@daily","from":"2026-03-08T05:00:00Z","count":-1}`, `{"error":"count`},
		{"a number for an expression", `{"expr":5}`, `{"error":"the line's expr is a JSON number; a text belongs there"}`},
		{"a text for a count", `{"expr":"@daily","count":"5"}`, `{"error":"the line's count is a JSON string; a whole number belongs there"}`},
		{"an unknown key", `{"expr":"@daily","zone":"Europe/Paris"}`, `{"error":"the line has the key \"zone\"; known are expr, tz, from, count and anchor"}`},
		{"two objects", `{"expr":"@daily","count":0} {"expr":"@daily"}`, `{"error":"the line has more than one JSON object; each belongs on a line of its own"}`},
		{"no JSON", `every 5m`, `{"error":"the line is no JSON; an object belongs there`},
		{"an empty line", ``, `{"error":"the line`},
		{"an array", `[]`, `{"error":"the line is a JSON array; an object belongs there`},
		{"null", `null`, `{"error":"expression is empty`},
		{"bytes that are no text", "\x00\xff", `{"error":"the line`},
		{"a long line", `{"expr":"` + strings.Repeat("1,", longestQuestion) + `"}`, `{"error":"the line is longer`},
		{"a long expression", `{"expr":"` + strings.Repeat("1,", 50_000) + `"}`, `{"error":"expression`},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, input := range []string{c.line + "\n", "\n" + c.line + "\n\n"} {
				out, _, code := nextOutput(input, "--batch")
				lines := strings.Split(out, "\n")
				wrong := 0
				if strings.Contains(out, `{"error"`) {
					wrong = 1
				}
				if code != wrong || len(lines) != strings.Count(input, "\n")+1 {
					t.Fatalf("exit %d, %d lines for %d", code, len(lines)-1, strings.Count(input, "\n"))
				}
				if got := lines[len(lines)/3]; !strings.HasPrefix(got, c.want) || (strings.HasPrefix(c.want, `{"next`) && got != c.want) {
					t.Errorf("got  %s\nwant %s", got, c.want)
				}
				if !json.Valid([]byte(lines[0])) {
					t.Errorf("%s is no JSON", lines[0])
				}
			}
		})
	}
}

func TestBatchAnswersALastLineWithoutAnEnd(t *testing.T) {
	if out, _, _ := nextOutput(`{"expr":"@daily","from":"2026-03-08T05:00:00Z","count":1}`, "--batch"); out != "{\"next\":[\"2026-03-09T00:00:00Z\"]}\n" {
		t.Errorf("got %q", out)
	}
	if out, _, code := nextOutput("", "--batch"); out != "" || code != 0 {
		t.Errorf("nothing asked, but %q answered, exit %d", out, code)
	}
}

func TestBatchAnswersBeforeItWaitsForMore(t *testing.T) {
	questions, ask := io.Pipe()
	hear, answers := io.Pipe()
	go func() {
		_, err := nextBatch(questions, answers)
		answers.CloseWithError(err)
	}()
	for i := range 3 {
		fmt.Fprintf(ask, `{"expr":"daily at 0%d:00","from":"2026-03-08T12:00:00Z","count":1}`+"\n", i)
		answer := make([]byte, 100)
		n, err := hear.Read(answer)
		if want := fmt.Sprintf(`{"next":["2026-03-09T0%d:00:00Z"]}`+"\n", i); err != nil || string(answer[:n]) != want {
			t.Fatalf("got %s, %v", answer[:n], err)
		}
	}
	ask.Close()
}

func TestBatchIsFast(t *testing.T) {
	const lines = 20_000
	input := strings.Repeat(`{"expr":"30 2 * * mon-fri","tz":"America/New_York","from":"2026-03-08T05:00:00Z","count":3}`+"\n", lines)
	start := time.Now()
	if _, err := nextBatch(strings.NewReader(input), io.Discard); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > 2*time.Second { // a tenth of that is usual
		t.Errorf("%d lines took %v", lines, took)
	}
}

func TestVersionNamesTheTimeZoneDatabase(t *testing.T) {
	var out bytes.Buffer
	if code := run(&app{Stdout: &out, Stderr: &out}, []string{"version"}); code != 0 || !strings.Contains(out.String(), "tzdata   20") {
		t.Errorf("exit %d: %s", code, out.String())
	}
}

// TestTheExamplesInTheDocumentationHold runs each command in docs/calendar.md
// and compares what it writes with what stands below it.
func TestTheExamplesInTheDocumentationHold(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "calendar.md")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var written strings.Builder
	inExample, ran := false, 0
	for line := range strings.Lines(string(text)) {
		switch {
		case line == "```console\n":
			inExample = true
		case line == "```\n":
			inExample = false
		case inExample && strings.HasPrefix(line, "$ "):
			ran++
			written.WriteString(line + exampleOutput(t, strings.TrimSpace(line[2:])))
			continue
		case inExample:
			continue
		}
		written.WriteString(line)
	}
	if ran < 5 {
		t.Fatalf("only %d examples found", ran)
	}
	if written.String() == string(text) {
		return
	}
	if os.Getenv("UPDATE_DOCS") == "" {
		t.Errorf("the examples in %s differ; UPDATE_DOCS=1 rewrites them. They are now:\n%s", path, written.String())
		return
	}
	if err := os.WriteFile(path, []byte(written.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// exampleOutput runs one line of shell as far as the documentation needs it:
// words in quotes, and echo '…' before a pipe as input.
func exampleOutput(t *testing.T, line string) string {
	t.Helper()
	input := ""
	if echo, command, ok := strings.Cut(line, " | "); ok {
		input, line = strings.Trim(strings.TrimPrefix(echo, "echo "), "'")+"\n", command
	}
	var arguments []string
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			arguments = append(arguments, part)
		} else {
			arguments = append(arguments, strings.Fields(part)...)
		}
	}
	var out, errs bytes.Buffer
	a := &app{Stdin: strings.NewReader(input), Stdout: &out, Stderr: &errs}
	if code := run(a, arguments[1:]); code != 0 {
		t.Fatalf("%s: exit %d: %s", line, code, errs.String())
	}
	var trimmed strings.Builder
	for line := range strings.Lines(out.String()) {
		trimmed.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return trimmed.String()
}

func TestACronExpressionThatTheShellSpoiltBelongsInQuotes(t *testing.T) {
	const quotes = "a cron expression goes in quotes"
	for _, c := range []struct {
		name, line string
		code       int
		quotes     bool
	}{
		{name: "names of files", line: "next 0 9 main.go next.go print.go", code: 2, quotes: true},
		{name: "a step the shell left alone", line: "next */5 main.go next.go open.go print.go", code: 2, quotes: true},
		{name: "nothing there to name", line: "next 0 9 * * *", code: 0},
		{name: "faulty in another way", line: "next 0 25 * * *", code: 2},
		{name: "from now", line: "next @daily --from now", code: 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := runIn(t, "", strings.Fields(c.line)...)
			if got.code != c.code || strings.Contains(got.errors, quotes) != c.quotes {
				t.Errorf("%+v; want %d, and %q said: %t", got, c.code, quotes, c.quotes)
			}
		})
	}
}

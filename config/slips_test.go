package config

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestACommaBehindAValueIsToTakeAway(t *testing.T) {
	const when, run = "when: every 5s", "run: echo hi"
	inQuotes := func(at, mark, value string) string {
		return fmt.Sprintf("%s: a %s stands behind the value in quotes, and does not belong to it → take the %[2]s away: %s", at, mark, value)
	}
	inBrackets := func(at, mark string) string {
		return fmt.Sprintf("%s: a %s stands behind the value in brackets, and does not belong to it → take the %[2]s away", at, mark)
	}
	toldEach(t, []formed{
		{"a comma", scheduleWithAnother(`when: "every 5s",`, run), []string{inQuotes("3:21 schedules.a.when", "comma", `"every 5s"`)}},
		{"a semicolon before a comment", scheduleWithAnother(when, `run: 'it''s'; # why`), []string{inQuotes("4:17 schedules.a.run", "semicolon", `'it''s'`)}},
		{"behind keys as in JSON", "schedules:\n  \"a\":\n    \"when\": \"every 5s\",\n    \"run\": \"say \\\"x\\\"\" ,\n", []string{
			inQuotes("3:23 schedules.a.when", "comma", `"every 5s"`), inQuotes("4:24 schedules.a.run", "comma", `"say \"x\""`)}},
		{"behind items", scheduleWithAnother(when, "run:", `  - "echo",`, "  - hi"), []string{inQuotes("5:15 schedules.a.run", "comma", `"echo"`)}},
		{"with another fault in the value", scheduleWithAnother(`when: "every 5 parsecs",`, run), []string{
			`3:18 schedules.a.when: interval "5 parsecs" is not understood → allowed: whole numbers with ms, s, m, h, d or w, such as every 5s, every 90m or every 10 minutes; at least 100ms, at most 100 years`,
			inQuotes("3:28 schedules.a.when", "comma", `"every 5 parsecs"`)}},
		{"behind brackets", scheduleWithAnother(when, run, "tags: [a, b],", "env: {A: b};"), []string{inBrackets("5:17 schedules.a.tags", "comma"), inBrackets("6:16 schedules.a.env", "semicolon")}},
		{"behind a schedule", "schedules:\n  a: {when: every 5s, run: echo},\n", []string{inBrackets("2:33 schedules.a", "comma")}},
		{"behind plain values", scheduleWithAnother(when, run, "retries: 3,", "timeout: 5m;", "catch_up: latest,", "tags: x,", "not_before: 2027-01-01,"), []string{
			`5:14 schedules.a.retries: "3," is text; a whole number belongs here → take the comma away: 3`,
			`6:14 schedules.a.timeout: "5m;" is not a duration such as 30s, 5m, 1h30m, 1d or 500ms → take the semicolon away: 5m`,
			`7:15 schedules.a.catch_up: "latest," is unknown → take the comma away: latest`,
			`8:11 schedules.a.tags[0]: "x," is not a tag → take the comma away: x`,
			`9:17 schedules.a.not_before: "2027-01-01," is not an instant → take the comma away: 2027-01-01`}},
	})
}

func TestKeysInOneLineArePutOnLinesOfTheirOwn(t *testing.T) {
	const behind = ": a key cannot stand behind the value of another → "
	const here = ": a key cannot stand here, behind another → "
	toldEach(t, []formed{
		{"behind quotes", scheduleWithAnother(`when: "every 5s" run: ./tick.sh`), []string{"3:22 schedules.a.when" + behind + "put run: on a line of its own"}},
		{"behind a comma", scheduleWithAnother("when: every 5s, run: ./tick.sh"), []string{"3:21 schedules.a.when" + behind + "put run: on a line of its own"}},
		{"several", scheduleWithAnother("when: every 5s; run: ./tick.sh; retries: 3 # why"), []string{"3:21 schedules.a.when" + behind + "put run: and retries: on lines of their own"}},
		{"behind a command", scheduleWithAnother("when: every 5s", "run: ./tick.sh, retries: 3"), []string{
			"4:21 schedules.a.run" + behind + "put retries: on a line of its own, or put the value in quotes if it is one text: './tick.sh, retries: 3'"}},
		{"within a command", scheduleWithAnother("when: every 5s", "run: echo when: now"), []string{
			"4:15 schedules.a.run" + behind + "put the value in quotes if it is one text: 'echo when: now', or put when: on a line of its own"}},
		{"behind the key of a schedule", "schedules:\n  a: when: every 5s, run: echo\n", []string{"2:6 schedules.a" + here + "put when: and run: on lines of their own below a:, indented further"}},
		{"behind the key of a schedule, with more below", "schedules:\n  a: when: every 5s\n    run: echo\n", []string{"2:6 schedules.a" + here + "put when: on a line of its own below a:, indented further"}},
		{"behind the key of a request", scheduleWithAnother("when: every 5s", "http: url: https://example.com, method: PUT"), []string{
			"4:11 schedules.a.http" + here + "put url: and method: on lines of their own below http:, indented further"}},
		{"behind env", scheduleWithAnother("when: every 5s", "run: echo", "env: A: b"), []string{"5:10 schedules.a.env" + here + "put A: on a line of its own below env:, indented further"}},
		{"in braces", "schedules:\n  a: {when: every 5s run: echo}\n", []string{"2:13 schedules.a.when: a key stands in this value → put a comma before run:"}},
		{"with another fault", scheduleWithAnother("when: every 5s, run: echo", "retries: x"), []string{
			"3:21 schedules.a.when" + behind + "put run: on a line of its own", `4:14 schedules.a.retries: "x" is text; a whole number belongs here → for example 3`}},
	})
}

func TestATextInTheLineOfItsMarkIsToldWhereItBelongs(t *testing.T) {
	const when = "when: every 5s"
	told := func(at, mark, advice string) string {
		return at + ": behind " + mark + " a text begins in the next line, and not in this one → write the text on the lines below, indented further than " + advice
	}
	toldEach(t, []formed{
		{"a bar", scheduleWithAnother(when, "run: | date"), []string{told("4:10 schedules.a.run", "|", "run:, or leave out the |")}},
		{"more below", scheduleWithAnother(when, "run: |- echo a", "  echo b: c", "retries: x"), []string{
			told("4:10 schedules.a.run", "|", "run:"), `6:14 schedules.a.retries: "x" is text; a whole number belongs here → for example 3`}},
		{"folded", scheduleWithAnother(when, "run: echo", "description: > what it is for"), []string{told("5:18 schedules.a.description", ">", "description:, or leave out the >")}},
		{"a redirection", scheduleWithAnother(when, "run: > date -u"), []string{told("4:10 schedules.a.run", ">", "run:; if > is to write into a file, put it in quotes: '> date -u'")}},
	})
}

func TestACommentOfAnotherLanguageIsToldOnce(t *testing.T) {
	const problem, advice = "this is no comment of YAML", " → begin it with #, or leave it out"
	toldEach(t, []formed{
		{"first in a schedule", scheduleWithAnother("// note", "when: every 5s", "run: echo"), []string{"3:5 schedules.a: " + problem + advice}},
		{"between keys", scheduleWithAnother("when: every 5s", "/* note: this */", "run: echo"), []string{"4:5 schedules.a: " + problem + advice}},
		{"several", "// a\nschedules:\n  // b\n  a:\n    when: every 5s\n    run: echo\n    // c\n", []string{"1:1 : " + problem + ", here and in 2 lines below" + advice}},
		{"none in a text", scheduleWithAnother("when: every 5s", "run: |", "  // echo", "description: what", "  // goes on", "retries: x"), []string{`8:14 schedules.a.retries: "x" is text; a whole number belongs here → for example 3`}},
	})
}

func TestACommandThatGoesOnBesideItsKeyIsToldOnce(t *testing.T) {
	const when = "when: every 5s"
	told := func(at, key, more string) string {
		return fmt.Sprintf("%s: this line goes on with the text behind %s:, and is not indented below it%s → indent it further than %[2]s:, or write %[2]s: | and all of its lines below, indented further", at, key, more)
	}
	toldEach(t, []formed{
		{"behind &&", scheduleWithAnother(when, "run: echo hello &&", "echo world"), []string{told("5:5 schedules.a.run", "run", "")}},
		{"several lines, one with a colon", scheduleWithAnother(when, "run: echo hello && \\", "echo a: b |", "cat", "retries: 3"), []string{told("5:5 schedules.a.run", "run", ", here and in 1 line below")}},
		{"further left", scheduleWith(when, "run: echo hello &&") + "  echo world\n", []string{told("5:3 schedules.a.run", "run", "")}},
		{"behind a line with a colon", scheduleWith(when, `run: curl -X POST \`, `  -H "a: b" \`, "https://example.com"), []string{told("6:5 schedules.a.run", "run", "")}},
		{"a flag", scheduleWithAnother(when, "run: ./report.sh", "--verbose"), []string{told("5:5 schedules.a.run", "run", "")}},
		{"a description", scheduleWithAnother(when, "run: echo", "description: what it", "is for"), []string{told("6:5 schedules.a.description", "description", "")}},
		{"a key without its colon", scheduleWithAnother(when, "run: echo", "timeout 5m"), []string{"5:5 schedules.a: this is not a key with a value → put a colon after the key: timeout: 5m"}},
		{"a key that is indented", scheduleWithAnother(when, "run: echo", "  retries: 3"), []string{"5:7 schedules.a: this line is indented more than the one above, which has a value already → indent it to 4 spaces, like the one above"}},
	})
}

func TestWhatBeginsWithAMarkOfYAMLIsPutInQuotes(t *testing.T) {
	const when = "when: every 5s"
	for _, c := range []struct{ run, mark string }{
		{"& date", "&"}, {"&date", "&"}, {"&", "&"}, {"* x", "*"}, {"! x", "!"}, {"! grep x y", "!"}, {"!", "!"}, {"@x", "@"}, {"`date`", "`"},
	} {
		want := []string{fmt.Sprintf(`4:10 schedules.a.run: a value cannot begin with %s unless it is in quotes → put it in quotes: "%s"`, c.mark, c.run)}
		if diff := cmp.Diff(want, faultsIn(t, scheduleWithAnother(when, "run: "+c.run))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.run, diff)
		}
	}
	toldEach(t, []formed{
		{"a tag", scheduleWithAnother(when, "run: !x"), []string{`4:10 schedules.a: the tag "!x" means nothing here → put it in quotes if it is text: '!x'`}},
		{"items", scheduleWithAnother(when, "run:", "  - & x", "  - &z"), []string{
			`5:9 schedules.a.run: a value cannot begin with & unless it is in quotes → put it in quotes: "& x"`,
			`6:9 schedules.a.run: a value cannot begin with & unless it is in quotes → put it in quotes: "&z"`}},
		{"braces of the shell", scheduleWithAnother(when, "run: { echo a; echo b; }"), []string{`4:10 schedules.a.run: is a mapping; text belongs here → put it in quotes if it is text: '{ echo a; echo b; }'`}},
		{"several tags", scheduleWithAnother(when, "run: echo", "tags: reports, daily"), []string{`5:11 schedules.a.tags[0]: "reports, daily" is not a tag → write [reports, daily]`}},
	})
}

func TestAnchorsThatMarkSomethingAreRead(t *testing.T) {
	file := "x-a: &base\n  retries: 3\nx-b: &list\n- a\n- b\nx-c: &when every 5s\nschedules:\n  a: &a\n    <<: *base\n    when: [*when, &q every 6s]\n    run: &cmd echo -u\n    tags: *list\n    priority: &p 1\n  b:\n    when: *q\n    run: *cmd\n    priority: *p\n"
	read, err := Parse("punctual.yaml", []byte(file), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := read.Schedules[1].Job.Run.Shell; got != "echo -u" {
		t.Errorf("run: %q", got)
	}
}

func TestWhatIsProbablyCutOffIsWarnedOf(t *testing.T) {
	const from = "from # on the line is a comment, and the command ends before it → put the whole in quotes if it belongs to the command: "
	for _, c := range []struct{ name, run, want string }{
		{"a number", "echo #1 report", "4:15 " + from + "'echo #1 report'"},
		{"behind quotes", `echo "a" #b`, "4:19 " + from + `'echo "a" #b'`},
		{"a comment", "echo # daily", ""},
		{"a line of signs", "echo ### daily", ""},
		{"within a word", "echo a#b", ""},
		{"behind a value in quotes", `"echo" #1`, ""},
		{"behind a list", "[echo] #1", ""},
		{"a percent sign", "%x", "4:10 is text here, but other readers of YAML refuse a value that begins with % → put it in quotes: '%x'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			file, err := Parse("punctual.yaml", []byte(scheduleWith("when: every 1h", "run: "+c.run)), Options{})
			if err != nil {
				t.Fatal(err)
			}
			var told []string
			for _, w := range file.Warnings(time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)) {
				told = append(told, fmt.Sprintf("%d:%d %s → %s", w.Line, w.Column, w.Problem, w.Advice))
			}
			if got := strings.Join(told, "\n"); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

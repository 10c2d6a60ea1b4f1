package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// faultsIn are the place, field, problem and advice of each fault in a file.
func faultsIn(t *testing.T, file string) (told []string) {
	t.Helper()
	_, err := Parse("punctual.yaml", []byte(file), Options{})
	faulty, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("Parse = %v, want an *Error", err)
	}
	for _, f := range faulty.Faults {
		told = append(told, fmt.Sprintf("%d:%d %s: %s → %s", f.Line, f.Column, f.Field, f.Problem, f.Advice))
	}
	return told
}

func TestWhatYAMLTripsOverIsToldWhereItBegins(t *testing.T) {
	one := func(lines ...string) string {
		return "schedules:\n  a:\n    " + strings.Join(lines, "\n    ") + "\n"
	}
	for _, c := range []struct {
		name, file string
		want       []string
	}{
		{"quotes that are not closed", "schedules:\n  report:\n    # daily\n    when: \"daily at 09:00\n    run: ./report.sh\n  other:\n    when: \"every 5s\"\n    run: echo\n", []string{
			`4:11 schedules.report.when: perhaps the quotes that begin here, in line 4, are not closed: they end in line 7 → close them with "`,
		}},
		{"single quotes that are not closed", "schedules:\n  a:\n    when: 'daily at 09:00   # why\n    run: './report.sh'\n  b:\n    when: 'every 5 parsecs'\n    run: echo\n", []string{
			`3:11 schedules.a.when: perhaps the quotes that begin here, in line 3, are not closed: they end in line 4 → close them with '`,
			`6:18 schedules.b.when: interval "5 parsecs" is not understood → allowed: whole numbers with ms, s, m, h, d or w, such as every 5s, every 90m or every 10 minutes; at least 100ms, at most 100 years`,
		}},
		{"quotes of an item that are not closed", one("when:", "  - \"daily at 09:00", "  - \"daily at 10:00\"", "run: echo"), []string{
			`4:9 schedules.a.when: perhaps the quotes that begin here, in line 4, are not closed: they end in line 5 → close them with "`,
		}},
		{"quotes in braces that are not closed", "schedules:\n  a: {when: \"daily at 09:00, run: echo}\n  b:\n    when: \"every 5s\"\n    run: echo\n", []string{
			`2:13 schedules.a.when: perhaps the quotes that begin here, in line 2, are not closed: they end in line 4 → close them with "`,
		}},
		{"two that are not closed", "schedules:\n  a:\n    when: \"every 5s\n    run: \"echo\"\n  b:\n    when: \"every 6s\n    run: \"echo\"\n", []string{
			`3:11 schedules.a.when: perhaps the quotes that begin here, in line 3, are not closed: they end in line 4 → close them with "`,
			`6:11 schedules.b.when: perhaps the quotes that begin here, in line 6, are not closed: they end in line 7 → close them with "`,
		}},

		{"quotes that are never closed", "schedules:\n  a:\n    when: \"daily at 09:00\n    run: ./report.sh\n  b:\n    when: every 5 parsecs\n    run: echo\n", []string{
			`3:11 schedules.a.when: the quotes that begin here are never closed → close them with "`,
			`6:17 schedules.b.when: interval "5 parsecs" is not understood → allowed: whole numbers with ms, s, m, h, d or w, such as every 5s, every 90m or every 10 minutes; at least 100ms, at most 100 years`,
		}},
		{"quotes that end with the next value", one(`when: "daily at 09:00`, `run: echo 5"`), []string{
			`3:11 schedules.a.when: perhaps the quotes that begin here, in line 3, are not closed → close them at the end of the when`,
		}},
		{"quotes in a list that are not closed", one(`when: ["every 5m, "daily at 10:00"]`, `run: echo`), []string{
			`3:12 schedules.a.when: perhaps the quotes that begin here are not closed → close them before the comma`,
		}},
		{"two values in quotes", one("when: every 5s", `run: "a" "b"`), []string{
			`4:10 schedules.a.run: the value ends at its second quote, and more follows → put the whole in quotes: '"a" "b"'`,
		}},

		{"an apostrophe in single quotes", one("when: every 5s", "run: 'it's'", "retries: many"), []string{
			`4:10 schedules.a.run: the value ends at its second quote, and more follows → write 'it''s', with quotes inside doubled, or put the whole in double quotes`,
			`5:14 schedules.a.retries: "many" is text; a whole number belongs here → for example 3`,
		}},
		{"quotes in double quotes", one("when: every 5s", "run: \"echo \"hi\"\""), []string{
			`4:10 schedules.a.run: the value ends at its second quote, and more follows → write "echo \"hi\"", with \ before the quotes inside, or put the whole in single quotes`,
		}},
		{"text behind quotes", one("when: every 5s", "run: \"echo\" hi # there"), []string{
			`4:10 schedules.a.run: the value ends at its second quote, and more follows → put the whole in quotes: '"echo" hi'`,
		}},
		{"text with an apostrophe behind quotes", one("when: every 5s", "run: \"echo\" it's"), []string{
			`4:10 schedules.a.run: the value ends at its second quote, and more follows → put the whole in quotes: "\"echo\" it's"`,
		}},
		{"text behind quotes, in braces", "schedules:\n  a: {when: \"every\" 5s, run: echo}\n", []string{
			`2:13 schedules.a.when: the value ends at its second quote, and more follows → put the whole in quotes: '"every" 5s'`,
		}},
		{"a comma that is missing", one("when: [\"every 5s\" \"every 6s\"]", "run: echo"), []string{
			`3:23 schedules.a: the list in brackets is not closed before this → close it with ], or put a comma between its items`,
		}},
		{"a brace too many", "schedules:\n  e: {when: every 5s, run: echo}}\n  f: {when: every 5s, run: 5}\n", []string{
			`2:33 schedules.e: one } too many → leave out what closes nothing`,
			`3:28 schedules.f.run: YAML reads 5 as a number; text belongs here → put it in quotes: "5"`,
		}},
		{"a bracket too many", one("when: every 5s", "run: [echo, hi]]", "tags: [x, 5]"), []string{
			`4:20 schedules.a.run: one ] too many → leave out what closes nothing`,
			`5:15 schedules.a.tags[1]: YAML reads 5 as a number; text belongs here → put it in quotes: "5"`,
		}},

		{"an escape that is none", one("when: every 5s", `run: "grep \d+\.\d x"`, "retries: many"), []string{
			`4:16 schedules.a.run: in double quotes \ begins an escape, and \d is none → use single quotes, in which \ is plain, or write \\d`,
			`5:14 schedules.a.retries: "many" is text; a whole number belongs here → for example 3`,
		}},

		{"keys without a space after the colon", one("when:every 5s", "run:x"), []string{
			`3:5 schedules.a: "when:every 5s run:x" is text; a mapping belongs here → put a space after the colon: when: every 5s`,
		}},
		{"one key without a space after the colon", one("when: every 5s", "run:x"), []string{
			`4:5 schedules.a: this is not a key with a value → put a space after the colon: run: x`,
		}},
		{"a first key without a space after the colon", one("run:x", "when: every 5s"), []string{
			`3:5 schedules.a: this is not a key with a value → put a space after the colon: run: x`,
		}},
		{"a key at the top without a space after the colon", "timezone:UTC\n" + one("run: x", "when: every 5s"), []string{
			`1:1 : this is not a key with a value → put a space after the colon: timezone: UTC`,
		}},

		{"a script beside its key", one("when: every 5s", "run: |", "echo x", "echo y"), []string{
			`5:5 schedules.a: this line is not indented below run:, to which it belongs → indent the lines below run: | further than run:`,
		}},
		{"a script with a colon beside its key", one("when: every 5s", "run: |", "echo a: b", "retries: 3"), []string{
			`5:5 schedules.a: this line is not indented below run:, to which it belongs → indent the lines below run: | further than run:`,
		}},
		{"a script at the edge", "schedules:\n  a:\n    when: every 5s\n    run: |\n\necho x\necho y\n", []string{
			`6:1 schedules.a: this line is not indented below run:, to which it belongs → indent the lines below run: | further than run:`,
		}},

		{"schedules beside schedules", "schedules:\nreport:\n  when: every 5s\n  run: echo\n", []string{
			`2:1 report: "report" is not a key → indent report: below schedules:`,
		}},
		{"all at the edge", "schedules:\nreport:\nwhen: every 5s\nrun: echo\n", []string{
			`2:1 report: "report" is not a key → indent report: below schedules:`,
			`3:1 when: "when" is not a key → it belongs to a schedule, below schedules: and the key of the schedule`,
			`4:1 run: "run" is not a key → it belongs to a schedule, below schedules: and the key of the schedule`,
		}},
		{"a policy at the top", "retries: 3\n" + one("run: x", "when: every 5s"), []string{
			`1:1 retries: "retries" is not a key → it belongs to a schedule, below schedules: and the key of the schedule, or under defaults:`,
		}},

		{"keys of a schedule as a list", "schedules:\n  d:\n    - when: every 5s\n    - run: echo\n", []string{
			`3:5 schedules.d: a dash begins an item of a list, and what stands below d: is no list but keys, here and in 1 line below → take the dashes away before when: and run:`,
		}},
		{"variables as a list", one("when: every 5s", "run: echo", "env:", "  - A: b"), []string{
			`6:7 schedules.a.env: is a list; a mapping belongs here → write it without the dashes, as name: value`,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, faultsIn(t, c.file)); diff != "" {
				t.Errorf("%s\n(-want +got):\n%s", c.file, diff)
			}
		})
	}
}

func TestTextInQuotesThatIsRightIsNoFault(t *testing.T) {
	for _, c := range []struct{ name, run string }{
		{"several lines with a key", "\"echo\n      note: this\n      when: never\""},
		{"a list of quotes", `["echo", 'it''s', "a"]`},
		{"a comment behind", `"echo" # 'hi'`},
		{"escapes", `"grep \\d \"x\" \t\x41\u00e4"`},
		{"quotes inside plain text", `echo "it's" 'fine'`},
		{"brackets in plain text", `echo {a}} [b]]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := "schedules:\n  a:\n    when: every 5s\n    run: " + c.run + "\n    description: \"x\"\n"
			if _, err := Parse("punctual.yaml", []byte(file), Options{}); err != nil {
				t.Errorf("%s\n%v", file, err)
			}
		})
	}
}

func TestAValueOfTheWrongKindIsToldWithTheValuesThatAreAllowed(t *testing.T) {
	const instants = "write 2027-01-01 or 2027-01-01 09:00, both in the schedule's zone, or 2027-01-01T09:00:00Z"
	const left = "write skip, the default: what comes due while a run goes on is left out; with wait or queue it waits, with cancel it ends the run"
	const overlaps = "one of skip, wait, queue, cancel, allow: with skip, the default, what comes due while a run goes on is left out; only with allow may runs overlap"
	for _, c := range []struct{ line, want string }{
		{"catch_up: true", `15 schedules.a.catch_up: YAML reads true as a boolean; text belongs here → one of latest, all, none`},
		{"catch_up:", `15 schedules.a.catch_up: is empty → one of latest, all, none`},
		{"overlap: false", `14 schedules.a.overlap: YAML reads false as a boolean; text belongs here → ` + left},
		{"overlap: no", `14 schedules.a.overlap: "no" is unknown → ` + left},
		{"overlap: none", `14 schedules.a.overlap: "none" is unknown → ` + left},
		{`overlap: "Forbid"`, `14 schedules.a.overlap: "Forbid" is unknown → ` + left},
		{"overlap: 0", `14 schedules.a.overlap: YAML reads 0 as a number; text belongs here → ` + left},
		{"overlap: true", `14 schedules.a.overlap: YAML reads true as a boolean; text belongs here → write allow: what comes due while a run goes on begins beside it`},
		{"overlap: Replace", `14 schedules.a.overlap: "Replace" is unknown → write cancel: what comes due while a run goes on ends it, and begins`},
		{"overlap: skip,", `14 schedules.a.overlap: "skip," is unknown → take the comma away: skip`},
		{"overlap: later", `14 schedules.a.overlap: "later" is unknown → ` + overlaps},
		{"overlap: [skip]", `14 schedules.a.overlap: is a list; one text belongs here → ` + overlaps},
		{"overlap:", `14 schedules.a.overlap: is empty → ` + overlaps},
		{"timezone: 1", `15 schedules.a.timezone: YAML reads 1 as a number; text belongs here → an IANA name such as Europe/Paris`},
		{"backoff: {kind: 2}", `21 schedules.a.backoff.kind: YAML reads 2 as a number; text belongs here → one of exponential, fixed`},
		{"inherit_env: false", `18 schedules.a.inherit_env: YAML reads false as a boolean; text belongs here → ` + inheritAllowed},
		{"not_before: 2027", `17 schedules.a.not_before: YAML reads 2027 as a number; text belongs here → ` + instants},
		{"env: {timezone: 1}", `21 schedules.a.env.timezone: YAML reads 1 as a number; text belongs here → put it in quotes: "1"`},
		{"tags: {a: b}", `11 schedules.a.tags: is a mapping; text belongs here → give one text, or a list such as [one, two]`},
		{"queue: {a: b}", `12 schedules.a.queue: is a mapping; text belongs here → give one text, for example reports`},
	} {
		t.Run(c.line, func(t *testing.T) {
			got := faultsIn(t, "schedules:\n  a:\n    when: every 5s\n    run: echo hi\n    "+c.line+"\n")
			if diff := cmp.Diff([]string{"5:" + c.want}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAValueInAnotherShapeIsToldHowItIsWritten(t *testing.T) {
	const when, run = "when: every 5s", "run: echo hi"
	for _, c := range []struct{ first, second, want string }{
		{"when: {every: 5s}", run, `3:11 schedules.a.when: is a mapping; text belongs here → write "every 5s"`},
		{`when: {cron: "0 9 * * *"}`, run, `3:11 schedules.a.when: is a mapping; text belongs here → write "0 9 * * *"`},
		{"when: {days: all}", run, `3:11 schedules.a.when: is a mapping; text belongs here → for example "every 5m" or "weekdays at 09:00"`},
		{"when: true", run, `3:11 schedules.a.when: true is a boolean; a when belongs here → for example "every 5m" or "weekdays at 09:00"`},
		{when, "http: https://example.com", `4:11 schedules.a.http: "https://example.com" is text; a mapping belongs here → write http: {url: "https://example.com"}`},
		{when, "job: send_report", `4:10 schedules.a.job: "send_report" is text; a mapping belongs here → write job: {kind: "send_report"}`},
		{when, "run: #echo", `4:10 schedules.a.run: is empty, for # begins a comment → put it in quotes if it belongs to the value: "#echo"`},
		{when, "run: {command: echo}", `4:10 schedules.a.run: is a mapping; text belongs here → give one text, for example "./report.sh"`},
	} {
		t.Run(c.first+" "+c.second, func(t *testing.T) {
			got := faultsIn(t, "schedules:\n  a:\n    "+c.first+"\n    "+c.second+"\n")
			if diff := cmp.Diff([]string{c.want}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAFileThatIsNoTextIsToldAsThat(t *testing.T) {
	for _, c := range []struct{ name, file, want string }{
		{"bytes of a program", "\x7fELF\x02\x01\x01\x00\x00", "1:1 : this is no text file → name a schedule file; punctual init writes one to begin with"},
		{"UTF-16", "\xff\xfes\x00c\x00", "1:1 : the text is UTF-16 → save the file as UTF-8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff([]string{c.want}, faultsIn(t, c.file)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAFileThatHasTheOtherEndingIsNamed(t *testing.T) {
	for _, c := range []struct{ there, asked string }{{"punctual.yaml", "punctual.yml"}, {"punctual.yml", "punctual.yaml"}} {
		folder := t.TempDir()
		there, asked := filepath.Join(folder, c.there), filepath.Join(folder, c.asked)
		if err := os.WriteFile(there, nil, 0o666); err != nil {
			t.Fatal(err)
		}
		_, err := Load(asked, Options{})
		if want := "there is no schedule file " + asked + ", but there is " + there + ": --config " + there + " names it"; err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

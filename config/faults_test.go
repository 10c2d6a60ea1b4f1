package config

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/punctual-dev/punctual/calendar"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestFaultsAreAllToldWithTheirPlaceAndAdvice(t *testing.T) {
	files, err := filepath.Glob("testdata/faults/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Parse("punctual.yaml", data, Options{})
			faulty, ok := errors.AsType[*Error](err)
			if !ok {
				t.Fatalf("Parse = %v, want an *Error", err)
			}
			got := strings.ReplaceAll(faulty.Error(), calendar.TZDataVersion(), "(version)") + "\n"
			golden := strings.TrimSuffix(file, ".yaml") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("faults:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

func TestWhatIsWronglyIndentedOrListedIsToldWithTheFormThatIsWanted(t *testing.T) {
	const key = "a key is 1 to 100 characters of a-z, 0-9, dot, underscore and hyphen, the first a letter or digit"
	const duration = " is not a duration such as 30s, 5m, 1h30m, 1d or 500ms"
	const units = "write whole numbers with w, d, h, m, s or ms, the larger first, such as 5m or 1h30m"
	one := func(key, value string) string {
		return "schedules:\n  a:\n    when: every 5s\n    run: echo hi\n    " + key + ": " + value + "\n"
	}
	for _, c := range []struct {
		name, file string
		want       []string // place, field, problem and advice of each fault
	}{
		{"keys beside their schedule", "schedules:\n  a:\n  when: \"every 5s\"\n  run: echo hi\n", []string{
			`3:3 schedules.a: "when" and "run" stand where only keys of schedules stand → indent them by 2 spaces more, so that they stand below a:`,
		}},
		{"keys beside two schedules", "schedules:\n  a:\n  when: every 5s\n  run: echo hi\n  tags: [x]\n  b:\n  when: every 5s\n  run: echo hi\n", []string{
			`3:3 schedules.a: "when", "run" and "tags" stand where only keys of schedules stand → indent them by 2 spaces more, so that they stand below a:`,
			`7:3 schedules.b: "when" and "run" stand where only keys of schedules stand → indent them by 2 spaces more, so that they stand below b:`,
		}},
		{"one key beside its schedule", "schedules:\n    a:\n        when: every 5s\n    run: echo hi\n", []string{
			`4:5 schedules.a: "run" stands where only keys of schedules stand → indent it by 4 spaces more, so that it stands below a:`,
		}},
		{"keys beside their schedule, with another fault", "schedules:\n  a:\n  when: every 5 parsecs\n  http:\n    url: https://example.com\n", []string{
			`3:3 schedules.a: "when" and "http" stand where only keys of schedules stand → indent them by 2 spaces more, so that they stand below a:`,
			`3:15 schedules.a.when: interval "5 parsecs" is not understood → allowed: whole numbers with ms, s, m, h, d or w, such as every 5s, every 90m or every 10 minutes; at least 100ms, at most 100 years`,
		}},
		{"keys without a schedule", "schedules:\n  when: every 5s\n  run: echo hi\n", []string{
			`2:3 schedules: "when" and "run" stand where only keys of schedules stand → put a key of your choice above them, such as hello:, and indent them by 2 spaces more, so that they stand below it`,
		}},
		{"schedules named like keys, one empty", "schedules:\n  a:\n  run:\n    when: every 5s\n    run: echo hi\n", []string{
			`2:3 schedules.a.when: is missing → say when it runs, for example "daily at 09:00", "every 5s" or "*/5 * * * *"`,
			`2:3 schedules.a.run: is missing, and so are http and job → give exactly one of run (a command), http (a request) and job (work for a Go worker)`,
		}},

		{"a list of schedules", "schedules:\n  - name: a\n    when: every 5s\n    run: echo hi\n", []string{
			`2:3 schedules: is a list; schedules stand under their keys → write a: without a dash, and when: and run: below it, indented further`,
		}},
		{"a list of schedules that is not indented", "schedules:\n- name: My Report\n  when: every 5s\n  run: echo hi\n", []string{
			`2:1 schedules: is a list; schedules stand under their keys → write my-report: without a dash, and when: and run: below it, indented further`,
		}},
		{"a list of schedules without names", "schedules:\n  - when: every 5s\n    run: echo hi\n", []string{
			`2:3 schedules: is a list; schedules stand under their keys → write a key of your choice, such as hello:, without a dash, and when: and run: below it, indented further`,
		}},

		{"a line indented by two spaces too many", "schedules:\n  a:\n    when: every 5s\n      run: echo hi\n", []string{
			`4:7 schedules.a: this line is indented more than the one above, which has a value already → indent it to 4 spaces, like the one above`,
		}},
		{"a line indented by one space too many", "schedules:\n  a:\n    when: \"every 5s\"\n     run: echo hi\n", []string{
			`4:6 schedules.a: this line is indented more than the one above, which has a value already → indent it to 4 spaces, like the one above`,
		}},
		{"a line indented by one space too few", "schedules:\n  a:\n    when: every 5s\n   run: echo hi\n", []string{
			`4:4 schedules.a: this line is indented less than its neighbours → indent it to 4 spaces, like the one above`,
		}},
		{"a line too deep by one space at one space", "schedules:\n a: {when: every 5s, run: echo hi}\n  b: {when: every 5s, run: echo hi}\n", []string{
			`3:3 schedules.a: this line is indented more than the one above, which has a value already → indent it to 1 space, like the one above`,
		}},
		{"a line too far below a script", "schedules:\n  a:\n    run: |\n      if: x\n        then: y\n    # why\n    when: hourly at :00\n      retries: 3\n", []string{
			`8:7 schedules.a: this line is indented more than the one above, which has a value already → indent it to 4 spaces, like the one above`,
		}},
		{"a line too deep below a comment", "schedules:\n  a:\n    when: \"every 5s\" # often\n      run: echo hi\n", []string{
			`4:7 schedules.a: this line is indented more than the one above, which has a value already → indent it to 4 spaces, like the one above`,
		}},
		{"a line too deep at the top", "timezone: UTC\n  owner: me\nschedules:\n  a: {when: every 5s, run: echo hi}\n", []string{
			`2:3 timezone: this line is indented more than the one above, which has a value already → do not indent it, as the one above`,
		}},
		{"a value with a colon", "schedules:\n  a:\n    when: every 5s\n    run: echo a: b\n", []string{
			`4:10 schedules.a: a key cannot stand here → put it in quotes: 'echo a: b'`,
		}},

		{"a year", one("expires", "1y"), []string{`5:14 schedules.a.expires: "1y"` + duration + ` → a year is not of one length; write 365d`}},
		{"months", one("expires", "3 months"), []string{`5:14 schedules.a.expires: "3 months"` + duration + ` → a month is not of one length; write 90d`}},
		{"no duration", one("grace", "soon"), []string{`5:12 schedules.a.grace: "soon"` + duration + ` → ` + units}},
		{"a negative duration", one("timeout", "-5s"), []string{`5:14 schedules.a.timeout: "-5s"` + duration + ` → ` + units}},
		{"part of an hour", one("timeout", "1.5h"), []string{`5:14 schedules.a.timeout: "1.5h"` + duration + ` → write 1h30m`}},
		{"several units spelled out", one("timeout", "1 hour and 30 minutes"), []string{`5:14 schedules.a.timeout: "1 hour and 30 minutes"` + duration + ` → write 1h30m`}},
		{"units in the wrong order", one("timeout", "30m1h"), []string{`5:14 schedules.a.timeout: "30m1h"` + duration + ` → write 1h30m`}},
		{"a long duration", one("grace", "10000d"), []string{`5:12 schedules.a.grace: "10000d" is longer than ten years → write at most 3650d`}},
		{"less than a millisecond", one("timeout", "0.5ms"), []string{`5:14 schedules.a.timeout: "0.5ms"` + duration + ` → ` + units}},
		{"many seconds", one("timeout", "10000000 s"), []string{`5:14 schedules.a.timeout: "10000000 s"` + duration + ` → write 10000000s`}},
		{"an empty duration", one("backoff", `""`), []string{`5:14 schedules.a.backoff: ""` + duration + ` → ` + units}},
		{"no duration among the alerts", "alerts: {late: soon, ping: https://ping.example.com}\n" + one("grace", "1m"), []string{`1:16 alerts.late: "soon"` + duration + ` → ` + units}},

		{"a key in capitals", "schedules:\n  My Report:\n    when: every 5s\n    run: echo hi\n", []string{
			`2:3 schedules.My Report: "My Report" is not a key → write my-report; ` + key,
		}},
		{"a key with slashes", "schedules:\n  /srv/Backup (daily)!:\n    when: every 5s\n    run: echo hi\n", []string{
			`2:3 schedules./srv/Backup (daily)!: "/srv/Backup (daily)!" is not a key → write srv-backup-daily; ` + key,
		}},
		{"a key that would stand twice", "schedules:\n  Report:\n    when: every 5s\n    run: echo hi\n  report:\n    when: every 5s\n    run: echo hi\n", []string{
			`2:3 schedules.Report: "Report" is not a key → ` + key,
		}},
		{"a key in other letters", "schedules:\n  täglich:\n    when: every 5s\n    run: echo hi\n", []string{
			`2:3 schedules.täglich: "täglich" is not a key → ` + key,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse("punctual.yaml", []byte(c.file), Options{})
			faulty, ok := errors.AsType[*Error](err)
			if !ok {
				t.Fatalf("Parse = %v, want an *Error", err)
			}
			var got []string
			for _, f := range faulty.Faults {
				got = append(got, fmt.Sprintf("%d:%d %s: %s → %s", f.Line, f.Column, f.Field, f.Problem, f.Advice))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s\n(-want +got):\n%s", c.file, diff)
			}
		})
	}
}

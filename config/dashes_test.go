package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAMistakeOfFormIsToldOnceWithWhatToWrite(t *testing.T) {
	const when, run = "when: every 5s", "run: echo hi"
	one := func(lines ...string) string {
		return "schedules:\n  a:\n    " + strings.Join(lines, "\n    ") + "\n"
	}
	const space = "a dash begins an item only with a space behind it"
	const dash = "this line lacks the dash of an item"
	const noKey = "this is not a key with a value"
	const tab = "a tab cannot indent"
	for _, c := range []struct{ name, file, want string }{
		{"an item without a space", one(when, run, "tags:", "  -hello"), "6:7 schedules.a.tags: " + space + " → write - hello"},
		{"two items without a space", one(when, run, "tags:", "  -hello", "  -world"), "6:7 schedules.a.tags: " + space + ", here and in 1 line below → write - hello"},
		{"the second item without a space", one(when, run, "tags:", "  - hello", "  -world"), "7:7 schedules.a.tags: " + space + " → write - world"},
		{"items without a space, not indented", one(when, run, "tags:", "-hello", "-world"), "6:5 schedules.a.tags: " + space + ", here and in 1 line below → write - hello"},
		{"words of a command without a space", one("run:", "  -echo", "  -hi", when), "4:7 schedules.a.run: " + space + ", here and in 1 line below → write - echo"},
		{"a when in quotes without a space", one("when:", `  -"every 5s"`, run), `4:7 schedules.a.when: ` + space + ` → write - "every 5s"`},
		{"variables with dashes", one(when, run, "env:", "  -A=b", "  -C=d"), "6:7 schedules.a.env: variables are no list of items, here and in 1 line below → write A: b"},
		{"a variable with a dash", one(when, run, "env:", "  -A: b"), "6:7 schedules.a.env: variables are no list of items → write A: b"},
		{"an item without a dash", one(when, run, "tags:", "  - hello", "  world"), "7:7 schedules.a.tags: " + dash + " → write - world"},
		{"the first item without a dash", one(when, run, "tags:", "  hello", "  - world"), "6:7 schedules.a.tags: " + dash + " → write - hello"},
		{"a when without a dash", one("when:", `  - "every 5s"`, `  "daily at 09:00"`, run), `5:7 schedules.a.when: ` + dash + ` → write - "daily at 09:00"`},

		{"a tab before the first key", "schedules:\n  a:\n\twhen: every 5s\n    run: echo\n", "3:1 : " + tab + " → indent with spaces"},
		{"a tab before both keys", "schedules:\n  a:\n  \twhen: every 5s\n  \trun: echo\n", "3:1 : " + tab + ", here and in 1 line below → indent with spaces"},
		{"a tab and spaces", "schedules:\n  a:\n\t  when: every 5s\n    run: echo\n", "3:1 : " + tab + " → indent with spaces"},
		{"a tab before the key of a schedule", "timezone: UTC\nschedules:\n\ta:\n    when: every 5s\n    run: echo\n", "3:1 : " + tab + " → indent with spaces"},
		{"a tab where lines end as in Windows", "schedules:\r\n  a:\r\n\twhen: every 5s\r\n    run: echo\r\n", "3:1 : " + tab + " → indent with spaces"},

		{"a key without its colon", one("when every 5s", run), "3:5 schedules.a: " + noKey + " → put a colon after the key: when: every 5s"},
		{"a key with =", one(run, "when = every 5s"), "4:5 schedules.a: " + noKey + " → put a colon after the key: when: every 5s"},
		{"a schedule without its colon", "schedules:\n  a\n    when: every 5s\n    run: echo\n", "2:3 schedules.a: " + noKey + " → put a colon after the key: a:"},
		{"the first line without its colon", "schedules\n  a:\n    when: every 5s\n    run: echo\n", "1:1 : " + noKey + " → put a colon after the key: schedules:"},
		{"a url without a space", one("http:", "  url:https://example.com", when), `4:7 schedules.a.http: "url:https://example.com" is text; a mapping belongs here → put a space after the colon: url: https://example.com`},
		{"a variable without a space", one(when, run, "env:", "  A:b"), `6:7 schedules.a.env: "A:b" is text; a mapping belongs here → write A: b`},

		{"a redirection", one(when, "run: > out.txt echo"), `4:10 schedules.a.run: behind > a text begins in the next line, and not in this one → write the text on the lines below, indented further than run:; if > is to write into a file, put it in quotes: '> out.txt echo'`},
		{"a test of the shell", one(when, "run: [ -f x ] && y"), `4:19 schedules.a: this value does not belong here → put it in quotes: '[ -f x ] && y'`},
		{"braces of the shell", one(when, "run: {a,b} it's"), `4:16 schedules.a: this value does not belong here → put it in quotes: "{a,b} it's"`},

		{"a second schedule one space too deep", one(when, run) + "   b:\n    when: every 6s\n    run: x\n", "5:4 schedules.a: this key is indented more than those of its kind above, and less than what is below them → indent it to 2 spaces, like those"},
		{"a second schedule within the first", one(when, run) + "    b:\n      when: every 6s\n      run: x\n", `5:5 schedules.a.b: "b" is not a key → it looks like a schedule: indent it, and what is below it, like a:`},
		{"a second schedule at the edge", one(when, run) + "b:\n  when: every 6s\n  run: x\n", `5:1 b: "b" is not a key → it looks like a schedule: indent b:, and what is below it, by 2 spaces more, so that it stands below schedules:`},

		{"on for when", one("on: every 5s", run), `3:5 schedules.a.on: "on" is not a key → when says when it runs`},
		{"a crontab", "MAILTO=me\n*/5 * * * * echo it's\n", `1:1 : this is a crontab, not a file of schedules → write each line as a schedule: under schedules: a key of your choice, and below it when: "*/5 * * * *" and run: 'echo it''s'`},
		{"a list", `[{"name": "a", "when": "every 5s"}]`, "1:1 : the file is a list → begin with schedules: and put each schedule below it, under its key"},
		{"a byte order mark", "\xef\xbb\xbftimezone:UTC\n" + one(when, run), "1:1 : " + noKey + " → put a space after the colon: timezone: UTC"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff([]string{c.want}, faultsIn(t, c.file)); diff != "" {
				t.Errorf("%s\n(-want +got):\n%s", c.file, diff)
			}
		})
	}
}

func TestDashesThatBeginNoItemsAreNoFault(t *testing.T) {
	for _, c := range []struct{ name, file string }{
		{"in a script", "schedules:\n  a:\n    when: every 5s\n    run: |\n      tags:\n        -x\n      -y\n"},
		{"in a description", "schedules:\n  a:\n    when: every 5s\n    run: echo\n    description:\n      -x is\n      an option\n"},
		{"options of a command", "schedules:\n  a:\n    when: every 5s\n    run:\n      - ls\n      - -l\n      - --all\n"},
		{"an item in two lines", "schedules:\n  a:\n    when: every 5s\n    run:\n      - echo\n      - hello\n        -x\n"},
		{"JSON", `{"schedules": {"a": {"when": "every 5s", "run": "echo -x"}}}`},
	} {
		if _, err := Parse("punctual.yaml", []byte(c.file), Options{}); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/punctual-dev/punctual/schedule"
)

func TestACommandIsShownInOneLineThatIsNoOtherCommand(t *testing.T) {
	shell := func(text string) schedule.Job { return schedule.Job{Run: &schedule.Command{Shell: text}} }
	list := func(words ...string) schedule.Job {
		return schedule.Job{Run: &schedule.Command{Program: words}}
	}
	long := strings.Repeat("a", 80)
	for _, c := range []struct {
		name string
		job  schedule.Job
		want string
	}{
		{"a line", shell("./report.sh --day  'a  b'"), "./report.sh --day  'a  b'"},
		{"a block of one line", shell("./report.sh\n"), "./report.sh"},
		{"a block", shell("# every day\nset -eu\n./fetch.sh\n\n./report.sh\n"), "./fetch.sh … (4 lines)"},
		{"a block that only prepares", shell("set -e\nset -u\n"), "set -e … (2 lines)"},
		{"a line that goes on", shell("./report.sh \\\n  --a \\\n  --b\n"), "./report.sh --a --b"},
		{"a long line", shell(long), long[:60] + "…"},
		{"a long line of several", shell(long + "\n./more\n"), long[:48] + " … (2 lines)"},
		{"a list", list("node", "report.js", "--day", "yesterday"), "node report.js --day yesterday"},
		{"words that a shell would part", list("echo", "a b", "", "it's", "$HOME", "~/x", "a;b"), `echo 'a b' '' 'it'\''s' '$HOME' '~/x' 'a;b'`},
		{"a script for another shell", list("bash", "-c", "set -e\n./a\n./b\n"), "bash -c './a … (3 lines)'"},
		{"what a terminal would obey", list("echo", "\x1b[2J\t"), "echo '·[2J '"},
		{"a request", schedule.Job{HTTP: &schedule.Request{Method: "GET", URL: "https://example.com"}}, "GET https://example.com"},
	} {
		if got := shownRun(c.job); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestCheckShowsCommandsInOneLineAndTellsTheWholeInJSON(t *testing.T) {
	const file = "schedules:\n  a:\n    when: every 5s\n    run: |\n      set -e\n      ./fetch.sh\n  b: {when: every 1h, run: [echo, \"a b\"]}\n"
	got := runIn(t, file, "check", "-")
	for _, want := range []string{"  ./fetch.sh … (2 lines)\n", "  echo 'a b'\n"} {
		if !strings.Contains(got.out, want) {
			t.Errorf("no %q in:\n%s", want, got.out)
		}
	}
	var result checked
	if err := json.Unmarshal([]byte(runIn(t, file, "check", "-", "--json").out), &result); err != nil {
		t.Fatal(err)
	}
	for _, n := range result.Next {
		if want := map[string]string{"a": "set -e\n./fetch.sh\n", "b": "echo 'a b'"}[n.Schedule]; n.Runs != want {
			t.Errorf("%s runs %q, want %q", n.Schedule, n.Runs, want)
		}
	}
}

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/punctual-dev/punctual/config"
)

// outcome is what a command line printed and how it ended.
type outcome struct {
	code        int
	out, errors string
}

func runIn(t *testing.T, stdin string, arguments ...string) outcome {
	t.Helper()
	var out, errors bytes.Buffer
	code := run(&app{Context: t.Context(), Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &errors}, arguments)
	return outcome{code: code, out: out.String(), errors: errors.String()}
}

func TestCheckSaysWhatIsFineAndWhatIsDueNext(t *testing.T) {
	got := runIn(t, `
schedules:
  rarely: {when: "@yearly", run: echo rarely}
  often: {when: "every 5m", run: echo often}
  elsewhere: {when: "every 5m", run: echo, enabled_in: production}
`, "check", "-", "--env", "staging")
	if got.code != 0 || got.errors != "" {
		t.Fatalf("check = %+v", got)
	}
	if !strings.HasPrefix(got.out, "standard input: 3 schedules, no faults.\n") {
		t.Errorf("first line: %q", got.out)
	}
	if often, rarely := strings.Index(got.out, "\noften "), strings.Index(got.out, "\nrarely "); often < 0 || rarely < often {
		t.Errorf("not in order of due:\n%s", got.out)
	}
	if !strings.Contains(got.out, "elsewhere is paused here: enabled only in production; this is staging.") {
		t.Errorf("the paused one is not told:\n%s", got.out)
	}
}

func TestCheckEndsWithOneOnFaultsAndTellsThemAll(t *testing.T) {
	got := runIn(t, "schedules:\n  a: {when: \"every 5m\", run: echo}\n  b: {when: soon, run: 5}\n", "check", "-")
	if got.code != 1 || got.errors != "" {
		t.Errorf("check = %+v", got)
	}
	for _, want := range []string{"standard input:3:13: schedules.b.when: ", "standard input:3:24: schedules.b.run: ", "standard input: 2 faults; 1 schedule without any.\n"} {
		if !strings.Contains(got.out, want) {
			t.Errorf("no %q in:\n%s", want, got.out)
		}
	}
	if strings.Contains(got.out, "\x1b") {
		t.Errorf("colour without a terminal:\n%s", got.out)
	}
}

func TestCheckPrintsJSON(t *testing.T) {
	for _, test := range []struct {
		name, file                   string
		code, faults, warnings, next int
	}{
		{name: "fine", file: "schedules: {a: {when: \"every 1d\", run: echo}}", code: 0, warnings: 1, next: 1},
		{name: "faulty", file: "schedules: {a: {when: 1, run: 2}}", code: 1, faults: 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := runIn(t, test.file, "check", "-", "--json")
			var result checked
			if err := json.Unmarshal([]byte(got.out), &result); err != nil {
				t.Fatalf("%v in %s", err, got.out)
			}
			if got.code != test.code || result.OK != (test.code == 0) || len(result.Faults) != test.faults ||
				len(result.Warnings) != test.warnings || len(result.Next) != test.next {
				t.Errorf("check = %d %+v", got.code, result)
			}
		})
	}
}

func TestCheckOfAMissingFileNamesInit(t *testing.T) {
	got := runIn(t, "", "check", filepath.Join(t.TempDir(), "none.yaml"))
	if got.code != 1 || !strings.Contains(got.errors, "punctual init writes one") {
		t.Errorf("check = %+v", got)
	}
}

func TestInitWritesFilesThatPassCheck(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	if got := runIn(t, "", "init", dir); got.code != 0 || !strings.Contains(got.out, "  cd "+dir+"\n  punctual check") {
		t.Fatalf("init = %+v", got)
	}
	if got := runIn(t, "", "check", filepath.Join(dir, "punctual.yaml")); got.code != 0 || strings.Contains(got.out, "warning") {
		t.Errorf("check = %+v", got)
	}
}

func TestInitNeverOverwritesUnlessForced(t *testing.T) {
	dir := t.TempDir()
	kept := filepath.Join(dir, "punctual.yaml")
	if err := os.WriteFile(kept, []byte("schedules: {}\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	got := runIn(t, "", "init", dir)
	if got.code != 1 || !strings.Contains(got.errors, "punctual.yaml is already in "+dir+"; nothing was written") {
		t.Errorf("init = %+v", got)
	}
	if _, err := os.Stat(filepath.Join(dir, "Procfile")); !os.IsNotExist(err) {
		t.Errorf("Procfile was written: %v", err)
	}
	if got := runIn(t, "", "init", dir, "--force"); got.code != 0 {
		t.Errorf("init --force = %+v", got)
	}
	if data, _ := os.ReadFile(kept); string(data) != config.Starter {
		t.Errorf("punctual.yaml = %q", data)
	}
}

func TestInitLeavesTheProcfileOfAnAppAndSaysWhatToAdd(t *testing.T) {
	dir := t.TempDir()
	theirs := filepath.Join(dir, "Procfile")
	if err := os.WriteFile(theirs, []byte("web: mine\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	got := runIn(t, "", "init", dir)
	if got.code != 0 || !strings.Contains(got.out, "\nclock: punctual clock\n") {
		t.Errorf("init = %+v", got)
	}
	if data, _ := os.ReadFile(theirs); string(data) != "web: mine\n" {
		t.Errorf("Procfile = %q", data)
	}
	if data, _ := os.ReadFile(filepath.Join(dir, "punctual.yaml")); string(data) != config.Starter {
		t.Errorf("punctual.yaml = %q", data)
	}
}

func TestTheProcfileAtTheRootIsTheOneThatInitWrites(t *testing.T) {
	data, err := os.ReadFile("../../Procfile")
	if err != nil || string(data) != procfile {
		t.Errorf("Procfile = %q, %v", data, err)
	}
}

func TestSchemaPrintsJSON(t *testing.T) {
	got := runIn(t, "", "schema")
	if got.code != 0 || !json.Valid([]byte(got.out)) {
		t.Errorf("schema = %d, valid JSON: %v", got.code, json.Valid([]byte(got.out)))
	}
}

func TestACommandThatTakesAFileSaysThatItTakesOne(t *testing.T) {
	for _, command := range []string{"check", "apply", "simulate"} {
		got := runIn(t, "", command, "c.yaml", "d.yaml")
		if want := "punctual: punctual " + command + " takes one file, and d.yaml is another: " + command + " each alone\n"; got.code != 2 || !strings.HasPrefix(got.errors, want) {
			t.Errorf("%+v, want %q", got, want)
		}
	}
	got := runIn(t, "", "start", "c.yaml")
	if want := "punctual: punctual start takes no file as an argument; a flag names it: punctual start --config c.yaml\n"; got.code != 2 || !strings.HasPrefix(got.errors, want) {
		t.Errorf("%+v, want %q", got, want)
	}
}

func TestFaultsOfAFileEndWithWhatWasNotDone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "punctual.yaml")
	if err := os.WriteFile(path, []byte("schedules: {a: {when: soon, run: 5}}"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ command, done string }{{"start", "started"}, {"apply", "applied"}, {"simulate", "simulated"}} {
		got := runIn(t, "", c.command, "--config", path, "--database", "sqlite:"+filepath.Join(filepath.Dir(path), "punctual.db"))
		if got.code != 1 || !strings.HasPrefix(got.errors, path+":1:") || !strings.HasSuffix(got.errors, "\n\npunctual: "+path+" has 2 faults; nothing was "+c.done+".\n") {
			t.Errorf("%s: %+v", c.command, got)
		}
	}
}

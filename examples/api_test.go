package examples_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/punctual-dev/punctual/internal/debian"
	"github.com/punctual-dev/punctual/internal/pgtest"
)

// TestTheExamplesOfTheAPIAreAnsweredAsItsGuideShows runs every command of the
// guide in one shell, against a server with the guide's schedule file, and wants
// of each answer what the guide shows of it.
func TestTheExamplesOfTheAPIAreAnsweredAsItsGuideShows(t *testing.T) {
	t.Parallel()
	if _, err := debian.Find("curl", "curl"); err != nil {
		t.Fatal(err)
	}
	for kind, address := range map[string]func(t *testing.T) string{
		"sqlite":   func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "punctual.db") },
		"postgres": func(t *testing.T) string { return pgtest.New(t) },
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			guide := readGuide(t, "../docs/api.md")
			directory, at := t.TempDir(), "127.0.0.1:"+freePort(t)
			if err := os.WriteFile(filepath.Join(directory, "punctual.yaml"), []byte(guide.file), 0o644); err != nil {
				t.Fatal(err)
			}
			environment := []string{"DATABASE_URL=" + address(t), "PUNCTUAL_TOKEN=0123456789abcdef0123456789abcdef"}
			server := start(t, directory, environment, "punctual", "start", "--listen", at)
			server.says("the web process listens")
			for i, answer := range guide.run(t, directory, at, environment) {
				if err := shows(answer, guide.steps[i].answer); err != nil {
					t.Errorf("%v\n%s\nis answered with\n%s", err, guide.steps[i].command, answer)
				}
			}
			server.stops(platformGrace)
		})
	}
}

// guide is a page with a schedule file, and commands with what is shown of
// their answers.
type guide struct {
	file  string
	steps []step
}

type step struct{ command, answer string }

func readGuide(t *testing.T, page string) (g guide) {
	t.Helper()
	for _, b := range blocksOf(t, page) {
		last := len(g.steps) - 1
		switch {
		case b.language == "yaml":
			g.file = b.text
		case b.language == "sh":
			g.steps = append(g.steps, step{command: b.text})
		case b.language == "json" && last >= 0 && g.steps[last].answer == "":
			g.steps[last].answer = b.text
		default:
			t.Fatalf("%s: no test knows what to do with\n%s", page, b.text)
		}
	}
	return g
}

// run returns what each command wrote.
func (g guide) run(t *testing.T, directory, at string, environment []string) (answers []string) {
	t.Helper()
	var script strings.Builder
	for i, s := range g.steps {
		fmt.Fprintf(&script, "{\n%s} >answer-%d\n", strings.ReplaceAll(s.command, "127.0.0.1:8080", at), i)
	}
	shell := exec.CommandContext(t.Context(), "sh", "-eu", "-c", script.String())
	shell.Dir, shell.Env = directory, append(plainEnvironment(), environment...)
	if said, err := shell.CombinedOutput(); err != nil {
		t.Fatalf("the commands of the guide: %v\n%s", err, said)
	}
	for i := range g.steps {
		text, err := os.ReadFile(filepath.Join(directory, fmt.Sprintf("answer-%d", i)))
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, string(text))
	}
	return answers
}

// shows compares an answer with the part of it that is shown.
func shows(answer, part string) error {
	var got, want any
	if part == "" {
		return errors.New("the guide shows nothing of the answer")
	}
	if err := json.Unmarshal([]byte(part), &want); err != nil {
		return fmt.Errorf("what is shown is no JSON: %w", err)
	}
	if err := json.Unmarshal([]byte(answer), &got); err != nil {
		return fmt.Errorf("the answer is no JSON: %w", err)
	}
	return differs("", got, want)
}

// differs wants of objects the members that are shown, and of lists their first
// elements; an empty list is one.
func differs(at string, got, want any) error {
	switch want := want.(type) {
	case map[string]any:
		object, _ := got.(map[string]any)
		for name, value := range want {
			if err := differs(at+"."+name, object[name], value); err != nil {
				return err
			}
		}
		return nil
	case []any:
		list, isList := got.([]any)
		if !isList || len(list) < len(want) || len(want) == 0 && len(list) > 0 {
			return fmt.Errorf("%s is %v, and the guide shows %v", at, got, want)
		}
		for i := range want {
			if err := differs(fmt.Sprintf("%s.%d", at, i), list[i], want[i]); err != nil {
				return err
			}
		}
		return nil
	}
	if !reflect.DeepEqual(got, want) {
		return fmt.Errorf("%s is %v, and the guide shows %v", at, got, want)
	}
	return nil
}

func TestAnAnswerThatIsNotAsShownIsNoticed(t *testing.T) {
	for _, c := range []struct {
		answer, shown string
		same          bool
	}{
		{answer: `{"a": 1, "b": [2, 3]}`, shown: `{"b": [2]}`, same: true},
		{answer: `{"a": 1}`, shown: `{"a": 2}`},
		{answer: `{"a": 1}`, shown: `{"b": 1}`},
		{answer: `{"a": [1]}`, shown: `{"a": []}`},
		{answer: `{"a": [1]}`, shown: `{"a": [1, 2]}`},
		{answer: `{"a": [{"b": 1}]}`, shown: `{"a": [{"b": 2}]}`},
		{answer: `{"a": 1}`, shown: ``},
		{answer: `not JSON`, shown: `{}`},
	} {
		if err := shows(c.answer, c.shown); (err == nil) != c.same {
			t.Errorf("%s, of which %s is shown: %v", c.answer, c.shown, err)
		}
	}
}

package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// example is a YAML block of a page.
type example struct {
	page string
	line int
	text string
}

func examples(t *testing.T) []example {
	t.Helper()
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	var found []example
	for _, page := range append(pages, "../README.md") {
		data, err := os.ReadFile(page)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		var block []string
		inside := false
		for i, line := range strings.Split(string(data), "\n") {
			switch {
			case !inside && strings.TrimSpace(line) == "```yaml":
				inside, block = true, nil
			case inside && strings.TrimSpace(line) == "```":
				inside = false
				found = append(found, example{page: page, line: i + 1 - len(block), text: strings.Join(block, "\n") + "\n"})
			case inside:
				block = append(block, line)
			}
		}
	}
	return found
}

// whole makes a file of an example. Pages may show a file, its top-level keys
// without schedules, or the inside of one schedule.
func (e example) whole() string {
	top := fieldsOf(reflect.TypeFor[written]())
	has := func(keys ...string) bool {
		return slices.ContainsFunc(strings.Split(e.text, "\n"), func(line string) bool {
			return slices.ContainsFunc(keys, func(key string) bool { return strings.HasPrefix(line, key+":") })
		})
	}
	if has("schedules") {
		return e.text
	}
	if has(slices.DeleteFunc(slices.Clone(top.names), func(name string) bool { return name == "timezone" })...) {
		return e.text + "schedules: {}\n"
	}
	file := "limits: {warehouse: 2}\ncalendars: {feasts: [2026-12-25]}\nschedules:\n  example:\n    " + strings.ReplaceAll(strings.TrimRight(e.text, "\n"), "\n", "\n    ") + "\n"
	if !has("when") {
		file += "    when: \"every 5m\"\n"
	}
	if !has("run", "http", "job") {
		file += "    run: echo\n"
	}
	return file
}

func TestEveryYAMLExampleInTheDocsIsValid(t *testing.T) {
	found := examples(t)
	if len(found) < 20 {
		t.Errorf("only %d examples found", len(found))
	}
	for _, e := range found {
		t.Run(fmt.Sprintf("%s line %d", filepath.Base(e.page), e.line), func(t *testing.T) {
			if _, err := Parse("example", []byte(e.whole()), Options{}); err != nil {
				t.Errorf("%v\nin\n%s", err, e.whole())
			}
		})
	}
}

func TestEveryKeyIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/schedule-file.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range fieldsOf(reflect.TypeFor[definition]()).names {
		if !strings.Contains(string(page), "### `"+key+"`\n") {
			t.Errorf("no heading for %s", key)
		}
	}
	for _, of := range []reflect.Type{reflect.TypeFor[written](), reflect.TypeFor[request](), reflect.TypeFor[alerts](), reflect.TypeFor[recipient](), reflect.TypeFor[mailServer]()} {
		for _, key := range fieldsOf(of).names {
			if !strings.Contains(string(page), "| `"+key+"` |") {
				t.Errorf("no row for %s", key)
			}
		}
	}
	for _, key := range fieldsOf(reflect.TypeFor[shared]()).names {
		if !strings.Contains(string(page), "### `"+key+"`\n*d.* ") {
			t.Errorf("%s is not marked as a default", key)
		}
	}
}

func TestTheSchemaAtTheRootIsFresh(t *testing.T) {
	written, err := os.ReadFile("../punctual.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if string(written) != string(Schema()) {
		t.Error("punctual.schema.json is stale; make schema writes it anew")
	}
}

func TestTheStarterIsTheFileAtTheRoot(t *testing.T) {
	root, err := os.ReadFile("../punctual.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if string(root) != Starter {
		t.Error("punctual.yaml at the root differs from config/starter.yaml")
	}
	if got := warnings(t, Starter, november); got != "" {
		t.Errorf("warnings:\n%s", got)
	}
}

func TestTheSchemaKnowsEveryKey(t *testing.T) {
	schema := string(Schema())
	for _, of := range []reflect.Type{reflect.TypeFor[written](), reflect.TypeFor[definition](), reflect.TypeFor[request](), reflect.TypeFor[work](), reflect.TypeFor[backoff](),
		reflect.TypeFor[alerts](), reflect.TypeFor[recipient](), reflect.TypeFor[mailServer]()} {
		for _, key := range fieldsOf(of).names {
			if !strings.Contains(schema, fmt.Sprintf("%q: {", key)) {
				t.Errorf("the schema lacks %s", key)
			}
		}
	}
}

package punctual_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/punctual-dev/punctual"
	"github.com/punctual-dev/punctual/internal/pgtest"
)

func pages(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"*.md", "docs/*.md", "examples/*/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	return all
}

var link = regexp.MustCompile(`\]\(([^)#\s]+)(#[^)\s]*)?\)`)

func TestEveryLinkInTheDocsLeadsSomewhere(t *testing.T) {
	found := 0
	for _, page := range pages(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(match[1], "://") {
				continue
			}
			found++
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), match[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", page, match[1])
			}
		}
	}
	if found < 10 {
		t.Errorf("only %d links were found", found)
	}
}

var (
	tableOf     = regexp.MustCompile(`(?s)CREATE TABLE (\w+) \((.*?)\n\)`)
	columnOf    = regexp.MustCompile(`(?m)^    ([a-z_]+)\s+[a-z]`)
	heading     = regexp.MustCompile(`(?m)^## (punctual_\w+)$`)
	columnAdded = regexp.MustCompile(`(?m)^ALTER TABLE (\w+) ADD COLUMN ([a-z_]+)`)
	columnInDoc = regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|")
)

func TestTheDocsNameEveryColumnAndNoOther(t *testing.T) {
	doc, err := os.ReadFile("docs/database.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]string{}
	parts := heading.FindAllStringSubmatchIndex(string(doc), -1)
	for i, part := range parts {
		end := len(doc)
		if i+1 < len(parts) {
			end = parts[i+1][0]
		}
		documented[string(doc[part[2]:part[3]])] = columns(columnInDoc, string(doc[part[1]:end]))
	}
	for _, kind := range []string{"postgres", "sqlite"} {
		files, err := filepath.Glob("store/migrations/" + kind + "/*.sql")
		if err != nil || len(files) == 0 {
			t.Fatalf("no migrations of %s: %v", kind, err)
		}
		there := map[string]string{}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, table := range tableOf.FindAllStringSubmatch(string(text), -1) {
				there[table[1]] = columns(columnOf, table[2])
			}
			for _, added := range columnAdded.FindAllStringSubmatch(string(text), -1) {
				there[added[1]] += " " + added[2]
			}
		}
		for table, want := range there {
			if got := documented[table]; got != want {
				t.Errorf("%s in %s has the columns\n%s\nand docs/database.md tells of\n%s", table, kind, want, got)
			}
		}
	}
}

func columns(pattern *regexp.Regexp, text string) string {
	var names []string
	for _, match := range pattern.FindAllStringSubmatch(text, -1) {
		names = append(names, match[1])
	}
	return strings.Join(names, " ")
}

var faultInDoc = regexp.MustCompile("`([a-z]+(?:-[a-z]+)+)`")

func TestThePageOnTestingNamesEveryDeliberateFaultAndNoOther(t *testing.T) {
	doc, err := os.ReadFile("docs/testing.md")
	if err != nil {
		t.Fatal(err)
	}
	patches, err := filepath.Glob("scripts/mutate.d/*.patch")
	if err != nil || len(patches) == 0 {
		t.Fatalf("no faults: %v", err)
	}
	told := map[string]bool{}
	for _, match := range faultInDoc.FindAllStringSubmatch(string(doc), -1) {
		told[match[1]] = true
	}
	for _, patch := range patches {
		name := strings.TrimSuffix(filepath.Base(patch), ".patch")
		if !told[name] {
			t.Errorf("docs/testing.md does not say which promise %s breaks", name)
		}
		delete(told, name)
	}
	for name := range told {
		t.Errorf("docs/testing.md tells of %s, and there is no such patch in scripts/mutate.d", name)
	}
}

var testInDoc = regexp.MustCompile("`(Test[A-Z][A-Za-z]+)`")

func TestEveryTestThatThePageOnTestingNamesExists(t *testing.T) {
	doc, err := os.ReadFile("docs/testing.md")
	if err != nil {
		t.Fatal(err)
	}
	var code strings.Builder
	for _, depth := range []string{"*_test.go", "*/*_test.go", "*/*/*_test.go"} {
		files, err := filepath.Glob(depth)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			code.Write(text)
		}
	}
	for _, match := range testInDoc.FindAllStringSubmatch(string(doc), -1) {
		if !strings.Contains(code.String(), "func "+match[1]+"(") {
			t.Errorf("docs/testing.md names %s, which is not there", match[1])
		}
	}
}

var queryInDoc = regexp.MustCompile("(?s)```sql\n(.*?)```")

func TestTheQueriesInTheDocsRunOnBothDatabases(t *testing.T) {
	doc, err := os.ReadFile("docs/database.md")
	if err != nil {
		t.Fatal(err)
	}
	queries := queryInDoc.FindAllStringSubmatch(string(doc), -1)
	if len(queries) < 5 {
		t.Fatalf("only %d queries were found", len(queries))
	}
	for kind, address := range map[string]string{
		"sqlite": "sqlite:" + filepath.Join(t.TempDir(), "docs.db"), "postgres": pgtest.New(t),
	} {
		p, err := punctual.Open(t.Context(), address)
		if err != nil {
			t.Fatal(err)
		}
		for _, query := range queries {
			rows, err := p.Store().Database().Reader().Query(t.Context(), query[1])
			if err != nil {
				t.Errorf("on %s: %v\n%s", kind, err, query[1])
				continue
			}
			for rows.Next() {
				continue
			}
			if err := rows.Err(); err != nil {
				t.Errorf("on %s: %v\n%s", kind, err, query[1])
			}
			rows.Close()
		}
		p.Close()
	}
}

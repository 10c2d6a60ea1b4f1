package config

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// formed is what a file of wrong form is answered with.
type formed struct {
	name, file string
	want       []string
}

func toldEach(t *testing.T, cases []formed) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, faultsIn(t, c.file)); diff != "" {
				t.Errorf("%s\n(-want +got):\n%s", c.file, diff)
			}
		})
	}
}

// scheduleWithAnother is one of these lines, and another that is fine.
func scheduleWithAnother(lines ...string) string {
	return scheduleWith(lines...) + "  other:\n    when: \"daily at 09:00, 10:00\"\n    run: echo a, b\n"
}

func TestADashBeforeAKeyOfAScheduleIsTakenAway(t *testing.T) {
	const when, run = "when: every 5s", "run: echo hi"
	told := func(at, below, advice string, more int) string {
		key := below[strings.LastIndexByte(below, '.')+1:]
		return at + " " + below + ": a dash begins an item of a list, and what stands below " + key + ": is no list but keys" + andBelow(more) + " → " + advice
	}
	like := func(keys, them string, spaces int, of string) string {
		return fmt.Sprintf("take %s, and indent %s to %d spaces, like the other keys of %s:", keys, them, spaces, of)
	}
	const first, later = "the dash away before when:", "the dash away before run:"
	toldEach(t, []formed{
		{"the first key", scheduleWithAnother("- "+when, "  "+run), []string{told("3:5", "schedules.a", like(first, "it", 6, "a"), 0)}},
		{"the first key, the others beside the dash", scheduleWithAnother("- "+when, run), []string{told("3:5", "schedules.a", like(first, "it", 4, "a"), 0)}},
		{"the first key, the others deeper", scheduleWithAnother("- "+when, "    "+run), []string{told("3:5", "schedules.a", like(first, "it", 8, "a"), 0)}},
		{"the first key, without a space", scheduleWithAnother("-"+when, " "+run), []string{told("3:5", "schedules.a", like(first, "it", 5, "a"), 0)}},
		{"the first key, beside that of the schedule", "schedules:\n  a:\n  - when: every 5s\n    run: echo hi\n", []string{told("3:3", "schedules.a", like(first, "it", 4, "a"), 0)}},
		{"the first key, with a list below it", scheduleWithAnother("- when:", "    - every 5s", "    - every 6s", "  run: |", "    echo hi"), []string{told("3:5", "schedules.a", like(first, "it", 6, "a"), 0)}},
		{"all keys", scheduleWithAnother("- "+when, "- "+run, "- retries: 3"), []string{told("3:5", "schedules.a", "take the dashes away before when:, run: and retries:", 2)}},
		{"a later key", scheduleWithAnother(when, "- "+run), []string{told("4:5", "schedules.a", like(later, "it", 4, "a"), 0)}},
		{"later keys", scheduleWithAnother(when, "- "+run, "- env:", "    A: b"), []string{told("4:5", "schedules.a", like("the dashes away before run: and env:", "them", 4, "a"), 1)}},
		{"a later key below a list", scheduleWithAnother("when:", "  - every 5s", "- "+run), []string{told("5:5", "schedules.a", like(later, "it", 4, "a"), 0)}},
		{"a later key beside a list", scheduleWithAnother("when:", "- every 5s", "- "+run), []string{told("5:5", "schedules.a", like(later, "it", 4, "a"), 0)}},
		{"a later key at the edge", scheduleWith(when, run) + "- retries: 3\n", []string{told("5:1", "schedules.a", like("the dash away before retries:", "it", 4, "a"), 0)}},
		{"a key of a request", scheduleWithAnother(when, "http:", "  url: https://example.com", "  - method: GET"), []string{told("6:7", "schedules.a.http", like("the dash away before method:", "it", 6, "http"), 0)}},
		{"the first key of a request", scheduleWithAnother(when, "http:", "  - url: https://example.com", "    method: GET"), []string{told("5:7", "schedules.a.http", like("the dash away before url:", "it", 8, "http"), 0)}},
		{"with another fault", scheduleWith("- "+when, "  run: 5"), []string{
			told("3:5", "schedules.a", like(first, "it", 6, "a"), 0), `4:12 schedules.a.run: YAML reads 5 as a number; text belongs here → put it in quotes: "5"`}},
		{"two schedules under one key", scheduleWithAnother("- "+when, "  "+run, "- "+when, "  "+run), []string{
			"3:5 schedules.a: this is a list of 2 schedules under one key → write a key of its own for each, such as a-1: and a-2:, beside each other below schedules:, without the dashes"}},
		{"a key of the file", "timezone: UTC\n- " + scheduleWith(when, run), []string{
			"2:1 : a dash begins an item of a list, and the file is no list but keys → take the dash away before schedules:, and begin all keys of the file at the edge"}},
		{"the one key of the file", "- " + scheduleWith(when, run), []string{
			"1:1 : a dash begins an item of a list, and the file is no list but keys → take the dash away before schedules:, and begin all keys of the file at the edge"}},
		{"the key of the one schedule", "schedules:\n  - report:\n      when: every 5s\n      run: echo hi\n", []string{
			"2:3 schedules: is a list; schedules stand under their keys → write report: without a dash, and when: and run: below it, indented further"}},
	})
}

func TestADashAloneIsToldAsThat(t *testing.T) {
	const when, run = "when: every 5s", "run: echo hi"
	const line, out = "a dash stands alone in this line, and begins no item", "take the line out: nothing here is a list"
	const value, quotes = "a dash alone is no value", `if a dash is meant, put it in quotes: "-"`
	toldEach(t, []formed{
		{"between keys", scheduleWithAnother(when, "-", run), []string{"4:5 schedules.a: " + line + " → " + out}},
		{"before keys", scheduleWithAnother("-", "  "+when, "  "+run), []string{"3:5 schedules.a: " + line + " → " + out}},
		{"behind keys, with a comment", scheduleWithAnother(when, run, "- # why"), []string{"5:5 schedules.a: " + line + " → " + out}},
		{"among schedules", "schedules:\n  -\n  a:\n    when: every 5s\n    run: echo\n", []string{"2:3 schedules: " + line + " → " + out}},
		{"at the edge", "-\n" + scheduleWith(when, run), []string{"1:1 : " + line + " → " + out}},
		{"several in one line", scheduleWith(when, run) + "  - - -\n", []string{"5:3 schedules: " + line + " → " + out}},
		{"two", scheduleWith(when, run, "--"), []string{"5:5 schedules.a: " + line + " → " + out}},
		{"in place of a schedule", "schedules:\n  sync:\n    -\n", []string{"3:5 schedules.sync: " + line + " → take it away, and write when: and run: below sync:, indented further"}},
		{"as a schedule", "schedules:\n  sync: -\n  a:\n    when: every 5s\n    run: echo\n", []string{"2:9 schedules.sync: " + value + " → take it away, and write when: and run: below sync:, indented further"}},
		{"behind a schedule", "schedules:\n  sync: -\n    when: every 5s\n    run: echo\n", []string{"2:9 schedules.sync: " + value + " → take it away, and write when: and run: below sync:, indented further"}},
		{"as a when", scheduleWithAnother("when: -", run), []string{"3:11 schedules.a.when: " + value + " → write when: and its value, or below it, indented further, each item behind a dash of its own; " + quotes}},
		{"as a number", scheduleWithAnother(when, run, "retries: - # no"), []string{"5:14 schedules.a.retries: " + value + " → write retries: and its value, or leave the key out; " + quotes}},
		{"as variables", scheduleWithAnother(when, run, "env: -"), []string{"5:10 schedules.a.env: " + value + " → take it away, and write keys below env:, indented further"}},
		{"as the schedules", "schedules: -\n", []string{"1:12 schedules: " + value + " → take it away, and write keys below schedules:, indented further"}},
		{"in a list", scheduleWithAnother(when, run, "tags:", "  - x", "  -"), []string{"7:9 schedules.a.tags[1]: is a dash alone → write the item behind its dash, or take the dash out"}},
	})
}

func TestAnUnresolvedMergeIsAllThatIsTold(t *testing.T) {
	const advice = " → keep of each side what is to hold, and take the lines of the marks out"
	const one = "the file holds an unresolved merge of git: its marks are "
	sides := func(indent string) string {
		return indent + "<<<<<<< HEAD\n    when: every 5s\n" + indent + "=======\n    when: 5\n" + indent + ">>>>>>> branch\n"
	}
	toldEach(t, []formed{
		{"a merge", "schedules:\n  a:\n" + sides("") + "    run: echo\n", []string{"3:1 : " + one + "lines 3, 5 and 7" + advice}},
		{"in the first line", strings.ReplaceAll(sides(""), "    ", "") + "schedules: {}\n", []string{"1:1 : " + one + "lines 1, 3 and 5" + advice}},
		{"with the base", strings.Replace("schedules:\n  a:\n"+sides(""), "=======", "||||||| 1a2b3c\n    when: every 4s\n=======", 1), []string{"3:1 : " + one + "lines 3, 5, 7 and 9" + advice}},
		{"with line ends of Windows", strings.ReplaceAll("schedules:\n  a:\n"+sides(""), "\n", "\r\n"), []string{"3:1 : " + one + "lines 3, 5 and 7" + advice}},
		{"in a script", "schedules:\n  a:\n    when: every 5s\n    run: |\n" + sides(""), []string{"5:1 : " + one + "lines 5, 7 and 9" + advice}},
		{"indented", "schedules:\n  a:\n" + sides("    "), []string{"3:5 : " + one + "lines 3, 5 and 7" + advice}},
		{"two", "schedules:\n  a:\n" + sides("") + "    run: echo\n  b:\n" + sides(""), []string{"3:1 : the file holds 2 unresolved merges of git: their marks are lines 3, 5, 7, 10, 12 and 14" + advice}},
		{"many", "schedules:\n  a:\n" + strings.Repeat(sides(""), 5), []string{"3:1 : the file holds 5 unresolved merges of git: their marks are lines 3, 5, 7, 8, 10, 12, 13, 15, 17, 18, 20, 22 and 3 more" + advice}},
		{"what is left of one", scheduleWith("when: every 5s", "run: echo") + ">>>>>>> branch\n", []string{"5:1 : this is left of a merge of git: its mark is line 5" + advice}},
	})
}

func TestSpacesThatAreNotPlainAreNamedAndCounted(t *testing.T) {
	const nbsp, wide, unseen = "\u00a0", "\u3000", "\u200b"
	const plain, gone = " → put a plain space in its place; an editor can replace all of them at once", " → delete it, though nobody sees it; an editor can replace all of them with nothing"
	const space, mark = "a no-break space (U+00A0), which is text to YAML, stands here", "a byte order mark (U+FEFF), which is text to YAML, stands here"
	spaced := func(with string, lines ...string) string {
		return strings.ReplaceAll(scheduleWithAnother(lines...), "_", with)
	}
	toldEach(t, []formed{
		{"in the indentation", "schedules:\n" + nbsp + " a:\n    when: every 5s\n    run: echo\n", []string{"2:1 : " + space + plain}},
		{"in all indentation", "schedules:\n" + strings.ReplaceAll("__a:\n____when: every 5s\n____run: |\n______echo a\n______echo b: c\n", "_", nbsp), []string{"2:1 : " + space + " and in 4 lines below" + plain}},
		{"behind a colon", spaced(nbsp, "when:_every 5s", "run: _echo"), []string{"3:10 : " + space + " and in 1 line below" + plain}},
		{"before a colon", spaced(nbsp, "when_: every 5s", "run: echo"), []string{"3:9 : " + space + plain}},
		{"behind a value", spaced(nbsp, "when: every 5s_", "run: echo"), []string{"3:19 : " + space + plain}},
		{"before a comment", spaced(nbsp, "when: every 5s_# often", "run: echo"), []string{"3:19 : " + space + plain}},
		{"before a comment alone", spaced(nbsp, "when: every 5s", "_ # why", "run: echo"), []string{"4:5 : " + space + plain}},
		{"in an empty line", spaced(nbsp, "when: every 5s", "_", "run: echo"), []string{"4:5 : " + space + plain}},
		{"behind dashes", spaced(nbsp, "when: every 5s", "run:", "  -_echo", "  -_hi"), []string{"5:8 : " + space + " and in 1 line below" + plain}},
		{"in braces", strings.ReplaceAll("schedules:\n  a: {_when:_\"every 5s\",_run: \"a:_b\"}\n", "_", nbsp), []string{"2:7 : " + space + plain}},
		{"that is wide", strings.ReplaceAll("schedules:\n_a:\n__when: every 5s\n__run: echo\n", "_", wide), []string{"2:1 : an ideographic space (U+3000), which is text to YAML, stands here and in 2 lines below" + plain}},
		{"that is as wide as an em", "schedules:\n  a:\n    when: every 5s\n\u2003\u2003run: echo\n", []string{"4:1 : an em space (U+2003), which is text to YAML, stands here" + plain}},
		{"that nobody sees", spaced(unseen, "wh_en: every 5s", "_run: echo"), []string{"3:7 : a zero width space (U+200B), which is text to YAML, stands here and in 1 line below" + gone}},
		{"where two files were joined", "timezone: UTC\n\ufeff" + scheduleWith("when: every 5s", "run: echo"), []string{"2:1 : " + mark + gone}},
		{"with another fault", spaced(nbsp, "when:_every 5s", "run: 5"), []string{"3:10 : " + space + plain, `4:10 schedules.a.run: YAML reads 5 as a number; text belongs here → put it in quotes: "5"`}},
	})
}

func TestWhatAFileCanBeReadWithIsNoFault(t *testing.T) {
	for _, c := range []struct {
		name, file string
		warned     bool
	}{
		{"an odd space in a script", scheduleWith("when: every 1h", "run: |", "  echo a", "  \u00a0\u00a0echo b"), false},
		{"an odd space in text", scheduleWith("when: every 1h", "run: echo a\u00a0b"), false},
		{"an odd space in quotes", scheduleWith("when: every 1h", "run: \"echo a\u00a0\""), false},
		{"an odd space behind text", scheduleWith("when: every 1h", "run: echo a\u00a0"), true},
		{"an odd space in a comment", scheduleWith("when: every 1h # and\u00a0so\u00a0", "# on\u00a0", "run: echo"), false},
		{"templates in text", scheduleWith("when: every 1h", "run: docker ps --format '{{.Names}}'", "description: |", "  {{ x }}", "  {% y %}"), false},
		{"the marks of a merge in a script", scheduleWith("when: every 1h", "run: |", "  <<<<<<< HEAD", "  =======", "  >>>>>>> x"), false},
		{"dashes in a script", scheduleWith("when: every 1h", "run: |", "  -", "  - when: x", "  a: -"), false},
		{"a dash before its item", scheduleWith("when: every 1h", "run:", "  -", "    echo", "  - hi"), false},
		{"braces over several lines", scheduleWith("when: every 1h", "run: echo", "env: {", "A: b,", "C: d", "}"), false},
	} {
		file, err := Parse("punctual.yaml", []byte(c.file), Options{})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if warnings := file.Warnings(time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)); len(warnings) > 0 != c.warned {
			t.Errorf("%s: warnings %v", c.name, warnings)
		}
	}
}

func TestATemplateThatNothingFillsInIsTold(t *testing.T) {
	const when, run = "when: every 5s", "run: echo hi"
	const fill = " → write the value itself, or let what fills in templates write the file before punctual reads it"
	const variable = " → write the value itself, or let envsubst, for example, write the file before punctual reads it"
	told := func(place, mark string, more int) string {
		return place + ": " + mark + " belongs to a template, and nothing fills it in" + orHere(more)
	}
	const inQuotes, inEnvironment = "; if it is meant as it stands, put it in quotes: ", `; a command finds variables in its environment, as "$NAME"`
	toldEach(t, []formed{
		{"a number", scheduleWithAnother(when, run, "retries: {{ something }}"), []string{told("5:14 schedules.a.retries", "{{ something }}", 0) + fill}},
		{"a command", scheduleWithAnother(when, `run: {{ cmd }} "x" # y`), []string{told("4:10 schedules.a.run", `{{ cmd }} "x"`, 0) + fill + inQuotes + `'{{ cmd }} "x"'` + inEnvironment}},
		{"a request", scheduleWithAnother(when, "http:", "  url: {{ url }}"), []string{told("5:12 schedules.a.http.url", "{{ url }}", 0) + fill + "; in url, headers and body, ${NAME} in quotes is a variable of the worker"}},
		{"several", scheduleWithAnother("when: {{ when }}", "run: {{ run }}", "tags:", "  - {{ tag }}"), []string{told("3:11 schedules.a.when", "{{ when }}", 2) + fill}},
		{"in braces", "schedules:\n  a: {when: {{ w }}, run: \"{{ x }}\", retries: {{ n }}}\n", []string{told("2:13 schedules.a", "{{ w }}", 0) + fill}},
		{"in brackets", scheduleWithAnother(when, run, "enabled_in: [{{ e }}]"), []string{told("5:18 schedules.a.enabled_in", "{{ e }}", 0) + fill}},
		{"a key", "schedules:\n  {{ name }}:\n    when: every 5s\n    run: 5\n", []string{told("2:3 schedules", "{{ name }}", 0) + fill, `4:10 schedules.x000000002.run: YAML reads 5 as a number; text belongs here → put it in quotes: "5"`}},
		{"lines of a template", "schedules:\n{%- if x %}\n  a:\n    when: every 5s\n    run: echo\n{% endif %}\n", []string{told("2:1 schedules", "{%- if x %}", 1) + fill}},
		{"a line among keys", scheduleWithAnother(`{{ include "common" . }}`, when, run), []string{told("3:5 schedules.a", `{{ include "common" . }}`, 0) + fill}},
		{"that is not closed", scheduleWithAnother(when, run, "retries: {{ n"), []string{told("5:14 schedules.a.retries", "{{ n", 0) + fill}},
		{"in quotes", scheduleWithAnother(`when: "{{ w }}"`, run, `retries: '{{ n }}'`, `timeout: "{{ t }}s"`), []string{
			told("3:11 schedules.a.when", "{{ w }}", 0) + fill, told("5:14 schedules.a.retries", "{{ n }}", 0) + fill, told("6:14 schedules.a.timeout", "{{ t }}s", 0) + fill}},
		{"of another kind", scheduleWithAnother(when, run, "retries: <%= n %>"), []string{told("5:14 schedules.a.retries", "<%= n %>", 0) + fill}},
		{"variables", scheduleWithAnother("when: ${WHEN}", run, "retries: $N"), []string{
			"3:11 schedules.a.when: ${WHEN} is a variable, and nothing replaces it here" + variable, "5:14 schedules.a.retries: $N is a variable, and nothing replaces it here" + variable}},
	})
}

func TestABraceThatIsNeverClosedIsToldWhereItBeginsAndNothingElse(t *testing.T) {
	const when, run = "when: every 5s", "run: echo hi"
	brace := func(at string) string { return at + ": the brace that begins here is never closed → close it with }" }
	bracket := func(at string) string {
		return at + ": the bracket that begins here is never closed → close it with ]"
	}
	const text = ", or put the value in quotes if it is text: "
	toldEach(t, []formed{
		{"a brace", scheduleWithAnother(when, "http:", "  url: https://example.com", `  headers: {X-A: "b"`, "retries: 3"), []string{brace("6:16 schedules.a.http.headers")}},
		{"a brace over several lines", scheduleWithAnother(when, run, "env: {", "  A: b,", "  C: d # why", "retries: 3"), []string{brace("5:10 schedules.a.env")}},
		{"a brace before a comment", scheduleWithAnother(when, run, "env: {A: b # }"), []string{brace("5:10 schedules.a.env")}},
		{"that of a schedule", "schedules:\n  a: {when: every 5s, run: echo\n  b:\n    when: every 5s\n    run: echo a, b\n", []string{brace("2:6 schedules.a")}},
		{"that of a key of the file", "limits: {api: 1\n" + scheduleWithAnother(when, "run: echo {x", "limit: api"), []string{brace("1:9 limits")}},
		{"a brace in text in braces", scheduleWithAnother(when, run, "env: {A: ${HOME"), []string{brace("5:10 schedules.a.env")}},
		{"a bracket", scheduleWithAnother(when, run, "tags: [a, b"), []string{bracket("5:11 schedules.a.tags")}},
		{"a bracket in a list", scheduleWithAnother(when, run, "tags:", "  - [a", "  - b"), []string{bracket("6:9 schedules.a.tags")}},
		{"a bracket in braces", scheduleWithAnother(when, run, "env: {A: [b}"), []string{bracket("5:14 schedules.a.env.A")}},
		{"a brace that closes a bracket", scheduleWithAnother(when, "run: [echo, hi}"), []string{bracket("4:10 schedules.a.run") + text + "'[echo, hi}'"}},
		{"a command of the shell", scheduleWithAnother(when, "run: { echo a; echo b"), []string{brace("4:10 schedules.a.run") + text + "'{ echo a; echo b'"}},
		{"two", scheduleWith(when, run, "tags: [a") + "  b:\n    when: every 5s\n    run: echo\n    env: {A: b\n", []string{bracket("5:11 schedules.a.tags"), brace("9:10 schedules.b.env")}},
		{"quotes over several lines", scheduleWithAnother(when, `run: "echo a`, "  b"), []string{`4:10 schedules.a.run: perhaps the quotes that begin here, in line 4, are not closed: they end in line 7 → close them with "`}},
	})
}

// TestNothingTakesLongThatIsLookedForLineByLine holds that time grows with the file,
// and not with its square.
func TestNothingTakesLongThatIsLookedForLineByLine(t *testing.T) {
	const many = 10_000
	for name, file := range map[string]string{
		"dashes":              "schedules:\n" + strings.Repeat("-\n", many),
		"dashes in a list":    "schedules:\n  a:\n    run:\n" + strings.Repeat("      -\n", many),
		"dashes before keys":  "schedules:\n" + strings.Repeat("  a:\n    - when: x\n", many/10),
		"values":              "schedules:\n" + strings.Repeat("  a: -\n", many),
		"lines of templates":  "schedules:\n" + strings.Repeat("{{ x }}\n", many),
		"templates":           "schedules:\n" + strings.Repeat("  a: {{ x }}\n", many/10),
		"templates in a line": "schedules: {a: [" + strings.Repeat("{{ x }}, ", many/30),
		"braces":              "schedules:\n" + strings.Repeat("  a: {\n", many/10),
		"odd spaces":          "schedules:\n" + strings.Repeat("\u00a0\u00a0a:\u00a0x\u00a0\n", many),
		"text beside bars":    "schedules:\n" + strings.Repeat("  a: | x\n", many),
		"entries in a line":   "schedules:\n  a:\n" + strings.Repeat("    when: x, run: y\n", many/5),
		"variables in a line": "schedules:\n  a:\n    env:\n" + strings.Repeat("      A: run: x\n", many/10),
		"comments":            "schedules:\n" + strings.Repeat("  // x\n", many),
		"items astray":        "schedules:\n  a:\n    run:\n" + strings.Repeat("      - x\n     - y\n", many),
		"commands":            "schedules:\n  a:\n" + strings.Repeat("    run: x &&\n    y\n", many/5),
		"schedules astray":    "schedules:\n  a: {}\n" + strings.Repeat("b:\n    run: 5\n", many/5),
		"variables beside":    "limits:\n" + strings.Repeat("x: x\n", many/5) + "schedules:\n  a: 5\n",
		"commas":              "schedules:\n  a:\n" + strings.Repeat("    run: \"x\",\n", many/5),
		"tabs":                "schedules:\n" + strings.Repeat("\ta:\n", many/5),
		"marks of merges":     strings.Repeat("<<<<<<< x\n", many),
	} {
		start := time.Now()
		if _, err := Parse("punctual.yaml", []byte(file), Options{}); err == nil {
			t.Errorf("%s: no fault", name)
		}
		took := time.Since(start)
		t.Logf("%s: %s", name, took)
		if took > 10*time.Second {
			t.Errorf("%s took %s", name, took)
		}
	}
}

package main

import (
	"bytes"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// flagInDocs is a flag where the reference explains one: first in a row of a
// table.
var flagInDocs = regexp.MustCompile("(?m)^\\| `--([a-z-]+)")

func TestTheReferenceNamesEveryCommandAndItsFlags(t *testing.T) {
	text, err := os.ReadFile("../../docs/command-line.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]string{} // by command
	for _, section := range strings.Split(string(text), "\n### ")[1:] {
		title, body, _ := strings.Cut(section, "\n")
		sections[title] = body
	}
	parser, err := kong.New(&commandLine{}, kong.Name("punctual"), kong.ExplicitGroups(groups))
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range parser.Model.Leaves(true) {
		body, ok := sections[command.FullPath()]
		if !ok {
			t.Errorf("docs/command-line.md has no section ### %s", command.FullPath())
			continue
		}
		delete(sections, command.FullPath())
		var want, got []string
		for _, flag := range command.Flags {
			if !flag.Hidden {
				want = append(want, flag.Name)
			}
		}
		for _, match := range flagInDocs.FindAllStringSubmatch(body, -1) {
			got = append(got, match[1])
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s has the flags %v, docs/command-line.md explains %v", command.FullPath(), want, got)
		}
	}
	for title := range sections {
		t.Errorf("docs/command-line.md explains %s, which is no command", title)
	}
}

func TestHelpSpeaksOfWhatThereIsInWordsOfOurOwn(t *testing.T) {
	for _, command := range []string{"start", "worker", "schedules trigger", "next"} {
		got := runIn(t, "", append(strings.Fields(command), "--help")...)
		if got.code != 0 || !strings.Contains(got.out, "Show this help.") {
			t.Errorf("%s --help = %+v", command, got)
		}
		for _, oddity := range []string{"context-sensitive", "…,..."} {
			if strings.Contains(got.out, oddity) {
				t.Errorf("%s --help says %q:\n%s", command, oddity, got.out)
			}
		}
	}
}

func TestTheOverviewShowsEveryCommandUnderAHeading(t *testing.T) {
	var out, errors bytes.Buffer
	if code := run(&app{Context: t.Context(), Stdout: &out, Stderr: &errors}, []string{"--help"}); code != 0 {
		t.Fatalf("exit code %d: %s", code, errors.String())
	}
	parser, err := kong.New(&commandLine{}, kong.Name("punctual"), kong.ExplicitGroups(groups))
	if err != nil {
		t.Fatal(err)
	}
	for _, child := range parser.Model.Children {
		if child.Group == nil {
			t.Errorf("%s has no group", child.Name)
		}
		if !strings.Contains(out.String(), "\n  "+child.Name+" ") {
			t.Errorf("the overview does not show %s", child.Name)
		}
	}
	for line := range strings.Lines(out.String()) {
		if n := len([]rune(line)); n > 110 {
			t.Errorf("a line of %d characters: %s", n, line)
		}
	}
}

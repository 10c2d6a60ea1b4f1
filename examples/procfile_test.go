package examples_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// procfile is a parsed Procfile: command by kind of process, in its order.
type procfile []struct{ kind, command string }

var procfileLine = regexp.MustCompile(`^([A-Za-z0-9_-]+):\s*(\S.*)$`)

func parseProcfile(text string) (parsed procfile, err error) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		found := procfileLine.FindStringSubmatch(line)
		if found == nil {
			return nil, fmt.Errorf("%q is no line of a Procfile", line)
		}
		parsed = append(parsed, struct{ kind, command string }{found[1], found[2]})
	}
	if len(parsed) == 0 {
		return nil, fmt.Errorf("a Procfile without a process")
	}
	return parsed, nil
}

func (f procfile) command(kind string) string {
	for _, line := range f {
		if line.kind == kind {
			return line.command
		}
	}
	return ""
}

// release does what a platform does with a Procfile: it runs the release
// command to its end, and then starts every other process.
func release(t *testing.T, directory string, environment []string) map[string]*process {
	t.Helper()
	text, err := os.ReadFile(directory + "/Procfile")
	if err != nil {
		t.Fatal(err)
	}
	file, err := parseProcfile(string(text))
	if err != nil {
		t.Fatal(err)
	}
	if command := file.command("release"); command != "" {
		succeeds(t, directory, environment, "sh", "-c", "exec "+command)
	}
	processes := map[string]*process{}
	for _, line := range file {
		if line.kind != "release" {
			processes[line.kind] = start(t, directory, environment, "sh", "-c", "exec "+line.command)
		}
	}
	return processes
}

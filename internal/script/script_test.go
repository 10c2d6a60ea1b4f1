package script_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/punctual-dev/punctual/internal/script"
)

func TestWhyAFileCannotBeExecutedIsToldFromItsFirstLine(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{name: "a script", text: "#!/bin/sh\necho hi\n", want: ""},
		{name: "a script with an option", text: "#! /usr/bin/env -S sh -e\n", want: ""},
		{name: "a program of Linux", text: "\x7fELF\x02\x01", want: ""},
		{name: "a script without the line", text: "echo hi\n", want: "the file has no #! line"},
		{name: "a file without characters", text: "", want: "the file has no #! line"},
		{name: "a byte order mark", text: "\xef\xbb\xbf#!/bin/sh\n", want: "the file has no #! line"},
		{name: "a line that names nothing", text: "#!\n", want: "its #! line names no interpreter"},
		{name: "an interpreter that is not there", text: "#!/no/such/thing -x\n", want: "there is no interpreter /no/such/thing, which its first line names"},
		{name: "lines that end as in Windows", text: "#!/bin/sh\r\necho hi\r\n", want: `its lines end as in Windows, so that it names the interpreter "/bin/sh\r"`},
		{name: "such lines, found through env", text: "#!/usr/bin/env bash\r\n", want: `its lines end as in Windows, so that it names the interpreter "/usr/bin/env bash\r"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x")
			if err := os.WriteFile(path, []byte(c.text), 0o755); err != nil {
				t.Fatal(err)
			}
			got, advice := script.Fault(path)
			if got != c.want || (advice == "") != (got == "") {
				t.Errorf("told %q with the advice %q, want %q", got, advice, c.want)
			}
		})
	}
}

func TestOfWhatIsNoFileNothingIsTold(t *testing.T) {
	for _, path := range []string{t.TempDir(), filepath.Join(t.TempDir(), "none")} {
		if problem, _ := script.Fault(path); problem != "" {
			t.Errorf("of %s it told %q", path, problem)
		}
	}
}

package pgtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheNewestInstallationWithAServerIsChosen(t *testing.T) {
	cases := []struct {
		what                  string
		complete, clientsOnly []string
		want                  string
	}{
		{what: "nothing is installed"},
		{what: "one version", complete: []string{"15/bin"}, want: "15/bin"},
		{what: "numbers are compared as numbers", complete: []string{"9.6/bin", "14/bin", "16/bin"}, want: "16/bin"},
		{what: "a version without its server does not count", complete: []string{"15/bin"}, clientsOnly: []string{"17/bin"}, want: "15/bin"},
	}
	for _, c := range cases {
		t.Run(c.what, func(t *testing.T) {
			root := t.TempDir()
			for _, dir := range c.complete {
				writePrograms(t, filepath.Join(root, dir), "postgres", "initdb", "psql")
			}
			for _, dir := range c.clientsOnly {
				writePrograms(t, filepath.Join(root, dir), "psql")
			}
			got := strings.TrimPrefix(newest([]string{filepath.Join(root, "*", "bin")}), root+"/")
			if got != c.want {
				t.Errorf("chose %q, want %q", got, c.want)
			}
		})
	}
}

func TestADirectoryNamedByTheEnvironmentMustHoldTheServer(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(directoryVariable, dir)
	if _, err := findDirectory(); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("an empty directory gave %v, want an error that names it", err)
	}
	writePrograms(t, dir, "postgres", "initdb")
	if got, err := findDirectory(); got != dir || err != nil {
		t.Errorf("got %q, %v; want %q", got, err, dir)
	}
}

func TestAMachineWithoutAServerIsToldWhatToInstall(t *testing.T) {
	t.Setenv("PATH", t.TempDir()) // no apt-get
	err := install()
	if err == nil || !strings.Contains(err.Error(), "apt-get install postgresql") {
		t.Errorf("got %v, want advice that names the package", err)
	}
}

func writePrograms(t *testing.T, dir string, names ...string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

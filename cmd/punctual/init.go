package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/punctual-dev/punctual/config"
)

// initCommand writes the files a project begins with.
type initCommand struct {
	Dir   string `arg:"" optional:"" default:"." help:"Where to write them."`
	Force bool   `help:"Overwrite files that are there already."`
}

// procfile starts each process by itself, as platforms and process managers
// do. The file is applied once per release; the processes never apply it.
const procfile = `web: punctual web
worker: punctual worker
clock: punctual clock
release: punctual apply
`

// Run writes all files or, where one is there already, none. A Procfile is most
// likely that of the app: it stays, and what to add to it is said.
func (c *initCommand) Run(a *app) error {
	files := []struct{ name, content string }{
		{"punctual.yaml", config.Starter},
		{"Procfile", procfile},
	}
	if err := os.MkdirAll(c.Dir, 0o777); err != nil {
		return fmt.Errorf("init: %w", err)
	}
	var present []string
	for _, file := range files {
		if _, err := os.Lstat(filepath.Join(c.Dir, file.name)); !errors.Is(err, fs.ErrNotExist) {
			present = append(present, file.name)
		}
	}
	if slices.Equal(present, []string{"Procfile"}) && !c.Force {
		return c.besideProcfile(a)
	}
	if len(present) > 0 && !c.Force {
		return &exitError{Code: 1, Message: fmt.Sprintf("init: %s already in %s; nothing was written (--force overwrites)", isOrAre(present), c.Dir)}
	}
	for _, file := range files {
		if err := os.WriteFile(filepath.Join(c.Dir, file.name), []byte(file.content), 0o666); err != nil {
			return fmt.Errorf("init: %w", err)
		}
	}
	_, err := fmt.Fprintf(a.Stdout, `Wrote %s and %s.

Next:
%s  punctual check   validate the file, and see when the next occurrences are due
  punctual start   run it: the clock, a worker and the web page in one process

An editor that knows YAML completes and checks the file after
  punctual schema > punctual.schema.json
once its first line is
  # yaml-language-server: $schema=punctual.schema.json
`, filepath.Join(c.Dir, "punctual.yaml"), filepath.Join(c.Dir, "Procfile"), goTo(c.Dir))
	return err
}

// besideProcfile writes the schedule file alone.
func (c *initCommand) besideProcfile(a *app) error {
	path := filepath.Join(c.Dir, "punctual.yaml")
	if err := os.WriteFile(path, []byte(config.Starter), 0o666); err != nil {
		return fmt.Errorf("init: %w", err)
	}
	_, err := fmt.Fprintf(a.Stdout, `Wrote %s. Your Procfile stays as it is; add to it

worker: punctual worker
clock: punctual clock
release: punctual apply

and, for the web page, a process of its own: punctual web

Next:
%s  punctual check   validate the file, and see when the next occurrences are due
  punctual start   run it: the clock, a worker and the web page in one process
`, path, goTo(c.Dir))
	return err
}

func isOrAre(names []string) string {
	if len(names) == 1 {
		return names[0] + " is"
	}
	return strings.Join(names, " and ") + " are"
}

func goTo(dir string) string {
	if filepath.Clean(dir) == "." {
		return ""
	}
	return "  cd " + dir + "\n"
}

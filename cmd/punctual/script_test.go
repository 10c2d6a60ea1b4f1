package main

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/internal/pgtest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"punctual": main})
}

// The scripts run the real program on a real database, clocks and workers as
// processes of their own. Those in testdata/script hold for both databases.

func TestScriptsOnSQLite(t *testing.T) {
	p := scripts("sqlite:punctual.db")
	p.Files = append(files(t, "testdata/script/*.txtar"), files(t, "testdata/script/sqlite/*.txtar")...)
	testscript.Run(t, p)
}

func TestScriptsOnPostgres(t *testing.T) {
	p := scripts("")
	p.Files = files(t, "testdata/script/*.txtar")
	setup := p.Setup
	p.Setup = func(e *testscript.Env) error {
		e.Setenv("DATABASE_URL", pgtest.New(e.T().(testing.TB)))
		return setup(e)
	}
	p.Condition = func(name string) (bool, error) { return name == "postgres", nil }
	testscript.Run(t, p)
}

func files(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) == 0 {
		t.Fatalf("no scripts match %s: %v", pattern, err)
	}
	return found
}

func scripts(address string) testscript.Params {
	return testscript.Params{
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			if address != "" {
				e.Setenv("DATABASE_URL", address)
			}
			e.Setenv("NO_COLOR", os.Getenv("NO_COLOR"))
			return nil
		},
		Condition: func(name string) (bool, error) { return false, nil },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"until": until, "exits": exits, "capture": capture, "sql": sql, "fields": fields,
		},
	}
}

// patience bounds what a script waits for; it is reached only by a failure.
const patience = 30 * time.Second

// until runs a command again and again until its output matches:
//
//	until 'succeeded' punctual runs list
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until pattern command [arguments]")
	}
	pattern := regexp.MustCompile("(?m)" + args[0])
	for deadline := time.Now().Add(patience); ; {
		err := ts.Exec(args[1], args[2:]...)
		if pattern.MatchString(ts.ReadFile("stdout")) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%q was not seen within %s; last: %v\n%s%s", args[0], patience, err, ts.ReadFile("stdout"), ts.ReadFile("stderr"))
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// exits runs a command and compares its exit code:
//
//	exits 2 punctual shedules
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits code command [arguments]")
	}
	code := 0
	err := ts.Exec(args[1], args[2:]...)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("it exited with %d, want %s\n%s%s", code, args[0], ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	}
}

// capture keeps what the group of a pattern matches in the output printed last,
// as a variable:
//
//	capture job ' running .* (\d+)'
func capture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: capture name pattern")
	}
	found := regexp.MustCompile("(?m)" + args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if len(found) < 2 {
		ts.Fatalf("%q does not match", args[1])
	}
	ts.Setenv(args[0], found[1])
}

// sql runs statements on the database of the script, which has to exist. A
// relative SQLite file lies in the script's directory.
func sql(ts *testscript.TestScript, neg bool, args []string) {
	address := ts.Getenv("DATABASE_URL")
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok {
		address = "sqlite:" + ts.MkAbs(path)
	}
	db, err := database.Open(context.Background(), address, database.Options{})
	ts.Check(err)
	defer db.Close()
	for _, statement := range args {
		changed := int64(0)
		err = db.Transaction(context.Background(), func(tx database.Tx) error {
			var err error
			changed, err = tx.Exec(context.Background(), statement)
			return err
		})
		if (err != nil) != neg {
			ts.Fatalf("%s: %v", statement, err)
		}
		ts.Logf("%d rows: %s", changed, statement)
	}
}

// fields compares the names in the JSON object printed last, or in the first of
// a list, with those given. One with a question mark may be missing.
func fields(ts *testscript.TestScript, neg bool, args []string) {
	text := []byte(ts.ReadFile("stdout"))
	var object map[string]any
	if err := json.Unmarshal(text, &object); err != nil {
		var list []map[string]any
		ts.Check(json.Unmarshal(text, &list))
		if len(list) == 0 {
			ts.Fatalf("the list is empty")
		}
		object = list[0]
	}
	var want []string
	for _, name := range args {
		name, optional := strings.CutSuffix(name, "?")
		if _, there := object[name]; there || !optional {
			want = append(want, name)
		}
	}
	slices.Sort(want)
	got := slices.Sorted(maps.Keys(object))
	if slices.Equal(got, want) == neg {
		ts.Fatalf("the fields are\n%s\nwant\n%s", strings.Join(got, " "), strings.Join(want, " "))
	}
}

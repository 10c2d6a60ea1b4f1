package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const threeSchedules = `
schedules:
  report: {when: "daily at 09:00", timezone: Europe/Paris, run: "true", tags: [office]}
  hourly: {when: "every 1h", run: "true"}
`

// applied makes a database of a schedule file, and answers by it.
func appliedIn(t *testing.T, file string) (ask func(arguments ...string) outcome) {
	t.Helper()
	directory := t.TempDir()
	path := filepath.Join(directory, "punctual.yaml")
	if err := os.WriteFile(path, []byte(file), 0o666); err != nil {
		t.Fatal(err)
	}
	ask = func(arguments ...string) outcome {
		t.Helper()
		return runIn(t, "", append(arguments, "--config", path, "--database", "sqlite:"+filepath.Join(directory, "punctual.db"))...)
	}
	if got := ask("apply"); got.code != 0 {
		t.Fatalf("apply = %+v", got)
	}
	return ask
}

func TestWhatCannotBeRightEndsWithTwoAndWhatDoesNotComeAboutWithOne(t *testing.T) {
	ask := appliedIn(t, threeSchedules)
	for _, c := range []struct {
		line string
		code int
	}{
		// Words that cannot be right whatever there is.
		{"shedules list", 2},
		{"schedules list --wat", 2},
		{"schedules list --state fine", 2},
		{"schedules pause report --until banana", 2},
		{"schedules pause report --until 0s", 2},
		{"schedules skip --until banana", 2},
		{"schedules trigger report --idempotency-key ü", 2},
		{"schedules delete report", 2},
		{"backfill report", 2},
		{"backfill report --from banana --to now", 2},
		{"backfill report --from now --to 2020-01-01", 2},
		{"backfills list --limit 0", 2},
		{"backfills stop banana", 2},
		{"runs list --limit 0", 2},
		{"runs show banana", 2},
		{"alerts list --limit 0", 2},
		{"activity --limit 0", 2},
		{"tokens create deploy --expires banana", 2},
		{"tokens create deploy --expires 0s", 2},
		{"users role ada boss", 2},
		{"next banana", 2},
		{"next 0_25_*_*_*", 2},
		{"next 0_0_30_2_*", 2},
		{"next @daily --tz EST", 2},
		{"next @daily --from banana", 2},
		{"next @daily --except banana", 2},
		{"next @daily --count 0", 2},
		{"simulate --tz EST", 2},
		{"simulate --from banana", 2},
		{"clock --history banana", 2},
		{"worker --queues a=0", 2},
		{"web --listen banana", 2},
		{"health --database mysql://somewhere", 2},
		{"health --database banana", 2},
		// What is understood, and does not come about.
		{"schedules show nobody", 1},
		{"schedules pause nobody", 1},
		{"schedules pause --tag nobody", 1},
		{"schedules trigger nobody", 1},
		{"backfill nobody --from 2020-01-01 --to 2020-01-02", 1},
		{"backfills stop 99", 1},
		{"runs show 99", 1},
		{"runs show report@2020-01-01T00:00:00Z", 1},
		{"runs list --schedule nobody", 1},
		{"audit nobody", 1},
		{"queues pause nobody", 1},
		{"tokens revoke nobody", 1},
		{"users role nobody admin", 1},
		{"alerts test", 1},
		{"check nowhere.yaml", 1},
		{"apply nowhere.yaml", 1},
		{"simulate nowhere.yaml", 1},
		{"web --listen 0.0.0.0:0", 1},
		{"health --database postgres://127.0.0.1:1/none", 1},
		{"health --database sqlite:/nowhere/punctual.db", 1},
		// Done.
		{"schedules list", 0},
		{"runs list", 0},
		{"audit", 0},
		{"next @daily", 0},
	} {
		words := strings.Fields(c.line)
		for i, word := range words {
			words[i] = strings.ReplaceAll(word, "_", " ")
		}
		got := ask(words...)
		if strings.Contains(c.line, "--database") {
			got = runIn(t, "", words...)
		}
		if got.code != c.code || (c.code != 0) != (got.errors != "") {
			t.Errorf("punctual %s ends with %d, want %d: %s", c.line, got.code, c.code, got.errors)
		}
	}
}

func TestWhatIsWrongWithADatabaseIsToldInWordsWithWhatToDo(t *testing.T) {
	directory := t.TempDir()
	text, folder := filepath.Join(directory, "text.db"), filepath.Join(directory, "folder.db")
	if err := os.WriteFile(text, []byte(strings.Repeat("this is no database ", 100)), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(folder, 0o777); err != nil {
		t.Fatal(err)
	}
	damaged := filepath.Join(directory, "damaged.db")
	if got := runIn(t, threeSchedules, "apply", "-", "--database", "sqlite:"+damaged); got.code != 0 {
		t.Fatalf("apply = %+v", got)
	}
	data, err := os.ReadFile(damaged)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(damaged, append(data[:4096:4096], bytes.Repeat([]byte{7}, len(data)-4096)...), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, address string
		says          []string
	}{
		{"a damaged file", "sqlite:" + damaged, []string{damaged, "the file is damaged", "restore it"}},
		{"a file of something else", "sqlite:" + text, []string{text, "the file is no database of SQLite", "name another file"}},
		{"a directory", "sqlite:" + folder, []string{folder, "that is a directory", "sqlite:" + filepath.Join(folder, "punctual.db")}},
		{"a directory that is not there", "sqlite:" + filepath.Join(directory, "none", "x.db"), []string{"there is no directory " + filepath.Join(directory, "none"), "make it"}},
		{"nobody listens", "postgres://u:hunter2@127.0.0.1:1/d", []string{"opening postgres://127.0.0.1:1/d", "nothing listens there", "is the server running"}},
	} {
		for _, command := range [][]string{{"schedules", "list"}, {"health"}, {"clock"}} {
			got := runIn(t, "", append(command, "--database", c.address)...)
			for _, words := range c.says {
				if got.code != 1 || !strings.Contains(got.errors, words) {
					t.Errorf("%s: %v = %+v, want %q", c.name, command, got, words)
				}
			}
			for _, jargon := range []string{"(26)", "(14)", "dial tcp", "hunter2", "stat /"} {
				if strings.Contains(got.errors, jargon) {
					t.Errorf("%s: %v tells %q:\n%s", c.name, command, jargon, got.errors)
				}
			}
		}
	}
}

func TestADatabaseThatFailsInUseIsToldWithWhatToDo(t *testing.T) {
	var out bytes.Buffer
	a := &app{Stderr: &out}
	fault := fmt.Errorf("listing runs: %w", &net.OpError{Op: "read", Err: errors.New("connection reset by peer")})
	if code := a.exitCode(fault, withoutPassword("postgres://u:hunter2@db.example/d?sslmode=disable")); code != 1 {
		t.Errorf("exit code %d", code)
	}
	want := "punctual: listing runs: read: connection reset by peer\n  the database is postgres://db.example/d: is the server running, and reachable from here?\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestApplyReadsStandardInputAsThatFile(t *testing.T) {
	database := "sqlite:" + filepath.Join(t.TempDir(), "punctual.db")
	for _, c := range []struct{ name, file, config, owner string }{
		{"of the default name", threeSchedules, "", "file punctual.yaml"},
		{"of the name that --config gives", threeSchedules, "conf/other.yaml", "file other.yaml"},
		{"of an owner of its own", "owner: billing" + threeSchedules, "", "file billing"},
	} {
		arguments := []string{"--database", database}
		if c.config != "" {
			arguments = append(arguments, "--config", c.config)
		}
		got := runIn(t, c.file, append([]string{"apply", "-", "--adopt"}, arguments...)...)
		if got.code != 0 || !strings.Contains(got.out, "Applied standard input to "+database) {
			t.Fatalf("%s: apply = %+v", c.name, got)
		}
		if got := runIn(t, "", append([]string{"schedules", "show", "report"}, arguments...)...); !strings.Contains(got.out, "owner     "+c.owner+"\n") {
			t.Errorf("%s: show = %+v", c.name, got)
		}
	}
}

func TestADurationThatIsNoneNamesItsFlag(t *testing.T) {
	got := appliedIn(t, threeSchedules)("tokens", "create", "deploy", "--expires", "banana")
	if !strings.Contains(got.errors, `--expires: "banana" is not a duration`) {
		t.Errorf("tokens create = %+v", got)
	}
}

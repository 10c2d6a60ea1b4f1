package worker

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/punctual-dev/punctual/queue"
	"github.com/punctual-dev/punctual/schedule"
)

func TestACommandSucceedsByItsExitCodeAndSaysWhatWentWrong(t *testing.T) {
	empty, file := t.TempDir(), filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("#!/no/such/interpreter\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	scripts := t.TempDir()
	for name, text := range map[string]string{"plain": "echo hi\n", "windows": "#!/bin/sh\r\necho hi\r\n", "foreign": "MZ\x90\x00\x03"} {
		if err := os.WriteFile(filepath.Join(scripts, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name    string
		command schedule.Command
		error   string // empty: it succeeds
	}{
		{"exit code 0", schedule.Command{Shell: "exit 0"}, ""},
		{"any other", schedule.Command{Shell: "exit 3"}, "exit code 3"},
		{"with the last line of stderr", schedule.Command{Shell: "echo out; echo first >&2; printf 'disk \\033[31mfull\\a\\n\\n' >&2; exit 3"}, "exit code 3: disk full"},
		{"a last line that is long", schedule.Command{Shell: "printf %0500d 0 >&2; exit 3"}, "exit code 3: " + strings.Repeat("0", 200) + "…"},
		{"temporary failure", schedule.Command{Shell: "exit 75"}, "exit code 75 (try again later)"},
		{"ended by a signal", schedule.Command{Shell: "kill -KILL $$"}, "ended by signal: killed"},
		{"a list is not read by the shell", schedule.Command{Program: []string{"test", "$HOME", "=", "$HOME"}}, ""},
		{"not found by the shell", schedule.Command{Shell: "no-such-program"}, "exit code 127: sh: 1: no-such-program: not found"},
		{"not in the PATH", schedule.Command{Program: []string{"no-such-program"}}, "cannot start no-such-program: there is no such program in the PATH of the command"},
		{"in no PATH of its own", schedule.Command{Program: []string{"test"}, Env: map[string]string{"PATH": empty}}, "cannot start test: there is no such program in the PATH of the command"},
		{"no such path", schedule.Command{Program: []string{"./missing"}, Directory: empty}, "cannot start ./missing: there is no such program, or not the interpreter it names"},
		{"no interpreter", schedule.Command{Program: []string{file}}, "cannot start " + file + ": there is no interpreter /no/such/interpreter, which its first line names; install it, or name another"},
		{"no line that names one", schedule.Command{Program: []string{"./plain"}, Directory: scripts}, "cannot start ./plain: the file has no #! line; let its first line be #!/bin/sh, or name what else reads it"},
		{"lines that end as in Windows", schedule.Command{Program: []string{"./windows"}, Directory: scripts}, `cannot start ./windows: its lines end as in Windows, so that it names the interpreter "/bin/sh\r"; dos2unix, or sed -i 's/\r$//', takes the \r away`},
		{"for another machine", schedule.Command{Program: []string{"./foreign"}, Directory: scripts}, "cannot start ./foreign: it is a program for another machine or system, or has no #! line (exec format error)"},
		{"a line in place of a program", schedule.Command{Program: []string{"echo hi", "echo ho"}}, `cannot start "echo hi": there is no such program in the PATH of the command; a list is one program and its arguments, each an item of its own`},
		{"a directory for a program", schedule.Command{Program: []string{empty}}, "cannot start " + empty + ": permission denied"},
		{"no such directory", schedule.Command{Shell: "true", Directory: empty + "/gone"}, "cannot start: there is no directory " + empty + "/gone"},
		{"a file for a directory", schedule.Command{Shell: "true", Directory: file}, "cannot start: " + file + " is not a directory"},
		{"nothing to run", schedule.Command{}, "the job names no command"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := start(t, Options{}, command(test.command)).end(t)
			if got := message(err); got != test.error {
				t.Errorf("the attempt ended with\n%q, want\n%q", got, test.error)
			}
		})
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestACommandRunsWhereTheScheduleOrTheWorkerSays(t *testing.T) {
	home := t.TempDir()
	if err := os.Mkdir(filepath.Join(home, "inner"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, "inner", "tool"), []byte("#!/bin/sh\necho $PWD\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name    string
		command schedule.Command
		want    string
	}{
		{"the worker's", schedule.Command{Shell: "pwd; echo $PWD"}, home + "\n" + home + "\n"},
		{"its own", schedule.Command{Shell: "pwd", Directory: home + "/inner"}, home + "/inner\n"},
		{"its own, from the worker's on", schedule.Command{Shell: "pwd", Directory: "inner"}, home + "/inner\n"},
		{"a program beside it", schedule.Command{Program: []string{"./tool"}, Directory: "inner"}, home + "/inner\n"},
		{"a program in a relative PATH", schedule.Command{Program: []string{"tool"}, Env: map[string]string{"PATH": "inner"}}, home + "\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := start(t, Options{Directory: home}, command(test.command))
			if err := r.end(t); err != nil {
				t.Fatal(err)
			}
			if got := r.tape.text(); got != test.want {
				t.Errorf("it printed %q, want %q", got, test.want)
			}
		})
	}
}

func TestACommandIsToldTheFactsOfItsOccurrence(t *testing.T) {
	nominal := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	a := shell("env | grep ^PUNCTUAL_ | grep -v _DEADLINE | sort; test -n \"$PUNCTUAL_DEADLINE\"")
	a.Number = 3
	a.Payload.Timeout = schedule.Duration(time.Hour)
	a.Payload.Told = schedule.Told{
		Schedule: "report", Occurrence: "report@2026-11-23T09:00:00Z",
		Nominal: nominal, Due: nominal.Add(1500 * time.Millisecond), From: nominal.Add(-2 * time.Hour),
		Missed: 1, MissedSince: nominal.Add(-time.Hour),
	}
	r := start(t, Options{LastSuccess: func(_ context.Context, key string) (time.Time, error) {
		if key != "report" {
			return time.Time{}, errors.New("asked for " + key)
		}
		return nominal.Add(-3 * time.Hour), nil
	}}, a)
	if err := r.end(t); err != nil {
		t.Fatal(err)
	}
	want := `PUNCTUAL_ATTEMPT=3
PUNCTUAL_DUE=2026-11-23T09:00:01.500Z
PUNCTUAL_FROM=2026-11-23T07:00:00Z
PUNCTUAL_LAST_SUCCESS=2026-11-23T06:00:00Z
PUNCTUAL_MISSED=1
PUNCTUAL_MISSED_SINCE=2026-11-23T08:00:00Z
PUNCTUAL_NOMINAL=2026-11-23T09:00:00Z
PUNCTUAL_OCCURRENCE=report@2026-11-23T09:00:00Z
PUNCTUAL_SCHEDULE=report
`
	if got := r.tape.text(); got != want {
		t.Errorf("the command saw\n%s\nwant\n%s", got, want)
	}
}

func TestACommandInheritsTheEnvironmentWithoutWhatIsPunctuals(t *testing.T) {
	r := start(t, Options{Environment: []string{
		"DATABASE_URL=postgres://app", "APP=1", "APP=2", "KEEP=worker", "PUNCTUAL_ENV=production", "PWD=/elsewhere",
		"PUNCTUAL_PASSWORD=hush", "PUNCTUAL_TOKEN=hush", "PUNCTUAL_SOMETHING_NEW=hush", "PUNCTUAL_NOMINAL=old", "malformed",
	}, Directory: "/"}, command(schedule.Command{
		Program: []string{"/usr/bin/env"},
		Env:     map[string]string{"KEEP": "schedule", "COPY": "<${APP}>", "PLAIN": "$APP"},
	}))
	if err := r.end(t); err != nil {
		t.Fatal(err)
	}
	want := `APP=2
COPY=<2>
DATABASE_URL=postgres://app
KEEP=schedule
PLAIN=$APP
PUNCTUAL_ATTEMPT=1
PUNCTUAL_DEADLINE=
PUNCTUAL_DUE=
PUNCTUAL_ENV=production
PUNCTUAL_FROM=
PUNCTUAL_LAST_SUCCESS=
PUNCTUAL_MISSED=0
PUNCTUAL_MISSED_SINCE=
PUNCTUAL_NOMINAL=
PUNCTUAL_OCCURRENCE=
PUNCTUAL_SCHEDULE=
PWD=/
`
	if got := r.tape.text(); got != want {
		t.Errorf("the command saw\n%s\nwant\n%s", got, want)
	}
}

func TestACommandInheritsOnlyWhatItsScheduleLetsIt(t *testing.T) {
	environment := []string{"PATH=/usr/bin:/bin", "HOME=/root", "SECRET=hush", "DATABASE_URL=postgres://app", "PWD=/elsewhere", "PUNCTUAL_ENV=production"}
	tests := []struct {
		name string
		keep []string
		want string // beside the facts
	}{
		{"nothing", nil, "OWN=a "},
		{"some", []string{"PATH", "HOME", "MISSING", "PUNCTUAL_ENV"}, "HOME=/root OWN=a PATH=/usr/bin:/bin PUNCTUAL_ENV=production "},
		{"the directory", []string{"PWD"}, "OWN=a PWD=/ "},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := command(schedule.Command{
				Program: []string{"env"}, CleanEnv: true, KeepEnv: test.keep, Env: map[string]string{"OWN": "a"},
			})
			r := start(t, Options{Environment: environment, Directory: "/"}, a)
			if err := r.end(t); err != nil {
				t.Fatal(err)
			}
			got, facts := "", 0
			for line := range strings.Lines(r.tape.text()) {
				if strings.HasPrefix(line, factPrefix) && !strings.HasPrefix(line, "PUNCTUAL_ENV") {
					facts++
					continue
				}
				got += strings.TrimSpace(line) + " "
			}
			if got != test.want || facts != 10 {
				t.Errorf("the command saw %q and %d facts, want %q and 10", got, facts, test.want)
			}
		})
	}
}

func TestNothingIsStartedThatCannotOrNeedNotRun(t *testing.T) {
	past := time.Now().Add(-time.Second)
	tests := []struct {
		name   string
		change func(*queue.Attempt, *Options)
		error  string
		ended  bool // for good
	}{
		{"expired", func(a *queue.Attempt, _ *Options) { a.Payload.ExpiresAt = past }, "expired: not started in time: it was to start before " + schedule.FormatInstant(past), true},
		{"a name in env that is not set", func(a *queue.Attempt, _ *Options) {
			a.Payload.Command.Env = map[string]string{"A": "${MISSING}"}
		}, "${MISSING} is not set in the worker's environment", false},
		{"last success unknown", func(a *queue.Attempt, o *Options) {
			a.Payload.Schedule = "report"
			o.LastSuccess = func(context.Context, string) (time.Time, error) { return time.Time{}, errors.New("no database") }
		}, "find out when report last succeeded: no database", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			proof := filepath.Join(t.TempDir(), "started")
			a, o := shell("touch "+proof), Options{}
			test.change(&a, &o)
			err := start(t, o, a).end(t)
			if message(err) != test.error {
				t.Errorf("the attempt ended with\n%q, want\n%q", message(err), test.error)
			}
			if ended := (*queue.EndedError)(nil); errors.As(err, &ended) != test.ended {
				t.Errorf("ended for good: %v, want %v", !test.ended, test.ended)
			}
			if _, err := os.Stat(proof); err == nil {
				t.Error("the command was started")
			}
		})
	}
}

func TestARetryDoesNotExpireSinceItsJobWasStartedInTime(t *testing.T) {
	a := shell("true")
	a.Number = 2
	a.Payload.ExpiresAt = time.Now().Add(-time.Second)
	if err := start(t, Options{}, a).end(t); err != nil {
		t.Errorf("the retry ended with %v", err)
	}
}

func TestAnAttemptWhoseContextHasEndedStartsNothing(t *testing.T) {
	proof := filepath.Join(t.TempDir(), "started")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(queue.ErrStopping)
	err := Handlers(Options{})[queue.KindCommand](ctx, shell("touch "+proof))
	if !errors.Is(err, queue.ErrStopping) {
		t.Errorf("it ended with %v, want the cause", err)
	}
	if _, err := os.Stat(proof); err == nil {
		t.Error("the command was started")
	}
}

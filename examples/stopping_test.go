package examples_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/internal/pgtest"
)

// stubborn is a schedule whose command and what it starts hear no SIGTERM. It
// writes the number of its group into the file pid.
const stubborn = `stubborn: { when: "once at 2999-01-01T00:00:00Z", run: "trap '' TERM; (sleep 600; sleep 600) & echo $$ > pid.new; mv pid.new pid; while :; do sleep 600; done" }`

// stubbornlyRunning has a worker that runs it, and returns the number of its group.
func stubbornlyRunning(t *testing.T, directory string, environment []string, arguments ...string) (worker *process, group int) {
	t.Helper()
	succeeds(t, directory, environment, "punctual", "apply")
	succeeds(t, directory, environment, "punctual", "schedules", "trigger", "stubborn")
	worker = start(t, directory, environment, "punctual", append([]string{"worker"}, arguments...)...)
	pid := filepath.Join(directory, "pid")
	eventually(t, "the job has begun", func() bool { return fileExists(pid) })
	text, err := os.ReadFile(pid)
	if err != nil {
		t.Fatal(err)
	}
	if group, err = strconv.Atoi(strings.TrimSpace(string(text))); err != nil {
		t.Fatal(err)
	}
	return worker, group
}

// groupLives says whether a group has a member that is no zombie: the machine's
// first process may take its time to collect the dead.
func groupLives(t *testing.T, group int) bool {
	t.Helper()
	all, err := exec.Command("ps", "-A", "-o", "pgid=", "-o", "stat=").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(all)) {
		if fields := strings.Fields(line); len(fields) == 2 && fields[0] == strconv.Itoa(group) && !strings.HasPrefix(fields[1], "Z") {
			return true
		}
	}
	return false
}

// databases are a fresh one of either kind.
func databases(t *testing.T, test func(t *testing.T, address string)) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, "sqlite:"+filepath.Join(t.TempDir(), "punctual.db"))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, pgtest.New(t))
	})
}

func TestTwoSignalsAtOnceAreOneAndALaterOneEndsTheGrace(t *testing.T) {
	databases(t, func(t *testing.T, address string) {
		environment := []string{"DATABASE_URL=" + address}
		directory := directoryWith(t, stubborn+"\n  late: { when: \"once at 2999-01-01T00:00:00Z\", run: \"true\" }")
		p, group := stubbornlyRunning(t, directory, environment, "--stop-grace", "10m")
		const stroke = 500 * time.Millisecond
		began := time.Now()
		p.signal(syscall.SIGINT)
		p.signal(syscall.SIGTERM)
		p.says("a second signal ends them at once")
		succeeds(t, directory, environment, "punctual", "schedules", "trigger", "late")
		// One that comes too soon on a busy machine is part of the first, so another
		// follows when it had no effect.
		next := began.Add(2 * stroke)
		eventually(t, "the process ends of another signal", func() bool {
			if time.Now().After(next) {
				p.signal(syscall.SIGTERM)
				next = time.Now().Add(quick)
			}
			select {
			case <-p.ended:
				return true
			default:
				return false
			}
		})
		if took := time.Since(began); took < stroke {
			t.Errorf("it took the two signals of one Ctrl-C for two, and ended after %s", took)
		}
		p.ends(0)
		p.wroteNoTrace()
		if groupLives(t, group) {
			t.Error("the command still runs")
		}
		s := ledger(t, address)
		given := runsIn(t, s, "stubborn", "available")
		if len(given) != 1 || given[0].Attempts != 0 || given[0].Error != "" {
			t.Errorf("the job was not given back as it was: %+v", given)
		}
		if late := runsIn(t, s, "late", "available"); len(late) != 1 || late[0].Attempts != 0 {
			t.Errorf("it took another job though it had been told to stop: %+v", late)
		}
	})
}

func TestAWorkerThatWasTakenForDeadEndsItsCommandsWritesNothingDownAndSaysSo(t *testing.T) {
	databases(t, func(t *testing.T, address string) {
		p, group := stubbornlyRunning(t, directoryWith(t, stubborn), []string{"DATABASE_URL=" + address})
		s := ledger(t, address)
		// It is found dead, and somebody else has its job.
		owner := "array_append(attempted_by, 'somebody else')"
		if s.Database().Kind == database.SQLite {
			owner = `jsonb_insert(attempted_by, '$[#]', 'somebody else')`
		}
		for _, statement := range []string{"UPDATE punctual_process SET lost_at = beat_at", "UPDATE river_job SET attempted_by = " + owner} {
			err := s.Database().Transaction(t.Context(), func(tx database.Tx) error {
				_, err := tx.Exec(t.Context(), statement)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		p.ends(1)
		p.says("was taken for dead; its jobs were given to others")
		p.wroteNoTrace()
		if groupLives(t, group) {
			t.Error("the command still runs")
		}
		if running := runsIn(t, s, "stubborn", "running"); len(running) != 1 || running[0].Error != "" {
			t.Errorf("what somebody else runs is not as it was: %+v", running)
		}
	})
}

func TestACommandCancelledByAnotherProcessIsGoneWithinASecond(t *testing.T) {
	databases(t, func(t *testing.T, address string) {
		environment := []string{"DATABASE_URL=" + address}
		const tries = 3 // a machine that is busy may hold up one
		var took time.Duration
		for range tries {
			directory := directoryWith(t, stubborn)
			worker, group := stubbornlyRunning(t, directory, environment)
			s := ledger(t, address)
			running := runsIn(t, s, "stubborn", "running")
			if len(running) != 1 {
				t.Fatalf("there run %+v", running)
			}
			if err := s.CancelJob(t.Context(), running[0].JobID, "a test"); err != nil {
				t.Fatal(err)
			}
			asked := time.Now()
			eventually(t, "the group is gone", func() bool { return !groupLives(t, group) })
			took = time.Since(asked)
			eventually(t, "it is on record", func() bool { return len(runsIn(t, s, "stubborn", "running")) == 0 })
			worker.stops(quick)
			if took < time.Second {
				return
			}
		}
		t.Errorf("the group was gone after %s", took)
	})
}

func TestOutputIsFollowedWhileTheJobRuns(t *testing.T) {
	databases(t, func(t *testing.T, address string) {
		environment := []string{"DATABASE_URL=" + address}
		directory := directoryWith(t, `talks: { when: "once at 2999-01-01T00:00:00Z", run: "echo begun; until test -e go; do sleep 0.05; done; echo gone on >&2" }`)
		succeeds(t, directory, environment, "punctual", "apply")
		succeeds(t, directory, environment, "punctual", "schedules", "trigger", "talks")
		worker := start(t, directory, environment, "punctual", "worker", "--quiet")
		follow := start(t, directory, environment, "punctual", "runs", "output", "1", "--follow")
		follow.says("begun")
		if err := os.WriteFile(filepath.Join(directory, "go"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		follow.ends(0)
		follow.says("begun\ngone on\n")
		worker.stops(quick)
	})
}

package simtest

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/punctual-dev/punctual/clock"
	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/internal/pgtest"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

// A clock is a process of its own here, which signals itself before its nth
// statement: kill -9 there, or stopped there as by a debugger or a hypervisor.
const (
	dyingAddress   = "PUNCTUAL_SIMTEST_DATABASE"
	dyingStatement = "PUNCTUAL_SIMTEST_STATEMENT"
	dyingSignal    = "PUNCTUAL_SIMTEST_SIGNAL"
	dyingBeginning = "PUNCTUAL_SIMTEST_BEGINNING" // of the statement, instead of its number
)

// statementsOfATick is more than a clock runs from its start to the end of its
// first commit and what follows it.
const statementsOfATick = 40

func TestMain(m *testing.M) {
	if address := os.Getenv(dyingAddress); address != "" {
		if err := beDyingClock(address); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	flag.Parse()
	// Tests here wait for processes more than they compute.
	if err := flag.Set("test.parallel", "20"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// beDyingClock keeps time, and tells each statement before it is run.
func beDyingClock(address string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	at, err := strconv.Atoi(os.Getenv(dyingStatement))
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(os.Getenv(dyingSignal))
	if err != nil {
		return err
	}
	beginning := os.Getenv(dyingBeginning)
	var armed atomic.Bool
	var statements atomic.Int64
	db, err := database.Open(ctx, address, database.Options{MaxConnections: 2, Trace: func(statement string) {
		if !armed.Load() {
			return
		}
		statement = strings.Join(strings.Fields(statement), " ")
		if n := int(statements.Add(1)); n == at || beginning != "" && strings.HasPrefix(statement, beginning) {
			fmt.Println(statement)
			_ = syscall.Kill(os.Getpid(), syscall.Signal(number))
		}
	}})
	if err != nil {
		return err
	}
	defer db.Close()
	s, err := store.Open(db)
	if err != nil {
		return err
	}
	armed.Store(true)
	return clock.New(s, upkeep{s}, clock.Options{Logger: slog.New(slog.NewTextHandler(os.Stderr, nil))}).Run(ctx)
}

// dyingClock starts a clock that signals itself before a statement of a number, or
// else the first of a beginning.
func dyingClock(t *testing.T, address string, statement int, signal syscall.Signal, beginning ...string) (command *exec.Cmd, told, log *strings.Builder) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	told, log = new(strings.Builder), new(strings.Builder)
	command = exec.Command(program)
	command.Stdout, command.Stderr = told, log
	command.Env = append(os.Environ(), dyingAddress+"="+address,
		dyingStatement+"="+strconv.Itoa(statement), dyingSignal+"="+strconv.Itoa(int(signal)), dyingBeginning+"="+strings.Join(beginning, ""))
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	return command, told, log
}

// openOutside is a house outside of fake time, with schedules that are due
// several times a second.
func openOutside(t *testing.T, address string) *house {
	t.Helper()
	db, err := database.Open(t.Context(), address, database.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	s, err := store.Open(db)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, db: db, store: s, owner: schedule.Owner{Kind: schedule.OwnerFile, Name: "punctual.yaml"}}
	var declared []schedule.Declaration
	for i := range 5 {
		declared = append(declared, declare("schedule-"+strconv.Itoa(i), "every 200ms", func(p *schedule.Policies) {
			p.CatchUp, p.Overlap, p.CatchUpMax = schedule.CatchUpAll, schedule.OverlapAllow, 10000
		}))
	}
	h.apply(declared...)
	return h
}

func TestAClockKilledBeforeAnyStatementOfATickLosesAndDoublesNothing(t *testing.T) {
	for kind, address := range map[string]func() string{
		"sqlite":   func() string { return "sqlite:" + filepath.Join(t.TempDir(), "punctual.db") },
		"postgres": func() string { return pgtest.New(t) },
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			address := address()
			h := openOutside(t, address)
			die := func(statement int, before ...string) (told string) {
				command, out, log := dyingClock(t, address, statement, syscall.SIGKILL, before...)
				err := command.Wait()
				if status, ok := command.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
					t.Fatalf("before statement %d%s the clock ended with %v:\n%s", statement, before, err, log)
				}
				return out.String()
			}
			for statement := 1; statement <= statementsOfATick; statement++ {
				die(statement)
			}
			// Which one a number hits depends on what is due by then; these are hit each.
			moves := map[string]string{"sqlite": "WITH u", "postgres": "UPDATE punctual_due"}[kind] // the cursors
			for _, want := range []string{"SELECT schedule_id", "INSERT INTO river_job", "INSERT INTO punctual_occurrence", moves, "COMMIT"} {
				if told := die(0, want); !strings.HasPrefix(told, want) {
					t.Errorf("the clock that was to die before %q died before %q", want, told)
				}
			}
			h.runClock(time.Second)
			h.audit()
			h.jobsEqualEnqueued()
		})
	}
}

// frozenFor is longer than Postgres lets a transaction idle, which is what frees
// the rows a frozen clock holds. PUNCTUAL_FROZEN=1m freezes for a minute.
const frozenFor = 8 * time.Second

func TestAClockStoppedBeforeAnyStatementOfATickHoldsNobodyUpOnPostgres(t *testing.T) {
	t.Parallel()
	frozen := frozenFor
	if text := os.Getenv("PUNCTUAL_FROZEN"); text != "" {
		var err error
		if frozen, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	for statement := 1; statement <= statementsOfATick; statement++ {
		address := pgtest.New(t)
		t.Run(fmt.Sprintf("statement %d", statement), func(t *testing.T) {
			t.Parallel()
			h := openOutside(t, address)
			command, told, _ := dyingClock(t, address, statement, syscall.SIGSTOP)
			waitUntilStopped(t, command.Process.Pid)
			stopped := time.Now()
			h.runClock(frozen)
			if err := command.Process.Signal(syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
			h.runClock(time.Second)
			if err := command.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if err := command.Wait(); err != nil {
				t.Errorf("stopped before %q and woken up, the clock ended with %v", told, err)
			}
			h.runClock(time.Second)
			if late := h.longestDelay(stopped); late > 5*time.Second {
				t.Errorf("stopped before %q, a clock delayed a schedule by %s; allowed: 5s", told, late)
			}
			h.audit()
			h.jobsEqualEnqueued()
		})
	}
}

// waitUntilStopped returns when a process has stopped itself.
func waitUntilStopped(t *testing.T, pid int) {
	t.Helper()
	for {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			t.Fatal(err)
		}
		if fields := strings.Fields(string(status[strings.LastIndexByte(string(status), ')')+1:])); fields[0] == "T" {
			return
		}
		select {
		case <-t.Context().Done():
			t.Fatal("the clock did not stop")
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// longestDelay is how late the latest decision of the clock was. What was due
// before an instant counts from there: until then processes were starting, which
// takes as long as the machine is busy.
func (h *house) longestDelay(since time.Time) time.Duration {
	h.t.Helper()
	rows, err := h.db.Reader().Query(h.t.Context(), "SELECT due_at, decided_at FROM punctual_occurrence WHERE origin = 'clock'")
	if err != nil {
		h.t.Fatal(err)
	}
	defer rows.Close()
	var longest time.Duration
	for rows.Next() {
		var due, decided time.Time
		if err := rows.Scan(&due, &decided); err != nil {
			h.t.Fatal(err)
		}
		if due.Before(since) {
			due = since
		}
		longest = max(longest, decided.Sub(due))
	}
	if err := rows.Err(); err != nil {
		h.t.Fatal(err)
	}
	return longest
}

// Package examples_test starts what the documentation promises, as processes.
package examples_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/store"
)

const (
	// patience is how long a test waits for what must happen before it fails.
	patience = 30 * time.Second
	// platformGrace is how long platforms in Heroku's style wait after SIGTERM
	// before they kill a process.
	platformGrace = 30 * time.Second
)

// programs is where the command and the examples lie, once they are built.
var programs string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		directory, err := os.MkdirTemp("", "punctual-examples-")
		if err == nil {
			defer os.RemoveAll(directory)
			programs = directory
			build := exec.Command("go", "build", "-o", directory, "../cmd/punctual", "./library", "./river-worker")
			build.Stderr = os.Stderr
			err = build.Run()
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "building what is to be tested:", err)
			return 1
		}
		return m.Run()
	}())
}

// process is a program under way.
type process struct {
	t      *testing.T
	name   string
	output *buffer
	cmd    *exec.Cmd
	ended  chan struct{}
}

// start starts a program in a directory. PATH finds the programs built for the
// test; of the machine's environment it sees nothing that punctual reads.
func start(t *testing.T, directory string, environment []string, name string, arguments ...string) *process {
	t.Helper()
	p := &process{t: t, name: strings.Join(append([]string{name}, arguments...), " "), output: &buffer{}, ended: make(chan struct{})}
	if built := filepath.Join(programs, name); fileExists(built) {
		name = built
	}
	p.cmd = exec.Command(name, arguments...)
	p.cmd.Dir, p.cmd.Env = directory, append(plainEnvironment(), environment...)
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait()
	}()
	t.Cleanup(func() {
		select {
		case <-p.ended:
		default:
			_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
			<-p.ended
		}
		if t.Failed() {
			t.Logf("%s wrote:\n%s", p.name, p.output)
		}
	})
	return p
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// plainEnvironment is the machine's less what changes what punctual does.
func plainEnvironment() (environment []string) {
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		switch {
		case strings.HasPrefix(name, "PUNCTUAL_"), name == "DATABASE_URL", name == "PORT", name == "DYNO", name == "PATH":
		default:
			environment = append(environment, entry)
		}
	}
	return append(environment, "PATH="+programs+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// says waits until the program has written something.
func (p *process) says(text string) {
	p.t.Helper()
	eventually(p.t, fmt.Sprintf("%s says %q", p.name, text), func() bool {
		if strings.Contains(p.output.String(), text) {
			return true
		}
		select {
		case <-p.ended:
			if !strings.Contains(p.output.String(), text) {
				p.t.Fatalf("%s ended with %d and never said %q:\n%s", p.name, p.code(), text, p.output)
			}
		default:
		}
		return false
	})
}

// ends waits for the end and compares the exit code.
func (p *process) ends(code int) {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.t.Fatalf("%s has not ended within %s", p.name, patience)
	}
	if got := p.code(); got != code {
		p.t.Errorf("%s ended with %d, want %d:\n%s", p.name, got, code, p.output)
	}
}

// stops asks the program to end, as a platform does, and checks that it does so
// in order and in time.
func (p *process) stops(within time.Duration) {
	p.t.Helper()
	p.stopsOn(syscall.SIGTERM, within)
}

func (p *process) stopsOn(s syscall.Signal, within time.Duration) {
	p.t.Helper()
	began := time.Now()
	p.signal(s)
	p.ends(0)
	if took := time.Since(began); took > within {
		p.t.Errorf("%s took %s to end, want at most %s", p.name, took, within)
	}
	p.wroteNoTrace()
}

func (p *process) wroteNoTrace() {
	p.t.Helper()
	for _, trace := range []string{"goroutine ", "panic:", ".go:"} {
		if strings.Contains(p.output.String(), trace) {
			p.t.Errorf("%s wrote a stack trace:\n%s", p.name, p.output)
		}
	}
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Fatal(err)
	}
}

func (p *process) code() int { return p.cmd.ProcessState.ExitCode() }

// succeeds runs a program to its end and returns what it wrote.
func succeeds(t *testing.T, directory string, environment []string, name string, arguments ...string) string {
	t.Helper()
	p := start(t, directory, environment, name, arguments...)
	p.ends(0)
	if t.Failed() {
		t.FailNow()
	}
	return p.output.String()
}

// buffer is written by a program while a test reads it.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(data []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(data)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("within %s it has not come about that %s", patience, what)
		}
	}
}

// ledger opens the history that processes write.
func ledger(t *testing.T, address string) *store.Store {
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
	return s
}

// runsIn are the runs of a schedule in a state.
func runsIn(t *testing.T, s *store.Store, key, state string) []store.Run {
	t.Helper()
	runs, err := s.Runs(context.WithoutCancel(t.Context()), store.RunFilter{Key: key, State: state, Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return runs
}

// freePort is a port that nobody listens on just now.
func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
}

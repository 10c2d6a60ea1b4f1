package pgtest

import (
	"bufio"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

//go:embed supervise.sh
var superviseScript string

// defaultDatabase is there from the start, so a private server is quick to have.
const defaultDatabase = "postgres"

// server is one PostgreSQL server with its supervisor.
type server struct {
	programs programs
	account  *syscall.Credential // who runs it; nil for our own account
	dir      string

	at   sync.Mutex
	port int

	mu         sync.Mutex // one order at a time
	supervisor *exec.Cmd
	orders     *os.File // closing it ends the server
	answers    *os.File
	reader     *bufio.Reader

	databases atomic.Int64
}

// launch finds the programs, copies a prepared data directory and starts the
// server on it.
func launch(o options) (_ *server, err error) {
	s := &server{port: o.port}
	if s.programs, err = findPrograms(); err != nil {
		return nil, err
	}
	if s.account, err = serverAccount(); err != nil {
		return nil, err
	}
	if s.dir, err = makeDir(o.dir, s.account); err != nil {
		return nil, fmt.Errorf("making a directory for PostgreSQL: %w", err)
	}
	err = layData(s.programs, s.account, s.dir)
	if err == nil {
		err = s.supervise(o)
	}
	if err != nil {
		if o.dir == "" {
			os.RemoveAll(s.dir)
		}
		return nil, err
	}
	if s.port != 0 {
		err = s.start()
	} else {
		err = s.startOnFreePort()
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// makeDir makes the server's directory, which belongs to the server's account.
// Root uses /tmp, since its own TMPDIR may be closed to that account.
func makeDir(dir string, account *syscall.Credential) (string, error) {
	if dir != "" {
		dir, err := filepath.Abs(dir)
		if err != nil {
			return "", err
		}
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return "", err
		}
		return dir, chown(dir, account)
	}
	parent := os.TempDir()
	if account != nil {
		parent = "/tmp"
	}
	dir, err := os.MkdirTemp(parent, "pgtest-")
	if err != nil {
		return "", err
	}
	return dir, chown(dir, account)
}

// supervise starts the supervisor, in a session of its own so that Ctrl-C in the
// terminal of the tests does not reach it before it has cleared up.
func (s *server) supervise(o options) error {
	afterwards := "discard"
	if o.dir != "" {
		afterwards = "keep"
	}
	arguments := []string{"-c", superviseScript, "supervise.sh", s.dir, afterwards, s.programs.postgres(), "-D", filepath.Join(s.dir, "data")}
	for _, setting := range s.settings(o) {
		arguments = append(arguments, "-c", setting)
	}
	theirOrders, orders, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("making a pipe to PostgreSQL's supervisor: %w", err)
	}
	defer theirOrders.Close()
	answers, theirAnswers, err := os.Pipe()
	if err != nil {
		orders.Close()
		return fmt.Errorf("making a pipe from PostgreSQL's supervisor: %w", err)
	}
	defer theirAnswers.Close()
	s.orders, s.answers, s.reader = orders, answers, bufio.NewReader(answers)
	s.supervisor = exec.Command("/bin/sh", arguments...)
	s.supervisor.Dir = s.dir
	s.supervisor.Env = plainEnvironment()
	s.supervisor.Stdin, s.supervisor.Stdout = theirOrders, theirAnswers
	s.supervisor.SysProcAttr = &syscall.SysProcAttr{Credential: s.account, Setsid: true}
	if err := s.supervisor.Start(); err != nil {
		s.orders.Close()
		s.answers.Close()
		return fmt.Errorf("starting PostgreSQL's supervisor: %w", err)
	}
	return nil
}

// settings makes a small and quick server. Without fsync a commit is still handed
// to the operating system at once, so it outlives the server's own crash.
func (s *server) settings(o options) []string {
	settings := []string{
		"listen_addresses=127.0.0.1",
		"unix_socket_directories=" + s.dir,
		"max_connections=200",
		"shared_buffers=64MB",
		"authentication_timeout=5s",         // a client that connects and stays silent holds up every stop until then
		"max_parallel_workers_per_gather=0", // parallel plans want more of /dev/shm than a container may have
		"jit=off",
		"TimeZone=America/St_Johns",
		"log_timezone=UTC",
	}
	if !o.durable {
		settings = append(settings, "fsync=off", "full_page_writes=off")
	}
	return append(settings, o.settings...)
}

// startOnFreePort tries other ports as long as someone is quicker to take the one
// that was just free.
func (s *server) startOnFreePort() (err error) {
	for range 5 {
		port, portErr := freePort()
		if portErr != nil {
			return portErr
		}
		s.at.Lock()
		s.port = port
		s.at.Unlock()
		if err = s.start(); err == nil || !strings.Contains(s.log(), "could not bind") {
			return err
		}
	}
	return err
}

// freePort looks below the ports that the system gives to outgoing connections:
// one of those could take the server's port while it is stopped.
func freePort() (int, error) {
	for range 100 {
		port := 15_000 + rand.IntN(15_000)
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return port, listener.Close()
		}
	}
	return 0, errors.New("looking for a free port for PostgreSQL: none of 100 tried between 15000 and 30000 is free on 127.0.0.1")
}

func (s *server) start() error { return s.order(fmt.Sprintf("start %d", s.port)) }

// order hands the supervisor one order and waits until it is carried out.
func (s *server) order(order string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := fmt.Fprintln(s.orders, order); err != nil {
		return fmt.Errorf("PostgreSQL: %s: its supervisor is gone: %w", order, err)
	}
	answer, err := s.reader.ReadString('\n')
	if err != nil {
		return fmt.Errorf("PostgreSQL: %s: its supervisor gave no answer: %w", order, err)
	}
	if answer == "failed\n" {
		return fmt.Errorf("PostgreSQL: %s: the server ended at once; the end of its log:\n%s", order, s.log())
	}
	return nil
}

// close stops the server, deletes its files and waits until that is done.
func (s *server) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.orders.Close()
	_ = s.supervisor.Wait() // how it ended changes nothing: it was asked to go
	s.answers.Close()
}

// log returns the last lines of the server's log.
func (s *server) log() string {
	file, err := os.Open(filepath.Join(s.dir, "log"))
	if err != nil {
		return err.Error()
	}
	defer file.Close()
	const tail = 2_000
	if info, err := file.Stat(); err == nil && info.Size() > tail {
		_, _ = file.Seek(-tail, io.SeekEnd) // or all of it
	}
	text, err := io.ReadAll(file)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// move is a failover, as seen from outside: this server ends at once, and another
// one is up at another address, with a copy of its files.
func (s *server) move() error {
	if err := s.order(string(Immediate)); err != nil {
		return err
	}
	data, old := filepath.Join(s.dir, "data"), filepath.Join(s.dir, "old")
	if err := os.Rename(data, old); err != nil {
		return fmt.Errorf("moving PostgreSQL: %w", err)
	}
	if err := copyTree(old, data, s.account); err != nil {
		return fmt.Errorf("moving PostgreSQL: %w", err)
	}
	if err := os.RemoveAll(old); err != nil {
		return fmt.Errorf("moving PostgreSQL: %w", err)
	}
	return s.startOnFreePort()
}

func (s *server) url(database string) string {
	s.at.Lock()
	defer s.at.Unlock()
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s?sslmode=disable", s.port, database)
}

// createDatabase makes an empty database and returns its name. Copying files takes
// 15 ms where the default, WAL_LOG, takes 35 (measured, without fsync). Before
// version 15 it is the only way and has no name.
func (s *server) createDatabase() (string, error) {
	name := fmt.Sprintf("test_%d", s.databases.Add(1))
	statement := "CREATE DATABASE " + name + " TEMPLATE template0"
	if s.programs.major >= 15 {
		statement += " STRATEGY file_copy"
	}
	return name, s.execute(statement)
}

func (s *server) dropDatabase(name string) error {
	return s.execute("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)")
}

// execute runs one statement in the default database.
func (s *server) execute(statement string) error {
	// Under load a CREATE DATABASE can wait for a checkpoint; a server that takes
	// longer than this hangs.
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	connection, err := pgx.Connect(ctx, s.url(defaultDatabase))
	if err != nil {
		return fmt.Errorf("connecting to the test server: %w", err)
	}
	defer connection.Close(ctx)
	if _, err := connection.Exec(ctx, statement); err != nil {
		return fmt.Errorf("%s on the test server: %w", statement, err)
	}
	return nil
}

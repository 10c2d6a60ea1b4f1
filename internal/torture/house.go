package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/punctual-dev/punctual/internal/pgtest"
)

// house is one database and the processes on it.
type house struct {
	lengths
	kind      string
	binary    string
	directory string
	address   string
	// environment is what processes are told besides; "NAME=value".
	environment []string
	server      *pgtest.Running // nil on SQLite
	db          *sql.DB
	processes   []*process
}

func newHouse(kind, binary, directory string, server ...pgtest.Option) (*house, error) {
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return nil, err
	}
	h := &house{kind: kind, binary: binary, directory: directory}
	if kind == "postgres" {
		var err error
		if h.server, err = pgtest.Launch(server...); err != nil {
			return nil, err
		}
		h.address, h.db = h.server.URL(), sql.OpenDB(follower{h.server})
		return h, nil
	}
	path := filepath.Join(directory, "punctual.db")
	var err error
	h.address = "sqlite:" + path
	h.db, err = sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(10000)")
	return h, err
}

// follower connects to wherever the server is now.
type follower struct{ server *pgtest.Running }

func (f follower) Connect(context.Context) (driver.Conn, error) {
	return f.Driver().Open(f.server.URL())
}

func (follower) Driver() driver.Driver { return stdlib.GetDefaultDriver() }

func (h *house) close() {
	h.stopAll()
	h.db.Close()
	if h.server != nil {
		h.server.Close()
	}
}

// apply writes a schedule file and applies it.
func (h *house) apply(ctx context.Context, file string) error {
	if err := os.WriteFile(filepath.Join(h.directory, "punctual.yaml"), []byte(file), 0o644); err != nil {
		return err
	}
	out, err := h.command(ctx, "apply").CombinedOutput()
	if err != nil {
		return fmt.Errorf("applying: %w\n%s", err, out)
	}
	return nil
}

func (h *house) command(ctx context.Context, arguments ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, h.binary, arguments...)
	c.Dir = h.directory
	c.Env = append(append(os.Environ(), "DATABASE_URL="+h.address), h.environment...)
	return c
}

// process is a clock or a worker.
type process struct {
	name string
	cmd  *exec.Cmd
	log  *os.File
}

// start starts a clock or a worker, which stopAll ends.
func (h *house) start(name string, arguments ...string) (*process, error) {
	p, err := h.launch(name, arguments...)
	if err == nil {
		h.processes = append(h.processes, p)
	}
	return p, err
}

// launch starts a process; its log is appended to a file of its name.
func (h *house) launch(name string, arguments ...string) (*process, error) {
	log, err := os.OpenFile(filepath.Join(h.directory, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	p := &process{name: name, cmd: h.command(context.Background(), arguments...), log: log}
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if err := p.cmd.Start(); err != nil {
		log.Close()
		return nil, err
	}
	return p, nil
}

// startAll starts two clocks and two workers.
func (h *house) startAll() (clocks []*process, err error) {
	for _, name := range []string{"clock-1", "clock-2", "worker-1", "worker-2"} {
		role := name[:len(name)-2]
		p, err := h.start(name, role)
		if err != nil {
			return nil, err
		}
		if role == "clock" {
			clocks = append(clocks, p)
		}
	}
	return clocks, nil
}

func (p *process) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

// kill is kill -9.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	_ = p.cmd.Wait()
	p.log.Close()
}

// stopAll asks every process to stop and waits, half a minute at most.
func (h *house) stopAll() {
	for _, p := range h.processes {
		if p.cmd.ProcessState == nil {
			p.signal(syscall.SIGCONT)
			p.signal(syscall.SIGTERM)
		}
	}
	for _, p := range h.processes {
		if p.cmd.ProcessState != nil {
			continue
		}
		late := time.AfterFunc(30*time.Second, func() { p.signal(syscall.SIGKILL) })
		_ = p.cmd.Wait()
		late.Stop()
		p.log.Close()
	}
	h.processes = nil
}

// allAlive wants every process that was started to run still.
func (h *house) allAlive(r *report) {
	for _, p := range h.processes {
		if !p.alive() {
			r.fault("%s did not live through it", p.name)
		}
	}
}

// alive says whether a process still runs.
func (p *process) alive() bool {
	return p.cmd.ProcessState == nil && p.cmd.Process.Signal(syscall.Signal(0)) == nil
}

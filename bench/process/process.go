// Package process runs what is measured as processes of their own, so that their
// memory and their share of the processor are theirs alone. Both are read from
// /proc, so it needs Linux.
package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Process is a program that runs.
type Process struct {
	command *exec.Cmd
	log     string
	ended   chan struct{}
}

// Build compiles a package, named as seen from a folder, into a program.
func Build(ctx context.Context, from, source, program string) error {
	program, err := filepath.Abs(program)
	if err != nil {
		return err
	}
	command := exec.CommandContext(ctx, "go", "build", "-o", program, source)
	command.Dir = from
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", source, err, output)
	}
	return nil
}

// Start starts a program in the folder of a file, to which what it says is added.
func Start(log, program string, arguments ...string) (*Process, error) {
	file, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	p := &Process{exec.Command(program, arguments...), log, make(chan struct{})}
	p.command.Dir, p.command.Stdout, p.command.Stderr = filepath.Dir(log), file, file
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = p.command.Wait()
		close(p.ended)
	}()
	return p, nil
}

// Kill ends the process at once.
func (p *Process) Kill() {
	_ = p.command.Process.Kill()
	<-p.ended
}

// Stop asks the process to end, and waits until it has.
func (p *Process) Stop() {
	_ = p.command.Process.Signal(syscall.SIGTERM)
	<-p.ended
}

// Busy is how long the process has computed.
func (p *Process) Busy() (time.Duration, error) {
	s, err := statOf(p.command.Process.Pid)
	return s.own, err
}

// OwnBusy is how long this process has computed.
func OwnBusy() (time.Duration, error) {
	s, err := statOf(os.Getpid())
	return s.own, err
}

// TreeBusy is how long a process has computed, with its children, alive and gone.
// Those of its children are counted as far as they are gone, too.
func TreeBusy(root int) (total time.Duration, err error) {
	s, err := statOf(root)
	if err != nil {
		return 0, err
	}
	total = s.own + s.gone
	all, err := filepath.Glob("/proc/[0-9]*")
	for _, folder := range all {
		pid, err := strconv.Atoi(filepath.Base(folder))
		if err != nil {
			return 0, err
		}
		// One that ended since the list was made is counted by its parent.
		if child, err := statOf(pid); err == nil && child.parent == root {
			total += child.own + child.gone
		}
	}
	return total, err
}

// Parent is the process that a process was started by.
func Parent(pid int) (int, error) {
	s, err := statOf(pid)
	return s.parent, err
}

// stat is what the system counts of a process.
type stat struct {
	parent    int
	own, gone time.Duration // computed by itself, and by its children that are gone
}

// statOf reads it; see proc(5).
func statOf(pid int) (s stat, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return s, err
	}
	// After the name in brackets, which may hold anything, come the state and on.
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if s.parent, err = strconv.Atoi(fields[1]); err != nil {
		return s, err
	}
	for i, field := range fields[11:15] {
		ticks, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return s, err
		}
		if span := time.Duration(ticks) * 10 * time.Millisecond; i < 2 {
			s.own += span
		} else {
			s.gone += span
		}
	}
	return s, nil
}

// Memory is what a line of /proc/PID/status says, in MB: VmRSS is what is
// resident, VmHWM the most that ever was.
func (p *Process) Memory(line string) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), "\n"+line+":")
	var kilobytes float64
	if _, err := fmt.Sscan(rest, &kilobytes); err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	return kilobytes / 1024, nil
}

// ErrTooLong is why Until gave up.
var ErrTooLong = errors.New("it took too long")

// Until asks again and again, with a rest after each answer that says no. It gives
// up when one of the processes ends.
func Until(ctx context.Context, limit, rest time.Duration, alive []*Process, done func() (bool, error)) error {
	for end := time.Now().Add(limit); time.Now().Before(end); {
		for _, p := range alive {
			select {
			case <-p.ended:
				text, _ := os.ReadFile(p.log)
				return fmt.Errorf("%s has ended: %s", filepath.Base(p.command.Path), text)
			default:
			}
		}
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-time.After(rest):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return ErrTooLong
}

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

// Busy is how long the process has computed.
func (p *Process) Busy() (total time.Duration, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.command.Process.Pid))
	if err != nil {
		return 0, err
	}
	// After the name in brackets, which may hold anything, come the state and
	// on; see proc(5).
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	for _, field := range fields[11:13] {
		ticks, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, err
		}
		total += time.Duration(ticks) * 10 * time.Millisecond
	}
	return total, nil
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

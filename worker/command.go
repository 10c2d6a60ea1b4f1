package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/punctual-dev/punctual/internal/script"
	"github.com/punctual-dev/punctual/queue"
	"github.com/punctual-dev/punctual/schedule"
)

// command runs a command: it succeeds when the command exits with a success
// code, 0 unless the schedule says otherwise.
func (e *executor) command(ctx context.Context, t *task) error {
	c := t.Payload.Command
	if c == nil {
		return ended("the job names no command")
	}
	r := &resolver{environment: e.variables}
	own := r.all(c.Env)
	if err := r.err(); err != nil {
		return err
	}
	as, err := accountOf(c, os.Geteuid(), os.Getegid())
	if err != nil {
		return err
	}
	directory := e.directory(c)
	environment := childEnvironment(c, e.variables, as.variables(), own, t.facts, directory)
	if t.Trace != "" {
		environment["TRACEPARENT"] = t.Trace
	}
	path, arguments, err := program(c, cmp.Or(environment["PATH"], usualPath), directory)
	if err != nil {
		return err
	}
	out := e.openOutput(ctx, t, r.secrets)
	defer out.close()
	return e.run(ctx, t, out, path, arguments, as, &os.ProcAttr{Dir: directory, Env: list(environment)})
}

func (e *executor) run(ctx context.Context, t *task, out *output, path string, arguments []string, as *account, attributes *os.ProcAttr) error {
	stdout, stderr := out.stream(StreamStdout), out.stream(StreamStderr)
	stdin, err := nullDevice()
	if err != nil {
		return fmt.Errorf("cannot start: %w", err)
	}
	pipes, err := openPipes(stdout, stderr)
	if err != nil {
		return fmt.Errorf("cannot start: %w", err)
	}
	attributes.Files = append([]*os.File{stdin}, pipes.childs...)
	attributes.Sys = ownGroup()
	if as != nil && as.credential != nil {
		attributes.Sys.Credential = as.credential
		pipes.giveTo(as.credential)
	}
	child, err := spawn(path, arguments, attributes)
	pipes.handOver()
	if err != nil {
		pipes.drain(0)
		return cannotStart(path, as.as(), attributes.Dir, err)
	}
	e.guard.watch(child.Pid)
	cause := child.wait(ctx, e.grace, e.AtOnce)
	e.guard.release(child.Pid)
	pipes.drain(drainTime)
	out.note(stderr, leftBehind(child.left))
	return t.verdict(cause, child, lastLine(stderr.last))
}

// grace is the time a command gets to end after it was asked to.
func (e *executor) grace(cause error) time.Duration {
	switch {
	case errors.Is(cause, queue.ErrLost):
		return 0 // by now the job may run elsewhere
	case errors.Is(cause, queue.ErrCancelled):
		return min(e.KillGrace, CancelGrace)
	case errors.Is(cause, queue.ErrStopping):
		return min(e.KillGrace, StopKillGrace)
	}
	return e.KillGrace
}

// verdict is what came of a command. One that was told to end did not finish,
// whatever its exit code: many programs exit with 0 when asked to end.
func (t *task) verdict(cause error, child *process, said string) error {
	if said != "" {
		said = ": " + said
	}
	switch {
	case cause != nil:
		return fmt.Errorf("%w%s", cause, said)
	case child.err != nil:
		return fmt.Errorf("wait for the command: %w", child.err)
	case child.state.ExitCode() < 0:
		return fmt.Errorf("ended by %s%s", child.state, said) // signal: killed
	}
	return t.exited(child.state.ExitCode(), said, now(t.Attempt))
}

// directory is where the command runs; empty: where the worker does. One that
// the schedule names is taken from the worker's directory on.
func (e *executor) directory(c *schedule.Command) string {
	if c.Directory == "" {
		return e.Directory
	}
	if filepath.IsAbs(c.Directory) {
		return c.Directory
	}
	return absolute(filepath.Join(e.Directory, c.Directory))
}

// absolute leaves a path as it is where the working directory is not known.
func absolute(path string) string {
	if whole, err := filepath.Abs(path); err == nil {
		return whole
	}
	return path
}

// usualPath is where programs are looked for when the environment names no PATH.
const usualPath = "/usr/local/bin:/usr/bin:/bin"

// program is the file to execute and its arguments. A umask is for a process to
// set itself, so a shell does that and then becomes the program.
func program(c *schedule.Command, path, directory string) (file string, arguments []string, err error) {
	file, arguments, err = find(c, path, directory)
	if err != nil || c.Umask == "" {
		return file, arguments, err
	}
	whole := file
	if !filepath.IsAbs(file) {
		whole = filepath.Join(directory, file)
	}
	if _, err := os.Stat(whole); errors.Is(err, fs.ErrNotExist) {
		return "", nil, cannotStart(file, "", directory, err)
	}
	return "/bin/sh", append([]string{"sh", "-c", `umask "$1"; shift; exec "$@"`, "sh", c.Umask, file}, arguments[1:]...), nil
}

// find looks for a name without a slash in the PATH the command will see, not in
// the worker's.
func find(c *schedule.Command, path, directory string) (file string, arguments []string, err error) {
	if c.Shell != "" {
		return "/bin/sh", []string{"sh", "-c", c.Shell}, nil
	}
	if len(c.Program) == 0 || c.Program[0] == "" {
		return "", nil, ended("the job names no command")
	}
	name := c.Program[0]
	if strings.ContainsRune(name, filepath.Separator) {
		return name, c.Program, nil
	}
	for _, place := range filepath.SplitList(path) {
		if !filepath.IsAbs(place) {
			place = filepath.Join(directory, place)
		}
		file := filepath.Join(place, name)
		if info, err := os.Stat(file); err == nil && !info.IsDir() && info.Mode()&0o111 != 0 {
			return absolute(file), c.Program, nil
		}
	}
	if strings.Contains(name, " ") {
		return "", nil, fmt.Errorf("cannot start %q: there is no such program in the PATH of the command; a list is one program and its arguments, each an item of its own", name)
	}
	return "", nil, fmt.Errorf("cannot start %s: there is no such program in the PATH of the command", name)
}

// cannotStart says which of program, interpreter and directory is at fault, which
// the kernel's answer does not.
func cannotStart(file, as, directory string, err error) error {
	path := file + as
	if directory != "" {
		info, statErr := os.Stat(directory)
		switch {
		case errors.Is(statErr, fs.ErrNotExist):
			return fmt.Errorf("cannot start: there is no directory %s", directory)
		case statErr == nil && !info.IsDir():
			return fmt.Errorf("cannot start: %s is not a directory", directory)
		}
	}
	reason := err
	if inner := (*fs.PathError)(nil); errors.As(err, &inner) {
		reason = inner.Err
	}
	whole := file
	if !filepath.IsAbs(file) {
		whole = filepath.Join(directory, file)
	}
	noFormat := errors.Is(err, syscall.ENOEXEC)
	if problem, advice := script.Fault(whole); problem != "" && (noFormat || errors.Is(err, fs.ErrNotExist)) {
		return fmt.Errorf("cannot start %s: %s; %s", path, problem, advice)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("cannot start %s: there is no such program, or not the interpreter it names", path)
	case noFormat:
		return fmt.Errorf("cannot start %s: it is a program for another machine or system, or has no #! line (%w)", path, reason)
	}
	return fmt.Errorf("cannot start %s: %w", path, reason)
}

package worker

import (
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"sync"
	"syscall"
)

// guard is a small shell beside the worker that ends the process groups of
// commands when the worker is gone: after kill -9 nobody else would, and the
// jobs will be run again elsewhere. The kernel kills the commands themselves
// (see spawn), but not what they started.
//
// It reads which groups there are from a pipe that only the worker holds. When
// the worker ends, however it does, the pipe ends, and the guard kills what is
// left. If the worker dies between starting a command and saying so, only the
// command itself ends with it.
type guard struct {
	mu     sync.Mutex
	log    *slog.Logger
	pipe   *os.File // nil: the guard does not run
	groups map[int]bool
}

// guardScript keeps a list of groups: "+ 4711" adds one, "- 4711" takes it out.
// It does not hear the signals that end its worker.
const guardScript = `trap '' HUP INT QUIT TERM
groups=
while read -r change group; do
	case $change in
	+) groups="$groups $group" ;;
	-)
		left=
		for one in $groups; do
			[ "$one" = "$group" ] || left="$left $one"
		done
		groups=$left
		;;
	esac
done
for one in $groups; do
	kill -s KILL -- "-$one" 2>/dev/null
done`

func newGuard(log *slog.Logger) *guard { return &guard{log: log, groups: map[int]bool{}} }

// watch has a group ended when the worker is gone.
func (g *guard) watch(group int) { g.change(group, true) }

// release ends that: nothing of the group is left.
func (g *guard) release(group int) { g.change(group, false) }

func (g *guard) change(group int, lives bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	sign := "-"
	if lives {
		sign = "+"
		g.groups[group] = true
	} else {
		delete(g.groups, group)
	}
	if g.pipe != nil {
		if _, err := fmt.Fprintln(g.pipe, sign, group); err == nil {
			return
		}
		// Somebody has killed it. The next is told everything.
		_ = g.pipe.Close()
		g.pipe = nil
	}
	if err := g.start(); err != nil {
		g.log.Warn("what commands start will not be ended if this worker is killed: the guard does not start", "error", err)
	}
}

// start runs a guard that knows all groups there are.
func (g *guard) start() error {
	its, ours, err := os.Pipe()
	if err != nil {
		return err
	}
	defer its.Close()
	// The shell leaves the guard in the background and ends: nobody has to wait
	// for it.
	shell := exec.Command("/bin/sh", "-c", "exec 3<&0; { "+guardScript+"; } <&3 &")
	shell.Dir, shell.Env, shell.Stdin = "/", []string{}, its
	shell.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := shell.Run(); err != nil {
		_ = ours.Close()
		return err
	}
	g.pipe = ours
	for group := range g.groups {
		if _, err := fmt.Fprintln(ours, "+", group); err != nil {
			return err
		}
	}
	return nil
}

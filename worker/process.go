package worker

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"syscall"
	"time"
)

// process is a child that leads a process group of its own.
type process struct {
	*os.Process
	exited chan struct{}    // closed when the child itself has ended
	state  *os.ProcessState // set by then
	err    error
	strays []stray // found when it was told to end
	left   int     // members of its group that were ended after it had ended of itself
}

// spawn starts a child, the leader of a group (ownGroup), and returns when its program has been loaded or could
// not be.
//
// The goroutine that starts it keeps its thread until the child has ended. On
// Linux the kernel kills the child when the thread that made it ends
// (Pdeathsig; so a killed worker leaves no commands behind), and Go ends
// threads now and then. A thread that waits for the child cannot end before
// it, and costs nothing more: waiting takes one anyway.
func spawn(path string, arguments []string, attributes *os.ProcAttr) (*process, error) {
	p := &process{exited: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		child, err := os.StartProcess(path, arguments, attributes)
		p.Process = child
		started <- err
		if err == nil {
			p.state, p.err = child.Wait()
			close(p.exited)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// settleTime is how long what a command left running in its group may go on
// after the command ended of itself: long enough for the `tee` at the end of a
// pipe to write its last line.
const settleTime = time.Second

// wait returns when the child has ended and nothing of its group is left. If
// the context ends before the child, the group is asked to end (SIGTERM), gets
// the grace for that cause, and is killed; the cause is returned. What left the
// group is ended with it where it can be found. A child that cannot be killed (it
// hangs in the kernel) is waited for: it still runs. When atOnce is closed,
// whatever time it still has is over.
func (p *process) wait(ctx context.Context, grace func(cause error) time.Duration, atOnce <-chan struct{}) error {
	var cause error
	limit := settleTime
	select {
	case <-p.exited: // also when the context has ended at the same time
	default:
		select {
		case <-p.exited:
		case <-ctx.Done():
			if p.askToEnd() {
				cause = context.Cause(ctx)
				limit = grace(cause)
			}
		}
	}
	deadline, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	go func() {
		select {
		case <-atOnce:
			cancel()
		case <-deadline.Done():
		}
	}()
	p.outlive(deadline, cause != nil)
	return cause
}

// askToEnd says whether there was anybody to ask: a child that came to its end
// while its descendants were looked for has finished, and is not to run again.
func (p *process) askToEnd() bool {
	p.strays = findStrays(p.Pid) // before their parents end
	if hasEnded(p.Pid) {
		p.strays = nil // daemons
		return false
	}
	askGroupToEnd(p.Pid)
	for _, s := range p.strays {
		_ = s.Signal(syscall.SIGTERM)
		_ = s.Signal(syscall.SIGCONT)
	}
	return true
}

// kill ends the group and, where the command was told to end, what has left it.
func (p *process) kill(strays bool) {
	if strays {
		p.strays = append(p.strays, findStrays(p.Pid)...)
	}
	killGroup(p.Pid)
	for _, s := range p.strays {
		_ = s.Kill()
	}
}

// outlive waits for the child and its group until the deadline, then kills
// what is left of them. What left the group of a command that ended of itself
// is a daemon, and may go on.
func (p *process) outlive(deadline context.Context, strays bool) {
	select {
	case <-p.exited:
	case <-deadline.Done():
		p.kill(strays)
		<-p.exited
	}
	if p.groupEnds(deadline) {
		return // and no signal is sent: the number may be another's by now
	}
	if !strays {
		p.left = groupMembers(p.Pid)
	}
	p.kill(strays)
	buried, cancel := context.WithTimeout(context.Background(), buryTime)
	defer cancel()
	p.groupEnds(buried)
}

// leftBehind tells of what was ended with a command that had ended of itself; empty
// if there was nothing. It would end in silence else, and its work be missed.
func leftBehind(processes int) string {
	switch processes {
	case 0:
		return ""
	case 1:
		return "punctual: ended 1 process that the command left behind"
	}
	return fmt.Sprintf("punctual: ended %d processes that the command left behind", processes)
}

const (
	// buryTime is how long killed members are waited for. They are gone in no
	// time, unless one hangs in the kernel.
	buryTime = 500 * time.Millisecond
	// The group is looked at often at first, since most end at once, and more
	// closely when it does not: it may consist of zombies.
	lookSoonest = time.Millisecond
	lookLatest  = 20 * time.Millisecond
)

// groupEnds says whether nothing of the group, and of what left it, was alive by
// the deadline.
func (p *process) groupEnds(deadline context.Context) bool {
	pause := lookSoonest
	for !groupGone(p.Pid) || p.straysLive() {
		if pause > lookLatest && !p.straysLive() && groupDead(p.Pid) {
			// The dead still hold the group's number, so it is no other's; a
			// member that forked while they were counted is met too.
			killGroup(p.Pid)
			return true
		}
		if deadline.Err() != nil {
			return false
		}
		time.Sleep(min(pause, lookLatest))
		pause *= 2
	}
	return true
}

func (p *process) straysLive() bool { return slices.ContainsFunc(p.strays, stray.lives) }

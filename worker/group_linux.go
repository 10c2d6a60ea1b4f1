package worker

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// ownGroup makes a child the leader of a new process group, which can be ended
// as a whole and does not hear the terminal's Ctrl-C, and has the kernel kill
// it when the worker is killed: its job will be run again elsewhere. See spawn
// for the thread this depends on.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// groupDead says whether all that is left of a group are zombies: in a
// container whose first process does not collect the dead, or late, they stay.
func groupDead(leader int) bool {
	_, living := census.take()
	return len(living) > 0 && !living[leader]
}

// groupMembers is how many members of a group live.
func groupMembers(leader int) (living int) {
	all, _ := census.take()
	for _, s := range all {
		if s.group == leader && s.alive() {
			living++
		}
	}
	return living
}

// census knows every process there is, and the groups with living members. To
// count means to look at each, so the result serves all who ask within a moment.
var census groupCensus

type groupCensus struct {
	mu     sync.Mutex
	taken  time.Time
	all    []status // both are empty where processes cannot be listed
	living map[int]bool
}

const censusEvery = 50 * time.Millisecond

// take counts as of a moment after the call. What it returns is not to be changed.
func (c *groupCensus) take() (all []status, living map[int]bool) {
	asked := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.taken.Before(asked) {
		time.Sleep(time.Until(c.taken.Add(censusEvery)))
		c.taken = time.Now()
		c.all, c.living = processes(), map[int]bool{}
		for _, s := range c.all {
			if s.alive() {
				c.living[s.group] = true
			}
		}
	}
	return c.all, c.living
}

// stray is a process that descends from a command and has left its group, as
// setsid does.
type stray struct {
	*os.Process // a handle: it stays that process, whoever gets the number next
	started     string
}

// findStrays are the strays of a group's leader whose parents, up to the leader,
// are still there: a process whose parent has ended is nobody's child that could
// be told from a stranger.
func findStrays(leader int) []stray {
	all, _ := census.take()
	children := map[int][]status{}
	for _, s := range all {
		children[s.parent] = append(children[s.parent], s)
	}
	var found []stray
	family := map[int]bool{leader: true}
	for line := []int{leader}; len(line) > 0; line = line[1:] {
		for _, s := range children[line[0]] {
			if family[s.pid] {
				continue
			}
			family[s.pid] = true
			line = append(line, s.pid)
			if s.group == leader || !s.alive() {
				continue
			}
			if handle, err := os.FindProcess(s.pid); err == nil {
				if one := (stray{handle, s.started}); one.lives() {
					found = append(found, one)
				}
			}
		}
	}
	return found
}

func (s stray) lives() bool {
	_, _ = syscall.Wait4(s.Pid, nil, syscall.WNOHANG, nil) // as process 1 we inherit it
	now, ok := statusOf(s.Pid)
	return ok && now.alive() && now.started == s.started
}

// status is what the kernel says of a process.
type status struct {
	pid, parent, group int
	state              byte
	started            string // in ticks since the machine did
}

// alive is false for a zombie.
func (s status) alive() bool { return s.state != 'Z' && s.state != 'X' }

// hasEnded says whether a child has ended, of which its process may not have heard
// yet.
func hasEnded(pid int) bool {
	if s, ok := statusOf(pid); ok {
		return !s.alive()
	}
	return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) // there may be no /proc
}

// processes is empty where they cannot be listed.
func processes() []status {
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	all := make([]status, 0, len(files))
	for _, file := range files {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if s, ok := statusOf(pid); err == nil && ok {
			all = append(all, s)
		}
	}
	return all
}

func statusOf(pid int) (status, bool) {
	// 4711 (the name, which may hold anything) S 1 4700 …
	text, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	const startTime = 19 // of the fields after the name
	if len(fields) <= startTime {
		return status{}, false
	}
	parent, err1 := strconv.Atoi(string(fields[1]))
	group, err2 := strconv.Atoi(string(fields[2]))
	return status{pid, parent, group, fields[0][0], string(fields[startTime])}, err1 == nil && err2 == nil
}

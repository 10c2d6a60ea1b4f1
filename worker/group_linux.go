package worker

import (
	"bytes"
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
func groupDead(leader int) bool { return !census.take(leader) }

// census counts the groups with living members. To count means to look at
// every process there is, so the result serves all who ask within a moment.
var census groupCensus

type groupCensus struct {
	mu     sync.Mutex
	taken  time.Time
	living map[int]bool
}

const censusEvery = 50 * time.Millisecond

// take says whether the group lives, as of a moment after the call.
func (c *groupCensus) take(group int) bool {
	asked := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.taken.Before(asked) {
		time.Sleep(time.Until(c.taken.Add(censusEvery)))
		c.taken = time.Now()
		c.living = livingGroups()
	}
	return c.living == nil || c.living[group]
}

// livingGroups is nil where the processes cannot be listed.
func livingGroups() map[int]bool {
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	if len(files) == 0 {
		return nil
	}
	living := make(map[int]bool)
	for _, file := range files {
		// 4711 (the name, which may hold anything) S 1 4700 …
		text, _ := os.ReadFile(file)
		fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
		if len(fields) < 3 || fields[0][0] == 'Z' || fields[0][0] == 'X' {
			continue
		}
		if group, err := strconv.Atoi(string(fields[2])); err == nil {
			living[group] = true
		}
	}
	return living
}

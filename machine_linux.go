package punctual

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// machine names the space in which a process id means one process: a boot of a
// kernel, and a PID namespace in it. Containers that share neither never take
// each other's processes for their own.
func machine() string {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	space, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(boot)) + " " + space
}

// processExists says whether a process of this machine still runs. One that has
// been given the id of another counts as that one; it is found by its silence.
func processExists(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return false
	}
	// A zombie has ended, and only waits for its parent to take note.
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return !errors.Is(err, os.ErrNotExist)
	}
	text := string(stat)
	after := text[strings.LastIndexByte(text, ')')+1:]
	return !strings.HasPrefix(strings.TrimSpace(after), "Z")
}

//go:build unix

package worker

import (
	"errors"
	"syscall"
)

// askGroupToEnd asks every member. A stopped one would not hear it, so it is
// woken up.
func askGroupToEnd(leader int) {
	_ = syscall.Kill(-leader, syscall.SIGTERM)
	_ = syscall.Kill(-leader, syscall.SIGCONT)
}

// killGroup ends every member; none left is as good.
func killGroup(leader int) { _ = syscall.Kill(-leader, syscall.SIGKILL) }

// groupGone says whether no member is left. It may be asked only after the
// leader was waited for. Where the worker is process 1, as in a container,
// members without a parent become its children and would stay in the group as
// zombies; they are taken first.
func groupGone(leader int) bool {
	for {
		pid, err := syscall.Wait4(-leader, nil, syscall.WNOHANG, nil)
		if pid <= 0 && !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	return errors.Is(syscall.Kill(-leader, 0), syscall.ESRCH)
}

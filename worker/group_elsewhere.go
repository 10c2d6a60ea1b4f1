//go:build unix && !linux

package worker

import (
	"os"
	"syscall"
)

// ownGroup makes a child the leader of a new process group, which can be ended
// as a whole and does not hear the terminal's Ctrl-C.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// groupDead does not know here; zombies are waited for as if they lived.
func groupDead(int) bool { return false }

// groupMembers does not know here; nothing is told of them.
func groupMembers(int) int { return 0 }

// hasEnded does not know here; who has just ended is asked in vain.
func hasEnded(int) bool { return false }

// stray is a process that left the group of a command. None is found here.
type stray struct{ *os.Process }

func findStrays(int) []stray { return nil }

func (stray) lives() bool { return false }

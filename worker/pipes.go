package worker

import (
	"syscall"
	"time"
)

// drainTime is how long the output of what left the group (a daemon) is still
// listened to once the command has ended.
const drainTime = 500 * time.Millisecond

// giveTo lets a child that runs as somebody else open /dev/stdout and /dev/stderr.
// Where that is refused it still has them open.
func (p *pipes) giveTo(owner *syscall.Credential) {
	for _, file := range p.childs[1:] {
		_ = file.Chown(int(owner.Uid), int(owner.Gid))
	}
}

package worker

import (
	"os"
	"sync"
	"syscall"
	"time"
)

// drainTime is how long the output of what left the group (a daemon) is still
// listened to once the command has ended.
const drainTime = 500 * time.Millisecond

// null is the null device, which every command has as its stdin. It is opened once:
// to do so for each is a hundredth of what a short command costs.
var null struct {
	sync.Mutex
	device *os.File
}

func nullDevice() (device *os.File, err error) {
	null.Lock()
	defer null.Unlock()
	if null.device == nil {
		null.device, err = os.Open(os.DevNull)
	}
	return null.device, err
}

// giveTo lets a child that runs as somebody else open /dev/stdout and /dev/stderr.
// Where that is refused it still has them open.
func (p *pipes) giveTo(owner *syscall.Credential) {
	for _, file := range p.childs {
		_ = file.Chown(int(owner.Uid), int(owner.Gid))
	}
}

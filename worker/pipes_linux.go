package worker

import (
	"errors"
	"os"
	"syscall"
	"time"
)

// pipes carry what a child writes.
//
// Each stream has a pipe of its own, and a pipe does not tell when something was
// written. To know the order of what a child writes to either in turn, a pipe has
// room for a single write at first: the child waits with its next one until that
// has been read, and the kernel tells in which order pipes became readable. That
// costs a child that writes a lot, line by line, a switch of context each time. So
// when a command turns out to write a lot, its pipes get the usual size, and the
// order between the streams is that in which they are read.
type pipes struct {
	childs []*os.File      // stdout, stderr
	ours   map[int]*stream // the ends that we read from
	queue  int             // epoll: tells which of ours can be read, in the order of writing
	ready  *os.File        // the same, to be waited for without a thread
	wide   bool
	reads  int
	bytes  int
	done   chan struct{} // closed when all has been read
}

const (
	// A command writes a lot that has written so often, or so many bytes.
	manyWrites = 1000
	manyBytes  = 64 << 10
	// usualPipe is what a pipe holds by default.
	usualPipe = 64 << 10
	// setPipeSize is F_SETPIPE_SZ of fcntl.
	setPipeSize = 1031
	// edgeTriggered is EPOLLET: a pipe is told of once for each write.
	edgeTriggered  = 1 << 31
	levelTriggered = 0
)

func openPipes(streams ...*stream) (*pipes, error) {
	p := &pipes{ours: map[int]*stream{}, done: make(chan struct{})}
	if err := p.open(streams); err != nil {
		p.close()
		return nil, err
	}
	go p.readAll()
	return p, nil
}

func (p *pipes) open(streams []*stream) (err error) {
	if p.queue, err = syscall.EpollCreate1(syscall.EPOLL_CLOEXEC); err != nil {
		return os.NewSyscallError("epoll_create", err)
	}
	_ = syscall.SetNonblock(p.queue, true)
	p.ready = os.NewFile(uintptr(p.queue), "epoll")
	if err := p.ready.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	for _, s := range streams {
		// In packet mode (O_DIRECT) two writes are never put together.
		var ends [2]int
		if err := syscall.Pipe2(ends[:], syscall.O_CLOEXEC|syscall.O_DIRECT); err != nil {
			return os.NewSyscallError("pipe", err)
		}
		ours, childs := ends[0], ends[1]
		p.ours[ours] = s
		p.childs = append(p.childs, os.NewFile(uintptr(childs), s.name))
		// Where that is refused, the order within each stream is known all the same.
		_, _ = control(ours, setPipeSize, os.Getpagesize())
		if err := syscall.SetNonblock(ours, true); err != nil {
			return os.NewSyscallError("fcntl", err)
		}
		if err := p.watch(ours, syscall.EPOLL_CTL_ADD, edgeTriggered); err != nil {
			return err
		}
	}
	return nil
}

func (p *pipes) watch(fd, change int, how uint32) error {
	event := syscall.EpollEvent{Events: syscall.EPOLLIN | how, Fd: int32(fd)}
	return os.NewSyscallError("epoll_ctl", syscall.EpollCtl(p.queue, change, fd, &event))
}

func control(fd, command, argument int) (result int, err error) {
	r, _, failure := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), uintptr(command), uintptr(argument))
	if failure != 0 {
		return 0, failure
	}
	return int(r), nil
}

// handOver is for systems on which the child's ends are of no use to us once it has
// them. Here they are kept, for widen; drain closes them, and with the child's
// copies the streams end.
func (p *pipes) handOver() {}

// drain returns when the streams have ended, or after the limit.
func (p *pipes) drain(limit time.Duration) {
	p.leave()
	_ = p.ready.SetReadDeadline(time.Now().Add(limit))
	<-p.done
	p.close()
}

// leave closes the child's ends; it may be called twice.
func (p *pipes) leave() {
	for _, file := range p.childs {
		_ = file.Close()
	}
}

func (p *pipes) close() {
	for fd := range p.ours {
		_ = syscall.Close(fd)
	}
	if p.ready != nil {
		_ = p.ready.Close()
	}
	p.leave()
}

// readAll reads until the streams end, or are cut off by the deadline.
func (p *pipes) readAll() {
	defer close(p.done)
	defer func() {
		for _, s := range p.ours {
			s.end()
		}
	}()
	// A write in packet mode is at most a page, and what does not fit would be lost.
	buffer := make([]byte, os.Getpagesize())
	events := make([]syscall.EpollEvent, len(p.ours))
	for len(p.ours) > 0 {
		n, err := p.wait(events)
		if err != nil {
			p.readRest(events, buffer)
			return
		}
		p.read(events[:n], buffer)
		if !p.wide && (p.reads >= manyWrites || p.bytes >= manyBytes) {
			p.widen()
			buffer = make([]byte, max(len(buffer), chunkSize))
		}
	}
}

// wait returns how many of ours can be read. It fails at the deadline.
func (p *pipes) wait(events []syscall.EpollEvent) (n int, err error) {
	raw, err := p.ready.SyscallConn()
	if err != nil {
		return 0, err
	}
	err = raw.Read(func(uintptr) bool {
		n = p.look(events)
		return n > 0
	})
	return n, err
}

// look is wait without waiting.
func (p *pipes) look(events []syscall.EpollEvent) int {
	for {
		n, err := syscall.EpollWait(p.queue, events, 0)
		if !errors.Is(err, syscall.EINTR) {
			return max(n, 0)
		}
	}
}

// read reads what was written, in its order.
func (p *pipes) read(events []syscall.EpollEvent, buffer []byte) {
	for _, event := range events {
		fd := int(event.Fd)
		ended := event.Events&syscall.EPOLLHUP != 0
		if p.readOne(fd, ended, buffer) {
			p.ours[fd].end()
			delete(p.ours, fd)
			_ = syscall.Close(fd) // which ends watching it
		}
	}
}

// readOne reads a single write, or all that is left where nobody can write any
// more. It returns whether the stream has ended.
//
// A write of several pages comes page by page, and the kernel tells of each. To read
// on without being told would leave behind that the pipe was written to: what the
// child then writes to the other stream, and to this one after it, would be read in
// the wrong order. But of what stays in the pipe the kernel does not tell again. That
// is nothing, unless the child made its pipe larger, or put more than a page into it
// at once (splice), so it is asked to look.
func (p *pipes) readOne(fd int, all bool, buffer []byte) (ended bool) {
	for {
		n, err := syscall.Read(fd, buffer)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case n == 0 && err == nil:
			return true
		case err != nil:
			return !errors.Is(err, syscall.EAGAIN)
		}
		_, _ = p.ours[fd].Write(buffer[:n])
		p.reads++
		p.bytes += n
		if all {
			continue
		}
		if !p.wide {
			_ = p.watch(fd, syscall.EPOLL_CTL_MOD, edgeTriggered)
		}
		return false
	}
}

// widen gives the pipes the usual size and leaves packet mode.
func (p *pipes) widen() {
	p.wide = true
	for _, file := range p.childs {
		if raw, err := file.SyscallConn(); err == nil {
			_ = raw.Control(func(fd uintptr) {
				if flags, err := control(int(fd), syscall.F_GETFL, 0); err == nil {
					_, _ = control(int(fd), syscall.F_SETFL, flags&^syscall.O_DIRECT)
				}
			})
		}
	}
	for fd := range p.ours {
		_, _ = control(fd, setPipeSize, usualPipe)
		_ = p.watch(fd, syscall.EPOLL_CTL_MOD, levelTriggered)
	}
}

// readRest takes what is in the pipes without waiting for more. On a machine so
// busy that the deadline passed before we came to read, that is what the command
// itself wrote.
func (p *pipes) readRest(events []syscall.EpollEvent, buffer []byte) {
	for limit := p.bytes + 2*usualPipe; p.bytes < limit; {
		n := p.look(events)
		if n == 0 {
			return
		}
		p.read(events[:n], buffer)
	}
}

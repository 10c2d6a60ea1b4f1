package database

import (
	"bytes"
	"context"
	"os"
	"runtime"
	"syscall"
)

// fileWatch is told by the kernel when a file is written to (inotify(7)).
type fileWatch struct {
	events *os.File // nil where the kernel is not asked
}

// openFileWatch makes one that is closed when ctx ends.
func openFileWatch(ctx context.Context) *fileWatch {
	if inFakeTime() {
		return &fileWatch{}
	}
	number, err := syscall.InotifyInit1(syscall.IN_CLOEXEC | syscall.IN_NONBLOCK)
	if err != nil {
		return &fileWatch{} // there may be no more of them to be had
	}
	w := &fileWatch{os.NewFile(uintptr(number), "inotify")}
	context.AfterFunc(ctx, func() { _ = w.events.Close() })
	return w
}

// await waits until the file at path is written to, removed or put elsewhere, unless
// that has happened already, or until the watch is closed. It may return for nothing.
// It returns false, and at once, where the kernel cannot tell.
func (w *fileWatch) await(path string, happened func() bool) bool {
	if w.events == nil {
		return false
	}
	// It is told of one write and no more, so a file that is written to all the time
	// costs nothing.
	const once = syscall.IN_ONESHOT | syscall.IN_MODIFY | syscall.IN_DELETE_SELF | syscall.IN_MOVE_SELF
	if !w.add(path, once) {
		return false
	}
	if happened() {
		return true
	}
	var events [16 * syscall.SizeofInotifyEvent]byte
	_, err := w.events.Read(events[:])
	return err == nil
}

// add does nothing once the watch is closed: its number may be another file's then.
func (w *fileWatch) add(path string, events uint32) (added bool) {
	kernel, err := w.events.SyscallConn()
	if err != nil {
		return false
	}
	_ = kernel.Control(func(number uintptr) {
		_, err := syscall.InotifyAddWatch(int(number), path, events)
		added = err == nil
	})
	return added
}

// inFakeTime says whether this is a test in a bubble of testing/synctest, whose time
// stands still for as long as somebody in it waits for the kernel. Go says so only
// where it names a goroutine, at the head of its stack.
func inFakeTime() bool {
	var head [128]byte
	name, _, _ := bytes.Cut(head[:runtime.Stack(head[:], false)], []byte{'\n'})
	return bytes.Contains(name, []byte("synctest bubble"))
}

package worker

import (
	"context"
	"errors"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"
)

func TestACommandThatEndedBeforeItCouldBeAskedToHasFinished(t *testing.T) {
	child, err := os.StartProcess("/bin/true", []string{"true"}, &os.ProcAttr{Sys: ownGroup()})
	if err != nil {
		t.Fatal(err)
	}
	for s, ok := statusOf(child.Pid); !ok || s.alive(); s, ok = statusOf(child.Pid) {
		runtime.Gosched()
	}
	// It has ended, and nobody has heard of it yet.
	p := &process{Process: child, exited: make(chan struct{})}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("the worker stops"))
	caused := make(chan error)
	go func() { caused <- p.wait(ctx, func(error) time.Duration { return never }, nil) }()
	p.state, p.err = child.Wait()
	close(p.exited)
	if cause := <-caused; cause != nil {
		t.Errorf("it ended because %v, want of itself", cause)
	}
	if !hasEnded(child.Pid) {
		t.Error("a process that is gone is taken for alive")
	}
	if hasEnded(syscall.Getpid()) {
		t.Error("this process is taken for gone")
	}
}

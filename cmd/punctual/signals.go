package main

import (
	"context"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"
)

// sameStroke is how long after the first signal another one counts as the same:
// on Ctrl-C the terminal signals the whole group, and then a process manager each
// member.
const sameStroke = 500 * time.Millisecond

// signals ask the process to end. The first does so in order. The second ends at
// once what runs jobs, which gives them back to the queue; everything else is no
// longer in need of that and is ended by it as usual, and so is any process by the
// third.
type signals struct {
	caught chan os.Signal
	atOnce chan struct{}
	heeded atomic.Bool // somebody heeds the second
}

// catchSignals gives a context that ends with the first signal.
func catchSignals() (context.Context, *signals) {
	s := &signals{caught: make(chan os.Signal, 1), atOnce: make(chan struct{})}
	signal.Notify(s.caught, os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithCancel(context.Background())
	go s.heed(cancel)
	return ctx, s
}

func (s *signals) heed(cancel context.CancelFunc) {
	defer signal.Stop(s.caught)
	<-s.caught
	cancel()
	s.passStroke()
	if s.heeded.Load() {
		<-s.caught
		close(s.atOnce)
		s.passStroke()
	}
}

// passStroke waits until the next signal is another one.
func (s *signals) passStroke() {
	time.Sleep(sameStroke)
	select {
	case <-s.caught:
	default:
	}
}

// second is closed by the second signal, which does not end the process itself
// from now on.
func (s *signals) second() <-chan struct{} {
	if s == nil {
		return nil
	}
	s.heeded.Store(true)
	return s.atOnce
}

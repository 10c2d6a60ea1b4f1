package punctual

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/punctual-dev/punctual/queue"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/worker"
)

// Narrate makes the worker tell w, line by line, what commands and HTTP calls
// write and how they end, for people who look on.
func Narrate(w io.Writer) Option {
	return func(p *Punctual) error {
		p.narrator = &narrator{w: w, names: map[int64]string{}}
		return nil
	}
}

// narrator writes one line at a time, whoever has something to tell.
type narrator struct {
	mu    sync.Mutex
	w     io.Writer
	names map[int64]string // occurrence by job, while it runs
}

func (n *narrator) line(format string, arguments ...any) {
	// A reader that has gone away must not fail the jobs.
	_, _ = fmt.Fprintf(n.w, time.Now().Format("15:04:05 ")+format+"\n", arguments...)
}

// handlers are those given, each of whose attempts is told of when it ends.
func (n *narrator) handlers(handlers map[string]queue.Handler) map[string]queue.Handler {
	told := map[string]queue.Handler{}
	for kind, handler := range handlers {
		told[kind] = func(ctx context.Context, a queue.Attempt) error {
			n.begin(a)
			start := time.Now()
			err := handler(ctx, a)
			n.end(a, time.Since(start), err)
			return err
		}
	}
	return told
}

func (n *narrator) begin(a queue.Attempt) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.names[a.JobID] = a.Payload.Occurrence
}

func (n *narrator) end(a queue.Attempt, took time.Duration, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.names, a.JobID)
	length := schedule.Elapsed(took)
	switch {
	case err == nil:
		n.line("%s succeeded in %s", a.Payload.Occurrence, length)
	case errors.Is(err, queue.ErrStopping):
		n.line("%s goes back to the queue: the worker stops", a.Payload.Occurrence)
	case errors.Is(err, queue.ErrCancelled):
		n.line("%s was cancelled after %s", a.Payload.Occurrence, length)
	case errors.Is(err, queue.ErrLost):
		n.line("%s ended: it was given to another worker", a.Payload.Occurrence)
	case putOff(err):
		n.line("%s is put off after %s: %v", a.Payload.Occurrence, length, err)
	case a.Number < a.MaxAttempts && !endsJob(err):
		n.line("%s failed attempt %d of %d after %s: %v", a.Payload.Occurrence, a.Number, a.MaxAttempts, length, err)
	case a.Number < a.MaxAttempts:
		n.line("%s failed after %s, and is not tried again: %v", a.Payload.Occurrence, length, err)
	default:
		n.line("%s failed after %s: %v", a.Payload.Occurrence, length, err)
	}
}

// putOff says whether another attempt follows that uses up no retry.
func putOff(err error) bool {
	later, ok := errors.AsType[*queue.LaterError](err)
	return ok && later.UsesNoRetry
}

func endsJob(err error) bool {
	_, ended := errors.AsType[*queue.EndedError](err)
	return ended
}

// output tells what a job wrote.
func (n *narrator) output(job int64, chunks []worker.Chunk) {
	n.mu.Lock()
	defer n.mu.Unlock()
	name := n.names[job]
	for _, chunk := range chunks {
		for text := range bytes.Lines(chunk.Data) {
			n.line("%s | %s", name, bytes.TrimRight(text, "\r\n"))
		}
	}
}

// Package batch makes one call of what many ask for at the same time: a
// transaction costs about as much for one row as for a hundred.
package batch

import (
	"context"
	"sync"
	"time"
)

// Batcher makes calls, one at a time. What is asked for while one is under way
// goes into the next together, so nobody waits for others to come, and the more
// is asked for, the less each costs.
type Batcher[Question, Answer any] struct {
	// do answers as many questions as it is given, in their order.
	do      func(context.Context, []Question) ([]Answer, error)
	most    int
	timeout time.Duration
	// apart says of an error that one of the questions may be to blame for it.
	apart func(error) bool

	mu      sync.Mutex
	waiting []*asked[Question, Answer]
	running bool
}

// asked is a question that waits for its answer.
type asked[Question, Answer any] struct {
	question Question
	answer   Answer
	err      error
	done     chan struct{}
}

// New returns a batcher whose calls take at most so many questions and so long.
// Where a call fails with an error that apart says a single question may be to
// blame for, its questions are asked one by one.
func New[Question, Answer any](most int, timeout time.Duration, apart func(error) bool, do func(context.Context, []Question) ([]Answer, error)) *Batcher[Question, Answer] {
	return &Batcher[Question, Answer]{do: do, most: most, timeout: timeout, apart: apart}
}

// Ask returns the answer to one question. If ctx ends first, the call that has
// the question goes on without it, for the others.
func (b *Batcher[Question, Answer]) Ask(ctx context.Context, q Question) (Answer, error) {
	one := &asked[Question, Answer]{question: q, done: make(chan struct{})}
	b.mu.Lock()
	b.waiting = append(b.waiting, one)
	if !b.running {
		b.running = true
		go b.run()
	}
	b.mu.Unlock()
	select {
	case <-one.done:
		return one.answer, one.err
	case <-ctx.Done():
		var none Answer
		return none, context.Cause(ctx)
	}
}

// run makes calls until nobody waits.
func (b *Batcher[Question, Answer]) run() {
	for {
		b.mu.Lock()
		n := min(len(b.waiting), b.most)
		if n == 0 {
			b.running = false
			b.waiting = nil
			b.mu.Unlock()
			return
		}
		all := b.waiting[:n:n]
		b.waiting = b.waiting[n:]
		b.mu.Unlock()
		b.call(all)
	}
}

func (b *Batcher[Question, Answer]) call(all []*asked[Question, Answer]) {
	questions := make([]Question, len(all))
	for i, one := range all {
		questions[i] = one.question
	}
	ctx, cancel := context.WithTimeout(context.Background(), b.timeout)
	answers, err := b.do(ctx, questions)
	cancel()
	if err != nil && len(all) > 1 && b.apart(err) {
		for _, one := range all {
			b.call([]*asked[Question, Answer]{one})
		}
		return
	}
	for i, one := range all {
		if one.err = err; err == nil {
			one.answer = answers[i]
		}
		close(one.done)
	}
}

package dashboard

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/punctual-dev/punctual/store"
)

// helpers are hands with which a page asks the database several things at once.
// There are few of them for all pages together, and a page waits for none: it
// takes those that are free and does the rest itself. So however many look on, they
// take a connection each, and no more than these few besides: a clock in the same
// process takes its own out of the same pool.
type helpers chan struct{}

// newHelpers are two where the database is a server. Where it is a file, to ask
// several things at once took longer than one after the other: they contend for
// the processors, and each connection has its own statements and pages.
func newHelpers(s *store.Store) helpers {
	if s.HasServer() {
		return make(helpers, 2)
	}
	return nil
}

// share does all tasks, in any order, and begins with the first. It returns once
// none is under way any more, with the error of the first that failed; those not
// begun by then are left.
func (h helpers) share(ctx context.Context, tasks ...func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var helping sync.WaitGroup
	defer helping.Wait() // also where a task of our own panics
	defer cancel(nil)
	var next atomic.Int64
	work := func() {
		for i := next.Add(1); i <= int64(len(tasks)) && ctx.Err() == nil; i = next.Add(1) {
			if err := tasks[i-1](ctx); err != nil {
				cancel(err)
			}
		}
	}
	for range len(tasks) - 1 {
		select {
		case h <- struct{}{}: // never, where there are none
			helping.Go(func() {
				defer func() { <-h }()
				defer func() {
					if failure := recover(); failure != nil {
						cancel(&panicked{failure, debug.Stack()})
					}
				}()
				work()
			})
		default: // others have them
		}
	}
	work()
	helping.Wait()
	err := context.Cause(ctx)
	if failure, ok := err.(*panicked); ok {
		panic(failure)
	}
	return err
}

// panicked is what a helper panicked with. Nothing would recover it there, and the
// process would end, with the clock that may be in it; so it is handed to whoever
// answers the request.
type panicked struct {
	failure any
	stack   []byte
}

func (p *panicked) Error() string { return fmt.Sprintf("%v\n%s", p.failure, p.stack) }

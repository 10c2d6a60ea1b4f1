package queue

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/riverqueue/river/rivertype"
)

// Report says how far the running job of a context is: a fraction from 0 to 1,
// and a note. It may be called as often as one likes: at most once a second the
// latest is written down, and once more when the attempt ends. It never fails
// the job, and does nothing with a context that is none of a job.
func Report(ctx context.Context, fraction float64, note string) {
	if r, ok := ctx.Value(reporterKey{}).(*reporter); ok {
		r.report(fraction, note)
	}
}

type reporterKey struct{}

// How often progress is written down, and how long that may take: a database
// that is away is not waited for.
const (
	reportEvery   = time.Second
	reportTimeout = 2 * time.Second
)

// reporter writes down how far an attempt is.
type reporter struct {
	ctx   context.Context
	write func(ctx context.Context, fraction float64, note string) error
	ended chan struct{}

	mu       sync.Mutex
	fraction float64
	note     string
	news     bool          // since it was last written down
	written  chan struct{} // closed when the writer is through; nil: there is none yet
}

// reporting gives a context in which Report is heard, until what it returns is
// called.
func (a *attempts) reporting(ctx context.Context, job *rivertype.JobRow) (context.Context, func()) {
	if a.options.Progress == nil {
		return ctx, func() {}
	}
	r := &reporter{ctx: ctx, ended: make(chan struct{}), write: func(ctx context.Context, fraction float64, note string) error {
		return a.options.Progress(ctx, job.ID, job.Attempt, fraction, note)
	}}
	return context.WithValue(ctx, reporterKey{}, r), r.end
}

func (r *reporter) report(fraction float64, note string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.ended:
		return // a goroutine of the job outlived it
	default:
	}
	r.fraction, r.note, r.news = fraction, note, true
	if r.written == nil {
		r.written = make(chan struct{})
		go r.writeOn()
	}
}

func (r *reporter) writeOn() {
	defer close(r.written)
	for {
		r.writeNews()
		select {
		case <-time.After(reportEvery):
		case <-r.ended:
			r.writeNews()
			return
		}
	}
}

func (r *reporter) writeNews() {
	r.mu.Lock()
	fraction, note, news := r.fraction, r.note, r.news
	r.news = false
	r.mu.Unlock()
	// Whoever has a lost job by now says how far it is.
	if !news || errors.Is(context.Cause(r.ctx), ErrLost) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), reportTimeout)
	defer cancel()
	_ = r.write(ctx, fraction, note) // the next one tells as much
}

// end writes down the last news and ends the reporting.
func (r *reporter) end() {
	r.mu.Lock()
	close(r.ended)
	written := r.written
	r.mu.Unlock()
	if written != nil {
		<-written
	}
}

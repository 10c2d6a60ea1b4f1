package queue

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"
)

// places bounds how many jobs a worker runs at once in all its queues together.
// River knows a bound for each queue only, so a place is taken when jobs are
// fetched: what finds no place stays in the queue, where another worker may
// take it, and a job that is said to run does run.
//
// River asks for jobs every pollEvery. A query is made of that only where there
// may be some: a notification came in, the last query brought some or found no
// place, or the usual time between two polls is over.
type places struct {
	every time.Duration // between two queries for which there is no reason

	mu     sync.Mutex
	free   int
	held   map[int64]bool
	paused map[string]bool
	queues map[string]*fetching
}

// pollEvery is how soon a queue is looked at again in which jobs found no place.
const pollEvery = 30 * time.Millisecond

// fetchTime is how long jobs may take to arrive; after it, the connection is
// taken for dead.
const fetchTime = 10 * time.Second

// fetching is what is known of a queue.
type fetching struct {
	last time.Time // the last query
	more bool      // there may be jobs that the last query did not bring
}

func newPlaces(n int, every time.Duration) *places {
	return &places{every: every, free: n, held: map[int64]bool{}, queues: map[string]*fetching{}}
}

func (p *places) queue(name string) *fetching {
	if p.queues[name] == nil {
		p.queues[name] = &fetching{more: true}
	}
	return p.queues[name]
}

// take reserves up to n places for jobs of a queue. None are given where a query
// has no reason, or there is none free.
func (p *places) take(name string, n int, now time.Time) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	q := p.queue(name)
	if p.paused[name] {
		q.more = true
		return 0
	}
	if !q.more && now.Sub(q.last) < p.every {
		return 0
	}
	n = min(n, p.free)
	if n == 0 {
		q.more = true
		return 0
	}
	p.free -= n
	q.last, q.more = now, false
	return n
}

// pause says that a queue is paused, until setPaused says otherwise.
func (p *places) pause(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.paused == nil {
		p.paused = map[string]bool{}
	}
	p.paused[name] = true
}

// setPaused says which queues are paused. The map is the places' from then on.
func (p *places) setPaused(names map[string]bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.paused = names
}

// taken says what came of the places reserved for a queue.
func (p *places) taken(name string, reserved int, jobs []*rivertype.JobRow, failed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, job := range jobs {
		p.held[job.ID] = true
	}
	p.free += reserved - len(jobs)
	// Where one came, another may come within the time in which River notifies
	// but once.
	if failed || len(jobs) > 0 {
		p.queue(name).more = true
	}
}

// release gives back the place of a job; once is enough.
func (p *places) release(id int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held[id] {
		delete(p.held, id)
		p.free++
	}
}

// inserted notes that jobs came into a queue.
func (p *places) inserted(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue(name).more = true
}

// bounded is a driver of River that fetches no more jobs than there are places,
// and writes nothing down of jobs that have been given to somebody else.
type bounded[T any] struct {
	riverdriver.Driver[T]
	places *places
	owned  func(context.Context) error
}

func (d bounded[T]) GetExecutor() riverdriver.Executor {
	return boundedExecutor{d.Driver.GetExecutor(), d.places, d.owned}
}

func (d bounded[T]) GetListener(params *riverdriver.GetListenenerParams) riverdriver.Listener {
	return boundedListener{d.Driver.GetListener(params), d.places}
}

type boundedExecutor struct {
	riverdriver.Executor
	places *places
	owned  func(context.Context) error
}

// QueueCreateOrSetUpdatedAt tells River, which begins to work a queue, that it is
// not paused, and pauses it here. River listens only after this: a resume in
// between would be heard of a minute later. Ours is looked at every watchEvery.
func (e boundedExecutor) QueueCreateOrSetUpdatedAt(ctx context.Context, params *riverdriver.QueueCreateOrSetUpdatedAtParams) (*rivertype.Queue, error) {
	queue, err := e.Executor.QueueCreateOrSetUpdatedAt(ctx, params)
	if err != nil || queue.PausedAt == nil {
		return queue, err
	}
	e.places.pause(params.Name)
	working := *queue
	working.PausedAt = nil
	return &working, nil
}

func (e boundedExecutor) JobGetAvailable(ctx context.Context, params *riverdriver.JobGetAvailableParams) (*riverdriver.JobGetAvailableResult, error) {
	reserved := e.places.take(params.Queue, params.MaxToLock, time.Now())
	if reserved == 0 {
		return &riverdriver.JobGetAvailableResult{}, nil
	}
	fewer := *params
	fewer.MaxToLock = reserved
	// The only query of River's that it waits for without an end.
	limited, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	// What a worker takes that was taken for dead would be lost again.
	if err := e.owned(limited); err != nil {
		e.places.taken(params.Queue, reserved, nil, true)
		return &riverdriver.JobGetAvailableResult{}, nil
	}
	result, err := e.Executor.JobGetAvailable(limited, &fewer)
	if result == nil {
		result = &riverdriver.JobGetAvailableResult{}
	}
	e.places.taken(params.Queue, reserved, result.Jobs, err != nil)
	return result, err
}

// JobSetStateIfRunningMany is the last River does with a job, also with one that
// could not be begun. River collects what attempts came to, and tries again for
// as long as it takes where the database cannot be reached; by then a worker that
// was cut off may have been taken for dead, and the statement asks only that the
// job runs, not where. So whose it is is asked each time. If the process freezes
// on this last line for longer than its time to live, the result may be written
// over that of the job's new owner: that is all that is left of the danger.
func (e boundedExecutor) JobSetStateIfRunningMany(ctx context.Context, params *riverdriver.JobSetStateIfRunningManyParams) ([]*rivertype.JobRow, error) {
	for _, id := range params.ID {
		e.places.release(id)
	}
	switch err := e.owned(ctx); {
	case errors.Is(err, ErrLost):
		<-ctx.Done() // River would complain, and try again; the process ends by now
		return nil, err
	case err != nil:
		return nil, err
	}
	return e.Executor.JobSetStateIfRunningMany(ctx, params)
}

type boundedListener struct {
	riverdriver.Listener
	places *places
}

func (l boundedListener) WaitForNotification(ctx context.Context) (*riverdriver.Notification, error) {
	notification, err := l.Listener.WaitForNotification(ctx)
	if notification != nil {
		var inserted struct {
			Queue string `json:"queue"`
		}
		if json.Unmarshal([]byte(notification.Payload), &inserted) == nil && inserted.Queue != "" {
			l.places.inserted(inserted.Queue)
		}
	}
	return notification, err
}

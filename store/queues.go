package store

import (
	"context"
	"fmt"
	"time"

	"github.com/punctual-dev/punctual/queue"
)

// QueueOverview is a queue and how it stands.
type QueueOverview struct {
	Name      string    `json:"queue"`
	PausedAt  time.Time `json:"paused_at,omitzero"`
	Schedules int       `json:"schedules"` // that name it
	Waiting   int       `json:"waiting"`   // jobs that wait for a worker
	Retrying  int       `json:"retrying"`  // jobs that wait for their next attempt
	Running   int       `json:"running"`
	Oldest    time.Time `json:"oldest_waiting,omitzero"` // since when the job waits that has waited longest
	// Workers are those alive that work the queue, and Concurrency is how many of
	// its jobs they run at once, if no other queue takes their places.
	Workers     int `json:"workers"`
	Concurrency int `json:"concurrency"`
	// Untaken are jobs that wait, of kinds that none of those workers takes.
	Untaken []Untaken `json:"untaken,omitempty"`
}

// QueueOverviews lists the queues that schedules name, that have jobs, or that
// somebody has worked lately, in order of name.
func (s *Store) QueueOverviews(ctx context.Context) ([]QueueOverview, error) {
	processes, err := s.Processes(ctx)
	if err != nil {
		return nil, err
	}
	return s.QueuesAmong(ctx, processes)
}

// QueuesAmong lists them for whoever has read the processes already.
func (s *Store) QueuesAmong(ctx context.Context, processes []Process) ([]QueueOverview, error) {
	// Those of schedules stand in the list also where no job ever was.
	all, err := s.namedQueues(ctx)
	if err != nil {
		return nil, err
	}
	states, err := s.queue.States(ctx)
	if err != nil {
		return nil, err
	}
	all = mergeStates(all, states)
	now, err := s.db.Now(ctx)
	if err != nil {
		return nil, err
	}
	processes = alive(processes, now)
	untaken, err := s.untaken(ctx, processes)
	for i := range all {
		all[i].addWorkers(processes)
		for _, u := range untaken {
			if u.Queue == all[i].Name {
				all[i].Untaken = append(all[i].Untaken, u)
			}
		}
	}
	return all, err
}

// addWorkers counts those of some processes alive that work the queue.
func (q *QueueOverview) addWorkers(alive []Process) {
	for _, p := range alive {
		if n := p.places(q.Name); n > 0 {
			q.Workers++
			q.Concurrency += n
		}
	}
}

// QueueOverview is how one queue stands; nothing but its name, where there is
// none of that name.
func (s *Store) QueueOverview(ctx context.Context, name string) (QueueOverview, error) {
	all, err := s.QueueOverviews(ctx)
	for _, q := range all {
		if q.Name == name {
			return q, err
		}
	}
	return QueueOverview{Name: name}, err
}

// places is how many jobs of a queue a process runs at once.
func (p Process) places(name string) int {
	bound, named := p.Queues[name]
	switch {
	case len(p.Queues) > 0 && !named:
		return 0
	case bound > 0:
		return min(bound, p.Concurrency)
	}
	return p.Concurrency
}

func (s *Store) namedQueues(ctx context.Context) ([]QueueOverview, error) {
	rows, err := s.db.Reader().Query(ctx, "SELECT queue, count(*) FROM punctual_schedule WHERE deleted_at IS NULL GROUP BY queue ORDER BY queue")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []QueueOverview
	for rows.Next() {
		var one QueueOverview
		if err := rows.Scan(&one.Name, &one.Schedules); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// mergeStates adds how queues stand; both lists are in order of name.
func mergeStates(named []QueueOverview, states []queue.State) []QueueOverview {
	var all []QueueOverview
	for len(named) > 0 || len(states) > 0 {
		var one QueueOverview
		if len(states) == 0 || len(named) > 0 && named[0].Name <= states[0].Name {
			one, named = named[0], named[1:]
		} else {
			one.Name = states[0].Name
		}
		if len(states) > 0 && states[0].Name == one.Name {
			state := states[0]
			states = states[1:]
			one.PausedAt, one.Oldest = state.PausedAt, state.Oldest
			one.Waiting, one.Retrying, one.Running = state.Waiting, state.Retrying, state.Running
		}
		all = append(all, one)
	}
	return all
}

// PauseQueue makes every worker take nothing more from a queue; what runs goes
// on, and clocks go on queueing. It returns false if the queue was paused
// before. A queue that nobody has named yet can be paused too.
func (s *Store) PauseQueue(ctx context.Context, name, note string, actor Actor) (paused bool, err error) {
	if err := queue.ValidName(name); err != nil {
		return false, fmt.Errorf("pausing a queue: %w", err)
	}
	err = s.edit(ctx, func(e *edit) error {
		if paused, err = s.queue.PauseTx(ctx, e.tx, name, e.now); err != nil || !paused {
			return err
		}
		return e.record(actor, "pause-queue", 0, name, quoted(note))
	})
	return paused, err
}

// ResumeQueue ends such a pause; it returns false if there is none.
func (s *Store) ResumeQueue(ctx context.Context, name string, actor Actor) (resumed bool, err error) {
	err = s.edit(ctx, func(e *edit) error {
		if resumed, err = s.queue.ResumeTx(ctx, e.tx, name); err != nil || !resumed {
			return err
		}
		return e.record(actor, "resume-queue", 0, name, "")
	})
	return resumed, err
}

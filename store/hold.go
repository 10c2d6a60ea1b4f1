package store

import (
	"context"
	"slices"
	"time"

	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/queue"
)

// Hold is what keeps a job that waits in a queue from being taken. It is judged
// here, and put into words where it is shown.
type Hold string

// What holds jobs up.
const (
	NotHeld      Hold = ""
	HeldByPause  Hold = "the queue is paused"
	HeldUnworked Hold = "no worker works the queue"
	HeldUntaken  Hold = "no worker takes the kind"
	HeldFull     Hold = "all places are taken"
)

// Hold says what keeps jobs of a kind in this queue from being taken; without a
// kind, what keeps those of every kind. Kinds that are not punctual's own may be
// worked by programs that no process tells of, so that nobody works the queue says
// nothing of them: only that they wait, and that none runs, does.
func (q QueueOverview) Hold(kind string) Hold {
	untaken := slices.ContainsFunc(q.Untaken, func(u Untaken) bool { return u.Kind == kind })
	foreign := kind != "" && !queue.OwnKind(kind)
	switch {
	case !q.PausedAt.IsZero():
		return HeldByPause
	case untaken && (foreign || q.Workers > 0):
		return HeldUntaken
	case q.Workers == 0 && !foreign:
		return HeldUnworked
	case q.Workers > 0 && q.Running >= q.Concurrency:
		return HeldFull
	}
	return NotHeld
}

// Untaken are jobs that wait in a queue, of a kind that no process alive takes
// from there.
type Untaken struct {
	Queue   string    `json:"-"`
	Kind    string    `json:"kind"`
	Waiting int       `json:"waiting"`
	Oldest  time.Time `json:"oldest_waiting"`
}

// StartsTaking says what makes jobs of a kind be taken.
func StartsTaking(kind string) string {
	if queue.OwnKind(kind) {
		return "punctual worker takes it, where its --queues name the queue"
	}
	return "start the program whose Go code works it; punctual worker runs commands and HTTP calls only, and a program of River's that works it is not seen before it takes one"
}

// untaken finds them by who is alive, in order of queue and kind.
func (s *Store) untaken(ctx context.Context, alive []Process) ([]Untaken, error) {
	kinds, err := s.queue.Kinds(ctx)
	if err != nil {
		return nil, err
	}
	names, err := database.Values[string](s.db.Reader().Query(ctx,
		"SELECT DISTINCT queue FROM punctual_schedule WHERE deleted_at IS NULL UNION SELECT name FROM river_queue"))
	if err != nil {
		return nil, err
	}
	// How many wait is counted only of kinds that may have nobody: a long backlog
	// that is being worked is not read for this.
	kinds = slices.DeleteFunc(kinds, func(kind string) bool {
		return !slices.ContainsFunc(names, func(name string) bool { return !taken(alive, name, kind) })
	})
	if len(kinds) == 0 {
		return nil, nil
	}
	backlogs, err := s.queue.Backlogs(ctx, kinds)
	return untakenOf(backlogs, alive), err
}

// untakenOf are those of some backlogs that nobody takes. What runs is taken by
// somebody, though it may be a program that is none of punctual's.
func untakenOf(backlogs []queue.Backlog, alive []Process) (all []Untaken) {
	for _, b := range backlogs {
		if b.Waiting > 0 && b.Running == 0 && !taken(alive, b.Queue, b.Kind) {
			all = append(all, Untaken{b.Queue, b.Kind, b.Waiting, b.Oldest})
		}
	}
	return all
}

// taken says whether one of some processes takes jobs of a kind from a queue.
func taken(alive []Process, name, kind string) bool {
	return slices.ContainsFunc(alive, func(p Process) bool {
		return p.places(name) > 0 && (p.Kinds == nil || slices.Contains(p.Kinds, kind))
	})
}

// alive are those of some processes that live at an instant.
func alive(all []Process, now time.Time) []Process {
	return slices.DeleteFunc(slices.Clone(all), func(p Process) bool { return p.Condition(now) != ProcessAlive })
}

package store

import (
	"context"
	"slices"
	"time"

	"github.com/punctual-dev/punctual/queue"
)

// Spell is a time in which a worker took jobs from a queue.
type Spell struct {
	Worker      string
	Places      int // how many jobs of the queue it ran at once
	From, Until time.Time
}

// Worked are the spells within a time in which workers took jobs of a kind from a
// queue, the earliest first, as the processes tell. Of one that was killed the end
// is known to some seconds. It is not known of a time whose processes may have been
// forgotten, nor of kinds that programs work of which no process tells.
func (s *Store) Worked(ctx context.Context, name, kind string, from, until time.Time) (spells []Spell, known bool, err error) {
	now, err := s.db.Now(ctx)
	if err != nil || !queue.OwnKind(kind) || from.Before(now.Add(-keptProcesses)) {
		return nil, false, err
	}
	all, err := s.processes(ctx, "started_at < $2 AND coalesce(stopped_at, beat_at) > $1 ORDER BY started_at, id", from.Add(-DeadAfter), until)
	for _, p := range all {
		if !taken([]Process{p}, name, kind) {
			continue
		}
		one := Spell{Worker: p.ID, Places: p.places(name), From: latest(from, p.StartedAt), Until: until}
		if ended := p.ended(now); !ended.IsZero() && ended.Before(until) {
			one.Until = ended
		}
		if one.Until.After(one.From) {
			spells = append(spells, one)
		}
	}
	slices.SortStableFunc(spells, func(a, b Spell) int { return a.From.Compare(b.From) })
	return spells, err == nil, err
}

// ended is when a process was last known to live; zero: it does.
func (p Process) ended(now time.Time) time.Time {
	switch p.Condition(now) {
	case ProcessStopped:
		return p.StoppedAt
	case ProcessLost:
		return p.BeatAt
	}
	return time.Time{}
}

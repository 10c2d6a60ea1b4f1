package clock

import "time"

// steadiness judges the store's time by this process's own monotonic time: a
// jump that the latter does not confirm is held until it has been agreed upon
// for a while.
type steadiness struct {
	known     bool
	store     time.Time // the last reading of the store's time
	monotonic time.Time // this process's time at that reading
	heldSince time.Time // when (monotonic) the readings after a jump began to agree
	back      bool      // the jump went backward
}

// The judgements of a reading.
type judgement int

const (
	timeSteady  judgement = iota
	timeHeld              // jumped; nothing is to be decided yet
	timeSetBack           // set back, or not yet judged: what lies ahead is to be looked at
)

const (
	// jumpForward is what a jump has to exceed to be held. A shorter one is
	// like a short downtime.
	jumpForward = time.Minute
	// jumpBack is what setting back has to exceed to be acted upon.
	jumpBack = time.Second
	// holdFor is how long readings have to agree after a jump.
	holdFor = 10 * time.Second
	// steadyInterval is how often the time is read meanwhile, and how long a clock that
	// has nothing to decide relies on a reading.
	steadyInterval = time.Second
)

// judge takes a reading of the store's time and of this process's time, which
// carries a monotonic reading.
func (s *steadiness) judge(store, monotonic time.Time) judgement {
	if !s.known {
		s.known, s.store, s.monotonic = true, store, monotonic
		return timeSetBack
	}
	drift := store.Sub(s.store) - monotonic.Sub(s.monotonic)
	s.store, s.monotonic = store, monotonic
	switch {
	case drift > jumpForward || drift < -jumpForward:
		s.heldSince, s.back = monotonic, drift < 0
		return timeHeld
	case !s.heldSince.IsZero():
		if monotonic.Sub(s.heldSince) < holdFor {
			return timeHeld
		}
		s.heldSince = time.Time{}
		if s.back {
			return timeSetBack
		}
	case drift < -jumpBack:
		return timeSetBack
	}
	return timeSteady
}

// sure says that the store's time is known without asking: its last reading was
// believed, and is not old.
func (s *steadiness) sure(monotonic time.Time) bool {
	return s.known && s.heldSince.IsZero() && monotonic.Sub(s.monotonic) < steadyInterval
}

// counted is the store's time now, by the last reading and what this process has counted
// since; not ok where its two clocks disagree on that, as when the machine was suspended.
func (s *steadiness) counted(own time.Time) (at time.Time, ok bool) {
	monotonic, wall := own.Sub(s.monotonic), own.Round(0).Sub(s.monotonic.Round(0))
	return s.at(own), (wall - monotonic).Abs() < jumpBack
}

// at is the store's time at an instant of this process's, by the last reading.
func (s *steadiness) at(monotonic time.Time) time.Time {
	return s.store.Add(monotonic.Sub(s.monotonic))
}

package schedule_test

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"

	"github.com/punctual-dev/punctual/schedule"
)

// The model is the contract, written down a second time: it knows every nominal
// as a thing of its own, looks at them one by one, and shares no code with
// Decide. It is slow and takes whole seconds only.

// modelWhen yields the seconds that are a multiple of one of its periods.
type modelWhen []int64

func (w modelWhen) yields(second int64) bool {
	return slices.ContainsFunc(w, func(period int64) bool { return second%period == 0 })
}

// after is the next second it yields, before the last one.
func (w modelWhen) after(second int64) int64 {
	for second++; !w.yields(second); second++ {
	}
	return second
}

func (w modelWhen) before(second int64) int64 {
	for second--; !w.yields(second); second-- {
	}
	return second
}

// modelNominal is an occurrence and what became of it.
type modelNominal struct {
	at, due time.Time
	before  time.Time // the nominal before it

	met    bool
	fate   string // "": undecided; "runs", or why it was skipped
	stands []*modelNominal
	late   bool
	forced bool // the run before did not stop
}

const modelRuns = "runs"

// modelSchedule is a schedule as the contract sees it.
type modelSchedule struct {
	key      string
	policies schedule.Policies
	nominals []*modelNominal // as far as they are thought of
	jobs     []*modelJob
	pauses   []schedule.Pause
	skip     *modelNominal
	line     bool
	stopBy   time.Time // when those asked to stop are waited for no longer
}

type modelJob struct {
	of   *modelNominal // nil: made by hand
	made time.Time
	course
}

// modelWorld is several schedules and their limits.
type modelWorld struct {
	limits    map[string]int
	schedules []*modelSchedule
	course    func(s *modelSchedule, nominal time.Time) course
}

// define makes the nominals in (from, until], after what was there before.
func (s *modelSchedule) define(when modelWhen, jitter time.Duration, from, until time.Time) {
	s.nominals = slices.DeleteFunc(s.nominals, func(n *modelNominal) bool { return n.at.After(from) })
	if s.skip != nil && s.skip.at.After(from) {
		s.skip = nil
	}
	if when == nil {
		return
	}
	hash := sha256.Sum256([]byte(s.key))
	offset := binary.BigEndian.Uint64(hash[:8])
	for second := when.after(from.Unix()); second <= until.Unix(); second = when.after(second) {
		at := time.Unix(second, 0).UTC()
		n := &modelNominal{at: at, due: at, before: time.Unix(when.before(second), 0).UTC()}
		if gap := time.Duration(when.after(second)-second) * time.Second; jitter > 0 {
			width := uint64(min(jitter, gap) / time.Millisecond)
			n.due = at.Add(time.Duration(offset%width) * time.Millisecond)
		}
		if len(s.nominals) > 0 {
			last := s.nominals[len(s.nominals)-1]
			n.before = last.at
			if n.due.Before(last.due) {
				n.due = last.due
			}
		}
		s.nominals = append(s.nominals, n)
	}
}

// undecided are the nominals without a decision whose due is not after now.
func (s *modelSchedule) undecided(now time.Time) []*modelNominal {
	var all []*modelNominal
	for _, n := range s.nominals {
		if n.fate == "" && !n.due.After(now) {
			all = append(all, n)
		}
	}
	return all
}

func (s *modelSchedule) late(n *modelNominal, now time.Time) bool {
	return now.Sub(n.due) > time.Duration(s.policies.Grace)
}

// meet takes out what is paused or skipped by hand, and thins out the rest:
// by catch-up what is met for the first time, by overlap what is met while
// another waits.
func (s *modelSchedule) meet(now time.Time) {
	waits := slices.ContainsFunc(s.undecided(now), func(n *modelNominal) bool { return n.met })
	for _, n := range s.undecided(now) {
		switch {
		case n == s.skip:
			n.fate = string(schedule.ReasonByHand)
		case s.pausedAt(now), !n.met && s.pausedAt(n.due):
			n.fate = string(schedule.ReasonPaused)
		}
	}
	all := s.undecided(now)
	if len(all) == 0 {
		s.line, s.stopBy = false, time.Time{}
		return
	}
	if waits {
		s.thinOut(all)
	} else {
		s.catchUp(all, now)
	}
	for _, n := range all {
		n.met = true
	}
}

func (s *modelSchedule) pausedAt(at time.Time) bool {
	return slices.ContainsFunc(s.pauses, func(p schedule.Pause) bool {
		return !at.Before(p.From) && (p.Until.IsZero() || at.Before(p.Until))
	})
}

func (s *modelSchedule) catchUp(all []*modelNominal, now time.Time) {
	newest := all[len(all)-1]
	for i, n := range all {
		switch s.policies.CatchUp {
		case schedule.CatchUpLatest:
			if n != newest {
				n.fate = string(schedule.ReasonCoalesced)
				newest.stands = append(newest.stands, n)
			}
		case schedule.CatchUpNone:
			if n != newest || s.late(n, now) {
				n.fate = string(schedule.ReasonMissed)
			}
		default:
			tooOld := now.Sub(n.due) > time.Duration(s.policies.CatchUpWindow)
			if tooOld || len(all)-i > s.policies.CatchUpMax {
				n.fate = string(schedule.ReasonBeyondCatchUp)
			} else if s.late(n, now) && s.policies.Overlap != schedule.OverlapAllow {
				s.line = true
			}
		}
	}
}

func (s *modelSchedule) thinOut(all []*modelNominal) {
	newest := all[len(all)-1]
	switch {
	case s.policies.Overlap == schedule.OverlapAllow:
	case s.line || s.policies.Overlap == schedule.OverlapQueue:
		for _, n := range all[:max(0, len(all)-s.policies.CatchUpMax)] {
			n.fate = string(schedule.ReasonBeyondCatchUp)
		}
	default:
		var stands []*modelNominal
		for _, n := range all[:len(all)-1] {
			n.fate = string(schedule.ReasonSuperseded)
			stands = append(append(stands, n.stands...), n)
		}
		newest.stands = append(stands, newest.stands...)
	}
}

// look is the clock looking at everything. The place of a job that it cancels
// is free the next time.
func (m *modelWorld) look(now time.Time) {
	free := map[string]int{}
	for _, s := range m.schedules {
		free[s.policies.Limit] = m.free(s.policies.Limit)
		s.meet(now)
	}
	for {
		var first *modelSchedule
		var wants *modelNominal
		for _, s := range m.schedules {
			n := m.place(s, now)
			if n != nil && free[s.policies.Limit] > 0 && (wants == nil || n.due.Before(wants.due)) {
				first, wants = s, n
			}
		}
		if first == nil {
			return
		}
		m.enqueue(first, wants, now)
		free[first.policies.Limit]--
	}
}

// place decides by overlap what can be decided without a place in a group, and
// returns the nominal that wants one.
func (m *modelWorld) place(s *modelSchedule, now time.Time) *modelNominal {
	for _, n := range s.undecided(now) {
		switch fate := s.overlap(n, now); fate {
		case "waits":
			return nil
		case modelRuns:
			if s.policies.Limit != "" {
				return n
			}
			m.enqueue(s, n, now)
		default:
			n.fate = fate
		}
	}
	return nil
}

// free counts the free places of a group.
func (m *modelWorld) free(limit string) int {
	free := m.limits[limit]
	for _, s := range m.schedules {
		if s.policies.Limit == limit {
			free -= s.count(course.active)
		}
	}
	return free
}

func (s *modelSchedule) count(what func(course) bool) int {
	count := 0
	for _, j := range s.jobs {
		if what(j.course) {
			count++
		}
	}
	return count
}

// overlap is what overlap, or the line, makes of a nominal now.
func (s *modelSchedule) overlap(n *modelNominal, now time.Time) string {
	n.forced = false
	active := s.count(course.active)
	busy := s.count(func(c course) bool { return c.phase != ended }) > 0
	switch overlap := s.policies.Overlap; {
	case overlap == schedule.OverlapAllow:
		return modelRuns
	case s.line || overlap == schedule.OverlapQueue:
		if busy {
			return "waits"
		}
		return modelRuns
	case active == 0:
		s.stopBy = time.Time{}
		return modelRuns
	case overlap == schedule.OverlapSkip:
		return string(schedule.ReasonNotFinished)
	case overlap == schedule.OverlapWait:
		return "waits"
	}
	return s.cancel(n, now)
}

// cancel cancels the active jobs; one made just now is asked the next time.
func (s *modelSchedule) cancel(n *modelNominal, now time.Time) string {
	fresh := false
	for _, j := range s.jobs {
		switch {
		case j.of != nil && j.made.Equal(now):
			fresh = true
		case j.phase == available:
			j.end()
		}
	}
	switch {
	case fresh:
		return "waits"
	case s.count(course.active) == 0:
		s.stopBy = time.Time{}
		return modelRuns
	case s.stopBy.IsZero():
		s.stopBy = now.Add(time.Duration(s.policies.CancelGrace))
	case now.Before(s.stopBy):
		return "waits"
	}
	for _, j := range s.jobs {
		j.ask(now)
	}
	if now.Before(s.stopBy) {
		return "waits"
	}
	n.forced = true
	return modelRuns
}

func (m *modelWorld) enqueue(s *modelSchedule, n *modelNominal, now time.Time) {
	n.fate, n.late = modelRuns, s.late(n, now)
	if s.policies.Overlap != schedule.OverlapAllow {
		for _, j := range s.jobs {
			if j.phase == resting {
				j.end()
			}
		}
	}
	s.stopBy = time.Time{}
	s.jobs = append(s.jobs, &modelJob{of: n, made: now, course: m.course(s, n.at)})
	if len(s.undecided(now)) == 0 {
		s.line = false
	}
}

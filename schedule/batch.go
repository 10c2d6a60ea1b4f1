package schedule

import "time"

// Candidate is a schedule that is to be decided, with all that Decide needs.
type Candidate struct {
	Schedule *Schedule
	State    State
	Version  int64 // of the state: the decision holds only while it stands
	Facts    Facts
}

// Group is what is known of a limit: how many places are free, and the
// earliest due that waits for one outside of the batch (zero: none does).
type Group struct {
	Free     int
	Earliest time.Time
}

// Decided is a candidate and what becomes of it.
type Decided struct {
	Candidate
	Decision
}

// DecideBatch decides every candidate. Places in a limit's group go one by one
// to the nominal that was due first, wherever it is.
func DecideBatch(candidates []Candidate, groups map[string]Group) []Decided {
	decided := make([]Decided, len(candidates))
	members := map[string][]int{}
	for i, c := range candidates {
		limit := c.Schedule.Policies.Limit
		c.Facts.Places = 0
		if groups[limit].Free >= Unlimited {
			c.Facts.Places = Unlimited
		}
		decided[i] = Decided{Candidate: c, Decision: Decide(c.Schedule, c.State, c.Facts)}
		if decided[i].State().Waiting == WaitingForPlace {
			members[limit] = append(members[limit], i)
		}
	}
	for limit, indexes := range members {
		givePlaces(groups[limit], decided, indexes)
	}
	return decided
}

// givePlaces gives the free places of a group to its members, for as long as
// nobody outside of the batch was due before.
func givePlaces(group Group, decided []Decided, members []int) {
	for free := group.Free; free > 0; free-- {
		i, ok := firstInLine(decided, members)
		if !ok || (!group.Earliest.IsZero() && group.Earliest.Before(decided[i].State().WaitingDue)) {
			return
		}
		decided[i].Decision = decided[i].withPlace()
		if decided[i].More {
			return // the next place is still its own
		}
	}
}

// State after the decision; the candidate's own is the state before.
func (d Decided) State() State { return d.Decision.State }

// firstInLine is the member whose waiting nominal was due first.
func firstInLine(decided []Decided, members []int) (first int, ok bool) {
	for _, i := range members {
		if decided[i].State().Waiting != WaitingForPlace {
			continue
		}
		if !ok || decided[i].State().WaitingDue.Before(decided[first].State().WaitingDue) {
			first, ok = i, true
		}
	}
	return first, ok
}

// withPlace goes on from a decision that waits for a place, with one.
func (d Decision) withPlace() Decision {
	d.decider.facts.Places = 1
	d.decider.place()
	return d.decider.decision()
}

// Batch is candidates read together, with the facts as they were then.
type Batch struct {
	Now        time.Time
	Candidates []Candidate
	Last       Place // of the last one
	Groups     map[string]Group
	// Unreadable are schedules that cannot be decided, by id, and why.
	Unreadable map[int64]error
	// Ground is the store's own: what the facts rest on, wanted back by the
	// commit.
	Ground any
}

// Len is how many schedules the batch has, those that cannot be decided too.
func (b Batch) Len() int { return len(b.Candidates) + len(b.Unreadable) }

// Wanted says which of the schedules that are due are wanted, earliest first.
type Wanted struct {
	Now   time.Time // the store's, by a reading that is still good; zero has it read
	Lane  Lane
	Since time.Duration // for how long they have been due, at least
	// Behind is a place that those wanted are behind; the zero value is before all.
	Behind Place
	Share  Share
	Limit  int
}

// Place is where a schedule stands among those that are due: in order of when they
// are, and then of their ids.
type Place struct {
	Due time.Time
	ID  int64
}

// Share is one of several parts of all schedules; the zero value is all of them.
// Clocks that work off a crowd together take one each.
type Share struct{ Number, Of int }

// Has says that a schedule is in the share.
func (s Share) Has(id int64) bool { return s.Of <= 1 || id%int64(s.Of) == int64(s.Number) }

// Pace is how a store would have much decided.
type Pace struct {
	Hands   int           // batches of a crowd at once
	Between time.Duration // what is left to others between two batches
	Pause   time.Duration // between two looks, while something is due all the time
}

// Lane says which of the due schedules are meant.
type Lane int

// The lanes. What is on time goes before what is caught up.
const (
	LaneOnTime Lane = iota
	LaneLate
)

// Committed says what a commit of decisions did. Decisions that no longer held
// (another clock, an edit, a retry that began) are left out: their schedules are
// decided again.
type Committed struct {
	Schedules int
	Enqueued  int
	Skipped   int
	Lateness  time.Duration // the largest between a due and its decision
	// Decided are the decisions that were written down, at the instant At: not
	// those that another clock was faster with.
	Decided []Decided
	At      time.Time
}

package schedule

import (
	"math"
	"time"
)

// State is all that moves of a schedule: where its decisions stand and what it
// waits for.
type State struct {
	// Cursor: every nominal at or before it has been decided.
	Cursor time.Time
	// Met: catch-up limits have been applied to every nominal at or before it.
	Met time.Time
	// NextDue is when the clock looks at the schedule next; zero while it waits
	// and when it has ended.
	NextDue time.Time
	// Waiting says what the oldest undecided nominal waits for, WaitingDue when
	// that nominal was due, and WaitUntil when it waits no longer (zero: for as
	// long as it takes).
	Waiting    Waiting
	WaitingDue time.Time
	WaitUntil  time.Time
	// InLine: the undecided nominals are a catch-up line, enqueued strictly one
	// after the other until none is left.
	InLine bool
	// What the next job stands for besides its own nominal: how many were
	// coalesced or superseded into it, and the first of them.
	CoveredCount int
	CoveredSince time.Time
	// SkipAt is a nominal to be skipped by hand; zero for none.
	SkipAt time.Time
}

// Waiting is what a nominal waits for.
type Waiting string

// The values of Waiting.
const (
	NotWaiting       Waiting = ""
	WaitingForRun    Waiting = "run"    // overlap wait: the active job ends
	WaitingInQueue   Waiting = "queue"  // overlap queue: the job before ends
	WaitingForCancel Waiting = "cancel" // overlap cancel: the cancelled job ends, or WaitUntil
	WaitingInLine    Waiting = "line"   // catch-up, one after the other
	WaitingForPlace  Waiting = "limit"  // a place in the limit's group
)

// InWords says what is waited for, for people.
func (w Waiting) InWords() string {
	switch w {
	case NotWaiting:
		return "nothing"
	case WaitingForRun:
		return "the previous run to finish"
	case WaitingInQueue:
		return "the runs before it in the queue"
	case WaitingForCancel:
		return "the cancelled run to stop"
	case WaitingInLine:
		return "the catch-up runs before it"
	case WaitingForPlace:
		return "a free place in its limit"
	}
	return string(w)
}

// Reason says why an occurrence was skipped.
type Reason string

// The reasons of the contract.
const (
	ReasonCoalesced     Reason = "coalesced"
	ReasonBeyondCatchUp Reason = "beyond catch-up limit"
	ReasonMissed        Reason = "missed"
	ReasonPaused        Reason = "paused"
	ReasonNotFinished   Reason = "previous run not finished"
	ReasonSuperseded    Reason = "superseded"
	ReasonDeleted       Reason = "deleted"
	ReasonByHand        Reason = "by hand"
)

// NoteNotTaken stands beside ReasonNotFinished where the job in the way had not been
// taken by a worker, or had been given back by one.
const NoteNotTaken = "the previous run was waiting for a worker"

// Reasons are all of them.
var Reasons = []Reason{
	ReasonCoalesced, ReasonBeyondCatchUp, ReasonMissed, ReasonPaused, ReasonNotFinished, ReasonSuperseded, ReasonDeleted, ReasonByHand,
}

// Pause is a span of time in which the clock enqueues nothing of the schedules
// it concerns.
type Pause struct {
	From  time.Time
	Until time.Time // zero: no end
}

func (p Pause) holds(at time.Time) bool {
	return !at.Before(p.From) && (p.Until.IsZero() || at.Before(p.Until))
}

// ActiveJob is a job of a schedule that has yet to end. ThisDecision as its ID
// means the job of the last enqueued row of the same decision.
type ActiveJob struct {
	ID      int64
	Running bool
}

// ThisDecision stands for a job that has no id yet: see ActiveJob.
const ThisDecision int64 = -1

// Facts are what Decide has to know besides the schedule and its state.
type Facts struct {
	Now      time.Time
	Pauses   []Pause     // those that concern the schedule
	Active   []ActiveJob // its active jobs, oldest first
	Retrying []int64     // its jobs that wait for a retry after a failed attempt
	// Places is how many places of the schedule's limit group it may take now;
	// without a limit it is not looked at.
	Places int
}

// Unlimited is the number of free places in a group that has no limit.
const Unlimited = math.MaxInt32

// Decision is what becomes of the nominals of one schedule: rows for the
// ledger, in order of nominal, and the state after them.
type Decision struct {
	Rows []Row
	// State replaces the state the decision was made from.
	State State
	// Supersede are jobs that wait (for a retry, or to be started, under
	// overlap cancel) and are cancelled by the decision; if one has started
	// meanwhile, the decision does not hold.
	Supersede []int64
	// Cancel are running jobs that are asked to stop.
	Cancel []int64
	// More: enqueueing stopped at the batch's bound; there is more to do now.
	More bool

	decider *decider // as it stopped, for want of a place
}

// Row is one decision of the ledger: an enqueued occurrence, a skipped one, or
// a stretch of Count skipped ones from Nominal to Until.
type Row struct {
	Nominal time.Time
	Due     time.Time
	Until   time.Time // equal to Nominal unless Count > 1
	Count   int
	Skipped Reason // empty: enqueued
	Blocker int64  // the job that stood in the way; zero for none
	Note    string
	// What the job of an enqueued row stands for: the nominals in (From,
	// Nominal], of which Missed were not run, the first at MissedSince.
	From        time.Time
	Missed      int
	MissedSince time.Time
	Trace       string // the context of a trace for the job of an enqueued row; empty: nobody follows it
	Late        bool   // met more than the grace after due: enqueued at low priority
}

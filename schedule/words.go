package schedule

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// PoliciesInWords are the policies of a declaration for people, one sentence
// each. next is its next nominal in its zone, which makes a better example;
// zero if there is none.
func (d Declaration) PoliciesInWords(next time.Time) []string {
	p := d.Policies
	rules := []string{d.catchUpInWords(next), p.overlapInWords()}
	if p.Limit != "" {
		rules = append(rules, fmt.Sprintf("Its jobs take places of the limit %s; where none is free it waits.", p.Limit))
	}
	rules = append(rules, p.retriesInWords()+d.laterInWords())
	if p.Timeout > 0 {
		rules = append(rules, fmt.Sprintf("An attempt that takes longer than %s is ended.", p.Timeout))
	}
	if p.Expires > 0 {
		rules = append(rules, fmt.Sprintf("A job not started %s after it was due is not run any more.", p.Expires))
	}
	if d.Jitter > 0 {
		rules = append(rules, fmt.Sprintf("It is enqueued at the same offset each time, less than %s after its nominal (jitter).", Duration(d.Jitter)))
	}
	return append(rules, fmt.Sprintf("Its jobs go to the queue %s with priority %d of 4 (1 is first).", p.Queue, p.Priority))
}

// catchUpInWords says what happens if the clock is down.
func (d Declaration) catchUpInWords(next time.Time) string {
	when := "when it is due"
	if !next.IsZero() && !strings.HasPrefix(strings.Join(d.When.Expressions, "; "), "every ") {
		when = "at " + next.Format("15:04")
	}
	p := d.Policies
	switch p.CatchUp {
	case CatchUpAll:
		return fmt.Sprintf("If the clock is down %s, every occurrence missed runs when it is back, oldest first: those of the last %s, at most %d.%s", when, p.CatchUpWindow, p.CatchUpMax, p.hardlyLate())
	case CatchUpNone:
		return fmt.Sprintf("If the clock is down %s, it does not run; of all that were missed only the newest does, if the clock is back within %s of it.", when, p.Grace)
	}
	return fmt.Sprintf("If the clock is down %s, it runs once when the clock is back, for all that were missed.", when)
}

// hardlyLate says what becomes of what is hardly late where catch-up makes all of it
// up: that is not in line, so that overlap may leave some out. Without grace
// everything is late, if by a millisecond, and in line. Empty: nothing is left out.
func (p Policies) hardlyLate() string {
	may := map[Overlap]string{OverlapSkip: "leave it out", OverlapWait: "leave it out", OverlapCancel: "end it early"}[p.Overlap]
	if p.Grace <= 0 || may == "" {
		return ""
	}
	return fmt.Sprintf(" What is late by less than grace, %s, is decided as if on time: overlap: %s may %s (with grace: 0s each waits its turn).", p.Grace, p.Overlap, may)
}

func (p Policies) overlapInWords() string {
	const unfinished = "If the previous run has not finished, "
	switch p.Overlap {
	case OverlapWait:
		return unfinished + "it waits until it has; one that comes due meanwhile takes its place."
	case OverlapQueue:
		return unfinished + fmt.Sprintf("it waits its turn; at most %d wait.", p.CatchUpMax)
	case OverlapCancel:
		return unfinished + fmt.Sprintf("that is cancelled, and it starts when that has stopped, at the latest after %s.", p.CancelGrace)
	case OverlapAllow:
		return unfinished + "it runs beside it."
	}
	return unfinished + "it is skipped."
}

func (p Policies) retriesInWords() string {
	if p.Retries == 0 {
		return "A run that fails is not tried again."
	}
	times := "once"
	if p.Retries > 1 {
		times = fmt.Sprintf("up to %d times", p.Retries)
	}
	after := fmt.Sprintf("after %s", p.Backoff.Initial)
	if p.Backoff.Kind == BackoffExponential && p.Retries > 1 {
		after += fmt.Sprintf(", then twice as long each time, at most %s", p.Backoff.Max)
	}
	unless := ""
	if p.Overlap != OverlapAllow && p.Overlap != OverlapQueue {
		unless = "; it gives way to the next one that comes due before"
	}
	return fmt.Sprintf("A run that fails is tried again %s, %s%s.", times, after, unless)
}

// laterInWords says, where nothing is tried again, that a command may ask to be run
// again all the same.
func (d Declaration) laterInWords() string {
	command := d.Job.Run
	if command == nil || d.Policies.Retries > 0 || HasExitCode(slices.Concat(command.SuccessCodes, command.NoRetryCodes), TemporaryFailure) {
		return ""
	}
	return fmt.Sprintf(" Exit code %d asks for a run later, though, and uses up no retry.", TemporaryFailure)
}

// MissedInWords says why an occurrence is not made up for under catch_up: none, that
// was decided so late. It begins small and ends without a stop.
func (p Policies) MissedInWords(late time.Duration) string {
	if late > time.Duration(p.Grace) {
		return fmt.Sprintf("the clock was away when it was due, and came back more than %s later; then it is not made up for (catch_up: none)", p.Grace)
	}
	return fmt.Sprintf("the clock was away when it was due; of those that were missed only the newest may run, if the clock is back within %s (catch_up: none)", p.Grace)
}

// InWords is the reason of a skip for people. note is what the ledger says
// besides, and late how long after its due the last of those was decided that it is
// about.
func (r Reason) InWords(p Policies, note string, late time.Duration) string {
	switch r {
	case ReasonCoalesced:
		return "the clock was away when it was due, and the newest of those that were missed was to run for all (catch_up: latest)"
	case ReasonBeyondCatchUp:
		return fmt.Sprintf("more were missed than are made up for (catch_up_window: %s, catch_up_max: %d)", p.CatchUpWindow, p.CatchUpMax)
	case ReasonMissed:
		return p.MissedInWords(late)
	case ReasonPaused:
		return "it fell due, or waited, while the schedule was paused"
	case ReasonNotFinished:
		switch note {
		case "":
		case NoteNotTaken:
			return note + " (overlap: skip)"
		default:
			return note
		}
		return "the previous run had not finished (overlap: skip)"
	case ReasonSuperseded:
		return "a newer occurrence took its place while it waited"
	case ReasonDeleted:
		return "the schedule was deleted"
	case ReasonByHand:
		return "somebody decided that it be skipped"
	}
	return string(r)
}

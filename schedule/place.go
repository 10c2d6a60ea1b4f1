package schedule

import (
	"fmt"
	"time"
)

// maxEnqueuedAtOnce bounds how many occurrences of one schedule a decision
// enqueues, so that a long catch-up never holds up the others.
const maxEnqueuedAtOnce = 100

// place walks the stretches after the cursor in order, writes the skips and
// places each candidate until one has to wait. Given a place that it waited
// for, it goes on where it stopped.
func (d *decider) place() {
	for _, s := range d.stretches {
		s.after = later(s.after, d.state.Cursor)
		if s.reason != "" {
			d.skip(s, ActiveJob{})
			continue
		}
		for n, ok := d.timeline.Next(s.after); ok && !n.At.After(s.until); n, ok = d.timeline.Next(n.At) {
			if d.enqueued == maxEnqueuedAtOnce {
				d.more = true
				d.stopBefore(n, NotWaiting)
				return
			}
			if blocker := d.blocker(); blocker.ID != 0 {
				// Nothing in this decision ends the job in the way.
				d.skip(stretch{d.state.Cursor, s.until, ReasonNotFinished}, blocker)
				break
			}
			if waiting := d.placeOne(n); waiting != NotWaiting {
				d.state.WaitingDue = n.Due
				d.stopBefore(n, waiting)
				return
			}
		}
	}
	d.state.Cursor, d.state.Met = d.last, d.last
	d.finish(NotWaiting)
}

// stopBefore ends the decision at a nominal that stays undecided. Those up to
// the last have been met, unless catch-up has marked some behind it, which is
// not written down: they are met anew.
func (d *decider) stopBefore(n Nominal, waiting Waiting) {
	if n.At.After(d.met) {
		d.state.Met = d.last
	}
	d.finish(waiting)
}

// blocker is the active job for which nominals are skipped; without an ID there is
// none.
func (d *decider) blocker() ActiveJob {
	if d.schedule.Policies.Overlap == OverlapSkip && !d.state.InLine && len(d.facts.Active) > 0 {
		return d.facts.Active[len(d.facts.Active)-1]
	}
	return ActiveJob{}
}

// placeOne enqueues n or says what it has to wait for. Overlap is judged before
// the limit.
func (d *decider) placeOne(n Nominal) Waiting {
	overlap := d.schedule.Policies.Overlap
	busy := len(d.facts.Active)+len(d.facts.Retrying) > 0
	note := ""
	switch {
	case overlap == OverlapAllow:
	case d.state.InLine && busy:
		return WaitingInLine
	case overlap == OverlapQueue && busy:
		return WaitingInQueue
	case len(d.facts.Active) == 0:
		d.state.WaitUntil = time.Time{}
	case overlap == OverlapCancel:
		stopped, waits := d.cancelActive()
		if waits {
			return WaitingForCancel
		}
		note = stopped
	default:
		return WaitingForRun
	}
	if d.schedule.Policies.Limit != "" && d.facts.Places <= 0 {
		return WaitingForPlace
	}
	d.enqueue(n, note)
	return NotWaiting
}

// cancelActive ends the active jobs under overlap cancel: those not yet
// started at once, the others by asking, and waiting for at most the cancel
// grace. The note tells of jobs that did not stop in time.
func (d *decider) cancelActive() (note string, waits bool) {
	var running []ActiveJob
	for _, job := range d.facts.Active {
		if job.Running || job.ID == ThisDecision {
			running = append(running, job)
		} else {
			d.supersede = append(d.supersede, job.ID)
		}
	}
	d.facts.Active = running
	if len(running) == 0 {
		d.state.WaitUntil = time.Time{}
		return "", false
	}
	if running[len(running)-1].ID == ThisDecision {
		return "", true // asked for as soon as it has an id
	}
	grace := time.Duration(d.schedule.Policies.CancelGrace)
	if d.state.WaitUntil.IsZero() {
		d.state.WaitUntil = d.facts.Now.Add(grace)
	} else if d.facts.Now.Before(d.state.WaitUntil) {
		return "", true
	}
	// Asked again when the grace is over: one made by hand may have come since.
	d.cancel = nil
	for _, job := range running {
		d.cancel = append(d.cancel, job.ID)
	}
	if d.facts.Now.Before(d.state.WaitUntil) {
		return "", true
	}
	return fmt.Sprintf("job %d still ran when the cancel grace of %s was over", running[0].ID, Duration(grace)), false
}

func (d *decider) enqueue(n Nominal, note string) {
	first := n.At
	if d.state.CoveredCount > 0 {
		first = d.state.CoveredSince
	}
	d.rows = append(d.rows, Row{
		Nominal: n.At, Until: n.At, Due: n.Due, Count: 1, Note: note,
		From: d.timeline.Covered(first), Missed: d.state.CoveredCount, MissedSince: d.state.CoveredSince,
		Late: d.late(n),
	})
	if d.schedule.Policies.Overlap != OverlapAllow {
		d.supersede = append(d.supersede, d.facts.Retrying...)
		d.facts.Retrying = nil
	}
	d.facts.Active = append(d.facts.Active, ActiveJob{ID: ThisDecision})
	d.facts.Places--
	d.enqueued++
	d.state.Cursor = n.At
	d.state.WaitUntil = time.Time{}
	d.forgetCovered()
}

// skip writes the nominals of a stretch as one row. Those coalesced or
// superseded are remembered for the job that will stand for them; one that a
// job stands in the way of stands for nothing any more.
func (d *decider) skip(s stretch, blocker ActiveJob) {
	row, ok := skippedStretch(d.timeline, s.after, s.until, s.reason)
	if !ok {
		return
	}
	if row.Blocker = blocker.ID; blocker.ID > 0 && !blocker.Running {
		row.Note = NoteNotTaken // one just made in this decision goes without saying
	}
	d.rows = append(d.rows, row)
	d.state.Cursor = row.Until
	switch s.reason {
	case ReasonCoalesced, ReasonSuperseded:
		if d.state.CoveredCount == 0 {
			d.state.CoveredSince = row.Nominal
		}
		d.state.CoveredCount += row.Count
	case ReasonNotFinished:
		d.forgetCovered()
	}
}

func (d *decider) forgetCovered() {
	d.state.CoveredCount, d.state.CoveredSince = 0, time.Time{}
}

// finish sets when the clock looks again: at the next due, or when what is
// waited for has come.
func (d *decider) finish(waiting Waiting) {
	if !d.state.SkipAt.IsZero() && !d.state.SkipAt.After(d.state.Cursor) {
		d.state.SkipAt = time.Time{}
	}
	if waiting != WaitingForCancel && waiting != WaitingForPlace {
		d.state.WaitUntil = time.Time{}
	}
	d.state.Waiting, d.state.NextDue = waiting, time.Time{}
	if waiting == NotWaiting {
		d.state.WaitingDue, d.state.InLine = time.Time{}, false
		d.state.NextDue = d.timeline.nextDue(d.state.Cursor)
	}
}

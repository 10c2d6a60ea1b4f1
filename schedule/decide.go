package schedule

import (
	"fmt"
	"slices"
	"time"
)

// maxEnqueuedAtOnce bounds how many occurrences of one schedule a decision
// enqueues, so that a long catch-up never holds up the others.
const maxEnqueuedAtOnce = 100

// Decide says what becomes of every nominal of s after the cursor whose due is
// not after now. It reads its arguments and nothing else.
//
// The stretch of nominals is first split: what fell due in a pause or is
// skipped by hand is out of the question. Catch-up then thins out what is left,
// once for each nominal, and overlap and the limit place the candidates that
// remain, oldest first. The first that has to wait ends the decision: it and
// all after it stay undecided, and the cursor stands before it.
func Decide(s *Schedule, state State, facts Facts) Decision {
	d := &decider{schedule: s, state: state, facts: facts, timeline: s.Timeline}
	last, ok := s.Timeline.LastDue(facts.Now)
	if !ok || !last.At.After(state.Cursor) {
		d.finish(NotWaiting)
		return d.decision()
	}
	stretches := d.split(last.At)
	if state.Waiting == NotWaiting {
		stretches = d.catchUp(stretches)
	} else {
		stretches = d.thinOutWaiting(stretches)
	}
	d.place(stretches, last.At)
	return d.decision()
}

// decider carries one decision through its steps.
type decider struct {
	schedule *Schedule
	timeline Timeline
	state    State
	facts    Facts

	rows      []Row
	supersede []int64
	cancel    []int64
	enqueued  int
	more      bool
}

func (d *decider) decision() Decision {
	return Decision{Rows: d.rows, State: d.state, Supersede: d.supersede, Cancel: d.cancel, More: d.more, facts: d.facts}
}

// stretch is the nominals in (after, until], which share a fate. No reason
// means that they are candidates.
type stretch struct {
	after, until time.Time
	reason       Reason
}

// split cuts (cursor, last] where pauses and skip-next begin and end.
func (d *decider) split(last time.Time) []stretch {
	all := []stretch{{after: d.state.Cursor, until: last}}
	if skip := d.state.SkipAt; !skip.IsZero() {
		all = mark(all, skip.Add(-1), skip, ReasonByHand)
	}
	for _, pause := range d.facts.Pauses {
		if pause.holds(d.facts.Now) {
			return mark(all, d.state.Cursor, last, ReasonPaused)
		}
		if pause.From.After(d.facts.Now) || pause.Until.IsZero() {
			continue
		}
		until, ok := d.timeline.LastDue(pause.Until.Add(-1))
		if !ok {
			continue
		}
		after := time.Time{}
		if before, ok := d.timeline.LastDue(pause.From.Add(-1)); ok {
			after = before.At
		}
		all = mark(all, after, until.At, ReasonPaused)
	}
	return all
}

// mark gives the candidates in (after, until] a reason to be skipped.
func mark(stretches []stretch, after, until time.Time, reason Reason) []stretch {
	var marked []stretch
	add := func(from, to time.Time, reason Reason) {
		if to.After(from) {
			marked = append(marked, stretch{from, to, reason})
		}
	}
	for _, s := range stretches {
		if s.reason != "" {
			marked = append(marked, s)
			continue
		}
		from, to := later(after, s.after), earlier(until, s.until)
		if !to.After(from) {
			marked = append(marked, s)
			continue
		}
		add(s.after, from, "")
		add(from, to, reason)
		add(to, s.until, "")
	}
	return marked
}

// catchUp applies the catch-up policy to candidates that are met for the first
// time.
func (d *decider) catchUp(stretches []stretch) []stretch {
	policies := d.schedule.Policies
	newest, ok := d.newest(stretches)
	if !ok {
		return stretches
	}
	switch policies.CatchUp {
	case CatchUpAll:
		return d.catchUpAll(stretches)
	case CatchUpNone:
		if d.late(newest) {
			return mark(stretches, d.state.Cursor, newest.At, ReasonMissed)
		}
		return mark(stretches, d.state.Cursor, newest.At.Add(-1), ReasonMissed)
	default:
		return mark(stretches, d.state.Cursor, newest.At.Add(-1), ReasonCoalesced)
	}
}

// catchUpAll keeps the newest candidates within the window and the number. If
// the oldest kept is late and jobs may not overlap, all of them stand in line.
func (d *decider) catchUpAll(stretches []stretch) []stretch {
	policies := d.schedule.Policies
	met := later(d.state.Met, d.state.Cursor)
	if before, ok := d.timeline.LastDue(d.facts.Now.Add(-time.Duration(policies.CatchUpWindow)).Add(-1)); ok {
		stretches = mark(stretches, met, before.At, ReasonBeyondCatchUp)
	}
	stretches = d.keepNewest(stretches, met, policies.CatchUpMax)
	d.state.Met = stretches[len(stretches)-1].until
	if oldest, ok := d.oldest(stretches); ok && policies.Overlap != OverlapAllow && d.late(oldest) {
		d.state.InLine = true
	}
	return stretches
}

// thinOutWaiting places what came due while a nominal waits: catch-up is not
// applied again, however late it is met.
func (d *decider) thinOutWaiting(stretches []stretch) []stretch {
	policies := d.schedule.Policies
	if policies.Overlap == OverlapAllow {
		return stretches
	}
	if d.state.InLine || policies.Overlap == OverlapQueue {
		return d.keepNewest(stretches, d.state.Cursor, policies.CatchUpMax)
	}
	if newest, ok := d.newest(stretches); ok {
		return mark(stretches, d.state.Cursor, newest.At.Add(-1), ReasonSuperseded)
	}
	return stretches
}

// keepNewest marks all but the newest n candidates after met as beyond the
// catch-up limit.
func (d *decider) keepNewest(stretches []stretch, met time.Time, n int) []stretch {
	kept := 0
	for i := len(stretches) - 1; i >= 0; i-- {
		s := stretches[i]
		from := later(s.after, met)
		if s.reason != "" || !s.until.After(from) {
			continue
		}
		before := s.until.Add(1)
		for {
			nominal, ok := d.timeline.Prev(before)
			if !ok || !nominal.At.After(from) {
				break
			}
			if kept == n {
				return mark(stretches, met, nominal.At, ReasonBeyondCatchUp)
			}
			kept++
			before = nominal.At
		}
	}
	return stretches
}

func (d *decider) newest(stretches []stretch) (Nominal, bool) {
	for _, s := range slices.Backward(stretches) {
		if s.reason == "" {
			if n, ok := d.timeline.Prev(s.until.Add(1)); ok && n.At.After(s.after) {
				return n, true
			}
		}
	}
	return Nominal{}, false
}

func (d *decider) oldest(stretches []stretch) (Nominal, bool) {
	for _, s := range stretches {
		if s.reason == "" {
			if n, ok := d.timeline.Next(s.after); ok && !n.At.After(s.until) {
				return n, true
			}
		}
	}
	return Nominal{}, false
}

func (d *decider) late(n Nominal) bool {
	return d.facts.Now.Sub(n.Due) > time.Duration(d.schedule.Policies.Grace)
}

// place walks the stretches in order, writes the skips and places each
// candidate until one has to wait.
func (d *decider) place(stretches []stretch, last time.Time) {
	for _, s := range stretches {
		if s.reason != "" {
			d.skip(s)
			continue
		}
		for n, ok := d.timeline.Next(s.after); ok && !n.At.After(s.until); n, ok = d.timeline.Next(n.At) {
			if d.enqueued == maxEnqueuedAtOnce {
				d.more = true
				d.finish(NotWaiting)
				return
			}
			if waiting := d.placeOne(n); waiting != NotWaiting {
				d.state.WaitingDue = n.Due
				d.finish(waiting)
				return
			}
		}
	}
	d.state.Cursor = last
	d.finish(NotWaiting)
}

// placeOne enqueues n, skips it, or says what it has to wait for. Overlap is
// judged before the limit.
func (d *decider) placeOne(n Nominal) Waiting {
	overlap := d.schedule.Policies.Overlap
	note := ""
	switch {
	case overlap == OverlapAllow:
	case d.state.InLine && len(d.facts.Active)+len(d.facts.Retrying) > 0:
		return WaitingInLine
	case overlap == OverlapQueue && len(d.facts.Active)+len(d.facts.Retrying) > 0:
		return WaitingInQueue
	case len(d.facts.Active) == 0:
	case overlap == OverlapWait:
		return WaitingForRun
	case overlap == OverlapCancel:
		stopped, waits := d.cancelActive()
		if waits {
			return WaitingForCancel
		}
		note = stopped
	default:
		d.skipOne(n, ReasonNotFinished, d.facts.Active[len(d.facts.Active)-1].ID)
		return NotWaiting
	}
	if d.schedule.Policies.Limit != "" && d.facts.Places <= 0 {
		return WaitingForPlace
	}
	d.enqueue(n, note)
	return NotWaiting
}

// cancelActive ends the active jobs under overlap cancel: those not yet
// started at once, the others by asking, once, and waiting for at most the
// cancel grace. The note tells of jobs that did not stop in time.
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
	grace := d.schedule.Policies.CancelGrace
	switch {
	case len(running) == 0:
		return "", false
	case running[len(running)-1].ID == ThisDecision:
		return "", true // asked for as soon as it has an id
	case d.state.WaitUntil.IsZero():
		for _, job := range running {
			d.cancel = append(d.cancel, job.ID)
		}
		d.state.WaitUntil = d.facts.Now.Add(time.Duration(grace))
		return "", true
	case d.facts.Now.Before(d.state.WaitUntil):
		return "", true
	}
	return fmt.Sprintf("job %d did not stop within %s of its cancellation", running[0].ID, grace), false
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

func (d *decider) skipOne(n Nominal, reason Reason, blocker int64) {
	d.rows = append(d.rows, Row{Nominal: n.At, Until: n.At, Due: n.Due, Count: 1, Skipped: reason, Blocker: blocker})
	d.state.Cursor = n.At
	d.forgetCovered()
}

// skip writes the nominals of a stretch as one row. Those coalesced or
// superseded are remembered for the job that will stand for them.
func (d *decider) skip(s stretch) {
	row, ok := skippedStretch(d.timeline, s.after, s.until, s.reason)
	if !ok {
		return
	}
	d.rows = append(d.rows, row)
	d.state.Cursor = row.Until
	switch s.reason {
	case ReasonCoalesced, ReasonSuperseded:
		if d.state.CoveredCount == 0 {
			d.state.CoveredSince = row.Nominal
		}
		d.state.CoveredCount += row.Count
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
	d.state.Waiting = waiting
	if waiting != NotWaiting {
		d.state.NextDue = time.Time{}
		return
	}
	d.state.WaitingDue, d.state.WaitUntil, d.state.InLine = time.Time{}, time.Time{}, false
	d.state.NextDue = d.timeline.nextDue(d.state.Cursor)
	if len(d.rows) > 0 && d.rows[len(d.rows)-1].Skipped == ReasonPaused {
		d.forgetCovered()
	}
}

// nextDue is when the first nominal after an instant is due; zero if there is
// none ever again.
func (t Timeline) nextDue(after time.Time) time.Time {
	next, ok := t.Next(after)
	if !ok {
		return time.Time{}
	}
	return next.Due
}

// skippedStretch is the row for the nominals in (after, until]; ok is false if
// there are none.
func skippedStretch(t Timeline, after, until time.Time, reason Reason) (row Row, ok bool) {
	first, ok := t.Next(after)
	if !ok || first.At.After(until) {
		return Row{}, false
	}
	last, _ := t.Prev(until.Add(1))
	return Row{
		Nominal: first.At, Due: first.Due, Until: last.At,
		Count: t.Count(after, until), Skipped: reason,
	}, true
}

// Around is a skipped row without what stands in the ledger already, in order
// of nominal: the stretches before, between and after.
func (r Row) Around(t Timeline, standing []LedgerRow) []Row {
	var rows []Row
	after := r.Nominal.Add(-1)
	add := func(until time.Time) {
		if row, ok := skippedStretch(t, after, until, r.Skipped); ok {
			row.Blocker, row.Note = r.Blocker, r.Note
			rows = append(rows, row)
		}
	}
	for _, s := range standing {
		add(s.Nominal.Add(-1))
		after = later(after, s.Until)
	}
	add(r.Until)
	return rows
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

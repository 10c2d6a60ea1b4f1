package schedule

import (
	"slices"
	"time"
)

// Decide says what becomes of every nominal of s after the cursor whose due is
// not after now. It reads its arguments and nothing else.
//
// The stretch of nominals is first split: what fell due in a pause or is
// skipped by hand is out of the question. Catch-up then thins out what is left,
// once for each nominal, and overlap and the limit place the candidates that
// remain, oldest first. The first that has to wait ends the decision: it and
// all after it stay undecided, and the cursor stands before it.
func Decide(s *Schedule, state State, facts Facts) Decision {
	d := decider{schedule: s, state: state, facts: facts, timeline: s.Timeline}
	d.facts.Active = slices.Clip(facts.Active)
	last, ok := s.Timeline.LastDue(facts.Now)
	if !ok || !last.At.After(state.Cursor) {
		d.finish(NotWaiting)
		return d.decision()
	}
	d.last = last.At
	d.stretches = d.split()
	if state.Waiting == NotWaiting {
		d.catchUp()
	} else {
		d.thinOutWaiting()
	}
	d.dropCovered()
	d.place()
	return d.decision()
}

// decider carries one decision through its steps.
type decider struct {
	schedule *Schedule
	timeline Timeline
	state    State
	facts    Facts

	stretches []stretch // of the nominals after the cursor
	last      time.Time // the newest of them
	met       time.Time // catch-up was applied before to those up to here

	rows      []Row
	supersede []int64
	cancel    []int64
	enqueued  int
	more      bool
}

func (d *decider) decision() Decision {
	decided := Decision{Rows: d.rows, State: d.state, Supersede: d.supersede, Cancel: d.cancel, More: d.more}
	if d.state.Waiting == WaitingForPlace {
		stopped := *d
		decided.decider = &stopped
	}
	return decided
}

// stretch is the nominals in (after, until], which share a fate. No reason
// means that they are candidates.
type stretch struct {
	after, until time.Time
	reason       Reason
}

// split cuts (cursor, last] where pauses and skip-next begin and end.
func (d *decider) split() []stretch {
	all := []stretch{{after: d.state.Cursor, until: d.last}}
	if skip := d.state.SkipAt; !skip.IsZero() {
		all = mark(all, skip.Add(-1), skip, ReasonByHand)
	}
	for _, pause := range d.facts.Pauses {
		if pause.holds(d.facts.Now) {
			return mark(all, d.state.Cursor, d.last, ReasonPaused)
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
func (d *decider) catchUp() {
	d.met = later(d.state.Met, d.state.Cursor)
	newest, ok := d.newest()
	if !ok || !newest.At.After(d.met) {
		return
	}
	before := newest.At.Add(-1)
	switch d.schedule.Policies.CatchUp {
	case CatchUpAll:
		d.catchUpAll()
	case CatchUpNone:
		if d.late(newest) {
			before = newest.At
		}
		d.mark(d.met, before, ReasonMissed)
	default:
		d.mark(d.met, before, ReasonCoalesced)
	}
}

// catchUpAll keeps the newest candidates within the window and the number. If
// the oldest kept is late and jobs may not overlap, all of them stand in line.
func (d *decider) catchUpAll() {
	policies := d.schedule.Policies
	if before, ok := d.timeline.LastDue(d.facts.Now.Add(-time.Duration(policies.CatchUpWindow)).Add(-1)); ok {
		d.mark(d.met, before.At, ReasonBeyondCatchUp)
	}
	d.keepNewest(d.met, policies.CatchUpMax)
	if oldest, ok := d.oldest(d.met); ok && policies.Overlap != OverlapAllow && d.late(oldest) {
		d.state.InLine = true
	}
}

// thinOutWaiting places what came due while a nominal waits: catch-up is not
// applied again, however late it is met.
func (d *decider) thinOutWaiting() {
	policies := d.schedule.Policies
	d.met = d.state.Cursor
	switch {
	case policies.Overlap == OverlapAllow:
	case d.state.InLine || policies.Overlap == OverlapQueue:
		d.keepNewest(d.state.Cursor, policies.CatchUpMax)
	default:
		if newest, ok := d.newest(); ok {
			d.mark(d.state.Cursor, newest.At.Add(-1), ReasonSuperseded)
		}
	}
}

// dropCovered forgets what was coalesced or superseded into the oldest nominal
// if that one is skipped now and none takes its place.
func (d *decider) dropCovered() {
	carrier, _ := d.timeline.Next(d.state.Cursor)
	for _, s := range d.stretches {
		if carrier.At.After(s.until) {
			continue
		}
		if s.reason != "" && s.reason != ReasonCoalesced && s.reason != ReasonSuperseded {
			d.forgetCovered()
		}
		return
	}
}

func (d *decider) mark(after, until time.Time, reason Reason) {
	d.stretches = mark(d.stretches, after, until, reason)
}

// keepNewest marks all but the newest n candidates after an instant as beyond
// the catch-up limit.
func (d *decider) keepNewest(after time.Time, n int) {
	kept := 0
	for _, s := range slices.Backward(d.stretches) {
		from := later(s.after, after)
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
				d.mark(after, nominal.At, ReasonBeyondCatchUp)
				return
			}
			kept++
			before = nominal.At
		}
	}
}

// newest is the newest candidate.
func (d *decider) newest() (Nominal, bool) {
	for _, s := range slices.Backward(d.stretches) {
		if s.reason == "" {
			if n, ok := d.timeline.Prev(s.until.Add(1)); ok && n.At.After(s.after) {
				return n, true
			}
		}
	}
	return Nominal{}, false
}

// oldest is the oldest candidate after an instant.
func (d *decider) oldest(after time.Time) (Nominal, bool) {
	for _, s := range d.stretches {
		if s.reason == "" {
			if n, ok := d.timeline.Next(later(s.after, after)); ok && !n.At.After(s.until) {
				return n, true
			}
		}
	}
	return Nominal{}, false
}

func (d *decider) late(n Nominal) bool {
	return d.facts.Now.Sub(n.Due) > time.Duration(d.schedule.Policies.Grace)
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

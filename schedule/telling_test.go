package schedule_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/schedule"
)

// look has the clock look as a store would have it, and tells what was decided.
func (n *narrator) look() []string {
	said := n.said
	n.said = nil
	decided := n.world.look(n.now, func(a *actor) bool { return n.world.isDue(a, n.now) })
	for _, d := range decided {
		for _, words := range n.tell(d.Decision) {
			if len(n.world.actors) > 1 {
				words = strings.ToUpper(d.Schedule.Key) + " " + words
			}
			said = append(said, words)
		}
	}
	return said
}

// tell says a decision in the words of the stories.
func (n *narrator) tell(d schedule.Decision) []string {
	var said []string
	for _, row := range d.Rows {
		said = append(said, n.tellRow(row))
	}
	for _, id := range d.Supersede {
		said = append(said, "cancels "+n.jobName(id))
	}
	for _, id := range d.Cancel {
		said = append(said, "asks "+n.jobName(id)+" to stop")
	}
	if d.State.Waiting != schedule.NotWaiting {
		said = append(said, "waits for "+d.State.Waiting.InWords())
	}
	if d.More {
		said = append(said, "more")
	}
	return said
}

func (n *narrator) tellRow(row schedule.Row) string {
	text := clockTime(row.Nominal)
	if row.Count > 1 {
		text = fmt.Sprintf("%s to %s (%d)", text, clockTime(row.Until), row.Count)
	}
	if row.Skipped != "" {
		text += " " + string(row.Skipped)
		if row.Blocker != 0 {
			text += ": " + n.jobName(row.Blocker)
		}
		if row.Note == schedule.NoteNotTaken {
			text += ", which waits"
		}
		return text
	}
	text += " runs"
	if row.Late {
		text += " late"
	}
	if row.Missed > 0 {
		text += fmt.Sprintf(" for %d since %s, from %s", row.Missed, clockTime(row.MissedSince), clockTime(row.From))
	}
	if row.Note != "" {
		text += ", " + row.Note
	}
	return text
}

func (n *narrator) jobName(id int64) string {
	if id == schedule.ThisDecision {
		return "the job just made"
	}
	if j := n.world.jobs[id-1]; !j.nominal.IsZero() {
		return clockTime(j.nominal)
	}
	return fmt.Sprintf("#%d", id)
}

// clockTime is 09:10, 09:10:05 or 24T09:10.
func clockTime(at time.Time) string {
	layout := "15:04"
	if at.Second() != 0 || at.Nanosecond() != 0 {
		layout = "15:04:05.999"
	}
	text := at.Format(layout)
	if at.Sub(day) >= 24*time.Hour || at.Before(day) {
		text = at.Format("02T") + text
	}
	return text
}

// checkLedgers holds every ledger to the invariant: what the audit says of it,
// and one decision for each nominal, counted one by one.
func (w *world) checkLedgers(now time.Time) {
	w.t.Helper()
	for _, a := range w.actors {
		for _, failure := range failures(a.audit(now, a.rows())) {
			w.t.Errorf("the audit: %s", failure)
		}
		decided := map[time.Time]int{}
		for _, row := range a.ledger {
			count := 0
			for n, ok := a.Timeline.Next(row.Nominal.Add(-1)); ok && !n.At.After(row.Until); n, ok = a.Timeline.Next(n.At) {
				decided[n.At]++
				count++
			}
			if count != row.Count {
				w.t.Errorf("%s: the row of %s counts %d, and has %d nominals", a.Key, clockTime(row.Nominal), row.Count, count)
			}
		}
		for n, ok := a.Timeline.Next(a.CreatedAt); ok && !n.At.After(a.state.Cursor); n, ok = a.Timeline.Next(n.At) {
			if decided[n.At] != 1 {
				w.t.Errorf("%s: %s has %d decisions", a.Key, clockTime(n.At), decided[n.At])
			}
		}
	}
}

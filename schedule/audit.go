package schedule

import (
	"fmt"
	"time"
)

// LedgerRow is a decision of the clock as the ledger keeps it.
type LedgerRow struct {
	Nominal time.Time
	Until   time.Time // equal to Nominal unless Count > 1
	Count   int
	Skipped Reason // empty: enqueued
	JobID   int64
	// Rewound: it was enqueued, and then the time was set back to before its
	// nominal.
	Rewound bool
}

// Finding is something the audit has to say of one schedule.
type Finding struct {
	Kind    FindingKind `json:"kind"`
	Key     string      `json:"schedule"`
	Nominal time.Time   `json:"nominal"`
	Until   time.Time   `json:"until,omitzero"` // the last of a stretch
	Count   int         `json:"count"`
	Due     time.Time   `json:"due,omitzero"` // of the nominal, where it is undecided after the cursor
	Detail  string      `json:"detail"`
	Advice  string      `json:"advice,omitempty"` // what to do about a failure
}

// pendingAllowed is how long what is due may be undecided while a clock lives.
const pendingAllowed = 10 * time.Second

// readWithin is how long an audit takes at most to read a schedule and its rows,
// while clocks go on deciding.
const readWithin = 10 * time.Second

// Overdue says whether the finding is a fault where clocks ought to be alive:
// due for longer than one takes, and undecided for no reason.
func (f Finding) Overdue(now time.Time) bool {
	return f.Kind == FindingPending && now.Sub(f.Due) > pendingAllowed
}

// Name is the occurrence a finding is about.
func (f Finding) Name() string { return OccurrenceName(f.Key, f.Nominal) }

// FindingKind is what an audit found.
type FindingKind string

// The kinds of finding. The first four are failures; the others say how things
// stand after the cursor, or note a difference that is none of the ledger's.
const (
	FindingUndecided FindingKind = "no decision"
	FindingTwice     FindingKind = "decided twice"
	FindingUnknown   FindingKind = "no such nominal"
	FindingWrong     FindingKind = "wrong row"
	FindingWaiting   FindingKind = "waiting"
	FindingError     FindingKind = "in error"
	FindingPending   FindingKind = "not yet decided"
	FindingNote      FindingKind = "note"
)

// Failure says whether the finding is a fault of the ledger.
func (k FindingKind) Failure() bool {
	switch k {
	case FindingUndecided, FindingTwice, FindingUnknown, FindingWrong:
		return true
	}
	return false
}

// Advice says what to do about a failure of the occurrences of key from one
// nominal up to another. A row that is gone is not written again: whether its job
// ran, nobody knows who did not see it run.
func (k FindingKind) Advice(key string, from, until time.Time) string {
	show := "punctual runs show " + OccurrenceName(key, from)
	switch k {
	case FindingUndecided:
		return fmt.Sprintf("it may have run, or not: look for what the job leaves behind. To run it now: punctual backfill %s --from %s --to %s",
			key, FormatInstant(from), FormatInstant(later(from, until).Truncate(time.Second).Add(time.Second)))
	case FindingTwice:
		return "it may have run twice: " + show + " tells of each row what came of it"
	case FindingUnknown:
		return "it may have run although nothing was due: " + show + " tells what came of it"
	case FindingWrong:
		return "what the row tells is not to be relied on: compare " + show + " with what the job leaves behind"
	}
	return ""
}

// AuditInput is what is known of one schedule: its rows of the clock with a
// nominal after From and not after the cursor, in order of nominal. A stretch
// that begins before and reaches beyond From is among them.
type AuditInput struct {
	Schedule *Schedule
	State    State
	From     time.Time // the later of creation and the retention horizon
	Rows     []LedgerRow
	// Before are rows of the clock from before the schedule was created.
	Before []LedgerRow
	// Beyond are rows of the clock after the cursor: it may have gone on since, or
	// the time was set back.
	Beyond []LedgerRow
	Error  string // why the schedule is in error; empty if it is not
	Now    time.Time
	// TZData is the version of tzdata that computes now; ForeignTZData says
	// that a definition was declared, or the state computed, under another.
	TZData        string
	ForeignTZData string
}

// Audit recomputes the nominals in (From, cursor] and compares them with the
// ledger: every one has one row, and every row stands for one.
func Audit(in AuditInput) []Finding {
	a := &auditor{in: in, timeline: in.Schedule.Timeline, at: in.From}
	for _, row := range in.Before {
		a.find(FindingUnknown, row.Nominal, row.Until, row.Count, "the ledger has a row, but there was no such schedule yet")
	}
	for _, row := range in.Rows {
		a.row(row)
	}
	a.gap(in.State.Cursor.Add(1))
	for _, row := range in.Beyond {
		switch {
		case row.Rewound:
		case !a.isNominal(row.Nominal):
			a.find(FindingUnknown, row.Nominal, row.Until, row.Count, "the ledger has a row, but the when in force yields no such instant")
		case row.Nominal.After(in.Now.Add(readWithin)):
			// The clock would find it, and pass over the occurrence when it is due.
			a.find(FindingWrong, row.Nominal, row.Until, row.Count, "the ledger has a decision, but it is not due yet")
		}
	}
	a.ahead()
	if in.ForeignTZData != "" && in.ForeignTZData != in.TZData {
		a.forgiveTZData()
	}
	return a.findings
}

type auditor struct {
	in       AuditInput
	timeline Timeline
	at       time.Time // everything at or before it is accounted for
	findings []Finding
}

func (a *auditor) find(kind FindingKind, nominal, until time.Time, count int, detail string, arguments ...any) {
	f := Finding{Kind: kind, Key: a.in.Schedule.Key, Nominal: nominal, Count: count, Detail: fmt.Sprintf(detail, arguments...), Advice: kind.Advice(a.in.Schedule.Key, nominal, until)}
	if count > 1 {
		f.Until = until
	}
	a.findings = append(a.findings, f)
}

// row accounts for the nominals before a row and for those it stands for.
func (a *auditor) row(row LedgerRow) {
	if !row.Nominal.After(a.in.From) {
		// What lies before is not known any more, so it cannot be counted.
		a.at = later(a.at, row.Until)
		return
	}
	a.gap(row.Nominal)
	if !row.Nominal.After(a.at) {
		a.find(FindingTwice, row.Nominal, row.Until, row.Count, "a row of the ledger decides it again")
		a.at = later(a.at, row.Until)
		return
	}
	if !a.isNominal(row.Nominal) && row.Rewound {
		a.find(FindingNote, row.Nominal, row.Until, row.Count, "enqueued before the time was set back; the when has been edited since, and yields no such instant any more")
	} else if !a.isNominal(row.Nominal) {
		a.find(FindingUnknown, row.Nominal, row.Until, row.Count, "the ledger has a row, but the when in force yields no such instant")
	} else if row.Count != 1 || !row.Until.Equal(row.Nominal) {
		a.stretch(row)
	}
	switch {
	case row.Skipped == "" && row.JobID == 0:
		a.find(FindingWrong, row.Nominal, row.Until, 1, "the ledger says enqueued, but names no job")
	case row.Skipped != "" && row.JobID != 0:
		a.find(FindingWrong, row.Nominal, row.Until, 1, "the ledger says skipped, but names job %d", row.JobID)
	}
	a.at = later(row.Nominal, row.Until)
}

func (a *auditor) stretch(row LedgerRow) {
	if row.Skipped == "" {
		a.find(FindingWrong, row.Nominal, row.Until, row.Count, "a stretch of %d is said to be enqueued", row.Count)
	}
	if !a.isNominal(row.Until) {
		a.find(FindingUnknown, row.Until, row.Until, 1, "a stretch ends there, but the when in force yields no such instant")
	}
	if count := a.timeline.Count(row.Nominal.Add(-1), row.Until); count != row.Count {
		a.find(FindingWrong, row.Nominal, row.Until, row.Count, "a stretch up to %s says %d, but has %d nominals", FormatInstant(row.Until), row.Count, count)
	}
}

func (a *auditor) isNominal(at time.Time) bool {
	n, ok := a.timeline.Next(at.Add(-1))
	return ok && n.At.Equal(at)
}

// gap reports the nominals after what is accounted for and before an instant.
// The first of them are named one by one.
func (a *auditor) gap(before time.Time) {
	const named = 20
	n, ok := a.timeline.Next(a.at)
	for i := 0; ok && n.At.Before(before); i++ {
		if i == named {
			until := before.Add(-1)
			last, _ := a.timeline.Prev(before)
			a.find(FindingUndecided, n.At, last.At, a.timeline.Count(n.At.Add(-1), until), "and so on, up to %s", FormatInstant(last.At))
			return
		}
		a.find(FindingUndecided, n.At, n.At, 1, "the ledger has no row for it")
		n, ok = a.timeline.Next(n.At)
	}
}

// ahead lists what is due after the cursor, and why it is undecided.
func (a *auditor) ahead() {
	last, ok := a.timeline.LastDue(a.in.Now)
	if !ok || !last.At.After(a.in.State.Cursor) || !a.in.Schedule.DeletedAt.IsZero() {
		return
	}
	first, _ := a.timeline.Next(a.in.State.Cursor)
	kind, detail := FindingPending, "due since "+FormatInstant(first.Due)
	switch {
	case a.in.Error != "":
		kind, detail = FindingError, a.in.Error
	case a.in.State.Waiting != NotWaiting:
		kind, detail = FindingWaiting, "for "+a.in.State.Waiting.InWords()
	}
	a.find(kind, first.At, last.At, a.timeline.Count(a.in.State.Cursor, last.At), "%s", detail)
	a.findings[len(a.findings)-1].Due = first.Due
}

// forgiveTZData turns failures into notes where another tzdata computed the
// ledger: the difference may be the world's.
func (a *auditor) forgiveTZData() {
	for i, f := range a.findings {
		if f.Kind == FindingUndecided || f.Kind == FindingUnknown || f.Kind == FindingWrong && f.Count > 1 {
			a.findings[i].Detail = fmt.Sprintf("%s: %s (computed under tzdata %s; this audit has %s)", f.Kind, f.Detail, a.in.ForeignTZData, a.in.TZData)
			a.findings[i].Kind, a.findings[i].Advice = FindingNote, ""
		}
	}
}

package schedule_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/schedule"
)

// ledgerRow is a row as the audit reads it: 09:10 runs, 09:10 to 09:30 skipped.
func ledgerRow(from, until string, count int, skipped schedule.Reason) schedule.LedgerRow {
	first, _ := moment(from)
	last, _ := moment(until)
	row := schedule.LedgerRow{Nominal: first, Until: last, Count: count, Skipped: skipped}
	if skipped == "" {
		row.JobID = 1
	}
	return row
}

func runs(at string) schedule.LedgerRow { return ledgerRow(at, at, 1, "") }

func paused(from, until string, count int) schedule.LedgerRow {
	return ledgerRow(from, until, count, schedule.ReasonPaused)
}

func TestAudit(t *testing.T) {
	jobless, working := runs("09:20"), paused("09:20", "09:20", 1)
	jobless.JobID, working.JobID = 0, 7
	for _, c := range []struct {
		name string
		rows []schedule.LedgerRow
		want string
	}{
		{"a row for each nominal is clean", []schedule.LedgerRow{runs("09:10"), runs("09:20"), runs("09:30")}, ""},
		{"a stretch stands for all in it", []schedule.LedgerRow{paused("09:10", "09:30", 3)}, ""},
		{"a nominal without a row is named", []schedule.LedgerRow{runs("09:10"), runs("09:30")}, "09:20 no decision"},
		{"an empty ledger is named one by one", nil, "09:10 no decision, 09:20 no decision, 09:30 no decision"},
		{"a second row is named", []schedule.LedgerRow{runs("09:10"), runs("09:20"), runs("09:20"), runs("09:30")}, "09:20 decided twice"},
		{"a row within a stretch is named", []schedule.LedgerRow{paused("09:10", "09:30", 3), runs("09:20")}, "09:20 decided twice"},
		{"what only the second of two stretches covers is decided", []schedule.LedgerRow{paused("09:10", "09:20", 2), paused("09:20", "09:30", 2)}, "09:20 decided twice"},
		{"a row at no nominal is named", []schedule.LedgerRow{runs("09:10"), runs("09:15"), runs("09:20"), runs("09:30")}, "09:15 no such nominal"},
		{"a stretch that ends at no nominal is named", []schedule.LedgerRow{paused("09:10", "09:25", 2), runs("09:30")}, "09:25 no such nominal"},
		{"a stretch with a wrong number is named", []schedule.LedgerRow{paused("09:10", "09:30", 4)}, "09:10 wrong row"},
		{"a single row with a wrong number is named", []schedule.LedgerRow{paused("09:10", "09:10", 0), runs("09:20"), runs("09:30")}, "09:10 wrong row"},
		{"no stretch is enqueued", []schedule.LedgerRow{ledgerRow("09:10", "09:30", 3, "")}, "09:10 wrong row"},
		{"an enqueued row names its job", []schedule.LedgerRow{runs("09:10"), jobless, runs("09:30")}, "09:20 wrong row"},
		{"a skipped row names none", []schedule.LedgerRow{runs("09:10"), working, runs("09:30")}, "09:20 wrong row"},
		{"a stretch from before the horizon counts for what lies after", []schedule.LedgerRow{paused("08:40", "09:20", 5), runs("09:30")}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newWorld(t).create(start, declared("a", "every 10m", nil))
			a.state.Cursor = start.Add(30 * time.Minute)
			var got []string
			for _, f := range a.audit(start.Add(31*time.Minute), c.rows) {
				got = append(got, clockTime(f.Nominal)+" "+string(f.Kind))
				if !f.Kind.Failure() {
					t.Errorf("%s is no failure", f.Kind)
				}
			}
			if found := strings.Join(got, ", "); found != c.want {
				t.Errorf("found %q, want %q", found, c.want)
			}
		})
	}
}

func TestTheAuditListsWhatIsUndecidedAfterTheCursor(t *testing.T) {
	a := newWorld(t).create(start, declared("a", "every 10m", nil))
	now := start.Add(20*time.Minute + 5*time.Second)
	find := func(problem string, waiting schedule.Waiting, now time.Time) schedule.Finding {
		a.state.Waiting = waiting
		found := schedule.Audit(schedule.AuditInput{Schedule: a.Schedule, State: a.state, From: start, Error: problem, Now: now})
		if len(found) != 1 || found[0].Kind.Failure() || found[0].Count != 2 {
			t.Fatalf("found %+v", found)
		}
		return found[0]
	}
	if f := find("", schedule.WaitingForRun, now); f.Kind != schedule.FindingWaiting || f.Detail != "for the previous run to finish" {
		t.Errorf("found %+v", f)
	}
	if f := find("written by a newer version", "", now); f.Kind != schedule.FindingError || f.Detail != "written by a newer version" {
		t.Errorf("found %+v", f)
	}
	f := find("", "", now)
	if f.Kind != schedule.FindingPending || f.Name() != "a@2026-11-23T09:10:00Z" || !f.Overdue(now) || f.Overdue(f.Due.Add(10*time.Second)) {
		t.Errorf("found %+v", f)
	}
}

func TestAnotherTZDataIsANoteAndNoFailure(t *testing.T) {
	a := newWorld(t).create(start, declared("a", "every 10m", nil))
	a.state.Cursor = start.Add(30 * time.Minute)
	found := schedule.Audit(schedule.AuditInput{
		Schedule: a.Schedule, State: a.state, From: start, Now: start.Add(31 * time.Minute), TZData: "2026b", ForeignTZData: "2025a",
		Rows: []schedule.LedgerRow{runs("09:10"), runs("09:15"), runs("09:30"), runs("09:30")},
	})
	var kinds []schedule.FindingKind
	for _, f := range found {
		kinds = append(kinds, f.Kind)
	}
	if want := []schedule.FindingKind{"note", "note", "decided twice"}; !slices.Equal(kinds, want) {
		t.Errorf("found %v, want %v", kinds, want)
	}
}

func TestALongGapIsNamedInPart(t *testing.T) {
	a := newWorld(t).create(start, declared("a", "every 1s", nil))
	a.state.Cursor = start.Add(24 * time.Hour)
	found := a.audit(a.state.Cursor, nil)
	missing := 0
	for _, f := range found {
		missing += f.Count
	}
	if len(found) > 30 || missing != 24*60*60 {
		t.Errorf("%d findings of %d nominals", len(found), missing)
	}
}

// Dues keep the order of nominals, and what is looked up agrees with walking.
func TestATimelineOfManyDefinitionsIsOfOnePiece(t *testing.T) {
	w := newWorld(t)
	a := w.create(start, declared("piece", "every 7m", func(d *schedule.Declaration) { d.Jitter = 20 * time.Minute }))
	for i, when := range []string{"every 1h", "every 3m", "", "every 20m", "every 90s", "0 */2 * * *", "every 11m"} {
		var w2 calendar.When
		if when != "" {
			w2.Expressions = []string{when}
		}
		w.define(a, start.Add(time.Duration(i+1)*47*time.Minute), w2, time.Duration(i%3)*25*time.Minute)
	}
	var nominals []schedule.Nominal
	end := start.Add(10 * time.Hour)
	for n, ok := a.Timeline.Next(start.Add(-time.Hour)); ok && n.At.Before(end); n, ok = a.Timeline.Next(n.At) {
		nominals = append(nominals, n)
	}
	if len(nominals) < 50 {
		t.Fatalf("%d nominals", len(nominals))
	}
	for i, n := range nominals {
		if n.Due.Before(n.At) || i > 0 && n.Due.Before(nominals[i-1].Due) {
			t.Errorf("%s is due at %s", n.At, n.Due)
		}
		if before, ok := a.Timeline.Prev(n.At); ok != (i > 0) || ok && before != nominals[i-1] {
			t.Errorf("before %s comes %v", n.At, before)
		}
		if count := a.Timeline.Count(start, n.At); count != i+1 {
			t.Errorf("%d nominals up to %s, want %d", count, n.At, i+1)
		}
		for _, by := range []time.Time{n.Due, n.Due.Add(-1), n.At} {
			want := -1
			for j, other := range nominals {
				if !other.Due.After(by) {
					want = j
				}
			}
			last, ok := a.Timeline.LastDue(by)
			if ok != (want >= 0) || ok && last != nominals[want] {
				t.Errorf("the last due by %s is %v", by, last)
			}
		}
	}
}

func TestJitterIsStable(t *testing.T) {
	for _, c := range []struct {
		key    string
		when   string
		jitter time.Duration
		want   time.Duration // SHA-256(key), first 64 bits, in ms, mod the width
	}{
		{"a", "every 1h", 5 * time.Minute, 162_250 * time.Millisecond},
		{"a", "every 1h", time.Hour, 162_250 * time.Millisecond},
		{"a", "every 1m", 5 * time.Minute, 42_250 * time.Millisecond}, // the gap is shorter
		{"a", "every 1h", 0, 0},
		{"a", "once at 2026-11-23T10:00:00Z", 5 * time.Minute, 162_250 * time.Millisecond},
	} {
		a := newWorld(t).create(start, declared(c.key, c.when, func(d *schedule.Declaration) { d.Jitter = c.jitter }))
		n, _ := a.Timeline.Next(start)
		if got := n.Due.Sub(n.At); got != c.want {
			t.Errorf("%s, %s, jitter %s: %s, want %s", c.key, c.when, c.jitter, got, c.want)
		}
	}
}

func TestABackfillTakesTheDefinitionNowInForce(t *testing.T) {
	w := newWorld(t)
	a := w.create(start, declared("a", "every 10m", nil))
	w.define(a, start.Add(time.Hour), calendar.When{Expressions: []string{"every 30m"}}, 0)
	got := a.Timeline.BackfillNominals(time.Time{}, start.Add(-time.Hour), start.Add(30*time.Minute), 10)
	if fmt.Sprint(got) != fmt.Sprint([]time.Time{start.Add(-time.Hour), start.Add(-30 * time.Minute), start}) {
		t.Errorf("%v", got)
	}
	if got := a.Timeline.BackfillNominals(start.Add(-time.Hour), start.Add(-time.Hour), start.Add(30*time.Minute), 1); len(got) != 1 || !got[0].Equal(start.Add(-30*time.Minute)) {
		t.Errorf("after the first comes %v", got)
	}
}

// A clock that was set back meets nominals that the ledger has already.
func TestASkippedStretchIsWrittenAroundWhatStands(t *testing.T) {
	a := newWorld(t).create(start, declared("a", "every 10m", nil))
	end, _ := moment("10:00")
	row := schedule.Row{Nominal: start.Add(10 * time.Minute), Until: end, Count: 6, Skipped: schedule.ReasonPaused}
	for _, c := range []struct {
		name     string
		standing []schedule.LedgerRow
		want     string
	}{
		{"nothing stands", nil, "09:10 to 10:00 (6)"},
		{"one in the middle", []schedule.LedgerRow{runs("09:30")}, "09:10 to 09:20 (2), 09:40 to 10:00 (3)"},
		{"the first and the last", []schedule.LedgerRow{runs("09:10"), runs("10:00")}, "09:20 to 09:50 (4)"},
		{"a stretch", []schedule.LedgerRow{paused("09:20", "09:40", 3)}, "09:10 (1), 09:50 to 10:00 (2)"},
		{"all", []schedule.LedgerRow{paused("09:10", "10:00", 6)}, ""},
	} {
		var got []string
		for _, r := range row.Around(a.Timeline, c.standing) {
			text := clockTime(r.Nominal)
			if r.Count > 1 {
				text += " to " + clockTime(r.Until)
			}
			got = append(got, fmt.Sprintf("%s (%d)", text, r.Count))
		}
		if text := strings.Join(got, ", "); text != c.want {
			t.Errorf("%s: %s, want %s", c.name, text, c.want)
		}
	}
}

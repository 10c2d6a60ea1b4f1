package alert

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/punctual-dev/punctual/schedule"
)

var nine = time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)

func minute(n int) time.Time { return nine.Add(time.Duration(n) * time.Minute) }

var settings = Settings{Late: DefaultLate, Missed: true, Failures: 3, Running: schedule.Duration(time.Hour)}

// look is one look at a schedule, n minutes after nine, and what it is to tell.
type look struct {
	minute int
	facts  Facts
	tells  []string
}

func TestEachChangeOfStateIsToldOnce(t *testing.T) {
	boom := func(failures int) Facts { return Facts{Failures: failures, FailedAt: nine, Error: "exit code 1"} }
	tests := []struct {
		sentence string
		settings Settings
		looks    []look
	}{
		{"nothing is told of a schedule that is well", settings, []look{{0, Facts{}, nil}, {1, Facts{Enqueued: nine}, nil}}},
		{"a schedule is late after the limit and not before, and no longer late once", settings, []look{
			{4, Facts{LateSince: nine, LateFor: "it is due"}, nil},
			{5, Facts{LateSince: nine, LateFor: "it is due"}, []string{"report is late: it is due for 5m"}},
			{6, Facts{LateSince: nine, LateFor: "it is due"}, nil},
			{7, Facts{}, []string{"report is no longer late, since 2026-11-26 09:00 UTC"}},
			{8, Facts{}, nil},
		}},
		{"a schedule that cannot be decided is late at once", settings, []look{
			{0, Facts{Broken: "bad row"}, []string{"report is late: it cannot be decided: bad row"}},
			{1, Facts{Broken: "bad row"}, nil},
			{2, Facts{}, []string{"report is no longer late, since 2026-11-26 09:00 UTC"}},
		}},
		{"failures are told from the given number on, and only a success ends them", settings, []look{
			{0, boom(1), nil}, {1, boom(2), nil},
			{2, boom(3), []string{"report is failing: 3 jobs in a row failed, the last: exit code 1"}},
			{3, boom(9), nil},
			{4, Facts{}, []string{"report has succeeded again, since 2026-11-26 09:00 UTC"}},
			{5, boom(1), nil},
			{6, boom(3), []string{"report is failing: 3 jobs in a row failed, the last: exit code 1"}},
		}},
		{"a success and a new failure between two looks keep it failing", settings, []look{
			{0, boom(3), []string{"report is failing: 3 jobs in a row failed, the last: exit code 1"}},
			{1, boom(1), nil},
			{2, boom(3), nil},
		}},
		{"a miss is told once, also while it is looked at again", settings, []look{
			{1, Facts{Missed: nine, MissedCount: 1, MissedReason: schedule.ReasonMissed}, []string{"report was missed: 2026-11-26T09:00:00Z: missed"}},
			{2, Facts{Missed: nine, MissedCount: 1, MissedReason: schedule.ReasonMissed}, nil},
			{3, Facts{Missed: minute(2), MissedCount: 2, MissedReason: schedule.ReasonMissed}, nil},
			{4, Facts{Missed: minute(2), MissedCount: 2, Enqueued: minute(3)}, []string{"report is enqueued again after it was missed, since 2026-11-26 09:01 UTC"}},
			{5, Facts{Missed: minute(2), MissedCount: 2, Enqueued: minute(3)}, nil},
			{6, Facts{Missed: minute(5), MissedCount: 1, MissedReason: schedule.ReasonMissed, Enqueued: minute(3)}, []string{"report was missed: 2026-11-26T09:05:00Z: missed"}},
		}},
		{"what was missed and made good between two looks is told all the same", settings, []look{
			{9, Facts{Missed: nine, MissedCount: 40, MissedReason: schedule.ReasonBeyondCatchUp, Enqueued: minute(8)},
				[]string{"report was missed: 40 occurrences, the last 2026-11-26T09:00:00Z: beyond catch-up limit"}},
			{10, Facts{Missed: nine, MissedCount: 40, Enqueued: minute(8)}, []string{"report is enqueued again after it was missed, since 2026-11-26 09:09 UTC"}},
		}},
		{"an attempt runs too long from the limit on", settings, []look{
			{59, Facts{RunningSince: nine}, nil},
			{60, Facts{RunningSince: nine}, []string{"report runs too long: an attempt runs for 1h"}},
			{61, Facts{RunningSince: minute(30)}, []string{"report no longer runs too long, since 2026-11-26 09:00 UTC"}},
		}},
		{"several things may be wrong at once, and each ends by itself", settings, []look{
			{60, Facts{RunningSince: nine, LateSince: nine, LateFor: "it is due"}, []string{"report is late: it is due for 1h", "report runs too long: an attempt runs for 1h"}},
			{61, Facts{RunningSince: nine}, []string{"report is no longer late, since 2026-11-26 09:00 UTC"}},
		}},
		{"nothing is told of what nobody wants to know", Settings{}, []look{
			{600, Facts{LateSince: nine, Missed: nine, Failures: 9, RunningSince: nine, Broken: "bad row"}, nil},
		}},
	}
	for _, test := range tests {
		t.Run(test.sentence, func(t *testing.T) {
			states := map[Kind]State{}
			for _, l := range test.looks {
				l.facts.Schedule = "report"
				changes, next := Decide(test.settings, l.facts, states, minute(l.minute))
				maps.Copy(states, next)
				var told []string
				for _, c := range changes {
					told = append(told, c.String())
				}
				if !slices.Equal(told, l.tells) {
					t.Errorf("after %d minutes it tells\n  %s\nwant\n  %s", l.minute, strings.Join(told, "\n  "), strings.Join(l.tells, "\n  "))
				}
			}
		})
	}
}

func TestAKindThatIsWatchedNoLongerIsForgottenWithoutAWord(t *testing.T) {
	before := map[Kind]State{Late: {Raised: true, Since: nine}}
	changes, next := Decide(Settings{Missed: true}, Facts{Schedule: "report", LateSince: nine}, before, minute(60))
	if len(changes) > 0 || next[Late].Raised {
		t.Errorf("it tells %v and keeps %+v", changes, next)
	}
}

func TestOneLookTellsOfABoundedNumberAndTheNextGoesOn(t *testing.T) {
	var suspects []Suspect
	for i := range MostChanges + 5 {
		suspects = append(suspects, Suspect{Facts: Facts{ID: int64(i), Schedule: fmt.Sprintf("s%d", i), Failures: 3, FailedAt: nine}})
	}
	changes, next := DecideAll(settings, suspects, nine)
	if len(changes) != MostChanges || len(next) != MostChanges {
		t.Fatalf("the first look tells of %d and keeps %d states, want %d", len(changes), len(next), MostChanges)
	}
	for i := range suspects {
		suspects[i].States = next[suspects[i].ID]
	}
	if changes, _ = DecideAll(settings, suspects, nine); len(changes) != 5 {
		t.Errorf("the second look tells of %d, want 5", len(changes))
	}
	m := NewMessage(make([]Change, MostAlerts+7), nine)
	if len(m.Alerts) != MostAlerts || m.More != 7 || !strings.HasSuffix(m.Text, "\nand 7 more") {
		t.Errorf("a long message lists %d, and %d more", len(m.Alerts), m.More)
	}
}

func TestASubjectSaysWhatHappenedInALine(t *testing.T) {
	failing, late := Change{Schedule: "report", Kind: Failing, Raised: true, Detail: "exit: 1"}, Change{Schedule: "sync", Kind: Late, Since: nine}
	for want, changes := range map[string][]Change{
		"report is failing":      {failing},
		"sync is no longer late": {late},
		"1 alerts, 1 recovered":  {failing, late},
		"a test":                 nil,
	} {
		if got := NewMessage(changes, nine).Subject(); got != want {
			t.Errorf("the subject is %q, want %q", got, want)
		}
	}
}

func TestOnlyAndExceptNameKeysAndTags(t *testing.T) {
	tests := []struct {
		only, except []string
		key          string
		tags         []string
		watched      bool
	}{
		{nil, nil, "report", nil, true},
		{[]string{"report"}, nil, "report", nil, true},
		{[]string{"billing"}, nil, "report", []string{"billing"}, true},
		{[]string{"billing"}, nil, "report", []string{"other"}, false},
		{nil, []string{"report"}, "report", nil, false},
		{[]string{"billing"}, []string{"report"}, "report", []string{"billing"}, false},
	}
	for _, test := range tests {
		if got := (Settings{Only: test.only, Except: test.except}).Watches(test.key, test.tags); got != test.watched {
			t.Errorf("only %v except %v: %s with %v is watched: %v", test.only, test.except, test.key, test.tags, got)
		}
	}
}

func TestADeliveryIsTriedAgainEverMoreSeldomForADay(t *testing.T) {
	d := Delivery{At: nine}
	now, last := nine, time.Duration(0)
	for d.Tries = 1; ; d.Tries++ {
		next, more := d.NextTry(now)
		wait := next.Sub(now)
		if !more {
			break
		}
		if wait < last || wait > longestRetry {
			t.Fatalf("after try %d it waits %s, before that %s", d.Tries, wait, last)
		}
		now, last = next, wait
	}
	if tried := now.Sub(nine); tried < 23*time.Hour || tried > 24*time.Hour || d.Tries < 100 {
		t.Errorf("it is given up after %s and %d tries", tried, d.Tries)
	}
}

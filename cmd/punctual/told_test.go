package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

const oneZone = `
timezone: Asia/Kolkata
schedules:
  report: {when: "daily at 09:00", run: "true", tags: [office]}
  hourly: {when: "hourly at :00", run: "true"}
`

func TestTimesAreOfTheZoneThatTheSchedulesConcernedShare(t *testing.T) {
	apart, together := appliedIn(t, threeSchedules), appliedIn(t, oneZone)
	for _, c := range []struct {
		name string
		ask  func(...string) outcome
		line string
		want string
	}{
		{"a pause of all in one zone", together, "schedules pause --all --until 2099-01-01T09:00", `until Thu 2099-01-01 09:00:00 IST \(03:30:00Z\)`},
		{"a pause of all in several", apart, "schedules pause --all --until 2099-01-01T09:00", `until Thu 2099-01-01 09:00:00 UTC, in`},
		{"a pause of a tag", apart, "schedules pause --tag office --until 2099-07-01T09:00", `until Wed 2099-07-01 09:00:00 CEST \(07:00:00Z\)`},
		{"a skip of all in one zone", together, "schedules skip --until 2020-01-01T09:00", `due until Wed 2020-01-01 09:00:00 IST \(03:30:00Z\)`},
		{"a skip of one", apart, "schedules skip report --until 2020-01-01T09:00", `due until Wed 2020-01-01 09:00:00 CET \(08:00:00Z\)`},
		{"the activity of one zone", together, "activity", ` \d\d:\d\d:\d\d IST \(`},
		{"the activity of a schedule", apart, "activity", ` CES?T \([^)]*\) .* create +report`},
		{"a backfill begins", apart, "backfill report --from 2020-01-01 --to 2020-01-03", `Backfill 1 began`},
		{"backfills", apart, "backfills list", `Wed 2020-01-01 00:00:00 CET \(2019-12-31T23:00:00Z\)`},
	} {
		if got := c.ask(strings.Fields(c.line)...); got.code != 0 || !regexp.MustCompile(c.want).MatchString(got.out) {
			t.Errorf("%s: %+v, want %s", c.name, got, c.want)
		}
	}
}

func TestAListOfATagOrAnOwnerThatNobodyHasSaysWhichThereAre(t *testing.T) {
	ask := appliedIn(t, threeSchedules)
	for _, c := range []struct{ name, line, errors string }{
		{"a tag", "schedules list --tag nope", `No schedule has the tag "nope"; the tags there are: office.`},
		{"an owner, as JSON", "schedules list --owner nope --json", `No schedule is owned by "nope"; the owners there are: file punctual.yaml.`},
		{"one that matches nothing besides", "schedules list --tag office --state error", ""},
	} {
		if got := ask(strings.Fields(c.line)...); got.code != 0 || strings.TrimSpace(got.errors) != c.errors {
			t.Errorf("%s: %+v, want %s", c.name, got, c.errors)
		}
	}
}

func TestANoteIsQuotedInTheActivity(t *testing.T) {
	ask := appliedIn(t, threeSchedules)
	ask("schedules", "pause", "report", "--note", "until Monday, 12")
	ask("schedules", "pause", "hourly", "--until", "2099-01-01T00:00:00Z", "--note", "a move")
	got := ask("activity").out
	for _, want := range []string{"pause   report  “until Monday, 12”\n", "pause   hourly  until 2099-01-01T00:00:00Z, “a move”\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
}

func TestTheListShowsATriggerAsTheLastRun(t *testing.T) {
	ask := appliedIn(t, threeSchedules)
	if got := ask("schedules", "list").out; !regexp.MustCompile(`(?m)^report .*–$`).MatchString(got) {
		t.Errorf("before:\n%s", got)
	}
	ask("schedules", "trigger", "report")
	if got := ask("schedules", "list").out; !regexp.MustCompile(`(?m)^report .* available now$`).MatchString(got) {
		t.Errorf("after:\n%s", got)
	}
}

func TestAnInstantInsideAStretchThatNoOccurrenceHasIsToldAsThat(t *testing.T) {
	ask := appliedIn(t, `schedules: {tick: {when: "every 200ms", run: "true"}}`)
	time.Sleep(time.Second) // in which some are due, and no clock decides them
	ask("schedules", "skip", "tick", "--until", "now")
	var runs []store.Run
	if err := json.Unmarshal([]byte(ask("runs", "list", "--json").out), &runs); err != nil || len(runs) != 1 || runs[0].Count < 3 {
		t.Fatalf("runs = %+v, %v", runs, err)
	}
	first := runs[0].Nominal
	for _, c := range []struct {
		name  string
		after time.Duration
		code  int
		says  string
	}{
		{"its first", 0, 0, "share this decision"},
		{"one inside", 200 * time.Millisecond, 0, "share this decision"},
		{"none", 250 * time.Millisecond, 1, "tick has no occurrence at that instant: it is due every "},
		{"none, with the stretch", 250 * time.Millisecond, 1, "; it lies in a stretch of "},
	} {
		got := ask("runs", "show", schedule.OccurrenceName("tick", first.Add(c.after)))
		if got.code != c.code || !strings.Contains(got.out+got.errors, c.says) {
			t.Errorf("%s: %+v, want %q", c.name, got, c.says)
		}
	}
}

func TestABackfillIntoWhatIsYetToComeSaysThatItIsCut(t *testing.T) {
	ask := appliedIn(t, threeSchedules)
	got := ask("backfill", "report", "--from", "2020-01-01", "--to", "2099-01-01", "--dry-run")
	if got.code != 0 || !strings.Contains(got.errors, "--to Thu 2099-01-01 00:00:00 CET (2098-12-31T23:00:00Z) is yet to come: the range ends at now, ") {
		t.Errorf("backfill = %+v", got)
	}
	if got := ask("backfill", "report", "--from", "2020-01-01", "--to", "2020-01-05", "--dry-run"); got.errors != "" {
		t.Errorf("backfill = %+v", got)
	}
}

func TestWhatIsOverdueIsToldApartFromWhatIsNext(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	v := scheduleView{Undecided: 26, UndecidedSince: now.Add(-26 * time.Hour), NextDue: now.Add(3 * time.Second), zone: time.UTC}
	if got, want := v.nextInWords(now), "26 occurrences overdue, the first by 1d 2h; then in 3s, Fri 2026-11-27 12:00:03 UTC"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestABackfillUpToNowSaysWhereItEndsIfSomethingIsYetToBeDecided(t *testing.T) {
	const ends = "what comes from then on is yet to be decided, which a clock does by itself"
	for _, c := range []struct {
		name, when string
		told       bool
	}{
		{name: "all is decided", when: "daily at 09:00"},
		{name: "no clock has decided what was due", when: "every 100ms", told: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			ask := appliedIn(t, "schedules: {a: {when: '"+c.when+"', run: 'true'}}")
			time.Sleep(250 * time.Millisecond)
			from := time.Now().Add(-30 * time.Minute).UTC().Format(time.RFC3339)
			got := ask("backfill", "a", "--from", from, "--to", "now")
			if got.code != 0 || strings.Contains(got.errors, ends) != c.told {
				t.Errorf("%+v; want it told: %t", got, c.told)
			}
		})
	}
}

func TestWhatIsDueNextIsNeverSaidToBeDueNowBesideThatNothingIsDue(t *testing.T) {
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, fate string
		left       time.Duration
		want       string
	}{
		{"within a second", "", 400 * time.Millisecond, "in less than a second: report"},
		{"in a second", "", time.Second, "in 1s: report"},
		{"within a second, and paused", store.FatePaused, time.Millisecond, "in less than a second: report (will be skipped: paused)"},
	} {
		next := nextDue{"report", store.Upcoming{Due: now.Add(c.left), Fate: c.fate}}
		if got := next.inWords(now); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

package main

import (
	"regexp"
	"strings"
	"testing"
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

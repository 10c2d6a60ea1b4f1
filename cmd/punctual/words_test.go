package main

import (
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

func TestTheCommandsThatWordsOfOthersLeadToExist(t *testing.T) {
	parser, err := kong.New(&commandLine{}, kong.Name("punctual"), kong.ExplicitGroups(groups))
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, command := range parser.Model.Leaves(true) {
		there[strings.TrimPrefix(command.FullPath(), "punctual ")] = true
	}
	for _, other := range otherWords {
		for _, m := range other.means {
			if command, _, _ := strings.Cut(m.command, " --"); !there[command] {
				t.Errorf("%s leads to %q, which is no command", other.words, m.command)
			}
		}
	}
}

func TestAWordOfOtherProgramsIsAnsweredWithTheCommandThatDoesIt(t *testing.T) {
	for _, c := range []struct{ line, says string }{
		{"logs", "punctual runs output prints what a job wrote"},
		{"ps", "punctual processes lists the clocks"},
		{"status", "punctual health says whether"},
		{"list", "punctual schedules list lists the schedules, punctual runs list"},
		{"ls", "punctual schedules list"},
		{"stop", "punctual runs cancel ends a job, punctual schedules pause"},
		{"log", "punctual runs output"},
		{"output", "punctual runs output"},
		{"enable", "punctual schedules resume"},
		{"disable report", "punctual schedules pause"},
		{"rm report", "punctual schedules delete"},
		{"add report", "punctual apply makes the database agree with punctual.yaml, which is where schedules are written"},
		{"cron", "punctual next shows the instants"},
		{"schedules rm report", `there is no command "schedules rm"; punctual schedules delete deletes a schedule` + "\n"},
		{"schedules add report", "punctual apply makes"},
		{"runs logs 1", "punctual runs output"},
		{"queues enable reports", "punctual queues resume ends a pause of a queue\n"},
		{"schedules run report", "punctual schedules trigger runs a schedule's job now\n"},
		{"trigger report", "did you mean punctual schedules trigger?"},
	} {
		got := runIn(t, "", strings.Fields(c.line)...)
		if got.code != 2 || !strings.Contains(got.errors, c.says) {
			t.Errorf("%s: %+v; want 2, and %q", c.line, got, c.says)
		}
	}
}

func TestAFlagWithNothingInItIsRefusedWhereItWouldMeanSomethingElse(t *testing.T) {
	for _, c := range []struct {
		name string
		line []string
		flag string
	}{
		{name: "all queues", line: []string{"worker", "--queues", ""}, flag: "--queues"},
		{name: "the database here", line: []string{"health", "--database", ""}, flag: "--database"},
		{name: "the file here", line: []string{"check", "--config="}, flag: "--config"},
		{name: "every schedule", line: []string{"runs", "list", "--schedule", ""}, flag: "--schedule"},
		{name: "every tag", line: []string{"schedules", "list", "--tag", ""}, flag: "--tag"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := runIn(t, "", c.line...)
			if want := c.flag + " is given with nothing in it; leave it out, or say which"; got.code != 2 || !strings.Contains(got.errors, want) {
				t.Errorf("%+v; want 2, and %q", got, want)
			}
		})
	}
}

func TestAnAddressThatIsAPathIsAnsweredWithTheAddressOfThatFile(t *testing.T) {
	for _, c := range []struct{ address, says string }{
		{"x.db", "for a SQLite file of that name: sqlite:x.db;"},
		{"/path/x.db", "sqlite:/path/x.db;"},
		{"./data/punctual", "sqlite:./data/punctual;"},
		{"file:x.db", "sqlite:x.db;"},
		{"sqlite3:///var/x.db", "sqlite:/var/x.db;"},
		{"mysql://me:secret@host/x", `its address begins with "mysql"; allowed is postgres://`},
		{"host=here password=secret", "its address has no scheme; allowed is postgres://"},
	} {
		got := runIn(t, "", "health", "--database", c.address)
		if got.code != 2 || !strings.Contains(got.errors, c.says) || strings.Contains(got.errors, "secret") {
			t.Errorf("%s: %+v; want 2, and %q, and no secret", c.address, got, c.says)
		}
	}
}

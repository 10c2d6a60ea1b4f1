package main

import (
	"regexp"
	"slices"
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

// Hints that name what is not there would be worse than none.
func TestTheFlagsThatFlagsOfOthersLeadToExist(t *testing.T) {
	parser, err := kong.New(&commandLine{}, kong.Name("punctual"), kong.ExplicitGroups(groups))
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`--([a-z-]+)`)
	for _, other := range otherFlags {
		leads := false
		for _, command := range parser.Model.Leaves(true) {
			if other.command != "" && command.FullPath() != "punctual "+other.command {
				continue
			}
			if leads = leads || other.instead != "" || flagOf(command, other.flag) != nil; other.command == "" {
				continue
			}
			for _, flag := range named.FindAllStringSubmatch(other.instead, -1) {
				if flagOf(command, flag[1]) == nil {
					t.Errorf("%s: %s is answered with --%s, which it has not", other.command, other.words, flag[1])
				}
			}
			for word := range strings.FieldsSeq(other.words) {
				if flagOf(command, word) != nil {
					t.Errorf("%s has a flag --%s of its own", other.command, word)
				}
			}
		}
		if !leads || other.instead != "" && other.command == "" {
			t.Errorf("%s %s leads to --%s, which is no flag", other.command, other.words, other.flag)
		}
	}
	for _, other := range otherArguments {
		if !slices.ContainsFunc(parser.Model.Leaves(true), func(command *kong.Node) bool {
			return slices.ContainsFunc(command.Positional, func(p *kong.Positional) bool { return p.Name == other.argument })
		}) {
			t.Errorf("%s leads to <%s>, which is an argument of no command", other.words, other.argument)
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
		{"stop", "; Ctrl-C, or SIGTERM to its process (punctual processes), ends what punctual start began, punctual runs cancel ends a job, punctual schedules pause"},
		{"schedules stop report", "; punctual schedules pause holds a schedule back\n"},
		{"schedules next report", "; punctual schedules show tells when a schedule runs next, punctual simulate"},
		{"schedules start report", "; punctual schedules trigger runs a schedule's job now, punctual schedules resume ends a pause\n"},
		{"schedules enable report", "; punctual schedules resume ends a pause of a schedule\n"},
		{"runs delete 1", "; punctual runs cancel ends a job; what has ended goes by itself once it is older than --history"},
		{"reload", "punctual apply makes"},
		{"dashboard", "punctual web serves the dashboard"},
		{"ui", "punctual web serves the dashboard"},
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

func TestACommandThatHarmsIsNamedOnlyToWhoMistypedItsName(t *testing.T) {
	for _, c := range []struct {
		name, line string
		harmful    string // the command that may be meant
		named      bool
	}{
		{name: "a slip", line: "schedules delte report", harmful: "punctual schedules delete", named: true},
		{name: "a slip without the group", line: "delte report", harmful: "punctual schedules delete", named: true},
		{name: "two letters swapped", line: "tokens revkoe deploy", harmful: "punctual tokens revoke", named: true},
		{name: "a hyphen forgotten", line: "schedules skipnext report", harmful: "punctual schedules skip-next", named: true},
		{name: "part of its name", line: "schedules nex report", harmful: "skip-next"},
		{name: "its name in a group of others", line: "queues delete reports", harmful: "schedules delete"},
		{name: "a word for it in a group of others", line: "queues rm reports", harmful: "schedules delete"},
		{name: "a slip in a group of others", line: "alerts delte 1", harmful: "schedules delete"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := runIn(t, "", strings.Fields(c.line)...)
			if got.code != 2 || strings.Contains(got.errors, c.harmful) != c.named {
				t.Errorf("%+v; want 2, and %q named: %t", got, c.harmful, c.named)
			}
		})
	}
}

func TestAFlagOfOtherProgramsIsAnsweredWithOurs(t *testing.T) {
	for _, c := range []struct{ line, says string }{
		{"schedules list --format json", "there is no flag --format; --json: Print JSON."},
		{"runs list --output=json", "there is no flag --output; --json: Print JSON."},
		{"next @daily --timezone Europe/Paris", "there is no flag --timezone; --tz: IANA zone"},
		{"schedules pause report --for 2h", "there is no flag --for; --until: When it ends"},
		{"schedules pause report --reason holidays", "there is no flag --reason; --note: Why"},
		{"schedules list -x", "there is no flag -x\n"},
		{"schedules list --stat paused", "there is no flag --stat; did you mean "},
		{"check --file good.yaml", "there is no flag --file; --config good.yaml: "},
		{"start --port 9000", "there is no flag --port; --listen 127.0.0.1:9000: Where the web process listens"},
		{"web --port=9000", "there is no flag --port; --listen 127.0.0.1:9000: "},
		{"web --port", "there is no flag --port; --listen ADDRESS: "},
		{"start --host 0.0.0.0", "there is no flag --host; --listen 127.0.0.1:8080: "},
		{"worker --port 9464", "there is no flag --port; --metrics-listen: "},
		{"health --db x.db", "there is no flag --db; --database: The database"},
		{"start -f jobs.yaml", "there is no flag -f; --config jobs.yaml: The schedule file"},
		{"runs list --failed", "there is no flag --failed; --state failed: Only those in one state"},
		{"runs list --since 1h", "there is no flag --since; the newest come first: --limit 100 lists more"},
		{"runs list --name report", "there is no flag --name; --schedule: "},
		{"runs list --last 3", "there is no flag --last; --limit: "},
		{"schedules list --paused", "there is no flag --paused; --state paused: "},
		{"backfill report --since 2026-11-01 --until 2026-11-02", "there is no flag --since; --from: "},
		{"next @daily --until 2027-01-01", "there is no flag --until; --not-after: "},
		{"audit --from 2026-11-01", "there is no flag --from; an audit takes no range: it looks at all that the history holds."},
		{"audit report --since=1d", "there is no flag --since; an audit takes no range"},
		{"backfill report --dryrun", "there is no flag --dryrun; did you mean --dry-run?\n"},
		{"apply --DRY_RUN", "there is no flag --DRY_RUN; did you mean --dry-run?\n"},
		{"web --logformat=json", "there is no flag --logformat; did you mean --log-format?\n"},
		{"audit --schedule report", "there is no flag --schedule; it stands without a flag: punctual audit report\n"},
		{"runs show --id 12", "there is no flag --id; it stands without a flag: punctual runs show 12\n"},
		{"runs retry --id 12", "punctual runs retry 12\n"},
		{"schedules trigger report --follow", "there is no flag --follow; --wait: "},
		{"worker --threads 4", "there is no flag --threads; --concurrency: "},
		{"start punctual.yaml", "start takes no file as an argument; a flag names it: punctual start --config punctual.yaml"},
		{"runs list report", "runs list takes no argument; a flag names the schedule: punctual runs list --schedule report"},
		{"worker jobs.yml", "punctual worker --config jobs.yml"},
	} {
		got := runIn(t, "", strings.Fields(c.line)...)
		if got.code != 2 || !strings.Contains(got.errors, c.says) {
			t.Errorf("%s: %+v; want 2, and %q", c.line, got, c.says)
		}
	}
}

func TestAWordThatIsNoneOfTheAllowedIsAnsweredWithTheOneMeant(t *testing.T) {
	for _, c := range []struct{ line, says string }{
		{"runs list --state faild", "one of succeeded, failed, cancelled, expired, superseded, unknown, skipped, available, scheduled, pending, running, retryable; did you mean failed?\n"},
		{"runs list --state canceled", "; did you mean cancelled?\n"},
		{"runs list --state lost", "pending, running, retryable\n"},
		{"schedules list --state pausd", `"pausd" is not one of "active","paused","waiting","error","ended"; did you mean paused?`},
		{"web --user-role veiwer", "; did you mean viewer?\n"},
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

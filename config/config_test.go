package config

import (
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/punctual-dev/punctual/alert"
	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/schedule"
)

// read parses a file that has no faults.
func read(t *testing.T, text string, o Options) *File {
	t.Helper()
	f, err := Parse("punctual.yaml", []byte(text), o)
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	return f
}

// only parses a file with one schedule.
func only(t *testing.T, text string, o Options) schedule.Declaration {
	t.Helper()
	f := read(t, text, o)
	if len(f.Schedules) != 1 {
		t.Fatalf("the file holds %d schedules, want 1", len(f.Schedules))
	}
	return f.Schedules[0]
}

func TestAScheduleWithoutPoliciesHasTheDefaultsOfTheContract(t *testing.T) {
	got := only(t, "schedules: {hello: {when: \"every 5s\", run: echo hello}}", Options{})
	want := schedule.Declaration{
		Key: "hello", When: calendar.When{Expressions: []string{"every 5s"}},
		Job: schedule.Job{Run: &schedule.Command{Shell: "echo hello"}}, Policies: schedule.DefaultPolicies(),
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("declaration = %+v\nwant %+v", got, want)
	}
}

func TestAlertsHaveDefaultsAndWhatIsWrittenReplacesThem(t *testing.T) {
	const schedules = "\nschedules: {hello: {when: \"every 5s\", run: echo hello}}"
	tests := []struct {
		written string
		want    alert.Settings
	}{
		{"", alert.Settings{}},
		{"alerts: {ping: \"https://ping.example.com\"}", alert.Settings{
			Late: alert.DefaultLate, Missed: true, Failures: 1, To: map[string]alert.Recipient{}, Ping: "https://ping.example.com", PingEvery: alert.DefaultPingEvery,
		}},
		{`alerts:
  late: never
  missed: false
  failures: 0
  running: 2h
  only: [billing]
  except: [playground]
  ping_every: 30s
  ping: https://ping.example.com/${ID}
  mail: {server: "smtp.example.org:587", from: p@example.org, user: p, password: "${PASSWORD}"}
  to:
    chat: {webhook: "https://chat.example.com/${HOOK}", headers: {X-Key: "${KEY}"}, sign_with: SECRET}
    pager: {run: [./page.sh, now]}
    people: {mail: ops@example.org}`, alert.Settings{
			Running: schedule.Duration(2 * time.Hour), Only: []string{"billing"}, Except: []string{"playground"},
			Ping: "https://ping.example.com/${ID}", PingEvery: schedule.Duration(30 * time.Second),
			Mail: &alert.MailServer{Server: "smtp.example.org:587", From: "p@example.org", User: "p", Password: "${PASSWORD}"},
			To: map[string]alert.Recipient{
				"chat":   {Webhook: "https://chat.example.com/${HOOK}", Headers: map[string]string{"X-Key": "${KEY}"}, SignWith: "SECRET"},
				"pager":  {Run: &schedule.Command{Program: []string{"./page.sh", "now"}}},
				"people": {Mail: []string{"ops@example.org"}},
			},
		}},
	}
	for _, test := range tests {
		if diff := cmp.Diff(test.want, read(t, test.written+schedules, Options{}).Alerts); diff != "" {
			t.Errorf("%s\n(-want +got):\n%s", test.written, diff)
		}
	}
}

func TestEveryKeyReachesItsDeclaration(t *testing.T) {
	got := only(t, `
timezone: Europe/Berlin
limits: {warehouse: 2}
calendars: {feasts: [2026-12-25, 2026-12-26]}
schedules:
  report:
    when: ["weekdays at 09:00", "0 12 * * sat"]
    timezone: Europe/Paris
    run: [node, report.js]
    description: What for.
    tags: [a, b]
    queue: mails
    priority: 1
    timeout: 5m
    retries: 3
    backoff: {kind: exponential, initial: 1m, max: 2h}
    expires: 1h
    catch_up: all
    catch_up_window: 2d
    catch_up_max: 7
    grace: 30s
    overlap: cancel
    cancel_grace: 5s
    limit: warehouse
    jitter: 90s
    not_before: 2027-01-01
    not_after: 2027-12-31 18:00
    except: [feasts, 2027-01-01]
    env: {A: "1"}
    directory: reports
    was: old-report
`, Options{})
	want := schedule.Declaration{
		Key: "report", Was: "old-report", Description: "What for.", Tags: []string{"a", "b"},
		When: calendar.When{
			Expressions: []string{"weekdays at 09:00", "0 12 * * sat"}, Zone: "Europe/Paris",
			NotBefore: time.Date(2026, 12, 31, 23, 0, 0, 0, time.UTC), NotAfter: time.Date(2027, 12, 31, 17, 0, 0, 0, time.UTC),
			Except: []calendar.Date{{Year: 2026, Month: 12, Day: 25}, {Year: 2026, Month: 12, Day: 26}, {Year: 2027, Month: 1, Day: 1}},
		},
		Jitter: 90 * time.Second,
		Job:    schedule.Job{Run: &schedule.Command{Program: []string{"node", "report.js"}, Env: map[string]string{"A": "1"}, Directory: "reports"}},
		Policies: schedule.Policies{
			CatchUp: schedule.CatchUpAll, CatchUpWindow: schedule.Duration(48 * time.Hour), CatchUpMax: 7,
			Grace: schedule.Duration(30 * time.Second), Overlap: schedule.OverlapCancel, CancelGrace: schedule.Duration(5 * time.Second),
			Limit: "warehouse", Queue: "mails", Priority: 1, Timeout: schedule.Duration(5 * time.Minute), Retries: 3,
			Backoff: schedule.Backoff{Kind: schedule.BackoffExponential, Initial: schedule.Duration(time.Minute), Max: schedule.Duration(2 * time.Hour)},
			Expires: schedule.Duration(time.Hour),
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("declaration = %+v\nwant %+v", got, want)
	}
}

func TestARequestIsAGetOrWithABodyAPost(t *testing.T) {
	for _, test := range []struct {
		name, http string
		want       schedule.Request
	}{
		{name: "only a URL", http: `{url: "https://example.com"}`,
			want: schedule.Request{Method: "GET", URL: "https://example.com"}},
		{name: "a body", http: `{url: "https://example.com", body: '{"a": 1}'}`,
			want: schedule.Request{Method: "POST", URL: "https://example.com", Body: `{"a": 1}`}},
		{name: "everything", http: `{method: put, url: "https://${HOST}/x", headers: {X-Key: "${KEY}"}, body: b, success_codes: [200, 3xx, "400-410"]}`,
			want: schedule.Request{Method: "PUT", URL: "https://${HOST}/x", Headers: map[string]string{"X-Key": "${KEY}"}, Body: "b", SuccessCodes: []string{"200", "3xx", "400-410"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := only(t, "schedules: {x: {when: \"every 5s\", http: "+test.http+"}}", Options{}).Job.HTTP
			if !reflect.DeepEqual(*got, test.want) {
				t.Errorf("request = %+v, want %+v", *got, test.want)
			}
		})
	}
}

func TestArgumentsOfAGoWorkerBecomeJSON(t *testing.T) {
	got := only(t, `schedules: {x: {when: "every 5s", job: {kind: send_report, args: {n: 1.50, list: [a, true, null], deep: {x: "1"}}}}}`, Options{}).Job.Work
	if got.Kind != "send_report" || string(got.Args) != `{"deep":{"x":"1"},"list":["a",true,null],"n":1.50}` {
		t.Errorf("work = %s %s", got.Kind, got.Args)
	}
}

func TestBackoffFillsWhatIsLeftOpen(t *testing.T) {
	for _, test := range []struct {
		name, backoff string
		want          schedule.Backoff
	}{
		{name: "a duration is fixed", backoff: `30s`,
			want: schedule.Backoff{Kind: schedule.BackoffFixed, Initial: schedule.Duration(30 * time.Second), Max: schedule.Duration(30 * time.Second)}},
		{name: "a mapping is exponential", backoff: `{initial: 1s}`,
			want: schedule.Backoff{Kind: schedule.BackoffExponential, Initial: schedule.Duration(time.Second), Max: schedule.Duration(time.Hour)}},
		{name: "a long first delay raises the longest", backoff: `{initial: 3h}`,
			want: schedule.Backoff{Kind: schedule.BackoffExponential, Initial: schedule.Duration(3 * time.Hour), Max: schedule.Duration(3 * time.Hour)}},
		{name: "a fixed mapping", backoff: `{kind: fixed, initial: 1m}`,
			want: schedule.Backoff{Kind: schedule.BackoffFixed, Initial: schedule.Duration(time.Minute), Max: schedule.Duration(time.Minute)}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := only(t, `schedules: {x: {when: "every 5s", run: echo, retries: 1, backoff: `+test.backoff+`}}`, Options{}).Policies.Backoff
			if got != test.want {
				t.Errorf("backoff = %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestDefaultsHoldUnlessAScheduleSaysOtherwise(t *testing.T) {
	f := read(t, `
defaults: {retries: 2, queue: mails, env: {A: "1", B: "2"}, tags: [all], catch_up_max: 5, directory: here}
schedules:
  inherits: {when: "every 5s", run: echo}
  differs: {when: "every 5s", run: echo, retries: 0, tags: [own], env: {B: "3"}}
  fetches: {when: "every 5s", http: {url: "https://example.com"}}
  works: {when: "every 5s", job: {kind: report}}
`, Options{})
	inherits, differs := f.Schedules[0], f.Schedules[1]
	if p := inherits.Policies; p.Retries != 2 || p.Queue != "mails" || p.CatchUpMax != 5 || inherits.Tags[0] != "all" {
		t.Errorf("inherited: %+v %v", p, inherits.Tags)
	}
	if p := differs.Policies; p.Retries != 0 || p.Queue != "mails" || differs.Tags[0] != "own" {
		t.Errorf("own: %+v %v", p, differs.Tags)
	}
	for i, want := range []map[string]string{{"A": "1", "B": "2"}, {"A": "1", "B": "3"}} {
		if got := f.Schedules[i].Job.Run.Env; !reflect.DeepEqual(got, want) {
			t.Errorf("env of %s = %v, want %v", f.Schedules[i].Key, got, want)
		}
	}
}

func TestAnInstantWithoutAZoneIsReadInThatOfTheSchedule(t *testing.T) {
	for _, test := range []struct {
		name, keys string
		from, to   string
	}{
		{name: "a date is its first instant, or its last", keys: `not_before: 2027-03-28, not_after: 2027-03-28`,
			from: "2027-03-27T23:00:00Z", to: "2027-03-28T21:59:59.999Z"},
		{name: "a local date and time", keys: `not_before: "2027-01-01 09:00", not_after: 2027-07-01T09:00:30`,
			from: "2027-01-01T08:00:00Z", to: "2027-07-01T07:00:30Z"},
		{name: "an offset", keys: `not_before: 2027-01-01T09:00:00Z, not_after: 2027-07-01T09:00:00+05:30`,
			from: "2027-01-01T09:00:00Z", to: "2027-07-01T03:30:00Z"},
		{name: "the zone of a prefix", keys: `when: "TZ=America/New_York 0 9 * * *", not_before: 2027-01-01, not_after: 2028-01-01`,
			from: "2027-01-01T05:00:00Z", to: "2028-01-02T04:59:59.999Z"},
	} {
		t.Run(test.name, func(t *testing.T) {
			keys := test.keys
			if !strings.Contains(keys, "when:") {
				keys += `, when: "every 5s"`
			}
			got := only(t, "timezone: Europe/Berlin\nschedules: {x: {run: echo, "+keys+"}}", Options{}).When
			if from, to := schedule.FormatInstant(got.NotBefore), schedule.FormatInstant(got.NotAfter); from != test.from || to != test.to {
				t.Errorf("bounds %s to %s, want %s to %s", from, to, test.from, test.to)
			}
		})
	}
}

func TestEnabledInComparesTheEnvironment(t *testing.T) {
	const file = `schedules: {x: {when: "every 5s", run: echo, enabled_in: %s}}`
	for _, test := range []struct {
		name, in, environment, want string
	}{
		{name: "listed", in: "[production]", environment: "production", want: ""},
		{name: "not listed", in: "production", environment: "staging", want: "enabled only in production; this is staging"},
		{name: "several", in: "[a, b, c]", environment: "d", want: "enabled only in a, b and c; this is d"},
		{name: "unknown", in: "[production]", environment: "", want: "enabled only in production; PUNCTUAL_ENV is not set here"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := only(t, fmt.Sprintf(file, test.in), Options{Environment: test.environment}).Disabled
			if got != test.want {
				t.Errorf("disabled = %q, want %q", got, test.want)
			}
		})
	}
}

func TestAnchorsAndMergesWork(t *testing.T) {
	f := read(t, `
x-common: &common
  queue: mails
  retries: 3
  env: &env {A: "1"}
schedules:
  merged: {<<: *common, when: "every 5s", run: echo, retries: 1}
  several:
    <<: [{priority: 1}, *common]
    when: &often "every 7s"
    run: echo
  aliased: {when: *often, run: echo, env: *env}
`, Options{})
	merged, several, aliased := f.Schedules[0], f.Schedules[1], f.Schedules[2]
	if p := merged.Policies; p.Queue != "mails" || p.Retries != 1 || merged.Job.Run.Env["A"] != "1" {
		t.Errorf("merged = %+v", merged)
	}
	if p := several.Policies; p.Queue != "mails" || p.Retries != 3 || p.Priority != 1 {
		t.Errorf("several = %+v", several)
	}
	if aliased.When.Expressions[0] != "every 7s" || aliased.Job.Run.Env["A"] != "1" {
		t.Errorf("aliased = %+v", aliased)
	}
}

func TestSchedulesStandInTheOrderOfTheFile(t *testing.T) {
	f := read(t, `{"schedules": {"z": {"when": "every 5s", "run": "echo"}, "a": {"when": "every 5s", "run": "echo"}, "m.1": {"when": "every 5s", "run": "echo"}}}`, Options{})
	var keys []string
	for _, s := range f.Schedules {
		keys = append(keys, s.Key)
	}
	if got := strings.Join(keys, " "); got != "z a m.1" {
		t.Errorf("keys = %s", got)
	}
}

func TestTextThatOtherReadersTakeForSomethingElseStaysText(t *testing.T) {
	got := only(t, "\ufeff%YAML 1.2\n---\r\nschedules:\r\n  x:\r\n    when: \"every 5s\"\r\n    run: |\r\n      echo a\r\n      \techo b\r\n    env: {A: no, B: 2026-12-25, C: 12:30, D: !!str 5, E: \"\"}\r\n...\n", Options{})
	want := map[string]string{"A": "no", "B": "2026-12-25", "C": "12:30", "D": "5", "E": ""}
	if !reflect.DeepEqual(got.Job.Run.Env, want) {
		t.Errorf("env = %v, want %v", got.Job.Run.Env, want)
	}
	if want := "echo a\n\techo b\n"; got.Job.Run.Shell != want {
		t.Errorf("run = %q, want %q", got.Job.Run.Shell, want)
	}
}

func TestAFileThatWouldFillTheMemoryIsRefused(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("x-a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := range 30 {
		fmt.Fprintf(&bomb, "x-a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d]\n", i+1, i+1, i, i, i, i, i)
	}
	for _, test := range []struct{ name, text, want string }{
		{name: "too many bytes", text: "# " + strings.Repeat("x", maxSize), want: "larger than"},
		{name: "too many parts", text: strings.Repeat("- \n", maxMarks+1), want: "too large"},
		{name: "brackets", text: "a: " + strings.Repeat("[", 10_000), want: "nested too deep"},
		{name: "dashes", text: "a:\n  " + strings.Repeat("- ", 10_000) + "x", want: "nested too deep"},
		{name: "indentation", text: "a:\n" + strings.Repeat(" ", 300) + "b: c", want: "nested too deep"},
		{name: "aliases of aliases", text: bomb.String() + `schedules: {x: {when: "every 5s", job: {kind: report, args: {a: *a30}}}}`, want: "aliases"},
		{name: "an alias of itself", text: "schedules: {x: &x {when: *x, run: echo}}", want: "nothing is marked &x"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse("punctual.yaml", []byte(test.text), Options{})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Parse = %v, want a fault with %q", err, test.want)
			}
		})
	}
}

func TestALargeFileIsReadWithinSeconds(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	var text strings.Builder
	text.WriteString("schedules:\n")
	for i := range 20_000 {
		fmt.Fprintf(&text, "  job-%d:\n    when: \"%d %d * * *\"\n    run: echo %d\n", i, i%60, i%24, i)
	}
	start := time.Now()
	if f := read(t, text.String(), Options{}); len(f.Schedules) != 20_000 {
		t.Errorf("%d schedules", len(f.Schedules))
	}
	if took := time.Since(start); took > 15*time.Second {
		t.Errorf("took %s", took)
	}
}

func TestAMissingFileIsNoFaultOfAFile(t *testing.T) {
	if _, err := Load("testdata/nowhere.yaml", Options{}); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "no schedule file testdata/nowhere.yaml: punctual init writes one") {
		t.Errorf("Load = %v", err)
	}
}

func TestAFolderIsToldFromAScheduleFile(t *testing.T) {
	folder := t.TempDir()
	_, err := Load(folder, Options{})
	if want := folder + " is a folder; name the schedule file in it"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
}

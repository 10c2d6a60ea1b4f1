package schedule_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/schedule"
)

// good is a declaration without a fault.
func good() schedule.Declaration {
	return declared("report", "daily at 09:00", func(d *schedule.Declaration) {
		d.Job.Run = &schedule.Command{Shell: "./report.sh"}
	})
}

func TestADeclarationOfDefaultsIsValid(t *testing.T) {
	if faults := good().Validate(); len(faults) > 0 {
		t.Errorf("it has faults: %v", faults)
	}
}

func TestEveryFaultNamesItsFieldAndTheValue(t *testing.T) {
	type declaration = schedule.Declaration
	long := schedule.Duration(11 * 366 * 24 * time.Hour)
	request := func(change func(*schedule.Request)) func(*declaration) {
		return func(d *declaration) {
			d.Job = schedule.Job{HTTP: &schedule.Request{Method: "POST", URL: "https://example.com/${TASK}"}}
			change(d.Job.HTTP)
		}
	}
	work := func(kind, args string) func(*declaration) {
		return func(d *declaration) {
			d.Job = schedule.Job{Work: &schedule.Work{Kind: kind, Args: json.RawMessage(args)}}
		}
	}
	for _, c := range []struct {
		field string // empty: no fault
		text  string // what the fault says
		fault func(*declaration)
	}{
		{"key", `"Report"`, func(d *declaration) { d.Key = "Report" }},
		{"was", `"a b"`, func(d *declaration) { d.Was = "a b" }},
		{"was", "own key", func(d *declaration) { d.Was = d.Key }},
		{"description", "1001 bytes", func(d *declaration) { d.Description = strings.Repeat("x", 1001) }},
		{"description", "cannot be stored", func(d *declaration) { d.Description = "a\x00b" }},
		{"description", "cannot be stored", func(d *declaration) { d.Description = "a\xffb" }},
		{"tags", "21 tags", func(d *declaration) { d.Tags = slices.Repeat([]string{"x"}, 21) }},
		{"tags[1]", `"A"`, func(d *declaration) { d.Tags = []string{"a", "A"} }},
		{"when", "is missing", func(d *declaration) { d.When.Expressions = nil }},
		{"when", "25", func(d *declaration) { d.When.Expressions = []string{"daily at 25:00"} }},
		{"timezone", "EST", func(d *declaration) { d.When.Zone = "EST" }},
		{"not_after", "before not_before", func(d *declaration) { d.When.NotBefore, d.When.NotAfter = start, start.Add(-time.Hour) }},
		{"jitter", "-1s is negative", func(d *declaration) { d.Jitter = -time.Second }},
		{"run", "0 jobs", func(d *declaration) { d.Job.Run = nil }},
		{"run", "2 jobs", func(d *declaration) { d.Job.Work = &schedule.Work{Kind: "send"} }},
		{"run", "is empty", func(d *declaration) { d.Job.Run.Shell = " " }},
		{"run", "both", func(d *declaration) { d.Job.Run.Program = []string{"true"} }},
		{"run", "cannot be stored", func(d *declaration) { d.Job.Run.Shell = "a\x00" }},
		{"run", "65537 bytes", func(d *declaration) { d.Job.Run.Shell = strings.Repeat("x", 65537) }},
		{"env.A-B", "environment variable", func(d *declaration) { d.Job.Run.Env = map[string]string{"A-B": ""} }},
		{"env.PUNCTUAL_X", "reserved", func(d *declaration) { d.Job.Run.Env = map[string]string{"PUNCTUAL_X": ""} }},
		{"env.A", "cannot be stored", func(d *declaration) { d.Job.Run.Env = map[string]string{"A": "\x00"} }},
		{"", "", func(d *declaration) {
			d.Job.Run = &schedule.Command{
				Shell: "x", CleanEnv: true, KeepEnv: []string{"PATH", "PUNCTUAL_ENV"}, Umask: "027", User: "deploy", Group: "1000",
				SuccessCodes: []string{"0", "10-19"}, NoRetryCodes: []string{"2", "75"},
			}
		}},
		{"inherit_env", "all are kept", func(d *declaration) { d.Job.Run.KeepEnv = []string{"PATH"} }},
		{"inherit_env[1]", `"A-B"`, func(d *declaration) { d.Job.Run.CleanEnv, d.Job.Run.KeepEnv = true, []string{"PATH", "A-B"} }},
		{"inherit_env[0]", "punctual's own", func(d *declaration) { d.Job.Run.CleanEnv, d.Job.Run.KeepEnv = true, []string{"PUNCTUAL_TOKEN"} }},
		{"umask", `"888"`, func(d *declaration) { d.Job.Run.Umask = "888" }},
		{"umask", `"27"`, func(d *declaration) { d.Job.Run.Umask = "27" }},
		{"user", `"a b"`, func(d *declaration) { d.Job.Run.User = "a b" }},
		{"user", `"-x"`, func(d *declaration) { d.Job.Run.User = "-x" }},
		{"group", `"a:b"`, func(d *declaration) { d.Job.Run.User, d.Job.Run.Group = "a", "a:b" }},
		{"group", "without user", func(d *declaration) { d.Job.Run.Group = "a" }},
		{"success_codes[1]", `"256"`, func(d *declaration) { d.Job.Run.SuccessCodes = []string{"0", "256"} }},
		{"success_codes[0]", `"9-3"`, func(d *declaration) { d.Job.Run.SuccessCodes = []string{"9-3"} }},
		{"no_retry_codes[0]", `"-1"`, func(d *declaration) { d.Job.Run.NoRetryCodes = []string{"-1"} }},
		{"no_retry_codes[1]", "among success_codes", func(d *declaration) {
			d.Job.Run.SuccessCodes, d.Job.Run.NoRetryCodes = []string{"0", "10-19"}, []string{"2", "15"}
		}},
		{"", "", request(func(r *schedule.Request) {})},
		{"", "", request(func(r *schedule.Request) { r.SignWith, r.RetryCodes = "WEBHOOK_SECRET", []string{"404", "4xx"} })},
		{"http.sign_with", "name of an environment variable", request(func(r *schedule.Request) { r.SignWith = "whsec_a+b" })},
		{"http.retry_codes[0]", `"4x"`, request(func(r *schedule.Request) { r.RetryCodes = []string{"4x"} })},
		{"http.retry_codes[0]", `"500"`, request(func(r *schedule.Request) { r.RetryCodes = []string{"500"} })},
		{"http.ca_file", "cannot be stored", request(func(r *schedule.Request) { r.CAFile = "a\x00" })},
		{"", "", request(func(r *schedule.Request) { r.URL = "${BASE}/task" })},
		{"http.method", `"post"`, request(func(r *schedule.Request) { r.Method = "post" })},
		{"http.url", "is missing", request(func(r *schedule.Request) { r.URL = "" })},
		{"http.url", `"/task"`, request(func(r *schedule.Request) { r.URL = "/task" })},
		{"http.url", "ftp", request(func(r *schedule.Request) { r.URL = "ftp://example.com" })},
		{"http.headers.A B", "name of a header", request(func(r *schedule.Request) { r.Headers = map[string]string{"A B": ""} })},
		{"http.headers.A", "line break", request(func(r *schedule.Request) { r.Headers = map[string]string{"A": "b\r\nC: d"} })},
		{"http.body", "cannot be stored", request(func(r *schedule.Request) { r.Body = "\x00" })},
		{"http.success_codes[0]", `"600"`, request(func(r *schedule.Request) { r.SuccessCodes = []string{"600"} })},
		{"", "", request(func(r *schedule.Request) { r.SuccessCodes = []string{"200", "2xx", "300-399"} })},
		{"", "", work("send_report", `{"to":"a"}`)},
		{"", "", work("send_report", `{"path":"\\u0000"}`)},
		{"job.kind", `"x"`, work("x", "")},
		{"job.kind", "reserved", work("punctual.run", "")},
		{"job.args", "not an object", work("send", "[1]")},
		{"job.args", "not an object", work("send", "null")},
		{"job.args", "not an object", work("send", "{")},
		{"job.args", "NUL", work("send", `{"a":["\u0000"]}`)},
		{"catch_up", `"some"`, func(d *declaration) { d.Policies.CatchUp = "some" }},
		{"overlap", `""`, func(d *declaration) { d.Policies.Overlap = "" }},
		{"catch_up_max", "10001", func(d *declaration) { d.Policies.CatchUpMax = 10001 }},
		{"catch_up_max", "0 is out", func(d *declaration) { d.Policies.CatchUpMax = 0 }},
		{"priority", "5", func(d *declaration) { d.Policies.Priority = 5 }},
		{"retries", "-1", func(d *declaration) { d.Policies.Retries = -1 }},
		{"catch_up_window", "too short", func(d *declaration) { d.Policies.CatchUpWindow = 0 }},
		{"grace", "negative", func(d *declaration) { d.Policies.Grace = -1e9 }},
		{"cancel_grace", "longer than ten years", func(d *declaration) { d.Policies.CancelGrace = long }},
		{"timeout", "1.5µs is not a whole number of milliseconds", func(d *declaration) { d.Policies.Timeout = 1500 }},
		{"expires", "negative", func(d *declaration) { d.Policies.Expires = -1e9 }},
		{"backoff.kind", `"linear"`, func(d *declaration) { d.Policies.Backoff.Kind = "linear" }},
		{"backoff.initial", "too short", func(d *declaration) { d.Policies.Backoff.Initial = 0 }},
		{"backoff.max", "shorter than the first", func(d *declaration) { d.Policies.Backoff.Max = 1e9 }},
		{"", "", func(d *declaration) {
			d.Policies.Backoff = schedule.Backoff{Kind: schedule.BackoffFixed, Initial: schedule.Duration(2 * time.Hour)}
		}},
		{"queue", `"a b"`, func(d *declaration) { d.Policies.Queue = "a b" }},
		{"limit", `"A"`, func(d *declaration) { d.Policies.Limit = "A" }},
	} {
		d := good()
		c.fault(&d)
		faults := d.Validate()
		if c.field == "" {
			if len(faults) > 0 {
				t.Errorf("%+v has faults: %v", d, faults)
			}
			continue
		}
		named := slices.ContainsFunc(faults, func(f schedule.Fault) bool {
			return f.Field == c.field && strings.Contains(f.Error(), c.text)
		})
		if !named {
			t.Errorf("want a fault of %s that says %q, got %v", c.field, c.text, faults)
		}
	}
}

func TestEveryFaultIsToldInOneGo(t *testing.T) {
	d := schedule.Declaration{Key: "A", When: calendar.When{Expressions: []string{"sometimes"}}}
	fields := map[string]bool{}
	for _, f := range d.Validate() {
		fields[f.Field] = true
	}
	for _, want := range []string{"key", "when", "run", "catch_up", "overlap", "catch_up_max", "priority", "catch_up_window", "backoff.kind", "backoff.initial", "queue"} {
		if !fields[want] {
			t.Errorf("nothing is said of %s", want)
		}
	}
}

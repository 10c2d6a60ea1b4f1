package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/schedule"
)

// readBack reads a schedule that was written, as a file of its own.
func readBack(t rapid.TB, key, text, limit string) schedule.Declaration {
	t.Helper()
	if limit != "" {
		text = "limits: {" + limit + ": 1}\n" + text
	}
	f, err := Parse("written", []byte(text), Options{})
	if err != nil {
		t.Fatalf("what was written cannot be read:\n%s\n%v", text, err)
	}
	if len(f.Schedules) != 1 || f.Schedules[0].Key != key {
		t.Fatalf("what was written is read as %+v", f.Schedules)
	}
	return f.Schedules[0]
}

func TestWhatIsWrittenIsReadAgainAsTheSameDeclaration(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := declarations().Draw(t, "declaration")
		if faults := d.Validate(); len(faults) > 0 {
			t.Skipf("not a declaration: %v", faults)
		}
		written := Write(d)
		object, err := json.Marshal(map[string]any{"schedules": map[string]any{d.Key: written}})
		if err != nil {
			t.Fatal(err)
		}
		asYAML := "schedules:\n  \"" + d.Key + "\":\n" + written.YAML("    ")
		fromYAML := readBack(t, d.Key, asYAML, d.Policies.Limit)
		if difference := compare(d, fromYAML); difference != "" {
			t.Fatalf("as YAML (-declared +read):\n%s\n%s", difference, asYAML)
		}
		if d.Policies.Limit == "" {
			if difference := compare(d, readBack(t, d.Key, string(object), "")); difference != "" {
				t.Fatalf("as JSON (-declared +read):\n%s\n%s", difference, object)
			}
		}
	})
}

func compare(a, b schedule.Declaration) string {
	return cmp.Diff(plainArgs(a), plainArgs(b), cmpopts.EquateEmpty())
}

// plainArgs writes the arguments of a Go worker in one form.
func plainArgs(d schedule.Declaration) schedule.Declaration {
	var args any
	if d.Job.Work == nil || json.Unmarshal(d.Job.Work.Args, &args) != nil {
		return d
	}
	work := *d.Job.Work
	work.Args, _ = json.Marshal(args)
	d.Job.Work = &work
	return d
}

// declarations are such as a file can hold: policies without effect have their
// defaults.
func declarations() *rapid.Generator[schedule.Declaration] {
	return rapid.Custom(func(t *rapid.T) schedule.Declaration {
		d := schedule.Declaration{
			Key:         rapid.StringMatching(`[a-z0-9][a-z0-9._-]{0,20}`).Draw(t, "key"),
			Description: texts().Draw(t, "description"),
			Tags:        rapid.SliceOfN(rapid.StringMatching(`[a-z0-9][a-z0-9_-]{0,9}`), 0, 3).Draw(t, "tags"),
			Jitter:      time.Duration(rapid.IntRange(0, 5).Draw(t, "jitter")) * time.Minute,
			Policies:    policiesOf(t),
			Job:         jobOf(t),
		}
		d.When = calendar.When{
			Expressions: rapid.SampledFrom([][]string{
				{"daily at 09:00"}, {"*/5 * * * *"}, {"every 90s"}, {"weekdays at 09:00", "0 0 1 * *"}, {"@hourly"}, {"? 9 * * fri#2"},
			}).Draw(t, "when"),
			Zone: rapid.SampledFrom([]string{"", "UTC", "Europe/Paris", "America/Argentina/Buenos_Aires"}).Draw(t, "zone"),
		}
		if rapid.Bool().Draw(t, "bounded") {
			d.When.NotBefore = time.UnixMilli(rapid.Int64Range(0, 4e12).Draw(t, "not before")).UTC()
			d.When.NotAfter = d.When.NotBefore.Add(10 * 366 * 24 * time.Hour)
			d.When.Except = []calendar.Date{{Year: 2026, Month: 12, Day: 25}, {Year: 2027, Month: 1, Day: 1}}
		}
		return d
	})
}

// texts are what people write, and what they never would.
func texts() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{
			"", "a b", "no", "12", "1.5e3", "null", "~", "'", "\"", "a: b", "a #b", "- a", "*x", "&a", "!t", "%d", "@x", "`", "|", ">", "{a}", "[a]", "a,b",
			" a", "a ", "a\n", "a\nb", "a\n\nb\n", "\na", "a\n b", " a\nb", "a \nb", "a\tb\nc", "line\\n", "ünï 😀\nzwei", "${NAME}", "a\u2028b", "0x1F", "2026-12-25", "<<", "=", "?", ":", "-", ".inf", "x:", "---\na", "...\na",
			"if true; then\n  echo \"a: b\" # c\nfi\n",
		}),
		rapid.StringOfN(rapid.RuneFrom([]rune("ab \n\t:#-'\"\\{}[],&*!|>%@`é😀0~?")), 0, 12, -1),
	)
}

func policiesOf(t *rapid.T) schedule.Policies {
	duration := func(name string) schedule.Duration {
		return schedule.Duration(time.Duration(rapid.Int64Range(1, 1e9).Draw(t, name)) * time.Millisecond)
	}
	p := schedule.DefaultPolicies()
	p.CatchUp = rapid.SampledFrom([]schedule.CatchUp{schedule.CatchUpLatest, schedule.CatchUpAll, schedule.CatchUpNone}).Draw(t, "catch up")
	p.Overlap = rapid.SampledFrom([]schedule.Overlap{
		schedule.OverlapSkip, schedule.OverlapWait, schedule.OverlapQueue, schedule.OverlapCancel, schedule.OverlapAllow,
	}).Draw(t, "overlap")
	p.Grace, p.Timeout, p.Expires = duration("grace"), duration("timeout"), duration("expires")
	p.Priority, p.Retries = rapid.IntRange(1, 4).Draw(t, "priority"), rapid.IntRange(0, 3).Draw(t, "retries")
	p.Queue = rapid.SampledFrom([]string{"default", "slow-ones", "0"}).Draw(t, "queue")
	p.Limit = rapid.SampledFrom([]string{"", "warehouse"}).Draw(t, "limit")
	if p.CatchUp == schedule.CatchUpAll {
		p.CatchUpWindow = duration("window")
	}
	if p.CatchUp == schedule.CatchUpAll || p.Overlap == schedule.OverlapQueue {
		p.CatchUpMax = rapid.IntRange(1, 10_000).Draw(t, "max")
	}
	if p.Overlap == schedule.OverlapCancel {
		p.CancelGrace = duration("cancel grace")
	}
	if p.Retries > 0 {
		p.Backoff.Initial = duration("backoff")
		p.Backoff.Max = p.Backoff.Initial * 2
		if rapid.Bool().Draw(t, "fixed") {
			p.Backoff.Kind, p.Backoff.Max = schedule.BackoffFixed, p.Backoff.Initial
		}
	}
	return p
}

func jobOf(t *rapid.T) schedule.Job {
	names := rapid.MapOfN(rapid.StringMatching(`[A-Z_][A-Z0-9_]{0,5}`), texts(), 0, 3)
	switch rapid.SampledFrom([]string{"shell", "program", "http", "work"}).Draw(t, "job") {
	case "shell":
		return schedule.Job{Run: &schedule.Command{Shell: texts().Draw(t, "shell"), Directory: texts().Draw(t, "directory"), Env: names.Draw(t, "env")}}
	case "program":
		c := &schedule.Command{
			Program:      rapid.SliceOfN(texts(), 1, 3).Draw(t, "program"),
			CleanEnv:     rapid.Bool().Draw(t, "clean"),
			Umask:        rapid.SampledFrom([]string{"", "027", "777"}).Draw(t, "umask"),
			User:         rapid.SampledFrom([]string{"", "deploy", "1000"}).Draw(t, "user"),
			SuccessCodes: rapid.SampledFrom([][]string{nil, {"0"}, {"0", "3-9"}}).Draw(t, "success"),
			NoRetryCodes: rapid.SampledFrom([][]string{nil, {"75"}, {"64-78", "255"}}).Draw(t, "no retry"),
		}
		if c.CleanEnv {
			c.KeepEnv = rapid.SampledFrom([][]string{nil, {"PATH"}, {"PATH", "none"}}).Draw(t, "keep")
		}
		if c.User != "" {
			c.Group = rapid.SampledFrom([]string{"", "staff", "0"}).Draw(t, "group")
		}
		return schedule.Job{Run: c}
	case "http":
		return schedule.Job{HTTP: &schedule.Request{
			Method: rapid.SampledFrom([]string{"GET", "POST", "PUT"}).Draw(t, "method"), URL: "https://example.com/a?b=${C}",
			Headers: rapid.MapOfN(rapid.StringMatching(`[A-Z][a-z]{1,5}`), texts(), 0, 3).Draw(t, "headers"),
			Body:    texts().Draw(t, "body"), Env: names.Draw(t, "env"),
			SuccessCodes: rapid.SampledFrom([][]string{nil, {"200"}, {"2xx", "301-304"}}).Draw(t, "codes"),

			FollowRedirects: rapid.Bool().Draw(t, "follow"), SignWith: rapid.SampledFrom([]string{"", "WEBHOOK_SECRET"}).Draw(t, "sign"),
			CAFile: texts().Draw(t, "authorities"),
		}}
	}
	args := json.RawMessage(nil)
	if rapid.Bool().Draw(t, "args") {
		args, _ = json.Marshal(map[string]any{"text": texts().Draw(t, "text"), "list": []any{1, 1.5, true, nil}, "inner": map[string]any{"no": "12"}})
	}
	return schedule.Job{Work: &schedule.Work{Kind: "send_report", Args: args}}
}

func TestWrittenYAMLReadsLikeAFileThatAPersonWrote(t *testing.T) {
	d := schedule.Declaration{
		Key: "report", Description: "Sends the report: every morning", Tags: []string{"mail", "daily"},
		When:     calendar.When{Expressions: []string{"weekdays at 09:00"}, Zone: "Europe/Paris"},
		Job:      schedule.Job{Run: &schedule.Command{Shell: "set -e\n./report.sh\n", Env: map[string]string{"TO": "${REPORT_TO}", "COUNT": "3"}}},
		Policies: schedule.DefaultPolicies(),
	}
	d.Policies.Retries = 3
	const want = `when: "weekdays at 09:00"
timezone: Europe/Paris
run: |
  set -e
  ./report.sh
env:
  COUNT: "3"
  TO: "${REPORT_TO}"
description: "Sends the report: every morning"
tags: ["mail","daily"]
retries: 3
`
	if difference := cmp.Diff(want, Write(d).YAML("")); difference != "" {
		t.Error(difference)
	}
	if got := Write(d).Get("retries"); got != 3 {
		t.Errorf("retries are %v, want 3", got)
	}
}

func TestWriteKnowsEveryKeyOfTheFile(t *testing.T) {
	all := fmt.Sprint(slices.Collect(maps.Keys(knownToWrite(t))))
	for _, name := range structNames() {
		if name != "enabled_in" && !strings.Contains(all, name) {
			t.Errorf("the key %s is never written: teach Write to, or say here why not", name)
		}
	}
}

// structNames are the keys of a schedule in the file.
func structNames() []string { return fieldsOf(reflect.TypeFor[definition]()).names }

// knownToWrite are the keys written of declarations that leave nothing out.
func knownToWrite(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	p := schedule.Policies{
		CatchUp: schedule.CatchUpAll, CatchUpWindow: 1, CatchUpMax: 1, Grace: 1, Overlap: schedule.OverlapCancel, CancelGrace: 1, Limit: "a",
		Queue: "b", Priority: 1, Timeout: 1, Retries: 1, Backoff: schedule.Backoff{Kind: schedule.BackoffFixed, Initial: 1}, Expires: 1,
	}
	when := calendar.When{Expressions: []string{"a"}, Zone: "b", NotBefore: time.Unix(1, 0), NotAfter: time.Unix(2, 0), Except: []calendar.Date{{Year: 1}}}
	env := map[string]string{"A": "b"}
	for _, job := range []schedule.Job{
		{Run: &schedule.Command{
			Shell: "a", Directory: "b", Env: env, CleanEnv: true, Umask: "027", User: "c", Group: "d", SuccessCodes: []string{"0"}, NoRetryCodes: []string{"1"},
		}}, {HTTP: &schedule.Request{}}, {Work: &schedule.Work{}},
	} {
		for _, one := range Write(schedule.Declaration{Was: "a", Description: "b", Tags: []string{"c"}, When: when, Jitter: 1, Job: job, Policies: p}) {
			found[one.Key] = true
		}
	}
	return found
}

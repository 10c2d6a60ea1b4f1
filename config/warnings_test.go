package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var november = time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)

// warnings are the warnings of a text, one a line.
func warnings(t *testing.T, text string, now time.Time) string {
	t.Helper()
	var lines strings.Builder
	for _, w := range read(t, text, Options{}).Warnings(now) {
		fmt.Fprintf(&lines, "%d:%d: %s: %s\n", w.Line, w.Column, w.Field, w.Problem)
	}
	return lines.String()
}

// warningsOfJob are those of a file in a directory with one schedule and its job.
func warningsOfJob(t *testing.T, directory, job string) []Warning {
	t.Helper()
	path := filepath.Join(directory, "punctual.yaml")
	if err := os.WriteFile(path, []byte("schedules:\n  a: { when: every 1h, "+job+" }\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	file, err := Load(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return file.Warnings(november)
}

func TestEachHazardIsToldAtItsPlace(t *testing.T) {
	f, err := Load("testdata/hazards.yaml", Options{})
	if err != nil {
		t.Fatal(err)
	}
	var told strings.Builder
	for _, w := range f.Warnings(november) {
		told.WriteString(w.Render(false) + "\n\n")
	}
	const golden = "testdata/hazards.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(told.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got := told.String(); got != string(want) {
		t.Errorf("warnings:\n%s\nwant:\n%s", got, want)
	}
}

func TestAnOrdinaryFileHasNoWarnings(t *testing.T) {
	got := warnings(t, `
timezone: Europe/Paris
limits: {warehouse: 1}
calendars: {feasts: [2026-12-25]}
schedules:
  a: {when: "weekdays at 09:00", run: echo, except: feasts}
  b: {when: "*/5 * * * *", run: sh -c ./here, limit: warehouse}
  c: {when: "every 5s", run: FOO=/bar/baz ./x}
  d: {when: "every 5m", timezone: Europe/Rome, except: [2026-12-25], run: echo}
`, november)
	if got != "" {
		t.Errorf("warnings:\n%s", got)
	}
}

func TestAHerdIsCountedAndWithJitterThereIsNone(t *testing.T) {
	herd := func(jitter string) string {
		var text strings.Builder
		fmt.Fprintf(&text, "defaults: {%s}\nschedules:\n", jitter)
		for i := range 25 {
			fmt.Fprintf(&text, "  daily-%d: {when: \"daily at 09:00\", run: echo}\n", i)
		}
		for i := range 25 {
			fmt.Fprintf(&text, "  alone-%d: {when: \"daily at 10:%02d\", run: echo}\n", i, i)
		}
		text.WriteString("  hourly: {when: \"@hourly\", run: echo}\n")
		return warnings(t, text.String(), november)
	}
	if got, want := herd(""), "3:19: schedules.daily-0.when: 26 schedules are due in the same second, next at 2026-11-24T09:00:00Z\n"; got != want {
		t.Errorf("warnings = %q, want %q", got, want)
	}
	if got := herd("jitter: 5m"); got != "" {
		t.Errorf("warnings with jitter = %q", got)
	}
}

func TestManySchedulesTouchedByAChangeOfTheClocksAreCounted(t *testing.T) {
	var text strings.Builder
	text.WriteString("timezone: Europe/Paris\nschedules:\n")
	for i := range 15 {
		fmt.Fprintf(&text, "  night-%d: {when: \"daily at 02:%02d\", run: echo}\n", i, i)
	}
	got := strings.Split(strings.TrimSpace(warnings(t, text.String(), november)), "\n")
	if len(got) != 11 || !strings.HasSuffix(got[10], "touches this and 4 other schedules below") {
		t.Errorf("warnings:\n%s", strings.Join(got, "\n"))
	}
}

func TestAProgramThatCannotBeExecutedIsWarnedOf(t *testing.T) {
	directory := t.TempDir()
	for name, mode := range map[string]os.FileMode{"x.sh": 0o644, "fine.sh": 0o755, "jobs/x.sh": 0o644, "jobs/fine.sh": 0o755} {
		path := filepath.Join(directory, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"), mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ name, job, want string }{
		{name: "it can", job: "run: ./fine.sh now", want: ""},
		{name: "it is read by a shell", job: "run: sh x.sh", want: ""},
		{name: "it cannot", job: "run: ./x.sh", want: `"x.sh" is not executable`},
		{name: "as a list", job: "run: [./x.sh, now]", want: `"x.sh" is not executable`},
		{name: "in the directory of the schedule, it can", job: "run: ./fine.sh, directory: jobs", want: ""},
		{name: "in the directory of the schedule, it cannot", job: "run: ./x.sh, directory: jobs", want: `"jobs/x.sh" is not executable`},
		{name: "it is not there", job: "run: ./none.sh, directory: jobs", want: `there is no file "jobs/none.sh" here`},
		{name: "it is a directory", job: "run: ./jobs", want: `"jobs" is a directory`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, w := range warningsOfJob(t, directory, c.job) {
				got = append(got, w.Problem)
			}
			if strings.Join(got, "; ") != c.want {
				t.Errorf("warned of %q, want %q", got, c.want)
			}
		})
	}
}

func TestAnOutageTooShortForCatchUpIsWarnedOfWhereSomethingWouldBeLeftOut(t *testing.T) {
	for _, c := range []struct {
		name, policies string
		warned         bool
	}{
		{name: "several within grace", policies: "when: every 5s, catch_up: all", warned: true},
		{name: "by day only", policies: "when: '* 9-17 * * *', catch_up: all, grace: 5m", warned: true},
		{name: "never two within grace", policies: "when: every 1m, catch_up: all"},
		{name: "without grace", policies: "when: every 5s, catch_up: all, grace: 0s"},
		{name: "in line", policies: "when: every 5s, catch_up: all, overlap: queue"},
		{name: "side by side", policies: "when: every 5s, catch_up: all, overlap: allow"},
		{name: "the latest", policies: "when: every 5s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := warnings(t, "schedules:\n  a: { run: echo, "+c.policies+" }\n", november)
			if strings.Contains(got, "schedules.a.catch_up: does not make up for what an outage shorter than grace") != c.warned || !c.warned && got != "" {
				t.Errorf("warned of %q, want it: %t", got, c.warned)
			}
		})
	}
}

func TestHowManyChangesOfTheClocksFollowIsASentenceOfItsOwn(t *testing.T) {
	for _, c := range []struct{ name, when, want string }{
		{"one more", "daily at 02:15, 02:45", "as one with the others due then. One more such change follows within a year.\n"},
		{"several more", "daily at 02:15, 02:30, 02:45", "as one with the others due then. 2 more such changes follow within a year.\n"},
		{"none", "daily at 02:15", "it is due as they do.\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := warnings(t, "timezone: America/New_York\nschedules:\n  a:\n    when: "+c.when+"\n    run: echo\n", november)
			if !strings.HasSuffix(got, c.want) {
				t.Errorf("%s\nwant %s", got, c.want)
			}
		})
	}
}

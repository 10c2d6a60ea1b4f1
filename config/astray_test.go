package config

import (
	"errors"
	"strings"
	"testing"
)

func TestAnItemThatStandsAstrayIsToldWhereItsDashBelongs(t *testing.T) {
	const when, run = "when: every 5s", "run: echo hi"
	less := "this item of the list is indented less than the one above"
	more := "this item of the list is indented more than the one above"
	toldEach(t, []formed{
		{"less", scheduleWithAnother(when, run, "tags:", "  - a", "- b", "retries: 3"), []string{"7:5 schedules.a.tags: " + less + " → indent the dash to 6 spaces, like the one above"}},
		{"more", scheduleWithAnother(when, run, "tags:", "  - a", "    - b", "retries: 3"), []string{"7:9 schedules.a.tags: " + more + " → indent the dash to 6 spaces, like the one above"}},
		{"by one", scheduleWithAnother("when:", "  - every 5s", "   - every 6s", run), []string{"5:8 schedules.a.when: " + more + " → indent the dash to 6 spaces, like the one above"}},
		{"left of the key", "schedules:\n  a:\n    when:\n    - every 5s\n  - every 6s\n    run: echo\n", []string{"5:3 schedules.a.when: " + less + " → indent the dash to 4 spaces, like the one above"}},
		{"several", scheduleWithAnother(when, "run:", "  - echo", " - a", " - b"), []string{"6:6 schedules.a.run: " + less + ", here and in 1 line below → indent the dash to 6 spaces, like the one above"}},
		{"in a list of the file", "calendars:\n  feasts:\n    - 2026-12-25\n  - 2026-12-26\n" + scheduleWith(when, run, "except: feasts"), []string{"4:3 calendars.feasts: " + less + " → indent the dash to 4 spaces, like the one above"}},
		{"none in a script", scheduleWithAnother(when, "run:", "  - sh", "  - -c", "  - |", "    - x", "      - y", "retries: x"), []string{`10:14 schedules.a.retries: "x" is text; a whole number belongs here → for example 3`}},
	})
}

func TestAScheduleAtTheEdgeIsAllThatIsTold(t *testing.T) {
	file := "schedules:\n  tick:\n    when: every 5s\n    run: echo\n%s  ping:\n    when: every 5s\n    run: echo\n"
	with := func(lines ...string) string {
		return strings.Replace(file, "%s", strings.Join(lines, "\n")+"\n", 1)
	}
	const looks = `5:1 report: "report" is not a key → it looks like a schedule: indent report:`
	toldEach(t, []formed{
		{"its key", with("report:", "    when: every 5s", "    run: echo"), []string{looks + " by 2 spaces more, so that it stands below schedules:"}},
		{"all of it", with("report:", "  when: every 5s", "  run: |", "    a: b"), []string{looks + ", and what is below it, by 2 spaces more, so that it stands below schedules:"}},
		{"with another fault", with("report:", "    when: every 5s", "    run: 5"), []string{
			looks + " by 2 spaces more, so that it stands below schedules:", `7:10 schedules.report.run: YAML reads 5 as a number; text belongs here → put it in quotes: "5"`}},
	})
}

func TestAKeyInQuotesWithoutItsColonIsToldInItsLine(t *testing.T) {
	const rest = "\n    when: every 5s\n    run: echo\n"
	toldEach(t, []formed{
		{"the first", "schedules:\n  \"a\"" + rest, []string{`2:3 schedules: this is not a key with a value → put a colon after the key: "a":`}},
		{"before a comment", "schedules:\n  \"a\" # why" + rest, []string{`2:3 schedules: this is not a key with a value → put a colon after the key: "a":`}},
		{"a later one", "schedules:\n  a:" + rest + "  'b'" + rest, []string{`5:3 schedules.b: this is not a key with a value → put a colon after the key: 'b':`}},
	})
}

func TestKeysBesideTheOneBelowWhichTheyBelongAreToldTogether(t *testing.T) {
	const when, run = "when: every 5s", "run: echo hi"
	toldEach(t, []formed{
		{"variables", scheduleWithAnother(when, run, "env:", "FOO: bar", "baz: x", "retries: 3"), []string{
			"6:5 schedules.a.env: FOO: and baz: stand beside env:, which holds nothing → indent them by 2 spaces more, so that they stand below env:"}},
		{"headers", scheduleWithAnother(when, "http:", "  url: https://example.com", "  headers:", "  Accept: text/plain"), []string{
			"7:7 schedules.a.http.headers: Accept: stands beside headers:, which holds nothing → indent it by 2 spaces more, so that it stands below headers:"}},
		{"a request", scheduleWithAnother(when, "http:", "url: https://example.com", "method: x y"), []string{
			"5:5 schedules.a.http: url: and method: stand beside http:, which holds nothing → indent them by 2 spaces more, so that they stand below http:",
			`6:13 schedules.a.http.method: "X Y" is not a method → for example GET or POST`}},
		{"keys of the file", "limits:\napi: 1\ndefaults:\nretries: 3\n" + scheduleWith(when, run, "limit: api"), []string{
			"2:1 limits: api: stands beside limits:, which holds nothing → indent it by 2 spaces more, so that it stands below limits:",
			"4:1 defaults: retries: stands beside defaults:, which holds nothing → indent it by 2 spaces more, so that it stands below defaults:"}},
		{"a misspelled key", scheduleWithAnother(when, "env:", "rum: echo"), []string{`5:5 schedules.a.rum: "rum" is not a key → did you mean run?`}},
	})
}

func TestWhatHoldsForAllSchedulesIsToldWhereItBelongs(t *testing.T) {
	const one = "  tick:\n    when: every 5s\n    run: echo\n"
	toldEach(t, []formed{
		{"a zone", "schedules:\n  timezone: Europe/Paris\n" + one, []string{"2:3 schedules: timezone: stands where only keys of schedules stand → write timezone: at the top of the file, not indented; for one schedule alone, below its key"}},
		{"policies", "schedules:\n  retries: 3\n  overlap: skip\n" + one, []string{"2:3 schedules: retries: and overlap: stand where only keys of schedules stand → write retries: and overlap: below defaults:, at the top of the file; for one schedule alone, below its key"}},
		{"variables", "schedules:\n  env:\n    FOO: bar\n" + one, []string{"2:3 schedules: env: stands where only keys of schedules stand → write env: below defaults:, at the top of the file; for one schedule alone, below its key"}},
		{"limits", "schedules:\n  limits: {api: 1}\n" + one + "    limit: api\n", []string{"2:3 schedules: limits: stands where only keys of schedules stand → write limits: at the top of the file, not indented"}},
		{"keys of one schedule", "schedules:\n  when: every 5s\n  retries: 3\n", []string{`2:3 schedules: "when" and "retries" stand where only keys of schedules stand → put a key of your choice above them, such as hello:, and indent them by 2 spaces more, so that they stand below it`}},
		{"a when for all", "defaults:\n  when: every 5s\nschedules:\n  a:\n    run: echo\n", []string{
			`2:3 defaults.when: "when" is not a key → each schedule has its own`,
			`4:3 schedules.a.when: is missing → say when it runs, for example "daily at 09:00", "every 5s" or "*/5 * * * *"`}},
		{"a run for all", "defaults:\n  run: echo\nschedules:\n  a:\n    when: every 5s\n", []string{
			`2:3 defaults.run: "run" is not a key → each schedule has its own`,
			`4:3 schedules.a.run: is missing, and so are http and job → give exactly one of run (a command), http (a request) and job (work for a Go worker)`}},
	})
}

func TestAScheduleCountsAsFineIfNoFaultOfFormIsInIt(t *testing.T) {
	three := func(before string) string {
		one := "    when: every 5s\n    run: echo\n"
		return "schedules:\n  a:\n" + one + "  b:\n    when: every 5s\n" + before + "run: echo\n  c:\n" + one + "alerts:\n  ping: https://example.com\n"
	}
	for _, c := range []struct {
		name, file string
		want       int
	}{
		{"a tab", three("\t"), 2},
		{"a space that is not plain", three("\u00a0   "), 2},
		{"two of them", strings.Replace(three("\u00a0   "), "a:\n    when", "a:\n\u00a0   when", 1), 1},
		{"a key that stands twice", strings.Replace(three("    "), "  c:", "  a:", 1), 1},
		{"behind the schedules", strings.Replace(three("    "), "ping:", "\u00a0ping:", 1), 3},
	} {
		_, err := Parse("punctual.yaml", []byte(c.file), Options{})
		faulty, ok := errors.AsType[*Error](err)
		if !ok || faulty.Fine != c.want {
			t.Errorf("%s: %v, fine %d, want %d", c.name, err, faulty.Fine, c.want)
		}
	}
}

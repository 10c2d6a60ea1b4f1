package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// scheduleWith is a file of one schedule with the lines given.
func scheduleWith(lines ...string) string {
	return "schedules:\n  a:\n    " + strings.Join(lines, "\n    ") + "\n"
}

// TestAdviceThatIsFollowedToTheLetterMakesTheFileRight: mended is the file after the
// advice was followed.
func TestAdviceThatIsFollowedToTheLetterMakesTheFileRight(t *testing.T) {
	const when, run = "when: every 5s", "run: echo hi"
	const server = "\n  mail: {server: smtp.example.org:587, from: punctual@example.org}\n"
	const needs = ", and beside to the server: mail: {server: smtp.example.org:587, from: punctual@example.org}"
	fine := scheduleWith(when, run)
	for _, c := range []struct{ name, file, want, mended string }{
		{"a text for the schedules", "schedules: hello\n",
			`1:12 schedules: "hello" is text; a mapping belongs here → below schedules: write a key of your choice, such as hello:, indented, and below it when: and run:, indented further`,
			"schedules:\n  hello:\n    when: every 5s\n    run: echo hi\n"},
		{"a variable behind env", scheduleWith(when, run, "env: A=1"),
			`5:10 schedules.a.env: "A=1" is text; a mapping belongs here → write env: {A: "1"}`,
			scheduleWith(when, run, `env: {A: "1"}`)},
		{"variables behind env", scheduleWith(when, run, "env: A=1 B=x"),
			`5:10 schedules.a.env: "A=1 B=x" is text; a mapping belongs here → write env: {A: "1", B: x}`,
			scheduleWith(when, run, `env: {A: "1", B: x}`)},
		{"a variable of two words", scheduleWith(when, run, "env: A=b c"),
			`5:10 schedules.a.env: "A=b c" is text; a mapping belongs here → write env: {A: "b c"}`,
			scheduleWith(when, run, `env: {A: "b c"}`)},
		{"a variable below env", scheduleWith(when, run, "env:", "  A=1 # one"),
			`6:7 schedules.a.env: "A=1" is text; a mapping belongs here → write A: "1"`,
			scheduleWith(when, run, "env:", `  A: "1"`)},
		{"a variable in braces", "schedules:\n  a: {when: every 5s, run: echo hi, env: A=1}\n",
			`2:42 schedules.a.env: "A=1" is text; a mapping belongs here → write env: {A: "1"}`,
			"schedules:\n  a: {when: every 5s, run: echo hi, env: {A: \"1\"}}\n"},
		{"a list of variables", scheduleWith(when, run, "env: [A=1, B=x]"),
			`5:10 schedules.a.env: is a list; a mapping belongs here → write env: {A: "1", B: x}`,
			scheduleWith(when, run, `env: {A: "1", B: x}`)},
		{"a word for the variables", scheduleWith(when, run, "env: production"),
			`5:10 schedules.a.env: "production" is text; a mapping belongs here → write env: {NAME: "value"}`,
			scheduleWith(when, run, `env: {NAME: "value"}`)},
		{"a text for the limits", "limits: api=2\n" + scheduleWith(when, run, "limit: api"),
			`1:9 limits: "api=2" is text; a mapping belongs here → write limits: {api: 2}`,
			"limits: {api: 2}\n" + scheduleWith(when, run, "limit: api")},
		{"a number for the limits", "limits: 2\n" + fine,
			`1:9 limits: 2 is a number; a mapping belongs here → write limits: {api: 1}`,
			"limits: {api: 1}\n" + fine},
		{"dates for the calendars", "calendars: [2026-12-25]\n" + fine,
			`1:12 calendars: is a list; a mapping belongs here → write calendars: {feasts: [2026-12-25]}`,
			"calendars: {feasts: [2026-12-25]}\n" + fine},

		{"an address for the recipients", "alerts: { to: me@x.com }\n" + fine,
			`1:15 alerts.to: "me@x.com" is text; a mapping belongs here → write to: {team: {mail: me@x.com}}` + needs,
			"alerts:\n  to: {team: {mail: me@x.com}}" + server + fine},
		{"an address with a scheme", "alerts:\n  to: mailto:me@x.com\n" + fine,
			`2:7 alerts.to: "mailto:me@x.com" is text; a mapping belongs here → write to: {team: {mail: me@x.com}}` + needs,
			"alerts:\n  to: {team: {mail: me@x.com}}" + server + fine},
		{"addresses", "alerts:\n  to: [me@x.com, you@x.com]\n" + fine,
			`2:7 alerts.to: is a list; a mapping belongs here → write to: {team: {mail: [me@x.com, you@x.com]}}` + needs,
			"alerts:\n  to: {team: {mail: [me@x.com, you@x.com]}}" + server + fine},
		{"a webhook for the recipients", "alerts:\n  to: https://example.com/hook\n" + fine,
			`2:7 alerts.to: "https://example.com/hook" is text; a mapping belongs here → write to: {team: {webhook: "https://example.com/hook"}}`,
			"alerts:\n  to: {team: {webhook: \"https://example.com/hook\"}}\n" + fine},
		{"an address for one recipient", "alerts:\n  to: {me: me@x.com}\n" + fine,
			`2:12 alerts.to.me: "me@x.com" is text; a mapping belongs here → write me: {mail: me@x.com}` + needs,
			"alerts:\n  to: {me: {mail: me@x.com}}" + server + fine},
		{"a webhook for the alerts", "alerts: https://example.com/hook\n" + fine,
			`1:9 alerts: "https://example.com/hook" is text; a mapping belongs here → write alerts: {to: {team: {webhook: "https://example.com/hook"}}}`,
			"alerts: {to: {team: {webhook: \"https://example.com/hook\"}}}\n" + fine},

		{"a number for a limit", scheduleWith(when, run, "limit: 1"),
			`5:12 schedules.a.limit: YAML reads 1 as a number; text belongs here → limit names an entry of limits: write limit: api, and limits: {api: 1} at the top of the file; for one run at a time of this schedule alone leave it out: overlap: skip is the default`,
			"limits: {api: 1}\n" + scheduleWith(when, run, "limit: api")},
		{"a word for the priority", scheduleWith(when, run, "priority: high"),
			`5:15 schedules.a.priority: "high" is text; a whole number belongs here → write 1 to 4: 1 is worked first, and 2 is the default`,
			scheduleWith(when, run, "priority: 1")},
		{"a kind for the backoff", scheduleWith(when, run, "retries: 3", "backoff: exponential"),
			`6:14 schedules.a.backoff: "exponential" is a kind of backoff; a duration or a mapping belongs here → write backoff: {kind: exponential, initial: 10s, max: 1h}`,
			scheduleWith(when, run, "retries: 3", "backoff: {kind: exponential, initial: 10s, max: 1h}")},
		{"the other kind for the backoff", scheduleWith(when, run, "retries: 3", "backoff: fixed"),
			`6:14 schedules.a.backoff: "fixed" is a kind of backoff; a duration or a mapping belongs here → write backoff: {kind: fixed, initial: 10s}`,
			scheduleWith(when, run, "retries: 3", "backoff: {kind: fixed, initial: 10s}")},
		{"no timeout", scheduleWith(when, run, "timeout: none"),
			`5:14 schedules.a.timeout: "none" is not a duration such as 30s, 5m, 1h30m, 1d or 500ms → leave it out, since there is none by default; 0s takes back that of the defaults`,
			scheduleWith(when, run, "timeout: 0s")},

		{"a key in the column of a list", scheduleWith("when:", "  - every 5m", "  run: echo hi"),
			`5:7 schedules.a: this line stands where the items of the list above stand, and is none → indent it to 4 spaces, like the key of the list`,
			scheduleWith("when:", "  - every 5m", "run: echo hi")},
		{"a key deeper than a list", scheduleWith("when:", "  - every 5m", "    run: echo hi"),
			`5:9 schedules.a: this line stands where the items of the list above stand, and is none → indent it to 4 spaces, like the key of the list`,
			scheduleWith("when:", "  - every 5m", "run: echo hi")},
		{"a dash before a schedule", "schedules:\n  a:\n    when: every 5s\n    run: echo hi\n  - b:\n      when: every 5s\n      run: echo hi\n",
			`5:3 schedules.b: the dash does not belong here: schedules are keys, and no items of a list → write b:`,
			"schedules:\n  a:\n    when: every 5s\n    run: echo hi\n  b:\n      when: every 5s\n      run: echo hi\n"},
		{"a dash before the first schedule", "schedules: # all\n  - a:\n    when: every 5s\n    run: echo hi\n  b:\n    when: every 5s\n    run: echo hi\n",
			`2:3 schedules.a: the dash does not belong here: schedules are keys, and no items of a list → write a:`,
			"schedules: # all\n  a:\n    when: every 5s\n    run: echo hi\n  b:\n    when: every 5s\n    run: echo hi\n"},

		{"another shell", scheduleWith(when, run, "shell: /bin/bash"),
			`5:5 schedules.a.shell: "shell" is not a key → run is read by sh; for another write run: ["bash", "-c", "echo hi"]`,
			scheduleWith(when, `run: ["bash", "-c", "echo hi"]`)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff([]string{c.want}, faultsIn(t, c.file)); diff != "" {
				t.Errorf("%s\n(-want +got):\n%s", c.file, diff)
			}
			if _, err := Parse("punctual.yaml", []byte(c.mended), Options{}); err != nil {
				t.Errorf("the advice was followed:\n%s\n%v", c.mended, err)
			}
		})
	}
}

func TestKeysOfOtherProgramsAreAnsweredWithOurs(t *testing.T) {
	const when, run, url = "when: every 5s", "run: echo hi", `http: {url: "https://example.com", `
	for _, c := range []struct {
		line  string
		first []string // lines before it
		want  string   // the field and the advice
	}{
		{url + "timeout: 5s}", []string{when}, "http.timeout → write timeout: beside http:, not below it"},
		{url + "retries: 3}", []string{when}, "http.retries → write retries: beside http:, not below it"},
		{url + "max_retries: 3}", []string{when}, "http.max_retries → write retries: beside http:, not below it"},
		{url + "expected_status: 200}", []string{when}, "http.expected_status → success_codes names the codes that are a success: success_codes: [200, 204]"},
		{url + "json: {a: b}}", []string{when}, `http.json → body takes text, JSON as well: body: '{"day": "today"}'; Content-Type stands under headers`},
		{url + "auth: x}", []string{when}, `http.auth → write headers: {Authorization: "Bearer ${TOKEN}"}, and set TOKEN for the worker`},
		{url + "start: now}", []string{when}, "http.start → write not_before: beside http:, not below it"},
		{"job: {kind: send_report, timeout: 5s}", []string{when}, "job.timeout → write timeout: beside job:, not below it"},
		{"backoff: {base: 5s}", []string{when, run, "retries: 3"}, "backoff.base → did you mean initial?"},
		{"notify: me", []string{when, run}, `notify → alerts stands at the top of the file: alerts: {to: {team: {webhook: "https://example.com/hook"}}} tells of every schedule, and only lists some`},
		{"paused: true", []string{when, run}, "paused → enabled_in lists environments; punctual schedules pause pauses by hand"},
		{"skip_holidays: true", []string{when, run}, "skip_holidays → except lists what is left out: except: [2026-12-25], or a name under calendars at the top of the file"},
		{"backfill: true", []string{when, run}, "backfill → catch_up says what happens to missed occurrences: latest, all or none"},
		{"desc: x", []string{when, run}, "desc → description is free text"},
		{"max_parallel: 1", []string{when, run}, "max_parallel → " + overlapOrLimit},
		{"every: 5s", []string{run}, `every → when takes intervals: when: "every 5m"`},
		{"script: x", []string{when}, "script → run takes commands"},
		{"url: https://example.com/x", []string{when}, `url → it belongs under http: http: {url: "https://example.com/x"}`},
		{"time_zone: UTC", []string{when, run}, "time_zone → did you mean timezone?"},
	} {
		t.Run(c.line, func(t *testing.T) {
			var got []string
			for _, told := range faultsIn(t, scheduleWith(append(c.first, c.line)...)) {
				_, told, _ = strings.Cut(told, " schedules.a.")
				field, told, _ := strings.Cut(told, ": ")
				_, advice, _ := strings.Cut(told, " → ")
				got = append(got, field+" → "+advice)
			}
			if diff := cmp.Diff([]string{c.want}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	want := "1:13 defaults.max_retries: \"max_retries\" is not a key → retries says how often it is tried again"
	if diff := cmp.Diff([]string{want}, faultsIn(t, "defaults: { max_retries: 3 }\n"+scheduleWith(when, run))); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
}

// TestWordsOfOthersMeanKeysThatExist keeps the table and the types together.
func TestWordsOfOthersMeanKeysThatExist(t *testing.T) {
	for _, w := range wordsOfOthers {
		for word := range strings.FieldsSeq(w.words) {
			if known := misplacedKeys[w.of+"."+word]; known.advice != w.advice {
				t.Errorf("%s stands twice below %q", word, w.of)
			}
			if _, ok := scheduleFields().index[word]; ok && w.of == "schedules" {
				t.Errorf("%s is a key of schedules", word)
			}
		}
		if _, ok := scheduleFields().index[w.instead]; !ok && w.of == "schedules" && w.instead != "" {
			t.Errorf("%s means %s, which is no key", w.words, w.instead)
		}
	}
}

func TestAKeyThatIsNotKnownIsAnsweredWithAllThatAre(t *testing.T) {
	_, err := Parse("punctual.yaml", []byte(scheduleWith("when: every 5s", "run: echo hi", "xylophone: 1")), Options{})
	if err == nil {
		t.Fatal("it is a key")
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		if len(line) > maxExcerpt+len("        → ") {
			t.Errorf("this line is too long: %s", line)
		}
	}
	for _, key := range scheduleFields().names {
		if !strings.Contains(err.Error(), " "+key) {
			t.Errorf("%s is missing in:\n%s", key, err)
		}
	}
}

func TestWhatCannotRunAsItIsWrittenIsWarnedOf(t *testing.T) {
	directory := t.TempDir()
	for name, text := range map[string]string{"plain.sh": "echo hi\n", "windows.sh": "#!/bin/sh\r\necho hi\r\n"} {
		if err := os.WriteFile(filepath.Join(directory, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	const several = "there is no program \"echo hi\" in the PATH here → a list is one program and its arguments; "
	const windows = `"windows.sh" cannot be executed: its lines end as in Windows, so that it names the interpreter "/bin/sh\r" → dos2unix, or sed -i 's/\r$//', takes the \r away`
	for _, c := range []struct{ name, job, want string }{
		{"several commands", "run: [echo hi, echo ho]", several + `for several commands write run: | and below it, indented further, a line for each; or one text: run: "echo hi && echo ho"`},
		{"a line", "run: [echo hi]", several + `write the line as one text: run: "echo hi"`},
		{"a home directory", "run: [~/x.sh, a b]", `only a shell takes ~ for the home directory, and none reads a list → write the path from / on, or the command as one text for the shell: run: "~/x.sh 'a b'"`},
		{"a script without its first line", "run: [./plain.sh]", `"plain.sh" cannot be executed: the file has no #! line → let its first line be #!/bin/sh, or name what else reads it`},
		{"the same, which the shell reads", "run: ./plain.sh", ""},
		{"line ends of Windows", "run: [./windows.sh]", windows},
		{"the same for the shell", "run: ./windows.sh now", windows},
		{"a method", `http: { url: "https://example.com", method: fetch }`, "FETCH is no usual method → GET, HEAD, POST, PUT, PATCH and DELETE are the usual ones; leave it out for GET, or POST with a body"},
		{"a variable of the shell", `http: { url: "https://example.com?t=$TOKEN" }`, "url holds $TOKEN, which stays as it stands → write ${TOKEN}, if a variable of the worker is meant"},
		{"a variable of a template", `http: { url: "https://example.com/${TOKEN}", headers: { Authorization: "Bearer {{ TOKEN }}" } }`, "headers.Authorization holds {{ TOKEN }}, which stays as it stands → write ${TOKEN}, if a variable of the worker is meant"},
		{"JSON", `http: { url: "https://example.com", body: '{"a": {"$ref": "$5"}}' }`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, w := range warningsOfJob(t, directory, c.job) {
				got = append(got, w.Problem+" → "+w.Advice)
			}
			if strings.Join(got, "; ") != c.want {
				t.Errorf("warned of\n%s, want\n%s", strings.Join(got, "; "), c.want)
			}
		})
	}
}

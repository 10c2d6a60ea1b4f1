package config

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// misplaced is a key that is known from elsewhere: from another place of the
// file, or from other programs.
type misplaced struct {
	instead string // the key that was meant, if it stands in the same mapping
	advice  string
}

// wordsOfOthers are such keys by the mapping in which they stand (see
// structFields.of), all that mean the same together.
var wordsOfOthers = []struct{ of, words, instead, advice string }{
	{"schedules", "cron crontab cron_expression", "when", "when takes cron expressions"},
	{"schedules", "schedule on trigger time times", "when", "when says when it runs"},
	{"schedules", "every interval frequency", "when", `when takes intervals: when: "every 5m"`},
	{"schedules", "at", "when", `when takes times: when: "daily at 09:00"`},
	{"schedules", "command cmd script program commands steps task", "run", "run takes commands"},
	{"schedules", "exec", "run", "run takes commands, for the shell as a text, to execute as a list"},
	{"schedules", "shell", "run", "run takes commands"},
	{"schedules", "retry max_retries", "retries", "retries says how often it is tried again"},
	{"schedules", "attempts max_attempts", "retries", "retries says how often it is tried again after the first attempt"},
	{"schedules", "retry_delay retry_interval", "backoff", "backoff says how long a failed job waits: backoff: 30s"},
	{"schedules", "cwd workdir working_directory working_dir dir chdir", "directory", "directory says where it runs"},
	{"schedules", "concurrency allow_overlap max_parallel max_concurrent concurrency_policy parallel singleton", "overlap", overlapOrLimit},
	{"schedules", "misfire misfire_policy backfill catchup run_missed start_when_available", "catch_up", "catch_up says what happens to missed occurrences: latest, all or none"},
	{"schedules", "exclude calendar calendars holidays skip_holidays exceptions skip skip_dates", "except",
		"except lists what is left out: except: [2026-12-25], or a name under calendars at the top of the file"},
	{"schedules", "notify alert alerts on_failure on_error on_success email mailto", "", `alerts stands at the top of the file: alerts: {to: {team: {webhook: "https://example.com/hook"}}} tells of every schedule, and only lists some`},
	{"schedules", "enabled disabled paused active suspend suspended", "", "enabled_in lists environments; punctual schedules pause pauses by hand"},
	{"schedules", "desc comment summary title", "description", "description is free text"},
	{"schedules", "name id", "", "the name of a schedule is its key; description is free text"},
	{"schedules", "url uri webhook request endpoint", "http", `it belongs under http: http: {url: "https://example.com"}`},
	{"schedules", "method headers body follow_redirects sign_with ca_file", "", "it belongs under http"},
	{"schedules", "retry_codes", "", "it belongs under http; for a command, no_retry_codes names the exit codes that are not tried again"},
	{"schedules", "kind", "job", "it belongs under job"},
	{"schedules", "args", "", "it belongs under job"},
	{"schedules", "environment", "", "env sets variables, inherit_env says which the command inherits, enabled_in where the schedule runs"},
	{"schedules", "envs vars variables", "env", "env sets variables"},
	{"schedules", "from start start_at starts_at since begin", "not_before", notBefore},
	{"schedules", "until to end end_at ends_at", "not_after", notAfter},
	{"schedules", "tz zone time_zone", "timezone", "did you mean timezone?"},
	{"schedules", "ttl deadline start_deadline", "expires", "expires says how late a job may still begin, timeout how long it may run"},
	{"schedules", "max_duration max_runtime time_limit", "timeout", "timeout says how long an attempt may take"},
	{"schedules", "splay random_delay", "jitter", "jitter delays by less than a duration: jitter: 5m"},
	{"schedules", "label labels", "tags", "did you mean tags?"},
	{"schedules", "run_as username", "user", "user says as whom a command runs"},
	{"schedules", "limits", "", "limits stands at the top of the file; a schedule names one with limit"},

	{"http", "expect expected expect_status expected_status status status_code status_codes", "success_codes", "success_codes names the codes that are a success: success_codes: [200, 204]"},
	{"http", "json data payload content form", "body", `body takes text, JSON as well: body: '{"day": "today"}'; Content-Type stands under headers`},
	{"http", "auth authorization token bearer basic_auth user username password", "", `write headers: {Authorization: "Bearer ${TOKEN}"}, and set TOKEN for the worker`},
	{"http", "link address endpoint", "url", "did you mean url?"},
	{"http", "verb", "method", "did you mean method?"},
	{"http", "query params", "", "write them behind the url: url: https://example.com/?day=today"},
	{"http", "redirect redirects follow allow_redirects", "follow_redirects", "did you mean follow_redirects?"},
	{"http", "secret sign signature signing_secret", "sign_with", "sign_with names the variable that holds the secret"},
	{"http", "verify insecure verify_tls skip_verify", "", "certificates are always checked; ca_file names those trusted besides"},

	{"job", "name type worker", "kind", "did you mean kind?"},
	{"job", "arguments params payload data", "args", "did you mean args?"},

	{"backoff", "type strategy", "kind", "did you mean kind?"},
	{"backoff", "base min delay interval start", "initial", "did you mean initial?"},
	{"backoff", "cap limit maximum max_delay", "max", "did you mean max?"},
	{"backoff", "factor multiplier", "", "leave it out: exponential doubles the delay each time"},

	{"defaults", "timezone", "", "it stands at the top of the file"},
	{"defaults", "when run http job", "", "each schedule has its own"},

	{"", "tz", "timezone", "did you mean timezone?"},
	{"", "jobs tasks crons", "schedules", "did you mean schedules?"},
	{"", "queue env", "", "it belongs under defaults"},
	{"", "holidays", "calendars", "calendars holds lists of dates by name: calendars: {holidays: [2026-12-25]}"},
	{"", "notify notifications alert", "alerts", "did you mean alerts?"},
}

// What is meant by words that other programs have.
const (
	notBefore      = "not_before says from when on it is due; the phase of an interval stands in the when, as in every 2h from 2027-01-01T00:00:00Z"
	notAfter       = "not_after says until when it is due"
	overlapOrLimit = "overlap says what happens while the previous run goes on, and limit bounds several schedules together"
)

var misplacedKeys = func() map[string]misplaced {
	keys := map[string]misplaced{}
	for _, w := range wordsOfOthers {
		for word := range strings.FieldsSeq(w.words) {
			keys[w.of+"."+word] = misplaced{w.instead, w.advice}
		}
	}
	return keys
}()

// of is which mapping these are the keys of.
func (f structFields) of() string {
	for _, known := range []struct{ key, of string }{
		{"schedules", ""}, {"when", "schedules"}, {"url", "http"}, {"args", "job"}, {"initial", "backoff"},
		{"webhook", "recipient"}, {"server", "mail"}, {"ping", "alerts"},
	} {
		if _, ok := f.index[known.key]; ok {
			return known.of
		}
	}
	return "defaults"
}

// ofOthers is what is known of a key that means nothing where it stands.
func (f structFields) ofOthers(key string, n *node) (known misplaced, ok bool) {
	where := f.of()
	if shell := n.get(key); where == "schedules" && key == "shell" && shell.kind == text && isShell(shell.text) {
		return misplaced{advice: "run is read by sh; for another write " + inShell(path.Base(shell.text), n.get("run"))}, true
	}
	if known, ok = misplacedKeys[where+"."+key]; ok {
		if written := n.get(key); known.instead == "http" && written.kind == text && strings.Contains(written.text, "://") {
			known.advice = fmt.Sprintf("it belongs under http: http: {url: %q}", written.text)
		}
		return known, true
	}
	ofSchedule := misplacedKeys["schedules."+key]
	switch where {
	case "defaults":
		_, ok = f.index[ofSchedule.instead]
		return ofSchedule, ok
	case "http", "job":
		beside := key
		if !slices.Contains(scheduleFields().names, key) {
			beside = ofSchedule.instead
		}
		if beside == "" || slices.Contains([]string{"run", "http", "job"}, beside) {
			return misplaced{}, false
		}
		return misplaced{advice: fmt.Sprintf("write %s: beside %s:, not below it", beside, where)}, true
	}
	return misplaced{}, false
}

// inShell is a run that another shell reads.
func inShell(shell string, run *node) string {
	line := "echo hi"
	if run != nil && run.kind == text && !strings.Contains(run.text, "\n") {
		line = run.text
	}
	return fmt.Sprintf("run: [%q, %q, %q]", shell, "-c", line)
}

// isShell says whether a text names a program that reads commands, as /bin/bash.
func isShell(text string) bool {
	return slices.Contains([]string{"sh", "bash", "zsh", "dash", "ksh", "fish", "pwsh"}, path.Base(text))
}

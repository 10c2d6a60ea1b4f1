package schedule

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	kindPattern = regexp.MustCompile(`^[\w][\w\-\[\]<>/.·:+]+$`)
	// headerPattern is a token of HTTP.
	headerPattern = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")
	envPattern    = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	codePattern   = regexp.MustCompile(`^([1-5]\d\d|[1-5]xx|[1-5]\d\d-[1-5]\d\d)$`)
	retryPattern  = regexp.MustCompile(`^4(\d\d|xx|\d\d-4\d\d)$`)
	umaskPattern  = regexp.MustCompile(`^0?[0-7]{3}$`)
	// accountPattern is what useradd takes for names, and numbers.
	accountPattern = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_.-]{0,31}|\d{1,9})$`)
	exitPattern    = regexp.MustCompile(`^\d{1,3}(-\d{1,3})?$`)
)

func (v *validator) job(j Job) {
	given := 0
	for _, set := range []bool{j.Run != nil, j.HTTP != nil, j.Work != nil} {
		if set {
			given++
		}
	}
	if given != 1 {
		v.fault("run", "give exactly one of run (a command), http (a request) and job (work for a Go worker)", "%d jobs are given", given)
	}
	if j.Run != nil {
		v.command(*j.Run)
	}
	if j.HTTP != nil {
		v.request(*j.HTTP)
	}
	if j.Work != nil {
		v.work(*j.Work)
	}
}

func (v *validator) command(c Command) {
	size := len(c.Shell)
	for _, word := range c.Program {
		size += len(word)
	}
	switch {
	case strings.TrimSpace(c.Shell) == "" && (len(c.Program) == 0 || c.Program[0] == ""):
		v.fault("run", `for example "./report.sh" or ["node", "report.js"]`, "the command is empty")
	case c.Shell != "" && len(c.Program) > 0:
		v.fault("run", "give one of them", "both a line for the shell and a program are given")
	case size > maxCommand:
		v.fault("run", fmt.Sprintf("at most %d bytes; put long scripts into a file", maxCommand), "the command is %d bytes long", size)
	}
	v.text("run", c.Shell+strings.Join(c.Program, ""))
	v.text("directory", c.Directory)
	v.env(c.Env)
	v.inherited(c)
	v.identityOf(c)
	v.exitCodes(c)
}

// inherited judges what the command sees of the worker's environment.
func (v *validator) inherited(c Command) {
	if len(c.KeepEnv) > 0 && !c.CleanEnv {
		v.fault("inherit_env", "set CleanEnv as well", "names variables to keep, and all are kept")
	}
	for i, name := range c.KeepEnv {
		field := fmt.Sprintf("inherit_env[%d]", i)
		if !envPattern.MatchString(name) {
			v.fault(field, "letters, digits and underscores, the first no digit", "%q is not the name of an environment variable", name)
		}
		if strings.HasPrefix(name, "PUNCTUAL_") && name != "PUNCTUAL_ENV" && name != "PUNCTUAL_CONFIG" {
			v.fault(field, "leave it out; PUNCTUAL_ENV and PUNCTUAL_CONFIG can be inherited", "%q is punctual's own", name)
		}
	}
}

// identityOf judges as whom the command runs.
func (v *validator) identityOf(c Command) {
	if c.Umask != "" && !umaskPattern.MatchString(c.Umask) {
		v.fault("umask", `three octal digits, for example "027"`, "%q is not a umask", c.Umask)
	}
	for field, name := range map[string]string{"user": c.User, "group": c.Group} {
		if name != "" && !accountPattern.MatchString(name) {
			v.fault(field, "a name such as deploy, or a number such as 1000", "%q is not a "+field, name)
		}
	}
	if c.Group != "" && c.User == "" {
		v.fault("group", "name the user as well", "stands without user")
	}
}

func (v *validator) exitCodes(c Command) {
	const allowed = "a number from 0 to 255, or a range such as 10-19"
	lists := map[string][]string{"success_codes": c.SuccessCodes, "no_retry_codes": c.NoRetryCodes}
	for field, list := range lists {
		for i, text := range list {
			if _, _, ok := exitCodes(text); !ok {
				v.fault(fmt.Sprintf("%s[%d]", field, i), allowed, "%q is not an exit code", text)
			}
		}
	}
	for i, text := range c.NoRetryCodes {
		for _, success := range c.SuccessCodes {
			low, high, _ := exitCodes(text)
			from, to, ok := exitCodes(success)
			if ok && low <= to && from <= high {
				v.fault(fmt.Sprintf("no_retry_codes[%d]", i), "a code ends the job one way; leave it out of one of the two", "%s is among success_codes, too", text)
			}
		}
	}
}

// TemporaryFailure is EX_TEMPFAIL of sysexits.h: with this exit code a command asks
// to be run again later, whatever retries says.
const TemporaryFailure = 75

// HasExitCode says whether a code is in a list that was validated.
func HasExitCode(codes []string, code int) bool {
	return slices.ContainsFunc(codes, func(text string) bool {
		from, to, ok := exitCodes(text)
		return ok && from <= code && code <= to
	})
}

// exitCodes reads one entry of a list of exit codes: "3", or "10-19".
func exitCodes(text string) (from, to int, ok bool) {
	low, high, isRange := strings.Cut(text, "-")
	if !isRange {
		high = low
	}
	from, err1 := strconv.Atoi(low)
	to, err2 := strconv.Atoi(high)
	ok = err1 == nil && err2 == nil && exitPattern.MatchString(text) && from <= to && to <= 255
	return from, to, ok
}

func (v *validator) env(env map[string]string) {
	for name, value := range env {
		if !envPattern.MatchString(name) {
			v.fault("env."+name, "letters, digits and underscores, the first no digit", "%q is not the name of an environment variable", name)
		}
		if strings.HasPrefix(name, "PUNCTUAL_") {
			v.fault("env."+name, "names that begin with PUNCTUAL_ are set by punctual", "%q is reserved", name)
		}
		v.text("env."+name, value)
		if len(value) > maxCommand {
			v.fault("env."+name, fmt.Sprintf("at most %d bytes", maxCommand), "is %d bytes long", len(value))
		}
	}
}

func (v *validator) request(r Request) {
	v.env(r.Env)
	if r.Method == "" || strings.ContainsFunc(r.Method, func(c rune) bool { return c < 'A' || c > 'Z' }) {
		v.fault("http.method", "for example GET or POST", "%q is not a method", r.Method)
	}
	if r.URL == "" {
		v.fault("http.url", "for example https://example.com/tasks/report", "is missing")
	} else if u, err := url.Parse(placeholder.ReplaceAllString(r.URL, "x")); err != nil ||
		(!strings.HasPrefix(r.URL, "${") && (u.Host == "" || u.Scheme != "http" && u.Scheme != "https")) {
		v.fault("http.url", "an absolute URL with http or https, for example https://example.com/tasks/report", "%q is not a URL to call", r.URL)
	}
	for name, value := range r.Headers {
		if !headerPattern.MatchString(name) {
			v.fault("http.headers."+name, "for example Authorization", "%q is not the name of a header", name)
		}
		v.text("http.headers."+name, value)
		if strings.ContainsAny(value, "\r\n") {
			v.fault("http.headers."+name, "one line", "%q has a line break", shortened(value))
		}
	}
	v.text("http.url", r.URL)
	v.text("http.body", r.Body)
	if len(r.Body) > maxArgs {
		v.fault("http.body", fmt.Sprintf("at most %d bytes", maxArgs), "is %d bytes long", len(r.Body))
	}
	for i, code := range r.SuccessCodes {
		if !codePattern.MatchString(code) {
			v.fault(fmt.Sprintf("http.success_codes[%d]", i), "for example 200, 2xx or 200-299", "%q is not a status code", code)
		}
	}
	for i, code := range r.RetryCodes {
		if !retryPattern.MatchString(code) {
			v.fault(fmt.Sprintf("http.retry_codes[%d]", i), "for example 404, 4xx or 400-409; other failures are tried again anyway", "%q is not a status code from 400 to 499", code)
		}
	}
	if r.SignWith != "" && !envPattern.MatchString(r.SignWith) {
		v.fault("http.sign_with", "the name of a variable in the worker's environment that holds the secret, for example WEBHOOK_SECRET; the secret itself is never written down", "is not the name of an environment variable")
	}
	v.text("http.ca_file", r.CAFile)
}

// placeholder is ${NAME}, resolved by the worker when an attempt starts.
// WithoutPlaceholders is a text without the ${NAME} in it that a worker fills in.
func WithoutPlaceholders(text string) string { return placeholder.ReplaceAllString(text, "") }

var placeholder = regexp.MustCompile(`\$\{[A-Za-z_][A-Za-z0-9_]*\}`)

func (v *validator) work(w Work) {
	if !kindPattern.MatchString(w.Kind) || len(w.Kind) > 127 {
		v.fault("job.kind", "the kind of a River worker, at least two characters, for example send_report", "%q is not a kind", w.Kind)
	}
	if strings.HasPrefix(w.Kind, "punctual.") {
		v.fault("job.kind", "choose a name of your own", "%q is reserved: kinds that begin with punctual. belong to punctual", w.Kind)
	}
	if len(w.Args) > maxArgs {
		v.fault("job.args", fmt.Sprintf("at most %d bytes", maxArgs), "are %d bytes long", len(w.Args))
	}
	if len(w.Args) > 0 {
		var object map[string]json.RawMessage
		if json.Unmarshal(w.Args, &object) != nil || object == nil {
			v.fault("job.args", "a mapping of names to values", "are not an object")
		}
		if hasNUL(w.Args) {
			v.fault("job.args", "text in UTF-8 without NUL bytes", "hold a NUL byte")
		}
	}
}

// hasNUL says whether a string or a name in a JSON text holds a NUL, which
// PostgreSQL does not keep.
func hasNUL(text json.RawMessage) bool {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	for {
		token, err := decoder.Token()
		if err != nil {
			return false
		}
		if word, ok := token.(string); ok && strings.ContainsRune(word, 0) {
			return true
		}
	}
}

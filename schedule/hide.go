package schedule

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"strings"
)

// Hidden stands where a secret stood.
const Hidden = "••••••"

// secretName are names whose values are not to be shown.
var secretName = regexp.MustCompile(`(?i)(secret|token|passw|passphrase|credential|authorization|cookie|api[-_]?key|private[-_]?key|access[-_]?key|signature|(^|[-_])(key|pwd|auth|dsn)$)`)

// secretPart are credentials in an address, and parameters of it that are
// called like secrets.
var secretPart = []*regexp.Regexp{
	regexp.MustCompile(`(://[^/?#\s:@]*:)([^/?#\s@]+)(@)`),
	regexp.MustCompile(`(?i)([?&](?:[^=&#\s]*(?:secret|token|passw|signature|api[-_]?key|access[-_]?key)[^=&#\s]*|key|sig|auth)=)([^&#\s]+)()`),
}

// Hide is the job as it may be shown: values of environment variables, headers
// and arguments that are called like secrets, and credentials in addresses, are
// hidden. ${NAME} tells nothing and stays.
func (j Job) Hide() Job {
	switch {
	case j.Run != nil:
		command := *j.Run
		command.Shell = hideParts(command.Shell)
		command.Program = nil
		for _, word := range j.Run.Program {
			command.Program = append(command.Program, hideParts(word))
		}
		command.Env = hideValues(command.Env)
		j.Run = &command
	case j.HTTP != nil:
		request := *j.HTTP
		request.URL, request.Body = hideParts(request.URL), hideParts(request.Body)
		request.Headers, request.Env = hideValues(request.Headers), hideValues(request.Env)
		j.HTTP = &request
	case j.Work != nil && len(j.Work.Args) > 0:
		work := *j.Work
		var args any
		if json.Unmarshal(work.Args, &args) == nil {
			if text, err := json.Marshal(hideIn("", args)); err == nil && hides(string(text)) {
				work.Args = text
			}
		}
		j.Work = &work
	}
	return j
}

func hides(text string) bool { return strings.Contains(text, Hidden) }

func hideValues(values map[string]string) map[string]string {
	if values == nil {
		return nil
	}
	shown := make(map[string]string, len(values))
	for name, value := range values {
		shown[name] = hideValue(name, value)
	}
	return shown
}

func hideValue(name, value string) string {
	if value == "" {
		return value
	}
	// Of "Bearer ${TOKEN}" nothing is left that is secret.
	rest := strings.TrimSpace(placeholder.ReplaceAllString(value, ""))
	switch strings.ToLower(rest) {
	case "", "bearer", "basic", "token":
		return value
	}
	if secretName.MatchString(name) {
		return Hidden
	}
	return hideParts(value)
}

func hideParts(text string) string {
	for _, part := range secretPart {
		text = part.ReplaceAllStringFunc(text, func(found string) string {
			pieces := part.FindStringSubmatch(found)
			if placeholder.ReplaceAllString(pieces[2], "") == "" {
				return found
			}
			return pieces[1] + Hidden + pieces[3]
		})
	}
	return text
}

// hideIn hides in arguments of a Go worker, however deep.
func hideIn(name string, value any) any {
	switch value := value.(type) {
	case map[string]any:
		for inner := range value {
			value[inner] = hideIn(inner, value[inner])
		}
		return value
	case []any:
		for i := range value {
			value[i] = hideIn(name, value[i])
		}
		return value
	case string:
		return hideValue(name, value)
	}
	return value
}

// Unhide puts back what Hide hid of before: where j says Hidden, before has what
// is meant. A part that before does not have is told as a fault.
func (j Job) Unhide(before Job) (Job, []Fault) {
	u := unhider{}
	switch hidden := before.Hide(); {
	case j.Run != nil:
		command := *j.Run
		was, shown := orZero(before.Run), orZero(hidden.Run)
		command.Shell = u.text("run", command.Shell, was.Shell, shown.Shell)
		command.Program = nil
		for i, word := range j.Run.Program {
			command.Program = append(command.Program, u.text(fmt.Sprintf("run[%d]", i), word, at(was.Program, i), at(shown.Program, i)))
		}
		command.Env = u.values("env", command.Env, was.Env, shown.Env)
		j.Run = &command
	case j.HTTP != nil:
		request := *j.HTTP
		was, shown := orZero(before.HTTP), orZero(hidden.HTTP)
		request.URL = u.text("http.url", request.URL, was.URL, shown.URL)
		request.Body = u.text("http.body", request.Body, was.Body, shown.Body)
		request.Headers = u.values("http.headers", request.Headers, was.Headers, shown.Headers)
		request.Env = u.values("env", request.Env, was.Env, shown.Env)
		j.HTTP = &request
	case j.Work != nil:
		work := *j.Work
		was, shown := orZero(before.Work), orZero(hidden.Work)
		if hides(string(work.Args)) {
			if sameJSON(work.Args, shown.Args) {
				work.Args = was.Args
			} else {
				u.fault("job.args")
			}
		}
		j.Work = &work
	}
	return j, u.faults
}

type unhider struct{ faults []Fault }

func (u *unhider) fault(field string) {
	u.faults = append(u.faults, Fault{
		Field: field, Problem: "says " + Hidden + ", which stands for a secret that is not shown",
		Advice: "leave it as it was shown, or give the whole value anew; ${NAME} is filled in by the worker",
	})
}

func (u *unhider) text(field, text, was, shown string) string {
	if !hides(text) {
		return text
	}
	if text != shown {
		u.fault(field)
	}
	return was
}

func (u *unhider) values(field string, values, was, shown map[string]string) map[string]string {
	if values == nil {
		return nil
	}
	values = maps.Clone(values)
	for name, value := range values {
		values[name] = u.text(field+"."+name, value, was[name], shown[name])
	}
	return values
}

func orZero[T any](value *T) (zero T) {
	if value != nil {
		return *value
	}
	return zero
}

func at(words []string, i int) string {
	if i < len(words) {
		return words[i]
	}
	return ""
}

func sameJSON(a, b json.RawMessage) bool {
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return false
	}
	return jsonText(x) == jsonText(y)
}

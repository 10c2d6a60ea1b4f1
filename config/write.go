package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/punctual-dev/punctual/schedule"
)

// Written is one schedule with the keys of the file, in the file's order. Read
// again it is the same declaration, but for what has no effect (such as a
// backoff without retries) and enabled_in, which no declaration keeps.
type Written []WrittenKey

// WrittenKey is a key and its value: a string, an int, a bool, a []string, a
// Written or a json.RawMessage.
type WrittenKey struct {
	Key   string
	Value any
}

// Write is the way back from a declaration. Only what differs from the
// defaults of punctual is written.
func Write(d schedule.Declaration) Written {
	var w Written
	w.list("when", d.When.Expressions)
	w.text("timezone", d.When.Zone)
	w.job(d.Job)
	w.text("description", d.Description)
	if !d.When.NotBefore.IsZero() {
		w.text("not_before", schedule.FormatInstant(d.When.NotBefore))
	}
	if !d.When.NotAfter.IsZero() {
		w.text("not_after", schedule.FormatInstant(d.When.NotAfter))
	}
	w.text("was", d.Was)
	w.list("tags", d.Tags)
	w.policies(d.Policies, d.Job)
	w.duration("jitter", schedule.Duration(d.Jitter), 0)
	var dates []string
	for _, date := range d.When.Except {
		dates = append(dates, date.String())
	}
	w.list("except", dates)
	return w
}

func (w *Written) add(key string, value any) { *w = append(*w, WrittenKey{key, value}) }

func (w *Written) text(key, value string) {
	if value != "" {
		w.add(key, value)
	}
}

func (w *Written) list(key string, values []string) {
	switch {
	case len(values) == 1:
		w.add(key, values[0])
	case len(values) > 1:
		w.add(key, values)
	}
}

func (w *Written) number(key string, value, usual int) {
	if value != usual {
		w.add(key, value)
	}
}

func (w *Written) duration(key string, value, usual schedule.Duration) {
	if value != usual {
		w.add(key, value.String())
	}
}

func (w *Written) job(j schedule.Job) {
	switch {
	case j.Run != nil && j.Run.Shell != "":
		w.add("run", j.Run.Shell)
	case j.Run != nil:
		w.add("run", append([]string{}, j.Run.Program...))
	case j.HTTP != nil:
		w.add("http", writeRequest(*j.HTTP))
	case j.Work != nil:
		work := Written{{"kind", j.Work.Kind}}
		if len(j.Work.Args) > 0 {
			work.add("args", j.Work.Args)
		}
		w.add("job", work)
	}
	if j.Run != nil {
		w.command(*j.Run)
	}
	if j.HTTP != nil {
		w.names("env", j.HTTP.Env)
	}
}

func (w *Written) command(c schedule.Command) {
	w.text("directory", c.Directory)
	w.names("env", c.Env)
	switch {
	case c.CleanEnv && len(c.KeepEnv) == 0:
		w.add("inherit_env", "none")
	case c.CleanEnv:
		w.add("inherit_env", c.KeepEnv)
	}
	w.text("umask", c.Umask)
	w.text("user", c.User)
	w.text("group", c.Group)
	w.list("success_codes", c.SuccessCodes)
	w.list("no_retry_codes", c.NoRetryCodes)
}

func writeRequest(r schedule.Request) Written {
	var w Written
	usual := "GET"
	if r.Body != "" {
		usual = "POST"
	}
	if r.Method != usual {
		w.text("method", r.Method)
	}
	w.add("url", r.URL)
	w.names("headers", r.Headers)
	w.text("body", r.Body)
	w.list("success_codes", r.SuccessCodes)
	w.list("retry_codes", r.RetryCodes)
	if r.FollowRedirects {
		w.add("follow_redirects", true)
	}
	w.text("sign_with", r.SignWith)
	w.text("ca_file", r.CAFile)
	return w
}

func (w *Written) names(key string, values map[string]string) {
	if len(values) == 0 {
		return
	}
	var inner Written
	for _, name := range slices.Sorted(maps.Keys(values)) {
		inner.add(name, values[name])
	}
	w.add(key, inner)
}

// policies leaves out what would be refused for having no effect.
func (w *Written) policies(p schedule.Policies, j schedule.Job) {
	usual := schedule.DefaultPolicies()
	if p.Queue != usual.Queue {
		w.text("queue", p.Queue)
	}
	w.number("priority", p.Priority, usual.Priority)
	w.duration("timeout", p.Timeout, 0)
	w.number("retries", p.Retries, usual.Retries)
	if (p.Retries > 0 || j.Run != nil) && p.Backoff != usual.Backoff {
		w.backoff(p.Backoff)
	}
	w.duration("expires", p.Expires, 0)
	if p.CatchUp != usual.CatchUp {
		w.text("catch_up", string(p.CatchUp))
	}
	if p.CatchUp == schedule.CatchUpAll {
		w.duration("catch_up_window", p.CatchUpWindow, usual.CatchUpWindow)
	}
	if p.CatchUp == schedule.CatchUpAll || p.Overlap == schedule.OverlapQueue {
		w.number("catch_up_max", p.CatchUpMax, usual.CatchUpMax)
	}
	w.duration("grace", p.Grace, usual.Grace)
	if p.Overlap != usual.Overlap {
		w.text("overlap", string(p.Overlap))
	}
	if p.Overlap == schedule.OverlapCancel {
		w.duration("cancel_grace", p.CancelGrace, usual.CancelGrace)
	}
	w.text("limit", p.Limit)
}

func (w *Written) backoff(b schedule.Backoff) {
	if b.Kind == schedule.BackoffFixed {
		w.add("backoff", b.Initial.String())
		return
	}
	w.add("backoff", Written{{"initial", b.Initial.String()}, {"max", b.Max.String()}})
}

// Get is the value of a key; nil if it is not written.
func (w Written) Get(key string) any {
	for _, one := range w {
		if one.Key == key {
			return one.Value
		}
	}
	return nil
}

// MarshalJSON writes an object with the keys in order.
func (w Written) MarshalJSON() ([]byte, error) {
	out := bytes.NewBufferString("{")
	for i, one := range w {
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteString(asJSON(one.Key))
		out.WriteByte(':')
		out.WriteString(asJSON(one.Value))
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// asJSON is a value as JSON, which is YAML too.
func asJSON(value any) string {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(fmt.Sprintf("%T cannot be written as JSON: %v", value, err)) // a WrittenKey holds what can
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// YAML writes the keys as they stand below the key of a schedule in a file,
// each line behind the indent.
func (w Written) YAML(indent string) string {
	var out strings.Builder
	for _, one := range w {
		out.WriteString(indent + yamlText(one.Key) + ":")
		switch value := one.Value.(type) {
		case Written:
			out.WriteString("\n" + value.YAML(indent+"  "))
		case string:
			out.WriteString(" " + yamlString(value, indent+"  ") + "\n")
		default:
			out.WriteString(" " + asJSON(value) + "\n")
		}
	}
	return out.String()
}

var (
	// plainText needs no quotes in any reader of YAML.
	plainText = regexp.MustCompile(`^[A-Za-z./][A-Za-z0-9_./-]*( [A-Za-z0-9_./-]+)*$`)
	// notText is read as something else.
	notText = regexp.MustCompile(`(?i)^(y|n|yes|no|on|off|true|false|null|\.nan|[-+.]?\.?(inf|[0-9].*)|-+)$`)
)

// yamlString is a text in one line, or as a block where it has several.
func yamlString(text, indent string) string {
	body := strings.TrimSuffix(text, "\n")
	block := strings.Contains(body, "\n") && !strings.HasPrefix(body, " ") && !strings.HasPrefix(body, "\n") && !strings.HasSuffix(body, "\n") &&
		!strings.ContainsFunc(body, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) })
	for line := range strings.SplitSeq(body, "\n") {
		block = block && !strings.HasSuffix(line, " ")
	}
	if !block {
		return yamlText(text)
	}
	mark := "|-"
	if body != text {
		mark = "|"
	}
	return mark + "\n" + indent + strings.ReplaceAll(strings.ReplaceAll(body, "\n", "\n"+indent), "\n"+indent+"\n", "\n\n")
}

func yamlText(text string) string {
	if plainText.MatchString(text) && !notText.MatchString(text) {
		return text
	}
	return asJSON(text)
}

package dashboard

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/punctual-dev/punctual/config"
	"github.com/punctual-dev/punctual/schedule"
)

// fields are what a form about a schedule holds, by name. Most are named as the
// keys of the schedule file.
type fields map[string]string

// fieldNames are all of them.
var fieldNames = strings.Fields(`when timezone description tags kind run directory env
	method url headers body success_codes work_kind args
	overlap cancel_grace limit catch_up catch_up_window catch_up_max grace
	retries backoff backoff_max timeout expires queue priority jitter not_before not_after except`)

// The kinds of job a form knows.
const (
	kindHTTP    = "http"
	kindWork    = "job"
	kindCommand = "run"
)

func readFields(values url.Values) fields {
	f := fields{}
	for _, name := range fieldNames {
		f[name] = strings.TrimSpace(strings.ReplaceAll(values.Get(name), "\r\n", "\n"))
	}
	return f
}

// fieldsOf fills a form with a schedule.
func fieldsOf(d schedule.Declaration) fields {
	w := config.Write(d)
	f := fields{"kind": kindHTTP}
	for _, name := range fieldNames {
		if value := w.Get(name); value != nil && name != "run" && name != "env" {
			f[name] = fieldText(value)
		}
	}
	f["when"] = strings.Join(d.When.Expressions, "\n")
	f["tags"] = strings.Join(d.Tags, ", ")
	f["env"] = fieldPairs(w.Get("env"), "=")
	switch {
	case d.Job.Run != nil:
		f["kind"], f["run"] = kindCommand, fieldText(w.Get("run"))
	case d.Job.HTTP != nil:
		request, _ := w.Get("http").(config.Written)
		for _, name := range []string{"method", "url", "body", "success_codes"} {
			f[name] = fieldText(request.Get(name))
		}
		f["headers"] = fieldPairs(request.Get("headers"), ": ")
	case d.Job.Work != nil:
		f["kind"], f["work_kind"] = kindWork, d.Job.Work.Kind
		if len(d.Job.Work.Args) > 0 {
			f["args"] = string(d.Job.Work.Args)
		}
	}
	if backoff, ok := w.Get("backoff").(config.Written); ok {
		f["backoff"], f["backoff_max"] = fieldText(backoff.Get("initial")), fieldText(backoff.Get("max"))
	}
	return f
}

func fieldText(value any) string {
	switch value := value.(type) {
	case nil:
		return ""
	case string:
		return value
	case int:
		return strconv.Itoa(value)
	case []string:
		if strings.ContainsAny(strings.Join(value, ""), ", \"'") {
			text, _ := json.Marshal(value)
			return string(text)
		}
		return strings.Join(value, ", ")
	}
	return ""
}

func fieldPairs(value any, between string) string {
	pairs, _ := value.(config.Written)
	lines := make([]string, len(pairs))
	for i, pair := range pairs {
		lines[i] = pair.Key + between + fieldText(pair.Value)
	}
	return strings.Join(lines, "\n")
}

// written is what a form says, with the keys of the file. What has no effect is
// left out, as it would be refused.
func (f fields) written() (config.Written, []fieldFault) {
	var w config.Written
	var faults []fieldFault
	add := func(key string, value any) { w = append(w, config.WrittenKey{Key: key, Value: value}) }
	text := func(key string) {
		if f[key] != "" {
			add(key, f[key])
		}
	}
	number := func(key string) {
		if n, err := strconv.Atoi(f[key]); err == nil {
			add(key, n)
		} else {
			text(key)
		}
	}
	if lines := splitLines(f["when"]); len(lines) == 1 {
		add("when", lines[0])
	} else if len(lines) > 1 {
		add("when", lines)
	}
	text("timezone")
	job, jobFaults := f.job()
	w, faults = append(w, job...), append(faults, jobFaults...)
	for _, key := range []string{"description", "not_before", "not_after", "queue", "timeout", "expires", "grace", "jitter", "limit"} {
		text(key)
	}
	for _, key := range []string{"tags", "except"} {
		if list := splitList(f[key]); len(list) > 0 {
			add(key, list)
		}
	}
	number("priority")
	number("retries")
	if f["retries"] != "" && f["retries"] != "0" && f["backoff"] != "" {
		if f["backoff_max"] != "" {
			add("backoff", config.Written{{Key: "initial", Value: f["backoff"]}, {Key: "max", Value: f["backoff_max"]}})
		} else {
			text("backoff")
		}
	}
	text("overlap")
	if f["overlap"] == string(schedule.OverlapCancel) {
		text("cancel_grace")
	}
	text("catch_up")
	all := f["catch_up"] == string(schedule.CatchUpAll)
	if all {
		text("catch_up_window")
	}
	if all || f["overlap"] == string(schedule.OverlapQueue) {
		number("catch_up_max")
	}
	return w, faults
}

// job is what a form says is to run.
func (f fields) job() (w config.Written, faults []fieldFault) {
	add := func(to *config.Written, key string, value any) {
		*to = append(*to, config.WrittenKey{Key: key, Value: value})
	}
	pairs := func(to *config.Written, key, between string) {
		found, fault := readPairs(key, f[key], between)
		if len(found) > 0 {
			add(to, key, found)
		}
		faults = append(faults, fault...)
	}
	switch f["kind"] {
	case kindCommand:
		if list := splitJSON(f["run"]); list != nil {
			add(&w, "run", list)
		} else {
			add(&w, "run", f["run"])
		}
		if f["directory"] != "" {
			add(&w, "directory", f["directory"])
		}
		pairs(&w, "env", "=")
	case kindWork:
		work := config.Written{{Key: "kind", Value: f["work_kind"]}}
		if f["args"] != "" {
			if !json.Valid([]byte(f["args"])) {
				return w, append(faults, fieldFault{"args", "The arguments are not JSON.", `They are an object such as {"report": "daily"}.`})
			}
			add(&work, "args", json.RawMessage(f["args"]))
		}
		add(&w, "job", work)
	default:
		request := config.Written{{Key: "url", Value: f["url"]}}
		for _, key := range []string{"method", "body"} {
			if f[key] != "" {
				add(&request, key, f[key])
			}
		}
		pairs(&request, "headers", ":")
		if codes := splitList(f["success_codes"]); len(codes) > 0 {
			add(&request, "success_codes", codes)
		}
		add(&w, "http", request)
		pairs(&w, "env", "=")
	}
	return w, faults
}

// readPairs reads a name and a value from each line.
func readPairs(field, text, between string) (found config.Written, faults []fieldFault) {
	for _, line := range splitLines(text) {
		name, value, ok := strings.Cut(line, between)
		if name = strings.TrimSpace(name); !ok || name == "" {
			faults = append(faults, fieldFault{field, fmt.Sprintf("The line %q has no name and value.", line), "One a line, as NAME" + between + "value."})
			continue
		}
		if between == ":" {
			value = strings.TrimSpace(value)
		}
		found = append(found, config.WrittenKey{Key: name, Value: value})
	}
	return found, faults
}

func splitLines(text string) (lines []string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// splitList reads words with commas between, or a JSON list of texts.
func splitList(text string) (words []string) {
	if list := splitJSON(text); list != nil {
		return list
	}
	for word := range strings.SplitSeq(strings.ReplaceAll(text, "\n", ","), ",") {
		if word = strings.TrimSpace(word); word != "" {
			words = append(words, word)
		}
	}
	return words
}

func splitJSON(text string) (list []string) {
	if !strings.HasPrefix(text, "[") || json.Unmarshal([]byte(text), &list) != nil {
		return nil
	}
	return list
}

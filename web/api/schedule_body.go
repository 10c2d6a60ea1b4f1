package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/punctual-dev/punctual/config"
	"github.com/punctual-dev/punctual/schedule"
)

// scheduleText is a schedule as a body says it: the keys of the schedule file,
// as JSON. It is read by the room that reads files, so that names, checks and
// messages are the same.
type scheduleText struct{ members members }

// member is a key of an object, as it was written.
type member struct {
	key   string
	value json.RawMessage
}

type members []member

// The bodies differ in the keys they take besides, and in what must be there.
type (
	definitionText struct{ scheduleText }
	creationText   struct{ scheduleText }
	patchText      struct{ scheduleText }
	previewText    struct{ scheduleText }
)

// Schema names the schema in the document, which is made of the file's own.
func (definitionText) Schema(huma.Registry) *huma.Schema { return refTo(definitionSchema) }

// Schema is the same with a key.
func (creationText) Schema(huma.Registry) *huma.Schema { return refTo(creationSchema) }

// Schema is the same with nothing required.
func (patchText) Schema(huma.Registry) *huma.Schema { return refTo(patchSchema) }

// Schema is that of a when, and how far to look.
func (previewText) Schema(huma.Registry) *huma.Schema { return refTo(previewSchema) }

// UnmarshalJSON keeps the keys in order, so that one given twice is noticed.
func (t *scheduleText) UnmarshalJSON(text []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	if first, err := decoder.Token(); err != nil || first != json.Delim('{') {
		return fmt.Errorf("a schedule is an object with the keys of the schedule file")
	}
	t.members = nil
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return err
		}
		t.members = append(t.members, member{key.(string), value})
	}
	return nil
}

// take removes a key that is not the file's and reads its value.
func (m *members) take(key string, into any) error {
	i := slices.IndexFunc(*m, func(one member) bool { return one.key == key })
	if i < 0 {
		return nil
	}
	value := (*m)[i].value
	*m = slices.Delete(slices.Clone(*m), i, i+1)
	if err := json.Unmarshal(value, into); err != nil || slices.ContainsFunc(*m, func(one member) bool { return one.key == key }) {
		return invalid(key, fmt.Sprintf("%s is not what belongs here", value), "see the document of the API", nil)
	}
	return nil
}

func (m members) has(key string) bool {
	return slices.ContainsFunc(m, func(one member) bool { return one.key == key })
}

// object is the members as JSON.
func (m members) object() []byte {
	out := bytes.NewBufferString("{")
	for i, one := range m {
		if i > 0 {
			out.WriteString(", ")
		}
		key, _ := json.Marshal(one.key)
		out.Write(key)
		out.WriteString(": ")
		out.Write(one.value)
	}
	out.WriteByte('}')
	return out.Bytes()
}

// onlyInFiles are keys of the file that mean nothing here.
var onlyInFiles = []struct{ key, advice string }{
	{"enabled_in", "a schedule of the API is on or paused: POST …/pause pauses it"},
	{"was", "a key stays what it is; create the schedule under its new key and delete the old one"},
}

// declaration reads a schedule as a file with this one schedule in it would be
// read, with the limits there are.
func (a *api) declaration(ctx context.Context, key string, m members) (schedule.Declaration, *config.File, error) {
	for _, only := range onlyInFiles {
		if m.has(only.key) {
			return schedule.Declaration{}, nil, invalid(only.key, "stands in files only", only.advice, nil)
		}
	}
	for i, one := range m {
		if m[:i].has(one.key) {
			return schedule.Declaration{}, nil, invalid(one.key, "is given twice", "keep one of the two", nil)
		}
	}
	limits, err := a.Store.Limits(ctx)
	if err != nil {
		return schedule.Declaration{}, nil, err
	}
	text := bytes.NewBufferString("{")
	if len(limits) > 0 {
		numbers := map[string]int{}
		for _, limit := range limits {
			numbers[limit.Name] = limit.Number
		}
		known, _ := json.Marshal(numbers)
		fmt.Fprintf(text, `"limits": %s, `, known)
	}
	name, _ := json.Marshal(key)
	fmt.Fprintf(text, `"schedules": {%s: %s}}`, name, m.object())
	file, err := config.Parse("the request's body", text.Bytes(), config.Options{})
	if read, ok := errors.AsType[*config.Error](err); ok {
		return schedule.Declaration{}, nil, faultsOf(read, key)
	}
	if err != nil {
		return schedule.Declaration{}, nil, err
	}
	if len(file.Schedules) != 1 {
		return schedule.Declaration{}, nil, problem(http.StatusUnprocessableEntity, "the body is not one schedule")
	}
	return file.Schedules[0], file, nil
}

// faultsOf turns what a file says of its faults into places of the body. The
// file holds the one schedule of that key.
func faultsOf(e *config.Error, key string) error {
	var places []error
	for _, f := range e.Faults {
		place := "body"
		if inside, ok := strings.CutPrefix(f.Field, "schedules."+key+"."); ok {
			place += "." + inside
		}
		places = append(places, located(place, f.Problem, withoutFile(f.Advice), nil))
	}
	return unprocessable(places)
}

// withoutFile leaves out advice that speaks of the file around a schedule.
func withoutFile(advice string) string {
	if strings.Contains(advice, "at the top of the file") {
		return "GET " + root + "/limits lists those there are"
	}
	return advice
}

package main

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/config"
	"github.com/punctual-dev/punctual/schedule"
)

// TestTheReferenceNamesEveryFieldOfTheJSON compares the words in the rows of
// --json with the fields of the types that are printed, in both directions.
func TestTheReferenceNamesEveryFieldOfTheJSON(t *testing.T) {
	text, err := os.ReadFile("../../docs/command-line.md")
	if err != nil {
		t.Fatal(err)
	}
	changes := []string{string(calendar.Moved), string(calendar.Merged), string(calendar.Removed), string(calendar.Repeated), string(calendar.OnlyOnce)}
	plans := []string{
		string(schedule.ChangeCreate), string(schedule.ChangeUpdate), string(schedule.ChangeRename), string(schedule.ChangeDelete), string(schedule.ChangeNone),
		"added", "changed", "removed", // of the alerts
		"ok", // it is named twice
	}
	for _, c := range []struct {
		command string
		printed any
		besides []string // words of the row that are no fields
		other   []string // fields that its types have and that the row names elsewhere
	}{
		{command: "check", printed: checked{}},
		{command: "next", printed: preview{}, besides: changes},
		{command: "simulate", printed: schedule.Forecast{}, besides: []string{"--list", "next", "occurrence", "nominal", "due"}},
		{command: "apply", printed: applied{}, besides: plans, other: jsonFields(config.Finding{})},
	} {
		_, section, _ := strings.Cut(string(text), "\n### punctual "+c.command+"\n")
		section, _, _ = strings.Cut(section, "\n### ")
		row := regexp.MustCompile("(?m)^\\| `--json` \\|(.*)$").FindString(section)
		var named []string
		for _, word := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row, -1) {
			named = append(named, word[1])
		}
		fields := jsonFields(c.printed)
		for _, field := range fields {
			if !slices.Contains(named, field) && !slices.Contains(c.other, field) {
				t.Errorf("%s --json has the field %s, which the reference does not name", c.command, field)
			}
		}
		for _, name := range named {
			if name != "--json" && !slices.Contains(fields, name) && !slices.Contains(c.besides, name) {
				t.Errorf("the reference names the field %s of %s --json, which there is not", name, c.command)
			}
		}
		for _, word := range c.besides {
			if !slices.Contains(named, word) {
				t.Errorf("the reference does not name %s in the row of %s --json", word, c.command)
			}
		}
	}
}

// jsonFields are the names that a value has as JSON, at any depth.
func jsonFields(value any) (names []string) {
	var walk func(reflect.Type)
	walk = func(of reflect.Type) {
		switch of.Kind() {
		case reflect.Pointer, reflect.Slice:
			walk(of.Elem())
		case reflect.Struct:
			if of == reflect.TypeFor[time.Time]() || of == reflect.TypeFor[calendar.LocalTime]() {
				return
			}
			for field := range of.Fields() {
				name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
				if name == "-" || !field.IsExported() {
					continue
				}
				if name != "" {
					names = append(names, name)
				}
				walk(field.Type)
			}
		}
	}
	walk(reflect.TypeOf(value))
	return names
}

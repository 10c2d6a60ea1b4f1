package config

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/invopop/jsonschema"

	"github.com/punctual-dev/punctual/schedule"
)

//go:generate sh -c "go run ../cmd/punctual schema > ../punctual.schema.json"

// Schema is the JSON Schema of the schedule file, with which editors complete
// and check it. It is made of the types the file is read into.
func Schema() []byte {
	r := &jsonschema.Reflector{
		Anonymous: true, ExpandedStruct: true, RequiredFromJSONSchemaTags: true,
		Mapper: schemaOf,
		Namer:  func(t reflect.Type) string { return strings.TrimPrefix(t.Name(), "*") },
	}
	s := r.Reflect(&written{})
	s.Title = "punctual.yaml"
	s.Description = "A schedule file of punctual: what runs when, and under which policies."
	if s.PatternProperties == nil {
		s.PatternProperties = map[string]*jsonschema.Schema{}
	}
	s.PatternProperties["^x-"] = &jsonschema.Schema{Description: "Ignored: a place to mark things for aliases."}
	if schedules, ok := s.Properties.Get("schedules"); ok {
		schedules.PropertyNames = &jsonschema.Schema{Pattern: "^[a-z0-9][a-z0-9._-]{0,99}$"}
	}
	for _, named := range []string{"limits", "calendars"} {
		if p, ok := s.Properties.Get(named); ok {
			p.PropertyNames = &jsonschema.Schema{Pattern: namePattern.String()}
		}
	}
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		panic("the schema cannot be written as JSON: " + err.Error())
	}
	return append(data, '\n')
}

// durationPattern is the form that schedule.ParseDuration reads.
const durationPattern = `^([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$`

// schemaOf is the schema of the types that decode themselves; nil for others.
func schemaOf(t reflect.Type) *jsonschema.Schema {
	aText := &jsonschema.Schema{Type: "string"}
	switch t {
	case reflect.TypeFor[schedule.Duration]():
		return duration()
	case reflect.TypeFor[schedule.CatchUp]():
		return oneOf(schedule.CatchUpLatest, schedule.CatchUpAll, schedule.CatchUpNone)
	case reflect.TypeFor[schedule.Overlap]():
		return oneOf(schedule.OverlapSkip, schedule.OverlapWait, schedule.OverlapQueue, schedule.OverlapCancel, schedule.OverlapAllow)
	case reflect.TypeFor[words]():
		return either(aText, &jsonschema.Schema{Type: "array", Items: aText, MinItems: new(uint64(1))})
	case reflect.TypeFor[command]():
		return either(aText, &jsonschema.Schema{Type: "array", Items: aText, MinItems: new(uint64(1))})
	case reflect.TypeFor[dates]():
		return &jsonschema.Schema{Type: "array", Items: &jsonschema.Schema{Type: "string", Pattern: `^\d{4}-\d{2}-\d{2}$`}}
	case reflect.TypeFor[inherited]():
		return either(oneOf("all", "none"), &jsonschema.Schema{Type: "array", Items: aText, MinItems: new(uint64(1))})
	case reflect.TypeFor[umask]():
		return either(&jsonschema.Schema{Type: "integer"}, &jsonschema.Schema{Type: "string", Pattern: umaskWritten.String()})
	case reflect.TypeFor[exitCodes]():
		code := either(
			&jsonschema.Schema{Type: "integer", Minimum: "0", Maximum: "255"},
			&jsonschema.Schema{Type: "string", Pattern: `^[0-9]{1,3}(-[0-9]{1,3})?$`})
		return either(code, &jsonschema.Schema{Type: "array", Items: code})
	case reflect.TypeFor[codes]():
		code := either(
			&jsonschema.Schema{Type: "integer", Minimum: "100", Maximum: "599"},
			&jsonschema.Schema{Type: "string", Pattern: `^([1-5]\d\d|[1-5]xx|[1-5]\d\d-[1-5]\d\d)$`})
		return either(code, &jsonschema.Schema{Type: "array", Items: code})
	case reflect.TypeFor[unlessNever]():
		return either(duration(), oneOf("never"))
	case reflect.TypeFor[placeholder]():
		return aText
	case reflect.TypeFor[object]():
		return &jsonschema.Schema{Type: "object"}
	}
	return nil
}

func duration() *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", Pattern: durationPattern, MinLength: new(uint64(2)), Examples: []any{"30s", "5m", "1h30m"}}
}

func oneOf[T ~string](allowed ...T) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "string"}
	for _, value := range allowed {
		s.Enum = append(s.Enum, string(value))
	}
	return s
}

func either(a, b *jsonschema.Schema) *jsonschema.Schema {
	return &jsonschema.Schema{OneOf: []*jsonschema.Schema{a, b}}
}

// JSONSchemaExtend says that a schedule has exactly one job.
func (definition) JSONSchemaExtend(s *jsonschema.Schema) {
	for _, kind := range []string{"run", "http", "job"} {
		s.OneOf = append(s.OneOf, &jsonschema.Schema{Required: []string{kind}})
	}
}

// JSONSchemaExtend says that a recipient is told in exactly one way.
func (recipient) JSONSchemaExtend(s *jsonschema.Schema) {
	for _, way := range []string{"webhook", "run", "mail"} {
		s.OneOf = append(s.OneOf, &jsonschema.Schema{Required: []string{way}})
	}
}

// JSONSchemaExtend allows one duration in place of the mapping.
func (backoff) JSONSchemaExtend(s *jsonschema.Schema) {
	mapping := *s
	*s = *either(duration(), &mapping)
}

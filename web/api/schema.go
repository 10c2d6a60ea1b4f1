package api

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/punctual-dev/punctual/config"
)

// The schemas that are made of the schedule file's.
const (
	definitionSchema = "ScheduleDefinition"
	creationSchema   = "ScheduleCreation"
	patchSchema      = "SchedulePatch"
	previewSchema    = "PreviewRequest"
)

const schemas = "#/components/schemas/"

func refTo(name string) *huma.Schema { return &huma.Schema{Ref: schemas + name} }

// fileSchemas adds the schemas of the schedule file to a document, so that the
// body of a schedule and a schedule in the file are described by the same text.
func fileSchemas(into map[string]*huma.Schema) {
	var file struct {
		Definitions map[string]map[string]any `json:"$defs"`
	}
	if err := json.Unmarshal(config.Schema(), &file); err != nil {
		panic("the schema of the schedule file cannot be read: " + err.Error())
	}
	named := map[string]string{"backoff": "ScheduleBackoff", "request": "ScheduleRequest", "work": "ScheduleWork"}
	rename(file.Definitions["definition"], named)
	for name, title := range named {
		into[title] = raw(file.Definitions[name])
	}
	one := file.Definitions["definition"]
	properties := one["properties"].(map[string]any)
	for _, only := range onlyInFiles {
		delete(properties, only.key)
	}
	properties["job_of"] = map[string]any{
		"type": "string", "maxLength": 100,
		"description": "The key of a schedule whose job, as it stands now, this one is to have; in place of run, http and job.",
	}
	one["oneOf"] = append(one["oneOf"].([]any), map[string]any{"required": []any{"job_of"}})
	one["description"] = "A schedule, with the keys of the schedule file."
	into[definitionSchema] = raw(one)

	creation := maps.Clone(one)
	creation["properties"] = with(properties, map[string]any{
		"key": map[string]any{"type": "string", "pattern": "^[a-z0-9][a-z0-9._-]{0,99}$", "description": "Names the schedule and its history."},
	})
	creation["required"] = []any{"key", "when"}
	creation["description"] = "A schedule and its key."
	into[creationSchema] = raw(creation)

	patch := maps.Clone(one)
	delete(patch, "required")
	delete(patch, "oneOf")
	patch["properties"] = nullable(properties)
	patch["description"] = "The keys of a schedule that are to change (RFC 7396): null takes one out."
	into[patchSchema] = raw(patch)

	looked := map[string]any{
		"key":   map[string]any{"type": "string", "maxLength": 100, "description": "The key the jitter is drawn from."},
		"from":  map[string]any{"type": "string", "maxLength": 40, "description": "Instants after this one: RFC 3339, or local in the zone. Default: now."},
		"count": map[string]any{"type": "integer", "minimum": 1, "maximum": maxPreview, "default": defaultPreview, "description": "How many."},
	}
	for _, key := range whenKeys {
		looked[key] = properties[key]
	}
	into[previewSchema] = raw(map[string]any{
		"type": "object", "additionalProperties": false, "required": []any{"when"}, "properties": looked,
		"description": "A when, with the keys of the schedule file, and how far to look.",
	})
}

// raw is a schema that huma only passes on: it is checked by who reads files.
func raw(schema map[string]any) *huma.Schema { return &huma.Schema{Extensions: schema} }

func with(properties, more map[string]any) map[string]any {
	all := maps.Clone(properties)
	maps.Copy(all, more)
	return all
}

// nullable are properties that may be null, too.
func nullable(properties map[string]any) map[string]any {
	all := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		all[name] = map[string]any{"oneOf": []any{map[string]any{"type": "null"}, properties[name]}}
	}
	return all
}

// rename leads references to definitions of the file to those of the document.
func rename(value any, named map[string]string) {
	switch value := value.(type) {
	case map[string]any:
		if ref, ok := value["$ref"].(string); ok {
			value["$ref"] = schemas + named[strings.TrimPrefix(ref, "#/$defs/")]
		}
		for _, inner := range value {
			rename(inner, named)
		}
	case []any:
		for _, inner := range value {
			rename(inner, named)
		}
	}
}

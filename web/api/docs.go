package api

import (
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/yaml"

	"github.com/punctual-dev/punctual/web/access"
)

//go:embed docs.html docs.css
var files embed.FS

var docsPage = template.Must(template.ParseFS(files, "docs.html"))

// pages serves the OpenAPI document, and a page made of it: without scripts,
// and without asking anybody else for anything.
func (a *api) pages(mux *http.ServeMux) {
	asJSON, err := json.MarshalIndent(a.huma.OpenAPI(), "", "  ")
	if err != nil {
		panic("the OpenAPI document cannot be written: " + err.Error())
	}
	var asYAML strings.Builder
	if err := yaml.Convert(&asYAML, strings.NewReader(string(asJSON))); err != nil {
		panic("the OpenAPI document cannot be written as YAML: " + err.Error())
	}
	var page strings.Builder
	if err := docsPage.Execute(&page, a.docs()); err != nil {
		panic("the page of the API cannot be written: " + err.Error())
	}
	css, _ := files.ReadFile("docs.css")
	for _, one := range []struct{ path, kind, text string }{
		{"/openapi.json", "application/openapi+json", string(asJSON)},
		{"/openapi.yaml", "application/openapi+yaml", asYAML.String()},
		{"/docs", "text/html; charset=utf-8", page.String()},
		{"/docs.css", "text/css; charset=utf-8", string(css)},
	} {
		mux.HandleFunc("GET "+root+one.path, func(w http.ResponseWriter, r *http.Request) {
			if !access.Of(r.Context()).May(access.Viewer) {
				writeProblem(w, http.StatusUnauthorized, "credentials are needed")
				return
			}
			w.Header().Set("Content-Type", one.kind)
			_, _ = w.Write([]byte(one.text))
		})
	}
}

// docs is what the page shows.
type docs struct {
	Root, Version string
	Groups        []docsGroup
}

type docsGroup struct {
	Name, Description string
	Operations        []docsOperation
}

type docsOperation struct {
	ID, Method, Path, Summary, Description, Role string
	Parameters, Body, Answer                     []docsField
	Statuses                                     string
}

type docsField struct {
	Name, In, Type, Description string
	Required                    bool
}

func (a *api) docs() docs {
	d := docs{Root: a.Prefix + root, Version: a.Version}
	document := a.huma.OpenAPI()
	for _, tag := range document.Tags {
		group := docsGroup{Name: tag.Name, Description: tag.Description}
		for _, path := range slices.Sorted(maps.Keys(document.Paths)) {
			item := document.Paths[path]
			for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
				if op != nil && slices.Contains(op.Tags, tag.Name) {
					group.Operations = append(group.Operations, a.docsOf(op))
				}
			}
		}
		d.Groups = append(d.Groups, group)
	}
	return d
}

func (a *api) docsOf(op *huma.Operation) docsOperation {
	o := docsOperation{
		ID: op.OperationID, Method: op.Method, Path: op.Path, Summary: op.Summary, Description: op.Description,
		Role: fmt.Sprint(op.Extensions["x-required-role"]), Statuses: strings.Join(slices.Sorted(maps.Keys(op.Responses)), ", "),
	}
	for _, p := range op.Parameters {
		o.Parameters = append(o.Parameters, docsField{Name: p.Name, In: p.In, Type: typeInWords(asMap(p.Schema)), Description: p.Description, Required: p.Required})
	}
	if op.RequestBody != nil {
		o.Body = a.fieldsOf(op.RequestBody.Content["application/json"])
	}
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		if strings.HasPrefix(status, "2") {
			o.Answer = a.fieldsOf(op.Responses[status].Content["application/json"])
		}
	}
	return o
}

// fieldsOf are the fields of a body, one level deep.
func (a *api) fieldsOf(media *huma.MediaType) (fields []docsField) {
	if media == nil || media.Schema == nil {
		return nil
	}
	schema := asMap(media.Schema)
	if ref, ok := schema["$ref"].(string); ok {
		schema = asMap(a.huma.OpenAPI().Components.Schemas.Map()[strings.TrimPrefix(ref, schemas)])
	}
	required, _ := schema["required"].([]any)
	properties, _ := schema["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		property, _ := properties[name].(map[string]any)
		description, _ := property["description"].(string)
		fields = append(fields, docsField{Name: name, Type: typeInWords(property), Description: description, Required: slices.Contains(required, any(name))})
	}
	return fields
}

// asMap is a schema as the document writes it.
func asMap(schema any) map[string]any {
	text, err := json.Marshal(schema)
	var m map[string]any
	if err != nil || json.Unmarshal(text, &m) != nil {
		return nil
	}
	return m
}

// typeInWords is a schema in a few words.
func typeInWords(schema map[string]any) string {
	if ref, ok := schema["$ref"].(string); ok {
		return strings.TrimPrefix(ref, schemas)
	}
	if enum, ok := schema["enum"].([]any); ok {
		words := make([]string, len(enum))
		for i, one := range enum {
			words[i] = fmt.Sprint(one)
		}
		return strings.Join(words, " | ")
	}
	if several, ok := schema["oneOf"].([]any); ok {
		var words []string
		for _, one := range several {
			inner, _ := one.(map[string]any)
			if text := typeInWords(inner); text != "null" && text != "" {
				words = append(words, text)
			}
		}
		return strings.Join(words, " or ")
	}
	words := fmt.Sprint(schema["type"])
	if several, ok := schema["type"].([]any); ok {
		words = fmt.Sprint(several[0])
	}
	if items, ok := schema["items"].(map[string]any); ok {
		return "list of " + typeInWords(items)
	}
	if schema["type"] == nil {
		return "any"
	}
	if schema["format"] == "date-time" {
		return "instant"
	}
	return words
}

// bodyErrors are what may be wrong with a body before it is read as what it is.
var bodyErrors = []int{http.StatusBadRequest, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType}

// tidyDocument says what the types leave open, and what huma says in words that
// OpenAPI does not know.
func (a *api) tidyDocument() {
	for _, item := range a.huma.OpenAPI().Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op == nil {
				continue
			}
			for _, p := range op.Parameters {
				// What is said to those who send something else is made by now.
				p.Schema.Description, p.Schema.PatternDescription = p.Schema.PatternDescription, ""
			}
			if op.RequestBody != nil {
				for _, status := range bodyErrors {
					op.Responses[strconv.Itoa(status)] = &huma.Response{Content: op.Responses["422"].Content}
				}
			}
			for status, response := range op.Responses {
				if response.Description == "" {
					response.Description = http.StatusText(statusNumber(status))
				}
			}
		}
	}
}

func statusNumber(text string) (status int) {
	_, _ = fmt.Sscan(text, &status)
	return status
}

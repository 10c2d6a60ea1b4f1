package api_test

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/punctual-dev/punctual/web/api"
)

// document is the part of the OpenAPI document that every answer of the tests
// is held to.
type document struct {
	Servers []struct{ URL string }
	Paths   map[string]map[string]struct {
		Parameters []struct{ Schema map[string]any }
		Responses  map[string]struct{ Content map[string]any }
	}
}

func (s *site) document() (d document) {
	s.Helper()
	request, err := http.NewRequestWithContext(s.ctx(), "GET", s.url+"/openapi.json", nil)
	s.must(err)
	answered, err := http.DefaultClient.Do(request)
	s.must(err)
	defer answered.Body.Close()
	text, err := io.ReadAll(answered.Body)
	s.must(err)
	s.must(json.Unmarshal(text, &d))
	return d
}

// heldTo wants the status and the content type of an answer to be among those
// the document tells of; what it does not know is refused as such.
func (r *response) heldTo(d document, method, path string) {
	r.s.Helper()
	path, _, _ = strings.Cut(path, "?")
	for template, operations := range d.Paths {
		operation, known := operations[strings.ToLower(method)]
		if !known || !fits("/api/v1"+path, template) {
			continue
		}
		told, known := operation.Responses[strconv.Itoa(r.status)]
		if !known {
			r.s.Errorf("%s is answered with %d, of which the document says nothing", r.what, r.status)
			return
		}
		kind, _, _ := strings.Cut(r.header.Get("Content-Type"), ";")
		if _, known := told.Content[kind]; !known && (kind != "" || len(told.Content) > 0) {
			r.s.Errorf("%s is answered with %d as %q, of which the document says nothing", r.what, r.status, kind)
		}
		return
	}
}

// fits tells whether a path is one of a template: no literal template of the API
// is hidden by one with a parameter, since those end differently.
func fits(path, template string) bool {
	parts, wanted := strings.Split(path, "/"), strings.Split(template, "/")
	return slices.EqualFunc(parts, wanted, func(part, want string) bool {
		return part == want || strings.HasPrefix(want, "{") && part != ""
	})
}

func TestTheDocumentSaysWhereTheServerIs(t *testing.T) {
	for _, c := range []struct{ prefix, want string }{{"", "/"}, {"/punctual", "/punctual"}} {
		s := newSite(t, "sqlite", func(o *api.Options) { o.Prefix = c.prefix })
		if d := s.document(); len(d.Servers) != 1 || d.Servers[0].URL != c.want {
			t.Errorf("under %q the servers are %v, want %q", c.prefix, d.Servers, c.want)
		}
	}
}

func TestTheDocumentTellsOfBodiesThatCannotBeRead(t *testing.T) {
	s := newSite(t, "sqlite", nil)
	s.post("/preview", `{"when": `).refused(400)
	s.post("/preview", `{"when": "`+strings.Repeat("x", 2<<20)+`"}`).refused(413)
	s.post("/preview", `when: daily`, "Content-Type", "application/yaml").refused(415)
}

func TestTheDocumentHasNoWordThatOpenAPIDoesNotKnow(t *testing.T) {
	s := newSite(t, "sqlite", nil)
	patterns := 0
	for path, operations := range s.document().Paths {
		for method, operation := range operations {
			for _, p := range operation.Parameters {
				if _, found := p.Schema["patternDescription"]; found {
					t.Errorf("%s %s: a parameter has a patternDescription", method, path)
				}
				if _, found := p.Schema["pattern"]; found {
					patterns++
				}
			}
		}
	}
	if patterns == 0 {
		t.Error("no parameter with a pattern was looked at")
	}
	s.get("/schedules/A").refused(422, "a key") // the words are told all the same
}

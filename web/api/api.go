// Package api is the JSON API under /api/v1: what the command line can do, for
// programs and for the pages. operation.go says how one is declared; the files
// besides hold them by what they are about.
package api

import (
	"cmp"
	"encoding/json"
	"log/slog"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/punctual-dev/punctual/store"
	"github.com/punctual-dev/punctual/web/access"
)

// Options are the settings of the API.
type Options struct {
	Store *store.Store
	// Prefix is the path the site stands under, "" or "/punctual". Requests
	// arrive without it; links are given with it.
	Prefix string
	// AllowCommands lets commands be created and edited from the network, and
	// requests that read the worker's environment.
	AllowCommands bool
	Logger        *slog.Logger
	Version       string // of punctual, for the document
}

// root is where all operations stand.
const root = "/api/v1"

// api is the operations and what they share.
type api struct {
	Options
	huma   huma.API
	events *broadcast
}

// Handler answers everything below /api/v1/. It relies on the identity in the
// request's context (access.Of); without one everything is refused.
func Handler(o Options) http.Handler {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Version == "" {
		o.Version = "dev"
	}
	mux := http.NewServeMux()
	a := &api{Options: o, events: newBroadcast(o.Store, o.Logger)}
	a.huma = humago.New(mux, a.document())
	a.schedules()
	a.edits()
	a.actions()
	a.backfills()
	a.preview()
	a.runs()
	a.runActions()
	a.output()
	a.overview()
	a.queues()
	a.alerting()
	a.live()
	a.tidyDocument()
	a.pages(mux)
	return known(mux)
}

// document is the head of the OpenAPI document, and huma's settings.
func (a *api) document() huma.Config {
	c := huma.DefaultConfig("Punctual", a.Version)
	c.Info.Description = description
	c.Info.License = &huma.License{Name: "MIT", Identifier: "MIT"}
	c.Servers = []*huma.Server{{URL: cmp.Or(a.Prefix, "/"), Description: "This server"}}
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = "", "", ""
	c.CreateHooks = nil
	c.RejectUnknownQueryParameters = true
	c.Transformers = []huma.Transformer{plainly}
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token":    {Type: "http", Scheme: "bearer", Description: "A token: that of PUNCTUAL_TOKEN, or one made for a program."},
		"password": {Type: "http", Scheme: "basic", Description: "A name and a password."},
	}
	c.Security = []map[string][]string{{"token": {}}, {"password": {}}}
	c.Tags = tags
	fileSchemas(c.Components.Schemas.Map())
	return c
}

const description = "What the command line can do, as JSON.\n\n" +
	"Errors are problems by RFC 9457 (application/problem+json): detail says for people what is wrong, errors where. " +
	"Lists come in pages: next of one page is the cursor of the following. " +
	"Instants are RFC 3339 in UTC. An edit names the version it was made from (If-Match), so that nobody's change is lost."

var tags = []*huma.Tag{
	{Name: "schedules", Description: "What is to run, and when."},
	{Name: "runs", Description: "What was decided, and what came of it."},
	{Name: "backfills", Description: "Occurrences of a past range."},
	{Name: "state", Description: "Processes, queues, limits, and whether all is well."},
	{Name: "live", Description: "What changes, as it does."},
}

// known answers what no operation does, in the API's own words.
func known(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if _, pattern := mux.Handler(r); pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		if access.Of(r.Context()).Role == access.Nobody {
			writeProblem(w, http.StatusUnauthorized, "credentials are needed")
			return
		}
		// The mux knows whether it is the method that is wrong, and says so in
		// the Allow header.
		refused := &discarded{header: http.Header{}}
		mux.ServeHTTP(refused, r)
		if allow := refused.header.Get("Allow"); allow != "" {
			w.Header().Set("Allow", allow)
			writeProblem(w, http.StatusMethodNotAllowed, r.Method+" is not done here; allowed: "+allow)
			return
		}
		writeProblem(w, http.StatusNotFound, "there is nothing at "+r.URL.Path+"; "+root+"/docs lists what there is")
	})
}

func writeProblem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(problem(status, detail))
}

// discarded is an answer of which only the header is wanted.
type discarded struct{ header http.Header }

func (d *discarded) Header() http.Header         { return d.header }
func (d *discarded) Write(b []byte) (int, error) { return len(b), nil }
func (d *discarded) WriteHeader(int)             {}

// Package dashboard is the pages of the web process: what is due, what ran, and
// if not, why not. It reads the store and computes no state of its own.
//
// A page is a function that gathers what a template shows (overview.go,
// schedules.go, …); an action is a POST that changes something through the
// store and answers with a redirect. Words are in words.go, charts in chart.go
// and strip.go. All of it works without JavaScript; the scripts in static/ keep
// what is shown up to date.
package dashboard

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/punctual-dev/punctual/store"
	"github.com/punctual-dev/punctual/web/access"
)

// Options are the settings of the dashboard.
type Options struct {
	Store *store.Store
	// Prefix is the path the site stands under, "" or "/punctual". Requests
	// arrive without it; links are given with it.
	Prefix string
	// AllowCommands lets commands be created and edited here, and requests that
	// read the worker's environment.
	AllowCommands bool
	Logger        *slog.Logger
	Version       string // of punctual
}

// site answers requests.
type site struct {
	Options
	pages   pages
	assets  assets
	comings comings
	helpers helpers
}

// Handler answers every path of the dashboard. It relies on the identity in the
// request's context (access.Of); what is below /static/ needs none.
func Handler(o Options) http.Handler {
	s := &site{Options: o, helpers: newHelpers(o.Store)}
	s.assets = readAssets()
	s.pages = s.parsePages()
	mux := http.NewServeMux()
	mux.Handle("GET /static/{name}", http.HandlerFunc(s.static))
	for pattern, show := range s.reading() {
		mux.Handle("GET "+pattern, s.needs(access.Viewer, show))
	}
	for pattern, act := range s.operating() {
		mux.Handle(pattern, s.needs(access.Operator, act))
	}
	for pattern, act := range s.editing() {
		mux.Handle(pattern, s.needs(access.Admin, act))
	}
	mux.Handle("/", s.needs(access.Viewer, func(http.ResponseWriter, *http.Request) error {
		return notFound("There is no page here.")
	}))
	return mux
}

// answer answers a request; an error becomes a page that tells of it.
type answer func(http.ResponseWriter, *http.Request) error

// reading are the pages.
func (s *site) reading() map[string]answer {
	return map[string]answer{
		"/{$}":                  s.overview,
		"/schedules":            s.schedules,
		"/schedules/{key}":      s.schedule,
		"/schedules/{key}/{$}":  s.schedule, // where a key is also the name of a page
		"/schedules/{key}/yaml": s.scheduleYAML,
		"/schedules/{key}/why":  s.why,
		"/runs":                 s.runs,
		"/runs/{id}":            s.run,
		"/runs/{id}/output":     s.runOutput,
		"/jobs/{job}":           s.job,
		"/load":                 s.load,
		"/processes":            s.processes,
		"/activity":             s.activity,
		"/alerts":               s.alerts,
		"/find":                 s.find,
	}
}

// operating is what an operator may do besides.
func (s *site) operating() map[string]answer {
	return map[string]answer{
		"POST /pause":                          s.pause,
		"POST /resume":                         s.resume,
		"POST /schedules":                      s.bulkSchedules,
		"POST /schedules/{key}/pause":          s.pause,
		"POST /schedules/{key}/resume":         s.resume,
		"POST /schedules/{key}/skip-next":      s.skipNext,
		"POST /schedules/{key}/undo-skip-next": s.undoSkipNext,
		"GET /schedules/{key}/trigger":         s.showTrigger,
		"POST /schedules/{key}/trigger":        s.trigger,
		"GET /schedules/{key}/backfill":        s.showBackfill,
		"POST /schedules/{key}/backfill":       s.startBackfill,
		"POST /backfills/{id}/stop":            s.stopBackfill,
		"POST /runs/{id}/retry":                s.retryRun,
		"POST /runs/{id}/cancel":               s.cancelRun,
		"POST /runs/{id}/seen":                 s.markSeen,
		"GET /runs/all":                        s.showBulkRuns,
		"POST /runs/all":                       s.bulkRuns,
		"POST /seen":                           s.markSeen,
		"POST /queues/{name}/pause":            s.pauseQueue,
		"POST /queues/{name}/resume":           s.resumeQueue,
	}
}

// editing is what an admin may do besides.
func (s *site) editing() map[string]answer {
	return map[string]answer{
		"GET /schedules/new":           s.showNew,
		"POST /schedules/new":          s.create,
		"POST /schedules/preview":      s.preview,
		"GET /schedules/{key}/edit":    s.showEdit,
		"POST /schedules/{key}/edit":   s.edit,
		"GET /schedules/{key}/delete":  s.showDelete,
		"POST /schedules/{key}/delete": s.delete,
	}
}

// needs lets those through who may do what a role may.
func (s *site) needs(role access.Role, do answer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := access.Of(r.Context())
		err := error(nil)
		switch {
		case !who.May(access.Viewer):
			err = &fault{http.StatusForbidden, "Who are you?", "The dashboard is shown to those with credentials only."}
		case !who.May(role):
			err = &fault{http.StatusForbidden, "You may look, but not do this", "This needs the role " + role.String() + "; you, " + who.Name + ", have the role " + who.Role.String() + ". An admin can give you another on the server: punctual users."}
		default:
			err = do(w, r)
		}
		if err != nil {
			s.fail(w, r, err)
		}
	})
}

// actor is who a change is noted under.
func actor(r *http.Request) store.Actor { return store.Actor(access.Of(r.Context()).Name) }

// fault is an answer that is not what was asked for.
type fault struct {
	status        int
	title, detail string
}

func (f *fault) Error() string { return f.title + ": " + f.detail }

func notFound(detail string) error {
	return &fault{http.StatusNotFound, "Not found", detail}
}

// refuse says that what was asked for cannot be.
func refuse(detail string) error {
	return &fault{http.StatusUnprocessableEntity, "That cannot be done", detail}
}

// faultOf turns any error into one that can be shown.
func (s *site) faultOf(r *http.Request, err error) *fault {
	if f, ok := errors.AsType[*fault](err); ok {
		return f
	}
	if errors.Is(err, store.ErrNotFound) {
		return &fault{http.StatusNotFound, "There is no such schedule", "It may have been deleted or renamed. The activity tells who did what."}
	}
	if s.Store.Refusal(err) {
		return &fault{http.StatusConflict, "That cannot be done", sentence(err.Error())}
	}
	if r.Context().Err() == nil {
		s.Logger.Error("a page cannot be shown", "path", r.URL.Path, "error", err)
	}
	return &fault{http.StatusServiceUnavailable, "The database does not answer as it should", "Try again in a moment; the log of the web process says more."}
}

// fail shows what went wrong.
func (s *site) fail(w http.ResponseWriter, r *http.Request, err error) {
	f := s.faultOf(r, err)
	p := s.newPage(r, f.title, "")
	p.Main = f.detail
	w.Header().Del("Content-Length")
	s.render(w, r, f.status, "fault", p)
}

package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"runtime/debug"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/punctual-dev/punctual/web/access"
	"github.com/punctual-dev/punctual/web/api"
	"github.com/punctual-dev/punctual/web/dashboard"
)

const (
	maxBody = 1 << 20
	// longestRequest ends streams, too: browsers connect again, and it is asked
	// again who they are.
	longestRequest = 15 * time.Minute
)

// site is everything that is served.
type site struct {
	Options
	guard          *access.Guard
	api, dashboard http.Handler
}

// Handler answers /healthz, the login page and what it looks like to everyone,
// and everything else to those who show credentials.
func Handler(o Options) http.Handler { return newSite(o).handler() }

func newSite(o Options) *site {
	return &site{
		Options: o,
		guard: access.NewGuard(access.Options{
			Store: o.Store, Password: o.Password, Token: o.Token, Local: o.Local, Proxies: o.Proxies,
			UserHeader: o.UserHeader, RoleHeader: o.RoleHeader, UserRole: o.UserRole,
			CookieName: "punctual" + strings.ReplaceAll(o.Prefix, "/", "-"), Logger: o.Logger,
		}),
		api:       api.Handler(api.Options{Store: o.Store, Prefix: o.Prefix, AllowCommands: o.AllowCommands, Logger: o.Logger, Version: o.Version}),
		dashboard: dashboard.Handler(dashboard.Options{Store: o.Store, Prefix: o.Prefix, AllowCommands: o.AllowCommands, Logger: o.Logger, Version: o.Version}),
	}
}

func (s *site) handler() http.Handler {
	crossOrigin := http.NewCrossOriginProtection()
	crossOrigin.SetDenyHandler(http.HandlerFunc(s.foreign))
	return s.recovered(s.hardened(s.legible(bounded(s.prefixed(crossOrigin.Handler(http.HandlerFunc(s.route)))))))
}

// route sends a request on its way. It is no ServeMux: that redirects from paths
// that are not clean before anybody has shown credentials.
func (s *site) route(w http.ResponseWriter, r *http.Request) {
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch p := r.URL.Path; {
	case p == "/healthz" && reads:
		s.healthz(w, r)
	case s.MetricsOnly:
		s.guarded(w, r)
	case p == "/login" && reads:
		s.showLogin(w, r)
	case p == "/login" && r.Method == http.MethodPost:
		s.logIn(w, r)
	case p == "/logout" && r.Method == http.MethodPost:
		s.logOut(w, r)
	case p == "/login.css" && reads:
		s.loginStyle(w, r)
	case strings.HasPrefix(p, "/static/") && reads && clean(p):
		s.dashboard.ServeHTTP(w, r)
	default:
		s.guarded(w, r)
	}
}

// clean says whether a path is its own shortest form.
func clean(p string) bool {
	cleaned := path.Clean(p)
	return p == cleaned || p == cleaned+"/"
}

// guarded lets through who shows credentials.
func (s *site) guarded(w http.ResponseWriter, r *http.Request) {
	who, err := s.guard.Identify(r)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	if !clean(r.URL.Path) {
		s.problem(w, http.StatusNotFound, "there is nothing at this path")
		return
	}
	if r.URL.Path == "/metrics" && s.Metrics != nil || s.MetricsOnly {
		s.metrics(w, r)
		return
	}
	r = r.WithContext(access.With(r.Context(), who))
	if strings.HasPrefix(r.URL.Path, "/api/") {
		s.api.ServeHTTP(w, r)
		return
	}
	s.dashboard.ServeHTTP(w, r)
}

// refuse sends a browser to the login page, and tells programs what is wrong.
func (s *site) refuse(w http.ResponseWriter, r *http.Request, err error) {
	wait, waits := errors.AsType[*access.WaitError](err)
	refused, isRefused := errors.AsType[*access.RefusedError](err)
	switch {
	case errors.Is(err, access.ErrNobody) && wantsPage(r):
		to := ""
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			to = "?to=" + url.QueryEscape(s.Prefix+r.URL.RequestURI())
		}
		http.Redirect(w, r, s.Prefix+"/login"+to, http.StatusSeeOther)
	case errors.Is(err, access.ErrNobody):
		challenge(w)
		s.problem(w, http.StatusUnauthorized, "credentials are needed: a token (Authorization: Bearer …), or a user and a password (Basic); punctual tokens create makes a token")
	case waits:
		retryAfter(w, wait)
		s.problem(w, http.StatusTooManyRequests, wait.Error())
	case isRefused:
		s.problem(w, http.StatusForbidden, refused.Reason)
	default:
		s.unavailable(r, err)
		s.problem(w, http.StatusServiceUnavailable, "the database does not answer; try again")
	}
}

// unavailable logs why a request could not be answered, unless its sender has
// left.
func (s *site) unavailable(r *http.Request, err error) {
	if r.Context().Err() == nil {
		s.Logger.Error("it cannot be told who asks", "error", err)
	}
}

// challenge names a scheme, as an answer with 401 has to; not Basic, for which
// browsers open a dialogue of their own.
func challenge(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", `Bearer realm="punctual"`)
}

func retryAfter(w http.ResponseWriter, wait *access.WaitError) {
	w.Header().Set("Retry-After", fmt.Sprint(int(wait.After/time.Second)+1))
}

// wantsPage says whether a browser asks for a page to show; below /api/ it does
// where somebody follows a link.
func wantsPage(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/html") &&
		(!strings.HasPrefix(r.URL.Path, "/api/") || r.Header.Get("Sec-Fetch-Mode") == "navigate")
}

// foreign refuses what another site made a browser send.
func (s *site) foreign(w http.ResponseWriter, r *http.Request) {
	s.problem(w, http.StatusForbidden, "this was sent by a page of another site; requests that change something are taken from this site's own pages and from programs only")
}

// problem answers with a problem (RFC 9457).
func (s *site) problem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"title": http.StatusText(status), "status": status, "detail": detail})
}

// healthz answers 200 while the clock keeps time, and 503 while it does not.
func (s *site) healthz(w http.ResponseWriter, r *http.Request) {
	health, err := s.Store.Health(r.Context())
	var report any = health.Public()
	if err != nil {
		s.Logger.Error("the health cannot be told", "error", err)
		health.Healthy, report = false, map[string]any{"healthy": false, "reason": "the database does not answer"}
	}
	status := http.StatusOK
	if !health.Healthy {
		status = http.StatusServiceUnavailable
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(report)
}

// metrics answers Prometheus. Numbers are for every role.
func (s *site) metrics(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path != "/metrics":
		s.problem(w, http.StatusNotFound, "here are /metrics and /healthz only; punctual web serves the rest")
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		s.problem(w, http.StatusMethodNotAllowed, "numbers can be read only")
	default:
		s.Metrics.ServeHTTP(w, r)
	}
}

// prefixed serves below the prefix, and /healthz without it, too.
func (s *site) prefixed(next http.Handler) http.Handler {
	if s.Prefix == "" {
		return next
	}
	stripped := http.StripPrefix(s.Prefix, next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch p := r.URL.Path; {
		case p == "/healthz":
			next.ServeHTTP(w, r)
		case p == s.Prefix:
			http.Redirect(w, r, s.Prefix+"/", http.StatusPermanentRedirect)
		case strings.HasPrefix(p, s.Prefix+"/"):
			stripped.ServeHTTP(w, r)
		default:
			s.problem(w, http.StatusNotFound, "there is nothing at this path; everything is below "+s.Prefix+"/")
		}
	})
}

// legible refuses addresses in which no text can be meant: Postgres would refuse to
// look for it, as a failure of ours.
func (s *site) legible(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query, err := url.QueryUnescape(r.URL.RawQuery)
		if text := r.URL.Path + query; err != nil || !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
			s.problem(w, http.StatusBadRequest, "the address holds something that is no text; allowed is UTF-8 without NUL, escaped with %")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// bounded limits what a request may be, and how long it may take.
func bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			// Only of what has a body: it would end a stream as well.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout))
		}
		ctx, cancel := context.WithTimeout(r.Context(), longestRequest)
		defer cancel()
		r = r.WithContext(ctx)
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

// policy lets pages use what comes from this server itself, and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// hardened gives every answer the headers that keep browsers from harm. What is
// to be cached says so itself.
func (s *site) hardened(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin") // with less, browsers send forms without their origin
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if s.Proxies.Secure(r) {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// recovered logs what went so wrong that a handler panicked, and answers in its
// place where it had not begun to.
func (s *site) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		watched := &watchedWriter{ResponseWriter: w}
		defer func() {
			failure := recover()
			if failure == nil {
				return
			}
			if failure != http.ErrAbortHandler {
				s.Logger.Error("a request could not be answered", "method", r.Method, "path", r.URL.Path, "error", fmt.Sprint(failure), "stack", string(debug.Stack()))
				if !watched.begun {
					s.problem(w, http.StatusInternalServerError, "something went wrong in the web process; its log says what")
					return
				}
			}
			panic(http.ErrAbortHandler) // ends the connection: who asks sees that the answer is broken
		}()
		next.ServeHTTP(watched, r)
	})
}

// watchedWriter knows whether an answer has begun.
type watchedWriter struct {
	http.ResponseWriter
	begun bool
}

// Unwrap is for http.ResponseController.
func (w *watchedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (w *watchedWriter) WriteHeader(status int) {
	w.begun = true
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *watchedWriter) Write(b []byte) (int, error) {
	w.begun = true
	return w.ResponseWriter.Write(b)
}

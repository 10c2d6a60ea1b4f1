package web

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/punctual-dev/punctual/web/access"
)

//go:embed login.html login.css
var loginFiles embed.FS

var loginPage = template.Must(template.ParseFS(loginFiles, "login.html"))

// loginView is what the login page shows.
type loginView struct {
	Prefix, To, User, Fault string
}

// maxLogin bounds the body of a login, in bytes.
const maxLogin = 16 << 10

// showLogin shows the form, unless nobody needs it.
func (s *site) showLogin(w http.ResponseWriter, r *http.Request) {
	open, err := s.guard.Open(r.Context())
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	if open {
		http.Redirect(w, r, s.Prefix+"/", http.StatusSeeOther)
		return
	}
	s.loginForm(w, http.StatusOK, loginView{To: r.URL.Query().Get("to")})
}

// logIn begins a session and goes on to where the browser wanted to go.
func (s *site) logIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxLogin)
	if err := r.ParseForm(); err != nil {
		s.problem(w, http.StatusBadRequest, "the form cannot be read: "+err.Error())
		return
	}
	view := loginView{To: r.PostForm.Get("to"), User: r.PostForm.Get("user")}
	err := s.guard.LogIn(w, r, view.User, r.PostForm.Get("password"))
	wait, waits := errors.AsType[*access.WaitError](err)
	switch {
	case err == nil:
		http.Redirect(w, r, s.localPath(view.To), http.StatusSeeOther)
	case errors.Is(err, access.ErrNobody):
		challenge(w)
		view.Fault = "The user or the password is wrong."
		s.loginForm(w, http.StatusUnauthorized, view)
	case waits:
		retryAfter(w, wait)
		view.Fault = fmt.Sprintf("There were too many wrong passwords. Try again in %s.", wait.After.Round(time.Second))
		s.loginForm(w, http.StatusTooManyRequests, view)
	default:
		s.unavailable(r, err)
		view.Fault = "The database does not answer. Try again."
		s.loginForm(w, http.StatusServiceUnavailable, view)
	}
}

// logOut ends the session.
func (s *site) logOut(w http.ResponseWriter, r *http.Request) {
	if err := s.guard.LogOut(w, r); err != nil {
		s.refuse(w, r, err)
		return
	}
	http.Redirect(w, r, s.Prefix+"/login", http.StatusSeeOther)
}

func (s *site) loginForm(w http.ResponseWriter, status int, view loginView) {
	view.Prefix = s.Prefix
	var page bytes.Buffer
	if err := loginPage.Execute(&page, view); err != nil {
		s.Logger.Error("the login page cannot be written", "error", err)
		status = http.StatusInternalServerError
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = page.WriteTo(w)
}

func (s *site) loginStyle(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "public, max-age=3600")
	http.ServeFileFS(w, r, loginFiles, "login.css")
}

// localPath is where to go after a login: a page of this site and of no other,
// or its first page.
func (s *site) localPath(to string) string {
	home := s.Prefix + "/"
	u, err := url.Parse(to)
	switch {
	case err != nil || u.IsAbs() || u.Host != "" || u.Opaque != "" || u.User != nil,
		!strings.HasPrefix(u.Path, home) || !clean(u.Path) || u.Path == home+"login",
		strings.ContainsFunc(u.Path, func(r rune) bool { return r == '\\' || unicode.IsControl(r) }):
		return home
	}
	return u.RequestURI()
}

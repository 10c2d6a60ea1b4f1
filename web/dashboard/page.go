package dashboard

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html/template"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/store"
	"github.com/punctual-dev/punctual/web/access"
)

// page is what the layout shows around Main.
type page struct {
	Title   string
	Section string // of the navigation, such as "/runs"
	Who     access.Identity
	Prefix  string
	Version string
	Now     time.Time
	Path    string // this page, with its query, as links name it
	Flash   *flash
	Health  *store.Health // nil where the database does not answer
	Main    any
}

// Operates says whether who looks may pause, trigger, retry and so on.
func (p *page) Operates() bool { return p.Who.May(access.Operator) }

// Edits says whether who looks may create, edit and delete.
func (p *page) Edits() bool { return p.Who.May(access.Admin) }

// flash is what came of an action, shown once on the page that follows.
type flash struct {
	Kind string `json:"kind"` // "done" or "fault"
	Text string `json:"text"`
}

// newPage asks how the clock is, which every page shows.
func (s *site) newPage(r *http.Request, title, section string) *page {
	p := &page{
		Title: title, Section: section, Who: access.Of(r.Context()), Prefix: s.Prefix, Version: s.Version,
		Path: s.Prefix + r.URL.RequestURI(), Now: time.Now().UTC(),
	}
	if health, err := s.Store.Health(r.Context()); err == nil {
		p.Health, p.Now = &health, health.Now
	}
	return p
}

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed static
var staticFiles embed.FS

// pages are the templates: of each page its own with the layout and the parts
// around it.
type pages map[string]*template.Template

func (s *site) parsePages() pages {
	around := template.Must(template.New("layout").Funcs(s.functions()).ParseFS(templateFiles, "templates/layout.html", "templates/parts.html"))
	all := pages{}
	names, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	for _, name := range names {
		one := strings.TrimSuffix(path.Base(name), ".html")
		if one != "layout" && one != "parts" {
			all[one] = template.Must(template.Must(around.Clone()).ParseFS(templateFiles, name))
		}
	}
	return all
}

// show answers with a page.
func (s *site) show(w http.ResponseWriter, r *http.Request, name string, p *page) error {
	s.render(w, r, http.StatusOK, name, p)
	return nil
}

func (s *site) render(w http.ResponseWriter, r *http.Request, status int, name string, p *page) {
	p.Flash = s.takeFlash(w, r)
	s.write(w, r, status, s.pages[name], "layout", p)
}

// fragment answers with a part of a page, for scripts.
func (s *site) fragment(w http.ResponseWriter, r *http.Request, name, part string, data any) error {
	s.write(w, r, http.StatusOK, s.pages[name], part, data)
	return nil
}

func (s *site) write(w http.ResponseWriter, r *http.Request, status int, t *template.Template, part string, data any) {
	var out bytes.Buffer
	if err := t.ExecuteTemplate(&out, part, data); err != nil {
		s.Logger.Error("a page cannot be shown", "path", r.URL.Path, "error", err)
		http.Error(w, "this page cannot be shown; the log of the web process says why", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = out.WriteTo(w)
}

const flashCookie = "punctual-flash"

// done sends the browser to another page, which says what came of an action.
func (s *site) done(w http.ResponseWriter, r *http.Request, to, text string) error {
	return s.goOn(w, r, to, flash{"done", text})
}

// refused sends the browser back to a page, which says why an action was not
// done. Other errors stay what they are.
func (s *site) refused(w http.ResponseWriter, r *http.Request, to string, err error) error {
	f := s.faultOf(r, err)
	if f.status >= http.StatusInternalServerError || f.status == http.StatusNotFound {
		return err
	}
	return s.goOn(w, r, to, flash{"fault", f.detail})
}

func (s *site) goOn(w http.ResponseWriter, r *http.Request, to string, f flash) error {
	const longest = 1500 // of a cookie that every browser keeps
	if len(f.Text) > longest {
		f.Text = strings.ToValidUTF8(f.Text[:longest], "") + "…"
	}
	text, err := json.Marshal(f)
	if err != nil {
		return err
	}
	http.SetCookie(w, &http.Cookie{
		Name: flashCookie, Value: base64.RawURLEncoding.EncodeToString(text), Path: s.Prefix + "/", MaxAge: 60,
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil,
	})
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// takeFlash reads what came of the action before, and forgets it.
func (s *site) takeFlash(w http.ResponseWriter, r *http.Request) *flash {
	cookie, err := r.Cookie(flashCookie)
	if err != nil {
		return nil
	}
	http.SetCookie(w, &http.Cookie{Name: flashCookie, Path: s.Prefix + "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil})
	var f flash
	text, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	if err != nil || json.Unmarshal(text, &f) != nil || f.Text == "" {
		return nil
	}
	if f.Kind != "done" {
		f.Kind = "fault"
	}
	return &f
}

// back is where a form wants to return to: a page of this site.
func (s *site) back(r *http.Request, otherwise string) string {
	to := r.PostFormValue("back")
	u, err := url.Parse(to)
	if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(u.Path, s.Prefix+"/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n") {
		return s.Prefix + otherwise
	}
	return to
}

// schedulePath is the page of a schedule, without the prefix.
func schedulePath(key string) string {
	if key == "new" || key == "preview" {
		return "/schedules/" + key + "/" // a page of ours has the shorter path
	}
	return "/schedules/" + key
}

// runID reads the number of a row of the ledger from the path.
func runID(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id <= 0 {
		return 0, notFound("The number " + strconv.Quote(r.PathValue("id")) + " names nothing.")
	}
	return id, nil
}

// assets are the style and the scripts, by name.
type assets map[string]asset

type asset struct {
	content []byte
	version string // of the content: an address with it never changes its meaning
}

func readAssets() assets {
	all := assets{}
	entries, err := staticFiles.ReadDir("static")
	if err != nil {
		panic(err) // they are part of the binary
	}
	for _, entry := range entries {
		content, err := staticFiles.ReadFile("static/" + entry.Name())
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(content)
		all[entry.Name()] = asset{content, hex.EncodeToString(sum[:6])}
	}
	return all
}

// static sends an asset. It says nothing about anybody, so it needs no
// credentials.
func (s *site) static(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	one, ok := s.assets[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	h.Set("ETag", `"`+one.version+`"`)
	h.Set("Cache-Control", "no-cache")
	if r.URL.Query().Get("v") == one.version {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(one.content))
}

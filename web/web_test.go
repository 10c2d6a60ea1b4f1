package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/store"
	"github.com/punctual-dev/punctual/web/access"
)

// visit is a site, and a browser or a program that asks it.
type visit struct {
	*testing.T
	store *store.Store
	url   string
	log   *lockedBuffer
	jar   []*http.Cookie
}

type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

// open serves a site over a store of its own. Behind the guard it answers with
// who asks, and with the path.
func open(t *testing.T, change func(*Options)) *visit {
	t.Helper()
	db, err := database.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "web.db"), database.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	s, err := store.Open(db)
	if err == nil {
		err = s.Migrate(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	log := &lockedBuffer{}
	o := Options{Store: s, Logger: slog.New(slog.NewTextHandler(log, nil)), UserRole: access.Viewer}
	if change != nil {
		change(&o)
	}
	one := newSite(o)
	began := time.Now()
	one.guard.Now = func() time.Time { return began } // who has to wait waits for ever
	tell := func(what string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/broken" {
				panic("broken")
			}
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				w.WriteHeader(http.StatusRequestEntityTooLarge)
			}
			who := access.Of(r.Context())
			fmt.Fprintf(w, "%s %s for %s, %s", what, r.URL.Path, who.Name, who.Role)
		})
	}
	one.api, one.dashboard = tell("api"), tell("page")
	server := httptest.NewServer(one.handler())
	t.Cleanup(server.Close)
	return &visit{T: t, store: s, url: server.URL, log: log}
}

// user adds a user whose password is "the password of NAME".
func (v *visit) user(name string, role access.Role) {
	v.Helper()
	u := store.User{Name: name, Role: role.String(), Password: access.HashPassword("the password of " + name)}
	if err := v.store.AddUser(v.Context(), u, "test"); err != nil {
		v.Fatal(err)
	}
}

func (v *visit) token(name string, role access.Role, holds time.Duration) string {
	v.Helper()
	secret := access.NewToken()
	if _, err := v.store.AddToken(v.Context(), store.Token{Name: name, Role: role.String(), Hash: access.Hash(secret)}, holds, "test"); err != nil {
		v.Fatal(err)
	}
	return secret
}

// answer is what came back.
type answer struct {
	*http.Response
	body string
}

// ask sends a request: "GET /path", or "POST /path a=b&c=d", with headers as
// "Name: value". It keeps cookies as a browser does.
func (v *visit) ask(what string, headers ...string) answer {
	v.Helper()
	parts := strings.SplitN(what+"  ", " ", 3)
	method, target, form := parts[0], parts[1], strings.TrimSpace(parts[2])
	r, err := http.NewRequestWithContext(v.Context(), method, v.url+target, strings.NewReader(form))
	if err != nil {
		v.Fatal(err)
	}
	if form != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		if name == "Host" {
			r.Host = value
		}
		r.Header.Add(name, value)
	}
	for _, cookie := range v.jar {
		r.AddCookie(cookie)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(r)
	if err != nil {
		v.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		v.Fatal(err)
	}
	for _, cookie := range response.Cookies() {
		v.jar = slices.DeleteFunc(v.jar, func(c *http.Cookie) bool { return c.Name == cookie.Name })
		if cookie.MaxAge >= 0 {
			v.jar = append(v.jar, cookie)
		}
	}
	return answer{response, string(body)}
}

// want asks and compares the status, and what the answer says.
func (v *visit) want(status int, says, what string, headers ...string) answer {
	v.Helper()
	got := v.ask(what, headers...)
	if got.StatusCode != status || !strings.Contains(got.body, says) {
		v.Errorf("%s %q is answered with %d %s\nwant %d %s", what, headers, got.StatusCode, got.body, status, says)
	}
	return got
}

func (v *visit) logIn(name string, headers ...string) {
	v.Helper()
	v.want(http.StatusSeeOther, "", "POST /login user="+name+"&password="+url.QueryEscape("the password of "+name), headers...)
}

func basic(name, password string) string {
	r := &http.Request{Header: http.Header{}}
	r.SetBasicAuth(name, password)
	return "Authorization: " + r.Header.Get("Authorization")
}

func (v *visit) activity() []string {
	v.Helper()
	all, err := v.store.Activities(v.Context(), 0, 1000)
	if err != nil {
		v.Fatal(err)
	}
	var lines []string
	for _, a := range all {
		lines = append(lines, strings.TrimSpace(a.Author+" "+a.Action+" "+a.Subject))
	}
	return lines
}

func TestWhoShowsWhichCredentialsIsLetInAsWhom(t *testing.T) {
	v := open(t, func(o *Options) { o.Password, o.Token = "open sesame", "t0ken" })
	v.user("ada", access.Operator)
	ci, old := v.token("ci", access.Viewer, 0), v.token("old", access.Admin, time.Microsecond)
	tests := []struct {
		sentence string
		header   string
		status   int
		says     string
	}{
		{"nothing", "X-Nothing: at all", 401, "credentials are needed"},
		{"the password of the environment", basic("punctual", "open sesame"), 200, "for punctual, admin"},
		{"the same again", basic("punctual", "open sesame"), 200, "for punctual, admin"},
		{"the token of the environment", "Authorization: Bearer t0ken", 200, "for PUNCTUAL_TOKEN, admin"},
		{"its scheme in small letters", "Authorization: bearer t0ken", 200, "for PUNCTUAL_TOKEN, admin"},
		{"a user", basic("ada", "the password of ada"), 200, "for ada, operator"},
		{"a token", "Authorization: Bearer " + ci, 200, "for ci (token), viewer"},
		{"a token that has expired", "Authorization: Bearer " + old, 401, "credentials are needed"},
		{"a token that nobody made", "Authorization: Bearer " + access.NewToken(), 401, ""},
		{"an empty token", "Authorization: Bearer ", 401, ""},
		{"the password as a token", "Authorization: Bearer open sesame", 401, ""},
		{"the password under another name", basic("root", "open sesame"), 401, ""},
		{"the password without a name", basic("", "open sesame"), 401, ""},
		{"a user with another's password", basic("ada", "open sesame"), 401, ""},
		{"an empty password", basic("punctual", ""), 401, ""},
		{"a user that nobody trusts a proxy to name", "X-Forwarded-User: root", 401, ""},
		{"a session that nobody began", "Cookie: punctual=guess", 401, ""},
	}
	for _, test := range tests {
		t.Run(test.sentence, func(*testing.T) {
			got := v.want(test.status, test.says, "GET /api/v1/schedules", test.header)
			if challenge := got.Header.Get("WWW-Authenticate"); (challenge != "") != (test.status == 401) || strings.Contains(challenge, "Basic") {
				v.Errorf("the challenge is %q", challenge)
			}
		})
	}
	for _, secret := range []string{"sesame", "t0ken", ci, old, "the password of"} {
		if strings.Contains(v.log.String(), secret) || strings.Contains(strings.Join(v.activity(), "\n"), secret) {
			t.Errorf("%q is told:\n%s", secret, v.log)
		}
	}
}

func TestTheAPIAndTheDashboardAreServed(t *testing.T) {
	v := open(t, nil)
	server := httptest.NewServer(Handler(Options{Store: v.store, Local: "ada (local)", Prefix: "/punctual", Logger: slog.New(slog.DiscardHandler)}))
	t.Cleanup(server.Close)
	v.url = server.URL
	v.want(http.StatusOK, `"items":[]`, "GET /punctual/api/v1/schedules")
	v.want(http.StatusOK, "htmx", "GET /punctual/static/htmx.min.js")
}

func TestWithoutCredentialsOnlyWhatComesFromThisMachineIsAnswered(t *testing.T) {
	v := open(t, func(o *Options) { o.Local = "ada (local)" })
	tests := []struct {
		sentence string
		headers  []string
		status   int
		says     string
	}{
		{"by address", nil, 200, "for ada (local), admin"},
		{"by name", []string{"Host: localhost:8080"}, 200, "for ada (local), admin"},
		{"by the name of another site", []string{"Host: evil.example"}, 403, `to \"evil.example\"`},
		{"by a name that begins well", []string{"Host: localhost.evil.example:8080"}, 403, "PUNCTUAL_PASSWORD"},
		{"through a proxy", []string{"X-Forwarded-For: 192.0.2.1"}, 403, "through a proxy"},
		{"through a proxy that says so elsewhere", []string{"Forwarded: for=192.0.2.1"}, 403, "through a proxy"},
	}
	for _, test := range tests {
		t.Run(test.sentence, func(*testing.T) { v.want(test.status, test.says, "GET /", test.headers...) })
	}
	v.want(http.StatusSeeOther, "", "GET /login")
	v.token("ci", access.Viewer, 0)
	v.want(http.StatusUnauthorized, "credentials are needed", "GET /")
	v.want(http.StatusOK, "Log in", "GET /login")
	if err := v.store.RevokeToken(t.Context(), "ci", "test"); err != nil {
		t.Fatal(err)
	}
	v.want(http.StatusOK, "for ada (local), admin", "GET /")
}

func TestATrustedProxyNamesTheUserAndNobodyElseDoes(t *testing.T) {
	trust := func(proxies string) *visit {
		return open(t, func(o *Options) {
			o.Proxies, _ = access.ParseProxies([]string{proxies})
			o.UserHeader, o.RoleHeader = "X-Forwarded-User", "X-Role"
		})
	}
	v := trust("loopback")
	v.want(http.StatusOK, "for ada@example.org, viewer", "GET /", "X-Forwarded-User: ada@example.org")
	v.want(http.StatusOK, "for ada, admin", "GET /", "X-Forwarded-User: ada", "X-Role: admin")
	v.want(http.StatusForbidden, "viewer, operator or admin", "GET /", "X-Forwarded-User: ada", "X-Role: boss")
	v.want(http.StatusForbidden, "too long", "GET /", "X-Forwarded-User: "+strings.Repeat("a", 201))
	v.want(http.StatusUnauthorized, "", "GET /")
	v.want(http.StatusUnauthorized, "", "GET /", "X-Role: admin")
	v.want(http.StatusForbidden, "more than one", "GET /", "X-Forwarded-User: root", "X-Forwarded-User: ada")
	v.want(http.StatusForbidden, "more than one", "GET /", "X-Forwarded-User: ada", "X-Role: admin", "X-Role: viewer")
	trust("192.0.2.1").want(http.StatusUnauthorized, "", "GET /", "X-Forwarded-User: ada")
}

func TestOnlyHealthAndTheLoginPageAreOpenToEveryone(t *testing.T) {
	v := open(t, func(o *Options) { o.Token = "t0ken" })
	for path, status := range map[string]int{
		"/healthz": 200, "/login": 200, "/login.css": 200, "/static/style.css": 200,
		"/": 401, "/healthz/": 401, "/healthz/x": 401, "//healthz": 401, "/%68ealthy": 401, "/api/v1/schedules": 401, "/api": 401,
		"/metrics": 401, "/static": 401, "/static/../": 401, "/static/%2e%2e/schedules": 401, "/static//x": 401, "/login/": 401, "/logout": 401,
	} {
		v.want(status, "", "GET "+path)
	}
	v.want(http.StatusUnauthorized, "", "POST /healthz")
	v.want(http.StatusUnauthorized, "", "POST /static/style.css")
	v.want(http.StatusNotFound, "", "GET /static/../", "Authorization: Bearer t0ken")
	var health struct {
		Healthy bool
		Reason  string
	}
	if err := json.Unmarshal([]byte(v.ask("GET /healthz").body), &health); err != nil || !health.Healthy || health.Reason == "" {
		t.Errorf("the health is %+v, %v", health, err)
	}
	v.store.Database().Close()
	v.want(http.StatusServiceUnavailable, "the database does not answer", "GET /healthz")
	v.want(http.StatusServiceUnavailable, "the database does not answer", "GET /", "Authorization: Bearer "+access.NewToken())
}

func TestMetricsAreForThoseWithCredentialsOfAnyRole(t *testing.T) {
	numbers := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "punctual_up 1") })
	v := open(t, func(o *Options) { o.Token, o.Metrics = "t0ken", numbers })
	viewer := v.token("prometheus", access.Viewer, 0)
	v.want(http.StatusUnauthorized, "", "GET /metrics")
	v.want(http.StatusUnauthorized, "", "GET /metrics", "Authorization: Bearer wrong")
	v.want(http.StatusOK, "punctual_up 1", "GET /metrics", "Authorization: Bearer "+viewer)
	v.want(http.StatusMethodNotAllowed, "read only", "POST /metrics", "Authorization: Bearer "+viewer)
	v.want(http.StatusOK, "page /metrics/x", "GET /metrics/x", "Authorization: Bearer "+viewer)
}

func TestAProcessThatServesNoPagesAnswersMetricsAndHealthOnly(t *testing.T) {
	numbers := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "punctual_up 1") })
	v := open(t, func(o *Options) { o.Token, o.Metrics, o.MetricsOnly = "t0ken", numbers, true })
	v.want(http.StatusOK, "healthy", "GET /healthz")
	v.want(http.StatusOK, "punctual_up 1", "GET /metrics", "Authorization: Bearer t0ken")
	for _, path := range []string{"/", "/login", "/login.css", "/static/style.css", "/api/v1/schedules"} {
		v.want(http.StatusUnauthorized, "", "GET "+path)
		v.want(http.StatusNotFound, "/metrics and /healthz only", "GET "+path, "Authorization: Bearer t0ken")
	}
}

func TestEveryAnswerKeepsBrowsersFromHarm(t *testing.T) {
	v := open(t, func(o *Options) {
		o.Token = "t0ken"
		o.Proxies, _ = access.ParseProxies([]string{"loopback"})
	})
	for _, what := range []string{"GET /", "GET /login", "GET /healthz", "GET /static/x.js", "POST /logout", "GET /api/v1/x"} {
		header := v.ask(what).Header
		for name, want := range map[string]string{
			"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
			"Cross-Origin-Opener-Policy": "same-origin", "Cache-Control": "no-store", "Strict-Transport-Security": "",
			"Access-Control-Allow-Origin": "",
		} {
			if got := header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", what, name, got, want)
			}
		}
	}
	if got := v.ask("GET /", "X-Forwarded-Proto: https").Header.Get("Strict-Transport-Security"); got == "" {
		t.Error("browsers that come by https are not told to stay with it")
	}
}

func TestWhatAnotherSiteMadeABrowserSendIsRefused(t *testing.T) {
	v := open(t, func(o *Options) { o.Local = "ada (local)" })
	tests := []struct {
		sentence string
		method   string
		headers  []string
		status   int
	}{
		{"a program", "POST", nil, 200},
		{"a page of this site", "POST", []string{"Sec-Fetch-Site: same-origin", "Origin: " + v.url}, 200},
		{"a page of another site", "POST", []string{"Sec-Fetch-Site: cross-site", "Origin: https://evil.example"}, 403},
		{"a page of a neighbour", "DELETE", []string{"Sec-Fetch-Site: same-site"}, 403},
		{"a page of another site, from an old browser", "PUT", []string{"Origin: https://evil.example"}, 403},
		{"a link on another site", "GET", []string{"Sec-Fetch-Site: cross-site"}, 200},
	}
	for _, test := range tests {
		t.Run(test.sentence, func(*testing.T) { v.want(test.status, "", test.method+" /api/v1/schedules", test.headers...) })
	}
	v.want(http.StatusForbidden, "another site", "POST /login user=ada&password=x", "Sec-Fetch-Site: cross-site")
}

func TestARequestIsNoLargerThanOneMebibyte(t *testing.T) {
	v := open(t, func(o *Options) { o.Local = "ada (local)" })
	v.want(http.StatusOK, "", "POST /api/v1/schedules "+strings.Repeat("a", maxBody))
	v.want(http.StatusRequestEntityTooLarge, "", "POST /api/v1/schedules "+strings.Repeat("a", maxBody+1))
	v.want(http.StatusBadRequest, "the form cannot be read", "POST /login user="+strings.Repeat("a", maxLogin))
}

func TestAnAddressThatHoldsNoTextIsRefused(t *testing.T) {
	v := open(t, func(o *Options) { o.Local = "ada (local)" })
	for _, address := range []string{"/api/v1/schedules?search=%00", "/api/v1/schedules?search=a%FFb", "/schedules/%FF", "/schedules/a%00", "/runs?text=%zz"} {
		v.want(http.StatusBadRequest, "UTF-8 without NUL", "GET "+address)
	}
	v.want(http.StatusOK, "", "GET /runs?text=%C3%BC+50%25")
}

func TestAHandlerThatPanicsIsAnsweredForAndLogged(t *testing.T) {
	v := open(t, func(o *Options) { o.Local = "ada (local)" })
	v.want(http.StatusInternalServerError, "its log says what", "GET /broken")
	if log := v.log.String(); !strings.Contains(log, "path=/broken") || !strings.Contains(log, "stack=") {
		t.Errorf("the log says %s", log)
	}
	v.want(http.StatusOK, "page /", "GET /")
}

func TestBelowAPrefixEverythingIsServedAsWithout(t *testing.T) {
	v := open(t, func(o *Options) { o.Token, o.Prefix = "t0ken", "/punctual" })
	bearer := "Authorization: Bearer t0ken"
	v.want(http.StatusOK, "page / for", "GET /punctual/", bearer)
	v.want(http.StatusOK, "api /api/v1/runs for", "GET /punctual/api/v1/runs", bearer)
	v.want(http.StatusNotFound, "below /punctual/", "GET /api/v1/runs", bearer)
	v.want(http.StatusNotFound, "", "GET /punctualish", bearer)
	v.want(http.StatusOK, "healthy", "GET /healthz")
	v.want(http.StatusOK, "healthy", "GET /punctual/healthz")
	if got := v.ask("GET /punctual").Header.Get("Location"); got != "/punctual/" {
		t.Errorf("from the prefix it leads to %s", got)
	}
	if got := v.ask("GET /punctual/runs?state=failed", "Accept: text/html").Header.Get("Location"); got != "/punctual/login?to=%2Fpunctual%2Fruns%3Fstate%3Dfailed" {
		t.Errorf("a browser is sent to %s", got)
	}
	v.want(http.StatusOK, `action="/punctual/login"`, "GET /punctual/login")
}

func TestAPrefixIsAPathOrRefused(t *testing.T) {
	for text, want := range map[string]string{"": "", "/": "", "/punctual": "/punctual", "/punctual/": "/punctual", "/a/b-c.d_e": "/a/b-c.d_e"} {
		if got, err := ParsePrefix(text); got != want || err != nil {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"punctual", "//x", "/a//b", "/a/../b", "/a b", "/ä", "/a?b", "/{a}", "https://x/y"} {
		if got, err := ParsePrefix(text); err == nil {
			t.Errorf("%q is allowed, as %q", text, got)
		}
	}
}

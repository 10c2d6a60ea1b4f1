package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/punctual-dev/punctual/web/access"
)

func TestABrowserIsSentToTheLoginPageAndBackToWhereItWanted(t *testing.T) {
	v := open(t, nil)
	v.user("ada", access.Operator)
	sent := v.want(http.StatusSeeOther, "", "GET /runs?state=failed", "Accept: text/html,*/*")
	if got := sent.Header.Get("Location"); got != "/login?to=%2Fruns%3Fstate%3Dfailed" {
		t.Fatalf("it is sent to %s", got)
	}
	v.want(http.StatusOK, `name="to" value="/runs?state=failed"`, "GET "+sent.Header.Get("Location"))
	in := v.want(http.StatusSeeOther, "", "POST /login to=/runs%3Fstate=failed&user=ada&password=the+password+of+ada")
	if got := in.Header.Get("Location"); got != "/runs?state=failed" {
		t.Errorf("after the login it is sent to %s", got)
	}
	v.want(http.StatusOK, "for ada, operator", "GET /runs", "Accept: text/html")
	v.want(http.StatusSeeOther, "", "POST /logout")
	v.want(http.StatusSeeOther, "", "GET /runs", "Accept: text/html")
	for _, what := range []string{"POST /runs/1/retry", "GET /login"} {
		if got := v.ask(what, "Accept: text/html").Header.Get("Location"); strings.Contains(got, "to=") {
			t.Errorf("%s is sent to %s", what, got)
		}
	}
	v.want(http.StatusUnauthorized, "credentials are needed", "GET /api/v1/runs", "Accept: text/html")
	v.want(http.StatusSeeOther, "", "GET /api/v1/docs", "Accept: text/html", "Sec-Fetch-Mode: navigate")
}

func TestALoginLeadsToThisSiteOnly(t *testing.T) {
	for _, test := range []struct{ prefix, to, want string }{
		{"", "", "/"}, {"", "/", "/"}, {"", "/runs/1?a=b&c=d", "/runs/1?a=b&c=d"}, {"", "/a%20b", "/a%20b"},
		{"", "https://evil.example/", "/"}, {"", "//evil.example/", "/"}, {"", "///evil.example", "/"}, {"", `/\evil.example`, "/"},
		{"", `\\evil.example`, "/"}, {"", "/%5cevil.example", "/"}, {"", "/%2fevil.example", "/"}, {"", "/..//evil.example", "/"},
		{"", "javascript:alert(1)", "/"}, {"", "/\tevil", "/"}, {"", "/%0aevil", "/"}, {"", "evil.example", "/"}, {"", "/login", "/"}, {"", "%", "/"},
		{"/punctual", "/punctual/runs", "/punctual/runs"}, {"/punctual", "/runs", "/punctual/"}, {"/punctual", "/punctual/../runs", "/punctual/"},
	} {
		s := site{Options: Options{Prefix: test.prefix}}
		if got := s.localPath(test.to); got != test.want {
			t.Errorf("%q leads to %q, want %q", test.to, got, test.want)
		}
	}
}

func TestTheLoginPageSaysWhatWasWrongAndRunsNothing(t *testing.T) {
	v := open(t, nil)
	v.user("ada", access.Viewer)
	got := v.want(http.StatusUnauthorized, `role="alert"`, `POST /login user="><script>&password=x&to="><script>`)
	if strings.Contains(got.body, "<script>") {
		t.Errorf("what was typed is part of the page:\n%s", got.body)
	}
	if len(v.jar) > 0 {
		t.Errorf("who was not let in has the cookies %v", v.jar)
	}
	for _, said := range []string{`<label for="user">`, `<label for="password">`, `lang="en"`, `autocomplete="current-password"`} {
		if !strings.Contains(got.body, said) {
			t.Errorf("the page does not say %s", said)
		}
	}
	if strings.Contains(got.body, "style=") || strings.Contains(got.body, "<style") || strings.Contains(got.body, " on") && strings.Contains(got.body, "onclick") {
		t.Error("the page has styles or scripts in it, which its policy forbids")
	}
}

func TestTheCookieIsForThisHostAloneAndOverHTTPSForHTTPSAlone(t *testing.T) {
	tests := []struct {
		sentence, prefix string
		header           string
		name             string
		secure           bool
	}{
		{"over http", "", "X-None: x", "punctual", false},
		{"over https", "", "X-Forwarded-Proto: https", "__Host-punctual", true},
		{"below a prefix", "/a/b", "X-Forwarded-Proto: https", "__Host-punctual-a-b", true},
	}
	for _, test := range tests {
		t.Run(test.sentence, func(t *testing.T) {
			v := open(t, func(o *Options) {
				o.Prefix = test.prefix
				o.Proxies, _ = access.ParseProxies([]string{"loopback"})
			})
			v.user("ada", access.Viewer)
			v.want(http.StatusSeeOther, "", "POST "+test.prefix+"/login user=ada&password=the+password+of+ada", test.header)
			if len(v.jar) != 1 {
				t.Fatalf("the cookies are %v", v.jar)
			}
			c := v.jar[0]
			if c.Name != test.name || c.Secure != test.secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || len(c.Value) != 43 {
				t.Errorf("the cookie is %s", c)
			}
			v.want(http.StatusOK, "for ada", "GET "+test.prefix+"/", test.header)
			if test.secure {
				v.want(http.StatusUnauthorized, "", "GET "+test.prefix+"/") // the same cookie, over http
			}
		})
	}
}

func TestASessionEndsWithItsPasswordItsUserAndALogin(t *testing.T) {
	v := open(t, nil)
	v.user("ada", access.Admin)
	v.user("bob", access.Viewer)
	v.logIn("ada")
	first := slices.Clone(v.jar)
	v.logIn("ada")
	second := slices.Clone(v.jar)
	if first[0].Value == second[0].Value {
		t.Error("a login goes on with the session there was")
	}
	v.jar = first
	v.want(http.StatusUnauthorized, "", "GET /")
	v.jar = second
	v.want(http.StatusOK, "for ada, admin", "GET /")
	if err := v.store.SetPassword(t.Context(), "ada", access.HashPassword("another one"), "test"); err != nil {
		t.Fatal(err)
	}
	v.want(http.StatusUnauthorized, "", "GET /")
	v.jar = nil
	v.logIn("bob")
	if err := v.store.RemoveUser(t.Context(), "bob", "test"); err != nil {
		t.Fatal(err)
	}
	v.want(http.StatusUnauthorized, "", "GET /")
}

func TestASessionOfTheEnvironmentsUserEndsWithThatPassword(t *testing.T) {
	password := "the password of punctual"
	v := open(t, func(o *Options) { o.Password = password })
	v.logIn("punctual")
	v.want(http.StatusOK, "for punctual, admin", "GET /")
	for changed, status := range map[string]int{password: http.StatusOK, "another password": http.StatusUnauthorized, "": http.StatusUnauthorized} {
		o := Options{Store: v.store, Password: changed}
		guard := access.NewGuard(access.Options{Store: o.Store, Password: changed, CookieName: "punctual"})
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, v.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.AddCookie(v.jar[0])
		if _, err := guard.Identify(r); (err == nil) != (status == http.StatusOK) {
			t.Errorf("with the password %q: %v", changed, err)
		}
	}
}

func TestGuessingIsSlowedDownForTheAddressAndTheUserAndNotForOthers(t *testing.T) {
	v := open(t, func(o *Options) {
		o.Token = "t0ken"
		o.Proxies, _ = access.ParseProxies([]string{"loopback"})
	})
	v.user("ada", access.Viewer)
	v.user("bob", access.Viewer)
	v.logIn("bob")
	session, ci := v.jar, v.token("ci", access.Viewer, 0)
	v.jar = nil
	here, there := "X-Forwarded-For: 192.0.2.1", "X-Forwarded-For: 192.0.2.2"
	var got answer
	for range 20 {
		if got = v.ask("POST /login user=ada&password=wrong", here); got.StatusCode == http.StatusTooManyRequests {
			break
		}
	}
	if wait, err := strconv.Atoi(got.Header.Get("Retry-After")); err != nil || wait < 1 || !strings.Contains(got.body, "too many") {
		t.Fatalf("after many guesses the answer is %d, Retry-After %q\n%s", got.StatusCode, got.Header.Get("Retry-After"), got.body)
	}
	v.want(http.StatusTooManyRequests, "too many", "POST /login user=bob&password=the+password+of+bob", here)
	v.want(http.StatusTooManyRequests, "too many", "GET /", here, basic("bob", "the password of bob"))
	v.want(http.StatusTooManyRequests, "too many", "GET /", here, "Authorization: Bearer t0ken")
	v.want(http.StatusTooManyRequests, "too many", "POST /login user=ada&password=the+password+of+ada", there)
	v.want(http.StatusOK, "for bob", "GET /", there, basic("bob", "the password of bob"))
	v.want(http.StatusOK, "for PUNCTUAL_TOKEN", "GET /", there, "Authorization: Bearer t0ken")
	v.want(http.StatusOK, "for ci", "GET /", here, "Authorization: Bearer "+ci)
	v.jar = session
	v.want(http.StatusOK, "for bob", "GET /", here)
}

func TestManyAtOnceWithOnePasswordAreNotTakenForGuesses(t *testing.T) {
	v := open(t, nil)
	v.user("ada", access.Viewer)
	credentials := basic("ada", "the password of ada")
	var all sync.WaitGroup
	for range 30 {
		all.Go(func() { v.want(http.StatusOK, "for ada", "GET /", credentials) })
	}
	all.Wait()
}

func TestLoginsAndFailedOnesAreInTheActivityAndFailedOnesDoNotFillIt(t *testing.T) {
	v := open(t, func(o *Options) { o.Proxies, _ = access.ParseProxies([]string{"loopback"}) })
	v.user("ada", access.Viewer)
	v.want(http.StatusUnauthorized, "", "POST /login user=ada&password=wrong")
	v.want(http.StatusUnauthorized, "", "POST /login user=my-password-by-mistake&password=ada")
	v.logIn("ada")
	v.want(http.StatusSeeOther, "", "POST /logout")
	want := []string{"ada logout", "ada login", "127.0.0.1 login-failed", "127.0.0.1 login-failed ada", "test user-add ada"}
	if got := v.activity(); !slices.Equal(got, want) {
		t.Errorf("the activity is %q, want %q", got, want)
	}
	for i := range 30 {
		v.want(http.StatusUnauthorized, "", "POST /login user=nobody"+strconv.Itoa(i)+"&password=x", "X-Forwarded-For: 192.0.2."+strconv.Itoa(i))
	}
	if n := len(v.activity()); n > 30 {
		t.Errorf("there are %d entries", n)
	}
}

func TestACrossSiteLoginIsRefused(t *testing.T) {
	v := open(t, nil)
	v.user("ada", access.Viewer)
	form := url.Values{"user": {"ada"}, "password": {"the password of ada"}}.Encode()
	v.want(http.StatusForbidden, "another site", "POST /login "+form, "Origin: https://evil.example")
}

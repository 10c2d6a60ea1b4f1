package worker

import (
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/punctual-dev/punctual/schedule"
)

func TestRedirectsAreFollowedWhereTheScheduleSaysSo(t *testing.T) {
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/there", http.StatusTemporaryRedirect)
		case "/there":
			body, _ := io.ReadAll(r.Body)
			_, _ = io.WriteString(w, r.Method+" "+string(body)+" "+r.Header.Get("X-Key")+" signed "+r.Header.Get("Webhook-Id")+" from "+r.Header.Get("Referer"))
		case "/other":
			http.Redirect(w, r, "/there", http.StatusSeeOther)
		case "/round":
			http.Redirect(w, r, "/round", http.StatusFound)
		case "/metadata":
			http.Redirect(w, r, "http://169.254.169.254/", http.StatusFound)
		case "/file":
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		}
	})
	tests := []struct{ name, path, answer, says string }{
		{"with the same request", "/moved", "POST body key signed job-7 from ", ""},
		{"with another", "/other", "GET  key signed  from ", ""},
		{"without end", "/round", "", "redirected more than 10 times"},
		{"to a forbidden address", "/metadata", "", "refused: 169.254.169.254 is a link-local address"},
		{"to another scheme", "/file", "", "unsupported protocol scheme"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := start(t, Options{Environment: []string{"SECRET=correct-horse"}}, request(schedule.Request{
				Method: "POST", URL: s.URL + test.path, Body: "body", Headers: map[string]string{"X-Key": "key"}, SignWith: "SECRET", FollowRedirects: true,
			}))
			err := r.end(t)
			if !strings.Contains(message(err), test.says) || (err == nil) != (test.says == "") {
				t.Errorf("it ended with %v, want %q", err, test.says)
			}
			if _, answer, _ := strings.Cut(r.tape.text(StreamBody), "\n"); answer != test.answer {
				t.Errorf("the answer is %q, want %q", answer, test.answer)
			}
		})
	}
}

func TestARedirectTakesNoSecretToAnotherHost(t *testing.T) {
	var got http.Header
	other := server(t, func(_ http.ResponseWriter, r *http.Request) { got = r.Header })
	first := server(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	})
	a := request(schedule.Request{
		Method: "POST", URL: first.URL + "/?key=${KEY}", Headers: map[string]string{"X-Key": "${KEY}", "Authorization": "Bearer ${KEY}"},
		SignWith: "KEY", FollowRedirects: true,
	})
	a.Payload.Occurrence = "report@2026-11-23T09:00:00Z"
	if err := start(t, Options{Environment: []string{"KEY=correct-horse"}}, a).end(t); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"X-Key", "Authorization", "Referer", "Webhook-Id", "Webhook-Signature", "Webhook-Timestamp"} {
		if value := got.Get(name); value != "" {
			t.Errorf("the other host got %s: %s", name, value)
		}
	}
	if got.Get("Idempotency-Key") != a.Payload.Occurrence {
		t.Errorf("the other host got %v", got)
	}
}

func TestARedirectOutOfTLSIsNotFollowed(t *testing.T) {
	reached := false
	plain := server(t, func(http.ResponseWriter, *http.Request) { reached = true })
	s, authority := tlsServer(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, plain.URL, http.StatusFound) })
	err := start(t, Options{}, request(schedule.Request{Method: "GET", URL: s.URL, FollowRedirects: true, CAFile: authority})).end(t)
	if !strings.Contains(message(err), "redirected from https to http, which is not followed") || reached {
		t.Errorf("it ended with %v; reached: %v", err, reached)
	}
}

// tlsServer is a server with a certificate of its own, and the file that vouches
// for it.
func tlsServer(t *testing.T, handler http.HandlerFunc) (s *httptest.Server, authority string) {
	t.Helper()
	s = httptest.NewUnstartedServer(handler)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	authority = filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(authority, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return s, authority
}

func TestAnAuthorityOfTheSchedulesOwnIsTrusted(t *testing.T) {
	s, authority := tlsServer(t, func(http.ResponseWriter, *http.Request) {})
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, file, says string }{
		{"none", "", "certificate"},
		{"its own", authority, ""},
		{"its own, from the worker's directory on", filepath.Base(authority), ""},
		{"a file that is not there", "gone.pem", "cannot read ca_file: open " + filepath.Join(filepath.Dir(authority), "gone.pem")},
		{"a file without one", empty, "ca_file " + empty + " holds no certificate in PEM"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := Options{Directory: filepath.Dir(authority)}
			err := start(t, o, request(schedule.Request{Method: "GET", URL: s.URL, CAFile: test.file})).end(t)
			if !strings.Contains(message(err), test.says) || (err == nil) != (test.says == "") {
				t.Errorf("it ended with %v, want %q", err, test.says)
			}
		})
	}
}

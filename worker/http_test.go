package worker

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/punctual-dev/punctual/queue"
	"github.com/punctual-dev/punctual/schedule"
)

// server answers calls as the handler says, until the test ends.
func server(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return s
}

func TestAnHTTPCallSendsWhatTheScheduleSaysAndTheFacts(t *testing.T) {
	var got *http.Request
	var body []byte
	s := server(t, func(_ http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
	})
	nominal := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	a := request(schedule.Request{
		Method: "POST", URL: s.URL + "/tasks/${REGION}?key=${KEY}", Body: `{"key":"${KEY}"}`,
		Headers: map[string]string{"Authorization": "Bearer ${KEY}", "X-Region": "${REGION}", "Host": "inner.example", "Punctual-Schedule": "forged"},
		Env:     map[string]string{"REGION": "eu-${ZONE}"},
	})
	a.Number = 2
	a.Payload.Told = schedule.Told{Schedule: "report", Occurrence: "report@2026-11-23T09:00:00Z", Nominal: nominal, Due: nominal, From: nominal.Add(-time.Hour)}
	if err := start(t, Options{Environment: []string{"KEY=s3cret", "ZONE=west"}}, a).end(t); err != nil {
		t.Fatal(err)
	}
	if got.Method != "POST" || got.URL.String() != "/tasks/eu-west?key=s3cret" || string(body) != `{"key":"s3cret"}` || got.Host != "inner.example" {
		t.Errorf("the server got %s %s (host %s) with %q", got.Method, got.URL, got.Host, body)
	}
	want := map[string]string{
		"Authorization": "Bearer s3cret", "X-Region": "eu-west", "User-Agent": "punctual", "Content-Type": "application/json",
		"Idempotency-Key": "report@2026-11-23T09:00:00Z", "Punctual-Occurrence": "report@2026-11-23T09:00:00Z",
		"Punctual-Schedule": "report", "Punctual-Nominal": "2026-11-23T09:00:00Z", "Punctual-Due": "2026-11-23T09:00:00Z",
		"Punctual-From": "2026-11-23T08:00:00Z", "Punctual-Attempt": "2", "Punctual-Missed": "0",
	}
	for name, value := range want {
		if values := got.Header.Values(name); len(values) != 1 || values[0] != value {
			t.Errorf("header %s is %q, want %q", name, values, value)
		}
	}
	if got.Header.Get("Punctual-Deadline") == "" {
		t.Error("a call has no deadline although it has a timeout by default")
	}
	for _, name := range []string{"Punctual-Last-Success", "Punctual-Missed-Since"} {
		if got.Header.Values(name) != nil {
			t.Errorf("header %s is sent although there is nothing to say", name)
		}
	}
}

func TestAScheduleMayReplaceTheUsualHeaders(t *testing.T) {
	var got http.Header
	s := server(t, func(_ http.ResponseWriter, r *http.Request) { got = r.Header })
	a := request(schedule.Request{Method: "POST", URL: s.URL, Body: "a=b", Headers: map[string]string{
		"user-agent": "mine", "idempotency-key": "mine", "content-type": "application/x-www-form-urlencoded",
	}})
	a.Payload.Occurrence = "report@2026-11-23T09:00:00Z"
	if err := start(t, Options{}, a).end(t); err != nil {
		t.Fatal(err)
	}
	if got.Get("User-Agent") != "mine" || got.Get("Idempotency-Key") != "mine" || got.Get("Content-Type") != "application/x-www-form-urlencoded" {
		t.Errorf("the server got %v", got)
	}
}

// The three ways a failed attempt may go on.
const (
	again  = "again"
	later  = "later"
	giveUp = "give up"
)

func TestTheAnswerSaysWhetherACallSucceededAndWhatNext(t *testing.T) {
	inTwoHours := time.Now().Add(2 * time.Hour).UTC().Format(http.TimeFormat)
	yesterday := time.Now().Add(-24 * time.Hour).UTC().Format(http.TimeFormat)
	tests := []struct {
		name       string
		code       int
		success    []string
		retry      []string
		retryAfter string
		location   string
		body       string
		next       string // empty: it succeeds
		after      time.Duration
		says       string
	}{
		{name: "200", code: 200},
		{name: "204", code: 204},
		{name: "another code asked for", code: 418, success: []string{"2xx", "418"}},
		{name: "a range asked for", code: 302, success: []string{"300-303"}},
		{name: "a success not asked for", code: 202, success: []string{"200"}, next: again, says: "answered 202 Accepted"},
		{name: "a redirect", code: 301, location: "/elsewhere", next: again, says: "answered 301 Moved Permanently; redirects are not followed (to /elsewhere)"},
		{name: "the caller's fault", code: 404, body: "\n  no such\ttask \nmore", next: giveUp, says: "answered 404 Not Found: no such task"},
		{name: "a page that has a title", code: 404, body: "<!doctype html>\n<html><head><title>Not\nfound &amp; gone</title></head>", next: giveUp, says: "answered 404 Not Found: Not found & gone"},
		{name: "the caller's fault, asked to be tried again", code: 404, retry: []string{"404", "409"}, next: again, says: "answered 404 Not Found"},
		{name: "the same, and when", code: 423, retry: []string{"4xx"}, retryAfter: "90", next: later, after: 90 * time.Second, says: "(again in 1m30s)"},
		{name: "another fault than asked for", code: 410, retry: []string{"404"}, retryAfter: "90", next: giveUp, says: "answered 410 Gone"},
		{name: "request timeout", code: 408, next: again, says: "answered 408 Request Timeout"},
		{name: "too early", code: 425, next: again, says: "answered 425 Too Early"},
		{name: "too many", code: 429, next: again, says: "answered 429 Too Many Requests"},
		{name: "too many, and when", code: 429, retryAfter: "90", next: later, after: 90 * time.Second, says: "(again in 1m30s)"},
		{name: "the server's fault", code: 500, retryAfter: "90", next: again, says: "answered 500 Internal Server Error"},
		{name: "unavailable until a date", code: 503, retryAfter: inTwoHours, next: later, after: time.Hour, says: "(again in 1h)"},
		{name: "unavailable for longer than we wait", code: 503, retryAfter: "4000000000", next: later, after: time.Hour, says: "(again in 1h)"},
		{name: "unavailable until yesterday", code: 503, retryAfter: yesterday, next: again, says: "answered 503"},
		{name: "unavailable for nobody knows", code: 503, retryAfter: "-5 soon", next: again, says: "answered 503"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := server(t, func(w http.ResponseWriter, _ *http.Request) {
				if test.retryAfter != "" {
					w.Header().Set("Retry-After", test.retryAfter)
				}
				if test.location != "" {
					w.Header().Set("Location", test.location)
				}
				w.WriteHeader(test.code)
				_, _ = io.WriteString(w, test.body)
			})
			err := start(t, Options{}, request(schedule.Request{Method: "GET", URL: s.URL, SuccessCodes: test.success, RetryCodes: test.retry})).end(t)
			if next, after := whatNext(err); next != test.next || after != test.after {
				t.Errorf("after %v it is tried %q (in %s), want %q (in %s)", err, next, after, test.next, test.after)
			}
			if err != nil && (!strings.HasPrefix(err.Error(), "GET "+s.URL+" answered ") || !strings.Contains(err.Error(), test.says)) {
				t.Errorf("the error is %q, want it to say %q", err, test.says)
			}
		})
	}
}

func whatNext(err error) (next string, after time.Duration) {
	var laterError *queue.LaterError
	var endedError *queue.EndedError
	switch {
	case err == nil:
		return "", 0
	case errors.As(err, &laterError):
		return later, laterError.After
	case errors.As(err, &endedError):
		return giveUp, 0
	}
	return again, 0
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	followed := false
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		followed = followed || r.URL.Path == "/next"
		http.Redirect(w, r, "/next", http.StatusTemporaryRedirect)
	})
	if err := start(t, Options{}, request(schedule.Request{Method: "POST", URL: s.URL})).end(t); err == nil || followed {
		t.Errorf("it ended with %v; followed: %v", err, followed)
	}
}

func TestTheAnswerIsKeptWithinBoundsUnderALineAboutIt(t *testing.T) {
	s := server(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "the beginning\n")
		for range 500 {
			_, _ = io.WriteString(w, strings.Repeat("x", 10_000))
		}
		_, _ = io.WriteString(w, "\nthe end\n")
	})
	r := start(t, Options{}, request(schedule.Request{Method: "GET", URL: s.URL}))
	if err := r.end(t); err != nil {
		t.Fatal(err)
	}
	text := r.tape.text(StreamBody)
	first, rest, _ := strings.Cut(text, "\n")
	if !strings.HasPrefix(first, "HTTP 200 OK in ") || !strings.HasPrefix(rest, "the beginning\n") || !strings.HasSuffix(text, "\nthe end\n") {
		t.Errorf("the answer was recorded as %.60q…", text)
	}
	if len(text) > 1<<20 || !strings.Contains(r.tape.text(StreamNote), "bytes left out here") {
		t.Errorf("%d bytes are kept, with the note %q", len(text), r.tape.text(StreamNote))
	}
}

func TestACallWhoseAnswerBreaksOffFails(t *testing.T) {
	s := server(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "half")
	})
	err := start(t, Options{}, request(schedule.Request{Method: "GET", URL: s.URL})).end(t)
	if got, want := message(err), "GET "+s.URL+" answered 200, but its body broke off: unexpected EOF"; got != want {
		t.Errorf("it ended with %q, want %q", got, want)
	}
}

func TestACallEndsWithItsContextAndSaysWhy(t *testing.T) {
	tests := []struct {
		name    string
		timeout time.Duration
		cause   error // of the cancellation; nil: the timeout
		partial bool  // whether part of the answer has arrived
		want    error
	}{
		{name: "timeout without an answer", timeout: 50 * time.Millisecond, want: queue.ErrTimeout},
		{name: "timeout in the middle of it", timeout: 300 * time.Millisecond, partial: true, want: queue.ErrTimeout},
		{name: "cancelled", cause: queue.ErrCancelled, want: queue.ErrCancelled},
		{name: "stopping in the middle of it", cause: queue.ErrStopping, partial: true, want: queue.ErrStopping},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			asked := make(chan struct{}, 1)
			s := server(t, func(w http.ResponseWriter, r *http.Request) {
				if test.partial {
					_, _ = io.WriteString(w, "part")
					w.(http.Flusher).Flush()
				}
				asked <- struct{}{}
				<-r.Context().Done()
			})
			a := request(schedule.Request{Method: "GET", URL: s.URL})
			a.Payload.Timeout = schedule.Duration(test.timeout)
			r := start(t, Options{}, a)
			if test.cause != nil {
				<-asked
				r.cancel(test.cause)
			}
			if err := r.end(t); !errors.Is(err, test.want) {
				t.Errorf("it ended with %v, want %v", err, test.want)
			}
		})
	}
}

func TestForbiddenAddressesAreRefusedAfterResolution(t *testing.T) {
	tests := []struct{ name, address, want string }{
		{"metadata", "169.254.169.254", "a link-local address, where clouds keep credentials"},
		{"the same as IPv6", "::ffff:169.254.169.254", "a link-local address, where clouds keep credentials"},
		{"the same translated", "64:ff9b::a9fe:a9fe", "a link-local address, where clouds keep credentials"},
		{"the same translated within a network", "64:ff9b:1::a9fe:a9fe", "a link-local address, where clouds keep credentials"},
		{"the same translated without state", "::ffff:0:169.254.169.254", "a link-local address, where clouds keep credentials"},
		{"the same as of old", "::a9fe:a9fe", "a link-local address, where clouds keep credentials"},
		{"link-local", "fe80::1", "a link-local address"},
		{"link-local with a zone", "fe80::1%eth0", "a link-local address"},
		{"Amazon", "fd00:ec2::254", "a metadata address"},
		{"Google", "fd20:ce::254", "a metadata address"},
		{"Oracle", "192.0.0.192", "a metadata address"},
		{"Azure", "168.63.129.16", "a metadata address"},
		{"Alibaba", "100.100.100.200", "a metadata address"},
		{"no host", "0.0.0.0", "not the address of a host"},
		{"no host either", "::", "not the address of a host"},
		{"multicast", "224.0.0.1", "not the address of a host"},
		{"multicast by IPv6", "ff02::1", "not the address of a host"},
		{"broadcast", "255.255.255.255", "not the address of a host"},
		{"the machine itself", "127.0.0.1", ""},
		{"the machine itself by IPv6", "::1", ""},
		{"a private network", "10.1.2.3", ""},
		{"a private network by IPv6", "fd12::1", ""},
		{"the world", "93.184.216.34", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := forbidden(netip.MustParseAddr(test.address)); got != test.want {
				t.Errorf("%s is judged %q, want %q", test.address, got, test.want)
			}
		})
	}
}

func TestACallToAForbiddenAddressNeitherConnectsNorAsksAProxy(t *testing.T) {
	reached := false
	s := server(t, func(http.ResponseWriter, *http.Request) { reached = true })
	t.Setenv("HTTP_PROXY", s.URL)
	port := s.URL[strings.LastIndex(s.URL, ":"):]
	tests := []struct{ name, url, says string }{
		{"metadata", "http://169.254.169.254/latest", "refused: 169.254.169.254 is a link-local address"},
		{"in another notation", "http://[::ffff:169.254.169.254]/", "refused: 169.254.169.254 is a link-local address"},
		{"an address that means this machine", "http://0.0.0.0" + port, "refused: 0.0.0.0 is not the address of a host"},
		{"none, which means this machine", "http://" + port, "refused: "},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := start(t, Options{Environment: []string{"HTTP_PROXY=" + s.URL}}, request(schedule.Request{Method: "GET", URL: test.url})).end(t)
			if !strings.Contains(message(err), test.says) || reached {
				t.Errorf("it ended with %v, want %q; connected: %v", err, test.says, reached)
			}
		})
	}
}

func TestACallChecksTheCertificate(t *testing.T) {
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	err := start(t, Options{}, request(schedule.Request{Method: "GET", URL: s.URL})).end(t)
	if !strings.Contains(message(err), "certificate") {
		t.Errorf("it ended with %v", err)
	}
}

func TestNoFailureOfACallShowsASecret(t *testing.T) {
	echo := server(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "/"+r.Header.Get("X-Key"))
		code, _ := strconv.Atoi(r.URL.Query().Get("code"))
		w.WriteHeader(code)
		_, _ = io.WriteString(w, "you sent "+r.Header.Get("X-Key"))
	})
	silent := server(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	const secret = "correct-horse-battery"
	tests := []struct{ name, url string }{
		{"in an answer", echo.URL + "/${KEY}?code=500"},
		{"in a redirect", echo.URL + "/${KEY}?code=302"},
		{"in a success", echo.URL + "/${KEY}?code=200"},
		{"in the name of a host", "http://${KEY}.invalid/"},
		{"in an address that is none", "http://host:${KEY}/"},
		{"in a scheme", "${KEY}://host/"},
		{"where nothing listens", "http://user:${KEY}@127.0.0.1:1/${KEY}"},
		{"at a timeout", silent.URL + "/${KEY}"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := request(schedule.Request{Method: "GET", URL: test.url, Headers: map[string]string{"X-Key": "${KEY}"}})
			if strings.HasPrefix(test.url, silent.URL) {
				a.Payload.Timeout = schedule.Duration(50 * time.Millisecond)
			}
			r := start(t, Options{Environment: []string{"KEY=" + secret}}, a)
			err := r.end(t)
			if strings.Contains(message(err), secret) || strings.Contains(r.tape.text(), secret) {
				t.Errorf("the secret shows in the error %v or the output %q", err, r.tape.text())
			}
			for inner := err; inner != nil; inner = errors.Unwrap(inner) {
				if strings.Contains(inner.Error(), secret) {
					t.Errorf("the secret shows beneath the error: %v", inner)
				}
			}
		})
	}
}

func TestACallThatCannotBeMadeSaysWhy(t *testing.T) {
	tests := []struct {
		name    string
		request schedule.Request
		error   string
	}{
		{"a name that is not set", schedule.Request{Method: "GET", URL: "${HOST}/", Body: "${BODY}"}, "not set in the worker's environment: ${BODY}, ${HOST}"},
		{"no address", schedule.Request{Method: "GET", URL: "/tasks"}, "/tasks is not an absolute http or https address once its names are resolved"},
		{"another scheme", schedule.Request{Method: "GET", URL: "file:///etc/passwd"}, "file:///etc/passwd is not an absolute http or https address once its names are resolved"},
		{"no code", schedule.Request{Method: "GET", URL: "http://127.0.0.1", SuccessCodes: []string{"2x"}}, `"2x" is not a status code; for example 200, 2xx or 200-299`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if err := start(t, Options{Environment: []string{}}, request(test.request)).end(t); message(err) != test.error {
				t.Errorf("it ended with %q, want %q", message(err), test.error)
			}
		})
	}
	if err := Handlers(Options{})[queue.KindHTTP](context.Background(), queue.Attempt{}); message(err) != "the job names no HTTP call" {
		t.Errorf("without a request it ended with %v", err)
	}
}

package worker

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/internal/webhook"
	"github.com/punctual-dev/punctual/queue"
	"github.com/punctual-dev/punctual/schedule"
)

// call makes an HTTP call: it succeeds when the answer has a success code and
// its body arrived whole.
func (e *executor) call(ctx context.Context, t *task) error {
	r := t.Payload.HTTP
	if r == nil {
		return ended("the job names no HTTP call")
	}
	success, err1 := parseCodes(cmp.Or(strings.Join(r.SuccessCodes, " "), "2xx"))
	again, err2 := parseCodes(strings.Join(r.RetryCodes, " "))
	if err := errors.Join(err1, err2); err != nil {
		return &queue.EndedError{Err: err}
	}
	client, err := e.clientFor(r)
	if err != nil {
		return err
	}
	request, secrets, err := e.request(ctx, t)
	if err != nil {
		return err
	}
	out := e.openOutput(ctx, t, secrets)
	defer out.close()
	x := &exchange{Request: r, out: out, success: success, again: again}
	return x.do(ctx, client, request)
}

// request is what the schedule asks for with ${NAME} resolved, and the secrets
// in it.
func (e *executor) request(ctx context.Context, t *task) (*http.Request, []string, error) {
	r := t.Payload.HTTP
	env := &resolver{environment: e.variables}
	use := &resolver{own: env.all(r.Env), environment: e.variables}
	address, body, headers := use.resolve(r.URL), use.resolve(r.Body), use.all(r.Headers)
	secret := ""
	if r.SignWith != "" {
		secret = env.value(r.SignWith) // of the worker's environment: no schedule holds it
		env.secrets = append(env.secrets, strings.TrimPrefix(secret, webhook.SecretPrefix))
	}
	secrets := append(env.secrets, use.secrets...)
	use.unset = append(env.unset, use.unset...)
	if err := use.err(); err != nil {
		return nil, nil, err
	}
	target, err := url.Parse(address)
	if err != nil || target.Host == "" || target.Scheme != "http" && target.Scheme != "https" {
		// The parser's own words would quote the address.
		return nil, nil, fmt.Errorf("%s is not an absolute http or https address once its names are resolved", r.URL)
	}
	request, err := http.NewRequestWithContext(ctx, r.Method, "http://resolved.invalid", strings.NewReader(body))
	if err != nil {
		return nil, nil, &queue.EndedError{Err: err}
	}
	request.URL, request.Host = target, target.Host
	setHeaders(request, headers, body, t.facts)
	if t.Trace != "" {
		request.Header.Set("Traceparent", t.Trace)
	}
	if r.SignWith != "" {
		key, err := webhook.Key(r.SignWith, secret, "worker")
		if err != nil {
			return nil, nil, err
		}
		webhook.Sign(request, key, cmp.Or(t.Payload.Occurrence, fmt.Sprintf("job-%d", t.JobID)), body, now(t.Attempt))
	}
	return request, secrets, nil
}

// setHeaders puts the facts over the schedule's headers, and those over what
// is usual.
func setHeaders(request *http.Request, headers map[string]string, body string, facts []fact) {
	request.Header.Set("User-Agent", "punctual")
	if json.Valid([]byte(body)) {
		request.Header.Set("Content-Type", "application/json")
	} else if body != "" {
		request.Header.Set("Content-Type", "text/plain; charset=utf-8")
	}
	for _, f := range facts {
		if f.name == "OCCURRENCE" && f.value != "" {
			request.Header.Set("Idempotency-Key", f.value)
		}
	}
	for name, value := range headers {
		if strings.EqualFold(name, "Host") {
			request.Host = value
			continue
		}
		request.Header.Set(name, value)
	}
	for _, f := range facts {
		request.Header.Del(f.header())
		if f.value != "" {
			request.Header.Set(f.header(), f.value)
		}
	}
}

// exchange is one request and its answer. Error messages name the request as
// the schedule writes it, with ${NAME} unresolved.
type exchange struct {
	*schedule.Request
	out     *output
	success codes
	again   codes // of the caller's faults, which are not tried again unless asked
}

func (x *exchange) do(ctx context.Context, client *http.Client, request *http.Request) error {
	began := time.Now()
	answer, err := client.Do(request)
	if err != nil {
		return x.unanswered(ctx, err)
	}
	defer func() { _ = answer.Body.Close() }()
	took := schedule.Elapsed(time.Since(began))
	body := x.out.stream(StreamBody)
	fmt.Fprintf(body, "HTTP %s in %s\n", answer.Status, took)
	heading := len(body.first)
	_, err = io.Copy(body, answer.Body)
	body.end()
	if failure := x.verdict(answer, gist(body.first[heading:]), now(x.out.task.Attempt)); failure != nil {
		return failure
	}
	if err != nil {
		return x.brokenOff(ctx, answer, err)
	}
	return nil
}

func (x *exchange) name() string { return tidy(x.Method + " " + x.URL) }

// fail is an ordinary failure that shows no secret.
func (x *exchange) fail(format string, arguments ...any) error {
	return errors.New(x.out.masker.text(fmt.Sprintf(format, arguments...)))
}

// unanswered says why there was no answer. What the client says quotes the
// resolved address, so only what lies beneath it is told.
func (x *exchange) unanswered(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %s had no answer", context.Cause(ctx), x.name())
	}
	if outer := (*url.Error)(nil); errors.As(err, &outer) {
		err = outer.Err
	}
	return x.fail("%s: %v", x.name(), err)
}

func (x *exchange) brokenOff(ctx context.Context, answer *http.Response, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %s answered %d, but its body did not end", context.Cause(ctx), x.name(), answer.StatusCode)
	}
	return x.fail("%s answered %d, but its body broke off: %v", x.name(), answer.StatusCode, err)
}

// verdict is nil for a success code. Otherwise the answer says whether another
// attempt has a chance, and perhaps when.
func (x *exchange) verdict(answer *http.Response, said string, now time.Time) error {
	code := answer.StatusCode
	if x.success.include(code) {
		return nil
	}
	text := fmt.Sprintf("%s answered %s", x.name(), tidy(answer.Status))
	if location := answer.Header.Get("Location"); code >= 300 && code < 400 && !x.FollowRedirects {
		text += "; redirects are not followed"
		if location != "" {
			text += " (to " + tidy(location) + ")"
		}
	} else if said != "" {
		text += ": " + said
	}
	failure := x.fail("%s", text)
	if code >= 400 && code < 500 && !x.again.include(code) && !passing[code] {
		return &queue.EndedError{Err: failure}
	}
	if code == http.StatusServiceUnavailable || code >= 400 && code < 500 {
		if after := retryAfter(answer.Header.Get("Retry-After"), now); after > 0 {
			return &queue.LaterError{After: after, Err: failure}
		}
	}
	return failure
}

var pageTitle = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)

// gist is what an answer says, in a line fit for an error message. How a page for
// people begins says nothing; its title does.
func gist(body []byte) string {
	line := firstLine(body)
	if start := strings.ToLower(line); !strings.HasPrefix(start, "<!doctype") && !strings.HasPrefix(start, "<html") {
		return line
	}
	if title := pageTitle.FindSubmatch(body); title != nil {
		return tidy(html.UnescapeString(string(title[1])))
	}
	return ""
}

// passing are the codes from 400 to 499 that another attempt may not meet.
var passing = map[int]bool{
	http.StatusRequestTimeout:  true,
	http.StatusTooEarly:        true,
	http.StatusTooManyRequests: true,
}

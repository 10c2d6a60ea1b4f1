package watch

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/alert"
	"github.com/punctual-dev/punctual/internal/webhook"
)

const (
	// sendTime is how long sending one message may take.
	sendTime = 30 * time.Second
	// answerShown is how much of an answer an error quotes.
	answerShown = 200
)

// sendOne sends a message by the recipient's way.
func (w *watch) sendOne(ctx context.Context, s alert.Settings, d alert.Delivery) error {
	ctx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	to, known := s.To[d.Recipient]
	if !known {
		return nil // nobody of that name wants to be told any more
	}
	var message alert.Message
	if err := json.Unmarshal([]byte(d.Body), &message); err != nil {
		return fmt.Errorf("the message cannot be read: %w", err)
	}
	switch to.Way() {
	case alert.ByWebhook:
		return w.call(ctx, to, d)
	case alert.ByCommand:
		return w.run(ctx, to, d, message)
	}
	return w.mail(ctx, s.Mail, to, d, message)
}

// call posts the message. The id of a message to a recipient is the same at every
// try, for the receiver to tell a repeat.
func (w *watch) call(ctx context.Context, to alert.Recipient, d alert.Delivery) error {
	resolve := &resolver{variable: w.Variable}
	address := resolve.text(to.Webhook)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(d.Body))
	if err != nil {
		return fmt.Errorf("the address of the webhook is none: %w", withoutAddress(err))
	}
	request.Header.Set("Content-Type", "application/json")
	for name, value := range to.Headers {
		request.Header.Set(name, resolve.text(value))
	}
	secret := ""
	if to.SignWith != "" {
		secret = resolve.text("${" + to.SignWith + "}")
	}
	if err := resolve.err(); err != nil {
		return err
	}
	if to.SignWith != "" {
		key, err := webhook.Key(to.SignWith, secret, "process")
		if err != nil {
			return err
		}
		webhook.Sign(request, key, fmt.Sprintf("punctual-alert-%d", d.ID), d.Body, time.Now())
	}
	return w.answered(request)
}

// answered makes a call, which succeeds with a status of 2xx. No error names the
// address: it may hold a secret.
func (w *watch) answered(request *http.Request) error {
	response, err := w.client.Do(request)
	if err != nil {
		return withoutAddress(err)
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(response.Body, answerShown))
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return fmt.Errorf("answered with %s %s", response.Status, strings.ToValidUTF8(string(bytes.TrimSpace(body)), ""))
	}
	return nil
}

func withoutAddress(err error) error {
	if failed, ok := err.(*url.Error); ok {
		return failed.Err
	}
	return err
}

// run gives the message to a command: the text and the first alert in the
// environment, all of it as JSON on the standard input.
func (w *watch) run(ctx context.Context, to alert.Recipient, d alert.Delivery, m alert.Message) error {
	name, arguments := "/bin/sh", []string{"-c", to.Run.Shell}
	if len(to.Run.Program) > 0 {
		name, arguments = to.Run.Program[0], to.Run.Program[1:]
	}
	command := exec.CommandContext(ctx, name, arguments...)
	command.Dir, command.Stdin = w.Directory, strings.NewReader(d.Body)
	command.WaitDelay = time.Second // what it started may hold its output open
	command.Env = append(handedOn(os.Environ()), "PUNCTUAL_ALERT_TEXT="+m.Text, "PUNCTUAL_ALERT_SUBJECT="+m.Subject())
	if len(m.Alerts) > 0 {
		first, state := m.Alerts[0], "recovered"
		if first.Raised {
			state = "raised"
		}
		command.Env = append(command.Env, "PUNCTUAL_ALERT_SCHEDULE="+first.Schedule, "PUNCTUAL_ALERT_KIND="+string(first.Kind), "PUNCTUAL_ALERT_STATE="+state)
	}
	if output, err := command.CombinedOutput(); err != nil {
		output = bytes.TrimSpace(output)
		return fmt.Errorf("the command failed: %w %s", err, strings.ToValidUTF8(string(output[max(0, len(output)-answerShown):]), ""))
	}
	return nil
}

// handedOn is an environment without what is punctual's own, such as the password
// of the web process.
func handedOn(environment []string) []string {
	return slices.DeleteFunc(environment, func(entry string) bool { return strings.HasPrefix(entry, "PUNCTUAL_") })
}

// ping tells an outside monitor that the clocks keep time, as long as they do: it
// is for the monitor to notice when no ping comes.
func (w *watch) ping(ctx context.Context, one alert.Watched) error {
	if one.Settings.Ping == "" {
		return nil
	}
	well, err := w.post.KeepsTime(ctx)
	if err != nil || !well {
		return err
	}
	claimed, err := w.post.ClaimPing(ctx, one)
	if err != nil || !claimed {
		return err
	}
	if err := w.pingNow(ctx, one.Settings.Ping); err != nil {
		w.Logger.Warn("the outside monitor could not be pinged; the next ping is tried in time", "error", err)
	}
	return nil
}

func (w *watch) pingNow(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, pingTime)
	defer cancel()
	resolve := &resolver{variable: w.Variable}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, resolve.text(address), nil)
	if unset := resolve.err(); unset != nil {
		return unset
	}
	if err != nil {
		return withoutAddress(err)
	}
	return w.answered(request)
}

// pingTime is short: other work waits meanwhile.
const pingTime = 10 * time.Second

// resolver puts the environment in the place of ${NAME}.
type resolver struct {
	variable func(string) (string, bool)
	unset    []string
}

var placeholder = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

func (r *resolver) text(text string) string {
	return placeholder.ReplaceAllStringFunc(text, func(found string) string {
		name := found[2 : len(found)-1]
		value, set := r.variable(name)
		if !set && !slices.Contains(r.unset, name) {
			r.unset = append(r.unset, name)
		}
		return value
	})
}

// err names what is not set.
func (r *resolver) err() error {
	if len(r.unset) == 0 {
		return nil
	}
	return fmt.Errorf("not set in the process's environment: ${%s}", strings.Join(r.unset, "}, ${"))
}

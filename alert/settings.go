// Package alert decides, without any database or network, which schedules
// somebody is to be told of: one that is late, was missed, fails, runs too long,
// or has recovered from it. Each is told once. The loop that looks, and the ways
// by which messages go out, are in alert/watch.
package alert

import (
	"fmt"
	"maps"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/schedule"
)

// Settings say when somebody is told, and who. They are kept as JSON in the
// database, without secrets: ${NAME} is resolved by the process that sends.
type Settings struct {
	Late     schedule.Duration `json:"late,omitzero"` // zero: not watched
	Missed   bool              `json:"missed,omitempty"`
	Failures int               `json:"failures,omitempty"` // in a row; zero: not watched
	Running  schedule.Duration `json:"running,omitzero"`   // zero: not watched
	// Only are keys and tags of the schedules that are watched; none: all. Except
	// are those that are not.
	Only   []string             `json:"only,omitempty"`
	Except []string             `json:"except,omitempty"`
	To     map[string]Recipient `json:"to,omitempty"`
	Mail   *MailServer          `json:"mail,omitempty"`
	// Ping is called every PingEvery while the clocks keep time.
	Ping      string            `json:"ping,omitempty"`
	PingEvery schedule.Duration `json:"ping_every,omitzero"`
}

// Recipient is told by one of three ways.
type Recipient struct {
	Webhook  string            `json:"webhook,omitempty"`
	Headers  map[string]string `json:"headers,omitempty"`
	SignWith string            `json:"sign_with,omitempty"`
	Run      *schedule.Command `json:"run,omitempty"`
	Mail     []string          `json:"mail,omitempty"`
}

// MailServer is who takes mail.
type MailServer struct {
	Server   string `json:"server"` // host:port
	From     string `json:"from"`
	User     string `json:"user,omitempty"`
	Password string `json:"password,omitempty"` // ${NAME}
}

// The ways a recipient is told.
const (
	ByWebhook = "webhook"
	ByCommand = "run"
	ByMail    = "mail"
)

// Way is how the recipient is told; empty if he is not.
func (r Recipient) Way() string {
	switch {
	case r.Webhook != "":
		return ByWebhook
	case r.Run != nil:
		return ByCommand
	case len(r.Mail) > 0:
		return ByMail
	}
	return ""
}

// What holds where a file says nothing else.
const (
	DefaultLate      = schedule.Duration(5 * time.Minute)
	DefaultFailures  = 1
	DefaultPingEvery = schedule.Duration(time.Minute)
	// MostFailures bounds how many failures in a row are counted.
	MostFailures = 100
	// LeastLate is above what a deploy takes.
	LeastLate = schedule.Duration(10 * time.Second)
	// LeastPing is above how often anybody looks.
	LeastPing = schedule.Duration(10 * time.Second)
)

// Empty says that nobody is told of anything.
func (s Settings) Empty() bool { return len(s.To) == 0 && s.Ping == "" }

// Watches says whether a schedule is one of those that are watched.
func (s Settings) Watches(key string, tags []string) bool {
	named := func(names []string) bool {
		return slices.Contains(names, key) || slices.ContainsFunc(tags, func(tag string) bool { return slices.Contains(names, tag) })
	}
	return (len(s.Only) == 0 || named(s.Only)) && !named(s.Except)
}

// Validate tells every fault; fields are those of the file, below alerts.
func (s Settings) Validate() []schedule.Fault {
	var faults []schedule.Fault
	fault := func(field, problem, advice string) {
		faults = append(faults, schedule.Fault{Field: field, Problem: problem, Advice: advice})
	}
	if s.Late != 0 && s.Late < LeastLate {
		fault("late", s.Late.String()+" is shorter than a deploy may take", "at least "+LeastLate.String())
	}
	if s.Failures < 0 || s.Failures > MostFailures {
		fault("failures", fmt.Sprintf("%d is no number of failures in a row", s.Failures), fmt.Sprintf("1 to %d; leave it out for 1", MostFailures))
	}
	if s.Ping != "" {
		if err := validURL(s.Ping); err != nil {
			fault("ping", err.Error(), "an address such as https://hc-ping.com/${PING_ID}")
		}
	}
	if s.PingEvery != 0 && s.PingEvery < LeastPing {
		fault("ping_every", s.PingEvery.String()+" is more often than anybody looks", "at least "+LeastPing.String())
	}
	for _, name := range slices.Sorted(maps.Keys(s.To)) {
		faults = append(faults, s.To[name].validate("to."+name, s.Mail != nil)...)
	}
	if s.Mail != nil {
		faults = append(faults, s.Mail.validate()...)
	}
	return faults
}

func (r Recipient) validate(field string, server bool) []schedule.Fault {
	var faults []schedule.Fault
	fault := func(field, problem, advice string) {
		faults = append(faults, schedule.Fault{Field: field, Problem: problem, Advice: advice})
	}
	ways := 0
	for _, way := range []bool{r.Webhook != "", r.Run != nil, len(r.Mail) > 0} {
		if way {
			ways++
		}
	}
	switch {
	case ways == 0:
		fault(field, "says no way to be told", "one of webhook, run and mail")
	case ways > 1:
		fault(field, "says more than one way", "one of webhook, run and mail; give each a recipient of its own")
	}
	if r.Webhook != "" {
		if err := validURL(r.Webhook); err != nil {
			fault(field+".webhook", err.Error(), "an address such as https://chat.example.com/hook")
		}
	} else if r.SignWith != "" || len(r.Headers) > 0 {
		fault(field, "has headers or sign_with, which are about a webhook", "add webhook, or leave them out")
	}
	for _, address := range r.Mail {
		if _, err := mail.ParseAddress(address); err != nil {
			fault(field+".mail", fmt.Sprintf("%q is no address of mail", address), "an address such as ops@example.org")
		}
	}
	if len(r.Mail) > 0 && !server {
		fault(field+".mail", "there is no server that takes mail", "add mail: {server: smtp.example.org:587, from: punctual@example.org} below alerts")
	}
	return faults
}

func (m *MailServer) validate() []schedule.Fault {
	var faults []schedule.Fault
	fault := func(field, problem, advice string) {
		faults = append(faults, schedule.Fault{Field: field, Problem: problem, Advice: advice})
	}
	if host, port, ok := strings.Cut(m.Server, ":"); !ok || host == "" || port == "" {
		fault("mail.server", fmt.Sprintf("%q is no server with a port", m.Server), "as smtp.example.org:587")
	}
	if _, err := mail.ParseAddress(m.From); err != nil {
		fault("mail.from", fmt.Sprintf("%q is no address of mail", m.From), "an address such as punctual@example.org")
	}
	if m.Password != "" && !strings.Contains(m.Password, "${") {
		fault("mail.password", "a secret does not belong into a file", "name a variable of the environment: ${SMTP_PASSWORD}")
	}
	return faults
}

// validURL judges an address whose ${NAME} are not yet resolved.
func validURL(text string) error {
	plain := strings.NewReplacer("${", "", "}", "").Replace(text)
	if strings.HasPrefix(text, "${") {
		return nil // all of it is in the environment
	}
	u, err := url.Parse(plain)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("%q is no address of the web", text)
	}
	return nil
}

package config

import (
	"slices"

	"github.com/punctual-dev/punctual/alert"
	"github.com/punctual-dev/punctual/schedule"
)

// alerts say who is told of what.
type alerts struct {
	Late      *unlessNever          `json:"late,omitempty" jsonschema_description:"Tell when something has been due for this long and has not begun: a duration, or never. Default: 5m."`
	Missed    *bool                 `json:"missed,omitempty" jsonschema:"default=true" jsonschema_description:"Tell when an occurrence is skipped since it was too late for it."`
	Failures  *int                  `json:"failures,omitempty" jsonschema:"minimum=0,maximum=100,default=1" jsonschema_description:"Tell when so many jobs in a row failed for good; 0: do not."`
	Running   *unlessNever          `json:"running,omitempty" jsonschema_description:"Tell when an attempt has run for this long: a duration, or never. Default: never."`
	Only      words                 `json:"only,omitempty" jsonschema_description:"Keys and tags of the schedules that are watched. Default: all."`
	Except    words                 `json:"except,omitempty" jsonschema_description:"Keys and tags of schedules that are not."`
	To        map[string]*recipient `json:"to,omitempty" jsonschema_description:"Who is told, by a name of your choice."`
	Mail      *mailServer           `json:"mail,omitempty" jsonschema_description:"The server that takes mail, where a recipient is told by mail."`
	Ping      *string               `json:"ping,omitempty" jsonschema:"example=https://hc-ping.com/${PING_ID}" jsonschema_description:"An address of an outside monitor, which is called as long as the clocks keep time; ${NAME} is replaced by the process that calls."`
	PingEvery *schedule.Duration    `json:"ping_every,omitempty" jsonschema:"default=1m" jsonschema_description:"How often."`
}

// recipient is told in one way.
type recipient struct {
	Webhook  *string                `json:"webhook,omitempty" jsonschema_description:"An address that the message is posted to, as JSON; ${NAME} is replaced by the process that sends."`
	Headers  map[string]placeholder `json:"headers,omitempty" jsonschema_description:"Headers by name; ${NAME} is replaced."`
	SignWith *string                `json:"sign_with,omitempty" jsonschema:"example=WEBHOOK_SECRET" jsonschema_description:"Sign the request as Standard Webhooks describes, with the secret in this environment variable."`
	Run      *command               `json:"run,omitempty" jsonschema_description:"A command, which a worker runs: a line for the shell, or a list of a program and its arguments."`
	Mail     words                  `json:"mail,omitempty" jsonschema_description:"Addresses of mail."`
}

// mailServer takes mail.
type mailServer struct {
	Server   *string `json:"server" jsonschema:"required,example=smtp.example.org:587" jsonschema_description:"The server and its port. On 465 TLS is spoken from the first byte on, elsewhere where the server offers it."`
	From     *string `json:"from" jsonschema:"required,example=punctual@example.org" jsonschema_description:"Whom the mail is from."`
	User     *string `json:"user,omitempty" jsonschema_description:"The user at the server; ${NAME} is replaced."`
	Password *string `json:"password,omitempty" jsonschema:"example=${SMTP_PASSWORD}" jsonschema_description:"The password, as a ${NAME} of the environment."`
}

// unlessNever is a duration or never, which is zero.
type unlessNever schedule.Duration

func (u *unlessNever) decode(d *decoder, n *node, field string) {
	if n.kind == text && n.text == "never" {
		*u = 0
		return
	}
	d.duration(n, (*schedule.Duration)(u), field)
}

// alerts are the settings that a file has, with what holds where it says nothing.
func (d *document) alerts() alert.Settings {
	w := d.written.Alerts
	if w == nil {
		return alert.Settings{}
	}
	s := alert.Settings{
		Late: alert.DefaultLate, Missed: true, Failures: alert.DefaultFailures,
		Only: w.Only, Except: w.Except, To: map[string]alert.Recipient{}, PingEvery: alert.DefaultPingEvery,
	}
	if w.Late != nil {
		s.Late = schedule.Duration(*w.Late)
	}
	if w.Running != nil {
		s.Running = schedule.Duration(*w.Running)
	}
	set(&s.Missed, w.Missed)
	set(&s.Failures, w.Failures)
	set(&s.Ping, w.Ping)
	set(&s.PingEvery, w.PingEvery)
	if m := w.Mail; m != nil {
		s.Mail = &alert.MailServer{}
		set(&s.Mail.Server, m.Server)
		set(&s.Mail.From, m.From)
		set(&s.Mail.User, m.User)
		set(&s.Mail.Password, m.Password)
	}
	for name, r := range w.To {
		if r != nil {
			s.To[name] = r.settings()
		}
	}
	d.judgeAlerts(s)
	return s
}

func (r *recipient) settings() alert.Recipient {
	to := alert.Recipient{Headers: plain(r.Headers), Mail: r.Mail}
	set(&to.Webhook, r.Webhook)
	set(&to.SignWith, r.SignWith)
	if r.Run != nil {
		to.Run = &schedule.Command{Shell: r.Run.shell, Program: r.Run.program}
	}
	return to
}

// judgeAlerts tells what is wrong with them where it stands.
func (d *document) judgeAlerts(s alert.Settings) {
	written := d.root.get("alerts")
	for _, p := range written.get("to").entries() {
		if !namePattern.MatchString(p.key.text) {
			d.fault(p.key, below("alerts.to", p.key.text), nameAllowed, "%s is not the name of a recipient", quoted(p.key.text))
		}
	}
	for _, fault := range s.Validate() {
		if n, excused := d.walk(written, fault.Field); n != nil && !excused {
			d.fault(n, below("alerts", fault.Field), fault.Advice, "%s", fault.Problem)
		}
	}
	if s.Empty() && written != nil && !d.excused(written) && !d.meantToTell(written) {
		d.fault(written, "alerts", "add a recipient below to, or ping", "nobody is told of anything")
	}
}

// meantToTell says whether something is wrong with those who were to be told.
func (d *document) meantToTell(written *node) bool {
	to := written.get("to")
	return d.excused(to) || d.excused(written.get("ping")) ||
		slices.ContainsFunc(to.entries(), func(p pair) bool { return d.excused(p.value) })
}

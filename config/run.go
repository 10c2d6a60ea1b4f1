package config

import (
	"fmt"
	"regexp"

	"github.com/punctual-dev/punctual/schedule"
)

// inherited is what a command sees of the worker's environment: all, none, or
// the names in a list.
type inherited struct {
	clean bool
	keep  []string
}

// umask is three octal digits, which YAML may read as a number.
type umask string

// exitCodes are exit codes: numbers or texts, one or a list.
type exitCodes []string

const inheritAllowed = "write all, none, or a list of names such as [PATH, HOME]"

func (i *inherited) decode(d *decoder, n *node, field string) {
	if n.kind != sequence {
		written, ok := d.text(n, field)
		if ok && written != "all" && written != "none" {
			d.fault(n, field, inheritAllowed, "%s is neither all nor none", quoted(written))
		}
		i.clean = written == "none"
		return
	}
	if len(n.items) == 0 {
		d.fault(n, field, inheritAllowed, "lists no variable")
	}
	var names words
	names.decode(d, n, field)
	i.clean, i.keep = true, names
}

var umaskWritten = regexp.MustCompile(`^(?:0o?)?([0-7]{3})$`)

func (u *umask) decode(d *decoder, n *node, field string) {
	if n.kind != number && n.kind != text {
		d.fault(n, field, `three octal digits, for example "027"`, "%s; a umask belongs here", n.describe())
		return
	}
	digits := umaskWritten.FindStringSubmatch(n.text)
	if digits == nil {
		d.fault(n, field, `three octal digits, for example "027"`, "%s is not a umask", quoted(n.text))
		return
	}
	*u = umask(digits[1])
}

func (c *exitCodes) decode(d *decoder, n *node, field string) { (*codes)(c).decode(d, n, field) }

// command is what a schedule and the defaults say of a command. Defaults that
// mean nothing without another are passed over.
func (s shared) command(c *schedule.Command) {
	set(&c.Directory, s.Directory)
	if i := s.InheritEnv; i != nil {
		c.CleanEnv, c.KeepEnv = i.clean, i.keep
	}
	if s.Umask != nil {
		c.Umask = string(*s.Umask)
	}
	if s.User != nil {
		c.User = *s.User
		set(&c.Group, s.Group)
	}
	c.SuccessCodes, c.NoRetryCodes = s.SuccessCodes, s.NoRetryCodes
}

// commandOnly are the keys that mean nothing for other kinds of job, and what
// they are about.
var commandOnly = []struct{ key, problem string }{
	{"directory", "only commands run in a directory"},
	{"inherit_env", "only commands inherit an environment"},
	{"umask", "only commands have a umask"},
	{"user", "only commands run as a user"},
	{"group", "only commands run as a group"},
	{"success_codes", "only commands have exit codes"},
	{"no_retry_codes", "only commands have exit codes"},
}

// JobKeys are the keys of a schedule that make up its job.
func JobKeys() []string {
	keys := []string{"run", "http", "job", "env"}
	for _, only := range commandOnly {
		keys = append(keys, only.key)
	}
	return keys
}

// exitCodes warns of codes that were probably forgotten.
func (w *watch) exitCodes(e *entry) {
	run, p := e.declaration.Job.Run, e.declaration.Policies
	if run == nil {
		return
	}
	if e.SuccessCodes != nil && len(run.SuccessCodes) > 0 && !schedule.HasExitCode(run.SuccessCodes, 0) {
		w.warn(e, "success_codes", fmt.Sprintf("the list replaces the default: write [0, %s] if 0 is a success, too", run.SuccessCodes[0]), "0 is not among the success codes")
	}
	if e.Backoff != nil && p.Retries == 0 {
		w.warn(e, "backoff", "add retries: 3, for example", "holds only after exit code %d, for retries is 0", schedule.TemporaryFailure)
	}
}

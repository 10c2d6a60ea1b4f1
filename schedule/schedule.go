// Package schedule is a job on a calendar: what a schedule is, which policies
// it has, and what the clock makes of every occurrence. Everything here is a
// pure function over plain data; "now" is always an argument.
package schedule

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/calendar"
)

// Declaration is a schedule as its owner writes it, before a store gives it an
// identity and a history.
type Declaration struct {
	Key         string
	Was         string // the key it had before: a rename with history
	Description string
	Tags        []string
	When        calendar.When
	Jitter      time.Duration
	Job         Job
	Policies    Policies
	// Disabled says why the schedule is paused wherever this declaration is
	// applied (enabled_in names other environments). Empty: enabled.
	Disabled string
}

// Schedule is a declaration in a store.
type Schedule struct {
	Declaration
	ID        int64
	Version   int64 // grows with every edit
	CreatedAt time.Time
	DeletedAt time.Time // zero while the schedule exists
	Owner     Owner
	// HistoryFrom is the instant up to which ledger rows may have been pruned.
	HistoryFrom time.Time
	Timeline    Timeline
}

// Owner says who may edit a schedule: the file, the API, or a program.
type Owner struct {
	Kind string `json:"kind"` // OwnerFile, OwnerAPI or OwnerProgram
	Name string `json:"name"` // which file or program
}

// The kinds of owner.
const (
	OwnerFile    = "file"
	OwnerAPI     = "api"
	OwnerProgram = "program"
)

func (o Owner) String() string {
	if o.Name == "" {
		return o.Kind
	}
	return o.Kind + " " + o.Name
}

var keyPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,99}$`)

// KeyAllowed is the form of a key, in words for error messages.
const KeyAllowed = "1 to 100 characters of a-z, 0-9, dot, underscore and hyphen, the first a letter or digit"

// ValidKey says whether key may name a schedule.
func ValidKey(key string) bool { return keyPattern.MatchString(key) }

// OccurrenceName is the public name of the occurrence of key at nominal:
// key@2026-11-23T09:00:00Z. Jobs use it as their idempotency key.
func OccurrenceName(key string, nominal time.Time) string {
	return key + "@" + FormatInstant(nominal)
}

// FormatInstant prints an instant in UTC: whole seconds, or milliseconds where
// there are any (intervals below a second).
func FormatInstant(t time.Time) string {
	t = t.UTC()
	if t.Nanosecond()/int(time.Millisecond) != 0 {
		return t.Format("2006-01-02T15:04:05.000Z")
	}
	return t.Format("2006-01-02T15:04:05Z")
}

// ParseOccurrenceName splits key@instant. The instant may have an offset.
func ParseOccurrenceName(name string) (key string, nominal time.Time, err error) {
	key, instant, found := strings.Cut(name, "@")
	if found && ValidKey(key) {
		nominal, err = time.Parse(time.RFC3339, instant)
		nominal = nominal.UTC()
		if err == nil && nominal.Year() >= 1 && nominal.Year() <= 9999 && nominal.Equal(nominal.Truncate(time.Millisecond)) {
			return key, nominal, nil
		}
	}
	return "", time.Time{}, fmt.Errorf("%q is not the name of an occurrence; it looks like report@2026-11-23T09:00:00Z", name)
}

// Job says what an occurrence runs: exactly one of its fields is set.
type Job struct {
	Run  *Command `json:"run,omitempty"`
	HTTP *Request `json:"http,omitempty"`
	Work *Work    `json:"work,omitempty"`
}

// Command is a child process of a worker: a line for the shell, or a program
// and its arguments.
type Command struct {
	Shell     string            `json:"shell,omitempty"`
	Program   []string          `json:"program,omitempty"`
	Directory string            `json:"directory,omitempty"` // empty: the worker's
	Env       map[string]string `json:"env,omitempty"`       // ${NAME} is resolved by the worker
	// CleanEnv keeps the worker's environment from the command, but for the
	// names in KeepEnv. What it is told (PUNCTUAL_…) and Env it sees either way.
	CleanEnv bool     `json:"clean_env,omitempty"`
	KeepEnv  []string `json:"keep_env,omitempty"`
	Umask    string   `json:"umask,omitempty"` // octal: "027"; empty: the worker's
	// User is a name or a number; empty: the worker's. Only a worker that runs
	// as root can run commands as somebody else.
	User  string `json:"user,omitempty"`
	Group string `json:"group,omitempty"` // a name or a number; empty: the user's own
	// SuccessCodes and NoRetryCodes are exit codes, "3" or "10-19". No further
	// attempt follows those of the second.
	SuccessCodes []string `json:"success_codes,omitempty"` // empty: 0
	NoRetryCodes []string `json:"no_retry_codes,omitempty"`
}

// Request is an HTTP call.
type Request struct {
	Method       string            `json:"method"`
	URL          string            `json:"url"`
	Headers      map[string]string `json:"headers,omitempty"`
	Body         string            `json:"body,omitempty"`
	SuccessCodes []string          `json:"success_codes,omitempty"` // "200", "200-299", "2xx"; empty: 2xx
	// RetryCodes are codes from 400 to 499 that are tried again as failures of
	// the server are: 408, 425 and 429 are without being named.
	RetryCodes      []string `json:"retry_codes,omitempty"`
	FollowRedirects bool     `json:"follow_redirects,omitempty"` // at most 10
	// SignWith names the variable in the worker's environment that holds the
	// secret with which the request is signed, as Standard Webhooks describes.
	// Empty: it is not signed.
	SignWith string `json:"sign_with,omitempty"`
	// CAFile is a file of certificates in PEM, of authorities trusted besides
	// those of the system; a relative path begins in the worker's directory.
	CAFile string            `json:"ca_file,omitempty"`
	Env    map[string]string `json:"env,omitempty"` // names ${NAME} may refer to besides the worker's environment
}

// Work is a job for a Go worker: a River kind and its arguments.
type Work struct {
	Kind string          `json:"kind"`
	Args json.RawMessage `json:"args,omitempty"`
}

// String says what runs: a command as a shell reads it, all of it.
func (j Job) String() string {
	switch {
	case j.Run != nil && j.Run.Shell != "":
		return j.Run.Shell
	case j.Run != nil:
		return ShellWords(j.Run.Program)
	case j.HTTP != nil:
		return j.HTTP.Method + " " + j.HTTP.URL
	case j.Work != nil:
		return "job " + j.Work.Kind
	}
	return "nothing"
}

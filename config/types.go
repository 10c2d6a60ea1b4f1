package config

import (
	"encoding/json"

	"github.com/punctual-dev/punctual/schedule"
)

// These types are the schedule file as it is written. The decoder fills them,
// and the JSON Schema is made of them: a key exists if it stands here. A nil
// field was not written.

// written is the whole file.
type written struct {
	Owner     *string                `json:"owner,omitempty" jsonschema:"example=billing" jsonschema_description:"Who owns the schedules, where files of several apps are applied to one database. Default: the name of the file."`
	Timezone  *string                `json:"timezone,omitempty" jsonschema:"default=UTC,example=Europe/Paris" jsonschema_description:"The IANA time zone of every schedule that names none."`
	Defaults  defaults               `json:"defaults" jsonschema_description:"What holds for every schedule that does not say otherwise."`
	Limits    map[string]int         `json:"limits,omitempty" jsonschema_description:"Groups by name, and how many jobs of a group may be active together. A schedule joins one with limit."`
	Calendars map[string]dates       `json:"calendars,omitempty" jsonschema_description:"Lists of dates by name, for except."`
	Alerts    *alerts                `json:"alerts,omitempty" jsonschema_description:"Who is told when a schedule is late, was missed, fails, runs too long, or has recovered."`
	Schedules map[string]*definition `json:"schedules" jsonschema:"required" jsonschema_description:"The schedules by key. A key is stable: it names the history."`
}

// definition is one schedule.
type definition struct {
	When        words    `json:"when" jsonschema:"required" jsonschema_description:"When it runs: an interval, a phrase, a cron expression or a once, in quotes; or a list of them."`
	Timezone    *string  `json:"timezone,omitempty" jsonschema:"example=Europe/Paris" jsonschema_description:"The IANA time zone the when is read in. Default: the timezone of the file."`
	Run         *command `json:"run,omitempty" jsonschema_description:"The command to run: a line for the shell, or a list of a program and its arguments."`
	HTTP        *request `json:"http,omitempty" jsonschema_description:"The HTTP request to make."`
	Job         *work    `json:"job,omitempty" jsonschema_description:"The job to insert for a worker written in Go."`
	Description *string  `json:"description,omitempty" jsonschema:"maxLength=1000" jsonschema_description:"What it is for; shown beside its key."`
	NotBefore   *string  `json:"not_before,omitempty" jsonschema:"example=2027-01-01,example=2027-01-01T09:00:00Z" jsonschema_description:"No occurrence before this instant: RFC 3339, or a local date or date and time."`
	NotAfter    *string  `json:"not_after,omitempty" jsonschema:"example=2027-12-31,example=2027-12-31T18:00:00Z" jsonschema_description:"No occurrence after this instant: RFC 3339, or a local date (the whole day still counts) or date and time."`
	Was         *string  `json:"was,omitempty" jsonschema_description:"The key the schedule had before: renames it with its history."`
	shared
}

// defaults is what the defaults of a file may say.
type defaults struct {
	shared
}

// shared is what a schedule and the defaults may both say.
type shared struct {
	Tags          words                  `json:"tags,omitempty" jsonschema_description:"Words to filter and pause schedules by."`
	Queue         *string                `json:"queue,omitempty" jsonschema:"default=default" jsonschema_description:"The queue its jobs go to; workers choose the queues they work."`
	Priority      *int                   `json:"priority,omitempty" jsonschema:"minimum=1,maximum=4,default=2" jsonschema_description:"1 is worked first, 4 last."`
	Timeout       *schedule.Duration     `json:"timeout,omitempty" jsonschema_description:"How long one attempt may take. Default: no limit."`
	Retries       *int                   `json:"retries,omitempty" jsonschema:"minimum=0,maximum=1000,default=0" jsonschema_description:"How often a failed job is tried again."`
	Backoff       *backoff               `json:"backoff,omitempty" jsonschema_description:"How long a failed job waits before the next attempt: a duration that is always the same, or a mapping. Default: 10s, doubling up to 1h."`
	Expires       *schedule.Duration     `json:"expires,omitempty" jsonschema_description:"A job that has not started this long after it was due is not run any more. Default: never."`
	CatchUp       *schedule.CatchUp      `json:"catch_up,omitempty" jsonschema:"default=latest" jsonschema_description:"What happens to occurrences missed while no clock ran: the latest runs, all run, or none."`
	CatchUpWindow *schedule.Duration     `json:"catch_up_window,omitempty" jsonschema:"default=24h" jsonschema_description:"With catch_up: all, how far back missed occurrences are run."`
	CatchUpMax    *int                   `json:"catch_up_max,omitempty" jsonschema:"minimum=1,maximum=10000,default=100" jsonschema_description:"With catch_up: all or overlap: queue, how many occurrences are kept at most."`
	Grace         *schedule.Duration     `json:"grace,omitempty" jsonschema:"default=1m" jsonschema_description:"How late an occurrence still counts as on time."`
	Overlap       *schedule.Overlap      `json:"overlap,omitempty" jsonschema:"default=skip" jsonschema_description:"What happens when it is due while its previous job is active."`
	CancelGrace   *schedule.Duration     `json:"cancel_grace,omitempty" jsonschema:"default=10s" jsonschema_description:"With overlap: cancel, how long the cancelled job is waited for."`
	Limit         *string                `json:"limit,omitempty" jsonschema_description:"The group, of those under limits, whose places its jobs take."`
	Jitter        *schedule.Duration     `json:"jitter,omitempty" jsonschema_description:"Delays each occurrence by an offset that is always the same for the schedule, and shorter than this."`
	Except        words                  `json:"except,omitempty" jsonschema:"example=2026-12-25" jsonschema_description:"Local dates without occurrences: dates, and names of calendars."`
	Env           map[string]placeholder `json:"env,omitempty" jsonschema_description:"Environment variables of the command; ${NAME} is replaced by the worker. Added to those of the defaults."`
	Directory     *string                `json:"directory,omitempty" jsonschema_description:"The directory the command runs in. Default: that of the schedule file."`
	InheritEnv    *inherited             `json:"inherit_env,omitempty" jsonschema_description:"What the command sees of the worker's environment: all, none, or a list of names. Default: all."`
	Umask         *umask                 `json:"umask,omitempty" jsonschema:"example=027" jsonschema_description:"The umask of the command, in octal. Default: the worker's."`
	User          *string                `json:"user,omitempty" jsonschema:"example=deploy" jsonschema_description:"The user the command runs as, by name or number; the worker has to run as root. Default: the worker's."`
	Group         *string                `json:"group,omitempty" jsonschema_description:"With user: the group the command runs as, by name or number. Default: the user's own."`
	SuccessCodes  exitCodes              `json:"success_codes,omitempty" jsonschema_description:"The exit codes that count as success, such as 0 or 10-19. Default: 0."`
	NoRetryCodes  exitCodes              `json:"no_retry_codes,omitempty" jsonschema_description:"The exit codes after which the job is not tried again, whatever retries says. Default: none."`
	EnabledIn     words                  `json:"enabled_in,omitempty" jsonschema_description:"The environments (PUNCTUAL_ENV) it runs in; elsewhere it is paused. Default: everywhere."`
}

// request is an HTTP request as it is written.
type request struct {
	Method          *string                `json:"method,omitempty" jsonschema_description:"Default: GET, or POST with a body."`
	URL             *string                `json:"url" jsonschema:"required" jsonschema_description:"Where to; ${NAME} is replaced by the worker."`
	Headers         map[string]placeholder `json:"headers,omitempty" jsonschema_description:"Headers by name; ${NAME} is replaced by the worker."`
	Body            *string                `json:"body,omitempty" jsonschema_description:"The body as text; ${NAME} is replaced by the worker."`
	SuccessCodes    codes                  `json:"success_codes,omitempty" jsonschema_description:"The status codes that count as success: 200, 2xx or 200-299. Default: 2xx."`
	RetryCodes      codes                  `json:"retry_codes,omitempty" jsonschema_description:"The status codes from 400 to 499 that are tried again besides 408, 425 and 429. Default: none."`
	FollowRedirects *bool                  `json:"follow_redirects,omitempty" jsonschema:"default=false" jsonschema_description:"Follow redirects, at most 10; the headers go along to the same host only."`
	SignWith        *string                `json:"sign_with,omitempty" jsonschema:"example=WEBHOOK_SECRET" jsonschema_description:"Sign the request as Standard Webhooks describes, with the secret in this environment variable of the worker."`
	CAFile          *string                `json:"ca_file,omitempty" jsonschema_description:"A file of certificates in PEM that are trusted besides those of the system."`
}

// work is a job for a Go worker as it is written.
type work struct {
	Kind *string `json:"kind" jsonschema:"required" jsonschema_description:"The kind of the River worker."`
	Args object  `json:"args,omitempty" jsonschema_description:"Its arguments."`
}

// words are one text or a list of texts. Nil: not written.
type words []string

// dates are a list of dates.
type dates []string

// codes are status codes: numbers or texts, one or a list.
type codes []string

// placeholder is text in which the worker replaces ${NAME}.
type placeholder string

// object is a mapping of any shape, as JSON.
type object json.RawMessage

// command is a text for the shell or a list to execute.
type command struct {
	shell   string
	program []string
}

// backoff is a fixed duration or a mapping.
type backoff struct {
	Kind    *string            `json:"kind,omitempty" jsonschema:"enum=exponential,enum=fixed,default=exponential" jsonschema_description:"exponential doubles the delay each time, up to max."`
	Initial *schedule.Duration `json:"initial,omitempty" jsonschema:"default=10s" jsonschema_description:"The first delay."`
	Max     *schedule.Duration `json:"max,omitempty" jsonschema:"default=1h" jsonschema_description:"The longest delay."`

	fixed bool // written as one duration, which Initial holds
}

package schedule

import "time"

// Told is what a job is told of its occurrence: as environment by commands, as
// headers by HTTP calls, as metadata by Go workers. It travels with the job.
type Told struct {
	Schedule   string    `json:"schedule"`
	Occurrence string    `json:"occurrence"` // the idempotency key
	Nominal    time.Time `json:"nominal,omitzero"`
	Due        time.Time `json:"due,omitzero"`
	// The job stands for the nominals in (From, Nominal]; Missed of them were
	// coalesced or superseded into it, the first at MissedSince.
	From        time.Time `json:"from,omitzero"`
	Missed      int       `json:"missed,omitempty"`
	MissedSince time.Time `json:"missed_since,omitzero"`
}

// Payload is the argument of the jobs punctual's own workers run: what the
// schedule said at the moment of decision, and what the job is told. ${NAME}
// stands unresolved in it.
type Payload struct {
	Told
	Command *Command `json:"command,omitempty"`
	HTTP    *Request `json:"http,omitempty"`
	Timeout Duration `json:"timeout,omitzero"` // of one attempt; zero: none
	// ExpiresAt is when a job that has not started is no longer worth starting;
	// zero: never.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	Backoff   Backoff   `json:"backoff"`
	// Trace is the context of the trace that its decision began, as W3C Trace
	// Context writes it; empty: there is none.
	Trace string `json:"trace,omitempty"`
}

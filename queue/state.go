package queue

import (
	"strings"
	"time"

	"github.com/punctual-dev/punctual/database"
)

// lostPrefix begins the error of an attempt that was lost with its worker. It
// is on record, but no failure of the job.
const lostPrefix = "lost: "

// cancelPrefix is River's word before an error after which a job is not tried
// again.
const cancelPrefix = "JobCancelError: "

// riversCancel is River's word for an attempt that was told to stop, since its job
// was cancelled, and Cancelled is ours: River's sounds like a fault.
const (
	riversCancel = "job cancelled remotely"
	Cancelled    = "stopped: its job was cancelled"
)

// InOurWords is the error of an attempt without River's words for what is ours.
func InOurWords(text string) string {
	return strings.ReplaceAll(strings.TrimPrefix(text, cancelPrefix), riversCancel, Cancelled)
}

// Conditions are SQL over a row of river_job, for those who join the ledger
// with the queue.
type Conditions struct {
	// Active: the job has yet to run, or runs; one that waits for a retry after
	// a failed attempt is not active.
	Active string
	// Retrying: the job waits for a retry.
	Retrying string
	// Ended: the job will not run again by itself.
	Ended string
	// EndedSince: the job ended at the instant of the parameter $2 or after it,
	// which Instant gives. An index finds these.
	EndedSince string
	// Outcome is what came of an ended job: succeeded, failed, cancelled or
	// expired.
	Outcome string
	// Error is the last error's text, or empty.
	Error string
	// StartedAt and FinishedAt are instants as this database's own tables keep
	// them.
	StartedAt, FinishedAt string
	// Occurrence and Due are what a job of ours was told; null for other jobs.
	Occurrence, Due string
}

// Conditions over river_job under the alias j.
func (q *Queue) Conditions() Conditions {
	failures := `(SELECT count(*) FROM unnest(j.errors) e WHERE e->>'error' NOT LIKE '` + lostPrefix + `%')`
	lastError := `coalesce(j.errors[array_length(j.errors, 1)]->>'error', '')`
	asked := `j.metadata ? 'cancel_attempted_at'`
	started, finished := "j.attempted_at", "j.finalized_at"
	if q.db.Kind == database.SQLite {
		failures = `(SELECT count(*) FROM json_each(coalesce(j.errors, '[]')) WHERE json_extract(value, '$.error') NOT LIKE '` + lostPrefix + `%')`
		lastError = `coalesce(json_extract(j.errors, '$[#-1].error'), '')`
		asked = `json_extract(j.metadata, '$.cancel_attempted_at') IS NOT NULL`
		started, finished = micros("j.attempted_at"), micros("j.finalized_at")
	}
	waits := `j.state IN ('available', 'scheduled', 'pending')`
	lastError = "replace(" + lastError + ", '" + cancelPrefix + "', '')"
	return Conditions{
		Active:     `(j.state = 'running' OR ` + waits + ` AND ` + failures + ` = 0)`,
		Retrying:   `(j.state = 'retryable' OR ` + waits + ` AND ` + failures + ` > 0)`,
		Ended:      `j.state IN ('completed', 'cancelled', 'discarded')`,
		EndedSince: `j.state IN ('completed', 'cancelled', 'discarded') AND j.finalized_at >= $2`,
		Outcome: `CASE WHEN j.state = 'completed' THEN 'succeeded'
			WHEN j.state = 'discarded' THEN 'failed'
			WHEN ` + lastError + ` LIKE '%` + ErrExpired.Error() + `%' THEN 'expired'
			WHEN ` + asked + ` THEN 'cancelled'
			WHEN j.errors IS NULL THEN 'cancelled'
			ELSE 'failed' END`,
		Error:     lastError,
		StartedAt: started, FinishedAt: finished,
		Occurrence: q.told("occurrence"), Due: q.told("due"),
	}
}

// told is a fact that a job of ours was told: a command or a request with its
// arguments, a Go worker with the job's metadata, since the arguments are its own.
func (q *Queue) told(name string) string {
	metadata, arguments := "j.metadata->>'"+metadataPrefix+name+"'", "j.args->>'"+name+"'"
	if q.db.Kind == database.SQLite {
		metadata, arguments = "json_extract(j.metadata, '$."+metadataPrefix+name+"')", "json_extract(j.args, '$."+name+"')"
	}
	return "CASE WHEN j.kind IN ('" + KindCommand + "', '" + KindHTTP + "') THEN " + arguments + " ELSE " + metadata + " END"
}

// Instant is an instant as the queue's own tables keep it: to the millisecond, as
// text, on SQLite.
func (q *Queue) Instant(t time.Time) any {
	if q.db.Kind == database.SQLite {
		return t.UTC().Format("2006-01-02 15:04:05.000")
	}
	return t
}

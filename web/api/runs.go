package api

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
	"github.com/punctual-dev/punctual/web/access"
)

// RunChoice chooses runs; what is left out chooses all.
type RunChoice struct {
	Schedule string    `query:"schedule" json:"schedule,omitempty" maxLength:"100" doc:"Of this schedule."`
	State    string    `query:"state" json:"state,omitempty" enum:"skipped,available,scheduled,pending,running,retryable,succeeded,failed,cancelled,expired,superseded,unknown" doc:"In this state."`
	Decision string    `query:"decision" json:"decision,omitempty" enum:"enqueued,skipped"`
	Origin   string    `query:"origin" json:"origin,omitempty" enum:"clock,backfill,trigger" doc:"Who asked for it."`
	From     time.Time `query:"from" json:"from,omitzero" doc:"Due at or after this instant."`
	To       time.Time `query:"to" json:"to,omitzero" doc:"Due before this instant."`
	Error    string    `query:"error" json:"error,omitempty" maxLength:"200" doc:"With these words in the error, the note or the reason, in any case."`
	Unseen   bool      `query:"unseen" json:"unseen,omitempty" doc:"Final failures that nobody has said to have seen."`
	Backfill int64     `query:"backfill" json:"backfill,omitempty" minimum:"0" doc:"Of the backfill of this number."`
	Job      int64     `query:"job" json:"job,omitempty" minimum:"0" doc:"With the job of this number."`
}

func (c RunChoice) filter() store.RunFilter {
	return store.RunFilter{
		Key: c.Schedule, State: c.State, Decision: c.Decision, Origin: c.Origin, From: c.From, To: c.To,
		Error: c.Error, Unseen: c.Unseen, Backfill: c.Backfill, JobID: c.Job,
	}
}

type runList struct {
	Paging
	RunChoice
}

// Named is an operation on one run.
type Named struct {
	Run string `path:"run" maxLength:"200" doc:"Its id, or the name of its occurrence (report@2026-11-23T09:00:00Z; of several runs the last with a job) or trigger (report!k3f9)."`
}

// RunDetail is everything about one run.
type RunDetail struct {
	store.Run
	Why         string           `json:"why,omitempty" doc:"Of a skip: the reason in words."`
	BlockedBy   *store.Run       `json:"blocked_by,omitempty" doc:"Of a skip: the run that stood in the way."`
	Queue       string           `json:"queue,omitempty" doc:"Like all that follows, known while the queue keeps the job."`
	Priority    int              `json:"priority,omitempty"`
	MaxAttempts int              `json:"max_attempts,omitempty"`
	Worker      string           `json:"worker,omitempty" doc:"The process that took the last attempt."`
	NextAttempt *time.Time       `json:"next_attempt,omitempty" doc:"Of one that waits for a retry."`
	Failures    []Failure        `json:"failures" nullable:"false" doc:"Attempts that failed or were lost."`
	Job         *RunJob          `json:"job,omitempty"`
	Told        *schedule.Told   `json:"told,omitempty" doc:"What the job was told of its occurrence."`
	Timeline    []Moment         `json:"timeline" nullable:"false" doc:"What happened when, in order."`
	ByHand      []store.Activity `json:"by_hand,omitempty" doc:"Who retried and cancelled its job, and what had come of it before."`
	CLI         []Line           `json:"cli" nullable:"false" doc:"The same by the command line."`
}

// Failure is an attempt that failed or was lost.
type Failure struct {
	Attempt int       `json:"attempt"`
	At      time.Time `json:"at"`
	Error   string    `json:"error"`
}

// RunJob is exactly what was run, with secrets hidden. ${NAME} is filled in by
// the worker, and never kept.
type RunJob struct {
	Kind    string            `json:"kind"`
	InWords string            `json:"in_words"`
	Run     *schedule.Command `json:"run,omitempty"`
	HTTP    *schedule.Request `json:"http,omitempty"`
	Work    *GoWork           `json:"work,omitempty"`
}

// GoWork is a job for a Go worker.
type GoWork struct {
	Kind string `json:"kind"`
	Args any    `json:"args,omitempty"`
}

// Moment is an instant of a run.
type Moment struct {
	What string    `json:"what" enum:"nominal,due,enqueued,skipped,started,failed,finished,next attempt,seen"`
	At   time.Time `json:"at"`
	Text string    `json:"text,omitempty"`
}

// Line is a line for a shell, and what it does.
type Line struct {
	Does    string `json:"does"`
	Command string `json:"command"`
}

// runs registers what looks at runs.
func (a *api) runs() {
	add(a, operation{
		id: "list-runs", method: http.MethodGet, path: "/runs", role: access.Viewer, tag: "runs",
		summary: "List runs", help: "Decisions and what came of them, the newest first.",
	}, a.listRuns)
	add(a, operation{
		id: "get-run", method: http.MethodGet, path: "/runs/{run}", role: access.Viewer, tag: "runs",
		summary: "Show a run", help: "From nominal to finish, or why it did not run.", errors: []int{http.StatusNotFound},
	}, a.getRun)
}

func (a *api) listRuns(ctx context.Context, in *runList) (*answer[page[store.Run]], error) {
	before, err := idCursor(in.Cursor)
	if err != nil {
		return nil, err
	}
	filter := in.filter()
	filter.Before, filter.Limit = before, in.Limit+1
	all, err := a.Store.Runs(ctx, filter)
	if err != nil {
		return nil, err
	}
	return &answer[page[store.Run]]{pageOf(all, in.Limit, func(r store.Run) int64 { return r.ID }, same)}, nil
}

// find is the run that a path names.
func (a *api) find(ctx context.Context, name string) (store.Run, error) {
	filter := store.RunFilter{Limit: 20}
	key, trigger, triggered := strings.Cut(name, "!")
	id, err := strconv.ParseInt(name, 10, 64)
	switch {
	case err == nil && id > 0:
		filter.ID = id
	case triggered && schedule.ValidKey(key) && trigger != "":
		filter.Key, filter.Trigger = key, trigger
	default:
		if filter.Key, filter.Nominal, err = schedule.ParseOccurrenceName(name); err != nil {
			return store.Run{}, unprocessable([]error{located("path.run", fmt.Sprintf("%q names no run", name),
				"its id, an occurrence such as report@2026-11-23T09:00:00Z, or a trigger such as report!k3f9", nil)})
		}
	}
	runs, err := a.Store.Runs(ctx, filter)
	if err != nil {
		return store.Run{}, err
	}
	if len(runs) == 0 {
		return store.Run{}, problem(http.StatusNotFound, "there is no run "+name+" on record"+a.renamed(ctx, filter.Key))
	}
	for _, run := range runs {
		if run.JobID != 0 {
			return run, nil
		}
	}
	return runs[0], nil
}

func (a *api) getRun(ctx context.Context, in *Named) (*answer[RunDetail], error) {
	run, err := a.find(ctx, in.Run)
	if err != nil {
		return nil, err
	}
	v := RunDetail{Run: run, Failures: []Failure{}}
	if run.Blocker > 0 {
		blockers, err := a.Store.Runs(ctx, store.RunFilter{JobID: run.Blocker, Limit: 1})
		if err != nil {
			return nil, err
		}
		if len(blockers) > 0 {
			v.BlockedBy = &blockers[0]
		}
	}
	if run.Reason != "" {
		policies := schedule.DefaultPolicies()
		if o, err := a.overviewOf(ctx, run.Schedule); err == nil {
			policies = o.Policies
		}
		if v.Why, err = a.Store.WhySkipped(ctx, run, v.BlockedBy, policies); err != nil {
			return nil, err
		}
	}
	if err := a.addJob(ctx, &v); err != nil {
		return nil, err
	}
	v.Timeline, v.CLI = timeline(v), lines(v)
	return &answer[RunDetail]{v}, nil
}

// timeline is what happened, in order.
func timeline(v RunDetail) []Moment {
	all := []Moment{}
	add := func(what string, at time.Time, text string) {
		if !at.IsZero() {
			all = append(all, Moment{what, at.UTC(), text})
		}
	}
	add("nominal", v.Nominal, "")
	add("due", v.Due, "")
	decided := v.Decision
	add(decided, v.DecidedAt, firstOf(v.Note, v.Reason))
	for _, f := range v.Failures {
		add("failed", f.At, fmt.Sprintf("attempt %d: %s", f.Attempt, f.Error))
	}
	add("started", v.StartedAt, fmt.Sprintf("attempt %d", max(v.Attempts, 1)))
	if ended(v.Run) {
		add("finished", v.FinishedAt, firstOf(v.Error, v.State))
	}
	if v.NextAttempt != nil {
		add("next attempt", *v.NextAttempt, "")
	}
	add("seen", v.SeenAt, v.SeenBy)
	for _, one := range v.ByHand {
		add(one.Action, one.At, "by "+one.Author+": "+one.Detail)
	}
	// An attempt that failed did so before the last one started, and after the
	// first did: by their instants they fall into place.
	stableByTime(all)
	return all
}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// ended says that nothing more comes of a run by itself.
func ended(r store.Run) bool {
	switch r.State {
	case "available", "scheduled", "pending", "running", "retryable":
		return false
	}
	return true
}

// lines are what the command line does with a run. Names hold nothing that a
// shell reads, but for the exclamation mark of a trigger.
func lines(v RunDetail) []Line {
	name := v.Occurrence
	if v.JobID != 0 {
		name = strconv.FormatInt(v.JobID, 10)
	} else if strings.Contains(name, "!") {
		name = "'" + name + "'"
	}
	all := []Line{{"show it", "punctual runs show " + name}}
	if v.JobID != 0 {
		all = append(all, Line{"print its output", "punctual runs output " + name})
		if v.State != "running" && v.State != "available" {
			all = append(all, Line{"run it again", "punctual runs retry " + name})
		}
		if !ended(v.Run) {
			all = append(all, Line{"stop it", "punctual runs cancel " + name})
		}
	}
	return append(all, Line{"run the schedule now", "punctual schedules trigger " + v.Schedule})
}

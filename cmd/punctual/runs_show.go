package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

// runsShowCommand tells the story of one occurrence.
type runsShowCommand struct {
	Named string `arg:"" name:"run" help:"An occurrence such as report@2026-11-23T09:00:00Z, a trigger such as report!k3f9, or the number of a job."`
	JSON  bool   `name:"json" help:"Print JSON."`
}

// runView is a run for scripts, with what the queue still knows of its job.
type runView struct {
	store.Run
	Why         string        `json:"why,omitempty"` // of a skip, in words
	BlockedBy   *store.Run    `json:"blocked_by,omitempty"`
	Queue       string        `json:"queue,omitempty"`
	Priority    int           `json:"priority,omitempty"`
	MaxAttempts int           `json:"max_attempts,omitempty"`
	NextAttempt time.Time     `json:"next_attempt,omitzero"` // of one that waits for a retry
	WaitsFor    string        `json:"waits_for,omitempty"`   // of one that has not been taken, in words
	Failures    []failureView `json:"failures,omitempty"`
	// ByHand are who retried and cancelled the job, with what had come of it.
	ByHand []store.Activity `json:"by_hand,omitempty"`

	more bool // it was given attempts that nobody asked for, as by exit code 75
}

// failureView is an attempt that failed or was lost.
type failureView struct {
	Attempt int       `json:"attempt"`
	At      time.Time `json:"at"`
	Error   string    `json:"error"`
	Trace   string    `json:"trace,omitempty"` // the stack of a panic
}

// Run shows every run of the occurrence: the clock's, and those of backfills.
func (c *runsShowCommand) Run(a *app, s *settings) error {
	r, err := parseReference("runs show", c.Named)
	if err != nil {
		return err
	}
	st, err := s.look(a)
	if err != nil {
		return err
	}
	defer st.Database().Close()
	runs, err := r.find(a, st)
	if err != nil {
		return err
	}
	var one *store.Overview
	if overviews, err := st.Overviews(a.Context, runs[0].Schedule); err == nil {
		one = &overviews[0]
	}
	views := make([]runView, len(runs))
	for i, run := range runs {
		if views[i], err = viewRun(a, st, run, one); err != nil {
			return err
		}
	}
	if c.JSON {
		return a.printJSON(views)
	}
	now, err := st.Now(a.Context)
	if err != nil {
		return err
	}
	zone := time.UTC
	if one != nil {
		zone = zoneOf(one.Schedule)
	}
	for i, v := range views {
		if i > 0 {
			fmt.Fprintln(a.Stdout)
		}
		v.print(a, zone, now)
	}
	return nil
}

// viewRun adds to a run what the queue knows of its job, while it keeps it.
func viewRun(a *app, st *store.Store, run store.Run, one *store.Overview) (runView, error) {
	v := runView{Run: run, Why: whySkipped(run, one)}
	if run.Blocker > 0 {
		blockers, err := st.Runs(a.Context, store.RunFilter{JobID: run.Blocker, Limit: 1})
		if err != nil {
			return v, err
		}
		if len(blockers) > 0 {
			v.BlockedBy = &blockers[0]
		}
		if v.Note == "" && v.BlockedBy != nil && schedule.Reason(run.Reason) == schedule.ReasonNotFinished && !begunBy(*v.BlockedBy, run.DecidedAt) {
			v.Why = "the previous run had not even begun (overlap: skip)"
		}
	}
	if run.JobID == 0 {
		return v, nil
	}
	var err error
	if v.ByHand, err = st.JobActivities(a.Context, run.JobID); err != nil {
		return v, err
	}
	job, err := st.Queue().Get(a.Context, run.JobID)
	if err != nil {
		return v, nil // the queue has forgotten it; the ledger tells what is left
	}
	v.Queue, v.Priority, v.MaxAttempts = job.Queue, job.Priority, job.MaxAttempts
	v.more = one != nil && job.MaxAttempts > one.Policies.Retries+1+len(v.ByHand)
	now, err := st.Now(a.Context)
	if err != nil {
		return v, err
	}
	switch again := run.State == "retryable"; {
	case again && job.ScheduledAt.After(now):
		v.NextAttempt = job.ScheduledAt.UTC()
	case again, run.State == "available":
		q, err := st.QueueOverview(a.Context, job.Queue)
		if err != nil {
			return v, err
		}
		v.WaitsFor = waitsFor(q, job.Kind)
	}
	for _, e := range job.Errors {
		v.Failures = append(v.Failures, failureView{e.Attempt, e.At.UTC(), e.Error, e.Trace})
	}
	return v, nil
}

// begunBy says that a run had begun at an instant.
func begunBy(run store.Run, at time.Time) bool {
	return !run.StartedAt.IsZero() && !run.StartedAt.After(at) || run.Attempts > 1
}

// whySkipped is the reason of a skip in words.
func whySkipped(r store.Run, one *store.Overview) string {
	policies := schedule.DefaultPolicies()
	if one != nil {
		policies = one.Policies
	}
	return schedule.Reason(r.Reason).InWords(policies, r.Note)
}

func (v runView) print(a *app, zone *time.Location, now time.Time) {
	fmt.Fprintf(a.Stdout, "%s  %s\n\n", a.paint(v.Occurrence, bold), a.paint(v.State, outcomeColour(v.State)))
	line := func(name, text string, arguments ...any) {
		fmt.Fprintf(a.Stdout, "  %-9s %s\n", name, fmt.Sprintf(text, arguments...))
	}
	if v.Count > 1 {
		line("stretch", "%s, from %s to %s, share this decision", counted(v.Count, "occurrence"), localNominal(v.Nominal, zone), localNominal(v.Until, zone))
	} else if !v.Nominal.IsZero() {
		line("nominal", "%s", localNominal(v.Nominal, zone))
	}
	if jitter := v.Due.Sub(v.Nominal); v.Nominal.IsZero() || jitter > 0 {
		line("due", "%s", localNominal(v.Due, zone))
	}
	if v.JobID == 0 {
		v.printSkip(line, zone)
		return
	}
	line("enqueued", "%s, %s after due, as job %d%s", local(v.DecidedAt, zone), schedule.Elapsed(v.DecidedAt.Sub(v.Due)), v.JobID, v.by())
	if v.Note != "" {
		line("note", "%s", v.Note)
	}
	if v.Queue != "" {
		line("queue", "%s, priority %d", v.Queue, v.Priority)
	}
	v.printJob(line, zone, now)
	fmt.Fprintf(a.Stdout, "\n  punctual runs output %d\n", v.JobID)
}

// by says whose decision it was, where it was not the clock's.
func (v runView) by() string {
	switch {
	case v.Origin == "backfill":
		return fmt.Sprintf(", by backfill %d", v.Backfill)
	case v.Author != "":
		return ", by " + v.Author
	}
	return ""
}

func (v runView) printSkip(line func(string, string, ...any), zone *time.Location) {
	line("skipped", "%s%s: %s", local(v.DecidedAt, zone), v.by(), v.Reason)
	line("why", "%s", v.Why)
	if v.Blocker > 0 {
		what := fmt.Sprintf("job %d", v.Blocker)
		if v.BlockedBy != nil {
			what += fmt.Sprintf(" of %s, now %s", v.BlockedBy.Occurrence, v.BlockedBy.State)
		}
		line("job", "%s stood in the way", what)
	}
}

func (v runView) printJob(line func(string, string, ...any), zone *time.Location, now time.Time) {
	for _, one := range v.ByHand {
		line(handWords[one.Action], "by %s, %s%s", one.Author, local(one.At, zone), strings.TrimPrefix(one.Detail, fmt.Sprintf("job %d", v.JobID)))
	}
	if !v.StartedAt.IsZero() {
		line("started", "%s, %s after it was enqueued%s", local(v.StartedAt, zone), schedule.Elapsed(v.StartedAt.Sub(v.DecidedAt)), v.attempt())
	}
	if v.Progress != nil {
		line("progress", "%s", progress(*v.Progress, now))
	}
	for _, f := range v.Failures {
		line("failure", "attempt %d, %s: %s", f.Attempt, local(f.At, zone), strings.TrimSpace(f.Error))
		for frame := range strings.Lines(strings.TrimSpace(f.Trace)) {
			line("", "%s", strings.TrimRight(frame, "\n"))
		}
	}
	if !v.NextAttempt.IsZero() {
		line("again", "%s, %s", relative(v.NextAttempt, now), local(v.NextAttempt, zone))
	}
	if v.State == "superseded" {
		line("why", "it had not finished when a newer occurrence came due, and took its place")
	}
	switch {
	case hasEnded(v.Run) && !v.FinishedAt.IsZero():
		line("finished", "%s, %s", local(v.FinishedAt, zone), ended(v.Run))
		if !v.SeenAt.IsZero() {
			line("seen", "by %s, %s", v.SeenBy, relative(v.SeenAt, now))
		}
	case v.WaitsFor != "":
		line("waits", "for %s; queued %s", v.WaitsFor, relative(v.DecidedAt, now))
	}
}

var handWords = map[string]string{"retry": "retried", "cancel": "cancelled"}

// progress is how far a job said it was, and when.
func progress(p store.Progress, now time.Time) string {
	text := fmt.Sprintf("%.0f %%", 100*p.Fraction)
	if p.Note != "" {
		text += ", " + oneLine(p.Note)
	}
	return text + ", " + relative(p.At, now)
}

// attempt says which attempt it is, where there was or may be another.
func (v runView) attempt() string {
	switch {
	case v.MaxAttempts > 1 && !v.more:
		return fmt.Sprintf(" (attempt %d of %d)", v.Attempts, v.MaxAttempts)
	case v.Attempts > 1:
		return fmt.Sprintf(" (attempt %d)", v.Attempts)
	}
	return ""
}

// ended says what came of a job.
func ended(r store.Run) string {
	text := r.State
	if !r.StartedAt.IsZero() && r.FinishedAt.After(r.StartedAt) {
		text += " after " + schedule.Elapsed(r.FinishedAt.Sub(r.StartedAt))
	}
	if r.Error != "" {
		text += ": " + strings.TrimSpace(r.Error)
	}
	return text
}

package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/queue"
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

	more        bool   // it was given attempts that nobody asked for, as by exit code 75
	givenBack   int    // attempts that a worker gave back unfinished, of which nothing is on record
	cancelledBy string // who cancelled it, or what, and when; empty: it is not known
}

// failureView is an attempt that failed or was lost.
type failureView struct {
	Attempt int       `json:"attempt"`
	At      time.Time `json:"at"` // when it began; of one that was lost, when that was found
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
	v := runView{Run: run}
	if run.Blocker > 0 {
		blockers, err := st.Runs(a.Context, store.RunFilter{JobID: run.Blocker, Limit: 1})
		if err != nil {
			return v, err
		}
		if len(blockers) > 0 {
			v.BlockedBy = &blockers[0]
		}
	}
	policies := schedule.DefaultPolicies()
	if one != nil {
		policies = one.Policies
	}
	var err error
	if v.Why, err = st.WhySkipped(a.Context, run, v.BlockedBy, policies); err != nil {
		return v, err
	}
	if run.JobID == 0 {
		return v, nil
	}
	if v.ByHand, err = st.JobActivities(a.Context, run.JobID); err != nil {
		return v, err
	}
	if v.cancelledBy, err = whoCancelled(a, st, v, one); err != nil {
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
	v.givenBack = givenBack(v, len(job.AttemptedBy))
	return v, nil
}

// givenBack is how many attempts a worker began and gave back as it stopped: it took
// the job for them, and left no failure behind.
func givenBack(v runView, takes int) int {
	if v.State == "running" || v.State == outcomeSucceeded {
		takes-- // the last one
	}
	if v.State == "expired" || len(v.ByHand) > 0 {
		return 0 // what came of the takes is not on record
	}
	return max(takes-len(v.Failures), 0)
}

// whoCancelled says who cancelled a job, or what, and when; empty: it was not, or it
// is not known.
func whoCancelled(a *app, st *store.Store, v runView, one *store.Overview) (string, error) {
	if v.State != "cancelled" {
		return "", nil
	}
	for _, by := range slices.Backward(v.ByHand) {
		if by.Action == "cancel" {
			return fmt.Sprintf("by %s at %s", by.Author, schedule.FormatInstant(by.At)), nil
		}
	}
	deleted, err := st.ActivitiesOf(a.Context, v.Schedule, "delete", 1)
	if err != nil {
		return "", err
	}
	if len(deleted) > 0 && !deleted[0].At.Before(v.DecidedAt) && !deleted[0].At.After(v.FinishedAt) {
		return fmt.Sprintf("when %s deleted the schedule at %s", deleted[0].Author, schedule.FormatInstant(deleted[0].At)), nil
	}
	if one == nil || one.Policies.Overlap != schedule.OverlapCancel {
		return "", nil
	}
	newer, err := st.NewerThan(a.Context, v.Run, v.FinishedAt)
	if err != nil || newer == nil {
		return "", err
	}
	return fmt.Sprintf("by a newer occurrence, %s (overlap: cancel)", newer.Occurrence), nil
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
			what += fmt.Sprintf(" of %s, %snow %s,", v.BlockedBy.Occurrence, begun(*v.BlockedBy, v.DecidedAt, zone), v.BlockedBy.State)
		}
		line("job", "%s stood in the way", what)
	}
}

// begun says when the run in the way began, if that was before an instant.
func begun(r store.Run, at time.Time, zone *time.Location) string {
	if r.StartedAt.IsZero() || r.StartedAt.After(at) {
		return ""
	}
	return "begun at " + local(r.StartedAt, zone) + ", "
}

func (v runView) printJob(line func(string, string, ...any), zone *time.Location, now time.Time) {
	for _, one := range v.ByHand {
		line(handWords[one.Action], "by %s, %s%s", one.Author, local(one.At, zone), strings.TrimPrefix(one.Detail, fmt.Sprintf("job %d", v.JobID)))
	}
	// Of a job only the start of its last attempt is kept; earlier ones are told of
	// by how they ended.
	last := len(v.Failures)
	if !v.StartedAt.IsZero() {
		last = slices.IndexFunc(v.Failures, func(f failureView) bool { return !f.At.Before(v.StartedAt) })
	}
	if last < 0 {
		last = len(v.Failures)
	}
	v.printFailures(line, zone, v.Failures[:last])
	if v.givenBack > 0 {
		line("unknown", "when %s began: its worker stopped, gave the job back, and left no record of it", counted(v.givenBack, "earlier attempt"))
	}
	if !v.StartedAt.IsZero() {
		line("started", "%s, %s after it was enqueued%s", local(v.StartedAt, zone), schedule.Elapsed(v.StartedAt.Sub(v.DecidedAt)), v.attempt())
	}
	if v.Progress != nil {
		line("progress", "%s", progress(*v.Progress, now))
	}
	v.printFailures(line, zone, v.Failures[last:])
	if !v.NextAttempt.IsZero() {
		line("again", "%s, %s", relative(v.NextAttempt, now), local(v.NextAttempt, zone))
	}
	if v.State == "superseded" {
		line("why", "it had not finished when a newer occurrence came due, and took its place")
	}
	switch {
	case hasEnded(v.Run) && !v.FinishedAt.IsZero():
		line("finished", "%s, %s", local(v.FinishedAt, zone), v.byWhom(ended(v.Run)))
		if !v.SeenAt.IsZero() {
			line("seen", "by %s, %s", v.SeenBy, relative(v.SeenAt, now))
		}
	case v.WaitsFor != "":
		line("waits", "for %s; queued %s", v.WaitsFor, relative(v.DecidedAt, now))
	}
}

// printFailures lists attempts, each with when it began.
func (v runView) printFailures(line func(string, string, ...any), zone *time.Location, failures []failureView) {
	for _, f := range failures {
		worker, began, lost := queue.ParseLost(f.Error)
		since := "an unknown time"
		if !began.IsZero() {
			since = local(began, zone)
		}
		if lost {
			line("lost", "an attempt begun at %s, found lost at %s: %s", since, local(f.At, zone), worker)
		} else {
			line("failure", "attempt %d, begun at %s: %s", f.Attempt, local(f.At, zone), v.byWhom(strings.TrimSpace(f.Error)))
		}
		for frame := range strings.Lines(strings.TrimSpace(f.Trace)) {
			line("", "%s", strings.TrimRight(frame, "\n"))
		}
	}
}

// byWhom adds to the words for an attempt that was told to stop who did so.
func (v runView) byWhom(text string) string {
	if v.cancelledBy == "" {
		return text
	}
	return strings.ReplaceAll(text, queue.Cancelled, queue.Cancelled+" "+v.cancelledBy)
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

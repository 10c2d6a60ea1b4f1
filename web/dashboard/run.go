package dashboard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/queue"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

// runView is what the page of a run shows.
type runView struct {
	store.Run
	Verdict   verdict
	Origin    string
	Zone      string
	ZoneTime  string // the nominal by the clocks of the schedule's zone
	Steps     []step
	Blocked   *store.Run  // the run that stood in the way
	Meanwhile []store.Run // the runs that had its queue's places until it expired
	Full      string      // that those were all places there are; empty: it is not known
	InTheWay  []store.Run // what it waited for, where there is more than one
	GaveWay   *store.Run  // the newer run that took its place, or cancelled it
	Broken    []brokenAttempt
	Back      time.Time // since when it is in the queue, for the last time
	// CancelledBy is who cancelled it, or what, after a space; empty: it is not known.
	CancelledBy string
	Failures    []failedAttempt
	Job         *jobView // nil where there is none, or the queue has forgotten it
	Told        []fact
	Open        bool // more may come of it
	Output      *outputView
	Exists      bool // the schedule does
	MayRetry    bool
	Exit        string
	ByHand      []store.Activity // who retried and cancelled it
}

// Nom is the instant the run is for.
func (v runView) Nom() time.Time {
	if v.Nominal.IsZero() {
		return v.Due
	}
	return v.Nominal
}

// failedAttempt is an attempt that failed or was lost.
type failedAttempt struct {
	Number int
	At     time.Time // when it began; of one that was lost, when that was found
	Began  time.Time // of one that was lost; zero: it is not known
	Ended  time.Time // zero: it is not known any more
	Error  string
}

func failureOf(number int, at time.Time, text string) failedAttempt {
	_, began, _ := queue.ParseLost(text)
	return failedAttempt{Number: number, At: at.UTC(), Began: began, Error: text}
}

// Lost says that the attempt ended with its worker.
func (f failedAttempt) Lost() bool { return strings.HasPrefix(f.Error, lostPrefix) }

// fact is something a job is told, by the name of its environment variable.
type fact struct{ Name, Value string }

// openStates are those in which more comes of a run by itself.
var openStates = []string{"available", "scheduled", "pending", "running", "retryable"}

// job leads from the number of a job to its run.
func (s *site) job(w http.ResponseWriter, r *http.Request) error {
	id, err := strconv.ParseInt(r.PathValue("job"), 10, 64)
	if err != nil || id <= 0 {
		return notFound("The number " + strconv.Quote(r.PathValue("job")) + " names no job.")
	}
	found, err := s.Store.Runs(r.Context(), store.RunFilter{JobID: id, Limit: 1})
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return notFound(fmt.Sprintf("No occurrence has the job %d. Its row of the history may have been pruned.", id))
	}
	http.Redirect(w, r, fmt.Sprintf("%s/runs/%d", s.Prefix, found[0].ID), http.StatusSeeOther)
	return nil
}

// findRun reads the run that the path names.
func (s *site) findRun(r *http.Request) (store.Run, error) {
	id, err := runID(r)
	if err != nil {
		return store.Run{}, err
	}
	found, err := s.Store.Runs(r.Context(), store.RunFilter{ID: id, Limit: 1})
	if err == nil && len(found) == 0 {
		err = notFound(fmt.Sprintf("There is no run %d, or no longer: history is pruned after a while.", id))
	}
	if err != nil {
		return store.Run{}, err
	}
	return found[0], nil
}

// run shows one occurrence from its nominal to its end, or why it did not run.
func (s *site) run(w http.ResponseWriter, r *http.Request) error {
	run, err := s.findRun(r)
	if err != nil {
		return err
	}
	p := s.newPage(r, run.Occurrence, "/runs")
	v, err := s.viewRun(r.Context(), run, p.Now)
	if err != nil {
		return err
	}
	if run.JobID > 0 {
		if v.Output, err = s.outputOf(r.Context(), run, 0, 0); err != nil {
			return err
		}
	}
	p.Main = v
	return s.show(w, r, "run", p)
}

// viewRun is all about a run but its output.
func (s *site) viewRun(ctx context.Context, run store.Run, now time.Time) (runView, error) {
	v := runView{Run: run, Origin: originWords(run), Open: slices.Contains(openStates, run.State), Exit: exitOf(run)}
	policies, err := s.addSchedule(ctx, &v)
	if err != nil {
		return v, err
	}
	v.Verdict = verdictOf(run, policies, now)
	if run.Blocker > 0 {
		blockers, err := s.Store.Runs(ctx, store.RunFilter{JobID: run.Blocker, Limit: 1})
		if err != nil {
			return v, err
		}
		if len(blockers) > 0 {
			v.Blocked = &blockers[0]
		}
	}
	if run.JobID > 0 {
		if v.ByHand, err = s.Store.JobActivities(ctx, run.JobID); err != nil {
			return v, err
		}
		if err := s.addJob(ctx, &v); err != nil {
			return v, err
		}
	}
	v.Steps = withSpans(stepsOf(run, v.Broken, v.Failures, now))
	v.MayRetry = v.Job != nil && run.State != "running" && run.State != "available"
	err = s.explain(ctx, &v, policies, now)
	v.nameWhoCancelled()
	if v.Note == schedule.NoteNotTaken {
		v.Note = "" // the verdict says so
	}
	return v, err
}

// addSchedule adds what the schedule, if it still exists, has to say.
func (s *site) addSchedule(ctx context.Context, v *runView) (*schedule.Policies, error) {
	found, err := s.Store.OverviewsWhere(ctx, store.OverviewFilter{Key: v.Schedule})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	zone := zoneOf(found[0])
	v.Exists, v.Zone, v.ZoneTime = true, zone.String(), inZone(v.Nom(), zone)
	return &found[0].Policies, nil
}

// addJob adds what the queue knows of the job, while it keeps it.
func (s *site) addJob(ctx context.Context, v *runView) error {
	job, err := s.Store.Queue().Get(ctx, v.JobID)
	if errors.Is(err, queue.ErrNoJob) {
		return nil
	}
	if err != nil {
		return err
	}
	one := jobView{Queue: job.Queue, Priority: job.Priority, MaxAttempts: job.MaxAttempts}
	if len(job.AttemptedBy) > 0 {
		one.Worker = job.AttemptedBy[len(job.AttemptedBy)-1]
	}
	now, err := s.Store.Now(ctx)
	if err != nil {
		return err
	}
	if v.State == "retryable" && job.ScheduledAt.After(now) {
		one.NextAttempt = job.ScheduledAt.UTC()
		v.Verdict.Next = ""
	}
	for _, failed := range job.Errors {
		v.Failures = append(v.Failures, failureOf(failed.Attempt, failed.At, failed.Error))
	}
	if n := len(v.Failures); n > 0 && slices.Contains([]string{"failed", "cancelled"}, v.State) && !v.Failures[n-1].Lost() {
		v.Failures[n-1].Ended = v.FinishedAt
	}
	if v.Broken, err = s.brokenOf(ctx, v.Run, job.AttemptedBy, v.Failures, v.ByHand); err != nil {
		return err
	}
	v.Back = backSince(v.Run, v.Broken, v.ByHand)
	var told schedule.Told
	if queue.OwnKind(job.Kind) {
		var payload schedule.Payload
		if err := json.Unmarshal(job.EncodedArgs, &payload); err == nil {
			one.describe(schedule.Job{Run: payload.Command, HTTP: payload.HTTP})
			one.Timeout, told = payload.Timeout, payload.Told
		}
	} else {
		one.describe(schedule.Job{Work: &schedule.Work{Kind: job.Kind, Args: job.EncodedArgs}})
		told, _ = queue.ToldOf(job)
	}
	one.Works = job.Kind
	v.Job, v.Told = &one, factsOf(told)
	return nil
}

// factsOf are what a job was told, without what is empty.
func factsOf(t schedule.Told) []fact {
	if t.Occurrence == "" {
		return nil
	}
	facts := []fact{{"PUNCTUAL_SCHEDULE", t.Schedule}, {"PUNCTUAL_OCCURRENCE", t.Occurrence}}
	instant := func(name string, at time.Time) {
		if !at.IsZero() {
			facts = append(facts, fact{name, schedule.FormatInstant(at)})
		}
	}
	instant("PUNCTUAL_NOMINAL", t.Nominal)
	instant("PUNCTUAL_DUE", t.Due)
	instant("PUNCTUAL_FROM", t.From)
	if t.Missed > 0 {
		facts = append(facts, fact{"PUNCTUAL_MISSED", strconv.Itoa(t.Missed)})
	}
	instant("PUNCTUAL_MISSED_SINCE", t.MissedSince)
	return facts
}

// stepsOf are the moments in the life of a run. broken are its attempts that ended
// with their workers: what they took is no time in the queue.
func stepsOf(r store.Run, broken []brokenAttempt, failures []failedAttempt, now time.Time) []step {
	if r.JobID == 0 {
		return nil
	}
	var steps []step
	if !r.Nominal.IsZero() && r.Due.After(r.Nominal) {
		steps = append(steps, step{Name: "nominal", At: r.Nominal})
	}
	steps = append(steps, step{Name: "due", At: r.Due, Span: "jitter", Look: lookPaused})
	steps = append(steps, step{Name: "enqueued", At: r.DecidedAt, Span: "until the clock", Look: lookSkipped})
	queued := step{Name: "started", At: r.StartedAt, Span: "in the queue", Look: lookWaiting}
	switch {
	case r.StartedAt.IsZero() && !r.FinishedAt.IsZero():
		if len(failures) > 0 {
			queued.Span = "queue and attempts"
		}
		return append(steps, step{Name: "ended", At: r.FinishedAt, Span: queued.Span, Look: lookEnded})
	case r.StartedAt.IsZero():
		queued.Name, queued.At, queued.Open = "now", now, true
		return append(steps, queued)
	}
	ran := step{Name: "finished", At: r.FinishedAt, Span: "ran", Look: lookOf(r)}
	if r.FinishedAt.IsZero() {
		ran.Name, ran.At, ran.Open = "now", now, true
	}
	if r.Attempts > 1 {
		queued.Span = "queue and earlier attempts"
	}
	for _, one := range slices.Backward(broken) {
		gone := step{Name: one.Name, At: one.At, Span: "queue and earlier attempts", Look: lookEnded}
		switch {
		case !one.At.After(r.StartedAt):
			// A failure after it is no time in the queue either.
			if !slices.ContainsFunc(failures, func(f failedAttempt) bool { return !f.Lost() && f.At.After(one.At) && f.At.Before(r.StartedAt) }) {
				steps, queued.Span = append(steps, gone), "in the queue"
			}
		case r.State == "available":
			if len(broken) > 1 {
				queued.Span = "queue and earlier attempts"
			}
			gone.Span = "ran"
			return append(steps, queued, gone, step{Name: "now", At: now, Span: "in the queue", Look: lookWaiting, Open: true})
		default:
			continue
		}
		break
	}
	if r.State == "retryable" {
		ran.Span = "ran, and waits for a retry"
	}
	return append(steps, queued, ran)
}

// withSpans adds how long each step took: instants to the second say little of
// what takes milliseconds.
func withSpans(steps []step) []step {
	for i := 1; i < len(steps); i++ {
		steps[i].After = "+" + took(steps[i].At.Sub(steps[i-1].At)) + ", " + steps[i].Span
	}
	return steps
}

var exitCode = regexp.MustCompile(`exit code (\d+)`)

// exitOf is the exit code of a command, or the status of an answer.
func exitOf(r store.Run) string {
	if found := exitCode.FindStringSubmatch(r.Error); found != nil {
		return found[1]
	}
	return ""
}

package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/punctual-dev/punctual/queue"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

// waitsFor is what a job of a kind waits for in its queue.
func waitsFor(q store.QueueOverview, kind string) string {
	switch q.Hold(kind) {
	case store.HeldByPause:
		return fmt.Sprintf("its queue, %s, which is paused (punctual queues resume %[1]s)", q.Name)
	case store.HeldUnworked:
		return fmt.Sprintf("a worker of its queue, %s, which none works (punctual worker --queues=%[1]s)", q.Name)
	case store.HeldUntaken:
		return fmt.Sprintf("a worker that takes the kind %s from its queue, %s: none alive does (%s)", kind, q.Name, store.StartsTaking(kind))
	case store.HeldFull:
		return fmt.Sprintf("a place: the workers of its queue, %s, run %s at once", q.Name, counted(q.Concurrency, "job"))
	}
	return "a worker"
}

// heldUp is what a run waits for; empty: nothing holds it up, or it is not known.
func heldUp(a *app, st *store.Store, run store.Run) string {
	if run.State != "available" {
		return "" // it has begun, or is not due yet
	}
	job, err := st.Queue().Get(a.Context, run.JobID)
	if err != nil {
		return ""
	}
	q, err := st.QueueOverview(a.Context, job.Queue)
	if err != nil || q.Hold(job.Kind) == store.NotHeld {
		return ""
	}
	return waitsFor(q, job.Kind)
}

// standsStill says that nobody will take a job as things are, and what to do;
// empty: somebody will, if only when there is a place.
func standsStill(q store.QueueOverview, kind string) string {
	switch q.Hold(kind) {
	case store.HeldByPause:
		return fmt.Sprintf("its queue, %s, is paused: it waits until somebody resumes it (punctual queues resume %[1]s)", q.Name)
	case store.HeldUnworked:
		return fmt.Sprintf("no worker of its queue, %s, is alive: it waits until one runs (punctual start, or punctual worker)", q.Name)
	case store.HeldUntaken:
		return fmt.Sprintf("no worker alive takes the kind %s from its queue, %s: it waits until one does (%s)", kind, q.Name, store.StartsTaking(kind))
	}
	return ""
}

// hints are what somebody who waits is told, each once.
type hints struct {
	next time.Time
	told map[string]bool
}

// How long somebody waits in silence, and how often it is looked why.
const (
	silentSince = 3 * time.Second
	whyEvery    = time.Second
)

func newHints() *hints { return &hints{next: time.Now().Add(silentSince), told: map[string]bool{}} }

// due says that it is time to look again.
func (h *hints) due() bool {
	if time.Now().Before(h.next) {
		return false
	}
	h.next = time.Now().Add(whyEvery)
	return true
}

// news says of a hint that it is one, and new.
func (h *hints) news(text string) bool { return text != "" && !h.told[text] }

// say tells a hint on the error output, if it is one, and new.
func (h *hints) say(a *app, text string) {
	if h.news(text) {
		h.told[text] = true
		fmt.Fprintf(a.Stderr, "%s.\n", text)
	}
}

// whyStill says why a run that has not ended gets no further; empty: it does, or it
// is not known: this is a hint only.
func whyStill(a *app, st *store.Store, run store.Run) string {
	job, err := st.Queue().Get(a.Context, run.JobID)
	if err != nil {
		return ""
	}
	text := ""
	switch {
	case run.State != "running":
		if q, err := st.QueueOverview(a.Context, job.Queue); err == nil {
			text = standsStill(q, job.Kind)
		}
	case len(job.AttemptedBy) > 0:
		text = workerGone(a, st, job.AttemptedBy[len(job.AttemptedBy)-1])
	}
	if text == "" {
		return ""
	}
	return fmt.Sprintf("Job %d: %s", run.JobID, text)
}

// triesAgain says of a run that waits for a retry which attempt failed, and when the
// next one begins; empty: that is not known any more.
func triesAgain(a *app, st *store.Store, run store.Run) string {
	job, err := st.Queue().Get(a.Context, run.JobID)
	if err != nil || len(job.Errors) == 0 {
		return ""
	}
	now, err := st.Now(a.Context)
	if err != nil {
		return ""
	}
	failed := job.Errors[len(job.Errors)-1]
	return fmt.Sprintf("Attempt %d failed: %s; the next one begins %s, at %s", failed.Attempt, oneLine(failed.Error), relative(job.ScheduledAt, now), job.ScheduledAt.UTC().Format("15:04:05 MST"))
}

// workerGone says that the worker that runs a job is alive no longer; empty: it is,
// or is none of punctual's.
func workerGone(a *app, st *store.Store, worker string) string {
	all, now, err := processesNow(a, st)
	if err != nil {
		return ""
	}
	for _, p := range all {
		if p.ID == worker && p.Condition(now) != store.ProcessAlive {
			return fmt.Sprintf("its worker, process %d on %s, is %s: it begins again once another takes it (punctual start, or punctual worker)", p.PID, p.Host, p.Condition(now))
		}
	}
	return ""
}

// whyNoBackfill says why a backfill of a schedule gets no further; empty: it does.
func whyNoBackfill(a *app, st *store.Store, one *schedule.Schedule) string {
	if text := noClock(a, st); text != "" {
		return text + "; the backfill goes on once one runs (punctual start, or punctual clock)"
	}
	kind := queue.KindCommand // a request is taken by whoever takes that
	if one.Job.Work != nil {
		kind = one.Job.Work.Kind
	}
	q, err := st.QueueOverview(a.Context, one.Policies.Queue)
	if err != nil {
		return ""
	}
	if text := standsStill(q, kind); text != "" {
		return "Its next job: " + text
	}
	return ""
}

// noClock says that no clock is alive; empty: one is.
func noClock(a *app, st *store.Store) string {
	all, now, err := processesNow(a, st)
	if err != nil || slices.ContainsFunc(all, func(p store.Process) bool { return p.Role == "clock" && p.Condition(now) == store.ProcessAlive }) {
		return ""
	}
	return "No clock is alive"
}

func processesNow(a *app, st *store.Store) ([]store.Process, time.Time, error) {
	all, err := st.Processes(a.Context)
	if err != nil {
		return nil, time.Time{}, err
	}
	now, err := st.Now(a.Context)
	return all, now, err
}

package api

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/punctual-dev/punctual/queue"
	"github.com/punctual-dev/punctual/schedule"
)

// addJob adds what the queue knows of a run's job, while it keeps it.
func (a *api) addJob(ctx context.Context, v *RunDetail) error {
	if v.JobID == 0 {
		return nil
	}
	var err error
	if v.ByHand, err = a.Store.JobActivities(ctx, v.JobID); err != nil {
		return err
	}
	job, err := a.Store.Queue().Get(ctx, v.JobID)
	if errors.Is(err, queue.ErrNoJob) {
		return nil // the ledger tells what is left
	}
	if err != nil {
		return err
	}
	v.Queue, v.Priority, v.MaxAttempts = job.Queue, job.Priority, job.MaxAttempts
	if len(job.AttemptedBy) > 0 {
		v.Worker = job.AttemptedBy[len(job.AttemptedBy)-1]
	}
	now, err := a.Store.Now(ctx)
	if err != nil {
		return err
	}
	if v.State == "retryable" && job.ScheduledAt.After(now) {
		at := job.ScheduledAt.UTC()
		v.NextAttempt = &at
	}
	for _, e := range job.Errors {
		v.Failures = append(v.Failures, Failure{e.Attempt, e.At.UTC(), e.Error})
	}
	if queue.OwnKind(job.Kind) {
		v.addPayload(job.Kind, job.EncodedArgs)
		return nil
	}
	hidden := schedule.Job{Work: &schedule.Work{Kind: job.Kind, Args: job.EncodedArgs}}.Hide()
	v.Job = &RunJob{Kind: job.Kind, InWords: hidden.String(), Work: &GoWork{Kind: job.Kind}}
	_ = json.Unmarshal(hidden.Work.Args, &v.Job.Work.Args)
	if told, err := queue.ToldOf(job); err == nil {
		v.Told = &told
	}
	return nil
}

// addPayload adds what punctual's own worker was given.
func (v *RunDetail) addPayload(kind string, args []byte) {
	var payload schedule.Payload
	if json.Unmarshal(args, &payload) != nil {
		v.Job = &RunJob{Kind: kind, InWords: "a job of another version, which this one cannot read"}
		return
	}
	hidden := schedule.Job{Run: payload.Command, HTTP: payload.HTTP}.Hide()
	v.Job = &RunJob{Kind: kind, InWords: hidden.String(), Run: hidden.Run, HTTP: hidden.HTTP}
	v.Told = &payload.Told
}

func stableByTime(all []Moment) {
	slices.SortStableFunc(all, func(a, b Moment) int { return a.At.Compare(b.At) })
}

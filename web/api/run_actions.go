package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
	"github.com/punctual-dev/punctual/web/access"
)

// ManyDone says what came of an action on all runs that match.
type ManyDone struct {
	Matched int       `json:"matched" doc:"How many match; at most 1000 are dealt with at once."`
	Done    int       `json:"done"`
	Refused []NotDone `json:"refused" nullable:"false" doc:"The first fifty that could not be done, and why."`
	Other   int       `json:"other" doc:"How many more could not be done."`
	More    bool      `json:"more" doc:"More than 1000 match: ask again for the others."`
}

// NotDone is a run that was left as it is.
type NotDone struct {
	Run int64  `json:"run"`
	Why string `json:"why"`
}

// Seen says how many failures are seen now that were not before.
type Seen struct {
	Failures int `json:"failures"`
}

// SeenChoice chooses failures.
type SeenChoice struct {
	Schedule string `json:"schedule,omitempty" maxLength:"100" doc:"Those of this schedule."`
	All      bool   `json:"all,omitempty" doc:"Every one."`
}

// runActions registers what operators do with runs.
func (a *api) runActions() {
	act := func(id, path, summary, help string) operation {
		return operation{id: id, method: http.MethodPost, path: path, role: access.Operator, tag: "runs", summary: summary, help: help,
			errors: []int{http.StatusNotFound, http.StatusConflict, http.StatusBadRequest}}
	}
	one := func(do func(context.Context, store.Run) error) func(context.Context, *Named) (*answer[store.Run], error) {
		return func(ctx context.Context, in *Named) (*answer[store.Run], error) {
			run, err := a.find(ctx, in.Run)
			if err == nil {
				err = do(ctx, asked(run, in.Run))
			}
			if err == nil {
				run, err = a.again(ctx, run)
			}
			return reply(run, err)
		}
	}
	add(a, act("retry-run", "/runs/{run}/retry", "Run a job again", "One that has ended, or waits for a retry: with the same number and occurrence, and one more attempt."), one(a.retry))
	add(a, act("cancel-run", "/runs/{run}/cancel", "Stop a job", "Or cancel it, if it has not started."), one(a.cancel))
	add(a, act("mark-run-seen", "/runs/{run}/seen", "Say that its failure was seen", "A repeat changes nothing."), one(a.seen))
	add(a, act("retry-runs", "/runs/retry", "Run all jobs again that match", "Say in which state they are: failed, expired, cancelled or retryable, for example."), a.retryMany)
	add(a, act("cancel-runs", "/runs/cancel", "Stop all jobs that match", "Of those that match, the ones that have not ended."), a.cancelMany)
	add(a, act("mark-runs-seen", "/runs/seen", "Say that failures were seen", "Those of a schedule, or every one."), a.seenMany)
}

func (a *api) again(ctx context.Context, run store.Run) (store.Run, error) {
	runs, err := a.Store.Runs(ctx, store.RunFilter{ID: run.ID, Limit: 1})
	if err == nil && len(runs) > 0 {
		run = runs[0]
	}
	return run, err
}

// withoutJob refuses what can be done with a job only, in the words of the command line,
// which name what runs the occurrence after all.
func (a *api) withoutJob(ctx context.Context, run store.Run) error {
	return problem(http.StatusConflict, a.Store.WithoutJob(ctx, run))
}

// asked is the occurrence that was asked for, of a stretch that was skipped together.
func asked(run store.Run, name string) store.Run {
	if _, nominal, err := schedule.ParseOccurrenceName(name); err == nil && run.JobID == 0 {
		return run.At(nominal)
	}
	return run
}

func (a *api) retry(ctx context.Context, run store.Run) error {
	switch {
	case run.JobID == 0:
		return a.withoutJob(ctx, run)
	case run.State == "running" || run.State == "available":
		return problem(http.StatusConflict, fmt.Sprintf("job %d of %s is %s, so there is nothing to retry yet", run.JobID, run.Occurrence, run.State))
	}
	if _, err := a.Store.Queue().Get(ctx, run.JobID); err != nil {
		if a.Store.Refusal(err) {
			return problem(http.StatusConflict, fmt.Sprintf("the queue has forgotten job %d of %s, as it does with what ended a while ago; a backfill with rerun runs the occurrence again", run.JobID, run.Occurrence))
		}
		return err
	}
	return a.Store.RetryJob(ctx, run.JobID, actor(ctx))
}

func (a *api) cancel(ctx context.Context, run store.Run) error {
	switch {
	case run.JobID == 0:
		return a.withoutJob(ctx, run)
	case ended(run):
		return problem(http.StatusConflict, fmt.Sprintf("job %d of %s has ended already (%s)", run.JobID, run.Occurrence, run.State))
	}
	return a.Store.CancelJob(ctx, run.JobID, actor(ctx))
}

func (a *api) seen(ctx context.Context, run store.Run) error {
	if run.JobID == 0 {
		return a.withoutJob(ctx, run)
	}
	_, err := a.Store.MarkSeen(ctx, store.SeenFilter{JobID: run.JobID}, actor(ctx))
	return err
}

type manyInput struct{ Body RunChoice }

func (a *api) retryMany(ctx context.Context, in *manyInput) (*answer[ManyDone], error) {
	if in.Body.State == "" && !in.Body.Unseen {
		return nil, invalid("state", "is missing", "say which runs are meant: a state such as failed, or unseen: true", nil)
	}
	return a.many(ctx, in.Body.filter(), a.retry)
}

func (a *api) cancelMany(ctx context.Context, in *manyInput) (*answer[ManyDone], error) {
	if in.Body == (RunChoice{}) {
		return nil, invalid("state", "is missing", "say which runs are meant: a schedule, or a state such as available", nil)
	}
	filter := in.Body.filter()
	filter.Open = true
	return a.many(ctx, filter, a.cancel)
}

// many bounds how many runs one request deals with.
const manyAtOnce = 1000

func (a *api) many(ctx context.Context, filter store.RunFilter, do func(context.Context, store.Run) error) (*answer[ManyDone], error) {
	filter.Limit = manyAtOnce + 1
	runs, err := a.Store.Runs(ctx, filter)
	if err != nil {
		return nil, err
	}
	result := ManyDone{Refused: []NotDone{}, More: len(runs) > manyAtOnce}
	runs = runs[:min(len(runs), manyAtOnce)]
	result.Matched = len(runs)
	for _, run := range runs {
		const told = 50
		err := do(ctx, run)
		switch {
		case err == nil:
			result.Done++
		case ctx.Err() != nil || a.Store.Transient(err):
			return nil, err
		case len(result.Refused) < told:
			result.Refused = append(result.Refused, NotDone{run.ID, err.Error()})
		default:
			result.Other++
		}
	}
	return &answer[ManyDone]{result}, nil
}

func (a *api) seenMany(ctx context.Context, in *struct{ Body SeenChoice }) (*answer[Seen], error) {
	if (in.Body.Schedule == "") != in.Body.All {
		return nil, invalid("schedule", "say which failures are meant", "a schedule, or all: true, and not both", nil)
	}
	n, err := a.Store.MarkSeen(ctx, store.SeenFilter{Key: in.Body.Schedule, All: in.Body.All}, actor(ctx))
	return reply(Seen{n}, err)
}

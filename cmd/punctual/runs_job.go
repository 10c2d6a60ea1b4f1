package main

import (
	"fmt"

	"github.com/punctual-dev/punctual/store"
)

// runsRetryCommand runs a job again.
type runsRetryCommand struct {
	Named string `arg:"" name:"job" help:"The number of a job, or the occurrence or trigger that made it."`
}

// Help says what is counted.
func (c *runsRetryCommand) Help() string {
	return "The job keeps its number and its occurrence, which it is told as its idempotency key, and gets one more attempt. The ledger then says what came of that."
}

// Run retries. There is nothing to retry in a job that runs or is about to.
func (c *runsRetryCommand) Run(a *app, s *settings) error {
	st, run, err := namedJob(a, s, "runs retry", c.Named)
	if err != nil {
		return err
	}
	defer st.Database().Close()
	if run.State == "running" || run.State == "available" {
		return &exitError{Code: 1, Message: fmt.Sprintf("retrying job %d of %s: it is %s, so there is nothing to retry yet", run.JobID, run.Occurrence, run.State)}
	}
	if _, err := st.Queue().Get(a.Context, run.JobID); err != nil {
		return gone("retrying", run, err)
	}
	if err := st.RetryJob(a.Context, run.JobID, actor()); err != nil {
		return fmt.Errorf("retrying %s: %w", run.Occurrence, err)
	}
	_, err = fmt.Fprintf(a.Stdout, "Job %d of %s (%s) runs again as soon as a worker is free. punctual runs output --follow %[1]d\n", run.JobID, run.Occurrence, run.State)
	return err
}

// runsCancelCommand stops a job.
type runsCancelCommand struct {
	Named string `arg:"" name:"job" help:"The number of a job, or the occurrence or trigger that made it."`
}

// Run cancels. What has ended cannot be cancelled.
func (c *runsCancelCommand) Run(a *app, s *settings) error {
	st, run, err := namedJob(a, s, "runs cancel", c.Named)
	if err != nil {
		return err
	}
	defer st.Database().Close()
	if hasEnded(run) {
		return &exitError{Code: 1, Message: fmt.Sprintf("cancelling job %d of %s: it has ended already (%s)", run.JobID, run.Occurrence, run.State)}
	}
	if err := st.CancelJob(a.Context, run.JobID, actor()); err != nil {
		return fmt.Errorf("cancelling %s: %w", run.Occurrence, err)
	}
	if run.State == "running" {
		_, err = fmt.Fprintf(a.Stdout, "Asked job %d of %s to stop; its worker ends it in a moment. punctual runs show %[1]d\n", run.JobID, run.Occurrence)
	} else {
		_, err = fmt.Fprintf(a.Stdout, "Cancelled job %d of %s before it started.\n", run.JobID, run.Occurrence)
	}
	return err
}

// namedJob opens the store and finds the job a user named.
func namedJob(a *app, s *settings, command, text string) (*store.Store, store.Run, error) {
	r, err := parseReference(command, text)
	if err != nil {
		return nil, store.Run{}, err
	}
	st, err := s.look(a)
	if err != nil {
		return nil, store.Run{}, err
	}
	run, err := r.job(a, st)
	if err != nil {
		st.Database().Close()
	}
	return st, run, err
}

// gone is the error for a job that the queue keeps no longer.
func gone(doing string, run store.Run, err error) error {
	return fmt.Errorf("%s %s: %w: the queue has forgotten it, as it does with what ended a while ago. punctual backfill %s --rerun runs the occurrence again", doing, run.Occurrence, err, run.Schedule)
}

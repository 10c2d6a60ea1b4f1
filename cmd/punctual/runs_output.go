package main

import (
	"fmt"
	"io"
	"time"

	"github.com/punctual-dev/punctual/store"
)

// runsOutputCommand prints what a job wrote.
type runsOutputCommand struct {
	Named  string `arg:"" name:"run" help:"An occurrence such as report@2026-11-23T09:00:00Z, a trigger such as report!k3f9, or the number of a job."`
	Follow bool   `short:"f" help:"Go on until the job has ended."`
}

// Help says where what goes.
func (c *runsOutputCommand) Help() string {
	return "What the job wrote to its standard output, and the answer to a request, goes to the standard output; what it wrote to its error output goes there."
}

// Run prints.
func (c *runsOutputCommand) Run(a *app, s *settings) error {
	r, err := parseReference("runs output", c.Named)
	if err != nil {
		return err
	}
	st, err := s.look(a)
	if err != nil {
		return err
	}
	defer st.Database().Close()
	run, err := r.job(a, st)
	if err != nil {
		return err
	}
	if c.Follow {
		run, err := follow(a, st, run.JobID, true)
		if err == nil {
			fmt.Fprintf(a.Stderr, "%s: %s\n", run.Occurrence, ended(run))
		}
		return goesOn(a, err, fmt.Sprintf("job %d", run.JobID), fmt.Sprintf("punctual runs cancel %d stops it", run.JobID))
	}
	t := tail{store: st, job: run.JobID}
	if err := t.print(a); err != nil {
		return err
	}
	switch {
	case t.attempt > 0:
	case run.StartedAt.IsZero() && !hasEnded(run):
		fmt.Fprintf(a.Stderr, "%s (%s) has not begun, so there is no output yet; punctual runs show %d tells what it waits for.\n", run.Occurrence, run.State, run.JobID)
	case run.State == "failed" || run.State == "retryable":
		fmt.Fprintf(a.Stderr, "%s (%s) wrote nothing; punctual runs show %d tells how it failed.\n", run.Occurrence, run.State, run.JobID)
	default:
		fmt.Fprintf(a.Stderr, "%s (%s) wrote nothing.\n", run.Occurrence, run.State)
	}
	return nil
}

// tail prints what a job writes, from the place it has come to.
type tail struct {
	store             *store.Store
	job               int64
	attempt, sequence int
	open              bool // what was printed last does not end its line
}

// endLine begins a new line for what punctual has to say, on its error output: what a
// job wrote to its output stays as it was where that goes elsewhere.
func (t *tail) endLine(a *app) {
	if t.open {
		t.open = false
		fmt.Fprintln(a.Stderr)
	}
}

// print prints what there is and not printed yet.
func (t *tail) print(a *app) error {
	for {
		pieces, err := t.store.Outputs(a.Context, t.job, t.attempt, t.sequence)
		if err != nil {
			return fmt.Errorf("reading the output of job %d: %w", t.job, err)
		}
		if len(pieces) == 0 {
			return nil
		}
		for _, p := range pieces {
			if p.Attempt > 1 && p.Attempt != t.attempt {
				t.endLine(a)
				fmt.Fprintf(a.Stderr, "punctual: attempt %d\n", p.Attempt)
			}
			t.attempt, t.sequence = p.Attempt, p.Sequence
			t.open = len(p.Data) > 0 && p.Data[len(p.Data)-1] != '\n'
			if _, err := stream(a, p.Stream).Write(p.Data); err != nil {
				return err
			}
		}
	}
}

// stream is where a stream of a job goes: its output and the body of an answer
// to the output; its error output, and what punctual has to say, to the other.
func stream(a *app, name string) io.Writer {
	if name == "stdout" || name == "body" {
		return a.Stdout
	}
	return a.Stderr
}

// lookEvery is how often a wait looks again.
const lookEvery = 200 * time.Millisecond

// follow waits until a job has ended, printing what it writes, and returns what
// came of it. Where nobody is there who could run it, or is no longer, it says so
// and waits on: somebody may come.
func follow(a *app, st *store.Store, job int64, print bool) (store.Run, error) {
	t := tail{store: st, job: job}
	defer t.endLine(a) // the caller says how it ended
	still, told := newHints(), 0
	for {
		runs, err := st.Runs(a.Context, store.RunFilter{JobID: job, Limit: 1})
		if err != nil {
			return store.Run{}, err
		}
		if len(runs) == 0 {
			return store.Run{}, fmt.Errorf("job %d is not on record any more", job)
		}
		// The state was read before the output: once it has ended there is no
		// more to come.
		if print {
			if err := t.print(a); err != nil {
				return runs[0], err
			}
		}
		if hasEnded(runs[0]) {
			return runs[0], nil
		}
		if runs[0].State == "retryable" && runs[0].Attempts != told {
			told = runs[0].Attempts
			t.endLine(a)
			still.say(a, triesAgain(a, st, runs[0]))
		}
		if still.due() {
			if why := whyStill(a, st, runs[0]); still.news(why) {
				t.endLine(a)
				still.say(a, why)
			}
		}
		if err := pause(a); err != nil {
			return runs[0], err
		}
	}
}

// pause is the time between two looks.
func pause(a *app) error {
	select {
	case <-a.Context.Done():
		return errInterrupted
	case <-time.After(lookEvery):
		return nil
	}
}

package main

import (
	"errors"
	"fmt"

	"github.com/punctual-dev/punctual/store"
)

// triggerCommand makes one job now.
type triggerCommand struct {
	Key            string            `arg:"" help:"The schedule."`
	Force          bool              `help:"Also where a job of it is active and its overlap does not allow another, or its limit is full."`
	Arg            map[string]string `mapsep:"none" placeholder:"NAME=VALUE" help:"Replace an argument: an environment variable of a command or request, or an argument of a Go worker; may be repeated."`
	IdempotencyKey *string           `placeholder:"KEY" help:"A repeat with the same key within a day makes no second job."`
	Wait           bool              `help:"Follow the job until it ends, print what it writes, and exit by its outcome."`
	JSON           bool              `name:"json" help:"Print JSON."`
}

// triggered is what came of it, for scripts.
type triggered struct {
	store.Triggered
	Run *store.Run `json:"run,omitempty"` // with --wait: what came of the job
}

// Run triggers. A refusal is recorded, and exits with 1.
func (c *triggerCommand) Run(a *app, s *settings) error {
	options := store.TriggerOptions{Force: c.Force, Args: c.Arg, Actor: actor()}
	if c.IdempotencyKey != nil {
		if options.IdempotencyKey = *c.IdempotencyKey; options.IdempotencyKey == "" {
			// A variable of a script that is not set would else make a second job.
			return usageError("trigger: --idempotency-key is empty; leave it out, or give one")
		}
	}
	st, err := s.look(a)
	if err != nil {
		return err
	}
	defer st.Database().Close()
	result, err := st.Trigger(a.Context, c.Key, options)
	if errors.Is(err, store.ErrIdempotencyKey) {
		return usageError("%v", err)
	}
	if err != nil {
		return known(a, st, "triggering", c.Key, err)
	}
	if result.Refused != "" || !c.Wait {
		if result.Refused == "" && !c.JSON {
			defer func() {
				newHints().say(a, whyStill(a, st, store.Run{JobID: result.JobID, State: "available"}))
			}()
		}
		return c.answer(a, triggered{Triggered: result})
	}
	if !c.JSON {
		fmt.Fprintf(a.Stderr, "%s: job %d\n", result.Name, result.JobID)
	}
	run, err := follow(a, st, result.JobID, !c.JSON)
	if err != nil {
		return goesOn(a, err, fmt.Sprintf("job %d", result.JobID), fmt.Sprintf("punctual runs cancel %d stops it", result.JobID))
	}
	if c.JSON {
		err = a.printJSON(triggered{Triggered: result, Run: &run})
	} else {
		fmt.Fprintf(a.Stderr, "%s: %s\n", result.Name, ended(run))
	}
	if err == nil && run.State != outcomeSucceeded {
		return &exitError{Code: 1}
	}
	return err
}

func (c *triggerCommand) answer(a *app, result triggered) error {
	if c.JSON {
		if err := a.printJSON(result); err != nil {
			return err
		}
	}
	switch {
	case result.Refused != "" && c.JSON:
		return &exitError{Code: 1}
	case result.Refused != "":
		return c.refusal(result)
	case c.JSON:
		return nil
	case result.Repeated:
		fmt.Fprintf(a.Stdout, "Triggered already under that idempotency key: %s, job %d.\n", result.Name, result.JobID)
	default:
		fmt.Fprintf(a.Stdout, "Triggered %s: job %d. punctual runs show %[2]d tells how it goes.\n", result.Name, result.JobID)
	}
	return nil
}

func (c *triggerCommand) refusal(result triggered) error {
	text := fmt.Sprintf("triggering %s was refused: %s.\n", c.Key, result.Refused)
	if result.Blocker != 0 {
		text += fmt.Sprintf("  punctual runs show %[1]d     what that job does\n  punctual runs cancel %[1]d   ends it\n", result.Blocker)
	}
	return &exitError{Code: 1, Message: text + "  --force triggers it all the same"}
}

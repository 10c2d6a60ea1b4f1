package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/punctual-dev/punctual/store"
)

// runsSeenCommand says that somebody has seen failures.
type runsSeenCommand struct {
	Named    string `arg:"" optional:"" name:"run" help:"The number of a job, or the occurrence or trigger that made it."`
	Schedule string `placeholder:"KEY" help:"Every failure of one schedule."`
	All      bool   `help:"Every failure."`
}

// Help says what it is for.
func (c *runsSeenCommand) Help() string {
	return "A job that failed for good, or expired, counts as unseen until somebody says otherwise, also when its schedule has succeeded since. punctual runs list --unseen lists them, and punctual health counts them."
}

// Run marks. A repeat changes nothing.
func (c *runsSeenCommand) Run(a *app, s *settings) error {
	chosen := 0
	for _, given := range []bool{c.Named != "", c.Schedule != "", c.All} {
		if given {
			chosen++
		}
	}
	if chosen != 1 {
		return usageError("runs seen: name a run, or a schedule with --schedule, or --all")
	}
	filter := store.SeenFilter{Key: c.Schedule, All: c.All}
	var (
		st  *store.Store
		run store.Run
		err error
	)
	if c.Named != "" {
		if st, run, err = namedJob(a, s, "runs seen", c.Named); err == nil {
			filter.JobID = run.JobID
		}
	} else {
		st, err = s.look(a)
	}
	if err != nil {
		return err
	}
	defer st.Database().Close()
	if c.Schedule != "" {
		if past, err := st.Runs(a.Context, store.RunFilter{Key: c.Schedule, Limit: 1}); err == nil && len(past) == 0 {
			if _, err := st.Overviews(a.Context, c.Schedule); err != nil {
				return known(a, st, "marking the failures of", c.Schedule, err)
			}
		}
	}
	// Before: what is copied meanwhile is marked, and at worst told of twice.
	just := 0
	if c.Named == "" {
		if just, err = st.JustFailed(a.Context, c.Schedule); err != nil {
			return fmt.Errorf("marking failures as seen: %w", err)
		}
	}
	marked, err := st.MarkSeen(a.Context, filter, actor())
	if err != nil {
		return fmt.Errorf("marking failures as seen: %w", err)
	}
	left, err := countUnseen(a, st)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("Marked %s as seen; %d unseen.", counted(marked, "failure"), left)
	if marked == 0 {
		text = c.nothing(run, left, just)
	}
	_, err = fmt.Fprintln(a.Stdout, strings.TrimSpace(text+" "+store.JustFailedInWords(just)))
	return err
}

// countUnseen counts the failures that nobody has seen, those among them that are not
// in the ledger yet.
func countUnseen(a *app, st *store.Store) (int, error) {
	just, err := st.JustFailed(a.Context, "")
	if err != nil {
		return 0, err
	}
	n, err := st.CountUnseen(a.Context)
	return n + just, err
}

// nothing says why nothing was marked. left are the unseen failures of others, and
// just those that are about to come into the ledger, of which more is told behind it.
func (c *runsSeenCommand) nothing(run store.Run, left, just int) string {
	others := "."
	if left > 0 {
		others = fmt.Sprintf("; of others, %d (punctual runs list --unseen).", left)
	}
	switch {
	case just > 0:
		return "Nothing was marked."
	case c.Schedule != "":
		return fmt.Sprintf("No failure of %s is unseen%s", c.Schedule, others)
	case c.Named == "":
		return "No failure is unseen."
	case run.SeenAt.IsZero() && slices.Contains([]string{"failed", "expired"}, run.State):
		return fmt.Sprintf("%s has just failed, and is not in the ledger yet: try again in a second or two.", run.Occurrence)
	case !run.SeenAt.IsZero():
		return fmt.Sprintf("%s was seen already, by %s%s", run.Occurrence, run.SeenBy, strings.Replace(others, "; of others, ", "; unseen are ", 1))
	}
	return fmt.Sprintf("%s is no failure: it is %s%s", run.Occurrence, run.State, strings.Replace(others, "; of others, ", "; unseen are ", 1))
}

package main

import (
	"fmt"

	"github.com/punctual-dev/punctual/store"
)

// healthCommand says whether the clock keeps time.
type healthCommand struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// Run exits with 1 where something is due and no clock decides it.
func (c *healthCommand) Run(a *app, s *settings) error {
	st, err := s.look(a)
	if err != nil {
		return err
	}
	defer st.Database().Close()
	h, err := st.Health(a.Context)
	if err != nil {
		return fmt.Errorf("asking how the clock is: %w", err)
	}
	none, err := unscheduled(a, st)
	if err != nil {
		return fmt.Errorf("asking how the clock is: %w", err)
	}
	if none {
		h.Warnings = append(h.Warnings, noSchedulesYet)
	}
	if c.JSON {
		err = a.printJSON(h)
	} else {
		word, shade := "healthy", green
		if !h.Healthy {
			word, shade = "unhealthy", red
		}
		fmt.Fprintf(a.Stdout, "%s: %s", a.paint(word, shade), h.Reason)
		if h.Clocks > 0 {
			fmt.Fprintf(a.Stdout, "; %s alive", counted(h.Clocks, "clock"))
		} // else the reason, or a warning, says that there is none
		if !h.Ticked.IsZero() {
			fmt.Fprintf(a.Stdout, ", last tick %s", relative(h.Ticked, h.Now))
		}
		if !h.Oldest.IsZero() {
			fmt.Fprintf(a.Stdout, ", overdue since %s", local(h.Oldest, zonesOfAll(a, st).shared()))
		}
		fmt.Fprintln(a.Stdout)
		if h.Unseen > 0 {
			fmt.Fprintf(a.Stdout, "%s that nobody has seen: punctual runs list --unseen\n", counted(h.Unseen, "failure"))
		}
		for _, warning := range h.Warnings {
			fmt.Fprintf(a.Stdout, "%s: %s\n", a.paint("warning", yellow), warning)
		}
		if !h.Healthy {
			fmt.Fprintln(a.Stdout, "punctual start, or punctual clock, runs a clock; it catches up on what is overdue.")
		}
	}
	if err == nil && !h.Healthy {
		return &exitError{Code: 1}
	}
	return err
}

// noSchedulesYet is what somebody should know who runs a clock, or asks how it is,
// on a database without schedules: it looks as if all were well.
const noSchedulesYet = "there are no schedules yet; punctual apply reads them from the schedule file"

func unscheduled(a *app, st *store.Store) (bool, error) {
	n, err := st.CountSchedules(a.Context, store.OverviewFilter{})
	return err == nil && n == 0, err
}

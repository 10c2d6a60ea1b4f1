package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

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
	if h.Unseen, err = countUnseen(a, st); err != nil {
		return fmt.Errorf("asking how the clock is: %w", err)
	}
	next, err := nextOfAll(a, st, h.Now)
	if err != nil {
		return fmt.Errorf("asking how the clock is: %w", err)
	}
	if err := addHeld(a, st, &h, next); err != nil {
		return fmt.Errorf("asking how the clock is: %w", err)
	}
	if c.JSON {
		err = a.printJSON(h)
	} else {
		printHealth(a, st, h, next)
	}
	if err == nil && !h.Healthy {
		return &exitError{Code: 1}
	}
	return err
}

func printHealth(a *app, st *store.Store, h store.Health, next *nextDue) {
	gone := h.Healthy && h.Clocks == 0 && !h.Oldest.IsZero()
	word, shade := "healthy", green
	switch {
	case !h.Healthy:
		word, shade = "unhealthy", red
	case gone:
		word, shade = "waiting", yellow // for a clock; it is no fault yet
	}
	fmt.Fprintf(a.Stdout, "%s: %s", a.paint(word, shade), h.Reason)
	if next != nil && h.Oldest.IsZero() {
		fmt.Fprintf(a.Stdout, " at the moment, next due %s", next.inWords(h.Now))
	}
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

// nextDue is what is due next of all schedules.
type nextDue struct {
	schedule string
	store.Upcoming
}

// inWords says when it is due: soon, if it is within the second, since that nothing is
// due stands in the same line.
func (n nextDue) inWords(now time.Time) string {
	when := relative(n.Due, now)
	if n.Due.Sub(now) < time.Second {
		when = "in less than a second"
	}
	text := when + ": " + n.schedule
	if n.Fate != "" {
		text += " (" + n.Fate + ")"
	}
	return text
}

// nextOfAll is what is due next, whatever becomes of it; nil: nothing is.
func nextOfAll(a *app, st *store.Store, now time.Time) (*nextDue, error) {
	found, err := st.OverviewsWhere(a.Context, store.OverviewFilter{DueAfter: now, Limit: 1})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	ahead := found[0].Ahead(now, 1)
	if len(ahead) == 0 {
		return nil, nil
	}
	return &nextDue{found[0].Key, ahead[0]}, nil
}

// addHeld warns of what keeps all from running although the clock keeps time: that
// there are no schedules, that all are paused, and queues that are.
func addHeld(a *app, st *store.Store, h *store.Health, next *nextDue) error {
	none, err := unscheduled(a, st)
	if err != nil {
		return err
	}
	if none {
		h.Warnings = append(h.Warnings, noSchedulesYet)
	}
	if next != nil && next.Fate == store.FatePaused {
		// Of those that are due next at any time, none that is not paused.
		free, err := st.CountSchedules(a.Context, store.OverviewFilter{OverdueSince: h.Now.AddDate(1000, 0, 0)})
		if err != nil {
			return err
		}
		if free == 0 {
			h.Warnings = append(h.Warnings, "every schedule is paused, so nothing runs (punctual schedules list --state paused)")
		}
	}
	paused, err := st.Queue().Paused(a.Context)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(paused)) {
		told := slices.ContainsFunc(h.Warnings, func(w string) bool { return strings.Contains(w, " in the queue "+name+":") })
		if !told {
			h.Warnings = append(h.Warnings, fmt.Sprintf("the queue %s is paused: its jobs wait until somebody resumes it (punctual queues resume %[1]s)", name))
		}
	}
	return nil
}

// noSchedulesYet is what somebody should know who runs a clock, or asks how it is,
// on a database without schedules: it looks as if all were well.
const noSchedulesYet = "there are no schedules yet; punctual apply reads them from the schedule file"

func unscheduled(a *app, st *store.Store) (bool, error) {
	found, err := st.AnySchedule(a.Context)
	return err == nil && !found, err
}

package main

import (
	"fmt"

	"github.com/punctual-dev/punctual/store"
)

// processesCommand lists who runs.
type processesCommand struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// processView is a process for scripts.
type processView struct {
	store.Process
	State string `json:"state"`
}

// Run lists the processes that beat within the last day.
func (c *processesCommand) Run(a *app, s *settings) error {
	st, err := s.look(a)
	if err != nil {
		return err
	}
	defer st.Database().Close()
	processes, err := st.Processes(a.Context)
	if err != nil {
		return fmt.Errorf("listing processes: %w", err)
	}
	now, err := st.Now(a.Context)
	if err != nil {
		return err
	}
	views := []processView{}
	for _, p := range processes {
		views = append(views, processView{p, p.Condition(now)})
	}
	if c.JSON {
		return a.printJSON(views)
	}
	if len(views) == 0 {
		_, err := fmt.Fprintln(a.Stdout, "No process has run within the last day. punctual start runs all three in one.")
		return err
	}
	colours := map[string]colour{store.ProcessAlive: green, store.ProcessLost: red, store.ProcessStopped: faint}
	t := newTable("ROLE", "STATE", "HOST", "PID", "STARTED", "LAST BEAT", "VERSION")
	for _, v := range views {
		t.row(cell{v.Role, bold}, cell{v.State, colours[v.State]}, cell{v.Host, plain}, cell{fmt.Sprint(v.PID), plain},
			cell{relative(v.StartedAt, now), plain}, cell{relative(v.BeatAt, now), plain}, cell{v.Version, faint})
	}
	t.write(a.Stdout, a.Terminal)
	return nil
}

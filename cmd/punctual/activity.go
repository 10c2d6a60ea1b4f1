package main

import (
	"fmt"

	"github.com/punctual-dev/punctual/store"
)

// activityCommand tells who did what.
type activityCommand struct {
	Limit  int   `short:"n" default:"20" help:"How many, 1 to 1000."`
	Before int64 `placeholder:"ID" help:"Only entries with a smaller id, for the next page."`
	JSON   bool  `name:"json" help:"Print JSON."`
}

// Validate refuses what cannot be meant.
func (c *activityCommand) Validate() error {
	return limitAllowed(c.Limit)
}

// Run lists, the newest first.
func (c *activityCommand) Run(a *app, s *settings) error {
	st, err := s.look(a)
	if err != nil {
		return err
	}
	defer st.Database().Close()
	all, err := st.Activities(a.Context, c.Before, c.Limit+1)
	if err != nil {
		return fmt.Errorf("listing the activity: %w", err)
	}
	all, more := page(all, c.Limit)
	if c.JSON {
		return a.printJSON(append([]store.Activity{}, all...))
	}
	if len(all) == 0 {
		_, err := fmt.Fprintln(a.Stdout, "Nobody has done anything yet.")
		return err
	}
	in := zonesOfAll(a, st)
	t := newTable("WHEN", "WHO", "DID", "WHAT", "")
	for _, one := range all {
		t.row(cell{local(one.At, in.of(one.Subject)), plain}, cell{one.Author, bold}, cell{one.Action, plain}, cell{one.Subject, plain}, cell{oneLine(one.Detail), faint})
	}
	t.write(a.Stdout, a.Terminal)
	if more {
		fmt.Fprintf(a.Stdout, "Earlier ones: add --before %d\n", all[len(all)-1].ID)
	}
	return nil
}

package main

import (
	"errors"
	"fmt"

	"github.com/punctual-dev/punctual/store"
)

// backfillsGroup looks after backfills.
type backfillsGroup struct {
	List backfillsListCommand `cmd:"" help:"List backfills and how far they are, the newest first."`
	Stop backfillsStopCommand `cmd:"" help:"End a backfill where it stands."`
}

type backfillsListCommand struct {
	Limit int  `short:"n" default:"20" help:"How many, 1 to 1000."`
	JSON  bool `name:"json" help:"Print JSON."`
}

// Validate refuses what cannot be meant.
func (c *backfillsListCommand) Validate() error { return limitAllowed(c.Limit) }

// Run lists.
func (c *backfillsListCommand) Run(a *app, s *settings) error {
	st, err := s.look(a)
	if err != nil {
		return err
	}
	defer st.Database().Close()
	all, err := st.Backfills(a.Context, c.Limit)
	if err != nil {
		return fmt.Errorf("listing backfills: %w", err)
	}
	views := []backfillProgress{}
	for _, b := range all {
		views = append(views, viewBackfill(b))
	}
	if c.JSON {
		return a.printJSON(views)
	}
	if len(views) == 0 {
		_, err := fmt.Fprintln(a.Stdout, "There are no backfills. punctual backfill KEY --from … --to … begins one.")
		return err
	}
	now, err := st.Now(a.Context)
	if err != nil {
		return err
	}
	in := zonesOfAll(a, st)
	t := newTable("ID", "SCHEDULE", "STATE", "DONE", "FROM", "TO", "BEGAN", "BY", "")
	for _, v := range views {
		t.row(cell{fmt.Sprint(v.ID), bold}, cell{v.Key, plain}, cell{v.State, plain}, cell{fmt.Sprintf("%d of %d", v.Enqueued, v.Total), plain},
			cell{local(v.From, in.of(v.Key)), plain}, cell{local(v.To, in.of(v.Key)), plain}, cell{relative(v.CreatedAt, now), plain}, cell{v.Author, plain}, cell{whyLeft(a, st, v), faint})
	}
	t.write(a.Stdout, a.Terminal)
	return nil
}

type backfillsStopCommand struct {
	ID int64 `arg:"" help:"The backfill's number."`
}

// Run stops. What is enqueued already still runs.
func (c *backfillsStopCommand) Run(a *app, s *settings) error {
	st, err := s.look(a)
	if err != nil {
		return err
	}
	defer st.Database().Close()
	b, err := st.BackfillByID(a.Context, c.ID)
	if errors.Is(err, store.ErrNoBackfill) {
		return &exitError{Code: 1, Message: fmt.Sprintf("stopping backfill %d: there is none with that number (punctual backfills list)", c.ID)}
	}
	if err != nil {
		return fmt.Errorf("stopping backfill %d: %w", c.ID, err)
	}
	if v := viewBackfill(b); v.State != "running" {
		return &exitError{Code: 1, Message: fmt.Sprintf("stopping backfill %d: it is %s already", c.ID, v.State)}
	}
	if err := st.StopBackfill(a.Context, c.ID, actor()); err != nil {
		return fmt.Errorf("stopping backfill %d: %w", c.ID, err)
	}
	_, err = fmt.Fprintf(a.Stdout, "Stopped backfill %d of %s after %d of %s; a job that is enqueued already still runs.\n", c.ID, b.Key, b.Enqueued, counted(b.Total, "occurrence"))
	return err
}

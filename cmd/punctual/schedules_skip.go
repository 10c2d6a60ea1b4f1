package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

// skipNextCommand leaves out one occurrence.
type skipNextCommand struct {
	Key  string `arg:"" help:"The schedule."`
	Undo bool   `help:"Let the occurrence run after all."`
}

// Help says how to take it back.
func (c *skipNextCommand) Help() string {
	return "It is decided as skipped when it is due. A repeat changes nothing: it names the same occurrence until that is due. --undo takes it back, and so does an edit of the when."
}

// Run names the occurrence that will be left out.
func (c *skipNextCommand) Run(a *app, s *settings) error {
	st, err := s.look(a)
	if err != nil {
		return err
	}
	defer st.Database().Close()
	overviews, err := st.Overviews(a.Context, c.Key)
	if err != nil {
		return known(a, st, "skip-next", c.Key, err)
	}
	zone := zoneOf(overviews[0].Schedule)
	if c.Undo {
		return c.undo(a, st, zone, len(overviews[0].Pauses) > 0)
	}
	nominal, err := st.SkipNext(a.Context, c.Key, actor())
	if errors.Is(err, schedule.ErrNothingAhead) {
		return fmt.Errorf("skip-next %s: the schedule has ended, no occurrence lies ahead", c.Key)
	}
	if err != nil {
		return known(a, st, "skip-next", c.Key, err)
	}
	will := "will be skipped"
	if nominal.Equal(overviews[0].State.SkipAt) {
		will = "was to be skipped already"
	}
	fmt.Fprintf(a.Stdout, "%s %s: %s.\n", schedule.OccurrenceName(c.Key, nominal), will, localNominal(nominal, zone))
	if len(overviews[0].Pauses) > 0 {
		err = tellPaused(a, st, c.Key)
	} else if after, ok := overviews[0].Timeline.Next(nominal); ok {
		fmt.Fprintf(a.Stdout, "The next to run is %s.\n", localNominal(after.At, zone))
	}
	fmt.Fprintf(a.Stdout, "punctual schedules skip-next %s --undo takes it back.\n", c.Key)
	return err
}

// tellPaused says what keeps a schedule from running at all, whatever becomes of its
// next occurrence, and what runs first after that, if it is known.
func tellPaused(a *app, st *store.Store, key string) error {
	overviews, err := st.Overviews(a.Context, key)
	if err != nil {
		return err
	}
	now, err := st.Now(a.Context)
	if err != nil {
		return err
	}
	one := overviews[0]
	zone := zoneOf(one.Schedule)
	end := "until that ends"
	for _, pause := range one.Pauses {
		if len(one.Pauses) == 1 && pause.Scope == "schedule" && pause.Origin != "environment" {
			end = "until punctual schedules resume " + key
		}
		fmt.Fprintf(a.Stdout, "%s is paused: %s.\n", key, pauseInWords(pause, zone))
	}
	if next, ok := one.NextRun(now); ok {
		unless := ""
		unpaused := one
		unpaused.Pauses = nil
		if sooner, ok := unpaused.NextRun(now); ok && sooner.At.Before(next.At) {
			unless = ", unless it is resumed before"
		}
		fmt.Fprintf(a.Stdout, "The next to run is %s%s.\n", localNominal(next.At, zone), unless)
		return nil
	}
	fmt.Fprintf(a.Stdout, "Nothing of it runs %s.\n", end)
	return nil
}

func (c *skipNextCommand) undo(a *app, st *store.Store, zone *time.Location, paused bool) error {
	nominal, err := st.UndoSkipNext(a.Context, c.Key, actor())
	if err != nil {
		return known(a, st, "skip-next --undo", c.Key, err)
	}
	if nominal.IsZero() {
		_, err = fmt.Fprintf(a.Stdout, "No occurrence of %s was to be skipped; nothing has changed.\n", c.Key)
		return err
	}
	if paused {
		fmt.Fprintf(a.Stdout, "%s is to be skipped by hand no longer: %s.\n", schedule.OccurrenceName(c.Key, nominal), localNominal(nominal, zone))
		return tellPaused(a, st, c.Key)
	}
	_, err = fmt.Fprintf(a.Stdout, "%s runs after all: %s.\n", schedule.OccurrenceName(c.Key, nominal), localNominal(nominal, zone))
	return err
}

// skipCommand decides what is due as skipped by hand.
type skipCommand struct {
	Key   string `arg:"" optional:"" help:"One schedule; all of them by default."`
	Until string `required:"" placeholder:"now|INSTANT" help:"Skip what is due at this instant and not decided: now, or an instant in the past such as 2027-01-01T09:00:00Z."`
}

// Help says what it is for.
func (c *skipCommand) Help() string {
	return "For the hour after a restore or a long stop: with the clock stopped, punctual schedules skip --until now keeps it from catching up. What waits is skipped too."
}

// Run skips.
func (c *skipCommand) Run(a *app, s *settings) error {
	st, err := s.look(a)
	if err != nil {
		return err
	}
	defer st.Database().Close()
	overviews, err := st.Overviews(a.Context, c.Key)
	if err != nil {
		return known(a, st, "skipping", c.Key, err)
	}
	zone := zonesOf(overviews).shared()
	now, err := st.Now(a.Context)
	if err != nil {
		return fmt.Errorf("skipping what is due: %w", err)
	}
	until, err := readInstant("skip", "until", c.Until, zone.String(), now)
	if err != nil {
		return err
	}
	if until.After(now) {
		return usageError("skip: --until %s lies ahead; now is %s. To leave out what is yet to come: punctual schedules skip-next, or pause --until", local(until, zone), local(now, zone))
	}
	skipped, err := st.SkipDue(a.Context, c.Key, until, actor())
	if err != nil {
		return fmt.Errorf("skipping what is due until %s (%s so far): %w", local(until, zone), counted(skipped, "occurrence"), err)
	}
	of := "all schedules"
	if c.Key != "" {
		of = c.Key
	}
	_, err = fmt.Fprintf(a.Stdout, "Skipped %s of %s, due until %s.\n", counted(skipped, "occurrence"), of, local(until, zone))
	return err
}

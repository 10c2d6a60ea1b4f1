package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

// showCommand tells everything about one schedule.
type showCommand struct {
	Key  string `arg:"" help:"The schedule."`
	JSON bool   `name:"json" help:"Print JSON."`
}

// How many occurrences show looks ahead, and back.
const (
	shownAhead = 5
	shownBack  = 5
)

// Run shows.
func (c *showCommand) Run(a *app, s *settings) error {
	st, err := s.look(a)
	if err != nil {
		return err
	}
	defer st.Database().Close()
	overviews, err := st.Overviews(a.Context, c.Key)
	if err != nil {
		return known(a, st, "showing", c.Key, err)
	}
	now, err := st.Now(a.Context)
	if err != nil {
		return err
	}
	v := view(overviews[0], now)
	v.Next = overviews[0].Ahead(now, shownAhead)
	if v.Recent, err = st.Runs(a.Context, store.RunFilter{Key: c.Key, Limit: shownBack}); err != nil {
		return fmt.Errorf("showing %q: %w", c.Key, err)
	}
	last, err := st.Runs(a.Context, store.RunFilter{Key: c.Key, Latest: true, Limit: 1})
	if err != nil {
		return fmt.Errorf("showing %q: %w", c.Key, err)
	}
	if len(last) > 0 {
		v.Last = &last[0]
		v.LastWaitsFor = heldUp(a, st, last[0])
	}
	if c.JSON {
		return a.printJSON(v)
	}
	v.print(a, now)
	return nil
}

func (v scheduleView) print(a *app, now time.Time) {
	out := a.Stdout
	fmt.Fprintf(out, "%s  %s", a.paint(v.Key, bold), a.paint(string(v.State), stateColours[v.State]))
	fmt.Fprintln(out)
	if v.Description != "" {
		fmt.Fprintln(out, v.Description)
	}
	fmt.Fprintln(out)
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(out, "  %-9s %s\n", name, text)
		}
	}
	line("when", v.InWords)
	if written := strings.Join(v.When, "; "); !strings.HasPrefix(strings.ToLower(v.InWords), written) {
		line("written", written)
	}
	line("bounds", v.bounds())
	line("except", strings.Join(v.Except, ", "))
	line("runs", v.Job.String())
	line("owner", v.Owner.String())
	line("tags", strings.Join(v.Tags, ", "))
	if v.Error != "" {
		since := ""
		if !v.ErrorAt.IsZero() {
			since = "since " + local(v.ErrorAt, v.zone) + "; "
		}
		line("error", a.paint(v.Error, red)+" ("+since+"the clock looks again each minute, nothing is lost)")
	}
	if v.Error != "" && v.Undecided > 0 {
		line("overdue", fmt.Sprintf("%s since %s", counted(v.Undecided, "occurrence"), local(v.UndecidedSince, v.zone)))
	} else if v.WaitingFor != schedule.NotWaiting {
		line("waits", "since "+local(v.UndecidedSince, v.zone)+" for "+v.WaitingFor.InWords())
	} else if v.Undecided > 0 && now.Sub(v.UndecidedSince) > overdue {
		line("overdue", fmt.Sprintf("%s since %s; is a clock running? (punctual health)", counted(v.Undecided, "occurrence"), local(v.UndecidedSince, v.zone)))
	}
	if v.LastWaitsFor != "" {
		line("last", fmt.Sprintf("%s has not begun: it waits for %s", v.Last.Occurrence, v.LastWaitsFor))
	}
	for _, pause := range v.Pauses {
		line("paused", pauseInWords(pause, v.zone))
	}
	fmt.Fprintln(out)
	for _, sentence := range v.rules() {
		fmt.Fprintf(out, "  %s\n", sentence)
	}
	v.printNext(a, now)
	if len(v.Recent) > 0 {
		fmt.Fprintln(out, "\nLast:")
		listRuns(a, v.Recent, zones{v.Key: v.zone}, now)
	}
}

func (v scheduleView) bounds() string {
	var words []string
	if !v.NotBefore.IsZero() {
		words = append(words, "not before "+local(v.NotBefore, v.zone))
	}
	if !v.NotAfter.IsZero() {
		words = append(words, "not after "+local(v.NotAfter, v.zone))
	}
	return strings.Join(words, ", ")
}

func (v scheduleView) printNext(a *app, now time.Time) {
	if len(v.Next) == 0 {
		fmt.Fprintln(a.Stdout, "\nNothing is ever due again.")
		return
	}
	fmt.Fprintln(a.Stdout, "\nNext:")
	t := newTable("  NOMINAL", "DUE", "")
	for _, n := range v.Next {
		due := relative(n.Due, now)
		if late := n.Due.Sub(n.Nominal); late > 0 {
			due += " (jitter " + schedule.Elapsed(late) + ")"
		}
		t.row(cell{"  " + localNominal(n.Nominal, v.zone), plain}, cell{due, plain}, cell{n.Fate, yellow})
	}
	t.write(a.Stdout, a.Terminal)
}

// rules are the policies in words, one sentence each.
func (v scheduleView) rules() []string {
	var next time.Time
	if len(v.Next) > 0 {
		next = v.Next[0].Nominal.In(v.zone)
	}
	d := schedule.Declaration{When: calendar.When{Expressions: v.When}, Jitter: time.Duration(v.Jitter), Policies: v.Policies}
	return d.PoliciesInWords(next)
}

package main

import (
	"fmt"
	"strings"
	"time"

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
	v.Next = ahead(overviews[0], now, shownAhead)
	if v.Recent, err = st.Runs(a.Context, store.RunFilter{Key: c.Key, Limit: shownBack}); err != nil {
		return fmt.Errorf("showing %q: %w", c.Key, err)
	}
	last, err := st.Runs(a.Context, store.RunFilter{Key: c.Key, Latest: true, Limit: 1})
	if err != nil {
		return fmt.Errorf("showing %q: %w", c.Key, err)
	}
	if len(last) > 0 {
		v.Last = &last[0]
	}
	if c.JSON {
		return a.printJSON(v)
	}
	v.print(a, now)
	return nil
}

// ahead are the next nominals that are due after now, and what will become of
// them as things stand.
func ahead(o store.Overview, now time.Time, n int) []upcoming {
	after := o.State.Cursor
	if last, ok := o.Timeline.LastDue(now); ok && last.At.After(after) {
		after = last.At
	}
	next := []upcoming{}
	for range n {
		nominal, ok := o.Timeline.Next(after)
		if !ok {
			break
		}
		u := upcoming{Nominal: nominal.At, Due: nominal.Due}
		if nominal.At.Equal(o.State.SkipAt) {
			u.Fate = "will be skipped: by hand"
		}
		for _, pause := range o.Pauses {
			if pause.Until.IsZero() || nominal.Due.Before(pause.Until) {
				u.Fate = "will be skipped: paused"
			}
		}
		next, after = append(next, u), nominal.At
	}
	return next
}

func (v scheduleView) print(a *app, now time.Time) {
	out := a.Stdout
	fmt.Fprintf(out, "%s  %s", a.paint(v.Key, bold), a.paint(v.State, stateColours[v.State]))
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
		line("error", a.paint(v.Error, red)+" (since "+local(v.ErrorAt, v.zone)+"; the clock looks again each minute, nothing is lost)")
	}
	if v.WaitingFor != schedule.NotWaiting {
		line("waits", "since "+local(v.UndecidedSince, v.zone)+" for "+v.WaitingFor.InWords())
	} else if v.Undecided > 0 && now.Sub(v.UndecidedSince) > overdue {
		line("overdue", fmt.Sprintf("%s since %s; is a clock running? (punctual health)", counted(v.Undecided, "occurrence"), local(v.UndecidedSince, v.zone)))
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
		listRuns(a, v.Recent, map[string]*time.Location{v.Key: v.zone}, now)
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
			due += " (jitter " + took(late) + ")"
		}
		t.row(cell{"  " + localNominal(n.Nominal, v.zone), plain}, cell{due, plain}, cell{n.Fate, yellow})
	}
	t.write(a.Stdout, a.Terminal)
}

// rules are the policies in words, one sentence each.
func (v scheduleView) rules() []string {
	p := v.Policies
	rules := []string{v.catchUpInWords(), overlapInWords(p)}
	if p.Limit != "" {
		rules = append(rules, fmt.Sprintf("Its jobs take places of the limit %s; where none is free it waits.", p.Limit))
	}
	rules = append(rules, retriesInWords(p))
	if p.Timeout > 0 {
		rules = append(rules, fmt.Sprintf("An attempt that takes longer than %s is ended.", p.Timeout))
	}
	if p.Expires > 0 {
		rules = append(rules, fmt.Sprintf("A job not started %s after it was due is not run any more.", p.Expires))
	}
	if v.Jitter > 0 {
		rules = append(rules, fmt.Sprintf("It is enqueued at the same offset each time, less than %s after its nominal (jitter).", v.Jitter))
	}
	return append(rules, fmt.Sprintf("Its jobs go to the queue %s with priority %d of 4 (1 is first).", p.Queue, p.Priority))
}

// catchUpInWords says what happens if the clock is down, for the next nominal
// where there is one.
func (v scheduleView) catchUpInWords() string {
	when := "when it is due"
	if len(v.Next) > 0 && !strings.HasPrefix(strings.Join(v.When, "; "), "every ") {
		when = "at " + v.Next[0].Nominal.In(v.zone).Format("15:04")
	}
	p := v.Policies
	switch p.CatchUp {
	case schedule.CatchUpAll:
		return fmt.Sprintf("If the clock is down %s, every occurrence missed runs when it is back, oldest first: those of the last %s, at most %d.", when, p.CatchUpWindow, p.CatchUpMax)
	case schedule.CatchUpNone:
		return fmt.Sprintf("If the clock is down %s, it does not run, unless the clock is back within %s.", when, p.Grace)
	}
	return fmt.Sprintf("If the clock is down %s, it runs once when the clock is back, for all that were missed.", when)
}

func overlapInWords(p schedule.Policies) string {
	const unfinished = "If the previous run has not finished, "
	switch p.Overlap {
	case schedule.OverlapWait:
		return unfinished + "it waits until it has; one that comes due meanwhile takes its place."
	case schedule.OverlapQueue:
		return unfinished + fmt.Sprintf("it waits its turn; at most %d wait.", p.CatchUpMax)
	case schedule.OverlapCancel:
		return unfinished + fmt.Sprintf("that is cancelled, and it starts when that has stopped, at the latest after %s.", p.CancelGrace)
	case schedule.OverlapAllow:
		return unfinished + "it runs beside it."
	}
	return unfinished + "it is skipped."
}

func retriesInWords(p schedule.Policies) string {
	if p.Retries == 0 {
		return "A run that fails is not tried again."
	}
	times := "once"
	if p.Retries > 1 {
		times = fmt.Sprintf("up to %d times", p.Retries)
	}
	after := fmt.Sprintf("after %s", p.Backoff.Initial)
	if p.Backoff.Kind == schedule.BackoffExponential && p.Retries > 1 {
		after += fmt.Sprintf(", then twice as long each time, at most %s", p.Backoff.Max)
	}
	return fmt.Sprintf("A run that fails is tried again %s, %s.", times, after)
}

package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

// backfillCommand runs the occurrences of a past range.
type backfillCommand struct {
	Key    string `arg:"" help:"The schedule."`
	From   string `placeholder:"INSTANT" help:"The first instant of the range: 2027-01-01 (midnight in the schedule's zone), 2027-01-01T09:00, or 2027-01-01T09:00:00Z."`
	To     string `placeholder:"INSTANT" help:"The end of the range, itself not in it; now is allowed too."`
	DryRun bool   `help:"Only list what would run."`
	Rerun  bool   `help:"Run also what ran already."`
	Wait   bool   `help:"Wait until all of it has run; exit 1 if anything failed."`
	JSON   bool   `name:"json" help:"Print JSON."`
}

// Help says which occurrences are meant.
func (c *backfillCommand) Help() string {
	return "Runs the occurrences in [--from, --to) that the clock, or an earlier backfill, made no job for: by the when in force now, one at a time unless overlap is allow, behind what is due on time. The clock carries it out; punctual backfills list shows how far it is, punctual backfills stop ends it."
}

// backfillPlan is what a dry run answers.
type backfillPlan struct {
	Schedule    string      `json:"schedule"`
	From        time.Time   `json:"from"`
	To          time.Time   `json:"to"`
	Rerun       bool        `json:"rerun"`
	Total       int         `json:"total"`
	Nominals    []time.Time `json:"nominals"`
	Occurrences []string    `json:"occurrences"`
}

// Run plans, or starts and perhaps waits.
func (c *backfillCommand) Run(a *app, s *settings) error {
	if c.From == "" || c.To == "" {
		return usageError("backfill: say which range: --from and --to, the end not in it; for example: punctual backfill %s --from 2027-01-01 --to 2027-02-01 --dry-run", c.Key)
	}
	st, err := s.look(a)
	if err != nil {
		return err
	}
	defer st.Database().Close()
	overviews, err := st.Overviews(a.Context, c.Key)
	if err != nil {
		return known(a, st, "backfilling", c.Key, err)
	}
	zone := zoneOf(overviews[0].Schedule)
	request, err := c.request(a, st, zone)
	if err != nil {
		return err
	}
	if c.DryRun {
		return c.plan(a, st, request, overviews[0])
	}
	b, err := st.StartBackfill(a.Context, request)
	if err != nil {
		return err
	}
	c.tellEnd(a, request, b, zone)
	if b.ID != 0 {
		c.tellBeside(a, st, b)
	}
	switch {
	case b.ID == 0 && c.JSON:
		return a.printJSON(viewBackfill(b))
	case b.ID == 0:
		_, err = fmt.Fprintf(a.Stdout, "Nothing to do: %s\n", c.nothing(request, overviews[0], a.now()))
		return err
	case c.Wait:
		return c.wait(a, st, b, overviews[0].Schedule)
	case c.JSON:
		return a.printJSON(viewBackfill(b))
	}
	fmt.Fprintf(a.Stdout, "Backfill %d began: %s of %s. punctual backfills list shows how far it is, punctual backfills stop %[1]d ends it.\n", b.ID, counted(b.Total, "occurrence"), c.Key)
	newHints().say(a, whyNoBackfill(a, st, overviews[0].Schedule))
	return nil
}

// request reads the range.
func (c *backfillCommand) request(a *app, st *store.Store, zone *time.Location) (store.BackfillRequest, error) {
	r := store.BackfillRequest{Key: c.Key, Rerun: c.Rerun, Actor: actor()}
	now, err := st.Now(a.Context)
	if err != nil {
		return r, err
	}
	if r.From, err = readInstant("backfill", "from", c.From, zone.String(), now); err != nil {
		return r, err
	}
	if r.To, err = readInstant("backfill", "to", c.To, zone.String(), now); err != nil {
		return r, err
	}
	if !r.To.After(r.From) {
		return r, usageError("backfill: --to %s is not after --from %s; the range is [from, to), in which the end does not lie", local(r.To, zone), local(r.From, zone))
	}
	if r.To.After(now) && !r.From.After(now) {
		fmt.Fprintf(a.Stderr, "--to %s is yet to come: the range ends at now, %s; what is due later runs by itself.\n", local(r.To, zone), local(now, zone))
	}
	return r, nil
}

// tellEnd says why a backfill ends before what was asked for, and is past.
func (c *backfillCommand) tellEnd(a *app, asked store.BackfillRequest, b store.Backfill, zone *time.Location) {
	if b.To.Before(asked.To) && b.To.Before(b.CreatedAt) {
		fmt.Fprintf(a.Stderr, "The range ends at %s: what comes from then on is yet to be decided, which a clock does by itself.\n", local(b.To, zone))
	}
}

// nothing says why there is nothing to run.
func (c *backfillCommand) nothing(r store.BackfillRequest, o store.Overview, now time.Time) string {
	zone := zoneOf(o.Schedule)
	if r.From.After(now) {
		return fmt.Sprintf("the range begins at %s, which is yet to come: a backfill makes up for what is past, and what is to come runs by itself", local(r.From, zone))
	}
	text := fmt.Sprintf("%s has no occurrence from %s to %s", c.Key, local(r.From, zone), local(r.To, zone))
	spec, err := o.When.Parse()
	switch {
	case err == nil && spec.Count(r.From.Add(-time.Millisecond), r.To.Add(-time.Millisecond)) == 0:
		return text + fmt.Sprintf(" by its when as it is now: %s.", spec.Describe())
	case !c.Rerun:
		return text + " that is past and had no job. --rerun runs those that had one again."
	}
	return text + " that is past."
}

// plan lists what would run; of many occurrences a person sees the first.
func (c *backfillCommand) plan(a *app, st *store.Store, r store.BackfillRequest, o store.Overview) error {
	zone := zoneOf(o.Schedule)
	nominals, err := st.PlanBackfill(a.Context, r)
	if err != nil {
		return err
	}
	if c.JSON {
		p := backfillPlan{Schedule: c.Key, From: r.From, To: r.To, Rerun: c.Rerun, Total: len(nominals), Nominals: []time.Time{}, Occurrences: []string{}}
		for _, nominal := range nominals {
			p.Nominals = append(p.Nominals, nominal)
			p.Occurrences = append(p.Occurrences, schedule.OccurrenceName(c.Key, nominal))
		}
		return a.printJSON(p)
	}
	if len(nominals) == 0 {
		_, err = fmt.Fprintf(a.Stdout, "Nothing to do: %s\n", c.nothing(r, o, a.now()))
		return err
	}
	const shown = 50
	for _, nominal := range nominals[:min(shown, len(nominals))] {
		fmt.Fprintf(a.Stdout, "%s  %s\n", schedule.OccurrenceName(c.Key, nominal), localNominal(nominal, zone))
	}
	if more := len(nominals) - shown; more > 0 {
		fmt.Fprintf(a.Stdout, "… and %d more, up to %s\n", more, local(nominals[len(nominals)-1], zone))
	}
	_, err = fmt.Fprintf(a.Stdout, "Would run %s. Nothing was changed.\n", counted(len(nominals), "occurrence"))
	if now, nowErr := st.Now(a.Context); nowErr == nil {
		c.tellBeside(a, st, store.Backfill{Key: r.Key, From: r.From, To: r.To, Rerun: r.Rerun, CreatedAt: now})
	}
	return err
}

// backfillProgress is how far a backfill is.
type backfillProgress struct {
	store.Backfill
	State string         `json:"state"` // running, finished or stopped
	Runs  map[string]int `json:"runs,omitempty"`

	left string // why it has not made all the jobs it was to make
}

func viewBackfill(b store.Backfill) backfillProgress {
	state := "running"
	switch {
	case !b.StoppedAt.IsZero():
		state = "stopped"
	case !b.FinishedAt.IsZero() || b.ID == 0:
		state = "finished"
	}
	return backfillProgress{Backfill: b, State: state}
}

// readProgress reads how far a backfill is, and whether nothing more comes of it.
func readProgress(a *app, st *store.Store, id int64) (p backfillProgress, done bool, err error) {
	b, err := st.BackfillByID(a.Context, id)
	if err != nil {
		return p, false, err
	}
	p = viewBackfill(b)
	if p.Runs, err = st.CountRuns(a.Context, store.RunFilter{Backfill: id}); err != nil {
		return p, false, err
	}
	open := 0
	for _, state := range openStates {
		open += p.Runs[state]
	}
	return p, p.State != "running" && open == 0, nil
}

// wait watches a backfill until its last job has ended.
func (c *backfillCommand) wait(a *app, st *store.Store, b store.Backfill, one *schedule.Schedule) error {
	if !c.JSON {
		fmt.Fprintf(a.Stderr, "Backfill %d: %s of %s. punctual backfills stop %[1]d ends it.\n", b.ID, counted(b.Total, "occurrence"), c.Key)
	}
	still, shown := newHints(), ""
	still.say(a, whyNoBackfill(a, st, one))
	for {
		p, done, err := readProgress(a, st, b.ID)
		if err != nil {
			return c.goesOn(a, b.ID, err)
		}
		if done || a.TerminalErr {
			p.left = whyLeft(a, st, p)
		}
		if line := p.line(); a.TerminalErr && line != shown && !c.JSON {
			fmt.Fprintf(a.Stderr, "\r\x1b[K%s", line)
			shown = line
		}
		if done {
			if shown != "" {
				fmt.Fprintln(a.Stderr)
			}
			return c.end(a, p)
		}
		if still.due() {
			still.say(a, whyNoBackfill(a, st, one))
		}
		if err := pause(a); err != nil {
			return c.goesOn(a, b.ID, err)
		}
	}
}

func (c *backfillCommand) goesOn(a *app, id int64, err error) error {
	if a.TerminalErr {
		fmt.Fprintln(a.Stderr)
	}
	return goesOn(a, err, fmt.Sprintf("backfill %d", id), fmt.Sprintf("punctual backfills stop %d ends it", id))
}

func (c *backfillCommand) end(a *app, p backfillProgress) error {
	var err error
	if c.JSON {
		err = a.printJSON(p)
	} else {
		_, err = fmt.Fprintf(a.Stdout, "%s.\n", p.line())
	}
	if err == nil && (p.State == "stopped" || p.Runs[outcomeSucceeded] < p.Enqueued) {
		return &exitError{Code: 1, Message: c.next(p)}
	}
	return err
}

// next says what to look at after a backfill that did not do all it was to do;
// empty: a script asked, which has the numbers.
func (c *backfillCommand) next(p backfillProgress) string {
	ill := slices.DeleteFunc(slices.Sorted(maps.Keys(p.Runs)), func(state string) bool { return state == outcomeSucceeded })
	switch {
	case c.JSON:
		return ""
	case len(ill) > 0:
		return fmt.Sprintf("not all of backfill %d succeeded; punctual runs list --schedule %s --state %s shows which did not", p.ID, c.Key, ill[0])
	}
	return fmt.Sprintf("backfill %d was stopped before its end; punctual backfill %s with the same --from and --to runs what is left", p.ID, c.Key)
}

// line is the progress in one line.
func (p backfillProgress) line() string {
	text := fmt.Sprintf("Backfill %d of %s %s: %d of %d enqueued", p.ID, p.Key, p.State, p.Enqueued, p.Total)
	var counts []string
	for _, state := range slices.Sorted(maps.Keys(p.Runs)) {
		counts = append(counts, fmt.Sprintf("%d %s", p.Runs[state], state))
	}
	if len(counts) > 0 {
		text += ", " + strings.Join(counts, ", ")
	}
	if p.left != "" {
		text += "; " + p.left
	}
	return text
}

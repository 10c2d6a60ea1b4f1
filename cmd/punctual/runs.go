package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

// runsGroup looks at the ledger and at the jobs.
type runsGroup struct {
	List   runsListCommand   `cmd:"" help:"List decisions and what came of them, the newest first."`
	Show   runsShowCommand   `cmd:"" help:"One occurrence from nominal to finish, or why it did not run."`
	Output runsOutputCommand `cmd:"" help:"Print what a job wrote."`
	Retry  runsRetryCommand  `cmd:"" help:"Run a job again that has ended, or at once what waits for a retry."`
	Cancel runsCancelCommand `cmd:"" help:"Stop a job, or cancel it if it has not started."`
	Seen   runsSeenCommand   `cmd:"" help:"Say that somebody has seen a failure."`
}

// The states of a run. Those of the queue stand while its job has not ended.
const outcomeSucceeded = "succeeded"

var (
	openStates  = []string{"available", "scheduled", "pending", "running", "retryable"}
	endedStates = []string{"succeeded", "failed", "cancelled", "expired", "superseded", "unknown", "skipped"}
)

// hasEnded says that nothing more comes of a run by itself.
func hasEnded(r store.Run) bool { return !slices.Contains(openStates, r.State) }

func outcomeColour(state string) colour {
	switch state {
	case outcomeSucceeded:
		return green
	case "failed", "expired":
		return red
	case "running", "retryable":
		return yellow
	case "skipped", "superseded", "cancelled":
		return faint
	}
	return plain
}

// runsListCommand lists.
type runsListCommand struct {
	Schedule string `placeholder:"KEY" help:"Only those of one schedule."`
	State    string `placeholder:"STATE" help:"Only those in one state: skipped, available, running, retryable, succeeded, failed, cancelled, expired, superseded or unknown."`
	Unseen   bool   `help:"Only jobs that failed for good and that nobody has said to have seen (runs seen)."`
	Limit    int    `short:"n" default:"20" help:"How many, 1 to 1000."`
	Before   int64  `placeholder:"ID" help:"Only rows with a smaller id, for the next page."`
	JSON     bool   `name:"json" help:"Print JSON."`
}

// Validate refuses what cannot be meant.
func (c *runsListCommand) Validate() error {
	if err := limitAllowed(c.Limit); err != nil {
		return err
	}
	if states := slices.Concat(endedStates, openStates); c.State != "" && !slices.Contains(states, c.State) {
		return fmt.Errorf("--state %q is unknown; one of %s%s", c.State, strings.Join(states, ", "), didYouMean(c.State, states))
	}
	return nil
}

// Run lists.
func (c *runsListCommand) Run(a *app, s *settings) error {
	st, err := s.look(a)
	if err != nil {
		return err
	}
	defer st.Database().Close()
	runs, err := st.Runs(a.Context, store.RunFilter{Key: c.Schedule, State: c.State, Unseen: c.Unseen, Before: c.Before, Limit: c.Limit + 1})
	if err != nil {
		return fmt.Errorf("listing runs: %w", err)
	}
	runs, more := page(runs, c.Limit)
	if len(runs) == 0 && c.Schedule != "" {
		// A deleted schedule has a history, but is no schedule any more.
		if _, err := st.Overviews(a.Context, c.Schedule); err != nil {
			return known(a, st, "listing the runs of", c.Schedule, err)
		}
	}
	if c.JSON {
		return a.printJSON(append([]store.Run{}, runs...))
	}
	if len(runs) == 0 {
		_, err := fmt.Fprintln(a.Stdout, c.none(a, st))
		return err
	}
	now, err := st.Now(a.Context)
	if err != nil {
		return err
	}
	listRuns(a, runs, zonesOfRuns(a, st, runs), now)
	if more {
		fmt.Fprintf(a.Stdout, "Earlier ones: add --before %d (which numbers the row, and not its job)\n", runs[len(runs)-1].ID)
	}
	return nil
}

// none says why there is nothing to list, and what brings something about.
func (c *runsListCommand) none(a *app, st *store.Store) string {
	what := "Nothing"
	if c.Schedule != "" {
		what += " of " + c.Schedule
	}
	past, err := st.Runs(a.Context, store.RunFilter{Key: c.Schedule, Limit: 1})
	switch {
	case err == nil && len(past) > 0 && c.Unseen && c.State == "":
		return strings.Replace(what, "Nothing", "No failure", 1) + " is unseen."
	case err == nil && len(past) > 0:
		return "No run matches."
	}
	overviews, err := st.Overviews(a.Context, c.Schedule)
	if err == nil && len(overviews) == 0 {
		return "Nothing has been decided yet, and there are no schedules: punctual apply reads them from the schedule file."
	}
	if noClock(a, st) != "" {
		return what + " has been decided yet, and no clock is alive: punctual start, or punctual clock, runs one."
	}
	next, now := time.Time{}, time.Time{}
	if now, err = st.Now(a.Context); err == nil {
		for _, one := range overviews {
			if n, ok := one.Timeline.Next(one.State.Cursor); ok && (next.IsZero() || n.Due.Before(next)) {
				next = n.Due
			}
		}
	}
	if next.IsZero() {
		return what + " has been decided yet, and nothing is due ever again (punctual schedules list)."
	}
	return fmt.Sprintf("%s has been decided yet; the first is due %s.", what, relative(next, now))
}

// limitAllowed bounds how much one list shows.
func limitAllowed(limit int) error {
	if limit < 1 || limit > 1000 {
		return fmt.Errorf("--limit %d is out of range; allowed: 1 to 1000", limit)
	}
	return nil
}

// page is as much of a list as was asked for, of which one more was read to know
// whether there are more.
func page[T any](all []T, limit int) (shown []T, more bool) {
	return all[:min(len(all), limit)], len(all) > limit
}

// zonesOfRuns are the zones of the schedules that runs belong to. Of one that is
// deleted it is not asked: its times are shown in UTC.
func zonesOfRuns(a *app, st *store.Store, runs []store.Run) zones {
	all := zones{}
	for _, run := range runs {
		if all[run.Schedule] != nil {
			continue
		}
		all[run.Schedule] = time.UTC
		if overviews, err := st.Overviews(a.Context, run.Schedule); err == nil {
			all[run.Schedule] = zoneOf(overviews[0].Schedule)
		}
	}
	return all
}

func listRuns(a *app, runs []store.Run, zones zones, now time.Time) {
	t := newTable("OCCURRENCE", "STATE", "DUE", "JOB", "TOOK", "")
	for _, run := range runs {
		name, job, lasted := run.Occurrence, "–", "–"
		if run.Count > 1 {
			name += fmt.Sprintf(" … %s (%d)", schedule.FormatInstant(run.Until), run.Count)
		}
		if run.JobID != 0 {
			job = strconv.FormatInt(run.JobID, 10)
		}
		if !run.StartedAt.IsZero() && !run.FinishedAt.IsZero() {
			lasted = schedule.Elapsed(run.FinishedAt.Sub(run.StartedAt))
		}
		t.row(cell{name, plain}, cell{run.State, outcomeColour(run.State)},
			cell{relative(run.Due, now) + ", " + run.Due.In(zones[run.Schedule]).Format("15:04:05 MST"), plain},
			cell{job, plain}, cell{lasted, plain}, cell{remark(run), faint})
	}
	t.fit(a.Width)
	t.write(a.Stdout, a.Terminal)
}

// remark is what a list has to add to a run's state.
func remark(r store.Run) string {
	var words []string
	if r.Origin == "backfill" {
		words = append(words, fmt.Sprintf("backfill %d", r.Backfill))
	}
	switch {
	case r.Note != "":
		words = append(words, inOneLine(r.Note))
	case r.Reason != "":
		words = append(words, r.Reason)
	case r.Error != "":
		words = append(words, inOneLine(r.Error))
	}
	return strings.Join(words, ": ")
}

// reference is how a user names a run: its occurrence, its trigger, or its job.
type reference struct {
	text   string
	filter store.RunFilter
	local  string // of an occurrence named by a local time, which the schedule's zone tells
}

// parseReference reads report@2026-11-23T09:00:00Z, report!k3f9, or 12.
func parseReference(command, text string) (reference, error) {
	r := reference{text: text, filter: store.RunFilter{Limit: 100}}
	if id, err := strconv.ParseInt(text, 10, 64); err == nil && id > 0 {
		r.filter.JobID = id
		return r, nil
	}
	if key, trigger, ok := strings.Cut(text, "!"); ok && schedule.ValidKey(key) && trigger != "" {
		r.filter.Key, r.filter.Trigger = key, trigger
		return r, nil
	}
	if key, nominal, err := schedule.ParseOccurrenceName(text); err == nil {
		r.filter.Key, r.filter.Nominal = key, nominal
		return r, nil
	}
	if key, local, ok := strings.Cut(text, "@"); ok && schedule.ValidKey(key) {
		if _, err := calendar.ParseInstant(local, "UTC"); err == nil {
			r.filter.Key, r.local = key, local
			return r, nil
		}
	}
	fault := fmt.Sprintf("%s: %q is not the name of a run; allowed: an occurrence such as report@2026-11-23T09:00:00Z, or with a time in the schedule's zone, report@2026-11-23T09:00, a trigger such as report!k3f9, or the number of a job (punctual runs list shows all three)", command, text)
	if schedule.ValidKey(text) {
		fault += fmt.Sprintf("\n  punctual runs list --schedule %s   shows the runs of a schedule of that name", text)
	}
	return r, usageError("%s", fault)
}

// read puts a local time in its place, by the zone of the schedule; of one that is
// deleted or was never there it is UTC's.
func (r *reference) read(a *app, st *store.Store) error {
	if r.local == "" {
		return nil
	}
	zone := time.UTC
	if overviews, err := st.Overviews(a.Context, r.filter.Key); err == nil {
		zone = zoneOf(overviews[0].Schedule)
	}
	nominal, err := calendar.ParseInstant(r.local, zone.String())
	if err != nil {
		return usageError("%s: %v", r.text, err)
	}
	r.filter.Nominal, r.local = nominal, ""
	r.text = schedule.OccurrenceName(r.filter.Key, nominal)
	return nil
}

// find reads the runs a reference names, the newest first; there is at least
// one. An error says why there is none.
func (r reference) find(a *app, st *store.Store) ([]store.Run, error) {
	if err := r.read(a, st); err != nil {
		return nil, err
	}
	runs, err := st.Runs(a.Context, r.filter)
	if err != nil {
		return nil, fmt.Errorf("looking for %s: %w", r.text, err)
	}
	if len(runs) > 0 {
		return runs, r.within(a, st, runs)
	}
	if r.filter.JobID != 0 {
		return nil, &exitError{Code: 1, Message: fmt.Sprintf("no occurrence has the job %d; punctual runs list shows the latest", r.filter.JobID)}
	}
	overviews, err := st.Overviews(a.Context, r.filter.Key)
	if errors.Is(err, store.ErrNotFound) {
		// What ran before a rename is known outside by the name it had then.
		renamed, lookErr := st.Renamed(a.Context, r.filter.Key)
		if lookErr == nil && renamed != "" && renamed != r.filter.Key {
			fmt.Fprintf(a.Stderr, "%s is called %s now.\n", r.filter.Key, renamed)
			r.filter.Key, r.text = renamed, renamed+strings.TrimPrefix(r.text, r.filter.Key)
			return r.find(a, st)
		}
	}
	if err != nil {
		return nil, known(a, st, "looking for a run of", r.filter.Key, err)
	}
	if r.filter.Trigger != "" {
		return nil, &exitError{Code: 1, Message: fmt.Sprintf("no trigger %s is on record; punctual runs list --schedule %s shows the latest", r.text, r.filter.Key)}
	}
	now, err := st.Now(a.Context)
	if err != nil {
		return nil, err
	}
	return nil, &exitError{Code: 1, Message: r.text + ": " + whyAbsent(overviews[0], r.filter.Nominal, now)}
}

// within refuses an instant that no occurrence has although it lies inside of a
// recorded stretch, whose rows stand for the occurrences between its ends.
func (r reference) within(a *app, st *store.Store, runs []store.Run) error {
	for _, run := range runs {
		if run.Count <= 1 || run.Nominal.Equal(r.filter.Nominal) || run.Until.Equal(r.filter.Nominal) || r.filter.Nominal.IsZero() {
			return nil
		}
	}
	overviews, err := st.Overviews(a.Context, r.filter.Key)
	if err != nil {
		return nil // a deleted schedule has no when to compare with
	}
	o, at := overviews[0], r.filter.Nominal
	next, more := o.Timeline.Next(at.Add(-1))
	if !more || next.At.Equal(at) || !at.After(o.HistoryFrom) {
		return nil
	}
	stretch, zone := runs[0], zoneOf(o.Schedule)
	return &exitError{Code: 1, Message: fmt.Sprintf("%s: %s; it lies in a stretch of %s, %s to %s, that were %s together (punctual runs show %s)",
		r.text, noOccurrence(o, at), counted(stretch.Count, "occurrence"), localNominal(stretch.Nominal, zone), localNominal(stretch.Until, zone), stretch.State, stretch.Occurrence)}
}

// whyAbsent says why the ledger has no row for an instant.
func whyAbsent(o store.Overview, at, now time.Time) string {
	next, more := o.Timeline.Next(at.Add(-1))
	if more && next.At.Equal(at) {
		switch {
		case next.Due.After(now) && at.Equal(o.State.SkipAt):
			return fmt.Sprintf("not decided yet; it is due %s, and will be skipped (punctual schedules skip-next %s --undo takes that back)", relative(next.Due, now), o.Key)
		case next.Due.After(now):
			return fmt.Sprintf("not decided yet; it is due %s", relative(next.Due, now))
		case at.After(o.State.Cursor) && o.Error != "":
			return "due, but not decided: the schedule is in error: " + o.Error
		case at.After(o.State.Cursor) && o.State.Waiting != schedule.NotWaiting:
			return "not decided yet; it waits for " + o.State.Waiting.InWords()
		case at.After(o.State.Cursor):
			return "due, but not decided yet; is a clock running? (punctual health)"
		case !at.After(o.HistoryFrom) && o.HistoryFrom.After(o.CreatedAt):
			return fmt.Sprintf("the history up to %s has been pruned, so what came of it is not known any more", schedule.FormatInstant(o.HistoryFrom))
		}
		return "there is no record of it; punctual audit says whether there should be"
	}
	return noOccurrence(o, at)
}

// noOccurrence says that an instant is no nominal, and which are near.
func noOccurrence(o store.Overview, at time.Time) string {
	text := fmt.Sprintf("%s has no occurrence at that instant", o.Key)
	if at.Before(o.CreatedAt) && o.When.Yields(at) {
		return text + ", which is before it was created, " + schedule.FormatInstant(o.CreatedAt) + "; " + store.MakesUp(o.Key, at)
	}
	text += whyNone(o.When, at, zoneOf(o.Schedule))
	var near []string
	for _, nominal := range nominalsBeside(o, at) {
		near = append(near, schedule.OccurrenceName(o.Key, nominal))
	}
	switch len(near) {
	case 1:
		text += "; the nearest is " + near[0]
	case 2:
		text += "; the nearest are " + strings.Join(near, " and ")
	}
	return text
}

// nominalsBeside are the nominals before and after an instant. Before the schedule was created
// they are those that a backfill runs.
func nominalsBeside(o store.Overview, at time.Time) (near []time.Time) {
	if spec, err := o.When.Parse(); at.Before(o.CreatedAt) && err == nil {
		if before, ok := spec.Prev(at); ok {
			near = append(near, before)
		}
		if next, ok := spec.Next(at); ok {
			near = append(near, next)
		}
		return near
	}
	if before, ok := o.Timeline.Prev(at); ok {
		near = append(near, before.At)
	}
	if next, ok := o.Timeline.Next(at); ok {
		near = append(near, next.At)
	}
	return near
}

// whyNone says why an instant is none of a when's, in the words of a line.
func whyNone(when calendar.When, at time.Time, zone *time.Location) string {
	switch left, date := when.LeavesOut(at); left {
	case calendar.ByNotBefore:
		return ": it begins only at " + localNominal(when.NotBefore, zone) + " (not_before)"
	case calendar.ByNotAfter:
		return ": it ended at " + localNominal(when.NotAfter, zone) + " (not_after)"
	case calendar.ByExcept:
		return ": it is not due on " + date.String() + " (except)"
	}
	if spec, err := when.Parse(); err == nil {
		return ": it is due " + strings.ToLower(spec.Describe()[:1]) + spec.Describe()[1:]
	}
	return ""
}

// job is the run with a job that a reference names: of several the newest.
func (r reference) job(a *app, st *store.Store) (store.Run, error) {
	runs, err := r.find(a, st)
	if err != nil {
		return store.Run{}, err
	}
	for _, run := range runs {
		if run.JobID != 0 {
			return run, nil
		}
	}
	// Of a stretch that was skipped together it is this one that is asked for.
	return store.Run{}, &exitError{Code: 1, Message: st.WithoutJob(a.Context, runs[0].At(r.filter.Nominal))}
}

// errInterrupted says that a person stopped waiting.
var errInterrupted = errors.New("interrupted")

// goesOn is the error of a wait that was broken off: what was waited for goes on
// all the same.
func goesOn(a *app, err error, what, stop string) error {
	if a.Context.Err() == nil && !errors.Is(err, errInterrupted) {
		return err
	}
	return &exitError{Code: 1, Message: fmt.Sprintf("no longer waiting; %s goes on (%s)", what, stop)}
}

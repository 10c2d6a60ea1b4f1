package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

// schedulesGroup is what can be done with schedules by hand.
type schedulesGroup struct {
	List     schedulesListCommand `cmd:"" help:"List the schedules: when, next run, last outcome."`
	Show     showCommand          `cmd:"" help:"Everything about one schedule."`
	Pause    pauseCommand         `cmd:"" help:"Enqueue nothing of a schedule, a tag or everything for a while."`
	Resume   resumeCommand        `cmd:"" help:"End such a pause; what fell due in it is not caught up on."`
	SkipNext skipNextCommand      `cmd:"" help:"Leave out the next occurrence."`
	Skip     skipCommand          `cmd:"" help:"Decide what is due and undecided as skipped, as after a restore."`
	Trigger  triggerCommand       `cmd:"" help:"Run it now, beside its regular occurrences."`
	Delete   deleteCommand        `cmd:"" help:"End a schedule; its history stays."`
}

var stateColours = map[store.Standing]colour{
	store.StandingError: red, store.StandingEnded: faint, store.StandingPaused: yellow, store.StandingWaiting: yellow, store.StandingActive: green,
}

// scheduleView is a schedule for scripts. list and show print the same fields;
// Next and Recent are show's.
type scheduleView struct {
	Key            string               `json:"key"`
	State          store.Standing       `json:"state"`
	Description    string               `json:"description,omitempty"`
	When           []string             `json:"when"`
	Zone           string               `json:"zone"`
	InWords        string               `json:"in_words"`
	NotBefore      time.Time            `json:"not_before,omitzero"`
	NotAfter       time.Time            `json:"not_after,omitzero"`
	Except         []string             `json:"except,omitempty"`
	Jitter         schedule.Duration    `json:"jitter,omitzero"`
	Tags           []string             `json:"tags"`
	Owner          schedule.Owner       `json:"owner"`
	Job            schedule.Job         `json:"job"`
	Policies       schedule.Policies    `json:"policies"`
	CreatedAt      time.Time            `json:"created_at"`
	Cursor         time.Time            `json:"cursor"` // everything at or before it is decided
	NextNominal    time.Time            `json:"next_nominal,omitzero"`
	NextDue        time.Time            `json:"next_due,omitzero"`
	Undecided      int                  `json:"undecided"` // nominals that are due, and not decided
	UndecidedSince time.Time            `json:"undecided_since,omitzero"`
	WaitingFor     schedule.Waiting     `json:"waiting_for,omitempty"`
	SkipNext       time.Time            `json:"skip_next,omitzero"`
	Pauses         []store.PauseInForce `json:"pauses"`
	Error          string               `json:"error,omitempty"`
	ErrorAt        time.Time            `json:"error_at,omitzero"`
	Last           *store.Run           `json:"last,omitempty"`           // the job made last, by the clock or by hand
	LastWaitsFor   string               `json:"last_waits_for,omitempty"` // in words, where it has not begun and something holds it up
	Next           []store.Upcoming     `json:"next,omitempty"`
	Recent         []store.Run          `json:"recent,omitempty"`

	zone     *time.Location
	lastHeld store.Hold // what holds its last job up
}

// lastWaits says that the job made last waits for a worker.
func (v scheduleView) lastWaits() bool {
	return v.Last != nil && v.Last.State == "available"
}

func view(o store.Overview, now time.Time) scheduleView {
	v := scheduleView{
		Key: o.Key, Description: o.Description, When: o.When.Expressions, Zone: o.When.Zone,
		InWords: strings.Join(o.When.Expressions, "; "), NotBefore: o.When.NotBefore, NotAfter: o.When.NotAfter,
		Jitter: schedule.Duration(o.Jitter), Tags: append([]string{}, o.Tags...), Owner: o.Owner, Job: o.Job, Policies: o.Policies,
		CreatedAt: o.CreatedAt, Cursor: o.State.Cursor, WaitingFor: o.State.Waiting, SkipNext: o.State.SkipAt,
		Pauses: append([]store.PauseInForce{}, o.Pauses...), Error: o.Error, ErrorAt: o.ErrorAt, zone: zoneOf(o.Schedule),
	}
	for _, date := range o.When.Except {
		v.Except = append(v.Except, date.String())
	}
	if spec := o.Timeline.Spec(); spec != nil {
		v.When, v.Zone, v.InWords = spec.Expressions(), spec.Zone(), spec.Describe()
	}
	v.Undecided, v.UndecidedSince = o.Undecided(now)
	if next, ok := o.NextRun(now); ok {
		v.NextNominal, v.NextDue = next.At, next.Due
	}
	v.State = o.Standing()
	return v
}

// schedulesListCommand lists.
type schedulesListCommand struct {
	Tag   string `placeholder:"TAG" help:"Only those with this tag."`
	Owner string `placeholder:"OWNER" help:"Only those of this owner: file, api or program, or one by name as 'file punctual.yaml'."`
	State string `placeholder:"STATE" enum:"active,paused,waiting,error,ended," default:"" help:"Only those in this state: active, paused, waiting, error or ended."`
	JSON  bool   `name:"json" help:"Print JSON."`
}

// Run prints a line, or an object, for each schedule.
func (c *schedulesListCommand) Run(a *app, s *settings) error {
	st, err := s.look(a)
	if err != nil {
		return err
	}
	defer st.Database().Close()
	all, now, err := views(a, st)
	if err != nil {
		return fmt.Errorf("listing schedules: %w", err)
	}
	chosen := slices.DeleteFunc(slices.Clone(all), func(v scheduleView) bool { return !c.wants(v) })
	if len(all) > 0 && len(chosen) == 0 {
		c.tellUnknown(a, all)
	}
	if c.JSON {
		return a.printJSON(append([]scheduleView{}, chosen...))
	}
	switch {
	case len(all) == 0:
		fmt.Fprintf(a.Stdout, "There are no schedules yet. punctual apply reads them from %s.\n", s.Config)
	case len(chosen) == 0:
		fmt.Fprintf(a.Stdout, "None of the %s matches.\n", counted(len(all), "schedule"))
	default:
		listSchedules(a, chosen, now)
	}
	return nil
}

// tellUnknown says which tags and owners there are, where none is the one asked
// for: an empty list alone looks as if all were well.
func (c *schedulesListCommand) tellUnknown(a *app, all []scheduleView) {
	var tags, owners []string
	owned := false
	for _, v := range all {
		tags, owners = append(tags, v.Tags...), append(owners, v.Owner.String())
		owned = owned || c.owns(v)
	}
	slices.Sort(tags)
	slices.Sort(owners)
	if c.Tag != "" && !slices.Contains(tags, c.Tag) {
		there := "; no schedule has any tag"
		if len(tags) > 0 {
			there = "; the tags there are: " + some(slices.Compact(tags))
		}
		fmt.Fprintf(a.Stderr, "No schedule has the tag %q%s.\n", c.Tag, there)
	}
	if c.Owner != "" && !owned {
		fmt.Fprintf(a.Stderr, "No schedule is owned by %q; the owners there are: %s.\n", c.Owner, some(slices.Compact(owners)))
	}
}

func (c *schedulesListCommand) owns(v scheduleView) bool {
	return c.Owner == v.Owner.Kind || c.Owner == v.Owner.Name || c.Owner == v.Owner.String()
}

func (c *schedulesListCommand) wants(v scheduleView) bool {
	return (c.Tag == "" || slices.Contains(v.Tags, c.Tag)) &&
		(c.Owner == "" || c.owns(v)) &&
		(c.State == "" || c.State == string(v.State))
}

// views are all schedules with their last job.
func views(a *app, st *store.Store) ([]scheduleView, time.Time, error) {
	now, err := st.Now(a.Context)
	if err != nil {
		return nil, now, err
	}
	overviews, err := st.Overviews(a.Context, "")
	if err != nil {
		return nil, now, err
	}
	runs, err := st.Runs(a.Context, store.RunFilter{Latest: true, Limit: len(overviews) + 1})
	if err != nil {
		return nil, now, err
	}
	last := map[string]*store.Run{}
	for i := range runs {
		last[runs[i].Schedule] = &runs[i]
	}
	paused, err := st.Queue().Paused(a.Context)
	if err != nil {
		return nil, now, err
	}
	all := make([]scheduleView, len(overviews))
	for i, o := range overviews {
		all[i] = view(o, now)
		all[i].Last = last[o.Key]
		// Of the many, only what is known without counting the jobs of each queue.
		if q := (store.QueueOverview{Name: o.Policies.Queue, PausedAt: now}); paused[q.Name] && all[i].lastWaits() {
			all[i].LastWaitsFor, all[i].lastHeld = waitsFor(q, ""), q.Hold("")
		}
	}
	return all, now, nil
}

func listSchedules(a *app, all []scheduleView, now time.Time) {
	t := newTable("SCHEDULE", "STATE", "WHEN", "NEXT", "LAST")
	for _, v := range all {
		last, c := v.lastInWords(now)
		t.row(cell{v.Key, bold}, cell{string(v.State), stateColours[v.State]}, cell{oneLine(v.InWords), plain}, cell{v.nextInWords(now), plain}, cell{last, c})
	}
	t.write(a.Stdout, a.Terminal)
}

// overdue is how late an undecided nominal has to be to be spoken of: every one
// is undecided for some milliseconds.
const overdue = 2 * time.Second

func (v scheduleView) nextInWords(now time.Time) string {
	text := "–"
	if !v.NextDue.IsZero() {
		text = relative(v.NextDue, now) + ", " + local(v.NextDue, v.zone)
	}
	if v.SkipNext.After(v.Cursor) {
		text += fmt.Sprintf(" (%s is skipped)", local(v.SkipNext, v.zone))
	}
	if v.WaitingFor != schedule.NotWaiting {
		return "waits for " + v.WaitingFor.InWords()
	}
	if v.Undecided > 0 && now.Sub(v.UndecidedSince) > overdue {
		return fmt.Sprintf("%s overdue, the first by %s; then %s", counted(v.Undecided, "occurrence"), inHowLong(now.Sub(v.UndecidedSince)), text)
	}
	return text
}

func (v scheduleView) lastInWords(now time.Time) (string, colour) {
	if v.Last == nil {
		return "–", plain
	}
	at := v.Last.FinishedAt
	if at.IsZero() {
		at = v.Last.DecidedAt
	}
	if v.lastHeld != store.NotHeld {
		return fmt.Sprintf("%s %s (%s)", v.Last.State, relative(at, now), v.lastHeld), yellow
	}
	return v.Last.State + " " + relative(at, now), outcomeColour(v.Last.State)
}

package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

// targetFlags say what a pause or a resume is about.
type targetFlags struct {
	Key string `arg:"" optional:"" help:"One schedule."`
	Tag string `placeholder:"TAG" help:"Every schedule with this tag."`
	All bool   `help:"Every schedule."`
}

// target makes sure that exactly one thing is named.
func (f targetFlags) target(command string) (store.Target, error) {
	named := 0
	for _, is := range []bool{f.Key != "", f.Tag != "", f.All} {
		if is {
			named++
		}
	}
	if named != 1 {
		return store.Target{}, usageError("%[1]s: name one of a schedule, --tag TAG and --all; for example: punctual schedules %[1]s report", command)
	}
	return store.Target{Key: f.Key, Tag: f.Tag, All: f.All}, nil
}

// inWords is a target as it stands in a sentence.
func inWords(t store.Target) string {
	switch {
	case t.All:
		return "every schedule"
	case t.Tag != "":
		return "tag " + t.Tag
	}
	return t.Key
}

// pauseCommand makes the clock enqueue nothing for a while.
type pauseCommand struct {
	targetFlags
	Until string `placeholder:"WHEN" help:"When it ends by itself: a duration from now such as 90m or 2d, or an instant such as 2027-01-01T09:00:00Z, or a local date and time."`
	Note  string `placeholder:"TEXT" help:"Why; told by schedules show, the dashboard and the activity."`
}

// Help says what a pause is not.
func (c *pauseCommand) Help() string {
	return "What falls due in a pause is skipped, and not caught up on after it. Trigger and backfill go on working; jobs that run already run on."
}

// Run pauses.
func (c *pauseCommand) Run(a *app, s *settings) error {
	target, err := c.target("pause")
	if err != nil {
		return err
	}
	st, err := s.look(a)
	if err != nil {
		return err
	}
	defer st.Database().Close()
	all, err := c.concerned(a, st, "pausing")
	if err != nil {
		return err
	}
	zone := zonesOf(c.meant(all)).shared()
	now, err := st.Now(a.Context)
	if err != nil {
		return fmt.Errorf("pausing %s: %w", inWords(target), err)
	}
	var until time.Time
	if c.Until != "" {
		if until, err = readUntil(c.Until, zone.String(), now); err != nil {
			return err
		}
	}
	concerned, err := st.Pause(a.Context, target, until, c.Note, actor())
	if err != nil {
		return known(a, st, "pausing", c.Key, err)
	}
	resume := "punctual schedules resume " + resumeArgument(target)
	what := inWords(target)
	if c.Key == "" {
		what += " (" + counted(concerned, "schedule") + ")"
	}
	told := "Paused " + what
	lasts := ". It lasts until you end it: "
	if !until.IsZero() {
		lasts = fmt.Sprintf(" until %s, %s. To end it sooner: ", local(until, zone), relative(until, now))
	}
	if before := pausedBefore(all, target); before != nil {
		told = fmt.Sprintf("Already paused: %s, %s. A new pause replaces that", what, detailsOf(*before, zone))
	}
	fmt.Fprintf(a.Stdout, "%s%s%s\n", told, lasts, resume)
	return nil
}

// pausedBefore is the pause by hand that a new one replaces; nil where there is
// none.
func pausedBefore(all []store.Overview, t store.Target) *store.PauseInForce {
	scope := map[bool]string{true: "all"}[t.All]
	if t.Tag != "" {
		scope = "tag"
	} else if t.Key != "" {
		scope = "schedule"
	}
	for _, o := range all {
		for _, p := range o.Pauses {
			if p.Scope == scope && p.Tag == t.Tag && p.Origin != "environment" {
				return &p
			}
		}
	}
	return nil
}

// concerned are the schedules a target may be about. A schedule or tag that does
// not exist is told of here.
func (f targetFlags) concerned(a *app, st *store.Store, doing string) ([]store.Overview, error) {
	all, err := st.Overviews(a.Context, f.Key)
	if err != nil {
		return nil, known(a, st, doing, f.Key, err)
	}
	if f.Tag == "" {
		return all, nil
	}
	var tags []string
	for _, o := range all {
		tags = append(tags, o.Tags...)
	}
	if slices.Contains(tags, f.Tag) {
		return all, nil
	}
	slices.Sort(tags)
	text := fmt.Sprintf("%s tag %q: no schedule has it", doing, f.Tag)
	if near := meant(f.Tag, tags); near != "" {
		text += fmt.Sprintf("; did you mean %s?", near)
	} else if len(tags) > 0 {
		text += "; the tags there are: " + some(slices.Compact(tags))
	}
	return nil, &exitError{Code: 1, Message: text}
}

// meant are those of all schedules that the target is about.
func (f targetFlags) meant(all []store.Overview) []store.Overview {
	if f.Tag == "" {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), func(o store.Overview) bool { return !slices.Contains(o.Tags, f.Tag) })
}

func resumeArgument(t store.Target) string {
	switch {
	case t.All:
		return "--all"
	case t.Tag != "":
		return "--tag " + t.Tag
	}
	return t.Key
}

// resumeCommand ends a pause by hand.
type resumeCommand struct {
	targetFlags
}

// Run resumes. Where another pause still holds, it says which.
func (c *resumeCommand) Run(a *app, s *settings) error {
	target, err := c.target("resume")
	if err != nil {
		return err
	}
	st, err := s.look(a)
	if err != nil {
		return err
	}
	defer st.Database().Close()
	resumed, err := st.Resume(a.Context, target, actor())
	if err != nil {
		return known(a, st, "resuming", c.Key, err)
	}
	if !resumed && c.Tag != "" {
		// A tag that no schedule has may have been paused while one had it.
		if _, err := c.concerned(a, st, "resuming"); err != nil {
			return err
		}
	}
	if resumed {
		fmt.Fprintf(a.Stdout, "Resumed %s. What fell due meanwhile is not caught up on.\n", inWords(target))
	} else {
		fmt.Fprintf(a.Stdout, "No pause by hand of %s holds; nothing was changed.\n", inWords(target))
	}
	overviews, err := st.Overviews(a.Context, c.Key)
	if err != nil {
		return err
	}
	return c.printHeld(a, c.targetFlags.meant(overviews))
}

// printHeld says which schedules another pause still holds. One that names a
// schedule is told by its key, since several may have one each.
func (c *resumeCommand) printHeld(a *app, concerned []store.Overview) error {
	const most = 10
	type held struct {
		of string
		store.PauseInForce
	}
	told := map[held]bool{}
	for _, o := range concerned {
		for _, pause := range o.Pauses {
			one := held{"", pause}
			if pause.Scope == "schedule" && c.Key == "" {
				one.of = o.Key + ": "
			}
			if told[one] {
				continue
			}
			if told[one] = true; len(told) <= most {
				fmt.Fprintf(a.Stdout, "Another pause still holds: %s%s\n", one.of, pauseInWords(pause, zoneOf(o.Schedule)))
			}
		}
	}
	if more := len(told) - most; more > 0 {
		fmt.Fprintf(a.Stdout, "and %s more: punctual schedules list --state paused\n", counted(more, "pause"))
	}
	return nil
}

// pauseInWords says what a pause is about, since when, until when, by whom, why
// and how to end it.
func pauseInWords(p store.PauseInForce, zone *time.Location) string {
	what, end := "this schedule", ""
	switch {
	case p.Origin == "environment":
		what, end = "this environment", "apply with another PUNCTUAL_ENV, or change enabled_in"
	case p.Scope == "tag":
		what, end = "tag "+p.Tag, "punctual schedules resume --tag "+p.Tag
	case p.Scope == "all":
		what, end = "every schedule", "punctual schedules resume --all"
	}
	text := what + ", " + detailsOf(p, zone)
	if end != "" {
		text += " (" + end + ")"
	}
	return text
}

// detailsOf says since when a pause holds, until when, by whom and why.
func detailsOf(p store.PauseInForce, zone *time.Location) string {
	words := []string{"since " + local(p.From, zone)}
	if !p.Until.IsZero() {
		words = append(words, "until "+local(p.Until, zone))
	}
	if p.Author != "" {
		words = append(words, "by "+p.Author)
	}
	if p.Note != "" {
		words = append(words, "“"+p.Note+"”")
	}
	return strings.Join(words, ", ")
}

// readUntil reads the end of a pause: an instant, or a duration from now.
func readUntil(text, zone string, now time.Time) (time.Time, error) {
	if d, err := schedule.ParseDuration(text); err == nil {
		if d <= 0 {
			return now, usageError("pause: --until %s: a pause lasts for some time, such as 90m; without --until it lasts until punctual schedules resume", text)
		}
		return now.Add(time.Duration(d)), nil
	}
	at, err := readInstant("pause", "until", text, zone, now)
	if err != nil {
		return at, usageError("pause: --until %q is not understood; allowed: a duration from now such as 90m or 2d, or an instant such as 2027-01-01T09:00:00Z, or a local date and time such as 2027-01-01T09:00", text)
	}
	if !at.After(now) {
		location, err := time.LoadLocation(zone)
		if err != nil {
			location = time.UTC
		}
		return at, usageError("pause: --until %s is past; now is %s", local(at, location), local(now, location))
	}
	return at, nil
}

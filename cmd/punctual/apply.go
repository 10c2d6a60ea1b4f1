package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/punctual-dev/punctual/config"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

// applyCommand makes the database agree with the schedule file, all or nothing.
type applyCommand struct {
	File   string `arg:"" optional:"" help:"The schedule file; that of --config by default. - reads standard input."`
	DryRun bool   `help:"Change nothing, only show what would change."`
	Prune  bool   `help:"Delete the schedules the file put there and has no longer."`
	Adopt  bool   `help:"Take over keys that belong to the API, a program or another file."`
	JSON   bool   `name:"json" help:"Print JSON."`
}

// Help shows how it is used.
func (c *applyCommand) Help() string {
	return "Creating and editing fires nothing: a changed when holds from now on, and pauses by hand stay. punctual apply --dry-run shows the plan first."
}

// applied is what an apply did, or would do.
type applied struct {
	File     string              `json:"file"`
	Database string              `json:"database"`
	DryRun   bool                `json:"dry_run"`
	OK       bool                `json:"ok"`
	Changes  []appliedChange     `json:"changes"`
	Summary  map[string]int      `json:"summary"`           // kind of change → how many
	Limits   []store.LimitChange `json:"limits,omitempty"`  // those that change
	Alerts   string              `json:"alerts,omitempty"`  // added, changed or removed
	Left     []string            `json:"left,omitempty"`    // keys the file has no longer; without --prune
	Warnings []config.Finding    `json:"warnings"`          // hazards in the file
	Faults   []config.Finding    `json:"faults,omitempty"`  // why the file cannot be read
	Refused  []appliedFault      `json:"refused,omitempty"` // why the database refuses it

	cut bool // there are more faults than are told

	// owner is the file whose schedules they are; standard input has no name, and
	// is what else stood in the file of --config.
	owner string
}

type appliedChange struct {
	Kind        schedule.ChangeKind `json:"kind"`
	Key         string              `json:"key"`
	Was         string              `json:"was,omitempty"` // of a rename
	When        string              `json:"when,omitempty"`
	Differences []appliedDifference `json:"differences,omitempty"`
	Warning     string              `json:"warning,omitempty"`
}

type appliedDifference struct {
	Field  string `json:"field"`
	Before string `json:"before"`
	After  string `json:"after"`
}

type appliedFault struct {
	Schedule string `json:"schedule"`
	Problem  string `json:"problem"`
	Advice   string `json:"advice,omitempty"`
}

// Run plans, and carries the plan out unless it is a dry run.
func (c *applyCommand) Run(a *app, s *settings) error {
	owner := s.Config
	if c.File != "" {
		s.Config = c.File
	}
	if s.Config != "-" {
		owner = s.Config
	} else if owner == "-" {
		owner = defaultConfig
	}
	result := &applied{File: named(s.Config), owner: owner, DryRun: c.DryRun, Changes: []appliedChange{}, Summary: map[string]int{}, Warnings: []config.Finding{}}
	err := c.apply(a, s, result)
	if err != nil {
		return err
	}
	if c.JSON {
		err = a.printJSON(result)
	} else {
		result.print(a)
	}
	if err == nil && !result.OK {
		return &exitError{Code: 1}
	}
	return err
}

// apply fills in result; an error is one of neither the file nor the plan.
func (c *applyCommand) apply(a *app, s *settings, result *applied) error {
	file, err := readFile(a, s)
	if faulty, ok := errors.AsType[*config.Error](err); ok {
		result.Faults, result.cut = faulty.Faults, faulty.More
		return nil
	}
	if err != nil {
		return fmt.Errorf("apply: %w", err)
	}
	result.Warnings = append(result.Warnings, file.Warnings(a.now())...)
	changes, err := c.change(a, s, file, result)
	if refused, ok := errors.AsType[*store.RefusedError](err); ok {
		for _, fault := range refused.Faults {
			result.Refused = append(result.Refused, appliedFault{Schedule: fault.Field, Problem: fault.Problem, Advice: fault.Advice})
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("applying %s: %w", s.Config, err)
	}
	result.OK = true
	for _, change := range changes {
		result.add(change)
	}
	return nil
}

// change asks the store to agree with the file. A dry run on a database that is
// not there makes none.
func (c *applyCommand) change(a *app, s *settings, file *config.File, result *applied) ([]schedule.Change, error) {
	o := store.ApplyOptions{
		PlanOptions: schedule.PlanOptions{Owner: ownerOf(file, result.owner), Prune: c.Prune, Adopt: c.Adopt},
		Limits:      limitsOf(file), Alerts: &file.Alerts, DryRun: c.DryRun, Actor: actor(), LimitChanges: &result.Limits, AlertsChange: &result.Alerts,
	}
	if c.DryRun {
		st, err := s.look(a)
		if errors.Is(err, errNothingThere) {
			result.Database = "a new database"
			for _, name := range slices.Sorted(maps.Keys(file.Limits)) {
				result.Limits = append(result.Limits, store.LimitChange{Name: name, After: file.Limits[name]})
			}
			if !file.Alerts.Empty() {
				result.Alerts = "added"
			}
			changes, faults := schedule.Plan(nil, file.Schedules, o.PlanOptions)
			if len(faults) > 0 {
				return nil, &store.RefusedError{Faults: faults}
			}
			return changes, nil
		}
		if err != nil {
			return nil, err
		}
		defer st.Database().Close()
		return c.applyTo(a, st, file, o, result)
	}
	p, err := s.open(a.Context, a)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	return c.applyTo(a, p.Store(), file, o, result)
}

func (c *applyCommand) applyTo(a *app, st *store.Store, file *config.File, o store.ApplyOptions, result *applied) ([]schedule.Change, error) {
	result.Database = st.Database().Location
	changes, err := st.Apply(a.Context, file.Schedules, o)
	if err == nil {
		result.Left, err = keysLeft(a, st, file, o)
	}
	return changes, err
}

// keysLeft are the schedules that the file put into the database and has no
// longer; none after they were pruned.
func keysLeft(a *app, st *store.Store, file *config.File, o store.ApplyOptions) (left []string, err error) {
	if o.Prune {
		return nil, nil
	}
	o.DryRun, o.Prune, o.LimitChanges, o.AlertsChange = true, true, nil, nil
	changes, err := st.Apply(a.Context, file.Schedules, o)
	if _, refused := errors.AsType[*store.RefusedError](err); refused {
		return nil, nil // to prune would be refused: it looks like the file of another app
	}
	for _, change := range changes {
		if change.Kind == schedule.ChangeDelete {
			left = append(left, change.Key)
		}
	}
	return left, err
}

func (r *applied) add(c schedule.Change) {
	change := appliedChange{Kind: c.Kind, Key: c.Key, Warning: c.Warning}
	declared := schedule.Declaration{}
	if c.After != nil {
		declared = *c.After
	}
	if spec, err := declared.When.Parse(); err == nil {
		change.When = spec.String() + ", " + spec.Zone()
	}
	if c.Kind == schedule.ChangeRename {
		change.Was = c.Before.Key
	}
	for _, d := range c.Differences {
		change.Differences = append(change.Differences, appliedDifference{d.Field, d.Before, d.After})
	}
	r.Changes = append(r.Changes, change)
	r.Summary[string(c.Kind)]++
}

// signs are how a plan shows a kind of change.
var signs = map[schedule.ChangeKind]struct {
	sign, done string
	colour     colour
}{
	schedule.ChangeCreate: {"+", "created", green},
	schedule.ChangeUpdate: {"~", "changed", yellow},
	schedule.ChangeRename: {"~", "renamed", yellow},
	schedule.ChangeDelete: {"-", "deleted", red},
	schedule.ChangeNone:   {"=", "unchanged", faint},
}

// alertSigns are how a plan shows what becomes of the alerts.
var alertSigns = map[string]struct {
	sign   string
	colour colour
}{"added": {"+", green}, "changed": {"~", yellow}, "removed": {"-", red}}

// print writes the plan to the output; what is wrong with it or the file goes
// to the error output.
func (r *applied) print(a *app) {
	a.printFaults(r.Faults)
	a.printFaults(r.Warnings)
	if !r.OK {
		r.printRefusal(a)
		return
	}
	widest := 0
	for _, change := range r.Changes {
		widest = max(widest, len(change.Key))
	}
	for _, change := range r.Changes {
		change.print(a, widest)
	}
	for _, limit := range r.Limits {
		printLimit(a, limit)
	}
	if sign, changed := alertSigns[r.Alerts]; changed {
		fmt.Fprintln(a.Stdout, a.paint(sign.sign+" alerts", sign.colour))
	}
	fmt.Fprintln(a.Stdout, r.summary())
	if len(r.Left) > 0 {
		fmt.Fprintf(a.Stdout, "Not in the file any more, but left alone: %s. --prune deletes them.\n", some(r.Left))
	}
}

// printFaults tells what is wrong with a file, or a hazard.
func (a *app) printFaults(faults []config.Finding) {
	for _, fault := range faults {
		fmt.Fprintf(a.Stderr, "%s\n\n", fault.Render(a.TerminalErr))
	}
}

// faultsOf says how many faults a file has.
func faultsOf(file string, n int, more bool) string {
	if more {
		return fmt.Sprintf("%s has more than %s", file, counted(n, "fault"))
	}
	return fmt.Sprintf("%s has %s", file, counted(n, "fault"))
}

func (c appliedChange) print(a *app, widest int) {
	sign := signs[c.Kind]
	line := fmt.Sprintf("%s %-*s  %s", sign.sign, widest, c.Key, c.When)
	fmt.Fprintln(a.Stdout, a.paint(strings.TrimRight(line, " "), sign.colour))
	for _, d := range c.Differences {
		fmt.Fprintf(a.Stdout, "    %s: %s → %s\n", d.Field, orNone(d.Before), orNone(d.After))
	}
	if c.Warning != "" {
		fmt.Fprintf(a.Stderr, "%s: %s\n", painted("warning", yellow, a.TerminalErr), c.Warning)
	}
}

func printLimit(a *app, c store.LimitChange) {
	switch {
	case c.Before == 0:
		fmt.Fprintln(a.Stdout, a.paint(fmt.Sprintf("+ limit %s: %d", c.Name, c.After), green))
	case c.After == 0:
		fmt.Fprintln(a.Stdout, a.paint(fmt.Sprintf("- limit %s (was %d)", c.Name, c.Before), red))
	default:
		fmt.Fprintln(a.Stdout, a.paint(fmt.Sprintf("~ limit %s: %d → %d", c.Name, c.Before, c.After), yellow))
	}
}

// limitsOf are the limits of a file, of which there may be none: the database
// is to have none of this file either then.
func limitsOf(file *config.File) map[string]int {
	if file.Limits == nil {
		return map[string]int{}
	}
	return file.Limits
}

func orNone(text string) string {
	if text == "" {
		return "(none)"
	}
	return oneLine(text)
}

func (r *applied) summary() string {
	var counts []string
	for _, kind := range []schedule.ChangeKind{schedule.ChangeCreate, schedule.ChangeUpdate, schedule.ChangeRename, schedule.ChangeDelete, schedule.ChangeNone} {
		if n := r.Summary[string(kind)]; n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, signs[kind].done))
		}
	}
	if len(counts) == 0 {
		counts = []string{"no schedules"}
	}
	if r.DryRun {
		return fmt.Sprintf("A dry run against %s: %s. Nothing was changed.", r.Database, strings.Join(counts, ", "))
	}
	return fmt.Sprintf("Applied %s to %s: %s.", r.File, r.Database, strings.Join(counts, ", "))
}

func (r *applied) printRefusal(a *app) {
	if len(r.Faults) > 0 {
		fmt.Fprintf(a.Stderr, "punctual: %s; nothing was applied.\n", faultsOf(r.File, len(r.Faults), r.cut))
		return
	}
	for _, fault := range r.Refused {
		fmt.Fprintf(a.Stderr, "%s: %s\n", fault.Schedule, fault.Problem)
		if fault.Advice != "" {
			fmt.Fprintf(a.Stderr, "  → %s\n", fault.Advice)
		}
	}
	fmt.Fprintf(a.Stderr, "punctual: %s was refused; nothing was applied.\n", r.File)
}

// some lists words, and of many only the first.
func some(words []string) string {
	const enough = 10
	if len(words) <= enough {
		return strings.Join(words, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(words[:enough], ", "), len(words)-enough)
}

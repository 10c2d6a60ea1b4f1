package config

import (
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/schedule"
)

const (
	// horizon is how far ahead changes of the clocks are looked for.
	horizon = 366 * 24 * time.Hour
	// manyAtOnce is from how many schedules in one second on a warning is due:
	// a worker starts fewer without anyone noticing.
	manyAtOnce = 20
	// rarely is how often a day a schedule runs at most if a run more or less
	// at a change of the clocks is to be worth a word.
	rarely = 12
	// enoughTouched is how many schedules are named that a change of the
	// clocks touches; the others are counted.
	enoughTouched = 10
)

// Warnings are the hazards of the file, as seen at now: what it says is
// allowed, but may not be what was meant.
func (f *File) Warnings(now time.Time) []Warning {
	w := &watch{document: f.source, found: *f.source.hazards, now: now, changes: map[string][]calendar.Change{}}
	w.found.all, w.found.told = slices.Clone(w.found.all), maps.Clone(w.found.told)
	if _, err := os.Stat(f.Path); err == nil {
		w.directory = filepath.Dir(f.Path)
	}
	for _, e := range w.entries {
		w.schedule(e)
	}
	if more := len(w.touched) - enoughTouched; more > 0 {
		w.warn(w.touched[enoughTouched], "when", "punctual next shows what happens to each", "a change of the clocks touches this and %d other schedules below", more-1)
	}
	w.herd()
	w.unused()
	w.spaces()
	if len(w.entries) == 0 {
		w.found.add(place{line: 1, column: 1}, "schedules", "punctual apply --prune would delete the schedules this file had", "the file declares no schedules")
	}
	return w.found.sorted()
}

// watch looks for hazards.
type watch struct {
	*document
	found     findings
	now       time.Time
	directory string                       // of the file; empty if there is none
	changes   map[string][]calendar.Change // by when, since many schedules share one
	touched   []*entry                     // by changes of the clocks
}

func (w *watch) warn(e *entry, key, advice, problem string, arguments ...any) {
	n := e.node
	for name := range strings.SplitSeq(key, ".") {
		n = n.get(name)
	}
	if n == nil {
		n = e.key
	}
	w.found.add(n.place, "schedules."+e.key.text+"."+key, advice, fmt.Sprintf(problem, arguments...))
}

func (w *watch) schedule(e *entry) {
	spec, err := e.declaration.When.Parse()
	if err != nil {
		return // a file with such a fault is not made
	}
	for _, sentence := range spec.Advice() {
		w.warn(e, "when", "", "%s", sentence)
	}
	w.ended(e, spec)
	w.clocksChange(e, spec)
	w.idleZone(e)
	w.files(e)
	w.exitCodes(e)
	w.literals(e)
	w.cutOff(e)
	w.method(e)
	w.shortOutage(e, spec)
}

// shortOutage warns of catch_up: all where an outage may be too short for it and
// still miss several occurrences, of which overlap: skip leaves some out.
func (w *watch) shortOutage(e *entry, spec *calendar.Spec) {
	p := e.declaration.Policies
	if p.CatchUp != schedule.CatchUpAll || p.Overlap != schedule.OverlapSkip {
		return
	}
	const enough = 100 // to meet the nights of a when that holds by day
	instants := spec.Between(w.now, w.now.Add(8*24*time.Hour), enough)
	for i := 1; i < len(instants); i++ {
		if instants[i].Sub(instants[i-1]) < time.Duration(p.Grace) {
			w.warn(e, "catch_up", "overlap: queue makes up for all, and so does grace: 0s: by either, each waits its turn", "does not make up for what an outage shorter than grace, %s, misses: overlap: skip decides that as if on time", p.Grace)
			return
		}
	}
}

// ended warns of a schedule that never runs again.
func (w *watch) ended(e *entry, spec *calendar.Spec) {
	if at, ok := spec.Once(); ok && !at.After(w.now) {
		w.warn(e, "when", "take it out, or give it another date", "%s is already past: it will not run", schedule.FormatInstant(at))
	} else if _, ok := spec.Next(w.now); !ok {
		w.warn(e, "when", "take it out, or move not_after", "there is no occurrence any more")
	}
}

// clocksChange warns of the changes of the clocks that touch the schedule
// within a year.
func (w *watch) clocksChange(e *entry, spec *calendar.Spec) {
	id := spec.Zone() + " " + spec.String()
	if len(e.declaration.When.Except) > 0 || e.NotBefore != nil || e.NotAfter != nil {
		id = e.key.text
	}
	changes, known := w.changes[id]
	if !known {
		const enough = 100
		often := len(spec.Between(w.now, w.now.Add(24*time.Hour), rarely+1)) > rarely
		for _, c := range spec.Changes(w.now, w.now.Add(horizon), enough) {
			switch c.Kind {
			case calendar.Moved, calendar.Merged:
				changes = append(changes, c)
			case calendar.Removed, calendar.Repeated:
				if !often {
					changes = append(changes, c)
				}
			}
		}
		w.changes[id] = changes
	}
	if len(changes) == 0 {
		return
	}
	if w.touched = append(w.touched, e); len(w.touched) > enoughTouched {
		return
	}
	others := ""
	if n := len(changes) - 1; n == 1 {
		others = " One more such change follows within a year."
	} else if n > 1 {
		others = fmt.Sprintf(" %d more such changes follow within a year.", n)
	}
	w.warn(e, "when", "choose a time outside of the changes, or timezone: UTC, if that matters", "the clocks change: %s%s", changes[0].Why, others)
}

// idleZone warns of a zone where only elapsed time counts.
func (w *watch) idleZone(e *entry) {
	if e.Timezone == nil || len(e.declaration.When.Except) > 0 || e.NotBefore != nil || e.NotAfter != nil {
		return
	}
	for _, expression := range e.When {
		spec, err := (calendar.When{Expressions: []string{expression}, Zone: *e.Timezone}).Parse()
		if err != nil {
			return
		}
		if at, ok := spec.Next(w.now); !ok || !spec.LocalReading(at).IsZero() {
			return
		}
	}
	w.warn(e, "timezone", "leave it out", "has no effect: an interval runs on elapsed time, the same in every zone")
}

// files warns of a directory or a program that is not there. The worker may
// run elsewhere, so it is no fault.
func (w *watch) files(e *entry) {
	run, call := e.declaration.Job.Run, e.declaration.Job.HTTP
	if w.directory == "" || run == nil && call == nil {
		return
	}
	if call != nil {
		if address, err := url.Parse(call.URL); err == nil && linkLocal(address.Hostname()) {
			w.warn(e, "http", "name another address; what a cloud tells its machines is not for jobs to read", "the worker refuses requests to link-local addresses such as %s", address.Hostname())
		}
		if call.CAFile != "" && w.missing(call.CAFile) {
			w.warn(e, "http", "ca_file is looked for beside the schedule file; put it where the worker runs", "there is no file %s here", quoted(call.CAFile))
		}
		return
	}
	if run.Directory != "" && w.missing(run.Directory) {
		w.warn(e, "directory", "a directory is looked for beside the schedule file; make it where the worker runs", "there is no directory %s here", quoted(run.Directory))
		return
	}
	w.program(e, run)
}

func linkLocal(host string) bool {
	address, err := netip.ParseAddr(host)
	return err == nil && address.Unmap().IsLinkLocalUnicast()
}

// herd warns of the second in which the most schedules are due.
func (w *watch) herd() {
	if len(w.entries) < manyAtOnce {
		return
	}
	specs := map[*entry]*calendar.Spec{}
	count, worst := map[int64]int{}, int64(0)
	each := min(50, max(1, 200_000/len(w.entries)))
	for _, e := range w.entries {
		if e.declaration.Jitter > 0 {
			continue
		}
		spec, err := e.declaration.When.Parse()
		if err != nil {
			continue
		}
		specs[e] = spec
		for _, at := range spec.Between(w.now, w.now.Add(8*24*time.Hour), each) {
			second := at.Unix()
			count[second]++
			if count[second] > count[worst] || count[second] == count[worst] && second < worst {
				worst = second
			}
		}
	}
	var together []*entry
	for _, e := range w.entries {
		if spec := specs[e]; spec != nil {
			if at, ok := spec.Next(time.Unix(worst, -1)); ok && at.Unix() == worst {
				together = append(together, e)
			}
		}
	}
	if len(together) >= manyAtOnce {
		w.warn(together[0], "when", "jitter: 5m spreads them, each by an offset that stays the same; under defaults it holds for all",
			"%d schedules are due in the same second, next at %s", len(together), schedule.FormatInstant(time.Unix(worst, 0)))
	}
}

// unused warns of what is named and never asked for.
func (w *watch) unused() {
	for _, kind := range []string{"limit", "calendar"} {
		for _, p := range w.root.get(kind + "s").entries() {
			if !w.used[kind+" "+p.key.text] {
				w.found.add(p.key.place, kind+"s."+p.key.text, "take it out, or name it in a schedule", "no schedule uses this "+kind)
			}
		}
	}
}

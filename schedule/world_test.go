package schedule_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/schedule"
)

// world is schedules, their jobs and their ledger in memory: as much of a store
// and of workers as it takes to have Decide decide, at instants a test chooses.
type world struct {
	t      reporter
	limits map[string]int
	actors []*actor
	jobs   []*job
}

// actor is a schedule and all a store keeps of it.
type actor struct {
	*schedule.Schedule
	definitions []schedule.Definition
	state       schedule.State
	pauses      []schedule.Pause
	ledger      []schedule.Row
	jobOf       []int64 // of each row of the ledger; zero for a skipped one
}

// job is a job of an actor.
type job struct {
	id      int64
	actor   *actor
	nominal time.Time // zero for one made by hand
	made    time.Time
	course
}

// reporter is a test, of testing or of rapid.
type reporter interface {
	Helper()
	Errorf(format string, arguments ...any)
	Fatal(arguments ...any)
}

func newWorld(t reporter) *world { return &world{t: t, limits: map[string]int{}} }

// create makes a schedule now.
func (w *world) create(now time.Time, d schedule.Declaration) *actor {
	a := &actor{Schedule: &schedule.Schedule{Declaration: d, CreatedAt: now}, state: schedule.State{Cursor: now}}
	w.actors = append(w.actors, a)
	w.define(a, now, d.When, d.Jitter)
	return a
}

// define is an edit of the when, or the end of it where there is none.
func (w *world) define(a *actor, now time.Time, when calendar.When, jitter time.Duration) {
	from := now
	if a.state.Cursor.After(from) {
		from = a.state.Cursor
	}
	a.definitions = append(a.definitions, schedule.Definition{From: from, When: when, Jitter: jitter, Seed: a.Key})
	timeline, err := schedule.NewTimeline(a.definitions)
	if err != nil {
		w.t.Fatal(err)
	}
	a.Timeline = timeline
	if a.state.SkipAt.After(from) {
		a.state.SkipAt = time.Time{} // what it named is none any more
	}
	a.state = schedule.NextState(timeline, a.state)
}

// delete ends a schedule now.
func (w *world) delete(a *actor, now time.Time) {
	w.write(a, now, schedule.SkipUntil(a.Schedule, a.state, now, schedule.ReasonDeleted))
	w.define(a, now, calendar.When{}, 0)
	a.DeletedAt, a.state.NextDue = now, time.Time{}
}

// revive brings a deleted schedule back.
func (w *world) revive(a *actor, now time.Time) {
	a.DeletedAt, a.state.Cursor = time.Time{}, now
	w.define(a, now, a.When, a.Jitter)
}

// set changes policies.
func (w *world) set(a *actor, change func(*schedule.Policies)) {
	next := *a.Schedule // what was decided before keeps its own
	a.Schedule = &next
	change(&a.Policies)
	a.state = schedule.NextState(a.Timeline, a.state)
}

// pause begins one now that has no end yet, or one.
func (a *actor) pause(now, until time.Time) {
	a.pauses = append(a.pauses, schedule.Pause{From: now, Until: until})
}

// resume ends every pause now.
func (a *actor) resume(now time.Time) {
	for i, p := range a.pauses {
		if p.Until.IsZero() || p.Until.After(now) {
			a.pauses[i].Until = now
		}
	}
}

// jobsOf are the open jobs of an actor.
func (w *world) jobsOf(a *actor) (active []schedule.ActiveJob, retrying []int64) {
	for _, j := range w.jobs {
		switch {
		case j.actor != a || j.phase == ended:
		case j.phase == resting:
			retrying = append(retrying, j.id)
		default:
			active = append(active, schedule.ActiveJob{ID: j.id, Running: j.phase == running})
		}
	}
	return active, retrying
}

// facts are what a store knows of an actor now.
func (w *world) facts(a *actor, now time.Time) schedule.Facts {
	active, retrying := w.jobsOf(a)
	return schedule.Facts{Now: now, Pauses: slices.Clone(a.pauses), Active: active, Retrying: retrying}
}

// look has the clock look at the actors a test chooses, in one batch, and says
// what was decided.
func (w *world) look(now time.Time, at func(*actor) bool) []schedule.Decided {
	var candidates []schedule.Candidate
	var chosen []*actor
	for i, a := range w.actors {
		if at(a) {
			a.ID = int64(i)
			candidates = append(candidates, schedule.Candidate{Schedule: a.Schedule, State: a.state, Facts: w.facts(a, now)})
			chosen = append(chosen, a)
		}
	}
	decided := schedule.DecideBatch(candidates, w.groups(chosen))
	for i, d := range decided {
		w.write(chosen[i], now, d.Decision)
	}
	return decided
}

// groups counts free places, and who waits for one outside of a batch.
func (w *world) groups(members []*actor) map[string]schedule.Group {
	groups := map[string]schedule.Group{}
	for name, number := range w.limits {
		g := schedule.Group{Free: number - w.taken(name)}
		for _, a := range w.actors {
			waits := a.Policies.Limit == name && a.state.Waiting == schedule.WaitingForPlace && !slices.Contains(members, a)
			if waits && (g.Earliest.IsZero() || a.state.WaitingDue.Before(g.Earliest)) {
				g.Earliest = a.state.WaitingDue
			}
		}
		groups[name] = g
	}
	return groups
}

// taken counts the active jobs of a group.
func (w *world) taken(limit string) int {
	taken := 0
	for _, j := range w.jobs {
		if j.actor.Policies.Limit == limit && j.active() {
			taken++
		}
	}
	return taken
}

// write commits a decision.
func (w *world) write(a *actor, now time.Time, d schedule.Decision) {
	for _, id := range d.Supersede {
		w.jobs[id-1].end()
	}
	for _, id := range d.Cancel {
		w.jobs[id-1].ask(now)
	}
	for _, row := range d.Rows {
		var id int64
		if row.Skipped == "" {
			id = w.makeJob(a, row.Nominal, now).id
		}
		if row.Blocker == schedule.ThisDecision {
			row.Blocker = int64(len(w.jobs))
		}
		a.ledger, a.jobOf = append(a.ledger, row), append(a.jobOf, id)
	}
	a.state = d.State
}

func (w *world) makeJob(a *actor, nominal, now time.Time) *job {
	j := &job{id: int64(len(w.jobs)) + 1, actor: a, nominal: nominal, made: now}
	w.jobs = append(w.jobs, j)
	return j
}

// isDue says whether a store would hand an actor to the clock now: it is due,
// or what it waits for has come, or a pause holds.
func (w *world) isDue(a *actor, now time.Time) bool {
	s := a.state
	if !s.NextDue.IsZero() && !s.NextDue.After(now) {
		return true
	}
	if s.Waiting == schedule.NotWaiting {
		return false
	}
	for _, p := range a.pauses {
		if !p.From.After(now) && (p.Until.IsZero() || p.Until.After(now)) {
			return true
		}
	}
	active, retrying := w.jobsOf(a)
	switch s.Waiting {
	case schedule.WaitingForRun:
		return len(active) == 0
	case schedule.WaitingInQueue, schedule.WaitingInLine:
		return len(active)+len(retrying) == 0
	case schedule.WaitingForCancel:
		return len(active) == 0 || !now.Before(s.WaitUntil)
	}
	limit := a.Policies.Limit
	return w.limits[limit] > w.taken(limit)
}

// audit is what the audit finds, of the ledger as it is or as a test made it.
func (a *actor) audit(now time.Time, rows []schedule.LedgerRow) []schedule.Finding {
	return schedule.Audit(schedule.AuditInput{Schedule: a.Schedule, State: a.state, From: a.CreatedAt, Rows: rows, Now: now})
}

// rows are the ledger as the audit reads it.
func (a *actor) rows() []schedule.LedgerRow {
	var rows []schedule.LedgerRow
	for i, row := range a.ledger {
		rows = append(rows, schedule.LedgerRow{Nominal: row.Nominal, Until: row.Until, Count: row.Count, Skipped: row.Skipped, JobID: a.jobOf[i]})
	}
	return rows
}

// failures are the findings that say the ledger is wrong.
func failures(findings []schedule.Finding) []string {
	var all []string
	for _, f := range findings {
		if f.Kind.Failure() {
			all = append(all, fmt.Sprintf("%s: %s: %s", f.Name(), f.Kind, f.Detail))
		}
	}
	return all
}

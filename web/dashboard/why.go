package dashboard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/queue"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

// Why something did not run is mostly told by a row of the ledger. This is for
// where there is none, and for what the row alone does not know.

// whyView answers what came of a schedule at an instant.
type whyView struct {
	Key, Zone string
	Asked     string // as it was written, in the zone
	At        time.Time
	Found     []runRow // the rows of the ledger for that very instant
	Answer    string   // where there is none
	Absent    []string // why there is none
	Notes     []string // what the day was like: transitions, exceptions
	Day       []runRow
	Fault     string
}

// why shows what came of a schedule at an instant, or why nothing did.
func (s *site) why(w http.ResponseWriter, r *http.Request) error {
	key := r.PathValue("key")
	found, err := s.Store.Overviews(r.Context(), key)
	if err != nil {
		return s.orHistory(w, r, key, err)
	}
	one := found[0]
	p := s.newPage(r, key+": why did it not run?", "/schedules")
	v := whyView{Key: key, Zone: zoneOf(one).String(), Asked: strings.TrimSpace(r.URL.Query().Get("at"))}
	p.Main = &v
	at, err := readInstant(v.Asked, v.Zone)
	switch {
	case err != nil:
		v.Fault = s.faultOf(r, err).detail
		return s.show(w, r, "why", p)
	case at.IsZero():
		return s.show(w, r, "why", p)
	}
	v.At = at
	if err := s.addDay(r.Context(), &v, one, p.Now); err != nil {
		return err
	}
	if len(v.Found) == 0 {
		v.Answer, v.Absent = "It did not run.", whyAbsent(one, at, v.Asked, p)
		if at.After(p.Now) {
			v.Answer = "It has not run yet."
		}
	}
	return s.show(w, r, "why", p)
}

// Name is the occurrence that was asked about.
func (v whyView) Name() string { return schedule.OccurrenceName(v.Key, v.At) }

// addDay adds the rows of the ledger of that instant, and those around it.
func (s *site) addDay(ctx context.Context, v *whyView, one store.Overview, now time.Time) error {
	const most = 30
	exact, err := s.Store.Runs(ctx, store.RunFilter{Key: v.Key, Nominal: v.At, Limit: most})
	if err != nil {
		return err
	}
	day := dayOf(v.At, zoneOf(one))
	around, err := s.Store.Runs(ctx, store.RunFilter{Key: v.Key, From: day, To: day.AddDate(0, 0, 1), Limit: most})
	if err != nil {
		return err
	}
	overviews := map[string]*store.Overview{v.Key: &one}
	v.Found, v.Day = runRows(exact, overviews, now), runRows(around, overviews, now)
	spec := one.Timeline.Spec()
	if spec == nil {
		return nil
	}
	for _, change := range spec.Changes(day.Add(-time.Second), day.AddDate(0, 0, 1), most) {
		v.Notes = append(v.Notes, sentence(change.Why))
	}
	return nil
}

// dayOf is the midnight before an instant, by the clocks of a zone.
func dayOf(at time.Time, zone *time.Location) time.Time {
	local := at.In(zone)
	return time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, zone)
}

// whyAbsent says why the ledger has no row for an instant.
func whyAbsent(one store.Overview, at time.Time, asked string, p *page) []string {
	next, more := one.Timeline.Next(at.Add(-1))
	if more && next.At.Equal(at) {
		return []string{whyUndecided(one, next, p)}
	}
	var why []string
	switch when := one.When; {
	case at.Before(one.CreatedAt):
		why = append(why, "It was created only at "+utc(one.CreatedAt)+": creating a schedule makes up nothing from before.")
	case !when.NotBefore.IsZero() && at.Before(when.NotBefore):
		why = append(why, "It begins only at "+utc(when.NotBefore)+" (not_before).")
	case !when.NotAfter.IsZero() && at.After(when.NotAfter):
		why = append(why, "It ended at "+utc(when.NotAfter)+" (not_after).")
	}
	if date, ok := excepted(one, at); ok {
		why = append(why, fmt.Sprintf("%s is among its exceptions (except): it has no occurrences on that date.", date))
	}
	if spec := one.Timeline.Spec(); spec != nil {
		const most = 50
		day := dayOf(at, zoneOf(one))
		for _, change := range spec.Changes(day.Add(-time.Second), day.AddDate(0, 0, 1), most) {
			if strings.HasPrefix(change.Reading.String(), asked) || change.Instant.Equal(at) {
				why = append(why, sentence(change.Why))
			}
		}
	}
	if len(why) == 0 {
		why = append(why, "It has no occurrence at that instant: it is due "+strings.TrimSuffix(whenInWords(one), ".")+".")
	}
	var near []string
	if before, ok := one.Timeline.Prev(at); ok {
		near = append(near, inZone(before.At, zoneOf(one)))
	}
	if more {
		near = append(near, inZone(next.At, zoneOf(one)))
	}
	if len(near) > 0 {
		why = append(why, "The nearest are "+strings.Join(near, " and ")+".")
	}
	return why
}

// whyUndecided says why an occurrence has no row yet.
func whyUndecided(one store.Overview, n schedule.Nominal, p *page) string {
	switch {
	case n.Due.After(p.Now):
		text := "Not yet: it is due " + fromNow(n.Due.Sub(p.Now)) + "."
		if ahead := one.Ahead(n.At.Add(-1), 1); len(ahead) > 0 && ahead[0].Fate != "" {
			text += " As things stand it " + ahead[0].Fate + "."
		}
		return text
	case !n.At.After(one.HistoryFrom) && one.HistoryFrom.After(one.CreatedAt):
		return "The history up to " + utc(one.HistoryFrom) + " has been pruned, so what came of it is not known any more."
	case !n.At.After(one.State.Cursor):
		return "There is no record of it; punctual audit says whether there should be."
	}
	text := trouble(one, p.Now)
	if text == "" {
		text = "It is due and not decided yet."
	}
	return text + noClock(p)
}

// noClock says that no clock is alive, where it is so.
func noClock(p *page) string {
	if p.Health == nil || p.Health.Clocks > 0 {
		return ""
	}
	return " No clock is alive: nothing is lost, it is decided when one is back (punctual start, or punctual clock)."
}

// excepted says whether an instant would be one of the schedule's if its date were
// not excepted.
func excepted(one store.Overview, at time.Time) (date calendar.Date, ok bool) {
	local := at.In(zoneOf(one))
	date = calendar.Date{Year: local.Year(), Month: local.Month(), Day: local.Day()}
	if !slices.Contains(one.When.Except, date) {
		return date, false
	}
	without := one.When
	without.Except = nil
	spec, err := without.Parse()
	if err != nil {
		return date, false
	}
	next, found := spec.Next(at.Add(-1))
	return date, found && next.Equal(at)
}

// explain adds to the verdict on a run what its row does not know: who paused it,
// what its queue and its worker are at.
func (s *site) explain(ctx context.Context, v *runView, now time.Time) error {
	switch {
	case v.State == "skipped" && schedule.Reason(v.Reason) == schedule.ReasonPaused:
		pauses, err := s.Store.PausesBetween(ctx, v.Schedule, v.Due, v.DecidedAt)
		for _, pause := range pauses {
			v.Verdict.Why += " " + sentence(pauseWords(pause))
		}
		return err
	case v.Job != nil:
		why, err := s.whyOpen(ctx, v.Run, v.Job.Queue, v.Job.Worker, now)
		if why != "" {
			v.Verdict.Why, v.Verdict.Next = v.Verdict.Why+" "+why, ""
		}
		return err
	}
	return nil
}

// whyOpen says what keeps a job from its end, as far as its queue and its worker
// do; empty: they do not.
func (s *site) whyOpen(ctx context.Context, r store.Run, queue, worker string, now time.Time) (string, error) {
	switch r.State {
	case "available", "pending":
		return s.whyQueued(ctx, queue)
	case "running":
		processes, err := s.Store.Processes(ctx)
		for _, one := range processes {
			if row := processOf(one, now); one.ID == worker && row.State != "alive" {
				return fmt.Sprintf("Its worker, on %s, is %s. %s", one.Host, row.State, row.Why), err
			}
		}
		return "", err
	}
	return "", nil
}

// whyLastOpen is the same for the last run of a schedule.
func (s *site) whyLastOpen(ctx context.Context, v scheduleView, now time.Time) (string, error) {
	if v.Last == nil || v.Last.JobID == 0 || !slices.Contains(openStates, v.Last.State) {
		return "", nil
	}
	job, err := s.Store.Queue().Get(ctx, v.Last.JobID)
	if errors.Is(err, queue.ErrNoJob) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	worker := ""
	if len(job.AttemptedBy) > 0 {
		worker = job.AttemptedBy[len(job.AttemptedBy)-1]
	}
	return s.whyOpen(ctx, v.Last.Run, job.Queue, worker, now)
}

// whyQueued says why nobody takes the jobs of a queue; empty: somebody does.
func (s *site) whyQueued(ctx context.Context, name string) (string, error) {
	queues, err := s.Store.QueueOverviews(ctx)
	for _, q := range queues {
		switch {
		case q.Name != name:
		case !q.PausedAt.IsZero():
			return fmt.Sprintf("Its queue, %s, is paused since %s: resume it on the page of the processes.", name, utc(q.PausedAt)), err
		case q.Workers == 0:
			return fmt.Sprintf("No worker works its queue, %s: punctual start, or punctual worker, starts one.", name), err
		case q.Running >= q.Concurrency:
			return fmt.Sprintf("All %s for its queue, %s, are taken.", counted(q.Concurrency, "place"), name), err
		}
	}
	return "", err
}

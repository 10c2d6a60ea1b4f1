package dashboard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
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
	Asked     string // as it was written
	InUTC     bool   // it was written in UTC, and not in the zone
	At        time.Time
	Found     []runView   // the rows of the ledger for that very instant
	Answer    string      // where there is none
	Absent    []string    // why there is none
	ByHand    []runView   // the runs that somebody triggered then
	InTheWay  []store.Run // what it waits for
	Notes     []string    // what the day was like: transitions, exceptions
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
	p := s.newPage(r, key+": did it run?", "/schedules")
	v := whyView{Key: key, Zone: zoneOf(one).String(), Asked: strings.TrimSpace(r.URL.Query().Get("at")), InUTC: r.URL.Query().Get("zone") == "UTC"}
	p.Main = &v
	at, err := readInstant(v.Asked, v.askedZone())
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
	if err := s.addByHand(r.Context(), &v, p.Now); err != nil {
		return err
	}
	if len(v.Found) == 0 {
		if err := s.addAbsent(r.Context(), &v, one, p); err != nil {
			return err
		}
	}
	return s.show(w, r, "why", p)
}

// askedZone is that of what was asked.
func (v whyView) askedZone() string {
	if v.InUTC {
		return "UTC"
	}
	return v.Zone
}

// Local is the instant as a field for one takes it.
func (v whyView) Local() string {
	zone, err := time.LoadLocation(v.askedZone())
	if v.At.IsZero() || err != nil {
		return v.Asked
	}
	return v.At.In(zone).Format("2006-01-02T15:04:05")
}

// When is the instant in words.
func (v whyView) When() string { return bothZones(v.At, v.Zone) }

// Name is the occurrence that was asked about.
func (v whyView) Name() string { return schedule.OccurrenceName(v.Key, v.At) }

// addDay adds the rows of the ledger of that instant, and those around it.
func (s *site) addDay(ctx context.Context, v *whyView, one store.Overview, now time.Time) error {
	const most = 30
	const mostOfOne = 5
	exact, err := s.Store.Runs(ctx, store.RunFilter{Key: v.Key, Nominal: v.At, Limit: mostOfOne})
	if err != nil {
		return err
	}
	day := dayOf(v.At, zoneOf(one))
	end := day.AddDate(0, 0, 1)
	// Those around the instant, not the last of the day.
	nominal, more := one.Timeline.Next(v.At)
	for i := 1; more && i < most/2; i++ {
		nominal, more = one.Timeline.Next(nominal.At)
	}
	if more && nominal.At.Before(end) {
		end = nominal.At
	}
	around, err := s.Store.Runs(ctx, store.RunFilter{Key: v.Key, From: day, To: end, Limit: most})
	if err != nil {
		return err
	}
	overviews := map[string]*store.Overview{v.Key: &one}
	for _, run := range exact {
		one, err := s.viewRun(ctx, run, now)
		if err != nil {
			return err
		}
		v.Found = append(v.Found, one)
	}
	v.Day = runRows(around, overviews, now)
	if err := s.sharpen(ctx, v.Day, now); err != nil {
		return err
	}
	spec := one.Timeline.Spec()
	if spec == nil {
		return nil
	}
	for _, change := range spec.Changes(day.Add(-time.Second), day.AddDate(0, 0, 1), most) {
		v.Notes = append(v.Notes, sentence(change.Why))
	}
	return nil
}

// addByHand adds the runs that somebody triggered at the instant: in the second, or
// in the minute where no second was asked about.
func (s *site) addByHand(ctx context.Context, v *whyView, now time.Time) error {
	const most = 5
	span := time.Second
	if strings.Count(v.Asked, ":") == 1 {
		span = time.Minute
	}
	runs, err := s.Store.Runs(ctx, store.RunFilter{Key: v.Key, Origin: "trigger", From: v.At, To: v.At.Add(span), Limit: most})
	if err != nil {
		return err
	}
	for _, run := range runs {
		one, err := s.viewRun(ctx, run, now)
		if err != nil {
			return err
		}
		v.ByHand = append(v.ByHand, one)
	}
	return nil
}

// dayOf is the midnight before an instant, by the clocks of a zone.
func dayOf(at time.Time, zone *time.Location) time.Time {
	local := at.In(zone)
	return time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, zone)
}

// addAbsent says why the ledger has no row for an instant.
func (s *site) addAbsent(ctx context.Context, v *whyView, one store.Overview, p *page) error {
	next, more := one.Timeline.Next(v.At.Add(-1))
	if more && next.At.Equal(v.At) {
		return s.addUndecided(ctx, v, one, next, p)
	}
	v.Answer = "It did not run."
	if v.At.After(p.Now) {
		v.Answer = "It will not run then."
	}
	definitions, err := s.Store.Definitions(ctx, v.Key)
	if err != nil {
		return err
	}
	v.Absent = whyNone(one, definitions, v.At, v.Asked)
	if len(v.ByHand) > 0 {
		v.Answer = "No occurrence of it was due then, but it was run by hand."
		for i, run := range v.ByHand {
			author := cmp.Or(run.Author, "Somebody")
			v.Absent = slices.Insert(v.Absent, i, fmt.Sprintf("%s ran it by hand at %s, as %s. %s What came of that stands below.", author, utc(run.Due), run.Occurrence, run.Verdict.Answer))
		}
	}
	if unbounded(one.When).Yields(v.At) {
		left, err := s.whyLeftOut(ctx, v.Key, v.At)
		if err != nil {
			return err
		}
		v.Absent = append(left, v.Absent...)
	}
	var near []string
	if before, ok := one.Timeline.Prev(v.At); ok {
		near = append(near, bothZones(before.At, v.Zone))
	}
	if more {
		near = append(near, bothZones(next.At, v.Zone))
	}
	switch len(near) {
	case 1:
		v.Absent = append(v.Absent, "The nearest is "+near[0]+".")
	case 2:
		v.Absent = append(v.Absent, "The nearest are "+near[0]+", and "+near[1]+".")
	}
	if !more {
		v.Absent = append(v.Absent, "After that instant it is never due again.")
	}
	return nil
}

// unbounded is a when without bounds and exceptions.
func unbounded(when calendar.When) calendar.When {
	return calendar.When{Expressions: when.Expressions, Zone: when.Zone}
}

// whyNone says why an instant is none of a schedule's.
func whyNone(one store.Overview, definitions []schedule.Definition, at time.Time, asked string) (why []string) {
	edited := whyEdited(definitions, at)
	left, date := one.When.LeavesOut(at)
	switch {
	case edited != "":
		why = append(why, edited)
	case left == calendar.ByNotBefore:
		why = append(why, "It begins only at "+utc(one.When.NotBefore)+" (not_before).")
	case left == calendar.ByNotAfter:
		why = append(why, "It ended at "+utc(one.When.NotAfter)+" (not_after).")
	case at.Before(one.CreatedAt) && unbounded(one.When).Yields(at):
		why = append(why, "It was created only at "+utc(one.CreatedAt)+": creating a schedule makes up nothing from before.")
	}
	if left == calendar.ByExcept {
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
	if len(why) > 0 {
		return why
	}
	why = append(why, "It has no occurrence at that instant: it is due "+beginsSmall(strings.TrimSuffix(whenInWords(one), "."))+".")
	if other := whyOtherZone(one, at); other != "" {
		why = append(why, other)
	}
	if spec := one.Timeline.Spec(); spec != nil {
		why = append(why, spec.Advice()...)
	}
	if slices.ContainsFunc(one.When.Expressions, fromEpoch.MatchString) {
		why = append(why, "An interval counts from 1 January 1970, 00:00 UTC, and not from when the schedule was created.")
	}
	if at.Before(one.CreatedAt) {
		why = append(why, "It was created only at "+utc(one.CreatedAt)+", after that.")
	}
	return why
}

// fromEpoch are the intervals that are anchored nowhere.
var fromEpoch = regexp.MustCompile(`^every (\d+(ms|s|m|h|d))+$`)

// whyOtherZone says that an instant would be one of the schedule's if its times
// were those of UTC; empty: it would not.
func whyOtherZone(one store.Overview, at time.Time) string {
	zone, in := zoneOf(one), at.UTC()
	meant := time.Date(in.Year(), in.Month(), in.Day(), in.Hour(), in.Minute(), in.Second(), in.Nanosecond(), zone)
	if meant.Equal(at) || !one.When.Yields(meant) {
		return ""
	}
	text := fmt.Sprintf("Its times are those of %[1]s: %[2]s there is %[3]s UTC on that day, and %[2]s UTC is %[4]s there.",
		zone, in.Format("15:04"), meant.UTC().Format("15:04"), at.In(zone).Format("15:04"))
	if meant.Before(one.CreatedAt) {
		text += " On that day that was before it was created, at " + utc(one.CreatedAt) + "."
	}
	return text
}

// whyEdited says that an instant was one of a schedule's under another of its
// definitions than the one that rules it; empty: it was not, or none rules it.
func whyEdited(definitions []schedule.Definition, at time.Time) string {
	rules := -1
	for i, one := range definitions {
		if at.After(one.From) {
			rules = i
		}
	}
	if rules < 0 {
		return ""
	}
	gone := func(one schedule.Definition) bool { return len(one.When.Expressions) == 0 }
	for i := rules - 1; i >= 0; i-- {
		if !definitions[i].When.Yields(at) {
			continue
		}
		edit := definitions[i+1]
		if gone(edit) {
			return fmt.Sprintf("The schedule was deleted at %s%s, and made again after that instant.", utc(edit.From), by(edit.Author))
		}
		return fmt.Sprintf("Its when was edited at %s%s, before that instant. Until then it was due %s; since then, %s.", utc(edit.From), by(edit.Author), describe(definitions[i].When), describe(edit.When))
	}
	for i := rules + 1; i < len(definitions); i++ {
		if edit := definitions[i]; edit.When.Yields(at) && !gone(definitions[i-1]) {
			return fmt.Sprintf("It has such occurrences only since its when was edited at %s%s, after that instant. Until then it was due %s.", utc(edit.From), by(edit.Author), describe(definitions[i-1].When))
		}
	}
	return ""
}

// describe is a when in the middle of a sentence.
func describe(when calendar.When) string {
	spec, err := when.Parse()
	if err != nil {
		return strings.Join(when.Expressions, "; ")
	}
	return beginsSmall(spec.Describe())
}

// whyLeftOut says that a backfill was to run an instant, and does not.
func (s *site) whyLeftOut(ctx context.Context, key string, at time.Time) (why []string, err error) {
	backfills, err := s.Store.BackfillsOver(ctx, key, at)
	for _, one := range backfills {
		text := fmt.Sprintf("Backfill %d of %s up to %s, begun%s, has that instant in it.", one.ID, utc(one.From), utc(one.To), by(one.Author))
		done := fmt.Sprintf("%s of %s", grouped(one.Enqueued), grouped(one.Total))
		switch {
		case at.Before(one.Cursor) || at.Equal(one.Cursor) || !one.FinishedAt.IsZero():
			continue
		case one.StoppedAt.IsZero():
			why = append(why, text+" It has not come to it yet: "+done+" are done.")
			continue
		}
		stopped, err := s.Store.WhoStopped(ctx, one.ID)
		if err != nil {
			return nil, err
		}
		text += " It was stopped at " + utc(one.StoppedAt)
		if stopped != nil {
			text += by(stopped.Author)
			if stopped.Detail != "" {
				text += " (" + stopped.Detail + ")"
			}
		}
		why = append(why, text+", after "+done+" and before this one.")
	}
	return why, err
}

// addUndecided says why an occurrence has no row yet.
func (s *site) addUndecided(ctx context.Context, v *whyView, one store.Overview, n schedule.Nominal, p *page) error {
	v.Answer = "It is not known."
	switch {
	case n.Due.After(p.Now):
		return s.addNotYet(ctx, v, one, n, p.Now)
	case !n.At.After(one.HistoryFrom) && one.HistoryFrom.After(one.CreatedAt):
		v.Absent = []string{"The history up to " + utc(one.HistoryFrom) + " has been pruned, so what came of it is not known any more."}
		return nil
	case !n.At.After(one.State.Cursor):
		v.Absent = []string{"There is no record of it; punctual audit says whether there should be."}
		return nil
	case n.At.Equal(one.State.SkipAt):
		return s.addToSkip(ctx, v, one, n, p)
	case one.Standing() == store.StandingWaiting:
		return s.addWaits(ctx, v, one, n)
	}
	v.Answer = "Not yet: it is due, and not decided."
	text := trouble(one, p.Now)
	if text == "" {
		text = "It is due and not decided yet."
	}
	if one.Error != "" {
		v.Answer = "Not yet: the schedule is in error."
		text += " Nothing is lost: the clock looks again each minute."
	}
	v.Absent = []string{text + noClock(p, isDecided)}
	return nil
}

// addToSkip says that an occurrence which is due is to be skipped by hand.
func (s *site) addToSkip(ctx context.Context, v *whyView, one store.Overview, n schedule.Nominal, p *page) error {
	asked, err := s.whoSkips(ctx, v.Key, n.At, "this one, "+v.Name()+",", p.Now)
	v.Answer = "It will not run."
	text := "It is due, and is put down as skipped as soon as it is decided."
	if one.Error != "" {
		text = trouble(one, p.Now) + " " + text
	}
	v.Absent = []string{asked, text + noClock(p, isSkipped)}
	return err
}

// addNotYet says when an occurrence to come is due, and what will come of it.
func (s *site) addNotYet(ctx context.Context, v *whyView, one store.Overview, n schedule.Nominal, now time.Time) error {
	v.Answer = "Not yet."
	v.Absent = []string{"It is due " + fromNow(n.Due.Sub(now)) + "."}
	if later := n.Due.Sub(n.At); later > 0 {
		v.Absent = []string{fmt.Sprintf("Jitter moves it by %s, the same each time: it is due at %s, %s.", took(later), bothZones(n.Due, v.Zone), fromNow(n.Due.Sub(now)))}
	}
	ahead := one.Ahead(n.At.Add(-1), 1)
	if len(ahead) == 0 || ahead[0].Fate == "" {
		return nil
	}
	text := "As things stand it " + ahead[0].Fate + "."
	if n.At.Equal(one.State.SkipAt) {
		var err error
		if text, err = s.whoSkips(ctx, v.Key, n.At, "this one, "+v.Name()+",", now); err != nil {
			return err
		}
	}
	v.Answer, v.Absent = "Not yet, and as things stand it will not run.", append(v.Absent, text)
	for _, pause := range one.Pauses {
		v.Absent = append(v.Absent, pauseStory(pause, "", now))
	}
	return nil
}

// mostInTheWay is how many runs in the way are named.
const mostInTheWay = 10

// addWaits says what an occurrence waits for.
func (s *site) addWaits(ctx context.Context, v *whyView, one store.Overview, n schedule.Nominal) (err error) {
	v.Answer, v.Absent = "It waits.", []string{waitWords(one)}
	if first, ok := one.Timeline.Next(one.State.Cursor); ok && first.At.Before(n.At) {
		v.Absent = append(v.Absent, "Before it waits "+schedule.OccurrenceName(v.Key, first.At)+".")
	}
	v.InTheWay, err = s.inTheWay(ctx, one)
	return err
}

// waitWords say what a schedule waits for.
func waitWords(one store.Overview) string {
	text := "Waits for " + one.State.Waiting.InWords()
	switch one.State.Waiting {
	case schedule.WaitingForPlace:
		text += ", " + one.Policies.Limit
	case schedule.WaitingForRun, schedule.WaitingInQueue, schedule.WaitingForCancel:
		text += fmt.Sprintf(" (overlap: %s)", one.Policies.Overlap)
	}
	return text + "."
}

// inTheWay are the runs that what waits of a schedule waits for.
func (s *site) inTheWay(ctx context.Context, one store.Overview) ([]store.Run, error) {
	switch one.State.Waiting {
	case schedule.NotWaiting:
		return nil, nil
	case schedule.WaitingForPlace:
		return s.Store.Holders(ctx, one.Policies.Limit, mostInTheWay)
	}
	return s.Store.InTheWay(ctx, one.Key, mostInTheWay)
}

// What becomes of what is due and not decided once a clock is back.
const (
	isDecided = "nothing is lost, it is decided"
	isSkipped = "it is put down as skipped"
)

// noClock says that no clock is alive, where it is so, and what happens once one is.
func noClock(p *page, then string) string {
	if p.Health == nil || p.Health.Clocks > 0 {
		return ""
	}
	return " No clock is alive: " + then + " when one is back (punctual start, or punctual clock)."
}

// openJob is what the queue knows of a job that is to come to an end yet.
type openJob struct {
	Queue, Kind, Worker string
	Since               time.Time // when it came into the queue, for the last time
}

// whyOpen says what keeps a job from its end, as far as its queue and its worker
// do; empty: they do not.
func (s *site) whyOpen(ctx context.Context, r store.Run, job openJob, now time.Time) (string, error) {
	switch r.State {
	case "available", "pending", "retryable":
		q, err := s.Store.QueueOverview(ctx, job.Queue)
		switch hold := q.Hold(job.Kind); {
		case err != nil || r.State == "retryable" && hold == store.HeldFull:
			return "", err // it waits for its time, not for a place
		case hold == store.HeldUnworked && r.State != "retryable":
			return s.unworkedSince(ctx, r, job, now)
		}
		return whyHeld("Its queue", q, job.Kind), nil
	case "running":
		processes, err := s.Store.Processes(ctx)
		for _, one := range processes {
			if row := processOf(one, now); one.ID == job.Worker && row.State != "alive" {
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
	since, err := s.backOf(ctx, v.Last.Run)
	if err != nil {
		return "", err
	}
	worker := ""
	if len(job.AttemptedBy) > 0 {
		worker = job.AttemptedBy[len(job.AttemptedBy)-1]
	}
	return s.whyOpen(ctx, v.Last.Run, openJob{job.Queue, job.Kind, worker, since}, now)
}

// whyHeld says why nobody takes the jobs of a kind, or without one any, from a
// queue; empty: somebody does.
func whyHeld(what string, q store.QueueOverview, kind string) string {
	switch q.Hold(kind) {
	case store.HeldByPause:
		return fmt.Sprintf("%s, %s, is paused since %s: resume it on the page of the processes.", what, q.Name, utc(q.PausedAt))
	case store.HeldUntaken:
		return fmt.Sprintf("No worker alive takes jobs of the kind %s from %s, %s: %s.", kind, beginsSmall(what), q.Name, store.StartsTaking(kind))
	case store.HeldUnworked:
		return fmt.Sprintf("No worker works %s, %s: punctual start, or punctual worker, starts one.", beginsSmall(what), q.Name)
	case store.HeldFull:
		return fmt.Sprintf("All %s for %s, %s, are taken.", counted(q.Concurrency, "place"), beginsSmall(what), q.Name)
	}
	return ""
}

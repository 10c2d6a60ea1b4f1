package dashboard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

// scheduleView is what the page of a schedule shows.
type scheduleView struct {
	store.Overview
	When        string
	Zone        string
	Expressions []string
	Advice      []string
	Trouble     string
	Job         *jobView
	Rules       []string // the policies in words
	Next        []nextRow
	Notes       []string // what is left out in between, and why
	Ends        bool     // there are no more instants than those shown
	Strip       template.HTML
	Last        *runRow
	LastSuccess time.Time
	Charts      *scheduleCharts
	Ledger      []runRow
	More, First string
	Backfills   []backfillRow
	Ours        bool           // it can be edited here
	Hand        bool           // a pause by hand of this schedule holds
	Skips       time.Time      // the occurrence that is to be skipped by hand
	SkipIsDue   bool           // it is due, and not decided yet
	ToSkip      string         // who asked for that, and when
	Formerly    []store.Former // what it was called before
	InTheWay    []store.Run    // what it waits for
	Held        string         // what keeps its last job from its end
	Alerts      []raisedAlert  // what somebody was told of it
}

// Stand is how the schedule stands.
func (v scheduleView) Stand() store.Standing { return v.Standing() }

// Meaning says what the word for how it stands means.
func (v scheduleView) Meaning() string {
	if v.Stand() == store.StandingActive && !v.Skips.IsZero() {
		return "It goes on as planned, but for one occurrence that is to be skipped."
	}
	return standingWords(v.Stand())
}

// NoLast says why there is no last run.
func (v scheduleView) NoLast() string {
	if v.Stand() == store.StandingEnded {
		return "It has had no occurrence, and will have none."
	}
	return "Nothing of it has been decided yet."
}

// NoLedger says why there are no rows of the ledger.
func (v scheduleView) NoLedger() string {
	if v.Stand() == store.StandingEnded {
		return "There are no rows, and the clock will write none: no occurrence has been due since the schedule was created, at " + utc(v.CreatedAt) + ", and none ever will be."
	}
	return "Nothing has been decided yet. The first row comes with the first occurrence."
}

// nextRow is an instant to come.
type nextRow struct {
	Nominal, Due time.Time
	Local        string // the nominal by the clocks of the schedule's zone
	Jitter       time.Duration
	Fate         string
	Marks        []nextMark
	Gap          time.Duration // since the one before
}

// nextMark is what a transition of the zone's clocks does to an instant.
type nextMark struct{ Word, Why string }

// scheduleCharts are how long runs took, and how late they started.
type scheduleCharts struct {
	Durations, Delays            template.HTML
	Runs                         int
	P50, P99, Longest            time.Duration
	DelayP50, DelayP99, DelayMax time.Duration
	Failed                       int
}

// aheadShown is how many instants to come a page shows.
const aheadShown = 20

// schedule shows one schedule.
func (s *site) schedule(w http.ResponseWriter, r *http.Request) error {
	key := r.PathValue("key")
	found, err := s.Store.Overviews(r.Context(), key)
	if err != nil {
		return s.orHistory(w, r, key, err)
	}
	p := s.newPage(r, key, "/schedules")
	v := s.viewSchedule(found[0], p.Now)
	if err := s.addHistory(r, &v, p.Now); err != nil {
		return err
	}
	if v.Backfills, err = s.backfills(r, key, 5); err != nil {
		return err
	}
	v.addNoClock(p)
	if err := s.addAsked(r.Context(), &v, p.Now); err != nil {
		return err
	}
	if v.Held, err = s.whyLastOpen(r.Context(), v, p.Now); err != nil {
		return err
	}
	if v.Standing() == store.StandingWaiting {
		if v.InTheWay, err = s.inTheWay(r.Context(), found[0]); err != nil {
			return err
		}
	}
	raised, err := s.raisedAlerts(r.Context())
	if err != nil {
		return err
	}
	v.Alerts = raised[key]
	if v.LastSuccess, err = s.Store.LastSuccess(r.Context(), key); err != nil {
		return err
	}
	p.Main = v
	return s.show(w, r, "schedule", p)
}

// orHistory leads to where a schedule is that was renamed, or to what is left of
// one that was deleted.
func (s *site) orHistory(w http.ResponseWriter, r *http.Request, key string, err error) error {
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	now, failed := s.Store.Renamed(r.Context(), key)
	if failed != nil {
		return failed
	}
	if now != "" && now != key {
		to := s.Prefix + schedulePath(now)
		if strings.HasSuffix(r.URL.Path, "/why") {
			to = strings.TrimSuffix(to, "/") + "/why"
		}
		if r.URL.RawQuery != "" {
			to += "?" + r.URL.RawQuery
		}
		return s.done(w, r, to, key+" is called "+now+" now.")
	}
	at, failed := s.Store.DeletedAt(r.Context(), key)
	if failed != nil || at.IsZero() {
		return cmp.Or(failed, err)
	}
	http.Redirect(w, r, query(s.Prefix+"/runs", "schedule", key), http.StatusSeeOther)
	return nil
}

// whyGone says when a schedule was deleted, and by whom; empty: it was not.
func (s *site) whyGone(ctx context.Context, key string) (string, error) {
	at, err := s.Store.DeletedAt(ctx, key)
	if err != nil || at.IsZero() {
		return "", err
	}
	done, err := s.Store.ActivitiesOf(ctx, key, "delete", 1)
	text := fmt.Sprintf("The schedule %s was deleted at %s", key, utc(at))
	if len(done) > 0 {
		text += by(done[0].Author)
	}
	return text + ": nothing of it is due after that. What was decided before stands here.", err
}

// viewSchedule is all that can be said without the ledger.
func (s *site) viewSchedule(one store.Overview, now time.Time) scheduleView {
	v := scheduleView{
		Overview: one, When: whenInWords(one), Zone: zoneOf(one).String(), Expressions: one.When.Expressions, Trouble: trouble(one, now),
		Ours: one.Owner.Kind == schedule.OwnerAPI,
	}
	if spec := one.Timeline.Spec(); spec != nil {
		v.Expressions, v.Advice = spec.Expressions(), spec.Advice()
	}
	v.Job = &jobView{Queue: one.Policies.Queue, Priority: one.Policies.Priority, Timeout: one.Policies.Timeout}
	v.Job.describe(one.Job)
	for _, pause := range one.Pauses {
		v.Hand = v.Hand || pause.Scope == "schedule" && pause.Origin == "hand"
	}
	ahead := one.Ahead(now, aheadShown)
	v.addNext(ahead)
	v.addSkip(now)
	var next time.Time
	if len(ahead) > 0 {
		next = ahead[0].Nominal.In(zoneOf(one))
	}
	v.Rules = append(boundsInWords(one.When, now), one.PoliciesInWords(next)...)
	return v
}

// boundsInWords are what narrows a when: where it begins and ends, and the dates it
// leaves out, those to come if there are any.
func boundsInWords(when calendar.When, now time.Time) (words []string) {
	if at := when.NotBefore; !at.IsZero() {
		words = append(words, "It begins at "+utc(at)+" (not_before).")
	}
	if at := when.NotAfter; at.After(now) {
		words = append(words, "It ends at "+utc(at)+" (not_after).")
	} else if !at.IsZero() {
		words = append(words, "It ended at "+utc(at)+" (not_after).")
	}
	if len(when.Except) == 0 {
		return words
	}
	const most = 5
	today := calendar.DateOf(now)
	dates := slices.Clone(when.Except)
	slices.SortFunc(dates, calendar.Date.Compare)
	if i := slices.IndexFunc(dates, func(d calendar.Date) bool { return d.Compare(today) >= 0 }); i >= 0 {
		dates = dates[i:]
	} else {
		dates = dates[max(0, len(dates)-most):]
	}
	var shown []string
	for _, date := range dates[:min(most, len(dates))] {
		shown = append(shown, date.String())
	}
	text := strings.Join(shown, ", ")
	if len(when.Except) > most || len(dates) < len(when.Except) {
		text += fmt.Sprintf(", of %s", counted(len(when.Except), "date"))
	}
	return append(words, "It is not due on "+text+" (except).")
}

// addNext adds the instants to come with what is worth saying of each.
func (v *scheduleView) addNext(ahead []store.Upcoming) {
	v.Ends = len(ahead) < aheadShown
	if len(ahead) == 0 {
		return
	}
	zone := zoneOf(v.Overview)
	preview, err := schedule.NewPreview(v.Declaration, ahead[0].Nominal.Add(-time.Millisecond), len(ahead))
	if err != nil {
		return
	}
	marks := map[int64][]nextMark{}
	for _, instant := range preview.Next {
		for _, change := range instant.Changes {
			marks[instant.Nominal.UnixMilli()] = append(marks[instant.Nominal.UnixMilli()], nextMark{changeWords(change.Kind), change.Why})
		}
	}
	for i, one := range ahead {
		row := nextRow{
			Nominal: one.Nominal, Due: one.Due, Local: one.Nominal.In(zone).Format("Mon 2 Jan 2006, 15:04:05"), Jitter: one.Due.Sub(one.Nominal),
			Fate: one.Fate, Marks: marks[one.Nominal.UnixMilli()],
		}
		if i > 0 {
			row.Gap = one.Nominal.Sub(ahead[i-1].Nominal)
		}
		v.Next = append(v.Next, row)
	}
	for _, change := range preview.Changes {
		v.Notes = append(v.Notes, change.Why)
	}
	v.Notes = append(v.Notes, exceptions(v.Declaration.When.Except, ahead, zone)...)
}

// addSkip adds the occurrence that is to be skipped by hand. If it is due, and not
// decided yet, it stands before those to come: the next of them is not the one.
func (v *scheduleView) addSkip(now time.Time) {
	skip := v.State.SkipAt
	if !skip.After(v.State.Cursor) {
		return
	}
	v.Skips = skip
	nominal, ok := v.Timeline.Next(skip.Add(-1))
	if !ok || !nominal.At.Equal(skip) || nominal.Due.After(now) {
		return
	}
	v.SkipIsDue = true
	v.Next = slices.Insert(v.Next, 0, nextRow{
		Nominal: skip, Due: nominal.Due, Local: skip.In(zoneOf(v.Overview)).Format("Mon 2 Jan 2006, 15:04:05"), Jitter: nominal.Due.Sub(skip),
		Fate: "is due and not decided yet; will be skipped: by hand",
	})
}

// addNoClock adds that no clock is alive to what is late.
func (v *scheduleView) addNoClock(p *page) {
	if v.Trouble == "" || v.Standing() != store.StandingActive {
		return
	}
	then := isDecided
	if count, _ := v.Undecided(p.Now); count == 1 && v.SkipIsDue {
		then = isSkipped
	}
	v.Trouble += noClock(p, then)
}

// addAsked adds what somebody asked for: that an occurrence be skipped, and another
// name.
func (s *site) addAsked(ctx context.Context, v *scheduleView, now time.Time) (err error) {
	const mostNames = 3
	if v.Formerly, err = s.Store.FormerNames(ctx, v.Key, mostNames); err != nil || v.Skips.IsZero() {
		return err
	}
	v.ToSkip, err = s.whoSkips(ctx, v.Key, v.Skips, schedule.OccurrenceName(v.Key, v.Skips), now)
	return err
}

// whoSkips says who asked for an occurrence to be skipped, and when.
func (s *site) whoSkips(ctx context.Context, key string, nominal time.Time, which string, now time.Time) (string, error) {
	asked, err := s.Store.WhoSkips(ctx, key, nominal, now)
	who := "Somebody asked"
	if asked != nil {
		who = asked.Author + " asked at " + utc(asked.At)
	}
	return fmt.Sprintf("%s that %s be skipped (skip the next): it will not run.", who, which), err
}

// exceptions say which dates are left out between the instants to come.
func exceptions(dates []calendar.Date, ahead []store.Upcoming, zone *time.Location) (notes []string) {
	first, last := calendar.DateOf(ahead[0].Nominal.In(zone)), calendar.DateOf(ahead[len(ahead)-1].Nominal.In(zone))
	for _, date := range dates {
		if date.Compare(first) >= 0 && date.Compare(last) <= 0 {
			notes = append(notes, fmt.Sprintf("%s has no occurrences: it is among the exceptions (except).", date))
		}
	}
	return notes
}

// addHistory adds a page of the ledger, the strip and the charts.
func (s *site) addHistory(r *http.Request, v *scheduleView, now time.Time) error {
	filter := store.RunFilter{Key: v.Key, Limit: runsPerPage + 1}
	if text := r.URL.Query().Get("before"); text != "" {
		var err error
		if filter.Before, err = strconv.ParseInt(text, 10, 64); err != nil {
			return notFound("There is no such page.")
		}
		v.First = s.Prefix + schedulePath(v.Key) + "#ledger"
	}
	runs, err := s.Store.Runs(r.Context(), filter)
	if err != nil {
		return err
	}
	if len(runs) > runsPerPage {
		runs = runs[:runsPerPage]
		v.More = query(s.Prefix+schedulePath(v.Key), "before", strconv.FormatInt(runs[len(runs)-1].ID, 10)) + "#ledger"
	}
	v.Ledger = runRows(runs, map[string]*store.Overview{v.Key: &v.Overview}, now)
	if err := s.sharpen(r.Context(), v.Ledger, now); err != nil {
		return err
	}
	newest := runs
	if filter.Before != 0 {
		if newest, err = s.Store.Runs(r.Context(), store.RunFilter{Key: v.Key, Limit: stripLength}); err != nil {
			return err
		}
	}
	v.Strip = strip(newest, &v.Policies, now)
	if len(newest) > 0 {
		last := runRows(newest[:1], map[string]*store.Overview{v.Key: &v.Overview}, now)
		if err := s.sharpen(r.Context(), last, now); err != nil {
			return err
		}
		v.Last = &last[0]
	}
	v.Charts, err = s.chartsOf(r.Context(), v.Key)
	return err
}

// chartsOf draws the last runs of a schedule.
func (s *site) chartsOf(ctx context.Context, key string) (*scheduleCharts, error) {
	const most = 100
	runs, err := s.Store.Runs(ctx, store.RunFilter{Key: key, Decision: "enqueued", Limit: most})
	if err != nil {
		return nil, err
	}
	var spans, delays []time.Duration
	var durationBars, delayBars []bar
	c := &scheduleCharts{}
	for _, r := range slices.Backward(runs) {
		if r.StartedAt.IsZero() || r.FinishedAt.IsZero() {
			continue
		}
		c.Runs++
		if lookOf(r) == lookFailed {
			c.Failed++
		}
		ran, late := r.FinishedAt.Sub(r.StartedAt), max(0, r.StartedAt.Sub(r.Due))
		spans = append(spans, ran)
		at := r.Due.Format("2 Jan 15:04:05 UTC")
		durationBars = append(durationBars, bar{ran.Seconds(), lookOf(r), fmt.Sprintf("%s: %s after %s", at, label(r), took(ran))})
		if r.Origin != "clock" || r.Attempts > 1 {
			continue // when its first attempt began is not on record
		}
		delays = append(delays, late)
		delayBars = append(delayBars, bar{late.Seconds(), lookSkipped, fmt.Sprintf("%s: started %s after it was due", at, took(late))})
	}
	if c.Runs < 2 {
		return nil, nil
	}
	c.P50, c.P99, c.Longest = spread(spans)
	c.DelayP50, c.DelayP99, c.DelayMax = spread(delays)
	c.Durations = barChart(fmt.Sprintf("How long the last %d runs took: half of them up to %s, the longest %s.", c.Runs, took(c.P50), took(c.Longest)), 72, durationBars)
	c.Delays = barChart(fmt.Sprintf("How late the last %d runs started: half of them up to %s, the latest %s.", len(delays), took(c.DelayP50), took(c.DelayMax)), 72, delayBars)
	return c, nil
}

// subjectLink leads to what an activity is about, where there is a page of it.
func (s *site) subjectLink(a store.Activity) string {
	switch a.Action {
	case "pause-queue", "resume-queue", "limit", "stop-backfill":
		return s.Prefix + "/processes"
	case "retry", "cancel":
		if id, ok := strings.CutPrefix(a.Detail, "job "); ok {
			return s.Prefix + "/jobs/" + id
		}
	}
	key, _, _ := strings.Cut(a.Subject, "!")
	if strings.HasPrefix(a.Action, "user") || strings.HasPrefix(a.Action, "token") || !schedule.ValidKey(key) || key == "everything" {
		return ""
	}
	return s.Prefix + schedulePath(key)
}

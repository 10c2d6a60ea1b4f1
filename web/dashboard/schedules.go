package dashboard

import (
	"context"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

// schedulesPerPage is how many schedules a page lists.
const schedulesPerPage = 50

// schedulesView is what the list of schedules shows.
type schedulesView struct {
	Search, Tag, Owner, State string
	Standings                 []string
	Rows                      []scheduleRow
	More                      string // the next page; empty: none
	First                     string // the first page, where this is another
	Filtered                  bool
	Looked                    int          // how many were looked at, where a filter found few
	Former                    []foundPlace // names like the search that no schedule has any more
}

// scheduleRow is a schedule in a list.
type scheduleRow struct {
	Key, Description string
	Tags             []string
	When             string // in words, with its zone
	Zone             *time.Location
	Standing         store.Standing
	Pauses           []store.PauseInForce
	Trouble          string // why it is not active, in words
	Next             time.Time
	Late             time.Duration // for how long something is due and undecided
	Last             *store.Run
	LastWhy          string
	Strip            template.HTML
	Typical          time.Duration // the median of how long runs took
	Owner            schedule.Owner
}

// NextLocal is when it runs next by the clocks of its zone.
func (r scheduleRow) NextLocal() string {
	if r.Next.IsZero() {
		return ""
	}
	return r.Next.In(r.Zone).Format("Mon 2 Jan, 15:04 MST")
}

// schedules lists schedules.
func (s *site) schedules(w http.ResponseWriter, r *http.Request) error {
	p := s.newPage(r, "Schedules", "/schedules")
	ask := r.URL.Query()
	v := schedulesView{
		Search: strings.TrimSpace(ask.Get("q")), Tag: ask.Get("tag"), Owner: ask.Get("owner"), State: ask.Get("state"), Standings: listedStates(),
	}
	v.Filtered = v.Search != "" || v.Tag != "" || v.Owner != "" || v.State != ""
	after := ask.Get("after")
	found, last, more, err := s.findSchedules(r.Context(), v, after)
	if err != nil {
		return err
	}
	if v.Rows, err = s.scheduleRows(r.Context(), found, p.Now); err != nil {
		return err
	}
	if more {
		v.More = query(s.Prefix+"/schedules", "q", v.Search, "tag", v.Tag, "owner", v.Owner, "state", v.State, "after", last)
	}
	if after != "" {
		v.First = query(s.Prefix+"/schedules", "q", v.Search, "tag", v.Tag, "owner", v.Owner, "state", v.State)
	}
	if v.Search != "" && after == "" {
		if v.Former, err = s.formers(r.Context(), v.Search, schedulesPerPage); err != nil {
			return err
		}
	}
	p.Main = v
	return s.show(w, r, "schedules", p)
}

// stateLate is a state to list schedules by that is none of its own: something is
// due and not decided.
const stateLate = "late"

// listedStates are the states that the list can be filtered by.
func listedStates() (states []string) {
	for _, standing := range store.Standings {
		states = append(states, string(standing))
	}
	return append(states, stateLate)
}

// findSchedules reads a page of schedules. What state they are in is known only
// once they have been read, so with that filter it reads on, but not for ever.
func (s *site) findSchedules(ctx context.Context, v schedulesView, after string) (found []store.Overview, last string, more bool, err error) {
	const mostLooks = 10
	filter := store.OverviewFilter{Search: v.Search, Tag: v.Tag, Owner: v.Owner, Standing: store.Standing(v.State), After: after, Limit: schedulesPerPage + 1}
	switch v.State {
	case "":
	case stateLate:
		now, err := s.Store.Now(ctx)
		if err != nil {
			return nil, "", false, err
		}
		filter.Standing, filter.OverdueSince = "", now.Add(-lateAfter)
		v.State = "" // the database knows them
	case string(store.StandingError): // so it does of these, mostly
	default:
		filter.Limit = 200
	}
	for range mostLooks {
		all, err := s.Store.OverviewsWhere(ctx, filter)
		if err != nil {
			return nil, "", false, err
		}
		for _, one := range all {
			if v.State != "" && string(one.Standing()) != v.State {
				last = one.Key
				continue
			}
			if len(found) == schedulesPerPage {
				return found, last, true, nil
			}
			found, last = append(found, one), one.Key
		}
		if len(all) < filter.Limit || v.State == "" {
			return found, last, false, nil
		}
		filter.After = last
	}
	return found, last, true, nil
}

// scheduleRows adds what a list shows of each schedule besides.
func (s *site) scheduleRows(ctx context.Context, found []store.Overview, now time.Time) ([]scheduleRow, error) {
	strips, err := s.lastRuns(ctx, found)
	if err != nil {
		return nil, err
	}
	rows := make([]scheduleRow, len(found))
	for i, one := range found {
		runs := strips[one.Key]
		row := scheduleRow{
			Key: one.Key, Description: one.Description, Tags: one.Tags, When: whenInWords(one), Zone: zoneOf(one), Owner: one.Owner,
			Standing: one.Standing(), Pauses: one.Pauses, Strip: strip(runs, &one.Policies, now), Typical: typicalTime(runs),
		}
		if next, ok := one.NextRun(now); ok {
			row.Next = next.Due
		}
		row.Trouble = trouble(one, now)
		if len(runs) > 0 {
			row.Last = &runs[0]
			row.LastWhy = verdictOf(runs[0], &one.Policies, now).Why
		}
		rows[i] = row
	}
	return rows, nil
}

// trouble says in words why a schedule is not active, or late.
func trouble(one store.Overview, now time.Time) string {
	switch one.Standing() {
	case store.StandingError:
		return sentence(one.Error)
	case store.StandingPaused:
		words := make([]string, len(one.Pauses))
		for i, pause := range one.Pauses {
			words[i] = pauseWords(pause)
		}
		return strings.Join(words, "; ")
	case store.StandingWaiting:
		return waitWords(one)
	}
	if count, since := one.Undecided(now); count > 0 && now.Sub(since) > lateAfter {
		return fmt.Sprintf("%s due and not decided, the first %s ago: is a clock running?", counted(count, "occurrence"), roughly(now.Sub(since)))
	}
	return ""
}

// whenInWords is when a schedule is due, with its zone.
func whenInWords(one store.Overview) string {
	if spec := one.Timeline.Spec(); spec != nil {
		return spec.Describe()
	}
	return strings.Join(one.When.Expressions, "; ")
}

// zoneOf is the zone a schedule's times are read in.
func zoneOf(one store.Overview) *time.Location {
	if spec := one.Timeline.Spec(); spec != nil {
		return spec.Location()
	}
	return time.UTC
}

// typicalTime is the median of how long the runs that succeeded took; zero where
// none did.
func typicalTime(runs []store.Run) time.Duration {
	var spans []time.Duration
	for _, r := range runs {
		if r.State == "succeeded" && !r.StartedAt.IsZero() {
			spans = append(spans, r.FinishedAt.Sub(r.StartedAt))
		}
	}
	p50, _, _ := spread(spans)
	return p50
}

// changeWords say what a transition does, in a word.
func changeWords(kind calendar.ChangeKind) string {
	switch kind {
	case calendar.Moved:
		return "moved"
	case calendar.Merged:
		return "merged"
	case calendar.Removed:
		return "left out"
	case calendar.Repeated:
		return "second pass"
	case calendar.OnlyOnce:
		return "first pass only"
	}
	return string(kind)
}

// bulkSchedules pauses or resumes the schedules that were ticked.
func (s *site) bulkSchedules(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return refuse(err.Error())
	}
	back := s.back(r, "/schedules")
	keys := slices.Compact(slices.Sorted(slices.Values(r.PostForm["key"])))
	if len(keys) == 0 {
		return s.refused(w, r, back, refuse("No schedule is ticked: tick some, and then pause or resume them."))
	}
	until, err := s.instantField(r, "until", "UTC")
	if err != nil {
		return s.refused(w, r, back, err)
	}
	action := r.PostFormValue("action")
	changed := 0
	for _, key := range keys {
		target := store.Target{Key: key}
		switch action {
		case "pause":
			_, err = s.Store.Pause(r.Context(), target, until, r.PostFormValue("note"), actor(r))
			changed++
		case "resume":
			var was bool
			if was, err = s.Store.Resume(r.Context(), target, actor(r)); was {
				changed++
			}
		default:
			err = refuse("Choose whether to pause or to resume.")
		}
		if err != nil {
			return s.refused(w, r, back, err)
		}
	}
	word := map[string]string{"pause": "Paused", "resume": "Resumed"}[action]
	return s.done(w, r, back, fmt.Sprintf("%s %s.", word, counted(changed, "schedule")))
}

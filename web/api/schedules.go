package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
	"github.com/punctual-dev/punctual/web/access"
)

// ours is the owner of what is created here.
var ours = schedule.Owner{Kind: schedule.OwnerAPI}

// Keyed is an operation on one schedule.
type Keyed struct {
	Key string `path:"key" maxLength:"100" pattern:"^[a-z0-9][a-z0-9._-]*$" patternDescription:"a key" doc:"The schedule."`
}

type scheduleList struct {
	Paging
	Search string `query:"search" maxLength:"200" doc:"Words in the key or the description, in any case."`
	State  string `query:"state" enum:"error,ended,paused,waiting,active" doc:"Only those that stand like this."`
	Tag    string `query:"tag" maxLength:"60" doc:"Only those with this tag."`
	Owner  string `query:"owner" enum:"file,api,program" doc:"Only those of such an owner."`
}

// versioned is a body with the version it is of.
type versioned[T any] struct {
	ETag string `header:"ETag" doc:"The version, for If-Match."`
	Body T
}

// schedules registers what looks at schedules.
func (a *api) schedules() {
	add(a, operation{
		id: "list-schedules", method: http.MethodGet, path: "/schedules", role: access.Viewer, tag: "schedules",
		summary: "List schedules", help: "In order of key.",
	}, a.listSchedules)
	add(a, operation{
		id: "get-schedule", method: http.MethodGet, path: "/schedules/{key}", role: access.Viewer, tag: "schedules",
		summary: "Show a schedule", help: "With its next instants, its policies in words, and its definition to edit.", errors: []int{http.StatusNotFound},
	}, a.getSchedule)
}

// looked bounds how many schedules one request for a page looks at: those in a
// state are not found by the database alone.
const looked = 5000

func (a *api) listSchedules(ctx context.Context, in *scheduleList) (*answer[page[Schedule]], error) {
	now, err := a.Store.Now(ctx)
	if err != nil {
		return nil, err
	}
	result := page[Schedule]{Items: []Schedule{}}
	filter := store.OverviewFilter{Search: in.Search, Tag: in.Tag, Owner: in.Owner, Standing: store.Standing(in.State), After: in.Cursor, Limit: in.Limit + 1}
	if in.State != "" {
		filter.Limit = max(filter.Limit, 500)
	}
	for seen := 0; seen < looked; seen += filter.Limit {
		some, err := a.Store.OverviewsWhere(ctx, filter)
		if err != nil {
			return nil, err
		}
		for i, o := range some {
			if in.State != "" && string(o.Standing()) != in.State {
				continue
			}
			if len(result.Items) == in.Limit {
				result.Next = result.Items[in.Limit-1].Key
				return a.withLast(ctx, result)
			}
			result.Items = append(result.Items, viewSchedule(some[i], now))
		}
		if len(some) < filter.Limit {
			return a.withLast(ctx, result)
		}
		filter.After = some[len(some)-1].Key
	}
	result.Next = filter.After
	return a.withLast(ctx, result)
}

// withLast adds the last job of each schedule of a page.
func (a *api) withLast(ctx context.Context, p page[Schedule]) (*answer[page[Schedule]], error) {
	if len(p.Items) == 0 {
		return &answer[page[Schedule]]{p}, nil
	}
	keys := make([]string, len(p.Items))
	for i := range p.Items {
		keys[i] = p.Items[i].Key
	}
	runs, err := a.Store.Runs(ctx, store.RunFilter{Keys: keys, Latest: true, Limit: len(keys)})
	if err != nil {
		return nil, err
	}
	for i := range p.Items {
		if n := slices.IndexFunc(runs, func(r store.Run) bool { return r.Schedule == p.Items[i].Key }); n >= 0 {
			p.Items[i].Last = &runs[n]
		}
	}
	return &answer[page[Schedule]]{p}, nil
}

func (a *api) getSchedule(ctx context.Context, in *Keyed) (*versioned[ScheduleDetail], error) {
	o, err := a.overviewOf(ctx, in.Key)
	if err != nil {
		return nil, err
	}
	return a.detail(ctx, o)
}

// overviewOf is how one schedule stands.
func (a *api) overviewOf(ctx context.Context, key string) (store.Overview, error) {
	some, err := a.Store.OverviewsWhere(ctx, store.OverviewFilter{Key: key})
	if err != nil {
		return store.Overview{}, err
	}
	if key == "" || len(some) == 0 {
		return store.Overview{}, problem(http.StatusNotFound, "there is no schedule "+key+a.renamed(ctx, key))
	}
	return some[0], nil
}

// renamed says what a schedule is called now, as a part of a message that there is
// none of a key; empty: it never was.
func (a *api) renamed(ctx context.Context, key string) string {
	now, err := a.Store.Renamed(ctx, key)
	if err != nil || now == "" || now == key {
		return ""
	}
	return "; it was renamed, and is " + now + " now"
}

func (a *api) detail(ctx context.Context, o store.Overview) (*versioned[ScheduleDetail], error) {
	now, err := a.Store.Now(ctx)
	if err != nil {
		return nil, err
	}
	v := viewDetail(o, now)
	recent, err := a.Store.Runs(ctx, store.RunFilter{Key: o.Key, Limit: back})
	if err != nil {
		return nil, err
	}
	v.Recent = append(v.Recent, recent...)
	last, err := a.Store.Runs(ctx, store.RunFilter{Key: o.Key, Latest: true, Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(last) > 0 {
		v.Last = &last[0]
	}
	return &versioned[ScheduleDetail]{tagOf(o.Version), v}, nil
}

// zoneOf is the zone in which local times of a schedule are read.
func zoneOf(o store.Overview) string {
	if spec := o.Timeline.Spec(); spec != nil {
		return spec.Zone()
	}
	return o.When.Zone
}

// instant reads RFC 3339, or a local date or date and time in a zone.
func instant(field, text, zone string) (time.Time, error) {
	at, err := calendar.ParseInstant(text, zone)
	if err != nil {
		return at, invalid(field, err.Error(), "", text)
	}
	return at, nil
}

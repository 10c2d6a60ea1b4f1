package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
	"github.com/punctual-dev/punctual/web/access"
)

// BackfillRequest asks for the occurrences of a past range.
type BackfillRequest struct {
	From   string `json:"from" maxLength:"40" doc:"The first instant of the range: RFC 3339, or a local date or date and time in the schedule's zone."`
	To     string `json:"to" maxLength:"40" doc:"The end of the range, itself not in it; now is allowed, too."`
	Rerun  bool   `json:"rerun,omitempty" doc:"Run also what ran already."`
	DryRun bool   `json:"dry_run,omitempty" doc:"Only tell what would run."`
}

// Backfill is a backfill and how far it is.
type Backfill struct {
	store.Backfill
	State string `json:"state" enum:"planned,running,finished,stopped"`
	// Nominals and More are told by a dry run.
	Nominals []time.Time    `json:"nominals,omitempty" doc:"Of a dry run: what would run, the first thousand."`
	Runs     map[string]int `json:"runs,omitempty" doc:"What came of its jobs so far, by state."`
}

// backfills registers backfills.
func (a *api) backfills() {
	missing := []int{http.StatusNotFound, http.StatusConflict}
	add(a, operation{
		id: "backfill-schedule", method: http.MethodPost, path: "/schedules/{key}/backfill", role: access.Operator, tag: "backfills",
		summary: "Run occurrences of a past range", help: "Those in [from, to) that had no job yet, by the when now in force: behind what is due on time, one at a time unless overlap is allow. The clocks carry it out. Where there is nothing to do, its id is 0.",
		errors: append(missing, http.StatusBadRequest),
	}, a.backfill)
	add(a, operation{
		id: "list-backfills", method: http.MethodGet, path: "/backfills", role: access.Viewer, tag: "backfills",
		summary: "List backfills", help: "The newest first.",
	}, a.listBackfills)
	add(a, operation{
		id: "get-backfill", method: http.MethodGet, path: "/backfills/{id}", role: access.Viewer, tag: "backfills",
		summary: "Show a backfill", help: "With what came of its jobs so far.", errors: missing,
	}, a.getBackfill)
	add(a, operation{
		id: "stop-backfill", method: http.MethodPost, path: "/backfills/{id}/stop", role: access.Operator, tag: "backfills",
		summary: "Stop a backfill", help: "Jobs it has made already go on.", errors: missing,
	}, a.stopBackfill)
}

// maxNominals bounds what a dry run lists; all are counted.
const maxNominals = 1000

func (a *api) backfill(ctx context.Context, in *struct {
	Keyed
	Body BackfillRequest
}) (*answer[Backfill], error) {
	o, err := a.overviewOf(ctx, in.Key)
	if err != nil {
		return nil, err
	}
	now, err := a.Store.Now(ctx)
	if err != nil {
		return nil, err
	}
	r := store.BackfillRequest{Key: in.Key, Rerun: in.Body.Rerun, Actor: actor(ctx)}
	for _, end := range []struct {
		field, text string
		to          *time.Time
	}{{"from", in.Body.From, &r.From}, {"to", in.Body.To, &r.To}} {
		if end.text == "now" {
			*end.to = now
		} else if *end.to, err = instant(end.field, end.text, zoneOf(o)); err != nil {
			return nil, err
		}
	}
	if !r.To.After(r.From) {
		return nil, invalid("to", fmt.Sprintf("%s is not after from, %s", schedule.FormatInstant(r.To), schedule.FormatInstant(r.From)), "the range is [from, to), in which the end does not lie", in.Body.To)
	}
	if !in.Body.DryRun {
		b, err := a.Store.StartBackfill(ctx, r)
		return reply(viewBackfill(b), err)
	}
	nominals, err := a.Store.PlanBackfill(ctx, r)
	if err != nil {
		return nil, err
	}
	plan := Backfill{State: "planned", Nominals: nominals[:min(len(nominals), maxNominals)]}
	plan.Key, plan.From, plan.To, plan.Rerun, plan.Total, plan.CreatedAt, plan.Author = in.Key, r.From, r.To, r.Rerun, len(nominals), now, string(r.Actor)
	return &answer[Backfill]{plan}, nil
}

func viewBackfill(b store.Backfill) Backfill {
	state := "running"
	switch {
	case !b.StoppedAt.IsZero():
		state = "stopped"
	case !b.FinishedAt.IsZero() || b.ID == 0:
		state = "finished"
	}
	return Backfill{Backfill: b, State: state}
}

func (a *api) listBackfills(ctx context.Context, in *Paging) (*answer[page[Backfill]], error) {
	before, err := idCursor(in.Cursor)
	if err != nil {
		return nil, err
	}
	all, err := a.Store.BackfillsBefore(ctx, before, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return &answer[page[Backfill]]{pageOf(all, in.Limit, func(b store.Backfill) int64 { return b.ID }, viewBackfill)}, nil
}

// idCursor reads the cursor of a list in falling order of id; zero: the first
// page.
func idCursor(cursor string) (int64, error) {
	if cursor == "" {
		return 0, nil
	}
	id, err := strconv.ParseInt(cursor, 10, 64)
	if err != nil || id < 1 {
		return 0, unprocessable([]error{located("query.cursor", "is no cursor", "give what the page before gave as next", cursor)})
	}
	return id, nil
}

// pageOf cuts a list that was read one longer than the page.
func pageOf[S, T any](all []S, limit int, id func(S) int64, view func(S) T) page[T] {
	p := page[T]{Items: []T{}}
	for i, one := range all {
		if i == limit {
			p.Next = strconv.FormatInt(id(all[i-1]), 10)
			break
		}
		p.Items = append(p.Items, view(one))
	}
	return p
}

func same[T any](one T) T { return one }

type Numbered struct {
	ID int64 `path:"id" minimum:"1" doc:"Its number."`
}

func (a *api) getBackfill(ctx context.Context, in *Numbered) (*answer[Backfill], error) {
	b, err := a.Store.BackfillByID(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	v := viewBackfill(b)
	v.Runs, err = a.Store.CountRuns(ctx, store.RunFilter{Backfill: in.ID})
	return reply(v, err)
}

func (a *api) stopBackfill(ctx context.Context, in *Numbered) (*answer[Backfill], error) {
	if _, err := a.Store.BackfillByID(ctx, in.ID); err != nil {
		return nil, err
	}
	if err := a.Store.StopBackfill(ctx, in.ID, actor(ctx)); err != nil {
		return nil, err
	}
	return a.getBackfill(ctx, in)
}

// Bounds of a preview.
const (
	maxPreview     = 200
	defaultPreview = 10
)

// whenKeys are the keys of the file that say when.
var whenKeys = []string{"when", "timezone", "not_before", "not_after", "except", "jitter"}

// Preview is what a when comes to.
type Preview struct {
	schedule.Preview
	From     time.Time `json:"from" doc:"The instants come after this one."`
	Warnings []Hazard  `json:"warnings" nullable:"false" doc:"What is allowed, but may not be what was meant."`
}

// preview registers the preview.
func (a *api) preview() {
	add(a, operation{
		id: "preview-when", method: http.MethodPost, path: "/preview", role: access.Viewer, tag: "schedules",
		summary: "Preview a when", help: "Its canonical form, its words, its next instants, and what changes of the clocks do to them. Nothing is stored.", errors: []int{http.StatusBadRequest},
	}, a.previewWhen)
}

func (a *api) previewWhen(ctx context.Context, in *struct{ Body previewText }) (*answer[Preview], error) {
	m := in.Body.members
	key, from, count := "preview", "", defaultPreview
	for _, one := range []struct {
		key  string
		into any
	}{{"key", &key}, {"from", &from}, {"count", &count}} {
		if err := m.take(one.key, one.into); err != nil {
			return nil, err
		}
	}
	if !schedule.ValidKey(key) {
		return nil, invalid("key", fmt.Sprintf("%q is not a key", key), "a key is "+schedule.KeyAllowed, nil)
	}
	if count < 1 || count > maxPreview {
		return nil, invalid("count", fmt.Sprintf("%d is out of range", count), fmt.Sprintf("1 to %d", maxPreview), count)
	}
	for _, one := range m {
		if !slices.Contains(whenKeys, one.key) {
			return nil, invalid(one.key, "is no part of a when", "known here: key, from, count, when, timezone, not_before, not_after, except, jitter", nil)
		}
	}
	d, file, err := a.declaration(ctx, key, append(m, member{"run", []byte(`"true"`)}))
	if err != nil {
		return nil, err
	}
	now, err := a.Store.Now(ctx)
	if err != nil {
		return nil, err
	}
	at := now
	if from != "" {
		if at, err = previewFrom(d.When, from); err != nil {
			return nil, err
		}
	}
	p, err := schedule.NewPreview(d, at, count)
	return reply(Preview{Preview: p, From: at, Warnings: hazards(key, file.Warnings(now))}, err)
}

// previewFrom reads where a preview begins, within the years that JSON knows.
func previewFrom(when calendar.When, text string) (time.Time, error) {
	zone := when.Zone
	if spec, err := when.Parse(); err == nil {
		zone = spec.Zone()
	}
	at, err := instant("from", text, zone)
	const last = 9000
	if err == nil && at.Year() > last {
		err = invalid("from", "is too far ahead", fmt.Sprintf("a year up to %d", last), text)
	}
	return at, err
}

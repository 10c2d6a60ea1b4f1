package api

import (
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/config"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

// Schedule is a schedule in a list.
type Schedule struct {
	Key            string               `json:"key"`
	State          store.Standing       `json:"state" enum:"error,ended,paused,waiting,active"`
	Description    string               `json:"description,omitempty"`
	When           []string             `json:"when" nullable:"false" doc:"In canonical form."`
	Timezone       string               `json:"timezone"`
	InWords        string               `json:"in_words" doc:"When it runs, for people."`
	Runs           string               `json:"runs" doc:"What it runs, in a few words."`
	Tags           []string             `json:"tags" nullable:"false"`
	Owner          Owner                `json:"owner"`
	Editable       bool                 `json:"editable" doc:"It belongs to the API, so it may be edited here."`
	Version        int64                `json:"version" doc:"Grows with every edit; the ETag in quotes."`
	CreatedAt      time.Time            `json:"created_at"`
	NextNominal    *time.Time           `json:"next_nominal,omitempty" doc:"The next one that will run, as far as pauses say."`
	NextDue        *time.Time           `json:"next_due,omitempty"`
	Undecided      int                  `json:"undecided" doc:"Occurrences that are due and not decided."`
	UndecidedSince *time.Time           `json:"undecided_since,omitempty"`
	WaitingFor     string               `json:"waiting_for,omitempty" doc:"What the oldest undecided occurrence waits for."`
	SkipNext       *time.Time           `json:"skip_next,omitempty" doc:"The nominal that will be skipped by hand."`
	Pauses         []store.PauseInForce `json:"pauses" nullable:"false" doc:"Those that hold now."`
	Error          string               `json:"error,omitempty" doc:"Why it cannot be decided; nothing is lost meanwhile."`
	ErrorAt        *time.Time           `json:"error_at,omitempty"`
	Last           *store.Run           `json:"last,omitempty" doc:"The last job made of it, by its clock, a trigger or a backfill."`
}

// Owner is who may edit a schedule.
type Owner struct {
	Kind string `json:"kind" enum:"file,api,program"`
	Name string `json:"name,omitempty" doc:"Which file or program."`
}

// ScheduleDetail is everything about one schedule.
type ScheduleDetail struct {
	Schedule
	Cursor     time.Time                `json:"cursor" doc:"Everything at or before it is decided."`
	Policies   []string                 `json:"policies" nullable:"false" doc:"What happens when, one sentence each."`
	TZData     string                   `json:"tzdata" doc:"The version of the time zone database."`
	Advice     []string                 `json:"advice" nullable:"false" doc:"What about the when may surprise."`
	Next       []NextInstant            `json:"next" nullable:"false" doc:"The next nominals, and what will become of them as things stand."`
	Changes    []schedule.PreviewChange `json:"changes" nullable:"false" doc:"Local times that changes of the clocks take away meanwhile."`
	Definition Definition               `json:"definition" doc:"The schedule with the keys of the schedule file, secrets hidden. PUT takes it back."`
	Recent     []store.Run              `json:"recent" nullable:"false" doc:"The last decisions."`
}

// NextInstant is a nominal to come.
type NextInstant struct {
	store.Upcoming
	Local   time.Time                `json:"local" doc:"The nominal in the schedule's zone."`
	Changes []schedule.PreviewChange `json:"changes,omitempty" doc:"What a change of the clocks did to it."`
}

// viewSchedule is how a schedule stands now.
func viewSchedule(o store.Overview, now time.Time) Schedule {
	v := Schedule{
		Key: o.Key, State: o.Standing(), Description: o.Description, When: o.When.Expressions, Timezone: o.When.Zone,
		Runs: o.Job.Hide().String(), Tags: append([]string{}, o.Tags...), Owner: Owner(o.Owner), Editable: o.Owner == ours, Version: o.Version,
		CreatedAt: o.CreatedAt, WaitingFor: o.State.Waiting.InWords(), SkipNext: optional(o.State.SkipAt),
		Pauses: append([]store.PauseInForce{}, o.Pauses...), Error: o.Error, ErrorAt: optional(o.ErrorAt),
	}
	if spec := o.Timeline.Spec(); spec != nil {
		v.When, v.Timezone, v.InWords = spec.Expressions(), spec.Zone(), spec.Describe()
	}
	if v.When == nil {
		v.When = []string{}
	}
	if o.State.Waiting == schedule.NotWaiting {
		v.WaitingFor = ""
	}
	var since time.Time
	v.Undecided, since = o.Undecided(now)
	v.UndecidedSince = optional(since)
	if next, ok := o.NextRun(now); ok {
		v.NextNominal, v.NextDue = &next.At, &next.Due
	}
	return v
}

// ahead is how many nominals a schedule is shown with, and back how many runs.
const (
	ahead = 10
	back  = 10
)

// viewDetail adds what one schedule is shown with.
func viewDetail(o store.Overview, now time.Time) ScheduleDetail {
	v := ScheduleDetail{
		Schedule: viewSchedule(o, now), Cursor: o.State.Cursor, TZData: calendar.TZDataVersion(),
		Advice: []string{}, Next: []NextInstant{}, Changes: []schedule.PreviewChange{}, Recent: []store.Run{},
		Definition: definitionOf(o.Schedule),
	}
	spec := o.Timeline.Spec()
	if spec == nil {
		v.Policies = o.PoliciesInWords(time.Time{})
		return v
	}
	v.Advice = append(v.Advice, spec.Advice()...)
	marked := map[int64][]schedule.PreviewChange{}
	if preview, err := schedule.NewPreview(o.Declaration, now, ahead); err == nil {
		v.Changes = preview.Changes
		for _, one := range preview.Next {
			marked[one.Nominal.UnixMicro()] = one.Changes
		}
	}
	for _, u := range o.Ahead(now, ahead) {
		v.Next = append(v.Next, NextInstant{Upcoming: u, Local: u.Nominal.In(spec.Location()), Changes: marked[u.Nominal.UnixMicro()]})
	}
	var next time.Time
	if len(v.Next) > 0 {
		next = v.Next[0].Local
	}
	v.Policies = o.PoliciesInWords(next)
	return v
}

// definitionOf is a schedule as the file would say it, with secrets hidden.
func definitionOf(one *schedule.Schedule) Definition {
	d := one.Declaration
	d.Was, d.Job = "", d.Job.Hide()
	return Definition{config.Write(d)}
}

// Definition is a schedule with the keys of the schedule file.
type Definition struct{ config.Written }

// Schema is that of the bodies that write one.
func (Definition) Schema(huma.Registry) *huma.Schema { return refTo(definitionSchema) }

func optional(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}

// tagOf is the ETag of a version.
func tagOf(version int64) string { return strconv.Quote(strconv.FormatInt(version, 10)) }

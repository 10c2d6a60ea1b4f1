package api

import (
	"context"
	"net/http"
	"time"

	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
	"github.com/punctual-dev/punctual/web/access"
)

// Process is a clock, a worker or a web process.
type Process struct {
	store.Process
	State string `json:"state" enum:"alive,lost,stopped" doc:"lost: it beats no longer and did not say goodbye."`
}

// Processes lists those of the last day.
type Processes struct {
	Items []Process `json:"items" nullable:"false"`
}

// Limits lists the limits.
type Limits struct {
	Items []store.Limit `json:"items" nullable:"false"`
}

// Queues lists the queues.
type Queues struct {
	Items []store.QueueOverview `json:"items" nullable:"false"`
}

// Audit is what an audit found.
type Audit struct {
	Schedules int                `json:"schedules" doc:"How many were looked at."`
	Failures  int                `json:"failures" doc:"Faults of the ledger; none, or something is badly wrong."`
	Findings  []schedule.Finding `json:"findings" nullable:"false" doc:"Faults first, at most limit."`
	Total     int                `json:"total" doc:"How many findings there are."`
}

// About says what answers.
type About struct {
	Version       string    `json:"version" doc:"Of punctual."`
	TZData        string    `json:"tzdata" doc:"Of the time zone database."`
	Now           time.Time `json:"now" doc:"The time all processes go by."`
	AllowCommands bool      `json:"allow_commands" doc:"Commands may be created and edited from the network."`
	You           string    `json:"you" doc:"Who asks."`
	Role          string    `json:"role" enum:"viewer,operator,admin" doc:"What you may do."`
}

// overview registers what tells how everything is.
func (a *api) overview() {
	look := func(id, path, summary, help string) operation {
		return operation{id: id, method: http.MethodGet, path: path, role: access.Viewer, tag: "state", summary: summary, help: help}
	}
	add(a, look("get-about", "/about", "What answers here", "And who you are."), a.about)
	add(a, look("get-health", "/health", "Whether the clock keeps time", "Always 200; healthy says it. /healthz answers monitors by its status."), a.health)
	add(a, look("list-processes", "/processes", "List processes", "Those that beat within the last day, the newest first."), a.processes)
	add(a, look("list-limits", "/limits", "List limits", "The groups of schedules, and how many of their jobs may be active together."), a.limits)
	add(a, look("list-activity", "/activity", "List who did what", "The newest first."), a.activity)
	audit := look("audit", "/audit", "Audit the ledger", "Recomputes every occurrence and compares: of one schedule, or of all, which takes its time.")
	audit.errors = []int{http.StatusNotFound}
	add(a, audit, a.audit)
}

func (a *api) about(ctx context.Context, _ *struct{}) (*answer[About], error) {
	now, err := a.Store.Now(ctx)
	who := access.Of(ctx)
	return reply(About{Version: a.Version, TZData: calendar.TZDataVersion(), Now: now, AllowCommands: a.AllowCommands, You: who.Name, Role: who.Role.String()}, err)
}

func (a *api) health(ctx context.Context, _ *struct{}) (*answer[store.Health], error) {
	return reply(a.Store.Health(ctx))
}

func (a *api) processes(ctx context.Context, _ *struct{}) (*answer[Processes], error) {
	all, err := a.Store.Processes(ctx)
	if err != nil {
		return nil, err
	}
	now, err := a.Store.Now(ctx)
	result := Processes{Items: []Process{}}
	for _, p := range all {
		result.Items = append(result.Items, Process{p, p.Condition(now)})
	}
	return reply(result, err)
}

func (a *api) limits(ctx context.Context, _ *struct{}) (*answer[Limits], error) {
	all, err := a.Store.Limits(ctx)
	return reply(Limits{append([]store.Limit{}, all...)}, err)
}

func (a *api) activity(ctx context.Context, in *Paging) (*answer[page[store.Activity]], error) {
	before, err := idCursor(in.Cursor)
	if err != nil {
		return nil, err
	}
	all, err := a.Store.Activities(ctx, before, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return &answer[page[store.Activity]]{pageOf(all, in.Limit, func(one store.Activity) int64 { return one.ID }, same)}, nil
}

type auditInput struct {
	Schedule string `query:"schedule" maxLength:"100" doc:"Of this schedule alone."`
	Limit    int    `query:"limit" minimum:"1" maximum:"1000" default:"200" doc:"How many findings at most."`
}

// audit keeps faults and the other findings apart while it reads, so that no
// number of notes hides a fault.
func (a *api) audit(ctx context.Context, in *auditInput) (*answer[Audit], error) {
	result := Audit{}
	var faults, others []schedule.Finding
	n, err := a.Store.Audit(ctx, in.Schedule, func(f schedule.Finding) {
		result.Total++
		into := &others
		if f.Kind.Failure() {
			result.Failures++
			into = &faults
		}
		if len(*into) < in.Limit {
			*into = append(*into, f)
		}
	})
	if err != nil {
		return nil, err
	}
	result.Schedules = n
	result.Findings = append(append([]schedule.Finding{}, faults...), others...)
	result.Findings = result.Findings[:min(len(result.Findings), in.Limit)]
	return &answer[Audit]{result}, nil
}

// QueueChange says what became of a pause of a queue.
type QueueChange struct {
	Changed bool `json:"changed" doc:"False: it was so before."`
}

type QueueInput struct {
	Queue string `path:"queue" maxLength:"64" doc:"The queue."`
}

// queues registers queues.
func (a *api) queues() {
	add(a, operation{
		id: "list-queues", method: http.MethodGet, path: "/queues", role: access.Viewer, tag: "state",
		summary: "List queues", help: "How many jobs wait and run in each, and who works it.",
	}, func(ctx context.Context, _ *struct{}) (*answer[Queues], error) {
		all, err := a.Store.QueueOverviews(ctx)
		return reply(Queues{append([]store.QueueOverview{}, all...)}, err)
	})
	act := operation{method: http.MethodPost, role: access.Operator, tag: "state", errors: []int{http.StatusConflict, http.StatusBadRequest}}
	act.id, act.path, act.summary, act.help = "pause-queue", "/queues/{queue}/pause", "Pause a queue", "Workers take nothing more from it; what runs goes on, and clocks go on queueing."
	add(a, act, func(ctx context.Context, in *struct {
		QueueInput
		Body *QueueNote
	}) (*answer[QueueChange], error) {
		changed, err := a.Store.PauseQueue(ctx, in.Queue, orDefault(in.Body).Note, actor(ctx))
		return reply(QueueChange{changed}, err)
	})
	act.id, act.path, act.summary, act.help = "resume-queue", "/queues/{queue}/resume", "End its pause", ""
	add(a, act, func(ctx context.Context, in *QueueInput) (*answer[QueueChange], error) {
		changed, err := a.Store.ResumeQueue(ctx, in.Queue, actor(ctx))
		return reply(QueueChange{changed}, err)
	})
}

// QueueNote says why a queue is paused.
type QueueNote struct {
	Note string `json:"note,omitempty" maxLength:"500" doc:"Why, for the activity."`
}

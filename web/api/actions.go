package api

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
	"github.com/punctual-dev/punctual/web/access"
)

// PauseRequest says until when, and why.
type PauseRequest struct {
	Until string `json:"until,omitempty" maxLength:"40" doc:"RFC 3339, or local in the schedule's zone (of several schedules: UTC). Absent: until it is resumed."`
	Note  string `json:"note,omitempty" maxLength:"500" doc:"Why, for whoever looks."`
}

// Selection is several schedules.
type Selection struct {
	Tag string `json:"tag,omitempty" maxLength:"60" doc:"Those with this tag."`
	All bool   `json:"all,omitempty" doc:"Every one."`
}

// PauseSelection pauses several schedules.
type PauseSelection struct {
	Selection
	PauseRequest
}

// Paused says what a pause concerns.
type Paused struct {
	Schedules int `json:"schedules" doc:"How many it concerns now; it holds for later ones of the tag, too."`
}

// Resumed says whether there was a pause.
type Resumed struct {
	Resumed bool `json:"resumed" doc:"False: there was no pause by hand of exactly this, so nothing changed."`
}

// Skipped names the occurrence that will be skipped.
type Skipped struct {
	Nominal    time.Time `json:"nominal"`
	Occurrence string    `json:"occurrence"`
}

// TriggerRequest says how a job is made by hand.
type TriggerRequest struct {
	Force bool              `json:"force,omitempty" doc:"In spite of overlap and limit."`
	Args  map[string]string `json:"args,omitempty" maxProperties:"50" doc:"Replace environment variables of a command or request, or arguments of a Go worker (which are read as JSON where they are)."`
}

// actions registers what operators do with schedules.
func (a *api) actions() {
	act := func(id, path, summary, help string) operation {
		return operation{id: id, method: http.MethodPost, path: path, role: access.Operator, tag: "schedules", summary: summary, help: help,
			errors: []int{http.StatusNotFound, http.StatusConflict, http.StatusBadRequest}}
	}
	add(a, act("pause-schedule", "/schedules/{key}/pause", "Pause a schedule", "The clock enqueues nothing of it, and what falls due is skipped as paused. Triggers and backfills go on. A repeat gives the pause another note and end."), a.pause)
	add(a, act("resume-schedule", "/schedules/{key}/resume", "End its pause", "What fell due meanwhile is not caught up on."), a.resume)
	add(a, act("skip-next", "/schedules/{key}/skip-next", "Leave out its next occurrence", "A repeat changes nothing."), a.skipNext)
	add(a, act("undo-skip-next", "/schedules/{key}/undo-skip-next", "Let the occurrence run after all", "Refused (409) where none was to be left out."), a.undoSkipNext)
	trigger := act("trigger-schedule", "/schedules/{key}/trigger", "Run it now", "One job beside its regular occurrences. Refused (409) while one of its jobs is active and its overlap does not allow another, unless forced. A repeat of an Idempotency-Key answers 200 with the job there is.")
	trigger.status = http.StatusCreated
	trigger.errors = append(trigger.errors, http.StatusForbidden)
	trigger.change = func(op *huma.Operation) { alsoAnswers(op, http.StatusOK, "Triggered") }
	add(a, trigger, a.trigger)
	add(a, act("pause-schedules", "/schedules/pause", "Pause several schedules", "Those of a tag, or every one, also such as are created later."), a.pauseSeveral)
	add(a, act("resume-schedules", "/schedules/resume", "End such a pause", "Ends the pause of the tag, or of everything; a pause of one schedule by itself holds on."), a.resumeSeveral)
}

func (a *api) pause(ctx context.Context, in *struct {
	Keyed
	Body *PauseRequest
}) (*answer[Paused], error) {
	o, err := a.overviewOf(ctx, in.Key)
	if err != nil {
		return nil, err
	}
	return a.pauseTarget(ctx, store.Target{Key: in.Key}, orDefault(in.Body), zoneOf(o))
}

func (a *api) pauseTarget(ctx context.Context, target store.Target, r PauseRequest, zone string) (*answer[Paused], error) {
	var until time.Time
	if r.Until != "" {
		var err error
		if until, err = instant("until", r.Until, zone); err != nil {
			return nil, err
		}
		now, err := a.Store.Now(ctx)
		if err != nil {
			return nil, err
		}
		if !until.After(now) {
			return nil, invalid("until", schedule.FormatInstant(until)+" is past", "now is "+schedule.FormatInstant(now), r.Until)
		}
	}
	n, err := a.Store.Pause(ctx, target, until, r.Note, actor(ctx))
	return reply(Paused{n}, err)
}

func orDefault[T any](body *T) (zero T) {
	if body == nil {
		return zero
	}
	return *body
}

func (a *api) resume(ctx context.Context, in *Keyed) (*answer[Resumed], error) {
	ended, err := a.Store.Resume(ctx, store.Target{Key: in.Key}, actor(ctx))
	return reply(Resumed{ended}, err)
}

func (a *api) skipNext(ctx context.Context, in *Keyed) (*answer[Skipped], error) {
	nominal, err := a.Store.SkipNext(ctx, in.Key, actor(ctx))
	return reply(Skipped{nominal, schedule.OccurrenceName(in.Key, nominal)}, err)
}

func (a *api) undoSkipNext(ctx context.Context, in *Keyed) (*answer[Skipped], error) {
	nominal, err := a.Store.UndoSkipNext(ctx, in.Key, actor(ctx))
	if err == nil && nominal.IsZero() {
		return nil, problem(http.StatusConflict, "no occurrence of "+in.Key+" is to be skipped")
	}
	return reply(Skipped{nominal, schedule.OccurrenceName(in.Key, nominal)}, err)
}

func (s Selection) target() (store.Target, error) {
	if (s.Tag == "") != s.All {
		return store.Target{}, invalid("tag", "say which schedules are meant", "a tag, or all: true, and not both", nil)
	}
	return store.Target{Tag: s.Tag, All: s.All}, nil
}

func (a *api) pauseSeveral(ctx context.Context, in *struct{ Body PauseSelection }) (*answer[Paused], error) {
	target, err := in.Body.target()
	if err != nil {
		return nil, err
	}
	return a.pauseTarget(ctx, target, in.Body.PauseRequest, "UTC")
}

func (a *api) resumeSeveral(ctx context.Context, in *struct{ Body Selection }) (*answer[Resumed], error) {
	target, err := in.Body.target()
	if err != nil {
		return nil, err
	}
	ended, err := a.Store.Resume(ctx, target, actor(ctx))
	return reply(Resumed{ended}, err)
}

type triggerInput struct {
	Keyed
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"200" pattern:"^[!-~]*$" patternDescription:"signs of ASCII without spaces" doc:"A repeat with the same key within a day makes no second job."`
	Body           *TriggerRequest
}

type triggerOutput struct {
	Status int
	Body   store.Triggered
}

func (a *api) trigger(ctx context.Context, in *triggerInput) (*triggerOutput, error) {
	request := orDefault(in.Body)
	if len(request.Args) > 0 && !a.AllowCommands {
		o, err := a.overviewOf(ctx, in.Key)
		if err != nil {
			return nil, err
		}
		if err := mayReplace(o.Job, request.Args); err != nil {
			return nil, err
		}
	}
	done, err := a.Store.Trigger(ctx, in.Key, store.TriggerOptions{
		Force: request.Force, Args: request.Args, IdempotencyKey: in.IdempotencyKey, Actor: actor(ctx),
	})
	if err != nil {
		return nil, err
	}
	if done.Refused != "" {
		// It is on record all the same.
		places := []error{located("schedule", done.Refused, "force: true triggers it all the same", done)}
		return nil, problem(http.StatusConflict, fmt.Sprintf("triggering %s was refused: %s; force: true triggers it all the same", in.Key, done.Refused), places...)
	}
	out := &triggerOutput{Status: http.StatusCreated, Body: done}
	if done.Repeated {
		out.Status = http.StatusOK
	}
	return out, nil
}

// mayReplace judges replacements in the environment of a job: where commands
// must not come from the network, only what the schedule names itself gets
// another value, and none reads the worker's environment. Arguments of a Go
// worker are for that to judge.
func mayReplace(job schedule.Job, args map[string]string) error {
	var env map[string]string
	switch {
	case job.Run != nil:
		env = job.Run.Env
	case job.HTTP != nil:
		env = job.HTTP.Env
	default:
		return nil
	}
	const advice = "or start the web process with --allow-commands"
	var places []error
	for _, name := range slices.Sorted(maps.Keys(args)) {
		if _, named := env[name]; !named {
			places = append(places, located("body.args."+name, "the schedule's env has no "+name+", so it cannot be set from the network here", "name it in the schedule's env, "+advice, nil))
		} else if strings.Contains(args[name], "${") {
			places = append(places, located("body.args."+name, "reads the worker's environment, which cannot be asked for from the network here", "give the value itself, "+advice, nil))
		}
	}
	if len(places) > 0 {
		return problem(http.StatusForbidden, tell(places), places...)
	}
	return nil
}

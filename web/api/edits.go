package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/punctual-dev/punctual/config"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
	"github.com/punctual-dev/punctual/web/access"
)

// ScheduleEdit is a schedule after it was written.
type ScheduleEdit struct {
	ScheduleDetail
	Warnings []Hazard `json:"warnings" nullable:"false" doc:"What is allowed, but may not be what was meant."`
}

// Hazard is something that is allowed, but may not be what was meant.
type Hazard struct {
	Field   string `json:"field,omitempty" doc:"The key it is about."`
	Problem string `json:"problem"`
	Advice  string `json:"advice,omitempty"`
}

type written struct {
	Status   int
	ETag     string `header:"ETag" doc:"The version, for If-Match."`
	Location string `header:"Location" doc:"Where the schedule is."`
	Body     ScheduleEdit
}

// Conditions are those of an edit.
type Conditions struct {
	IfMatch     string `header:"If-Match" maxLength:"100" doc:"The ETag that was read; * for whichever. Needed to edit what is there."`
	IfNoneMatch string `header:"If-None-Match" maxLength:"10" doc:"* creates, and fails where there is such a schedule."`
}

// edits registers what changes schedules.
func (a *api) edits() {
	const help = "The body has the keys of the schedule file; job_of gives it the job of another schedule. " +
		"Schedules of files and programs are edited there (409)."
	conflict := []int{http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed, http.StatusPreconditionRequired, http.StatusBadRequest}
	add(a, operation{
		id: "create-schedule", method: http.MethodPost, path: "/schedules", role: access.Admin, tag: "schedules", status: http.StatusCreated,
		summary: "Create a schedule", help: help + " It fires nothing by itself and makes up nothing earlier.", errors: []int{http.StatusConflict, http.StatusBadRequest}, body: scheduleBody,
	}, a.postSchedule)
	add(a, operation{
		id: "put-schedule", method: http.MethodPut, path: "/schedules/{key}", role: access.Admin, tag: "schedules",
		summary: "Create or replace a schedule", help: help + " To create, send If-None-Match: *; to edit, If-Match with the ETag that was read.", errors: conflict, body: scheduleBody,
		change: alsoCreates,
	}, a.putSchedule)
	add(a, operation{
		id: "patch-schedule", method: http.MethodPatch, path: "/schedules/{key}", role: access.Admin, tag: "schedules",
		summary: "Edit parts of a schedule", help: "A merge patch (RFC 7396) of its definition: keys that are given change, null takes one out.", errors: conflict, body: scheduleBody,
		change: mergePatch,
	}, a.patchSchedule)
	add(a, operation{
		id: "delete-schedule", method: http.MethodDelete, path: "/schedules/{key}", role: access.Admin, tag: "schedules", status: http.StatusNoContent,
		summary: "Delete a schedule", help: "What is undecided is skipped as deleted; the history stays until its retention.", errors: conflict,
	}, a.deleteSchedule)
}

// alsoCreates tells of a put that makes what was not there.
func alsoCreates(op *huma.Operation) { alsoAnswers(op, http.StatusCreated, "ScheduleEdit") }

// alsoAnswers tells of a success besides that of the type.
func alsoAnswers(op *huma.Operation, status int, schema string) {
	op.Responses = map[string]*huma.Response{strconv.Itoa(status): {
		Description: http.StatusText(status), Content: map[string]*huma.MediaType{"application/json": {Schema: refTo(schema)}},
	}}
}

type postInput struct{ Body creationText }

func (a *api) postSchedule(ctx context.Context, in *postInput) (*written, error) {
	var key string
	m := in.Body.members
	if err := m.take("key", &key); err != nil {
		return nil, err
	}
	if !schedule.ValidKey(key) {
		return nil, invalid("key", fmt.Sprintf("%q is not a key", key), "a key is "+schedule.KeyAllowed, nil)
	}
	return a.write(ctx, key, m, nil, store.PutOptions{Create: true})
}

type putInput struct {
	Keyed
	Conditions
	Body definitionText
}

func (a *api) putSchedule(ctx context.Context, in *putInput) (*written, error) {
	if in.IfNoneMatch != "" {
		if in.IfNoneMatch != "*" || in.IfMatch != "" {
			return nil, problem(http.StatusBadRequest, "give If-None-Match: * to create, or If-Match with an ETag to edit, and not both")
		}
		out, err := a.write(ctx, in.Key, in.Body.members, nil, store.PutOptions{Create: true})
		if errors.Is(err, store.ErrExists) {
			return nil, problem(http.StatusPreconditionFailed, err.Error())
		}
		return out, err
	}
	before, o, err := a.before(ctx, in.Key, in.IfMatch)
	if err != nil {
		return nil, err
	}
	return a.write(ctx, in.Key, in.Body.members, before.Schedule, o)
}

type patchInput struct {
	Keyed
	Conditions
	Body patchText
}

func (a *api) patchSchedule(ctx context.Context, in *patchInput) (*written, error) {
	if in.IfNoneMatch != "" {
		return nil, problem(http.StatusBadRequest, "a patch changes what is there; PUT creates")
	}
	before, o, err := a.before(ctx, in.Key, in.IfMatch)
	if err != nil {
		return nil, err
	}
	shown, err := asMembers(definitionOf(before.Schedule).Written)
	if err != nil {
		return nil, err
	}
	patch := in.Body.members
	if patch.has("job_of") || patch.has("run") || patch.has("http") || patch.has("job") {
		kinds := []string{"run", "http", "job"}
		if patch.has("job_of") {
			kinds = jobKeys
		}
		// Another kind of job takes the place of the one before.
		shown = slices.DeleteFunc(shown, func(one member) bool { return slices.Contains(kinds, one.key) && !patch.has(one.key) })
	}
	return a.write(ctx, in.Key, shown.merge(patch), before.Schedule, o)
}

// merge is a merge patch of RFC 7396 of an object.
func (m members) merge(patch members) members {
	merged := slices.Clone(m)
	for _, one := range patch {
		i := slices.IndexFunc(merged, func(old member) bool { return old.key == one.key })
		var inner, innerPatch scheduleText
		switch isNull := string(one.value) == "null"; {
		case i < 0 && !isNull:
			merged = append(merged, one)
		case i < 0:
		case isNull:
			merged = slices.Delete(merged, i, i+1)
		case json.Unmarshal(merged[i].value, &inner) == nil && json.Unmarshal(one.value, &innerPatch) == nil:
			merged[i].value = inner.members.merge(innerPatch.members).object()
		default:
			merged[i].value = one.value
		}
	}
	return merged
}

func asMembers(w config.Written) (members, error) {
	text, err := json.Marshal(w)
	if err != nil {
		return nil, err
	}
	var t scheduleText
	err = json.Unmarshal(text, &t)
	return t.members, err
}

func mergePatch(op *huma.Operation) {
	op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		"application/json":             {Schema: refTo(patchSchema)},
		"application/merge-patch+json": {Schema: refTo(patchSchema)},
	}}
}

// before is a schedule that is to be edited, and the Conditions of the edit.
func (a *api) before(ctx context.Context, key, ifMatch string) (o store.Overview, options store.PutOptions, err error) {
	if o, err = a.overviewOf(ctx, key); err != nil {
		return o, options, err
	}
	if o.Owner != ours {
		return o, options, &store.OwnedError{Key: key, Owner: o.Owner}
	}
	if ifMatch == "" {
		return o, options, problem(http.StatusPreconditionRequired, fmt.Sprintf("say which version the edit was made from: If-Match with the ETag that was read, now %s", tagOf(o.Version)))
	}
	options.Version, err = versionOf(ifMatch)
	if err == nil && options.Version != store.AnyVersion && options.Version != o.Version {
		err = &store.ChangedError{Key: key, Version: o.Version}
	}
	return o, options, err
}

// versionOf reads an ETag.
func versionOf(tag string) (int64, error) {
	if tag == "*" {
		return store.AnyVersion, nil
	}
	text, err := strconv.Unquote(tag)
	if err == nil {
		if version, err := strconv.ParseInt(text, 10, 64); err == nil && version > 0 {
			return version, nil
		}
	}
	return 0, problem(http.StatusPreconditionFailed, fmt.Sprintf("If-Match %s is no version of a schedule; it looks like %s, as the ETag of what was read", tag, tagOf(7)))
}

// write reads a definition, judges whether it may be written from the network,
// and writes it. before is the schedule as it was; nil if there was none.
func (a *api) write(ctx context.Context, key string, m members, before *schedule.Schedule, o store.PutOptions) (*written, error) {
	d, file, err := a.read(ctx, key, m, before)
	if err != nil {
		return nil, err
	}
	now, err := a.Store.Now(ctx)
	if err != nil {
		return nil, err
	}
	if spec, err := d.When.Parse(); err == nil {
		if at, ok := spec.Once(); ok && !at.After(now) {
			return nil, invalid("when", schedule.FormatInstant(at)+" is already past", "give it a date to come", nil)
		}
	}
	o.Owner, o.Actor = ours, actor(ctx)
	change, version, err := a.Store.Put(ctx, d, o)
	if err != nil {
		return nil, err
	}
	overview, err := a.overviewOf(ctx, key)
	if err != nil {
		return nil, err
	}
	detail, err := a.detail(ctx, overview)
	if err != nil {
		return nil, err
	}
	out := &written{Status: http.StatusOK, ETag: tagOf(version), Body: ScheduleEdit{ScheduleDetail: detail.Body, Warnings: hazards(key, file.Warnings(now))}}
	if change.Kind == schedule.ChangeCreate {
		out.Status, out.Location = http.StatusCreated, a.Prefix+root+"/schedules/"+key
	}
	return out, nil
}

func hazards(key string, found []config.Warning) []Hazard {
	all := []Hazard{}
	for _, w := range found {
		// What is not about the schedule is about the limits around it.
		if field, ok := strings.CutPrefix(w.Field, "schedules."+key+"."); ok {
			all = append(all, Hazard{Field: field, Problem: w.Problem, Advice: w.Advice})
		}
	}
	return all
}

// jobKeys are the keys that make a job.
var jobKeys = config.JobKeys()

// read is the declaration that a definition means.
func (a *api) read(ctx context.Context, key string, m members, before *schedule.Schedule) (schedule.Declaration, *config.File, error) {
	var jobOf string
	if err := m.take("job_of", &jobOf); err != nil {
		return schedule.Declaration{}, nil, err
	}
	if jobOf != "" {
		return a.readWithJobOf(ctx, key, m, jobOf)
	}
	d, file, err := a.declaration(ctx, key, m)
	if err != nil {
		return d, nil, err
	}
	var was schedule.Job
	if before != nil {
		was = before.Job
	}
	var faults []schedule.Fault
	if d.Job, faults = d.Job.Unhide(was); len(faults) > 0 {
		return d, nil, faulty(faults)
	}
	if before == nil || !sameJob(d.Job, was) {
		err = a.mayWrite(d.Job)
	}
	return d, file, err
}

// readWithJobOf takes the job from another schedule: what that runs has been
// allowed already.
func (a *api) readWithJobOf(ctx context.Context, key string, m members, jobOf string) (d schedule.Declaration, file *config.File, err error) {
	for _, part := range jobKeys {
		if m.has(part) {
			return d, nil, invalid(part, "stands beside job_of, which is a whole job", "leave out one of the two", nil)
		}
	}
	others, err := a.Store.OverviewsWhere(ctx, store.OverviewFilter{Key: jobOf})
	if err != nil {
		return d, nil, err
	}
	if len(others) == 0 || !schedule.ValidKey(jobOf) {
		return d, nil, invalid("job_of", fmt.Sprintf("there is no schedule %q", jobOf), "GET "+root+"/schedules lists those there are", jobOf)
	}
	// The file's reader wants to see a job; a schedule's own is as good as any.
	parts, err := asMembers(config.Write(others[0].Declaration))
	if err != nil {
		return d, nil, err
	}
	for _, part := range parts {
		if slices.Contains(jobKeys, part.key) {
			m = append(m, part)
		}
	}
	if d, file, err = a.declaration(ctx, key, m); err == nil {
		d.Job = others[0].Job
	}
	return d, file, err
}

func sameJob(a, b schedule.Job) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

var placeholder = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// mayWrite judges a job that is new, or changes. Unless it is allowed, nobody
// gets a program run by a worker, or its environment sent somewhere, by way of
// the network.
func (a *api) mayWrite(job schedule.Job) error {
	const advice = "start the web process with --allow-commands, declare the schedule in the file, or give job_of with the key of a schedule that has the job"
	switch {
	case a.AllowCommands:
		return nil
	case job.Run != nil:
		return problem(http.StatusForbidden, "commands cannot be created or edited from the network here: "+advice, located("body.run", "is not allowed", "", nil))
	case job.HTTP == nil:
		return nil
	}
	for _, part := range requestTexts(*job.HTTP) {
		for _, found := range placeholder.FindAllStringSubmatch(part.text, -1) {
			if _, own := job.HTTP.Env[found[1]]; own && !strings.HasPrefix(part.field, "env.") {
				continue
			}
			return problem(http.StatusForbidden, fmt.Sprintf("%s reads %s of the worker's environment, which cannot be asked for from the network here: %s", part.field, found[0], advice),
				located("body."+part.field, "is not allowed", "", found[0]))
		}
	}
	return nil
}

type requestText struct{ field, text string }

// requestTexts are the texts of a request in which ${NAME} is replaced.
func requestTexts(r schedule.Request) []requestText {
	all := []requestText{{"http.url", r.URL}, {"http.body", r.Body}}
	for name, text := range r.Headers {
		all = append(all, requestText{"http.headers." + name, text})
	}
	for name, text := range r.Env {
		all = append(all, requestText{"env." + name, text})
	}
	return all
}

type deleteInput struct {
	Keyed
	IfMatch    string `header:"If-Match" maxLength:"100" doc:"The ETag that was read: fails if it has been changed since. Absent: whichever."`
	CancelJobs bool   `query:"cancel_jobs" doc:"Also cancel its jobs that have not ended."`
}

func (a *api) deleteSchedule(ctx context.Context, in *deleteInput) (*struct{}, error) {
	o := store.PutOptions{Owner: ours, Actor: actor(ctx)}
	if in.IfMatch != "" {
		var err error
		if o.Version, err = versionOf(in.IfMatch); err != nil {
			return nil, err
		}
	}
	if err := a.Store.Remove(ctx, in.Key, in.CancelJobs, o); err != nil {
		return nil, err
	}
	return nil, nil
}

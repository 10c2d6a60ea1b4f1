package dashboard

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/config"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

// ours is the owner of what is created here: the same as the API's.
var ours = schedule.Owner{Kind: schedule.OwnerAPI}

// editView is a form about a schedule, and what it would do.
type editView struct {
	Key     string
	New     bool
	Version int64
	AsYAML  bool // it is written as YAML, not in fields
	YAML    string
	F       fields
	Zones   []string
	Limits  []store.Limit
	Queues  []string
	JobOf   string // the schedule whose job it has
	Others  bool   // there are schedules whose job it could have
	Allowed bool   // commands
	Preview *previewView
}

// fieldFault is something wrong with a field.
type fieldFault struct{ Field, Problem, Advice string }

// previewView is what a schedule as it is written would do.
type previewView struct {
	Faults   []fieldFault
	Warnings []fieldFault
	InWords  string
	Zone     string
	Advice   []string
	Rules    []string
	Rows     []beforeAfter
	Ends     bool
	Edits    bool // there is a before
	Same     bool // the instants are the same as before
	Changes  []schedule.Difference
}

// beforeAfter are instants side by side, in the zone of each side.
type beforeAfter struct {
	At            time.Time
	Before, After string
	Marks         []nextMark
}

// fresh is a text that no other form has.
func fresh() string { return "web-" + strings.ToLower(rand.Text()[:16]) }

func (s *site) newEdit(ctx context.Context) (editView, error) {
	v := editView{Zones: calendar.ZoneNames(), Allowed: s.AllowCommands, F: fields{"kind": kindHTTP, "timezone": "UTC"}}
	var err error
	if v.Limits, err = s.Store.Limits(ctx); err != nil {
		return v, err
	}
	v.Queues, err = s.Store.Queues(ctx)
	return v, err
}

// showNew asks for a new schedule.
func (s *site) showNew(w http.ResponseWriter, r *http.Request) error {
	v, err := s.newEdit(r.Context())
	if err != nil {
		return err
	}
	v.New = true
	if v.JobOf = r.URL.Query().Get("job_of"); v.JobOf != "" {
		found, err := s.Store.Overviews(r.Context(), v.JobOf)
		if err != nil {
			return err
		}
		v.F = fieldsOf(shown(found[0].Declaration))
		v.Key = v.JobOf + "-copy"
	}
	p := s.newPage(r, "New schedule", "/schedules")
	p.Main = v
	return s.show(w, r, "edit", p)
}

// shown is a declaration as it may be shown.
func shown(d schedule.Declaration) schedule.Declaration {
	d.Job = d.Job.Hide()
	d.Was = ""
	return d
}

// showEdit shows a schedule to be edited.
func (s *site) showEdit(w http.ResponseWriter, r *http.Request) error {
	before, err := s.editable(r)
	if err != nil {
		return err
	}
	v, err := s.newEdit(r.Context())
	if err != nil {
		return err
	}
	d := shown(before.Declaration)
	v.Key, v.Version, v.F = before.Key, before.Version, fieldsOf(d)
	v.YAML = config.Write(d).YAML("")
	if v.AsYAML = r.URL.Query().Get("as") == "yaml"; !v.AsYAML {
		w, faults := v.F.written()
		// Where fields cannot say all of it, the YAML can.
		v.AsYAML = len(faults) > 0 || !sameWritten(v.Key, w, config.Write(d))
	}
	p := s.newPage(r, "Edit "+before.Key, "/schedules")
	p.Main = v
	return s.show(w, r, "edit", p)
}

// sameWritten says whether two ways of writing a schedule mean the same.
func sameWritten(key string, a, b config.Written) bool {
	read := func(w config.Written) string {
		text, err := json.Marshal(w)
		if err != nil {
			return err.Error()
		}
		file, err := config.Parse("form", slices.Concat([]byte(`{"schedules": {"`+key+`": `), text, []byte("}}")), config.Options{})
		if e, ok := errors.AsType[*config.Error](err); ok && len(e.Faults) > 0 {
			return "" // a limit that is not known here: the same on both sides
		}
		if err != nil || len(file.Schedules) != 1 {
			return "unreadable"
		}
		return config.Write(file.Schedules[0]).YAML("")
	}
	return read(a) == read(b)
}

// editable is the schedule of the path, if it may be edited here.
func (s *site) editable(r *http.Request) (store.Overview, error) {
	found, err := s.Store.Overviews(r.Context(), r.PathValue("key"))
	if err != nil {
		return store.Overview{}, err
	}
	if found[0].Owner.Kind != schedule.OwnerAPI {
		return found[0], &fault{http.StatusConflict, "It is edited elsewhere", ownerWords(found[0].Owner)}
	}
	return found[0], nil
}

// readEdit reads a form that was sent.
func (s *site) readEdit(r *http.Request) (editView, error) {
	r.Body = http.MaxBytesReader(nil, r.Body, 1<<20)
	if err := r.ParseForm(); err != nil {
		return editView{}, refuse("The form cannot be read: " + sentence(err.Error()))
	}
	v, err := s.newEdit(r.Context())
	if err != nil {
		return v, err
	}
	v.Key = strings.TrimSpace(r.PostFormValue("key"))
	v.New, v.AsYAML = r.PostFormValue("new") != "", r.PostFormValue("as") == "yaml"
	v.Version, _ = strconv.ParseInt(r.PostFormValue("version"), 10, 64)
	v.JobOf = r.PostFormValue("job_of")
	v.F, v.YAML = readFields(r.PostForm), strings.ReplaceAll(r.PostFormValue("yaml"), "\r\n", "\n")
	return v, nil
}

// create creates a schedule, or shows what it would be.
func (s *site) create(w http.ResponseWriter, r *http.Request) error {
	v, err := s.readEdit(r)
	if err != nil {
		return err
	}
	v.New = true
	return s.answerEdit(w, r, v, nil)
}

// edit edits one, or shows what it would become.
func (s *site) edit(w http.ResponseWriter, r *http.Request) error {
	before, err := s.editable(r)
	if err != nil {
		return err
	}
	v, err := s.readEdit(r)
	if err != nil {
		return err
	}
	v.New, v.Key = false, before.Key
	return s.answerEdit(w, r, v, &before)
}

// answerEdit does what the button says: save, check, or change between fields and
// YAML.
func (s *site) answerEdit(w http.ResponseWriter, r *http.Request, v editView, before *store.Overview) error {
	p := s.newPage(r, "New schedule", "/schedules")
	if before != nil {
		p.Title = "Edit " + before.Key
	}
	d, preview, err := s.check(r.Context(), v, before, p.Now)
	if err != nil {
		return err
	}
	v.Preview = preview
	switch r.PostFormValue("do") {
	case "save":
		if len(preview.Faults) > 0 {
			break
		}
		if err = s.put(r, d, v); err == nil {
			return s.done(w, r, s.Prefix+schedulePath(d.Key), map[bool]string{true: "Created ", false: "Saved "}[v.New]+d.Key+". Its next run is below; nothing was fired by the edit itself.")
		}
		f := s.faultOf(r, err)
		if f.status >= http.StatusInternalServerError {
			return err
		}
		v.Preview.Faults = []fieldFault{{"", f.detail, ""}}
	case "yaml":
		if len(preview.Faults) == 0 {
			v.YAML = config.Write(shown(d)).YAML("")
		}
		if written, faults := v.F.written(); len(faults) == 0 && v.YAML == "" {
			v.YAML = written.YAML("")
		}
		v.AsYAML = true
	case "fields":
		if len(preview.Faults) == 0 {
			v.F, v.AsYAML = fieldsOf(shown(d)), false
		}
	}
	p.Main = v
	status := http.StatusOK
	if len(v.Preview.Faults) > 0 {
		status = http.StatusUnprocessableEntity
	}
	s.render(w, r, status, "edit", p)
	return nil
}

func (s *site) put(r *http.Request, d schedule.Declaration, v editView) error {
	_, _, err := s.Store.Put(r.Context(), d, store.PutOptions{Owner: ours, Create: v.New, Version: v.Version, Actor: actor(r)})
	switch changed, ok := errors.AsType[*store.ChangedError](err); {
	case ok:
		return refuse(fmt.Sprintf("Somebody has edited %s meanwhile (it is at version %d now). Open it anew to see how it is, and make your edit again.", changed.Key, changed.Version))
	case errors.Is(err, store.ErrExists):
		return refuse("There is a schedule called " + d.Key + " already: choose another key.")
	}
	return err
}

// preview answers, while somebody writes, with what it would do.
func (s *site) preview(w http.ResponseWriter, r *http.Request) error {
	v, err := s.readEdit(r)
	if err != nil {
		return err
	}
	var before *store.Overview
	if !v.New {
		found, err := s.Store.Overviews(r.Context(), v.Key)
		if err != nil {
			return err
		}
		before = &found[0]
	}
	now, err := s.Store.Now(r.Context())
	if err != nil {
		return err
	}
	_, preview, err := s.check(r.Context(), v, before, now)
	if err != nil {
		return err
	}
	return s.fragment(w, r, "edit", "preview", preview)
}

// check reads what is written, and says what is wrong with it, or what it would
// do. The error is the database's alone.
func (s *site) check(ctx context.Context, v editView, before *store.Overview, now time.Time) (schedule.Declaration, *previewView, error) {
	p := &previewView{Edits: before != nil}
	if !schedule.ValidKey(v.Key) {
		p.Faults = append(p.Faults, fieldFault{"key", fmt.Sprintf("%q is not a key.", v.Key), "A key is " + schedule.KeyAllowed + "."})
		return schedule.Declaration{}, p, nil
	}
	d, file, faults, err := s.declaration(ctx, v)
	if err != nil || len(faults) > 0 {
		p.Faults = faults
		return d, p, err
	}
	if p.Faults, err = s.judge(ctx, &d, v, before); err != nil {
		return d, p, err
	}
	for _, warning := range file.Warnings(now) {
		if field, ok := strings.CutPrefix(warning.Field, "schedules."+v.Key+"."); ok {
			p.Warnings = append(p.Warnings, fieldFault{field, sentence(warning.Problem), sentence(warning.Advice)})
		}
	}
	if spec, err := d.When.Parse(); err == nil {
		if at, ok := spec.Once(); ok && !at.After(now) && (before == nil || fmt.Sprint(before.When.Expressions) != fmt.Sprint(d.When.Expressions)) {
			p.Faults = append(p.Faults, fieldFault{"when", schedule.FormatInstant(at) + " is already past.", "Give it a date to come."})
		}
	}
	p.compare(d, before, now)
	return d, p, nil
}

// judge puts back what was hidden, and says what may not be written from here.
func (s *site) judge(ctx context.Context, d *schedule.Declaration, v editView, before *store.Overview) ([]fieldFault, error) {
	var was schedule.Job
	if before != nil {
		was = before.Job
	} else if v.JobOf != "" {
		found, err := s.Store.OverviewsWhere(ctx, store.OverviewFilter{Key: v.JobOf})
		if err != nil {
			return nil, err
		}
		// Its secrets are lent to the same job only, not to one that sends them
		// elsewhere.
		if len(found) > 0 && sameJob(d.Job, found[0].Job.Hide()) {
			was = found[0].Job
		}
	}
	job, hidden := d.Job.Unhide(was)
	d.Job = job
	var faults []fieldFault
	for _, f := range hidden {
		faults = append(faults, fieldFault{f.Field, sentence(f.Problem), sentence(f.Advice)})
	}
	// What another schedule runs has been allowed already.
	if !sameJob(d.Job, was) {
		faults = append(faults, s.mayWrite(d.Job)...)
	}
	return faults, nil
}

// declaration reads a form as a file with this one schedule in it would be
// read, with the limits there are.
func (s *site) declaration(ctx context.Context, v editView) (schedule.Declaration, *config.File, []fieldFault, error) {
	limits, err := s.Store.Limits(ctx)
	if err != nil {
		return schedule.Declaration{}, nil, nil, err
	}
	numbers := map[string]int{}
	for _, limit := range limits {
		numbers[limit.Name] = limit.Number
	}
	head := ""
	if len(numbers) > 0 {
		known, _ := json.Marshal(numbers)
		head = fmt.Sprintf("limits: %s\n", known)
	}
	body := v.YAML
	if !v.AsYAML {
		w, faults := v.F.written()
		if len(faults) > 0 {
			return schedule.Declaration{}, nil, faults, nil
		}
		text, err := json.Marshal(w)
		if err != nil {
			return schedule.Declaration{}, nil, nil, err
		}
		body = string(text)
	}
	const indent = "    "
	name, _ := json.Marshal(v.Key)
	head += "schedules:\n  " + string(name) + ":\n"
	var text bytes.Buffer
	text.WriteString(head)
	for line := range strings.Lines(body) {
		text.WriteString(indent + line)
	}
	file, err := config.Parse("schedule", text.Bytes(), config.Options{})
	if read, ok := errors.AsType[*config.Error](err); ok {
		return schedule.Declaration{}, nil, faultsOf(read, v, strings.Count(head, "\n")), nil
	}
	if err != nil {
		return schedule.Declaration{}, nil, []fieldFault{{"", sentence(err.Error()), ""}}, nil
	}
	if len(file.Schedules) != 1 {
		return schedule.Declaration{}, nil, []fieldFault{{"yaml", "This is not one schedule.", "Write the keys that stand below one schedule in the file, such as when: and http:."}}, nil
	}
	return file.Schedules[0], file, onlyInFiles(file.Schedules[0]), nil
}

// onlyInFiles are keys of the file that mean nothing here.
func onlyInFiles(d schedule.Declaration) (faults []fieldFault) {
	if d.Was != "" {
		faults = append(faults, fieldFault{"was", "A rename stands in files only.", "Create the schedule under its new key, and delete the old one."})
	}
	if d.Disabled != "" {
		faults = append(faults, fieldFault{"enabled_in", "This stands in files only.", "Here a schedule is on, or paused."})
	}
	return faults
}

// faultsOf turns what is said about a file into what is said about a form.
func faultsOf(e *config.Error, v editView, before int) (faults []fieldFault) {
	for _, f := range e.Faults {
		field := strings.TrimPrefix(strings.TrimPrefix(f.Field, "schedules."+v.Key), ".")
		one := fieldFault{field, sentence(f.Problem), sentence(f.Advice)}
		if line := f.Line - before; v.AsYAML && line > 0 {
			one.Field = strings.TrimSpace(fmt.Sprintf("line %d %s", line, field))
		}
		if strings.Contains(one.Advice, "top of the file") {
			one.Advice = "The page of processes lists the limits there are."
		}
		faults = append(faults, one)
	}
	return faults
}

// compare shows the next instants, beside those there were.
func (p *previewView) compare(d schedule.Declaration, before *store.Overview, now time.Time) {
	const shownInstants = 8
	after, err := schedule.NewPreview(d, now, shownInstants)
	if err != nil {
		p.Faults = append(p.Faults, fieldFault{"when", sentence(err.Error()), ""})
		return
	}
	p.InWords, p.Zone, p.Advice, p.Ends = after.InWords, after.Zone, after.Advice, after.Ends
	var next time.Time
	if len(after.Next) > 0 {
		next = after.Next[0].Local
	}
	p.Rules = d.PoliciesInWords(next)
	rows := map[int64]*beforeAfter{}
	row := func(at time.Time) *beforeAfter {
		if rows[at.UnixMilli()] == nil {
			rows[at.UnixMilli()] = &beforeAfter{At: at}
		}
		return rows[at.UnixMilli()]
	}
	for _, instant := range after.Next {
		one := row(instant.Due)
		one.After = instant.Local.Format("Mon 2 Jan, 15:04:05 MST")
		for _, change := range instant.Changes {
			one.Marks = append(one.Marks, nextMark{changeWords(change.Kind), change.Why})
		}
	}
	if before != nil {
		zone := zoneOf(*before)
		for _, instant := range before.Ahead(now, shownInstants) {
			row(instant.Due).Before = instant.Nominal.In(zone).Format("Mon 2 Jan, 15:04:05 MST")
		}
		changes, _ := schedule.Plan([]*schedule.Schedule{before.Schedule}, []schedule.Declaration{d}, schedule.PlanOptions{Owner: ours})
		for _, change := range changes {
			p.Changes = append(p.Changes, change.Differences...)
		}
	}
	p.Same = true
	for _, one := range rows {
		p.Rows = append(p.Rows, *one)
		p.Same = p.Same && one.Before == one.After
	}
	slices.SortFunc(p.Rows, func(a, b beforeAfter) int { return a.At.Compare(b.At) })
}

// scheduleYAML shows a schedule as it would stand in a file.
func (s *site) scheduleYAML(w http.ResponseWriter, r *http.Request) error {
	found, err := s.Store.Overviews(r.Context(), r.PathValue("key"))
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, err = fmt.Fprintf(w, "schedules:\n  %s:\n%s", found[0].Key, config.Write(shown(found[0].Declaration)).YAML("    "))
	return err
}

// deleteView asks before a schedule is deleted.
type deleteView struct {
	store.Overview
	Key  string
	Ours bool
	Open int // jobs that have not ended
}

// showDelete asks.
func (s *site) showDelete(w http.ResponseWriter, r *http.Request) error {
	before, err := s.editable(r)
	if err != nil {
		return err
	}
	p := s.newPage(r, "Delete "+before.Key, "/schedules")
	v := deleteView{Overview: before, Key: before.Key, Ours: true}
	for _, state := range openStates {
		runs, err := s.Store.Runs(r.Context(), store.RunFilter{Key: before.Key, State: state, Limit: 100})
		if err != nil {
			return err
		}
		v.Open += len(runs)
	}
	p.Main = v
	return s.show(w, r, "delete", p)
}

// delete deletes a schedule whose key was typed.
func (s *site) delete(w http.ResponseWriter, r *http.Request) error {
	before, err := s.editable(r)
	if err != nil {
		return err
	}
	if strings.TrimSpace(r.PostFormValue("typed")) != before.Key {
		return s.refused(w, r, s.Prefix+"/schedules/"+before.Key+"/delete", refuse("Type the key "+before.Key+" to say that you mean it."))
	}
	if err := s.Store.Remove(r.Context(), before.Key, r.PostFormValue("cancel_jobs") != "", store.PutOptions{Owner: ours, Actor: actor(r)}); err != nil {
		return s.refused(w, r, s.Prefix+"/schedules/"+before.Key+"/delete", err)
	}
	return s.done(w, r, s.Prefix+"/schedules", "Deleted "+before.Key+". Its history stays for its retention; the same key again would continue it.")
}

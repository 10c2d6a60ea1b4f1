package dashboard

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

// readInstant reads what a field for a date and a time holds; empty is zero.
func readInstant(text, zone string) (time.Time, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return time.Time{}, nil
	}
	if len(text) == len("2026-11-24T09:00") && text[10] == 'T' {
		text += ":00" // what browsers send where the seconds are zero
	}
	at, err := calendar.ParseInstant(text, zone)
	if err != nil {
		return time.Time{}, refuse(sentence(err.Error()))
	}
	return at, nil
}

// instantField reads a field that holds a date and a time, or how long from now:
// "1h", "30m", "2d".
func (s *site) instantField(r *http.Request, name, zone string) (time.Time, error) {
	text := strings.TrimSpace(r.PostFormValue(name))
	if d, err := schedule.ParseDuration(text); err == nil && d > 0 {
		now, err := s.Store.Now(r.Context())
		return now.Add(time.Duration(d)), err
	}
	return readInstant(text, zone)
}

// target is what a pause or a resume is about.
func target(r *http.Request) (store.Target, error) {
	switch key, tag := r.PathValue("key"), r.PostFormValue("tag"); {
	case key != "":
		return store.Target{Key: key}, nil
	case tag != "":
		return store.Target{Tag: tag}, nil
	case r.PostFormValue("everything") != "":
		return store.Target{All: true}, nil
	}
	return store.Target{}, refuse("Say what is meant: a schedule, a tag, or everything.")
}

// pause makes the clock enqueue nothing of a schedule, a tag, or everything.
func (s *site) pause(w http.ResponseWriter, r *http.Request) error {
	to := s.back(r, "/schedules")
	t, err := target(r)
	if err != nil {
		return s.refused(w, r, to, err)
	}
	until, err := s.instantField(r, "until", "UTC")
	if err != nil {
		return s.refused(w, r, to, err)
	}
	n, err := s.Store.Pause(r.Context(), t, until, strings.TrimSpace(r.PostFormValue("note")), actor(r))
	if err != nil {
		return s.refused(w, r, to, err)
	}
	text := fmt.Sprintf("Paused %s.", t)
	if t.Key == "" {
		text = fmt.Sprintf("Paused %s: %s.", t, counted(n, "schedule"))
	}
	return s.done(w, r, to, text+" What falls due now is skipped, and not made up for.")
}

// resume ends such a pause.
func (s *site) resume(w http.ResponseWriter, r *http.Request) error {
	to := s.back(r, "/schedules")
	t, err := target(r)
	if err != nil {
		return s.refused(w, r, to, err)
	}
	was, err := s.Store.Resume(r.Context(), t, actor(r))
	if err != nil {
		return s.refused(w, r, to, err)
	}
	if !was {
		return s.refused(w, r, to, refuse(fmt.Sprintf("No pause by hand of %s held; one by tag, of everything or by the environment is ended where it was made.", t)))
	}
	return s.done(w, r, to, fmt.Sprintf("Resumed %s. What fell due in the pause stays skipped.", t))
}

// skipNext skips the next occurrence.
func (s *site) skipNext(w http.ResponseWriter, r *http.Request) error {
	key := r.PathValue("key")
	to := s.back(r, schedulePath(key))
	at, err := s.Store.SkipNext(r.Context(), key, actor(r))
	if err != nil {
		return s.refused(w, r, to, err)
	}
	return s.done(w, r, to, fmt.Sprintf("The occurrence of %s will be skipped.", schedule.FormatInstant(at)))
}

// undoSkipNext lets it run after all.
func (s *site) undoSkipNext(w http.ResponseWriter, r *http.Request) error {
	key := r.PathValue("key")
	to := s.back(r, schedulePath(key))
	at, err := s.Store.UndoSkipNext(r.Context(), key, actor(r))
	if err == nil && at.IsZero() {
		err = refuse("No occurrence of " + key + " is to be skipped.")
	}
	if err != nil {
		return s.refused(w, r, to, err)
	}
	return s.done(w, r, to, fmt.Sprintf("The occurrence of %s runs after all.", schedule.FormatInstant(at)))
}

// triggerView asks how to run a schedule now.
type triggerView struct {
	store.Overview
	Job    *jobView
	Names  []fact // arguments that may be changed, with their values
	Active []store.Run
	Key    string
	Once   string // makes a form sent twice harmless
}

// showTrigger asks how to run a schedule now.
func (s *site) showTrigger(w http.ResponseWriter, r *http.Request) error {
	found, err := s.Store.Overviews(r.Context(), r.PathValue("key"))
	if err != nil {
		return err
	}
	one := found[0]
	p := s.newPage(r, "Run "+one.Key+" now", "/schedules")
	v := triggerView{Overview: one, Key: one.Key, Job: &jobView{}, Once: fresh()}
	v.Job.describe(one.Job)
	v.Names = argumentsOf(one.Job)
	for _, state := range []string{"running", "available", "retryable"} {
		runs, err := s.Store.Runs(r.Context(), store.RunFilter{Key: one.Key, State: state, Limit: 3})
		if err != nil {
			return err
		}
		v.Active = append(v.Active, runs...)
	}
	p.Main = v
	return s.show(w, r, "trigger", p)
}

// trigger runs a schedule now.
func (s *site) trigger(w http.ResponseWriter, r *http.Request) error {
	key := r.PathValue("key")
	if err := r.ParseForm(); err != nil {
		return refuse(err.Error())
	}
	to := s.back(r, schedulePath(key))
	args, err := readArguments(r.PostForm["name"], r.PostForm["value"], r.PostForm["was"])
	if err != nil {
		return s.refused(w, r, s.Prefix+"/schedules/"+key+"/trigger", err)
	}
	if len(args) > 0 {
		found, err := s.Store.Overviews(r.Context(), key)
		if err != nil {
			return err
		}
		if err := s.mayReplace(found[0].Job, args); err != nil {
			return s.refused(w, r, s.Prefix+"/schedules/"+key+"/trigger", err)
		}
	}
	made, err := s.Store.Trigger(r.Context(), key, store.TriggerOptions{
		Force: r.PostFormValue("force") != "", Args: args, IdempotencyKey: r.PostFormValue("once"), Actor: actor(r),
	})
	switch {
	case err != nil:
		return s.refused(w, r, s.Prefix+"/schedules/"+key+"/trigger", err)
	case made.Refused != "":
		return s.refused(w, r, to, refuse(fmt.Sprintf("It was not run: %s. “Run now” offers to run it all the same.", strings.TrimSuffix(made.Refused, "."))))
	}
	return s.done(w, r, fmt.Sprintf("%s/jobs/%d", s.Prefix, made.JobID), fmt.Sprintf("%s is queued as job %d.", made.Name, made.JobID))
}

// readArguments are the arguments that were changed.
func readArguments(names, values, was []string) (map[string]string, error) {
	args := map[string]string{}
	for i, name := range names {
		if name = strings.TrimSpace(name); name == "" || i >= len(values) || i >= len(was) || values[i] == was[i] {
			continue
		}
		if strings.Contains(values[i], schedule.Hidden) {
			return nil, refuse(fmt.Sprintf("%s says %s, which stands for a secret that is not shown: leave it as it was, or give the whole value.", name, schedule.Hidden))
		}
		args[name] = values[i]
	}
	return args, nil
}

// backfillView asks for the range of a backfill, and shows what it would run.
type backfillView struct {
	store.Overview
	Key       string
	From, To  string
	Zone      string
	Rerun     bool
	Asked     bool
	Fault     string
	Nominals  []time.Time // the first of them
	Count     int
	Last      time.Time
	Backfills []backfillRow
}

// showBackfill asks for a range, and with one says what would run.
func (s *site) showBackfill(w http.ResponseWriter, r *http.Request) error {
	found, err := s.Store.Overviews(r.Context(), r.PathValue("key"))
	if err != nil {
		return err
	}
	one, ask := found[0], r.URL.Query()
	p := s.newPage(r, "Backfill "+one.Key, "/schedules")
	zone := zoneOf(one)
	v := backfillView{Overview: one, Key: one.Key, From: ask.Get("from"), To: ask.Get("to"), Rerun: ask.Get("rerun") != "", Zone: zone.String()}
	if v.Asked = v.From != "" && v.To != ""; v.Asked {
		request, err := v.request(r)
		if err == nil {
			var nominals []time.Time
			nominals, err = s.Store.PlanBackfill(r.Context(), request)
			v.Count, v.Nominals = len(nominals), nominals[:min(len(nominals), 50)]
			if v.Count > 0 {
				v.Last = nominals[v.Count-1]
			}
		}
		if err != nil {
			f := s.faultOf(r, err)
			if f.status >= http.StatusInternalServerError {
				return err
			}
			v.Fault = f.detail
		}
	} else {
		v.From = p.Now.In(zone).AddDate(0, 0, -1).Format("2006-01-02T15:04")
		v.To = p.Now.In(zone).Format("2006-01-02T15:04")
	}
	if v.Backfills, err = s.backfills(r, one.Key, 5); err != nil {
		return err
	}
	p.Main = v
	return s.show(w, r, "backfill", p)
}

// request reads the range, in the zone of the schedule.
func (v backfillView) request(r *http.Request) (store.BackfillRequest, error) {
	request := store.BackfillRequest{Key: v.Key, Rerun: v.Rerun, Actor: actor(r)}
	var err error
	if request.From, err = readInstant(v.From, v.Zone); err != nil {
		return request, err
	}
	request.To, err = readInstant(v.To, v.Zone)
	return request, err
}

// startBackfill begins what was shown.
func (s *site) startBackfill(w http.ResponseWriter, r *http.Request) error {
	key := r.PathValue("key")
	found, err := s.Store.Overviews(r.Context(), key)
	if err != nil {
		return err
	}
	v := backfillView{Key: key, From: r.PostFormValue("from"), To: r.PostFormValue("to"), Rerun: r.PostFormValue("rerun") != "", Zone: zoneOf(found[0]).String()}
	request, err := v.request(r)
	if err == nil && (request.From.IsZero() || request.To.IsZero()) {
		err = refuse("Give the range: from when, and up to when.")
	}
	to := s.Prefix + "/schedules/" + key + "/backfill"
	if err != nil {
		return s.refused(w, r, to, err)
	}
	made, err := s.Store.StartBackfill(r.Context(), request)
	if err != nil {
		return s.refused(w, r, to, err)
	}
	if made.Total == 0 {
		return s.refused(w, r, to, refuse("There is nothing to run in that range."))
	}
	return s.done(w, r, query(s.Prefix+"/runs", "backfill", strconv.FormatInt(made.ID, 10)), fmt.Sprintf("Backfill %d has begun: %s of %s, one after the other, behind what is on time.", made.ID, counted(made.Total, "occurrence"), key))
}

// stopBackfill ends a backfill where it stands.
func (s *site) stopBackfill(w http.ResponseWriter, r *http.Request) error {
	id, err := runID(r)
	if err != nil {
		return err
	}
	to := s.back(r, "/processes")
	if err := s.Store.StopBackfill(r.Context(), id, actor(r)); err != nil {
		return s.refused(w, r, to, err)
	}
	return s.done(w, r, to, fmt.Sprintf("Stopped backfill %d. What it has queued already runs.", id))
}

// retryRun runs a job again.
func (s *site) retryRun(w http.ResponseWriter, r *http.Request) error {
	run, err := s.findRun(r)
	if err != nil {
		return err
	}
	to := s.back(r, fmt.Sprintf("/runs/%d", run.ID))
	switch {
	case run.JobID == 0:
		err = refuse("It was skipped, so there is no job to retry. A backfill of its time runs it.")
	case run.State == "running" || run.State == "available":
		err = refuse("It is " + label(run) + ", so there is nothing to retry yet.")
	default:
		err = s.Store.RetryJob(r.Context(), run.JobID, actor(r))
	}
	if err != nil {
		return s.refused(w, r, to, err)
	}
	return s.done(w, r, to, fmt.Sprintf("Job %d runs again as soon as a worker is free.", run.JobID))
}

// cancelRun stops a job, or cancels it before it starts.
func (s *site) cancelRun(w http.ResponseWriter, r *http.Request) error {
	run, err := s.findRun(r)
	if err != nil {
		return err
	}
	to := s.back(r, fmt.Sprintf("/runs/%d", run.ID))
	if run.JobID == 0 {
		return s.refused(w, r, to, refuse("It was skipped, so there is no job to cancel."))
	}
	if err := s.Store.CancelJob(r.Context(), run.JobID, actor(r)); err != nil {
		return s.refused(w, r, to, err)
	}
	text := fmt.Sprintf("Job %d is cancelled.", run.JobID)
	if run.State == "running" {
		text = fmt.Sprintf("Job %d was asked to stop; its worker ends it in a moment.", run.JobID)
	}
	return s.done(w, r, to, text)
}

// markSeen says that somebody has seen failures: of one run, of one schedule, or
// all.
func (s *site) markSeen(w http.ResponseWriter, r *http.Request) error {
	f := store.SeenFilter{Key: r.PostFormValue("schedule"), All: r.PostFormValue("all") != ""}
	to := s.back(r, "/")
	if r.PathValue("id") != "" {
		run, err := s.findRun(r)
		if err != nil {
			return err
		}
		f = store.SeenFilter{JobID: run.JobID}
	}
	just := 0
	if f.JobID == 0 {
		var err error
		if just, err = s.Store.JustFailed(r.Context(), f.Key); err != nil {
			return err
		}
	}
	n, err := s.Store.MarkSeen(r.Context(), f, actor(r))
	if err != nil {
		return s.refused(w, r, to, err)
	}
	return s.done(w, r, to, strings.TrimSpace(fmt.Sprintf("Marked %s as seen. %s", counted(n, "failure"), store.JustFailedInWords(just))))
}

// pauseQueue makes workers take nothing more from a queue.
func (s *site) pauseQueue(w http.ResponseWriter, r *http.Request) error {
	name, to := r.PathValue("name"), s.back(r, "/processes")
	if _, err := s.Store.PauseQueue(r.Context(), name, strings.TrimSpace(r.PostFormValue("note")), actor(r)); err != nil {
		return s.refused(w, r, to, err)
	}
	return s.done(w, r, to, fmt.Sprintf("Paused the queue %s. What runs goes on; what is queued waits.", name))
}

// resumeQueue ends that.
func (s *site) resumeQueue(w http.ResponseWriter, r *http.Request) error {
	name, to := r.PathValue("name"), s.back(r, "/processes")
	if _, err := s.Store.ResumeQueue(r.Context(), name, actor(r)); err != nil {
		return s.refused(w, r, to, err)
	}
	return s.done(w, r, to, fmt.Sprintf("Resumed the queue %s.", name))
}

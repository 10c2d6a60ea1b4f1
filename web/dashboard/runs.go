package dashboard

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/store"
)

// runsPerPage is how many rows of the ledger a page lists.
const runsPerPage = 50

// runStates are the states that the list can be filtered by, with their words.
var runStates = []struct{ Value, Words string }{
	{"running", "running"}, {"available", "queued"}, {"retryable", "retrying"}, {"scheduled", "scheduled"},
	{"succeeded", "succeeded"}, {"failed", "failed"}, {"expired", "expired"}, {"cancelled", "cancelled"},
	{"superseded", "superseded"}, {"skipped", "skipped"}, {"unknown", "unknown"},
}

// runsAsk is what the list is filtered by, as the address says it.
type runsAsk struct {
	Schedule, State, Origin, Text, From, To, Backfill string
	Unseen                                            bool
}

func readRunsAsk(values url.Values) runsAsk {
	return runsAsk{
		Schedule: strings.TrimSpace(values.Get("schedule")), State: values.Get("state"), Origin: values.Get("origin"), Text: strings.TrimSpace(values.Get("q")),
		From: values.Get("from"), To: values.Get("to"), Backfill: values.Get("backfill"), Unseen: values.Get("unseen") != "",
	}
}

// Any says whether there is a filter.
func (a runsAsk) Any() bool { return a != runsAsk{} }

// Pairs are the filter as hidden fields of a form.
func (a runsAsk) Pairs() [][2]string {
	var pairs [][2]string
	unseen := ""
	if a.Unseen {
		unseen = "1"
	}
	for _, pair := range [][2]string{
		{"schedule", a.Schedule}, {"state", a.State}, {"origin", a.Origin}, {"q", a.Text}, {"from", a.From}, {"to", a.To}, {"backfill", a.Backfill}, {"unseen", unseen},
	} {
		if pair[1] != "" {
			pairs = append(pairs, pair)
		}
	}
	return pairs
}

// Query is the filter as an address's query, with more parameters.
func (a runsAsk) Query(path string, more ...string) string {
	for _, pair := range a.Pairs() {
		more = append(more, pair[0], pair[1])
	}
	return query(path, more...)
}

// Words say what the filter lets through.
func (a runsAsk) Words() string {
	var words []string
	add := func(format, value string) {
		if value != "" {
			words = append(words, fmt.Sprintf(format, value))
		}
	}
	add("of %s", a.Schedule)
	for _, state := range runStates {
		if state.Value == a.State {
			add("%s", state.Words)
		}
	}
	add("by %s", a.Origin)
	add("of backfill %s", a.Backfill)
	add("with “%s” in the error or reason", a.Text)
	add("due from %s", strings.Replace(a.From, "T", " ", 1))
	add("due before %s", strings.Replace(a.To, "T", " ", 1))
	if a.Unseen {
		words = append(words, "failed and not seen")
	}
	return strings.Join(words, ", ")
}

// filter is the same for the store.
func (a runsAsk) filter() (store.RunFilter, error) {
	f := store.RunFilter{Key: a.Schedule, State: a.State, Origin: a.Origin, Error: a.Text, Unseen: a.Unseen, Limit: runsPerPage + 1}
	var err error
	if a.Backfill != "" {
		if f.Backfill, err = strconv.ParseInt(a.Backfill, 10, 64); err != nil {
			return f, refuse("The number of a backfill is expected, not " + strconv.Quote(a.Backfill) + ".")
		}
	}
	if f.From, err = readInstant(a.From, "UTC"); err != nil {
		return f, err
	}
	f.To, err = readInstant(a.To, "UTC")
	return f, err
}

// runsView is what the list of runs shows.
type runsView struct {
	Ask         runsAsk
	States      []struct{ Value, Words string }
	Gone        string // where the schedule asked for was deleted: when, and by whom
	Rows        []runRow
	More, First string
	// Back is down to when words were looked for, where that is not all there is;
	// Further leads on.
	Back    time.Time
	Further string
	// RetryAll and CancelAll lead to the page that asks first.
	RetryAll, CancelAll string
}

// runRow is a row of the ledger in a list.
type runRow struct {
	store.Run
	Words  string // what became of it, in a sentence
	Origin string
	Took   time.Duration
	Delay  time.Duration // from due to start
}

// Nom is the instant to list a run by: its nominal, or when it was triggered.
func (r runRow) Nom() time.Time {
	if r.Nominal.IsZero() {
		return r.Due
	}
	return r.Nominal
}

// runRows adds to rows of the ledger what lists show besides.
func runRows(runs []store.Run, overviews map[string]*store.Overview, now time.Time) []runRow {
	rows := make([]runRow, len(runs))
	for i, r := range runs {
		row := runRow{Run: r, Origin: originWords(r)}
		var one *store.Overview
		if overviews != nil {
			one = overviews[r.Schedule]
		}
		if one != nil {
			row.Words = ledgerLine(r, &one.Policies, now)
		} else {
			row.Words = ledgerLine(r, nil, now)
		}
		if !r.StartedAt.IsZero() {
			row.Delay = r.StartedAt.Sub(r.Due)
			until := r.FinishedAt
			if r.State == "running" {
				until = now
			}
			if !until.IsZero() {
				row.Took = until.Sub(r.StartedAt)
			}
		}
		rows[i] = row
	}
	return rows
}

// runs lists rows of the ledger, the newest first.
func (s *site) runs(w http.ResponseWriter, r *http.Request) error {
	p := s.newPage(r, "Runs", "/runs")
	v := runsView{Ask: readRunsAsk(r.URL.Query()), States: runStates}
	before := r.URL.Query().Get("before")
	runs, back, err := s.pageOfRuns(r.Context(), v.Ask, before)
	if err != nil {
		return err
	}
	if back > 0 && len(runs) <= runsPerPage {
		if v.Back, err = s.decidedAt(r.Context(), back); err != nil {
			return err
		}
		v.Further = v.Ask.Query(s.Prefix+"/runs", "before", strconv.FormatInt(back, 10))
	}
	if len(runs) > runsPerPage {
		runs = runs[:runsPerPage]
		v.More = v.Ask.Query(s.Prefix+"/runs", "before", strconv.FormatInt(runs[runsPerPage-1].ID, 10))
	}
	if before != "" {
		v.First = v.Ask.Query(s.Prefix + "/runs")
	}
	if v.Ask.Schedule != "" {
		if v.Gone, err = s.whyGone(r.Context(), v.Ask.Schedule); err != nil {
			return err
		}
	}
	v.Rows = runRows(runs, nil, p.Now)
	if err := s.sharpen(r.Context(), v.Rows, p.Now); err != nil {
		return err
	}
	v.RetryAll, v.CancelAll = v.Ask.Query(s.Prefix+"/runs/all", "action", "retry"), v.Ask.Query(s.Prefix+"/runs/all", "action", "cancel")
	p.Main = v
	return s.show(w, r, "runs", p)
}

// mostWords is how many rows a page looks for words in; the next looks further.
const mostWords = 4000

func (s *site) pageOfRuns(ctx context.Context, ask runsAsk, before string) (runs []store.Run, back int64, err error) {
	f, err := ask.filter()
	if err != nil {
		return nil, 0, err
	}
	if before != "" {
		if f.Before, err = strconv.ParseInt(before, 10, 64); err != nil {
			return nil, 0, notFound("There is no such page.")
		}
	}
	return s.Store.RunsBack(ctx, f, mostWords)
}

// decidedAt is when a row of the ledger was written.
func (s *site) decidedAt(ctx context.Context, id int64) (time.Time, error) {
	found, err := s.Store.Runs(ctx, store.RunFilter{ID: id, Limit: 1})
	if err != nil || len(found) == 0 {
		return time.Time{}, err
	}
	return found[0].DecidedAt, nil
}

// The actions on runs, and the states they are for.
const (
	actionRetry  = "retry"
	actionCancel = "cancel"
)

var actionStates = map[string][]string{
	actionRetry:  {"failed", "expired", "cancelled", "superseded", "retryable"},
	actionCancel: {"running", "available", "scheduled", "pending", "retryable"},
}

// bulkLimit bounds how many jobs one action is about.
const bulkLimit = 1000

// bulkView asks before something is done to many runs.
type bulkView struct {
	Ask    runsAsk
	Action string
	Counts []bulkCount
	Total  int
	Limit  int
	Back   string
}

type bulkCount struct {
	State string
	Count int
}

// Most is how many it will be at once.
func (v bulkView) Most() int { return min(v.Total, v.Limit) }

// showBulkRuns says how many runs an action would be about.
func (s *site) showBulkRuns(w http.ResponseWriter, r *http.Request) error {
	ask := readRunsAsk(r.URL.Query())
	v := bulkView{Ask: ask, Action: r.URL.Query().Get("action"), Limit: bulkLimit, Back: ask.Query(s.Prefix + "/runs")}
	states, ok := actionStates[v.Action]
	if !ok {
		return notFound("Runs can be retried and cancelled.")
	}
	f, err := ask.filter()
	if err != nil {
		return err
	}
	for _, state := range states {
		if ask.State != "" && state != ask.State {
			continue
		}
		// One state after the other: to count all would be to read all that ran.
		f.State = state
		counts, err := s.Store.CountRuns(r.Context(), f)
		if err != nil {
			return err
		}
		if counts[state] > 0 {
			v.Counts = append(v.Counts, bulkCount{label(store.Run{State: state}), counts[state]})
			v.Total += counts[state]
		}
	}
	p := s.newPage(r, map[string]string{actionRetry: "Retry runs", actionCancel: "Cancel runs"}[v.Action], "/runs")
	p.Main = v
	return s.show(w, r, "runs_all", p)
}

// bulkRuns retries or cancels all the runs that a filter lets through.
func (s *site) bulkRuns(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return refuse(err.Error())
	}
	ask, action := readRunsAsk(r.PostForm), r.PostFormValue("action")
	states, ok := actionStates[action]
	if !ok {
		return refuse("Choose whether to retry or to cancel.")
	}
	f, err := ask.filter()
	if err != nil {
		return err
	}
	done, failed, reason := 0, 0, ""
	for _, state := range states {
		if ask.State != "" && state != ask.State {
			continue
		}
		f.State, f.Limit = state, bulkLimit-done-failed
		if f.Limit <= 0 {
			break
		}
		runs, err := s.Store.Runs(r.Context(), f)
		if err != nil {
			return err
		}
		for _, run := range runs {
			if err := s.actOnJob(r, action, run.JobID); err != nil {
				failed, reason = failed+1, err.Error()
				continue
			}
			done++
		}
	}
	to := ask.Query(s.Prefix + "/runs")
	text := fmt.Sprintf("%s %s.", map[string]string{actionRetry: "Retried", actionCancel: "Cancelled"}[action], counted(done, "job"))
	if failed > 0 {
		return s.goOn(w, r, to, flash{"fault", fmt.Sprintf("%s Of %d more it could not be done, the last time since: %s", text, failed, sentence(reason))})
	}
	return s.done(w, r, to, text)
}

func (s *site) actOnJob(r *http.Request, action string, job int64) error {
	if action == actionCancel {
		return s.Store.CancelJob(r.Context(), job, actor(r))
	}
	return s.Store.RetryJob(r.Context(), job, actor(r))
}

package dashboard

import (
	"encoding/json"
	"fmt"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/punctual-dev/punctual/config"
	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/internal/pgtest"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
	"github.com/punctual-dev/punctual/web/access"
)

// past is a house whose time stands still until it is moved, and whose clock ticks
// when it is told to.
type past struct {
	*house
	now *atomic.Pointer[time.Time]
}

// whyStart is noon before a night in which the clocks of New York jump.
var whyStart = time.Date(2026, 3, 7, 12, 0, 0, 0, time.UTC)

func newPast(t *testing.T, kind, file string) *past {
	t.Helper()
	p := &past{&house{T: t}, &atomic.Pointer[time.Time]{}}
	p.now.Store(&whyStart)
	address := "sqlite:" + filepath.Join(t.TempDir(), "punctual.db")
	if kind == "postgres" {
		address = pgtest.New(t)
	}
	db, err := database.Open(t.Context(), address, database.Options{Now: func() time.Time { return *p.now.Load() }})
	p.must(err)
	t.Cleanup(db.Close)
	p.store, err = store.Open(db)
	p.must(err)
	p.must(p.store.Migrate(t.Context()))
	read, err := config.Parse("punctual.yaml", []byte(file), config.Options{Environment: "staging"})
	p.must(err)
	_, err = p.store.Apply(t.Context(), read.Schedules, store.ApplyOptions{
		PlanOptions: schedule.PlanOptions{Owner: schedule.Owner{Kind: schedule.OwnerFile, Name: "punctual.yaml"}}, Limits: read.Limits, Actor: "ada",
	})
	p.must(err)
	p.site = Handler(Options{Store: p.store, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))})
	return p
}

func (p *past) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

// at moves the time, and lets the clock tick.
func (p *past) at(after time.Duration) {
	p.Helper()
	p.later(after)
	for range 50 {
		moved := 0
		for _, read := range []func() (schedule.Batch, error){
			func() (schedule.Batch, error) {
				return p.store.Due(p.Context(), schedule.Wanted{Lane: schedule.LaneOnTime, Limit: 500})
			},
			func() (schedule.Batch, error) {
				return p.store.Due(p.Context(), schedule.Wanted{Lane: schedule.LaneLate, Limit: 500})
			},
			func() (schedule.Batch, error) { return p.store.Waiting(p.Context(), 500) },
		} {
			batch, err := read()
			p.must(err)
			if len(batch.Candidates) == 0 {
				continue
			}
			done, err := p.store.Commit(p.Context(), batch, schedule.DecideBatch(batch.Candidates, batch.Groups))
			p.must(err)
			moved += done.Enqueued + done.Skipped
		}
		if moved == 0 {
			return
		}
	}
	p.Fatal("the clock never comes to rest")
}

// later moves the time while no clock runs.
func (p *past) later(after time.Duration) {
	now := whyStart.Add(after)
	p.now.Store(&now)
}

func (p *past) exec(statement string, arguments ...any) {
	p.Helper()
	p.must(p.store.Database().Transaction(p.Context(), func(tx database.Tx) error {
		_, err := tx.Exec(p.Context(), statement, arguments...)
		return err
	}))
}

// ends says what came of the first job.
func (p *past) ends(outcome, failure string, attempts int, started bool) {
	p.Helper()
	at := any(nil)
	if started {
		at = *p.now.Load()
	}
	p.exec("UPDATE punctual_occurrence SET outcome = $1, error = $2, attempts = $3, started_at = $4, finished_at = $5 WHERE job_id IS NOT NULL",
		outcome, failure, attempts, at, *p.now.Load())
}

// away has a clock stop, and another one start.
func (p *past) away(from, until time.Duration) {
	p.Helper()
	for _, clock := range []struct {
		id    string
		began time.Duration
	}{{"clock-1", 0}, {"clock-2", until}} {
		p.later(clock.began)
		_, err := p.store.Beat(p.Context(), store.Process{ID: clock.id, Role: "clock", Host: "one.example", PID: 7, TickAt: *p.now.Load()})
		p.must(err)
		if clock.began == 0 {
			p.later(from)
			p.must(p.store.Stopped(p.Context(), clock.id))
		}
	}
}

// runs makes a worker take the first job, and fall silent.
func (p *past) runs() {
	p.Helper()
	_, err := p.store.Beat(p.Context(), store.Process{ID: "worker-1", Role: "worker", Host: "one.example", PID: 7, Concurrency: 5})
	p.must(err)
	p.taken("running", []string{"worker-1"})
}

// taken says of all jobs which workers took them, the last one now, and with what
// errors attempts ended, which began now.
func (p *past) taken(state string, workers []string, failures ...string) {
	p.Helper()
	now := *p.now.Load()
	records := make([]string, len(failures))
	for i, failure := range failures {
		records[i] = fmt.Sprintf(`{"at": %q, "attempt": 1, "error": %q, "trace": ""}`, now.Format(time.RFC3339), failure)
	}
	ended := slices.Contains([]string{"discarded", "cancelled"}, state)
	if p.store.Database().Kind == database.Postgres {
		p.exec(`UPDATE river_job SET state = $1::river_job_state, attempt = 1, attempted_at = $2, attempted_by = $3::text[], errors = $4::text[]::jsonb[],
			finalized_at = CASE WHEN $5 THEN $2::timestamptz END`, state, now, workers, records, ended)
		return
	}
	by, err := json.Marshal(workers)
	p.must(err)
	p.exec("UPDATE river_job SET state = $1, attempt = 1, attempted_at = $2, attempted_by = jsonb($3), errors = jsonb($4), finalized_at = CASE WHEN $5 THEN $2 END",
		state, now.Format("2006-01-02 15:04:05.000"), string(by), "["+strings.Join(records, ",")+"]", ended)
}

// page reads a page as text, where it leads too.
func (p *past) page(path string) string {
	p.Helper()
	status, body := p.ask(access.Viewer, http.MethodGet, path, nil)
	if status == http.StatusSeeOther {
		status, body = p.ask(access.Viewer, http.MethodGet, "/runs?schedule=it", nil)
	}
	if status != http.StatusOK {
		p.Fatalf("%s is answered with %d: %s", path, status, body)
	}
	return html.UnescapeString(body)
}

// occurrence is the page that tells of an instant: that of its row of the ledger,
// or the answer to the question why there is none.
func (p *past) occurrence(asked string, at time.Time) string {
	p.Helper()
	runs, err := p.store.Runs(p.Context(), store.RunFilter{Key: "it", Nominal: at})
	p.must(err)
	answer := p.page("/schedules/it/why?at=" + url.QueryEscape(asked))
	if len(runs) == 0 {
		return answer
	}
	page := p.page(fmt.Sprintf("/runs/%d", runs[0].ID))
	verdict := func(body string) string {
		_, after, _ := strings.Cut(body, `<section class="verdict`)
		words, _, _ := strings.Cut(after, "</section>")
		return words
	}
	if verdict(answer) != verdict(page) && !strings.Contains(answer, "Shown are runs") {
		p.Errorf("the question is answered with\n%s\nand the page of the run says\n%s", verdict(answer), verdict(page))
	}
	return page
}

func TestWhyAnOccurrenceDidNotRunIsToldOnItsPageAndOnThatOfItsSchedule(t *testing.T) {
	const one, two, three = time.Hour, 2 * time.Hour, 3 * time.Hour
	it := func(more string) string {
		return "schedules:\n  it: { when: hourly at :00, run: \"true\"" + more + " }\n"
	}
	var plain = it("")
	tellsWhy(t, []whyCase{
		{name: "paused by hand", file: plain, do: func(p *past) {
			_, err := p.store.Pause(p.Context(), store.Target{Key: "it"}, time.Time{}, "the moon is full", "ada")
			p.must(err)
			p.at(one)
		}, schedule: "Paused by ada: the moon is full", occurrence: "The schedule is paused by ada since Sat 7 Mar 2026, 12:00:00 UTC, with the note “the moon is full”. It is paused still, until somebody resumes it."},
		{name: "paused by tag, and resumed since", file: it(", tags: [nightly]"), do: func(p *past) {
			_, err := p.store.Pause(p.Context(), store.Target{Tag: "nightly"}, time.Time{}, "a move", "ada")
			p.must(err)
			p.at(one)
			p.later(one + time.Minute)
			_, err = p.store.Resume(p.Context(), store.Target{Tag: "nightly"}, "ada")
			p.must(err)
		}, schedule: "while the schedule was paused", occurrence: "The tag nightly was paused by ada from Sat 7 Mar 2026, 12:00:00 UTC to Sat 7 Mar 2026, 13:01:00 UTC, with the note “a move”. ada resumed it then.", hides: []string{"is paused"}},
		{name: "everything paused, and resumed since", file: plain, do: func(p *past) {
			_, err := p.store.Pause(p.Context(), store.Target{All: true}, time.Time{}, "a move", "ada")
			p.must(err)
			p.at(one)
			p.later(one + time.Minute)
			_, err = p.store.Resume(p.Context(), store.Target{All: true}, "eve")
			p.must(err)
		}, schedule: "while the schedule was paused", occurrence: "Everything was paused by ada from Sat 7 Mar 2026, 12:00:00 UTC to Sat 7 Mar 2026, 13:01:00 UTC, with the note “a move”. eve resumed it then.", hides: []string{"is paused"}},
		{name: "it waited when a pause began", file: it(", overlap: wait"), do: func(p *past) {
			p.at(one)
			p.at(two)
			p.later(two + time.Minute)
			_, err := p.store.Pause(p.Context(), store.Target{Key: "it"}, time.Time{}, "", "ada")
			p.must(err)
			p.at(two + 2*time.Minute)
		}, asked: "2026-03-07T14:00", schedule: "Paused by ada", occurrence: "It waited for the run of 13:00:00 UTC to finish (overlap: wait) when the schedule was paused: that skips what waits. The schedule is paused by ada since Sat 7 Mar 2026, 14:01:00 UTC.",
			says: []string{"In the way was <a href=", ">it@2026-03-07T13:00:00Z</a>"}, scheduleSays: []string{"Skipped. It was due before the schedule was paused, and had not been queued yet"}},
		{name: "everything paused", file: plain, do: func(p *past) {
			_, err := p.store.Pause(p.Context(), store.Target{All: true}, time.Time{}, "a move", "ada")
			p.must(err)
			p.at(one)
		}, schedule: "Everything is paused by ada: a move", occurrence: "Everything is paused by ada since Sat 7 Mar 2026, 12:00:00 UTC"},
		{name: "disabled by the environment", file: it(", enabled_in: [production]"), do: func(p *past) { p.at(one) }, schedule: "Paused: enabled only in production; this is staging", occurrence: "by the environment: enabled only in production; this is staging", hides: []string{"until somebody resumes it", "A backfill of its time"}},
		{name: "skipped on request", file: plain, do: func(p *past) {
			_, err := p.store.SkipNext(p.Context(), "it", "ada")
			p.must(err)
			p.at(one)
		}, schedule: "said that it is to be skipped", occurrence: "ada asked at Sat 7 Mar 2026, 12:00:00 UTC that it be skipped", hides: []string{"Somebody"}},
		{name: "to be skipped on request", file: plain, do: func(p *past) {
			_, err := p.store.SkipNext(p.Context(), "it", "ada")
			p.must(err)
		}, schedule: "will be skipped: by hand", occurrence: "ada asked at Sat 7 Mar 2026, 12:00:00 UTC that this one, it@2026-03-07T13:00:00Z, be skipped (skip the next): it will not run.", says: []string{"as things stand it will not run"},
			scheduleSays: []string{"ada asked at Sat 7 Mar 2026, 12:00:00 UTC that it@2026-03-07T13:00:00Z be skipped", "but for one occurrence"}},
		{name: "coalesced", file: plain, do: func(p *past) { p.at(three) }, schedule: "the newest of those that were missed was to run for all (catch_up: latest)"},
		{name: "missed", file: it(", catch_up: none"), do: func(p *past) { p.at(three + 30*time.Minute) }, schedule: "it is not made up for (catch_up: none)"},
		{name: "beyond the limit of all", file: it(", catch_up: all, catch_up_max: 1"), do: func(p *past) { p.at(three) }, schedule: "More were missed, or waited, than the newest 1, which are made up for (catch_up: all, catch_up_max)."},
		{name: "older than what is made up for", file: it(", catch_up: all, catch_up_window: 30m"), do: func(p *past) { p.at(three + time.Minute) }, schedule: "old when the clock came back, and only what was due in the last 30m is made up for (catch_up: all, catch_up_window)."},
		{name: "no clock ran", file: it(", catch_up: none"), do: func(p *past) { p.away(one-10*time.Minute, one+20*time.Minute); p.at(one + 20*time.Minute) },
			schedule: "The clock was away when it was due", occurrence: "No clock was heard from between Sat 7 Mar 2026, 12:50:00 UTC and Sat 7 Mar 2026, 13:20:00 UTC."},
		{name: "no clock ran, and a later one ran for all", file: plain, do: func(p *past) { p.away(one-10*time.Minute, two+time.Minute); p.at(two + time.Minute) },
			schedule: "was to run for all", occurrence: "No clock was heard from between Sat 7 Mar 2026, 12:50:00 UTC and", says: []string{">it@2026-03-07T14:00:00Z</a>"}},
		{name: "queued late, since no clock ran", file: plain, do: func(p *past) { p.away(one-10*time.Minute, one+20*time.Second); p.at(one + 20*time.Second) },
			schedule: "It has been in the queue", occurrence: "It was queued 20 s after it was due. No clock was heard from between Sat 7 Mar 2026, 12:50:00 UTC and Sat 7 Mar 2026, 13:00:20 UTC.", hides: []string{"had to wait its turn"}},
		{name: "the run before it had not finished", file: plain, do: func(p *past) { p.at(one); p.runs(); p.at(two) }, asked: "2026-03-07T14:00", schedule: "had not finished (overlap: skip)", says: []string{"comes due faster than its job finishes"}},
		{name: "the run before it had not begun", file: plain, do: func(p *past) { p.at(one); p.at(two) }, asked: "2026-03-07T14:00", schedule: "The previous run was waiting for a worker (overlap: skip).",
			says: []string{"look at the processes"}, hides: []string{"faster than its job finishes", "<dt>Note"}},
		{name: "coalesced into one that was skipped", file: plain, do: func(p *past) { p.at(one); p.runs(); p.at(three) }, asked: "2026-03-07T14:00", schedule: "was to run for all (catch_up: latest)",
			occurrence: "That one, it@2026-03-07T15:00:00Z, was skipped: previous run not finished.", says: []string{">it@2026-03-07T15:00:00Z</a>"}},
		{name: "coalesced into one that waits", file: it(", overlap: wait"), do: func(p *past) { p.at(one); p.at(three) }, asked: "2026-03-07T14:00", schedule: "was to run for all (catch_up: latest)", occurrence: "That one is not decided yet."},
		{name: "missed within the grace", file: "schedules:\n  it: { when: every 30s, run: \"true\", catch_up: none }\n", do: func(p *past) { p.at(one + 35*time.Second) }, asked: "2026-03-07T13:00", schedule: "of those that were missed only the newest may run, if the clock is back within 1m (catch_up: none)", occurrence: "That one, it@2026-03-07T13:00:30Z, waits for a worker.", hides: []string{"came back more than"}},
		{name: "superseded while it waited", file: it(", overlap: wait"), do: func(p *past) {
			p.at(one)
			p.at(two)
			p.at(three)
			p.ends("succeeded", "", 1, true)
			p.at(three + time.Minute)
		}, asked: "2026-03-07T14:00", schedule: "It waited for the run before it to end (overlap: wait), and a newer occurrence took its place."},
		{name: "waits for the run before it", file: it(", overlap: wait"), do: func(p *past) { p.at(one); p.at(two) }, asked: "2026-03-07T14:00", schedule: "Waits for the previous run to finish (overlap: wait).", says: []string{"It waits.", ">it@2026-03-07T13:00:00Z</a> (queued)"}, hides: []string{"It did not run."}},
		{name: "waits in a queue", file: it(", overlap: queue"), do: func(p *past) { p.at(one); p.at(two) }, asked: "2026-03-07T14:00", schedule: "Waits for the runs before it in the queue (overlap: queue).", says: []string{"It waits.", ">it@2026-03-07T13:00:00Z</a> (queued)"}, hides: []string{"It did not run."}},
		{name: "waits for one that runs", file: it(", overlap: wait"), do: func(p *past) { p.at(one); p.runs(); p.at(two) }, asked: "2026-03-07T14:00", schedule: "(running since", says: []string{">it@2026-03-07T13:00:00Z</a> (running since"}},
		{name: "waits in a queue behind what waits", file: it(", overlap: queue"), do: func(p *past) { p.at(one); p.at(two); p.at(three) }, asked: "2026-03-07T15:00", schedule: "Waits for the runs before it", says: []string{"Before it waits it@2026-03-07T14:00:00Z."}},
		{name: "waits for a place in its limit", file: "limits: { warehouse: 1 }\nschedules:\n  a: { when: hourly at :00, run: \"true\", limit: warehouse, overlap: allow }\n  it: { when: hourly at :00, run: \"true\", limit: warehouse, overlap: wait }\n",
			do: func(p *past) { p.at(one) }, schedule: "Waits for a free place in its limit, warehouse.", says: []string{"It waits.", ">a@2026-03-07T13:00:00Z</a> (queued)"}, hides: []string{"It did not run."}},
		{name: "expired", file: plain, do: func(p *past) {
			p.at(one)
			p.taken("cancelled", []string{"worker-1"}, "JobCancelError: expired: not started in time: it was to start before 2026-03-07T13:00:00Z")
			p.ends("expired", "expired: not started in time: it was to start before 2026-03-07T13:00:00Z", 1, true)
		}, schedule: "No worker took it in time, so it expired: not started in time", hides: []string{"expired: expired", "JobCancelError", "Attempts without success", "<b>started</b>"}},
		{name: "cancelled before it began", file: plain, do: func(p *past) { p.at(one); p.ends("cancelled", "", 0, false) }, schedule: "cancelled before it started"},
		{name: "cancelled while it ran", file: plain, do: func(p *past) { p.at(one); p.ends("cancelled", "", 1, true) }, schedule: "cancelled while it ran"},
		{name: "cancelled by somebody", file: plain, do: func(p *past) {
			p.at(one)
			p.taken("running", []string{"worker-1"})
			found, err := p.store.Runs(p.Context(), store.RunFilter{Key: "it"})
			p.must(err)
			p.later(one + time.Minute)
			p.must(p.store.CancelJob(p.Context(), found[0].JobID, "ada"))
			p.ends("cancelled", "job cancelled remotely", 1, true)
		}, schedule: "cancelled while it ran", occurrence: "It was cancelled while it ran, by ada at Sat 7 Mar 2026, 13:01:00 UTC.", says: []string{"stopped: its job was cancelled by ada"}, hides: []string{"remotely"}},
		{name: "cancelled by a newer one", file: it(", overlap: cancel"), do: func(p *past) {
			p.at(one)
			p.taken("running", []string{"worker-1"})
			p.at(two)
			p.later(two + time.Second)
			p.taken("cancelled", []string{"worker-1"}, "JobCancelError: job cancelled remotely")
			p.ends("cancelled", "job cancelled remotely", 1, true)
			p.at(two + 2*time.Second)
		}, schedule: "cancelled while it ran", occurrence: "A newer occurrence of the schedule came due at Sat 7 Mar 2026, 14:00:00 UTC while this one ran, and cancelled it (overlap: cancel).",
			says: []string{">it@2026-03-07T14:00:00Z</a>", "stopped: its job was cancelled by a newer occurrence, it@2026-03-07T14:00:00Z (overlap: cancel)"}, hides: []string{"remotely"}},
		{name: "retries exhausted", file: plain, do: func(p *past) { p.at(one); p.ends("failed", "exit code 3", 4, true) }, schedule: "in all of 4 attempts, the last time: exit code 3"},
		{name: "an answer that is not tried again", file: it(", retries: 4"), do: func(p *past) { p.at(one); p.ends("failed", "GET https://example.com/ answered 404 Not Found", 1, true) }, schedule: "answered 404", occurrence: "Its retries were not used: an answer from 400 to 499"},
		{name: "a failure that is not tried again", file: it(", retries: 4"), do: func(p *past) { p.at(one); p.ends("failed", "${X} is not set in the worker's environment", 1, true) }, schedule: "is not set", occurrence: "Its retries were not used: another attempt would have failed likewise."},
		{name: "it asked to be run again later", file: plain, do: func(p *past) { p.at(one); p.taken("retryable", []string{"worker-1"}, "exit code 75 (try again later)") }, schedule: "by which a command asks to be run again later. That uses up no retry", occurrence: "It is tried again at", says: []string{": attempt 2."}, hides: []string{"attempt 2 of"},
			scheduleSays: []string{"A run that fails is not tried again. Exit code 75 asks for a run later, though, and uses up no retry."}},
		{name: "its attempt failed long after it had begun", file: plain, do: func(p *past) {
			p.at(one)
			p.taken("discarded", []string{"worker-1"}, "JobCancelError: exit code 3")
			p.later(one + 5*time.Minute)
			p.ends("failed", "exit code 3", 1, true)
		}, schedule: "exit code 3", occurrence: "It is not tried again by itself: its retries are 0.", says: []string{"attempt 1, began", ", ended <time"}, hides: []string{"JobCancelError"}},
		{name: "its worker was stopped, and it runs again", file: plain, do: func(p *past) {
			p.at(one)
			p.runs()
			p.later(one + 31*time.Second)
			p.must(p.store.Stopped(p.Context(), "worker-1"))
			p.later(one + 61*time.Second)
			p.taken("running", []string{"worker-1", "worker-2"})
		}, schedule: "It began", occurrence: "An attempt was interrupted when its worker, worker-1, was stopped at Sat 7 Mar 2026, 13:00:31 UTC", says: []string{"Then it waited 30 s for a worker of its queue, default: none was alive. Then it began again from the start, so that part of it ran twice", "+30 s, queue and earlier attempts", "+30 s, in the queue"}},
		{name: "its worker was lost, and it runs again", file: plain, do: func(p *past) {
			p.at(one)
			p.later(one + 30*time.Second)
			p.taken("running", []string{"worker-1", "worker-2"}, "lost: worker worker-1 was last heard from at 2026-03-07T13:00:02Z; the attempt began at 2026-03-07T13:00:01Z")
			p.later(one + time.Minute)
			p.taken("running", []string{"worker-1", "worker-2"}, "lost: worker worker-1 was last heard from at 2026-03-07T13:00:02Z; the attempt began at 2026-03-07T13:00:01Z")
		}, schedule: "It began", occurrence: "An attempt, begun at Sat 7 Mar 2026, 13:00:01 UTC, was lost with its worker, as was found at", says: []string{"began <time", "found lost with its worker"}},
		{name: "its worker was lost, and no other works its queue", file: plain, do: func(p *past) {
			p.at(one)
			p.later(one + 10*time.Second)
			p.taken("available", []string{"worker-1"}, "lost: worker worker-1 was last heard from at 2026-03-07T13:00:02Z; the attempt began at 2026-03-07T13:00:01Z")
			p.later(one + time.Minute)
		}, schedule: "No worker has worked its queue, default, since it was given back to it", says: []string{"It began, and waits for another worker.", "An attempt, begun at Sat 7 Mar 2026, 13:00:01 UTC, was lost with its worker", "for 50 s"},
			scheduleSays: []string{"It began once; it was given back at Sat 7 Mar 2026, 13:00:10 UTC, and has been in the queue again for 50 s."}, scheduleHides: []string{"It has been in the queue for"}},
		{name: "its workers were lost", file: plain, do: func(p *past) {
			p.at(one)
			p.ends("failed", "lost: worker worker-1 was last heard from at 2026-03-07T13:00:02Z", 5, true)
		}, schedule: "five times in a row, which ends the job: worker worker-1 was last heard from at", hides: []string{"its retries are 0"}},
		{name: "gave way while it waited for a retry", file: plain, do: func(p *past) {
			p.at(one)
			p.taken("retryable", []string{"worker-1"}, "exit code 3")
			p.ends("superseded", "", 0, false)
		}, schedule: "It waited for a retry when a newer occurrence came due"},
		{name: "in error", file: plain, do: func(p *past) {
			found, err := p.store.Overviews(p.Context(), "it")
			p.must(err)
			p.later(one + time.Minute)
			p.must(p.store.Fail(p.Context(), found[0].ID, *p.now.Load(), "its zone is not known here"))
		}, schedule: "Its zone is not known here.", says: []string{"Not yet: the schedule is in error."}, hides: []string{"is a clock running", "It did not run."}},
		{name: "deleted", file: plain, do: func(p *past) {
			p.later(one + time.Minute)
			p.must(p.store.Delete(p.Context(), "it", false, "ada"))
		}, schedule: "The schedule it was deleted at Sat 7 Mar 2026, 13:01:00 UTC by ada", occurrence: "The schedule was deleted at Sat 7 Mar 2026, 13:01:00 UTC by ada, before this was decided: it waited, or no clock had come to it yet."},
		{name: "deleted before", file: plain, do: func(p *past) {
			p.later(one / 2)
			p.must(p.store.Delete(p.Context(), "it", false, "ada"))
		}, schedule: "The schedule it was deleted at Sat 7 Mar 2026, 12:30:00 UTC by ada: nothing of it is due after that."},
		{name: "edited before", file: plain, do: func(p *past) {
			p.later(one / 2)
			p.apply("schedules:\n  it: { when: hourly at :45, run: \"true\" }\n")
			p.at(one + time.Minute)
		}, schedule: "Every hour at :45", occurrence: "Its when was edited at Sat 7 Mar 2026, 12:30:00 UTC by ada, before that instant. Until then it was due every hour at :00, UTC; since then, every hour at :45, UTC."},
		{name: "edited since", file: plain, do: func(p *past) {
			p.at(one)
			p.later(one + 30*time.Minute)
			p.apply("schedules:\n  it: { when: hourly at :10, run: \"true\" }\n")
		}, asked: "2026-03-07T13:10", schedule: "Every hour at :10", occurrence: "It has such occurrences only since its when was edited at Sat 7 Mar 2026, 13:30:00 UTC by ada, after that instant."},
		{name: "left out by a backfill that was stopped", file: plain, do: func(p *past) {
			at := whyStart.Add(-24 * time.Hour)
			b, err := p.store.StartBackfill(p.Context(), store.BackfillRequest{Key: "it", From: at, To: at.Add(5 * time.Hour), Actor: "ada"})
			p.must(err)
			p.later(time.Minute)
			p.must(p.store.StopBackfill(p.Context(), b.ID, "eve"))
		}, asked: "2026-03-06T15:00", schedule: "Backfills", occurrence: "begun by ada, has that instant in it. It was stopped at Sat 7 Mar 2026, 12:01:00 UTC by eve, after 0 of 5 and before this one."},
		{name: "none of its, and before it was created", file: "schedules:\n  it: { when: monthly on 31 at 06:00, run: \"true\" }\n", asked: "2026-02-28T06:00", schedule: "On the 31st", occurrence: "It has no occurrence at that instant: it is due on the 31st of every month at 06:00, UTC.", says: []string{"The nearest is Tue 31 Mar 2026, 06:00:00 UTC.", "It was created only at"}},
		{name: "none of its, in another zone", file: "schedules:\n  it: { when: daily at 09:00, timezone: Europe/Paris, run: \"true\" }\n", asked: "2026-03-09T09:00:00Z", schedule: "Europe/Paris", occurrence: "Its times are those of Europe/Paris: 09:00 there is 08:00 UTC on that day, and 09:00 UTC is 10:00 there.", says: []string{"Mon 9 Mar 2026, 10:00:00 in Europe/Paris (09:00:00 UTC)"}},
		{name: "none of an interval's", file: "schedules:\n  it: { when: every 7m, run: \"true\" }\n", asked: "2026-03-07T13:00", schedule: "Every 7 minutes", occurrence: "An interval counts from 1 January 1970, 00:00 UTC"},
		{name: "moved by jitter, and ran", file: it(", jitter: 30m"), do: func(p *past) { p.at(one + 30*time.Minute) }, schedule: "jitter", occurrence: "Jitter moved it by"},
		{name: "queued a little late", file: plain, do: func(p *past) { p.at(one + 20*time.Second) }, schedule: "It has been in the queue", occurrence: "It was queued 20 s after it was due: the clock was away then"},
		{name: "blocked by one that was decided with it", file: "schedules:\n  it: { when: every 30s, run: \"true\", catch_up: all, catch_up_max: 2 }\n", do: func(p *past) { p.at(one + 5*time.Second) }, asked: "2026-03-07T13:00", schedule: "had not finished", occurrence: "Both were decided at the same moment, by a clock that had been away.", hides: []string{"faster than its job finishes"}},
		{name: "moved by jitter", file: it(", jitter: 30m"), do: func(p *past) { p.later(one + time.Second) }, schedule: "jitter", occurrence: "Jitter moves it by", says: []string{"Not yet."}, hides: []string{"It did not run."}},
		{name: "no clock runs", file: plain, do: func(p *past) { p.later(one + time.Minute) }, schedule: "No clock is alive: nothing is lost"},
		{name: "no worker works its queue", file: it(", queue: bulk"), do: func(p *past) { p.at(one) }, schedule: "No worker has worked its queue, bulk, since it was queued: punctual start"},
		{name: "no worker takes its kind", file: "schedules:\n  it: { when: hourly at :00, job: { kind: letter } }\n", do: func(p *past) { p.at(one) }, schedule: "No worker alive takes jobs of the kind letter from its queue, default: start the program"},
		{name: "its queue is paused", file: it(", queue: bulk"), do: func(p *past) {
			p.at(one)
			_, err := p.store.PauseQueue(p.Context(), "bulk", "", "ada")
			p.must(err)
		}, schedule: "Its queue, bulk, is paused since"},
		{name: "its worker fell silent", file: plain, do: func(p *past) { p.at(one); p.runs(); p.later(one + 5*time.Minute) }, schedule: "Its worker, on one.example, is silent. It has not been heard for 5 min"},
		{name: "excepted", file: "schedules:\n  it: { when: daily at 09:00, run: \"true\", except: [\"2026-03-09\"] }\n", asked: "2026-03-09T09:00", schedule: "2026-03-09 has no occurrences: it is among the exceptions (except).", occurrence: "2026-03-09 is among its exceptions (except)"},
		{name: "before it begins", file: it(", not_before: 2026-03-10T00:00:00Z"), schedule: "2026-03-10", occurrence: "It begins only at"},
		{name: "after it ended", file: it(", not_after: 2026-03-07T13:30:00Z"), do: func(p *past) { p.at(one); p.at(three) }, asked: "2026-03-07T14:00", schedule: "Nothing is due ever again", occurrence: "(not_after)"},
		{name: "left out in a gap", file: "schedules:\n  it: { when: 0 */2 * * *, timezone: America/New_York, run: \"true\" }\n", asked: "2026-03-08T02:00", schedule: "does not exist in America/New_York", occurrence: "it is left out"},
		{name: "moved out of a gap", file: "schedules:\n  it: { when: 30 2 * * *, timezone: America/New_York, run: \"true\" }\n", asked: "2026-03-08T02:30", schedule: "does not exist in America/New_York", occurrence: "it is due as they do"},
		{name: "before it was created", file: plain, asked: "2026-03-07T11:00", schedule: "Nothing of it has been decided yet", occurrence: "It was created only at"},
		{name: "at no time of it", file: plain, do: func(p *past) { p.at(one) }, asked: "2026-03-07T13:10", schedule: "It goes on as planned", occurrence: "It has no occurrence at that instant"},
		{name: "not yet", file: plain, asked: "2026-03-07T13:00", schedule: "in 1 h", occurrence: "It is due in 1 h.", says: []string{"Not yet."}, hides: []string{"has not run yet"}},
	})
}

func TestAScheduleThatWasRenamedIsFoundUnderTheKeyItHad(t *testing.T) {
	for _, kind := range []string{"sqlite", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			p := newPast(t, kind, "schedules:\n  old: { when: hourly at :00, run: \"true\" }\n")
			p.apply("schedules:\n  new: { was: old, when: hourly at :00, run: \"true\" }\n")
			for path, to := range map[string]string{
				"/schedules/old":                         "/schedules/new/",
				"/schedules/old/why?at=2026-03-07T13:00": "/schedules/new/why?at=2026-03-07T13:00",
			} {
				r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
				w := httptest.NewRecorder()
				p.site.ServeHTTP(w, r.WithContext(access.With(r.Context(), access.Identity{Name: "ada", Role: access.Viewer})))
				if got := w.Header().Get("Location"); w.Code != http.StatusSeeOther || got != to {
					t.Errorf("%s is answered with %d and leads to %q, want %q", path, w.Code, got, to)
				}
			}
		})
	}
}

// textOf is a page without its marks, for messages.
func textOf(body string) string {
	if _, main, ok := strings.Cut(body, `<main id="main">`); ok {
		body = main
	}
	var out strings.Builder
	inside := false
	for _, r := range body {
		switch {
		case r == '<':
			inside = true
		case r == '>':
			inside = false
			out.WriteByte(' ')
		case !inside:
			out.WriteRune(r)
		}
	}
	return strings.Join(strings.Fields(out.String()), " ")
}

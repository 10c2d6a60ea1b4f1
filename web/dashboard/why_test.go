package dashboard

import (
	"fmt"
	"html"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
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
			func() (schedule.Batch, error) { return p.store.Due(p.Context(), schedule.LaneOnTime, 0, 500, 0) },
			func() (schedule.Batch, error) { return p.store.Due(p.Context(), schedule.LaneLate, 0, 500, 0) },
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

// runs makes a worker take the first job, and fall silent.
func (p *past) runs() {
	p.Helper()
	_, err := p.store.Beat(p.Context(), store.Process{ID: "worker-1", Role: "worker", Host: "one.example", PID: 7, Concurrency: 5})
	p.must(err)
	by, at := `'["worker-1"]'`, p.now.Load().Format("2006-01-02 15:04:05.000")
	if p.store.Database().Kind == database.Postgres {
		by = "ARRAY['worker-1']"
		p.exec("UPDATE river_job SET state = 'running', attempt = 1, attempted_at = $1, attempted_by = "+by, *p.now.Load())
		return
	}
	p.exec("UPDATE river_job SET state = 'running', attempt = 1, attempted_at = $1, attempted_by = jsonb("+by+")", at)
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
	if len(runs) > 0 {
		return p.page(fmt.Sprintf("/runs/%d", runs[0].ID))
	}
	return p.page("/schedules/it/why?at=" + url.QueryEscape(asked))
}

func TestWhyAnOccurrenceDidNotRunIsToldOnItsPageAndOnThatOfItsSchedule(t *testing.T) {
	const one, two, three = time.Hour, 2 * time.Hour, 3 * time.Hour
	it := func(more string) string {
		return "schedules:\n  it: { when: hourly at :00, run: \"true\"" + more + " }\n"
	}
	var plain = it("")
	tests := []struct {
		name string
		file string
		do   func(*past)
		// asked is the instant somebody asks about, an hour after the start unless
		// told, by the clocks of the schedule.
		asked string
		// The words on the page of the schedule, and on that of the occurrence;
		// the same where one is empty.
		schedule, occurrence string
	}{
		{name: "paused by hand", file: plain, do: func(p *past) {
			_, err := p.store.Pause(p.Context(), store.Target{Key: "it"}, time.Time{}, "the moon is full", "ada")
			p.must(err)
			p.at(one)
		}, schedule: "Paused by ada: the moon is full"},
		{name: "paused by tag, and resumed since", file: it(", tags: [nightly]"), do: func(p *past) {
			_, err := p.store.Pause(p.Context(), store.Target{Tag: "nightly"}, time.Time{}, "a move", "ada")
			p.must(err)
			p.at(one)
			p.later(one + time.Minute)
			_, err = p.store.Resume(p.Context(), store.Target{Tag: "nightly"}, "ada")
			p.must(err)
		}, schedule: "while the schedule was paused", occurrence: "Paused by tag nightly by ada: a move"},
		{name: "everything paused", file: plain, do: func(p *past) {
			_, err := p.store.Pause(p.Context(), store.Target{All: true}, time.Time{}, "a move", "ada")
			p.must(err)
			p.at(one)
		}, schedule: "Everything is paused by ada: a move"},
		{name: "disabled by the environment", file: it(", enabled_in: [production]"), do: func(p *past) { p.at(one) }, schedule: "Paused: enabled only in production; this is staging"},
		{name: "skipped on request", file: plain, do: func(p *past) {
			_, err := p.store.SkipNext(p.Context(), "it", "ada")
			p.must(err)
			p.at(one)
		}, schedule: "said that it is to be skipped"},
		{name: "to be skipped on request", file: plain, do: func(p *past) {
			_, err := p.store.SkipNext(p.Context(), "it", "ada")
			p.must(err)
		}, schedule: "will be skipped: by hand"},
		{name: "coalesced", file: plain, do: func(p *past) { p.at(three) }, schedule: "a later one ran for all that were missed (catch_up: latest)"},
		{name: "missed", file: it(", catch_up: none"), do: func(p *past) { p.at(three + 30*time.Minute) }, schedule: "it is not made up for (catch_up: none)"},
		{name: "beyond the limit of all", file: it(", catch_up: all, catch_up_max: 1"), do: func(p *past) { p.at(three) }, schedule: "More were missed than are made up for: at most 1"},
		{name: "the run before it had not finished", file: plain, do: func(p *past) { p.at(one); p.at(two) }, asked: "2026-03-07T14:00", schedule: "had not finished (overlap: skip)"},
		{name: "superseded while it waited", file: it(", overlap: wait"), do: func(p *past) {
			p.at(one)
			p.at(two)
			p.at(three)
			p.ends("succeeded", "", 1, true)
			p.at(three + time.Minute)
		}, asked: "2026-03-07T14:00", schedule: "a newer occurrence took its place (overlap: wait)"},
		{name: "waits for the run before it", file: it(", overlap: wait"), do: func(p *past) { p.at(one); p.at(two) }, asked: "2026-03-07T14:00", schedule: "Waits for the previous run to finish"},
		{name: "waits in a queue", file: it(", overlap: queue"), do: func(p *past) { p.at(one); p.at(two) }, asked: "2026-03-07T14:00", schedule: "Waits for the runs before it in the queue"},
		{name: "waits for a place in its limit", file: "limits: { warehouse: 1 }\nschedules:\n  a: { when: hourly at :00, run: \"true\", limit: warehouse, overlap: allow }\n  it: { when: hourly at :00, run: \"true\", limit: warehouse, overlap: wait }\n",
			do: func(p *past) { p.at(one) }, schedule: "Waits for a free place in its limit"},
		{name: "expired", file: plain, do: func(p *past) { p.at(one); p.ends("expired", "not started within 5m", 0, false) }, schedule: "No worker took it in time"},
		{name: "cancelled before it began", file: plain, do: func(p *past) { p.at(one); p.ends("cancelled", "", 0, false) }, schedule: "cancelled before it started"},
		{name: "cancelled while it ran", file: plain, do: func(p *past) { p.at(one); p.ends("cancelled", "", 1, true) }, schedule: "cancelled while it ran"},
		{name: "retries exhausted", file: plain, do: func(p *past) { p.at(one); p.ends("failed", "exit code 3", 4, true) }, schedule: "in all of 4 attempts, the last time: exit code 3"},
		{name: "its workers were lost", file: plain, do: func(p *past) { p.at(one); p.ends("failed", "lost: worker-1 stopped answering", 5, true) }, schedule: "five times in a row: worker-1 stopped answering"},
		{name: "gave way while it waited for a retry", file: plain, do: func(p *past) { p.at(one); p.ends("superseded", "exit code 3", 1, true) }, schedule: "It waited for a retry when a newer occurrence came due"},
		{name: "in error", file: plain, do: func(p *past) {
			found, err := p.store.Overviews(p.Context(), "it")
			p.must(err)
			p.later(one + time.Minute)
			p.must(p.store.Fail(p.Context(), found[0].ID, *p.now.Load(), "its zone is not known here"))
		}, schedule: "Its zone is not known here."},
		{name: "deleted", file: plain, do: func(p *past) {
			p.later(one + time.Minute)
			p.must(p.store.Delete(p.Context(), "it", false, "ada"))
		}, schedule: "The schedule was deleted before it was due"},
		{name: "no clock runs", file: plain, do: func(p *past) { p.later(one + time.Minute) }, schedule: "No clock is alive"},
		{name: "no worker works its queue", file: it(", queue: bulk"), do: func(p *past) { p.at(one) }, schedule: "No worker works its queue, bulk"},
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
		{name: "not yet", file: plain, asked: "2026-03-07T13:00", schedule: "in 1 h", occurrence: "Not yet: it is due in 1 h."},
	}
	for _, kind := range []string{"sqlite", "postgres"} {
		for _, test := range tests {
			t.Run(kind+", "+test.name, func(t *testing.T) {
				t.Parallel()
				p := newPast(t, kind, test.file)
				if test.do != nil {
					test.do(p)
				}
				asked, zone := test.asked, time.UTC
				if asked == "" {
					asked = "2026-03-07T13:00"
				}
				if strings.Contains(test.file, "New_York") {
					zone, _ = time.LoadLocation("America/New_York")
				}
				at, err := time.ParseInLocation("2006-01-02T15:04", asked, zone)
				p.must(err)
				for _, page := range []struct{ what, body, words string }{
					{"the schedule", p.page("/schedules/it"), test.schedule},
					{"the occurrence", p.occurrence(asked, at), test.occurrence},
				} {
					if page.words == "" {
						page.words = test.schedule
					}
					if !strings.Contains(page.body, page.words) {
						t.Errorf("the page of %s does not say %q:\n%s", page.what, page.words, textOf(page.body))
					}
				}
			})
		}
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

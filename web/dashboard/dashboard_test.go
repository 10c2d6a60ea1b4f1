package dashboard

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/punctual-dev/punctual/config"
	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/internal/pgtest"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
	"github.com/punctual-dev/punctual/web/access"
)

// house is the dashboard over a real store with some schedules.
type house struct {
	*testing.T
	store *store.Store
	site  http.Handler
}

func onBoth(t *testing.T, file string, test func(*house)) {
	t.Helper()
	for _, kind := range []string{"sqlite", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			address := "sqlite:" + filepath.Join(t.TempDir(), "punctual.db")
			if kind == "postgres" {
				address = pgtest.New(t)
			}
			db, err := database.Open(t.Context(), address, database.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(db.Close)
			h := &house{T: t}
			if h.store, err = store.Open(db); err != nil {
				t.Fatal(err)
			}
			if err := h.store.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			h.apply(file)
			h.site = Handler(Options{Store: h.store, Prefix: "/below", Logger: slog.New(slog.DiscardHandler), Version: "1.2.3"})
			test(h)
		})
	}
}

func (h *house) apply(file string) {
	h.Helper()
	if file == "" {
		return
	}
	read, err := config.Parse("punctual.yaml", []byte(file), config.Options{})
	if err != nil {
		h.Fatal(err)
	}
	_, err = h.store.Apply(h.Context(), read.Schedules, store.ApplyOptions{
		PlanOptions: schedule.PlanOptions{Owner: schedule.Owner{Kind: schedule.OwnerFile, Name: "punctual.yaml"}}, Limits: read.Limits, Actor: "ada",
	})
	if err != nil {
		h.Fatal(err)
	}
}

// ask sends a request as somebody of a role.
func (h *house) ask(role access.Role, method, path string, form url.Values) (status int, body string) {
	h.Helper()
	r := httptest.NewRequestWithContext(h.Context(), method, path, strings.NewReader(form.Encode()))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r = r.WithContext(access.With(r.Context(), access.Identity{Name: "ada", Role: role}))
	w := httptest.NewRecorder()
	h.site.ServeHTTP(w, r)
	text, err := io.ReadAll(w.Body)
	if err != nil {
		h.Fatal(err)
	}
	return w.Code, string(text)
}

const two = `
schedules:
  rare: { when: "0 0 1 7 *", run: "true", description: "<b>once a year</b>" }
  night: { when: "30 2 * * *", timezone: America/New_York, http: { url: "https://example.com/" } }
`

// paths are the pages that need nothing to have run.
var paths = []string{
	"/", "/schedules", "/schedules?q=ra&state=active&owner=file", "/schedules/rare", "/schedules/rare/trigger", "/schedules/rare/backfill",
	"/schedules/rare/backfill?from=2026-01-01T00:00&to=2026-01-02T00:00", "/schedules/new", "/runs", "/runs?unseen=1&q=x&from=2026-01-01T00:00",
	"/runs/all?action=retry", "/runs/all?action=cancel", "/load", "/processes", "/activity", "/alerts", "/schedules?state=late", "/schedules/rare/why", "/schedules/rare/why?at=2026-01-01T00:00",
}

var links = regexp.MustCompile(`(?:href|action|src|hx-get|hx-post)="(/[^"]*)"`)

func TestEveryPageIsShownBelowItsPrefixWithoutAScriptOrAStyleInIt(t *testing.T) {
	onBoth(t, two, func(h *house) {
		for _, path := range paths {
			status, body := h.ask(access.Admin, http.MethodGet, path, nil)
			if status != http.StatusOK {
				h.Errorf("%s is answered with %d: %s", path, status, body)
			}
			for _, forbidden := range []string{"<script>", "style=", "onclick=", "<b>once a year", "ZgotmplZ"} {
				if strings.Contains(body, forbidden) {
					h.Errorf("%s has %s in it", path, forbidden)
				}
			}
			for _, link := range links.FindAllStringSubmatch(body, -1) {
				if !strings.HasPrefix(link[1], "/below/") {
					h.Errorf("%s leads to %s, out of the prefix", path, link[1])
				}
			}
		}
	})
}

func TestAnEmptyHouseSaysWhatToDo(t *testing.T) {
	onBoth(t, "", func(h *house) {
		for path, says := range map[string]string{
			"/": "punctual init", "/schedules": "punctual apply", "/runs": "Nothing ran yet", "/processes": "punctual start",
			"/activity": "Nobody has done anything yet", "/load": "Load", "/alerts": "Nobody is told of anything",
		} {
			if status, body := h.ask(access.Viewer, http.MethodGet, path, nil); status != http.StatusOK || !strings.Contains(body, says) {
				h.Errorf("%s is answered with %d and does not say %q", path, status, says)
			}
		}
	})
}

func TestWhoMayOnlyLookChangesNothing(t *testing.T) {
	onBoth(t, two, func(h *house) {
		tests := []struct {
			path    string
			allowed access.Role // the least that may
		}{
			{"/schedules/rare/pause", access.Operator},
			{"/schedules/rare/resume", access.Operator},
			{"/schedules/rare/skip-next", access.Operator},
			{"/schedules/rare/trigger", access.Operator},
			{"/queues/default/pause", access.Operator},
			{"/queues/default/resume", access.Operator},
			{"/seen", access.Operator},
			{"/schedules/preview", access.Admin},
			{"/schedules/new", access.Admin},
		}
		for _, test := range tests {
			form := url.Values{"back": {"/below/schedules"}, "all": {"1"}, "key": {"rare"}}
			if status, _ := h.ask(test.allowed-1, http.MethodPost, test.path, form); status != http.StatusForbidden {
				h.Errorf("%s is answered with %d to a role below %s", test.path, status, test.allowed)
			}
			if status, body := h.ask(test.allowed, http.MethodPost, test.path, form); status == http.StatusForbidden || status >= http.StatusInternalServerError {
				h.Errorf("%s is answered with %d to the role %s: %s", test.path, status, test.allowed, body)
			}
		}
	})
}

func TestAPauseIsToldWithItsNoteAndAuthor(t *testing.T) {
	onBoth(t, two, func(h *house) {
		h.ask(access.Operator, http.MethodPost, "/schedules/rare/pause", url.Values{"note": {"the <moon> is full"}, "until": {"2h"}})
		_, body := h.ask(access.Viewer, http.MethodGet, "/schedules/rare", nil)
		if !strings.Contains(body, "Paused by ada: the &lt;moon&gt; is full") {
			h.Error("the page of a paused schedule does not say who paused it, and why")
		}
	})
}

func TestTheFirstPageTellsOfAPauseOfEverythingAndOfNoOther(t *testing.T) {
	onBoth(t, two, func(h *house) {
		for _, one := range []struct {
			target store.Target
			note   string
		}{{store.Target{Key: "rare"}, "until it is paid"}, {store.Target{All: true}, "the move to another house"}} {
			if _, err := h.store.Pause(h.Context(), one.target, time.Time{}, one.note, "ada"); err != nil {
				h.Fatal(err)
			}
		}
		_, body := h.ask(access.Viewer, http.MethodGet, "/", nil)
		if !strings.Contains(body, "Everything is paused by ada: the move to another house") {
			h.Error("it does not tell of the pause of everything")
		}
		if strings.Contains(body, "until it is paid") {
			h.Error("it tells of the pause of a schedule as if it were of everything")
		}
		if _, err := h.store.Resume(h.Context(), store.Target{All: true}, "ada"); err != nil {
			h.Fatal(err)
		}
		if _, body = h.ask(access.Viewer, http.MethodGet, "/", nil); strings.Contains(body, "Everything is paused") {
			h.Error("it tells of a pause that was ended")
		}
	})
}

func TestAProgramOfSomebodyElseThatLeadsTheQueueIsToldOf(t *testing.T) {
	onBoth(t, two, func(h *house) {
		db := h.store.Database()
		until := any(time.Now().Add(time.Hour))
		if db.Kind == database.SQLite {
			until = time.Now().Add(time.Hour).UTC().Format("2006-01-02 15:04:05.000")
		}
		err := db.Transaction(h.Context(), func(tx database.Tx) error {
			_, err := tx.Exec(h.Context(), "INSERT INTO river_leader (elected_at, expires_at, leader_id, name) VALUES ($1, $1, 'their_app', 'default')", until)
			return err
		})
		if err != nil {
			h.Fatal(err)
		}
		status, body := h.ask(access.Viewer, http.MethodGet, "/", nil)
		for _, says := range []string{"their_app", "LeaderElectionDisabled"} {
			if status != http.StatusOK || !strings.Contains(body, says) {
				h.Errorf("the first page is answered with %d and does not say %q", status, says)
			}
		}
	})
}

func TestEveryReasonIsToldInWords(t *testing.T) {
	now := time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)
	policies := schedule.DefaultPolicies()
	skipped := func(reason schedule.Reason) store.Run {
		return store.Run{State: "skipped", Decision: "skipped", Reason: string(reason), Count: 1, Blocker: 7, Author: "ada", Origin: "clock", Due: now, DecidedAt: now}
	}
	older := skipped(schedule.ReasonMissed)
	older.DecidedAt = now.Add(time.Hour)
	tests := []struct {
		name   string
		run    store.Run
		answer string
		why    string
	}{
		{"coalesced", skipped(schedule.ReasonCoalesced), "It did not run.", "the newest of those that were missed was to run for all"},
		{"beyond catch-up limit", skipped(schedule.ReasonBeyondCatchUp), "It did not run.", "than the newest 100"},
		{"missed", older, "It did not run.", "came back more than 1m later"},
		{"missed within the grace", skipped(schedule.ReasonMissed), "It did not run.", "only the newest may run, if the clock is back within 1m"},
		{"paused", skipped(schedule.ReasonPaused), "It did not run.", "while the schedule was paused"},
		{"not finished", skipped(schedule.ReasonNotFinished), "It did not run.", "The previous run had not finished"},
		{"superseded", skipped(schedule.ReasonSuperseded), "It did not run.", "a newer occurrence took its place"},
		{"deleted", skipped(schedule.ReasonDeleted), "It did not run.", "was deleted"},
		{"by hand", skipped(schedule.ReasonByHand), "It did not run.", "ada said that it is to be skipped"},
		{"expired", store.Run{State: "expired", Error: "not started within 5m"}, "It did not run.", "No worker took it in time"},
		{"failed", store.Run{State: "failed", Attempts: 3, Error: "exit code 3"}, "It ran and failed.", "in all of 3 attempts"},
		{"lost", store.Run{State: "failed", Attempts: 5, Error: "lost: worker web-3 was last heard from at 2026-11-26T08:00:00Z"}, "It began, and its worker was lost.", "web-3 was last heard from"},
		{"cancelled before it began", store.Run{State: "cancelled"}, "It did not run.", "before it started"},
		{"cancelled", store.Run{State: "cancelled", StartedAt: now}, "It was stopped.", "while it ran"},
		{"a superseded retry", store.Run{State: "superseded"}, "It ran, failed, and was not tried again.", "a newer occurrence"},
		{"queued", store.Run{State: "available", DecidedAt: now.Add(-time.Hour)}, "Not yet: it waits for a worker.", "1 h"},
		{"unknown", store.Run{State: "unknown"}, "It is not known.", "the queue forgot it"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := verdictOf(test.run, &policies, now)
			if v.Answer != test.answer || !strings.Contains(v.Why, test.why) {
				t.Errorf("it is told as %q %q, want %q and %q", v.Answer, v.Why, test.answer, test.why)
			}
		})
	}
}

func TestCountsHaveTheirThousandsApart(t *testing.T) {
	for _, c := range []struct {
		n    int
		want string
	}{
		{0, "0 runs"}, {1, "1 run"}, {999, "999 runs"}, {1000, "1\u202f000 runs"}, {1234567, "1\u202f234\u202f567 runs"}, {-12345, "−12\u202f345 runs"},
	} {
		if got := counted(c.n, "run"); got != c.want {
			t.Errorf("counted(%d) is %q, want %q", c.n, got, c.want)
		}
	}
}

func TestATimeOfAnotherYearIsToldWithItsYear(t *testing.T) {
	now := time.Now().UTC()
	for _, test := range []struct {
		at   time.Time
		want bool
	}{{now, false}, {now.AddDate(1, 0, 0), true}, {now.AddDate(-1, 0, 0), true}} {
		written := string(clockTime(test.at))
		_, text, _ := strings.Cut(written, ">")
		if got := strings.Contains(text, test.at.Format(" 2006,")); got != test.want {
			t.Errorf("%s is written as %s", test.at, written)
		}
	}
}

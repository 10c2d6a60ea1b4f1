package metrics

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/punctual-dev/punctual/queue"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

// source is a database that says what a test wants.
type source struct {
	load    store.Load
	moments []store.Moment
	err     error
	asked   int
}

func (s *source) Load(context.Context) (store.Load, error) {
	s.asked++
	return s.load, s.err
}

func (s *source) Moments(_ context.Context, keys []string) ([]store.Moment, error) {
	return s.moments, s.err
}

// scrape is what Prometheus is answered, by line.
func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("it answers %d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func says(t *testing.T, answer string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(answer, "\n"+line+"\n") {
			t.Errorf("the answer does not say %s:\n%s", line, ours(answer))
		}
	}
}

// ours are the lines that do not speak of Go and the process.
func ours(answer string) string {
	var kept []string
	for line := range strings.Lines(answer) {
		if strings.HasPrefix(line, "punctual_") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

func newMetrics(t *testing.T, from Source, schedules ...string) *Metrics {
	t.Helper()
	m, err := New(Options{Source: from, Schedules: schedules, Version: "v1.2.3", TZData: "2026a"})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

var due = time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)

func decided(key string, rows ...schedule.Row) schedule.Decided {
	one := &schedule.Schedule{Declaration: schedule.Declaration{Key: key}}
	return schedule.Decided{Candidate: schedule.Candidate{Schedule: one}, Decision: schedule.Decision{Rows: rows}}
}

func TestDecisionsAreCountedByWhatBecameOfThemAndLatenessOfThoseEnqueued(t *testing.T) {
	m := newMetrics(t, &source{}, "report")
	m.Committed(schedule.Committed{At: due.Add(200 * time.Millisecond), Decided: []schedule.Decided{
		decided("report", schedule.Row{Due: due.Add(-time.Hour), Count: 7, Skipped: schedule.ReasonCoalesced}, schedule.Row{Due: due, Count: 1}),
		decided("other", schedule.Row{Due: due, Count: 1}),
	}})
	answer := scrape(t, m)
	says(t, answer,
		`punctual_decisions_total{decision="enqueued",reason=""} 2`,
		`punctual_decisions_total{decision="skipped",reason="coalesced"} 7`,
		`punctual_decisions_total{decision="skipped",reason="paused"} 0`,
		`punctual_lateness_seconds_bucket{le="0.1"} 0`,
		`punctual_lateness_seconds_bucket{le="0.25"} 2`,
		`punctual_lateness_seconds_count 2`,
		`punctual_schedule_decisions_total{decision="enqueued",reason="",schedule="report"} 1`,
		`punctual_schedule_decisions_total{decision="skipped",reason="coalesced",schedule="report"} 7`,
		`punctual_schedule_lateness_seconds_count{schedule="report"} 1`,
		`punctual_build_info{tzdata="2026a",version="v1.2.3"} 1`,
	)
	if strings.Contains(answer, `schedule="other"`) {
		t.Error("a schedule that nobody asked for is counted by itself")
	}
}

func TestJobsAreCountedByOutcomeAlsoThoseThatANewerOneSuperseded(t *testing.T) {
	m := newMetrics(t, &source{}, "report")
	m.Ended([]store.EndedJob{{Schedule: "report", Outcome: "succeeded"}, {Schedule: "other", Outcome: "succeeded"}, {Schedule: "report", Outcome: "failed"}})
	superseding := decided("report", schedule.Row{Due: due, Count: 1})
	superseding.Supersede = []int64{7}
	m.Committed(schedule.Committed{At: due, Decided: []schedule.Decided{superseding}})
	says(t, scrape(t, m),
		`punctual_jobs_total{outcome="succeeded"} 2`,
		`punctual_jobs_total{outcome="failed"} 1`,
		`punctual_jobs_total{outcome="superseded"} 1`,
		`punctual_jobs_total{outcome="expired"} 0`,
		`punctual_schedule_jobs_total{outcome="failed",schedule="report"} 1`,
		`punctual_schedule_jobs_total{outcome="superseded",schedule="report"} 1`,
	)
}

func TestAttemptsAreCountedWhileTheyRunAndWhenTheyHaveEnded(t *testing.T) {
	m := newMetrics(t, &source{}, "report")
	end := m.Around(queue.Begun{Queue: "mail", Schedule: "report", AvailableAt: time.Now().Add(-2 * time.Second)})
	says(t, scrape(t, m), `punctual_attempts_running{queue="mail"} 1`, `punctual_attempt_wait_seconds_bucket{le="1"} 0`, `punctual_attempt_wait_seconds_bucket{le="5"} 1`)
	end(queue.Result{Word: queue.ResultFailed, Err: errors.New("boom"), Took: 3 * time.Second})
	says(t, scrape(t, m),
		`punctual_attempts_running{queue="mail"} 0`,
		`punctual_attempt_duration_seconds_bucket{queue="mail",result="failed",le="1"} 0`,
		`punctual_attempt_duration_seconds_bucket{queue="mail",result="failed",le="5"} 1`,
		`punctual_schedule_attempt_duration_seconds_count{result="failed",schedule="report"} 1`,
	)
}

func TestAScrapeSaysHowThingsStandInTheDatabase(t *testing.T) {
	from := &source{
		load: store.Load{
			Health: store.Health{Healthy: true, Now: due, Oldest: due.Add(-4 * time.Second), Ticked: due.Add(-time.Second), Unseen: 3},
			Queues: []queue.State{{Name: "default", Waiting: 5, Retrying: 2, Running: 1, Oldest: due.Add(-90 * time.Second)},
				{Name: "mail", PausedAt: due}},
			Processes: map[string]int{"clock": 2}, Waiting: 6, Errors: 1,
		},
		moments: []store.Moment{{Schedule: "report", NextDue: due, LastSuccess: due.Add(-time.Hour)}, {Schedule: "rare"}},
	}
	m := newMetrics(t, from, "report", "rare")
	answer := scrape(t, m)
	says(t, answer,
		`punctual_database_up 1`, `punctual_healthy 1`, `punctual_overdue_seconds 4`, `punctual_unseen_failures 3`,
		`punctual_last_tick_timestamp_seconds `+fmt.Sprint(float64(due.Unix()-1)),
		`punctual_processes{role="clock"} 2`, `punctual_processes{role="worker"} 0`,
		`punctual_schedules_waiting 6`, `punctual_schedules_in_error 1`,
		`punctual_queue_jobs{queue="default",state="waiting"} 5`, `punctual_queue_jobs{queue="default",state="retrying"} 2`,
		`punctual_queue_oldest_waiting_seconds{queue="default"} 90`, `punctual_queue_oldest_waiting_seconds{queue="mail"} 0`,
		`punctual_queue_paused{queue="default"} 0`, `punctual_queue_paused{queue="mail"} 1`,
		`punctual_schedule_last_success_timestamp_seconds{schedule="report"} `+fmt.Sprint(float64(due.Unix()-3600)),
	)
	if strings.Contains(answer, `seconds{schedule="rare"}`) {
		t.Error("an instant that never was is told of")
	}
	scrape(t, m)
	if from.asked != 1 {
		t.Errorf("two scrapes at once ask the database %d times; once is enough", from.asked)
	}
}

func TestAScrapeIsAnsweredWhileTheDatabaseIsAway(t *testing.T) {
	m := newMetrics(t, &source{err: errors.New("away")})
	m.Ticked(time.Millisecond)
	m.Read(-1500 * time.Millisecond)
	answer := scrape(t, m)
	says(t, answer, `punctual_database_up 0`, `punctual_tick_duration_seconds_count 1`, `punctual_clock_skew_seconds -1.5`)
	if strings.Contains(answer, "punctual_healthy") {
		t.Error("what is not known is told of")
	}
}

func TestMoreSchedulesThanAllowedAreRefused(t *testing.T) {
	_, err := New(Options{Source: &source{}, Schedules: make([]string, MaxSchedules+1)})
	if err == nil || !strings.Contains(err.Error(), "at most 200") {
		t.Errorf("201 schedules are answered with %v", err)
	}
}

func TestTheDocsNameEveryMetricAndNoOther(t *testing.T) {
	m := newMetrics(t, &source{
		load:    store.Load{Health: store.Health{Ticked: due}, Queues: []queue.State{{Name: "default"}}},
		moments: []store.Moment{{Schedule: "report", NextDue: due, LastSuccess: due}},
	}, "report")
	m.Committed(schedule.Committed{At: due, Decided: []schedule.Decided{decided("report", schedule.Row{Due: due, Count: 1})}})
	m.Around(queue.Begun{Queue: "default", Schedule: "report"})(queue.Result{Word: queue.ResultSucceeded})
	doc, err := os.ReadFile("../docs/observing.md")
	if err != nil {
		t.Fatal(err)
	}
	names := func(pattern, text string) (all []string) {
		for _, found := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
			all = append(all, found[1])
		}
		slices.Sort(all)
		return all
	}
	served, told := names(`(?m)^# TYPE (punctual_\w+) `, scrape(t, m)), names("(?m)^\\| `(punctual_\\w+)` \\|", string(doc))
	if diff := cmp.Diff(served, told); diff != "" {
		t.Errorf("docs/observing.md tells of other metrics than are served (-served +told):\n%s", diff)
	}
}

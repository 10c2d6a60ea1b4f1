package metrics

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/punctual-dev/punctual/store"
)

// Source says how things stand in the database.
type Source interface {
	Load(ctx context.Context) (store.Load, error)
	Moments(ctx context.Context, keys []string) ([]store.Moment, error)
}

const (
	// readAtMostEvery keeps several scrapers from asking the database for each.
	readAtMostEvery = 2 * time.Second
	readTime        = 5 * time.Second
)

// standing collects what the database says at a scrape. Every process that is
// scraped says the same: queries take the maximum.
type standing struct {
	source    Source
	schedules []string

	mu      sync.Mutex
	readAt  time.Time
	samples []prometheus.Metric
}

func newStanding(source Source, schedules []string) *standing {
	return &standing{source: source, schedules: schedules}
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
}

var (
	databaseUp   = describe("database_up", "1 if the database answers, 0 if it does not; all of the following is missing then.")
	healthy      = describe("healthy", "1 if the clocks keep time, as /healthz says.")
	overdue      = describe("overdue_seconds", "For how long the schedule has been due that is due and undecided the longest; 0: none is.")
	sinceTick    = describe("last_tick_timestamp_seconds", "When a clock was last through with what was due, as its beat tells, every few seconds.")
	unseen       = describe("unseen_failures", "Jobs that failed for good and that nobody has said to have seen.")
	processes    = describe("processes", "Processes alive.", "role")
	waitingFor   = describe("schedules_waiting", "Schedules of which an occurrence is due and waits for a run, a place or its turn.")
	inError      = describe("schedules_in_error", "Schedules that no clock can decide.")
	queueJobs    = describe("queue_jobs", "Jobs in a queue that have not ended.", "queue", "state")
	queueAge     = describe("queue_oldest_waiting_seconds", "For how long the job has waited for a worker that has waited the longest; 0: none does.", "queue")
	queuePaused  = describe("queue_paused", "1 if somebody has paused the queue.", "queue")
	nextDue      = describe("schedule_next_due_timestamp_seconds", "When a schedule is due next; missing if nothing is.", "schedule")
	lastSuccess  = describe("schedule_last_success_timestamp_seconds", "When a job of a schedule last succeeded; missing if none did.", "schedule")
	descriptions = []*prometheus.Desc{
		databaseUp, healthy, overdue, sinceTick, unseen, processes, waitingFor, inError, queueJobs, queueAge, queuePaused, nextDue, lastSuccess,
	}
)

// Describe implements prometheus.Collector.
func (s *standing) Describe(to chan<- *prometheus.Desc) {
	for _, one := range descriptions {
		to <- one
	}
}

// Collect implements prometheus.Collector.
func (s *standing) Collect(to chan<- prometheus.Metric) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.readAt.IsZero() || time.Since(s.readAt) >= readAtMostEvery {
		s.read()
		s.readAt = time.Now()
	}
	for _, sample := range s.samples {
		to <- sample
	}
}

func (s *standing) read() {
	ctx, cancel := context.WithTimeout(context.Background(), readTime)
	defer cancel()
	s.samples = nil
	load, err := s.source.Load(ctx)
	var moments []store.Moment
	if err == nil && len(s.schedules) > 0 {
		moments, err = s.source.Moments(ctx, s.schedules)
	}
	if err != nil {
		s.gauge(databaseUp, 0)
		return
	}
	s.gauge(databaseUp, 1)
	s.clocks(load)
	s.queues(load)
	for _, m := range moments {
		s.instant(nextDue, m.NextDue, m.Schedule)
		s.instant(lastSuccess, m.LastSuccess, m.Schedule)
	}
}

func (s *standing) clocks(l store.Load) {
	s.gauge(healthy, number(l.Healthy))
	s.gauge(overdue, since(l.Oldest, l.Now))
	s.instant(sinceTick, l.Ticked)
	s.gauge(unseen, float64(l.Unseen))
	s.gauge(waitingFor, float64(l.Waiting))
	s.gauge(inError, float64(l.Errors))
	for _, role := range []string{"clock", "worker", "web"} {
		s.gauge(processes, float64(l.Processes[role]), role)
	}
}

func (s *standing) queues(l store.Load) {
	for _, q := range l.Queues {
		for state, jobs := range map[string]int{"waiting": q.Waiting, "retrying": q.Retrying, "running": q.Running} {
			s.gauge(queueJobs, float64(jobs), q.Name, state)
		}
		s.gauge(queueAge, since(q.Oldest, l.Now), q.Name)
		s.gauge(queuePaused, number(!q.PausedAt.IsZero()), q.Name)
	}
}

func (s *standing) gauge(what *prometheus.Desc, value float64, labels ...string) {
	s.samples = append(s.samples, prometheus.MustNewConstMetric(what, prometheus.GaugeValue, value, labels...))
}

// instant is in seconds since the Unix epoch, and missing where there is none.
func (s *standing) instant(what *prometheus.Desc, at time.Time, labels ...string) {
	if !at.IsZero() {
		s.gauge(what, float64(at.UnixMilli())/1000, labels...)
	}
}

func since(at, now time.Time) float64 {
	if at.IsZero() {
		return 0
	}
	return max(0, now.Sub(at).Seconds())
}

func number(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

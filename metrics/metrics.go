// Package metrics counts what the processes do and asks the database how things
// stand, for Prometheus. It is the only room that knows Prometheus: clocks and
// workers tell an interface of their own what they did, and the root puts a
// Metrics in its place.
package metrics

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/punctual-dev/punctual/queue"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

// MaxSchedules is how many schedules may be counted one by one: each makes some
// fifty series.
const MaxSchedules = 200

// Options are what is counted.
type Options struct {
	// Source is asked how things stand, at most every few seconds.
	Source Source
	// Schedules are the keys of those that are counted one by one as well.
	Schedules       []string
	Version, TZData string
}

// Metrics implements what clocks and workers tell of what they do.
type Metrics struct {
	registry  *prometheus.Registry
	schedules map[string]bool

	ticks, lateness, waits   prometheus.Histogram
	skew                     prometheus.Gauge
	decisions, jobs          *prometheus.CounterVec
	attempts                 *prometheus.HistogramVec
	running                  *prometheus.GaugeVec
	oneDecisions, oneJobs    *prometheus.CounterVec
	oneLateness, oneAttempts *prometheus.HistogramVec
}

// From a few milliseconds, which is usual, to hours, which follow a downtime.
var (
	latenessBuckets = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 15, 60, 300, 1800, 7200}
	tickBuckets     = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	attemptBuckets  = []float64{.01, .05, .1, .5, 1, 5, 15, 60, 300, 900, 3600, 14400}
)

// New is metrics that have counted nothing yet.
func New(o Options) (*Metrics, error) {
	if len(o.Schedules) > MaxSchedules {
		return nil, fmt.Errorf("%d schedules are to be counted one by one; at most %d may be", len(o.Schedules), MaxSchedules)
	}
	m := &Metrics{registry: prometheus.NewRegistry(), schedules: map[string]bool{}}
	for _, key := range o.Schedules {
		m.schedules[key] = true
	}
	m.ticks = m.histogram("tick_duration_seconds", "How long the clock took to read, decide and commit a batch.", tickBuckets)
	m.lateness = m.histogram("lateness_seconds", "From the instant an occurrence was due to the instant its job was queued.", latenessBuckets)
	m.waits = m.histogram("attempt_wait_seconds", "From the instant a job was there to be taken to the beginning of the attempt.", latenessBuckets)
	m.skew = prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: "clock_skew_seconds",
		Help: "How far the time of the database is ahead of that of this clock's machine."})
	m.registry.MustRegister(m.skew)
	m.decisions = m.counters("decisions_total", "Occurrences that this clock decided, by what became of them.", "decision", "reason")
	m.jobs = m.counters("jobs_total", "Jobs that have ended, by what came of them, counted by the process that copied it into the ledger.", "outcome")
	m.attempts = m.histograms("attempt_duration_seconds", "How long attempts took that this worker ran.", attemptBuckets, "queue", "result")
	m.running = prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: "attempts_running", Help: "Attempts that this worker runs."}, []string{"queue"})
	m.registry.MustRegister(m.running)
	if len(m.schedules) > 0 {
		m.countOneByOne()
	}
	m.begin(o)
	return m, nil
}

const namespace = "punctual"

// countOneByOne makes the metrics of those schedules that are asked for.
func (m *Metrics) countOneByOne() {
	m.oneDecisions = m.counters("schedule_decisions_total", "Occurrences of a schedule that this clock decided.", "schedule", "decision", "reason")
	m.oneJobs = m.counters("schedule_jobs_total", "Jobs of a schedule that have ended.", "schedule", "outcome")
	m.oneLateness = m.histograms("schedule_lateness_seconds", "From the instant an occurrence of a schedule was due to the instant its job was queued.", latenessBuckets, "schedule")
	m.oneAttempts = m.histograms("schedule_attempt_duration_seconds", "How long attempts of a schedule took that this worker ran.", attemptBuckets, "schedule", "result")
}

// begin puts a zero where nothing has been counted: a rate needs something to
// begin from, or the first failure goes unseen.
func (m *Metrics) begin(o Options) {
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	build := prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: "build_info", Help: "Always 1; the labels say what runs.",
		ConstLabels: prometheus.Labels{"version": o.Version, "tzdata": o.TZData}})
	build.Set(1)
	m.registry.MustRegister(build, newStanding(o.Source, slices.Sorted(slices.Values(o.Schedules))))
	m.decisions.WithLabelValues(enqueued, "")
	for _, reason := range schedule.Reasons {
		m.decisions.WithLabelValues(skipped, string(reason))
	}
	for _, outcome := range store.Outcomes {
		m.jobs.WithLabelValues(outcome)
	}
	for key := range m.schedules {
		m.oneDecisions.WithLabelValues(key, enqueued, "")
		for _, outcome := range store.Outcomes {
			m.oneJobs.WithLabelValues(key, outcome)
		}
	}
}

// The values of the label decision.
const enqueued, skipped = "enqueued", "skipped"

func (m *Metrics) counters(name, help string, labels ...string) *prometheus.CounterVec {
	vec := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	m.registry.MustRegister(vec)
	return vec
}

func (m *Metrics) histogram(name, help string, buckets []float64) prometheus.Histogram {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets})
	m.registry.MustRegister(h)
	return h
}

func (m *Metrics) histograms(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	vec := prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}, labels)
	m.registry.MustRegister(vec)
	return vec
}

// Handler answers with everything in the format that is asked for.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
}

// Read implements clock.Observer.
func (m *Metrics) Read(ahead time.Duration) { m.skew.Set(ahead.Seconds()) }

// Ticked implements clock.Observer.
func (m *Metrics) Ticked(took time.Duration) { m.ticks.Observe(took.Seconds()) }

// Committed implements clock.Observer.
func (m *Metrics) Committed(done schedule.Committed) {
	for _, d := range done.Decided {
		one := m.schedules[d.Schedule.Key]
		// Whoever supersedes a job writes down what came of it: nobody copies it.
		m.jobEnded(d.Schedule.Key, "superseded", len(d.Supersede))
		for _, row := range d.Rows {
			m.decided(d.Schedule.Key, one, row, done.At.Sub(row.Due))
		}
	}
}

func (m *Metrics) decided(key string, one bool, row schedule.Row, late time.Duration) {
	decision := enqueued
	if row.Skipped != "" {
		decision = skipped
	} else {
		m.lateness.Observe(late.Seconds())
	}
	m.decisions.WithLabelValues(decision, string(row.Skipped)).Add(float64(row.Count))
	if !one {
		return
	}
	m.oneDecisions.WithLabelValues(key, decision, string(row.Skipped)).Add(float64(row.Count))
	if decision == enqueued {
		m.oneLateness.WithLabelValues(key).Observe(late.Seconds())
	}
}

// Ended is told of jobs that have ended, each once in all processes.
func (m *Metrics) Ended(jobs []store.EndedJob) {
	for _, job := range jobs {
		m.jobEnded(job.Schedule, job.Outcome, 1)
	}
}

func (m *Metrics) jobEnded(key, outcome string, n int) {
	m.jobs.WithLabelValues(outcome).Add(float64(n))
	if m.schedules[key] {
		m.oneJobs.WithLabelValues(key, outcome).Add(float64(n))
	}
}

// Around is told of an attempt that begins; what it returns, of its end.
func (m *Metrics) Around(b queue.Begun) func(queue.Result) {
	// The two instants are read on two machines.
	m.waits.Observe(max(0, time.Since(b.AvailableAt).Seconds()))
	running := m.running.WithLabelValues(b.Queue)
	running.Inc()
	return func(r queue.Result) {
		running.Dec()
		m.attempts.WithLabelValues(b.Queue, r.Word).Observe(r.Took.Seconds())
		if m.schedules[b.Schedule] {
			m.oneAttempts.WithLabelValues(b.Schedule, r.Word).Observe(r.Took.Seconds())
		}
	}
}

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// outcome is what a siege came to.
type outcome struct {
	decided, enqueued, skipped int // by the clocks
	jobs, completed            int
	lost, doubled              int
	lateness                   []time.Duration
	longestGap                 time.Duration
	gapUntil                   time.Time
	endings                    map[string]int // of processes, of themselves
}

// judge audits, counts by SQL of its own, and reads the logs.
func (s *siege) judge(ctx context.Context) (*outcome, error) {
	o := &outcome{endings: map[string]int{}}
	report, err := s.house.audit(ctx)
	if err != nil {
		return nil, err
	}
	o.lost, o.doubled = report.count("no decision"), report.count("decided twice")
	if !report.OK {
		s.fault("the audit:\n    %s", report.head())
	}
	for _, step := range []func(context.Context, *outcome) error{s.count, s.compare, s.lateness, s.ranAll} {
		if err := step(ctx, o); err != nil {
			return nil, err
		}
	}
	return o, s.readLogs(o)
}

func (s *siege) count(ctx context.Context, o *outcome) error {
	for query, into := range map[string]*int{
		`SELECT coalesce(sum(count), 0) FROM punctual_occurrence WHERE origin = 'clock'`:                          &o.decided,
		`SELECT count(*) FROM punctual_occurrence WHERE origin = 'clock' AND decision = 'enqueued'`:               &o.enqueued,
		`SELECT coalesce(sum(count), 0) FROM punctual_occurrence WHERE origin = 'clock' AND decision = 'skipped'`: &o.skipped,
		`SELECT count(*) FROM river_job`:                           &o.jobs,
		`SELECT count(*) FROM river_job WHERE state = 'completed'`: &o.completed,
	} {
		if err := s.house.db.QueryRowContext(ctx, query).Scan(into); err != nil {
			return err
		}
	}
	if o.enqueued == 0 || o.completed == 0 {
		s.fault("%d occurrences were enqueued and %d jobs completed: nothing was tested", o.enqueued, o.completed)
	}
	return nil
}

// comparison is a question to the database whose answer is to be 0.
type comparison struct {
	what  string
	query string
	into  func(*outcome) *int
}

// comparisons are by origin, since a trigger and a backfill add rows beside the
// clock's.
var comparisons = []comparison{
	{"nominals decided twice by a clock", `SELECT count(*) FROM (
		SELECT 1 FROM punctual_occurrence WHERE origin = 'clock' GROUP BY schedule_id, nominal_at HAVING count(*) > 1) AS d`, doubled},
	{"nominals decided alone and in a stretch", `SELECT count(*) FROM punctual_occurrence s
		JOIN punctual_occurrence o ON o.schedule_id = s.schedule_id AND o.origin = 'clock' AND o.id <> s.id
			AND o.nominal_at BETWEEN s.nominal_at AND s.until_at
		WHERE s.origin = 'clock' AND s.until_at IS NOT NULL`, doubled},
	{"nominals enqueued twice", `SELECT count(*) FROM (
		SELECT 1 FROM punctual_occurrence WHERE origin <> 'trigger' AND decision = 'enqueued'
		GROUP BY schedule_id, nominal_at HAVING count(*) > 1) AS d`, doubled},
	{"jobs that two rows of the ledger claim", `SELECT count(*) FROM (
		SELECT 1 FROM punctual_occurrence WHERE job_id IS NOT NULL GROUP BY job_id HAVING count(*) > 1) AS d`, doubled},
	{"jobs that no row of the ledger claims", `SELECT count(*) FROM river_job j
		LEFT JOIN punctual_occurrence o ON o.job_id = j.id WHERE o.id IS NULL`, doubled},
	{"occurrences enqueued without a job", `SELECT count(*) FROM punctual_occurrence o
		LEFT JOIN river_job j ON j.id = o.job_id WHERE o.decision = 'enqueued' AND j.id IS NULL`, lost},
	{"occurrences skipped with a job", `SELECT count(*) FROM punctual_occurrence
		WHERE decision <> 'enqueued' AND job_id IS NOT NULL`, doubled},
}

func lost(o *outcome) *int    { return &o.lost }
func doubled(o *outcome) *int { return &o.doubled }

// compare asks what the audit does not: whether the ledger and the queue agree,
// and whether intervals have as many decisions as arithmetic says.
func (s *siege) compare(ctx context.Context, o *outcome) error {
	for _, c := range comparisons {
		var n int
		if err := s.house.db.QueryRowContext(ctx, c.query).Scan(&n); err != nil {
			return fmt.Errorf("%s: %w", c.what, err)
		}
		if n > 0 {
			*c.into(o) += n
			s.fault("%d %s", n, c.what)
		}
	}
	return s.countIntervals(ctx, o)
}

// countIntervals counts the multiples of each plain interval between creation
// and cursor, and the decisions.
func (s *siege) countIntervals(ctx context.Context, o *outcome) error {
	created, cursor := "extract(epoch from s.created_at)", "extract(epoch from d.cursor_at)"
	if s.house.kind == "sqlite" {
		created, cursor = "s.created_at / 1e6", "d.cursor_at / 1e6"
	}
	rows, err := s.house.db.QueryContext(ctx, `SELECT s.key, f.expressions, `+created+`, `+cursor+`,
			(SELECT coalesce(sum(count), 0) FROM punctual_occurrence o WHERE o.schedule_id = s.id AND o.origin = 'clock')
		FROM punctual_schedule s JOIN punctual_due d ON d.schedule_id = s.id JOIN punctual_definition f ON f.schedule_id = s.id
		WHERE s.key LIKE 'plain-%'`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var key, expressions string
		var created, cursor float64
		var decided int
		if err := rows.Scan(&key, &expressions, &created, &cursor, &decided); err != nil {
			return err
		}
		every, err := time.ParseDuration(strings.Trim(strings.ReplaceAll(expressions, "every ", ""), `[]" `))
		if err != nil {
			return fmt.Errorf("the interval of %s: %w", key, err)
		}
		switch want := multiples(created, cursor, every); {
		case decided < want:
			o.lost += want - decided
			s.fault("%s has %d decisions; by arithmetic %d are due", key, decided, want)
		case decided > want:
			o.doubled += decided - want
			s.fault("%s has %d decisions; by arithmetic %d are due", key, decided, want)
		}
	}
	return rows.Err()
}

// multiples counts the multiples of an interval after one instant up to
// another, both in seconds since the epoch.
func multiples(after, until float64, every time.Duration) int {
	micros := func(at float64) int64 { return int64(at*1e6 + 0.5) }
	step := every.Microseconds()
	return int(micros(until)/step - micros(after)/step)
}

// prompt are the schedules whose occurrences never wait for anything but a clock.
const prompt = `schedule_id IN (SELECT id FROM punctual_schedule WHERE key NOT LIKE '%-waits%')`

// lateness reads how long after its due each decision was made that had nothing
// to wait for, and the longest time in which none was.
func (s *siege) lateness(ctx context.Context, o *outcome) error {
	decisions, err := s.house.decisions(ctx, prompt)
	if err != nil {
		return err
	}
	var last time.Time
	for _, d := range decisions {
		if gap := d.at.Sub(last); !last.IsZero() && gap > o.longestGap {
			o.longestGap, o.gapUntil = gap, d.at
		}
		last = d.at
		late := d.at.Sub(d.due)
		if late < 0 {
			s.fault("a decision was made %s before due %s", -late, d.due.UTC().Format(time.RFC3339Nano))
		}
		o.lateness = append(o.lateness, late)
	}
	return nil
}

// ranAll checks that whatever is said to have run did: at least once.
func (s *siege) ranAll(ctx context.Context, o *outcome) error {
	ran := map[string]bool{}
	file, err := os.Open(filepath.Join(s.house.directory, "ran"))
	if err != nil {
		return err
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		key, at, _ := strings.Cut(lines.Text(), "@")
		nominal, err := time.Parse(time.RFC3339Nano, at)
		if err != nil {
			continue // a trigger
		}
		ran[fmt.Sprintf("%s@%d", key, nominal.UnixMilli())] = true
	}
	nominal := "round(extract(epoch from o.nominal_at) * 1000)::bigint"
	if s.house.kind == "sqlite" {
		nominal = "o.nominal_at / 1000"
	}
	rows, err := s.house.db.QueryContext(ctx, `SELECT s.key, `+nominal+` FROM punctual_occurrence o
		JOIN punctual_schedule s ON s.id = o.schedule_id JOIN river_job j ON j.id = o.job_id
		WHERE o.origin <> 'trigger' AND j.state = 'completed'`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		var nominal int64
		if err := rows.Scan(&key, &nominal); err != nil {
			return err
		}
		if !ran[fmt.Sprintf("%s@%d", key, nominal)] {
			o.lost++
			s.fault("%s@%s is said to have run, and did not", key, time.UnixMilli(nominal).UTC().Format(time.RFC3339Nano))
		}
	}
	return rows.Err()
}

// readLogs sorts how processes ended of themselves, and looks for what only a
// broken program writes.
func (s *siege) readLogs(o *outcome) error {
	for _, m := range s.members {
		for _, ending := range m.endings {
			reason := reasonOf(ending)
			if reason == "" {
				reason = "for no good reason"
				s.fault("it ended of itself: %s", ending)
			}
			o.endings[reason]++
		}
	}
	cries, err := criesIn(s.house.directory)
	for _, cry := range cries {
		s.fault("a log says %s", cry)
	}
	return err
}

// reasonOf is why a process may well end of itself.
func reasonOf(ending string) string {
	for _, known := range []struct{ part, reason string }{
		{"taken for dead", "taken for dead"},
		{"opening postgres://", "the database was away when it started"},
		{"migrating postgres://", "the database was away when it started"},
		{"opening the database", "the database was away when it started"},
	} {
		if strings.Contains(ending, known.part) {
			return known.reason
		}
	}
	return ""
}

// print writes the page.
func (o *outcome) print(w io.Writer, s *siege) {
	fmt.Fprintf(w, "  events %d\n", len(s.past))
	counts := map[string]int{}
	for _, e := range s.past {
		counts[e.name]++
	}
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(w, "    %-36s %d\n", name, counts[name])
	}
	for _, reason := range slices.Sorted(maps.Keys(o.endings)) {
		fmt.Fprintf(w, "  processes that ended of themselves: %s, %d\n", reason, o.endings[reason])
	}
	fmt.Fprintf(w, "  occurrences decided %d: enqueued %d, skipped %d; jobs %d, completed %d\n", o.decided, o.enqueued, o.skipped, o.jobs, o.completed)
	fmt.Fprintf(w, "  lateness of decisions %s\n", describe(o.lateness))
	fmt.Fprintf(w, "  longest gap between decisions %s, until %s\n", o.longestGap.Round(time.Millisecond), clockTime(o.gapUntil))
	for _, e := range s.past {
		if e.until.After(o.gapUntil.Add(-o.longestGap)) && e.from.Before(o.gapUntil) {
			fmt.Fprintf(w, "    beside %s – %s  %s %s\n", clockTime(e.from), clockTime(e.until), e.name, e.said)
		}
	}
	fmt.Fprintf(w, "  lost %d, doubled %d\n", o.lost, o.doubled)
	printFaults(w, s.faults)
	only := ""
	if s.only != "" {
		only = fmt.Sprintf(" --only %q", s.only)
	}
	fmt.Fprintf(w, "  again: scripts/torture --for %s --seed %d --database %s%s\n", s.random, s.seed, s.house.kind, only)
}

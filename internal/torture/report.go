package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"time"
)

// span is a time in which something was wrong on purpose.
type span struct{ from, until time.Time }

// report is what a scenario came to.
type report struct {
	house  *house
	disk   *disk
	events []string
	faults []string
	// limit is how late a decision may be, disturbedLimit while disturbed.
	limit, disturbedLimit time.Duration
	disturbed             []span

	decisions, enqueued, skipped, jobs int
	quiet, loud                        []time.Duration // lateness of decisions
	longestGap                         time.Duration
}

func (r *report) event(text string) {
	r.events = append(r.events, text)
	fmt.Printf("  %s  %s\n", time.Now().UTC().Format("15:04:05.000"), text)
}

func (r *report) fault(format string, arguments ...any) {
	r.faults = append(r.faults, fmt.Sprintf(format, arguments...))
}

// check audits, and counts by SQL of its own.
func (r *report) check(ctx context.Context) error {
	out, err := r.house.command(ctx, "audit").CombinedOutput()
	if err != nil {
		r.fault("the audit: %v\n%s", err, out)
	}
	if err := r.count(ctx); err != nil {
		return err
	}
	return r.lateness(ctx)
}

// count compares decisions with jobs, and looks for doubles and holes: the
// schedules are all of one interval, so consecutive nominals differ by it.
func (r *report) count(ctx context.Context) error {
	for query, into := range map[string]*int{
		`SELECT coalesce(sum(count), 0) FROM punctual_occurrence WHERE origin = 'clock'`:                          &r.decisions,
		`SELECT count(*) FROM punctual_occurrence WHERE origin = 'clock' AND decision = 'enqueued'`:               &r.enqueued,
		`SELECT coalesce(sum(count), 0) FROM punctual_occurrence WHERE origin = 'clock' AND decision = 'skipped'`: &r.skipped,
		`SELECT count(*) FROM river_job`: &r.jobs,
	} {
		if err := r.house.db.QueryRowContext(ctx, query).Scan(into); err != nil {
			return err
		}
	}
	if r.jobs != r.enqueued {
		r.fault("%d decisions say enqueued, but there are %d jobs", r.enqueued, r.jobs)
	}
	if r.decisions == 0 {
		r.fault("nothing was decided at all")
	}
	var doubled, orphans, holes int
	for query, into := range map[string]*int{
		`SELECT count(*) FROM (SELECT schedule_id, nominal_at FROM punctual_occurrence WHERE origin = 'clock'
			GROUP BY schedule_id, nominal_at HAVING count(*) > 1) AS d`: &doubled,
		`SELECT count(*) FROM punctual_occurrence o LEFT JOIN river_job j ON j.id = o.job_id
			WHERE o.decision = 'enqueued' AND j.id IS NULL`: &orphans,
		`SELECT count(*) FROM (SELECT s.id, (SELECT count(DISTINCT ` + r.gap() + `) FROM
			(SELECT nominal_at, lag(coalesce(until_at, nominal_at)) OVER (ORDER BY nominal_at) AS before
				FROM punctual_occurrence WHERE schedule_id = s.id AND origin = 'clock') AS g WHERE before IS NOT NULL) AS steps
			FROM punctual_schedule s) AS h WHERE steps > 1`: &holes,
	} {
		if err := r.house.db.QueryRowContext(ctx, query).Scan(into); err != nil {
			return err
		}
	}
	for what, n := range map[string]int{"nominals decided twice": doubled, "enqueued rows without a job": orphans, "schedules with a hole in the ledger": holes} {
		if n > 0 {
			r.fault("%d %s", n, what)
		}
	}
	return nil
}

// gap is the SQL of the time between two consecutive rows.
func (r *report) gap() string { return "nominal_at - before" }

// decision is when one was due, and when it was made.
type decision struct{ due, at time.Time }

// decisions reads those of the clocks that are asked for, in the order in which
// they were made.
func (h *house) decisions(ctx context.Context, where string) (all []decision, err error) {
	due, decided := "extract(epoch from due_at)", "extract(epoch from decided_at)"
	if h.kind == "sqlite" {
		due, decided = "due_at / 1e6", "decided_at / 1e6"
	}
	rows, err := h.db.QueryContext(ctx, "SELECT "+due+", "+decided+" FROM punctual_occurrence WHERE origin = 'clock' AND "+where+" ORDER BY decided_at")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var due, decided float64
		if err := rows.Scan(&due, &decided); err != nil {
			return nil, err
		}
		all = append(all, decision{instant(due), instant(decided)})
	}
	return all, rows.Err()
}

func instant(seconds float64) time.Time { return time.UnixMicro(int64(math.Round(seconds * 1e6))) }

// lateness reads how long after its due each decision was made.
func (r *report) lateness(ctx context.Context) error {
	decisions, err := r.house.decisions(ctx, "true")
	var last time.Time
	for _, d := range decisions {
		if !last.IsZero() {
			r.longestGap = max(r.longestGap, d.at.Sub(last))
		}
		last = d.at
		r.judge(d.due, d.at.Sub(d.due))
	}
	return err
}

func (r *report) judge(due time.Time, late time.Duration) {
	limit, lateness := time.Second, &r.quiet
	if r.disturbedLimit > 0 && len(r.disturbed) == 0 {
		limit = r.disturbedLimit
	}
	for _, span := range r.disturbed {
		if due.After(span.from.Add(-time.Second)) && due.Before(span.until) {
			limit, lateness = max(r.limit, r.disturbedLimit), &r.loud
			break
		}
	}
	*lateness = append(*lateness, late)
	if r.house.kind == "sqlite" {
		limit += r.disk.stalled(due, due.Add(late))
	}
	switch {
	case late < 0:
		r.fault("a decision was made %s before due %s", -late, due.UTC().Format(time.RFC3339Nano))
	case late > limit:
		r.fault("a decision was made %s after due %s; allowed are %s", late.Round(time.Millisecond), due.UTC().Format(time.RFC3339Nano), limit)
	}
}

func (r *report) print() {
	fmt.Printf("  events %d, occurrences decided %d (enqueued %d, skipped %d), jobs %d, longest time between decisions %s\n",
		len(r.events), r.decisions, r.enqueued, r.skipped, r.jobs, r.longestGap.Round(time.Millisecond))
	fmt.Printf("  longest sync of the disk beside it %s\n", r.disk.max.Round(time.Millisecond))
	fmt.Printf("  lateness undisturbed %s\n", describe(r.quiet))
	if len(r.loud) > 0 {
		fmt.Printf("  lateness disturbed   %s\n", describe(r.loud))
	}
	printFaults(os.Stdout, r.faults)
	if len(r.faults) == 0 {
		fmt.Println("  lost 0, doubled 0")
	}
}

// printFaults prints the first of them.
func printFaults(w io.Writer, faults []string) {
	const shown = 10
	for i, fault := range faults {
		if i == shown {
			fmt.Fprintf(w, "  and %d more\n", len(faults)-shown)
			break
		}
		fmt.Fprintf(w, "  WANTING: %s\n", fault)
	}
}

func describe(late []time.Duration) string {
	if len(late) == 0 {
		return "(no decisions)"
	}
	slices.Sort(late)
	at := func(share float64) time.Duration {
		return late[int(share*float64(len(late)-1))].Round(100 * time.Microsecond)
	}
	return fmt.Sprintf("p50 %s, p99 %s, max %s", at(0.5), at(0.99), at(1))
}

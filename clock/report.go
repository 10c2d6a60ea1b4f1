package clock

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/schedule"
)

// outage tells of errors of the database with one line when they begin and one
// when they end, and grows the wait between attempts meanwhile.
type outage struct {
	log     *slog.Logger
	since   time.Time
	backoff time.Duration
}

func (o *outage) failed(err error) time.Duration {
	if o.since.IsZero() {
		o.since, o.backoff = time.Now(), 50*time.Millisecond
		o.log.Error("the database does not answer; trying until it does, nothing is lost", "error", err)
	}
	o.backoff = min(o.backoff*2, maxBackoff)
	return o.backoff
}

func (o *outage) over() {
	if !o.since.IsZero() {
		o.log.Info("the database answers again", "away", schedule.Elapsed(time.Since(o.since)))
		o.since = time.Time{}
	}
}

// absenceAfter is how long nothing may have been decided before a clock that
// starts speaks of an absence.
const absenceAfter = 2 * time.Second

// reportAbsence says how long nothing was decided, and what was missed, in one
// line, and catches up.
func (c *Clock) reportAbsence(ctx context.Context) error {
	for ctx.Err() == nil {
		next, err := c.store.NextDue(ctx)
		if err == nil {
			var now time.Time
			if now, err = c.store.Now(ctx); err == nil {
				if next.IsZero() || now.Sub(next) <= absenceAfter {
					return nil
				}
				var ticked time.Time
				if ticked, err = c.upkeep.LastTick(ctx); err == nil {
					if ticked.IsZero() || ticked.After(next) {
						ticked = next
					}
					c.absence = &absence{since: ticked, missed: map[string]*caughtUp{}}
					return nil
				}
			}
		}
		if !c.store.Transient(err) {
			return fmt.Errorf("the clock does not start: %w", err)
		}
		c.sleep(ctx, c.outage.failed(err))
	}
	return nil
}

// absence collects what is caught up after one, until nothing is late.
type absence struct {
	since  time.Time // when a clock was last heard from, or should have decided what is late
	missed map[string]*caughtUp
	order  []string
}

// of is what is known of a schedule.
func (a *absence) of(key string) *caughtUp {
	one := a.missed[key]
	if one == nil {
		one = &caughtUp{}
		a.missed[key] = one
		a.order = append(a.order, key)
	}
	return one
}

type caughtUp struct {
	decided, enqueued int
	waiting           int             // missed too, and wait to be enqueued
	skipped           schedule.Reason // why the last that was skipped was
}

func (u *caughtUp) missed() int { return u.decided + u.waiting }

func (u *caughtUp) inWords(key string) string {
	text := fmt.Sprintf("%s missed %d, enqueued %d", key, u.missed(), u.enqueued)
	if u.waiting > 0 {
		text += fmt.Sprintf(", %d to follow in turn", u.waiting)
	}
	if u.enqueued == 0 && u.skipped != "" {
		text += fmt.Sprintf(" (skipped: %s)", u.skipped)
	}
	return text
}

// report passes on what was committed, for one hand at a time.
func (c *Clock) report(done schedule.Committed, now time.Time, decided []schedule.Decided) {
	c.reports.Lock()
	defer c.reports.Unlock()
	c.seen.Committed(done)
	c.reportCatchUp(now, decided)
}

// reportCatchUp counts what a committed batch caught up.
func (c *Clock) reportCatchUp(now time.Time, decided []schedule.Decided) {
	if c.absence == nil {
		return
	}
	for _, d := range decided {
		due := d.Decision.State.WaitingDue
		if len(d.Rows) > 0 {
			due = d.Rows[0].Due
		}
		if due.IsZero() || now.Sub(due) <= absenceAfter {
			continue
		}
		waiting := c.absence.waiting(d, now)
		if len(d.Rows) == 0 && waiting == 0 {
			continue // it waited before
		}
		one := c.absence.of(d.Schedule.Key)
		one.waiting = waiting
		for _, row := range d.Rows {
			one.decided += row.Count
			if row.Skipped == "" {
				one.enqueued++
			} else {
				one.skipped = row.Skipped
			}
		}
	}
}

// waiting is how many occurrences that came due in the absence a decision has left to
// be enqueued later, each in its turn.
func (a *absence) waiting(d schedule.Decided, now time.Time) int {
	timeline := d.Schedule.Timeline
	last, ok := timeline.LastDue(now)
	if d.Decision.State.Waiting == schedule.NotWaiting || !ok {
		return 0
	}
	after := d.Decision.State.Cursor
	if before, ok := timeline.LastDue(a.since); ok && before.At.After(after) {
		after = before.At // it waited before
	}
	return timeline.Count(after, last.At)
}

// namedInReport bounds how many schedules the line about an absence names.
const namedInReport = 10

// reportBack says in one line what an absence came to.
func (c *Clock) reportBack(now time.Time) {
	a := c.absence
	if a == nil {
		return
	}
	c.absence = nil
	var parts []string
	met, enqueued := 0, 0
	for _, key := range a.order {
		one := a.missed[key]
		met, enqueued = met+one.missed(), enqueued+one.enqueued
		if len(parts) < namedInReport {
			parts = append(parts, one.inWords(key))
		}
	}
	if rest := len(a.order) - len(parts); rest > 0 {
		parts = append(parts, fmt.Sprintf("and %d more schedules", rest))
	}
	if len(parts) == 0 {
		parts = []string{"nothing was missed"}
	}
	away := schedule.Duration(now.Sub(a.since).Round(time.Second))
	c.log.Info("was away "+away.String()+": "+strings.Join(parts, "; "), "missed", met, "enqueued", enqueued, "since", schedule.FormatInstant(a.since))
}

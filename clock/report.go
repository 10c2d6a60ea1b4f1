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
	since  time.Time
	missed map[string]*caughtUp
	order  []string
}

type caughtUp struct {
	met, enqueued int
	skipped       schedule.Reason // why the last that was skipped was
}

func (u *caughtUp) inWords(key string) string {
	text := fmt.Sprintf("%s missed %d, enqueued %d", key, u.met, u.enqueued)
	if u.enqueued == 0 {
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
		if len(d.Rows) == 0 || now.Sub(d.Rows[0].Due) <= absenceAfter {
			continue
		}
		for _, row := range d.Rows {
			one := c.absence.missed[d.Schedule.Key]
			if one == nil {
				one = &caughtUp{}
				c.absence.missed[d.Schedule.Key] = one
				c.absence.order = append(c.absence.order, d.Schedule.Key)
			}
			one.met += row.Count
			if row.Skipped == "" {
				one.enqueued++
			} else {
				one.skipped = row.Skipped
			}
		}
	}
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
	away := now.Sub(a.since).Round(time.Second)
	var parts []string
	met, enqueued := 0, 0
	for _, key := range a.order {
		one := a.missed[key]
		met, enqueued = met+one.met, enqueued+one.enqueued
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
	c.log.Info("was away "+schedule.Duration(away).String()+": "+strings.Join(parts, "; "), "missed", met, "enqueued", enqueued)
}

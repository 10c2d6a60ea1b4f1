package clock

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/punctual-dev/punctual/schedule"
)

// tick decides what is due on time, and then some of what is late, so that
// catching up never holds up the others. It says whether there may be more.
func (c *Clock) tick(ctx context.Context) (more bool, err error) {
	more, err = c.tickLane(ctx, schedule.LaneOnTime)
	if err != nil || time.Now().Before(c.nextLate) {
		return more, err
	}
	moreLate, err := c.tickLane(ctx, schedule.LaneLate)
	if !moreLate {
		c.nextLate = time.Now().Add(lateEvery)
	}
	return more || moreLate, err
}

// laneTime is how long batch after batch is decided before other things are
// looked at. A batch that takes longer alone is followed by a smaller one.
var laneTime = map[schedule.Lane]time.Duration{
	schedule.LaneOnTime: 500 * time.Millisecond,
	schedule.LaneLate:   100 * time.Millisecond, // meanwhile others are due on time
}

func (c *Clock) due(ctx context.Context, w schedule.Wanted) (schedule.Batch, error) {
	if now, ok := c.steady.counted(time.Now()); ok && w.Now.IsZero() {
		w.Now = now
	}
	w.Since = c.standby()
	b, err := c.store.Due(ctx, w)
	if err != nil {
		return b, fmt.Errorf("reading what is due: %w", err)
	}
	return b, nil
}

// decide decides a batch and commits it. It says how many schedules that took, since
// others may have been faster, and whether one of them has more to be done now.
func (c *Clock) decide(ctx context.Context, b schedule.Batch) (taken int, more bool, err error) {
	for id, reason := range b.Unreadable {
		if err := c.fail(ctx, id, fmt.Sprint(id), b.Now, reason); err != nil {
			return 0, false, err
		}
	}
	if len(b.Candidates) == 0 {
		return 0, false, nil
	}
	decided, err := c.decideAll(ctx, b)
	if err != nil {
		return 0, false, err
	}
	for _, d := range decided {
		more = more || d.More
	}
	taken, err = c.commit(ctx, b, decided)
	return taken, more, err
}

// decideAll decides a batch in one go. A schedule whose decision panics is put
// into error and the others are decided without it.
func (c *Clock) decideAll(ctx context.Context, b schedule.Batch) ([]schedule.Decided, error) {
	decided, err := decideSafely(b.Candidates, b.Groups)
	if err == nil {
		return decided, nil
	}
	var good []schedule.Candidate
	for _, candidate := range b.Candidates {
		if _, err := decideSafely([]schedule.Candidate{candidate}, b.Groups); err != nil {
			if err := c.fail(ctx, candidate.Schedule.ID, candidate.Schedule.Key, b.Now, err); err != nil {
				return nil, err
			}
			continue
		}
		good = append(good, candidate)
	}
	return decideSafely(good, b.Groups)
}

func decideSafely(candidates []schedule.Candidate, groups map[string]schedule.Group) (decided []schedule.Decided, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("deciding failed: %v", r)
		}
	}()
	return schedule.DecideBatch(candidates, groups), nil
}

// commit writes decisions down, and says of how many schedules. A batch that fails
// for its content is halved until the culprit stands alone.
func (c *Clock) commit(ctx context.Context, b schedule.Batch, decided []schedule.Decided) (taken int, err error) {
	if len(decided) == 0 {
		return 0, nil
	}
	// The transaction in hand is finished even if the clock is told to stop.
	finish, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
	defer cancel()
	done, err := c.store.Commit(finish, b, decided)
	switch {
	case err == nil:
		c.report(done, b.Now, decided)
		return done.Schedules, nil
	case c.store.Transient(err):
		return 0, fmt.Errorf("committing decisions: %w", err)
	case len(decided) == 1:
		return 1, c.fail(ctx, decided[0].Schedule.ID, decided[0].Schedule.Key, b.Now, err)
	}
	half := len(decided) / 2
	for _, part := range [][]schedule.Decided{decided[:half], decided[half:]} {
		n, err := c.commit(ctx, b, slices.Clone(part))
		if err != nil {
			return taken, err
		}
		taken += n
	}
	return taken, nil
}

const commitTimeout = 10 * time.Second

func (c *Clock) fail(ctx context.Context, id int64, key string, now time.Time, reason error) error {
	c.log.Error("a schedule cannot be decided; it is left in error and tried again in a minute", "schedule", key, "error", reason)
	return c.store.Fail(ctx, id, now, reason.Error())
}

// choreTime is how long a turn keeps house for before what is due is looked at
// again. All of it at once takes a busy database 15 ms and more, by which what is due
// meanwhile would be late.
const choreTime = 5 * time.Millisecond

// keepHouse copies outcomes, looks at those that wait, goes on with backfills and
// counts the clocks, about once a second. What does not fit into a turn comes in the
// next.
func (c *Clock) keepHouse(ctx context.Context) error {
	began := time.Now()
	if len(c.chores) == 0 {
		if began.Before(c.nextUpkeep) {
			return nil
		}
		c.nextUpkeep = began.Add(upkeepEvery)
		if c.rank > 0 {
			c.nextUpkeep = began.Add(standbyUpkeep * upkeepEvery)
		}
		c.chores = []func(context.Context) error{c.copyOutcomes, c.waiting, c.stepBackfills, c.countClocks}
	}
	for len(c.chores) > 0 && time.Since(began) < choreTime {
		if err := c.chores[0](ctx); err != nil {
			return err
		}
		c.chores = c.chores[1:]
	}
	return nil
}

func (c *Clock) stepBackfills(ctx context.Context) error {
	if _, err := c.upkeep.StepBackfills(ctx); err != nil {
		return fmt.Errorf("going on with backfills: %w", err)
	}
	return nil
}

func (c *Clock) countClocks(ctx context.Context) error {
	rank, clocks, err := c.upkeep.Rank(ctx)
	if err != nil {
		return fmt.Errorf("counting clocks: %w", err)
	}
	if c.rank, c.clocks = rank, clocks; rank == 0 {
		c.idle = 0
	}
	return nil
}

// copyTime bounds how long outcomes are copied before what is due is looked at
// again.
const copyTime = 100 * time.Millisecond

// copyOutcomes copies outcomes until there are none, or what is due has waited
// long enough: the rest comes right after that.
func (c *Clock) copyOutcomes(ctx context.Context) error {
	for limit := time.Now().Add(copyTime); ; {
		copied, err := c.upkeep.CopyOutcomes(ctx)
		if err != nil {
			return fmt.Errorf("copying outcomes: %w", err)
		}
		if copied == 0 {
			return nil
		}
		if !time.Now().Before(limit) {
			c.nextUpkeep = time.Now()
			return nil
		}
	}
}

// waiting decides those whose wait may be over.
func (c *Clock) waiting(ctx context.Context) error {
	b, err := c.store.Waiting(ctx, c.batch)
	if err != nil {
		return fmt.Errorf("reading what waits: %w", err)
	}
	_, _, err = c.decide(ctx, b)
	return err
}

func (c *Clock) rewind(ctx context.Context) error {
	n, err := c.upkeep.Rewind(ctx)
	if err != nil {
		return fmt.Errorf("setting schedules back to now: %w", err)
	}
	if n > 0 {
		c.log.Warn("the time was set back; what was decided beyond now is undone, what was enqueued stays", "schedules", n)
	}
	return nil
}

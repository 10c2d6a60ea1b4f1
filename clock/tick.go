package clock

import (
	"context"
	"errors"
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

// crowd is where a clock stands among those that are due in a lane, as long as
// they fill its batches.
type crowd struct {
	size int            // of the next batch; zero: there is no crowd
	next schedule.Batch // has been read, if it has candidates
	took time.Duration  // to decide the last batch
	rest bool           // its own share is done; what is left of the others' is not
}

// tickLane decides batch after batch of a lane, for a bounded time. While one is
// committed the next is read: what that rests on is looked at again when its turn
// comes, so to read it early may be in vain, but is never wrong.
//
// Several clocks have a share of a crowd each. One that is through with its own
// takes from all of what is left, since another may have died.
func (c *Clock) tickLane(ctx context.Context, lane schedule.Lane) (more bool, err error) {
	at := c.crowds[lane]
	delete(c.crowds, lane) // what is in hand is not kept beyond an error
	size, b := at.size, at.next
	if size == 0 {
		size = min(firstBatch, c.batch)
	}
	share := schedule.Share{Number: c.rank, Of: c.clocks}
	if at.rest {
		share = schedule.Share{}
	}
	if len(b.Candidates) == 0 {
		if b, err = c.first(ctx, lane, size, share); err != nil {
			return false, err
		}
	}
	took := at.took
	for end := time.Now().Add(laneTime[lane]); ; {
		if len(b.Candidates)+len(b.Unreadable) < size || ctx.Err() != nil {
			began := time.Now()
			more, err = c.decide(ctx, b)
			if took = time.Since(began); more && took > laneTime[lane] {
				// A few that catch up with much take long, too.
				c.crowds[lane] = crowd{size: c.following(len(b.Candidates), true), took: took}
			}
			return more, err
		}
		following := c.following(size, took > laneTime[lane])
		ahead := c.readAhead(ctx, schedule.Wanted{Lane: lane, Share: share, Limit: following, Offset: inShare(b, share)})
		began := time.Now()
		_, err = c.decide(ctx, b)
		took = time.Since(began)
		next := <-ahead
		if next.panicked != nil {
			panic(next.panicked)
		}
		if err = errors.Join(err, next.err); err != nil {
			return true, err
		}
		b, size = next.batch, following
		switch full := len(b.Candidates)+len(b.Unreadable) >= size; {
		case !full && share.Of > 1:
			c.crowds[lane] = crowd{size: size, took: took, rest: true}
			_, err = c.decide(ctx, b)
			return true, err
		case len(b.Candidates) == 0 || !time.Now().Before(end):
			c.crowds[lane] = crowd{size, b, took, at.rest}
			return true, nil
		}
		c.sleep(ctx, batchPause)
	}
}

// inShare counts the schedules of a batch that are in a share.
func inShare(b schedule.Batch, share schedule.Share) (n int) {
	for _, candidate := range b.Candidates {
		if share.Has(candidate.Schedule.ID) {
			n++
		}
	}
	for id := range b.Unreadable {
		if share.Has(id) {
			n++
		}
	}
	return n
}

// following is how many to decide after a batch of a size.
func (c *Clock) following(size int, tookLong bool) int {
	if tookLong {
		return max(size/2, 1)
	}
	return min(2*size, c.batch)
}

// first reads the batch to begin with. Whether there is a crowd is seen by what
// is due in all; the first clock takes that, and every other one of its share.
func (c *Clock) first(ctx context.Context, lane schedule.Lane, size int, share schedule.Share) (schedule.Batch, error) {
	w := schedule.Wanted{Lane: lane, Limit: size}
	b, err := c.due(ctx, w)
	if err != nil || c.rank == 0 || share.Of <= 1 || len(b.Candidates)+len(b.Unreadable) < size {
		return b, err
	}
	w.Share = share
	own, err := c.due(ctx, w)
	if err != nil || len(own.Candidates) < size {
		return b, err
	}
	return own, nil
}

func (c *Clock) due(ctx context.Context, w schedule.Wanted) (schedule.Batch, error) {
	w.Since = c.standby()
	b, err := c.store.Due(ctx, w)
	if err != nil {
		return b, fmt.Errorf("reading what is due: %w", err)
	}
	return b, nil
}

// batchAhead is a batch that was read early.
type batchAhead struct {
	batch    schedule.Batch
	err      error
	panicked any
}

func (c *Clock) readAhead(ctx context.Context, w schedule.Wanted) <-chan batchAhead {
	ahead := make(chan batchAhead, 1)
	go func() {
		var next batchAhead
		defer func() {
			// It is the caller's panic, and his to recover from.
			next.panicked = recover()
			ahead <- next
		}()
		next.batch, next.err = c.due(ctx, w)
	}()
	return ahead
}

// decide decides a batch and commits it. It says whether one of the schedules
// has more to be done now.
func (c *Clock) decide(ctx context.Context, b schedule.Batch) (more bool, err error) {
	for id, reason := range b.Unreadable {
		if err := c.fail(ctx, id, fmt.Sprint(id), b.Now, reason); err != nil {
			return false, err
		}
	}
	if len(b.Candidates) == 0 {
		return false, nil
	}
	decided, err := c.decideAll(ctx, b)
	if err != nil {
		return false, err
	}
	for _, d := range decided {
		more = more || d.More
	}
	return more, c.commit(ctx, b, decided)
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

// commit writes decisions down. A batch that fails for its content is halved
// until the culprit stands alone.
func (c *Clock) commit(ctx context.Context, b schedule.Batch, decided []schedule.Decided) error {
	if len(decided) == 0 {
		return nil
	}
	// The transaction in hand is finished even if the clock is told to stop.
	finish, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
	defer cancel()
	done, err := c.store.Commit(finish, b, decided)
	switch {
	case err == nil:
		c.seen.Committed(done)
		c.reportCatchUp(b.Now, decided)
		return nil
	case c.store.Transient(err):
		return fmt.Errorf("committing decisions: %w", err)
	case len(decided) == 1:
		return c.fail(ctx, decided[0].Schedule.ID, decided[0].Schedule.Key, b.Now, err)
	}
	half := len(decided) / 2
	for _, part := range [][]schedule.Decided{decided[:half], decided[half:]} {
		if err := c.commit(ctx, b, slices.Clone(part)); err != nil {
			return err
		}
	}
	return nil
}

const commitTimeout = 10 * time.Second

func (c *Clock) fail(ctx context.Context, id int64, key string, now time.Time, reason error) error {
	c.log.Error("a schedule cannot be decided; it is left in error and tried again in a minute", "schedule", key, "error", reason)
	return c.store.Fail(ctx, id, now, reason.Error())
}

// keepHouse looks at those that wait, goes on with backfills and copies
// outcomes, about once a second.
func (c *Clock) keepHouse(ctx context.Context) error {
	if time.Now().Before(c.nextUpkeep) {
		return nil
	}
	c.nextUpkeep = time.Now().Add(upkeepEvery)
	if c.rank > 0 {
		c.nextUpkeep = time.Now().Add(standbyUpkeep * upkeepEvery)
	}
	if err := c.copyOutcomes(ctx); err != nil {
		return fmt.Errorf("copying outcomes: %w", err)
	}
	if err := c.waiting(ctx); err != nil {
		return err
	}
	if _, err := c.upkeep.StepBackfills(ctx); err != nil {
		return fmt.Errorf("going on with backfills: %w", err)
	}
	rank, clocks, err := c.upkeep.Rank(ctx)
	if err != nil {
		return fmt.Errorf("counting clocks: %w", err)
	}
	c.rank, c.clocks = rank, clocks
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
		if err != nil || copied == 0 {
			return err
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
	_, err = c.decide(ctx, b)
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

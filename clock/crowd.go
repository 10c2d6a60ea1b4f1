package clock

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/punctual-dev/punctual/schedule"
)

// crowd is where a clock stands among those that are due in a lane, as long as
// they fill its batches.
type crowd struct {
	size int  // of the next batch
	rest bool // its own shares are done; what is left of others' is not
}

// after is the crowd behind a batch: the next is larger, unless this one took long.
// It grows by less where it might be too long then, and where it is of others'
// shares, which they may have in hand.
func (at crowd) after(took, long time.Duration, most int) crowd {
	switch {
	case took > long:
		at.size = max(at.size/2, 1)
	case at.rest || took > long/4:
		at.size = min(2*at.size, most)
	default:
		at.size = min(4*at.size, most)
	}
	return at
}

// aloneFor is how long the first clock takes from all of a crowd: half as long as the
// others leave it to that one, so that most of what it has in hand then is decided when
// they look.
const aloneFor = standbyWait / 2

// firstBatch is the size of the first batch of a crowd.
func (c *Clock) firstBatch() int { return min(firstBatch, c.batch) }

// tickLane decides what is due in a lane, for a bounded time.
//
// What fills a batch is a crowd, and is decided by several hands. The others leave it to
// the first clock for a moment; of what is there still then each decides a share, so that
// they seldom read the same. A clock that is through with its own takes from all of what
// is left, since another may have died.
func (c *Clock) tickLane(ctx context.Context, lane schedule.Lane) (more bool, err error) {
	end := time.Now().Add(laneTime[lane])
	at, found := c.crowds[lane]
	delete(c.crowds, lane) // it is not kept beyond an error
	if found && !at.rest {
		return true, c.decideShare(ctx, lane, at, end, schedule.Batch{})
	}
	if !found {
		at = crowd{size: c.firstBatch()}
	}
	b, err := c.due(ctx, schedule.Wanted{Lane: lane, Limit: at.size})
	if err != nil {
		return false, err
	}
	awake := lane == schedule.LaneOnTime && b.Len() > 0 && c.rehearsal.awake()
	full := b.Len() >= at.size
	crowded := full && !at.rest
	if crowded && c.rank > 0 {
		return true, c.decideShare(ctx, lane, at, end, schedule.Batch{}) // others have these in hand
	}
	if crowded && awake && len(b.Groups) == 0 {
		// No hand is slow to begin, so they hold the first up by little. Where places are
		// limited they would reckon with those that the first take.
		return true, c.decideShare(ctx, lane, at, end, b)
	}
	if lane == schedule.LaneOnTime && !crowded {
		c.flows = b.Len() >= flow
	}
	began := time.Now()
	if _, more, err = c.decide(ctx, b); err != nil {
		return false, err
	}
	took := time.Since(began)
	switch {
	case crowded:
		// Until here nothing has held up the first of them.
		at = at.after(took, laneTime[lane], c.batch)
		if time.Now().Before(end) {
			return true, c.decideShare(ctx, lane, at, end, schedule.Batch{Last: b.Last})
		}
		c.crowds[lane] = at
	case full || more && took > laneTime[lane]: // a few that catch up with much take long, too
		c.crowds[lane] = crowd{size: max(len(b.Candidates), 1), rest: true}.after(took, laneTime[lane], c.batch)
	}
	return full || more, nil
}

// decideShare decides a crowd, or this clock's share of it, by several hands: while the
// database writes for one, the next batch is read, decided and put together. The first
// hand begins with what has been read, the others behind that.
func (c *Clock) decideShare(ctx context.Context, lane schedule.Lane, at crowd, end time.Time, read schedule.Batch) error {
	var (
		hands = c.store.Pace().Hands
		all   = make([]handed, hands)
		line  = &line{wanted: schedule.Wanted{Lane: lane, Behind: read.Last}}
	)
	if c.rank == 0 {
		line.alone = read.Last.Due.Add(aloneFor)
	}
	together(hands, func(i int) {
		h, first := hand{clock: c, crowd: at, line: line}, schedule.Batch{}
		switch {
		case i == 0:
			first = read
		case read.Len() > 0:
			h.crowd = at.after(0, laneTime[lane], c.batch) // a rehearsal that takes long is called off
		}
		all[i] = h.work(ctx, first, end)
	})
	at.rest = true
	var failed error
	for _, done := range all {
		if !errors.Is(failed, done.err) {
			failed = errors.Join(failed, done.err)
		}
		if !done.crowd.rest {
			at.rest, at.size = false, done.crowd.size
		}
	}
	if at.rest {
		// What another clock has in hand is not to be decided by the thousand.
		at.size = c.firstBatch()
	}
	if failed == nil {
		c.crowds[lane] = at
	}
	return failed
}

// together has a number of hands do something at once, and waits for them. If one
// panics it is the caller's panic, and his to recover from.
func together(hands int, do func(hand int)) {
	var (
		busy   sync.WaitGroup
		panics = make([]any, hands)
	)
	for i := range hands {
		busy.Go(func() {
			defer func() { panics[i] = recover() }()
			do(i)
		})
	}
	busy.Wait()
	for _, panicked := range panics {
		if panicked != nil {
			panic(panicked)
		}
	}
}

// line is a crowd, or this clock's share of it, that hands take batches of, one behind
// the other.
type line struct {
	mu     sync.Mutex
	wanted schedule.Wanted
	alone  time.Time // from then on it is the share
	ended  bool      // nothing was behind what had been taken
	failed error     // what one was told, the others need not ask
}

// next takes a batch. What has been taken is not looked at again: it is either
// decided, and to find that out takes a database as long as to read it, or in hand.
func (l *line) next(ctx context.Context, c *Clock, size int) (schedule.Batch, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended || l.failed != nil {
		return schedule.Batch{}, l.failed
	}
	l.wanted.Limit = size
	if !c.now().Before(l.alone) {
		l.wanted.Share = schedule.Share{Number: c.rank, Of: max(c.clocks, c.rank+1)}
	}
	b, err := c.due(ctx, l.wanted)
	l.ended, l.failed = b.Last == schedule.Place{}, err
	if !l.ended {
		l.wanted.Behind = b.Last
	}
	return b, err
}

// hand decides batch after batch.
type hand struct {
	clock *Clock
	crowd crowd
	line  *line
}

// handed is what a hand came to.
type handed struct {
	crowd crowd
	err   error
}

// work decides what has been read, if anything, and then batch after batch.
func (h *hand) work(ctx context.Context, read schedule.Batch, end time.Time) handed {
	for {
		b := read
		if read = (schedule.Batch{}); b.Len() == 0 {
			var err error
			if b, err = h.line.next(ctx, h.clock, h.crowd.size); err != nil {
				return handed{h.crowd, err}
			}
			h.crowd.rest = b.Len() < h.crowd.size
		}
		began := time.Now()
		taken, _, err := h.clock.decide(ctx, b)
		h.crowd = h.crowd.after(time.Since(began), laneTime[h.line.wanted.Lane], h.clock.batch)
		if err != nil || h.crowd.rest || ctx.Err() != nil || !time.Now().Before(end) {
			return handed{h.crowd, err}
		}
		between := h.clock.store.Pace().Between
		if taken == 0 {
			between = max(between, batchPause) // somebody holds them all, and is not helped by haste
		}
		if between > 0 {
			pause(ctx, between)
		}
	}
}

// pause waits, whatever is heard meanwhile: the next turn looks at all of that.
func pause(ctx context.Context, length time.Duration) {
	select {
	case <-time.After(length):
	case <-ctx.Done():
	}
}

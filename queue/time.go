package queue

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/punctual-dev/punctual/database"
)

// databaseTime is the database's clock, as the host's own tells it. What a worker
// writes down, and compares with what a clock wrote, is of that time: else a host
// that is wrong by an hour would find every job expired, or start retries an hour
// late. It is what River asks, too.
type databaseTime struct{ ahead atomic.Int64 } // of the host's, in nanoseconds

// Now is the database's time.
func (t *databaseTime) Now() time.Time { return time.Now().Add(time.Duration(t.ahead.Load())) }

// NowOrNil is nil: statements ask the database themselves.
func (t *databaseTime) NowOrNil() *time.Time { return nil }

// compare asks the database; one that is away leaves what is known.
func (t *databaseTime) compare(ctx context.Context, db *database.Database) {
	if db.Kind == database.SQLite {
		return // its time is the host's
	}
	asked := time.Now()
	told, err := db.Now(ctx)
	answered := time.Now()
	if err == nil && answered.Sub(asked) < slowestAnswer {
		t.ahead.Store(int64(difference(asked, told, answered)))
	}
}

// slowestAnswer tells nothing of a difference: who asked may have been stopped
// meanwhile.
const slowestAnswer = time.Second

// difference is how far the database's clock is ahead of the host's, zero if no
// farther than hosts that keep good time may be apart.
func difference(asked, told, answered time.Time) time.Duration {
	const goodTime = 100 * time.Millisecond
	took := answered.Sub(asked)
	ahead := told.Sub(asked.Add(took / 2).Round(0)) // by the clock on the wall
	if ahead.Abs() <= goodTime+took/2 {
		return 0
	}
	return ahead
}

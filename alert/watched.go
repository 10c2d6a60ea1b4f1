package alert

import "time"

// Watched is what one owner of schedules, usually a file, wants to be told.
type Watched struct {
	Owner    string
	Settings Settings
	// Version is that of the row: what is decided upon it holds only while it
	// stands, so that of several processes one tells.
	Version    int64
	DeclaredAt time.Time
	LookedAt   time.Time
}

const (
	// LookEvery is how often one of all processes looks.
	LookEvery = 10 * time.Second
	// lookBack is how far a look goes back behind the one before: what was decided
	// then may have been committed later, and a look may have ended with its
	// process.
	lookBack = 10 * time.Minute
)

// Since is how far back a look goes: what happened before anybody wanted to be
// told is not told.
func (w Watched) Since() time.Time {
	if since := w.LookedAt.Add(-lookBack); since.After(w.DeclaredAt) {
		return since
	}
	return w.DeclaredAt
}

// Delivery is a message on its way to one recipient.
type Delivery struct {
	ID        int64
	Owner     string
	At        time.Time // when the message was written
	Recipient string
	Way       string
	Body      string // a Message as JSON
	Tries     int    // this one included
}

const (
	firstRetry   = 5 * time.Second
	longestRetry = 10 * time.Minute
	// giveUpAfter is when nobody waits for a message any more.
	giveUpAfter = 24 * time.Hour
)

// NextTry is when a delivery that failed is tried again; false: never.
func (d Delivery) NextTry(now time.Time) (time.Time, bool) {
	wait := longestRetry
	if d.Tries < 8 { // the eighth would wait longer
		wait = min(longestRetry, firstRetry<<max(0, d.Tries-1))
	}
	at := now.Add(wait)
	return at, at.Sub(d.At) <= giveUpAfter
}

package schedule_test

import "time"

// phase is where a job stands.
type phase int

const (
	available phase = iota
	running
	resting // waits for a retry
	ended
)

// course is how a job goes: by itself, if it has durations, else as a test says.
type course struct {
	phase phase
	next  time.Time // when the phase ends by itself; zero: never

	runs     time.Duration // how long each attempt takes
	failures int           // how many attempts fail
	waits    time.Duration // between a failure and the next attempt
	stops    time.Duration // after being asked to; negative: never
	asked    bool
}

func (c course) active() bool { return c.phase == available || c.phase == running }

// advance goes on up to an instant.
func (c *course) advance(now time.Time) {
	for !c.next.IsZero() && !c.next.After(now) {
		switch c.phase {
		case available, resting:
			c.phase, c.next = running, c.next.Add(c.runs)
		case running:
			if c.failures == 0 || c.asked {
				c.end()
				return
			}
			c.failures--
			c.phase, c.next = resting, c.next.Add(c.waits)
		}
	}
}

func (c *course) end() { c.phase, c.next = ended, time.Time{} }

// ask asks a running job to stop.
func (c *course) ask(now time.Time) {
	if c.phase != running || c.asked {
		return
	}
	c.asked = true
	if c.runs > 0 && c.stops >= 0 && now.Add(c.stops).Before(c.next) {
		c.next = now.Add(c.stops)
	}
}

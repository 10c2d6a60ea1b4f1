package punctual

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/riverqueue/river"

	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/queue"
	"github.com/punctual-dev/punctual/schedule"
)

// Schedule declares that a job with these arguments runs at every instant of a
// when: an interval ("every 5s"), a phrase ("daily at 09:00") or a cron
// expression. The key names the schedule for good. Faults are told by Run.
func (p *Punctual) Schedule(key, when string, args river.JobArgs, options ...ScheduleOption) {
	data, err := json.Marshal(args)
	if err != nil {
		p.faults = append(p.faults, fmt.Errorf("the arguments of %q: %w", key, err))
		return
	}
	d := schedule.Declaration{
		Key:      key,
		When:     calendar.When{Expressions: []string{when}},
		Job:      schedule.Job{Work: &schedule.Work{Kind: args.Kind(), Args: data}},
		Policies: schedule.DefaultPolicies(),
	}
	for _, option := range options {
		option(&d)
	}
	p.declared = append(p.declared, d)
}

// ScheduleOption is a setting of one schedule.
type ScheduleOption func(*schedule.Declaration)

// In sets the time zone, an IANA name; the default is UTC.
func In(zone string) ScheduleOption {
	return func(d *schedule.Declaration) { d.When.Zone = zone }
}

// And adds another when; the instants of all are merged.
func And(when string) ScheduleOption {
	return func(d *schedule.Declaration) { d.When.Expressions = append(d.When.Expressions, when) }
}

// Jitter spreads the schedule's dues by a stable offset below a width.
func Jitter(width time.Duration) ScheduleOption {
	return func(d *schedule.Declaration) { d.Jitter = width }
}

// Describe says in words what the schedule is for.
func Describe(text string) ScheduleOption {
	return func(d *schedule.Declaration) { d.Description = text }
}

// Tags are what the schedule can be found and paused by.
func Tags(tags ...string) ScheduleOption {
	return func(d *schedule.Declaration) { d.Tags = tags }
}

// Policies sets any of the schedule's policies: catch-up, overlap, queue,
// priority, retries, and so on.
func Policies(set func(*schedule.Policies)) ScheduleOption {
	return func(d *schedule.Declaration) { set(&d.Policies) }
}

// Retries is how often a failed job is tried again.
func Retries(n int) ScheduleOption {
	return Policies(func(p *schedule.Policies) { p.Retries = n })
}

// Timeout bounds one attempt.
func Timeout(limit time.Duration) ScheduleOption {
	return Policies(func(p *schedule.Policies) { p.Timeout = schedule.Duration(limit) })
}

// CatchUp says what becomes of nominals that fell due while no clock ran.
func CatchUp(policy schedule.CatchUp) ScheduleOption {
	return Policies(func(p *schedule.Policies) { p.CatchUp = policy })
}

// Overlap says what happens when a nominal is due while a job of the schedule
// is active.
func Overlap(policy schedule.Overlap) ScheduleOption {
	return Policies(func(p *schedule.Policies) { p.Overlap = policy })
}

// Was renames a schedule, with its history.
func Was(key string) ScheduleOption {
	return func(d *schedule.Declaration) { d.Was = key }
}

// Told gives the facts of the occurrence a job was made for: its name, which is
// its idempotency key, its nominal, and the interval it covers.
func Told[T river.JobArgs](job *river.Job[T]) (schedule.Told, error) {
	return queue.ToldOf(job.JobRow)
}

func baseName(path string) string {
	return strings.TrimSuffix(filepath.Base(path), ".exe")
}

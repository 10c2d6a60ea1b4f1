package punctual

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/riverqueue/river"

	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/queue"
	"github.com/punctual-dev/punctual/schedule"
)

// Schedule declares that a job with these arguments runs at every instant of a
// when: an interval ("every 5s"), a phrase ("daily at 09:00") or a cron
// expression ("*/5 * * * *"). The key names the schedule and its history for
// good.
//
// The arguments are stored with the schedule, and each of its jobs gets them.
// If they have InsertOpts, its Queue, Priority and MaxAttempts are the
// schedule's unless options say otherwise; where River's unique jobs would be
// used, Overlap says what is to happen.
//
// Faults are told by Apply, Run and RunClock, all at once.
func (p *Punctual) Schedule(key, when string, args river.JobArgs, options ...ScheduleOption) {
	d, err := declare(key, when, args)
	if err != nil {
		p.faults = append(p.faults, fmt.Errorf("schedule %q: %w", key, err))
		return
	}
	for _, option := range options {
		option(&d)
	}
	p.declared = append(p.declared, d)
}

func declare(key, when string, args river.JobArgs) (schedule.Declaration, error) {
	if args == nil || reflect.ValueOf(args).Kind() == reflect.Pointer && reflect.ValueOf(args).IsNil() {
		return schedule.Declaration{}, fmt.Errorf("the job's arguments are nil; give a value, such as Report{}")
	}
	data, err := json.Marshal(args)
	if err != nil {
		return schedule.Declaration{}, fmt.Errorf("the job's arguments cannot be stored: %w", err)
	}
	d := schedule.Declaration{
		Key:      key,
		When:     calendar.When{Expressions: []string{when}},
		Job:      schedule.Job{Work: &schedule.Work{Kind: args.Kind(), Args: data}},
		Policies: schedule.DefaultPolicies(),
	}
	if with, ok := args.(river.JobArgsWithInsertOpts); ok {
		insert := with.InsertOpts()
		if insert.Queue != "" {
			d.Policies.Queue = insert.Queue
		}
		if insert.Priority > 0 {
			d.Policies.Priority = insert.Priority
		}
		if insert.MaxAttempts > 0 {
			d.Policies.Retries = insert.MaxAttempts - 1
		}
	}
	return d, nil
}

// ScheduleOption is a setting of one schedule.
type ScheduleOption func(*schedule.Declaration)

// In sets the time zone, an IANA name such as "Europe/Paris"; the default is
// UTC.
func In(zone string) ScheduleOption {
	return func(d *schedule.Declaration) { d.When.Zone = zone }
}

// And adds another when; the instants of all are merged.
func And(when string) ScheduleOption {
	return func(d *schedule.Declaration) { d.When.Expressions = append(d.When.Expressions, when) }
}

// NotBefore leaves out what lies before an instant.
func NotBefore(instant time.Time) ScheduleOption {
	return func(d *schedule.Declaration) { d.When.NotBefore = instant }
}

// NotAfter leaves out what lies after an instant.
func NotAfter(instant time.Time) ScheduleOption {
	return func(d *schedule.Declaration) { d.When.NotAfter = instant }
}

// Except leaves out local dates, public holidays for example.
func Except(dates ...calendar.Date) ScheduleOption {
	return func(d *schedule.Declaration) { d.When.Except = append(d.When.Except, dates...) }
}

// Jitter spreads schedules that are due at one instant: each is late by a stable
// time of its own, less than the width.
func Jitter(width time.Duration) ScheduleOption {
	return func(d *schedule.Declaration) { d.Jitter = width }
}

// Describe says in words what the schedule is for.
func Describe(text string) ScheduleOption {
	return func(d *schedule.Declaration) { d.Description = text }
}

// Tags are what the schedule can be found and paused by.
func Tags(tags ...string) ScheduleOption {
	return func(d *schedule.Declaration) { d.Tags = append(d.Tags, tags...) }
}

// Retries is how often a failed job is tried again; the default is never.
func Retries(n int) ScheduleOption {
	return Policies(func(p *schedule.Policies) { p.Retries = n })
}

// Backoff is how long a failed job waits before it is tried again: at first the
// initial time, then twice as long each time, up to the longest. The default is
// 10 seconds to an hour.
func Backoff(initial, longest time.Duration) ScheduleOption {
	return Policies(func(p *schedule.Policies) {
		p.Backoff = schedule.Backoff{Kind: schedule.BackoffExponential, Initial: schedule.Duration(initial), Max: schedule.Duration(longest)}
	})
}

// Timeout bounds one attempt: its context ends then, with the cause ErrTimeout.
// The default is no timeout.
func Timeout(limit time.Duration) ScheduleOption {
	return Policies(func(p *schedule.Policies) { p.Timeout = schedule.Duration(limit) })
}

// CatchUp says what becomes of nominals that fell due while no clock ran:
// schedule.CatchUpLatest (the default), CatchUpAll or CatchUpNone.
func CatchUp(policy schedule.CatchUp) ScheduleOption {
	return Policies(func(p *schedule.Policies) { p.CatchUp = policy })
}

// Overlap says what happens when a nominal is due while a job of the schedule
// is active: schedule.OverlapSkip (the default), OverlapWait, OverlapQueue,
// OverlapCancel or OverlapAllow.
func Overlap(policy schedule.Overlap) ScheduleOption {
	return Policies(func(p *schedule.Policies) { p.Overlap = policy })
}

// Queue names the queue that the jobs stand in; the default is "default".
func Queue(name string) ScheduleOption {
	return Policies(func(p *schedule.Policies) { p.Queue = name })
}

// Policies sets any of the schedule's policies, also those that have no option
// of their own: priority, expires, limit, grace, and so on.
func Policies(set func(*schedule.Policies)) ScheduleOption {
	return func(d *schedule.Declaration) { set(&d.Policies) }
}

// Was renames a schedule, with its history: the key it had before.
func Was(key string) ScheduleOption {
	return func(d *schedule.Declaration) { d.Was = key }
}

// The causes with which the context of a job ends; context.Cause tells them
// apart.
var (
	// ErrTimeout: the attempt ran into the schedule's timeout.
	ErrTimeout = queue.ErrTimeout
	// ErrCancelled: somebody cancelled the job.
	ErrCancelled = queue.ErrCancelled
	// ErrStopping: the worker stops. A job that returns an error then is given
	// back to the queue, and the attempt does not count.
	ErrStopping = queue.ErrStopping
	// ErrLost: the worker was taken for dead, and others run the job by now.
	ErrLost = queue.ErrLost
)

// Told gives the facts of the occurrence a job was made for: its name, which is
// its idempotency key, its nominal, and the interval it covers. It is an error
// to ask for those of a job that no schedule made.
//
// What is known besides is where River and Go have it: the number of the
// attempt is job.Attempt, and the deadline that of the context.
func Told[T river.JobArgs](job *river.Job[T]) (schedule.Told, error) {
	return queue.ToldOf(job.JobRow)
}

// Progress says how far the running job of a context is, a fraction from 0 to 1,
// and what it is at; `punctual runs show` and the dashboard show it. It may be
// called as often as one likes: the latest is written down once a second at most,
// and once more when the attempt ends. It cannot fail the job.
func Progress(ctx context.Context, fraction float64, note string) { queue.Report(ctx, fraction, note) }

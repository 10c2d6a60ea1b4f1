package store

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/queue"
	"github.com/punctual-dev/punctual/schedule"
)

// TriggerOptions say how a job is made by hand.
type TriggerOptions struct {
	Force bool // in spite of overlap and limit
	// Args replace arguments of the job: those of a Go worker, or the
	// environment of a command or a request.
	Args map[string]string
	// IdempotencyKey makes a repeat within a day return the first result.
	IdempotencyKey string
	Actor          Actor
}

// Triggered is what came of a trigger.
type Triggered struct {
	Name     string `json:"occurrence"` // key!id
	JobID    int64  `json:"job_id,omitempty"`
	Refused  string `json:"refused,omitempty"` // why no job was made
	Blocker  int64  `json:"blocker_job_id,omitempty"`
	Repeated bool   `json:"repeated,omitempty"` // the idempotency key was used before
}

// idempotencyKept is how long a repeat of a trigger is recognised.
const idempotencyKept = 24 * time.Hour

// Trigger makes one job of a schedule now, beside what the clock decides, or
// records why not.
func (s *Store) Trigger(ctx context.Context, key string, o TriggerOptions) (Triggered, error) {
	ids, err := s.scheduleIDs(ctx, key)
	if err != nil {
		return Triggered{}, err
	}
	if fault := validIdempotencyKey(o.IdempotencyKey); fault != "" {
		return Triggered{}, fmt.Errorf("triggering %q: %w %s", key, ErrIdempotencyKey, fault)
	}
	var result Triggered
	const attempts = 5 // somebody else may take the last place in between
	for range attempts {
		var batch schedule.Batch
		if batch, err = s.ReadSchedules(ctx, ids); err != nil {
			return Triggered{}, err
		}
		if reason := batch.Unreadable[ids[0]]; reason != nil {
			return Triggered{}, fmt.Errorf("triggering %q: %w", key, reason)
		}
		if err = errGone; len(batch.Candidates) == 0 {
			continue // recomputed just now, under another tzdata
		}
		err = s.edit(ctx, func(e *edit) error {
			var err error
			result, err = e.trigger(batch.Candidates[0], batch.Groups, o)
			return err
		})
		if !errors.Is(err, errGone) {
			break
		}
	}
	if errors.Is(err, errGone) {
		err = fmt.Errorf("it is being changed, or was written by a newer version; try again")
	}
	if err != nil {
		return Triggered{}, fmt.Errorf("triggering %q: %w", key, err)
	}
	return result, nil
}

// ErrIdempotencyKey begins what is wrong with a key that nobody can use.
var ErrIdempotencyKey = errors.New("the idempotency key")

// validIdempotencyKey says what is wrong with a key; nothing is wrong with none.
func validIdempotencyKey(key string) (fault string) {
	const longest = 200
	if len(key) > longest {
		return fmt.Sprintf("is %d bytes long; at most %d are allowed", len(key), longest)
	}
	if strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "has characters that are not allowed; allowed are letters, digits and signs of ASCII, without spaces"
	}
	return ""
}

func (e *edit) trigger(c schedule.Candidate, groups map[string]schedule.Group, o TriggerOptions) (Triggered, error) {
	// The schedule's row orders this trigger among the clock's decisions and
	// other triggers of the schedule.
	var version int64
	if err := e.tx.QueryRow(e.ctx, "SELECT version FROM punctual_due WHERE schedule_id = $1 FOR UPDATE", c.Schedule.ID).Scan(&version); err != nil {
		return Triggered{}, err
	}
	id := triggerID(o.IdempotencyKey)
	name := c.Schedule.Key + "!" + id
	if o.IdempotencyKey != "" {
		if before, found, err := e.triggeredBefore(c.Schedule.ID, id); found || err != nil {
			before.Name = name
			return before, err
		}
	}
	if version != c.Version {
		return Triggered{}, errGone
	}
	c.Facts.Now = e.now
	limit := c.Schedule.Policies.Limit
	if limit != "" {
		// What waits for a place was there first.
		if groups[limit].Earliest.IsZero() {
			c.Facts.Places = groups[limit].Free
		}
	}
	row, why := schedule.DecideTrigger(c.Schedule, c.State, c.Facts, o.Force)
	result := Triggered{Name: name, Refused: why, Blocker: row.Blocker}
	if row.Skipped == "" {
		if limit != "" && !o.Force {
			if err := e.store.takePlaces(e.ctx, e.tx, []string{limit}, map[string]int{limit: 1}); err != nil {
				return result, err
			}
		}
		job, err := withArgs(c.Schedule.Job, o.Args)
		if err != nil {
			return result, err
		}
		one := *c.Schedule
		one.Job = job
		ids, err := e.store.queue.InsertTx(e.ctx, e.tx, []queue.Job{jobOf(&one, row, name, e.now, true)})
		if err != nil {
			return result, err
		}
		result.JobID = ids[0]
		// Decisions read before this one do not know of the job.
		if _, err := e.tx.Exec(e.ctx, `UPDATE punctual_due SET version = version + 1 WHERE schedule_id = $1`, c.Schedule.ID); err != nil {
			return result, err
		}
	}
	row.Note = why
	values := occurrenceRow(c.Schedule.ID, row, origin{name: originTrigger, trigger: id, author: string(o.Actor)}, result.JobID, e.now)
	if err := e.tx.InsertRows(e.ctx, "punctual_occurrence", occurrenceColumns, [][]any{values}); err != nil {
		return result, err
	}
	return result, e.record(o.Actor, "trigger", c.Schedule.ID, name, why)
}

// triggerID is fresh, or drawn from the idempotency key.
func triggerID(key string) string {
	if key != "" {
		return "k-" + key
	}
	return strings.ToLower(rand.Text()[:12])
}

// triggeredBefore finds the trigger an idempotency key made within the last
// day; one older than that gives its name up.
func (e *edit) triggeredBefore(scheduleID int64, id string) (t Triggered, found bool, err error) {
	var (
		row      int64
		decided  time.Time
		job      int64
		schedule int64
	)
	err = e.tx.QueryRow(e.ctx, `SELECT id, schedule_id, decided_at, coalesce(job_id, 0), note, blocker_job_id FROM punctual_occurrence
		WHERE origin = 'trigger' AND trigger_id = $1`, id).Scan(&row, &schedule, &decided, &job, &t.Refused, &t.Blocker)
	if err == database.ErrNoRows {
		return t, false, nil
	}
	if err != nil {
		return t, false, err
	}
	if e.now.Sub(decided) < idempotencyKept {
		if schedule != scheduleID {
			return t, false, fmt.Errorf("the idempotency key was used for another schedule within the last day")
		}
		t.JobID, t.Repeated = job, true
		return t, true, nil
	}
	_, err = e.tx.Exec(e.ctx, `UPDATE punctual_occurrence SET trigger_id = $2 WHERE id = $1`, row, fmt.Sprintf("%s-%d", id, row))
	return t, false, err
}

// withArgs is a job with some of its arguments replaced.
func withArgs(job schedule.Job, args map[string]string) (schedule.Job, error) {
	if len(args) == 0 {
		return job, nil
	}
	switch {
	case job.Run != nil:
		command := *job.Run
		command.Env = merged(command.Env, args)
		job.Run = &command
	case job.HTTP != nil:
		request := *job.HTTP
		request.Env = merged(request.Env, args)
		job.HTTP = &request
	case job.Work != nil:
		work := *job.Work
		values := map[string]any{}
		if len(work.Args) > 0 {
			if err := json.Unmarshal(work.Args, &values); err != nil {
				return job, fmt.Errorf("its arguments cannot be read: %w", err)
			}
		}
		for name, text := range args {
			var value any
			if json.Unmarshal([]byte(text), &value) != nil {
				value = text
			}
			values[name] = value
		}
		work.Args, _ = json.Marshal(values)
		job.Work = &work
	}
	d := schedule.Declaration{Key: "trigger", Job: job, Policies: schedule.DefaultPolicies()}
	for _, fault := range d.Validate() {
		if strings.HasPrefix(fault.Field, "env.") || strings.HasPrefix(fault.Field, "job.") {
			return job, fault
		}
	}
	return job, nil
}

func merged(base, over map[string]string) map[string]string {
	all := map[string]string{}
	for _, values := range []map[string]string{base, over} {
		maps.Copy(all, values)
	}
	return all
}

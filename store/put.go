package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/schedule"
)

// ErrExists says that there is a schedule where a new one was to be.
var ErrExists = errors.New("there is such a schedule already")

// ChangedError says that a schedule is not as it was when it was read.
type ChangedError struct {
	Key     string
	Version int64 // that it has now
}

func (e *ChangedError) Error() string {
	return fmt.Sprintf("%q has been changed meanwhile and is at version %d: read it again, and make the change to that", e.Key, e.Version)
}

// OwnedError says that a schedule is another's to edit.
type OwnedError struct {
	Key   string
	Owner schedule.Owner
}

func (e *OwnedError) Error() string {
	return fmt.Sprintf("%q belongs to %s: edit it there; here it can be paused, triggered and backfilled", e.Key, e.Owner)
}

// AnyVersion edits a schedule whatever its version.
const AnyVersion int64 = 0

// PutOptions say under which conditions one schedule is written.
type PutOptions struct {
	Owner schedule.Owner
	// Create wants the key to be free; otherwise the schedule has to exist.
	Create bool
	// Version is the one that was read; AnyVersion: whichever.
	Version int64
	Actor   Actor
}

// Put creates or edits one schedule, and returns what it changed and the
// schedule's version after it. It fails with ErrExists, ErrNotFound, a
// *ChangedError, an *OwnedError, or a *RefusedError where the declaration has
// faults. A deleted schedule of the key goes on with its history.
func (s *Store) Put(ctx context.Context, d schedule.Declaration, o PutOptions) (schedule.Change, int64, error) {
	if faults := d.Validate(); len(faults) > 0 {
		return schedule.Change{}, 0, &RefusedError{faults}
	}
	var (
		change  schedule.Change
		version int64
	)
	err := s.edit(ctx, func(e *edit) error {
		if err := e.declareAlone(); err != nil {
			return err
		}
		existing, err := e.concerned([]schedule.Declaration{{Key: d.Key}}, schedule.PlanOptions{})
		if err != nil {
			return err
		}
		if err := o.allow(d.Key, existing); err != nil {
			return err
		}
		plan := schedule.PlanOptions{Owner: o.Owner}
		changes, faults := schedule.Plan(existing, []schedule.Declaration{d}, plan)
		if len(faults) > 0 {
			return &RefusedError{faults}
		}
		change = changes[0]
		if err := e.apply(change, ApplyOptions{PlanOptions: plan, Actor: o.Actor}); err != nil {
			return err
		}
		return e.tx.QueryRow(e.ctx, "SELECT version FROM punctual_schedule WHERE key = $1", d.Key).Scan(&version)
	})
	if err != nil {
		return schedule.Change{}, 0, err
	}
	return change, version, nil
}

// allow compares the conditions with what stands under the key, if anything.
func (o PutOptions) allow(key string, existing []*schedule.Schedule) error {
	if len(existing) == 0 || !existing[0].DeletedAt.IsZero() {
		if o.Create {
			return nil
		}
		return notFound(key)
	}
	one := existing[0]
	switch {
	case o.Create:
		return fmt.Errorf("%w: %q, which belongs to %s", ErrExists, key, one.Owner)
	case one.Owner != o.Owner:
		return &OwnedError{key, one.Owner}
	case o.Version != AnyVersion && one.Version != o.Version:
		return &ChangedError{key, one.Version}
	}
	return nil
}

// Remove is Delete under the conditions of a Put.
func (s *Store) Remove(ctx context.Context, key string, cancelJobs bool, o PutOptions) error {
	return s.edit(ctx, func(e *edit) error {
		if err := e.declareAlone(); err != nil {
			return err
		}
		one, state, err := e.lockSchedule(key)
		if err != nil {
			return err
		}
		o.Create = false
		if err := o.allow(key, []*schedule.Schedule{one}); err != nil {
			return err
		}
		return e.delete(one, state, cancelJobs, o.Actor)
	})
}

// Limit is a group of schedules, and how many jobs of them may be active
// together.
type Limit struct {
	Name   string `json:"limit"`
	Number int    `json:"number"`
	Owner  string `json:"owner,omitempty"` // who declared it
	// Schedules are how many belong to it.
	Schedules int `json:"schedules"`
}

// Limits lists the groups in order of name.
func (s *Store) Limits(ctx context.Context) ([]Limit, error) {
	return readLimits(s.db.Reader().Query(ctx, `SELECT l.name, l.number, l.owner,
			(SELECT count(*) FROM punctual_schedule s WHERE s.limit_group = l.name AND s.deleted_at IS NULL)
		FROM punctual_limit l ORDER BY l.name`))
}

func readLimits(rows database.Rows, err error) ([]Limit, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Limit
	for rows.Next() {
		var l Limit
		if err := rows.Scan(&l.Name, &l.Number, &l.Owner, &l.Schedules); err != nil {
			return nil, err
		}
		all = append(all, l)
	}
	return all, rows.Err()
}

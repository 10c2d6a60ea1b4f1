package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/schedule"
)

// edit is one transaction by which somebody changes schedules.
type edit struct {
	ctx      context.Context
	store    *Store
	tx       database.Tx
	now      time.Time
	targetID int64 // the schedule a pause is about
}

// editAttempts is how often an edit that gives way to others is tried: each
// attempt has waited for a lock for seconds.
const editAttempts = 5

// edit runs change in one transaction and wakes the clocks after it. Whoever
// stands in front of it is not to be troubled with locks, so an edit that gives
// way to others is run again: change must begin anew each time.
func (s *Store) edit(ctx context.Context, change func(*edit) error) error {
	var err error
	for range editAttempts {
		err = s.db.Transaction(ctx, func(tx database.Tx) error {
			now, err := tx.Now(ctx)
			if err != nil {
				return err
			}
			return change(&edit{ctx: ctx, store: s, tx: tx, now: now})
		})
		if !database.Contended(err) || ctx.Err() != nil {
			break
		}
	}
	if err == nil {
		s.wake(ctx)
	}
	return err
}

// record notes who did what.
func (e *edit) record(actor Actor, action string, id int64, subject, detail string) error {
	var scheduleID any
	if id != 0 {
		scheduleID = id
	}
	_, err := e.tx.Exec(e.ctx, `INSERT INTO punctual_activity (at, author, action, schedule_id, subject, detail)
		VALUES ($1, $2, $3, $4, $5, $6)`, e.now, short(string(actor), maxNote), action, scheduleID, short(subject, maxNote), short(detail, maxNote))
	return err
}

// declareAlone makes edits of what schedules there are, and of their keys, wait
// for each other: what one of them plans holds until it has been done. It is
// the first lock that is taken. SQLite has one writer anyhow.
func (e *edit) declareAlone() error {
	const lock = 0x70756e64
	if e.store.db.Kind != database.Postgres {
		return nil
	}
	_, err := e.tx.Exec(e.ctx, "SELECT pg_advisory_xact_lock($1)", int64(lock))
	return e.lookAgain(err)
}

// lockSchedule reads a schedule and its state and holds their row, so that no
// decision comes between. The clock is read again behind the lock.
func (e *edit) lockSchedule(key string) (*schedule.Schedule, stateRow, error) {
	var id int64
	err := e.tx.QueryRow(e.ctx, "SELECT id FROM punctual_schedule WHERE key = $1 AND deleted_at IS NULL", key).Scan(&id)
	if err == database.ErrNoRows {
		return nil, stateRow{}, notFound(key)
	}
	if err != nil {
		return nil, stateRow{}, err
	}
	return e.lockID(id)
}

func (e *edit) lockID(id int64) (*schedule.Schedule, stateRow, error) {
	var state stateRow
	err := e.tx.QueryRow(e.ctx, "SELECT "+stateColumns+" FROM punctual_due d WHERE d.schedule_id = $1 FOR UPDATE", id).Scan(state.destinations()...)
	if err != nil {
		return nil, state, err
	}
	one, err := scanSchedule(e.tx.QueryRow(e.ctx, "SELECT "+scheduleColumns+" FROM punctual_schedule s WHERE s.id = $1", id))
	if err != nil {
		return nil, state, err
	}
	if state.defined, err = e.readTimeline(one); err != nil {
		return nil, state, err
	}
	return one, state, e.lookAgain(nil)
}

// readTimeline compiles the definitions of a schedule as they stand in this
// transaction, and returns the instant of the last.
func (e *edit) readTimeline(one *schedule.Schedule) (defined time.Time, err error) {
	definitions, err := e.store.definitions(e.ctx, e.tx, []int64{one.ID})
	if err != nil {
		return defined, err
	}
	all := definitions[one.ID]
	if one.Timeline, err = schedule.NewTimeline(all); err != nil {
		return defined, &unreadableError{fmt.Errorf("a definition of %q cannot be read: %w", one.Key, err)}
	}
	if len(all) > 0 {
		last := all[len(all)-1]
		one.When, one.Jitter, defined = last.When, last.Jitter, last.From
	}
	return defined, nil
}

// from is the instant a new definition holds from: the later of now and the
// cursor, and never before the last one, or that would go on holding.
func (e *edit) from(state stateRow) time.Time {
	return latest(latest(e.now, state.Cursor), state.defined)
}

// define puts a definition in force from an instant on. Two edits within one
// instant leave the later.
func (e *edit) define(id int64, d schedule.Definition) error {
	expressions, _ := json.Marshal(orEmpty(d.When.Expressions))
	except, _ := json.Marshal(orEmpty(d.When.Except))
	already := ""
	if d.When.AfterLocal != (calendar.LocalTime{}) {
		text, err := d.When.AfterLocal.MarshalText()
		if err != nil {
			return err
		}
		already = string(text)
	}
	_, err := e.tx.Exec(e.ctx, `INSERT INTO punctual_definition (schedule_id, from_at, expressions, zone, not_before, not_after,
			except_dates, after_local, jitter_ms, seed, tzdata, author, declared_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
		ON CONFLICT (schedule_id, from_at) DO UPDATE SET expressions = excluded.expressions, zone = excluded.zone,
			not_before = excluded.not_before, not_after = excluded.not_after, except_dates = excluded.except_dates,
			after_local = excluded.after_local, jitter_ms = excluded.jitter_ms, seed = excluded.seed,
			tzdata = excluded.tzdata, author = excluded.author, declared_at = excluded.declared_at`,
		id, d.From, string(expressions), d.When.Zone, d.When.NotBefore, d.When.NotAfter,
		string(except), already, d.Jitter.Milliseconds(), d.Seed, calendar.TZDataVersion(), d.Author, e.now)
	return err
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// Delete ends a schedule: every nominal up to now is decided, nothing is in
// force from here on, the ledger stays. Pending jobs stay unless they are to be
// cancelled.
func (s *Store) Delete(ctx context.Context, key string, cancelJobs bool, actor Actor) error {
	return s.edit(ctx, func(e *edit) error {
		if err := e.declareAlone(); err != nil {
			return err
		}
		one, state, err := e.lockSchedule(key)
		if err != nil {
			return err
		}
		return e.delete(one, state, cancelJobs, actor)
	})
}

func (e *edit) delete(one *schedule.Schedule, state stateRow, cancelJobs bool, actor Actor) error {
	at := e.from(state)
	decision := schedule.SkipUntil(one, state.State, at, schedule.ReasonDeleted)
	if err := e.skip(one, decision, actor); err != nil {
		return err
	}
	decision.State.NextDue = time.Time{}
	if err := e.store.writeState(e.ctx, e.tx, one, decision.State, 0); err != nil {
		return err
	}
	if err := e.define(one.ID, schedule.Definition{From: at, Seed: one.Key, Author: string(actor)}); err != nil {
		return err
	}
	if cancelJobs {
		if err := e.cancelPending(one.ID); err != nil {
			return err
		}
	}
	if _, err := e.tx.Exec(e.ctx, `UPDATE punctual_schedule SET deleted_at = $2, updated_at = $2, error = '', error_at = NULL,
		version = version + 1 WHERE id = $1`, one.ID, at); err != nil {
		return err
	}
	return e.record(actor, "delete", one.ID, one.Key, "")
}

// cancelPending cancels the jobs of a schedule that have not ended.
func (e *edit) cancelPending(id int64) error {
	jobs, err := database.Values[int64](e.tx.Query(e.ctx, `SELECT job_id FROM punctual_occurrence
		WHERE schedule_id = $1 AND job_id IS NOT NULL AND outcome IS NULL`, id))
	if err != nil {
		return err
	}
	return e.store.queue.CancelTx(e.ctx, e.tx, jobs)
}

// skip writes the rows of a decision made by hand.
func (e *edit) skip(one *schedule.Schedule, decision schedule.Decision, actor Actor) error {
	c := commit{store: e.store, now: e.now, tx: e.tx}
	decided, err := c.passOverStanding(e.ctx, []schedule.Decided{{Candidate: schedule.Candidate{Schedule: one}, Decision: decision}})
	if err != nil {
		return err
	}
	var rows [][]any
	for _, row := range decided[0].Rows {
		rows = append(rows, occurrenceRow(one.ID, row, origin{name: originClock, author: string(actor)}, 0, e.now))
	}
	return e.tx.InsertRows(e.ctx, "punctual_occurrence", occurrenceColumns, rows)
}

// SkipNext makes the first undecided nominal whose due is after now be skipped
// when it is due, and returns it. Repeating it changes nothing.
func (s *Store) SkipNext(ctx context.Context, key string, actor Actor) (time.Time, error) {
	var nominal time.Time
	err := s.edit(ctx, func(e *edit) error {
		one, state, err := e.lockSchedule(key)
		if err != nil {
			return err
		}
		if nominal, err = schedule.SkipNext(one, state.State, e.now); err != nil {
			return fmt.Errorf("skipping the next occurrence of %q: %w", key, err)
		}
		if nominal.Equal(state.SkipAt) {
			return nil
		}
		state.SkipAt = nominal
		if err := e.store.writeState(e.ctx, e.tx, one, state.State, 0); err != nil {
			return err
		}
		return e.record(actor, "skip-next", one.ID, key, schedule.OccurrenceName(key, nominal))
	})
	return nominal, err
}

// UndoSkipNext takes SkipNext back and returns the nominal that is not skipped
// after all; zero if none was to be, or it is decided already.
func (s *Store) UndoSkipNext(ctx context.Context, key string, actor Actor) (time.Time, error) {
	var nominal time.Time
	err := s.edit(ctx, func(e *edit) error {
		one, state, err := e.lockSchedule(key)
		if err != nil {
			return err
		}
		if nominal = state.SkipAt; nominal.IsZero() {
			return nil
		}
		if !nominal.After(state.Cursor) {
			nominal = time.Time{}
			return nil
		}
		state.SkipAt = time.Time{}
		if err := e.store.writeState(e.ctx, e.tx, one, state.State, 0); err != nil {
			return err
		}
		return e.record(actor, "undo-skip-next", one.ID, key, schedule.OccurrenceName(key, nominal))
	})
	return nominal, err
}

// SkipDue decides what is due at an instant, and undecided, as skipped by hand:
// of one schedule, or of all if the key is empty. It returns how many nominals
// that were.
func (s *Store) SkipDue(ctx context.Context, key string, until time.Time, actor Actor) (int, error) {
	ids, err := s.scheduleIDs(ctx, key)
	if err != nil {
		return 0, err
	}
	skipped := 0
	var failed []error // of schedules that cannot be read; the others go on
	for _, id := range ids {
		n, err := s.skipDue(ctx, id, until, actor)
		skipped += n
		if err != nil {
			if s.Transient(err) {
				return skipped, err
			}
			failed = append(failed, err)
		}
	}
	return skipped, errors.Join(failed...)
}

func (s *Store) skipDue(ctx context.Context, id int64, until time.Time, actor Actor) (skipped int, err error) {
	err = s.edit(ctx, func(e *edit) error {
		skipped = 0
		one, state, err := e.lockID(id)
		if err != nil {
			return err
		}
		at := until
		if at.IsZero() || at.After(e.now) {
			at = e.now
		}
		decision := schedule.SkipUntil(one, state.State, at, schedule.ReasonByHand)
		if len(decision.Rows) == 0 {
			return nil
		}
		for _, row := range decision.Rows {
			skipped += row.Count
		}
		if err := e.skip(one, decision, actor); err != nil {
			return err
		}
		if err := e.store.writeState(e.ctx, e.tx, one, decision.State, 0); err != nil {
			return err
		}
		return e.record(actor, "skip", one.ID, one.Key, "until "+schedule.FormatInstant(at))
	})
	if err != nil {
		return 0, err
	}
	return skipped, nil
}

// scheduleIDs is the id of one schedule, or of all if the key is empty.
func (s *Store) scheduleIDs(ctx context.Context, key string) ([]int64, error) {
	condition, arguments := "deleted_at IS NULL", []any{}
	if key != "" {
		condition, arguments = "deleted_at IS NULL AND key = $1", []any{key}
	}
	ids, err := database.Values[int64](s.db.Reader().Query(ctx, "SELECT id FROM punctual_schedule WHERE "+condition+" ORDER BY id", arguments...))
	if err != nil {
		return nil, err
	}
	if key != "" && len(ids) == 0 {
		return nil, notFound(key)
	}
	return ids, nil
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/schedule"
)

// aheadAllowed is how far a cursor may lie in the future before the clock is
// taken to have been set back.
const aheadAllowed = time.Second

// mendBatch bounds how many schedules one transaction mends.
const mendBatch = 200

// Rewind mends the schedules that were decided beyond now by a clock that has
// been set back: cursors return to now, skips decided beyond it are removed (a
// stretch is cut), instants of creation, edits and pauses beyond now become
// now. What was enqueued stays, and its nominals are passed over when they come.
// It returns how many schedules it mended.
func (s *Store) Rewind(ctx context.Context) (int, error) {
	if err := s.rewindPauses(ctx); err != nil {
		return 0, fmt.Errorf("setting pauses back to now: %w", err)
	}
	beyond, err := s.anyBeyondNow(ctx)
	if err != nil || !beyond {
		return 0, err
	}
	mended := 0
	for {
		n, err := s.rewindSome(ctx)
		mended += n
		if err != nil || n < mendBatch {
			return mended, err
		}
	}
}

// rewindPauses makes pauses begin now that were made beyond now, and those end
// now that somebody ended then. An end that was planned stays.
func (s *Store) rewindPauses(ctx context.Context) error {
	now, err := s.db.Now(ctx)
	if err != nil {
		return err
	}
	// An end was somebody's doing if the record has something of that instant.
	const ended = "EXISTS (SELECT 1 FROM punctual_activity a WHERE a.at = punctual_pause.until_at)"
	var ahead int
	err = s.db.Reader().QueryRow(ctx, "SELECT count(*) FROM punctual_pause WHERE from_at > $1 OR until_at > $1 AND "+ended, now.Add(aheadAllowed)).Scan(&ahead)
	if err != nil || ahead == 0 {
		return err
	}
	return s.edit(ctx, func(e *edit) error {
		if err := e.changePauses(); err != nil {
			return err
		}
		for _, statement := range []string{
			"UPDATE punctual_pause SET until_at = $1 WHERE until_at > $1 AND " + ended,
			"UPDATE punctual_pause SET from_at = $1 WHERE from_at > $1",
		} {
			if _, err := e.tx.Exec(ctx, statement, e.now); err != nil {
				return err
			}
		}
		return nil
	})
}

// beyondNow is what was decided or defined beyond an instant. What a newer version
// wrote is left to it.
const beyondNow = `(cursor_at > $1 OR schedule_id IN (SELECT d.schedule_id FROM punctual_definition d WHERE d.from_at > $1))
	AND EXISTS (SELECT 1 FROM punctual_schedule s WHERE s.id = schedule_id AND s.format <= $2)`

// anyBeyondNow says whether there is anything to set back. Among a million schedules
// the search takes a good part of a second, in which nobody else could write on
// SQLite: it is made in a transaction only where it finds any.
func (s *Store) anyBeyondNow(ctx context.Context) (bool, error) {
	now, err := s.db.Now(ctx)
	if err != nil {
		return false, err
	}
	found, err := database.Values[int64](s.db.Reader().Query(ctx, "SELECT schedule_id FROM punctual_due WHERE "+beyondNow+" LIMIT 1", now.Add(aheadAllowed), Format))
	return len(found) > 0, err
}

func (s *Store) rewindSome(ctx context.Context) (mended int, err error) {
	err = s.edit(ctx, func(e *edit) error {
		mended = 0
		ids, err := database.Values[int64](e.tx.Query(ctx, "SELECT schedule_id FROM punctual_due WHERE "+beyondNow+" ORDER BY schedule_id LIMIT $3 FOR UPDATE SKIP LOCKED",
			e.now.Add(aheadAllowed), Format, mendBatch))
		if err != nil || len(ids) == 0 {
			return err
		}
		for _, id := range ids {
			if err := e.rewind(id); err != nil {
				return fmt.Errorf("setting schedule %d back to now: %w", id, err)
			}
			// One that cannot be read counts too, so that the search ends.
			mended++
		}
		return nil
	})
	return mended, err
}

func (e *edit) rewind(id int64) error {
	if err := e.rewindDefinitions(id); err != nil {
		return err
	}
	if _, err := e.tx.Exec(e.ctx, `UPDATE punctual_schedule SET created_at = CASE WHEN created_at > $2 THEN $2 ELSE created_at END,
		history_from = CASE WHEN history_from > $2 THEN $2 ELSE history_from END,
		deleted_at = CASE WHEN deleted_at > $2 THEN $2 ELSE deleted_at END, version = version + 1 WHERE id = $1`, id, e.now); err != nil {
		return err
	}
	one, state, err := e.lockID(id)
	if unreadable(err) {
		// It has no timeline to be mended by; the clock will say so when it is due.
		return e.resetCursor(id)
	}
	if err != nil {
		return err
	}
	if _, err := e.tx.Exec(e.ctx, `DELETE FROM punctual_occurrence
		WHERE schedule_id = $1 AND origin = 'clock' AND decision = 'skipped' AND nominal_at > $2`, id, e.now); err != nil {
		return err
	}
	if err := e.cutStretch(one); err != nil {
		return err
	}
	// What was enqueued stays, also if the when is edited before its nominal
	// comes again: the audit has to know then why it is there.
	if _, err := e.tx.Exec(e.ctx, `UPDATE punctual_occurrence SET rewound_at = $2
		WHERE schedule_id = $1 AND origin = 'clock' AND nominal_at > $2`, id, e.now); err != nil {
		return err
	}
	was := state.Cursor
	if was.After(e.now) {
		state.Cursor, state.Met = e.now, time.Time{}
	}
	state.State = schedule.NextState(one.Timeline, state.State)
	if !one.DeletedAt.IsZero() {
		state.NextDue = time.Time{}
	}
	if err := e.store.writeState(e.ctx, e.tx, one, state.State, 0); err != nil {
		return err
	}
	return e.record("clock", "rewind", id, one.Key, fmt.Sprintf("the time was set back: decided up to %s, now %s", schedule.FormatInstant(was), schedule.FormatInstant(e.now)))
}

// resetCursor sets a schedule back to now that is otherwise left alone.
func (e *edit) resetCursor(id int64) error {
	_, err := e.tx.Exec(e.ctx, `UPDATE punctual_due SET cursor_at = CASE WHEN cursor_at > $2 THEN $2 ELSE cursor_at END,
		next_due_at = CASE WHEN next_due_at IS NULL THEN next_due_at ELSE $2 END,
		version = version + 1 WHERE schedule_id = $1`, id, e.now)
	return err
}

// rewindDefinitions makes definitions from beyond now hold from now; of several
// the last is left.
func (e *edit) rewindDefinitions(id int64) error {
	var last time.Time
	err := e.tx.QueryRow(e.ctx, "SELECT max(from_at) FROM punctual_definition WHERE schedule_id = $1 AND from_at > $2", id, e.now).Scan(&last)
	if err != nil || last.IsZero() {
		return err
	}
	if _, err := e.tx.Exec(e.ctx, "DELETE FROM punctual_definition WHERE schedule_id = $1 AND from_at >= $2 AND from_at < $3", id, e.now, last); err != nil {
		return err
	}
	_, err = e.tx.Exec(e.ctx, "UPDATE punctual_definition SET from_at = $3 WHERE schedule_id = $1 AND from_at = $2", id, last, e.now)
	return err
}

// cutStretch ends a stretch of skipped nominals that reaches beyond now at now.
func (e *edit) cutStretch(one *schedule.Schedule) error {
	var (
		row  int64
		from time.Time
	)
	err := e.tx.QueryRow(e.ctx, `SELECT id, nominal_at FROM punctual_occurrence
		WHERE schedule_id = $1 AND origin = 'clock' AND nominal_at <= $2 AND until_at > $2`, one.ID, e.now).Scan(&row, &from)
	if err == database.ErrNoRows {
		return nil
	}
	if err != nil {
		return err
	}
	last, _ := one.Timeline.Prev(e.now.Add(1))
	_, err = e.tx.Exec(e.ctx, "UPDATE punctual_occurrence SET until_at = $2, count = $3 WHERE id = $1",
		row, last.At, one.Timeline.Count(from.Add(-1), e.now))
	return err
}

// Retime recomputes the schedules whose next due was computed under another
// tzdata, before anything is decided by it. A local date and time that has been
// decided is never a nominal again, though its instant may have moved. It
// returns how many there were.
func (s *Store) Retime(ctx context.Context) (int, error) {
	retimed := 0
	for {
		n, err := s.retimeSome(ctx)
		retimed += n
		if err != nil || n < mendBatch {
			return retimed, err
		}
	}
}

func (s *Store) retimeSome(ctx context.Context) (int, error) {
	ids, err := database.Values[int64](s.db.Reader().Query(ctx, `SELECT d.schedule_id FROM punctual_due d JOIN punctual_schedule s ON s.id = d.schedule_id
		WHERE d.tzdata <> $1 AND s.format <= $2 AND s.deleted_at IS NULL ORDER BY d.schedule_id LIMIT $3`,
		calendar.TZDataVersion(), Format, mendBatch))
	if err != nil {
		return 0, err
	}
	return len(ids), s.retime(ctx, ids)
}

// retime recomputes schedules in one transaction.
func (s *Store) retime(ctx context.Context, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	return s.edit(ctx, func(e *edit) error {
		for _, id := range ids {
			if err := e.retime(id); err != nil {
				return fmt.Errorf("recomputing schedule %d: %w", id, err)
			}
		}
		return nil
	})
}

func (e *edit) retime(id int64) error {
	var decided, under string
	err := e.tx.QueryRow(e.ctx, "SELECT cursor_local, tzdata FROM punctual_due WHERE schedule_id = $1 FOR UPDATE", id).Scan(&decided, &under)
	if err != nil || under == calendar.TZDataVersion() {
		return err // another clock was faster
	}
	one, state, err := e.lockID(id)
	if unreadable(err) {
		// The clock will say so when it is due. Only the stamp changes, so that
		// it is not looked at here again.
		_, stampErr := e.tx.Exec(e.ctx, "UPDATE punctual_due SET tzdata = $2, version = version + 1 WHERE schedule_id = $1", id, calendar.TZDataVersion())
		return stampErr
	}
	if err != nil {
		return err
	}
	var local calendar.LocalTime
	if decided != "" && local.UnmarshalText([]byte(decided)) == nil {
		if err := e.forget(one, state.Cursor, local); err != nil {
			return err
		}
	}
	if _, err := e.tx.Exec(e.ctx, "UPDATE punctual_schedule SET version = version + 1 WHERE id = $1", id); err != nil {
		return err
	}
	return e.store.writeState(e.ctx, e.tx, one, schedule.NextState(one.Timeline, state.State), 0)
}

// forget puts the definition that goes on after the cursor in force again from
// there, without the local dates and times already decided. Definitions from a
// later instant stay as they are. Where the zone changes at the cursor, what was
// decided is no reading of the new one.
func (e *edit) forget(one *schedule.Schedule, cursor time.Time, decided calendar.LocalTime) error {
	definitions, err := e.store.definitions(e.ctx, e.tx, []int64{one.ID})
	if err != nil {
		return err
	}
	var before, after schedule.Definition // what ruled the cursor, and what rules after it
	for _, d := range definitions[one.ID] {
		if d.From.Before(cursor) {
			before = d
		}
		if !d.From.After(cursor) {
			after = d
		}
	}
	was, wasErr := before.When.Parse()
	is, isErr := after.When.Parse()
	if wasErr != nil || isErr != nil || was.Zone() != is.Zone() {
		return nil
	}
	after.From, after.When.AfterLocal, after.Author = cursor, decided, "tzdata "+calendar.TZDataVersion()
	if err := e.define(one.ID, after); err != nil {
		return err
	}
	_, err = e.readTimeline(one)
	return err
}

// unreadable says that a schedule's row or definitions cannot be read, while the
// transaction goes on.
func unreadable(err error) bool {
	_, ok := errors.AsType[*unreadableError](err)
	return ok
}

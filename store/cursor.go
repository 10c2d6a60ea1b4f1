package store

import (
	"context"
	"time"

	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/schedule"
)

// moveCursors writes the states after the decisions. Most schedules only move
// on to their next due; those share a narrow statement.
func (c *commit) moveCursors(ctx context.Context, decided []schedule.Decided, ids []int64) error {
	plain, rest := make([]moved, 0, len(decided)), []moved(nil)
	for _, d := range decided {
		m := moved{schedule: d.Schedule, state: d.State()}
		for _, row := range d.Rows {
			if row.Skipped == "" {
				m.lastJob, ids = ids[0], ids[1:]
			}
		}
		if isPlain(d.Candidate.State) && isPlain(d.State()) {
			plain = append(plain, m)
		} else {
			rest = append(rest, m)
		}
	}
	if err := c.movePlain(ctx, plain); err != nil {
		return err
	}
	if err := c.moveRest(ctx, rest); err != nil {
		return err
	}
	return c.clearErrors(ctx, decided)
}

// moved is a schedule with its new state, and its last job if it has a new one.
type moved struct {
	schedule *schedule.Schedule
	state    schedule.State
	lastJob  int64
}

// isPlain says that nothing of a state is set but the cursor and the next due.
func isPlain(s schedule.State) bool {
	s.Cursor, s.NextDue, s.Met = time.Time{}, time.Time{}, time.Time{}
	return s == schedule.State{}
}

func (c *commit) movePlain(ctx context.Context, all []moved) error {
	if len(all) == 0 {
		return nil
	}
	if c.store.db.Kind == database.SQLite {
		rows := make([][]any, len(all))
		for i, m := range all {
			rows[i] = []any{m.schedule.ID, m.lastJob, m.state.NextDue, m.state.Cursor, localReading(m.schedule, m.state.Cursor), m.state.Met, calendar.TZDataVersion()}
		}
		return database.ExecRows(ctx, c.tx, `WITH u (id, job_id, next_due_at, cursor_at, cursor_local, met_at, tzdata) AS (VALUES `, "(?, ?, ?, ?, ?, ?, ?)",
			`) UPDATE punctual_due AS d SET cursor_at = u.cursor_at, cursor_local = u.cursor_local, met_at = u.met_at, next_due_at = u.next_due_at,
				last_job_id = max(d.last_job_id, u.job_id), tzdata = u.tzdata, version = d.version + 1 FROM u WHERE d.schedule_id = u.id`, rows)
	}
	_, err := c.tx.Exec(ctx, `UPDATE punctual_due d SET cursor_at = u.cursor_at, cursor_local = u.cursor_local, met_at = u.met_at,
			next_due_at = u.next_due_at, last_job_id = greatest(d.last_job_id, u.job_id), tzdata = $7, version = d.version + 1
		FROM unnest($1::bigint[], $2::timestamptz[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::bigint[])
			AS u (id, cursor_at, cursor_local, met_at, next_due_at, job_id)
		WHERE d.schedule_id = u.id`, append(basicColumns(all), calendar.TZDataVersion())...)
	return err
}

// moveRest writes whole states.
func (c *commit) moveRest(ctx context.Context, all []moved) error {
	if c.store.db.Kind == database.SQLite || len(all) < 2 {
		for _, m := range all {
			if err := c.store.writeState(ctx, c.tx, m.schedule, m.state, m.lastJob); err != nil {
				return err
			}
		}
		return nil
	}
	_, err := c.tx.Exec(ctx, `UPDATE punctual_due d SET cursor_at = u.cursor_at, cursor_local = u.cursor_local, met_at = u.met_at,
			next_due_at = u.next_due_at, last_job_id = greatest(d.last_job_id, u.job_id), tzdata = $14, version = d.version + 1,
			waiting_for = u.waiting_for, waiting_due_at = u.waiting_due_at, wait_until = u.wait_until, in_line = u.in_line,
			covered_count = u.covered_count, covered_since = u.covered_since, skip_at = u.skip_at
		FROM unnest($1::bigint[], $2::timestamptz[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::bigint[],
				$7::text[], $8::timestamptz[], $9::timestamptz[], $10::integer[], $11::integer[], $12::timestamptz[], $13::timestamptz[])
			AS u (id, cursor_at, cursor_local, met_at, next_due_at, job_id,
				waiting_for, waiting_due_at, wait_until, in_line, covered_count, covered_since, skip_at)
		WHERE d.schedule_id = u.id`, append(append(basicColumns(all),
		database.Column(all, func(m moved) string { return string(m.state.Waiting) }),
		database.Column(all, func(m moved) *time.Time { return orNull(m.state.WaitingDue) }),
		database.Column(all, func(m moved) *time.Time { return orNull(m.state.WaitUntil) }),
		database.Column(all, func(m moved) int { return flag(m.state.InLine) }),
		database.Column(all, func(m moved) int { return m.state.CoveredCount }),
		database.Column(all, func(m moved) *time.Time { return orNull(m.state.CoveredSince) }),
		database.Column(all, func(m moved) *time.Time { return orNull(m.state.SkipAt) })), calendar.TZDataVersion())...)
	return err
}

// basicColumns are what every move writes, as arrays.
func basicColumns(all []moved) []any {
	return []any{
		database.Column(all, func(m moved) int64 { return m.schedule.ID }),
		database.Column(all, func(m moved) *time.Time { return orNull(m.state.Cursor) }),
		database.Column(all, func(m moved) string { return localReading(m.schedule, m.state.Cursor) }),
		database.Column(all, func(m moved) *time.Time { return orNull(m.state.Met) }),
		database.Column(all, func(m moved) *time.Time { return orNull(m.state.NextDue) }),
		database.Column(all, func(m moved) int64 { return m.lastJob }),
	}
}

func orNull(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}

// localReading is the local date and time of the nominal the cursor stands on,
// so that a binary with another tzdata never decides it again.
func localReading(s *schedule.Schedule, cursor time.Time) string {
	reading := s.Timeline.LocalReading(cursor)
	if reading == (calendar.LocalTime{}) {
		return ""
	}
	text, err := reading.MarshalText()
	if err != nil {
		return ""
	}
	return string(text)
}

// writeState writes the whole state of one schedule whose row is locked.
func (s *Store) writeState(ctx context.Context, tx database.Tx, one *schedule.Schedule, state schedule.State, lastJob int64) error {
	_, err := tx.Exec(ctx, `UPDATE punctual_due SET cursor_at = $2, cursor_local = $3, met_at = $4, next_due_at = $5,
			waiting_for = $6, waiting_due_at = $7, wait_until = $8, in_line = $9, covered_count = $10, covered_since = $11,
			skip_at = $12, last_job_id = CASE WHEN $13 > last_job_id THEN $13 ELSE last_job_id END, tzdata = $14, version = version + 1
		WHERE schedule_id = $1`,
		one.ID, state.Cursor, localReading(one, state.Cursor), state.Met, state.NextDue,
		string(state.Waiting), state.WaitingDue, state.WaitUntil, flag(state.InLine), state.CoveredCount, state.CoveredSince,
		state.SkipAt, lastJob, calendar.TZDataVersion())
	return err
}

// clearErrors takes the schedules that were in error out of it.
func (c *commit) clearErrors(ctx context.Context, decided []schedule.Decided) error {
	var ids []int64
	for _, d := range decided {
		if c.ground.failed[d.Schedule.ID] {
			ids = append(ids, d.Schedule.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	_, err := c.tx.Exec(ctx, `UPDATE punctual_schedule SET error = '', error_at = NULL WHERE id = ANY($1)`, ids)
	return err
}

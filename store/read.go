package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/schedule"
)

// Overview is a schedule and how it stands.
type Overview struct {
	*schedule.Schedule
	State   schedule.State
	Pauses  []PauseInForce
	Error   string
	ErrorAt time.Time
	// Format is that of the version which wrote the row. While no live clock
	// knows it, Error says so, and the cursor holds.
	Format int
}

// Overviews lists the schedules in order of key: one, or all if key is empty.
func (s *Store) Overviews(ctx context.Context, key string) ([]Overview, error) {
	all, err := s.OverviewsWhere(ctx, OverviewFilter{Key: key})
	if err == nil && key != "" && len(all) == 0 {
		err = notFound(key)
	}
	return all, err
}

// OverviewsWhere lists some of the schedules, in the order of the filter. What a
// schedule is, and the instants it yields, are read and parsed once a version;
// how it stands is read each time.
func (s *Store) OverviewsWhere(ctx context.Context, f OverviewFilter) ([]Overview, error) {
	look, err := s.Look(ctx)
	if err != nil {
		return nil, err
	}
	return look.Overviews(ctx, f)
}

// Overviews lists schedules as OverviewsWhere does, as of the look.
func (l Look) Overviews(ctx context.Context, f OverviewFilter) ([]Overview, error) {
	condition, arguments := f.where(l)
	rows, err := l.store.db.Reader().Query(ctx, `SELECT s.id, s.version, s.key, s.history_from, s.error, s.error_at, s.format, `+stateColumns+`
		FROM punctual_schedule s JOIN punctual_due d ON d.schedule_id = s.id WHERE `+condition+f.order(), arguments...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Overview
	var references []reference
	for rows.Next() {
		var (
			r     reference
			o     = Overview{Schedule: &schedule.Schedule{}}
			state stateRow
		)
		destinations := []any{&r.id, &r.version, &o.Key, &o.HistoryFrom, &o.Error, &o.ErrorAt, &o.Format}
		if err := rows.Scan(append(destinations, state.destinations()...)...); err != nil {
			return nil, err
		}
		if o.Format > l.known {
			o.Error = newerFormat(o.Format).Error()
		}
		o.ID, o.Version, o.State = r.id, r.version, state.State
		all, references = append(all, o), append(references, r)
	}
	rows.Close()
	if err := rows.Err(); err != nil || len(all) == 0 {
		return nil, err
	}
	if err := l.store.addSchedules(ctx, all, references); err != nil {
		return nil, err
	}
	for i := range all {
		all[i].Pauses = l.pauses.of(all[i].Schedule)
	}
	return all, nil
}

// addSchedules adds to how schedules stand what they are.
func (s *Store) addSchedules(ctx context.Context, all []Overview, references []reference) error {
	unreadable := map[int64]error{}
	compiled, err := s.compile(ctx, references, unreadable)
	if err != nil {
		return err
	}
	left := make([]int64, 0, len(unreadable))
	for i := range all {
		one := compiled[all[i].ID]
		if one == nil {
			left = append(left, all[i].ID)
			continue
		}
		own := *one // it is shared with whoever else asks
		own.HistoryFrom = all[i].HistoryFrom
		all[i].Schedule = &own
	}
	if len(left) == 0 {
		return nil
	}
	parts, err := s.readable(ctx, left)
	if err != nil {
		return err
	}
	for i := range all {
		if one := parts[all[i].ID]; one != nil {
			all[i].Schedule = one
			if err := unreadable[one.ID]; err != nil {
				all[i].Error = err.Error()
			}
		}
	}
	return nil
}

// readable gives of schedules that cannot be read as a whole what can be.
func (s *Store) readable(ctx context.Context, ids []int64) (map[int64]*schedule.Schedule, error) {
	definitions, err := s.definitions(ctx, s.db.Reader(), ids)
	if err != nil {
		return nil, err
	}
	rows, err := s.db.Reader().Query(ctx, "SELECT "+scheduleColumns+" FROM punctual_schedule s WHERE s.id = ANY($1)", ids)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := map[int64]*schedule.Schedule{}
	for reader := newScheduleReader(); rows.Next(); {
		one, err := reader.scan(rows)
		if one == nil {
			return nil, err
		}
		if all := definitions[one.ID]; len(all) > 0 {
			one.Timeline, _ = schedule.NewTimeline(all) // why it cannot be is told already
			one.When, one.Jitter = all[len(all)-1].When, all[len(all)-1].Jitter
		}
		found[one.ID] = one
	}
	return found, rows.Err()
}

// CountSchedules counts those a filter lets through, as far as the database can
// tell how they stand.
func (s *Store) CountSchedules(ctx context.Context, f OverviewFilter) (int, error) {
	look, err := s.Look(ctx)
	if err != nil {
		return 0, err
	}
	return look.Count(ctx, f)
}

// AnySchedule says whether there is one at all: to count a million takes a while.
func (s *Store) AnySchedule(ctx context.Context) (bool, error) {
	found, err := database.Values[int64](s.db.Reader().Query(ctx, "SELECT id FROM punctual_schedule WHERE deleted_at IS NULL LIMIT 1"))
	return len(found) > 0, err
}

// Count counts as CountSchedules does, as of the look.
func (l Look) Count(ctx context.Context, f OverviewFilter) (n int, err error) {
	condition, arguments := f.where(l)
	err = l.store.db.Reader().QueryRow(ctx, "SELECT count(*) FROM punctual_schedule s JOIN punctual_due d ON d.schedule_id = s.id WHERE "+condition, arguments...).Scan(&n)
	return n, err
}

// Look is what is to be known of all schedules before any is looked at. Whoever
// asks several things takes one look for all of them: they then tell of the same
// pauses, which are read once.
type Look struct {
	store  *Store
	now    time.Time
	pauses *forcedPauses
	known  int // the highest format that we, or a clock that lives, can read
}

// Look takes one.
func (s *Store) Look(ctx context.Context) (l Look, err error) {
	l.store = s
	if l.now, err = s.db.Now(ctx); err != nil {
		return l, err
	}
	if l.pauses, err = s.pausesInForce(ctx, l.now); err != nil {
		return l, err
	}
	known, err := s.knownFormat(ctx, l.now)
	l.known = max(known, Format)
	return l, err
}

// newerFormat says why a schedule is left alone.
func newerFormat(format int) error {
	return fmt.Errorf("it was written by a newer version of punctual (format %d); this one reads up to %d", format, Format)
}

// knownFormat is the highest format a live clock knows; zero if none is alive.
func (s *Store) knownFormat(ctx context.Context, now time.Time) (format int, err error) {
	err = s.db.Reader().QueryRow(ctx, `SELECT coalesce(max(format), 0) FROM punctual_process
		WHERE role IN ('clock', 'start') AND stopped_at IS NULL AND beat_at > $1`, now.Add(-DeadAfter)).Scan(&format)
	return format, err
}

// LastSuccess is when the last successful run of a schedule finished; zero if
// none did.
func (s *Store) LastSuccess(ctx context.Context, key string) (time.Time, error) {
	all, err := s.LastSuccesses(ctx, []string{key})
	return all[key], err
}

// LastSuccesses are those of several schedules, by key. Each handful of jobs asks,
// and Postgres takes half as long again to plan the same with max.
func (s *Store) LastSuccesses(ctx context.Context, keys []string) (map[string]time.Time, error) {
	rows, err := s.db.Reader().Query(ctx, `SELECT s.key,
			(SELECT o.finished_at FROM punctual_occurrence o WHERE o.schedule_id = s.id AND o.outcome = 'succeeded'
				AND o.finished_at IS NOT NULL ORDER BY o.finished_at DESC LIMIT 1)
		FROM punctual_schedule s WHERE s.key = ANY($1)`, keys)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := make(map[string]time.Time, len(keys))
	for rows.Next() {
		var key string
		var at time.Time
		if err := rows.Scan(&key, &at); err != nil {
			return nil, err
		}
		all[key] = at
	}
	return all, rows.Err()
}

// Audit compares the ledger of one schedule, or of all if key is empty, with
// its definitions, and hands each finding to report. It returns the number of
// schedules it looked at.
func (s *Store) Audit(ctx context.Context, key string, report func(schedule.Finding)) (int, error) {
	ids, err := database.Values[int64](s.db.Reader().Query(ctx, `SELECT id FROM punctual_schedule WHERE $1 = '' OR key = $1 ORDER BY key`, key))
	if err != nil {
		return 0, err
	}
	if key != "" && len(ids) == 0 {
		return 0, notFound(key)
	}
	if key == "" {
		if err := s.reportStray(ctx, report); err != nil {
			return 0, fmt.Errorf("auditing: %w", err)
		}
	}
	only := int64(0)
	if key != "" {
		only = ids[0]
	}
	jobs, err := s.auditJobs(ctx, only)
	if err != nil {
		return 0, fmt.Errorf("auditing: %w", err)
	}
	for _, id := range ids {
		findings, err := s.auditOne(ctx, id)
		if err != nil {
			return 0, fmt.Errorf("auditing: %w", err)
		}
		for _, finding := range joined(findings, jobs[id]) {
			report(finding)
		}
	}
	return len(ids), nil
}

// reportStray reports rows of schedules that are not there. A schedule that was
// deleted still has a row of its own.
func (s *Store) reportStray(ctx context.Context, report func(schedule.Finding)) error {
	rows, err := s.db.Reader().Query(ctx, `SELECT o.schedule_id, min(coalesce(o.nominal_at, o.due_at)), count(*) FROM punctual_occurrence o
		WHERE NOT EXISTS (SELECT 1 FROM punctual_schedule s WHERE s.id = o.schedule_id) GROUP BY o.schedule_id ORDER BY o.schedule_id`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var (
			id    int64
			first time.Time
			count int
		)
		if err := rows.Scan(&id, &first, &count); err != nil {
			return err
		}
		report(schedule.Finding{
			Kind: schedule.FindingWrong, Key: fmt.Sprintf("schedule-%d", id), Nominal: first, Count: 1,
			Detail: fmt.Sprintf("the ledger has %d of its rows, but there is no schedule of that number", count),
			Advice: "a schedule that punctual deletes keeps its row, so this one was deleted otherwise: restore it from a backup, or delete its rows, too",
		})
	}
	return rows.Err()
}

// auditAgain is how often an audit begins anew with a schedule that somebody
// changes meanwhile.
const auditAgain = 3

// auditOne audits one schedule. A clock may go on meanwhile, but an edit changes
// which rows beyond the cursor are right: after one it begins anew.
func (s *Store) auditOne(ctx context.Context, id int64) (findings []schedule.Finding, err error) {
	for range auditAgain {
		var defined, now int64
		const query = "SELECT version FROM punctual_schedule WHERE id = $1"
		if err := s.db.Reader().QueryRow(ctx, query, id).Scan(&defined); err != nil {
			return nil, err
		}
		if findings, err = s.auditOnce(ctx, id); err != nil {
			return nil, err
		}
		if err := s.db.Reader().QueryRow(ctx, query, id).Scan(&now); err != nil || now == defined {
			return findings, err
		}
	}
	return findings, nil
}

// auditOnce reads a schedule's state first and its ledger after.
func (s *Store) auditOnce(ctx context.Context, id int64) ([]schedule.Finding, error) {
	reader := s.db.Reader()
	var (
		state stateRow
		in    schedule.AuditInput
	)
	err := reader.QueryRow(ctx, "SELECT "+stateColumns+" FROM punctual_due d WHERE d.schedule_id = $1", id).Scan(state.destinations()...)
	lost := err == database.ErrNoRows
	if err != nil && !lost {
		return nil, err
	}
	var format int
	one, err := scanSchedule(reader.QueryRow(ctx, "SELECT "+scheduleColumns+", s.error, s.format FROM punctual_schedule s WHERE s.id = $1", id), &in.Error, &format)
	if one == nil {
		return nil, err
	}
	if lost {
		return []schedule.Finding{{
			Kind: schedule.FindingWrong, Key: one.Key, Nominal: one.CreatedAt, Count: 1,
			Detail: "its row of punctual_due is gone, and with it the cursor; nothing is decided any more",
			Advice: "restore the database from a backup; or give the schedule another key and apply it as a new one",
		}}, nil
	}
	if format > Format {
		err = newerFormat(format)
	}
	if err != nil {
		return []schedule.Finding{{Kind: schedule.FindingError, Key: one.Key, Nominal: state.Cursor, Count: 1, Detail: err.Error()}}, nil
	}
	definitions, err := s.definitions(ctx, reader, []int64{id})
	if err != nil {
		return nil, err
	}
	in.Schedule, in.State, in.TZData, in.ForeignTZData = one, state.State, calendar.TZDataVersion(), state.tzdata
	for _, definition := range definitions[id] {
		if definition.TZData != in.TZData {
			in.ForeignTZData = definition.TZData
		}
	}
	if one.Timeline, err = schedule.NewTimeline(definitions[id]); err != nil {
		return []schedule.Finding{{Kind: schedule.FindingError, Key: one.Key, Nominal: state.Cursor, Count: 1, Detail: err.Error()}}, nil
	}
	in.From = latest(one.CreatedAt, one.HistoryFrom)
	if in.Now, err = s.db.Now(ctx); err != nil {
		return nil, err
	}
	if !one.HistoryFrom.After(one.CreatedAt) {
		// If the time was set back to before that, they are right.
		in.Before, err = s.ledgerRows(ctx, id, `nominal_at <= $2 AND rewound_at IS NULL AND (decided_at >= $2
			OR NOT EXISTS (SELECT 1 FROM punctual_activity a WHERE a.schedule_id = $1 AND a.action = 'rewind'))`, one.CreatedAt)
		if err != nil {
			return nil, err
		}
	}
	if in.Rows, err = s.ledgerRows(ctx, id, "coalesce(until_at, nominal_at) > $2", in.From); err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(in.Rows, func(r schedule.LedgerRow) bool { return r.Nominal.After(in.State.Cursor) }); i >= 0 {
		in.Rows, in.Beyond = in.Rows[:i], in.Rows[i:]
	}
	return schedule.Audit(in), nil
}

// ledgerRows are the clock's rows that a condition selects, in order of nominal.
func (s *Store) ledgerRows(ctx context.Context, id int64, condition string, arguments ...any) ([]schedule.LedgerRow, error) {
	rows, err := s.db.Reader().Query(ctx, `SELECT nominal_at, coalesce(until_at, nominal_at), count, reason, coalesce(job_id, 0), rewound_at
		FROM punctual_occurrence WHERE schedule_id = $1 AND origin = 'clock' AND `+condition+`
		ORDER BY nominal_at, id`, append([]any{id}, arguments...)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []schedule.LedgerRow
	for rows.Next() {
		var (
			r       schedule.LedgerRow
			rewound time.Time
		)
		if err := rows.Scan(&r.Nominal, &r.Until, &r.Count, &r.Skipped, &r.JobID, &rewound); err != nil {
			return nil, err
		}
		r.Rewound = !rewound.IsZero()
		all = append(all, r)
	}
	return all, rows.Err()
}

package store

import (
	"context"
	"fmt"
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

// OverviewsWhere lists some of the schedules in order of key.
func (s *Store) OverviewsWhere(ctx context.Context, f OverviewFilter) ([]Overview, error) {
	now, err := s.db.Now(ctx)
	if err != nil {
		return nil, err
	}
	pauses, err := s.pausesInForce(ctx, now)
	if err != nil {
		return nil, err
	}
	known, err := s.knownFormat(ctx, now)
	if err != nil {
		return nil, err
	}
	condition, arguments := f.where()
	rows, err := s.db.Reader().Query(ctx, `SELECT `+scheduleColumns+`, s.error, s.error_at, s.format, `+stateColumns+`
		FROM punctual_schedule s JOIN punctual_due d ON d.schedule_id = s.id WHERE `+condition, arguments...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Overview
	var ids []int64
	for rows.Next() {
		var (
			o     Overview
			state stateRow
		)
		o.Schedule, err = scanSchedule(rows, append([]any{&o.Error, &o.ErrorAt, &o.Format}, state.destinations()...)...)
		if o.Schedule == nil {
			return nil, err
		}
		if o.Format > Format && o.Format > known {
			err = newerFormat(o.Format)
		}
		if err != nil {
			o.Error = err.Error()
		}
		o.State, o.Pauses = state.State, pauses.of(o.Schedule)
		all, ids = append(all, o), append(ids, o.ID)
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return all, s.addTimelines(ctx, all, ids)
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

func (s *Store) addTimelines(ctx context.Context, all []Overview, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	definitions, err := s.definitions(ctx, s.db.Reader(), ids)
	if err != nil {
		return err
	}
	for i := range all {
		list := definitions[all[i].ID]
		if all[i].Timeline, err = schedule.NewTimeline(list); err != nil {
			all[i].Error = err.Error()
		}
		if len(list) > 0 {
			all[i].When, all[i].Jitter = list[len(list)-1].When, list[len(list)-1].Jitter
		}
	}
	return nil
}

// Run is a row of the ledger, with what came of it.
type Run struct {
	ID         int64     `json:"id"`
	Schedule   string    `json:"schedule"`
	Occurrence string    `json:"occurrence"`
	Nominal    time.Time `json:"nominal,omitzero"`
	Until      time.Time `json:"until,omitzero"`
	Count      int       `json:"count"`
	Due        time.Time `json:"due"`
	Origin     string    `json:"origin"`
	Backfill   int64     `json:"backfill,omitempty"`
	Decision   string    `json:"decision"`
	Reason     string    `json:"reason,omitempty"`
	Blocker    int64     `json:"blocker_job_id,omitempty"`
	JobID      int64     `json:"job_id,omitempty"`
	DecidedAt  time.Time `json:"decided_at"`
	Note       string    `json:"note,omitempty"`
	Author     string    `json:"author,omitempty"`
	// State is skipped, the queue's state of the job while it has not ended, or
	// its outcome.
	State      string    `json:"state"`
	Attempts   int       `json:"attempts"`
	StartedAt  time.Time `json:"started_at,omitzero"`
	FinishedAt time.Time `json:"finished_at,omitzero"`
	Error      string    `json:"error,omitempty"`
	// SeenAt and SeenBy tell who said to have seen a failure, and when.
	SeenAt time.Time `json:"seen_at,omitzero"`
	SeenBy string    `json:"seen_by,omitempty"`
	// Progress is how far the job said it was; nil: it never said.
	Progress *Progress `json:"progress,omitempty"`
}

// RunFilter chooses rows of the ledger.
type RunFilter struct {
	Key     string
	JobID   int64
	Nominal time.Time // with Key
	Trigger string    // the id of a trigger, with Key
	State   string    // as Run.State
	// Backfill is the id of a backfill.
	Backfill int64
	// Latest means the last job the clock made for each schedule.
	Latest bool
	// Unseen means final failures that nobody has said to have seen.
	Unseen   bool
	ID       int64
	Keys     []string  // of these schedules; none: of all
	Open     bool      // jobs that have not ended
	Decision string    // enqueued or skipped
	Origin   string    // clock, backfill or trigger
	From, To time.Time // due in [From, To)
	Error    string    // words in the error, the note or the reason, in any case
	Before   int64     // rows with a smaller id, for the next page
	Limit    int
}

// Runs lists rows of the ledger, the newest first.
func (s *Store) Runs(ctx context.Context, f RunFilter) ([]Run, error) {
	return s.runs(ctx, s.db.Reader(), f)
}

func (s *Store) runs(ctx context.Context, q database.Querier, f RunFilter) ([]Run, error) {
	if f.Limit <= 0 {
		f.Limit = 20
	}
	condition, arguments, state := s.runsWhere(f)
	rows, err := q.Query(ctx, `SELECT o.id, s.key, o.nominal_at, o.until_at, o.count, o.due_at, o.origin, o.run, o.trigger_id,
			o.decision, o.reason, o.blocker_job_id, coalesce(o.job_id, 0), o.decided_at, o.note, o.author, `+state+`,
			CASE WHEN o.outcome IS NULL THEN coalesce(j.attempt, 0) ELSE o.attempts END,
			CASE WHEN o.outcome IS NULL THEN `+s.jobs.StartedAt+` ELSE o.started_at END,
			CASE WHEN o.outcome IS NULL THEN `+s.jobs.FinishedAt+` ELSE o.finished_at END,
			CASE WHEN o.outcome IS NULL AND j.id IS NOT NULL AND j.state <> 'completed' THEN `+s.jobs.Error+` ELSE o.error END,
			o.seen_at, o.seen_by, coalesce(p.attempt, 0), p.at, coalesce(p.fraction, 0), coalesce(p.note, '')
		FROM punctual_occurrence o JOIN punctual_schedule s ON s.id = o.schedule_id
		LEFT JOIN river_job j ON j.id = o.job_id AND o.outcome IS NULL
		LEFT JOIN punctual_progress p ON p.job_id = o.job_id
		WHERE `+condition+` ORDER BY o.id DESC LIMIT `+fmt.Sprint(f.Limit), arguments...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Run
	for rows.Next() {
		var (
			r        Run
			trigger  string
			progress Progress
		)
		if err := rows.Scan(&r.ID, &r.Schedule, &r.Nominal, &r.Until, &r.Count, &r.Due, &r.Origin, &r.Backfill, &trigger,
			&r.Decision, &r.Reason, &r.Blocker, &r.JobID, &r.DecidedAt, &r.Note, &r.Author, &r.State,
			&r.Attempts, &r.StartedAt, &r.FinishedAt, &r.Error,
			&r.SeenAt, &r.SeenBy, &progress.Attempt, &progress.At, &progress.Fraction, &progress.Note); err != nil {
			return nil, err
		}
		if !progress.At.IsZero() {
			r.Progress = &progress
		}
		r.Occurrence = r.Schedule + "!" + trigger
		if trigger == "" {
			r.Occurrence = schedule.OccurrenceName(r.Schedule, r.Nominal)
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

// CountRuns counts rows of the ledger by their state.
func (s *Store) CountRuns(ctx context.Context, f RunFilter) (map[string]int, error) {
	condition, arguments, state := s.runsWhere(f)
	rows, err := s.db.Reader().Query(ctx, `SELECT `+state+`, count(*)
		FROM punctual_occurrence o JOIN punctual_schedule s ON s.id = o.schedule_id
		LEFT JOIN river_job j ON j.id = o.job_id AND o.outcome IS NULL
		WHERE `+condition+` GROUP BY 1`, arguments...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	counts := map[string]int{}
	for rows.Next() {
		var (
			name  string
			count int
		)
		if err := rows.Scan(&name, &count); err != nil {
			return nil, err
		}
		counts[name] = count
	}
	return counts, rows.Err()
}

// runsWhere is a filter as SQL, and the expression for a row's state.
func (s *Store) runsWhere(f RunFilter) (condition string, arguments []any, state string) {
	condition = "true"
	where := func(clause string, value any) {
		arguments = append(arguments, value)
		condition += fmt.Sprintf(" AND "+clause, len(arguments))
	}
	if f.Key != "" {
		where("s.key = $%d", f.Key)
	}
	if f.JobID != 0 {
		where("o.job_id = $%d", f.JobID)
	}
	if !f.Nominal.IsZero() {
		where("o.nominal_at <= $%[1]d AND coalesce(o.until_at, o.nominal_at) >= $%[1]d", f.Nominal)
	}
	if f.Trigger != "" {
		where("o.trigger_id = $%d", f.Trigger)
	}
	if f.Backfill != 0 {
		where("o.origin = 'backfill' AND o.run = $%d", f.Backfill)
	}
	if f.Latest {
		condition += " AND o.job_id IN (SELECT last_job_id FROM punctual_due WHERE last_job_id > 0)"
	}
	if f.Unseen {
		condition += " AND " + unseen
	}
	if f.ID != 0 {
		where("o.id = $%d", f.ID)
	}
	if f.Open {
		condition += " AND o.outcome IS NULL AND j.id IS NOT NULL AND NOT (" + s.jobs.Ended + ")"
	}
	if len(f.Keys) > 0 {
		where("s.key = ANY($%d)", f.Keys)
	}
	if f.Decision != "" {
		where("o.decision = $%d", f.Decision)
	}
	if f.Origin != "" {
		where("o.origin = $%d", f.Origin)
	}
	if !f.From.IsZero() {
		where("o.due_at >= $%d", f.From)
	}
	if !f.To.IsZero() {
		where("o.due_at < $%d", f.To)
	}
	if f.Error != "" {
		// What has not been copied into the ledger yet stands at the job.
		arguments = append(arguments, containing(f.Error))
		condition += fmt.Sprintf(` AND lower(CASE WHEN o.outcome IS NULL AND j.id IS NOT NULL AND j.state <> 'completed' THEN %s ELSE o.error END
			|| ' ' || o.note || ' ' || o.reason) LIKE $%d ESCAPE '!'`, s.jobs.Error, len(arguments))
	}
	if f.Before != 0 {
		where("o.id < $%d", f.Before)
	}
	state = `CASE WHEN o.decision = 'skipped' THEN 'skipped' ELSE coalesce(o.outcome,
		CASE WHEN j.id IS NULL THEN 'unknown' WHEN ` + s.jobs.Ended + ` THEN ` + s.jobs.Outcome + ` ELSE j.state` + s.text() + ` END) END`
	if f.State != "" {
		// Not by where: the expression has percent signs of its own.
		arguments = append(arguments, f.State)
		condition += fmt.Sprintf(" AND %s = $%d", state, len(arguments))
	}
	return condition, arguments, state
}

// text casts River's enumeration of states.
func (s *Store) text() string {
	if s.db.Kind == database.Postgres {
		return "::text"
	}
	return ""
}

// LastSuccess is when the last successful run of a schedule finished; zero if
// none did.
func (s *Store) LastSuccess(ctx context.Context, key string) (time.Time, error) {
	all, err := s.LastSuccesses(ctx, []string{key})
	return all[key], err
}

// LastSuccesses are those of several schedules, by key.
func (s *Store) LastSuccesses(ctx context.Context, keys []string) (map[string]time.Time, error) {
	rows, err := s.db.Reader().Query(ctx, `SELECT s.key,
			(SELECT max(o.finished_at) FROM punctual_occurrence o WHERE o.schedule_id = s.id AND o.outcome = 'succeeded')
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
	ids, err := numbers(s.db.Reader().Query(ctx, `SELECT id FROM punctual_schedule WHERE $1 = '' OR key = $1 ORDER BY key`, key))
	if err != nil {
		return 0, err
	}
	if key != "" && len(ids) == 0 {
		return 0, notFound(key)
	}
	for _, id := range ids {
		findings, err := s.auditOne(ctx, id)
		if err != nil {
			return 0, fmt.Errorf("auditing: %w", err)
		}
		for _, finding := range findings {
			report(finding)
		}
	}
	return len(ids), nil
}

// auditOne reads a schedule's state first and its ledger after: rows beyond the
// cursor are not looked at, so a clock may go on meanwhile.
func (s *Store) auditOne(ctx context.Context, id int64) ([]schedule.Finding, error) {
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
	if in.Rows, err = s.ledgerRows(ctx, id, in.From, in.State.Cursor); err != nil {
		return nil, err
	}
	return schedule.Audit(in), nil
}

// ledgerRows are the clock's rows that touch (from, cursor].
func (s *Store) ledgerRows(ctx context.Context, id int64, from, cursor time.Time) ([]schedule.LedgerRow, error) {
	rows, err := s.db.Reader().Query(ctx, `SELECT nominal_at, coalesce(until_at, nominal_at), count, reason, coalesce(job_id, 0), rewound_at
		FROM punctual_occurrence WHERE schedule_id = $1 AND origin = 'clock' AND coalesce(until_at, nominal_at) > $2 AND nominal_at <= $3
		ORDER BY nominal_at, id`, id, from, cursor)
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

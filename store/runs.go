package store

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/queue"
	"github.com/punctual-dev/punctual/schedule"
)

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
	// Latest means the last job made for each schedule: by the clock, a backfill or
	// a trigger.
	Latest bool
	// Each means so many rows of each schedule, the newest.
	Each int
	// Unseen means final failures that nobody has said to have seen, those among them
	// whose outcomes are not in the ledger yet.
	Unseen   bool
	ID       int64
	Keys     []string  // of these schedules; none: of all
	Open     bool      // jobs that have not ended
	Decision string    // enqueued or skipped
	Origin   string    // clock, backfill or trigger
	From, To time.Time // due in [From, To)
	// DecidedFrom means decided then or later, which is quick where it is not
	// long ago.
	DecidedFrom time.Time
	Error       string // words in the error, the note or the reason, in any case
	Before      int64  // rows with a smaller id, for the next page
	Limit       int

	from int64   // rows with this id or a larger one
	ids  []int64 // these rows
}

// Runs lists rows of the ledger, the newest first.
func (s *Store) Runs(ctx context.Context, f RunFilter) ([]Run, error) {
	if f.wordsAnywhere() {
		return s.runsWithWords(ctx, f)
	}
	return s.runs(ctx, s.db.Reader(), f)
}

// wordsAnywhere says that nothing narrows down where words are looked for, but what
// all rows have.
func (f RunFilter) wordsAnywhere() bool {
	words := f.Error
	f.Error, f.State, f.Decision, f.Origin, f.Before, f.Limit = "", "", "", "", 0, 0
	return words != "" && reflect.DeepEqual(f, RunFilter{})
}

// runsWithWords looks for words in the newest rows first, and only where it does
// not find enough in all others. Postgres would read all that failed to find the
// newest few, since it expects words to be rare; where they are not, these do. To
// go back in many steps costs twice as much where words are rare.
func (s *Store) runsWithWords(ctx context.Context, f RunFilter) ([]Run, error) {
	const one, most = 100, 4000 // in so many rows is worth a look; are looked at
	f.Limit = limitOr(f.Limit)
	all, back, err := s.RunsBack(ctx, f, min(one*f.Limit, most))
	if err != nil || back == 0 || len(all) >= f.Limit {
		return all, err
	}
	f.Before = back
	rest, err := s.runs(ctx, s.db.Reader(), f)
	all = append(all, rest...)
	return all[:min(len(all), f.Limit)], err
}

func limitOr(limit int) int {
	if limit <= 0 {
		return 20
	}
	return limit
}

// RunsBack lists rows of the ledger as Runs does, but where it is words that are
// looked for in rows of all schedules, it looks at so many of those that have any
// words and no further. Back is then the row down to which it looked, for another
// page before it; zero: it looked at all.
func (s *Store) RunsBack(ctx context.Context, f RunFilter, most int) (runs []Run, back int64, err error) {
	if f.Error != "" && f.Key == "" {
		for _, part := range s.parts(f) {
			if !part.told {
				continue // those are few
			}
			condition, arguments := part.condition, []any{}
			if f.Before != 0 {
				condition, arguments = condition+" AND o.id < $1", []any{f.Before}
			}
			ids, err := database.Values[int64](s.db.Reader().Query(ctx, fmt.Sprintf("SELECT o.id FROM punctual_occurrence o WHERE %s ORDER BY o.id DESC LIMIT 1 OFFSET %d", condition, most), arguments...))
			if err != nil {
				return nil, 0, err
			}
			if len(ids) > 0 {
				back = max(back, ids[0])
			}
		}
	}
	f.from = back
	runs, err = s.runs(ctx, s.db.Reader(), f)
	return runs, back, err
}

func (s *Store) runs(ctx context.Context, q database.Querier, f RunFilter) ([]Run, error) {
	f.Limit = limitOr(f.Limit)
	var all []Run
	for _, part := range s.parts(f) {
		some, err := s.runsOf(ctx, q, f, part)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	slices.SortFunc(all, func(a, b Run) int { return cmp.Compare(b.ID, a.ID) })
	return all[:min(len(all), f.Limit)], nil
}

// runsOf lists the rows of a part, the newest first. Where the ledger alone says
// which they are, it is asked alone and first: the databases then take the index
// of the part, and look up the rest for those few.
func (s *Store) runsOf(ctx context.Context, q database.Querier, f RunFilter, part part) ([]Run, error) {
	condition, arguments, state := s.runsWhere(f, part)
	last := " ORDER BY o.id DESC LIMIT " + fmt.Sprint(f.Limit)
	if !strings.Contains(condition, "j.") {
		condition = "o.id IN (SELECT o.id FROM punctual_occurrence o WHERE " + condition + last + ")"
	}
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
		WHERE `+condition+last, arguments...)
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
		r.Error = queue.InOurWords(r.Error)
		if !progress.At.IsZero() {
			r.Progress = &progress
		}
		if r.State == "expired" {
			// The worker that found it expired took it, but began nothing.
			r.StartedAt, r.Attempts, r.Error = time.Time{}, 0, strings.TrimPrefix(r.Error, "expired: ")
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
	counts := map[string]int{}
	for _, part := range s.parts(f) {
		if err := s.countPart(ctx, f, part, counts); err != nil {
			return nil, err
		}
	}
	return counts, nil
}

func (s *Store) countPart(ctx context.Context, f RunFilter, part part, counts map[string]int) error {
	condition, arguments, state := s.runsWhere(f, part)
	name, group, queue := state, " GROUP BY 1", " LEFT JOIN river_job j ON j.id = o.job_id AND o.outcome IS NULL"
	if f.State != "" && !strings.Contains(condition, "j.") {
		// What an index of one state can count by itself.
		name, group, queue = "'"+f.State+"'", "", ""
	}
	rows, err := s.db.Reader().Query(ctx, `SELECT `+name+`, count(*) FROM punctual_occurrence o`+queue+` WHERE `+condition+group, arguments...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var (
			name  string
			count int
		)
		if err := rows.Scan(&name, &count); err != nil {
			return err
		}
		if count > 0 {
			counts[name] += count
		}
	}
	return rows.Err()
}

// uncopied are the rows o whose outcome is not in the ledger, by the index of
// them: it begins with the schedule, and every schedule's number is above zero.
// Postgres takes what is skipped for uncopied, too, and would read the ledger
// from its end for so many; of an array it expects few.
func (s *Store) uncopied() string {
	ids := "SELECT u.id FROM punctual_occurrence u WHERE u.schedule_id > 0 AND u.job_id IS NOT NULL AND u.outcome IS NULL"
	if s.db.Kind == database.Postgres {
		return "o.id = ANY(ARRAY(" + ids + "))"
	}
	return "o.id IN (" + ids + ")"
}

// part is a condition on the rows o, and whether it lets through only those of
// which the ledger tells all: the queue is not asked for them.
type part struct {
	condition string
	told      bool
}

// parts are conditions that together let through the rows in a state, and each
// of them once. What has ended has its own index, which no statement that looks
// at the queue as well would be given; so it is asked for apart.
func (s *Store) parts(f RunFilter) []part {
	state := f.State
	switch {
	case state == "" && f.Error != "":
		return s.partsWithWords(f.Error)
	case state == "" && f.Unseen:
		return []part{{unseen, true}, {s.uncopied(), false}}
	case state == "":
		return []part{{}}
	case state == "skipped":
		return []part{{"o.decision = 'skipped'", true}}
	case slices.Contains(Outcomes, state):
		return []part{ended(state), s.uncopiedIn(state)}
	}
	return []part{s.uncopiedIn(state)}
}

// ended are the rows of an outcome that has been copied into the ledger.
func ended(outcome string) part {
	if outcome == "succeeded" {
		return part{"o.outcome = 'succeeded'", true}
	}
	return part{"o.outcome <> 'succeeded' AND o.outcome = '" + outcome + "'", true}
}

// partsWithWords are those in which words may be found. Most rows have nothing to
// read in, which their indexes know: neither an error nor a note. Each part is
// in order of its index, so that a page of words that many have is found soon.
func (s *Store) partsWithWords(words string) []part {
	parts := []part{
		{s.uncopied(), false},
		{"o.note <> '' AND (o.outcome = 'succeeded' OR o.decision = 'skipped')", true},
	}
	for _, outcome := range Outcomes {
		if outcome != "succeeded" {
			parts = append(parts, ended(outcome))
		}
	}
	if slices.ContainsFunc(schedule.Reasons, func(r schedule.Reason) bool {
		return strings.Contains(" "+string(r), strings.ToLower(words))
	}) {
		parts = append(parts, part{"o.decision = 'skipped' AND o.note = ''", true})
	}
	return parts
}

// runsWhere is a filter within a part as SQL, and the expression for a row's
// state.
func (s *Store) runsWhere(f RunFilter, part part) (condition string, arguments []any, state string) {
	if condition = part.condition; condition == "" {
		condition = "true"
	}
	if f.from != 0 && part.told && s.db.Kind == database.Postgres {
		// It expects words to be rare, and would rather read all that failed than
		// the last few by their own index.
		condition = fmt.Sprintf("o.id = ANY(ARRAY(SELECT o.id FROM punctual_occurrence o WHERE %s AND o.id >= %d ORDER BY o.id DESC))", condition, f.from)
	}
	where := func(clause string, value any) {
		arguments = append(arguments, value)
		condition += fmt.Sprintf(" AND "+clause, len(arguments))
	}
	f.whereSchedules(where)
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
	switch {
	case f.Unseen && part.told:
		condition += " AND " + unseen
	case f.Unseen:
		// Its outcome may not have been copied into the ledger yet.
		condition += " AND " + s.stateOf() + " IN ('failed', 'expired') AND o.seen_at IS NULL"
	}
	if f.ID != 0 {
		where("o.id = $%d", f.ID)
	}
	if len(f.ids) > 0 {
		where("o.id = ANY($%d)", f.ids)
	}
	if f.Open {
		condition += " AND o.outcome IS NULL AND j.id IS NOT NULL AND NOT (" + s.jobs.Ended + ")"
	}
	if f.Decision != "" {
		where("o.decision = $%d", f.Decision)
	}
	if f.Origin != "" {
		where("o.origin = $%d", f.Origin)
	}
	var due string
	due, arguments = s.whereDue(f, arguments)
	condition += due
	if !f.DecidedFrom.IsZero() {
		where(s.decidedFrom(), f.DecidedFrom)
	}
	if f.Error != "" {
		text := "o.error"
		if !part.told {
			// What has not been copied into the ledger yet stands at the job.
			text = "CASE WHEN o.outcome IS NULL AND j.id IS NOT NULL AND j.state <> 'completed' THEN " + s.jobs.Error + " ELSE o.error END"
		}
		arguments = append(arguments, containing(f.Error))
		condition += fmt.Sprintf(" AND lower(%s || ' ' || o.note || ' ' || o.reason) LIKE $%d ESCAPE '!'", text, len(arguments))
	}
	if f.Before != 0 {
		where("o.id < $%d", f.Before)
	}
	if f.from != 0 {
		where("o.id >= $%d", f.from)
	}
	return condition, arguments, s.stateOf()
}

// stateOf is the expression for a row's state. River makes a job available at once
// whose next attempt is only seconds away; it waits for a retry all the same.
func (s *Store) stateOf() string {
	return `CASE WHEN o.decision = 'skipped' THEN 'skipped' ELSE coalesce(o.outcome,
		CASE WHEN j.id IS NULL THEN 'unknown' WHEN ` + s.jobs.Ended + ` THEN ` + s.jobs.Outcome + `
			WHEN j.state = 'available' AND ` + s.jobs.Retrying + ` THEN 'retryable' ELSE j.state` + s.text() + ` END) END`
}

// uncopiedIn lets through the rows in a state of which the queue tells. The name
// of the state comes from outside: what is no name of one is none.
func (s *Store) uncopiedIn(state string) part {
	if strings.ContainsFunc(state, func(r rune) bool { return r < 'a' || r > 'z' }) {
		return part{"1 = 0", true}
	}
	return part{s.uncopied() + " AND " + s.stateOf() + " = '" + state + "'", false}
}

// nearby is the longest stretch of dues that is looked for by when they are due.
const nearby = 26 * time.Hour

// whereDue lets through what is due in [From, To). The databases would go through
// the whole ledger from its end until they have a page full, which is right where
// that is soon: where there is no end, or a long stretch.
func (s *Store) whereDue(f RunFilter, arguments []any) (condition string, more []any) {
	column, open, shut := "o.due_at", "", ""
	if !f.From.IsZero() && !f.To.IsZero() && f.To.Sub(f.From) <= nearby {
		column, open, shut = "u.due_at", " AND o.id IN (SELECT u.id FROM punctual_occurrence u WHERE true", ")"
		if s.db.Kind == database.Postgres {
			open, shut = " AND o.id = ANY(ARRAY(SELECT u.id FROM punctual_occurrence u WHERE true", "))" // of an array it expects few
		}
	}
	condition = open
	for _, bound := range []struct {
		comparison string
		at         time.Time
	}{{">=", f.From}, {"<", f.To}} {
		if !bound.at.IsZero() {
			arguments = append(arguments, bound.at)
			condition += fmt.Sprintf(" AND %s %s $%d", column, bound.comparison, len(arguments))
		}
	}
	return condition + shut, arguments
}

// whereSchedules lets through the rows of some schedules, or some rows of each.
// An index serves the number of a schedule; by its key the databases would
// rather read the whole ledger from its end until they have enough.
func (f RunFilter) whereSchedules(where func(string, any)) {
	which, value := "w.key = $%[1]d", any(f.Key)
	if len(f.Keys) > 0 {
		which, value = "w.key = ANY($%[1]d)", any(f.Keys)
	} else if f.Key == "" {
		which, value = "$%[1]d = ''", any("")
	}
	switch {
	case f.Latest:
		// Not by looking back through the ledger for a row with a job: what is paused
		// has a long one without any.
		where(`o.id IN (SELECT max(x.id) FROM punctual_occurrence x WHERE x.job_id IN (
			SELECT d.last_job_id FROM punctual_due d JOIN punctual_schedule w ON w.id = d.schedule_id WHERE d.last_job_id > 0 AND `+which+`
			UNION ALL SELECT b.last_job_id FROM punctual_backfill b JOIN punctual_schedule w ON w.id = b.schedule_id WHERE b.last_job_id > 0 AND `+which+`
			UNION ALL SELECT max(t.job_id) FROM punctual_occurrence t JOIN punctual_schedule w ON w.id = t.schedule_id
				WHERE t.origin = 'trigger' AND t.job_id IS NOT NULL AND `+which+` GROUP BY t.schedule_id) GROUP BY x.schedule_id)`, value)
	case f.Each > 0:
		where(fmt.Sprintf(`o.id IN (SELECT x.id FROM punctual_schedule w JOIN punctual_occurrence x ON x.schedule_id = w.id
			AND x.id >= coalesce((SELECT y.id FROM punctual_occurrence y WHERE y.schedule_id = w.id ORDER BY y.id DESC LIMIT 1 OFFSET %d), 0)
			WHERE `, f.Each-1)+which+`)`, value)
	case len(f.Keys) > 0:
		where("o.schedule_id IN (SELECT w.id FROM punctual_schedule w WHERE "+which+")", value)
	case f.Key != "":
		where("o.schedule_id = (SELECT w.id FROM punctual_schedule w WHERE "+which+")", value)
	}
}

// decidedFrom are the rows o decided from an instant on. SQLite would rather go
// through the whole ledger in order of id than sort what its index finds.
func (s *Store) decidedFrom() string {
	if s.db.Kind == database.Postgres {
		return "o.decided_at >= $%d"
	}
	return "o.id IN (SELECT u.id FROM punctual_occurrence u WHERE u.decided_at >= $%d)"
}

// text casts River's enumeration of states.
func (s *Store) text() string {
	if s.db.Kind == database.Postgres {
		return "::text"
	}
	return ""
}

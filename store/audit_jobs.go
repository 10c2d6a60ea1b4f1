package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/schedule"
)

// The clock's rows are held to the when, which says what there has to be. For
// rows of backfills and triggers, and for the jobs that rows name, no when says
// it: they are held to what was written down with them in the same transaction.

// jobAudit looks at rows and their jobs. What is younger than MinHistory has not
// been pruned, so only of that it is certain that it should still be there.
type jobAudit struct {
	store    *Store
	schedule int64 // only this one; 0: all
	since    time.Time
	found    map[int64][]schedule.Finding // by schedule
}

// auditJobs is what there is to say about one schedule's rows and jobs, or about
// those of all if id is 0, in order of nominal.
func (s *Store) auditJobs(ctx context.Context, id int64) (map[int64][]schedule.Finding, error) {
	now, err := s.db.Now(ctx)
	if err != nil {
		return nil, err
	}
	a := &jobAudit{store: s, schedule: id, since: now.Add(-MinHistory), found: map[int64][]schedule.Finding{}}
	for _, look := range []func(context.Context) error{a.shared, a.told, a.decisions, a.doubled, a.backfills, a.triggers} {
		if err := look(ctx); err != nil {
			return nil, err
		}
	}
	for _, findings := range a.found {
		slices.SortStableFunc(findings, func(x, y schedule.Finding) int {
			return cmp.Or(x.Nominal.Compare(y.Nominal), strings.Compare(x.Detail, y.Detail))
		})
	}
	return a.found, nil
}

// joined adds findings about jobs to those about the when. An occurrence that is
// named already is not named again for another consequence of one fault; only what
// is known of its job is said beside it.
func joined(named, more []schedule.Finding) []schedule.Finding {
	said := map[int64]int{}
	for i, f := range named {
		if f.Kind.Failure() {
			said[f.Nominal.UnixMicro()] = i
		}
	}
	for _, f := range more {
		i, ok := said[f.Nominal.UnixMicro()]
		switch {
		case !ok:
			said[f.Nominal.UnixMicro()] = len(named)
			named = append(named, f)
		case named[i].Kind == schedule.FindingUndecided:
			named[i].Detail += "; " + f.Detail
			named[i].Advice = f.Advice
		case named[i].Kind == schedule.FindingUnknown:
			named[i].Detail += "; " + f.Detail
		}
	}
	return named
}

func (a *jobAudit) find(r auditRow, kind schedule.FindingKind, detail string, arguments ...any) {
	a.tell(r, kind, fmt.Sprintf(detail, arguments...), r.advice(kind))
}

func (a *jobAudit) tell(r auditRow, kind schedule.FindingKind, detail, advice string) {
	if a.schedule != 0 && r.schedule != a.schedule {
		return
	}
	a.found[r.schedule] = append(a.found[r.schedule], schedule.Finding{Kind: kind, Key: r.key, Nominal: r.at(), Count: 1, Detail: detail, Advice: advice})
}

// auditRow is a row of the ledger, as far as it says which it is.
type auditRow struct {
	schedule     int64
	key          string
	nominal, due time.Time
	origin       string
	run          int64
	trigger      string
	job          int64
}

// auditRowColumns are those of a row o and its schedule s.
const auditRowColumns = "coalesce(o.schedule_id, 0), coalesce(s.key, ''), o.nominal_at, o.due_at, coalesce(o.origin, ''), coalesce(o.run, 0), coalesce(o.trigger_id, ''), coalesce(o.job_id, 0)"

func (r *auditRow) destinations(more ...any) []any {
	return append([]any{&r.schedule, &r.key, &r.nominal, &r.due, &r.origin, &r.run, &r.trigger, &r.job}, more...)
}

// at is the instant a row is about; a trigger has no nominal.
func (r auditRow) at() time.Time {
	if r.nominal.IsZero() {
		return r.due
	}
	return r.nominal
}

// advice says what to do about a failure of the row. A trigger has no nominal: no
// backfill runs it, and it is shown under a name of its own.
func (r auditRow) advice(kind schedule.FindingKind) string {
	switch {
	case r.trigger == "":
		return kind.Advice(r.key, r.at(), r.at())
	case kind == schedule.FindingUndecided:
		return "it may have run, or not: look for what the job leaves behind. To run it now: punctual schedules trigger " + r.key
	}
	return fmt.Sprintf("punctual runs show %s!%s tells what came of it", r.key, r.trigger)
}

// what a row is, in a sentence.
func (r auditRow) what() string {
	switch r.origin {
	case originBackfill:
		return fmt.Sprintf("the row of backfill %d", r.run)
	case originTrigger:
		return "the row of the trigger " + r.key + "!" + r.trigger
	}
	return "the clock's row"
}

// rows runs a query whose columns begin with auditRowColumns and hands each row
// to look, with the texts behind them.
func (a *jobAudit) rows(ctx context.Context, look func(auditRow, []string), texts int, query string, arguments ...any) error {
	rows, err := a.store.db.Reader().Query(ctx, query, arguments...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		r, more := auditRow{}, make([]string, texts)
		to := r.destinations()
		for i := range more {
			to = append(to, &more[i])
		}
		if err := rows.Scan(to...); err != nil {
			return err
		}
		look(r, more)
	}
	return rows.Err()
}

// shared finds rows that name the job of an earlier row: every job was made for
// one.
func (a *jobAudit) shared(ctx context.Context) error {
	return a.rows(ctx, func(r auditRow, more []string) {
		a.find(r, schedule.FindingWrong, "%s names job %d, which an earlier row of %s names, too", r.what(), r.job, more[0])
	}, 1, `SELECT `+auditRowColumns+`, p.key
		FROM punctual_occurrence o JOIN punctual_occurrence f ON f.job_id = o.job_id AND f.id < o.id
		JOIN punctual_schedule s ON s.id = o.schedule_id JOIN punctual_schedule p ON p.id = f.schedule_id
		WHERE o.job_id IS NOT NULL ORDER BY o.id`)
}

// told compares the jobs that the queue still has with the rows that name them: a
// job was told its occurrence. A job that no row names lost its row.
func (a *jobAudit) told(ctx context.Context) error {
	jobs := a.store.jobs
	type orphan struct{ job, state, name, due string }
	var orphans []orphan
	err := a.rows(ctx, func(r auditRow, more []string) {
		o := orphan{job: more[0], state: more[1], name: more[2], due: more[3]}
		if r.schedule == 0 {
			orphans = append(orphans, o)
		} else if !r.is(o.name) {
			a.find(r, schedule.FindingWrong, "%s names job %d, which was made for %s", r.what(), r.job, o.name)
		}
	}, 4, `SELECT `+auditRowColumns+`, CAST(j.id AS text), CAST(j.state AS text), `+jobs.Occurrence+`, coalesce(`+jobs.Due+`, '')
		FROM river_job j LEFT JOIN punctual_occurrence o ON o.job_id = j.id LEFT JOIN punctual_schedule s ON s.id = o.schedule_id
		WHERE `+jobs.Occurrence+` IS NOT NULL ORDER BY j.id`)
	for _, o := range orphans {
		if err == nil {
			err = a.orphan(ctx, o.name, o.due, o.job, o.state)
		}
	}
	return err
}

// is says whether a job of that name was made for the row. The key may have been
// another then, and a trigger's name gives way to a later use of its idempotency
// key.
func (r auditRow) is(name string) bool {
	if i := strings.LastIndexByte(name, '@'); i >= 0 && r.trigger == "" {
		at, err := time.Parse(time.RFC3339, name[i+1:])
		return err == nil && at.Equal(r.nominal)
	}
	_, trigger, ok := strings.Cut(name, "!")
	return ok && (trigger == r.trigger || strings.HasPrefix(r.trigger, trigger+"-"))
}

// orphan tells of a job that no row names, unless its row may have been pruned.
func (a *jobAudit) orphan(ctx context.Context, name, due, job, state string) error {
	at, err := time.Parse(time.RFC3339, due)
	if err != nil || !at.After(a.since) {
		return nil
	}
	r := auditRow{due: at, key: name[:strings.IndexAny(name+"@", "@!")]}
	if _, nominal, err := schedule.ParseOccurrenceName(name); err == nil {
		r.nominal = nominal
	}
	if renamed, err := a.store.Renamed(ctx, r.key); err == nil && renamed != "" {
		r.key = renamed
	}
	ids, err := database.Values[int64](a.store.db.Reader().Query(ctx, "SELECT id FROM punctual_schedule WHERE key = $1", r.key))
	if err != nil || len(ids) == 0 {
		return err
	}
	r.schedule = ids[0]
	a.tell(r, schedule.FindingWrong, fmt.Sprintf("the queue has job %s (%s), made for %s, but no row of the ledger names it", job, state, name), adviceOfJob(job, state))
	return nil
}

// adviceOfJob says what to do where a row is gone, and its job is not.
func adviceOfJob(job, state string) string {
	switch state {
	case "completed":
		return fmt.Sprintf("it ran: job %s has completed. Do not run it again", job)
	case "cancelled", "discarded":
		return fmt.Sprintf("it did not succeed: job %s is %s. To run it again: punctual runs retry %[1]s", job, state)
	}
	return fmt.Sprintf("it runs, or will: job %s is %s. Do not run it again", job, state)
}

// decisions finds rows without a decision, and rows of backfills and triggers that
// contradict themselves, as the audit of the clock's rows does.
func (a *jobAudit) decisions(ctx context.Context) error {
	return a.rows(ctx, func(r auditRow, more []string) {
		switch {
		case more[0] != "enqueued" && more[0] != "skipped":
			a.find(r, schedule.FindingWrong, "%s says %q, which is no decision", r.what(), more[0])
		case r.job == 0:
			a.find(r, schedule.FindingWrong, "%s says enqueued, but names no job", r.what())
		default:
			a.find(r, schedule.FindingWrong, "%s says skipped, but names job %d", r.what(), r.job)
		}
	}, 1, `SELECT `+auditRowColumns+`, o.decision FROM punctual_occurrence o JOIN punctual_schedule s ON s.id = o.schedule_id
		WHERE o.decision NOT IN ('enqueued', 'skipped')
			OR o.origin <> 'clock' AND (o.decision = 'enqueued' AND o.job_id IS NULL OR o.decision = 'skipped' AND o.job_id IS NOT NULL)
		ORDER BY o.id`)
}

// doubled finds nominals of which one backfill has two rows, and names of which
// there are two triggers.
func (a *jobAudit) doubled(ctx context.Context) error {
	return a.rows(ctx, func(r auditRow, _ []string) {
		a.find(r, schedule.FindingTwice, "%s stands there twice", r.what())
	}, 0, `SELECT `+auditRowColumns+` FROM punctual_occurrence o JOIN punctual_schedule s ON s.id = o.schedule_id
		WHERE o.origin <> 'clock' AND EXISTS (SELECT 1 FROM punctual_occurrence f WHERE f.schedule_id = o.schedule_id AND f.id < o.id
			AND f.origin = o.origin AND f.run = o.run AND f.trigger_id = o.trigger_id AND coalesce(f.nominal_at, o.due_at) = coalesce(o.nominal_at, o.due_at))
		ORDER BY o.id`)
}

// backfills compares backfills with their rows: how many they made, of which
// nominals. Of one that ended long ago the rows may be gone, and then itself.
func (a *jobAudit) backfills(ctx context.Context) error {
	err := a.rows(ctx, func(r auditRow, more []string) {
		if more[0] == "" {
			a.find(r, schedule.FindingUnknown, "the ledger has a row of backfill %d, but there is no such backfill of it", r.run)
		} else {
			a.find(r, schedule.FindingUnknown, "the ledger has a row of backfill %d, whose range it does not lie in", r.run)
		}
	}, 1, `SELECT `+auditRowColumns+`, coalesce(b.author, '') FROM punctual_occurrence o JOIN punctual_schedule s ON s.id = o.schedule_id
		LEFT JOIN punctual_backfill b ON b.id = o.run AND b.schedule_id = o.schedule_id
		WHERE o.origin = 'backfill' AND (b.id IS NULL AND o.decided_at > $1 OR o.nominal_at < b.from_at OR o.nominal_at >= b.to_at)
		ORDER BY o.id`, a.since)
	if err != nil {
		return err
	}
	type count struct {
		of         auditRow
		made, rows int
	}
	var counts []count
	err = a.rows(ctx, func(r auditRow, more []string) {
		c := count{of: r}
		_, err = fmt.Sscan(more[0]+" "+more[1], &c.made, &c.rows)
		counts = append(counts, c)
	}, 2, `SELECT s.id, s.key, b.from_at, b.from_at, 'backfill', b.id, '', 0, CAST(b.enqueued AS text), CAST(b.there AS text)
		FROM (SELECT c.*, (SELECT count(*) FROM punctual_occurrence o WHERE o.schedule_id = c.schedule_id AND o.origin = 'backfill' AND o.run = c.id) AS there
			FROM punctual_backfill c) b JOIN punctual_schedule s ON s.id = b.schedule_id
		WHERE b.there > b.enqueued OR b.there < b.enqueued AND b.created_at > $1 ORDER BY b.id`, a.since)
	for _, c := range counts {
		if err == nil {
			err = a.miscounted(ctx, c.of, c.made, c.rows)
		}
	}
	return err
}

// miscounted tells of a backfill that made more or fewer jobs than it has rows. It
// names the nominals whose rows are gone, if they are as many as are wanting; an
// edit of the when changes which they would be.
func (a *jobAudit) miscounted(ctx context.Context, backfill auditRow, made, rows int) error {
	gone, err := a.gone(ctx, backfill)
	if err != nil {
		return err
	}
	if len(gone) != made-rows {
		a.find(backfill, schedule.FindingWrong, "backfill %d made %d jobs, but the ledger has %d rows of it", backfill.run, made, rows)
		return nil
	}
	for _, nominal := range gone {
		row := backfill
		row.nominal, row.due = nominal, nominal
		a.find(row, schedule.FindingUndecided, "backfill %d made a job of it, but its row is gone", backfill.run)
	}
	return nil
}

// gone are the nominals that a backfill came past, by the when now in force, and of
// which the ledger has no row.
func (a *jobAudit) gone(ctx context.Context, backfill auditRow) ([]time.Time, error) {
	reader := a.store.db.Reader()
	b, err := a.store.BackfillByID(ctx, backfill.run)
	if err != nil {
		return nil, err
	}
	definitions, err := a.store.definitions(ctx, reader, []int64{backfill.schedule})
	if err != nil {
		return nil, err
	}
	timeline, err := schedule.NewTimeline(definitions[backfill.schedule])
	if err != nil {
		return nil, nil // in error, which is told; it has no nominals
	}
	// Without rerun it passed over what had a job already.
	nominals, err := database.Values[time.Time](reader.Query(ctx, `SELECT nominal_at FROM punctual_occurrence
		WHERE schedule_id = $1 AND nominal_at >= $2 AND nominal_at < $3 AND decision = 'enqueued'
			AND (origin = 'backfill' AND run = $4 OR $5 = 0 AND (origin = 'clock' OR origin = 'backfill' AND run < $4))`,
		backfill.schedule, b.From, b.To, b.ID, flag(b.Rerun)))
	if err != nil {
		return nil, err
	}
	there := map[int64]bool{}
	for _, nominal := range nominals {
		there[nominal.UnixMicro()] = true
	}
	end := b.To
	if past := b.Cursor.Add(time.Microsecond); b.FinishedAt.IsZero() && past.Before(end) {
		end = past
	}
	return slices.DeleteFunc(timeline.BackfillNominals(time.Time{}, b.From, end, maxBackfill), func(nominal time.Time) bool {
		return there[nominal.UnixMicro()]
	}), nil
}

// triggers compares the triggers of the last day with the activity, where each
// has an entry of its own.
func (a *jobAudit) triggers(ctx context.Context) error {
	type side struct{ row, activity auditRow }
	sides := map[string]*side{}
	err := a.rows(ctx, func(r auditRow, _ []string) {
		// A rename changes the key within a name; the number of the schedule stays.
		_, id, written := strings.Cut(r.trigger, "!")
		if !written {
			id = r.trigger
		}
		name := fmt.Sprintf("%d!%s", r.schedule, id)
		if sides[name] == nil {
			sides[name] = &side{}
		}
		if r.trigger = id; written {
			sides[name].activity = r
		} else {
			sides[name].row = r
		}
	}, 0, `SELECT s.id, s.key, NULL, a.at, 'trigger', 0, a.subject, 0
			FROM punctual_activity a JOIN punctual_schedule s ON s.id = a.schedule_id WHERE a.action = 'trigger' AND a.at > $1
		UNION ALL SELECT s.id, s.key, NULL, o.due_at, 'trigger', 0, o.trigger_id, 0
			FROM punctual_occurrence o JOIN punctual_schedule s ON s.id = o.schedule_id WHERE o.origin = 'trigger' AND o.decided_at > $1`, a.since)
	for _, one := range sides {
		switch {
		case one.row.schedule == 0:
			a.find(one.activity, schedule.FindingUndecided, "the activity knows the trigger %s!%s, but the ledger has no row for it", one.activity.key, one.activity.trigger)
		case one.activity.schedule == 0:
			a.find(one.row, schedule.FindingUnknown, "%s stands in the ledger, but nobody triggered it", one.row.what())
		}
	}
	return err
}

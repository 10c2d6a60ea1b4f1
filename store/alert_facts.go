package store

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/punctual-dev/punctual/alert"
	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/schedule"
)

// alertBatch is how many schedules one statement asks for.
const alertBatch = 1000

// AlertFacts reads how those schedules stand of which an owner may have to be
// told: something may be wrong with them, or something was told of them that may
// have ended. What it costs goes by their number and not by that of all.
func (s *Store) AlertFacts(ctx context.Context, w alert.Watched) (all []alert.Suspect, now time.Time, err error) {
	if now, err = s.db.Now(ctx); err != nil {
		return nil, now, err
	}
	states, err := s.alertStates(ctx, w.Owner, []int64{})
	if err != nil {
		return nil, now, err
	}
	f := &alertFacts{store: s, watched: w, now: now, found: map[int64]*alert.Facts{}, asked: map[alert.Kind][]int64{}}
	for id, told := range states {
		f.of(id)
		for kind := range told {
			f.asked[kind] = append(f.asked[kind], id)
		}
	}
	for _, part := range []struct {
		what string
		read func(context.Context) error
	}{
		{"what is due", f.undecided}, {"what waits", f.waiting}, {"what is in error", f.broken}, {"what has not begun", f.unstarted},
		{"what runs", f.running}, {"what was missed", f.missed}, {"what was enqueued", f.enqueued}, {"what failed", f.failed}, {"failures", f.failures},
	} {
		if err := part.read(ctx); err != nil {
			return nil, now, fmt.Errorf("looking for alerts, at %s: %w", part.what, err)
		}
	}
	if err := f.names(ctx); err != nil {
		return nil, now, err
	}
	ids := slices.Sorted(maps.Keys(f.found))
	if states, err = s.alertStates(ctx, w.Owner, ids); err != nil {
		return nil, now, err
	}
	for _, id := range ids {
		all = append(all, alert.Suspect{Facts: *f.found[id], States: states[id]})
	}
	return all, now, nil
}

// alertFacts collects the facts of one look.
type alertFacts struct {
	store   *Store
	watched alert.Watched
	now     time.Time
	found   map[int64]*alert.Facts
	// asked are those of whose failures and misses all is to be read, since
	// something was told of them or has happened.
	asked map[alert.Kind][]int64
}

func (f *alertFacts) of(id int64) *alert.Facts {
	if f.found[id] == nil {
		f.found[id] = &alert.Facts{ID: id}
	}
	return f.found[id]
}

func (f *alertFacts) ids() []int64 { return slices.Sorted(maps.Keys(f.found)) }

// each hands every row of a query to one.
func (f *alertFacts) each(ctx context.Context, one func(database.Rows) error, query string, arguments ...any) error {
	rows, err := f.store.db.Reader().Query(ctx, query, arguments...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := one(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// eachAsked is each for the schedules that are asked for a kind, in batches; they
// are the first argument.
func (f *alertFacts) eachAsked(ctx context.Context, kind alert.Kind, one func(database.Rows) error, query string, arguments ...any) error {
	slices.Sort(f.asked[kind])
	for ids := range slices.Chunk(slices.Compact(f.asked[kind]), alertBatch) {
		if err := f.each(ctx, one, query, append([]any{ids}, arguments...)...); err != nil {
			return err
		}
	}
	return nil
}

// late notes the oldest of what a schedule waits for.
func (f *alertFacts) late(id int64, since time.Time, what string) {
	one := f.of(id)
	if one.LateSince.IsZero() || since.Before(one.LateSince) {
		one.LateSince, one.LateFor = since, what
	}
}

func (f *alertFacts) lateBefore() time.Time {
	return f.now.Add(-time.Duration(f.watched.Settings.Late))
}

// undecided are those that are due and that no clock has decided. One in error is
// due again every minute, and told of by itself.
func (f *alertFacts) undecided(ctx context.Context) error {
	if f.watched.Settings.Late == 0 {
		return nil
	}
	return f.each(ctx, func(rows database.Rows) error {
		var (
			id    int64
			since time.Time
		)
		err := rows.Scan(&id, &since)
		f.late(id, since, "it is due, and no clock has decided it,")
		return err
	}, `SELECT d.schedule_id, d.next_due_at FROM punctual_due d JOIN punctual_schedule s ON s.id = d.schedule_id
		WHERE d.next_due_at <= $1 AND s.error = ''`, f.lateBefore())
}

// waiting are those of which a nominal waits.
func (f *alertFacts) waiting(ctx context.Context) error {
	if f.watched.Settings.Late == 0 {
		return nil
	}
	return f.each(ctx, func(rows database.Rows) error {
		var (
			id    int64
			since time.Time
			what  string
		)
		err := rows.Scan(&id, &since, &what)
		f.late(id, since, "it waits for "+schedule.Waiting(what).InWords())
		return err
	}, `SELECT schedule_id, waiting_due_at, waiting_for FROM punctual_due
		WHERE waiting_for <> '' AND waiting_due_at <= $1`, f.lateBefore())
}

// broken are those that no clock can decide.
func (f *alertFacts) broken(ctx context.Context) error {
	return f.each(ctx, func(rows database.Rows) error {
		var (
			id   int64
			text string
		)
		err := rows.Scan(&id, &text)
		f.of(id).Broken = text
		return err
	}, "SELECT id, error FROM punctual_schedule WHERE error <> '' AND deleted_at IS NULL")
}

// unstarted are those of which a job has been queued for long, and no attempt has
// begun.
func (f *alertFacts) unstarted(ctx context.Context) error {
	if f.watched.Settings.Late == 0 {
		return nil
	}
	return f.each(ctx, func(rows database.Rows) error {
		var (
			id    int64
			since time.Time
		)
		err := rows.Scan(&id, &since)
		f.late(id, since, "its job waits for a worker")
		return err
	}, `SELECT o.schedule_id, min(o.decided_at) FROM punctual_occurrence o JOIN river_job j ON j.id = o.job_id
		WHERE o.job_id IS NOT NULL AND o.outcome IS NULL AND o.origin = 'clock' AND o.decided_at <= $1
			AND j.attempt = 0 AND j.state IN ('available', 'scheduled', 'pending')
		GROUP BY o.schedule_id`, f.lateBefore())
}

func (f *alertFacts) running(ctx context.Context) error {
	limit := f.watched.Settings.Running
	if limit == 0 {
		return nil
	}
	started := f.store.jobs.StartedAt
	return f.each(ctx, func(rows database.Rows) error {
		var (
			id    int64
			since time.Time
		)
		err := rows.Scan(&id, &since)
		f.of(id).RunningSince = since
		return err
	}, `SELECT o.schedule_id, min(`+started+`) FROM punctual_occurrence o JOIN river_job j ON j.id = o.job_id
		WHERE o.job_id IS NOT NULL AND o.outcome IS NULL AND j.state = 'running' AND `+started+` <= $1
		GROUP BY o.schedule_id`, f.now.Add(-time.Duration(limit)))
}

// missed are those of which occurrences were skipped that nobody wanted to be. What
// a newer one stands for (coalesced, superseded) was not missed.
func (f *alertFacts) missed(ctx context.Context) error {
	if !f.watched.Settings.Missed {
		return nil
	}
	return f.each(ctx, func(rows database.Rows) error {
		var (
			id     int64
			newest time.Time
			count  int
			reason string
		)
		err := rows.Scan(&id, &newest, &count, &reason)
		one := f.of(id)
		f.asked[alert.Missed] = append(f.asked[alert.Missed], id)
		one.Missed, one.MissedCount, one.MissedReason = newest, count, schedule.Reason(reason)
		return err
	}, `SELECT schedule_id, max(coalesce(until_at, nominal_at)), sum(count), max(reason) FROM punctual_occurrence
		WHERE reason IN ('missed', 'beyond catch-up limit') AND origin = 'clock' AND decided_at > $1
		GROUP BY schedule_id LIMIT $2`, f.watched.Since(), alertBatch)
}

// enqueued reads the newest nominal that was.
func (f *alertFacts) enqueued(ctx context.Context) error {
	return f.eachAsked(ctx, alert.Missed, func(rows database.Rows) error {
		var (
			id     int64
			newest time.Time
		)
		err := rows.Scan(&id, &newest)
		f.of(id).Enqueued = newest
		return err
	}, `SELECT s.id, (SELECT o.nominal_at FROM punctual_occurrence o WHERE o.schedule_id = s.id AND o.origin = 'clock' AND o.decision = 'enqueued'
			ORDER BY o.nominal_at DESC LIMIT 1)
		FROM punctual_schedule s WHERE s.id = ANY($1)`)
}

// failed are those of which a job failed for good lately.
func (f *alertFacts) failed(ctx context.Context) error {
	if f.watched.Settings.Failures == 0 {
		return nil
	}
	return f.each(ctx, func(rows database.Rows) error {
		var id int64
		err := rows.Scan(&id)
		f.of(id)
		f.asked[alert.Failing] = append(f.asked[alert.Failing], id)
		return err
	}, `SELECT DISTINCT schedule_id FROM punctual_occurrence
		WHERE outcome IN ('failed', 'expired') AND finished_at > $1 LIMIT $2`, f.watched.Since(), alertBatch)
}

// failures counts those since the last success.
func (f *alertFacts) failures(ctx context.Context) error {
	const last = `FROM punctual_occurrence o WHERE o.schedule_id = s.id AND o.outcome IN ('failed', 'expired')
		AND o.finished_at > coalesce((SELECT max(x.finished_at) FROM punctual_occurrence x WHERE x.schedule_id = s.id AND x.outcome = 'succeeded'), $2)`
	return f.eachAsked(ctx, alert.Failing, func(rows database.Rows) error {
		var (
			id       int64
			failures int
			at       time.Time
			text     string
		)
		err := rows.Scan(&id, &failures, &at, &text)
		one := f.of(id)
		one.Failures, one.FailedAt, one.Error = failures, at, short(text, maxToldError)
		return err
	}, `SELECT s.id, (SELECT count(*) FROM (SELECT 1 `+last+` LIMIT $3) AS counted),
			(SELECT o.finished_at `+last+` ORDER BY o.finished_at DESC LIMIT 1),
			coalesce((SELECT CASE WHEN o.outcome = 'expired' AND o.error = '' THEN o.outcome ELSE o.error END `+last+` ORDER BY o.finished_at DESC LIMIT 1), '')
		FROM punctual_schedule s WHERE s.id = ANY($1)`, time.Unix(0, 0), alert.MostFailures)
}

// maxToldError is how much of an error a message quotes.
const maxToldError = 300

// names reads whose the schedules are, and leaves out those that are deleted or
// that somebody else is told of.
func (f *alertFacts) names(ctx context.Context) error {
	others, err := f.store.WatchedAlerts(ctx)
	if err != nil {
		return err
	}
	told := map[string]bool{}
	for _, other := range others {
		told[other.Owner] = len(other.Settings.To) > 0
	}
	named := map[int64]bool{}
	name := func(rows database.Rows) error {
		var (
			id    int64
			owner schedule.Owner
			key   string
			text  string
			tags  []string
		)
		if err := rows.Scan(&id, &key, &text, &owner.Kind, &owner.Name); err != nil {
			return err
		}
		_ = json.Unmarshal([]byte(text), &tags) // a schedule without readable tags has none
		own := owner.String() == f.watched.Owner || !told[owner.String()]
		named[id] = own && f.watched.Settings.Watches(key, tags)
		f.of(id).Schedule = key
		return nil
	}
	for ids := range slices.Chunk(f.ids(), alertBatch) {
		if err := f.each(ctx, name, "SELECT id, key, tags, owner_kind, owner_name FROM punctual_schedule WHERE id = ANY($1) AND deleted_at IS NULL", ids); err != nil {
			return err
		}
	}
	maps.DeleteFunc(f.found, func(id int64, _ *alert.Facts) bool { return !named[id] })
	return nil
}

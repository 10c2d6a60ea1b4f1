package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/schedule"
)

// What wants somebody's attention: a few of each kind, and of how many schedules
// it is so. What it costs goes by how many those are, and not by how many there
// are in all.

// FailingSchedule is a schedule with final failures that nobody has said to have
// seen.
type FailingSchedule struct {
	Failure     // the newest
	Count   int // of them
}

// Failing lists the schedules with failures nobody has seen, the newest first, at
// most limit, and counts all of them.
func (s *Store) Failing(ctx context.Context, limit int) (all []FailingSchedule, schedules int, err error) {
	type newest struct {
		id    int64
		count int
	}
	// As in CountUnseen, for the index; so is the plus.
	rows, err := s.db.Reader().Query(ctx, `SELECT max(o.id), count(*) FROM punctual_occurrence o WHERE o.id > 0 AND `+unseen+` GROUP BY +o.schedule_id`)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	var found []newest
	for rows.Next() {
		var one newest
		if err := rows.Scan(&one.id, &one.count); err != nil {
			return nil, 0, err
		}
		found = append(found, one)
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return nil, 0, err
	}
	slices.SortFunc(found, func(a, b newest) int { return cmp.Compare(b.id, a.id) })
	var ids []int64
	counts := map[int64]int{}
	for _, one := range found[:min(limit, len(found))] {
		ids, counts[one.id] = append(ids, one.id), one.count
	}
	if len(ids) == 0 {
		return nil, 0, nil
	}
	runs, err := s.Runs(ctx, RunFilter{ids: ids, Limit: len(ids)})
	if err != nil {
		return nil, 0, err
	}
	failures, err := s.failures(ctx, runs)
	for _, failure := range failures {
		all = append(all, FailingSchedule{failure, counts[failure.ID]})
	}
	return all, len(found), err
}

// MissedSchedule is a schedule of which occurrences were missed.
type MissedSchedule struct {
	Schedule string
	Count    int       // of occurrences
	At       time.Time // the newest was decided
	Run      int64     // the newest row of the ledger
}

// Missed lists the schedules of which occurrences were missed, and not made up
// for, since an instant: the newest first, at most limit. It counts all of them.
func (s *Store) Missed(ctx context.Context, since time.Time, limit int) (all []MissedSchedule, schedules int, err error) {
	rows, err := s.db.Reader().Query(ctx, `SELECT s.key, sum(o.count), max(o.decided_at), max(o.id)
		FROM punctual_occurrence o JOIN punctual_schedule s ON s.id = o.schedule_id
		WHERE o.reason IN ('missed', 'beyond catch-up limit') AND o.decided_at >= $1 AND s.deleted_at IS NULL
		GROUP BY s.key`, since)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var one MissedSchedule
		if err := rows.Scan(&one.Schedule, &one.Count, &one.At, &one.Run); err != nil {
			return nil, 0, err
		}
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b MissedSchedule) int {
		return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.Schedule, b.Schedule))
	})
	return all[:min(limit, len(all))], len(all), rows.Err()
}

// LongRunning lists the runs whose attempt has run since before an instant, those
// that have run the longest first.
func (s *Store) LongRunning(ctx context.Context, before time.Time, limit int) ([]Run, error) {
	started := s.jobs.StartedAt
	ids, err := database.Values[int64](s.db.Reader().Query(ctx, `SELECT o.id FROM punctual_occurrence o JOIN river_job j ON j.id = o.job_id
		WHERE o.schedule_id > 0 AND o.job_id IS NOT NULL AND o.outcome IS NULL AND j.state = 'running' AND `+started+` <= $1
		ORDER BY `+started+` LIMIT `+fmt.Sprint(limit), before))
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	all, err := s.Runs(ctx, RunFilter{ids: ids, Limit: len(ids)})
	slices.SortFunc(all, func(a, b Run) int { return a.StartedAt.Compare(b.StartedAt) })
	return all, err
}

// LongestSuccesses are how long the longest run took that succeeded, of so many
// rows of each schedule, the newest, by key. Of those that have not been copied
// into the ledger nothing is known here.
func (s *Store) LongestSuccesses(ctx context.Context, keys []string, newest int) (map[string]time.Duration, error) {
	rows, err := s.db.Reader().Query(ctx, fmt.Sprintf(`SELECT w.key, x.started_at, x.finished_at
		FROM punctual_schedule w JOIN punctual_occurrence x ON x.schedule_id = w.id
			AND x.id >= coalesce((SELECT y.id FROM punctual_occurrence y WHERE y.schedule_id = w.id ORDER BY y.id DESC LIMIT 1 OFFSET %d), 0)
		WHERE w.key = ANY($1) AND x.outcome = 'succeeded'`, newest-1), keys)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	longest := make(map[string]time.Duration, len(keys))
	for rows.Next() {
		var key string
		var started, finished time.Time
		if err := rows.Scan(&key, &started, &finished); err != nil {
			return nil, err
		}
		longest[key] = max(longest[key], finished.Sub(started))
	}
	return longest, rows.Err()
}

// Decision is a row of the ledger as far as a chart tells of it.
type Decision struct {
	DecidedAt, Due time.Time
	Origin         string
	Reason         schedule.Reason // empty: it was enqueued
	Outcome        string          // empty: it has not been copied into the ledger
	Count          int
}

// Decisions lists what was decided since an instant that is not long ago, the
// newest first, at most limit.
func (s *Store) Decisions(ctx context.Context, since time.Time, limit int) ([]Decision, error) {
	rows, err := s.db.Reader().Query(ctx, `SELECT o.decided_at, o.due_at, o.origin, o.reason, coalesce(o.outcome, ''), o.count
		FROM punctual_occurrence o WHERE `+fmt.Sprintf(s.decidedFrom(), 1)+` ORDER BY o.id DESC LIMIT `+fmt.Sprint(limit), since)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Decision
	for rows.Next() {
		var one Decision
		if err := rows.Scan(&one.DecidedAt, &one.Due, &one.Origin, &one.Reason, &one.Outcome, &one.Count); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// Plan names what all schedules were when somebody looked: while two are the
// same, they are due at the same instants.
type Plan struct {
	Schedules     int
	newest        int64
	versions      int64
	skips, pauses string
}

// Plan reads it. The newest is that of all there ever were, which the primary key
// knows: the rest is then asked of an index alone, and not of rows that hold
// whole jobs.
func (l Look) Plan(ctx context.Context) (p Plan, err error) {
	reader := l.store.db.Reader()
	err = reader.QueryRow(ctx, `SELECT count(*), (SELECT coalesce(max(id), 0) FROM punctual_schedule), CAST(coalesce(sum(version), 0) AS bigint)
		FROM punctual_schedule WHERE deleted_at IS NULL`).Scan(&p.Schedules, &p.newest, &p.versions)
	if err != nil {
		return p, err
	}
	skips, err := database.Values[int64](reader.Query(ctx, "SELECT schedule_id FROM punctual_due WHERE skip_at > $1 ORDER BY schedule_id", l.now))
	p.pauses, p.skips = fmt.Sprint(l.pauses.ids()), fmt.Sprint(skips)
	return p, err
}

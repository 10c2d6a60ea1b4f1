package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/schedule"
)

// What a row of the ledger does not know: who edited, deleted and skipped, who
// holds the places of a limit, and which backfill was to run an instant. It is
// asked for one occurrence at a time.

// ActivitiesOf lists who did something with a schedule, the newest first, at most
// limit. A deleted schedule has them, too.
func (s *Store) ActivitiesOf(ctx context.Context, key, action string, limit int) ([]Activity, error) {
	return s.activities(ctx, `schedule_id = (SELECT w.id FROM punctual_schedule w WHERE w.key = $1) AND action = $2
		ORDER BY id DESC LIMIT $3`, key, action, limit)
}

// WhoSkips is who asked for a nominal to be skipped when it comes due, and has not
// taken it back up to an instant; nil: nobody.
func (s *Store) WhoSkips(ctx context.Context, key string, nominal, until time.Time) (*Activity, error) {
	const most = 20
	// The schedule may have had another key then.
	which := `schedule_id = (SELECT w.id FROM punctual_schedule w WHERE w.key = $1) AND at <= $2
		AND action IN ('skip-next', 'undo-skip-next') AND detail LIKE $3 ESCAPE '!' ORDER BY id DESC LIMIT $4`
	found, err := s.activities(ctx, which, key, until, "%"+strings.TrimSuffix(beginning(schedule.OccurrenceName("", nominal)), "%"), most)
	if err != nil || len(found) == 0 || found[0].Action != "skip-next" {
		return nil, err
	}
	return &found[0], nil
}

// DeletedAt is when a schedule was deleted; zero: it was not, or nothing is known
// of it any more.
func (s *Store) DeletedAt(ctx context.Context, key string) (at time.Time, err error) {
	err = s.db.Reader().QueryRow(ctx, "SELECT deleted_at FROM punctual_schedule WHERE key = $1", key).Scan(&at)
	if err == database.ErrNoRows {
		return time.Time{}, nil
	}
	return at, err
}

// Definitions are what a schedule has been declared to be, the oldest first, as
// far as history is kept. One without expressions is its deletion.
func (s *Store) Definitions(ctx context.Context, key string) ([]schedule.Definition, error) {
	ids, err := database.Values[int64](s.db.Reader().Query(ctx, "SELECT id FROM punctual_schedule WHERE key = $1", key))
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	all, err := s.definitions(ctx, s.db.Reader(), ids)
	return all[ids[0]], err
}

// BackfillsOver lists the backfills of a schedule whose range has an instant in
// it, the newest first.
func (s *Store) BackfillsOver(ctx context.Context, key string, at time.Time) ([]Backfill, error) {
	return s.readBackfills(ctx, "s.key = $1 AND b.from_at <= $2 AND b.to_at > $2 ORDER BY b.id DESC", key, at)
}

// WhoStopped is who stopped a backfill, and why if a clock did; nil: nobody, as
// far as is known.
func (s *Store) WhoStopped(ctx context.Context, backfill int64) (*Activity, error) {
	found, err := s.activities(ctx, "action = 'stop-backfill' AND subject = $1 ORDER BY id DESC LIMIT 1", fmt.Sprint(backfill))
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

// WhoResumed is who ended a pause; empty: nobody, as far as is known.
func (s *Store) WhoResumed(ctx context.Context, p PauseInForce) (string, error) {
	if p.Until.IsZero() {
		return "", nil
	}
	found, err := s.activities(ctx, "at = $1 AND action = 'resume' ORDER BY id LIMIT 1", p.Until)
	if err != nil || len(found) == 0 {
		return "", err
	}
	return found[0].Author, nil
}

// ClocksAway is the time around an instant in which no clock ran, as far as the
// processes tell that are still on record; zero: one did, or it is not known. Of a
// clock that was killed the end is known to some seconds.
func (s *Store) ClocksAway(ctx context.Context, at time.Time) (from, until time.Time, err error) {
	rows, err := s.db.Reader().Query(ctx, `SELECT started_at, coalesce(stopped_at, CASE WHEN lost_at IS NOT NULL OR beat_at <= $2 THEN coalesce(tick_at, beat_at) END)
		FROM punctual_process WHERE role IN ('clock', 'start') AND beat_at > $1`, at.Add(-24*time.Hour), at.Add(-DeadAfter))
	if err != nil {
		return from, until, err
	}
	defer rows.Close()
	ran := false
	for rows.Next() {
		var began, ended time.Time
		if err := rows.Scan(&began, &ended); err != nil {
			return from, until, err
		}
		switch {
		case began.After(at):
			if until.IsZero() || began.Before(until) {
				until = began
			}
		case ended.IsZero() || !ended.Before(at):
			ran = true
		case ended.After(from):
			from = ended
		}
	}
	if ran || from.IsZero() || until.IsZero() {
		return time.Time{}, time.Time{}, rows.Err()
	}
	return from, until, rows.Err()
}

// Meanwhile are the runs which had the places of a queue in a time, whether they
// have ended or run still: at most most of them, among those queued lately before
// a run.
func (s *Store) Meanwhile(ctx context.Context, queue string, before int64, from, until time.Time, most int) ([]Run, error) {
	const lately = 200
	ids, err := database.Values[int64](s.db.Reader().Query(ctx, `SELECT o.id FROM (
			SELECT id, job_id, outcome, started_at, finished_at FROM punctual_occurrence WHERE id < $1 AND job_id IS NOT NULL ORDER BY id DESC LIMIT $2) o
		JOIN river_job j ON j.id = o.job_id
		WHERE j.queue = $3 AND (o.started_at < $5 AND o.finished_at > $4 OR o.outcome IS NULL AND j.state = 'running' AND `+s.jobs.StartedAt+` < $5)
		ORDER BY o.id DESC LIMIT $6`, before, lately, queue, from, until, most))
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	return s.Runs(ctx, RunFilter{ids: ids, Limit: most})
}

// Holders are the runs that have the places of a limit, at most most of them.
func (s *Store) Holders(ctx context.Context, limit string, most int) ([]Run, error) {
	keys, err := s.limited(ctx, limit)
	if err != nil || len(keys) == 0 {
		return nil, err
	}
	return s.inTheWay(ctx, RunFilter{Keys: keys, Open: true, Limit: most})
}

// limited are the schedules whose jobs take the places of a limit.
func (s *Store) limited(ctx context.Context, limit string) ([]string, error) {
	return database.Values[string](s.db.Reader().Query(ctx, "SELECT key FROM punctual_schedule WHERE limit_group = $1 ORDER BY key", limit))
}

// InTheWayOf are the runs of its schedule that a run had to wait for from when it
// was due up to an instant: those that were queued before and had not ended. With
// a limit they are those of all schedules that share it.
func (s *Store) InTheWayOf(ctx context.Context, r Run, limit string, until time.Time, most int) (all []Run, err error) {
	const looked = 50 // of those decided before it
	f := RunFilter{Key: r.Schedule, Decision: "enqueued", Before: r.ID, Limit: looked}
	if limit != "" {
		f.Key = ""
		if f.Keys, err = s.limited(ctx, limit); err != nil || len(f.Keys) == 0 {
			return nil, err
		}
	}
	runs, err := s.Runs(ctx, f)
	for _, one := range runs {
		ended := one.FinishedAt
		if one.DecidedAt.After(until) || !ended.IsZero() && ended.Before(until) || len(all) == most {
			continue
		}
		// What waits for a retry is in nobody's way.
		if slices.Contains([]string{"unknown", "retryable", "superseded"}, one.State) {
			continue
		}
		all = append(all, one)
	}
	return all, err
}

// InTheWay are the runs of a schedule that an occurrence of it may have to wait
// for, at most most of them.
func (s *Store) InTheWay(ctx context.Context, key string, most int) ([]Run, error) {
	return s.inTheWay(ctx, RunFilter{Key: key, Open: true, Limit: most})
}

func (s *Store) inTheWay(ctx context.Context, f RunFilter) ([]Run, error) {
	runs, err := s.Runs(ctx, f)
	// What waits for a retry is in nobody's way.
	return slices.DeleteFunc(runs, func(r Run) bool { return r.State == "retryable" }), err
}

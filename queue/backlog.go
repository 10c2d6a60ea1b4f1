package queue

import (
	"context"
	"time"

	"github.com/punctual-dev/punctual/database"
)

// OwnKind says whether a kind of job is one of punctual's own, which every worker
// of punctual takes and nobody else.
func OwnKind(kind string) bool { return kind == KindCommand || kind == KindHTTP }

// Kinds are the kinds of which there are jobs, ended ones too. The index is
// jumped through from one to the next, however many jobs there are.
func (q *Queue) Kinds(ctx context.Context) ([]string, error) {
	return database.Values[string](q.db.Reader().Query(ctx, `WITH RECURSIVE kinds (kind) AS (
			SELECT min(kind) FROM river_job
			UNION ALL SELECT (SELECT min(j.kind) FROM river_job j WHERE j.kind > kinds.kind) FROM kinds WHERE kinds.kind IS NOT NULL)
		SELECT kind FROM kinds WHERE kind IS NOT NULL`))
}

// Backlog is how the jobs of one kind stand in one queue, as far as punctual made
// them.
type Backlog struct {
	Queue, Kind string
	Waiting     int       // for a worker
	Oldest      time.Time // since when the one waits that has waited longest
	Running     int
}

// Backlogs are those of some kinds, in order of queue and kind.
func (q *Queue) Backlogs(ctx context.Context, kinds []string) ([]Backlog, error) {
	// Of our own kinds what they were told need not be looked at: it is read out of
	// each job, and where no worker lives there may be many.
	ours := "(j.kind IN ('" + KindCommand + "', '" + KindHTTP + "') OR " + q.told("occurrence") + " IS NOT NULL)"
	since := "j.scheduled_at"
	if q.db.Kind == database.SQLite {
		since = micros(since)
	}
	rows, err := q.db.Reader().Query(ctx, `SELECT j.queue, j.kind,
			sum(CASE WHEN j.state = 'available' THEN 1 ELSE 0 END), min(CASE WHEN j.state = 'available' THEN `+since+` END),
			sum(CASE WHEN j.state = 'running' THEN 1 ELSE 0 END)
		FROM river_job j WHERE j.kind = ANY($1) AND j.state IN ('available', 'running') AND `+ours+`
		GROUP BY j.queue, j.kind ORDER BY j.queue, j.kind`, kinds)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Backlog
	for rows.Next() {
		var b Backlog
		if err := rows.Scan(&b.Queue, &b.Kind, &b.Waiting, &b.Oldest, &b.Running); err != nil {
			return nil, err
		}
		all = append(all, b)
	}
	return all, rows.Err()
}

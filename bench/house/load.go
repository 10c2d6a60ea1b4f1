package house

import (
	"context"
	"fmt"
	"time"

	"github.com/punctual-dev/punctual/internal/pgtest"
	"github.com/punctual-dev/punctual/schedule"
)

// A spread load: so many schedules, each due once in so long, at instants of
// their own. A thousand are due a second.
const (
	SpreadSchedules = 20_000
	SpreadEvery     = 20 * time.Second
)

// Crowd is a house with n schedules that are due at one instant.
func Crowd(ctx context.Context, kind, programs string, n int, settings ...pgtest.Option) (*House, time.Time, error) {
	h, err := Open(ctx, kind, programs, settings...)
	if err != nil {
		return nil, time.Time{}, err
	}
	// Until then they are made, and the clocks started.
	due := time.Now().Add(7*time.Second + time.Duration(n)*120*time.Microsecond).Truncate(time.Second)
	err = h.Declare(ctx, "herd", "every 1h from "+schedule.FormatInstant(due), nil)
	if err == nil {
		err = h.Copies(ctx, "herd", n-1)
	}
	if err != nil {
		h.Close()
		return nil, due, err
	}
	return h, due, nil
}

// Exactly makes sure that there is one row and one job for each.
func (h *House) Exactly(ctx context.Context, n int) error {
	for _, query := range []string{
		"SELECT count(*) FROM punctual_occurrence",
		"SELECT count(DISTINCT schedule_id) FROM punctual_occurrence WHERE decision = 'enqueued'",
		"SELECT count(*) FROM river_job",
	} {
		if found, err := h.Number(ctx, query); err != nil || found != int64(n) {
			return fmt.Errorf("%s is %d, not %d (%v)", query, found, n, err)
		}
	}
	return nil
}

// SpreadOut makes n schedules of a spread load, each due once in so long, and
// others that are at rest, until there are so many. The server is one that has run
// for a while (keepLog).
func (h *House) SpreadOut(ctx context.Context, n int, every time.Duration, among int) error {
	err := h.Declare(ctx, "spread", "every "+every.String(), func(d *schedule.Declaration) {
		d.Jitter = every
		d.Policies.Overlap = schedule.OverlapAllow
	})
	if err != nil {
		return err
	}
	if err := h.Copies(ctx, "spread", n-1); err != nil {
		return err
	}
	if among > n {
		if err := h.AtRest(ctx, among-n); err != nil {
			return err
		}
	}
	return h.keepLog(ctx)
}

// keepLog has a server of Postgres's keep files of its log to be used again, as one
// has that has run for a while. A new one makes a file for each 16 MB that it writes,
// and the commit at which it does takes 50 ms and more.
func (h *House) keepLog(ctx context.Context) error {
	if h.Kind != "postgres" {
		return nil
	}
	const files = 60 // a GB, with keptLog
	for range files {
		if _, err := h.DB.Reader().Exec(ctx, "SELECT pg_logical_emit_message(false, 'bench', ''), pg_switch_wal()"); err != nil {
			return err
		}
	}
	_, err := h.DB.Reader().Exec(ctx, "CHECKPOINT")
	return err
}

// keptLog is how much of its log a server keeps in any case.
var keptLog = pgtest.Setting("min_wal_size", "1GB")

// CommitTimes has the server keep the instant of each commit.
var CommitTimes = pgtest.Setting("track_commit_timestamp", "on")

// CommitMoments asks for the commits of a table's first row, of half of them and of the
// last, where nobody has changed a row since.
func CommitMoments(table string) string {
	return `SELECT min(at), percentile_disc(0.5) WITHIN GROUP (ORDER BY at), max(at)
		FROM (SELECT pg_xact_commit_timestamp(xmin) AS at FROM ` + table + `) AS commits`
}

// AtRest makes schedules that are not due for months.
func (h *House) AtRest(ctx context.Context, n int) error {
	if err := h.Declare(ctx, "rest", "every 8760h from 2020-01-01T00:00:00Z", nil); err != nil {
		return err
	}
	return h.Copies(ctx, "rest", n-1)
}

package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/schedule"
)

// stretchesAreFree makes sure that no row of the clock lies in a stretch that is
// to be written: the unique index guards only where it begins.
func (c *commit) stretchesAreFree(ctx context.Context, decided []schedule.Decided) error {
	var spans []span
	for _, d := range decided {
		for _, row := range d.Rows {
			if row.Count > 1 {
				spans = append(spans, span{d.Schedule.ID, row.Nominal, row.Until})
			}
		}
	}
	found, err := c.standing(ctx, spans)
	if err != nil {
		return err
	}
	for i := range found {
		return fmt.Errorf("%w from %s to %s", errStands, schedule.FormatInstant(spans[i].from), schedule.FormatInstant(spans[i].until))
	}
	return nil
}

// span is a schedule's nominals from one to another, both included.
type span struct {
	schedule    int64
	from, until time.Time
}

// standing reads the clock's rows that lie in spans, or reach into them, by
// place in spans, in order of nominal.
func (c *commit) standing(ctx context.Context, spans []span) (map[int][]schedule.LedgerRow, error) {
	if len(spans) == 0 {
		return nil, nil
	}
	source, arguments := c.spans(spans)
	// A row before a span reaches into it only if it is the last one before.
	rows, err := c.tx.Query(ctx, `SELECT w.place, o.nominal_at, coalesce(o.until_at, o.nominal_at)
		FROM `+source+` CROSS JOIN punctual_occurrence o
		WHERE o.schedule_id = w.schedule_id AND o.origin = 'clock' AND o.nominal_at <= w.until_at
			AND o.nominal_at >= coalesce((SELECT max(p.nominal_at) FROM punctual_occurrence p
				WHERE p.schedule_id = w.schedule_id AND p.origin = 'clock' AND p.nominal_at < w.from_at), w.from_at)
			AND coalesce(o.until_at, o.nominal_at) >= w.from_at
		ORDER BY w.place, o.nominal_at`, arguments...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := map[int][]schedule.LedgerRow{}
	for rows.Next() {
		var (
			place int
			r     schedule.LedgerRow
		)
		if err := rows.Scan(&place, &r.Nominal, &r.Until); err != nil {
			return nil, err
		}
		found[place] = append(found[place], r)
	}
	return found, rows.Err()
}

// spans is a table w (place, schedule_id, from_at, until_at) in this database's
// SQL.
func (c *commit) spans(spans []span) (source string, arguments []any) {
	if c.store.db.Kind == database.SQLite {
		list := make([][3]int64, len(spans))
		for i, s := range spans {
			list[i] = [3]int64{s.schedule, s.from.UnixMicro(), s.until.UnixMicro()}
		}
		text, _ := json.Marshal(list)
		return `(SELECT key AS place, json_extract(value, '$[0]') AS schedule_id, json_extract(value, '$[1]') AS from_at,
			json_extract(value, '$[2]') AS until_at FROM json_each($1)) AS w`, []any{string(text)}
	}
	ids, froms, untils := make([]int64, len(spans)), make([]time.Time, len(spans)), make([]time.Time, len(spans))
	for i, s := range spans {
		ids[i], froms[i], untils[i] = s.schedule, s.from, s.until
	}
	return `(SELECT place - 1 AS place, schedule_id, from_at, until_at
		FROM unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[]) WITH ORDINALITY AS u (schedule_id, from_at, until_at, place)) AS w`,
		[]any{ids, froms, untils}
}

// passOverStanding takes out of decisions what the ledger has already. The
// cursor moves past it all the same. A decision that enqueues nothing any more
// cancels nothing either: what it would have made way for is not coming.
func (c *commit) passOverStanding(ctx context.Context, decided []schedule.Decided) ([]schedule.Decided, error) {
	var spans []span
	for _, d := range decided {
		for _, row := range d.Rows {
			spans = append(spans, span{d.Schedule.ID, row.Nominal, row.Until})
		}
	}
	found, err := c.standing(ctx, spans)
	if err != nil {
		return nil, err
	}
	place := 0
	for i := range decided {
		d := &decided[i]
		var rows []schedule.Row
		enqueued, passed := 0, 0
		for _, row := range d.Rows {
			standing := found[place]
			place++
			switch {
			case len(standing) > 0 && row.Skipped != "":
				rows = append(rows, row.Around(d.Schedule.Timeline, standing)...)
			case len(standing) > 0:
				passed++
			default:
				rows = append(rows, row)
				if row.Skipped == "" {
					enqueued++
				}
			}
		}
		d.Rows = rows
		if passed > 0 && enqueued == 0 {
			d.Supersede, d.Cancel = nil, nil
		}
	}
	return decided, nil
}

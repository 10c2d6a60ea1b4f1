package store

import (
	"context"
	"slices"
	"time"

	"github.com/punctual-dev/punctual/database"
)

// aged is a schedule whose oldest row is beyond the horizon and may go, or that
// was deleted before it.
type aged struct {
	id      int64
	deleted bool // before the horizon: nothing of it stays
	// What stays of one that is not: rows from keep on, the row of the last
	// success, and that of the last job.
	keep, success, job int64
	after              int64 // rows up to this one have been looked at
}

// schedules prunes the ledger, schedule by schedule in order of id.
func (p *pruning) schedules(ctx context.Context) error {
	const page = 500
	for after, more := int64(0), true; more; {
		ids, old, err := p.agedSchedules(ctx, after, page)
		if err != nil {
			return err
		}
		if more = len(ids) == page; more {
			after = ids[len(ids)-1]
		}
		if err := p.ledgersOf(ctx, old); err != nil {
			return err
		}
		p.rest(ctx)
	}
	return ctx.Err()
}

// agedSchedules looks at a page of schedules and returns the ids of all, and
// those that may have something to be pruned.
func (p *pruning) agedSchedules(ctx context.Context, after int64, page int) (ids []int64, old []*aged, err error) {
	rows, err := p.store.db.Reader().Query(ctx, `SELECT s.id, s.deleted_at, coalesce(o.id, 0), CASE WHEN o.decided_at < $1 THEN
			coalesce((SELECT k.id FROM punctual_occurrence k WHERE k.schedule_id = s.id ORDER BY k.id DESC LIMIT 1 OFFSET $2), 0) ELSE 0 END
		FROM punctual_schedule s
		LEFT JOIN punctual_occurrence o ON o.id = (SELECT min(f.id) FROM punctual_occurrence f WHERE f.schedule_id = s.id)
		WHERE s.id > $3 AND s.format <= $4 ORDER BY s.id LIMIT $5`, p.horizon, keptRuns-1, after, Format, page)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var (
			one     aged
			deleted time.Time
			oldest  int64
		)
		if err := rows.Scan(&one.id, &deleted, &oldest, &one.keep); err != nil {
			return nil, nil, err
		}
		ids = append(ids, one.id)
		one.deleted = !deleted.IsZero() && deleted.Before(p.horizon)
		if one.deleted || oldest < one.keep {
			old = append(old, &one)
		}
	}
	return ids, old, rows.Err()
}

// ledgersOf prunes the rows of schedules, several schedules in one transaction
// where each has few.
func (p *pruning) ledgersOf(ctx context.Context, old []*aged) error {
	for len(old) > 0 {
		var batch []prunable
		for len(old) > 0 && len(batch) < pruneBatch {
			one := old[0]
			rows, more, err := p.prunableRows(ctx, one, pruneBatch-len(batch))
			if err != nil {
				return err
			}
			batch = append(batch, rows...)
			if more {
				break // the rest of it comes with the next batch
			}
			old = old[1:]
			if one.deleted {
				// Its rows go first, in the batches so far.
				if err := p.removeRows(ctx, batch); err != nil {
					return err
				}
				batch = nil
				if err := p.removeSchedule(ctx, one.id); err != nil {
					return err
				}
			}
		}
		if err := p.removeRows(ctx, batch); err != nil {
			return err
		}
	}
	return nil
}

// prunable is a row of the ledger that is to go.
type prunable struct{ id, schedule, job int64 }

// prunableRows finds the next rows of a schedule that are to go, among at most
// limit of its oldest, and whether there may be more.
func (p *pruning) prunableRows(ctx context.Context, one *aged, limit int) (found []prunable, more bool, err error) {
	if one.after == 0 {
		if err := p.whatStays(ctx, one); err != nil {
			return nil, false, err
		}
	}
	rows, err := p.store.db.Reader().Query(ctx, `SELECT id, decided_at, coalesce(job_id, 0), CASE WHEN job_id IS NOT NULL AND outcome IS NULL THEN 1 ELSE 0 END
		FROM punctual_occurrence WHERE schedule_id = $1 AND id > $2 ORDER BY id LIMIT $3`, one.id, one.after, limit)
	if err != nil {
		return nil, false, err
	}
	defer rows.Close()
	seen := 0
	for ; rows.Next(); seen++ {
		var (
			row     = prunable{schedule: one.id}
			decided time.Time
			open    bool
		)
		if err := rows.Scan(&row.id, &decided, &row.job, boolean{&open}); err != nil {
			return nil, false, err
		}
		one.after = row.id
		if !one.deleted && (row.id >= one.keep || !decided.Before(p.horizon)) {
			return found, false, nil // rows are in order of time
		}
		stays := !one.deleted && (row.id == one.success || row.job != 0 && row.job == one.job)
		if !open && !stays {
			found = append(found, row)
		}
	}
	return found, seen == limit, rows.Err()
}

// whatStays reads which rows of a schedule stay besides the last ones, however
// old they are.
func (p *pruning) whatStays(ctx context.Context, one *aged) error {
	return p.store.db.Reader().QueryRow(ctx, `SELECT
			coalesce((SELECT id FROM punctual_occurrence WHERE schedule_id = $1 AND outcome = 'succeeded' ORDER BY finished_at DESC, id DESC LIMIT 1), 0),
			coalesce((SELECT last_job_id FROM punctual_due WHERE schedule_id = $1), 0)`, one.id).Scan(&one.success, &one.job)
}

// removeRows removes rows of the ledger, after what their jobs wrote.
func (p *pruning) removeRows(ctx context.Context, batch []prunable) error {
	if len(batch) == 0 {
		return nil
	}
	var ids, schedules, jobs []int64
	for _, row := range batch {
		ids = append(ids, row.id)
		if row.job != 0 {
			jobs = append(jobs, row.job)
		}
		if !slices.Contains(schedules, row.schedule) {
			schedules = append(schedules, row.schedule)
		}
	}
	if err := p.removeOutputs(ctx, jobs); err != nil {
		return err
	}
	return p.transaction(ctx, func(tx database.Tx) error {
		held, err := p.hold(ctx, tx, schedules)
		if err != nil || len(held) == 0 {
			return err
		}
		if len(jobs) > 0 {
			if _, err := tx.Exec(ctx, "DELETE FROM punctual_progress WHERE job_id = ANY($1)", jobs); err != nil {
				return err
			}
		}
		horizons, removed, err := deleteRows(ctx, tx, ids, held)
		if err != nil {
			return err
		}
		p.done.Runs += removed
		return moveHorizons(ctx, tx, horizons)
	})
}

func (p *pruning) removeOutputs(ctx context.Context, jobs []int64) error {
	for removed := int64(pruneOutputs); removed == pruneOutputs && len(jobs) > 0; {
		err := p.transaction(ctx, func(tx database.Tx) (err error) {
			removed, err = tx.Exec(ctx, `DELETE FROM punctual_output WHERE (job_id, attempt, sequence) IN (
				SELECT job_id, attempt, sequence FROM punctual_output WHERE job_id = ANY($1) LIMIT $2)`, jobs, pruneOutputs)
			return err
		})
		if err != nil {
			return err
		}
		p.done.Outputs += removed
	}
	return nil
}

// hold takes the rows of schedules that nobody has in hand: what a backfill
// plans rests on the ledger. One with a backfill under way that goes by what has
// run is left alone.
func (p *pruning) hold(ctx context.Context, tx database.Tx, schedules []int64) ([]int64, error) {
	held, err := database.Values[int64](tx.Query(ctx, `SELECT schedule_id FROM punctual_due
		WHERE schedule_id = ANY($1) ORDER BY schedule_id FOR UPDATE SKIP LOCKED`, schedules))
	if err != nil || len(held) == 0 {
		return nil, err
	}
	busy, err := database.Values[int64](tx.Query(ctx, `SELECT schedule_id FROM punctual_backfill
		WHERE schedule_id = ANY($1) AND rerun = 0 AND finished_at IS NULL AND stopped_at IS NULL`, held))
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(held, func(id int64) bool { return slices.Contains(busy, id) }), nil
}

// deleteRows deletes rows of schedules whose job has not begun anew meanwhile,
// and returns the last nominal the clock had decided in them, by schedule.
func deleteRows(ctx context.Context, tx database.Tx, ids, schedules []int64) (horizons map[int64]time.Time, removed int64, err error) {
	rows, err := tx.Query(ctx, `DELETE FROM punctual_occurrence
		WHERE id = ANY($1) AND schedule_id = ANY($2) AND (job_id IS NULL OR outcome IS NOT NULL)
		RETURNING schedule_id, CASE WHEN origin = 'clock' THEN coalesce(until_at, nominal_at) END`, ids, schedules)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	horizons = map[int64]time.Time{}
	for ; rows.Next(); removed++ {
		var (
			id   int64
			last time.Time
		)
		if err := rows.Scan(&id, &last); err != nil {
			return nil, 0, err
		}
		if last.After(horizons[id]) {
			horizons[id] = last
		}
	}
	return horizons, removed, rows.Err()
}

// moveHorizons says from where on the ledger is whole, and forgets definitions
// that rule nothing after it.
func moveHorizons(ctx context.Context, tx database.Tx, horizons map[int64]time.Time) error {
	for id, at := range horizons {
		if _, err := tx.Exec(ctx, "UPDATE punctual_schedule SET history_from = $2 WHERE id = $1 AND history_from < $2", id, at); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM punctual_definition WHERE schedule_id = $1 AND from_at < (
			SELECT max(k.from_at) FROM punctual_definition k JOIN punctual_due d ON d.schedule_id = k.schedule_id
				JOIN punctual_schedule s ON s.id = k.schedule_id
			WHERE k.schedule_id = $1 AND k.from_at <= s.history_from AND k.from_at <= d.cursor_at)`, id); err != nil {
			return err
		}
	}
	return nil
}

// removeSchedule removes a schedule deleted before the horizon, once nothing of
// its history is left. Its key may come again as a new schedule.
func (p *pruning) removeSchedule(ctx context.Context, id int64) error {
	return p.transaction(ctx, func(tx database.Tx) error {
		e := &edit{ctx: ctx, store: p.store, tx: tx, now: p.now}
		if err := e.declareAlone(); err != nil {
			return err
		}
		held, err := p.hold(ctx, tx, []int64{id})
		if err != nil || len(held) == 0 {
			return err
		}
		var rest int
		err = tx.QueryRow(ctx, `SELECT (SELECT count(*) FROM punctual_schedule WHERE id = $1 AND (deleted_at IS NULL OR deleted_at >= $2))
			+ (SELECT count(*) FROM punctual_occurrence WHERE schedule_id = $1)
			+ (SELECT count(*) FROM punctual_backfill WHERE schedule_id = $1 AND finished_at IS NULL AND stopped_at IS NULL)`, id, p.horizon).Scan(&rest)
		if err != nil || rest > 0 {
			return err // it came back, or a job of it has not ended
		}
		for _, table := range []string{"punctual_definition", "punctual_pause", "punctual_backfill", "punctual_due"} {
			if _, err := tx.Exec(ctx, "DELETE FROM "+table+" WHERE schedule_id = $1", id); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, "DELETE FROM punctual_schedule WHERE id = $1", id); err != nil {
			return err
		}
		p.done.Schedules++
		return nil
	})
}

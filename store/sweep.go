package store

import (
	"context"
	"fmt"
	"time"

	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/queue"
)

// sweepBatch bounds how many jobs one transaction returns.
const sweepBatch = 500

// MarkSilent marks the processes whose beat is too old as lost: from then on
// their beats are refused, which is how they learn it. Only a process that has
// itself been beating for DeadAfter up to now, by the database's clock, may call
// it: after an outage of the database, or a jump of its clock, everybody has the
// full time. A clock that has jumped since then marks nobody.
//
// A beat from beyond now was recorded before the clock was set back: whoever
// lives has beaten since.
//
// It returns when the next will be dead, unless it beats; zero: nobody.
func (s *Store) MarkSilent(ctx context.Context, upTo time.Time) (next time.Time, err error) {
	err = s.db.Transaction(ctx, func(tx database.Tx) error {
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		if passed := now.Sub(upTo); passed < 0 || passed > BeatEvery {
			return nil
		}
		_, err = tx.Exec(ctx, `UPDATE punctual_process SET lost_at = $1
			WHERE lost_at IS NULL AND stopped_at IS NULL AND (beat_at < $2 OR beat_at > $3)`,
			now, now.Add(-DeadAfter), now.Add(2*BeatEvery))
		if err != nil {
			return err
		}
		var oldest time.Time
		err = tx.QueryRow(ctx, `SELECT min(beat_at) FROM punctual_process WHERE lost_at IS NULL AND stopped_at IS NULL`).Scan(&oldest)
		if !oldest.IsZero() {
			next = oldest.Add(DeadAfter)
		}
		return err
	})
	return next, err
}

// MarkGone marks the processes of a machine that exist no longer, however fresh
// their beat is: nobody has to wait for one that was killed beside him.
func (s *Store) MarkGone(ctx context.Context, machine string, exists func(pid int) bool) error {
	if machine == "" {
		return nil
	}
	rows, err := s.db.Reader().Query(ctx, `SELECT id, pid FROM punctual_process
		WHERE machine = $1 AND lost_at IS NULL AND stopped_at IS NULL`, machine)
	if err != nil {
		return err
	}
	defer rows.Close()
	var gone []string
	for rows.Next() {
		var (
			id  string
			pid int
		)
		if err := rows.Scan(&id, &pid); err != nil {
			return err
		}
		if !exists(pid) {
			gone = append(gone, id)
		}
	}
	rows.Close()
	if err := rows.Err(); err != nil || len(gone) == 0 {
		return err
	}
	return s.db.Transaction(ctx, func(tx database.Tx) error {
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE punctual_process SET lost_at = $1 WHERE id = ANY($2) AND lost_at IS NULL`, now, gone)
		return err
	})
}

// Sweep returns to the queue what workers left running that are marked as lost,
// or that ended of themselves. Owners without a process row, programs of plain
// River, are never swept. It returns how many jobs it returned.
func (s *Store) Sweep(ctx context.Context) (int, error) {
	returned := 0
	for {
		n, err := s.sweepSome(ctx)
		returned += n
		if err != nil || n < sweepBatch {
			return returned, err
		}
	}
}

func (s *Store) sweepSome(ctx context.Context) (returned int, err error) {
	err = s.db.Transaction(ctx, func(tx database.Tx) error {
		returned = 0
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		orphans, err := s.orphans(ctx, tx)
		if err != nil {
			return err
		}
		for _, orphan := range orphans {
			if err := s.queue.ReturnTx(ctx, tx, orphan, now); err != nil {
				return fmt.Errorf("returning job %d: %w", orphan.JobID, err)
			}
		}
		returned = len(orphans)
		return nil
	})
	return returned, err
}

// orphans reads running jobs whose worker is lost or has ended.
func (s *Store) orphans(ctx context.Context, tx database.Tx) ([]queue.Orphan, error) {
	rows, err := tx.Query(ctx, `SELECT `+s.queue.OrphanColumns()+`, p.id, p.beat_at
		FROM river_job j JOIN punctual_process p ON p.id = `+s.queue.Owner()+`
		WHERE j.state = 'running' AND (p.lost_at IS NOT NULL OR p.stopped_at IS NOT NULL)
		ORDER BY j.id LIMIT $1`, sweepBatch)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var orphans []queue.Orphan
	for rows.Next() {
		var (
			o    queue.Orphan
			seen time.Time
		)
		if err := o.Scan(rows, &o.Worker, &seen); err != nil {
			return nil, err
		}
		o.LastSeen = seen
		orphans = append(orphans, o)
	}
	return orphans, rows.Err()
}

package store

import (
	"context"
	"fmt"
	"time"

	"github.com/punctual-dev/punctual/database"
)

// How long history is kept. It is no shorter than a day: that long a repeated
// trigger is recognised.
const (
	DefaultHistory = 90 * 24 * time.Hour
	MinHistory     = 24 * time.Hour
	// keptRuns are the rows of each schedule that stay however old they are.
	keptRuns = 20
	// keptProcesses is how long a process that has ended is remembered.
	keptProcesses = 7 * 24 * time.Hour
)

// Pruned is what one pass of Prune has removed.
type Pruned struct {
	Runs, Outputs, Activities, Backfills, Pauses, Processes, Schedules, Messages int64
}

// Total is how many rows that were.
func (p Pruned) Total() int64 {
	return p.Runs + p.Outputs + p.Activities + p.Backfills + p.Pauses + p.Processes + p.Schedules + p.Messages
}

// Prune removes what is older than the history to be kept (at least MinHistory):
// rows of the ledger with what their jobs wrote, the activity, ended backfills
// and pauses, definitions that rule nothing any more, processes long gone, and
// schedules deleted that long ago. Of each schedule the last 20 rows stay, the
// last job, the last success, and everything whose job has not ended.
//
// Nobody is held up by it: every transaction is small, rest is called after
// each, and a schedule that somebody has in hand is left for the next time.
// Several may prune at once.
func (s *Store) Prune(ctx context.Context, history time.Duration, rest func(context.Context)) (Pruned, error) {
	now, err := s.db.Now(ctx)
	if err != nil {
		return Pruned{}, err
	}
	p := &pruning{store: s, now: now, horizon: now.Add(-max(history, MinHistory)), rest: rest}
	for _, part := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"the ledger", p.schedules},
		{"pauses", p.pauses},
		{"the activity", p.activities},
		{"backfills", p.backfills},
		{"messages", p.messages},
		{"processes", p.processes},
		{"paused queues", p.queues},
	} {
		if err := part.do(ctx); err != nil {
			return p.done, fmt.Errorf("pruning %s: %w", part.what, err)
		}
	}
	return p.done, nil
}

// pruning is one pass.
type pruning struct {
	store   *Store
	now     time.Time
	horizon time.Time // what is older goes
	rest    func(context.Context)
	done    Pruned
}

const (
	// pruneBatch bounds the rows that one transaction removes.
	pruneBatch = 500
	// pruneOutputs bounds its pieces of output, which are larger.
	pruneOutputs = 100
)

// transaction is a small one, and a rest behind it.
func (p *pruning) transaction(ctx context.Context, do func(tx database.Tx) error) error {
	if err := p.store.db.Transaction(ctx, do); err != nil {
		return err
	}
	p.rest(ctx)
	return ctx.Err()
}

// remove runs a statement that removes at most pruneBatch rows until it removes
// fewer.
func (p *pruning) remove(ctx context.Context, count *int64, statement string, arguments ...any) error {
	for {
		var removed int64
		err := p.transaction(ctx, func(tx database.Tx) (err error) {
			removed, err = tx.Exec(ctx, statement, arguments...)
			return err
		})
		if err != nil {
			return err
		}
		*count += removed
		if removed < pruneBatch {
			return nil
		}
	}
}

func (p *pruning) activities(ctx context.Context) error {
	return p.remove(ctx, &p.done.Activities, `DELETE FROM punctual_activity
		WHERE id IN (SELECT id FROM punctual_activity WHERE at < $1 LIMIT $2)`, p.horizon, pruneBatch)
}

// messages removes those that were sent or given up, and what was told of
// schedules that are deleted.
func (p *pruning) messages(ctx context.Context) error {
	if err := p.remove(ctx, &p.done.Messages, `DELETE FROM punctual_alert_message
		WHERE id IN (SELECT id FROM punctual_alert_message WHERE ended_at < $1 LIMIT $2)`, p.horizon, pruneBatch); err != nil {
		return err
	}
	return p.transaction(ctx, func(tx database.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM punctual_alert WHERE NOT EXISTS (SELECT 1 FROM punctual_schedule s WHERE s.id = schedule_id AND s.deleted_at IS NULL)`)
		return err
	})
}

// backfills removes those that ended.
func (p *pruning) backfills(ctx context.Context) error {
	return p.remove(ctx, &p.done.Backfills, `DELETE FROM punctual_backfill
		WHERE id IN (SELECT id FROM punctual_backfill WHERE coalesce(finished_at, stopped_at) < $1 LIMIT $2)`, p.horizon, pruneBatch)
}

// pauses removes those that ended before anything that is still to be decided.
func (p *pruning) pauses(ctx context.Context) error {
	var undecided time.Time // nothing up to here is
	err := p.store.db.Reader().QueryRow(ctx, `SELECT min(d.cursor_at) FROM punctual_due d JOIN punctual_schedule s ON s.id = d.schedule_id
		WHERE s.deleted_at IS NULL AND (d.next_due_at IS NOT NULL OR d.waiting_for <> '')`).Scan(&undecided)
	if err != nil {
		return err
	}
	before := p.horizon
	if !undecided.IsZero() && undecided.Before(before) {
		before = undecided
	}
	return p.remove(ctx, &p.done.Pauses, `DELETE FROM punctual_pause
		WHERE id IN (SELECT id FROM punctual_pause WHERE until_at < $1 LIMIT $2)`, before, pruneBatch)
}

// processes removes those that ended, or were found dead, long ago, and left
// nothing running: a job is found to be lost by its worker's row. The last that
// ticked stays, which says how long the clock was away.
func (p *pruning) processes(ctx context.Context) error {
	return p.remove(ctx, &p.done.Processes, `DELETE FROM punctual_process WHERE id IN (
		SELECT p.id FROM punctual_process p WHERE coalesce(p.stopped_at, p.lost_at) < $1 AND p.beat_at < $1
			AND (p.tick_at IS NULL OR p.tick_at < (SELECT max(tick_at) FROM punctual_process))
			AND NOT EXISTS (SELECT 1 FROM river_job j WHERE j.state = 'running' AND `+p.store.queue.Owner()+` = p.id) LIMIT $2)`,
		p.now.Add(-keptProcesses), pruneBatch)
}

// queues keeps River from forgetting that a queue is paused, which it does with
// queues that nobody works.
func (p *pruning) queues(ctx context.Context) error {
	return p.transaction(ctx, func(tx database.Tx) error { return p.store.queue.KeepPausesTx(ctx, tx, p.now) })
}

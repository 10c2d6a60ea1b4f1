package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/queue"
	"github.com/punctual-dev/punctual/schedule"
)

// BackfillRequest asks for the nominals in [From, To) that have no enqueued row
// yet; with Rerun for all of them.
type BackfillRequest struct {
	Key      string
	From, To time.Time
	Rerun    bool
	Actor    Actor
}

// Backfill is a backfill and how far it is.
type Backfill struct {
	ID         int64     `json:"id"`
	Key        string    `json:"schedule"`
	From       time.Time `json:"from"`
	To         time.Time `json:"to"`
	Rerun      bool      `json:"rerun"`
	Total      int       `json:"total"`
	Enqueued   int       `json:"enqueued"`
	Cursor     time.Time `json:"cursor,omitzero"`
	Author     string    `json:"author"`
	CreatedAt  time.Time `json:"created_at"`
	StoppedAt  time.Time `json:"stopped_at,omitzero"`
	FinishedAt time.Time `json:"finished_at,omitzero"`
}

// maxBackfill bounds how many nominals one backfill may have.
const maxBackfill = 100_000

// PlanBackfill lists the nominals a backfill would enqueue.
func (s *Store) PlanBackfill(ctx context.Context, r BackfillRequest) ([]time.Time, error) {
	var nominals []time.Time
	err := s.db.Transaction(ctx, func(tx database.Tx) error {
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		e := &edit{ctx: ctx, store: s, tx: tx, now: now}
		_, _, nominals, err = e.planBackfill(&r)
		return err
	})
	return nominals, err
}

func (e *edit) planBackfill(r *BackfillRequest) (*schedule.Schedule, stateRow, []time.Time, error) {
	one, state, err := e.lockSchedule(r.Key)
	if err != nil {
		return nil, state, nil, err
	}
	if !r.To.After(r.From) {
		return nil, state, nil, fmt.Errorf("backfilling %q: --to %s is not after --from %s", r.Key, schedule.FormatInstant(r.To), schedule.FormatInstant(r.From))
	}
	horizon := latest(one.CreatedAt, one.HistoryFrom)
	if horizon.After(one.CreatedAt) && r.From.Before(horizon) && !r.Rerun {
		return nil, state, nil, fmt.Errorf("backfilling %q: the ledger before %s has been pruned, so what ran then is not known; --rerun runs it again whatever was", r.Key, schedule.FormatInstant(horizon))
	}
	if end := backfillEnd(one, state.Cursor, e.now); r.To.After(end) {
		r.To = end
	}
	candidates := one.Timeline.BackfillNominals(time.Time{}, r.From, r.To, maxBackfill+1)
	if len(candidates) > maxBackfill {
		return nil, state, nil, fmt.Errorf("backfilling %q: the range has more than %d occurrences; choose a shorter one", r.Key, maxBackfill)
	}
	if r.Rerun {
		return one, state, candidates, nil
	}
	done, err := e.enqueuedNominals(one.ID, r.From, r.To)
	if err != nil {
		return nil, state, nil, err
	}
	var open []time.Time
	for _, nominal := range candidates {
		if !done[nominal.UnixMicro()] {
			open = append(open, nominal)
		}
	}
	return one, state, open, nil
}

// backfillEnd is where the range of a backfill ends at the latest: now, or before the
// first occurrence that is yet to be decided, which the clock sees to.
func backfillEnd(one *schedule.Schedule, cursor, now time.Time) time.Time {
	end := latest(now, cursor.Add(time.Millisecond)) // what is decided lies in it
	if next, ok := one.Timeline.Next(cursor); ok && next.At.Before(end) {
		return next.At
	}
	return end
}

// enqueuedNominals are those the clock or a backfill made a job of.
func (e *edit) enqueuedNominals(id int64, from, to time.Time) (map[int64]bool, error) {
	rows, err := e.tx.Query(e.ctx, `SELECT nominal_at FROM punctual_occurrence
		WHERE schedule_id = $1 AND nominal_at >= $2 AND nominal_at < $3 AND decision = 'enqueued' AND origin IN ('clock', 'backfill')`, id, from, to)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	done := map[int64]bool{}
	for rows.Next() {
		var nominal time.Time
		if err := rows.Scan(&nominal); err != nil {
			return nil, err
		}
		done[nominal.UnixMicro()] = true
	}
	return done, rows.Err()
}

// StartBackfill records a backfill; the clocks carry it out.
func (s *Store) StartBackfill(ctx context.Context, r BackfillRequest) (Backfill, error) {
	var b Backfill
	err := s.edit(ctx, func(e *edit) error {
		one, _, nominals, err := e.planBackfill(&r)
		if err != nil {
			return err
		}
		b = Backfill{Key: r.Key, From: r.From, To: r.To, Rerun: r.Rerun, Total: len(nominals), Author: short(string(r.Actor), maxNote), CreatedAt: e.now}
		if len(nominals) == 0 {
			return nil
		}
		err = e.tx.QueryRow(e.ctx, `INSERT INTO punctual_backfill (schedule_id, from_at, to_at, rerun, cursor_at, total, author, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id`,
			one.ID, r.From, r.To, flag(r.Rerun), r.From.Add(-time.Microsecond), b.Total, b.Author, e.now).Scan(&b.ID)
		if err != nil {
			return err
		}
		return e.record(r.Actor, "backfill", one.ID, r.Key, fmt.Sprintf("%s to %s, %d occurrences", schedule.FormatInstant(r.From), schedule.FormatInstant(r.To), b.Total))
	})
	return b, err
}

// StopBackfill ends a backfill where it stands.
func (s *Store) StopBackfill(ctx context.Context, id int64, actor Actor) error {
	return s.edit(ctx, func(e *edit) error {
		changed, err := e.tx.Exec(e.ctx, `UPDATE punctual_backfill SET stopped_at = $2, version = version + 1
			WHERE id = $1 AND stopped_at IS NULL AND finished_at IS NULL`, id, e.now)
		if err != nil {
			return err
		}
		if changed == 0 {
			return fmt.Errorf("backfill %d does not run", id)
		}
		return e.record(actor, "stop-backfill", 0, fmt.Sprint(id), "")
	})
}

// Backfills lists backfills, the newest first.
func (s *Store) Backfills(ctx context.Context, limit int) ([]Backfill, error) {
	return s.BackfillsBefore(ctx, 0, limit)
}

// BackfillsBefore lists those with a smaller id than before, if that is not
// zero.
func (s *Store) BackfillsBefore(ctx context.Context, before int64, limit int) ([]Backfill, error) {
	return s.readBackfills(ctx, "(b.id < $1 OR $1 = 0) ORDER BY b.id DESC LIMIT $2", before, limit)
}

// ErrNoBackfill says that there is no such backfill.
var ErrNoBackfill = errors.New("no such backfill")

// BackfillByID is one backfill.
func (s *Store) BackfillByID(ctx context.Context, id int64) (Backfill, error) {
	found, err := s.readBackfills(ctx, "b.id = $1", id)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("%w: %d", ErrNoBackfill, id)
	}
	if err != nil {
		return Backfill{}, err
	}
	return found[0], nil
}

func (s *Store) readBackfills(ctx context.Context, condition string, arguments ...any) ([]Backfill, error) {
	rows, err := s.db.Reader().Query(ctx, `SELECT b.id, s.key, b.from_at, b.to_at, b.rerun, b.total, b.enqueued, b.cursor_at,
			b.author, b.created_at, b.stopped_at, b.finished_at
		FROM punctual_backfill b JOIN punctual_schedule s ON s.id = b.schedule_id WHERE `+condition, arguments...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Backfill
	for rows.Next() {
		var b Backfill
		if err := rows.Scan(&b.ID, &b.Key, &b.From, &b.To, boolean{&b.Rerun}, &b.Total, &b.Enqueued, &b.Cursor,
			&b.Author, &b.CreatedAt, &b.StoppedAt, &b.FinishedAt); err != nil {
			return nil, err
		}
		all = append(all, b)
	}
	return all, rows.Err()
}

// backfillRow is an open backfill whose turn it may be.
type backfillRow struct {
	id, schedule, version, lastJob int64
	from, to, cursor               time.Time
	rerun                          bool
}

// StepBackfills takes every open backfill one step on: one job, or a batch of
// them where jobs may overlap, if its previous job has ended and the limit has a
// place that no occurrence of the clock waits for. It returns how many jobs it
// made.
func (s *Store) StepBackfills(ctx context.Context) (int, error) {
	rows, err := s.db.Reader().Query(ctx, `SELECT b.id, b.schedule_id, b.version, b.last_job_id, b.from_at, b.to_at, b.cursor_at, b.rerun
		FROM punctual_backfill b JOIN punctual_schedule s ON s.id = b.schedule_id
		WHERE b.finished_at IS NULL AND b.stopped_at IS NULL AND s.format <= $1 ORDER BY b.id`, Format)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var open []backfillRow
	for rows.Next() {
		var b backfillRow
		if err := rows.Scan(&b.id, &b.schedule, &b.version, &b.lastJob, &b.from, &b.to, &b.cursor, boolean{&b.rerun}); err != nil {
			return 0, err
		}
		open = append(open, b)
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return 0, err
	}
	made := 0
	for _, b := range open {
		n, err := s.stepBackfill(ctx, b)
		made += n
		if err != nil && !errors.Is(err, errGone) {
			if err = s.giveUpBackfill(ctx, b.id, err); err != nil {
				return made, fmt.Errorf("going on with backfill %d: %w", b.id, err)
			}
		}
	}
	return made, nil
}

// giveUpBackfill stops a backfill that fails for its content, which would fail
// again, so that the others and the clock go on. Any other error is returned.
func (s *Store) giveUpBackfill(ctx context.Context, id int64, reason error) error {
	if s.Transient(reason) {
		return reason
	}
	return s.edit(ctx, func(e *edit) error {
		if _, err := e.tx.Exec(e.ctx, `UPDATE punctual_backfill SET stopped_at = $2, version = version + 1
			WHERE id = $1 AND stopped_at IS NULL AND finished_at IS NULL`, id, e.now); err != nil {
			return err
		}
		return e.record("clock", "stop-backfill", 0, fmt.Sprint(id), "it failed: "+reason.Error())
	})
}

// backfillBatch bounds one step where jobs may overlap.
const backfillBatch = 50

func (s *Store) stepBackfill(ctx context.Context, b backfillRow) (made int, err error) {
	batch, err := s.ReadSchedules(ctx, []int64{b.schedule})
	if err != nil || len(batch.Candidates) == 0 {
		return 0, err
	}
	c := batch.Candidates[0]
	room := 1
	if c.Schedule.Policies.Overlap == schedule.OverlapAllow {
		room = backfillBatch
	} else if ended, err := s.jobEnded(ctx, b.lastJob); err != nil || !ended {
		return 0, err
	}
	limit := c.Schedule.Policies.Limit
	if limit != "" {
		group := batch.Groups[limit]
		if c.State.Waiting == schedule.WaitingForPlace || !group.Earliest.IsZero() {
			return 0, nil // the clock's occurrences go first
		}
		room = min(room, group.Free)
	}
	if room <= 0 {
		return 0, nil
	}
	err = s.db.Transaction(ctx, func(tx database.Tx) error {
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		e := &edit{ctx: ctx, store: s, tx: tx, now: now}
		made, err = e.stepBackfill(b, c.Schedule, room, limit)
		return err
	})
	if err != nil {
		return 0, err
	}
	return made, nil
}

func (s *Store) jobEnded(ctx context.Context, id int64) (bool, error) {
	if id == 0 {
		return true, nil
	}
	var open int
	err := s.db.Reader().QueryRow(ctx, "SELECT count(*) FROM river_job j WHERE j.id = $1 AND NOT ("+s.jobs.Ended+")", id).Scan(&open)
	return open == 0, err
}

func (e *edit) stepBackfill(b backfillRow, one *schedule.Schedule, room int, limit string) (int, error) {
	// The version makes two clocks take turns, and a stop hold.
	changed, err := e.tx.Exec(e.ctx, `UPDATE punctual_backfill SET version = version + 1
		WHERE id = $1 AND version = $2 AND stopped_at IS NULL AND finished_at IS NULL`, b.id, b.version)
	if err != nil {
		return 0, err
	}
	if changed == 0 {
		return 0, errGone
	}
	nominals, cursor, finished, err := e.nextOfBackfill(b, one, room)
	if err != nil {
		return 0, err
	}
	if limit != "" && len(nominals) > 0 {
		if err := e.store.takePlaces(e.ctx, e.tx, []string{limit}, map[string]int{limit: len(nominals)}); err != nil {
			return 0, err
		}
	}
	last, err := e.enqueueBackfill(b, one, nominals)
	if err != nil {
		return 0, err
	}
	var finishedAt time.Time
	if finished {
		finishedAt = e.now
	}
	_, err = e.tx.Exec(e.ctx, `UPDATE punctual_backfill SET cursor_at = $2, enqueued = enqueued + $3, finished_at = $4,
		last_job_id = CASE WHEN $5 > last_job_id THEN $5 ELSE last_job_id END WHERE id = $1`, b.id, cursor, len(nominals), finishedAt, last)
	return len(nominals), err
}

// nextOfBackfill finds the next nominals that are to be enqueued, and whether
// there are none behind them.
func (e *edit) nextOfBackfill(b backfillRow, one *schedule.Schedule, room int) (nominals []time.Time, cursor time.Time, finished bool, err error) {
	const window = 500
	cursor = b.cursor
	for len(nominals) < room {
		candidates := one.Timeline.BackfillNominals(cursor, b.from, b.to, window)
		if len(candidates) == 0 {
			return nominals, cursor, true, nil
		}
		done := map[int64]bool{}
		if !b.rerun {
			if done, err = e.enqueuedNominals(one.ID, candidates[0], candidates[len(candidates)-1].Add(time.Microsecond)); err != nil {
				return nil, cursor, false, err
			}
		}
		for _, nominal := range candidates {
			if len(nominals) == room {
				break
			}
			cursor = nominal
			if !done[nominal.UnixMicro()] {
				nominals = append(nominals, nominal)
			}
		}
	}
	return nominals, cursor, len(one.Timeline.BackfillNominals(cursor, b.from, b.to, 1)) == 0, nil
}

func (e *edit) enqueueBackfill(b backfillRow, one *schedule.Schedule, nominals []time.Time) (last int64, err error) {
	var jobs []queue.Job
	var rows []schedule.Row
	for _, nominal := range nominals {
		from, _ := one.Timeline.Spec().Prev(nominal)
		row := schedule.Row{Nominal: nominal, Until: nominal, Due: nominal, Count: 1, From: from, Late: true}
		rows = append(rows, row)
		jobs = append(jobs, jobOf(one, row, schedule.OccurrenceName(one.Key, nominal), e.now, true))
	}
	ids, err := e.store.queue.InsertTx(e.ctx, e.tx, jobs)
	if err != nil {
		return 0, err
	}
	var values [][]any
	for i, row := range rows {
		values = append(values, occurrenceRow(one.ID, row, origin{name: originBackfill, run: b.id}, ids[i], e.now))
		last = ids[i]
	}
	return last, e.tx.InsertRows(e.ctx, "punctual_occurrence", occurrenceColumns, values)
}

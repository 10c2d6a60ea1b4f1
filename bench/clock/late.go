package main

import (
	"context"
	"fmt"
	"time"

	"github.com/punctual-dev/punctual/bench/figure"
	"github.com/punctual-dev/punctual/bench/house"
	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/schedule"
)

// late measures catching up with everything that was missed, and what becomes
// meanwhile of schedules that are on time. The floor writes as many rows.
func late(ctx context.Context, kind string, size sizes) ([]figure.Figure, error) {
	const behind = 100 // schedules
	each := size.missed / behind
	h, err := house.Open(ctx, kind, programs)
	if err != nil {
		return nil, err
	}
	defer h.Close()
	if err := h.Declare(ctx, "late", "every 1s", func(d *schedule.Declaration) {
		d.Policies.Overlap, d.Policies.CatchUp, d.Policies.CatchUpMax = schedule.OverlapAllow, schedule.CatchUpAll, 2*each
	}); err != nil {
		return nil, err
	}
	if err := h.Copies(ctx, "late", behind-1); err != nil {
		return nil, err
	}
	if err := h.Declare(ctx, "prompt", "every 1s", func(d *schedule.Declaration) { d.Policies.Overlap = schedule.OverlapAllow }); err != nil {
		return nil, err
	}
	if err := h.Copies(ctx, "prompt", 19); err != nil {
		return nil, err
	}
	// They look as if no clock had run since.
	if err := setBack(ctx, h, "late%", time.Duration(each)*time.Second); err != nil {
		return nil, err
	}
	from := time.Now()
	until := from.Truncate(time.Second)
	if err := h.StartClocks(ctx, 1); err != nil {
		return nil, err
	}
	begun := time.Now()
	if err := h.Until(ctx, 30*time.Minute, seldom, func() (bool, error) {
		open, err := h.Number(ctx, "SELECT count(*) FROM punctual_due d JOIN punctual_schedule s ON s.id = d.schedule_id WHERE s.key LIKE 'late%' AND d.cursor_at < $1", until)
		return open == 0, err
	}); err != nil {
		return nil, err
	}
	took := time.Since(from)
	made, err := h.Number(ctx, "SELECT count(*) FROM punctual_occurrence o JOIN punctual_schedule s ON s.id = o.schedule_id WHERE s.key LIKE 'late%' AND o.decision = 'enqueued'")
	if err != nil || made < int64(size.missed) {
		return nil, fmt.Errorf("%d occurrences were made up for, not %d (%v)", made, size.missed, err)
	}
	latest, seen, err := worst(ctx, h, "prompt%", begun, from.Add(took))
	if err != nil {
		return nil, err
	}
	floor, _, err := floorOf(ctx, kind, size.missed)
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("%s: %s missed occurrences are caught up with", kind, figure.Grouped(size.missed))
	figures := []figure.Figure{
		{What: name, Unit: "s", Ours: took.Seconds(), Beside: floor.Seconds(), Peer: "raw SQL", Goal: "ratio ≤ 1.5", Met: took.Seconds()/floor.Seconds() <= 1.5},
	}
	if seen > 0 { // with small numbers it is over before anything else is due
		figures = append(figures, figure.Figure{What: name + ", latest of those on time meanwhile", Unit: "ms", Ours: latest, Goal: "≤ 1,000 ms", Met: latest <= 1000})
	}
	return figures, nil
}

// setBack moves schedules into the past, with their definitions.
func setBack(ctx context.Context, h *house.House, like string, by time.Duration) error {
	then := time.Now().Add(-by).Truncate(time.Second)
	for _, statement := range []string{
		"UPDATE punctual_due SET cursor_at = $2, next_due_at = $3 WHERE schedule_id IN (SELECT id FROM punctual_schedule WHERE key LIKE $1)",
		"UPDATE punctual_definition SET from_at = $2, declared_at = $3 WHERE schedule_id IN (SELECT id FROM punctual_schedule WHERE key LIKE $1)",
		"UPDATE punctual_schedule SET created_at = $2, history_from = $2, updated_at = $3 WHERE key LIKE $1",
	} {
		if err := exec(ctx, h, statement, like, then, then.Add(time.Second)); err != nil {
			return err
		}
	}
	return nil
}

func exec(ctx context.Context, h *house.House, statement string, arguments ...any) error {
	return h.DB.Transaction(ctx, func(tx database.Tx) error {
		_, err := tx.Exec(ctx, statement, arguments...)
		return err
	})
}

// worst is how many milliseconds the latest decision of schedules came late that
// were due in a span, and how many there were.
func worst(ctx context.Context, h *house.House, like string, from, to time.Time) (worst float64, seen int, err error) {
	rows, err := h.DB.Reader().Query(ctx, `SELECT o.due_at, o.decided_at FROM punctual_occurrence o JOIN punctual_schedule s ON s.id = o.schedule_id
		WHERE s.key LIKE $1 AND o.due_at >= $2 AND o.due_at < $3`, like, from, to)
	if err != nil {
		return 0, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var due, decided time.Time
		if err := rows.Scan(&due, &decided); err != nil {
			return 0, 0, err
		}
		seen++
		worst = max(worst, decided.Sub(due).Seconds()*1000)
	}
	return worst, seen, rows.Err()
}

package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/punctual-dev/punctual/alert"
	"github.com/punctual-dev/punctual/database"
)

// What becomes of the alerts of an owner.
const (
	alertsAdded   = "added"
	alertsChanged = "changed"
	alertsRemoved = "removed"
)

// planAlerts says what becomes of what an owner wants to be told; empty: nothing.
func (e *edit) planAlerts(o ApplyOptions) (change string, err error) {
	if o.Alerts == nil {
		return "", nil
	}
	settings, err := json.Marshal(o.Alerts)
	if err != nil {
		return "", err
	}
	var before string
	err = e.tx.QueryRow(e.ctx, "SELECT settings FROM punctual_alerting WHERE owner = $1", o.Owner.String()).Scan(&before)
	if err != nil && !errors.Is(err, database.ErrNoRows) {
		return "", err
	}
	switch {
	case o.Alerts.Empty() && before == "", before == string(settings):
		return "", nil
	case o.Alerts.Empty():
		return alertsRemoved, nil
	case before == "":
		return alertsAdded, nil
	}
	return alertsChanged, nil
}

// setAlerts carries a change out. With the settings goes what was told; else it is
// kept, so that nothing is told again.
func (e *edit) setAlerts(change string, o ApplyOptions) error {
	owner := o.Owner.String()
	switch change {
	case "":
		return nil
	case alertsRemoved:
		for _, table := range []string{"punctual_alerting", "punctual_alert"} {
			if _, err := e.tx.Exec(e.ctx, "DELETE FROM "+table+" WHERE owner = $1", owner); err != nil {
				return err
			}
		}
	default:
		settings, err := json.Marshal(o.Alerts)
		if err != nil {
			return err
		}
		if _, err := e.tx.Exec(e.ctx, `INSERT INTO punctual_alerting (owner, settings, declared_at, looked_at) VALUES ($1, $2, $3, $3)
			ON CONFLICT (owner) DO UPDATE SET settings = excluded.settings, version = punctual_alerting.version + 1`, owner, string(settings), e.now); err != nil {
			return err
		}
	}
	return e.record(o.Actor, "alerts", 0, owner, change)
}

// WatchedAlerts lists who wants to be told of something. One whose settings
// cannot be read, since a newer version wrote them, is left out.
func (s *Store) WatchedAlerts(ctx context.Context) ([]alert.Watched, error) {
	rows, err := s.db.Reader().Query(ctx, "SELECT owner, settings, version, declared_at, looked_at FROM punctual_alerting ORDER BY owner")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []alert.Watched
	for rows.Next() {
		var (
			one      alert.Watched
			settings string
		)
		if err := rows.Scan(&one.Owner, &settings, &one.Version, &one.DeclaredAt, &one.LookedAt); err != nil {
			return nil, err
		}
		if json.Unmarshal([]byte(settings), &one.Settings) == nil {
			all = append(all, one)
		}
	}
	return all, rows.Err()
}

// ClaimLook takes it upon this process to look now. It returns false where it is
// not yet time, or another process was faster.
func (s *Store) ClaimLook(ctx context.Context, w *alert.Watched) (bool, error) {
	var changed int64
	err := s.db.Transaction(ctx, func(tx database.Tx) error {
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		changed, err = tx.Exec(ctx, `UPDATE punctual_alerting SET looked_at = $3, version = version + 1
			WHERE owner = $1 AND version = $2 AND (looked_at <= $4 OR looked_at > $3)`, w.Owner, w.Version, now, now.Add(-alert.LookEvery))
		return err
	})
	if changed > 0 {
		w.Version++
	}
	return changed > 0, err
}

// ClaimPing takes it upon this process to tell the outside monitor that all is
// well. It returns false where it is not yet time.
func (s *Store) ClaimPing(ctx context.Context, w alert.Watched) (bool, error) {
	var changed int64
	err := s.db.Transaction(ctx, func(tx database.Tx) error {
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		changed, err = tx.Exec(ctx, `UPDATE punctual_alerting SET pinged_at = $2
			WHERE owner = $1 AND (pinged_at IS NULL OR pinged_at <= $3 OR pinged_at > $2)`, w.Owner, now, now.Add(-time.Duration(w.Settings.PingEvery)))
		return err
	})
	return changed > 0, err
}

// TellAlerts writes down, in one transaction, what was told of schedules and the
// message for each recipient. It returns false, and does nothing, where somebody
// else has looked or changed the settings since: what was decided no longer holds.
func (s *Store) TellAlerts(ctx context.Context, w alert.Watched, states map[int64]map[alert.Kind]alert.State, message alert.Message) (told bool, err error) {
	body, err := json.Marshal(message)
	if err != nil {
		return false, err
	}
	err = s.db.Transaction(ctx, func(tx database.Tx) error {
		changed, err := tx.Exec(ctx, "UPDATE punctual_alerting SET version = version + 1 WHERE owner = $1 AND version = $2", w.Owner, w.Version)
		if err != nil || changed == 0 {
			return err
		}
		told = true
		for _, id := range slices.Sorted(maps.Keys(states)) {
			for kind, state := range states[id] {
				if _, err := tx.Exec(ctx, `INSERT INTO punctual_alert (owner, schedule_id, kind, raised, since_at, mark_at) VALUES ($1, $2, $3, $4, $5, $6)
					ON CONFLICT (owner, schedule_id, kind) DO UPDATE SET raised = excluded.raised, since_at = excluded.since_at, mark_at = excluded.mark_at`,
					w.Owner, id, string(kind), flag(state.Raised), state.Since, state.Mark); err != nil {
					return err
				}
			}
		}
		if len(message.Alerts) == 0 {
			return nil
		}
		var rows [][]any
		for _, name := range slices.Sorted(maps.Keys(w.Settings.To)) {
			rows = append(rows, []any{w.Owner, message.At, name, w.Settings.To[name].Way(), string(body)})
		}
		return insertMessages(ctx, tx, rows)
	})
	return told && err == nil, err
}

// deliveryLease is how long a process may take to send a message before another
// sends it: longer than any way of sending may take.
const deliveryLease = 2 * time.Minute

// ClaimDeliveries takes messages that are to be sent now by one of the given
// ways. If this process ends before it says what became of one, another sends it
// again.
func (s *Store) ClaimDeliveries(ctx context.Context, ways []string, limit int) (all []alert.Delivery, err error) {
	err = s.db.Transaction(ctx, func(tx database.Tx) error {
		all = nil
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `UPDATE punctual_alert_message SET tries = tries + 1, try_at = $1
			WHERE id IN (SELECT id FROM punctual_alert_message WHERE ended_at IS NULL AND (try_at IS NULL OR try_at <= $2) AND way = ANY($3)
				ORDER BY id LIMIT $4 FOR UPDATE SKIP LOCKED)
			RETURNING id, owner, at, recipient, way, body, tries`, now.Add(deliveryLease), now, ways, limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var d alert.Delivery
			if err := rows.Scan(&d.ID, &d.Owner, &d.At, &d.Recipient, &d.Way, &d.Body, &d.Tries); err != nil {
				return err
			}
			all = append(all, d)
		}
		return rows.Err()
	})
	return all, err
}

// EndDelivery writes down what became of a message: failure is empty where it
// was sent; else it is tried again, unless again is zero.
func (s *Store) EndDelivery(ctx context.Context, d alert.Delivery, failure string, again time.Time) error {
	return s.db.Transaction(ctx, func(tx database.Tx) error {
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		ended := now
		if failure != "" && !again.IsZero() {
			ended = time.Time{}
		}
		// Whoever has it by now says himself what becomes of it.
		_, err = tx.Exec(ctx, `UPDATE punctual_alert_message SET try_at = $3, ended_at = $4, error = $5 WHERE id = $1 AND tries = $2 AND ended_at IS NULL`,
			d.ID, d.Tries, again, ended, short(failure, maxNote))
		return err
	})
}

// alertStates are what was told of the schedules of an owner, by schedule and
// kind: of those named, and of all of whom something is raised.
func (s *Store) alertStates(ctx context.Context, owner string, ids []int64) (map[int64]map[alert.Kind]alert.State, error) {
	rows, err := s.db.Reader().Query(ctx, `SELECT schedule_id, kind, raised, since_at, mark_at FROM punctual_alert
		WHERE owner = $1 AND (raised = 1 OR schedule_id = ANY($2))`, owner, ids)
	if err != nil {
		return nil, fmt.Errorf("reading what was told: %w", err)
	}
	defer rows.Close()
	all := map[int64]map[alert.Kind]alert.State{}
	for rows.Next() {
		var (
			id    int64
			kind  string
			state alert.State
		)
		if err := rows.Scan(&id, &kind, boolean{&state.Raised}, &state.Since, &state.Mark); err != nil {
			return nil, err
		}
		if all[id] == nil {
			all[id] = map[alert.Kind]alert.State{}
		}
		all[id][alert.Kind(kind)] = state
	}
	return all, rows.Err()
}

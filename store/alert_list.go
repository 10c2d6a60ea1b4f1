package store

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/alert"
	"github.com/punctual-dev/punctual/database"
)

// RaisedAlert is something that was told to be wrong, and not yet to have ended.
type RaisedAlert struct {
	Owner    string     `json:"owner"`
	Schedule string     `json:"schedule"`
	Kind     alert.Kind `json:"kind"`
	Since    time.Time  `json:"since"`
}

// RaisedAlerts lists them, in order of schedule.
func (s *Store) RaisedAlerts(ctx context.Context) ([]RaisedAlert, error) {
	rows, err := s.db.Reader().Query(ctx, `SELECT a.owner, s.key, a.kind, a.since_at FROM punctual_alert a
		JOIN punctual_schedule s ON s.id = a.schedule_id WHERE a.raised = 1 AND s.deleted_at IS NULL ORDER BY s.key, a.kind, a.owner`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []RaisedAlert
	for rows.Next() {
		var one RaisedAlert
		if err := rows.Scan(&one.Owner, &one.Schedule, &one.Kind, &one.Since); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// AlertMessage is a message to one recipient, and what became of it.
type AlertMessage struct {
	At        time.Time `json:"at"`
	Owner     string    `json:"owner"`
	Recipient string    `json:"recipient"`
	Way       string    `json:"way"`
	Text      string    `json:"text"`
	Tries     int       `json:"tries"`
	EndedAt   time.Time `json:"ended_at,omitzero"` // sent or, with an error, given up
	Error     string    `json:"error,omitempty"`
}

// AlertMessages lists the newest, at most limit.
func (s *Store) AlertMessages(ctx context.Context, limit int) ([]AlertMessage, error) {
	rows, err := s.db.Reader().Query(ctx, `SELECT at, owner, recipient, way, body, tries, ended_at, error
		FROM punctual_alert_message ORDER BY id DESC LIMIT $1`, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []AlertMessage
	for rows.Next() {
		var (
			one  AlertMessage
			body string
		)
		if err := rows.Scan(&one.At, &one.Owner, &one.Recipient, &one.Way, &body, &one.Tries, &one.EndedAt, &one.Error); err != nil {
			return nil, err
		}
		var message alert.Message
		_ = json.Unmarshal([]byte(body), &message) // a newer version may have written it
		one.Text = message.Text
		all = append(all, one)
	}
	return all, rows.Err()
}

// TestAlerts writes a message that tells of nothing: to one recipient, or to all if
// name is empty. It returns whom it goes to.
func (s *Store) TestAlerts(ctx context.Context, name string, actor Actor) (recipients []string, err error) {
	watched, err := s.WatchedAlerts(ctx)
	if err != nil {
		return nil, err
	}
	err = s.edit(ctx, func(e *edit) error {
		recipients = nil
		body, err := json.Marshal(alert.TestMessage(string(actor), e.now))
		if err != nil {
			return err
		}
		var rows [][]any
		known := []string{}
		for _, w := range watched {
			for _, to := range slices.Sorted(maps.Keys(w.Settings.To)) {
				known = append(known, to)
				if name == "" || name == to {
					rows = append(rows, []any{w.Owner, e.now, to, w.Settings.To[to].Way(), string(body)})
					recipients = append(recipients, to)
				}
			}
		}
		switch {
		case len(known) == 0:
			return fmt.Errorf("testing alerts: nobody is told of anything; add alerts to the schedule file and apply it")
		case len(rows) == 0:
			return fmt.Errorf("testing alerts: %q is no recipient; those there are: %v", name, known)
		}
		if err := insertMessages(ctx, e.tx, rows); err != nil {
			return err
		}
		return e.record(actor, "test-alerts", 0, "", strings.Join(recipients, ", "))
	})
	return recipients, err
}

func insertMessages(ctx context.Context, tx database.Tx, rows [][]any) error {
	return tx.InsertRows(ctx, "punctual_alert_message", []string{"owner", "at", "recipient", "way", "body"}, rows)
}

package store

import (
	"context"
	"time"
)

// Activity is something somebody did.
type Activity struct {
	ID      int64     `json:"id"`
	At      time.Time `json:"at"`
	Author  string    `json:"author"`
	Action  string    `json:"action"`
	Subject string    `json:"subject"` // a schedule, an occurrence, a tag, a limit
	Detail  string    `json:"detail,omitempty"`
}

// Activities lists who did what, the newest first: at most limit, with a
// smaller id than before if that is not zero.
func (s *Store) Activities(ctx context.Context, before int64, limit int) ([]Activity, error) {
	rows, err := s.db.Reader().Query(ctx, `SELECT id, at, author, action, subject, detail FROM punctual_activity
		WHERE id < $1 OR $1 = 0 ORDER BY id DESC LIMIT $2`, before, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Activity
	for rows.Next() {
		var a Activity
		if err := rows.Scan(&a.ID, &a.At, &a.Author, &a.Action, &a.Subject, &a.Detail); err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, rows.Err()
}

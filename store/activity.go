package store

import (
	"context"
	"fmt"
	"time"

	"github.com/punctual-dev/punctual/database"
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
	return s.activities(ctx, fmt.Sprintf("id < $1 OR $1 = 0 ORDER BY id DESC LIMIT %d", limit), before)
}

func (s *Store) activities(ctx context.Context, which string, arguments ...any) ([]Activity, error) {
	rows, err := s.db.Reader().Query(ctx, "SELECT id, at, author, action, subject, detail FROM punctual_activity WHERE "+which, arguments...)
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

// renamedFrom begins the detail of the activity of a rename.
func renamedFrom(key string) string { return "key: " + key + " → " }

// Renamed is the key that a schedule has now which once had this one; empty if
// none did, as far back as the activity is kept.
func (s *Store) Renamed(ctx context.Context, key string) (now string, err error) {
	err = s.db.Reader().QueryRow(ctx, `SELECT s.key FROM punctual_activity a JOIN punctual_schedule s ON s.id = a.schedule_id
		WHERE a.action = 'rename' AND a.detail LIKE $1 ESCAPE '!' ORDER BY a.id DESC LIMIT 1`, beginning(renamedFrom(key))).Scan(&now)
	if err == database.ErrNoRows {
		return "", nil
	}
	return now, err
}

// quoted is what somebody wrote, told apart from what is said about it; nothing
// stays nothing.
func quoted(note string) string {
	if note == "" {
		return ""
	}
	return "“" + note + "”"
}

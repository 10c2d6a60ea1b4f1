package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
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

// Former is what a schedule was called until somebody renamed or deleted it.
type Former struct {
	Key string
	Now string // what it is called since; empty: it was deleted
	At  time.Time
	By  string // empty: it is not known
}

// formerOf reads what the activity of a rename tells.
func formerOf(a Activity) (f Former, ok bool) {
	rest, ok := strings.CutPrefix(a.Detail, "key: ")
	before, _, found := strings.Cut(rest, " → ")
	return Former{Key: before, At: a.At, By: a.Author}, ok && found
}

// FormerNames is what a schedule was called before, the newest name first, as far
// back as the activity is kept.
func (s *Store) FormerNames(ctx context.Context, key string, most int) (names []Former, err error) {
	done, err := s.ActivitiesOf(ctx, key, "rename", most)
	for _, a := range done {
		if f, ok := formerOf(a); ok {
			f.Now = key
			names = append(names, f)
		}
	}
	return names, err
}

// FormersLike are the names with some words in them that no schedule has any more:
// those of deleted ones, and those that others had before.
func (s *Store) FormersLike(ctx context.Context, words string, most int) ([]Former, error) {
	all, err := s.renamedLike(ctx, words, most)
	if err != nil {
		return nil, err
	}
	rows, err := s.db.Reader().Query(ctx, `SELECT key, deleted_at FROM punctual_schedule WHERE deleted_at IS NOT NULL AND lower(key) LIKE $1 ESCAPE '!'
		ORDER BY deleted_at DESC LIMIT $2`, containing(words), most)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var f Former
		if err := rows.Scan(&f.Key, &f.At); err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all[:min(len(all), most)], rows.Err()
}

// renamedLike are those that were renamed, and are not deleted.
func (s *Store) renamedLike(ctx context.Context, words string, most int) (all []Former, err error) {
	const looked = 200 // for the words may be in the new name alone
	rows, err := s.db.Reader().Query(ctx, `SELECT a.at, a.author, a.detail, s.key FROM punctual_activity a JOIN punctual_schedule s ON s.id = a.schedule_id
		WHERE a.action = 'rename' AND s.deleted_at IS NULL AND lower(a.detail) LIKE $1 ESCAPE '!' ORDER BY a.id DESC LIMIT $2`,
		beginning("key: ")+beginning(strings.ToLower(words)), looked)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var a Activity
		var now string
		if err := rows.Scan(&a.At, &a.Author, &a.Detail, &now); err != nil {
			return nil, err
		}
		f, ok := formerOf(a)
		f.Now = now
		same := func(other Former) bool { return other.Key == f.Key }
		if !ok || f.Key == now || len(all) == most || !strings.Contains(strings.ToLower(f.Key), strings.ToLower(words)) || slices.ContainsFunc(all, same) {
			continue
		}
		all = append(all, f)
	}
	rows.Close()
	if err := rows.Err(); err != nil || len(all) == 0 {
		return nil, err
	}
	// A name may have been given again.
	again, err := database.Values[string](s.db.Reader().Query(ctx, "SELECT key FROM punctual_schedule WHERE deleted_at IS NULL AND key = ANY($1)",
		database.Column(all, func(f Former) string { return f.Key })))
	return slices.DeleteFunc(all, func(f Former) bool { return slices.Contains(again, f.Key) }), err
}

// quoted is what somebody wrote, told apart from what is said about it; nothing
// stays nothing.
func quoted(note string) string {
	if note == "" {
		return ""
	}
	return "“" + note + "”"
}

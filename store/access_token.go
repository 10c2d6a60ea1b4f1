package store

import (
	"context"
	"fmt"
	"time"

	"github.com/punctual-dev/punctual/database"
)

// Token is what a program shows to use the API. The secret itself is kept
// nowhere.
type Token struct {
	Name      string    `json:"name"`
	Role      string    `json:"role"` // viewer, operator or admin
	Hash      string    `json:"-"`    // of the secret
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at,omitzero"` // zero: never
	UsedAt    time.Time `json:"used_at,omitzero"`    // to the minute; zero: never
	Author    string    `json:"author"`
}

// Expired says whether a token holds no longer.
func (t Token) Expired(now time.Time) bool {
	return !t.ExpiresAt.IsZero() && !now.Before(t.ExpiresAt)
}

// noteUseEvery is how often the use of a token or a session is written down.
const noteUseEvery = time.Minute

// AddToken adds a token that holds for a time, or for ever if that is zero. Of t
// it takes the name, the role and the hash.
func (s *Store) AddToken(ctx context.Context, t Token, holds time.Duration, actor Actor) (Token, error) {
	err := s.edit(ctx, func(e *edit) error {
		t.CreatedAt, t.ExpiresAt, t.Author = e.now, time.Time{}, short(string(actor), maxNote)
		detail := t.Role
		if holds > 0 {
			t.ExpiresAt = e.now.Add(holds)
			detail += ", until " + t.ExpiresAt.Format(time.RFC3339)
		}
		_, err := e.tx.Exec(ctx, `INSERT INTO punctual_token (name, role, hash, created_at, expires_at, author)
			VALUES ($1, $2, $3, $4, $5, $6)`, t.Name, t.Role, t.Hash, t.CreatedAt, t.ExpiresAt, t.Author)
		if err != nil {
			return err
		}
		return e.record(actor, "token-create", 0, t.Name, detail)
	})
	if database.UniqueViolation(err) {
		err = ErrNameIsTaken
	}
	if err != nil {
		return Token{}, fmt.Errorf("creating the token %q: %w", t.Name, err)
	}
	return t, nil
}

// RevokeToken ends a token at once.
func (s *Store) RevokeToken(ctx context.Context, name string, actor Actor) error {
	err := s.edit(ctx, func(e *edit) error {
		removed, err := e.tx.Exec(ctx, "DELETE FROM punctual_token WHERE name = $1", name)
		if err == nil && removed == 0 {
			err = ErrNoToken
		}
		if err != nil {
			return err
		}
		return e.record(actor, "token-revoke", 0, name, "")
	})
	if err != nil {
		return fmt.Errorf("revoking the token %q: %w", name, err)
	}
	return nil
}

const tokenColumns = "name, role, hash, created_at, expires_at, used_at, author"

func (t *Token) destinations() []any {
	return []any{&t.Name, &t.Role, &t.Hash, &t.CreatedAt, &t.ExpiresAt, &t.UsedAt, &t.Author}
}

// Tokens lists all tokens, by name, those that have expired too.
func (s *Store) Tokens(ctx context.Context) ([]Token, error) {
	rows, err := s.db.Reader().Query(ctx, "SELECT "+tokenColumns+" FROM punctual_token ORDER BY name")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Token
	for rows.Next() {
		var t Token
		if err := rows.Scan(t.destinations()...); err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, rows.Err()
}

// UseToken finds the token of a hash, and notes that it was used. ErrNoToken
// where there is none, or it holds no longer.
func (s *Store) UseToken(ctx context.Context, hash string) (Token, error) {
	var t Token
	now, err := s.db.Now(ctx)
	if err == nil {
		err = s.db.Reader().QueryRow(ctx, "SELECT "+tokenColumns+" FROM punctual_token WHERE hash = $1", hash).Scan(t.destinations()...)
	}
	if err == database.ErrNoRows || err == nil && t.Expired(now) {
		err = ErrNoToken
	}
	if err != nil {
		return Token{}, fmt.Errorf("reading a token: %w", err)
	}
	s.noteUse(ctx, "UPDATE punctual_token SET used_at = $2 WHERE hash = $1", hash, t.UsedAt, now)
	return t, nil
}

// noteUse writes down that a secret is used, unless that was done just now. If
// it fails the next use does it: nobody is refused for that.
func (s *Store) noteUse(ctx context.Context, update, hash string, noted, now time.Time) {
	if now.Sub(noted) < noteUseEvery {
		return
	}
	_ = s.db.Transaction(ctx, func(tx database.Tx) error {
		_, err := tx.Exec(ctx, update, hash, now)
		return err
	})
}

package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/punctual-dev/punctual/database"
)

// Session is a browser that is logged in.
type Session struct {
	Hash      string // of what its cookie holds
	UserName  string
	Proof     string // of the password it began with; opaque here
	CreatedAt time.Time
	UsedAt    time.Time // to the minute
	ExpiresAt time.Time
	// User is who is logged in; his name is empty where he is not in the table,
	// as the user of PUNCTUAL_PASSWORD.
	User User
}

// How long a session lasts: without any use, and at most.
const (
	SessionIdle    = 12 * time.Hour
	SessionLongest = 7 * 24 * time.Hour
)

// ErrNoSession says that there is no such session, or no longer.
var ErrNoSession = errors.New("there is no such session")

// over says whether a session holds no longer.
func (s Session) over(now time.Time) bool {
	return !now.Before(s.ExpiresAt) || now.Sub(s.UsedAt) >= SessionIdle
}

// AddSession begins a session and takes away those that are over. Of session it
// takes the hash, the user's name and the proof. The activity tells of it, with
// a detail such as the address.
func (s *Store) AddSession(ctx context.Context, session Session, detail string) error {
	err := s.db.Transaction(ctx, func(tx database.Tx) error {
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "DELETE FROM punctual_session WHERE expires_at <= $1 OR used_at <= $2", now, now.Add(-SessionIdle)); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO punctual_session (hash, user_name, proof, created_at, used_at, expires_at)
			VALUES ($1, $2, $3, $4, $4, $5)`, session.Hash, session.UserName, session.Proof, now, now.Add(SessionLongest))
		if err != nil {
			return err
		}
		return (&edit{ctx: ctx, store: s, tx: tx, now: now}).record(Actor(session.UserName), "login", 0, "", detail)
	})
	if err != nil {
		return fmt.Errorf("beginning a session of %q: %w", session.UserName, err)
	}
	return nil
}

// UseSession finds the session of a hash with its user as he is now, and notes
// that it was used. ErrNoSession where there is none, or it is over.
func (s *Store) UseSession(ctx context.Context, hash string) (Session, error) {
	var found Session
	now, err := s.db.Now(ctx)
	if err == nil {
		err = s.db.Reader().QueryRow(ctx, `SELECT s.hash, s.user_name, s.proof, s.created_at, s.used_at, s.expires_at,
				coalesce(u.name, ''), coalesce(u.role, ''), coalesce(u.password, '')
			FROM punctual_session s LEFT JOIN punctual_user u ON u.name = s.user_name WHERE s.hash = $1`, hash).Scan(
			&found.Hash, &found.UserName, &found.Proof, &found.CreatedAt, &found.UsedAt, &found.ExpiresAt,
			&found.User.Name, &found.User.Role, &found.User.Password)
	}
	if err == database.ErrNoRows || err == nil && found.over(now) {
		err = ErrNoSession
	}
	if err != nil {
		return Session{}, fmt.Errorf("reading a session: %w", err)
	}
	s.noteUse(ctx, "UPDATE punctual_session SET used_at = $2 WHERE hash = $1", hash, found.UsedAt, now)
	return found, nil
}

// EndSession ends a session; one that has ended already is no error.
func (s *Store) EndSession(ctx context.Context, hash string) error {
	err := s.db.Transaction(ctx, func(tx database.Tx) error {
		var user string
		err := tx.QueryRow(ctx, "DELETE FROM punctual_session WHERE hash = $1 RETURNING user_name", hash).Scan(&user)
		if err == database.ErrNoRows {
			return nil
		}
		if err != nil {
			return err
		}
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		return (&edit{ctx: ctx, store: s, tx: tx, now: now}).record(Actor(user), "logout", 0, "", "")
	})
	if err != nil {
		return fmt.Errorf("ending a session: %w", err)
	}
	return nil
}

// endSessions ends all sessions of a user.
func (e *edit) endSessions(user string) error {
	_, err := e.tx.Exec(e.ctx, "DELETE FROM punctual_session WHERE user_name = $1", user)
	return err
}

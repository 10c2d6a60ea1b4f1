package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/punctual-dev/punctual/database"
)

// User is somebody who may log in to the web process.
type User struct {
	Name       string    `json:"name"`
	Role       string    `json:"role"`        // viewer, operator or admin
	Password   string    `json:"-"`           // as it is kept: a hash with its salt
	PasswordAt time.Time `json:"password_at"` // when it was set
	CreatedAt  time.Time `json:"created_at"`
	Author     string    `json:"author"`
}

// Errors of users and tokens.
var (
	ErrNoUser      = errors.New("there is no such user")
	ErrNoToken     = errors.New("there is no such token")
	ErrNameIsTaken = errors.New("the name is taken")
)

// AddUser adds somebody who may log in. Of u it takes the name, the role and
// the password as it is kept.
func (s *Store) AddUser(ctx context.Context, u User, actor Actor) error {
	err := s.edit(ctx, func(e *edit) error {
		_, err := e.tx.Exec(ctx, `INSERT INTO punctual_user (name, role, password, password_at, created_at, author)
			VALUES ($1, $2, $3, $4, $4, $5)`, u.Name, u.Role, u.Password, e.now, short(string(actor), maxNote))
		if err != nil {
			return err
		}
		return e.record(actor, "user-add", 0, u.Name, u.Role)
	})
	if database.UniqueViolation(err) {
		err = ErrNameIsTaken
	}
	if err != nil {
		return fmt.Errorf("adding the user %q: %w", u.Name, err)
	}
	return nil
}

// RemoveUser takes a user away, and ends his sessions.
func (s *Store) RemoveUser(ctx context.Context, name string, actor Actor) error {
	err := s.edit(ctx, func(e *edit) error {
		removed, err := e.tx.Exec(ctx, "DELETE FROM punctual_user WHERE name = $1", name)
		if err == nil && removed == 0 {
			err = ErrNoUser
		}
		if err != nil {
			return err
		}
		if err := e.endSessions(name); err != nil {
			return err
		}
		return e.record(actor, "user-remove", 0, name, "")
	})
	if err != nil {
		return fmt.Errorf("removing the user %q: %w", name, err)
	}
	return nil
}

// SetPassword gives a user another password, as it is kept, and ends his
// sessions.
func (s *Store) SetPassword(ctx context.Context, name, password string, actor Actor) error {
	err := s.edit(ctx, func(e *edit) error {
		changed, err := e.tx.Exec(ctx, "UPDATE punctual_user SET password = $2, password_at = $3 WHERE name = $1", name, password, e.now)
		if err == nil && changed == 0 {
			err = ErrNoUser
		}
		if err != nil {
			return err
		}
		if err := e.endSessions(name); err != nil {
			return err
		}
		return e.record(actor, "user-password", 0, name, "")
	})
	if err != nil {
		return fmt.Errorf("setting the password of the user %q: %w", name, err)
	}
	return nil
}

// SetRole gives a user another role, which holds from the next request on.
func (s *Store) SetRole(ctx context.Context, name, role string, actor Actor) error {
	err := s.edit(ctx, func(e *edit) error {
		changed, err := e.tx.Exec(ctx, "UPDATE punctual_user SET role = $2 WHERE name = $1", name, role)
		if err == nil && changed == 0 {
			err = ErrNoUser
		}
		if err != nil {
			return err
		}
		return e.record(actor, "user-role", 0, name, role)
	})
	if err != nil {
		return fmt.Errorf("setting the role of the user %q: %w", name, err)
	}
	return nil
}

const userColumns = "name, role, password, password_at, created_at, author"

func (u *User) destinations() []any {
	return []any{&u.Name, &u.Role, &u.Password, &u.PasswordAt, &u.CreatedAt, &u.Author}
}

// FindUser reads a user; ErrNoUser where there is none of the name.
func (s *Store) FindUser(ctx context.Context, name string) (User, error) {
	var u User
	err := s.db.Reader().QueryRow(ctx, "SELECT "+userColumns+" FROM punctual_user WHERE name = $1", name).Scan(u.destinations()...)
	if err == database.ErrNoRows {
		err = ErrNoUser
	}
	if err != nil {
		return User{}, fmt.Errorf("reading the user %q: %w", name, err)
	}
	return u, nil
}

// Users lists who may log in, by name.
func (s *Store) Users(ctx context.Context) ([]User, error) {
	rows, err := s.db.Reader().Query(ctx, "SELECT "+userColumns+" FROM punctual_user ORDER BY name")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []User
	for rows.Next() {
		var u User
		if err := rows.Scan(u.destinations()...); err != nil {
			return nil, err
		}
		all = append(all, u)
	}
	return all, rows.Err()
}

// AnyCredentials says whether there is a user, or a token that still holds.
func (s *Store) AnyCredentials(ctx context.Context) (bool, error) {
	now, err := s.db.Now(ctx)
	if err != nil {
		return false, err
	}
	var there int
	err = s.db.Reader().QueryRow(ctx, `SELECT CASE WHEN EXISTS (SELECT 1 FROM punctual_user)
		OR EXISTS (SELECT 1 FROM punctual_token WHERE expires_at IS NULL OR expires_at > $1) THEN 1 ELSE 0 END`, now).Scan(&there)
	return there > 0, err
}

// RecordAccess notes that somebody was let in, or was not.
func (s *Store) RecordAccess(ctx context.Context, actor Actor, action, subject, detail string) error {
	return s.db.Transaction(ctx, func(tx database.Tx) error {
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		return (&edit{ctx: ctx, store: s, tx: tx, now: now}).record(actor, action, 0, subject, detail)
	})
}

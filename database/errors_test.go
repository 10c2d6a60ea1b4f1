package database_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/internal/pgtest"
)

func TestErrorsOfPostgresAreToldFromErrorsOfContent(t *testing.T) {
	db := open(t, pgtest.New(t), database.Options{})
	other := open(t, pgtest.New(t), database.Options{})
	exec(t, db, "CREATE TABLE thing (id integer PRIMARY KEY, number integer CHECK (number < 1000))")
	exec(t, db, "INSERT INTO thing VALUES (1)")
	ctx := t.Context()
	run := func(statements ...string) func() error {
		return func() error {
			return db.Transaction(ctx, func(tx database.Tx) error {
				for _, statement := range statements {
					if _, err := tx.Exec(ctx, statement); err != nil {
						return err
					}
				}
				return nil
			})
		}
	}
	// killed has its connection end in the midst of a transaction, and meets it
	// at a statement or at the commit.
	killed := func(then string) func() error {
		return func() error {
			return db.Transaction(ctx, func(tx database.Tx) error {
				var pid int
				if err := tx.QueryRow(ctx, "SELECT pg_backend_pid()").Scan(&pid); err != nil {
					return err
				}
				if err := db.Reader().QueryRow(ctx, "SELECT pg_terminate_backend($1)", pid).Scan(new(bool)); err != nil {
					return fmt.Errorf("killing: %w", err)
				}
				if then == "" {
					return nil
				}
				_, err := tx.Exec(ctx, then)
				return err
			})
		}
	}
	for _, c := range []struct {
		what      string
		do        func() error
		transient bool
	}{
		{"a connection killed before a statement", killed("SELECT 1"), true},
		{"a connection killed before the commit", killed(""), true},
		{"a statement that takes too long", run("SET LOCAL statement_timeout = '5ms'", "SELECT pg_sleep(10)"), true},
		{"a lock that is not given up", func() error {
			return db.Transaction(ctx, func(tx database.Tx) error {
				if _, err := tx.Exec(ctx, "SELECT * FROM thing WHERE id = 1 FOR UPDATE"); err != nil {
					return err
				}
				return run("SET LOCAL lock_timeout = '5ms'", "SELECT * FROM thing WHERE id = 1 FOR UPDATE")()
			})
		}, true},
		{"a transaction that stood idle", func() error { return &pgconn.PgError{Code: "25P03"} }, true},
		{"a server that only reads", run("SET TRANSACTION READ ONLY", "INSERT INTO thing VALUES (2)"), true},
		{"a context that ends", func() error {
			short, cancel := context.WithTimeout(ctx, 5*time.Millisecond)
			defer cancel()
			_, err := db.Reader().Exec(short, "SELECT pg_sleep(10)")
			return err
		}, true},
		{"a pool that is closed", func() error { other.Close(); _, err := other.Now(ctx); return err }, true},
		{"a server that is not there", func() error {
			_, err := database.Open(ctx, "postgres://u@127.0.0.1:1/d", database.Options{})
			return err
		}, true},
		{"too many connections", func() error { return &pgconn.PgError{Code: "53300"} }, true},
		{"a deadlock", func() error { return fmt.Errorf("committing: %w", &pgconn.PgError{Code: "40P01"}) }, true},
		{"a plan from before a migration", func() error {
			return &pgconn.PgError{Code: "0A000", Message: "cached plan must not change result type"}
		}, true},
		{"a broken constraint", run("INSERT INTO thing VALUES (3, 1000)"), false},
		{"a unique violation", run("INSERT INTO thing VALUES (1)"), false},
		{"a number out of range", run("INSERT INTO thing VALUES (99999999999)"), false},
		{"a text with NUL", func() error { _, err := db.Reader().Exec(ctx, "SELECT $1::text", "a\x00b"); return err }, false},
		{"a table that is not there", run("SELECT * FROM nothing"), false},
		{"a wrong statement", run("SELEKT"), false},
		{"anything else", func() error { return errors.New("boom") }, false},
	} {
		err := c.do()
		if err == nil {
			t.Errorf("%s: no error", c.what)
		} else if database.Transient(err) != c.transient {
			t.Errorf("%s: transient is %v for %v (%T)", c.what, !c.transient, err, err)
		}
	}
	if database.Transient(nil) {
		t.Error("no error is transient")
	}
	if err := run("INSERT INTO thing VALUES (1)")(); !database.UniqueViolation(err) {
		t.Errorf("not seen as a unique violation: %v", err)
	}
}

func TestErrorsOfSQLiteAreToldFromErrorsOfContent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	db := open(t, "sqlite:"+path, database.Options{})
	exec(t, db, "CREATE TABLE thing (id integer PRIMARY KEY, number integer CHECK (number < 1000))")
	exec(t, db, "INSERT INTO thing VALUES (1, 1)")
	impatient, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(1)&_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer impatient.Close()
	ctx := t.Context()
	one := func(statement string) error {
		return db.Transaction(ctx, func(tx database.Tx) error {
			_, err := tx.Exec(ctx, statement)
			return err
		})
	}
	for _, c := range []struct {
		what      string
		do        func() error
		transient bool
	}{
		{"another writer", func() error {
			return db.Transaction(ctx, func(database.Tx) error {
				_, err := impatient.BeginTx(ctx, nil)
				return err
			})
		}, true},
		{"a context that ended", func() error {
			ended, cancel := context.WithCancel(ctx)
			return db.Transaction(ctx, func(tx database.Tx) error {
				cancel()
				_, err := tx.Exec(ended, "INSERT INTO thing VALUES (2, 2)")
				return err
			})
		}, true},
		{"a statement that is interrupted", func() error {
			short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
			defer cancel()
			return db.Reader().QueryRow(short, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n").Scan(new(int))
		}, true},
		{"a broken constraint", func() error { return one("INSERT INTO thing VALUES (3, 1000)") }, false},
		{"a unique violation", func() error { return one("INSERT INTO thing VALUES (1, 1)") }, false},
		{"a table that is not there", func() error { return one("INSERT INTO nothing VALUES (1)") }, false},
	} {
		err := c.do()
		if err == nil {
			t.Errorf("%s: no error", c.what)
		} else if database.Transient(err) != c.transient {
			t.Errorf("%s: transient is %v for %v (%T)", c.what, !c.transient, err, err)
		}
		if database.UniqueViolation(err) != strings.Contains(c.what, "unique") {
			t.Errorf("%s: is it a unique violation? %v", c.what, err)
		}
	}
}

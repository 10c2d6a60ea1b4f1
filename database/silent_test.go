package database_test

import (
	"context"
	"net/url"
	"testing"
	"time"

	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/internal/network"
	"github.com/punctual-dev/punctual/internal/pgtest"
)

// farAway opens a database behind a network of its own. The server ends
// statements after a fifth of a second, so that giving up takes little longer.
func farAway(t *testing.T) (*database.Database, *network.Network) {
	t.Helper()
	address, err := url.Parse(pgtest.New(t))
	if err != nil {
		t.Fatal(err)
	}
	between, err := network.New(address.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(between.Close)
	address.Host = between.Address()
	address.RawQuery += "&statement_timeout=200&pool_max_conns=8"
	return open(t, address.String(), database.Options{}), between
}

// A machine that is gone answers nothing, not even that a connection is closed:
// whoever waits for it without an end waits for a quarter of an hour.
func TestAConnectionThatDiedWithoutAWordIsGivenUp(t *testing.T) {
	inTransaction := func(do func(ctx context.Context, tx database.Tx, die func()) error) func(context.Context, *database.Database, func()) error {
		return func(ctx context.Context, db *database.Database, die func()) error {
			return db.Transaction(ctx, func(tx database.Tx) error { return do(ctx, tx, die) })
		}
	}
	cases := []struct {
		name string
		do   func(ctx context.Context, db *database.Database, die func()) error
	}{
		{"a query", func(ctx context.Context, db *database.Database, die func()) error {
			die()
			var n int
			return db.Reader().QueryRow(ctx, "SELECT 1").Scan(&n)
		}},
		{"the time", func(ctx context.Context, db *database.Database, die func()) error {
			die()
			_, err := db.Now(ctx)
			return err
		}},
		{"the beginning of a transaction", func(ctx context.Context, db *database.Database, die func()) error {
			die()
			return db.Transaction(ctx, func(database.Tx) error { return nil })
		}},
		{"a statement in one", inTransaction(func(ctx context.Context, tx database.Tx, die func()) error {
			die()
			_, err := tx.Exec(ctx, "CREATE TABLE lost (id integer)")
			return err
		})},
		{"many rows", inTransaction(func(ctx context.Context, tx database.Tx, die func()) error {
			if _, err := tx.Exec(ctx, "CREATE TABLE many (id integer)"); err != nil {
				return err
			}
			die()
			return tx.InsertRows(ctx, "many", []string{"id"}, [][]any{{1}, {2}})
		})},
		{"a commit", inTransaction(func(_ context.Context, _ database.Tx, die func()) error {
			die()
			return nil
		})},
		{"a connection that has been idle for a while", func(ctx context.Context, db *database.Database, die func()) error {
			die()
			time.Sleep(1100 * time.Millisecond) // the pool asks after those that rested for a second
			_, err := db.Now(ctx)
			return err
		}},
		{"a listener", func(ctx context.Context, db *database.Database, die func()) error {
			listening := make(chan error, 1)
			go func() { listening <- db.Wakeups(ctx, "a_channel", func() { die() }) }()
			for {
				if err := db.Notify(ctx, "a_channel"); err != nil && !database.Transient(err) {
					return err
				}
				select {
				case err := <-listening:
					return err
				case <-time.After(50 * time.Millisecond):
				}
			}
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			db, between := farAway(t)
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			err := c.do(ctx, db, func() { between.Forsake() })
			if ctx.Err() != nil {
				t.Fatal("it waited for half a minute")
			}
			if err != nil && !database.Transient(err) {
				t.Errorf("got %v, want an error that is worth trying again", err)
			}
			// Others of the pool may be dead, too; each is found out but once.
			for err = context.DeadlineExceeded; err != nil && ctx.Err() == nil; {
				_, err = db.Now(ctx)
			}
			if err != nil {
				t.Errorf("no new connection came about: %v", err)
			}
		})
	}
}

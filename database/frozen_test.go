package database_test

import (
	"context"
	"database/sql/driver"
	"testing"
	"time"

	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/internal/pgtest"
)

// slow is a value that its process takes a while to write.
type slow func() error

func (s slow) Value() (driver.Value, error) { return int64(2), s() }

// A server that is in the middle of reading rows ends no transaction, however
// long the next row takes to come.
func TestAProcessFrozenWhileItWritesManyRowsHoldsNobodyUpOnPostgres(t *testing.T) {
	db := open(t, pgtest.New(t)+"&idle_in_transaction_session_timeout=200&statement_timeout=0&lock_timeout=0", database.Options{})
	exec(t, db, "CREATE TABLE thing (id bigint)")
	exec(t, db, "INSERT INTO thing (id) VALUES (0)")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	err := db.Transaction(ctx, func(tx database.Tx) error {
		if _, err := tx.Exec(ctx, "UPDATE thing SET id = 5 WHERE id = 0"); err != nil {
			return err
		}
		return tx.InsertRows(ctx, "thing", []string{"id"}, [][]any{{int64(1)}, {slow(func() error {
			// Thawed when somebody else has got at the row.
			return db.Transaction(ctx, func(other database.Tx) error {
				_, err := other.Exec(ctx, "UPDATE thing SET id = 6 WHERE id = 0")
				return err
			})
		})}})
	})
	if ctx.Err() != nil {
		t.Fatal("somebody else waited for half a minute")
	}
	if !database.Transient(err) {
		t.Errorf("the frozen one got %v, want an error that is worth trying again", err)
	}
}

package store_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/internal/pgtest"
	"github.com/punctual-dev/punctual/store"
	"github.com/punctual-dev/punctual/store/storetest"
)

func TestTheStoreOnSQLite(t *testing.T) {
	// In memory where there is such a place: the suite is not about the disk.
	folder := t.TempDir()
	if memory, err := os.MkdirTemp("/dev/shm", "punctual-"); err == nil {
		folder = memory
		t.Cleanup(func() { os.RemoveAll(memory) })
	}
	template := filepath.Join(folder, "template.db")
	migrate(t, "sqlite:"+template).Close()
	content, err := os.ReadFile(template)
	if err != nil {
		t.Fatal(err)
	}
	var number atomic.Int64
	storetest.Run(t, func(t *testing.T) string {
		path := filepath.Join(folder, fmt.Sprint(number.Add(1), ".db"))
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return "sqlite:" + path
	})
}

func TestTheStoreOnPostgres(t *testing.T) {
	type place struct {
		address string
		db      *database.Database
	}
	const places = 3 // tests at once
	free := make(chan place, places)
	for range places {
		address := pgtest.New(t)
		db := migrate(t, address)
		t.Cleanup(db.Close)
		free <- place{address, db}
	}
	storetest.Run(t, func(t *testing.T) string {
		p := <-free
		t.Cleanup(func() { free <- p })
		empty(t, p.db)
		return p.address
	})
}

func migrate(t *testing.T, address string) *database.Database {
	t.Helper()
	db, err := database.Open(t.Context(), address, database.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(db)
	if err == nil {
		err = s.Migrate(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// empty deletes all that a test left behind: faster than a new database.
func empty(t *testing.T, db *database.Database) {
	t.Helper()
	err := db.Transaction(t.Context(), func(tx database.Tx) error {
		for _, table := range []string{
			"punctual_alert_message", "punctual_alert", "punctual_alerting", "punctual_session", "punctual_token", "punctual_user", "punctual_limit", "punctual_backfill", "punctual_activity", "punctual_output", "punctual_progress", "punctual_process", "punctual_occurrence",
			"punctual_pause", "punctual_definition", "punctual_due", "punctual_schedule", "river_job", "river_queue", "river_leader",
		} {
			if _, err := tx.Exec(t.Context(), "DELETE FROM "+table); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

package store_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/internal/pgtest"
	"github.com/punctual-dev/punctual/store"
)

// migrateAddress tells a child process of these tests to migrate, and nothing
// else.
const migrateAddress = "PUNCTUAL_TEST_MIGRATE"

func TestMain(m *testing.M) {
	if address := os.Getenv(migrateAddress); address != "" {
		if err := migrateAsChild(address); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

func migrateAsChild(address string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	db, err := database.Open(ctx, address, database.Options{MaxConnections: 1})
	if err != nil {
		return err
	}
	defer db.Close()
	s, err := store.Open(db)
	if err != nil {
		return err
	}
	return s.Migrate(ctx)
}

func TestTenProcessesMigrateAtOnce(t *testing.T) {
	for kind, address := range map[string]string{
		"SQLite":   "sqlite:" + filepath.Join(t.TempDir(), "a.db"),
		"Postgres": pgtest.New(t),
	} {
		t.Run(kind, func(t *testing.T) {
			var wg sync.WaitGroup
			for i := range 10 {
				wg.Go(func() {
					var output bytes.Buffer
					child := exec.CommandContext(t.Context(), os.Args[0])
					child.Env = append(os.Environ(), migrateAddress+"="+address)
					child.Stdout, child.Stderr = &output, &output
					if err := child.Run(); err != nil {
						t.Errorf("process %d: %v\n%s", i, err, output.String())
					}
				})
			}
			wg.Wait()
			db, err := database.Open(t.Context(), address, database.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			s, err := store.Open(db)
			if err != nil {
				t.Fatal(err)
			}
			if there, err := s.Migrated(t.Context()); err != nil || !there {
				t.Errorf("the tables are there: %v (%v)", there, err)
			}
			var changes int
			if err := db.Reader().QueryRow(t.Context(), "SELECT count(*) FROM punctual_change").Scan(&changes); err != nil || changes != 1 {
				t.Errorf("%d rows in punctual_change (%v)", changes, err)
			}
		})
	}
}

package database

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

// migrationLock is the key of the advisory lock under which Postgres is
// migrated: the letters "punc".
const migrationLock = 0x70756e63

// migrationTable is where goose notes what has been done.
const migrationTable = "punctual_migration"

// Migrate runs first, over the driver's pool that it is given, and then the migrations in the folder of files named for
// the kind of database that have not been run yet. Any number of processes may
// call it at once.
func (d *Database) Migrate(ctx context.Context, files fs.FS, first func(ctx context.Context, pool any) error) error {
	own, err := fs.Sub(files, string(d.Kind))
	if err != nil {
		return fmt.Errorf("migrating: %w", err)
	}
	switch pool := d.Native().(type) {
	case *pgxpool.Pool:
		err = migratePostgres(ctx, pool, own, first)
	case *sql.DB:
		err = migrateSQLite(ctx, pool, own, first)
	}
	if err != nil {
		return fmt.Errorf("migrating %s: %w", d.Location, err)
	}
	return nil
}

// migratePostgres works on connections of its own, since migrations may take
// longer than a clock's statements. One of them holds a lock, which ends with
// it: a process that dies while migrating leaves it to the next.
func migratePostgres(ctx context.Context, pool *pgxpool.Pool, files fs.FS, first func(context.Context, any) error) error {
	config := pool.Config().Copy()
	for _, name := range []string{"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"} {
		delete(config.ConnConfig.RuntimeParams, name)
	}
	// One for the lock's holder, which must not stand in the way of the rest.
	config.MaxConns = max(config.MaxConns, 2)
	patient, err := NewPool(ctx, config, 0)
	if err != nil {
		return err
	}
	defer patient.Close()
	holder, err := patient.Acquire(ctx)
	if err != nil {
		return err
	}
	defer holder.Release()
	defer func() {
		// The lock ends with the connection.
		_ = holder.Conn().Close(context.WithoutCancel(ctx))
	}()
	if _, err := holder.Exec(ctx, "SELECT pg_advisory_lock($1)", int64(migrationLock)); err != nil {
		return fmt.Errorf("waiting for the lock: %w", err)
	}
	if err := first(ctx, patient); err != nil {
		return err
	}
	connections := stdlib.OpenDBFromPool(patient)
	defer connections.Close()
	return migrateTables(ctx, goose.DialectPostgres, connections, files)
}

// migrateSQLite has no lock to wait for but the file's own, which each
// migration takes alone. Who comes second finds a table that it was about to
// make, and looks again.
func migrateSQLite(ctx context.Context, connections *sql.DB, files fs.FS, first func(context.Context, any) error) error {
	const attempts = 50
	// An index of a large table is sorted in files. The pool has one connection.
	if _, err := connections.ExecContext(ctx, "PRAGMA temp_store = default"); err != nil {
		return err
	}
	defer func() {
		_, _ = connections.ExecContext(context.WithoutCancel(ctx), "PRAGMA temp_store = memory") // without it writing is slower
	}()
	var err error
	for range attempts {
		if err = first(ctx, connections); err == nil {
			if err = migrateTables(ctx, goose.DialectSQLite3, connections, files); err == nil {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return err
}

func migrateTables(ctx context.Context, dialect goose.Dialect, connections *sql.DB, files fs.FS) error {
	provider, err := goose.NewProvider(dialect, connections, files,
		goose.WithTableName(migrationTable), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}

package store

import (
	"context"
	"embed"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/queue"
)

//go:embed migrations
var migrations embed.FS

// Migrate brings Punctual's and River's tables up to date. Any number of
// processes may call it at once: one does it, the others wait.
func (s *Store) Migrate(ctx context.Context) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	return s.db.Migrate(ctx, files, queue.Migrate)
}

// CheckWritable fails where the tables can be read but not written: a process
// would try for ever.
func (s *Store) CheckWritable(ctx context.Context) error {
	return s.db.CheckWritable(ctx, "punctual_process")
}

// Migrated says whether the tables are there at all.
func (s *Store) Migrated(ctx context.Context) (bool, error) {
	query := `SELECT count(*) FROM information_schema.tables WHERE table_name = 'punctual_change'`
	if s.db.Kind == database.SQLite {
		query = `SELECT count(*) FROM sqlite_master WHERE name = 'punctual_change'`
	}
	var found int
	err := s.db.Reader().QueryRow(ctx, query).Scan(&found)
	return found > 0, err
}

// Outdated says whether an older version made the tables, and no process of this one
// has brought them up to date yet.
func (s *Store) Outdated(ctx context.Context) (bool, error) {
	newest, err := newestMigration(string(s.db.Kind))
	if err != nil {
		return false, err
	}
	var last int
	err = s.db.Reader().QueryRow(ctx, "SELECT max(version_id) FROM punctual_migration").Scan(&last)
	return last < newest, err
}

// newestMigration is the number that the last file of a kind of database begins with.
func newestMigration(kind string) (newest int, err error) {
	files, err := fs.Glob(migrations, "migrations/"+kind+"/*.sql")
	for _, file := range files {
		number, _, _ := strings.Cut(path.Base(file), "_")
		n, err := strconv.Atoi(number)
		if err != nil {
			return 0, err
		}
		newest = max(newest, n)
	}
	return newest, err
}

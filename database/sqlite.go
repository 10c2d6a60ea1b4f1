package database

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	_ "modernc.org/sqlite" // registers the driver "sqlite"
)

// sqlite is a file with one connection that writes and a few that read.
// Several processes may share the file; within one, writers wait in the pool's
// own queue, which is faster and fairer than SQLite's busy polling.
type sqlite struct {
	writes, reads *sql.DB

	readable, writable *sqliteStatements

	log       string // the file of what is written and not yet in the database's own
	mu        sync.Mutex
	listeners map[string]map[*func()]struct{}
}

const sqliteReaders = 4

func openSQLite(ctx context.Context, path string) (engine, error) {
	if path == "" || path == ":memory:" {
		return nil, &addressError{"opening the database: a SQLite database needs a file, for example sqlite:punctual.db"}
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("opening the database %s: %w", path, err)
	}
	if _, err := os.Stat(filepath.Dir(absolute)); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("opening the database %s: there is no directory %s; make it, or name another file", path, filepath.Dir(absolute))
	} else if err != nil {
		return nil, fmt.Errorf("opening the database %s: its directory cannot be read: %w", path, err)
	}
	if info, err := os.Stat(absolute); err == nil && info.IsDir() {
		return nil, fmt.Errorf("opening the database %s: that is a directory; name a file in it, as sqlite:%s", path, filepath.Join(path, "punctual.db"))
	}
	s := &sqlite{log: absolute + "-wal", listeners: map[string]map[*func()]struct{}{}}
	// FULL: a decision that was committed survives a loss of power. IMMEDIATE:
	// a transaction that reads and then writes waits for its turn instead of
	// failing.
	pragmas := "_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)"
	address := "file:" + (&url.URL{Path: absolute}).EscapedPath() + "?" + pragmas
	// What a statement of several rows would be undone by is kept in memory: else it is
	// a new file, for each statement.
	if s.writes, err = sql.Open("sqlite", address+"&_txlock=immediate&_pragma=temp_store(memory)"); err != nil {
		return nil, fmt.Errorf("opening the database %s: %w", path, err)
	}
	s.writes.SetMaxOpenConns(1)
	// What a reader keeps of the file is void once anybody has written, so it keeps
	// little, and none that nobody uses: the system has the file in memory anyway.
	if s.reads, err = sql.Open("sqlite", address+"&_pragma=query_only(1)&_pragma=cache_size(-512)"); err != nil {
		return nil, fmt.Errorf("opening the database %s: %w", path, err)
	}
	s.reads.SetMaxOpenConns(sqliteReaders)
	s.reads.SetConnMaxIdleTime(3 * time.Second)
	s.readable, s.writable = newSQLiteStatements(s.reads), newSQLiteStatements(s.writes)
	if err := s.begin(ctx); err != nil {
		s.close()
		return nil, fmt.Errorf("opening the database %s: %w", path, inWords(err))
	}
	return s, nil
}

// begin makes the first connection. To make a new file's log a write-ahead one takes
// a lock that SQLite does not wait for: of several processes at once some are told
// that the file is busy, and try again.
func (s *sqlite) begin(ctx context.Context) error {
	for limit := time.Now().Add(5 * time.Second); ; {
		err := s.writes.PingContext(ctx)
		if !Contended(err) || time.Now().After(limit) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (s *sqlite) close() {
	s.reads.Close()
	s.writes.Close()
}

func (s *sqlite) native() any     { return s.writes }
func (s *sqlite) reader() Querier { return sqliteQuerier{s.reads, s.readable.prepare} }

func (s *sqlite) now(context.Context) (time.Time, error) { return time.Now(), nil }

func (s *sqlite) transaction(ctx context.Context, do func(Tx) error) error {
	s.writable.prepareWanted(ctx)
	tx, err := s.writes.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() {
		_ = tx.Rollback() // does nothing after a commit
	}()
	kept := func(ctx context.Context, query string) *sql.Stmt { return s.writable.within(ctx, tx, query) }
	if err := do(sqliteTx{sqliteQuerier{tx, kept}, tx}); err != nil {
		_ = tx.Rollback()
		s.writable.prepareWanted(ctx) // what is undone is mostly done again
		return err
	}
	return tx.Commit()
}

type sqliteRows struct {
	*sql.Rows
	scanned []any
}

func (r *sqliteRows) Close() { _ = r.Rows.Close() }

func (r *sqliteRows) Scan(destinations ...any) error {
	r.scanned = scanInstants(r.scanned, destinations)
	return r.Rows.Scan(r.scanned...)
}

type sqliteRow struct{ row *sql.Row }

func (r sqliteRow) Scan(destinations ...any) error {
	err := r.row.Scan(scanInstants(nil, destinations)...)
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNoRows
	}
	return err
}

type sqliteTx struct {
	sqliteQuerier
	tx *sql.Tx
}

func (t sqliteTx) Native() any { return t.tx }

func (t sqliteTx) Now(context.Context) (time.Time, error) { return time.Now(), nil }

func (t sqliteTx) InsertRows(ctx context.Context, table string, columns []string, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	places := "(?" + strings.Repeat(", ?", len(columns)-1) + ")"
	return ExecRows(ctx, t, "INSERT INTO "+table+" ("+strings.Join(columns, ", ")+") VALUES ", places, "", rows)
}

// sqliteQuery turns "= ANY($1)" into SQLite's reading of a JSON array, and
// drops the row locks that a database with one writer has no need of.
func sqliteQuery(query string) string {
	for {
		before, rest, found := strings.Cut(query, "= ANY(")
		if !found {
			break
		}
		place, after, _ := strings.Cut(rest, ")")
		query = before + "IN (SELECT value FROM json_each(" + place + "))" + after
	}
	for _, lock := range []string{" FOR UPDATE OF o SKIP LOCKED", " FOR UPDATE SKIP LOCKED", " FOR UPDATE", " FOR SHARE"} {
		query = strings.ReplaceAll(query, lock, "")
	}
	return query
}

// sqliteArguments turns times into integer microseconds and slices into JSON.
func sqliteArguments(arguments []any) []any {
	converted := make([]any, len(arguments))
	for i, argument := range arguments {
		switch value := argument.(type) {
		case time.Time:
			if !value.IsZero() {
				converted[i] = value.UnixMicro()
			}
		case []int64, []string:
			text, _ := json.Marshal(value)
			converted[i] = string(text)
		default:
			converted[i] = argument
		}
	}
	return converted
}

// Package database opens the one database that clocks, workers and web share:
// Postgres, or a SQLite file. It gives both the same few methods, so that a
// query is written once; what truly differs is in postgres.go and sqlite.go.
package database

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Kind is which database it is.
type Kind string

// The kinds of database.
const (
	Postgres Kind = "postgres"
	SQLite   Kind = "sqlite"
)

// Database is an open database. Queries use $1 placeholders on both kinds;
// "= ANY($1)" with a slice works on both; a zero time.Time is NULL both ways.
type Database struct {
	Kind Kind
	// Location names the database for people, without credentials.
	Location string

	engine engine
	now    func() time.Time
	trace  func(statement string)
}

// Querier runs statements, inside a transaction or outside of one.
type Querier interface {
	// Exec runs a statement and returns the number of rows it changed.
	Exec(ctx context.Context, query string, arguments ...any) (int64, error)
	Query(ctx context.Context, query string, arguments ...any) (Rows, error)
	QueryRow(ctx context.Context, query string, arguments ...any) Row
}

// Rows is the result of a query. Close may be called more than once.
type Rows interface {
	Next() bool
	Scan(destinations ...any) error
	Err() error
	Close()
}

// Row is a result of one row; Scan returns ErrNoRows where there is none.
type Row interface {
	Scan(destinations ...any) error
}

// ErrNoRows says that a query for one row found none.
var ErrNoRows = errors.New("no rows")

// Tx is a transaction.
type Tx interface {
	Querier
	// InsertRows adds many rows to a table in as few round trips as it can.
	InsertRows(ctx context.Context, table string, columns []string, rows [][]any) error
	// Now is the time as Database.Now gives it, read over the transaction's own
	// connection: who holds one must not ask the pool for another.
	Now(ctx context.Context) (time.Time, error)
	// Native is the driver's own transaction: pgx.Tx or *sql.Tx.
	Native() any
}

// engine is what a kind of database has to do.
type engine interface {
	reader() Querier
	transaction(ctx context.Context, do func(Tx) error) error
	now(ctx context.Context) (time.Time, error)
	wakeups(ctx context.Context, channel string, wake func()) error
	notify(ctx context.Context, channel string) error
	native() any
	close()
}

// Options are the settings of Open; the zero value is good.
type Options struct {
	// Now replaces the database's clock, for tests in fake time.
	Now func() time.Time
	// MaxConnections bounds the pool; zero is a good default.
	MaxConnections int
	// Trace is called before every statement of ours and every commit, for tests
	// that count them or that let the process die at one; may be nil.
	Trace func(statement string)
}

// Allowed is the form of a database's address, in words for error messages.
const Allowed = "postgres://user:password@host:5432/name, or sqlite:PATH for a file"

// Open connects to the database that address names and makes sure it answers.
func Open(ctx context.Context, address string, o Options) (*Database, error) {
	scheme, rest, _ := strings.Cut(address, ":")
	var (
		d   = &Database{now: o.Now, trace: o.Trace}
		err error
	)
	switch scheme {
	case "postgres", "postgresql":
		d.Kind = Postgres
		d.engine, d.Location, err = openPostgres(ctx, address, o)
	case "sqlite":
		d.Kind, d.Location = SQLite, address
		d.engine, err = openSQLite(ctx, strings.TrimPrefix(rest, "//"))
	default:
		// The address may hold a password, so it is not repeated unless it cannot.
		if path := filePath(address); path != "" {
			return nil, &addressError{fmt.Sprintf("opening the database: %q does not say which kind of database it is; for a SQLite file of that name: sqlite:%s; allowed is %s", address, path, Allowed)}
		}
		begins := fmt.Sprintf("begins with %q", scheme)
		if scheme == address {
			begins = "has no scheme"
		}
		return nil, &addressError{fmt.Sprintf("opening the database: its address %s; allowed is %s", begins, Allowed)}
	}
	if err != nil {
		return nil, err
	}
	return d, nil
}

// filePath is the file that an address without a scheme of ours probably names;
// empty: none. A path with a colon in it is taken for an address.
func filePath(address string) string {
	for _, scheme := range []string{"file://", "file:", "sqlite3://", "sqlite3:"} {
		if path, ok := strings.CutPrefix(address, scheme); ok {
			address = path
			break
		}
	}
	if strings.ContainsAny(address, ":@?= ") {
		return ""
	}
	return address
}

// CheckWritable fails where the database can be read only: because of a file's
// permissions, a role's rights, or a server that stands by for another.
func (d *Database) CheckWritable(ctx context.Context, table string) error {
	err := d.Transaction(ctx, func(tx Tx) error {
		// Nothing matches, but to try needs the right to write.
		_, err := tx.Exec(ctx, "DELETE FROM "+table+" WHERE 1 = 0")
		return err
	})
	switch {
	case err == nil, Contended(err):
		// Who is kept waiting by another writer has the right to write.
		return nil
	case !refusesToWrite(err):
		return fmt.Errorf("opening %s: %w", d.Location, err)
	}
	why := err.Error() + "; the role in its address needs the right to write, on a server that is not read-only"
	if d.Kind == SQLite {
		why = inWords(err).Error()
	}
	return &explained{words: fmt.Sprintf("%s can be read, but not written: %s", d.Location, why), err: err}
}

// Close ends all connections.
func (d *Database) Close() { d.engine.close() }

// Reader runs queries that change nothing, outside of a transaction.
func (d *Database) Reader() Querier {
	if d.trace != nil {
		return tracedQuerier{d.engine.reader(), d.trace}
	}
	return d.engine.reader()
}

// Brief is ctx for reading what is read in a moment. On SQLite that then goes on
// when ctx ends: to be able to interrupt a query there, goroutines watch ctx for each
// query and each row, and to wake the threads that run them was a sixth of what a
// clock computed.
func (d *Database) Brief(ctx context.Context) context.Context {
	if d.Kind == SQLite {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

// Transaction runs do in a transaction that is committed when it returns nil
// and rolled back otherwise. On SQLite it is the only writer meanwhile: do must
// hold nothing but statements.
func (d *Database) Transaction(ctx context.Context, do func(Tx) error) error {
	return d.engine.transaction(ctx, func(tx Tx) error {
		if d.trace == nil {
			return do(timedTx{tx, d.now})
		}
		err := do(timedTx{tracedTx{tx, d.trace}, d.now})
		if err == nil {
			d.trace("COMMIT")
		}
		return err
	})
}

// Now is the time everyone who shares this database goes by: the server's on
// Postgres, the host's on SQLite. In UTC, microseconds.
func (d *Database) Now(ctx context.Context) (time.Time, error) {
	return readClock(ctx, d.now, d.engine.now)
}

// timedTx is a transaction that goes by the database's clock, or its stand-in.
type timedTx struct {
	Tx
	now func() time.Time
}

func (t timedTx) Now(ctx context.Context) (time.Time, error) { return readClock(ctx, t.now, t.Tx.Now) }

func readClock(ctx context.Context, standIn func() time.Time, read func(context.Context) (time.Time, error)) (now time.Time, err error) {
	if standIn != nil {
		now = standIn()
	} else {
		now, err = read(ctx)
	}
	return now.UTC().Truncate(time.Microsecond), err
}

// Wakeups calls wake whenever somebody calls Notify on the channel, until ctx
// ends. It is a hint: some may be lost, and there may be none at all.
func (d *Database) Wakeups(ctx context.Context, channel string, wake func()) error {
	return d.engine.wakeups(ctx, channel, wake)
}

// Notify wakes those who listen on the channel.
func (d *Database) Notify(ctx context.Context, channel string) error {
	return d.engine.notify(ctx, channel)
}

// Native is the driver's own pool: *pgxpool.Pool or *sql.DB.
func (d *Database) Native() any { return d.engine.native() }

// instant scans a timestamp of either kind of database; NULL is the zero time.
type instant struct{ destination *time.Time }

// Scan implements sql.Scanner.
func (i instant) Scan(source any) error {
	switch value := source.(type) {
	case nil:
		*i.destination = time.Time{}
	case time.Time:
		*i.destination = value.UTC()
	case int64:
		*i.destination = time.UnixMicro(value).UTC()
	default:
		return fmt.Errorf("a timestamp of type %T cannot be read", source)
	}
	return nil
}

// scanInstants puts destinations into the slice of the row before, if there was one.
// It and its like for arguments leave the caller's slice as it is: it may be used
// again.
func scanInstants(before, destinations []any) []any {
	scanned := slices.Grow(before[:0], len(destinations))
	for _, destination := range destinations {
		if at, ok := destination.(*time.Time); ok {
			destination = instant{at}
		}
		scanned = append(scanned, destination)
	}
	return scanned
}

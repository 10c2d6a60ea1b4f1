package database

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

// A frozen process must not hold up the others: Postgres ends a transaction
// that stands idle, a statement that takes too long, and a connection whose
// peer is gone.
var postgresSession = map[string]string{
	"application_name":                    "punctual",
	"idle_in_transaction_session_timeout": "2000",
	"statement_timeout":                   "5000",
	"lock_timeout":                        "3000",
	"tcp_keepalives_idle":                 "10",
	"tcp_keepalives_interval":             "5",
	"tcp_keepalives_count":                "3",
	"timezone":                            "UTC",
	// A plan made while a table was empty would be kept for one that has filled
	// since, and to compile one takes longer than to run it.
	"plan_cache_mode": "force_custom_plan",
	"jit":             "off",
	// Nearly all is looked up by a key, some hundreds among very many, and lies in
	// memory. At the usual 4 the server reads a table of 50,000 from end to end for each
	// thousand rows of it, which took a herd more time than to write them.
	"random_page_cost": "1.1",
	// What is counted behind a lock must see what was committed before it.
	"default_transaction_isolation": "read committed",
}

const (
	postgresConnectTimeout = 5 * time.Second
	postgresPort           = 5432
)

type postgres struct {
	pool  *pgxpool.Pool
	types *columnTypes
}

func openPostgres(ctx context.Context, address string, o Options) (engine, string, error) {
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		// The parser's own message repeats the address, with its password.
		return nil, "", &addressError{"opening the database: the address is not one of Postgres; allowed is " + Allowed}
	}
	host := config.ConnConfig.Host
	if port := config.ConnConfig.Port; port != postgresPort && !strings.HasPrefix(host, "/") {
		host = net.JoinHostPort(host, strconv.Itoa(int(port)))
	}
	location := (&url.URL{Scheme: "postgres", Host: host, Path: "/" + config.ConnConfig.Database}).String()
	for name, value := range postgresSession {
		if _, given := config.ConnConfig.RuntimeParams[name]; !given {
			config.ConnConfig.RuntimeParams[name] = value
		}
	}
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = postgresConnectTimeout
	}
	if o.MaxConnections > 0 {
		config.MaxConns = int32(min(o.MaxConnections, 1000))
	} else {
		config.MaxConns = max(config.MaxConns, 8)
	}
	pool, err := NewPool(ctx, config, answerWithin(config.ConnConfig.RuntimeParams["statement_timeout"]))
	if err != nil {
		return nil, "", fmt.Errorf("opening %s: %w", location, err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, "", fmt.Errorf("opening %s: %w; %s", location, networkWords(reasonOf(err)), adviceFor(err))
	}
	return &postgres{pool, &columnTypes{known: map[string]map[string]string{}}}, location, nil
}

// adviceFor says what to look at when no connection came about.
func adviceFor(err error) string {
	var refused *pgconn.PgError
	if _, unknown := errors.AsType[*net.DNSError](err); unknown {
		return "is its name right, and does this machine know it?"
	}
	if !errors.As(err, &refused) {
		return "is the server running, and are host and port right?"
	}
	switch refused.Code {
	case "28P01", "28000":
		return "are user and password right?"
	case "3D000":
		return "createdb makes one"
	case "53300":
		return "each process keeps about ten connections; raise max_connections, or set pool_max_conns in the address"
	}
	return "the server answers, and refuses"
}

// reasonOf is why no connection came about, without pgx's wrapping, which
// repeats host, user and database, and tells the reason once for each attempt.
func reasonOf(err error) error {
	var operation *net.OpError
	if errors.As(err, &operation) {
		return operation
	}
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return refused
	}
	var lookup *net.DNSError
	if errors.As(err, &lookup) {
		return lookup
	}
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) && connect.Unwrap() != nil {
		return connect.Unwrap()
	}
	return err
}

func (p *postgres) close()          { p.pool.Close() }
func (p *postgres) native() any     { return p.pool }
func (p *postgres) reader() Querier { return postgresQuerier{p.pool} }

func (p *postgres) transaction(ctx context.Context, do func(Tx) error) error {
	return pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
		return do(postgresTx{postgresQuerier{tx}, tx, p.types})
	})
}

func (p *postgres) now(ctx context.Context) (time.Time, error) {
	return postgresNow(ctx, p.pool)
}

func postgresNow(ctx context.Context, from pgxQuerier) (now time.Time, err error) {
	err = from.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&now)
	return now, err
}

func (p *postgres) notify(ctx context.Context, channel string) error {
	_, err := p.pool.Exec(ctx, "SELECT pg_notify($1, '')", channel)
	return err
}

func (p *postgres) wakeups(ctx context.Context, channel string, wake func()) error {
	acquired, err := p.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	// A connection that listens takes no place in the pool and never goes back.
	connection := acquired.Hijack()
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = connection.Close(closing)
	}()
	if _, err := connection.Exec(ctx, "LISTEN "+pgx.Identifier{channel}.Sanitize()); err != nil {
		return err
	}
	for {
		switch err := awaitNotification(ctx, connection); {
		case err == nil:
			wake()
		case ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded):
			return err
		default: // nothing came; is anybody there?
			if _, err := connection.Exec(ctx, "SELECT 1"); err != nil {
				return err
			}
		}
	}
}

// listenFor is how long a listener hears nothing before it asks whether the
// server is still there.
const listenFor = 5 * time.Second

func awaitNotification(ctx context.Context, connection *pgx.Conn) error {
	limited, cancel := context.WithTimeout(ctx, listenFor)
	defer cancel()
	_, err := connection.WaitForNotification(limited)
	return err
}

// pgxQuerier is what a pool and a transaction of pgx have in common.
type pgxQuerier interface {
	Exec(ctx context.Context, query string, arguments ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, query string, arguments ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, query string, arguments ...any) pgx.Row
}

type postgresQuerier struct{ pgx pgxQuerier }

func (q postgresQuerier) Exec(ctx context.Context, query string, arguments ...any) (int64, error) {
	tag, err := q.pgx.Exec(ctx, query, postgresArguments(arguments)...)
	return tag.RowsAffected(), err
}

func (q postgresQuerier) Query(ctx context.Context, query string, arguments ...any) (Rows, error) {
	rows, err := q.pgx.Query(ctx, query, postgresArguments(arguments)...)
	if err != nil {
		return nil, err
	}
	return &postgresRows{Rows: rows}, nil
}

func (q postgresQuerier) QueryRow(ctx context.Context, query string, arguments ...any) Row {
	return postgresRow{q.pgx.QueryRow(ctx, query, postgresArguments(arguments)...)}
}

type postgresRows struct {
	pgx.Rows
	scanned []any
}

func (r *postgresRows) Scan(destinations ...any) error {
	r.scanned = scanInstants(r.scanned, destinations)
	return r.Rows.Scan(r.scanned...)
}

// ScanTimestamptz implements pgtype.TimestamptzScanner: pgx then hands over what it
// read as it is, where Scan gets it from database/sql's conversions, which take
// longer than the rest of a row.
func (i instant) ScanTimestamptz(at pgtype.Timestamptz) error {
	if at.InfinityModifier != pgtype.Finite {
		return fmt.Errorf("a timestamp that is %s cannot be read", at.InfinityModifier)
	}
	*i.destination = at.Time.UTC() // the zero time where it is NULL
	return nil
}

type postgresRow struct{ row pgx.Row }

func (r postgresRow) Scan(destinations ...any) error {
	err := r.row.Scan(scanInstants(nil, destinations)...)
	if errors.Is(err, pgx.ErrNoRows) {
		return ErrNoRows
	}
	return err
}

type postgresTx struct {
	postgresQuerier
	tx    pgx.Tx
	types *columnTypes
}

func (t postgresTx) Native() any { return t.tx }

func (t postgresTx) Now(ctx context.Context) (time.Time, error) { return postgresNow(ctx, t.tx) }

// manyRows is of how many rows columns that are alike are sent once, but for the
// first column, which says how many rows there are. Of few it would only make
// statements many. A herd's rows differ in two or three of fifteen columns, and to
// read lists is most of what the server does to insert them.
const manyRows = 50

// InsertRows is one statement over a list for each column. A COPY would be no
// faster, and the server waits for its data for ever: nothing ends a transaction
// that a frozen process left in the middle of one.
func (t postgresTx) InsertRows(ctx context.Context, table string, columns []string, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	types, err := t.types.of(ctx, t.tx, table)
	if err != nil {
		return err
	}
	var selected, lists, names []string
	var values []any
	for i, column := range columns {
		if i > 0 && len(rows) >= manyRows && alike(rows, i) {
			values = append(values, postgresArguments(rows[0][i:i+1])...)
			selected = append(selected, fmt.Sprintf("$%d::%s", len(values), types[column]))
			continue
		}
		list := make([]any, len(rows))
		for j, row := range rows {
			list[j] = row[i]
		}
		values = append(values, postgresArguments(list))
		selected, names = append(selected, "u."+column), append(names, column)
		lists = append(lists, fmt.Sprintf("$%d::%s[]", len(values), types[column]))
	}
	_, err = t.tx.Exec(ctx, fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM unnest(%s) AS u (%s)",
		table, strings.Join(columns, ", "), strings.Join(selected, ", "), strings.Join(lists, ", "), strings.Join(names, ", ")), values...)
	return err
}

// columnTypes are the types of tables' columns, which are asked for once.
type columnTypes struct {
	mu    sync.Mutex
	known map[string]map[string]string
}

func (c *columnTypes) of(ctx context.Context, tx pgx.Tx, table string) (map[string]string, error) {
	c.mu.Lock()
	types := c.known[table]
	c.mu.Unlock()
	if types != nil {
		return types, nil
	}
	rows, err := tx.Query(ctx, "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped", table)
	if err != nil {
		return nil, err
	}
	types = map[string]string{}
	var column, kind string
	if _, err := pgx.ForEachRow(rows, []any{&column, &kind}, func() error {
		types[column] = kind
		return nil
	}); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known[table] = types
	return types, nil
}

// postgresArguments turns zero times into NULL.
func postgresArguments(arguments []any) []any {
	converted := make([]any, len(arguments))
	for i, argument := range arguments {
		if at, ok := argument.(time.Time); !ok || !at.IsZero() {
			converted[i] = argument
		}
	}
	return converted
}

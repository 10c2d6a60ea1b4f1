package database

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// answerMargin is how long beyond the server's own limit for a statement its
// answer may take, and how long a server may take to say that it is there.
const answerMargin = 2 * time.Second

// silenceLasts is how long after a silence connections are closed without a
// word, which nobody would answer.
const silenceLasts = 20 * time.Second

// answerWithin is how long to wait for the answer to a statement. A server that
// is there ends every statement in time by itself; one that is gone says nothing,
// and the kernel would wait for it for a quarter of an hour. It is zero, no
// limit, where the address takes back the server's.
func answerWithin(statementTimeout string) time.Duration {
	limit, err := time.ParseDuration(strings.Replace(statementTimeout, "min", "m", 1))
	if milliseconds, plain := strconv.Atoi(statementTimeout); plain == nil {
		limit, err = time.Duration(milliseconds)*time.Millisecond, nil
	}
	if err != nil || limit <= 0 {
		return 0
	}
	return limit + answerMargin
}

// NewPool opens a pool whose statements wait for their answer no longer than the
// limit; zero: without end. Where one gives up, every connection that stands is
// taken for dead: their server is, or the network to it, and to find each out
// by itself would take as long again.
func NewPool(ctx context.Context, config *pgxpool.Config, limit time.Duration) (*pgxpool.Pool, error) {
	config.ConnConfig.Tracer, config.ShouldPing, config.BeforeClose = nil, nil, nil
	if limit <= 0 {
		return pgxpool.NewWithConfig(ctx, config)
	}
	i := &impatience{limit: limit}
	config.ConnConfig.Tracer, config.ShouldPing, config.BeforeClose = i, i.answers, i.part
	pool, err := pgxpool.NewWithConfig(ctx, config)
	i.pool.Store(pool)
	return pool, err
}

// impatience is a tracer for pgx, since that sees every statement, whoever sends
// it.
type impatience struct {
	limit  time.Duration
	pool   atomic.Pointer[pgxpool.Pool]
	silent atomic.Pointer[time.Time] // when a server was last found not to answer
}

// waiting is a statement without its answer.
type waiting struct {
	since  time.Time
	cancel context.CancelFunc
}

type waitingKey struct{}

func (i *impatience) begin(ctx context.Context) context.Context {
	limited, cancel := context.WithTimeout(ctx, i.limit)
	return context.WithValue(limited, waitingKey{}, waiting{time.Now(), cancel})
}

func (i *impatience) end(ctx context.Context, connection *pgx.Conn) {
	w, ok := ctx.Value(waitingKey{}).(waiting)
	if !ok {
		return
	}
	// The limit may have been the caller's, as long as it was no short one.
	if errors.Is(ctx.Err(), context.DeadlineExceeded) && time.Since(w.since) >= answerMargin {
		i.giveUp(connection)
	}
	w.cancel()
}

// giveUp hangs up. To take leave of a server that is silent would take a
// quarter of a minute, in which the connection has its place in the pool.
func (i *impatience) giveUp(connection *pgx.Conn) {
	now := time.Now()
	i.silent.Store(&now)
	_ = connection.PgConn().Conn().Close()
	if pool := i.pool.Load(); pool != nil {
		pool.Reset()
	}
}

// part hangs up where taking leave has no sense.
func (i *impatience) part(connection *pgx.Conn) {
	if at := i.silent.Load(); at != nil && time.Since(*at) < silenceLasts {
		_ = connection.PgConn().Conn().Close()
	}
}

// answers asks a connection that has been idle for a while whether its server is
// there. The pool would do so itself, but tell nobody what it found; so it is
// asked to only where that is sure to fail.
func (i *impatience) answers(ctx context.Context, p pgxpool.ShouldPingParams) (failed bool) {
	if p.IdleDuration <= time.Second {
		return false
	}
	limited, cancel := context.WithTimeout(ctx, answerMargin)
	defer cancel()
	err := p.Conn.Ping(limited)
	if err != nil && ctx.Err() == nil && limited.Err() != nil {
		i.giveUp(p.Conn)
	}
	return err != nil
}

// TraceQueryStart implements pgx.QueryTracer.
func (i *impatience) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return i.begin(ctx)
}

// TraceQueryEnd implements pgx.QueryTracer.
func (i *impatience) TraceQueryEnd(ctx context.Context, connection *pgx.Conn, _ pgx.TraceQueryEndData) {
	i.end(ctx, connection)
}

// TraceBatchStart implements pgx.BatchTracer.
func (i *impatience) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return i.begin(ctx)
}

// TraceBatchQuery implements pgx.BatchTracer.
func (i *impatience) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

// TraceBatchEnd implements pgx.BatchTracer.
func (i *impatience) TraceBatchEnd(ctx context.Context, connection *pgx.Conn, _ pgx.TraceBatchEndData) {
	i.end(ctx, connection)
}

// TracePrepareStart implements pgx.PrepareTracer.
func (i *impatience) TracePrepareStart(ctx context.Context, _ *pgx.Conn, _ pgx.TracePrepareStartData) context.Context {
	return i.begin(ctx)
}

// TracePrepareEnd implements pgx.PrepareTracer.
func (i *impatience) TracePrepareEnd(ctx context.Context, connection *pgx.Conn, _ pgx.TracePrepareEndData) {
	i.end(ctx, connection)
}

package database

import (
	"context"
	"database/sql"
	"sync"
)

// maxStatements bounds how many statements a pool keeps prepared. To read the
// text of one anew takes longer than to run it.
const maxStatements = 100

// sqliteStatements are the statements of a pool, by their text as we write it.
type sqliteStatements struct {
	pool *sql.DB

	mu       sync.Mutex
	prepared map[string]*sql.Stmt
	wanted   map[string]bool // by transactions
}

func newSQLiteStatements(pool *sql.DB) *sqliteStatements {
	return &sqliteStatements{pool: pool, prepared: map[string]*sql.Stmt{}, wanted: map[string]bool{}}
}

// prepare gives the statement for a query; nil where it is not worth keeping, or
// not to be had: to run the query says why.
func (s *sqliteStatements) prepare(ctx context.Context, query string) *sql.Stmt {
	s.mu.Lock()
	known, room := s.prepared[query], len(s.prepared) < maxStatements
	s.mu.Unlock()
	if known != nil || !room {
		return known
	}
	// This waits for a connection, which nobody may have to do who holds the lock:
	// those who have one ask for statements, too.
	made, err := s.pool.PrepareContext(ctx, sqliteQuery(query))
	if err != nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.prepared[query]; known != nil {
		_ = made.Close() // somebody was faster
		return known
	}
	s.prepared[query] = made
	return made
}

// within gives the statement for a query to a transaction. It holds the only
// connection, so what is not prepared yet is so before the next transaction.
func (s *sqliteStatements) within(ctx context.Context, tx *sql.Tx, query string) *sql.Stmt {
	s.mu.Lock()
	known := s.prepared[query]
	if known == nil && len(s.prepared)+len(s.wanted) < maxStatements {
		s.wanted[query] = true
	}
	s.mu.Unlock()
	if known == nil {
		return nil
	}
	return tx.StmtContext(ctx, known)
}

// prepareWanted prepares what transactions had to do without.
func (s *sqliteStatements) prepareWanted(ctx context.Context) {
	s.mu.Lock()
	wanted := s.wanted
	if len(wanted) > 0 {
		s.wanted = map[string]bool{}
	}
	s.mu.Unlock()
	for query := range wanted {
		s.prepare(ctx, query)
	}
}

// sqliteQuerier runs statements, kept ones where it can.
type sqliteQuerier struct {
	sql  sqlQuerier
	kept func(ctx context.Context, query string) *sql.Stmt
}

// sqlQuerier is what a pool and a transaction of database/sql have in common.
type sqlQuerier interface {
	ExecContext(ctx context.Context, query string, arguments ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, arguments ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, arguments ...any) *sql.Row
}

func (q sqliteQuerier) Exec(ctx context.Context, query string, arguments ...any) (int64, error) {
	var result sql.Result
	var err error
	if kept := q.kept(ctx, query); kept != nil {
		result, err = kept.ExecContext(ctx, sqliteArguments(arguments)...)
	} else {
		result, err = q.sql.ExecContext(ctx, sqliteQuery(query), sqliteArguments(arguments)...)
	}
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (q sqliteQuerier) Query(ctx context.Context, query string, arguments ...any) (Rows, error) {
	var rows *sql.Rows
	var err error
	if kept := q.kept(ctx, query); kept != nil {
		rows, err = kept.QueryContext(ctx, sqliteArguments(arguments)...)
	} else {
		rows, err = q.sql.QueryContext(ctx, sqliteQuery(query), sqliteArguments(arguments)...)
	}
	if err != nil {
		return nil, err
	}
	return &sqliteRows{Rows: rows}, nil
}

func (q sqliteQuerier) QueryRow(ctx context.Context, query string, arguments ...any) Row {
	if kept := q.kept(ctx, query); kept != nil {
		return sqliteRow{kept.QueryRowContext(ctx, sqliteArguments(arguments)...)}
	}
	return sqliteRow{q.sql.QueryRowContext(ctx, sqliteQuery(query), sqliteArguments(arguments)...)}
}

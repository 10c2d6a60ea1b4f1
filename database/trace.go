package database

import "context"

// tracedQuerier tells of every statement before it runs it.
type tracedQuerier struct {
	Querier
	trace func(statement string)
}

func (q tracedQuerier) Exec(ctx context.Context, query string, arguments ...any) (int64, error) {
	q.trace(query)
	return q.Querier.Exec(ctx, query, arguments...)
}

func (q tracedQuerier) Query(ctx context.Context, query string, arguments ...any) (Rows, error) {
	q.trace(query)
	return q.Querier.Query(ctx, query, arguments...)
}

func (q tracedQuerier) QueryRow(ctx context.Context, query string, arguments ...any) Row {
	q.trace(query)
	return q.Querier.QueryRow(ctx, query, arguments...)
}

// tracedTx does the same in a transaction.
type tracedTx struct {
	Tx
	trace func(statement string)
}

func (t tracedTx) Exec(ctx context.Context, query string, arguments ...any) (int64, error) {
	return tracedQuerier{t.Tx, t.trace}.Exec(ctx, query, arguments...)
}

func (t tracedTx) Query(ctx context.Context, query string, arguments ...any) (Rows, error) {
	return tracedQuerier{t.Tx, t.trace}.Query(ctx, query, arguments...)
}

func (t tracedTx) QueryRow(ctx context.Context, query string, arguments ...any) Row {
	return tracedQuerier{t.Tx, t.trace}.QueryRow(ctx, query, arguments...)
}

func (t tracedTx) InsertRows(ctx context.Context, table string, columns []string, rows [][]any) error {
	t.trace("INSERT INTO " + table)
	return t.Tx.InsertRows(ctx, table, columns, rows)
}

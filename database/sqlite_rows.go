package database

import (
	"context"
	"slices"
	"strings"
)

// rowsAtOnce is how many rows one statement of SQLite's writes. Each statement
// costs as much as three rows do; beyond sixteen there is little left to gain.
const rowsAtOnce = 16

// ExecRows runs a statement of SQLite's that has a list of values in it, over as
// many rows as there are: before, values for some of the rows, after. values are
// the places of one row, such as "(?, jsonb(?))".
func ExecRows(ctx context.Context, tx Tx, before, values, after string, rows [][]any) error {
	// Two sizes, so that there are two statements to keep prepared.
	full := len(rows) - len(rows)%rowsAtOnce
	for part := range slices.Chunk(rows[:full], rowsAtOnce) {
		if err := execRows(ctx, tx, before, values, after, part); err != nil {
			return err
		}
	}
	for part := range slices.Chunk(rows[full:], 1) {
		if err := execRows(ctx, tx, before, values, after, part); err != nil {
			return err
		}
	}
	return nil
}

func execRows(ctx context.Context, tx Tx, before, values, after string, rows [][]any) error {
	list := strings.TrimSuffix(strings.Repeat(values+", ", len(rows)), ", ")
	_, err := tx.Exec(ctx, before+list+after, slices.Concat(rows...)...)
	return err
}

package database

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// rowsAtOnce is how many rows one statement of SQLite's writes. Each statement
// costs as much as three rows do; beyond sixteen there is little left to gain.
const rowsAtOnce = 16

// ExecRows runs a statement of SQLite's that has a list of values in it, over as
// many rows as there are: before, values for some of the rows, after. values are
// the places of one row, such as "(?, jsonb(?))".
//
// To hand over a value takes as long as to write it. So the last columns, as far as
// they are the same in all rows, are handed over once for a statement: columns that
// seldom differ stand at the end. That they are the last, and that the others are
// one, two, four and so on, keeps the statements few, since no more than so many are
// kept prepared.
func ExecRows(ctx context.Context, tx Tx, before, values, after string, rows [][]any) error {
	full := len(rows) - len(rows)%rowsAtOnce
	if full > 0 {
		if places := strings.Count(values, "?"); places != len(rows[0]) {
			return fmt.Errorf("writing rows of %d columns: %s has %d places", len(rows[0]), values, places)
		}
		own := differing(rows[:full])
		query := before + listOf(values, len(rows[0]), own) + after
		for part := range slices.Chunk(rows[:full], rowsAtOnce) {
			arguments := make([]any, 0, len(part)*own+len(rows[0])-own)
			for _, row := range part {
				arguments = append(arguments, row[:own]...)
			}
			if _, err := tx.Exec(ctx, query, append(arguments, part[0][own:]...)...); err != nil {
				return err
			}
		}
	}
	for _, row := range rows[full:] {
		if _, err := tx.Exec(ctx, before+values+after, row...); err != nil {
			return err
		}
	}
	return nil
}

// differing is how many columns there are up to the last that differs, rounded up to
// a power of two or all of them.
func differing(rows [][]any) int {
	all := len(rows[0])
	own := all
	for own > 0 && alike(rows, own-1) {
		own--
	}
	for rounded := 1; rounded < all; rounded *= 2 {
		if rounded >= own {
			return rounded
		}
	}
	return all
}

// listOf is the places of as many rows as a statement has. A row has some of its own,
// which are numbered row by row; those behind, up to the number of columns, are the
// same in all.
func listOf(values string, columns, own int) string {
	parts := strings.Split(values, "?")
	var list strings.Builder
	for row := range rowsAtOnce {
		if row > 0 {
			list.WriteString(", ")
		}
		for column := range columns {
			number := rowsAtOnce*own + column - own
			if column < own {
				number = row*own + column
			}
			list.WriteString(parts[column] + "?" + strconv.Itoa(number+1))
		}
		list.WriteString(parts[columns])
	}
	return list.String()
}

package database

import (
	"slices"
	"time"
)

// Values reads a result of one column.
func Values[T any](rows Rows, err error) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		var value T
		if err := rows.Scan(&value); err != nil {
			return nil, err
		}
		all = append(all, value)
	}
	return all, rows.Err()
}

// Column is one value of each row, as Postgres takes it for a list (unnest).
func Column[R, T any](rows []R, value func(R) T) []T {
	values := make([]T, len(rows))
	for i, row := range rows {
		values[i] = value(row)
	}
	return values
}

// alike says that a column of some rows holds one value in all of them.
func alike(rows [][]any, column int) bool {
	switch first := rows[0][column].(type) {
	case nil, string, int64, int, bool, time.Time:
		return !slices.ContainsFunc(rows, func(row []any) bool { return row[column] != first })
	}
	return false
}

package store

import (
	"fmt"
	"maps"
	"slices"

	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/schedule"
)

// planLimits says what becomes of the limits, in order of name, once changes are
// made to schedules: one that a schedule belongs to stays.
func (e *edit) planLimits(o ApplyOptions, planned []schedule.Change) ([]LimitChange, error) {
	if o.Limits == nil {
		return nil, nil
	}
	rows, err := e.tx.Query(e.ctx, "SELECT name, number, owner FROM punctual_limit")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	numbers, gone := map[string]int{}, map[string]int{}
	for rows.Next() {
		var (
			name, owner string
			number      int
		)
		if err := rows.Scan(&name, &number, &owner); err != nil {
			return nil, err
		}
		numbers[name] = number
		if _, declared := o.Limits[name]; !declared && owner == o.Owner.String() {
			gone[name] = number
		}
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if err := e.keepUsed(gone, planned); err != nil {
		return nil, err
	}
	var changes []LimitChange
	for _, name := range slices.Sorted(maps.Keys(o.Limits)) {
		if numbers[name] != o.Limits[name] {
			changes = append(changes, LimitChange{Name: name, Before: numbers[name], After: o.Limits[name]})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(gone)) {
		changes = append(changes, LimitChange{Name: name, Before: gone[name]})
	}
	return changes, nil
}

// keepUsed takes from the limits that are to go those that schedules belong to when
// changes are made.
func (e *edit) keepUsed(gone map[string]int, planned []schedule.Change) error {
	if len(gone) == 0 {
		return nil
	}
	changed := []int64{}
	for _, c := range planned {
		if c.Before != nil {
			changed = append(changed, c.Before.ID)
		}
		if c.Kind != schedule.ChangeDelete && c.After != nil {
			delete(gone, c.After.Policies.Limit)
		}
	}
	used, err := database.Values[string](e.tx.Query(e.ctx, `SELECT DISTINCT limit_group FROM punctual_schedule
		WHERE limit_group <> '' AND limit_group = ANY($1) AND deleted_at IS NULL AND NOT (id = ANY($2))`, slices.Collect(maps.Keys(gone)), changed))
	for _, name := range used {
		delete(gone, name)
	}
	return err
}

// limits carries changes out.
func (e *edit) limits(changes []LimitChange, o ApplyOptions) error {
	for _, c := range changes {
		statement, arguments := `INSERT INTO punctual_limit (name, number, owner) VALUES ($1, $2, $3)
			ON CONFLICT (name) DO UPDATE SET number = excluded.number, owner = excluded.owner`, []any{c.Name, c.After, o.Owner.String()}
		detail := fmt.Sprint(c.After)
		if c.After == 0 {
			statement, arguments = "DELETE FROM punctual_limit WHERE name = $1", []any{c.Name}
			detail = "removed"
		}
		if _, err := e.tx.Exec(e.ctx, statement, arguments...); err != nil {
			return err
		}
		if err := e.record(o.Actor, "limit", 0, c.Name, detail); err != nil {
			return err
		}
	}
	return nil
}

package store

import (
	"fmt"
	"maps"
	"slices"

	"github.com/punctual-dev/punctual/schedule"
)

// planLimits says what becomes of the limits, in order of name. inUse are those
// that schedules will belong to.
func (e *edit) planLimits(o ApplyOptions, inUse map[string]bool) ([]LimitChange, error) {
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
		if _, declared := o.Limits[name]; !declared && owner == o.Owner.String() && !inUse[name] {
			gone[name] = number
		}
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
	return changes, rows.Err()
}

// limitsInUse are the groups that schedules belong to when changes are made.
func limitsInUse(existing []*schedule.Schedule, changes []schedule.Change) map[string]bool {
	inUse, changed := map[string]bool{}, map[int64]bool{}
	for _, c := range changes {
		if c.Before != nil {
			changed[c.Before.ID] = true
		}
		if c.Kind != schedule.ChangeDelete && c.After != nil {
			inUse[c.After.Policies.Limit] = true
		}
	}
	for _, one := range existing {
		if one.DeletedAt.IsZero() && !changed[one.ID] {
			inUse[one.Policies.Limit] = true
		}
	}
	return inUse
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

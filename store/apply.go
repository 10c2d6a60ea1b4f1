package store

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/alert"
	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/schedule"
)

// ApplyOptions say how far an apply may go.
type ApplyOptions struct {
	schedule.PlanOptions
	// Limits are the groups this owner has; nil leaves those there are. One that
	// it declares no longer goes, unless a schedule still belongs to it.
	Limits map[string]int
	// Alerts say when this owner is to be told of schedules; empty ones remove
	// those there are, nil leaves them.
	Alerts *alert.Settings
	DryRun bool // change nothing, only say what would
	Actor  Actor
	// LimitChanges, where it is not nil, is set to what changes, or on a dry run
	// would, of the limits.
	LimitChanges *[]LimitChange
	// AlertsChange, where it is not nil, is set to what becomes, or on a dry run
	// would, of the alerts: added, changed, removed, or nothing.
	AlertsChange *string
}

// LimitChange is a limit that gets another number; zero: there is none.
type LimitChange struct {
	Name   string `json:"name"`
	Before int    `json:"before"`
	After  int    `json:"after"`
}

// RefusedError says why nothing was applied.
type RefusedError struct{ Faults []schedule.Fault }

func (e *RefusedError) Error() string {
	lines := make([]string, len(e.Faults))
	for i, fault := range e.Faults {
		lines[i] = fault.Error()
	}
	return strings.Join(lines, "\n")
}

// Apply makes the store agree with what is declared, all or nothing, and
// returns what it changed, or on a dry run would.
func (s *Store) Apply(ctx context.Context, declared []schedule.Declaration, o ApplyOptions) ([]schedule.Change, error) {
	faults := append(validate(declared), validateLimits(o.Limits)...)
	if o.Alerts != nil {
		for _, fault := range o.Alerts.Validate() {
			fault.Field = "alerts." + fault.Field
			faults = append(faults, fault)
		}
	}
	if len(faults) > 0 {
		return nil, &RefusedError{faults}
	}
	var changes []schedule.Change
	change := func(e *edit) error {
		if !o.DryRun {
			if err := e.declareAlone(); err != nil {
				return err
			}
		}
		existing, err := e.concerned(declared, o.PlanOptions)
		if err != nil {
			return err
		}
		var faults []schedule.Fault
		if changes, faults = schedule.Plan(existing, declared, o.PlanOptions); len(faults) > 0 {
			return &RefusedError{faults}
		}
		limits, err := e.planLimits(o, changes)
		if err != nil {
			return err
		}
		if o.LimitChanges != nil {
			*o.LimitChanges = limits
		}
		alerts, err := e.planAlerts(o)
		if err != nil {
			return err
		}
		if o.AlertsChange != nil {
			*o.AlertsChange = alerts
		}
		if o.DryRun {
			return nil
		}
		for _, c := range changes {
			if err := e.apply(c, o); err != nil {
				return fmt.Errorf("applying %q: %w", c.Key, err)
			}
		}
		// Groups are locked after schedules, as the clocks do.
		if err := e.limits(limits, o); err != nil {
			return err
		}
		return e.setAlerts(alerts, o)
	}
	if err := s.edit(ctx, change); err != nil {
		return nil, err
	}
	return changes, nil
}

func validate(declared []schedule.Declaration) []schedule.Fault {
	var faults []schedule.Fault
	seen := map[string]bool{}
	for _, d := range declared {
		for _, fault := range d.Validate() {
			fault.Field = d.Key + "." + fault.Field
			faults = append(faults, fault)
		}
		if seen[d.Key] {
			faults = append(faults, schedule.Fault{Field: d.Key, Problem: "is declared twice"})
		}
		seen[d.Key] = true
	}
	return faults
}

func validateLimits(limits map[string]int) []schedule.Fault {
	var faults []schedule.Fault
	for _, name := range slices.Sorted(maps.Keys(limits)) {
		if limits[name] < 1 {
			faults = append(faults, schedule.Fault{
				Field: "limits." + name, Problem: fmt.Sprintf("%d is too few", limits[name]), Advice: "a whole number from 1 on; pause what is not to run",
			})
		}
	}
	return faults
}

// concerned reads the schedules that declarations are about: those of their keys,
// former ones and deleted schedules too, and where what is not declared is to go, all
// that the owner has. Of a million others none is looked at.
func (e *edit) concerned(declared []schedule.Declaration, o schedule.PlanOptions) ([]*schedule.Schedule, error) {
	var keys []string
	for _, d := range declared {
		keys = append(keys, d.Key)
		if d.Was != "" {
			keys = append(keys, d.Was)
		}
	}
	ids, err := database.Values[int64](e.tx.Query(e.ctx, "SELECT id FROM punctual_schedule WHERE key = ANY($1)", keys))
	if err != nil {
		return nil, err
	}
	if o.Prune {
		owned, err := database.Values[int64](e.tx.Query(e.ctx, "SELECT id FROM punctual_schedule WHERE owner_kind = $1 AND owner_name = $2", o.Owner.Kind, o.Owner.Name))
		if err != nil {
			return nil, err
		}
		ids = append(ids, owned...)
		slices.Sort(ids)
		ids = slices.Compact(ids)
	}
	return e.existing(ids)
}

// existing reads schedules with what is declared of them now, in order of key: so
// many at once as a statement has time for.
func (e *edit) existing(ids []int64) ([]*schedule.Schedule, error) {
	const atOnce = 2000
	var all []*schedule.Schedule
	for some := range slices.Chunk(ids, atOnce) {
		read, err := e.someExisting(some)
		if err != nil {
			return nil, err
		}
		all = append(all, read...)
	}
	slices.SortFunc(all, func(a, b *schedule.Schedule) int { return strings.Compare(a.Key, b.Key) })
	return all, e.addDisabled(all)
}

func (e *edit) someExisting(ids []int64) (all []*schedule.Schedule, err error) {
	rows, err := e.tx.Query(e.ctx, `SELECT `+scheduleColumns+` FROM punctual_schedule s WHERE s.id = ANY($1)`, ids)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for reader := newScheduleReader(); rows.Next(); {
		one, err := reader.scan(rows)
		if one == nil {
			return nil, err
		}
		all = append(all, one)
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return nil, err
	}
	definitions, err := e.store.definitions(e.ctx, e.tx, ids)
	for _, one := range all {
		if list := definitions[one.ID]; len(list) > 0 {
			one.When, one.Jitter = list[len(list)-1].When, list[len(list)-1].Jitter
			// What a change of tzdata left behind is no part of the declaration.
			one.When.AfterLocal = calendar.LocalTime{}
		}
	}
	return all, err
}

// addDisabled says why schedules are paused in this environment.
func (e *edit) addDisabled(all []*schedule.Schedule) error {
	rows, err := e.tx.Query(e.ctx, `SELECT schedule_id, note FROM punctual_pause
		WHERE origin = 'environment' AND (until_at IS NULL OR until_at > $1)`, e.now)
	if err != nil {
		return err
	}
	defer rows.Close()
	found := map[int64]string{}
	for rows.Next() {
		var (
			id   int64
			note string
		)
		if err := rows.Scan(&id, &note); err != nil {
			return err
		}
		found[id] = note
	}
	for _, one := range all {
		one.Disabled = found[one.ID]
	}
	return rows.Err()
}

func (e *edit) apply(c schedule.Change, o ApplyOptions) error {
	switch c.Kind {
	case schedule.ChangeNone:
		return nil
	case schedule.ChangeDelete:
		one, state, err := e.lockID(c.Before.ID)
		if err != nil {
			return err
		}
		return e.delete(one, state, false, o.Actor)
	case schedule.ChangeCreate:
		if c.Before == nil {
			return e.create(*c.After, o)
		}
	}
	return e.update(c, o)
}

func (e *edit) create(d schedule.Declaration, o ApplyOptions) error {
	tags, job, policies, err := texts(d)
	if err != nil {
		return err
	}
	var id int64
	err = e.tx.QueryRow(e.ctx, `INSERT INTO punctual_schedule (key, created_at, updated_at, owner_kind, owner_name, description,
			tags, job, policies, queue, limit_group, format, history_from)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING id`,
		d.Key, e.now, e.now, o.Owner.Kind, o.Owner.Name, d.Description,
		tags, job, policies, d.Policies.Queue, d.Policies.Limit, Format, e.now).Scan(&id)
	if err != nil {
		return err
	}
	definition := schedule.Definition{From: e.now, When: d.When, Jitter: d.Jitter, Seed: d.Key, Author: string(o.Actor)}
	if err := e.define(id, definition); err != nil {
		return err
	}
	timeline, err := schedule.NewTimeline([]schedule.Definition{definition})
	if err != nil {
		return err
	}
	state := schedule.NextState(timeline, schedule.State{Cursor: e.now})
	if _, err := e.tx.Exec(e.ctx, `INSERT INTO punctual_due (schedule_id, cursor_at, next_due_at, tzdata) VALUES ($1, $2, $3, $4)`,
		id, state.Cursor, state.NextDue, calendar.TZDataVersion()); err != nil {
		return err
	}
	if err := e.setDisabled(id, "", d.Disabled); err != nil {
		return err
	}
	return e.record(o.Actor, "create", id, d.Key, strings.Join(d.When.Expressions, "; "))
}

// update edits a schedule, renames it, takes it over, or brings a deleted one
// back. The new definition holds from now, or from the cursor where that is
// later; the nominals before are ruled by those before, whenever they are
// decided.
func (e *edit) update(c schedule.Change, o ApplyOptions) error {
	one, state, err := e.lockID(c.Before.ID)
	if err != nil {
		return err
	}
	d := *c.After
	if c.NewDefinition {
		from := e.from(state)
		definition := schedule.Definition{From: from, When: d.When, Jitter: d.Jitter, Seed: d.Key, Author: string(o.Actor)}
		if err := e.define(one.ID, definition); err != nil {
			return err
		}
		if _, err := e.readTimeline(one); err != nil {
			return err
		}
		// What skip-next named under the when before lapses, unless that still
		// rules it.
		if c.NewWhen && state.SkipAt.After(from) {
			state.SkipAt = time.Time{}
		}
		if !one.DeletedAt.IsZero() {
			state.Cursor, state.SkipAt = from, time.Time{}
		}
	}
	// What waits, or stood in error, is judged anew by what is declared now.
	next := schedule.NextState(one.Timeline, state.State)
	if next.Waiting != schedule.NotWaiting {
		next.NextDue = e.now
	}
	if err := e.store.writeState(e.ctx, e.tx, one, next, 0); err != nil {
		return err
	}
	tags, job, policies, err := texts(d)
	if err != nil {
		return err
	}
	if _, err := e.tx.Exec(e.ctx, `UPDATE punctual_schedule SET key = $2, updated_at = $3, owner_kind = $4, owner_name = $5,
			description = $6, tags = $7, job = $8, policies = $9, queue = $10, limit_group = $11, format = $12,
			deleted_at = NULL, error = '', error_at = NULL, version = version + 1 WHERE id = $1`,
		one.ID, d.Key, e.now, o.Owner.Kind, o.Owner.Name, d.Description,
		tags, job, policies, d.Policies.Queue, d.Policies.Limit, Format); err != nil {
		return err
	}
	if err := e.setDisabled(one.ID, c.Before.Disabled, d.Disabled); err != nil {
		return err
	}
	return e.record(o.Actor, string(c.Kind), one.ID, d.Key, describeDifferences(c))
}

func describeDifferences(c schedule.Change) string {
	var words []string
	for _, difference := range c.Differences {
		words = append(words, fmt.Sprintf("%s: %s → %s", difference.Field, difference.Before, difference.After))
	}
	return strings.Join(words, "; ")
}

// setDisabled begins or ends the pause of a schedule that is enabled in other
// environments only. A pause by hand is none of its business.
func (e *edit) setDisabled(id int64, before, after string) error {
	if before == after {
		return nil
	}
	e.targetID = id
	target := Target{Key: "this"}
	if _, err := e.endPauses(target, originEnvironment); err != nil {
		return err
	}
	if after == "" {
		return nil
	}
	return e.insertPause(target, originEnvironment, time.Time{}, after, "apply")
}

func texts(d schedule.Declaration) (tags, job, policies string, err error) {
	var written [3][]byte
	for i, value := range []any{orEmpty(d.Tags), d.Job, d.Policies} {
		if written[i], err = json.Marshal(value); err != nil {
			return "", "", "", err
		}
	}
	return string(written[0]), string(written[1]), string(written[2]), nil
}

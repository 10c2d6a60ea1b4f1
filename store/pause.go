package store

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/schedule"
)

// The scopes of a pause.
const (
	scopeSchedule = "schedule"
	scopeTag      = "tag"
	scopeAll      = "all"
)

// The origins of a pause: somebody's hand, or an environment in which the
// schedule is not enabled. An apply ends and begins only the latter.
const (
	originHand        = "hand"
	originEnvironment = "environment"
)

// Target is what a pause or a resume is about: one schedule, those of a tag, or
// everything.
type Target struct {
	Key string
	Tag string
	All bool
}

func (t Target) String() string {
	switch {
	case t.All:
		return "everything"
	case t.Tag != "":
		return "tag " + t.Tag
	}
	return t.Key
}

// Pause makes the clock enqueue nothing of a target from now on, until an
// instant if there is one. It returns how many schedules it concerns. A target
// already paused by hand gets the new note and end.
func (s *Store) Pause(ctx context.Context, target Target, until time.Time, note string, actor Actor) (int, error) {
	var concerned int
	err := s.edit(ctx, func(e *edit) error {
		if !until.IsZero() && !until.After(e.now) {
			return fmt.Errorf("pausing %s until %s: that is past; now is %s", target, schedule.FormatInstant(until), schedule.FormatInstant(e.now))
		}
		var err error
		if concerned, err = e.hold(target); err != nil {
			return err
		}
		if _, err := e.endPauses(target, originHand); err != nil {
			return err
		}
		if err := e.insertPause(target, originHand, until, note, string(actor)); err != nil {
			return err
		}
		detail := quoted(note)
		if !until.IsZero() {
			detail = strings.TrimSuffix("until "+schedule.FormatInstant(until)+", "+detail, ", ")
		}
		return e.record(actor, "pause", e.targetID, target.String(), detail)
	})
	return concerned, err
}

// Resume ends the pauses by hand of a target. It returns whether there was one.
func (s *Store) Resume(ctx context.Context, target Target, actor Actor) (bool, error) {
	var resumed bool
	err := s.edit(ctx, func(e *edit) error {
		if _, err := e.hold(target); err != nil {
			return err
		}
		ended, err := e.endPauses(target, originHand)
		if err != nil || ended == 0 {
			return err
		}
		resumed = true
		return e.record(actor, "resume", e.targetID, target.String(), "")
	})
	return resumed, err
}

// hold takes the lock that orders a pause before or after every commit: the
// schedule's row, or the one row that all commits share.
func (e *edit) hold(target Target) (concerned int, err error) {
	if target.All || target.Tag != "" {
		if err := e.changePauses(); err != nil {
			return 0, err
		}
		condition, arguments := "true", []any{}
		if target.Tag != "" {
			condition, arguments = `replace(tags, '"' || $1 || '"', '') <> tags`, []any{target.Tag}
		}
		err = e.tx.QueryRow(e.ctx, "SELECT count(*) FROM punctual_schedule WHERE deleted_at IS NULL AND "+condition, arguments...).Scan(&concerned)
		return concerned, e.lookAgain(err)
	}
	one, _, err := e.lockSchedule(target.Key)
	if err != nil {
		return 0, err
	}
	e.targetID = one.ID
	_, err = e.tx.Exec(e.ctx, "UPDATE punctual_due SET version = version + 1 WHERE schedule_id = $1", one.ID)
	return 1, err
}

// changePauses undoes every commit that was decided before it.
func (e *edit) changePauses() error {
	_, err := e.tx.Exec(e.ctx, "UPDATE punctual_change SET version = version + 1 WHERE id = 1")
	return err
}

// lookAgain reads the clock once more behind a lock that may have been waited
// for: a pause begins when nothing can be enqueued behind it.
func (e *edit) lookAgain(err error) error {
	if err == nil {
		e.now, err = e.tx.Now(e.ctx)
	}
	return err
}

func (e *edit) pauseCondition(target Target) (string, any) {
	switch {
	case target.All:
		return "scope = 'all' AND $3 = $3", ""
	case target.Tag != "":
		return "scope = 'tag' AND tag = $3", target.Tag
	}
	return "scope = 'schedule' AND schedule_id = $3", e.targetID
}

// endPauses ends what holds now. One that has not begun, or begins now, is
// removed: it never held.
func (e *edit) endPauses(target Target, origin string) (int64, error) {
	condition, value := e.pauseCondition(target)
	removed, err := e.tx.Exec(e.ctx, "DELETE FROM punctual_pause WHERE from_at >= $1 AND origin = $2 AND "+condition, e.now, origin, value)
	if err != nil {
		return 0, err
	}
	ended, err := e.tx.Exec(e.ctx, "UPDATE punctual_pause SET until_at = $1 WHERE origin = $2 AND "+condition+
		" AND (until_at IS NULL OR until_at > $1)", e.now, origin, value)
	return removed + ended, err
}

func (e *edit) insertPause(target Target, origin string, until time.Time, note, author string) error {
	scope, id := scopeSchedule, any(e.targetID)
	switch {
	case target.All:
		scope, id = scopeAll, nil
	case target.Tag != "":
		scope, id = scopeTag, nil
	}
	_, err := e.tx.Exec(e.ctx, `INSERT INTO punctual_pause (scope, schedule_id, tag, origin, from_at, until_at, note, author)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, scope, id, target.Tag, origin, e.now, until, short(note, maxNote), short(author, maxNote))
	return err
}

// PauseInForce is a pause that holds for a schedule now.
type PauseInForce struct {
	Scope  string    `json:"scope"`
	Tag    string    `json:"tag,omitempty"`
	Origin string    `json:"origin"`
	From   time.Time `json:"from"`
	Until  time.Time `json:"until,omitzero"`
	Note   string    `json:"note,omitempty"`
	Author string    `json:"author"`
}

// pausesInForce are the pauses that hold at an instant.
func (s *Store) pausesInForce(ctx context.Context, now time.Time) (*forcedPauses, error) {
	rows, err := s.db.Reader().Query(ctx, `SELECT p.id, coalesce(p.schedule_id, 0), p.scope, p.tag, p.origin, p.from_at, p.until_at, p.note, p.author
		FROM punctual_pause p WHERE p.from_at <= $1 AND (p.until_at IS NULL OR p.until_at > $1)`, now)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := &forcedPauses{bySchedule: map[int64][]numberedPause{}}
	for rows.Next() {
		var (
			id int64
			p  numberedPause
		)
		if err := rows.Scan(&p.id, &id, &p.Scope, &p.Tag, &p.Origin, &p.From, &p.Until, &p.Note, &p.Author); err != nil {
			return nil, err
		}
		if p.Scope == scopeSchedule {
			found.bySchedule[id] = append(found.bySchedule[id], p)
		} else {
			found.wide = append(found.wide, p)
		}
	}
	return found, rows.Err()
}

// PausesBetween are the pauses that held for a schedule at any instant between
// two, both included, in the order in which they were made.
func (s *Store) PausesBetween(ctx context.Context, key string, from, until time.Time) ([]PauseInForce, error) {
	all, err := s.PausesAmong(ctx, []string{key}, from, until)
	return all[key], err
}

// PausesAmong are those of several schedules, by key.
func (s *Store) PausesAmong(ctx context.Context, keys []string, from, until time.Time) (map[string][]PauseInForce, error) {
	rows, err := s.db.Reader().Query(ctx, `SELECT s.key, p.scope, p.tag, p.origin, p.from_at, p.until_at, p.note, p.author
		FROM punctual_pause p JOIN punctual_schedule s ON `+pauseConcerns+`
		WHERE s.key = ANY($1) AND p.from_at <= $3 AND (p.until_at IS NULL OR p.until_at > $2) ORDER BY p.id`, keys, from, until)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string][]PauseInForce{}
	for rows.Next() {
		var key string
		var p PauseInForce
		if err := rows.Scan(&key, &p.Scope, &p.Tag, &p.Origin, &p.From, &p.Until, &p.Note, &p.Author); err != nil {
			return nil, err
		}
		all[key] = append(all[key], p)
	}
	return all, rows.Err()
}

// forcedPauses tells which pauses hold for a schedule. To join every pause with
// every schedule in SQL would take longer than all else a list asks for.
type forcedPauses struct {
	bySchedule map[int64][]numberedPause
	wide       []numberedPause // of tags and of everything
}

// without leaves out the schedules that are paused.
func (f *forcedPauses) without(where func(clause string, value any)) {
	for _, p := range f.wide {
		if p.Scope == scopeAll {
			where("$%d = ''", "everything is paused")
			return
		}
		where(`replace(s.tags, '"' || $%d || '"', '') = s.tags`, p.Tag)
	}
	if len(f.bySchedule) > 0 {
		where("NOT (s.id = ANY($%d))", slices.Sorted(maps.Keys(f.bySchedule)))
	}
}

type numberedPause struct {
	id int64
	PauseInForce
}

// Everything are the pauses of everything that hold as of the look, in the order in
// which they were made.
func (l Look) Everything() []PauseInForce {
	all := slices.DeleteFunc(slices.Clone(l.pauses.wide), func(p numberedPause) bool { return p.Scope != scopeAll })
	return inOrder(all)
}

// ids are those of all of them, in order.
func (f *forcedPauses) ids() (all []int64) {
	for _, some := range f.bySchedule {
		for _, one := range some {
			all = append(all, one.id)
		}
	}
	for _, one := range f.wide {
		all = append(all, one.id)
	}
	slices.Sort(all)
	return all
}

// of are the pauses of a schedule in the order in which they were made; see
// pauseConcerns.
func (f *forcedPauses) of(one *schedule.Schedule) []PauseInForce {
	all := slices.Clone(f.bySchedule[one.ID])
	for _, p := range f.wide {
		if p.Scope == scopeAll || slices.Contains(one.Tags, p.Tag) {
			all = append(all, p)
		}
	}
	return inOrder(all)
}

// inOrder are pauses in the order in which they were made.
func inOrder(all []numberedPause) (pauses []PauseInForce) {
	slices.SortFunc(all, func(a, b numberedPause) int { return cmp.Compare(a.id, b.id) })
	for _, p := range all {
		pauses = append(pauses, p.PauseInForce)
	}
	return pauses
}

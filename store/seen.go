package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// unseen are rows of the ledger o whose job failed for good, or was not started
// in time, and that nobody has said to have seen. An index serves it.
const unseen = "o.outcome IN ('failed', 'expired') AND o.seen_at IS NULL"

// Failure is a run that failed for good.
type Failure struct {
	Run
	// RecoveredAt is when the schedule first succeeded after it; zero: not yet.
	RecoveredAt time.Time `json:"recovered_at,omitzero"`
}

// Unseen lists the final failures nobody has said to have seen, the newest
// first, at most limit. They stay until somebody does (MarkSeen), also where
// the schedule has succeeded since, or until they are pruned.
func (s *Store) Unseen(ctx context.Context, limit int) ([]Failure, error) {
	runs, err := s.Runs(ctx, RunFilter{Unseen: true, Limit: limit})
	if err != nil {
		return nil, err
	}
	return s.failures(ctx, runs)
}

// failures adds to runs that failed for good, and whose outcomes are in the
// ledger, when their schedules first succeeded after them.
func (s *Store) failures(ctx context.Context, runs []Run) ([]Failure, error) {
	all, ids, places := make([]Failure, len(runs)), make([]int64, len(runs)), make(map[int64]int, len(runs))
	for i, run := range runs {
		all[i].Run, ids[i], places[run.ID] = run, run.ID, i
	}
	rows, err := s.db.Reader().Query(ctx, `SELECT o.id, (SELECT min(x.finished_at) FROM punctual_occurrence x
			WHERE x.schedule_id = o.schedule_id AND x.outcome = 'succeeded' AND x.finished_at > o.finished_at)
		FROM punctual_occurrence o WHERE o.id = ANY($1)`, ids)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var (
			id int64
			at time.Time
		)
		if err := rows.Scan(&id, &at); err != nil {
			return nil, err
		}
		all[places[id]].RecoveredAt = at
	}
	return all, rows.Err()
}

// JustFailed counts the final failures of a schedule, or of all, whose outcomes are
// not in the ledger yet: a moment later they can be marked as seen.
func (s *Store) JustFailed(ctx context.Context, key string) (int, error) {
	counts := map[string]int{}
	err := s.countPart(ctx, RunFilter{Key: key, Unseen: true}, part{s.uncopied(), false}, counts)
	return counts["failed"] + counts["expired"], err
}

// JustFailedInWords says what becomes of them; empty: there are none.
func JustFailedInWords(n int) string {
	switch n {
	case 0:
		return ""
	case 1:
		return "1 has just failed, and is not in the ledger yet: try again in a second or two."
	}
	return fmt.Sprintf("%d have just failed, and are not in the ledger yet: try again in a second or two.", n)
}

// CountUnseen counts those of them that are in the ledger.
func (s *Store) CountUnseen(ctx context.Context) (n int, err error) {
	// Every id is above zero: SQLite takes the index of those unseen, which is in
	// order of id, where it would read all failures by another.
	err = s.db.Reader().QueryRow(ctx, "SELECT count(*) FROM punctual_occurrence o WHERE o.id > 0 AND "+unseen).Scan(&n)
	return n, err
}

// SeenFilter chooses failures: those of one job, of one schedule, or all.
type SeenFilter struct {
	JobID int64
	Key   string
	All   bool
}

func (f SeenFilter) String() string {
	switch {
	case f.JobID != 0:
		return fmt.Sprintf("job %d", f.JobID)
	case f.Key != "":
		return f.Key
	}
	return "everything"
}

// seenBatch bounds how many rows one transaction marks.
const seenBatch = 2000

// MarkSeen says that somebody has seen failures, and returns how many were not
// seen before. A repeat changes nothing.
func (s *Store) MarkSeen(ctx context.Context, f SeenFilter, actor Actor) (int, error) {
	condition, argument := "$3 = $3", any("")
	switch {
	case f.JobID != 0:
		condition, argument = "o.job_id = $3", f.JobID
	case f.Key != "":
		condition, argument = "o.schedule_id = (SELECT id FROM punctual_schedule WHERE key = $3)", f.Key
	case !f.All:
		return 0, errors.New("marking failures as seen: of no job and no schedule; All means every one")
	}
	marked := 0
	for {
		var changed int64
		err := s.edit(ctx, func(e *edit) (err error) {
			changed, err = e.tx.Exec(ctx, `UPDATE punctual_occurrence SET seen_at = $1, seen_by = $2
				WHERE id IN (SELECT o.id FROM punctual_occurrence o WHERE `+unseen+` AND `+condition+` LIMIT $4 FOR UPDATE)`,
				e.now, short(string(actor), maxNote), argument, seenBatch)
			if err != nil || changed == 0 {
				return err
			}
			return e.record(actor, "seen", 0, f.String(), fmt.Sprintf("%d failures", changed))
		})
		marked += int(changed)
		if err != nil || changed < seenBatch {
			return marked, err
		}
	}
}

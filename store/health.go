package store

import (
	"context"
	"fmt"
	"time"
)

// Health is whether the clock keeps time, and what somebody ought to look at.
type Health struct {
	Healthy bool      `json:"healthy"`
	Reason  string    `json:"reason"`
	Now     time.Time `json:"now"`
	Oldest  time.Time `json:"oldest_due,omitzero"` // the earliest due not yet decided
	Ticked  time.Time `json:"last_tick,omitzero"`
	Clocks  int       `json:"clocks"` // alive
	// Unseen is how many jobs failed for good that nobody has said to have seen.
	Unseen int `json:"unseen_failures,omitempty"`
	// ForeignLeader is the River client that leads the queue, where it is none of
	// punctual's; Warnings says what that means, and what else is amiss that does
	// not keep the clock from ticking.
	ForeignLeader string   `json:"foreign_leader,omitempty"`
	Warnings      []string `json:"warnings,omitempty"`
}

// Public is what of it everybody may know who can reach the web process.
func (h Health) Public() Health {
	h.Unseen, h.ForeignLeader, h.Warnings = 0, "", nil
	return h
}

// unhealthyAfter is how late a due schedule may be before the clock is said to
// be ill. It is longer than what an audit of a live system allows: that is asked
// once, this by monitors, also while a clock is replaced.
const unhealthyAfter = 15 * time.Second

// Health says whether the last successful tick is recent, or nothing is due.
func (s *Store) Health(ctx context.Context) (Health, error) {
	now, err := s.db.Now(ctx)
	if err != nil {
		return Health{}, err
	}
	h := Health{Now: now}
	if h.Oldest, err = s.nextDue(ctx); err != nil {
		return h, err
	}
	err = s.db.Reader().QueryRow(ctx, `SELECT max(tick_at), coalesce(sum(CASE WHEN stopped_at IS NULL AND lost_at IS NULL AND beat_at > $1 THEN 1 ELSE 0 END), 0)
		FROM punctual_process WHERE role IN ('clock', 'start')`, now.Add(-DeadAfter)).Scan(&h.Ticked, &h.Clocks)
	if err != nil {
		return h, err
	}
	if h.Oldest.After(now) {
		h.Oldest = time.Time{}
	}
	h.judge()
	if h.Clocks == 0 && h.Healthy {
		h.Warnings = append(h.Warnings, "no clock runs: what falls due waits until one does (punctual start, or punctual clock)")
	}
	var inError int
	if err := s.db.Reader().QueryRow(ctx, "SELECT count(*) FROM punctual_schedule WHERE error <> '' AND deleted_at IS NULL").Scan(&inError); err != nil {
		return h, err
	}
	if inError > 0 {
		h.Warnings = append(h.Warnings, fmt.Sprintf("schedules in error: %d; nothing of theirs is decided until that is mended (punctual schedules list --state error)", inError))
	}
	held, err := s.heldLong(ctx, now)
	if err != nil {
		return h, err
	}
	h.Warnings = append(h.Warnings, held...)
	if h.Unseen, err = s.CountUnseen(ctx); err != nil {
		return h, err
	}
	if h.ForeignLeader, err = s.foreignLeader(ctx, now); err != nil {
		return h, err
	}
	if h.ForeignLeader != "" {
		h.Warnings = append(h.Warnings, ForeignLeaderWarning(h.ForeignLeader))
	}
	return h, nil
}

// heldLong warns of jobs that have waited for longer than a worker takes to begin,
// in queues that are paused, or that nobody alive takes.
func (s *Store) heldLong(ctx context.Context, now time.Time) (warnings []string, err error) {
	paused, err := s.queue.Paused(ctx)
	if err != nil {
		return nil, err
	}
	if len(paused) > 0 { // most often none is, and to count jobs takes a while
		if warnings, err = s.pausedLong(ctx, now); err != nil {
			return nil, err
		}
	}
	untaken, err := s.untakenLong(ctx, now, paused)
	return append(warnings, untaken...), err
}

// pausedLong warns of the jobs in queues that are paused.
func (s *Store) pausedLong(ctx context.Context, now time.Time) (warnings []string, err error) {
	states, err := s.queue.States(ctx)
	for _, q := range mergeStates(nil, states) {
		if q.Hold("") == HeldByPause && q.Waiting > 0 && now.Sub(q.Oldest) >= unhealthyAfter {
			warnings = append(warnings, fmt.Sprintf("jobs that wait in the queue %s: %d; it is paused, until somebody resumes it (punctual queues resume %[1]s)", q.Name, q.Waiting))
		}
	}
	return warnings, err
}

func (s *Store) untakenLong(ctx context.Context, now time.Time, paused map[string]bool) (warnings []string, err error) {
	processes, err := s.Processes(ctx)
	if err != nil {
		return nil, err
	}
	processes = alive(processes, now)
	untaken, err := s.untaken(ctx, processes)
	if err != nil || len(untaken) == 0 {
		return nil, err
	}
	for _, u := range untaken {
		if paused[u.Queue] || now.Sub(u.Oldest) < unhealthyAfter {
			continue
		}
		q := QueueOverview{Name: u.Queue, Untaken: []Untaken{u}}
		q.addWorkers(processes)
		warnings = append(warnings, q.warning(u))
	}
	return warnings, nil
}

// warning says that jobs wait which nobody takes.
func (q QueueOverview) warning(u Untaken) string {
	if q.Hold(u.Kind) == HeldUnworked {
		return fmt.Sprintf("jobs that wait in the queue %s: %d; no worker works it (punctual start, or punctual worker --queues=%[1]s)", q.Name, u.Waiting)
	}
	return fmt.Sprintf("jobs of the kind %s that wait in the queue %s: %d; no worker alive takes them (%s)", u.Kind, q.Name, u.Waiting, StartsTaking(u.Kind))
}

// KeepsTime says whether the clocks do.
func (s *Store) KeepsTime(ctx context.Context) (bool, error) {
	h, err := s.Health(ctx)
	return h.Healthy, err
}

// judge says how the clock is by what is known of it.
func (h *Health) judge() {
	late := h.Now.Sub(h.Oldest)
	switch {
	case h.Oldest.IsZero():
		h.Healthy, h.Reason = true, "nothing is due"
	case h.Clocks > 0 && h.Now.Sub(h.Ticked) < unhealthyAfter:
		h.Healthy, h.Reason = true, "the clock ticks"
	case h.Clocks > 0 && late < unhealthyAfter:
		// It may have been killed: nobody has missed it yet.
		h.Healthy, h.Reason = true, fmt.Sprintf("nothing has been due for longer than %s, though no clock has ticked as lately", unhealthyAfter)
	case h.Clocks > 0:
		h.Reason = "the clock has not been through with what is due"
	case late < unhealthyAfter:
		// A deploy may stop one clock before it starts the next.
		h.Healthy, h.Reason = true, fmt.Sprintf("no clock is alive, and nothing has been due for longer than %s", unhealthyAfter)
	default:
		h.Reason = "no clock is alive"
	}
}

// ForeignLeader is the id of the River client that leads the queue, if it is
// none of punctual's processes; empty otherwise.
func (s *Store) ForeignLeader(ctx context.Context) (string, error) {
	now, err := s.db.Now(ctx)
	if err != nil {
		return "", err
	}
	return s.foreignLeader(ctx, now)
}

func (s *Store) foreignLeader(ctx context.Context, now time.Time) (string, error) {
	leader, err := s.queue.Leader(ctx, now)
	if err != nil || leader == "" {
		return "", err
	}
	var ours int
	err = s.db.Reader().QueryRow(ctx, "SELECT count(*) FROM punctual_process WHERE id = $1", leader).Scan(&ours)
	if err != nil || ours > 0 {
		return "", err
	}
	return leader, nil
}

// ForeignLeaderWarning says what it means that another program leads.
func ForeignLeaderWarning(leader string) string {
	return fmt.Sprintf("the River client %q, which is none of punctual's, leads the queue: it ends jobs of kinds it does not know once they have run for its RescueStuckJobsAfter (an hour unless set), and brings retries back by its own rules; set LeaderElectionDisabled in that program", leader)
}

// ClocksAlive counts the clocks that beat.
func (s *Store) ClocksAlive(ctx context.Context) (clocks int, err error) {
	now, err := s.db.Now(ctx)
	if err != nil {
		return 0, err
	}
	err = s.db.Reader().QueryRow(ctx, `SELECT count(*) FROM punctual_process
		WHERE role IN ('clock', 'start') AND stopped_at IS NULL AND lost_at IS NULL AND beat_at > $1`, now.Add(-DeadAfter)).Scan(&clocks)
	return clocks, err
}

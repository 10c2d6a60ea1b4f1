package store

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/queue"
	"github.com/punctual-dev/punctual/schedule"
)

// errGone says that a decision's ground has gone; the transaction is rolled
// back and the schedules are decided again.
var errGone = errors.New("what the decision rests on has changed")

// errStands says that the ledger has a row already where one was to be written.
var errStands = errors.New("the ledger has a row already")

// Commit writes decisions in one transaction: jobs, ledger rows and cursors.
// If the process dies anywhere in it nothing has happened; after it, everything
// has. An error that is not transient speaks of the content of the batch.
func (s *Store) Commit(ctx context.Context, b schedule.Batch, decided []schedule.Decided) (schedule.Committed, error) {
	g := b.Ground.(*ground)
	c := commit{store: s, ground: g, now: b.Now.Add(time.Since(g.readAt)).Truncate(time.Microsecond)}
	_ = c.prepare(decided) // a fault is met again in the transaction, unless it is of one that has gone
	err := c.transaction(ctx, decided, nil)
	switch {
	case errors.Is(err, errGone):
		return schedule.Committed{}, nil
	case database.UniqueViolation(err) || errors.Is(err, errStands):
		// A row stands already for one of the nominals: a clock's time was set
		// back after it was enqueued. Those are passed over, without a job.
		c.careful = true
		err = c.transaction(ctx, decided, nil)
		if errors.Is(err, errGone) {
			return schedule.Committed{}, nil
		}
	}
	if err != nil {
		return schedule.Committed{}, err
	}
	return c.done, nil
}

// errRehearsed undoes a transaction.
var errRehearsed = errors.New("this was a rehearsal")

// rehearsedOf is of how many decisions Postgres writes one in a rehearsal. A row that is
// undone lies there until the next vacuum, and a SQLite file does not hear of it.
const rehearsedOf = 8

// Rehearse does for decisions what Commit will, and undoes it. Whenever the process
// dies in it, nothing has happened.
func (s *Store) Rehearse(ctx context.Context, b schedule.Batch, decided []schedule.Decided) error {
	c := commit{store: s, ground: b.Ground.(*ground), now: b.Now}
	if err := c.prepare(decided); err != nil { // of all, also where few or none are written
		return err
	}
	if s.db.Kind == database.Postgres {
		if decided = decided[:len(decided)/rehearsedOf]; len(decided) == 0 {
			return nil
		}
	}
	err := c.transaction(ctx, decided, errRehearsed)
	if errors.Is(err, errRehearsed) || errors.Is(err, errGone) {
		return nil
	}
	return err
}

// commit is one transaction of decisions.
type commit struct {
	store   *Store
	ground  *ground
	now     time.Time // when it is written down
	careful bool      // look for rows that stand already
	tx      database.Tx
	done    schedule.Committed

	jobs     queue.Prepared
	prepared int // of how many decisions they are
}

// transaction writes decisions, and ends with an error that undoes them or with nil.
func (c *commit) transaction(ctx context.Context, decided []schedule.Decided, end error) error {
	return c.store.db.Transaction(ctx, func(tx database.Tx) error {
		c.tx, c.done = tx, schedule.Committed{}
		if err := c.write(ctx, decided); err != nil {
			return err
		}
		return end
	})
}

// write holds nothing but statements, in the order in which everyone takes
// locks: what is due, the limits, the jobs, the ledger.
func (c *commit) write(ctx context.Context, decided []schedule.Decided) error {
	decided, err := c.lock(ctx, decided)
	if err != nil || len(decided) == 0 {
		return err
	}
	if c.careful {
		if decided, err = c.passOverStanding(ctx, decided); err != nil {
			return err
		}
	}
	if c.careful || c.prepared != len(decided) {
		if err := c.prepare(decided); err != nil {
			return err
		}
	}
	if err := c.places(ctx, decided); err != nil {
		return err
	}
	if err := c.cancelJobs(ctx, decided); err != nil {
		return err
	}
	ids, err := c.store.queue.InsertPreparedTx(ctx, c.tx, c.jobs)
	if err != nil {
		return err
	}
	if err := c.insertRows(ctx, decided, ids); err != nil {
		return err
	}
	c.done.Schedules, c.done.Decided, c.done.At = len(decided), decided, c.now
	return c.moveCursors(ctx, decided, ids)
}

// lock takes the rows of the schedules whose state is still the one decided
// upon. Rows another clock holds are left to it. There are none if a pause by tag or of
// everything came between: while one holds nothing is enqueued. Its version is read
// first, as it does not depend on the rows, and held until the end.
func (c *commit) lock(ctx context.Context, decided []schedule.Decided) ([]schedule.Decided, error) {
	ids := make([]int64, len(decided))
	for i, d := range decided {
		ids[i] = d.Schedule.ID
	}
	rows, err := c.tx.Query(ctx, `SELECT schedule_id, version FROM punctual_due
		WHERE $2 = (SELECT version FROM punctual_change WHERE id = 1 FOR SHARE)
			AND schedule_id = ANY($1) ORDER BY schedule_id FOR UPDATE SKIP LOCKED`, ids, c.ground.change)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	versions := make(map[int64]int64, len(decided))
	for rows.Next() {
		var id, version int64
		if err := rows.Scan(&id, &version); err != nil {
			return nil, err
		}
		versions[id] = version
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return nil, err
	}
	gone := func(d schedule.Decided) bool {
		version, ok := versions[d.Schedule.ID]
		return !ok || version != d.Version
	}
	if !slices.ContainsFunc(decided, gone) {
		return decided, nil // what is decided is large, and nearly always it all stands
	}
	return slices.DeleteFunc(slices.Clone(decided), gone), nil
}

// places makes sure that the groups' places are still free, under a lock that
// everyone who fills one takes, in order of name.
func (c *commit) places(ctx context.Context, decided []schedule.Decided) error {
	wanted := map[string]int{}
	for _, d := range decided {
		for _, row := range d.Rows {
			if limit := d.Schedule.Policies.Limit; limit != "" && row.Skipped == "" {
				wanted[limit]++
			}
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	names := slices.Sorted(maps.Keys(wanted))
	return c.store.takePlaces(ctx, c.tx, names, wanted)
}

// takePlaces locks groups and counts again; errGone means that somebody else
// was faster.
func (s *Store) takePlaces(ctx context.Context, tx database.Tx, names []string, wanted map[string]int) error {
	rows, err := tx.Query(ctx, `SELECT name, number FROM punctual_limit WHERE name = ANY($1) ORDER BY name FOR UPDATE`, names)
	if err != nil {
		return err
	}
	defer rows.Close()
	numbers := map[string]int{}
	for rows.Next() {
		var (
			name   string
			number int
		)
		if err := rows.Scan(&name, &number); err != nil {
			return err
		}
		numbers[name] = number
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return err
	}
	for _, name := range names {
		number, limited := numbers[name]
		if !limited {
			continue
		}
		var taken int
		if err := tx.QueryRow(ctx, "SELECT "+s.placesTaken("$1"), name).Scan(&taken); err != nil {
			return err
		}
		if taken+wanted[name] > number {
			return errGone
		}
	}
	return nil
}

// cancelJobs cancels the jobs that decisions supersede, and asks those to stop
// that they cancel. One that has started meanwhile undoes its decision.
func (c *commit) cancelJobs(ctx context.Context, decided []schedule.Decided) error {
	var waiting, running []int64
	for _, d := range decided {
		waiting = append(waiting, d.Supersede...)
		running = append(running, d.Cancel...)
	}
	if len(waiting) > 0 {
		all, err := c.store.queue.CancelWaitingTx(ctx, c.tx, waiting, c.now)
		if err != nil {
			return err
		}
		if !all {
			return errGone
		}
		if _, err := c.tx.Exec(ctx, `UPDATE punctual_occurrence SET outcome = 'superseded', finished_at = $2
			WHERE job_id = ANY($1) AND outcome IS NULL`, waiting, c.now); err != nil {
			return err
		}
	}
	return c.store.queue.CancelTx(ctx, c.tx, running)
}

// prepare makes the jobs of all enqueued rows, in order. That is done before the
// transaction, as long as all that was decided still stands in it.
func (c *commit) prepare(decided []schedule.Decided) (err error) {
	jobs := make([]queue.Job, 0, len(decided))
	for _, d := range decided {
		for _, row := range d.Rows {
			if row.Skipped == "" {
				jobs = append(jobs, jobOf(d.Schedule, row, schedule.OccurrenceName(d.Schedule.Key, row.Nominal), c.now, row.Late))
			}
		}
	}
	c.prepared = 0
	if c.jobs, err = queue.Prepare(jobs); err == nil {
		c.prepared = len(decided)
	}
	return err
}

// jobOf is the job of an enqueued row. Made late or by hand, it counts its
// expiry from now instead of from its due.
func jobOf(s *schedule.Schedule, row schedule.Row, name string, now time.Time, late bool) queue.Job {
	p := s.Policies
	payload := schedule.Payload{
		Told: schedule.Told{
			Schedule: s.Key, Occurrence: name, Nominal: row.Nominal, Due: row.Due,
			From: row.From, Missed: row.Missed, MissedSince: row.MissedSince,
		},
		Timeout: p.Timeout, Backoff: p.Backoff, Trace: row.Trace,
	}
	if p.Expires > 0 {
		payload.ExpiresAt = row.Due.Add(time.Duration(p.Expires))
		if late {
			payload.ExpiresAt = now.Add(time.Duration(p.Expires))
		}
	}
	job := queue.Job{Queue: p.Queue, Priority: p.Priority, MaxAttempts: p.Retries + 1}
	if row.Late {
		job.Priority = schedule.PriorityLate
	}
	switch {
	case s.Job.Run != nil:
		payload.Command = s.Job.Run
	case s.Job.HTTP != nil:
		payload.HTTP = s.Job.HTTP
	default:
		job.Work = s.Job.Work
	}
	job.Payload = payload
	return job
}

// occurrenceColumns are in the order of how often they differ between rows that are
// written together, as ExecRows would have them.
var occurrenceColumns = []string{
	"schedule_id", "job_id", "nominal_at", "due_at", "until_at", "count", "decision", "reason", "blocker_job_id",
	"note", "decided_at", "author", "origin", "run", "trigger_id",
}

// insertRows writes the ledger. ids are the jobs of the enqueued rows in order.
func (c *commit) insertRows(ctx context.Context, decided []schedule.Decided, ids []int64) error {
	if err := c.stretchesAreFree(ctx, decided); err != nil {
		return err
	}
	var rows [][]any
	for _, d := range decided {
		var last int64 // the job this decision enqueued last
		for _, row := range d.Rows {
			var job int64
			if row.Skipped == "" {
				job, ids, last = ids[0], ids[1:], ids[0]
			}
			if row.Blocker == schedule.ThisDecision {
				row.Blocker = last
			}
			rows = append(rows, occurrenceRow(d.Schedule.ID, row, origin{name: originClock}, job, c.now))
			c.count(row)
		}
	}
	return c.tx.InsertRows(ctx, "punctual_occurrence", occurrenceColumns, rows)
}

// origin says what a row of the ledger came of.
type origin struct {
	name    string
	run     int64  // the backfill
	trigger string // its id
	author  string // who skipped it, or triggered it
}

// The names of origins.
const (
	originClock    = "clock"
	originBackfill = "backfill"
	originTrigger  = "trigger"
)

func occurrenceRow(id int64, row schedule.Row, of origin, job int64, now time.Time) []any {
	decision, jobID, nominal, until := "enqueued", any(nil), any(row.Nominal), any(nil)
	if row.Skipped != "" {
		decision = "skipped"
	}
	if job != 0 {
		jobID = job
	}
	if of.name == originTrigger {
		nominal = nil
	}
	if row.Count > 1 {
		until = row.Until
	}
	return []any{
		id, jobID, nominal, row.Due, until, row.Count, decision, string(row.Skipped), row.Blocker,
		short(row.Note, maxNote), now, short(of.author, maxNote), of.name, of.run, of.trigger,
	}
}

func (c *commit) count(row schedule.Row) {
	if row.Skipped != "" {
		c.done.Skipped += row.Count
		return
	}
	c.done.Enqueued++
	c.done.Lateness = max(c.done.Lateness, c.now.Sub(row.Due))
}

// failedAgain is how long a schedule in error is left alone.
const failedAgain = time.Minute

// Fail puts a schedule into error: its cursor holds, and the clock looks again
// after a minute. The others go on. It does nothing if the schedule has been
// edited since now, the instant it was read at.
func (s *Store) Fail(ctx context.Context, id int64, now time.Time, reason string) error {
	reason = short(reason, maxNote)
	return s.db.Transaction(ctx, func(tx database.Tx) error {
		changed, err := tx.Exec(ctx, `UPDATE punctual_due SET version = version + 1,
				next_due_at = CASE WHEN next_due_at IS NULL THEN next_due_at ELSE $2 END
			WHERE schedule_id = $1 AND EXISTS (SELECT 1 FROM punctual_schedule s WHERE s.id = $1 AND s.updated_at <= $3)`, id, now.Add(failedAgain), now)
		if err != nil || changed == 0 {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE punctual_schedule SET error = $2, error_at = $3 WHERE id = $1`, id, reason, now)
		return err
	})
}

package store

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/schedule"
)

// ground is what the facts of a batch rest on.
type ground struct {
	readAt time.Time      // when this process read the batch's now
	change int64          // the version of pauses by tag and of everything
	pauses bool           // that there are any
	failed map[int64]bool // schedules that stand in error
}

// Pace is how much is decided without one in the other's way.
//
// On Postgres there is something to compute for one batch while others wait for the
// server or its disk. A SQLite file has one writer, beside which the next batch is
// read; other processes stand in line for it by asking now and then, so it is left to
// them for a moment between two batches. And each commit there is computed by the
// clock itself, so there are fewer of them.
func (s *Store) Pace() schedule.Pace {
	if s.db.Kind == database.SQLite {
		return schedule.Pace{Hands: 2, Between: 2 * time.Millisecond, Pause: 20 * time.Millisecond}
	}
	return schedule.Pace{Hands: 4, Pause: 10 * time.Millisecond}
}

// lateAfter parts the lanes. A schedule's own grace decides at which priority
// its jobs go; this only decides who is looked at first.
const lateAfter = time.Minute

// Due reads the schedules that are due and wanted.
func (s *Store) Due(ctx context.Context, w schedule.Wanted) (schedule.Batch, error) {
	if err := ctx.Err(); err != nil {
		return schedule.Batch{}, err
	}
	brief := s.db.Brief(ctx)
	b, err := s.newBatch(brief, w.Now)
	if err != nil {
		return b, err
	}
	from, to := schedule.Place{Due: b.Now.Add(-lateAfter), ID: math.MaxInt64}, b.Now.Add(-w.Since)
	if w.Lane == schedule.LaneLate {
		from, to = schedule.Place{Due: time.Unix(0, 0)}, from.Due
	}
	if w.Behind.Due.After(from.Due) {
		from = w.Behind
	}
	condition, arguments := `(d.next_due_at, d.schedule_id) > ($1, $2) AND d.next_due_at <= $3 AND s.format <= $4`,
		[]any{from.Due, from.ID, to, Format, w.Limit}
	if w.Share.Of > 1 {
		// In these words a planner expects half of all to be in the share. It would
		// take an equality for rare, gather all that is due and sort it.
		condition += ` AND CASE WHEN d.schedule_id % $6 = $7 THEN TRUE ELSE FALSE END`
		arguments = append(arguments, w.Share.Of, w.Share.Number)
	}
	return s.readBatch(ctx, brief, b, w.Limit, condition+` ORDER BY d.next_due_at, d.schedule_id LIMIT $5`, arguments...)
}

// Waiting reads at most limit schedules whose wait may be over: what they wait
// for has come, or a pause holds.
func (s *Store) Waiting(ctx context.Context, limit int) (schedule.Batch, error) {
	b, err := s.newBatch(ctx, time.Time{})
	if err != nil {
		return b, err
	}
	var free []string
	if b.Groups, err = s.groups(ctx, nil); err != nil {
		return b, err
	}
	for name, group := range b.Groups {
		if group.Free > 0 {
			free = append(free, name)
		}
	}
	job := func(condition string) string {
		return `EXISTS (SELECT 1 FROM punctual_occurrence o JOIN river_job j ON j.id = o.job_id
			WHERE o.schedule_id = d.schedule_id AND o.job_id IS NOT NULL AND o.outcome IS NULL
			AND o.origin <> 'backfill' AND ` + condition + `)`
	}
	either := "(" + s.jobs.Active + " OR " + s.jobs.Retrying + ")"
	return s.readBatch(ctx, ctx, b, limit, `d.waiting_for <> '' AND s.format <= $1 AND (s.error_at IS NULL OR s.error_at <= $5) AND (
			d.waiting_for = 'run' AND NOT `+job(s.jobs.Active)+`
			OR d.waiting_for IN ('queue', 'line') AND NOT `+job(either)+`
			OR d.waiting_for = 'cancel' AND (d.wait_until IS NULL OR d.wait_until <= $2 OR NOT `+job(s.jobs.Active)+`)
			OR d.waiting_for = 'limit' AND (s.limit_group = ANY($3) OR NOT EXISTS (SELECT 1 FROM punctual_limit l WHERE l.name = s.limit_group))
			OR EXISTS (SELECT 1 FROM punctual_pause p WHERE `+pauseConcerns+` AND p.from_at <= $2 AND (p.until_at IS NULL OR p.until_at > $2)))
		ORDER BY d.waiting_due_at, d.schedule_id LIMIT $4`, Format, b.Now, free, limit, b.Now.Add(-failedAgain))
}

// pauseConcerns joins a pause p with a schedule s. Tags are a JSON array, and
// a tag holds no character that JSON would escape.
const pauseConcerns = `(p.scope = 'all' OR p.schedule_id = s.id
	OR p.scope = 'tag' AND replace(s.tags, '"' || p.tag || '"', '') <> s.tags)`

// ReadSchedules reads schedules by id with their facts, whether due or not, for
// decisions made by hand.
func (s *Store) ReadSchedules(ctx context.Context, ids []int64) (schedule.Batch, error) {
	b, err := s.newBatch(ctx, time.Time{})
	if err != nil {
		return b, err
	}
	return s.readBatch(ctx, ctx, b, len(ids), `s.id = ANY($1) AND s.format <= $2 ORDER BY s.id`, ids, Format)
}

// newBatch is an empty batch of an instant, or of the one that the store's clock shows.
func (s *Store) newBatch(ctx context.Context, now time.Time) (b schedule.Batch, err error) {
	if now.IsZero() {
		now, err = s.db.Now(ctx)
	}
	return schedule.Batch{
		Now: now.Truncate(time.Microsecond), Unreadable: map[int64]error{},
		Ground: &ground{readAt: time.Now(), failed: map[int64]bool{}},
	}, err
}

// readBatch reads the schedules a condition selects, most at most, and what is to be
// known of them. reads is ctx for all that is only read.
func (s *Store) readBatch(ctx, reads context.Context, b schedule.Batch, most int, condition string, arguments ...any) (schedule.Batch, error) {
	reader := s.db.Reader()
	// The version is read with what is due, and not after the pauses: one that is made
	// in between fails the commit instead of being overlooked. That there are pauses at
	// all is read with it, since most who use this have none.
	rows, err := reader.Query(reads, `SELECT (SELECT version FROM punctual_change WHERE id = 1),
			CASE WHEN EXISTS (SELECT 1 FROM punctual_pause) THEN 1 ELSE 0 END,
			s.id, s.version, CASE WHEN s.error <> '' THEN 1 ELSE 0 END, `+stateColumns+`
		FROM punctual_due d JOIN punctual_schedule s ON s.id = d.schedule_id WHERE `+condition, arguments...)
	if err != nil {
		return b, err
	}
	defer rows.Close()
	var (
		references []reference // of the candidates
		foreign    []int64     // computed under another tzdata
		r          reference
		state      stateRow
		failed     bool
	)
	g := b.Ground.(*ground)
	destinations := append([]any{&g.change, boolean{&g.pauses}, &r.id, &r.version, boolean{&failed}}, state.destinations()...)
	for rows.Next() {
		state = stateRow{}
		if err := rows.Scan(destinations...); err != nil {
			return b, err
		}
		b.Last = schedule.Place{Due: state.NextDue, ID: r.id}
		if state.tzdata != calendar.TZDataVersion() {
			foreign = append(foreign, r.id)
			continue
		}
		if references == nil { // they are large, and to grow a list of them is to copy it
			references, b.Candidates = make([]reference, 0, most), make([]schedule.Candidate, 0, most)
		}
		references = append(references, r)
		b.Candidates = append(b.Candidates, schedule.Candidate{State: state.State, Version: state.version, Facts: schedule.Facts{Now: b.Now}})
		if failed {
			g.failed[r.id] = true
		}
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return b, err
	}
	// Recomputed, they come again when they are due by this binary's tzdata.
	if err := s.retime(ctx, foreign); err != nil || len(references) == 0 {
		return b, err
	}
	compiled, err := s.compile(reads, references, b.Unreadable)
	if err != nil {
		return b, err
	}
	for i, r := range references {
		b.Candidates[i].Schedule = compiled[r.id]
	}
	b.Candidates = slices.DeleteFunc(b.Candidates, func(c schedule.Candidate) bool { return c.Schedule == nil })
	return b, s.readFacts(reads, &b)
}

// readFacts fills in the pauses, the jobs and the groups of the candidates.
func (s *Store) readFacts(ctx context.Context, b *schedule.Batch) error {
	var watched []int64 // schedules whose jobs matter
	limits := map[string]bool{}
	oldest := b.Now
	for _, c := range b.Candidates {
		if c.Schedule.Policies.Overlap != schedule.OverlapAllow {
			watched = append(watched, c.Schedule.ID)
		}
		if c.Schedule.Policies.Limit != "" {
			limits[c.Schedule.Policies.Limit] = true
		}
		if c.State.Cursor.Before(oldest) {
			oldest = c.State.Cursor
		}
	}
	if b.Ground.(*ground).pauses {
		if err := s.readPauses(ctx, b, oldest); err != nil {
			return fmt.Errorf("reading pauses: %w", err)
		}
	}
	if err := s.readJobs(ctx, b, watched); err != nil {
		return fmt.Errorf("reading active jobs: %w", err)
	}
	if len(limits) == 0 {
		return nil
	}
	members := make([]int64, len(b.Candidates))
	for i, c := range b.Candidates {
		members[i] = c.Schedule.ID
	}
	var err error
	b.Groups, err = s.groups(ctx, members)
	if err != nil {
		return fmt.Errorf("reading limits: %w", err)
	}
	for name := range limits {
		if _, known := b.Groups[name]; !known {
			b.Groups[name] = schedule.Group{Free: schedule.Unlimited}
		}
	}
	return nil
}

// readPauses gives every candidate the pauses that concern it and had not ended
// when its oldest undecided nominal may have been due.
func (s *Store) readPauses(ctx context.Context, b *schedule.Batch, oldest time.Time) error {
	rows, err := s.db.Reader().Query(ctx, `SELECT scope, coalesce(schedule_id, 0), tag, from_at, until_at
		FROM punctual_pause WHERE until_at IS NULL OR until_at > $1 ORDER BY from_at`, oldest)
	if err != nil {
		return err
	}
	defer rows.Close()
	byTag, bySchedule := map[string][]schedule.Pause{}, map[int64][]schedule.Pause{}
	var all []schedule.Pause
	begins := time.Time{} // the last of them
	for rows.Next() {
		var (
			scope, tag string
			id         int64
			p          schedule.Pause
		)
		if err := rows.Scan(&scope, &id, &tag, &p.From, &p.Until); err != nil {
			return err
		}
		begins = p.From
		switch scope {
		case scopeAll:
			all = append(all, p)
		case scopeTag:
			byTag[tag] = append(byTag[tag], p)
		default:
			bySchedule[id] = append(bySchedule[id], p)
		}
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return err
	}
	if begins.After(b.Now) {
		if err := s.lookAgain(ctx, b); err != nil {
			return err
		}
	}
	for i := range b.Candidates {
		c := &b.Candidates[i]
		c.Facts.Pauses = append(c.Facts.Pauses, all...)
		c.Facts.Pauses = append(c.Facts.Pauses, bySchedule[c.Schedule.ID]...)
		for _, tag := range c.Schedule.Tags {
			c.Facts.Pauses = append(c.Facts.Pauses, byTag[tag]...)
		}
	}
	return nil
}

// lookAgain reads the time of a batch anew. A pause that begins behind the batch's may
// have been made since that was read, and hold already: it would not be told from one
// that is to come.
func (s *Store) lookAgain(ctx context.Context, b *schedule.Batch) error {
	now, err := s.db.Now(ctx)
	if err != nil {
		return err
	}
	b.Now, b.Ground.(*ground).readAt = now, time.Now()
	for i := range b.Candidates {
		b.Candidates[i].Facts.Now = now
	}
	return nil
}

// readJobs gives the candidates their active jobs and those that wait for a
// retry. Jobs of a backfill stand beside them and do not count.
func (s *Store) readJobs(ctx context.Context, b *schedule.Batch, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	// Each schedule is asked for by itself: a planner that knows little of young
	// tables, or of one that has grown since, would read all of the ledger instead.
	from := `unnest($1::bigint[]) AS due (id)
		CROSS JOIN LATERAL (SELECT o.schedule_id, o.job_id FROM punctual_occurrence o WHERE o.schedule_id = due.id AND o.job_id IS NOT NULL
			AND o.outcome IS NULL AND o.origin <> 'backfill' OFFSET 0) AS o
		CROSS JOIN LATERAL (SELECT * FROM river_job WHERE id = o.job_id OFFSET 0) AS j
		WHERE TRUE`
	if s.db.Kind == database.SQLite {
		from = `punctual_occurrence o JOIN river_job j ON j.id = o.job_id
			WHERE o.schedule_id = ANY($1) AND o.job_id IS NOT NULL AND o.outcome IS NULL AND o.origin <> 'backfill'`
	}
	rows, err := s.db.Reader().Query(ctx, `SELECT o.schedule_id, j.id,
			CASE WHEN j.state = 'running' THEN 1 ELSE 0 END, CASE WHEN `+s.jobs.Retrying+` THEN 1 ELSE 0 END
		FROM `+from+` AND NOT (`+s.jobs.Ended+`)
		ORDER BY j.id`, ids)
	if err != nil {
		return err
	}
	defer rows.Close()
	active, retrying := map[int64][]schedule.ActiveJob{}, map[int64][]int64{}
	for rows.Next() {
		var (
			id, job        int64
			running, waits bool
		)
		if err := rows.Scan(&id, &job, boolean{&running}, boolean{&waits}); err != nil {
			return err
		}
		if waits {
			retrying[id] = append(retrying[id], job)
		} else {
			active[id] = append(active[id], schedule.ActiveJob{ID: job, Running: running})
		}
	}
	for i := range b.Candidates {
		id := b.Candidates[i].Schedule.ID
		b.Candidates[i].Facts.Active, b.Candidates[i].Facts.Retrying = active[id], retrying[id]
	}
	return rows.Err()
}

// groups counts the free places of every limit, and the earliest due that waits
// for one outside of a batch's members.
func (s *Store) groups(ctx context.Context, members []int64) (map[string]schedule.Group, error) {
	if members == nil {
		members = []int64{}
	}
	// Who stands in error, or is left to a newer version, holds nobody up.
	rows, err := s.db.Reader().Query(ctx, `SELECT l.name, l.number, `+s.placesTaken("l.name")+`,
			(SELECT min(d.waiting_due_at) FROM punctual_due d JOIN punctual_schedule s ON s.id = d.schedule_id
				WHERE d.waiting_for = 'limit' AND s.limit_group = l.name AND NOT (s.id = ANY($1)) AND s.error = '' AND s.format <= $2)
		FROM punctual_limit l`, members, Format)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	groups := map[string]schedule.Group{}
	for rows.Next() {
		var (
			name          string
			number, taken int
			group         schedule.Group
		)
		if err := rows.Scan(&name, &number, &taken, &group.Earliest); err != nil {
			return nil, err
		}
		group.Free = number - taken
		groups[name] = group
	}
	return groups, rows.Err()
}

// placesTaken counts the active jobs of a group, whoever made them.
func (s *Store) placesTaken(name string) string {
	return `(SELECT count(*) FROM punctual_schedule s JOIN punctual_occurrence o ON o.schedule_id = s.id
		JOIN river_job j ON j.id = o.job_id
		WHERE s.limit_group = ` + name + ` AND s.limit_group <> '' AND o.job_id IS NOT NULL AND o.outcome IS NULL AND ` + s.jobs.Active + `)`
}

// reference names one version of a schedule.
type reference struct{ id, version int64 }

// compiledCache keeps schedules with their parsed whens, by version. It is
// bounded, so that a million schedules that are seldom due cost nothing.
type compiledCache struct {
	mu        *sync.Mutex
	schedules map[reference]*schedule.Schedule
}

const maxCompiled = 20_000

func newCompiledCache() compiledCache {
	return compiledCache{mu: &sync.Mutex{}, schedules: map[reference]*schedule.Schedule{}}
}

func (c compiledCache) get(r reference) *schedule.Schedule {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.schedules[r]
}

func (c compiledCache) put(r reference, s *schedule.Schedule) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for old := range c.schedules {
		if len(c.schedules) < maxCompiled {
			break
		}
		delete(c.schedules, old)
	}
	c.schedules[r] = s
}

// compile gives the schedules with their timelines, from the cache or the
// tables. One that cannot be read is left out and said why.
func (s *Store) compile(ctx context.Context, references []reference, unreadable map[int64]error) (map[int64]*schedule.Schedule, error) {
	found := make(map[int64]*schedule.Schedule, len(references))
	var missing []int64
	for _, r := range references {
		if one := s.compiled.get(r); one != nil {
			found[r.id] = one
		} else {
			missing = append(missing, r.id)
		}
	}
	if len(missing) == 0 {
		return found, nil
	}
	// Definitions first: an edit in between leaves a schedule of a newer
	// version with older definitions, which is kept under no version that is
	// ever asked for again, and whose decision fails on the state's version.
	definitions, err := s.definitions(ctx, s.db.Reader(), missing)
	if err != nil {
		return nil, err
	}
	asked := make(map[reference]bool, len(references))
	for _, r := range references {
		asked[r] = true
	}
	rows, err := s.db.Reader().Query(ctx, `SELECT `+scheduleColumns+` FROM punctual_schedule s WHERE s.id = ANY($1)`, missing)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for reader := newScheduleReader(); rows.Next(); {
		one, err := reader.scan(rows)
		if one == nil {
			return nil, err
		}
		if err == nil {
			one.Timeline, err = schedule.NewTimeline(definitions[one.ID])
		}
		if err != nil {
			unreadable[one.ID] = err
			continue
		}
		if all := definitions[one.ID]; len(all) > 0 {
			last := all[len(all)-1]
			one.When, one.Jitter = last.When, last.Jitter
		}
		found[one.ID] = one
		if r := (reference{one.ID, one.Version}); asked[r] {
			s.compiled.put(r, one)
		}
	}
	return found, rows.Err()
}

// NextDue is the earliest instant any schedule is due at; zero if none is.
func (s *Store) NextDue(ctx context.Context) (time.Time, error) {
	return s.nextDue(s.db.Brief(ctx))
}

func (s *Store) nextDue(ctx context.Context) (next time.Time, err error) {
	// What a newer version wrote is its clocks' business: looked at here, it
	// would be due for ever.
	err = s.db.Reader().QueryRow(ctx, `SELECT d.next_due_at FROM punctual_due d JOIN punctual_schedule s ON s.id = d.schedule_id
		WHERE d.next_due_at IS NOT NULL AND s.format <= $1 ORDER BY d.next_due_at LIMIT 1`, Format).Scan(&next)
	if err == database.ErrNoRows {
		return time.Time{}, nil
	}
	return next, err
}

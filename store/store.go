// Package store keeps schedules, their definitions and pauses, the ledger of
// decisions, and who is running, in Postgres or SQLite. It decides nothing: the
// pure rooms do, and the store commits what they decided in one transaction.
package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/queue"
	"github.com/punctual-dev/punctual/schedule"
)

// Format is the version of what is written into a schedule's row. A clock that
// knows a lower one leaves the row to those that can read it.
const Format = 1

// Channel is where a change of schedules is made known.
const Channel = "punctual_schedules"

// Store is Punctual's tables and the queue beside them.
type Store struct {
	db        *database.Database
	queue     *queue.Queue
	jobs      queue.Conditions
	compiled  compiledCache
	foresight *foresight
	outcomes  outcomesSeen
	ended     func([]EndedJob) // nil: nobody looks on
}

// Open gives the store in db. Migrate has to have run once before.
func Open(db *database.Database) (*Store, error) {
	q, err := queue.Open(db)
	if err != nil {
		return nil, err
	}
	return &Store{db: db, queue: q, jobs: q.Conditions(), compiled: newCompiledCache(), foresight: &foresight{}}, nil
}

// Queue is the queue in the same database.
func (s *Store) Queue() *queue.Queue { return s.queue }

// Database is what the store stands on.
func (s *Store) Database() *database.Database { return s.db }

// HasServer says whether it is a server that answers, and whoever asks waits. On
// SQLite an answer is our own work: several at once are none the sooner.
func (s *Store) HasServer() bool { return s.db.Kind == database.Postgres }

// Now is the time everyone who shares the store goes by, in UTC.
func (s *Store) Now(ctx context.Context) (time.Time, error) { return s.db.Now(ctx) }

// Wakeups calls wake when schedules change, until ctx ends. It is a hint only.
func (s *Store) Wakeups(ctx context.Context, wake func()) error {
	return s.db.Wakeups(ctx, Channel, wake)
}

// wake tells the clocks that something changed. A lost hint costs a moment, so
// an error is of no consequence.
func (s *Store) wake(ctx context.Context) { _ = s.db.Notify(ctx, Channel) }

// Actor is who does something by hand, for the record.
type Actor string

// ErrNotFound says that there is no such schedule.
var ErrNotFound = errors.New("no such schedule")

// short is a text as both databases take it, at most n bytes of it: without NUL,
// and no part of a character.
func short(text string, n int) string {
	text = strings.ReplaceAll(text, "\x00", "")
	if len(text) > n {
		text = text[:n]
	}
	return strings.ToValidUTF8(text, "")
}

// maxNote bounds a note, an author and whatever else people write beside what
// they do.
const maxNote = 2000

func notFound(key string) error {
	return fmt.Errorf("%w: %q; punctual schedules list shows those there are", ErrNotFound, key)
}

// scheduleColumns are read by scanSchedule, from punctual_schedule as s.
const scheduleColumns = `s.id, s.key, s.version, s.created_at, s.deleted_at, s.owner_kind, s.owner_name,
	s.description, s.tags, s.job, s.policies, s.history_from`

type scanner interface {
	Scan(destinations ...any) error
}

func scanSchedule(row scanner, more ...any) (*schedule.Schedule, error) {
	return newScheduleReader(more...).scan(row)
}

// scheduleReader reads rows of which many say the same: most schedules of a house
// have the same policies and tags, many the same job, and to read those anew for
// each is the most of the work. Schedules share what they have alike, so nobody
// may change a part of one in place.
type scheduleReader struct {
	row                 schedule.Schedule // the one that is being read
	tags, job, policies string
	before              struct {
		tags     remembered[[]string]
		job      remembered[schedule.Job]
		policies remembered[schedule.Policies]
	}
	destinations []any
}

// newScheduleReader makes a reader of rows that have scheduleColumns, and behind them
// what more says.
func newScheduleReader(more ...any) *scheduleReader {
	r := new(scheduleReader)
	s := &r.row
	r.destinations = append([]any{
		&s.ID, &s.Key, &s.Version, &s.CreatedAt, &s.DeletedAt, &s.Owner.Kind, &s.Owner.Name,
		&s.Description, &r.tags, &r.job, &r.policies, &s.HistoryFrom,
	}, more...)
	return r
}

// scan reads a row. The schedule has no timeline yet, and one that comes with an
// unreadableError is what could be read of it.
func (r *scheduleReader) scan(row scanner) (*schedule.Schedule, error) {
	r.row = schedule.Schedule{}
	if err := row.Scan(r.destinations...); err != nil {
		return nil, err
	}
	s := r.row
	err := cmp.Or(
		r.before.tags.read(r.tags, &s.Tags),
		r.before.job.read(r.job, &s.Job),
		r.before.policies.read(r.policies, &s.Policies),
	)
	if err != nil {
		return &s, &unreadableError{fmt.Errorf("the row of schedule %q cannot be read: %w", s.Key, err)}
	}
	// Whoever adds to what is shared gets a slice of his own.
	s.Tags = slices.Clip(s.Tags)
	return &s, nil
}

// remembered is what a column of the row before held.
type remembered[T any] struct {
	text  string
	value T
}

func (r *remembered[T]) read(text string, value *T) error {
	if text == "" || text != r.text {
		var read T
		if err := json.Unmarshal([]byte(text), &read); err != nil {
			return err
		}
		r.text, r.value = text, read
	}
	*value = r.value
	return nil
}

// unreadableError says that a row or a definition holds what this version cannot
// read.
type unreadableError struct{ err error }

func (e *unreadableError) Error() string { return e.err.Error() }
func (e *unreadableError) Unwrap() error { return e.err }

// stateColumns are read by scanState, from punctual_due as d.
const stateColumns = `d.version, d.cursor_at, d.met_at, d.next_due_at, d.waiting_for, d.waiting_due_at,
	d.wait_until, d.in_line, d.covered_count, d.covered_since, d.skip_at, d.tzdata`

// stateRow is a row of punctual_due.
type stateRow struct {
	schedule.State
	version int64
	tzdata  string
	// defined is the instant of the last definition, where it has been read.
	defined time.Time
}

func (r *stateRow) destinations() []any {
	return []any{
		&r.version, &r.Cursor, &r.Met, &r.NextDue, &r.Waiting, &r.WaitingDue,
		&r.WaitUntil, boolean{&r.InLine}, &r.CoveredCount, &r.CoveredSince, &r.SkipAt, &r.tzdata,
	}
}

// boolean scans an integer column that is 0 or 1.
type boolean struct{ destination *bool }

// Scan implements sql.Scanner.
func (b boolean) Scan(source any) error {
	number, ok := source.(int64)
	*b.destination = number != 0
	if !ok {
		return fmt.Errorf("a flag of type %T cannot be read", source)
	}
	return nil
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// definitions reads the definitions of schedules, in order, by schedule.
func (s *Store) definitions(ctx context.Context, from database.Querier, ids []int64) (map[int64][]schedule.Definition, error) {
	rows, err := from.Query(ctx, `SELECT schedule_id, from_at, expressions, zone, not_before, not_after,
			except_dates, after_local, jitter_ms, seed, tzdata, author
		FROM punctual_definition WHERE schedule_id = ANY($1) ORDER BY schedule_id, from_at`, ids)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := make(map[int64][]schedule.Definition, len(ids))
	var (
		id, jitter                   int64
		d                            schedule.Definition
		expressions, except, already string
		read                         whenReader
	)
	destinations := []any{
		&id, &d.From, &expressions, &d.When.Zone, &d.When.NotBefore, &d.When.NotAfter,
		&except, &already, &jitter, &d.Seed, &d.TZData, &d.Author,
	}
	for rows.Next() {
		d = schedule.Definition{}
		if err := rows.Scan(destinations...); err != nil {
			return nil, err
		}
		d.Jitter = time.Duration(jitter) * time.Millisecond
		read.when(&d.When, expressions, except, already)
		found[id] = append(found[id], d)
	}
	return found, rows.Err()
}

// whenReader reads the parts of whens that are kept as JSON. Many definitions of a
// house say the same, so those of the one before are compared first.
type whenReader struct {
	expressions, except string
	before              calendar.When // has none before the first
}

// when fills in a when. A row that cannot be read must fail alone: it becomes a when
// that does not parse, which says so.
func (r *whenReader) when(w *calendar.When, expressions, except, already string) {
	if !r.lists(w, expressions, except) || already != "" && w.AfterLocal.UnmarshalText([]byte(already)) != nil {
		*w = calendar.When{Expressions: []string{"unreadable definition: " + expressions}}
	}
}

// lists reads the expressions and the exceptions, and says whether they can be read.
func (r *whenReader) lists(w *calendar.When, expressions, except string) bool {
	if r.before.Expressions != nil && expressions == r.expressions && except == r.except {
		w.Expressions, w.Except = r.before.Expressions, r.before.Except
		return true
	}
	if json.Unmarshal([]byte(expressions), &w.Expressions) != nil || json.Unmarshal([]byte(except), &w.Except) != nil {
		return false
	}
	// Whoever adds to what is shared gets a slice of his own.
	w.Expressions, w.Except = slices.Clip(w.Expressions), slices.Clip(w.Except)
	r.expressions, r.except, r.before = expressions, except, *w
	return true
}

// Transient says that an error is the database's condition and not a fault of
// what was asked: the same call may go through later.
func (s *Store) Transient(err error) bool { return database.Transient(err) }

// Refusal says that an error is about what was asked of the store, in words for
// whoever asked, and neither about the database's condition nor a fault of ours.
func (s *Store) Refusal(err error) bool {
	return err != nil && !database.Transient(err) && !database.Told(err)
}

// Queues are the queues that schedules name.
func (s *Store) Queues(ctx context.Context) ([]string, error) {
	return database.Values[string](s.db.Reader().Query(ctx, "SELECT DISTINCT queue FROM punctual_schedule WHERE deleted_at IS NULL ORDER BY queue"))
}

package queue

import (
	"context"
	"database/sql"
	"encoding/json"
	"log/slog"
	"path/filepath"
	"reflect"
	"regexp"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"

	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/internal/pgtest"
	"github.com/punctual-dev/punctual/schedule"
)

// someJobs are one of each kind, and one whose content wants care.
func someJobs() []Job {
	told := schedule.Told{
		Schedule: "report", Occurrence: "report@2026-03-29T09:00:00Z",
		Nominal: time.Date(2026, 3, 29, 9, 0, 0, 0, time.UTC), Due: time.Date(2026, 3, 29, 9, 0, 1, 0, time.UTC),
	}
	return []Job{
		{Queue: "default", Priority: 2, MaxAttempts: 1, Payload: schedule.Payload{Told: told, Command: &schedule.Command{Shell: `echo "a, b" {c} 'd' \ ü <&>`}}},
		{Queue: "web", Priority: 1, MaxAttempts: 26, Payload: schedule.Payload{Told: told, HTTP: &schedule.Request{Method: "GET", URL: "http://localhost/?a=1&b=2"}}},
		{Queue: "go", Priority: 4, MaxAttempts: 3, Payload: schedule.Payload{Told: told}, Work: &schedule.Work{Kind: "report", Args: json.RawMessage(`{"a": [1, 2.50, null], "b": "ü"}`)}},
		{Queue: "go", Priority: 4, MaxAttempts: 3, Payload: schedule.Payload{Told: told}, Work: &schedule.Work{Kind: "plain"}},
	}
}

// riverArgs are arguments that are JSON already.
type riverArgs struct {
	kind string
	data json.RawMessage
}

func (a riverArgs) Kind() string                 { return a.kind }
func (a riverArgs) MarshalJSON() ([]byte, error) { return a.data, nil }

func TestAJobIsWrittenAsRiverWritesIt(t *testing.T) {
	first := someJobs()[0]
	for _, c := range []struct {
		name   string
		jobs   []Job
		queues int
	}{
		{"jobs of every kind", someJobs(), 3},
		{"jobs that are alike", []Job{first, first, first}, 1},
	} {
		t.Run(c.name, func(t *testing.T) { isAsRiverWritesIt(t, c.jobs, c.queues) })
	}
}

// isAsRiverWritesIt compares what comes of jobs, in so many queues.
func isAsRiverWritesIt(t *testing.T, jobs []Job, queues int) {
	t.Helper()
	var params []river.InsertManyParams
	for _, job := range jobs {
		r, err := rowOf(&job)
		if err != nil {
			t.Fatal(err)
		}
		params = append(params, river.InsertManyParams{
			Args:       riverArgs{r.kind, json.RawMessage(r.args)},
			InsertOpts: &river.InsertOpts{Queue: r.Queue, Priority: r.Priority, MaxAttempts: r.MaxAttempts, Metadata: []byte(r.metadata)},
		})
	}
	for _, address := range []string{pgtest.New(t), "sqlite:" + filepath.Join(t.TempDir(), "queue.db")} {
		db, err := database.Open(t.Context(), address, database.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(db.Close)
		t.Run(string(db.Kind), func(t *testing.T) {
			if err := Migrate(t.Context(), db.Native()); err != nil {
				t.Fatal(err)
			}
			q, err := Open(db)
			if err != nil {
				t.Fatal(err)
			}
			theirs, theirNews := written(t, db, func(ctx context.Context, tx database.Tx) error {
				return insertAsRiver(ctx, db, tx, params)
			})
			ours, ourNews := written(t, db, func(ctx context.Context, tx database.Tx) error {
				ids, err := q.InsertTx(ctx, tx, jobs)
				for i, id := range ids {
					var kind string
					if err := tx.QueryRow(ctx, "SELECT kind FROM river_job WHERE id = $1", id).Scan(&kind); err != nil || kind != params[i].Args.Kind() {
						t.Errorf("job %d of those inserted is of kind %q, %v; want %q", i, kind, err, params[i].Args.Kind())
					}
				}
				return err
			})
			if len(theirs) != len(params) || !reflect.DeepEqual(ours, theirs) {
				t.Errorf("the jobs are\n%v\nand River's\n%v", ours, theirs)
			}
			if db.Kind == database.Postgres && len(theirNews) != queues || !reflect.DeepEqual(ourNews, theirNews) {
				t.Errorf("those who listen are told\n%v\nand of River's\n%v", ourNews, theirNews)
			}
		})
	}
}

func insertAsRiver(ctx context.Context, db *database.Database, tx database.Tx, params []river.InsertManyParams) error {
	config := &river.Config{Logger: slog.New(slog.DiscardHandler)}
	switch native := tx.Native().(type) {
	case pgx.Tx:
		client, err := river.NewClient(riverpgxv5.New(db.Native().(*pgxpool.Pool)), config)
		if err != nil {
			return err
		}
		_, err = client.InsertManyTx(ctx, native, params)
		return err
	default:
		client, err := river.NewClient(riversqlite.New(db.Native().(*sql.DB)), config)
		if err != nil {
			return err
		}
		_, err = client.InsertManyTx(ctx, native.(*sql.Tx), params)
		return err
	}
}

var sqliteInstant = regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$`)

// written gives the rows that insert writes, every column of them, and what those
// are told who listen.
func written(t *testing.T, db *database.Database, insert func(context.Context, database.Tx) error) (rows []map[string]any, news []string) {
	t.Helper()
	listening := listen(t, db)
	if err := db.Transaction(t.Context(), func(tx database.Tx) error { return insert(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
	for _, text := range everyRow(t, db) {
		var one map[string]any
		if err := json.Unmarshal([]byte(text), &one); err != nil {
			t.Fatal(err)
		}
		for _, column := range []string{"created_at", "scheduled_at"} {
			at, _ := one[column].(string)
			layout := time.RFC3339Nano
			if db.Kind == database.SQLite {
				if layout = "2006-01-02 15:04:05.999"; !sqliteInstant.MatchString(at) {
					t.Errorf("%s is %q", column, at)
				}
			}
			if instant, err := time.Parse(layout, at); err != nil || time.Since(instant).Abs() > time.Minute {
				t.Errorf("%s is %q, %v", column, at, err)
			}
			delete(one, column)
		}
		delete(one, "id")
		// On SQLite River tells by this what it has just inserted from what was there.
		delete(one["metadata"].(map[string]any), "river:unique_nonce")
		rows = append(rows, one)
	}
	if _, err := exec(t, db, "DELETE FROM river_job"); err != nil {
		t.Fatal(err)
	}
	return rows, listening()
}

func exec(t *testing.T, db *database.Database, query string) (changed int64, err error) {
	err = db.Transaction(t.Context(), func(tx database.Tx) error {
		changed, err = tx.Exec(t.Context(), query)
		return err
	})
	return changed, err
}

// everyRow gives the rows of River's table as JSON, in order.
func everyRow(t *testing.T, db *database.Database) (all []string) {
	t.Helper()
	query := "SELECT to_json(j) FROM river_job j ORDER BY id"
	if db.Kind == database.SQLite {
		// The columns that are JSON are binary; typeof says so of each.
		query = `SELECT json_object('args', json(args), 'args is', typeof(args), 'metadata', json(metadata), 'metadata is', typeof(metadata),
			'tags', json(tags), 'tags are', typeof(tags), 'attempt', attempt, 'attempted_at', attempted_at, 'attempted_by', attempted_by,
			'errors', errors, 'finalized_at', finalized_at, 'kind', kind, 'max_attempts', max_attempts, 'priority', priority, 'queue', queue,
			'state', state, 'unique_key', unique_key, 'unique_states', unique_states, 'id', id, 'created_at', created_at, 'scheduled_at', scheduled_at) FROM river_job ORDER BY id`
		var known int
		if err := db.Reader().QueryRow(t.Context(), "SELECT count(*) FROM pragma_table_info('river_job')").Scan(&known); err != nil || known != 18 {
			t.Fatalf("River's table has %d columns, %v; the test knows of 18", known, err)
		}
	}
	rows, err := db.Reader().Query(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var text []byte
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		all = append(all, string(text))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// listen collects what is told to River's clients until the answer is asked for.
func listen(t *testing.T, db *database.Database) func() []string {
	t.Helper()
	pool, ok := db.Native().(*pgxpool.Pool)
	if !ok {
		return func() []string { return nil }
	}
	connection, err := pgx.ConnectConfig(t.Context(), pool.Config().ConnConfig.Copy())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := connection.Exec(t.Context(), `LISTEN "public.river_insert"`); err != nil {
		t.Fatal(err)
	}
	return func() (told []string) {
		// What was told before this statement comes with its answer.
		if _, err := connection.Exec(t.Context(), "SELECT 1"); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for {
			news, err := connection.WaitForNotification(ctx)
			if err != nil {
				_ = connection.Close(context.WithoutCancel(t.Context()))
				return told
			}
			told = append(told, news.Channel+" "+compact(t, news.Payload))
		}
	}
}

func compact(t *testing.T, text string) string {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	same, _ := json.Marshal(value)
	return string(same)
}

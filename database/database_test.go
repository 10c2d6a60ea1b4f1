package database_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"go.uber.org/goleak"

	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/internal/pgtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// onBoth runs a test on an empty database of each kind. The table thing has an
// instant, an integer and a text.
func onBoth(t *testing.T, o database.Options, test func(t *testing.T, db *database.Database)) {
	for _, kind := range []database.Kind{database.SQLite, database.Postgres} {
		t.Run(string(kind), func(t *testing.T) {
			address, instant := "sqlite:"+filepath.Join(t.TempDir(), "a.db"), "integer"
			if kind == database.Postgres {
				address, instant = pgtest.New(t), "timestamptz"
			}
			db := open(t, address, o)
			exec(t, db, "CREATE TABLE thing (id integer PRIMARY KEY, at "+instant+", number bigint, word text, CHECK (number < 1000))")
			test(t, db)
		})
	}
}

func open(t *testing.T, address string, o database.Options) *database.Database {
	t.Helper()
	db, err := database.Open(t.Context(), address, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

func exec(t *testing.T, db *database.Database, query string, arguments ...any) {
	t.Helper()
	err := db.Transaction(t.Context(), func(tx database.Tx) error {
		_, err := tx.Exec(t.Context(), query, arguments...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestInstantsComeBackToTheMicrosecondInUTCAndZeroIsNull(t *testing.T) {
	berlin := time.FixedZone("far", 5*3600+1800)
	instants := []time.Time{
		{},
		time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC),
		time.Date(2026, 11, 23, 9, 0, 0, 123456000, berlin),
		time.Date(2026, 3, 8, 3, 30, 0, 1000, time.UTC), // a gap in the server's own zone
		time.Date(1950, 1, 1, 0, 0, 0, 999999000, time.UTC),
		time.Date(2400, 12, 31, 23, 59, 59, 999999000, time.UTC),
	}
	onBoth(t, database.Options{}, func(t *testing.T, db *database.Database) {
		for i, at := range instants {
			arguments := []any{i, at}
			exec(t, db, "INSERT INTO thing (id, at) VALUES ($1, $2)", arguments...)
			if arguments[1] != at {
				t.Errorf("the caller's arguments were changed to %v", arguments)
			}
			got := time.Unix(1, 0)
			if err := db.Reader().QueryRow(t.Context(), "SELECT at FROM thing WHERE id = $1", i).Scan(&got); err != nil {
				t.Fatal(err)
			}
			if !got.Equal(at) || got.Location() != time.UTC {
				t.Errorf("%s came back as %s", at, got)
			}
			var found int
			if err := db.Reader().QueryRow(t.Context(), "SELECT count(*) FROM thing WHERE at = $1", at).Scan(&found); err != nil || (found == 1) == at.IsZero() {
				t.Errorf("%s is found %d times (%v)", at, found, err)
			}
		}
		var null int
		var earliest, none time.Time
		if err := db.Reader().QueryRow(t.Context(), "SELECT count(*), min(at), min(CASE WHEN id < 0 THEN at END) FROM thing WHERE at IS NULL OR id = 4").Scan(&null, &earliest, &none); err != nil {
			t.Fatal(err)
		}
		if null != 2 || !earliest.Equal(instants[4]) || !none.IsZero() {
			t.Errorf("count %d, min %s, none %s", null, earliest, none)
		}
	})
}

func TestListsWorkAsArguments(t *testing.T) {
	onBoth(t, database.Options{}, func(t *testing.T, db *database.Database) {
		words := []string{"plain", `quote " and '`, "comma,brace{}", "", "ü%_\\"}
		for i, word := range words {
			exec(t, db, "INSERT INTO thing (id, number, word) VALUES ($1, $2, $3)", i, int64(i), word)
		}
		ids := func(condition string, arguments ...any) (found []int) {
			rows, err := db.Reader().Query(t.Context(), "SELECT id FROM thing WHERE "+condition+" ORDER BY id", arguments...)
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			for rows.Next() {
				var id int
				if err := rows.Scan(&id); err != nil {
					t.Fatal(err)
				}
				found = append(found, id)
			}
			if err := rows.Err(); err != nil {
				t.Fatal(err)
			}
			return found
		}
		for _, c := range []struct {
			condition string
			list      any
			want      []int
		}{
			{"number = ANY($1)", []int64{3, 1, 1, 99}, []int{1, 3}},
			{"number = ANY($1)", []int64{}, nil},
			{"NOT (number = ANY($1))", []int64{}, []int{0, 1, 2, 3, 4}},
			{"NOT (number = ANY($1)) AND id = ANY($1)", []int64{4}, nil},
			{"word = ANY($1)", words[1:], []int{1, 2, 3, 4}},
			{"word = ANY($1)", []string{"' OR '1'='1"}, nil},
		} {
			if got := ids(c.condition, c.list); !slices.Equal(got, c.want) {
				t.Errorf("%s with %v: got %v, want %v", c.condition, c.list, got, c.want)
			}
		}
	})
}

func TestManyRowsAreInsertedAtOnceOrNotAtAll(t *testing.T) {
	onBoth(t, database.Options{}, func(t *testing.T, db *database.Database) {
		columns := []string{"id", "at", "number", "word"}
		insert := func(rows [][]any) error {
			return db.Transaction(t.Context(), func(tx database.Tx) error {
				return tx.InsertRows(t.Context(), "thing", columns, rows)
			})
		}
		now := time.Date(2026, 11, 23, 9, 0, 0, 5000, time.UTC)
		if err := insert([][]any{{1, now, int64(1), "a"}, {2, time.Time{}, nil, nil}}); err != nil {
			t.Fatal(err)
		}
		if err := insert(nil); err != nil {
			t.Fatal(err)
		}
		for what, rows := range map[string][][]any{
			"a row that stands already":      {{3, now, nil, nil}, {1, now, nil, nil}},
			"a row that breaks a constraint": {{4, now, nil, nil}, {5, now, int64(1000), nil}},
		} {
			err := insert(rows)
			if err == nil || database.Transient(err) {
				t.Errorf("%s: %v", what, err)
			}
			if database.UniqueViolation(err) != strings.Contains(what, "stands") {
				t.Errorf("%s: is it a unique violation? %v", what, err)
			}
		}
		var count int
		if err := db.Reader().QueryRow(t.Context(), "SELECT count(*) FROM thing").Scan(&count); err != nil || count != 2 {
			t.Errorf("%d rows (%v)", count, err)
		}
	})
}

func TestRowsThatAreAlikeButForSomeColumnsAreInsertedAsTheyAre(t *testing.T) {
	start := time.Date(2026, 11, 23, 9, 0, 0, 5000, time.UTC)
	for _, c := range []struct {
		name   string
		rows   int
		at     func(id int) time.Time
		number func(id int) any
		word   func(id int) any
	}{
		{
			name: "one row has no word", rows: 200,
			word: func(id int) any { return map[bool]any{false: "alike"}[id == 150] },
		},
		{
			name: "the last columns are alike", rows: 200,
			at:   func(id int) time.Time { return start.Add(time.Duration(id) * time.Second) },
			word: func(int) any { return "alike" },
		},
		{
			name: "columns between others are alike, and some rows are left over", rows: 53,
			number: func(int) any { return 7 },
			word:   func(id int) any { return strings.Repeat("x", id) },
		},
		{name: "only the number of each differs", rows: 16},
	} {
		t.Run(c.name, func(t *testing.T) {
			onBoth(t, database.Options{}, func(t *testing.T, db *database.Database) {
				var rows [][]any
				for id := range c.rows {
					at := start
					if c.at != nil {
						at = c.at(id)
					}
					row := []any{id, at, nil, nil}
					if c.number != nil {
						row[2] = c.number(id)
					}
					if c.word != nil {
						row[3] = c.word(id)
					}
					rows = append(rows, row)
				}
				if err := db.Transaction(t.Context(), func(tx database.Tx) error {
					return tx.InsertRows(t.Context(), "thing", []string{"id", "at", "number", "word"}, rows)
				}); err != nil {
					t.Fatal(err)
				}
				for id, want := range rows {
					var (
						at     time.Time
						number *int
						word   *string
					)
					err := db.Reader().QueryRow(t.Context(), "SELECT at, number, word FROM thing WHERE id = $1", id).Scan(&at, &number, &word)
					if err != nil || !at.Equal(want[1].(time.Time)) || valueOf(number) != want[2] || valueOf(word) != want[3] {
						t.Errorf("row %d is %v, %v, %v (%v); it was to be %v", id, at, valueOf(number), valueOf(word), err, want)
					}
				}
			})
		})
	}
}

func valueOf[T any](p *T) any {
	if p == nil {
		return nil
	}
	return *p
}

func TestADatabaseThatCanOnlyBeReadIsToldOf(t *testing.T) {
	onBoth(t, database.Options{}, func(t *testing.T, db *database.Database) {
		if err := db.CheckWritable(t.Context(), "thing"); err != nil {
			t.Errorf("one that can be written: %v", err)
		}
	})
	address := pgtest.New(t)
	exec(t, open(t, address, database.Options{}), "CREATE TABLE thing (id integer)")
	reader := open(t, address+"&default_transaction_read_only=on", database.Options{})
	err := reader.CheckWritable(t.Context(), "thing")
	if err == nil || !strings.Contains(err.Error(), "can be read, but not written") {
		t.Errorf("one that can only be read: %v", err)
	}
}

func TestAServerThatEndsASessionIsNotTakenForOneThatCanOnlyBeRead(t *testing.T) {
	address := pgtest.New(t)
	killer := open(t, address, database.Options{})
	exec(t, killer, "CREATE TABLE thing (id integer)")
	// All others are ended before each statement that would write.
	db := open(t, address, database.Options{Trace: func(statement string) {
		if strings.HasPrefix(statement, "DELETE") {
			exec(t, killer, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
		}
	}})
	err := db.CheckWritable(t.Context(), "thing")
	if err == nil || !database.Transient(err) || strings.Contains(err.Error(), "can be read") {
		t.Errorf("its sessions are ended: %v", err)
	}
}

func TestADatabaseThatAnotherWriterHoldsIsNotTakenForOneThatCanOnlyBeRead(t *testing.T) {
	t.Parallel() // it takes as long as a writer waits for another
	address := "sqlite:" + filepath.Join(t.TempDir(), "held.db")
	holder, kept := open(t, address, database.Options{}), open(t, address, database.Options{})
	exec(t, holder, "CREATE TABLE thing (id integer)")
	err := holder.Transaction(t.Context(), func(tx database.Tx) error {
		if _, err := tx.Exec(t.Context(), "INSERT INTO thing (id) VALUES (1)"); err != nil {
			return err
		}
		return kept.CheckWritable(t.Context(), "thing")
	})
	if err != nil {
		t.Errorf("beside another writer: %v", err)
	}
}

func TestATransactionIsUndoneByAnErrorAndByAPanic(t *testing.T) {
	onBoth(t, database.Options{MaxConnections: 1}, func(t *testing.T, db *database.Database) {
		insert := func(tx database.Tx) {
			if _, err := tx.Exec(t.Context(), "INSERT INTO thing (id) VALUES (1)"); err != nil {
				t.Error(err)
			}
		}
		sorry := errors.New("sorry")
		if err := db.Transaction(t.Context(), func(tx database.Tx) error { insert(tx); return sorry }); !errors.Is(err, sorry) {
			t.Errorf("got %v", err)
		}
		func() {
			defer func() { _ = recover() }()
			_ = db.Transaction(t.Context(), func(tx database.Tx) error { insert(tx); panic("oops") })
		}()
		exec(t, db, "INSERT INTO thing (id) VALUES (1)")
		if err := db.Reader().QueryRow(t.Context(), "SELECT id FROM thing WHERE id = 7").Scan(new(int)); err != database.ErrNoRows {
			t.Errorf("no row gives %v", err)
		}
	})
}

func TestTheClockIsReadOverTheTransactionsOwnConnection(t *testing.T) {
	onBoth(t, database.Options{MaxConnections: 1}, func(t *testing.T, db *database.Database) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		before, err := db.Now(ctx)
		if err != nil {
			t.Fatal(err)
		}
		var first, second time.Time
		err = db.Transaction(ctx, func(tx database.Tx) error {
			var err error
			if first, err = tx.Now(ctx); err == nil {
				second, err = tx.Now(ctx)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if first.Before(before) || second.Before(first) || first.Nanosecond()%1000 != 0 || first.Location() != time.UTC {
			t.Errorf("outside %s, inside %s and %s", before, first, second)
		}
	})
}

func TestAListenerTakesNoPlaceInThePool(t *testing.T) {
	onBoth(t, database.Options{MaxConnections: 1}, func(t *testing.T, db *database.Database) {
		ctx, cancel := context.WithCancel(t.Context())
		woken, done := make(chan struct{}, 1), make(chan struct{})
		go func() {
			defer close(done)
			_ = db.Wakeups(ctx, "a_channel", func() {
				select {
				case woken <- struct{}{}:
				default:
				}
			})
		}()
		for heard := false; !heard; {
			if err := db.Notify(t.Context(), "a_channel"); err != nil {
				t.Fatal(err)
			}
			select {
			case <-woken:
				heard = true
			case <-time.After(time.Millisecond):
			}
		}
		exec(t, db, "INSERT INTO thing (id) VALUES (1)")
		cancel()
		<-done
	})
}

func TestAnAddressThatIsWrongIsToldWithoutItsPassword(t *testing.T) {
	for address, word := range map[string]string{
		"":                                         "allowed is",
		"mysql://u:hunter2@h/d":                    "mysql",
		"postgres://u:hunter2@%%%/d":               "not one of Postgres",
		"postgres://u:hunter2@127.0.0.1:1/d":       "is the server running",
		"postgres://u:hunter2@nobody.invalid/d":    "there is no host nobody.invalid; is its name right",
		"postgres://u:hunter2@127.0.0.1:1/d?x=%zz": "not one of Postgres",
		"sqlite:":                                  "needs a file",
		"sqlite::memory:":                          "needs a file",
		"sqlite:/no/such/folder/a.db":              "/no/such/folder",
		"hunter2":                                  "allowed is",
		"punctual.db":                              "for a SQLite file of that name: sqlite:punctual.db",
	} {
		_, err := database.Open(t.Context(), address, database.Options{})
		if err == nil {
			t.Errorf("%q opens", address)
			continue
		}
		if !strings.Contains(err.Error(), word) || strings.Contains(err.Error(), "hunter2") && address != "hunter2" {
			t.Errorf("%q gives %q, which should say %q and no password", address, err, word)
		}
	}
}

func TestAFilesNameMayHoldWhatAddressesMustNot(t *testing.T) {
	for _, name := range []string{"with space.db", "per%cent.db", "quest?ion.db", "ha#sh.db", "plus+and&.db", "ü.db"} {
		path := filepath.Join(t.TempDir(), name)
		db := open(t, "sqlite:"+path, database.Options{})
		exec(t, db, "CREATE TABLE thing (id integer)")
		if err := db.Reader().QueryRow(t.Context(), "SELECT count(*) FROM thing").Scan(new(int)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
		if _, err := db.Reader().Exec(t.Context(), "INSERT INTO thing VALUES (1)"); err == nil {
			t.Error("a reader may write")
		}
	}
}

func TestMigrationsNeedNoMoreThanOneConnectionAndTellWhatIsWrong(t *testing.T) {
	onBoth(t, database.Options{MaxConnections: 1}, func(t *testing.T, db *database.Database) {
		migration := func(statement string) fstest.MapFS {
			files := fstest.MapFS{}
			for _, kind := range []database.Kind{database.Postgres, database.SQLite} {
				files[fmt.Sprintf("%s/00001_one.sql", kind)] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + statement + ";\n")}
			}
			return files
		}
		firsts := 0
		first := func(context.Context, any) error { firsts++; return nil }
		for range 2 {
			if err := db.Migrate(t.Context(), migration("CREATE TABLE other (id integer)"), first); err != nil {
				t.Fatal(err)
			}
		}
		exec(t, db, "INSERT INTO other VALUES (1)")
		if firsts != 2 {
			t.Errorf("what comes first ran %d times", firsts)
		}
	})
}

func TestOnAFileAnotherConnectionsWriteIsAHint(t *testing.T) {
	address := "sqlite:" + filepath.Join(t.TempDir(), "shared.db")
	listener, writer := open(t, address, database.Options{}), open(t, address, database.Options{})
	exec(t, writer, "CREATE TABLE thing (id integer)")
	ctx, stop := context.WithCancel(t.Context())
	woken, done := make(chan struct{}, 100), make(chan error, 1)
	go func() { done <- listener.Wakeups(ctx, "any", func() { woken <- struct{}{} }) }()
	for heard := false; !heard; {
		exec(t, writer, "INSERT INTO thing (id) VALUES (1)")
		select {
		case <-woken:
			heard = true
		case <-time.After(10 * time.Millisecond): // it may not listen yet
		case err := <-done:
			t.Fatal(err)
		}
	}
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("listening ended with %v", err)
	}
}

func TestManyWhoAskForNewStatementsAtOnceAllGetOn(t *testing.T) {
	onBoth(t, database.Options{}, func(t *testing.T, db *database.Database) {
		exec(t, db, "CREATE TABLE many (id integer)")
		var all sync.WaitGroup
		for i := range 16 {
			all.Go(func() {
				for n := range 20 {
					err := db.Transaction(t.Context(), func(tx database.Tx) error {
						_, err := tx.Exec(t.Context(), fmt.Sprintf("INSERT INTO many (id) VALUES (%d)", i*20+n%7))
						return err
					})
					if err != nil {
						t.Error(err)
					}
					var count int
					if err := db.Reader().QueryRow(t.Context(), fmt.Sprintf("SELECT count(*) FROM many WHERE id < %d", i+n)).Scan(&count); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
	})
}

func TestManyMayOpenANewFileAtOnce(t *testing.T) {
	for range 20 {
		address := "sqlite:" + filepath.Join(t.TempDir(), "a.db")
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				db, err := database.Open(t.Context(), address, database.Options{})
				if err != nil {
					t.Error(err)
					return
				}
				db.Close()
			})
		}
		wg.Wait()
	}
}

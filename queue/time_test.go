package queue

import (
	"context"
	"testing"
	"time"

	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/internal/pgtest"
)

func TestAHostIsBelievedUnlessItIsFartherFromTheDatabaseThanAskingExplains(t *testing.T) {
	asked := time.Date(2026, 3, 7, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name              string
		told, took, ahead time.Duration
	}{
		{"the same", 5 * time.Millisecond, 10 * time.Millisecond, 0},
		{"good time", 90 * time.Millisecond, 0, 0},
		{"a slow answer", 240 * time.Millisecond, 300 * time.Millisecond, 0},
		{"the host is behind", time.Hour + 10*time.Millisecond, 20 * time.Millisecond, time.Hour},
		{"the host is ahead", -time.Hour + 10*time.Millisecond, 20 * time.Millisecond, -time.Hour},
	} {
		if ahead := difference(asked, asked.Add(c.told), asked.Add(c.took)); ahead != c.ahead {
			t.Errorf("%s: the database is ahead by %s, want %s", c.name, ahead, c.ahead)
		}
	}
}

func TestAWorkerOnAHostThatIsWrongGoesByTheDatabasesTime(t *testing.T) {
	const wrong = 2 * time.Hour
	db, err := database.Open(t.Context(), pgtest.New(t), database.Options{Now: func() time.Time { return time.Now().Add(wrong) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	if err := Migrate(t.Context(), db.Native()); err != nil {
		t.Fatal(err)
	}
	q, err := Open(db)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Transaction(t.Context(), func(tx database.Tx) error {
		_, err := q.InsertTx(t.Context(), tx, someJobs()[:1])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var told time.Time
	err = q.Work(ctx, WorkOptions{ID: "one", Queues: []string{"default"}, Concurrency: 1, Handlers: map[string]Handler{
		KindCommand: func(_ context.Context, a Attempt) error {
			told = a.Now()
			stop()
			return nil
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	var ended time.Time
	if err := db.Reader().QueryRow(t.Context(), "SELECT finalized_at FROM river_job").Scan(&ended); err != nil {
		t.Fatal(err)
	}
	for what, at := range map[string]time.Time{"the attempt was told": told, "the end was written down as": ended} {
		if off := time.Until(at) - wrong; off.Abs() > time.Minute {
			t.Errorf("%s %s, which is off by %s", what, at, off)
		}
	}
}

package punctual

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/queue"
	"github.com/punctual-dev/punctual/store"
)

// fleet is processes that beat in fake time, on a database that can be away and
// whose clock can be set.
type fleet struct {
	*testing.T
	store *store.Store
	away  atomic.Bool
	ahead atomic.Int64 // of the database's clock
	stops map[string]func()
	lives map[string]*lifeline

	beating sync.WaitGroup
}

// inFakeTime has three workers and a clock that have been beating for a minute.
func inFakeTime(t *testing.T, test func(f *fleet)) {
	address := "sqlite:" + filepath.Join(t.TempDir(), "test.db")
	synctest.Test(t, func(t *testing.T) {
		f := &fleet{T: t, stops: map[string]func(){}, lives: map[string]*lifeline{}}
		db, err := database.Open(t.Context(), address, database.Options{
			Now: func() time.Time { return time.Now().Add(time.Duration(f.ahead.Load())) },
			Trace: func(string) {
				for f.away.Load() {
					time.Sleep(100 * time.Millisecond)
				}
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if f.store, err = store.Open(db); err != nil {
			t.Fatal(err)
		}
		if err := f.store.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer func() {
			f.away.Store(false)
			for _, stop := range f.stops {
				stop()
			}
			f.beating.Wait()
		}()
		for _, id := range []string{"clock", "web-1", "web-2", "web-3"} {
			f.start(id)
		}
		time.Sleep(time.Minute)
		test(f)
	})
}

// start has a process beat until its stop is called.
func (f *fleet) start(id string) {
	l := &lifeline{
		store: f.store, log: slog.New(slog.DiscardHandler), lost: make(chan struct{}), leader: &leaderNote{},
		process: store.Process{ID: id, Role: "worker"},
	}
	ctx, cancel := context.WithCancel(context.Background())
	f.beating.Go(func() {
		l.turn(ctx)
		l.beatOn(ctx)
	})
	f.lives[id], f.stops[id] = l, cancel
}

// lost are those that were found dead.
func (f *fleet) lost() (ids []string) {
	f.Helper()
	all, err := f.store.Processes(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	for _, p := range all {
		if !p.LostAt.IsZero() {
			ids = append(ids, p.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

func TestWhoIsSilentIsFoundAndNobodyElse(t *testing.T) {
	killed := func(f *fleet) { f.stops["web-3"]() }
	tests := []struct {
		name  string
		after func(f *fleet) // what happens
		until time.Duration  // after that
		lost  []string
	}{
		{"a worker that was killed is not yet dead", killed, 14 * time.Second, nil},
		{"a worker that was killed has been found after 21 seconds", killed, 21 * time.Second, []string{"web-3"}},
		{"a database that is away for a minute leaves everybody alive", func(f *fleet) {
			f.away.Store(true)
			time.Sleep(time.Minute)
			f.away.Store(false)
		}, time.Minute, nil},
		{"one that was killed while it was away has its full time again", func(f *fleet) {
			f.away.Store(true)
			killed(f)
			time.Sleep(time.Minute)
			f.away.Store(false)
		}, 15 * time.Second, nil},
		{"and is found then", func(f *fleet) {
			f.away.Store(true)
			killed(f)
			time.Sleep(time.Minute)
			f.away.Store(false)
		}, 45 * time.Second, []string{"web-3"}},
		{"a clock that is set ahead leaves everybody alive", func(f *fleet) { f.ahead.Add(int64(time.Hour)) }, time.Minute, nil},
		{"a clock that is set ahead by less than an hour, too", func(f *fleet) { f.ahead.Add(int64(25 * time.Second)) }, time.Minute, nil},
		{"a clock that is set back leaves everybody alive", func(f *fleet) { f.ahead.Add(-int64(time.Hour)) }, time.Minute, nil},
		{"a clock that is set back a little, too", func(f *fleet) { f.ahead.Add(-int64(7 * time.Second)) }, time.Minute, nil},
		{"who was killed before the clock was set ahead is found", func(f *fleet) {
			killed(f)
			f.ahead.Add(int64(time.Hour))
		}, time.Minute, []string{"web-3"}},
		{"who was killed before the clock was set back is found", func(f *fleet) {
			killed(f)
			f.ahead.Add(-int64(time.Hour))
		}, time.Minute, []string{"web-3"}},
		{"one alone that was away finds nobody dead before it was steady", func(f *fleet) {
			for _, stop := range f.stops {
				stop()
			}
			time.Sleep(time.Hour)
			f.start("web-4")
		}, 19 * time.Second, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			inFakeTime(t, func(f *fleet) {
				test.after(f)
				time.Sleep(test.until)
				if got := f.lost(); !slices.Equal(got, test.lost) {
					t.Errorf("found dead were %q, want %q", got, test.lost)
				}
			})
		})
	}
}

func TestAWorkerKnowsWhetherItStillOwnsItsJobs(t *testing.T) {
	lose := func(f *fleet) {
		err := f.store.Database().Transaction(f.Context(), func(tx database.Tx) error {
			_, err := tx.Exec(f.Context(), "UPDATE punctual_process SET lost_at = $1 WHERE id = 'web-3'", time.Now())
			return err
		})
		if err != nil {
			f.Fatal(err)
		}
	}
	tests := []struct {
		name  string
		after func(f *fleet)
		takes time.Duration // until it knows, at most
		owns  error
	}{
		{"while it beats", func(*fleet) {}, 0, nil},
		{"when it was cut off, and nobody took its jobs", func(f *fleet) {
			f.stops["web-3"]()
			time.Sleep(12 * time.Second)
		}, 0, nil},
		{"when it was cut off, and somebody did", func(f *fleet) {
			f.stops["web-3"]()
			time.Sleep(time.Minute)
			lose(f)
		}, 0, queue.ErrLost},
		{"not before the database answers", func(f *fleet) {
			f.stops["web-3"]()
			f.away.Store(true)
			time.Sleep(time.Minute)
			time.AfterFunc(time.Minute, func() { f.away.Store(false) })
		}, 2 * time.Minute, nil},
		{"and what somebody did meanwhile is known then", func(f *fleet) {
			lose(f)
			f.stops["web-3"]()
			f.away.Store(true)
			time.Sleep(time.Minute)
			time.AfterFunc(time.Minute, func() { f.away.Store(false) })
		}, 2 * time.Minute, queue.ErrLost},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			inFakeTime(t, func(f *fleet) {
				test.after(f)
				began := time.Now()
				err := f.lives["web-3"].owns(f.Context())
				if took := time.Since(began); !errors.Is(err, test.owns) || took > test.takes {
					t.Errorf("after %s it knows %v, want %v after at most %s", took, err, test.owns, test.takes)
				}
			})
		})
	}
}

func TestWhoGivesUpAskingDoesNotKnowWhetherItOwnsItsJobs(t *testing.T) {
	inFakeTime(t, func(f *fleet) {
		f.stops["web-3"]()
		f.away.Store(true)
		time.Sleep(time.Minute)
		ctx, cancel := context.WithTimeout(f.Context(), 10*time.Second)
		defer cancel()
		time.AfterFunc(30*time.Second, func() { f.away.Store(false) }) // a statement hangs that long
		if err := f.lives["web-3"].owns(ctx); err == nil || errors.Is(err, queue.ErrLost) {
			t.Errorf("it knows %v", err)
		}
	})
}

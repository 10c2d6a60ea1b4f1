package queue_test

import (
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/punctual-dev/punctual/internal/pgtest"
	"github.com/punctual-dev/punctual/queue"
)

func TestTheIndexOfArgumentsIsLeftOutUnlessRiversTablesWereThereBefore(t *testing.T) {
	for _, c := range []struct {
		name   string
		before bool
	}{
		{name: "an empty database", before: false},
		{name: "a database of other River programs", before: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			pool, err := pgxpool.New(t.Context(), pgtest.New(t))
			if err != nil {
				t.Fatal(err)
			}
			defer pool.Close()
			if c.before {
				river, err := rivermigrate.New(riverpgxv5.New(pool), nil)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := river.Migrate(t.Context(), rivermigrate.DirectionUp, nil); err != nil {
					t.Fatal(err)
				}
			}
			for range 2 { // as every process does
				if err := queue.Migrate(t.Context(), pool); err != nil {
					t.Fatal(err)
				}
				var there bool
				if err := pool.QueryRow(t.Context(), "SELECT to_regclass('river_job_args_index') IS NOT NULL").Scan(&there); err != nil {
					t.Fatal(err)
				}
				if there != c.before {
					t.Errorf("the index is there: %v; want %v", there, c.before)
				}
			}
		})
	}
}

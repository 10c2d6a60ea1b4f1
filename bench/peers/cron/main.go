// Command cron is a robfig/cron with so many entries, each of which inserts a
// River job when it fires.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/robfig/cron/v3"

	"github.com/punctual-dev/punctual/bench/peers/load"
)

// connections are more than pgx has as a default on a small machine (4), so that
// commits of many entries can share a write to the disk.
const connections = 10

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "cron: %v\n", err)
		os.Exit(1)
	}
}

// job is what an entry makes.
type job struct {
	Schedule int       `json:"schedule"`
	Due      time.Time `json:"due"` // cron does not tell it; it is never early, so it can be known
}

func (job) Kind() string { return "job" }

func run(ctx context.Context) error {
	l, address, err := load.Arguments()
	if err != nil {
		return err
	}
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		return err
	}
	config.MaxConns = connections
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return err
	}
	defer pool.Close()
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), nil)
	if err != nil {
		return err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return err
	}
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{})
	if err != nil {
		return err
	}
	c := cron.New()
	for i := range l.Schedules {
		s := l.Schedule(i)
		c.Schedule(s, cron.FuncJob(func() {
			if _, err := client.Insert(ctx, job{i, s.Last(time.Now())}, nil); err != nil {
				fmt.Fprintf(os.Stderr, "cron: the job of %d is lost: %v\n", i, err)
			}
		}))
	}
	c.Start()
	load.Ready()
	<-ctx.Done()
	return nil
}

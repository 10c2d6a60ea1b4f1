// Command river is a River client with so many periodic jobs. It works none of
// the jobs it makes: they go to a queue that nobody reads, so that nothing but
// the schedules is measured.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/punctual-dev/punctual/bench/peers/load"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "river: %v\n", err)
		os.Exit(1)
	}
}

// job is what a schedule makes.
type job struct {
	Schedule int `json:"schedule"`
}

func (job) Kind() string { return "job" }

// idle is the worker that a client has to have before it starts.
type idle struct{ river.WorkerDefaults[job] }

func (idle) Work(context.Context, *river.Job[job]) error { return nil }

func run(ctx context.Context) error {
	l, address, err := load.Arguments()
	if err != nil {
		return err
	}
	pool, err := pgxpool.New(ctx, address)
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
	periodic := make([]*river.PeriodicJob, l.Schedules)
	for i := range periodic {
		periodic[i] = river.NewPeriodicJob(l.Schedule(i), func() (river.JobArgs, *river.InsertOpts) { return job{i}, nil }, nil)
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, idle{})
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{
		Logger:       slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		PeriodicJobs: periodic,
		Queues:       map[string]river.QueueConfig{"idle": {MaxWorkers: 1}},
		Workers:      workers,
	})
	if err != nil {
		return err
	}
	if err := client.Start(ctx); err != nil {
		return err
	}
	// Only a leader has its schedules in force. It begins within a second of its
	// election.
	for elected := false; !elected; time.Sleep(20 * time.Millisecond) {
		if err := pool.QueryRow(ctx, "SELECT EXISTS (SELECT FROM river_leader)").Scan(&elected); err != nil {
			return err
		}
	}
	time.Sleep(1500 * time.Millisecond)
	load.Ready()
	<-ctx.Done()
	return nil
}

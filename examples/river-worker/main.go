// Command river-worker is a program that knows River and nothing of punctual. It
// works the jobs of one kind that punctual.yaml schedules and `punctual clock`
// puts into the queue.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
)

// Resize are the args of the job in punctual.yaml.
type Resize struct {
	Album string `json:"album"`
	Width int    `json:"width"`
}

// Kind is the kind of the job in punctual.yaml.
func (Resize) Kind() string { return "resize" }

// resize does the work. The name of the occurrence is the job's idempotency key.
func resize(ctx context.Context, job *river.Job[Resize]) error {
	var told struct {
		Occurrence string `json:"punctual_occurrence"`
	}
	if err := json.Unmarshal(job.Metadata, &told); err != nil {
		return err
	}
	fmt.Printf("resized %s to %d for %s\n", job.Args.Album, job.Args.Width, told.Occurrence)
	return nil
}

func run(ctx context.Context) error {
	pool, err := pgxpool.New(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		return err
	}
	defer pool.Close()
	workers := river.NewWorkers()
	river.AddWorker(workers, river.WorkFunc(resize))
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{
		Queues:  map[string]river.QueueConfig{"images": {MaxWorkers: 10}},
		Workers: workers,
		// Where another program works the same queue, each takes its own.
		FetchOnlyKnownKinds: true,
		// River's leader discards stuck jobs of kinds it does not know. A worker
		// of punctual leads: it knows that commands may run for hours.
		LeaderElectionDisabled: true,
		SoftStopTimeout:        20 * time.Second,
	})
	if err != nil {
		return err
	}
	if err := client.Start(ctx); err != nil {
		return err
	}
	<-client.Stopped() // which it is, in order, when ctx ends
	return nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		log.Fatal(err)
	}
}

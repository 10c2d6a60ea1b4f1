// Command library is a Go program that greets every two seconds: clock and
// worker run in its own process.
//
//	go run ./examples/library
//
// It keeps time in a file, library.db, or in the database that DATABASE_URL
// names. Start it twice, and each greeting is still said once.
package main

import (
	"cmp"
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/riverqueue/river"

	"github.com/punctual-dev/punctual"
)

// Greeting is what a job is given.
type Greeting struct {
	Name string `json:"name"`
}

// Kind names this kind of job in the queue.
func (Greeting) Kind() string { return "greeting" }

// greet is what a job does.
func greet(ctx context.Context, job *river.Job[Greeting]) error {
	told, err := punctual.Told(job)
	if err != nil {
		return err
	}
	fmt.Printf("hello, %s: this is %s\n", job.Args.Name, told.Occurrence)
	return nil
}

func run(ctx context.Context) error {
	p, err := punctual.Open(ctx, cmp.Or(os.Getenv("DATABASE_URL"), "sqlite:library.db"))
	if err != nil {
		return err
	}
	defer p.Close()
	punctual.AddWorker(p, river.WorkFunc(greet))
	p.Schedule("greeting", "every 2s", Greeting{Name: "world"}, punctual.Retries(2))
	return p.Run(ctx)
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		log.Fatal(err)
	}
}

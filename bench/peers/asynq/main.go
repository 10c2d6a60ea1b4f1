// Command asynq is an asynq Scheduler with so many entries, all due at one
// instant.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/hibiken/asynq"

	"github.com/punctual-dev/punctual/bench/peers/load"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "asynq: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	l, address, err := load.Arguments()
	if err != nil {
		return err
	}
	if l.Spread {
		return errors.New("its expressions know whole seconds only, so a spread load cannot be given to it")
	}
	s := asynq.NewScheduler(asynq.RedisClientOpt{Network: "unix", Addr: address}, &asynq.SchedulerOpts{LogLevel: asynq.WarnLevel})
	when, start := expression(l)
	for i := range l.Schedules {
		payload, err := json.Marshal(map[string]int{"schedule": i})
		if err != nil {
			return err
		}
		if _, err := s.Register(when, asynq.NewTask("job", payload)); err != nil {
			return err
		}
	}
	if !start.IsZero() && time.Now().After(start) {
		return errors.New("it took too long to register the entries")
	}
	time.Sleep(time.Until(start))
	if err := s.Start(); err != nil {
		return err
	}
	load.Ready()
	<-ctx.Done()
	s.Shutdown()
	return nil
}

// expression says when a load is due, and when the scheduler has to start for
// that, if it matters. A herd that is due again after less than an hour is an
// interval, which is counted from the second in which the scheduler starts;
// another is due at a whole minute, once a year.
func expression(l load.Load) (when string, start time.Time) {
	if l.Every < time.Hour {
		return "@every " + l.Every.String(), l.Due.Add(100*time.Millisecond - l.Every)
	}
	return l.Due.UTC().Format("4 15 2 1 *"), time.Time{}
}

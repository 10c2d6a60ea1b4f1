// Command asynq is an asynq Scheduler with so many entries, all due at one
// instant.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/hibiken/asynq"

	"github.com/punctual-dev/punctual/bench/peers/load"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "asynq: %v\n", err)
		os.Exit(1)
	}
}

func run() error {
	l, address, err := load.Arguments()
	if err != nil {
		return err
	}
	if l.Spread {
		return errors.New("its expressions know whole seconds only, so a spread load cannot be given to it")
	}
	s := asynq.NewScheduler(asynq.RedisClientOpt{Network: "unix", Addr: address}, &asynq.SchedulerOpts{LogLevel: asynq.WarnLevel})
	// An interval is counted from the second in which the scheduler starts. An
	// expression would mean to wait for a whole minute.
	every := "@every " + l.Every.String()
	for i := range l.Schedules {
		payload, err := json.Marshal(map[string]int{"schedule": i})
		if err != nil {
			return err
		}
		if _, err := s.Register(every, asynq.NewTask("job", payload)); err != nil {
			return err
		}
	}
	start := l.Due.Add(-l.Every)
	if time.Now().After(start) {
		return errors.New("it took too long to register the entries")
	}
	time.Sleep(time.Until(start) + 100*time.Millisecond)
	if err := s.Start(); err != nil {
		return err
	}
	load.Ready()
	select {} // until killed
}

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/bench/house"
	"github.com/punctual-dev/punctual/bench/peers/load"
	"github.com/punctual-dev/punctual/bench/process"
	"github.com/punctual-dev/punctual/internal/pgtest"
)

// scheduler is somebody who is measured.
type scheduler struct {
	name string
	// crowd has n schedules due at one instant.
	crowd func(ctx context.Context, n int) (*stage, error)
	// spread has n schedules due one after the other, each once in so long; nil if
	// it cannot.
	spread func(ctx context.Context, n int, every time.Duration) (*stage, error)
}

var (
	oneClock  = punctual("one clock", 1)
	twoClocks = punctual("two clocks", 2)
	// River's jobs bear the instant for which they are scheduled, those of cron
	// the one that its program found.
	river = onPostgres("River's periodic jobs", "river", "SELECT scheduled_at AS due, xmin AS made FROM river_job")
	cron  = onPostgres("robfig/cron", "cron", "SELECT (args->>'due')::timestamptz AS due, xmin AS made FROM river_job")
	// Redis as it comes keeps nothing that is younger than its last snapshot. With
	// a log that is synced for each command it keeps what it has confirmed, as
	// Postgres does.
	asynqAsItComes = onRedis("asynq, Redis as it comes")
	asynqDurable   = onRedis("asynq, durable", "--appendonly", "yes", "--appendfsync", "always")
)

// stage is a scheduler at work: its processes, and the queue that they fill.
type stage struct {
	queue
	processes []*process.Process
	due       time.Time // of the first
	close     func()
}

// queue is where jobs go.
type queue interface {
	// jobs is how many there are.
	jobs(context.Context) (int, error)
	// moments is when they became durable; looks are what was seen meanwhile.
	moments(ctx context.Context, looks []look) (moments, error)
	// lateness is how many milliseconds after its due each became durable that was
	// due in a span, sorted.
	lateness(ctx context.Context, from, to time.Time) ([]float64, error)
	// patience is how long nothing may happen until nothing more is to come.
	patience() time.Duration
}

// moments is when jobs became durable.
type moments struct {
	jobs              int
	first, half, last time.Time
}

// look is how many jobs were there when.
type look struct {
	at   time.Time
	jobs int
}

// ready makes sure that everything was in force a while before the first is due.
func (s *stage) ready(name string) error {
	if left := time.Until(s.due); left < time.Second {
		return fmt.Errorf("%s was ready %s before the first was due, which is too late", name, left)
	}
	return nil
}

// punctual is our own clocks.
func punctual(name string, clocks int) scheduler {
	start := func(ctx context.Context, h *house.House, due time.Time) (*stage, error) {
		s := &stage{close: h.Close, due: due}
		err := h.StartClocks(ctx, clocks)
		if err == nil {
			s.processes = h.Clocks
			err = s.ready(name)
		}
		if err == nil {
			s.queue, err = openPostgres(ctx, h.Address, "SELECT o.due_at AS due, j.xmin AS made FROM punctual_occurrence o JOIN river_job j ON j.id = o.job_id")
		}
		if err != nil {
			h.Close()
		}
		return s, err
	}
	return scheduler{
		name: name,
		crowd: func(ctx context.Context, n int) (*stage, error) {
			h, due, err := house.Crowd(ctx, "postgres", programs, n, house.CommitTimes)
			if err != nil {
				return nil, err
			}
			return start(ctx, h, due)
		},
		spread: func(ctx context.Context, n int, every time.Duration) (*stage, error) {
			h, err := house.Open(ctx, "postgres", programs, house.CommitTimes)
			if err != nil {
				return nil, err
			}
			if err := h.SpreadOut(ctx, n, every, 0); err != nil {
				h.Close()
				return nil, err
			}
			// An interval is counted from the epoch, and its first instant is the
			// next one then.
			return start(ctx, h, time.Now().Add(3*time.Second).Truncate(every).Add(every))
		},
	}
}

// onPostgres is a program that makes jobs on Postgres; made is a query for the due
// and the transaction of each.
func onPostgres(name, program, made string) scheduler {
	start := func(ctx context.Context, l load.Load) (*stage, error) {
		server, err := pgtest.Launch(pgtest.Durable(), house.CommitTimes)
		if err != nil {
			return nil, err
		}
		l.Due = time.Now().Add(5*time.Second + time.Duration(l.Schedules)*50*time.Microsecond).Truncate(time.Second).Add(time.Second)
		s, err := startProgram(ctx, name, program, server.URL(), l, server.Close)
		if err != nil {
			return nil, err
		}
		if s.queue, err = openPostgres(ctx, server.URL(), made); err != nil {
			s.close()
		}
		return s, err
	}
	return scheduler{
		name: name,
		crowd: func(ctx context.Context, n int) (*stage, error) {
			return start(ctx, load.Load{Schedules: n, Every: time.Hour})
		},
		spread: func(ctx context.Context, n int, every time.Duration) (*stage, error) {
			return start(ctx, load.Load{Schedules: n, Every: every, Spread: true})
		},
	}
}

// onRedis is asynq's scheduler, over a server with settings.
func onRedis(name string, settings ...string) scheduler {
	return scheduler{name: name, crowd: func(ctx context.Context, n int) (*stage, error) {
		server, err := openRedis(ctx, settings)
		if err != nil {
			return nil, err
		}
		registered := time.Now().Add(3*time.Second + time.Duration(n)*50*time.Microsecond)
		l := load.Load{Schedules: n, Due: registered.Truncate(time.Minute).Add(time.Minute), Every: time.Hour}
		if n <= 1000 {
			// A small herd need not wait for a whole minute, but it is due again soon,
			// and by then all of it has to be over.
			l.Every = 6 * time.Second
			l.Due = registered.Truncate(time.Second).Add(l.Every)
		}
		s, err := startProgram(ctx, name, "asynq", server.socket, l, server.close)
		if err != nil {
			return nil, err
		}
		s.queue = server
		return s, nil
	}}
}

// startProgram starts a peer and waits until its schedules are in force. The queue
// is closed with it.
func startProgram(ctx context.Context, name, program, address string, l load.Load, closeQueue func()) (s *stage, err error) {
	folder, err := os.MkdirTemp("", "punctual-bench-")
	if err != nil {
		closeQueue()
		return nil, err
	}
	s = &stage{due: l.Due}
	s.close = func() {
		for _, p := range s.processes {
			p.Kill()
		}
		closeQueue()
		os.RemoveAll(folder)
	}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	log := filepath.Join(folder, "log")
	p, err := process.Start(log, filepath.Join(programs, program), l.Arguments(address)...)
	if err != nil {
		return nil, err
	}
	s.processes = []*process.Process{p}
	if err = process.Until(ctx, time.Minute, 10*time.Millisecond, s.processes, func() (bool, error) {
		text, err := os.ReadFile(log)
		return strings.Contains(string(text), load.Word), err
	}); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return s, s.ready(name)
}

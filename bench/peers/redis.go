package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/punctual-dev/punctual/bench/process"
)

// pending is where asynq puts the tasks of its default queue.
const pending = "asynq:{default}:pending"

// redisServer is a queue of asynq, which nobody reads.
type redisServer struct {
	socket string
	folder string
	server *process.Process
	client *redis.Client
}

// openRedis starts a server that lives until it is closed.
func openRedis(ctx context.Context, settings []string) (r *redisServer, err error) {
	r = &redisServer{}
	defer func() {
		if err != nil {
			r.close()
		}
	}()
	if r.folder, err = os.MkdirTemp("", "punctual-redis-"); err != nil {
		return nil, err
	}
	r.socket = filepath.Join(r.folder, "socket")
	arguments := append([]string{"--port", "0", "--unixsocket", r.socket, "--dir", r.folder}, settings...)
	if r.server, err = process.Start(filepath.Join(r.folder, "log"), "redis-server", arguments...); err != nil {
		return nil, err
	}
	r.client = redis.NewClient(&redis.Options{Network: "unix", Addr: r.socket, MaxRetries: -1})
	err = process.Until(ctx, 10*time.Second, 10*time.Millisecond, []*process.Process{r.server}, func() (bool, error) {
		return r.client.Ping(ctx).Err() == nil, nil
	})
	return r, err
}

func (r *redisServer) close() {
	if r.client != nil {
		_ = r.client.Close()
	}
	if r.server != nil {
		r.server.Kill()
	}
	os.RemoveAll(r.folder)
}

// jobs answers after what it counts has been written, where each command is
// synced: answers are held back until then.
func (r *redisServer) jobs(ctx context.Context) (int, error) {
	n, err := r.client.LLen(ctx, pending).Result()
	return int(n), err
}

func (r *redisServer) moments(ctx context.Context, looks []look) (m moments, err error) {
	if m.jobs, err = r.jobs(ctx); err != nil {
		return m, err
	}
	for _, l := range looks {
		if l.jobs > 0 && m.first.IsZero() {
			m.first = l.at
		}
		if 2*l.jobs >= m.jobs && m.half.IsZero() {
			m.half = l.at
		}
		if l.jobs >= m.jobs && m.last.IsZero() {
			m.last = l.at
		}
	}
	return m, nil
}

func (r *redisServer) lateness(context.Context, time.Time, time.Time) ([]float64, error) {
	return nil, errors.New("tasks in Redis do not say when they were made")
}

// patience is longer than the four seconds for which a task waits for a connection.
func (r *redisServer) patience() time.Duration { return 10 * time.Second }

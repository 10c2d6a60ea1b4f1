package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/punctual-dev/punctual/internal/network"
	"github.com/punctual-dev/punctual/internal/pgtest"
)

var both, onlyPostgres, onlySQLite = []string{"postgres", "sqlite"}, []string{"postgres"}, []string{"sqlite"}

// cruelties are all that can happen.
var cruelties = []cruelty{
	{"kill -9", "processes", both, 8, killOne},
	{"kill -9 of all at once", "processes", both, 1, killAll},
	{"stopped and continued (SIGSTOP)", "processes", both, 5, freezeOne},
	{"restarted in order", "processes", both, 4, restartOne},

	{"server crashed", "database", onlyPostgres, 3, crashServer},
	{"server restarted", "database", onlyPostgres, 2, restartServer},
	{"failed over to a copy of the server", "database", onlyPostgres, 1, failOver},
	{"sessions ended by the server", "database", onlyPostgres, 3, endSessions},
	{"connections reset", "database", onlyPostgres, 3, cutConnections},
	{"connections torn in mid-message", "database", onlyPostgres, 2, tearConnections},
	{"connections dead without a word", "database", onlyPostgres, 2, forsakeConnections},
	{"network slow", "database", onlyPostgres, 3, slowNetwork},
	{"network silent", "database", onlyPostgres, 2, silentNetwork},
	{"connections refused", "database", onlyPostgres, 2, refuseConnections},
	{"file locked by another program", "database", onlySQLite, 3, lockFile},
	{"file checkpointed and vacuumed", "database", onlySQLite, 1, vacuumFile},

	{"garbage sent to the web process", "garbage", both, 3, sendGarbage},
	{"garbage applied", "garbage", both, 1, applyGarbage},
	{"garbage in the environment", "garbage", both, 1, startWithGarbage},
	{"garbage in a row", "garbage", both, 2, spoilRow},
}

func killOne(_ context.Context, s *siege, r *rand.Rand) (string, error) {
	m := s.anyone(r)
	m.kill()
	return m.name, nil
}

func killAll(_ context.Context, s *siege, _ *rand.Rand) (string, error) {
	for _, m := range s.members {
		m.kill()
	}
	return "", nil
}

// freezeOne stops a process for a moment, or for longer than it takes to be
// found dead.
func freezeOne(ctx context.Context, s *siege, r *rand.Rand) (string, error) {
	m := s.anyone(r)
	d := between(r, 100*time.Millisecond, 5*time.Second)
	if r.IntN(8) == 0 {
		d = between(r, 21*time.Second, 30*time.Second)
	}
	m.signal(syscall.SIGSTOP)
	defer m.signal(syscall.SIGCONT)
	_ = wait(ctx, d)
	return fmt.Sprintf("%s for %s", m.name, d), nil
}

// stopLimit is how long a process may take to end when asked: the grace of its
// jobs, what killing them takes, and a database that is away meanwhile.
const stopLimit = time.Minute

func restartOne(_ context.Context, s *siege, r *rand.Rand) (string, error) {
	m := s.anyone(r)
	if err := m.stop(stopLimit); err != nil {
		s.fault("%v", err)
	}
	return m.name, nil
}

// crashServer drops everything at once: the next start recovers from the
// write-ahead log.
func crashServer(ctx context.Context, s *siege, r *rand.Rand) (string, error) {
	return s.serverAway(ctx, pgtest.Immediate, between(r, 0, 6*time.Second))
}

func restartServer(ctx context.Context, s *siege, r *rand.Rand) (string, error) {
	return s.serverAway(ctx, pgtest.Fast, between(r, 0, 6*time.Second))
}

// failOver leaves the programs with an address behind which another server stands
// all at once.
func failOver(_ context.Context, s *siege, _ *rand.Rand) (string, error) {
	if err := s.house.server.Move(); err != nil {
		return "", err
	}
	address, err := url.Parse(s.house.server.URL())
	if err != nil {
		return "", err
	}
	s.network.Point(address.Host)
	return "", nil
}

func (s *siege) serverAway(ctx context.Context, mode pgtest.Mode, d time.Duration) (string, error) {
	if err := s.house.server.Stop(mode); err != nil {
		return "", err
	}
	_ = wait(ctx, d)
	return fmt.Sprintf("for %s", d), s.house.server.Start()
}

func endSessions(ctx context.Context, s *siege, _ *rand.Rand) (string, error) {
	var n int
	err := s.house.db.QueryRowContext(ctx, `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
		WHERE application_name = 'punctual'`).Scan(&n)
	return fmt.Sprintf("%d of them", n), err
}

func cutConnections(_ context.Context, s *siege, _ *rand.Rand) (string, error) {
	return fmt.Sprintf("%d of them", s.network.Cut()), nil
}

func forsakeConnections(_ context.Context, s *siege, _ *rand.Rand) (string, error) {
	return fmt.Sprintf("%d of them", s.network.Forsake()), nil
}

func tearConnections(ctx context.Context, s *siege, r *rand.Rand) (string, error) {
	s.network.During(ctx, network.Weather{Torn: true}, between(r, 50*time.Millisecond, time.Second))
	return "", nil
}

func slowNetwork(ctx context.Context, s *siege, r *rand.Rand) (string, error) {
	delay, d := between(r, 5*time.Millisecond, 400*time.Millisecond), between(r, time.Second, 10*time.Second)
	s.network.During(ctx, network.Weather{Delay: delay}, d)
	return fmt.Sprintf("by %s in each direction, for %s", delay, d), nil
}

func silentNetwork(ctx context.Context, s *siege, r *rand.Rand) (string, error) {
	d := between(r, time.Second, 15*time.Second)
	s.network.During(ctx, network.Weather{Silent: true}, d)
	return fmt.Sprintf("for %s", d), nil
}

func refuseConnections(ctx context.Context, s *siege, r *rand.Rand) (string, error) {
	d := between(r, 500*time.Millisecond, 8*time.Second)
	s.network.Turn(network.Weather{Refused: true})
	defer s.network.Turn(network.Weather{})
	n := s.network.Cut()
	_ = wait(ctx, d)
	return fmt.Sprintf("for %s, and %d cut", d, n), nil
}

// lockFile holds the file's one lock for writing, for longer than a process
// waits for it, now and then.
func lockFile(ctx context.Context, s *siege, r *rand.Rand) (string, error) {
	d := between(r, 500*time.Millisecond, 9*time.Second)
	connection, err := s.house.db.Conn(ctx)
	if err != nil {
		return "", err
	}
	defer connection.Close()
	if _, err := connection.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return "", busy(err)
	}
	_ = wait(ctx, d)
	_, err = connection.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
	return fmt.Sprintf("for %s", d), err
}

func vacuumFile(ctx context.Context, s *siege, _ *rand.Rand) (string, error) {
	for _, statement := range []string{"PRAGMA wal_checkpoint(TRUNCATE)", "VACUUM"} {
		if _, err := s.house.db.ExecContext(ctx, statement); busy(err) != nil {
			return "", err
		}
	}
	return "", nil
}

// busy lets pass that others had the file all the while: a frozen process may
// hold its lock for half a minute.
func busy(err error) error {
	if err != nil && (strings.Contains(err.Error(), "SQLITE_BUSY") || strings.Contains(err.Error(), "locked")) {
		return nil
	}
	return err
}

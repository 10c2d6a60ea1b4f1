package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/punctual-dev/punctual/internal/pgtest"
)

// smallDisk is the size of the file system of a scenario that fills it.
const smallDisk = 256 << 20

// mountSmall gives a directory a small file system of its own, which takes root.
func mountSmall(directory string) (unmount func(), err error) {
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return nil, err
	}
	// The account of the server has to come through.
	if err := os.Chmod(filepath.Dir(directory), 0o755); err != nil {
		return nil, err
	}
	if err := syscall.Mount("torture", directory, "tmpfs", 0, fmt.Sprintf("size=%d", smallDisk)); err != nil {
		return nil, err
	}
	return func() { _ = syscall.Unmount(directory, syscall.MNT_DETACH) }, nil
}

// fillDisk leaves the database without a byte of room, again and again, for
// several seconds each time, while schedules are due every second.
func fillDisk(ctx context.Context, h *house, r *report) error {
	if err := h.apply(ctx, everySecond(50, "every 200ms")); err != nil {
		return err
	}
	if _, err := h.startAll(); err != nil {
		return err
	}
	r.limit, r.disturbedLimit = 2*time.Second, 30*time.Second
	for end := time.Now().Add(h.full); time.Now().Before(end); {
		if err := wait(ctx, 4*time.Second); err != nil {
			return err
		}
		began := time.Now()
		ballast := filepath.Join(h.directory, "ballast")
		for full := time.Now().Add(6 * time.Second); time.Now().Before(full); {
			// What is freed meanwhile is taken as well.
			if err := fill(ballast); err != nil {
				return err
			}
			if err := wait(ctx, 50*time.Millisecond); err != nil {
				return err
			}
		}
		if err := os.Remove(ballast); err != nil {
			return err
		}
		if h.server != nil {
			// A server that finds no room for its log gives up, as it is meant to.
			if err := h.server.Start(); err != nil {
				return err
			}
		}
		r.disturbed = append(r.disturbed, span{began, time.Now().Add(time.Second)})
		r.event(fmt.Sprintf("the disk was full for %s", time.Since(began).Round(100*time.Millisecond)))
	}
	if err := wait(ctx, 10*time.Second); err != nil {
		return err
	}
	h.allAlive(r)
	return nil
}

// fill writes into a file until there is no room.
func fill(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	for _, size := range []int{1 << 20, 4 << 10, 1} {
		for err == nil {
			_, err = file.Write(make([]byte, size))
		}
		if !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, io.ErrShortWrite) {
			return err
		}
		err = nil
	}
	return nil
}

// onSmallDisk are the settings of a server that has little room.
func onSmallDisk(directory string) []pgtest.Option {
	return []pgtest.Option{
		pgtest.Dir(filepath.Join(directory, "server")), pgtest.Setting("max_wal_size", "48MB"), pgtest.Setting("min_wal_size", "32MB"),
		pgtest.Setting("checkpoint_timeout", "30s"),
	}
}

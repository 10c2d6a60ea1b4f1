package main

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// disk syncs a small file all the while. A database that syncs each commit
// cannot be faster than the disk, so a decision is allowed the time in which the
// disk stood still beside it.
type disk struct {
	mu     sync.Mutex
	stalls []span
	max    time.Duration
	stop   context.CancelFunc
	done   chan struct{}
}

// stallFrom is how long a sync takes to be called a stall.
const stallFrom = 200 * time.Millisecond

func watchDisk(directory string) (*disk, error) {
	file, err := os.Create(filepath.Join(directory, "sync"))
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	d := &disk{stop: stop, done: make(chan struct{})}
	go func() {
		defer close(d.done)
		defer file.Close()
		for ctx.Err() == nil {
			start := time.Now()
			_, _ = file.WriteAt(make([]byte, 4096), 0)
			_ = file.Sync()
			d.took(start, time.Since(start))
			_ = wait(ctx, 50*time.Millisecond)
		}
	}()
	return d, nil
}

func (d *disk) took(start time.Time, length time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.max = max(d.max, length)
	if length >= stallFrom {
		d.stalls = append(d.stalls, span{start, start.Add(length)})
	}
}

func (d *disk) close() {
	d.stop()
	<-d.done
}

// stalled is how long the disk stood still between two instants. What waits
// behind a stall may meet the next at once, so a stall counts in full if it
// touches them.
func (d *disk) stalled(from, until time.Time) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	var total time.Duration
	for _, s := range d.stalls {
		if s.until.After(from) && s.from.Before(until) {
			total += s.until.Sub(s.from)
		}
	}
	return total
}

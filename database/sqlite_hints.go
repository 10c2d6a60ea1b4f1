package database

import (
	"context"
	"os"
	"time"
)

const (
	// sqlitePoll is how often a file is looked at for what other processes write, as
	// long as they write.
	sqlitePoll = 50 * time.Millisecond
	// sqliteCommit is how long a commit takes behind the first that is written for it,
	// and sqliteSlowCommit where the disk is busy. What takes longer than all the looks
	// together is seen when a clock looks anyway.
	sqliteCommit     = 10 * time.Millisecond
	sqliteSlowCommit = 200 * time.Millisecond
)

// wakeups hears of this process's own notes at once. Others on the same file
// cannot call, but whatever they write shows in the write-ahead log beside it. While
// nobody writes there, the system is asked to tell of the next write.
func (s *sqlite) wakeups(ctx context.Context, channel string, wake func()) error {
	s.mu.Lock()
	if s.listeners[channel] == nil {
		s.listeners[channel] = map[*func()]struct{}{}
	}
	s.listeners[channel][&wake] = struct{}{}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.listeners[channel], &wake)
	}()
	told, last := openFileWatch(ctx), s.written()
	for looks := 0; ; {
		rest := sqlitePoll
		switch {
		case looks == 1:
			rest = sqliteSlowCommit
		case looks == 0 && told.await(s.log, func() bool { return s.written() != last }):
			rest = sqliteCommit
		}
		select {
		case <-time.After(rest):
		case <-ctx.Done():
			return ctx.Err()
		}
		now := s.written()
		changed := now != last
		if changed || looks > 0 {
			wake()
		}
		// What was seen may not have been committed yet, and that it is then does not
		// show: two more looks are due.
		if last, looks = now, max(looks-1, 0); changed {
			looks = 2
		}
	}
}

// written changes whenever somebody has written to the file. To ask SQLite itself
// (PRAGMA data_version) takes more.
func (s *sqlite) written() [2]int64 {
	info, err := os.Stat(s.log)
	if err != nil {
		return [2]int64{} // nobody has it open, or it cannot be seen
	}
	return [2]int64{info.ModTime().UnixNano(), info.Size()}
}

func (s *sqlite) notify(_ context.Context, channel string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for wake := range s.listeners[channel] {
		(*wake)()
	}
	return nil
}

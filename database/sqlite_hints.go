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
	// sqliteCommit is how long a commit takes behind the first that is written for it.
	sqliteCommit = 10 * time.Millisecond
	// sqliteLooks is how many looks follow one that found something written. A commit
	// that takes longer than all of them is seen when a clock looks anyway.
	sqliteLooks = 5
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
		if looks == 0 && told.await(s.log, func() bool { return s.written() != last }) {
			rest = sqliteCommit
		}
		select {
		case <-time.After(rest):
		case <-ctx.Done():
			return ctx.Err()
		}
		now := s.written()
		changed := now != last
		// What was seen may not have been committed yet, and that it is then does not
		// show: two more hints are due.
		if changed || looks == sqliteLooks || looks == 1 {
			wake()
		}
		if last, looks = now, max(looks-1, 0); changed {
			looks = sqliteLooks
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

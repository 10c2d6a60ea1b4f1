package load

import (
	"testing"
	"time"
)

func TestEachScheduleIsDueInItsTurn(t *testing.T) {
	due := time.Date(2027, 1, 1, 9, 0, 0, 0, time.UTC)
	l := Load{Schedules: 4, Due: due, Every: time.Minute, Spread: true}
	s := l.Schedule(1)
	first := due.Add(15 * time.Second)
	for _, c := range []struct{ after, next time.Time }{
		{due.Add(-time.Hour), first},
		{first.Add(-1), first},
		{first, first.Add(time.Minute)},
		{first.Add(59 * time.Second), first.Add(time.Minute)},
		{first.Add(time.Minute), first.Add(2 * time.Minute)},
	} {
		if next := s.Next(c.after); !next.Equal(c.next) {
			t.Errorf("after %s comes %s, want %s", c.after, next, c.next)
		}
	}
	if last := s.Last(first.Add(130 * time.Second)); !last.Equal(first.Add(2 * time.Minute)) {
		t.Errorf("the last is %s", last)
	}
	l.Spread = false
	if next := l.Schedule(3).Next(due.Add(-1)); !next.Equal(due) {
		t.Errorf("of a crowd, the next is %s", next)
	}
}

package queue

import (
	"testing"
	"time"
)

func TestAHostIsBelievedUnlessItIsFartherFromTheDatabaseThanAskingExplains(t *testing.T) {
	asked := time.Date(2026, 3, 7, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name              string
		told, took, ahead time.Duration
	}{
		{"the same", 5 * time.Millisecond, 10 * time.Millisecond, 0},
		{"good time", 90 * time.Millisecond, 0, 0},
		{"a slow answer", 240 * time.Millisecond, 300 * time.Millisecond, 0},
		{"the host is behind", time.Hour + 10*time.Millisecond, 20 * time.Millisecond, time.Hour},
		{"the host is ahead", -time.Hour + 10*time.Millisecond, 20 * time.Millisecond, -time.Hour},
	} {
		if ahead := difference(asked, asked.Add(c.told), asked.Add(c.took)); ahead != c.ahead {
			t.Errorf("%s: the database is ahead by %s, want %s", c.name, ahead, c.ahead)
		}
	}
}

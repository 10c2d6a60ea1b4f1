package database

import (
	"testing"
	"time"
)

func TestAnAnswerMayTakeLongerThanTheServersOwnLimit(t *testing.T) {
	cases := []struct {
		statementTimeout string
		want             time.Duration
	}{
		{"5000", 7 * time.Second},
		{"30s", 32 * time.Second},
		{"2min", 2*time.Minute + 2*time.Second},
		{"0", 0},
		{"", 0},
		{"what Postgres makes of this is its own affair", 0},
	}
	for _, c := range cases {
		if got := answerWithin(c.statementTimeout); got != c.want {
			t.Errorf("where statements may take %q, answers may take %s; want %s", c.statementTimeout, got, c.want)
		}
	}
}

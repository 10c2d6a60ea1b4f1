package main

import (
	"testing"
	"time"
)

func TestIntervalsAreCountedByArithmetic(t *testing.T) {
	cases := []struct {
		name         string
		after, until float64
		every        time.Duration
		want         int
	}{
		{"none in between", 10.1, 10.9, time.Second, 0},
		{"the end counts", 10, 12, time.Second, 2},
		{"the beginning does not", 12, 12.5, time.Second, 0},
		{"below a second", 10.2, 11, 500 * time.Millisecond, 2},
		{"today", 1795675200.25, 1795675207, 7 * time.Second, 1},
	}
	for _, c := range cases {
		if got := multiples(c.after, c.until, c.every); got != c.want {
			t.Errorf("%s: %d multiples of %s after %v up to %v, want %d", c.name, got, c.every, c.after, c.until, c.want)
		}
	}
}

func TestTheLastWordsOfAProcessAreItsErrorWithTheAdvice(t *testing.T) {
	const refused = "punctual: opening postgres://h/d: connection refused\n  the database is postgres://h/d: is the server running?"
	for text, want := range map[string]string{
		"time=1 msg=hello\n" + refused + "\n":                  refused,
		"time=1 msg=hello\n" + refused + "\n" + refused + "\n": refused,
		"time=1 msg=hello\ngoroutine 1 [running]:\n":           "goroutine 1 [running]:",
		"": "",
	} {
		if got := lastWords(text); got != want {
			t.Errorf("the last words of %q are %q, want %q", text, got, want)
		}
	}
}

func TestAProcessMayEndForReasonsThatAreKnownOnly(t *testing.T) {
	cases := []struct {
		ending string
		known  bool
	}{
		{"worker-1: exit status 1: punctual: this worker did not answer for too long and was taken for dead; its jobs were given to others", true},
		{"clock-1: exit status 1: punctual: opening postgres://127.0.0.1/postgres: dial tcp 127.0.0.1:1: connect: connection refused; is the server running, and are user and password right?", true},
		{"clock-1: exit status 2: goroutine 1 [running]:", false},
		{"web-1: exit status 0: ", false},
	}
	for _, c := range cases {
		if got := reasonOf(c.ending); (got != "") != c.known {
			t.Errorf("%q: the reason is %q, want known %v", c.ending, got, c.known)
		}
	}
}

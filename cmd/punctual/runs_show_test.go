package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/punctual-dev/punctual/queue"
	"github.com/punctual-dev/punctual/store"
)

// River keeps when the last attempt of a job began, and writes over it.
func TestEveryAttemptIsToldWithWhenItBegan(t *testing.T) {
	at := func(second int) time.Time { return time.Date(2026, 11, 23, 9, 0, second, 0, time.UTC) }
	run := store.Run{Occurrence: "report@2026-11-23T09:00:00Z", Nominal: at(0), Due: at(0), Count: 1, JobID: 7, DecidedAt: at(0), StartedAt: at(40), State: "running", Attempts: 2}
	lost := failureView{Attempt: 1, At: at(25), Error: "lost: worker w was last heard from at 2026-11-23T09:00:01Z; the attempt began at 2026-11-23T09:00:02Z"}
	failed := failureView{Attempt: 1, At: at(26), Error: "exit code 3"}
	for _, c := range []struct {
		name   string
		change func(*runView)
		lines  []string // in this order
	}{
		{"lost, failed, and runs", func(v *runView) { v.Failures = []failureView{lost, failed} }, []string{
			`lost +an attempt begun at .* 09:00:02 UTC, found lost at .* 09:00:25 UTC: worker w was last heard from at 2026-11-23T09:00:01Z$`,
			`failure +attempt 1, begun at .* 09:00:26 UTC: exit code 3$`, `started +.* 09:00:40 UTC`}},
		{"lost in an earlier version", func(v *runView) {
			v.Failures = []failureView{{Attempt: 1, At: at(25), Error: "lost: worker w stopped answering at 2026-11-23T09:00:01Z"}}
		}, []string{`lost +an attempt begun at an unknown time, found lost at .*: worker w stopped answering at`, `started`}},
		{"the last one failed", func(v *runView) {
			v.State, v.Failures, v.FinishedAt = "failed", []failureView{failed, {Attempt: 2, At: at(41), Error: "exit code 4"}}, at(42)
		}, []string{`failure +attempt 1, begun at`, `started`, `failure +attempt 2, begun at .* 09:00:41 UTC: exit code 4$`, `finished`}},
		{"lost, and in the queue again", func(v *runView) { v.State, v.StartedAt, v.Failures = "available", at(2), []failureView{lost} }, []string{`started +.* 09:00:02 UTC`, `lost +an attempt begun at .* 09:00:02 UTC`}},
		{"given back by a worker that stopped", func(v *runView) { v.givenBack = givenBack(*v, 2) }, []string{`unknown +when 1 earlier attempt began: its worker stopped, gave the job back`, `started`}},
		{"cancelled", func(v *runView) {
			v.State, v.Error, v.FinishedAt, v.cancelledBy = "cancelled", queue.Cancelled, at(42), "by ada at 2026-11-23T09:00:41Z"
		}, []string{`started`, `finished +.*, cancelled after 2s: stopped: its job was cancelled by ada at 2026-11-23T09:00:41Z$`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			v := runView{Run: run, MaxAttempts: 2}
			c.change(&v)
			v.print(&app{Stdout: &out}, time.UTC, at(50))
			rest := out.String()
			for _, line := range c.lines {
				found := regexp.MustCompile(`(?m)^  ` + line).FindStringIndex(rest)
				if found == nil {
					t.Fatalf("no %q, in this order, in:\n%s", line, out.String())
				}
				rest = rest[found[1]:]
			}
			if strings.Contains(out.String(), "lost: ") {
				t.Errorf("the mark of the queue is shown:\n%s", out.String())
			}
		})
	}
}

func TestOfAttemptsThatWereGivenBackOnlyThoseAreCountedThatNothingTellsOf(t *testing.T) {
	failed := []failureView{{Attempt: 1}}
	for _, c := range []struct {
		name  string
		v     runView
		takes int
		want  int
	}{
		{"runs for the first time", runView{Run: store.Run{State: "running"}}, 1, 0},
		{"ran after one was given back", runView{Run: store.Run{State: "succeeded"}}, 2, 1},
		{"ran after one that failed", runView{Run: store.Run{State: "succeeded"}, Failures: failed}, 2, 0},
		{"waits after one was given back", runView{Run: store.Run{State: "available"}}, 1, 1},
		{"waits for a retry", runView{Run: store.Run{State: "retryable"}, Failures: failed}, 1, 0},
		{"expired as it was taken", runView{Run: store.Run{State: "expired"}}, 1, 0},
		{"retried by hand", runView{Run: store.Run{State: "running"}, ByHand: []store.Activity{{Action: "retry"}}}, 3, 0},
		{"never taken", runView{Run: store.Run{State: "available"}}, 0, 0},
	} {
		if got := givenBack(c.v, c.takes); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

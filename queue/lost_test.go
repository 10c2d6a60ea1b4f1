package queue

import (
	"testing"
	"time"
)

func TestTheErrorOfALostAttemptIsReadBack(t *testing.T) {
	began := time.Date(2026, 11, 23, 9, 0, 0, 123e6, time.UTC)
	for _, c := range []struct {
		name, text, worker string
		began              time.Time
		lost               bool
	}{
		{"whole", "lost: worker w was last heard from at 2026-11-23T09:00:02Z; the attempt began at 2026-11-23T09:00:00.123Z", "worker w was last heard from at 2026-11-23T09:00:02Z", began, true},
		{"the last one", "lost: worker w was last heard from at 2026-11-23T09:00:02Z; the attempt began at 2026-11-23T09:00:00.123Z; the job was lost 5 times in a row", "worker w was last heard from at 2026-11-23T09:00:02Z; the job was lost 5 times in a row", began, true},
		{"of an earlier version", "lost: worker w stopped answering at 2026-11-23T09:00:02Z", "worker w stopped answering at 2026-11-23T09:00:02Z", time.Time{}, true},
		{"of an earlier version, the last one", "lost: worker w stopped answering at 2026-11-23T09:00:02Z; the job was lost 5 times in a row", "worker w stopped answering at 2026-11-23T09:00:02Z; the job was lost 5 times in a row", time.Time{}, true},
		{"a failure", "exit code 3", "exit code 3", time.Time{}, false},
	} {
		worker, began, lost := ParseLost(c.text)
		if worker != c.worker || !began.Equal(c.began) || lost != c.lost {
			t.Errorf("%s: %q, %s, %t", c.name, worker, began, lost)
		}
	}
}

func TestAnAttemptThatWasToldToStopIsToldOfInOurWords(t *testing.T) {
	for text, want := range map[string]string{"JobCancelError: job cancelled remotely": Cancelled, "job cancelled remotely": Cancelled, "exit code 3": "exit code 3"} {
		if got := InOurWords(text); got != want {
			t.Errorf("%q is told as %q, want %q", text, got, want)
		}
	}
}

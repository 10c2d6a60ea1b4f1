package worker

import (
	"errors"
	"testing"
	"time"

	"github.com/punctual-dev/punctual/queue"
	"github.com/punctual-dev/punctual/schedule"
)

func TestAnExitCodeSaysWhatBecomesOfTheJob(t *testing.T) {
	const putOff = "put off"
	past, future := time.Now().Add(-time.Minute), time.Now().Add(time.Hour)
	tests := []struct {
		name             string
		code             int
		success, noRetry []string
		attempt          int
		expires          time.Time
		next             string // empty: it succeeds
		says             string
	}{
		{name: "0", code: 0},
		{name: "any other", code: 3, next: again, says: "exit code 3"},
		{name: "another success", code: 3, success: []string{"0", "3"}},
		{name: "a range of successes", code: 12, success: []string{"0", "10-19"}},
		{name: "a list of successes replaces 0", code: 0, success: []string{"3"}, next: again, says: "exit code 0 (not among the success codes)"},
		{name: "not to be tried again", code: 65, noRetry: []string{"2", "64-74"}, next: giveUp, says: "exit code 65 (not to be tried again)"},
		{name: "beside those", code: 75, noRetry: []string{"64-74"}, next: putOff, says: "exit code 75 (try again later)"},
		{name: "try again later", code: 75, next: putOff, says: "exit code 75 (try again later)"},
		{name: "later, before it expires", code: 75, expires: future, next: putOff, says: "exit code 75 (try again later)"},
		{name: "later, once it has expired", code: 75, attempt: 2, expires: past, next: again, says: "exit code 75 (try again later)"},
		{name: "later for the last time", code: 75, attempt: 99, next: putOff, says: "exit code 75 (try again later)"},
		{name: "later, but too often", code: 75, attempt: 100, next: again, says: "exit code 75 (try again later)"},
		{name: "later as a success", code: 75, success: []string{"75"}},
		{name: "later as a failure for good", code: 75, noRetry: []string{"75"}, next: giveUp, says: "exit code 75 (not to be tried again)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := command(schedule.Command{Shell: "x", SuccessCodes: test.success, NoRetryCodes: test.noRetry})
			a.Number, a.Payload.ExpiresAt = max(1, test.attempt), test.expires
			err := (&task{Attempt: a}).exited(test.code, ": said", time.Now())
			next, _ := whatNext(err)
			if laterError := (*queue.LaterError)(nil); errors.As(err, &laterError) {
				if !laterError.UsesNoRetry || laterError.After != 0 {
					t.Errorf("it is put off as %+v", laterError)
				}
				next = putOff
			}
			if next != test.next {
				t.Errorf("after %v it is %q, want %q", err, next, test.next)
			}
			if err != nil && err.Error() != test.says+": said" {
				t.Errorf("the error is %q, want %q", err, test.says+": said")
			}
		})
	}
}

func TestACommandEndsAsItsExitCodeSays(t *testing.T) {
	tests := []struct {
		name    string
		command schedule.Command
		error   string
	}{
		{"a success code", schedule.Command{Shell: "exit 3", SuccessCodes: []string{"0", "3"}}, ""},
		{"for good", schedule.Command{Shell: "echo why >&2; exit 2", NoRetryCodes: []string{"2"}}, "exit code 2 (not to be tried again): why"},
		{"later", schedule.Command{Shell: "echo why >&2; exit 75"}, "exit code 75 (try again later): why"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if err := start(t, Options{}, command(test.command)).end(t); message(err) != test.error {
				t.Errorf("it ended with %q, want %q", message(err), test.error)
			}
		})
	}
}

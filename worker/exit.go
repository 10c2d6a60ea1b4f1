package worker

import (
	"fmt"
	"time"

	"github.com/punctual-dev/punctual/queue"
	"github.com/punctual-dev/punctual/schedule"
)

// laterMost is the attempt from which on a temporary failure counts as any other:
// it uses up no retry, so it needs a bound of its own. With the usual backoff that
// is after four days.
const laterMost = 100

// exited is what an exit code means: success (nil), a failure, one that no
// attempt follows, or one that another follows without using up a retry.
func (t *task) exited(code int, said string, now time.Time) error {
	c := t.Payload.Command
	switch {
	case len(c.SuccessCodes) == 0 && code == 0, schedule.HasExitCode(c.SuccessCodes, code):
		return nil
	case schedule.HasExitCode(c.NoRetryCodes, code):
		return &queue.EndedError{Err: fmt.Errorf("exit code %d (not to be tried again)%s", code, said)}
	case code == 0:
		return fmt.Errorf("exit code 0 (not among the success codes)%s", said)
	case code != schedule.TemporaryFailure:
		return fmt.Errorf("exit code %d%s", code, said)
	}
	failure := fmt.Errorf("exit code %d (try again later)%s", code, said)
	limit := t.Payload.ExpiresAt
	if t.Number >= laterMost || !limit.IsZero() && !now.Before(limit) {
		return failure
	}
	return &queue.LaterError{UsesNoRetry: true, Err: failure}
}

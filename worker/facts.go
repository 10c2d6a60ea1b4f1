package worker

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/queue"
	"github.com/punctual-dev/punctual/schedule"
)

// fact is one thing a job is told: SCHEDULE is PUNCTUAL_SCHEDULE to a command
// and Punctual-Schedule to the server an HTTP call goes to.
type fact struct{ name, value string }

// factPrefix begins the environment variables punctual tells commands.
const factPrefix = "PUNCTUAL_"

func (f fact) variable() string { return factPrefix + f.name }

func (f fact) header() string {
	words := strings.Split("PUNCTUAL_"+f.name, "_")
	for i, word := range words {
		words[i] = word[:1] + strings.ToLower(word[1:])
	}
	return strings.Join(words, "-")
}

// facts are all a job is told. A fact that does not apply is the empty string,
// not absent, so that nothing a worker inherited shows through.
func (e *executor) facts(ctx context.Context, a queue.Attempt) ([]fact, error) {
	last, err := e.lastSuccess(ctx, a.Payload.Schedule)
	if err != nil {
		return nil, err
	}
	deadline, _ := ctx.Deadline()
	told := a.Payload.Told
	return []fact{
		{"SCHEDULE", told.Schedule},
		{"OCCURRENCE", told.Occurrence},
		{"NOMINAL", instant(told.Nominal)},
		{"DUE", instant(told.Due)},
		{"FROM", instant(told.From)},
		{"ATTEMPT", strconv.Itoa(a.Number)},
		{"MISSED", strconv.Itoa(told.Missed)},
		{"MISSED_SINCE", instant(told.MissedSince)},
		{"LAST_SUCCESS", instant(last)},
		{"DEADLINE", instant(deadline)},
	}, nil
}

func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return schedule.FormatInstant(t)
}

// The last success is asked for a few times before the attempt is given up.
const (
	lastSuccessTries = 3
	lastSuccessWait  = 200 * time.Millisecond
	lastSuccessLimit = 2 * time.Second
)

// lastSuccess fails rather than answer "never" when it does not know: a job
// that goes by it would do again all it ever did.
func (e *executor) lastSuccess(ctx context.Context, key string) (time.Time, error) {
	if e.LastSuccess == nil || key == "" {
		return time.Time{}, nil
	}
	for try := 1; ; try++ {
		asking, cancel := context.WithTimeout(ctx, lastSuccessLimit)
		last, err := e.LastSuccess(asking, key)
		cancel()
		if err == nil {
			return last, nil
		}
		if try == lastSuccessTries {
			return time.Time{}, fmt.Errorf("find out when %s last succeeded: %w", key, err)
		}
		select {
		case <-ctx.Done():
			return time.Time{}, context.Cause(ctx)
		case <-time.After(lastSuccessWait):
		}
	}
}

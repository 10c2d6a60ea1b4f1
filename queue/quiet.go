package queue

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// quiet lets River's warnings and errors through and nothing below. What its
// services repeat while the database is away is told once a minute.
func quiet(logger *slog.Logger) *slog.Logger {
	if logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(warningsOnly{logger.Handler(), &repeats{told: map[string]time.Time{}}})
}

// told are the warnings of River about what was asked for (the index that is left
// out too), and what is told in words of our own.
var told = []string{riversCancel, "Soft stop timeout", "Configured reindex indexes do not exist"}

type warningsOnly struct {
	slog.Handler
	repeats *repeats
}

func (h warningsOnly) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.Handler.Enabled(ctx, level)
}

func (h warningsOnly) Handle(ctx context.Context, record slog.Record) error {
	if slices.ContainsFunc(told, func(end string) bool { return strings.Contains(record.Message, end) }) {
		return nil
	}
	// What is said of a job is said of each.
	if !strings.Contains(record.Message, "JobExecutor") && h.repeats.recent(record.Message, record.Time) {
		return nil
	}
	return h.Handler.Handle(ctx, record)
}

func (h warningsOnly) WithAttrs(attributes []slog.Attr) slog.Handler {
	return warningsOnly{h.Handler.WithAttrs(attributes), h.repeats}
}

func (h warningsOnly) WithGroup(name string) slog.Handler {
	return warningsOnly{h.Handler.WithGroup(name), h.repeats}
}

// repeats are the messages told lately.
type repeats struct {
	mu   sync.Mutex
	told map[string]time.Time
}

const repeatEvery = time.Minute

func (r *repeats) recent(message string, at time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if last, found := r.told[message]; found && at.Sub(last) < repeatEvery {
		return true
	}
	r.told[message] = at
	return false
}

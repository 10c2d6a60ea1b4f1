package store_test

import (
	"testing"
	"time"

	"github.com/punctual-dev/punctual/queue"
	"github.com/punctual-dev/punctual/store"
)

func TestOneThingKeepsAJobFromBeingTakenAndItIsTheOneToMendFirst(t *testing.T) {
	worked := store.QueueOverview{Name: "default", Workers: 1, Concurrency: 2, Waiting: 3, Running: 1}
	with := func(change func(*store.QueueOverview)) store.QueueOverview {
		q := worked
		change(&q)
		return q
	}
	letters := []store.Untaken{{Queue: "default", Kind: "letter", Waiting: 3}}
	full := func(q *store.QueueOverview) { q.Running = 2 }
	for _, c := range []struct {
		name  string
		queue store.QueueOverview
		kind  string
		want  store.Hold
	}{
		{name: "a worker with a place", queue: worked, kind: queue.KindCommand, want: store.NotHeld},
		{name: "no place", queue: with(full), kind: queue.KindHTTP, want: store.HeldFull},
		{name: "no place, whatever the kind", queue: with(full), want: store.HeldFull},
		{name: "nobody", queue: store.QueueOverview{}, kind: queue.KindCommand, want: store.HeldUnworked},
		{name: "nobody, whatever the kind", queue: store.QueueOverview{}, want: store.HeldUnworked},
		{name: "nobody, and a command waits", queue: store.QueueOverview{Untaken: []store.Untaken{{Kind: queue.KindCommand}}}, kind: queue.KindCommand, want: store.HeldUnworked},
		{name: "nobody that takes the kind", queue: with(func(q *store.QueueOverview) { q.Untaken = letters }), kind: "letter", want: store.HeldUntaken},
		{name: "somebody takes other kinds", queue: with(func(q *store.QueueOverview) { q.Untaken = letters }), kind: "invoice", want: store.NotHeld},
		{name: "nobody that takes the kind, and no place either", queue: with(func(q *store.QueueOverview) { full(q); q.Untaken = letters }), kind: "letter", want: store.HeldUntaken},
		{name: "nobody at all, for a kind of a program", queue: store.QueueOverview{Untaken: letters}, kind: "letter", want: store.HeldUntaken},
		{name: "a program of others works the kind", queue: store.QueueOverview{Running: 1}, kind: "letter", want: store.NotHeld},
		{name: "paused, whatever else", queue: store.QueueOverview{PausedAt: time.Unix(1, 0), Untaken: letters}, kind: "letter", want: store.HeldByPause},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.queue.Hold(c.kind); got != c.want {
				t.Errorf("held by %q, want %q", got, c.want)
			}
		})
	}
}

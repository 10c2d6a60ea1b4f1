package api

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/punctual-dev/punctual/store"
	"github.com/punctual-dev/punctual/web/access"
)

// Change is an event: what changed, of one kind. Lists are bounded; all says
// that there is more, and everything of the kind is to be read again.
type Change struct {
	Schedules []string `json:"schedules,omitempty" doc:"Keys."`
	Runs      []int64  `json:"runs,omitempty" doc:"Ids."`
	Processes []string `json:"processes,omitempty" doc:"Ids."`
	All       bool     `json:"all,omitempty" doc:"There is more than is listed."`
}

// The kinds of event.
const (
	changedSchedules = "schedules"
	changedRuns      = "runs"
	changedProcesses = "processes"
)

// live registers the events.
func (a *api) live() {
	add(a, operation{
		id: "watch", method: http.MethodGet, path: "/events", role: access.Viewer, tag: "live",
		summary: "What changes, as it does",
		help: "Server-sent events: schedules, runs and processes, each at most once a second, with a Change as data. They are hints to read again; after a reconnect, read everything once. " +
			"At most 200 streams are open at once; above that the answer is 503.",
		change: func(op *huma.Operation) {
			op.Responses = a.eventsOf(map[string]any{changedSchedules: Change{}, changedRuns: Change{}, changedProcesses: Change{}})
		},
	}, func(context.Context, *struct{}) (*huma.StreamResponse, error) {
		return a.stream("watch", a.watch)
	})
}

// watch sends changes to one listener.
func (a *api) watch(ctx context.Context, s *stream) {
	l := a.events.listen()
	defer a.events.forget(l)
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
			if s.beat() != nil {
				return
			}
		case <-l.wake:
			for kind, change := range l.take() {
				if s.send(kind, "", change) != nil {
					return
				}
			}
		}
	}
}

// broadcast looks for changes while somebody listens, and tells all who do.
type broadcast struct {
	store  *store.Store
	logger *slog.Logger
	every  time.Duration // between two looks

	mu        sync.Mutex
	streams   int
	listeners map[*listener]bool
	stop      context.CancelFunc // of the looking; nil while nobody listens
}

// listener is one who is told. What it has not taken yet is kept together, so
// that a slow one costs no more than a fast one.
type listener struct {
	wake chan struct{}
	mu   sync.Mutex
	held map[string]Change
}

func newBroadcast(s *store.Store, logger *slog.Logger) *broadcast {
	return &broadcast{store: s, logger: logger, every: time.Second, listeners: map[*listener]bool{}}
}

// enter takes a place for a stream, if there is one.
func (b *broadcast) enter() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.streams >= maxStreams {
		return false
	}
	b.streams++
	return true
}

func (b *broadcast) leave() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.streams--
}

// listen adds a listener; the first makes the looking begin.
func (b *broadcast) listen() *listener {
	l := &listener{wake: make(chan struct{}, 1), held: map[string]Change{}}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.listeners[l] = true
	if b.stop == nil {
		ctx, cancel := context.WithCancel(context.Background())
		b.stop = cancel
		go b.look(ctx)
	}
	return l
}

// forget removes a listener; the last makes the looking end.
func (b *broadcast) forget(l *listener) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.listeners, l)
	if len(b.listeners) == 0 && b.stop != nil {
		b.stop()
		b.stop = nil
	}
}

// look looks until nobody listens any more.
func (b *broadcast) look(ctx context.Context) {
	watch := b.store.Watch()
	tick := time.NewTicker(b.every)
	defer tick.Stop()
	ill := false
	for {
		changes, err := watch.Look(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !ill:
			b.logger.Warn("what changes cannot be read, so pages stand still; trying on", "error", err)
		case err == nil:
			b.tell(changes)
		}
		ill = err != nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// tell gives every listener what changed.
func (b *broadcast) tell(c store.Changes) {
	news := map[string]Change{}
	if len(c.Schedules) > 0 || c.AllSchedules {
		news[changedSchedules] = Change{Schedules: c.Schedules, All: c.AllSchedules}
	}
	if len(c.Runs) > 0 || c.AllRuns {
		news[changedRuns] = Change{Schedules: c.RunSchedules, Runs: c.Runs, All: c.AllRuns}
	}
	if len(c.Processes) > 0 {
		news[changedProcesses] = Change{Processes: c.Processes}
	}
	if len(news) == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for l := range b.listeners {
		l.give(news)
	}
}

func (l *listener) give(news map[string]Change) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for kind, change := range news {
		l.held[kind] = join(l.held[kind], change)
	}
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *listener) take() map[string]Change {
	l.mu.Lock()
	defer l.mu.Unlock()
	held := l.held
	l.held = map[string]Change{}
	return held
}

// mostTold bounds each list of an event.
const mostTold = 1000

func join(a, b Change) Change {
	c := Change{All: a.All || b.All}
	c.Schedules = union(a.Schedules, b.Schedules, &c.All)
	c.Runs = union(a.Runs, b.Runs, &c.All)
	c.Processes = union(a.Processes, b.Processes, &c.All)
	return c
}

func union[T string | int64](a, b []T, more *bool) []T {
	all := slices.Concat(a, b)
	slices.Sort(all)
	all = slices.Compact(all)
	if len(all) > mostTold {
		*more = true
		all = all[:mostTold]
	}
	return all
}

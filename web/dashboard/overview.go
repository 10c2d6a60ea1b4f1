package dashboard

import (
	"context"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/store"
)

// overviewView is what the first page shows.
type overviewView struct {
	Clock     tile
	Lateness  tile
	Workers   tile
	Queue     tile
	Attention []attention
	More      []moreAttention // of what there is not listed
	Calm      bool            // nothing needs attention
	Hour      *hourView
	Activity  template.HTML // the chart of throughput
	Delays    template.HTML // the chart of lateness
	Ran       int           // in the last hour
	Failed    int
	Skipped   int
	PulsePart bool // there were more in the last hour than were looked at
	Latest    []runRow
	Everyone  []store.PauseInForce // pauses of everything
	Empty     bool                 // there are no schedules
}

// glance is what the first page is gathered in. Those who gather do so at once:
// each reads page and look, and writes what is its own, of the view or of what it
// found.
type glance struct {
	page *page
	look store.Look
	view overviewView

	broken, late, stuck, failing, queues, waiting, missed findings
	raised                                                map[string][]raisedAlert
}

// tile is a figure with its meaning.
type tile struct {
	Look  look
	Value string
	Text  string
	Why   string
}

// hourView is what comes in the next hour.
type hourView struct {
	Chart   template.HTML
	From    time.Time
	Ticks   []time.Time
	Total   int
	Next    []comingRun
	Herd    *comingHerd
	Counted int  // schedules
	Partial bool // there are more
}

// comingRun is an occurrence that comes soon.
type comingRun struct {
	Key  string
	Due  time.Time
	Fate string
}

// comingHerd is many at once.
type comingHerd struct {
	At    time.Time
	Count int
}

// overview shows whether the clock is alive, what needs attention, and what
// comes next.
func (s *site) overview(w http.ResponseWriter, r *http.Request) error {
	p := s.newPage(r, "Overview", "/")
	if p.Health == nil {
		return fmt.Errorf("the health cannot be read")
	}
	look, err := s.Store.Look(r.Context())
	if err != nil {
		return err
	}
	g := &glance{page: p, look: look, view: overviewView{Everyone: look.Everything()}}
	// What takes long comes first: somebody who begins with it late keeps all others
	// waiting.
	err = s.helpers.share(r.Context(), g.each(
		s.addHour, s.addPulse, s.addTiles, s.addFailing, s.addBroken, s.addLate, s.addLatest, s.addMissed, s.addStuck, s.addWaiting, s.addRaised)...)
	if err != nil {
		return err
	}
	g.addAttention()
	p.Main = g.view
	return s.show(w, r, "overview", p)
}

// each are those who gather, as tasks.
func (g *glance) each(gather ...func(context.Context, *glance) error) []func(context.Context) error {
	all := make([]func(context.Context) error, len(gather))
	for i, add := range gather {
		all[i] = func(ctx context.Context) error { return add(ctx, g) }
	}
	return all
}

// addTiles says how clock, workers and queues are.
func (s *site) addTiles(ctx context.Context, g *glance) error {
	p, v := g.page, &g.view
	v.Clock = clockTile(*p.Health)
	processes, err := s.Store.Processes(ctx)
	if err != nil {
		return err
	}
	workers, places := 0, 0
	for _, one := range processes {
		alive := processOf(one, p.Now).State == "alive"
		if alive && (one.Role == "worker" || one.Role == "start") {
			workers, places = workers+1, places+one.Concurrency
		}
	}
	queues, err := s.Store.QueuesAmong(ctx, processes)
	if err != nil {
		return err
	}
	v.Workers, v.Queue = workersTile(workers, places, queues), queueTile(queues, p.Now)
	s.addQueues(g, queues)
	return nil
}

// clockTile says whether the clock is alive.
func clockTile(h store.Health) tile {
	t := tile{Look: lookOK, Value: "ticking", Text: counted(h.Clocks, "clock") + " alive", Why: sentence(h.Reason)}
	switch {
	case !h.Healthy:
		t.Look, t.Value, t.Text = lookFailed, "not ticking", sentence(h.Reason)
		if !h.Oldest.IsZero() {
			t.Text += fmt.Sprintf(" The oldest occurrence has been due for %s. Nothing is lost: it is decided when a clock is back.", roughly(h.Now.Sub(h.Oldest)))
		}
	case h.Clocks == 0:
		t.Look, t.Value, t.Text = lookMissed, "away", "No clock is alive; nothing is due at the moment. punctual start, or punctual clock, starts one."
	}
	return t
}

// workersTile says how many jobs run, and how many could.
func workersTile(workers, places int, queues []store.QueueOverview) tile {
	running := 0
	for _, q := range queues {
		running += q.Running
	}
	t := tile{Look: lookOK, Value: grouped(running) + " running", Text: fmt.Sprintf("%s, %s", counted(workers, "worker"), counted(places, "place"))}
	if workers == 0 {
		t.Look, t.Value, t.Text = lookFailed, "no worker", "Jobs are queued, and nobody runs them. punctual start, or punctual worker, starts one."
	}
	return t
}

// queueTile says how much waits for a worker.
func queueTile(queues []store.QueueOverview, now time.Time) tile {
	waiting, oldest, paused := 0, time.Time{}, []string{}
	for _, q := range queues {
		waiting += q.Waiting
		if !q.Oldest.IsZero() && (oldest.IsZero() || q.Oldest.Before(oldest)) {
			oldest = q.Oldest
		}
		if !q.PausedAt.IsZero() {
			paused = append(paused, q.Name)
		}
	}
	const long = time.Minute
	t := tile{Look: lookOK, Value: grouped(waiting) + " queued", Text: "Nothing waits for a worker."}
	if waiting > 0 && !oldest.IsZero() {
		t.Text = "The oldest has waited for " + roughly(now.Sub(oldest)) + "."
		if now.Sub(oldest) > long {
			t.Look = lookMissed
		}
	}
	if len(paused) > 0 {
		t.Look, t.Text = lookPaused, t.Text+" Paused: "+strings.Join(paused, ", ")+"."
	}
	return t
}

// addLatest adds the newest rows of the ledger.
func (s *site) addLatest(ctx context.Context, g *glance) error {
	const latest = 8
	runs, err := s.Store.Runs(ctx, store.RunFilter{Limit: latest})
	if err != nil {
		return err
	}
	g.view.Latest = runRows(runs, nil, g.page.Now)
	return s.sharpen(ctx, g.view.Latest, g.page.Now)
}

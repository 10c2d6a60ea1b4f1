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

	queues []store.QueueOverview
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
	v := overviewView{}
	gather := []func(context.Context, *page, *overviewView) error{s.addTiles, s.addAttention, s.addHour, s.addPulse, s.addLatest}
	for _, add := range gather {
		if err := add(r.Context(), p, &v); err != nil {
			return err
		}
	}
	v.Calm = len(v.Attention) == 0
	p.Main = v
	return s.show(w, r, "overview", p)
}

// addTiles says how clock and workers are.
func (s *site) addTiles(ctx context.Context, p *page, v *overviewView) error {
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
	if v.queues, err = s.Store.QueueOverviews(ctx); err != nil {
		return err
	}
	v.Workers, v.Queue = workersTile(workers, places, v.queues), queueTile(v.queues, p.Now)
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
func (s *site) addLatest(ctx context.Context, p *page, v *overviewView) error {
	const latest = 8
	runs, err := s.Store.Runs(ctx, store.RunFilter{Limit: latest})
	v.Latest = runRows(runs, nil, p.Now)
	return err
}

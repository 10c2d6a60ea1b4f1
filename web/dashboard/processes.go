package dashboard

import (
	"net/http"
	"strconv"
	"time"

	"github.com/punctual-dev/punctual/store"
)

// processesView is what the page of processes, queues and limits shows.
type processesView struct {
	Alive, Gone []processRow
	Queues      []store.QueueOverview
	Limits      []store.Limit
	Backfills   []backfillRow
}

// processRow is a process and how it is.
type processRow struct {
	store.Process
	Look  look
	State string
	Why   string
}

// processOf says how a process is.
func processOf(p store.Process, now time.Time) processRow {
	row := processRow{Process: p, Look: lookOK, State: "alive"}
	switch {
	case !p.LostAt.IsZero():
		row.Look, row.State, row.Why = lookFailed, "lost", "It fell silent or was killed. What it ran has been given back to the queue."
	case !p.StoppedAt.IsZero():
		row.Look, row.State, row.Why = lookEnded, "stopped", "It ended of itself."
	case now.Sub(p.BeatAt) >= store.DeadAfter:
		row.Look, row.State, row.Why = lookMissed, "silent", "It has not been heard for "+roughly(now.Sub(p.BeatAt))+". What it runs is given back to the queue once another process has noticed."
	}
	return row
}

// processes shows who is running.
func (s *site) processes(w http.ResponseWriter, r *http.Request) error {
	p := s.newPage(r, "Processes", "/processes")
	all, err := s.Store.Processes(r.Context())
	if err != nil {
		return err
	}
	var v processesView
	const mostGone = 30
	for _, one := range all {
		if row := processOf(one, p.Now); row.State == "alive" || row.State == "silent" {
			v.Alive = append(v.Alive, row)
		} else if len(v.Gone) < mostGone {
			v.Gone = append(v.Gone, row)
		}
	}
	if v.Queues, err = s.Store.QueuesAmong(r.Context(), all); err != nil {
		return err
	}
	if v.Limits, err = s.Store.Limits(r.Context()); err != nil {
		return err
	}
	if v.Backfills, err = s.backfills(r, "", 10); err != nil {
		return err
	}
	p.Main = v
	return s.show(w, r, "processes", p)
}

// backfillRow is a backfill and how far it is.
type backfillRow struct {
	store.Backfill
	Open    bool
	Percent int
	State   string
	Look    look
}

// backfills lists those of a schedule, or of all if the key is empty.
func (s *site) backfills(r *http.Request, key string, most int) ([]backfillRow, error) {
	const looked = 200
	all, err := s.Store.Backfills(r.Context(), looked)
	if err != nil {
		return nil, err
	}
	var rows []backfillRow
	for _, b := range all {
		if key != "" && b.Key != key || len(rows) == most {
			continue
		}
		row := backfillRow{Backfill: b, Open: b.StoppedAt.IsZero() && b.FinishedAt.IsZero(), State: "under way", Look: lookRunning}
		if b.Total > 0 {
			row.Percent = min(100, 100*b.Enqueued/b.Total)
		}
		switch {
		case !b.StoppedAt.IsZero():
			row.State, row.Look = "stopped", lookEnded
		case !b.FinishedAt.IsZero():
			row.State, row.Look, row.Percent = "done", lookOK, 100
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// activityPerPage is how many entries a page of the activity lists.
const activityPerPage = 100

// activityView is what the activity shows.
type activityView struct {
	Rows        []activityRow
	More, First string
}

// activityRow is something somebody did, with a link to what it was about.
type activityRow struct {
	store.Activity
	Link string
}

// activity shows who did what, the newest first.
func (s *site) activity(w http.ResponseWriter, r *http.Request) error {
	p := s.newPage(r, "Activity", "/activity")
	before := int64(0)
	if text := r.URL.Query().Get("before"); text != "" {
		var err error
		if before, err = strconv.ParseInt(text, 10, 64); err != nil {
			return notFound("There is no such page.")
		}
	}
	all, err := s.Store.Activities(r.Context(), before, activityPerPage+1)
	if err != nil {
		return err
	}
	var v activityView
	if len(all) > activityPerPage {
		all = all[:activityPerPage]
		v.More = query(s.Prefix+"/activity", "before", strconv.FormatInt(all[len(all)-1].ID, 10))
	}
	if before != 0 {
		v.First = s.Prefix + "/activity"
	}
	for _, one := range all {
		v.Rows = append(v.Rows, activityRow{one, s.subjectLink(one)})
	}
	p.Main = v
	return s.show(w, r, "activity", p)
}

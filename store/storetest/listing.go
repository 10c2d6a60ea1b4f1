package storetest

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/punctual-dev/punctual/store"
)

var listTests = []test{
	{"the last rows of each of some schedules are listed together", func(h *house) {
		h.apply(declared("a", "hourly at :00"), declared("b", "hourly at :00"), declared("c", "every 2h"), declared("d", "hourly at :00"))
		for _, at := range []string{"10:00", "11:00", "12:00", "13:00"} {
			h.at(at)
			h.tick()
			h.end()
		}
		runs, err := h.Runs(h.ctx(), store.RunFilter{Keys: []string{"a", "b", "nobody"}, Each: 2, Limit: 100})
		h.must(err)
		var lines []string
		for _, r := range runs {
			lines = append(lines, r.Schedule+" "+r.Nominal.Format("15:04"))
		}
		same(h, "rows", slices.Sorted(slices.Values(lines)), []string{"a 12:00", "a 13:00", "b 12:00", "b 13:00"})
		if !isNewestFirst(runs) {
			h.Errorf("the newest do not come first: %v", lines)
		}
	}},
	{"rows in a state are found whether it has been copied into the ledger or not, page by page", func(h *house) {
		h.apply(declared("a", "hourly at :00"), declared("b", "hourly at :00"), declared("c", "hourly at :00"))
		for i, at := range []string{"10:00", "11:00", "12:00", "13:00"} {
			h.at(at)
			h.tick()
			h.job(h.run("a", i).JobID, "discarded", "exit code 3")
			h.job(h.run("b", i).JobID, "completed")
			if i < 3 {
				h.must(errorOf(h.CopyOutcomes(h.ctx())))
			}
		}
		h.job(h.run("c", 0).JobID, "running")
		h.wantStates(map[string]int{"failed": 4, "succeeded": 4, "skipped": 3, "running": 1, "available": 0, "expired": 0, "unknown": 0})
		counts, err := h.CountRuns(h.ctx(), store.RunFilter{Key: "a"})
		h.must(err)
		equal(h, "of one", fmt.Sprint(counts), fmt.Sprint(map[string]int{"failed": 4}))
		h.at("13:30")
		h.must(errorOf(h.CopyOutcomes(h.ctx())))
		h.wantStates(map[string]int{"failed": 4, "succeeded": 4, "skipped": 3, "running": 1})
		runs, err := h.Runs(h.ctx(), store.RunFilter{Key: "a", DecidedFrom: moment("12:00"), Limit: 10})
		h.must(err)
		equal(h, "decided since twelve", len(runs), 2)
	}},
	{"a filter by how schedules stand leaves out nobody who stands so", func(h *house) {
		tagged := declared("b", "hourly at :00")
		tagged.Tags = []string{"nightly", "money"}
		h.apply(declared("a", "hourly at :00"), tagged, declared("c", "hourly at :00"))
		standing := func(as store.Standing) (keys []string) {
			all, err := h.OverviewsWhere(h.ctx(), store.OverviewFilter{Standing: as})
			h.must(err)
			for _, one := range all {
				if one.Standing() == as {
					keys = append(keys, one.Key)
				}
			}
			return keys
		}
		same(h, "paused", standing(store.StandingPaused), nil)
		h.pause(store.Target{Key: "c"}, time.Time{})
		same(h, "paused by key", standing(store.StandingPaused), []string{"c"})
		h.pause(store.Target{Tag: "money"}, time.Time{})
		same(h, "paused by key and tag", standing(store.StandingPaused), []string{"b", "c"})
		same(h, "active", standing(store.StandingActive), []string{"a"})
		h.pause(store.Target{All: true}, time.Time{})
		same(h, "paused, everything", standing(store.StandingPaused), []string{"a", "b", "c"})
		pauses := h.overview("b").Pauses
		equal(h, "pauses of one", fmt.Sprint(pauses[0].Scope, " ", pauses[1].Scope), "tag all")
	}},
}

// wantStates wants so many rows in each state, found in pages of three, and
// counted.
func (h *house) wantStates(want map[string]int) {
	h.Helper()
	for state, n := range want {
		f := store.RunFilter{State: state, Limit: 3}
		found := 0
		for {
			runs, err := h.Runs(h.ctx(), f)
			h.must(err)
			for _, r := range runs {
				equal(h, "state", r.State, state)
			}
			if !isNewestFirst(runs) {
				h.Errorf("%s: the newest do not come first", state)
			}
			found += len(runs)
			if len(runs) < f.Limit {
				break
			}
			f.Before = runs[len(runs)-1].ID
		}
		equal(h, state, found, n)
		counts, err := h.CountRuns(h.ctx(), store.RunFilter{State: state})
		h.must(err)
		equal(h, state+", counted", counts[state], n)
	}
}

func isNewestFirst(runs []store.Run) bool {
	return slices.IsSortedFunc(runs, func(a, b store.Run) int { return cmp.Compare(b.ID, a.ID) })
}

package storetest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/schedule"
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
	{"what is late, in error or due next is found among all, counted, and not where it is paused", func(h *house) {
		h.apply(declared("a", "hourly at :00"), declared("b", "hourly at :00", tags("nightly")), declared("c", "hourly at :00"), declared("d", "daily at 20:00"))
		h.at("10:00:30")
		late := store.OverviewFilter{OverdueSince: moment("10:00:20")}
		want := func(what string, f store.OverviewFilter, want ...string) {
			h.Helper()
			all, err := h.OverviewsWhere(h.ctx(), f)
			h.must(err)
			var keys []string
			for _, one := range all {
				keys = append(keys, one.Key)
			}
			same(h, what, keys, want)
			n, err := h.CountSchedules(h.ctx(), f)
			h.must(err)
			equal(h, what+", counted", n, len(want))
		}
		want("late", late, "a", "b", "c")
		h.pause(store.Target{Tag: "nightly"}, time.Time{})
		want("late, one paused by tag", late, "a", "c")
		h.pause(store.Target{Key: "c"}, time.Time{})
		want("late, one paused by key", late, "a")
		want("due after now", store.OverviewFilter{DueAfter: moment("10:00:30")}, "d")
		want("in error", store.OverviewFilter{Standing: store.StandingError})
		h.exec("UPDATE punctual_schedule SET error = 'its zone is not known' WHERE key = 'a'")
		h.exec("UPDATE punctual_schedule SET format = 99 WHERE key = 'd'")
		want("in error or of a newer version", store.OverviewFilter{Standing: store.StandingError}, "a", "d")
		want("late, one in error", late)
		h.pause(store.Target{All: true}, time.Time{})
		want("late, everything paused", late)
	}},
	{"what a schedule is is read anew when it was edited", func(h *house) {
		h.apply(declared("a", "hourly at :00"))
		equal(h, "when", h.overview("a").When.Expressions[0], "hourly at :00")
		h.apply(declared("a", "hourly at :20", tags("nightly")))
		one := h.overview("a")
		equal(h, "when", fmt.Sprint(one.When.Expressions[0], one.Tags), "hourly at :20[nightly]")
		one.Tags, one.Description = nil, "somebody's own"
		equal(h, "what another gets", fmt.Sprint(h.overview("a").Tags, h.overview("a").Description), "[nightly]")
	}},
	{"failures nobody has seen, what was missed and what runs long are told by schedule", func(h *house) {
		h.apply(declared("a", "hourly at :00"), declared("b", "hourly at :00"), declared("c", "hourly at :00", catchUp(schedule.CatchUpNone)))
		for i, at := range []string{"10:00", "11:00"} {
			h.at(at)
			h.tick()
			h.job(h.run("a", i).JobID, "discarded", "exit code 3")
		}
		h.must(errorOf(h.CopyOutcomes(h.ctx())))
		h.job(h.run("b", 0).JobID, "running")
		failing, schedules, err := h.Failing(h.ctx(), 5)
		h.must(err)
		equal(h, "failing", fmt.Sprint(schedules, failing[0].Schedule, failing[0].Count, failing[0].ID == h.run("a", 1).ID), fmt.Sprint(1, "a", 2, true))
		h.at("13:30")
		h.tick()
		missed, schedules, err := h.Missed(h.ctx(), moment("13:00"), 5)
		h.must(err)
		equal(h, "missed", fmt.Sprint(schedules, missed[0].Schedule, missed[0].Count), fmt.Sprint(1, "c", 2))
		_, schedules, err = h.Missed(h.ctx(), moment("14:00"), 5)
		h.must(err)
		equal(h, "missed since", schedules, 0)
		long, err := h.LongRunning(h.ctx(), moment("12:00"), 5)
		h.must(err)
		equal(h, "running long", fmt.Sprint(len(long), " ", long[0].Schedule), "1 b")
		for i, minutes := range []int{9, 4, 5, 1} {
			h.exec(fmt.Sprintf("UPDATE punctual_occurrence SET outcome = '%s', started_at = $1, finished_at = $2 WHERE id = $3", []string{"succeeded", "succeeded", "succeeded", "failed"}[i]),
				moment("12:00"), moment("12:00").Add(time.Duration(minutes)*time.Minute), h.run("b", i).ID)
		}
		longest, err := h.LongestSuccesses(h.ctx(), []string{"a", "b", "nobody"}, 3)
		h.must(err)
		equal(h, "the longest of the last three", fmt.Sprint(longest), "map[b:5m0s]")
		decisions, err := h.Decisions(h.ctx(), moment("13:00"), 100)
		h.must(err)
		skipped := 0
		for _, d := range decisions {
			if d.Reason != "" {
				skipped += d.Count
			}
		}
		equal(h, "skipped lately", skipped > 0, true)
	}},
	{"the newest rows with words are found, however far back they are", func(h *house) {
		h.apply(declared("a", "0 0 1 jan *"))
		h.exec(`INSERT INTO punctual_occurrence (schedule_id, trigger_id, due_at, origin, decision, decided_at, finished_at, outcome, error)
			WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 700)
			SELECT s.id, 't' || i, s.created_at, 'trigger', 'enqueued', s.created_at, s.created_at, 'failed',
				CASE WHEN i = 690 THEN 'once, late' WHEN i = 7 THEN 'once, early' WHEN i % 100 = 50 THEN 'exit code 7' ELSE 'exit code 1' END
			FROM n, punctual_schedule s`)
		for _, c := range []struct {
			words, state string
			limit        int
			before       int64 // as many rows back
			want         string
		}{
			{"once", "", 2, 0, "690 7"},
			{"Once, Early", "", 2, 0, "7"},
			{"once", "failed", 2, 0, "690 7"},
			{"once", "", 1, 0, "690"},
			{"once", "", 1, 100, "7"},
			{"once", "succeeded", 2, 0, ""},
			{"exit code 7", "", 3, 0, "650 550 450"},
			{"exit code 7", "", 3, 200, "450 350 250"},
			{"exit code", "", 3, 0, "700 699 698"},
			{"nowhere", "", 3, 0, ""},
		} {
			first := h.run("a", 0).ID
			f := store.RunFilter{Error: c.words, State: c.state, Limit: c.limit}
			if c.before > 0 {
				f.Before = first + 700 - c.before
			}
			runs, err := h.Runs(h.ctx(), f)
			h.must(err)
			var found []string
			for _, run := range runs {
				found = append(found, fmt.Sprint(run.ID-first+1))
			}
			equal(h, fmt.Sprintf("%+v", c), strings.Join(found, " "), c.want)
		}
		h.exec("DELETE FROM punctual_occurrence") // no job was ever made for them
	}},
	{"words are looked for in so many rows, and further back where somebody asks", func(h *house) {
		h.apply(declared("a", "hourly at :00"))
		for i := range 6 {
			h.at(fmt.Sprintf("%d:00", 10+i))
			h.tick()
			h.job(h.run("a", i).JobID, "discarded", fmt.Sprintf("exit code %d", i))
		}
		h.must(errorOf(h.CopyOutcomes(h.ctx())))
		f, found := store.RunFilter{Error: "exit code 1", Limit: 10}, 0
		for looks := 1; ; looks++ {
			runs, back, err := h.RunsBack(h.ctx(), f, 2)
			h.must(err)
			found += len(runs)
			if f.Before = back; back == 0 {
				equal(h, "looks", looks, 3)
				break
			}
		}
		equal(h, "found", found, 1)
		_, back, err := h.RunsBack(h.ctx(), store.RunFilter{Key: "a", Error: "exit", Limit: 10}, 2)
		h.must(err)
		equal(h, "of one schedule, down to", back, 0)
	}},
	{"what is due in an hour of long ago is found, and what was not in it is not", func(h *house) {
		h.apply(declared("a", "hourly at :00"))
		for _, at := range []string{"10:00", "11:00", "12:00"} {
			h.at(at)
			h.tick()
			h.end()
		}
		for _, span := range []time.Duration{time.Hour, 40 * time.Hour} {
			runs, err := h.Runs(h.ctx(), store.RunFilter{From: moment("11:00"), To: moment("11:00").Add(span), Limit: 10})
			h.must(err)
			equal(h, span.String(), len(runs), map[time.Duration]int{time.Hour: 1, 40 * time.Hour: 2}[span])
		}
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

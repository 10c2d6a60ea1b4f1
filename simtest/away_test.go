package simtest

import (
	"strings"
	"testing"
	"time"

	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

// The clock is off from 00:05 to 01:08. Every schedule is due every ten minutes,
// at 00:10, 00:20 and so on to 01:00.
const (
	offAt   = 5 * time.Minute
	onAgain = 68 * time.Minute
)

func TestAnHourAwayIsCaughtUpAsEachPolicySays(t *testing.T) {
	cases := []struct {
		key  string
		set  func(*schedule.Policies)
		want string
	}{
		{
			key: "latest", set: func(p *schedule.Policies) { p.CatchUp = schedule.CatchUpLatest },
			want: "00:10-00:50 coalesced, 01:00 enqueued, 01:10 enqueued",
		},
		{
			key: "all-that-may-overlap", set: func(p *schedule.Policies) {
				p.CatchUp, p.Overlap = schedule.CatchUpAll, schedule.OverlapAllow
			},
			want: "00:10 enqueued, 00:20 enqueued, 00:30 enqueued, 00:40 enqueued, 00:50 enqueued, 01:00 enqueued, 01:10 enqueued",
		},
		{
			key: "all-in-line", set: func(p *schedule.Policies) { p.CatchUp = schedule.CatchUpAll },
			want: "00:10 enqueued, 00:20 enqueued, 00:30 enqueued, 00:40 enqueued, 00:50 enqueued, 01:00 enqueued, 01:10 enqueued",
		},
		{
			key: "all-of-the-last-half-hour", set: func(p *schedule.Policies) {
				p.CatchUp, p.Overlap = schedule.CatchUpAll, schedule.OverlapAllow
				p.CatchUpWindow = schedule.Duration(30 * time.Minute)
			},
			want: "00:10-00:30 beyond catch-up limit, 00:40 enqueued, 00:50 enqueued, 01:00 enqueued, 01:10 enqueued",
		},
		{
			key: "two-at-most", set: func(p *schedule.Policies) {
				p.CatchUp, p.Overlap, p.CatchUpMax = schedule.CatchUpAll, schedule.OverlapAllow, 2
			},
			want: "00:10-00:40 beyond catch-up limit, 00:50 enqueued, 01:00 enqueued, 01:10 enqueued",
		},
		{
			key: "none", set: func(p *schedule.Policies) { p.CatchUp = schedule.CatchUpNone },
			want: "00:10-01:00 missed, 01:10 enqueued",
		},
		{
			key: "none-with-much-grace", set: func(p *schedule.Policies) {
				p.CatchUp, p.Grace = schedule.CatchUpNone, schedule.Duration(10*time.Minute)
			},
			want: "00:10-00:50 missed, 01:00 enqueued, 01:10 enqueued",
		},
	}
	onBothStores(t, func(t *testing.T, h *house) {
		start := time.Now()
		var declared []schedule.Declaration
		for _, c := range cases {
			declared = append(declared, declare(c.key, "every 10m", c.set))
		}
		h.apply(declared...)
		h.runClock(offAt)
		time.Sleep(onAgain - time.Since(start))

		log := h.runClock(time.Second)
		for _, said := range []string{"was away 58m: ", "latest missed 6, enqueued 1;", "all-in-line missed 6, enqueued 1, 5 to follow in turn;"} {
			if !strings.Contains(log, said) {
				t.Errorf("the clock did not say in a line what it caught up, as in %q:\n%s", said, log)
			}
		}
		// The line goes on whenever the job before has ended.
		for range 6 {
			h.finishJobs()
			h.runClock(10 * time.Second)
		}
		h.finishJobs()
		h.runClock(2 * time.Minute)
		for _, c := range cases {
			if got := h.history(c.key, start); got != c.want {
				t.Errorf("%s:\n got %s\nwant %s", c.key, got, c.want)
			}
		}
		h.audit()
		h.jobsEqualEnqueued()
	})
}

func TestWhatIsDoneWhileTheClockIsAwayLosesAndInventsNothing(t *testing.T) {
	onBothStores(t, func(t *testing.T, h *house) {
		start := time.Now()
		all := func(p *schedule.Policies) { p.CatchUp, p.Overlap = schedule.CatchUpAll, schedule.OverlapAllow }
		before := []schedule.Declaration{
			declare("edited", "every 10m", all), declare("old-name", "every 10m", all),
			declare("paused", "every 10m", all), declare("deleted", "every 10m", all),
			declare("policy-edited", "every 10m", all),
		}
		h.apply(before...)
		h.runClock(offAt)

		until(start, 15*time.Minute)
		if _, err := h.store.Pause(t.Context(), store.Target{Key: "paused"}, time.Time{}, "maintenance", "test"); err != nil {
			t.Fatal(err)
		}
		until(start, 35*time.Minute)
		renamed := declare("new-name", "every 10m", all)
		renamed.Was = "old-name"
		h.apply(declare("edited", "every 15m", all), renamed, before[2], declare("policy-edited", "every 10m", nil))
		until(start, 45*time.Minute)
		if _, err := h.store.Resume(t.Context(), store.Target{Key: "paused"}, "test"); err != nil {
			t.Fatal(err)
		}
		until(start, onAgain)
		h.runClock(4 * time.Minute)

		for key, want := range map[string]string{
			"edited":        "00:10 enqueued, 00:20 enqueued, 00:30 enqueued, 00:45 enqueued, 01:00 enqueued",
			"new-name":      "00:10 enqueued, 00:20 enqueued, 00:30 enqueued, 00:40 enqueued, 00:50 enqueued, 01:00 enqueued, 01:10 enqueued",
			"paused":        "00:10 enqueued, 00:20-00:40 paused, 00:50 enqueued, 01:00 enqueued, 01:10 enqueued",
			"deleted":       "00:10-00:30 deleted",
			"policy-edited": "00:10-00:50 coalesced, 01:00 enqueued, 01:10 previous run not finished",
		} {
			if got := h.history(key, start); got != want {
				t.Errorf("%s:\n got %s\nwant %s", key, got, want)
			}
		}
		h.audit()
		h.jobsEqualEnqueued()
	})
}

// until sleeps to an instant after start.
func until(start time.Time, after time.Duration) { time.Sleep(after - time.Since(start)) }

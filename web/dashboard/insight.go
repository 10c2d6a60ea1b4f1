package dashboard

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/punctual-dev/punctual/store"
)

// lastRuns are the last occurrences of each schedule, the newest first, by key.
func (s *site) lastRuns(ctx context.Context, found []store.Overview) (map[string][]store.Run, error) {
	all := map[string][]store.Run{}
	if len(found) == 0 {
		return all, nil // no keys would mean those of all schedules
	}
	keys := make([]string, len(found))
	for i, one := range found {
		keys[i] = one.Key
	}
	runs, err := s.Store.Runs(ctx, store.RunFilter{Keys: keys, Each: stripLength, Limit: len(keys) * stripLength})
	for _, r := range runs {
		all[r.Schedule] = append(all[r.Schedule], r)
	}
	return all, err
}

// pulseColumns is how many parts the last hour is shown in.
const pulseColumns = 60

// mostPulse is how many rows of the ledger the first page looks at; where there
// were more in an hour, it says so.
const mostPulse = 10_000

// addPulse draws the last hour: how much was done, and how late.
func (s *site) addPulse(ctx context.Context, g *glance) error {
	p, v := g.page, &g.view
	from := p.Now.Add(-time.Hour)
	decisions, err := s.Store.Decisions(ctx, from, mostPulse)
	if err != nil {
		return err
	}
	v.PulsePart = len(decisions) == mostPulse
	var late [pulseColumns][]time.Duration
	var ran, failed, skipped [pulseColumns]int
	var all []time.Duration
	for _, d := range decisions {
		i := int(d.DecidedAt.Sub(from) / (time.Hour / pulseColumns))
		if i < 0 || i >= pulseColumns {
			continue
		}
		switch {
		case d.Outcome == "failed" || d.Outcome == "expired":
			failed[i]++
			v.Failed++
		case d.Reason != "" || d.Outcome == "superseded":
			skipped[i] += d.Count
			v.Skipped += d.Count
		default:
			ran[i]++
			v.Ran++
		}
		if d.Origin == "clock" && d.Reason == "" {
			span := max(0, d.DecidedAt.Sub(d.Due))
			late[i], all = append(late[i], span), append(all, span)
		}
	}
	var bars []bar
	var delays []delay
	for i := range pulseColumns {
		at := from.Add(time.Duration(i) * time.Hour / pulseColumns).Format("15:04 UTC")
		look := lookOK
		switch {
		case failed[i] > 0:
			look = lookFailed
		case ran[i]+skipped[i] == 0:
			look = "" // nothing is drawn
		}
		bars = append(bars, bar{float64(ran[i] + failed[i]), look, fmt.Sprintf("%s: %s ran, %s failed, %s skipped", at, grouped(ran[i]+failed[i]), grouped(failed[i]), grouped(skipped[i]))})
		d := delay{Count: len(late[i])}
		d.P50, d.P99, d.Max = spread(late[i])
		d.Title = fmt.Sprintf("%s: half within %s, 99 %% within %s, the latest %s (%s)", at, took(d.P50), took(d.P99), took(d.Max), grouped(d.Count))
		delays = append(delays, d)
	}
	p50, p99, most99 := spread(all)
	v.Lateness = latenessTile(p50, p99, most99, len(all))
	v.Activity = barChart(fmt.Sprintf("Runs in the last hour, minute by minute: %s ran, %s failed, %s were skipped.", grouped(v.Ran+v.Failed), grouped(v.Failed), grouped(v.Skipped)), 84, bars)
	v.Delays = delayChart(fmt.Sprintf("How late the clock was in the last hour, minute by minute: half within %s, 99 %% within %s, the latest %s.", took(p50), took(p99), took(most99)), 84, delays)
	return nil
}

// latenessTile says how late the clock was in the last hour.
func latenessTile(p50, p99, most time.Duration, count int) tile {
	if count == 0 {
		return tile{Look: lookEnded, Value: "–", Text: "Nothing was due in the last hour."}
	}
	t := tile{Look: lookOK, Value: took(p99), Text: fmt.Sprintf("p99 of the last hour; p50 %s, max %s", took(p50), took(most))}
	if p99 > onTime {
		t.Look = lookMissed
	}
	return t
}

// addHour tells what comes due in the next hour.
func (s *site) addHour(ctx context.Context, g *glance) error {
	p, v := g.page, &g.view
	const columns, listed, each = 60, 8, 3
	c, err := s.comings.get(ctx, g.look, p.Now)
	if err != nil {
		return err
	}
	v.Empty = c.plan.Schedules == 0
	h := &hourView{From: p.Now, Counted: c.counted, Partial: c.part()}
	v.Hour = h
	// Who of those is first that are due next is due first of all.
	soonest, err := g.look.Overviews(ctx, store.OverviewFilter{DueAfter: p.Now, Limit: listed})
	if err != nil {
		return err
	}
	for _, one := range soonest {
		for _, next := range one.AheadUntil(p.Now, p.Now.Add(time.Hour), each) {
			h.Next = append(h.Next, comingRun{one.Key, next.Due, next.Fate})
		}
	}
	slices.SortStableFunc(h.Next, func(a, b comingRun) int { return a.Due.Compare(b.Due) })
	h.Next = h.Next[:min(len(h.Next), listed)]
	var bars []bar
	for i := range columns {
		from := p.Now.Truncate(time.Second).Add(time.Duration(i)*time.Minute + time.Second)
		n := c.between(from, time.Minute)
		h.Total += n
		bars = append(bars, bar{float64(n), lookRunning, fmt.Sprintf("%s, in %d min: %s due", from.Format("15:04 UTC"), i, grouped(n))})
	}
	if at, n := c.fullest(p.Now.Add(time.Second), time.Hour); n > 2 {
		h.Herd = &comingHerd{at, n}
	}
	for i := range 7 {
		h.Ticks = append(h.Ticks, p.Now.Add(time.Duration(i)*10*time.Minute))
	}
	h.Chart = barChart(fmt.Sprintf("The next hour: %s due.", counted(h.Total, "occurrence")), 64, bars)
	return nil
}

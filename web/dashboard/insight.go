package dashboard

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/schedule"
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

// glance is how many schedules and runs the first page looks at.
const glance = 500

// addAttention lists what wants to be looked at, the most urgent first.
func (s *site) addAttention(ctx context.Context, p *page, v *overviewView) error {
	unseen, err := s.Store.Unseen(ctx, 8)
	if err != nil {
		return err
	}
	for _, failure := range unseen {
		v.Attention = append(v.Attention, s.failureAttention(failure))
	}
	found, err := s.Store.OverviewsWhere(ctx, store.OverviewFilter{Limit: glance})
	if err != nil {
		return err
	}
	v.Schedules, v.Empty = len(found), len(found) == 0
	for _, one := range found {
		if a, ok := s.standingAttention(one, p.Now); ok {
			v.Attention = append(v.Attention, a)
		}
	}
	slices.SortStableFunc(v.Attention, func(a, b attention) int { return b.Weight - a.Weight })
	v.Attention = v.Attention[:min(len(v.Attention), 15)]
	v.Hour = hourOf(found, p.Now)
	return nil
}

// failureAttention is a failure that nobody has seen.
func (s *site) failureAttention(f store.Failure) attention {
	a := attention{Look: lookFailed, Word: label(f.Run), Key: f.Schedule, Link: fmt.Sprintf("%s/runs/%d", s.Prefix, f.ID), Why: sentence(lastLine(f.Error)), Since: f.FinishedAt, Seen: f.ID, Weight: 70}
	if !f.RecoveredAt.IsZero() {
		a.Why += " It has succeeded since."
		a.Weight = 20
	}
	return a
}

// standingAttention says whether a schedule itself wants to be looked at.
func (s *site) standingAttention(one store.Overview, now time.Time) (attention, bool) {
	a := attention{Key: one.Key, Link: s.Prefix + schedulePath(one.Key), Why: trouble(one, now)}
	const patience = time.Minute
	count, since := one.Undecided(now)
	switch standing := one.Standing(); {
	case standing == store.StandingError:
		a.Look, a.Word, a.Since, a.Weight = lookFailed, "in error", one.ErrorAt, 100
	case standing == store.StandingWaiting && now.Sub(since) > patience:
		a.Look, a.Word, a.Since, a.Weight = lookWaiting, "waiting", since, 60
	case standing == store.StandingActive && count > 0 && now.Sub(since) > 5*time.Second:
		a.Look, a.Word, a.Since, a.Weight = lookMissed, "late", since, 90
	default:
		return a, false
	}
	return a, true
}

// pulseColumns is how many parts the last hour is shown in.
const pulseColumns = 60

// addPulse draws the last hour: how much was done, and how late.
func (s *site) addPulse(ctx context.Context, p *page, v *overviewView) error {
	const most = 4000
	from := p.Now.Add(-time.Hour)
	runs, err := s.Store.Runs(ctx, store.RunFilter{From: from, DecidedFrom: from, Limit: most})
	if err != nil {
		return err
	}
	var late [pulseColumns][]time.Duration
	var ran, failed, skipped [pulseColumns]int
	var all []time.Duration
	for _, r := range runs {
		i := int(r.DecidedAt.Sub(from) / (time.Hour / pulseColumns))
		if i < 0 || i >= pulseColumns {
			continue
		}
		switch lookOf(r) {
		case lookFailed:
			failed[i]++
			v.Failed++
		case lookSkipped, lookMissed, lookPaused:
			skipped[i] += r.Count
			v.Skipped += r.Count
		default:
			ran[i]++
			v.Ran++
		}
		if r.Origin == "clock" && r.Decision == "enqueued" {
			span := max(0, r.DecidedAt.Sub(r.Due))
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

// hourOf counts what comes due in the next hour.
func hourOf(found []store.Overview, now time.Time) *hourView {
	const columns = 60
	h := &hourView{From: now, Partial: len(found) >= glance}
	until := now.Add(time.Hour)
	var counts [columns]int
	seconds := map[time.Time]int{}
	for _, one := range found {
		for i, next := range one.AheadUntil(now, until, 720) {
			if i < 3 {
				h.Next = append(h.Next, comingRun{one.Key, next.Due, next.Fate})
			}
			if next.Fate != "" {
				continue
			}
			counts[min(columns-1, int(next.Due.Sub(now)/time.Minute))]++
			seconds[next.Due.Truncate(time.Second)]++
			h.Total++
		}
	}
	slices.SortFunc(h.Next, func(a, b comingRun) int { return a.Due.Compare(b.Due) })
	h.Next = h.Next[:min(len(h.Next), 8)]
	var bars []bar
	for i, n := range counts {
		from := now.Add(time.Duration(i) * time.Minute)
		bars = append(bars, bar{float64(n), lookRunning, fmt.Sprintf("%s, in %d min: %s due", from.Format("15:04 UTC"), i, grouped(n))})
	}
	for at, n := range seconds {
		if n > 2 && (h.Herd == nil || n > h.Herd.Count || n == h.Herd.Count && at.Before(h.Herd.At)) {
			h.Herd = &comingHerd{at, n}
		}
	}
	for i := range 7 {
		h.Ticks = append(h.Ticks, now.Add(time.Duration(i)*10*time.Minute))
	}
	h.Chart = barChart(fmt.Sprintf("The next hour: %s due.", counted(h.Total, "occurrence")), 64, bars)
	return h
}

// loadOf is what comes due between two instants.
func loadOf(ctx context.Context, found []store.Overview, from, until time.Time) (*schedule.Forecast, error) {
	var declared []schedule.Declaration
	for _, one := range found {
		if one.Standing() != store.StandingPaused {
			declared = append(declared, one.Declaration)
		}
	}
	return schedule.NewForecast(ctx, declared, from, until)
}

func herdWords(h schedule.Herd) string {
	const named = 5
	keys := h.Schedules[:min(len(h.Schedules), named)]
	text := strings.Join(keys, ", ")
	if more := len(h.Schedules) - len(keys); more > 0 {
		text += fmt.Sprintf(" and %s more", grouped(more))
	}
	return text
}

package dashboard

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/punctual-dev/punctual/store"
)

// attention is something that wants to be looked at.
type attention struct {
	Look   look
	Word   string
	Key    string
	Link   string
	Why    string
	Since  time.Time
	Unseen int           // failures that can be marked as seen
	Alerts []raisedAlert // who was told
	Weight int           // the heaviest first
}

// moreAttention is how many more there are than are listed, and where.
type moreAttention struct {
	Count      int
	Word, Link string
}

const (
	// mostAttention is how many of a kind are listed: those that begin a list of
	// all, which is a click away.
	mostAttention = 6
	// lateAfter is what a clock is given to decide.
	lateAfter = 5 * time.Second
	// waitsLong is how long an occurrence may wait for its turn.
	waitsLong = time.Minute
	// missedLately is for how long what was missed wants attention.
	missedLately = 24 * time.Hour
	// A run is stuck when it has run for so long, and so many times as long as the
	// longest of the last that succeeded.
	stuckAfter = 10 * time.Minute
	stuckTimes = 4
)

// findings are what of one kind wants to be looked at: a few, and how many more
// there are.
type findings struct {
	listed []attention
	more   []moreAttention
}

// addAttention lists what was found of every kind, the most urgent first.
func (g *glance) addAttention() {
	v := &g.view
	for _, found := range []findings{g.broken, g.late, g.stuck, g.failing, g.queues, g.waiting, g.missed} {
		v.Attention, v.More = append(v.Attention, found.listed...), append(v.More, found.more...)
	}
	for i := range v.Attention {
		v.Attention[i].Alerts = g.raised[v.Attention[i].Key]
	}
	slices.SortStableFunc(v.Attention, func(a, b attention) int { return b.Weight - a.Weight })
	v.Calm = len(v.Attention) == 0
}

// addRaised adds who was told of what.
func (s *site) addRaised(ctx context.Context, g *glance) (err error) {
	g.raised, err = s.raisedAlerts(ctx)
	return err
}

// addStanding adds schedules that a filter finds, and how many more there are.
func (s *site) addStanding(ctx context.Context, look store.Look, to *findings, f store.OverviewFilter, more moreAttention, judge func(store.Overview) (attention, bool)) error {
	f.Limit = mostAttention
	found, err := look.Overviews(ctx, f)
	if err != nil {
		return err
	}
	for _, one := range found {
		a, ok := judge(one)
		if !ok {
			continue
		}
		a.Key, a.Link = one.Key, s.Prefix+schedulePath(one.Key)
		to.listed = append(to.listed, a)
	}
	if len(found) < mostAttention {
		return nil
	}
	all, err := look.Count(ctx, f)
	if more.Count = all - len(found); more.Count > 0 {
		to.more = append(to.more, more)
	}
	return err
}

// addBroken adds what cannot be decided.
func (s *site) addBroken(ctx context.Context, g *glance) error {
	now := g.page.Now
	more := moreAttention{Word: "in error", Link: s.Prefix + "/schedules?state=error"}
	return s.addStanding(ctx, g.look, &g.broken, store.OverviewFilter{Standing: store.StandingError}, more, func(one store.Overview) (attention, bool) {
		return attention{Look: lookFailed, Word: "in error", Since: one.ErrorAt, Weight: 100, Why: trouble(one, now)}, one.Error != ""
	})
}

// addLate adds what is due and not decided.
func (s *site) addLate(ctx context.Context, g *glance) error {
	now := g.page.Now
	more := moreAttention{Word: "late", Link: s.Prefix + "/schedules?state=" + stateLate}
	return s.addStanding(ctx, g.look, &g.late, store.OverviewFilter{OverdueSince: now.Add(-lateAfter)}, more, func(one store.Overview) (attention, bool) {
		count, since := one.Undecided(now)
		return attention{Look: lookMissed, Word: stateLate, Since: since, Weight: 90, Why: trouble(one, now)}, count > 0
	})
}

// addWaiting adds what has waited for its turn for long.
func (s *site) addWaiting(ctx context.Context, g *glance) error {
	now := g.page.Now
	more := moreAttention{Word: "waiting", Link: s.Prefix + "/schedules?state=waiting"}
	return s.addStanding(ctx, g.look, &g.waiting, store.OverviewFilter{WaitingSince: now.Add(-waitsLong)}, more, func(one store.Overview) (attention, bool) {
		_, since := one.Undecided(now)
		return attention{Look: lookWaiting, Word: "waiting", Since: since, Weight: 60, Why: trouble(one, now)}, !since.IsZero()
	})
}

// addStuck adds what runs far longer than it used to.
func (s *site) addStuck(ctx context.Context, g *glance) error {
	const most = 30
	now := g.page.Now
	running, err := s.Store.LongRunning(ctx, now.Add(-stuckAfter), most)
	if err != nil || len(running) == 0 {
		return err
	}
	keys := make([]string, len(running))
	for i, run := range running {
		keys[i] = run.Schedule
	}
	longest, err := s.Store.LongestSuccesses(ctx, keys, stripLength)
	if err != nil {
		return err
	}
	listed, more := 0, moreAttention{Word: "running", Link: s.Prefix + "/runs?state=running"}
	for _, run := range running {
		ran, usual := now.Sub(run.StartedAt), longest[run.Schedule]
		switch {
		case usual == 0 || ran < stuckTimes*usual: // it may just be long
		case listed == mostAttention:
			more.Count++
		default:
			listed++
			g.stuck.listed = append(g.stuck.listed, attention{
				Look: lookRunning, Word: "stuck?", Key: run.Schedule, Link: fmt.Sprintf("%s/runs/%d", s.Prefix, run.ID), Since: run.StartedAt, Weight: 80,
				Why: fmt.Sprintf("It has run for %s; of its last runs the longest that succeeded took %s.", roughly(ran), took(usual)),
			})
		}
	}
	if more.Count > 0 {
		g.stuck.more = append(g.stuck.more, more)
	}
	return nil
}

// addFailing adds failures that nobody has seen, by schedule.
func (s *site) addFailing(ctx context.Context, g *glance) error {
	failing, schedules, err := s.Store.Failing(ctx, mostAttention)
	for _, f := range failing {
		a := attention{
			Look: lookFailed, Word: label(f.Run), Key: f.Schedule, Link: fmt.Sprintf("%s/runs/%d", s.Prefix, f.ID), Why: sentence(lastLine(f.Error)),
			Since: f.FinishedAt, Unseen: f.Count, Weight: 70,
		}
		if f.Count > 1 {
			a.Why = fmt.Sprintf("%s times, the last time: %s", grouped(f.Count), stopped(lastLine(f.Error)))
		}
		if !f.RecoveredAt.IsZero() {
			a.Why += " It has succeeded since."
			a.Weight = 20
		}
		g.failing.listed = append(g.failing.listed, a)
	}
	if more := schedules - len(failing); more > 0 {
		g.failing.more = append(g.failing.more, moreAttention{more, "with failures nobody has seen", s.Prefix + "/runs?unseen=1"})
	}
	return err
}

// addQueues adds queues whose jobs nobody takes, of those that the tiles count.
func (s *site) addQueues(g *glance, queues []store.QueueOverview) {
	listed, more := 0, moreAttention{Word: "queues whose jobs wait", Link: s.Prefix + "/processes"}
	for _, a := range heldQueues(queues, g.page.Now) {
		if listed++; listed > mostAttention {
			more.Count++
			continue
		}
		a.Link = s.Prefix + "/processes"
		g.queues.listed = append(g.queues.listed, a)
	}
	if more.Count > 0 {
		g.queues.more = append(g.queues.more, more)
	}
}

// heldQueues are the queues whose jobs have waited long for want of somebody who
// takes them: any job, or those of one kind.
func heldQueues(queues []store.QueueOverview, now time.Time) (all []attention) {
	add := func(q store.QueueOverview, kind string, waiting int, oldest time.Time) {
		why := whyHeld("The queue", q, kind)
		if waiting == 0 || why == "" || now.Sub(oldest) < waitsLong {
			return
		}
		all = append(all, attention{
			Look: lookWaiting, Word: "queue", Key: q.Name, Since: oldest, Weight: 80, Why: fmt.Sprintf("%s waiting. %s", counted(waiting, "job"), why),
		})
	}
	for _, q := range queues {
		others := q.Waiting
		for _, u := range q.Untaken {
			if q.Hold(u.Kind) == store.HeldUntaken {
				add(q, u.Kind, u.Waiting, u.Oldest)
				others -= u.Waiting
			}
		}
		add(q, "", others, q.Oldest)
	}
	return all
}

// addMissed adds what was missed lately and is not made up for.
func (s *site) addMissed(ctx context.Context, g *glance) error {
	missed, schedules, err := s.Store.Missed(ctx, g.page.Now.Add(-missedLately), mostAttention)
	for _, m := range missed {
		g.missed.listed = append(g.missed.listed, attention{
			Look: lookMissed, Word: "missed", Key: m.Schedule, Link: fmt.Sprintf("%s/runs/%d", s.Prefix, m.Run), Since: m.At, Weight: 50,
			Why: counted(m.Count, "occurrence") + " in the last day, because the clock was away; a backfill runs what is wanted after all.",
		})
	}
	if more := schedules - len(missed); more > 0 {
		g.missed.more = append(g.missed.more, moreAttention{more, "that missed something", s.Prefix + "/runs?state=skipped&q=missed"})
	}
	return err
}

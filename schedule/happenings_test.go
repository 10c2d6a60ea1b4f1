package schedule_test

import (
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/punctual-dev/punctual/schedule"
)

// happen lets something happen to a schedule in the world and in the model;
// mostly nothing does.
func (p *pair) happen(what int, a *actor, s *modelSchedule) {
	deleted := !a.DeletedAt.IsZero()
	switch {
	case what == 0:
		p.pauseUntil(a, s)
	case what == 1:
		p.tell("resume %s", a.Key)
		a.resume(p.now)
		s.pauses = slices.Clone(a.pauses)
	case what == 2 && !deleted:
		p.edit(a, s)
	case what == 3 && !deleted:
		p.skipNext(a, s)
	case what == 4 && !deleted:
		p.skipDue(a, s)
	case what == 5 && !deleted:
		p.delete(a, s)
	case what == 5:
		p.tell("revive %s", a.Key)
		periods, when, jitter := p.when()
		a.When, a.Jitter = when, jitter
		p.world.revive(a, p.now)
		s.define(periods, jitter, p.now, p.until)
	case what == 6 && !deleted:
		p.trigger(a, s)
	case what == 7 && a.state.Waiting == schedule.NotWaiting:
		p.setPolicies(a, s)
	}
}

func (p *pair) pauseUntil(a *actor, s *modelSchedule) {
	var until time.Time
	if rapid.Bool().Draw(p.T, "ends") {
		until = p.now.Add(time.Duration(rapid.IntRange(1, 60_000).Draw(p.T, "pause")) * time.Millisecond)
	}
	p.tell("pause %s until %s", a.Key, clockTime(until))
	a.pause(p.now, until)
	s.pauses = slices.Clone(a.pauses)
}

func (p *pair) edit(a *actor, s *modelSchedule) {
	periods, when, jitter := p.when()
	p.tell("edit %s: %v, jitter %s", a.Key, when.Expressions, jitter)
	p.world.define(a, p.now, when, jitter)
	s.define(periods, jitter, p.now, p.until)
}

func (p *pair) skipNext(a *actor, s *modelSchedule) {
	at, err := schedule.SkipNext(a.Schedule, a.state, p.now)
	if err != nil {
		p.Fatalf("skip-next: %v", err)
	}
	a.state.SkipAt = at
	p.tell("skip-next %s: %s", a.Key, clockTime(at))
	if s.skip == nil || (s.skip.fate != "" && !s.skip.at.After(a.state.Cursor)) {
		i := slices.IndexFunc(s.nominals, func(n *modelNominal) bool { return n.fate == "" && n.due.After(p.now) })
		s.skip = s.nominals[i]
	}
	if !s.skip.at.Equal(at) {
		p.disagree(a, at, "the next to be skipped", clockTime(s.skip.at))
	}
}

func (p *pair) skipDue(a *actor, s *modelSchedule) {
	p.tell("skip %s", a.Key)
	p.world.write(a, p.now, schedule.SkipUntil(a.Schedule, a.state, p.now, schedule.ReasonByHand))
	s.decideAll(p.now, func(n *modelNominal) bool { return !n.due.After(p.now) }, schedule.ReasonByHand)
	p.forgetAhead(a, s, schedule.ReasonByHand)
}

func (p *pair) delete(a *actor, s *modelSchedule) {
	p.tell("delete %s", a.Key)
	p.world.delete(a, p.now)
	s.decideAll(p.now, func(n *modelNominal) bool { return !n.at.After(p.now) }, schedule.ReasonDeleted)
	p.forgetAhead(a, s, schedule.ReasonDeleted)
	s.define(nil, 0, p.now, p.until)
}

// decideAll skips what is undecided.
func (s *modelSchedule) decideAll(now time.Time, which func(*modelNominal) bool, reason schedule.Reason) {
	for _, n := range s.nominals {
		if n.fate == "" && which(n) {
			n.fate = string(reason)
		}
	}
	s.line, s.stopBy = false, time.Time{}
}

// forgetAhead gives the reason also to what the model decided ahead of the
// world, behind a nominal that waited.
func (p *pair) forgetAhead(a *actor, s *modelSchedule, reason schedule.Reason) {
	decided := a.eachDecision()
	for _, n := range s.nominals {
		if n.fate != "" && decided[n.at].Skipped == reason {
			n.fate = string(reason)
		}
	}
}

func (p *pair) trigger(a *actor, s *modelSchedule) {
	force := rapid.Bool().Draw(p.T, "force") && a.state.Waiting == schedule.NotWaiting
	facts := p.world.facts(a, p.now)
	facts.Places = p.world.limits[a.Policies.Limit] - p.world.taken(a.Policies.Limit)
	row, why := schedule.DecideTrigger(a.Schedule, a.state, facts, force)
	p.tell("trigger %s: %s", a.Key, why)
	allow := s.policies.Overlap == schedule.OverlapAllow
	resting := s.policies.Overlap == schedule.OverlapQueue && s.count(func(c course) bool { return c.phase == resting }) > 0
	waits := slices.ContainsFunc(s.nominals, func(n *modelNominal) bool { return n.fate == "" && n.met })
	refused := !allow && s.count(course.active) > 0 || resting || waits || s.policies.Limit != "" && p.model.free(s.policies.Limit) <= 0
	if (row.Skipped != "") != (refused && !force) {
		p.Fatalf("trigger %s: refused %t, the model says %t (%s)", a.Key, row.Skipped != "", refused, why)
	}
	if row.Skipped == "" {
		c := p.model.course(s, p.now)
		p.world.makeJob(a, time.Time{}, p.now).course = c
		s.jobs = append(s.jobs, &modelJob{made: p.now, course: c})
	}
}

func (p *pair) setPolicies(a *actor, s *modelSchedule) {
	policies := p.policies()
	policies.Limit = a.Policies.Limit
	p.tell("set %s: %+v", a.Key, policies)
	p.world.set(a, func(now *schedule.Policies) { *now = policies })
	s.policies = policies
}

// damage does to a good ledger what an audit has to find.
func (p *pair) damage(a *actor) {
	rows := a.rows()
	if len(rows) == 0 {
		return
	}
	i := rapid.IntRange(0, len(rows)-1).Draw(p.T, "row")
	damaged := slices.Clone(rows)
	how := rapid.SampledFrom([]string{"lost", "doubled", "moved", "miscounted", "cut short"}).Draw(p.T, "damage")
	switch how {
	case "lost":
		damaged = slices.Delete(damaged, i, i+1)
	case "doubled":
		damaged = slices.Insert(damaged, i, damaged[i])
	case "moved":
		damaged[i].Nominal = damaged[i].Nominal.Add(-time.Millisecond)
	case "miscounted":
		damaged[i].Count++
	case "cut short":
		if damaged[i].Count == 1 {
			return
		}
		before, _ := a.Timeline.Prev(damaged[i].Until)
		damaged[i].Until = before.At
	}
	if len(failures(a.audit(p.now, damaged))) == 0 {
		p.Fatalf("the audit does not see that the row of %s was %s", clockTime(rows[i].Nominal), how)
	}
}

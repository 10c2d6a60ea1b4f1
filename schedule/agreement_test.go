package schedule_test

import (
	"cmp"
	"flag"
	"fmt"
	"hash/fnv"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/schedule"
)

// TestMain sets how many random cases each property is tried with: a thousand,
// or as many as PUNCTUAL_PROOF says, say 200000, or -rapid.checks. A failure
// prints its seed, and leaves no files behind.
func TestMain(m *testing.M) {
	flag.Parse()
	set := func(name, value string) {
		if err := flag.Set(name, value); err != nil {
			panic(err)
		}
	}
	set("rapid.nofailfile", "true")
	if checks := flag.Lookup("rapid.checks"); checks.Value.String() == checks.DefValue {
		set("rapid.checks", cmp.Or(os.Getenv("PUNCTUAL_PROOF"), "1000"))
	}
	os.Exit(m.Run())
}

// TestDecideAgreesWithTheModel drives the model and Decide with the same random
// events, and has the clock look at random instants.
func TestDecideAgreesWithTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := newPair(t)
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			p.step()
		}
		p.finish()
	})
}

// pair is a world and a model of it that live through the same.
type pair struct {
	*rapid.T
	now   time.Time
	until time.Time // as far as the model thinks
	world *world
	model *modelWorld
	lazy  bool // what waits is looked at only when its wait may be over
	told  []string
}

func newPair(t *rapid.T) *pair {
	start := day.Add(9 * time.Hour)
	p := &pair{T: t, now: start, until: start.Add(2 * time.Hour), world: newWorld(t), lazy: rapid.Bool().Draw(t, "lazy")}
	seed := rapid.Uint16().Draw(t, "courses")
	p.model = &modelWorld{limits: map[string]int{}, course: func(s *modelSchedule, nominal time.Time) course {
		return courseOf(seed, s.key, nominal, p.now)
	}}
	p.world.limits["press"] = rapid.IntRange(1, 3).Draw(t, "limit")
	p.model.limits["press"] = p.world.limits["press"]
	for i := range rapid.IntRange(1, 3).Draw(t, "schedules") {
		p.create(fmt.Sprintf("s%d", i), p.policies())
	}
	return p
}

// courseOf is how the job of a nominal goes, drawn from its name.
func courseOf(seed uint16, key string, nominal, made time.Time) course {
	hash := fnv.New64a()
	fmt.Fprint(hash, seed, key, nominal.Unix())
	bits := hash.Sum64()
	draw := func(n uint64) time.Duration {
		d := time.Duration(bits%n) * time.Second
		bits /= n
		return d
	}
	c := course{runs: time.Second + draw(25), next: made.Add(draw(4)), failures: int(draw(3) / time.Second), waits: time.Second + draw(20)}
	if c.stops = draw(15); c.stops > 12*time.Second {
		c.stops = -1
	}
	return c
}

func (p *pair) policies() schedule.Policies {
	policies := schedule.DefaultPolicies()
	policies.CatchUp = rapid.SampledFrom([]schedule.CatchUp{"latest", "all", "none"}).Draw(p.T, "catch_up")
	policies.Overlap = rapid.SampledFrom([]schedule.Overlap{"skip", "wait", "queue", "cancel", "allow"}).Draw(p.T, "overlap")
	policies.CatchUpWindow = seconds(rapid.IntRange(5, 200).Draw(p.T, "window"))
	policies.CatchUpMax = rapid.IntRange(1, 12).Draw(p.T, "max")
	policies.Grace = seconds(rapid.IntRange(0, 30).Draw(p.T, "grace"))
	policies.CancelGrace = seconds(rapid.IntRange(0, 12).Draw(p.T, "cancel_grace"))
	if rapid.Bool().Draw(p.T, "limited") {
		policies.Limit = "press"
	}
	return policies
}

func seconds(n int) schedule.Duration { return schedule.Duration(time.Duration(n) * time.Second) }

// when is one that both sides understand, with its jitter.
func (p *pair) when() (modelWhen, calendar.When, time.Duration) {
	periods := modelWhen(rapid.SliceOfN(rapid.Int64Range(3, 30), 1, 2).Draw(p.T, "periods"))
	var when calendar.When
	for _, period := range periods {
		when.Expressions = append(when.Expressions, fmt.Sprintf("every %ds", period))
	}
	jitter := time.Duration(rapid.SampledFrom([]int{0, 0, 1, 7, 60}).Draw(p.T, "jitter")) * time.Second
	return periods, when, jitter
}

func (p *pair) create(key string, policies schedule.Policies) {
	periods, when, jitter := p.when()
	p.tell("%s: %v, jitter %s, %+v", key, when.Expressions, jitter, policies)
	p.world.create(p.now, schedule.Declaration{Key: key, When: when, Jitter: jitter, Policies: policies})
	s := &modelSchedule{key: key, policies: policies}
	s.define(periods, jitter, p.now, p.until)
	p.model.schedules = append(p.model.schedules, s)
}

func (p *pair) tell(format string, arguments ...any) {
	p.told = append(p.told, clockTime(p.now)+" "+fmt.Sprintf(format, arguments...))
}

// step lets time pass, now and then for long, lets something happen, and has
// the clock look, or not.
func (p *pair) step() {
	longest := rapid.SampledFrom([]int{3_000, 20_000, 20_000, 120_000}).Draw(p.T, "longest")
	p.pass(time.Duration(rapid.IntRange(1, longest).Draw(p.T, "passes")) * time.Millisecond)
	which := rapid.IntRange(0, len(p.world.actors)-1).Draw(p.T, "schedule")
	p.happen(rapid.IntRange(0, 24).Draw(p.T, "event"), p.world.actors[which], p.model.schedules[which])
	if rapid.IntRange(0, 4).Draw(p.T, "look") > 0 {
		p.look()
	}
}

// pass lets the jobs go on.
func (p *pair) pass(passes time.Duration) {
	p.now = p.now.Add(passes)
	for _, j := range p.world.jobs {
		j.advance(p.now)
	}
	for _, s := range p.model.schedules {
		for _, j := range s.jobs {
			j.advance(p.now)
		}
	}
}

// look has both decide what is due, the world in as many goes as it takes.
func (p *pair) look() {
	p.model.look(p.now)
	before := len(p.world.jobs)
	for more := true; more; {
		more = false
		for _, d := range p.world.look(p.now, p.looksAt) {
			more = more || d.More
			p.tell("%s decides %s", d.Schedule.Key, strings.Join((&narrator{world: p.world}).tell(d.Decision), "; "))
		}
	}
	for _, j := range p.world.jobs[before:] {
		c := p.model.course(&modelSchedule{key: j.actor.Key}, j.nominal)
		j.course = c
	}
	p.compare()
	p.checkPromises(p.world.jobs[before:])
}

// looksAt: what waits for a place is looked at each time, since a retry that
// runs again meanwhile, or a job made by hand, may stand in its way by now.
func (p *pair) looksAt(a *actor) bool {
	eager := !p.lazy || a.state.Waiting == schedule.WaitingForPlace
	return p.world.isDue(a, p.now) || eager && a.DeletedAt.IsZero()
}

// finish lets all jobs end and has what waits decided, and checks the ledgers.
func (p *pair) finish() {
	for range 5 {
		p.pass(20 * time.Second)
		p.look()
	}
	p.world.checkLedgers(p.now)
	for _, a := range p.world.actors {
		p.damage(a)
	}
}

// compare holds the ledgers of the world against the fates of the model.
func (p *pair) compare() {
	for i, a := range p.world.actors {
		fates := p.model.schedules[i].fates()
		for n, row := range a.eachDecision() {
			if got, want := describe(row), fates[n]; got != want && !p.pausedFirst(got, want) {
				p.disagree(a, n, got, want)
			}
			delete(fates, n)
		}
		for n, fate := range fates {
			// What the model decided while something older waits, Decide does after.
			if strings.HasPrefix(fate, modelRuns) || !n.After(a.state.Cursor) {
				p.disagree(a, n, "undecided", fate)
			}
		}
	}
}

// pausedFirst: a clock that looks at what waits only when its wait is over
// writes down by then what was superseded meanwhile. If a pause begins before,
// that is undecided, and so it is paused.
func (p *pair) pausedFirst(got, want string) bool {
	return p.lazy && got == string(schedule.ReasonPaused) &&
		(want == string(schedule.ReasonSuperseded) || want == string(schedule.ReasonBeyondCatchUp))
}

func (p *pair) disagree(a *actor, nominal time.Time, got, want string) {
	p.Helper()
	p.Fatalf("%s@%s: Decide says %q, the model %q\n%s", a.Key, clockTime(nominal), got, want, strings.Join(p.told, "\n"))
}

// fates are what the model decided.
func (s *modelSchedule) fates() map[time.Time]string {
	fates := map[time.Time]string{}
	for _, n := range s.nominals {
		if n.fate == "" {
			continue
		}
		if n.fate == modelRuns {
			row := schedule.Row{Due: n.due, Late: n.late, From: n.before, Missed: len(n.stands)}
			if len(n.stands) > 0 {
				row.From, row.MissedSince = n.stands[0].before, n.stands[0].at
			}
			if n.forced {
				row.Note = "forced"
			}
			n.fate = describe(row)
		}
		fates[n.at] = n.fate
	}
	return fates
}

// describe says a decision for comparison.
func describe(row schedule.Row) string {
	if row.Skipped != "" {
		return string(row.Skipped)
	}
	return fmt.Sprintf("%s, due %s, late %t, forced %t, from %s, for %d since %s", modelRuns,
		clockTime(row.Due), row.Late, row.Note != "", clockTime(row.From), row.Missed, clockTime(row.MissedSince))
}

// eachDecision is the ledger by nominal.
func (a *actor) eachDecision() map[time.Time]schedule.Row {
	all := map[time.Time]schedule.Row{}
	for _, row := range a.ledger {
		for n, ok := a.Timeline.Next(row.Nominal.Add(-1)); ok && !n.At.After(row.Until); n, ok = a.Timeline.Next(n.At) {
			all[n.At] = row
		}
	}
	return all
}

// checkPromises holds what was just enqueued to what is promised of it,
// whatever the model says.
func (p *pair) checkPromises(made []*job) {
	for _, a := range p.world.actors {
		if !slices.IsSortedFunc(a.ledger, func(x, y schedule.Row) int { return x.Due.Compare(y.Due) }) {
			p.Fatalf("the dues of %s are out of order\n%s", a.Key, strings.Join(p.told, "\n"))
		}
	}
	for _, j := range made {
		row := j.actor.eachDecision()[j.nominal]
		if row.Due.After(p.now) {
			p.Fatalf("%s@%s was enqueued before it was due", j.actor.Key, clockTime(j.nominal))
		}
		others := 0
		for _, other := range p.world.jobs {
			waits := j.actor.Policies.Overlap == schedule.OverlapQueue && other.phase == resting
			if other != j && other.actor == j.actor && (other.active() || waits) {
				others++
			}
		}
		if j.actor.Policies.Overlap != schedule.OverlapAllow && others > 0 && row.Note == "" {
			p.Fatalf("%s@%s was enqueued beside another\n%s", j.actor.Key, clockTime(j.nominal), strings.Join(p.told, "\n"))
		}
		if limit := j.actor.Policies.Limit; limit != "" && p.world.taken(limit) > p.world.limits[limit] {
			p.Fatalf("%s@%s was enqueued into a full group\n%s", j.actor.Key, clockTime(j.nominal), strings.Join(p.told, "\n"))
		}
	}
}

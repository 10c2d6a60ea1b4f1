package schedule_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/schedule"
)

// A story checks the contract in its own words. It begins with a schedule, made
// at 09:00 on 2026-11-23, and goes on with lines such as
//
//	09:20  start 09:10; fail 09:10  | 09:20 runs; supersedes 09:10
//
// an instant, what happens then, and behind the bar what the clock decides when
// it looks. Without a bar the clock is down. Several schedules have a letter
// each, which stands before what is decided of them. Jobs are named by their
// occurrence; a job is available until it starts.
type story struct {
	name string
	tale string
}

// day is the day of every story; 24T09:00 is the day after.
var day = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

func tell(t *testing.T, stories []story) {
	t.Helper()
	for _, s := range stories {
		t.Run(s.name, func(t *testing.T) {
			n := &narrator{t: t, world: newWorld(t)}
			for line := range strings.Lines(s.tale) {
				if line = strings.TrimSpace(line); line != "" {
					n.line(line)
				}
			}
			n.world.checkLedgers(n.now)
		})
	}
}

type narrator struct {
	t     *testing.T
	world *world
	now   time.Time
	said  []string // what a command answered
}

// line is a schedule, a limit, or an instant with what happens.
func (n *narrator) line(line string) {
	happens, expected, looks := strings.Cut(line, "|")
	words := strings.Fields(happens)
	if words[0] == "limits" {
		number, _ := strconv.Atoi(words[2])
		n.world.limits[words[1]] = number
		return
	}
	if at, ok := moment(words[0]); ok {
		n.now = at
		for event := range strings.SplitSeq(strings.TrimSpace(strings.TrimPrefix(happens, words[0])), ";") {
			if fields := strings.Fields(event); len(fields) > 0 {
				n.event(fields)
			}
		}
		if looks {
			n.expect(line, strings.TrimSpace(expected), n.look())
		}
		return
	}
	n.declare(line)
}

// moment reads 09:10, 09:10:05 or 24T09:10.
func moment(text string) (time.Time, bool) {
	at := day
	if number, clock, found := strings.Cut(text, "T"); found {
		of, err := strconv.Atoi(number)
		if err != nil {
			return at, false
		}
		at, text = at.AddDate(0, 0, of-at.Day()), clock
	}
	for _, layout := range []string{"15:04", "15:04:05"} {
		if clock, err := time.Parse(layout, text); err == nil {
			return at.Add(clock.Sub(clock.Truncate(24 * time.Hour))), true
		}
	}
	return at, false
}

func (n *narrator) mustMoment(text string) time.Time {
	at, ok := moment(text)
	if !ok {
		n.t.Fatalf("%q is not an instant", text)
	}
	return at
}

// declare makes a schedule of "A: every 10m, overlap wait".
func (n *narrator) declare(line string) {
	key, text, found := strings.Cut(line, ": ")
	if !found {
		key, text = "A", line
	}
	d := schedule.Declaration{Key: strings.ToLower(key), Policies: schedule.DefaultPolicies()}
	for i, part := range strings.Split(text, ", ") {
		if i == 0 {
			d.When = calendar.When{Expressions: []string{part}}
			continue
		}
		name, value, _ := strings.Cut(part, " ")
		switch name {
		case "jitter":
			d.Jitter = n.duration(value)
		case "not_after":
			d.When.NotAfter = n.mustMoment(value)
		default:
			n.policy(&d.Policies, name, value)
		}
	}
	a := n.world.create(day.Add(9*time.Hour), d)
	n.now = day.Add(9 * time.Hour)
	a.ID = int64(len(n.world.actors))
}

func (n *narrator) duration(text string) time.Duration {
	d, err := schedule.ParseDuration(text)
	if err != nil {
		n.t.Fatal(err)
	}
	return time.Duration(d)
}

func (n *narrator) policy(p *schedule.Policies, name, value string) {
	switch name {
	case "catch_up":
		p.CatchUp = schedule.CatchUp(value)
	case "window":
		p.CatchUpWindow = schedule.Duration(n.duration(value))
	case "max":
		p.CatchUpMax, _ = strconv.Atoi(value)
	case "grace":
		p.Grace = schedule.Duration(n.duration(value))
	case "overlap":
		p.Overlap = schedule.Overlap(value)
	case "limit":
		p.Limit = value
	default:
		n.t.Fatalf("no policy %q", name)
	}
}

// event is something that happens: to a job, or by hand to a schedule, the
// first unless a letter names another.
func (n *narrator) event(words []string) {
	a := n.world.actors[0]
	if len(words[0]) == 1 {
		a, words = n.actor(words[0]), words[1:]
	}
	switch words[0] {
	case "start", "end", "fail":
		n.jobEvent(words[0], n.job(words[1]))
	case "pause":
		var until time.Time
		if len(words) == 3 {
			until = n.mustMoment(words[2])
		}
		a.pause(n.now, until)
	case "resume":
		a.resume(n.now)
	case "edit":
		n.world.define(a, n.now, calendar.When{Expressions: []string{strings.Join(words[1:], " ")}}, a.Jitter)
	case "set":
		n.world.set(a, func(p *schedule.Policies) { n.policy(p, words[1], words[2]) })
	case "limits":
		n.world.limits[words[1]], _ = strconv.Atoi(words[2])
	default:
		n.command(a, words)
	}
}

// command is what somebody does by hand, with an answer.
func (n *narrator) command(a *actor, words []string) {
	switch words[0] {
	case "skip-next":
		at, err := schedule.SkipNext(a.Schedule, a.state, n.now)
		if err != nil {
			n.said = append(n.said, err.Error())
			return
		}
		a.state.SkipAt = at
		n.said = append(n.said, "will skip "+clockTime(at))
	case "skip":
		until := n.now
		if len(words) > 1 {
			until = n.mustMoment(words[1])
		}
		d := schedule.SkipUntil(a.Schedule, a.state, until, schedule.ReasonByHand)
		n.world.write(a, n.now, d)
		n.said = append(n.said, n.tell(d)...)
	case "delete":
		before := len(a.ledger)
		n.world.delete(a, n.now)
		n.said = append(n.said, n.tell(schedule.Decision{Rows: a.ledger[before:]})...)
	case "revive":
		n.world.revive(a, n.now)
	case "trigger", "force":
		facts := n.world.facts(a, n.now)
		facts.Places = n.world.limits[a.Policies.Limit] - n.world.taken(a.Policies.Limit)
		row, why := schedule.DecideTrigger(a.Schedule, a.state, facts, words[0] == "force")
		if row.Skipped != "" {
			n.said = append(n.said, "refused: "+why)
			return
		}
		j := n.world.makeJob(a, time.Time{}, n.now)
		n.said = append(n.said, fmt.Sprintf("triggered job %d", j.id))
	default:
		n.t.Fatalf("no event %q", words[0])
	}
}

func (n *narrator) actor(letter string) *actor {
	for _, a := range n.world.actors {
		if a.Key == strings.ToLower(letter) {
			return a
		}
	}
	n.t.Fatalf("no schedule %q", letter)
	return nil
}

// job is named by its occurrence, with the letter of the schedule where there
// are several (A@09:10), or by its number (#3).
func (n *narrator) job(name string) *job {
	if number, found := strings.CutPrefix(name, "#"); found {
		id, _ := strconv.Atoi(number)
		return n.world.jobs[id-1]
	}
	a := n.world.actors[0]
	if letter, rest, found := strings.Cut(name, "@"); found {
		a, name = n.actor(letter), rest
	}
	for _, j := range n.world.jobs {
		if j.actor.Key == a.Key && !j.nominal.IsZero() && clockTime(j.nominal) == name {
			return j
		}
	}
	n.t.Fatalf("no job of %s", name)
	return nil
}

func (n *narrator) jobEvent(event string, j *job) {
	if j.phase == ended {
		n.t.Fatalf("%s %s: it has ended", event, clockTime(j.nominal))
	}
	j.phase = map[string]phase{"start": running, "end": ended, "fail": resting}[event]
}

func (n *narrator) expect(line, expected string, said []string) {
	n.t.Helper()
	if len(said) == 0 {
		said = []string{"nothing"}
	}
	if got := strings.Join(said, "; "); got != expected {
		n.t.Errorf("%s\n  the clock says %s", line, got)
	}
}

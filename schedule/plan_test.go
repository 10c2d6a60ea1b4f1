package schedule_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/punctual-dev/punctual/schedule"
)

var (
	file  = schedule.Owner{Kind: schedule.OwnerFile, Name: "punctual.yaml"}
	board = schedule.Owner{Kind: schedule.OwnerAPI}
)

// shelf is what a store has: schedules by key, one a key.
type shelf []*schedule.Schedule

func (s shelf) with(owner schedule.Owner, d schedule.Declaration) shelf {
	return append(slices.Clone(s), &schedule.Schedule{Declaration: d, Owner: owner})
}

// apply does what a plan says.
func (s shelf) apply(changes []schedule.Change, owner schedule.Owner) shelf {
	next := slices.Clone(s)
	for _, c := range changes {
		if c.Kind == schedule.ChangeDelete {
			gone := *c.Before
			gone.DeletedAt = start
			next[slices.Index(next, c.Before)] = &gone
			continue
		}
		one := &schedule.Schedule{Declaration: *c.After, Owner: owner}
		if c.Before == nil {
			next = append(next, one)
		} else {
			next[slices.Index(next, c.Before)] = one
		}
	}
	return next
}

func plain(key string) schedule.Declaration { return declared(key, "every 10m", nil) }

func was(key, old string) schedule.Declaration {
	return declared(key, "every 10m", func(d *schedule.Declaration) { d.Was = old })
}

func calls(method, address string) schedule.Declaration {
	return declared("a", "every 10m", func(d *schedule.Declaration) {
		d.Job = schedule.Job{HTTP: &schedule.Request{Method: method, URL: address}}
	})
}

func TestPlan(t *testing.T) {
	hourly := declared("a", "every 1h", nil)
	gone := shelf{}.with(file, plain("a"))
	gone[0].DeletedAt = start
	jittered := declared("b", "every 10m", func(d *schedule.Declaration) { d.Was, d.Jitter = "a", time.Minute })
	for _, c := range []struct {
		name     string
		standing shelf
		declared []schedule.Declaration
		prune    bool
		adopt    bool
		want     string
	}{
		{"what is new is created", nil, []schedule.Declaration{plain("a")}, false, false, "create a, new definition"},
		{"what is the same is left alone", shelf{}.with(file, plain("a")), []schedule.Declaration{plain("a")}, false, false, "unchanged a"},
		{"another when is a new definition", shelf{}.with(file, plain("a")), []schedule.Declaration{hourly}, false, false, "update a (when), new definition"},
		{"the same when in other words is none", shelf{}.with(file, declared("a", "every 60m", nil)), []schedule.Declaration{hourly}, false, false, "unchanged a"},
		{"a policy is no definition", shelf{}.with(file, plain("a")), []schedule.Declaration{declared("a", "every 10m", func(d *schedule.Declaration) { d.Policies.Retries = 3 })}, false, false, "update a (retries)"},
		{"a rename keeps the history", shelf{}.with(file, plain("a")), []schedule.Declaration{was("b", "a")}, false, false, "rename b (key)"},
		{"a rename moves the jitter", shelf{}.with(file, declared("a", "every 10m", func(d *schedule.Declaration) { d.Jitter = time.Minute })), []schedule.Declaration{jittered}, false, false, "rename b (key), new definition"},
		{"a rename of nothing creates, and says so", nil, []schedule.Declaration{was("b", "a")}, false, false, `create b, new definition, warning: "a" is not in this database`},
		{"a job is compared part by part", shelf{}.with(file, calls("GET", "http://a/")), []schedule.Declaration{calls("POST", "http://b/")}, false, false, "update a (http.method, http.url)"},
		{"a secret that changes is told of without it", shelf{}.with(file, calls("GET", "http://u:one@a/")), []schedule.Declaration{calls("GET", "http://u:two@a/")}, false, false, "update a (a secret in the job)"},
		{"a rename done is done", shelf{}.with(file, was("b", "a")), []schedule.Declaration{was("b", "a")}, false, false, "unchanged b"},
		{"the old key may be given to a new schedule", shelf{}.with(file, was("b", "a")).with(file, plain("a")), []schedule.Declaration{was("b", "a"), plain("a")}, false, false, "unchanged b; unchanged a"},
		{"a rename onto a schedule that exists is refused", shelf{}.with(file, plain("a")).with(file, plain("b")), []schedule.Declaration{was("b", "a")}, false, false, `refused b: was "a", but both schedules exist; unchanged b`},
		{"a rename from a schedule that stays is refused", shelf{}.with(file, plain("a")), []schedule.Declaration{was("b", "a"), plain("a")}, false, false, `refused b: was "a", but both schedules exist; create b, new definition; unchanged a`},
		{"a rename onto the history of another is refused", slices.Concat(gone, shelf{}.with(file, plain("b"))), []schedule.Declaration{was("a", "b")}, false, false, `refused a: was "b", but a deleted schedule has its history under "a"`},
		{"the same key again goes on", gone, []schedule.Declaration{plain("a")}, false, false, "create a, new definition"},
		{"what is declared no longer stays", shelf{}.with(file, plain("a")), nil, false, false, ""},
		{"with prune it goes, if it was ours", shelf{}.with(file, plain("a")).with(board, plain("b")), nil, true, false, "delete a"},
		{"prune leaves alone what is renamed", shelf{}.with(file, plain("a")), []schedule.Declaration{was("b", "a")}, true, false, "rename b (key)"},
		{"another's key is refused, and its owner named", shelf{}.with(board, plain("a")), []schedule.Declaration{plain("a")}, false, false, `refused a: the schedule "a" belongs to api`},
		{"unless adopted", shelf{}.with(board, plain("a")), []schedule.Declaration{plain("a")}, false, true, "update a (owner)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			changes, faults := schedule.Plan(c.standing, c.declared, schedule.PlanOptions{Owner: file, Prune: c.prune, Adopt: c.adopt})
			var got []string
			for _, f := range faults {
				got = append(got, fmt.Sprintf("refused %s: %s", f.Field, f.Problem))
			}
			for _, change := range changes {
				got = append(got, describeChange(change))
			}
			if text := strings.Join(got, "; "); text != c.want {
				t.Errorf("the plan is %q, want %q", text, c.want)
			}
		})
	}
}

func describeChange(c schedule.Change) string {
	text := fmt.Sprintf("%s %s", c.Kind, c.Key)
	var fields []string
	for _, d := range c.Differences {
		fields = append(fields, d.Field)
	}
	if len(fields) > 0 {
		text += " (" + strings.Join(fields, ", ") + ")"
	}
	if c.NewDefinition {
		text += ", new definition"
	}
	if c.Warning != "" {
		warning, _, _ := strings.Cut(c.Warning, ",")
		text += ", warning: " + warning
	}
	return text
}

// randomDeclarations are of few keys, so that plans meet.
func randomDeclarations(t *rapid.T) []schedule.Declaration {
	keys := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}), 0, 5, rapid.ID).Draw(t, "keys")
	var all []schedule.Declaration
	for _, key := range keys {
		d := declared(key, rapid.SampledFrom([]string{"every 10m", "every 1h", "every 60m", "daily at 09:00", "0 9 * * mon-fri"}).Draw(t, "when"), nil)
		d.When.Zone = rapid.SampledFrom([]string{"", "UTC", "Europe/Berlin"}).Draw(t, "zone")
		d.Jitter = time.Duration(rapid.IntRange(0, 2).Draw(t, "jitter")) * time.Minute
		d.Was = rapid.SampledFrom([]string{"", "", "a", "b", "x"}).Draw(t, "was")
		d.Policies.Retries = rapid.IntRange(0, 1).Draw(t, "retries")
		d.Job.Work = &schedule.Work{Kind: "send", Args: json.RawMessage(rapid.SampledFrom([]string{"", `{"a":1}`, `{ "a": 1 }`}).Draw(t, "args"))}
		if d.Was == key {
			d.Was = ""
		}
		all = append(all, d)
	}
	return all
}

func TestAPlanThatIsCarriedOutLeavesNothingToDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var standing shelf
		for range rapid.IntRange(1, 4).Draw(t, "applies") {
			o := schedule.PlanOptions{
				Owner: rapid.SampledFrom([]schedule.Owner{file, board}).Draw(t, "owner"),
				Prune: rapid.Bool().Draw(t, "prune"), Adopt: rapid.Bool().Draw(t, "adopt"),
			}
			wanted := randomDeclarations(t)
			changes, faults := schedule.Plan(standing, wanted, o)
			if len(faults) > 0 {
				continue
			}
			standing = standing.apply(changes, o.Owner)
			checkShelf(t, standing, wanted, o)
			changes, faults = schedule.Plan(standing, wanted, o)
			if len(faults) > 0 {
				t.Fatalf("planning again is refused: %v", faults)
			}
			for _, c := range changes {
				if c.Kind != schedule.ChangeNone {
					t.Fatalf("planning again says %s", describeChange(c))
				}
			}
		}
	})
}

// checkShelf: each key once, each declaration there, nothing else of the owner
// with prune.
func checkShelf(t *rapid.T, standing shelf, wanted []schedule.Declaration, o schedule.PlanOptions) {
	live := map[string]int{}
	keys := map[string]int{}
	for _, s := range standing {
		if keys[s.Key]++; keys[s.Key] > 1 {
			t.Fatalf("there are two %q", s.Key)
		}
		if s.DeletedAt.IsZero() && (s.Owner == o.Owner || !o.Prune) {
			live[s.Key]++
		}
	}
	for _, d := range wanted {
		if live[d.Key] != 1 {
			t.Fatalf("%q is there %d times", d.Key, live[d.Key])
		}
	}
	if o.Prune && len(live) != len(wanted) {
		t.Fatalf("%d stand after a prune, %d are declared", len(live), len(wanted))
	}
}

func TestAPruneThatWouldDeleteAllAnOwnerHasIsTakenForAnotherAppsFile(t *testing.T) {
	declaration := func(key string) schedule.Declaration { return declared(key, "every 1h", nil) }
	cases := []struct {
		name     string
		owner    schedule.Owner
		declared []schedule.Declaration
		deleted  int
		refused  bool
	}{
		{name: "another app's file of the same name", owner: file, declared: []schedule.Declaration{declaration("c")}, refused: true},
		{name: "a file that keeps one", owner: file, declared: []schedule.Declaration{declaration("a"), declaration("c")}, deleted: 1},
		{name: "a file that renames one", owner: file, declared: []schedule.Declaration{{Key: "c", Was: "a"}}, deleted: 1},
		{name: "a file without schedules", owner: file, deleted: 2},
		{name: "a file with an owner of its own", owner: schedule.Owner{Kind: schedule.OwnerFile, Name: "billing"}, declared: []schedule.Declaration{declaration("c")}},
		{name: "a program, whose name is its own", owner: schedule.Owner{Kind: schedule.OwnerProgram, Name: "app"}, declared: []schedule.Declaration{declaration("c")}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			changes, faults := schedule.Plan(shelf{}.with(file, declaration("a")).with(file, declaration("b")), c.declared, schedule.PlanOptions{Owner: c.owner, Prune: true})
			deleted := 0
			for _, change := range changes {
				if change.Kind == schedule.ChangeDelete {
					deleted++
				}
			}
			if deleted != c.deleted || (len(faults) > 0) != c.refused {
				t.Errorf("%d deleted, faults %v; want %d, refused %v", deleted, faults, c.deleted, c.refused)
			}
		})
	}
}

package schedule

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ChangeKind is what an apply does with one schedule.
type ChangeKind string

// The kinds of change.
const (
	ChangeCreate ChangeKind = "create"
	ChangeUpdate ChangeKind = "update"
	ChangeRename ChangeKind = "rename" // and update, where anything else differs
	ChangeDelete ChangeKind = "delete"
	ChangeNone   ChangeKind = "unchanged"
)

// Change is one line of a plan.
type Change struct {
	Kind   ChangeKind
	Key    string
	Before *Schedule    // nil when it is created
	After  *Declaration // nil when it is deleted
	// Differences are the fields that change, for people.
	Differences []Difference
	// NewDefinition: the when, the jitter or what it is drawn from changes.
	NewDefinition bool
	NewWhen       bool // what skip-next names lapses, if it lies after the edit
	Adopted       bool // taken over from another owner
	// Warning is what whoever applies this should know; empty: nothing.
	Warning string
}

// Difference is a field whose value changes.
type Difference struct {
	Field         string `json:"field"`
	Before, After string
}

// PlanOptions say how far an apply may go.
type PlanOptions struct {
	Owner Owner
	Prune bool // delete what the owner has in the store and declares no longer
	Adopt bool // take over keys of other owners
}

// Plan compares what stands in a store with what is declared and says what is
// to be changed, in the order of the declarations, deletions last. Faults mean
// that nothing may be changed.
func Plan(existing []*Schedule, declared []Declaration, o PlanOptions) ([]Change, []Fault) {
	p := planner{options: o, byKey: map[string]*Schedule{}, declared: map[string]bool{}, used: map[string]bool{}}
	for _, s := range existing {
		p.byKey[s.Key] = s
	}
	for i := range declared {
		p.used[declared[i].Key], p.declared[declared[i].Key] = true, true
	}
	for i := range declared {
		p.declare(&declared[i])
	}
	if o.Prune {
		p.prune(existing)
	}
	return p.changes, p.faults
}

type planner struct {
	options  PlanOptions
	byKey    map[string]*Schedule
	declared map[string]bool
	used     map[string]bool // declared, or renamed
	changes  []Change
	faults   []Fault
}

func (p *planner) declare(d *Declaration) {
	before := p.byKey[d.Key]
	if before != nil && !before.DeletedAt.IsZero() {
		if old := p.byKey[d.Was]; d.Was != "" && old != nil && old.DeletedAt.IsZero() {
			p.faults = append(p.faults, Fault{
				Field: d.Key, Problem: fmt.Sprintf("was %q, but a deleted schedule has its history under %q", d.Was, d.Key),
				Advice: fmt.Sprintf("rename %q to a key that is new, or leave out was to go on with the history under %q", d.Was, d.Key),
			})
			return
		}
		// The same key again continues its history; everything is new.
		p.changes = append(p.changes, Change{Kind: ChangeCreate, Key: d.Key, Before: before, After: d, NewDefinition: true, NewWhen: true})
		return
	}
	kind := ChangeUpdate
	if old := p.renamed(d, before); old != nil {
		before, kind = old, ChangeRename
		p.used[old.Key] = true
	}
	if before == nil {
		p.changes = append(p.changes, Change{Kind: ChangeCreate, Key: d.Key, After: d, NewDefinition: true, NewWhen: true, Warning: p.unknownWas(d)})
		return
	}
	adopted := before.Owner != p.options.Owner
	if adopted && !p.options.Adopt {
		p.faults = append(p.faults, Fault{
			Field: d.Key, Problem: fmt.Sprintf("the schedule %q belongs to %s", before.Key, before.Owner),
			Advice: "choose another key, or take it over with --adopt",
		})
		return
	}
	c := Change{Kind: kind, Key: d.Key, Before: before, After: d, Adopted: adopted, Differences: differences(before.Declaration, *d)}
	if adopted {
		c.Differences = append(c.Differences, Difference{"owner", before.Owner.String(), p.options.Owner.String()})
	}
	c.NewWhen = whenText(before.Declaration) != whenText(*d)
	c.NewDefinition = c.NewWhen || jitterDiffers(before.Declaration, *d)
	if kind == ChangeUpdate && len(c.Differences) == 0 {
		c.Kind = ChangeNone
	}
	p.changes = append(p.changes, c)
}

// renamed is the schedule that d was; nil if it was none, or is renamed
// already, also where its old key has been given to a new schedule since.
func (p *planner) renamed(d *Declaration, before *Schedule) *Schedule {
	old := p.byKey[d.Was]
	if d.Was == "" || old == nil || !old.DeletedAt.IsZero() || (before != nil && p.declared[d.Was]) {
		return nil
	}
	if before != nil || p.used[d.Was] {
		p.faults = append(p.faults, Fault{
			Field: d.Key, Problem: fmt.Sprintf("was %q, but both schedules exist", d.Was),
			Advice: fmt.Sprintf("leave out was, and each goes on with its own history; or rename %q to a key that is new", d.Was),
		})
		return nil
	}
	return old
}

// unknownWas speaks up where a new schedule says to have been one that is not
// there: a slip in the old key would begin a second history, and leave the old
// schedule running. Most often the rename was just not needed in this database.
func (p *planner) unknownWas(d *Declaration) string {
	if old := p.byKey[d.Was]; d.Was == "" || old != nil && old.DeletedAt.IsZero() {
		return ""
	}
	return fmt.Sprintf("%q is not in this database, so %q renames nothing and begins a history of its own; if was is a slip, correct it before the next run", d.Was, d.Key)
}

func (p *planner) prune(existing []*Schedule) {
	stay := 0
	var gone []*Schedule
	for _, s := range existing {
		switch {
		case s.Owner != p.options.Owner || !s.DeletedAt.IsZero():
		case p.used[s.Key]:
			stay++
		default:
			gone = append(gone, s)
		}
	}
	if stay == 0 && len(gone) > 0 && len(p.declared) > 0 && p.options.Owner.Kind == OwnerFile {
		// Files are told apart by their names, and many apps call theirs alike.
		p.faults = append(p.faults, Fault{
			Field: gone[0].Key, Problem: fmt.Sprintf("none of the %d schedules that %s has in this database is in this file: it looks like the file of another app, whose schedules would be deleted", len(gone), p.options.Owner),
			Advice: "give the file an owner of its own (owner: NAME at its top); or, if all keys did change, apply without --prune first",
		})
		return
	}
	for _, s := range gone {
		p.changes = append(p.changes, Change{Kind: ChangeDelete, Key: s.Key, Before: s})
	}
}

// jitterDiffers: jitter is drawn from the key, so a rename moves it too.
func jitterDiffers(a, b Declaration) bool {
	return a.Jitter != b.Jitter || a.Key != b.Key && b.Jitter > 0
}

// whenText is the canonical form of a when with its zone, bounds and
// exceptions.
func whenText(d Declaration) string {
	spec, err := d.When.Parse()
	if err != nil {
		return strings.Join(d.When.Expressions, "; ")
	}
	text := []string{strings.Join(spec.Expressions(), "; "), spec.Zone()}
	if !d.When.NotBefore.IsZero() {
		text = append(text, "not before "+FormatInstant(d.When.NotBefore))
	}
	if !d.When.NotAfter.IsZero() {
		text = append(text, "not after "+FormatInstant(d.When.NotAfter))
	}
	var dates []string
	for _, date := range d.When.Except {
		dates = append(dates, date.String())
	}
	if len(dates) > 0 {
		slices.Sort(dates)
		text = append(text, "except "+strings.Join(slices.Compact(dates), ", "))
	}
	return strings.Join(text, ", ")
}

// differences names every field of a declaration that changes.
func differences(a, b Declaration) []Difference {
	var all []Difference
	add := func(field, before, after string) {
		if before != after {
			all = append(all, Difference{field, before, after})
		}
	}
	add("key", a.Key, b.Key)
	add("when", whenText(a), whenText(b))
	add("jitter", Duration(a.Jitter).String(), Duration(b.Jitter).String())
	add("description", a.Description, b.Description)
	add("tags", strings.Join(a.Tags, ", "), strings.Join(b.Tags, ", "))
	add("enabled", a.Disabled, b.Disabled)
	all = append(all, jobDifferences(a.Job, b.Job)...)
	before, after := fields(a.Policies), fields(b.Policies)
	for _, name := range policyNames {
		add(name, before[name], after[name])
	}
	return all
}

// jobDifferences are those of what runs. They are shown, and kept in the
// activity, so secrets are hidden in them.
func jobDifferences(a, b Job) (all []Difference) {
	if jsonText(a) == jsonText(b) {
		return nil
	}
	before, after := jobFields(a.Hide()), jobFields(b.Hide())
	names := slices.Collect(maps.Keys(before))
	for name := range after {
		if _, both := before[name]; !both {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if before[name] != after[name] {
			all = append(all, Difference{name, before[name], after[name]})
		}
	}
	if len(all) == 0 {
		all = []Difference{{"a secret in the job", Hidden, Hidden + " (another)"}}
	}
	return all
}

// jobFields are the parts of a job by name: run, env.PATH, http.url, args.
func jobFields(j Job) map[string]string {
	found := map[string]string{}
	var kinds map[string]map[string]any
	_ = json.Unmarshal([]byte(jsonText(j)), &kinds)
	for kind, parts := range kinds {
		for part, value := range parts {
			name := kind + "." + part
			switch name {
			case "run.shell", "run.program":
				name = "run"
			case "work.kind":
				name = "job"
			default:
				if kind != "http" {
					name = part
				}
			}
			inner, nested := value.(map[string]any)
			if !nested {
				found[name] = plainText(value)
			}
			for key, value := range inner {
				found[name+"."+key] = plainText(value)
			}
		}
	}
	return found
}

func plainText(value any) string {
	if text, ok := value.(string); ok {
		return text
	}
	return jsonText(value)
}

var policyNames = []string{
	"catch_up", "catch_up_window", "catch_up_max", "grace", "overlap", "cancel_grace", "limit",
	"queue", "priority", "timeout", "retries", "backoff", "expires",
}

func fields(p Policies) map[string]string {
	var raw map[string]json.RawMessage
	_ = json.Unmarshal([]byte(jsonText(p)), &raw)
	values := map[string]string{}
	for name, value := range raw {
		values[name] = strings.Trim(string(value), `"`)
	}
	return values
}

func jsonText(value any) string {
	text, _ := json.Marshal(value)
	return string(text)
}

package schedule

import (
	"slices"
	"time"

	"github.com/punctual-dev/punctual/calendar"
)

// Preview is what a person wants to know about a when before it is in force.
type Preview struct {
	Expressions []string         `json:"expressions"` // in canonical form
	Zone        string           `json:"timezone"`
	InWords     string           `json:"in_words"`
	TZData      string           `json:"tzdata"`
	Advice      []string         `json:"advice"` // what about it may surprise
	Next        []PreviewInstant `json:"next"`
	// Changes are what transitions of the zone's clocks do besides those marked
	// at the instants: local times that are passed over.
	Changes []PreviewChange `json:"changes"`
	Ends    bool            `json:"ends"` // there are no more instants than these
}

// PreviewInstant is a nominal and when it is due.
type PreviewInstant struct {
	Nominal time.Time       `json:"nominal"`
	Local   time.Time       `json:"local"` // the same instant in the zone
	Due     time.Time       `json:"due"`   // later than the nominal where there is jitter
	Changes []PreviewChange `json:"changes,omitempty"`
}

// PreviewChange is what a transition does to one local time.
type PreviewChange struct {
	Kind    calendar.ChangeKind `json:"kind"`
	Local   calendar.LocalTime  `json:"local"`
	Instant time.Time           `json:"instant"`
	Why     string              `json:"why"`
}

// NewPreview shows the next n instants of a declaration after an instant. Of the
// declaration it looks at the when, the jitter and the key it is drawn from.
func NewPreview(d Declaration, from time.Time, n int) (Preview, error) {
	spec, err := d.When.Parse()
	if err != nil {
		return Preview{}, err
	}
	// In force from the beginning of time, so that from may lie in the past.
	timeline, err := NewTimeline([]Definition{{When: d.When, Jitter: d.Jitter, Seed: d.Key}})
	if err != nil {
		return Preview{}, err
	}
	p := Preview{
		Expressions: spec.Expressions(), Zone: spec.Zone(), InWords: spec.Describe(), TZData: calendar.TZDataVersion(),
		Advice: append([]string{}, spec.Advice()...), Next: []PreviewInstant{}, Changes: []PreviewChange{},
	}
	at := from
	for range n {
		nominal, ok := timeline.Next(at)
		if !ok {
			p.Ends = true
			break
		}
		at = nominal.At
		p.Next = append(p.Next, PreviewInstant{Nominal: nominal.At, Local: nominal.At.In(spec.Location()), Due: nominal.Due})
	}
	if len(p.Next) > 0 {
		const perInstant, more = 10, 1000
		p.mark(spec.Changes(from, at, perInstant*n+more))
	}
	return p, nil
}

// mark sorts changes to the instants they concern, or among the others.
func (p *Preview) mark(changes []calendar.Change) {
	const enough = 50 // a dense when may lose hundreds of local times in one gap
	for _, c := range changes {
		change := PreviewChange{Kind: c.Kind, Local: c.Reading, Instant: c.Instant, Why: c.Why}
		i, found := slices.BinarySearchFunc(p.Next, c.Instant, func(n PreviewInstant, t time.Time) int { return n.Nominal.Compare(t) })
		switch {
		case found && c.Kind != calendar.Removed:
			p.Next[i].Changes = append(p.Next[i].Changes, change)
		case len(p.Changes) < enough:
			p.Changes = append(p.Changes, change)
		}
	}
}

package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

// auditCommand accounts for every occurrence.
type auditCommand struct {
	Key  string `arg:"" optional:"" help:"Only this schedule; a deleted one too."`
	Live bool   `help:"Fail too if something due is not decided after 10 s: for a system that is meant to run."`
	JSON bool   `name:"json" help:"Print JSON."`
}

// Help says what is compared with what.
func (c *auditCommand) Help() string {
	return "Recomputes every nominal by the definition in force at its time, and compares with the ledger. A nominal without a decision, or with two, and a decision without a nominal is a failure: it is named, and the exit code is 1. What waits, is in error or is not yet decided is listed and fails nothing.\n\nA row that was removed or changed behind Punctual's back is not written anew: nothing but the job itself can tell whether it ran. Under the first finding of a kind stands how to find out, and how to run it now. Then restore the database from a backup, or let it be: the finding is named for as long as the history reaches back to it."
}

// auditFinding is a finding for scripts.
type auditFinding struct {
	schedule.Finding
	Occurrence string `json:"occurrence"`
	Failure    bool   `json:"failure"`
}

// audited is all an audit found.
type audited struct {
	OK        bool           `json:"ok"`
	Schedules int            `json:"schedules"`
	Deleted   int            `json:"deleted,omitempty"` // of them
	Failures  int            `json:"failures"`          // occurrences that fail
	Findings  []auditFinding `json:"findings"`

	clocks int // alive, where something is overdue
}

// Run audits.
func (c *auditCommand) Run(a *app, s *settings) error {
	st, err := s.look(a)
	if err != nil {
		return err
	}
	defer st.Database().Close()
	result := audited{Findings: []auditFinding{}}
	result.Schedules, err = st.Audit(a.Context, c.Key, func(f schedule.Finding) {
		result.Findings = append(result.Findings, auditFinding{Finding: f, Occurrence: f.Name(), Failure: f.Kind.Failure()})
	})
	if err != nil {
		return known(a, st, "auditing", c.Key, err)
	}
	live, err := st.CountSchedules(a.Context, store.OverviewFilter{Key: c.Key})
	if err != nil {
		return fmt.Errorf("auditing: %w", err)
	}
	result.Deleted = max(result.Schedules-live, 0)
	if c.Live {
		now, err := st.Now(a.Context)
		if err != nil {
			return fmt.Errorf("auditing: %w", err)
		}
		failLate(now, result.Findings)
		if result.clocks, err = st.ClocksAlive(a.Context); err != nil {
			return fmt.Errorf("auditing: %w", err)
		}
	}
	for _, f := range result.Findings {
		if f.Failure {
			result.Failures += max(f.Count, 1)
		}
	}
	result.OK = result.Failures == 0
	if c.JSON {
		err = a.printJSON(result)
	} else {
		result.print(a)
	}
	if err == nil && !result.OK {
		return &exitError{Code: 1}
	}
	return err
}

// failLate makes failures of what has been undecided for longer than a live
// clock takes.
func failLate(now time.Time, findings []auditFinding) {
	for i, f := range findings {
		if f.Overdue(now) {
			findings[i].Failure = true
			findings[i].Detail += ", longer than a clock takes; is one running? (punctual health)"
		}
	}
}

// print writes a line a finding, failures first, and a summary.
func (r audited) print(a *app) {
	slices.SortStableFunc(r.Findings, func(x, y auditFinding) int {
		if x.Failure == y.Failure {
			return 0
		} else if x.Failure {
			return -1
		}
		return 1
	})
	advised := map[schedule.FindingKind]bool{}
	for _, f := range r.Findings {
		c := yellow
		switch {
		case f.Failure:
			c = red
		case f.Kind == schedule.FindingNote:
			c = faint
		}
		many := ""
		if f.Count > 1 {
			many = fmt.Sprintf(" … %s (%d)", schedule.FormatInstant(f.Until), f.Count)
		}
		fmt.Fprintf(a.Stdout, "%s%s: %s: %s\n", f.Occurrence, many, a.paint(string(f.Kind), c), f.Detail)
		if f.Advice != "" && !advised[f.Kind] {
			advised[f.Kind] = true
			fmt.Fprintf(a.Stdout, "  → %s\n", f.Advice)
		}
	}
	if r.OK {
		rest := ""
		if n := len(r.Findings); n > 0 {
			rest = fmt.Sprintf(" (%s to read, no failure)", counted(n, "line"))
		}
		fmt.Fprintf(a.Stdout, "%s: every occurrence is accounted for%s.\n", r.audited(), rest)
		return
	}
	fmt.Fprintf(a.Stdout, "%s in %s. %s\n", a.paint(counted(r.Failures, "failure"), red), r.failing(), r.whatHelps())
}

// audited says what was audited.
func (r audited) audited() string {
	text := counted(r.Schedules, "schedule")
	switch {
	case r.Deleted == 0:
		return text
	case r.Deleted == r.Schedules:
		return text + ", deleted"
	}
	return fmt.Sprintf("%s, %d of them deleted", text, r.Deleted)
}

// failing says of how many schedules there are failures.
func (r audited) failing() string {
	keys := map[string]bool{}
	for _, f := range r.Findings {
		if f.Failure {
			keys[f.Key] = true
		}
	}
	if r.Schedules <= 1 {
		return r.audited()
	}
	return fmt.Sprintf("%d of %s", min(len(keys), r.Schedules), r.audited())
}

// whatHelps says what to do about the failures: what is only late is decided by a
// clock, and what was changed by others is not mended.
func (r audited) whatHelps() string {
	late, other := false, false
	for _, f := range r.Findings {
		late = late || f.Failure && f.Kind == schedule.FindingPending
		other = other || f.Failure && f.Kind != schedule.FindingPending
	}
	var words []string
	switch {
	case late && r.clocks == 0:
		words = append(words, "Start a clock (punctual start, or punctual clock): it decides then what is not yet decided.")
	case late:
		words = append(words, "A clock is alive, and has not come to what is not yet decided: see punctual health.")
	}
	if other {
		words = append(words, "Nothing mends a row that was changed behind Punctual's back: see punctual audit --help.")
	}
	return strings.Join(words, " ")
}

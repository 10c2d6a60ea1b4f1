package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/punctual-dev/punctual/schedule"
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
	Failures  int            `json:"failures"` // occurrences that fail
	Findings  []auditFinding `json:"findings"`
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
	if c.Live {
		now, err := st.Now(a.Context)
		if err != nil {
			return fmt.Errorf("auditing: %w", err)
		}
		failLate(now, result.Findings)
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
	of := counted(r.Schedules, "schedule")
	if r.OK {
		rest := ""
		if n := len(r.Findings); n > 0 {
			rest = fmt.Sprintf(" (%s to read, no failure)", counted(n, "line"))
		}
		fmt.Fprintf(a.Stdout, "%s: every occurrence is accounted for%s.\n", of, rest)
		return
	}
	fmt.Fprintf(a.Stdout, "%s: %s. Nothing mends a row that was changed behind Punctual's back: see punctual audit --help.\n", of, a.paint(counted(r.Failures, "failure"), red))
}

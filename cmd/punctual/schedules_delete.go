package main

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/punctual-dev/punctual/schedule"
)

// deleteCommand ends a schedule.
type deleteCommand struct {
	Key        string `arg:"" help:"The schedule."`
	CancelJobs bool   `help:"Cancel its jobs that have not ended, too."`
	Yes        bool   `short:"y" help:"Do not ask."`
}

// Help says what stays.
func (c *deleteCommand) Help() string {
	return "Nothing of it is ever due again. Its history stays, and the same key, created again, goes on with it. Pending jobs still run unless --cancel-jobs is given."
}

// Run asks, deletes, and says so where the file would bring it back.
func (c *deleteCommand) Run(a *app, s *settings) error {
	st, err := s.look(a)
	if err != nil {
		return err
	}
	defer st.Database().Close()
	overviews, err := st.Overviews(a.Context, c.Key)
	if err != nil {
		return known(a, st, "deleting", c.Key, err)
	}
	one := overviews[0]
	back := comesBack(c.Key, one.Owner, s.heldBy(a, one.Owner))
	if err := c.confirm(a, one.Schedule, back); err != nil {
		return err
	}
	if err := st.Delete(a.Context, c.Key, c.CancelJobs, actor()); err != nil {
		return fmt.Errorf("deleting %q: %w", c.Key, err)
	}
	jobs := "pending jobs still run"
	if c.CancelJobs {
		jobs = "pending jobs are cancelled"
	}
	fmt.Fprintf(a.Stdout, "Deleted %s; its history stays, %s.\n", c.Key, jobs)
	if back != "" && !c.asked(a) {
		fmt.Fprintf(a.Stderr, "%s\n", back)
	}
	return nil
}

// heldBy are the keys that the schedule file here declares, if it is the owner; nil:
// it is not, or cannot be read.
func (s *settings) heldBy(a *app, owner schedule.Owner) map[string]bool {
	file, err := s.load(a)
	if err != nil || s.owner(file) != owner {
		return nil
	}
	keys := map[string]bool{}
	for _, one := range file.Schedules {
		keys[one.Key] = true
	}
	return keys
}

// comesBack says where a deleted schedule has to be deleted as well; empty: it does
// not come back by itself. declared are the keys of the file that owns it; nil: it
// is not here.
func comesBack(key string, owner schedule.Owner, declared map[string]bool) string {
	switch {
	case declared != nil && !declared[key]:
		return ""
	case declared != nil:
		return fmt.Sprintf("%s still has %s: the next punctual apply, or start, creates it again, unless it is taken out there too.", owner, key)
	}
	switch owner.Kind {
	case schedule.OwnerFile:
		return fmt.Sprintf("It belongs to %s: unless it is taken out of that file too, the next punctual apply, or start, creates it again.", owner)
	case schedule.OwnerProgram:
		return fmt.Sprintf("It belongs to %s, which creates it again when it starts, unless it is taken out there too.", owner)
	}
	return ""
}

// asked says that somebody is asked before, who is told then what is to be known.
func (c *deleteCommand) asked(a *app) bool { return !c.Yes && a.Person }

// confirm asks the person before the terminal. Where there is none, --yes has to
// be given: a script that deletes should say so.
func (c *deleteCommand) confirm(a *app, one *schedule.Schedule, back string) error {
	if c.Yes {
		return nil
	}
	if !a.Person {
		return usageError("delete: there is nobody to ask whether %s may be deleted; give --yes", c.Key)
	}
	if back != "" {
		fmt.Fprintln(a.Stderr, back)
	}
	fmt.Fprintf(a.Stderr, "Delete %s (%s)? [y/N] ", c.Key, strings.Join(one.When.Expressions, "; "))
	line, _ := bufio.NewReader(a.Stdin).ReadString('\n')
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return nil
	}
	return &exitError{Code: 1, Message: "delete: the answer was not yes; nothing was deleted"}
}

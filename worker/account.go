package worker

import (
	"errors"
	"fmt"
	"os/user"
	"strconv"
	"strings"
	"syscall"

	"github.com/punctual-dev/punctual/schedule"
)

// account is as whom a command runs.
type account struct {
	name, home string
	credential *syscall.Credential // nil: as the worker
}

// accountOf looks up the user and the group of a command; nil: they are the
// worker's. uid and gid are the worker's. It is asked at the start of every
// attempt, and a failure is an ordinary one: another worker may know the user.
func accountOf(c *schedule.Command, uid, gid int) (*account, error) {
	if c.User == "" {
		return nil, nil
	}
	found, err := lookUpUser(c)
	if err != nil {
		return nil, fmt.Errorf("cannot run as %s: %w", c.User, err)
	}
	id, err1 := strconv.Atoi(found.Uid)
	group, err2 := strconv.Atoi(found.Gid)
	if err := errors.Join(err1, err2); err != nil {
		return nil, fmt.Errorf("cannot run as %s: %w", c.User, err)
	}
	a := &account{name: found.Username, home: found.HomeDir}
	if id == uid && group == gid && uid != 0 {
		return a, nil
	}
	if uid != 0 {
		return nil, fmt.Errorf("cannot run as %s: the worker runs as user %d and group %d, and only root runs commands as somebody else; start the worker as root, or leave out user and group", asked(c), uid, gid)
	}
	a.credential = &syscall.Credential{Uid: uint32(id), Gid: uint32(group), Groups: groupsOf(found)}
	return a, nil
}

func asked(c *schedule.Command) string {
	if c.Group == "" {
		return c.User
	}
	return c.User + ":" + c.Group
}

// lookUpUser is the user with the group the command asks for. A number may have
// no name here; then its group has to be given.
func lookUpUser(c *schedule.Command) (*user.User, error) {
	var (
		found *user.User
		err   error
	)
	if !number(c.User) {
		found, err = user.Lookup(c.User)
	} else if found, err = user.LookupId(c.User); err != nil && c.Group != "" {
		found, err = &user.User{Uid: c.User, Username: c.User, HomeDir: "/"}, nil
	}
	switch {
	case err != nil && number(c.User):
		return nil, errors.New("no user here has that number; name its group as well to use it all the same")
	case err != nil:
		return nil, errors.New("there is no such user here")
	case c.Group == "":
		return found, nil
	}
	withGroup := *found
	withGroup.Gid = c.Group
	if !number(c.Group) {
		group, err := user.LookupGroup(c.Group)
		if err != nil {
			return nil, fmt.Errorf("there is no group %s here", c.Group)
		}
		withGroup.Gid = group.Gid
	}
	return &withGroup, nil
}

func number(name string) bool { return strings.Trim(name, "0123456789") == "" }

// groupsOf are the user's supplementary groups. Never those of the worker: a
// command would keep what root may.
func groupsOf(u *user.User) []uint32 {
	groups := []uint32{}
	names, _ := u.GroupIds() // one without a name is in none
	for _, name := range names {
		if id, err := strconv.ParseUint(name, 10, 32); err == nil {
			groups = append(groups, uint32(id))
		}
	}
	return groups
}

// variables are what a program expects of whom it runs as.
func (a *account) variables() map[string]string {
	if a == nil {
		return nil
	}
	return map[string]string{"HOME": a.home, "USER": a.name, "LOGNAME": a.name}
}

// as is for error messages.
func (a *account) as() string {
	if a == nil {
		return ""
	}
	return " as " + a.name
}

// Package access says who asks the web process, and what they may do.
package access

import (
	"context"
	"fmt"
	"strings"
)

// Role is what somebody may do. A higher role may do all that a lower one may.
type Role int

// The roles, and the scope that a token of each has.
const (
	Nobody   Role = iota
	Viewer        // scope read: look at everything
	Operator      // scope operate: pause, resume, trigger, backfill, retry, cancel
	Admin         // scope edit: create, edit and delete schedules, too
)

var roleNames = map[Role]string{Viewer: "viewer", Operator: "operator", Admin: "admin"}

var scopeNames = map[Role]string{Viewer: "read", Operator: "operate", Admin: "edit"}

// String is the role's name.
func (r Role) String() string { return roleNames[r] }

// Scope is the name of the scope a token needs for what the role may do.
func (r Role) Scope() string { return scopeNames[r] }

// ParseRole reads the name of a role, or of a token's scope.
func ParseRole(text string) (Role, error) {
	for role, name := range roleNames {
		if text == name || text == scopeNames[role] {
			return role, nil
		}
	}
	return Nobody, fmt.Errorf("role %q: viewer, operator or admin (a token's scope: read, operate or edit)", strings.TrimSpace(text))
}

// Identity is who asks.
type Identity struct {
	Name string // the author of what is done, for the activity
	Role Role
	// Session names the session of a browser that has logged in, and can log out;
	// empty for everybody else. It is no secret.
	Session string
}

// May says whether somebody of the role may do what needs another.
func (i Identity) May(needed Role) bool { return i.Role >= needed && needed > Nobody }

type key struct{}

// With is a context of a request made by an identity.
func With(ctx context.Context, who Identity) context.Context {
	return context.WithValue(ctx, key{}, who)
}

// Of is who made the request; nobody if none has shown credentials.
func Of(ctx context.Context) Identity {
	who, _ := ctx.Value(key{}).(Identity)
	return who
}

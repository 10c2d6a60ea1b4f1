package storetest

import (
	"errors"
	"fmt"
	"time"

	"github.com/punctual-dev/punctual/store"
)

// refusedAs wants an error of a kind.
func (h *house) refusedAs(err, kind error) {
	h.Helper()
	if !errors.Is(err, kind) {
		h.Errorf("the error is %v, want %v", err, kind)
	}
}

// activity is what was done, the latest first: "tester user-add ada viewer".
func (h *house) activity(limit int) []string {
	h.Helper()
	all, err := h.Activities(h.ctx(), 0, limit)
	h.must(err)
	var lines []string
	for _, a := range all {
		lines = append(lines, fmt.Sprintf("%s %s %s %s", a.Author, a.Action, a.Subject, a.Detail))
	}
	return lines
}

func (h *house) addUser(name string) {
	h.Helper()
	h.must(h.AddUser(h.ctx(), store.User{Name: name, Role: "viewer", Password: "kept as it is"}, me))
}

func (h *house) logIn(name, hash string) {
	h.Helper()
	h.must(h.AddSession(h.ctx(), store.Session{Hash: hash, UserName: name, Proof: "proof"}, "from ::1"))
}

var accessTests = []test{
	{"users are added, found, listed and removed, and the activity tells of it", func(h *house) {
		h.addUser("bob")
		h.addUser("ada")
		h.refusedAs(h.AddUser(h.ctx(), store.User{Name: "ada", Role: "admin"}, me), store.ErrNameIsTaken)
		all, err := h.Users(h.ctx())
		h.must(err)
		equal(h, "users", len(all), 2)
		equal(h, "user", all[0], store.User{Name: "ada", Role: "viewer", Password: "kept as it is", PasswordAt: start, CreatedAt: start, Author: string(me)})
		h.must(h.SetRole(h.ctx(), "bob", "admin", me))
		h.refusedAs(h.SetRole(h.ctx(), "eve", "admin", me), store.ErrNoUser)
		bob, err := h.FindUser(h.ctx(), "bob")
		h.must(err)
		equal(h, "role", bob.Role, "admin")
		h.must(h.RemoveUser(h.ctx(), "bob", me))
		h.refusedAs(h.RemoveUser(h.ctx(), "bob", me), store.ErrNoUser)
		_, err = h.FindUser(h.ctx(), "bob")
		h.refusedAs(err, store.ErrNoUser)
		same(h, "activity", h.activity(10), []string{"tester user-remove bob ", "tester user-role bob admin", "tester user-add ada viewer", "tester user-add bob viewer"})
	}},
	{"there are credentials while there is a user, or a token that holds", func(h *house) {
		any := func(want bool) {
			h.Helper()
			got, err := h.AnyCredentials(h.ctx())
			h.must(err)
			equal(h, "credentials", got, want)
		}
		any(false)
		h.addUser("ada")
		any(true)
		h.must(h.RemoveUser(h.ctx(), "ada", me))
		any(false)
		_, err := h.AddToken(h.ctx(), store.Token{Name: "short", Role: "viewer", Hash: "1"}, time.Hour, me)
		h.must(err)
		any(true)
		h.advance(time.Hour)
		any(false)
		_, err = h.AddToken(h.ctx(), store.Token{Name: "long", Role: "viewer", Hash: "2"}, 0, me)
		h.must(err)
		any(true)
	}},
	{"a token is found by its hash until it expires or is revoked", func(h *house) {
		made, err := h.AddToken(h.ctx(), store.Token{Name: "ci", Role: "operator", Hash: "abc"}, time.Hour, me)
		h.must(err)
		equal(h, "token", made, store.Token{Name: "ci", Role: "operator", Hash: "abc", CreatedAt: start, ExpiresAt: start.Add(time.Hour), Author: string(me)})
		_, err = h.AddToken(h.ctx(), store.Token{Name: "ci", Role: "viewer", Hash: "def"}, 0, me)
		h.refusedAs(err, store.ErrNameIsTaken)
		found, err := h.UseToken(h.ctx(), "abc")
		h.must(err)
		equal(h, "found", found, made)
		for _, hash := range []string{"", "abcd", "ABC", "ci", "%"} {
			_, err = h.UseToken(h.ctx(), hash)
			h.refusedAs(err, store.ErrNoToken)
		}
		h.advance(time.Hour)
		_, err = h.UseToken(h.ctx(), "abc")
		h.refusedAs(err, store.ErrNoToken)
		h.must(h.RevokeToken(h.ctx(), "ci", me))
		h.refusedAs(h.RevokeToken(h.ctx(), "ci", me), store.ErrNoToken)
		same(h, "activity", h.activity(10), []string{"tester token-revoke ci ", "tester token-create ci operator, until 2026-11-23T10:00:00Z"})
	}},
	{"the use of a token is noted once a minute", func(h *house) {
		_, err := h.AddToken(h.ctx(), store.Token{Name: "ci", Role: "viewer", Hash: "abc"}, 0, me)
		h.must(err)
		used := func(want time.Time) {
			h.Helper()
			all, err := h.Tokens(h.ctx())
			h.must(err)
			equal(h, "last use", all[0].UsedAt, want)
		}
		use := func() {
			h.Helper()
			_, err := h.UseToken(h.ctx(), "abc")
			h.must(err)
		}
		used(time.Time{})
		use()
		used(start)
		h.advance(59 * time.Second)
		use()
		used(start)
		h.advance(time.Second)
		use()
		used(start.Add(time.Minute))
	}},
	{"a session ends twelve hours after its last use, and seven days after it began", func(h *house) {
		h.addUser("ada")
		h.logIn("ada", "idle")
		h.logIn("ada", "used")
		use := func(hash string, lives bool) {
			h.Helper()
			found, err := h.UseSession(h.ctx(), hash)
			if lives {
				h.must(err)
				equal(h, "user", found.User.Name+" "+found.User.Role+" "+found.User.Password, "ada viewer kept as it is")
			} else {
				h.refusedAs(err, store.ErrNoSession)
			}
		}
		for hour := range 7 * 24 {
			h.setTime(start.Add(time.Duration(hour) * time.Hour))
			use("used", true)
		}
		use("idle", false)
		h.setTime(start.Add(store.SessionLongest))
		use("used", false)
		h.logIn("ada", "new")
		equal(h, "sessions kept", h.number("SELECT count(*) FROM punctual_session"), 1)
	}},
	{"a session ends with a logout, another password, and its user", func(h *house) {
		h.addUser("ada")
		over := func(hash string) {
			h.Helper()
			_, err := h.UseSession(h.ctx(), hash)
			h.refusedAs(err, store.ErrNoSession)
		}
		h.logIn("ada", "a")
		h.must(h.EndSession(h.ctx(), "a"))
		h.must(h.EndSession(h.ctx(), "a"))
		over("a")
		same(h, "activity", h.activity(2), []string{"ada logout  ", "ada login  from ::1"})
		h.logIn("ada", "b")
		h.must(h.SetPassword(h.ctx(), "ada", "another", me))
		over("b")
		h.logIn("ada", "c")
		h.must(h.RemoveUser(h.ctx(), "ada", me))
		over("c")
		h.refusedAs(h.SetPassword(h.ctx(), "ada", "another", me), store.ErrNoUser)
	}},
	{"a session may be of somebody who is not in the table, and says so", func(h *house) {
		h.logIn("punctual", "a")
		found, err := h.UseSession(h.ctx(), "a")
		h.must(err)
		equal(h, "name", found.UserName, "punctual")
		equal(h, "in the table", found.User.Name, "")
	}},
	{"who was not let in can be recorded", func(h *house) {
		h.must(h.RecordAccess(h.ctx(), "", "login-failed", "ada", "from 192.0.2.1"))
		same(h, "activity", h.activity(1), []string{" login-failed ada from 192.0.2.1"})
	}},
}

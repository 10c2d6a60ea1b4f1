package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/punctual-dev/punctual/store"
	"github.com/punctual-dev/punctual/web/access"
)

// usersGroup are the commands about users.
type usersGroup struct {
	Add      usersAddCommand      `cmd:"" help:"Add a user; the password is asked for, or read from the standard input."`
	List     usersListCommand     `cmd:"" help:"List the users."`
	Remove   usersRemoveCommand   `cmd:"" help:"Remove a user and end their sessions."`
	Role     usersRoleCommand     `cmd:"" help:"Give a user another role."`
	Password usersPasswordCommand `cmd:"" help:"Set a user's password and end their sessions."`
}

// usersAddCommand adds a user.
type usersAddCommand struct {
	Name string `arg:"" help:"The name to log in with."`
	Role string `help:"What the user may do: viewer (look), operator (pause, trigger, retry, cancel, backfill), admin (create, edit and delete, too)." enum:"viewer,operator,admin" default:"viewer" placeholder:"viewer"`
}

// Validate refuses names that cannot be had.
func (c *usersAddCommand) Validate() error { return access.ValidUser(c.Name) }

// Run asks for the password and adds the user.
func (c *usersAddCommand) Run(a *app, s *settings) error {
	st, err := s.look(a)
	if err != nil {
		return err
	}
	defer st.Database().Close()
	if _, err := st.FindUser(a.Context, c.Name); err == nil {
		return fmt.Errorf("adding the user %q: %w; punctual users password %s sets another password", c.Name, store.ErrNameIsTaken, c.Name)
	} else if !errors.Is(err, store.ErrNoUser) {
		return err
	}
	password, err := a.newPassword(c.Name)
	if err != nil {
		return err
	}
	if err := st.AddUser(a.Context, store.User{Name: c.Name, Role: c.Role, Password: access.HashPassword(password)}, actor()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.Stdout, "Added the user %s (%s).\n", c.Name, c.Role)
	return err
}

// newPassword asks the person before the terminal twice, without showing what is
// typed; where there is none it reads a line.
func (a *app) newPassword(name string) (string, error) {
	file, ok := a.Stdin.(*os.File)
	if !a.Person || !ok {
		line, err := bufio.NewReader(io.LimitReader(a.Stdin, 2*access.MaxPassword)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("reading the password from the standard input: %w", err)
		}
		password := strings.TrimRight(line, "\r\n")
		return password, access.ValidPassword(password)
	}
	var typed [2]string
	for i, question := range []string{"Password of " + name + ": ", "Again: "} {
		fmt.Fprint(a.Stderr, question)
		var err error
		if typed[i], err = a.readHidden(int(file.Fd())); err != nil {
			return "", fmt.Errorf("reading the password: %w", err)
		}
		if err := access.ValidPassword(typed[i]); err != nil {
			return "", err
		}
	}
	if typed[0] != typed[1] {
		return "", errors.New("the two passwords differ; nothing was changed")
	}
	return typed[0], nil
}

// readHidden reads a line from a terminal that does not show it, and leaves the
// terminal as it was, on Ctrl-C too.
func (a *app) readHidden(terminal int) (string, error) {
	before, err := term.GetState(terminal)
	if err != nil {
		return "", err
	}
	type line struct {
		text []byte
		err  error
	}
	read := make(chan line, 1)
	go func() {
		text, err := term.ReadPassword(terminal)
		read <- line{text, err}
	}()
	defer fmt.Fprintln(a.Stderr)
	select {
	case <-a.Context.Done():
		return "", errors.Join(errors.New("it was interrupted; nothing was changed"), term.Restore(terminal, before))
	case line := <-read:
		return string(line.text), line.err
	}
}

// usersListCommand lists users.
type usersListCommand struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// Run lists them by name.
func (c *usersListCommand) Run(a *app, s *settings) error {
	st, err := s.look(a)
	if err != nil {
		return err
	}
	defer st.Database().Close()
	all, err := st.Users(a.Context)
	if err != nil {
		return fmt.Errorf("listing the users: %w", err)
	}
	if c.JSON {
		return a.printJSON(append([]store.User{}, all...))
	}
	if len(all) == 0 {
		_, err := fmt.Fprintln(a.Stdout, "There are no users. punctual users add NAME adds one; PUNCTUAL_PASSWORD is the password of the user punctual, who is not listed here.")
		return err
	}
	t := newTable("NAME", "ROLE", "ADDED", "BY", "PASSWORD SET")
	for _, one := range all {
		t.row(cell{one.Name, bold}, cell{one.Role, plain}, cell{local(one.CreatedAt, time.UTC), plain}, cell{one.Author, plain}, cell{local(one.PasswordAt, time.UTC), plain})
	}
	t.write(a.Stdout, a.Terminal)
	return nil
}

// usersRemoveCommand removes a user.
type usersRemoveCommand struct {
	Name string `arg:"" help:"The user."`
}

// Run removes him.
func (c *usersRemoveCommand) Run(a *app, s *settings) error {
	st, err := s.look(a)
	if err != nil {
		return err
	}
	defer st.Database().Close()
	if err := st.RemoveUser(a.Context, c.Name, actor()); err != nil {
		return orShowUsers(err)
	}
	_, err = fmt.Fprintf(a.Stdout, "Removed the user %s and ended the sessions.\n", c.Name)
	return err
}

// orShowUsers adds to the error of an unknown name where to find the others.
func orShowUsers(err error) error {
	if errors.Is(err, store.ErrNoUser) {
		return fmt.Errorf("%w; punctual users list shows those there are", err)
	}
	return err
}

// usersPasswordCommand sets a password.
type usersPasswordCommand struct {
	Name string `arg:"" help:"The user."`
}

// Run asks for the new password and sets it.
func (c *usersPasswordCommand) Run(a *app, s *settings) error {
	st, err := s.look(a)
	if err != nil {
		return err
	}
	defer st.Database().Close()
	if _, err := st.FindUser(a.Context, c.Name); err != nil {
		return orShowUsers(err)
	}
	password, err := a.newPassword(c.Name)
	if err != nil {
		return err
	}
	if err := st.SetPassword(a.Context, c.Name, access.HashPassword(password), actor()); err != nil {
		return orShowUsers(err)
	}
	_, err = fmt.Fprintf(a.Stdout, "Set the password of %s and ended the sessions.\n", c.Name)
	return err
}

// usersRoleCommand gives another role.
type usersRoleCommand struct {
	Name string `arg:"" help:"The user."`
	Role string `arg:"" help:"viewer, operator or admin." enum:"viewer,operator,admin"`
}

// Run sets it; sessions go on with the new role.
func (c *usersRoleCommand) Run(a *app, s *settings) error {
	st, err := s.look(a)
	if err != nil {
		return err
	}
	defer st.Database().Close()
	if err := st.SetRole(a.Context, c.Name, c.Role, actor()); err != nil {
		return orShowUsers(err)
	}
	_, err = fmt.Fprintf(a.Stdout, "%s has the role %s from now on.\n", c.Name, c.Role)
	return err
}

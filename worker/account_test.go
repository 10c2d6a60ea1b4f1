package worker

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/punctual-dev/punctual/queue"
	"github.com/punctual-dev/punctual/schedule"
)

func TestWhoACommandRunsAsIsLookedUpAndRefusedClearly(t *testing.T) {
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Skip("there is no user nobody here")
	}
	tests := []struct {
		name        string
		user, group string
		uid, gid    int // the worker's
		as          string
		error       string
	}{
		{"as the worker", "", "", 1000, 1000, "", ""},
		{"root as somebody else", "nobody", "", 0, 0, "nobody " + nobody.Uid + ":" + nobody.Gid, ""},
		{"by number", nobody.Uid, "", 0, 0, "nobody " + nobody.Uid + ":" + nobody.Gid, ""},
		{"with another group", "nobody", "root", 0, 0, "nobody " + nobody.Uid + ":0", ""},
		{"with the number of a group", "nobody", "4711", 0, 0, "nobody " + nobody.Uid + ":4711", ""},
		{"a number without a name", "471147", "4711", 0, 0, "471147 471147:4711", ""},
		{"the worker's own user", "nobody", "", id(nobody.Uid), id(nobody.Gid), "nobody", ""},
		{"not as root", "root", "", 1000, 1000, "", "cannot run as root: the worker runs as user 1000 and group 1000, and only root runs commands as somebody else; start the worker as root, or leave out user and group"},
		{"the worker's own user in another group", "nobody", "root", id(nobody.Uid), id(nobody.Gid), "", "cannot run as nobody:root: the worker runs as user " + nobody.Uid + " and group " + nobody.Gid + ", and only root runs commands as somebody else; start the worker as root, or leave out user and group"},
		{"nobody of that name", "no-such-user", "", 0, 0, "", "cannot run as no-such-user: there is no such user here"},
		{"nobody of that number", "471147", "", 0, 0, "", "cannot run as 471147: no user here has that number; name its group as well to use it all the same"},
		{"no such group", "nobody", "no-such-group", 0, 0, "", "cannot run as nobody: there is no group no-such-group here"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a, err := accountOf(&schedule.Command{User: test.user, Group: test.group}, test.uid, test.gid)
			if message(err) != test.error {
				t.Errorf("the error is %q, want %q", message(err), test.error)
			}
			if got := describe(a); got != test.as {
				t.Errorf("it runs as %q, want %q", got, test.as)
			}
		})
	}
}

func id(text string) int {
	number, _ := strconv.Atoi(text)
	return number
}

func describe(a *account) string {
	if a == nil {
		return ""
	}
	text := a.name
	if c := a.credential; c != nil {
		text += fmt.Sprintf(" %d:%d", c.Uid, c.Gid)
	}
	return text
}

func TestACommandRunsAsAnotherUserWithThatUsersGroupsAndHome(t *testing.T) {
	nobody, err := user.Lookup("nobody")
	if err != nil || os.Geteuid() != 0 {
		t.Skip("only root can run commands as somebody else")
	}
	groups, err := nobody.GroupIds()
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(groups)
	r := start(t, Options{Directory: "/"}, command(schedule.Command{
		Shell: `id -u; id -g; id -G | tr ' ' '\n' | sort | tr '\n' ' '; echo; echo $HOME $USER $LOGNAME; echo open > /dev/stderr`, User: "nobody",
	}))
	if err := r.end(t); err != nil {
		t.Fatal(err)
	}
	want := nobody.Uid + "\n" + nobody.Gid + "\n" + strings.Join(groups, " ") + " \n" + nobody.HomeDir + " nobody nobody\n"
	if got := r.tape.text(StreamStdout); got != want {
		t.Errorf("it said\n%s\nwant\n%s", got, want)
	}
	if got := r.tape.text(StreamStderr); got != "open\n" {
		t.Errorf("what it wrote to /dev/stderr is %q", got)
	}
}

func TestACommandOfAnotherUserIsEndedWithItsGroup(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can run commands as somebody else")
	}
	f := newFIFO(t)
	if err := os.Chmod(f.path, 0o666); err != nil {
		t.Fatal(err)
	}
	for dir := filepath.Dir(f.path); dir != "/"; dir = filepath.Dir(dir) { // which nobody else could reach it through
		if info, err := os.Stat(dir); err == nil {
			_ = os.Chmod(dir, info.Mode().Perm()|0o111)
		}
	}
	a := shell(stubborn(f))
	a.Payload.Command.User = "nobody"
	r := start(t, Options{}, a)
	r.tape.awaits(t, "ready")
	r.cancel(queue.ErrCancelled)
	if err := r.end(t); err == nil {
		t.Error("it succeeded")
	}
	f.letGo(t)
}

func TestTheErrorOfACommandThatAnotherUserCannotStartNamesThem(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can run commands as somebody else")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	err := start(t, Options{}, command(schedule.Command{Shell: "true", User: "nobody", Directory: dir})).end(t)
	if want := "cannot start /bin/sh as nobody: permission denied"; message(err) != want {
		t.Errorf("it ended with %q, want %q", message(err), want)
	}
}

func TestTheUmaskHoldsForTheCommandAlone(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, "tool")
	if err := os.WriteFile(script, []byte("#!/bin/sh\ntouch \"$1\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name    string
		command schedule.Command
		mode    os.FileMode
	}{
		{"for the shell", schedule.Command{Shell: "touch made-0", Umask: "077"}, 0o600},
		{"for a program in the PATH", schedule.Command{Program: []string{"touch", "made-1"}, Umask: "027"}, 0o640},
		{"for a program by its path", schedule.Command{Program: []string{"./tool", "made-2"}, Umask: "0026"}, 0o640},
		{"none", schedule.Command{Shell: "umask 000; touch made-3"}, 0o666},
	}
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.command.Directory = dir
			if err := start(t, Options{}, command(test.command)).end(t); err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(filepath.Join(dir, fmt.Sprint("made-", i)))
			if err != nil {
				t.Fatal(err)
			}
			if info.Mode().Perm() != test.mode {
				t.Errorf("the file has the mode %o, want %o", info.Mode().Perm(), test.mode)
			}
		})
	}
	err := start(t, Options{}, command(schedule.Command{Program: []string{"./gone"}, Directory: dir, Umask: "027"})).end(t)
	if want := "cannot start ./gone: there is no such program, or not the interpreter it names"; message(err) != want {
		t.Errorf("it ended with %q, want %q", message(err), want)
	}
}

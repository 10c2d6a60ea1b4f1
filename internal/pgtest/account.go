package pgtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// serverAccount returns the account that runs the server: our own (nil), or the
// user postgres when we are root, since the server refuses to run as root.
func serverAccount() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	account, err := user.Lookup("postgres")
	if _, unknown := errors.AsType[user.UnknownUserError](err); unknown {
		account, err = createAccount()
	}
	if err != nil {
		return nil, fmt.Errorf("looking up the user postgres, who is to run the test server: %w", err)
	}
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("reading the uid of the user postgres: %w", err)
	}
	gid, err := strconv.ParseUint(account.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("reading the gid of the user postgres: %w", err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// createAccount makes the user postgres, which packages make but a copied
// installation lacks. The second command is that of small systems (busybox).
func createAccount() (*user.User, error) {
	output, err := exec.Command("useradd", "--system", "--user-group", "--no-create-home", "postgres").CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		output, err = exec.Command("adduser", "-S", "-H", "-D", "postgres").CombinedOutput()
	}
	if account, found := user.Lookup("postgres"); found == nil {
		return account, nil // made by us, or by another test process just now
	}
	return nil, fmt.Errorf("there is none and it cannot be made; make one or run the tests as another user than root: %w\n%s", err, output)
}

// chown gives a path to account; nil leaves it ours.
func chown(path string, account *syscall.Credential) error {
	if account == nil {
		return nil
	}
	return os.Lchown(path, int(account.Uid), int(account.Gid))
}

// plainEnvironment keeps the PG… variables of the machine away from the server.
func plainEnvironment() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
}

package pgtest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// initdbArguments make a data directory that depends on nothing of the machine.
var initdbArguments = []string{"--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"}

// layData copies a prepared data directory into dir. Data that lies there already
// is kept. initdb takes a second, the copy a tenth.
func layData(programs programs, account *syscall.Credential, dir string) error {
	data := filepath.Join(dir, "data")
	if _, err := os.Stat(filepath.Join(data, "PG_VERSION")); err == nil {
		return nil
	}
	prepared, err := template(programs, account)
	if err != nil {
		return err
	}
	if err := copyTree(prepared, data, account); err != nil {
		return fmt.Errorf("copying PostgreSQL's prepared data directory (if it is damaged, delete %s): %w", prepared, err)
	}
	return nil
}

// template returns a data directory as initdb makes it, from the cache if one of
// this version lies there. It appears under its name only when it is complete,
// so readers need no lock.
func template(programs programs, account *syscall.Credential) (string, error) {
	unlock, err := lock("template")
	if err != nil {
		return "", err
	}
	defer unlock()
	recipe := sha256.Sum256([]byte(programs.initdb() + programs.version + strings.Join(initdbArguments, " ")))
	path := filepath.Join(cacheDir(), fmt.Sprintf("postgresql-%d-%x", programs.major, recipe[:6]))
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	made, err := makeDir("", account)
	if err != nil {
		return "", fmt.Errorf("making a directory for initdb: %w", err)
	}
	defer os.RemoveAll(made)
	if err := initdb(programs, account, filepath.Join(made, "data")); err != nil {
		return "", err
	}
	if err := publish(filepath.Join(made, "data"), path); err != nil {
		return "", fmt.Errorf("caching PostgreSQL's prepared data directory: %w", err)
	}
	return path, nil
}

// publish copies a directory and gives the copy its name when it is complete.
func publish(made, path string) error {
	partial := path + ".partial"
	if err := os.RemoveAll(partial); err != nil { // left by a process that was killed
		return err
	}
	if err := copyTree(made, partial, nil); err != nil {
		return err
	}
	return os.Rename(partial, path)
}

func initdb(programs programs, account *syscall.Credential, data string) error {
	command := exec.Command(programs.initdb(), append(initdbArguments, "--pgdata="+data)...)
	command.Dir = "/"
	command.Env = plainEnvironment()
	command.SysProcAttr = &syscall.SysProcAttr{Credential: account}
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("running %s: %w\n%s", command, err, output)
	}
	return nil
}

// cacheDir is where prepared data directories and locks lie.
func cacheDir() string {
	parent, err := os.UserCacheDir()
	if err != nil {
		parent = os.TempDir()
	}
	return filepath.Join(parent, "punctual-pgtest")
}

// lock keeps other processes out until unlock is called. The system releases it
// when a process dies.
func lock(name string) (unlock func(), err error) {
	if err := os.MkdirAll(cacheDir(), 0o700); err != nil {
		return nil, fmt.Errorf("making the cache of pgtest: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(cacheDir(), name+".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening a lock of pgtest: %w", err)
	}
	for {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX)
		if err != syscall.EINTR {
			break
		}
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("locking %s: %w", file.Name(), err)
	}
	return func() { file.Close() }, nil
}

// copyTree copies directories and files and gives the copy to account, if any.
func copyTree(from, to string, account *syscall.Credential) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, relative)
		if entry.IsDir() {
			err = os.Mkdir(target, 0o700) // PostgreSQL refuses directories open to others
		} else {
			err = copyFile(path, target)
		}
		if err != nil {
			return err
		}
		return chown(target, account)
	})
}

func copyFile(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Close())
}

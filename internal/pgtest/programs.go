package pgtest

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/punctual-dev/punctual/internal/debian"
)

// programs are the server's programs of one installation.
type programs struct {
	dir     string
	version string // as postgres --version prints it
	major   int
}

func (p programs) postgres() string { return filepath.Join(p.dir, "postgres") }
func (p programs) initdb() string   { return filepath.Join(p.dir, "initdb") }

// Where packages put programs that are not on the PATH. Among several versions
// the newest wins.
var usualPlaces = []string{
	"/usr/lib/postgresql/*/bin",                // Debian, Ubuntu
	"/usr/pgsql-*/bin",                         // Fedora, Red Hat, from postgresql.org
	"/usr/libexec/postgresql*",                 // Alpine
	"/opt/homebrew/opt/postgresql*/bin",        // Homebrew on Apple silicon
	"/usr/local/opt/postgresql*/bin",           // Homebrew on Intel
	"/home/linuxbrew/.linuxbrew/opt/post*/bin", // Homebrew on Linux
	"/Applications/Postgres.app/Contents/Versions/*/bin",
	"/usr/local/pgsql/bin", // built from source
}

// directoryVariable names the programs to use where there are several, for
// example to test with an older version.
const directoryVariable = "PUNCTUAL_PGTEST_BIN"

const advice = `no PostgreSQL server programs (postgres, initdb) found on the PATH, through pg_config or in the usual places. Install them:
	Debian, Ubuntu   apt-get install postgresql
	Fedora           dnf install postgresql-server
	macOS            brew install postgresql
or name the directory they are in: ` + directoryVariable + `=/path/to/bin`

// findPrograms finds the programs once a process, and installs them if it may.
var findPrograms = sync.OnceValues(func() (programs, error) {
	dir, err := findDirectory()
	if err != nil {
		return programs{}, err
	}
	if dir == "" {
		if err := install(); err != nil {
			return programs{}, err
		}
		if dir, err = findDirectory(); err != nil || dir == "" {
			return programs{}, cmp.Or(err, errors.New(advice))
		}
	}
	return identify(dir)
})

// findDirectory returns the directory of the programs, or "" if there is none.
func findDirectory() (string, error) {
	if dir := os.Getenv(directoryVariable); dir != "" {
		if !complete(dir) {
			return "", fmt.Errorf("%s=%s: there is no postgres and initdb in this directory", directoryVariable, dir)
		}
		return dir, nil
	}
	if path, err := exec.LookPath("postgres"); err == nil && complete(filepath.Dir(path)) {
		return filepath.Dir(path), nil
	}
	if output, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		if dir := strings.TrimSpace(string(output)); complete(dir) {
			return dir, nil
		}
	}
	return newest(usualPlaces), nil
}

// newest returns the complete directory with the highest version in its path.
func newest(patterns []string) string {
	var found []string
	for _, pattern := range patterns {
		matches, _ := filepath.Glob(pattern) // fails only for a malformed pattern
		found = append(found, slices.DeleteFunc(matches, func(dir string) bool { return !complete(dir) })...)
	}
	if len(found) == 0 {
		return ""
	}
	return slices.MaxFunc(found, func(a, b string) int { return cmp.Compare(versionIn(a), versionIn(b)) })
}

func complete(dir string) bool {
	for _, name := range []string{"postgres", "initdb"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
			return false
		}
	}
	return true
}

var lastNumber = regexp.MustCompile(`(\d+(?:\.\d+)?)\D*$`)

// versionIn reads the last number of a path: 9.6 in /usr/lib/postgresql/9.6/bin.
func versionIn(path string) float64 {
	if match := lastNumber.FindStringSubmatch(path); match != nil {
		version, _ := strconv.ParseFloat(match[1], 64)
		return version
	}
	return 0
}

var majorVersion = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

func identify(dir string) (programs, error) {
	p := programs{dir: dir}
	output, err := exec.Command(p.postgres(), "--version").Output()
	if err != nil {
		return p, fmt.Errorf("asking %s for its version: %w", p.postgres(), err)
	}
	p.version = strings.TrimSpace(string(output))
	match := majorVersion.FindStringSubmatch(p.version)
	if match == nil {
		return p, fmt.Errorf("asking %s for its version: it answered %q", p.postgres(), p.version)
	}
	p.major, err = strconv.Atoi(match[1])
	return p, err
}

// install installs the Debian package where we may. Elsewhere it returns the
// advice.
func install() error {
	if !debian.Possible() {
		return errors.New(advice)
	}
	unlock, err := lock("install")
	if err != nil {
		return err
	}
	defer unlock()
	if dir, err := findDirectory(); err != nil || dir != "" {
		return err // another test process was quicker
	}
	return debian.Install("postgresql")
}

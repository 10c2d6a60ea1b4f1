// Package debian installs what tests need on a machine where they may: as root
// with apt-get, which is what a container for tests looks like.
package debian

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// ErrNotHere says that this is no machine on which tests may install something.
var ErrNotHere = errors.New("nothing can be installed here: it takes root and apt-get")

// Possible says whether Install has a chance here.
func Possible() bool {
	_, err := exec.LookPath("apt-get")
	return err == nil && os.Geteuid() == 0
}

// Find looks for a program under the names it may have, and installs the package
// that brings it where it is missing and may be.
func Find(pkg string, names ...string) (string, error) {
	for installed := false; ; installed = true {
		for _, name := range names {
			if path, err := exec.LookPath(name); err == nil {
				return path, nil
			}
		}
		if installed {
			return "", fmt.Errorf("the package %s is installed, but brings no %s", pkg, strings.Join(names, " or "))
		}
		if err := Install(pkg); err != nil {
			return "", fmt.Errorf("there is no %s here: %w", names[0], err)
		}
	}
}

// Install installs a Debian package, and says so on the error output.
func Install(name string) error {
	if !Possible() {
		return ErrNotHere
	}
	fmt.Fprintf(os.Stderr, "tests: installing the package %s with apt-get\n", name)
	for _, arguments := range [][]string{
		{"update", "-q"},
		{"install", "-q", "-y", "--no-install-recommends", name},
	} {
		command := exec.Command("apt-get", append([]string{"-o", "DPkg::Lock::Timeout=300"}, arguments...)...)
		command.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if output, err := command.CombinedOutput(); err != nil {
			return fmt.Errorf("installing %s: apt-get %s: %w\n%s", name, strings.Join(arguments, " "), err, output)
		}
	}
	return nil
}

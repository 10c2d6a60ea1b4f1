package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/punctual-dev/punctual/calendar"
)

// versionCommand prints what this binary is made of.
type versionCommand struct{}

// Run prints the versions, one a line.
func (c *versionCommand) Run(a *app) error {
	_, err := fmt.Fprintf(a.Stdout, "punctual %s\ngo       %s\ntzdata   %s (embedded)\n", version(), runtime.Version(), calendar.TZDataVersion())
	return err
}

// version is the module version this binary was built from, or the revision.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(unknown)"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			return "(devel " + setting.Value[:min(12, len(setting.Value))] + ")"
		}
	}
	return "(devel)"
}

package worker

import (
	"maps"
	"slices"
	"strings"

	"github.com/punctual-dev/punctual/schedule"
)

// handedOn are the settings of punctual that children may see: where the
// schedule file is and which environment this is. All other PUNCTUAL_ names
// stay with the worker: the password and the token of the dashboard, whatever
// secret a later version adds, and the facts of a job that started this very
// worker. DATABASE_URL is handed on although punctual uses it too: on a
// platform that sets it, it is the application's own, and jobs are written to
// find it.
var handedOn = []string{"PUNCTUAL_CONFIG", "PUNCTUAL_ENV"}

// variables reads an environment in the form of os.Environ; the last of two
// equal names wins.
func variables(environment []string) map[string]string {
	set := make(map[string]string, len(environment))
	for _, entry := range environment {
		if name, value, found := strings.Cut(entry, "="); found && name != "" {
			set[name] = value
		}
	}
	return set
}

// childEnvironment is what a command sees: what it inherits of the worker's
// environment, who it is, then the schedule's own, then the facts, each over the
// one before.
func childEnvironment(c *schedule.Command, inherited, account, own map[string]string, facts []fact, directory string) map[string]string {
	child := make(map[string]string, len(inherited)+len(own)+len(facts))
	for name, value := range inherited {
		if strings.HasPrefix(name, factPrefix) && !slices.Contains(handedOn, name) {
			continue
		}
		if !c.CleanEnv || slices.Contains(c.KeepEnv, name) {
			child[name] = value
		}
	}
	if _, kept := child["PWD"]; directory != "" && (kept || !c.CleanEnv) {
		child["PWD"] = directory // a program may trust an inherited one
	}
	maps.Copy(child, account)
	maps.Copy(child, own)
	for _, f := range facts {
		child[f.variable()] = f.value
	}
	return child
}

// list is the environment in the form the kernel takes, in a fixed order.
func list(environment map[string]string) []string {
	entries := make([]string, 0, len(environment))
	for name, value := range environment {
		entries = append(entries, name+"="+value)
	}
	slices.Sort(entries)
	return entries
}

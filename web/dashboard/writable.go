package dashboard

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/punctual-dev/punctual/schedule"
)

// Unless it is allowed, nobody gets a program run by a worker, or the worker's
// environment sent somewhere, by way of the network. These are the rules of the
// API, in web/api.

const allowAdvice = "start the web process with --allow-commands, or declare the schedule in the file"

var placeholder = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// mayWrite judges a job that is new, or changes.
func (s *site) mayWrite(job schedule.Job) []fieldFault {
	switch {
	case s.AllowCommands:
		return nil
	case job.Run != nil:
		return []fieldFault{{"run", "Commands cannot be created or edited from the network here.", "To allow it, " + allowAdvice + "."}}
	case job.HTTP == nil:
		return nil
	}
	texts := map[string]string{"http.url": job.HTTP.URL, "http.body": job.HTTP.Body}
	for name, text := range job.HTTP.Headers {
		texts["http.headers."+name] = text
	}
	for name, text := range job.HTTP.Env {
		texts["env."+name] = text
	}
	var faults []fieldFault
	for _, one := range sorted(texts) {
		for _, found := range placeholder.FindAllStringSubmatch(one.Value, -1) {
			if _, own := job.HTTP.Env[found[1]]; own && !strings.HasPrefix(one.Name, "env.") {
				continue
			}
			faults = append(faults, fieldFault{one.Name, fmt.Sprintf("%s reads the worker's environment, which cannot be asked for from the network here.", found[0]), "To allow it, " + allowAdvice + "."})
		}
	}
	return faults
}

// mayReplace judges what a trigger puts in the place of a job's environment:
// only what the schedule names itself gets another value, and none reads the
// worker's environment. Arguments of a Go worker are for that to judge.
func (s *site) mayReplace(job schedule.Job, args map[string]string) error {
	var env map[string]string
	switch {
	case s.AllowCommands:
		return nil
	case job.Run != nil:
		env = job.Run.Env
	case job.HTTP != nil:
		env = job.HTTP.Env
	default:
		return nil
	}
	for _, one := range sorted(args) {
		if _, own := env[one.Name]; !own {
			return refuse(fmt.Sprintf("%s is not among the variables the schedule names, so it cannot be set from here. To allow it, %s.", one.Name, allowAdvice))
		}
		if placeholder.MatchString(one.Value) {
			return refuse(fmt.Sprintf("%s would read the worker's environment, which cannot be asked for from the network here. To allow it, %s.", one.Name, allowAdvice))
		}
	}
	return nil
}

func sameJob(a, b schedule.Job) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

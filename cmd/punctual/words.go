package main

import (
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// otherWords are what other programs call what this one calls otherwise: for each,
// commands and what they do. The words of a language are few, so nobody should
// have to guess ours.
var otherWords = []struct {
	words string
	means []meaning
}{
	{"logs log tail output", []meaning{{"runs output", "prints what a job wrote (--follow goes on until it ends)"}}},
	{"ps top", []meaning{{"processes", "lists the clocks, workers and web processes"}, {"runs list --state running", "lists what runs"}}},
	{"status state info", []meaning{{"health", "says whether the clock keeps time"}, {"schedules list", "tells how each schedule stands"}, {"processes", "lists who is alive"}}},
	{"list ls", []meaning{{"schedules list", "lists the schedules"}, {"runs list", "lists what ran and what did not"}}},
	{"show describe get", []meaning{{"schedules show", "tells of a schedule"}, {"runs show", "tells of one occurrence"}}},
	{"stop kill abort", []meaning{{"runs cancel", "ends a job"}, {"schedules pause", "holds a schedule back"}, {"queues pause", "holds a queue back"}, {"backfills stop", "ends a backfill"}}},
	{"enable unpause", []meaning{{"schedules resume", "ends a pause of a schedule"}, {"queues resume", "ends a pause of a queue"}}},
	{"disable suspend hold", []meaning{{"schedules pause", "holds a schedule back until schedules resume"}, {"queues pause", "holds a queue back"}}},
	{"rm remove del", []meaning{{"schedules delete", "deletes a schedule"}, {"users remove", "removes a user"}, {"tokens revoke", "ends a token"}}},
	{"add create new set edit update deploy", []meaning{{"apply", "makes the database agree with punctual.yaml, which is where schedules are written"}, {"init", "writes such a file to begin with"}}},
	{"cron crontab", []meaning{{"next", "shows the instants of a cron expression"}, {"apply", "puts the schedules of punctual.yaml in force"}}},
	{"run exec now fire invoke", []meaning{{"schedules trigger", "runs a schedule's job now"}, {"start", "runs the clock, a worker and the web process"}}},
	{"rerun restart redo", []meaning{{"runs retry", "runs a job again"}, {"backfill", "runs the occurrences of a past range"}}},
	{"history events", []meaning{{"runs list", "lists what ran and what did not"}, {"activity", "tells who did what"}}},
	{"up serve server daemon", []meaning{{"start", "runs clock, worker and web in one process"}}},
	{"validate lint test verify", []meaning{{"check", "validates a schedule file"}, {"audit", "accounts for every occurrence"}}},
	{"preview plan dry-run diff", []meaning{{"apply --dry-run", "shows what apply would change"}, {"simulate", "shows what a file will do"}, {"next", "shows the instants of a when"}}},
	{"jobs job tasks", []meaning{{"runs list", "lists jobs and what came of them"}, {"schedules list", "lists the schedules that make them"}}},
	{"workers clocks", []meaning{{"processes", "lists the clocks, workers and web processes"}}},
}

// meaning is a command, and what it does.
type meaning struct{ command, does string }

// calledOtherwise says which commands do what a word is used for elsewhere; those
// of the group it was used in, if there are any. Empty: it is not known.
func calledOtherwise(node *kong.Node, word string) string {
	for _, other := range otherWords {
		if !slices.Contains(strings.Fields(other.words), word) {
			continue
		}
		means := other.means
		group := strings.TrimPrefix(node.FullPath(), "punctual ") + " "
		within := slices.DeleteFunc(slices.Clone(means), func(m meaning) bool { return !strings.HasPrefix(m.command, group) })
		if len(within) > 0 {
			means = within
		}
		texts := make([]string, len(means))
		for i, m := range means {
			texts[i] = "punctual " + m.command + " " + m.does
		}
		return "; " + strings.Join(texts, ", ")
	}
	return ""
}

// emptyFlag is a flag that was given with nothing in it, where that would quietly
// mean something else: all queues, the database here. A variable of a script that
// is not set makes one. Empty: there is none.
func emptyFlag(command *kong.Context) string {
	for _, part := range command.Path {
		if part.Flag == nil || part.Resolved || !slices.Contains([]string{"queues", "database", "config", "schedule", "tag", "state"}, part.Flag.Name) {
			continue
		}
		if v := command.FlagValue(part.Flag); v == "" {
			return part.Flag.Name
		} else if list, ok := v.([]string); ok && !slices.ContainsFunc(list, func(s string) bool { return s != "" }) {
			return part.Flag.Name
		}
	}
	return ""
}

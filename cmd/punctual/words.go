package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/punctual-dev/punctual/schedule"
)

// otherWords are what other programs call what this one calls otherwise: for each,
// commands and what they do. The words of a language are few, so nobody should
// have to guess ours. Those that mean something else within a group stand first.
var otherWords = []struct {
	group string // within this group only; empty: anywhere
	words string
	first string // what is no command of ours, and comes before those that are
	means []meaning
}{
	{group: "schedules", words: "next upcoming preview", means: []meaning{{"schedules show", "tells when a schedule runs next"}, {"simulate", "shows what a file will do"}}},
	{group: "schedules", words: "start", means: []meaning{{"schedules trigger", "runs a schedule's job now"}, {"schedules resume", "ends a pause"}}},
	{group: "runs", words: "delete rm remove del prune purge clear", means: []meaning{{"runs cancel", "ends a job; what has ended goes by itself once it is older than --history of the clock"}}},
	{group: "runs", words: "next upcoming", means: []meaning{{"schedules show", "tells when a schedule runs next"}}},
	{words: "logs log tail output", means: []meaning{{"runs output", "prints what a job wrote (--follow goes on until it ends)"}}},
	{words: "ps top", means: []meaning{{"processes", "lists the clocks, workers and web processes"}, {"runs list --state running", "lists what runs"}}},
	{words: "status state info", means: []meaning{{"health", "says whether the clock keeps time"}, {"schedules list", "tells how each schedule stands"}, {"processes", "lists who is alive"}}},
	{words: "list ls", means: []meaning{{"schedules list", "lists the schedules"}, {"runs list", "lists what ran and what did not"}}},
	{words: "show describe get", means: []meaning{{"schedules show", "tells of a schedule"}, {"runs show", "tells of one occurrence"}}},
	{words: "stop kill abort", first: "Ctrl-C, or SIGTERM to its process (punctual processes), ends what punctual start began", means: []meaning{{"runs cancel", "ends a job"}, {"schedules pause", "holds a schedule back"}, {"queues pause", "holds a queue back"}, {"backfills stop", "ends a backfill"}}},
	{words: "enable unpause", means: []meaning{{"schedules resume", "ends a pause of a schedule"}, {"queues resume", "ends a pause of a queue"}}},
	{words: "disable suspend hold", means: []meaning{{"schedules pause", "holds a schedule back until schedules resume"}, {"queues pause", "holds a queue back"}}},
	{words: "rm remove del", means: []meaning{{"schedules delete", "deletes a schedule"}, {"users remove", "removes a user"}, {"tokens revoke", "ends a token"}}},
	{words: "add create new set edit update deploy reload", means: []meaning{{"apply", "makes the database agree with punctual.yaml, which is where schedules are written"}, {"init", "writes such a file to begin with"}}},
	{words: "cron crontab", means: []meaning{{"next", "shows the instants of a cron expression"}, {"apply", "puts the schedules of punctual.yaml in force"}}},
	{words: "run exec now fire invoke", means: []meaning{{"schedules trigger", "runs a schedule's job now"}, {"start", "runs the clock, a worker and the web process"}}},
	{words: "rerun restart redo", means: []meaning{{"runs retry", "runs a job again"}, {"backfill", "runs the occurrences of a past range"}}},
	{words: "history events", means: []meaning{{"runs list", "lists what ran and what did not"}, {"activity", "tells who did what"}}},
	{words: "dashboard ui gui", means: []meaning{{"web", "serves the dashboard, and so does punctual start"}}},
	{words: "up serve server daemon", means: []meaning{{"start", "runs clock, worker and web in one process"}}},
	{words: "validate lint test verify", means: []meaning{{"check", "validates a schedule file"}, {"audit", "accounts for every occurrence"}}},
	{words: "preview plan dry-run diff", means: []meaning{{"apply --dry-run", "shows what apply would change"}, {"simulate", "shows what a file will do"}, {"next", "shows the instants of a when"}}},
	{words: "jobs job tasks", means: []meaning{{"runs list", "lists jobs and what came of them"}, {"schedules list", "lists the schedules that make them"}}},
	{words: "workers clocks", means: []meaning{{"processes", "lists the clocks, workers and web processes"}}},
}

// meaning is a command, and what it does.
type meaning struct{ command, does string }

// calledOtherwise says which commands do what a word is used for elsewhere; those
// of the group it was used in, if there are any. Empty: it is not known.
func calledOtherwise(node *kong.Node, word string) string {
	group, grouped := strings.CutPrefix(node.FullPath(), "punctual ")
	for _, other := range otherWords {
		if !slices.Contains(strings.Fields(other.words), word) || other.group != "" && other.group != group {
			continue
		}
		first, means := other.first, other.means
		if grouped && other.group == "" {
			within := slices.DeleteFunc(slices.Clone(means), func(m meaning) bool { return !strings.HasPrefix(m.command, group+" ") })
			if first = ""; len(within) > 0 {
				means = within
			} else {
				// Of other things than those the group is about, only what does no harm.
				means = slices.DeleteFunc(slices.Clone(means), func(m meaning) bool { return harms(m.command) })
			}
		}
		var texts []string
		if first != "" {
			texts = append(texts, first)
		}
		for _, m := range means {
			texts = append(texts, "punctual "+m.command+" "+m.does)
		}
		if len(texts) > 0 {
			return "; " + strings.Join(texts, ", ")
		}
	}
	return ""
}

// harms says of a command that it takes away what cannot be had back, so that
// nobody is led to it by letters that happen to be alike.
func harms(command string) bool {
	last := command[strings.LastIndex(command, " ")+1:]
	return slices.Contains([]string{"skip-next", "skip", "delete", "cancel", "revoke", "remove"}, last)
}

// argumentNotFlag says how the schedule file, or a schedule, is named to a command that
// was given it as an argument, and takes none, and to one that was given two files that
// it takes one. Empty: it is no such complaint.
func argumentNotFlag(command *kong.Node, complaint string) string {
	rest, ok := strings.CutPrefix(complaint, "unexpected argument ")
	path, _, _ := strings.Cut(rest, ",")
	if ok && slices.ContainsFunc(command.Positional, func(p *kong.Positional) bool { return p.Name == "file" }) {
		return fmt.Sprintf("%s takes one file, and %s is another: %s each alone", command.FullPath(), path, command.Name)
	}
	if ok && (strings.HasSuffix(path, ".yaml") || strings.HasSuffix(path, ".yml")) {
		return fmt.Sprintf("%s takes no file as an argument; a flag names it: %[1]s --config %s", command.FullPath(), path)
	}
	if ok && len(command.Positional) == 0 && schedule.ValidKey(path) && slices.ContainsFunc(command.Flags, func(f *kong.Flag) bool { return f.Name == "schedule" }) {
		return fmt.Sprintf("%s takes no argument; a flag names the schedule: %[1]s --schedule %s", command.FullPath(), path)
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

package main

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// otherFlags are what other programs call flags of ours. Those of one command stand
// first, since what a word means there is surer.
var otherFlags = []struct {
	command string // of this command only; empty: of every one that has the flag
	words   string
	flag    string
	value   string // what is written behind it, with %s for what was given; empty: that is not known
	instead string // what to do where no flag does it; flags in it are of the command
}{
	{command: "runs list", words: "failed failure failures errors error", flag: "state", value: "failed"},
	{command: "runs list", words: "skipped missed", flag: "state", value: "skipped"},
	{command: "runs list", words: "running active", flag: "state", value: "running"},
	{command: "runs list", words: "succeeded success successful ok", flag: "state", value: "succeeded"},
	{command: "runs list", words: "waiting queued pending", flag: "state", value: "available"},
	{command: "runs list", words: "since after from start until to end", instead: "the newest come first: --limit 100 lists more of them, --before ID those before a row; one instant is told by punctual runs show KEY@INSTANT"},
	{command: "activity", words: "since after from start until to end", instead: "the newest come first: --limit 100 lists more of them, --before ID those before an entry"},
	{command: "audit", words: "since after from start until to end before", instead: "an audit takes no range: it looks at all that the history holds. Of each finding --json prints the nominal, to choose by; punctual audit KEY looks at one schedule alone"},
	{command: "schedules list", words: "paused disabled", flag: "state", value: "paused"},
	{command: "schedules list", words: "active enabled", flag: "state", value: "active"},
	{command: "schedules list", words: "failed failing errors error", flag: "state", value: "error"},
	{command: "backfill", words: "force again all", flag: "rerun"},
	{command: "init", words: "yes y overwrite", flag: "force"},
	{command: "next", words: "until to end before", flag: "not-after"},

	{words: "port", flag: "listen", value: "127.0.0.1:%s"},
	{words: "host bind address addr interface", flag: "listen", value: "127.0.0.1:8080"},
	{words: "port listen host bind address addr", flag: "metrics-listen"},
	{words: "db dsn database-url url sqlite postgres", flag: "database"},
	{words: "file f yaml schedule-file conf", flag: "config", value: "%s"},
	{words: "environment", flag: "env"},
	{words: "log logger", flag: "log-format"},
	{words: "format output o", flag: "json"},
	{words: "timezone time-zone zone", flag: "tz"},
	{words: "for duration", flag: "until"},
	{words: "reason message comment m", flag: "note"},
	{words: "since after start begin", flag: "from"},
	{words: "until before end", flag: "to"},
	{words: "key name job", flag: "schedule"},
	{words: "status", flag: "state"},
	{words: "label tags", flag: "tag"},
	{words: "last tail lines count number max", flag: "limit"},
	{words: "limit lines number max", flag: "count"},
	{words: "dry plan preview noop simulate", flag: "dry-run"},
	{words: "force f no-confirm non-interactive", flag: "yes"},
	{words: "follow watch f", flag: "wait"},
	{words: "watch tail wait", flag: "follow"},
	{words: "args argument param set e", flag: "arg"},
	{words: "delete remove", flag: "prune"},
	{words: "retention retain keep", flag: "history"},
	{words: "threads workers parallel parallelism jobs", flag: "concurrency"},
	{words: "queue q", flag: "queues"},
	{words: "silent q", flag: "quiet"},
	{words: "shutdown-timeout grace", flag: "stop-grace"},
	{words: "expiry ttl expires-in", flag: "expires"},
}

// otherArguments are flags of other programs for what stands here without one: the
// name of an argument, and what it is called elsewhere.
var otherArguments = []struct{ words, argument string }{
	{"schedule key name", "key"},
	{"job id run occurrence", "run"},
	{"run id occurrence", "job"},
	{"queue name", "queue"},
	{"user username token", "name"},
	{"when cron expression", "when"},
}

var unknownFlag = regexp.MustCompile(`^unknown flag (--?)([^ ,]+)`)

// flagCalledOtherwise says what of a command does what a flag it has not is used for
// elsewhere. Empty: it is no such complaint, or that is not known.
func flagCalledOtherwise(command *kong.Node, complaint string, arguments []string) string {
	found := unknownFlag.FindStringSubmatch(complaint)
	if found == nil {
		return ""
	}
	name, _, _ := strings.Cut(found[2], "=")
	none := "there is no flag " + found[1] + name
	if flag := sameButForDashes(command, name); flag != "" && found[1] == "--" {
		return none + "; did you mean --" + flag + "?"
	}
	for _, other := range otherFlags {
		if !slices.Contains(strings.Fields(other.words), name) || other.command != "" && "punctual "+other.command != command.FullPath() {
			continue
		}
		if other.instead != "" {
			return none + "; " + other.instead
		}
		if flag := flagOf(command, other.flag); flag != nil {
			return fmt.Sprintf("%s; --%s: %s", none, flag.Name+written(flag, other.value, valueOf(found[1]+name, arguments)), flag.Help)
		}
	}
	for _, other := range otherArguments {
		for _, argument := range command.Positional {
			if argument.Name == other.argument && slices.Contains(strings.Fields(other.words), name) {
				return fmt.Sprintf("%s; it stands without a flag: %s %s", none, command.FullPath(), cmp.Or(valueOf(found[1]+name, arguments), strings.ToUpper(argument.Name)))
			}
		}
	}
	if found[1] == "-" {
		return none // of one letter, any other is near
	}
	return ""
}

// sameButForDashes is the flag of a command that a name is written like, whatever the
// case, if dashes and underscores do not count. No other can be meant, near as it may be.
func sameButForDashes(command *kong.Node, name string) string {
	letters := func(name string) string {
		return strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(name))
	}
	for _, group := range command.AllFlags(true) {
		for _, flag := range group {
			if letters(flag.Name) == letters(name) {
				return flag.Name
			}
		}
	}
	return ""
}

// flagOf is a flag that a command takes, its own or one of the settings; nil: it
// takes none of that name.
func flagOf(command *kong.Node, name string) *kong.Flag {
	for _, group := range command.AllFlags(true) {
		for _, flag := range group {
			if flag.Name == name {
				return flag
			}
		}
	}
	return nil
}

// written is what stands behind a flag where that is known.
func written(flag *kong.Flag, value, given string) string {
	switch {
	case strings.Contains(value, "%s") && given == "":
		return " " + flag.FormatPlaceHolder()
	case strings.Contains(value, "%s"):
		return " " + fmt.Sprintf(value, given)
	case value != "":
		return " " + value
	}
	return ""
}

// valueOf is what was given to a flag; empty: nothing that is plainly its value.
func valueOf(flag string, arguments []string) string {
	for i, argument := range arguments {
		if value, ok := strings.CutPrefix(argument, flag+"="); ok {
			return value
		}
		if argument == flag && i+1 < len(arguments) && !strings.HasPrefix(arguments[i+1], "-") {
			return arguments[i+1]
		}
	}
	return ""
}

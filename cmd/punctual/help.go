package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/punctual-dev/punctual/internal/nearest"
)

// groups are the headings of the overview, in the order in which a user meets
// them.
var groups = []kong.Group{
	{Key: "run", Title: "Run:"},
	{Key: "schedules", Title: "Schedules:"},
	{Key: "look", Title: "Look:"},
	{Key: "access", Title: "Access to the web process:"},
	{Key: "files", Title: "Files and whens:"},
	{Key: "settings", Title: "Settings (flags beat the environment):"},
}

// printHelp prints an overview of all commands, or of those of a group, and
// leaves single commands to kong.
func printHelp(options kong.HelpOptions, ctx *kong.Context) error {
	node := ctx.Selected()
	if node != nil && len(node.Children) == 0 {
		return kong.DefaultHelpPrinter(options, ctx)
	}
	if node == nil {
		node = ctx.Model.Node
	}
	printOverview(ctx.Stdout, ctx.Model.HelpFlag, node)
	return nil
}

func printOverview(w io.Writer, help *kong.Flag, node *kong.Node) {
	path := node.FullPath()
	fmt.Fprintf(w, "Usage: %s <command> [flags]\n\n%s\n", path, wrapped(node.Help))
	titles := map[string]string{}
	for _, group := range groups {
		titles[group.Key] = group.Title
	}
	title := ""
	for _, child := range node.Children {
		if child.Hidden {
			continue
		}
		under := "Commands:"
		if node.Parent == nil && child.Group != nil {
			under = titles[child.Group.Key]
		}
		if under != title {
			title = under
			fmt.Fprintf(w, "\n%s\n", title)
		}
		fmt.Fprintf(w, "  %-11s %s\n", child.Name, child.Help)
	}
	if node.Parent == nil {
		fmt.Fprintf(w, "\n%s\n", titles["settings"])
		for _, flag := range node.Flags {
			if flag == help || flag.Hidden {
				continue
			}
			fmt.Fprintf(w, "  %-18s %s", "--"+flag.Name+"="+flag.FormatPlaceHolder(), flag.Help)
			if len(flag.Envs) > 0 {
				fmt.Fprintf(w, " $%s", flag.Envs[0])
			}
			fmt.Fprintln(w)
		}
		fmt.Fprint(w, "\nExit codes: 0 done, 1 failed or found wanting, 2 wrong use. --json where something is listed.\n")
	}
	fmt.Fprintf(w, "\n%s <command> --help tells more.\n", path)
}

// wrapped breaks a text into lines of at most 80 characters.
func wrapped(text string) string {
	const width = 80
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len([]rune(line))+1+len([]rune(word)) > width {
			lines, line = append(lines, line), word
			continue
		}
		line = strings.TrimSpace(line + " " + word)
	}
	return strings.Join(append(lines, line), "\n")
}

// explainUse says what is wrong with the arguments and where to read on. Who
// names no command at all, or only a group, gets the overview instead.
func explainUse(w io.Writer, parser *kong.Kong, arguments []string, err error) {
	node := parser.Model.Node
	if fault, ok := errors.AsType[*kong.ParseError](err); ok {
		if selected := fault.Context.Selected(); selected != nil {
			node = selected
		}
	}
	if len(node.Children) > 0 && (len(arguments) == 0 || arguments[len(arguments)-1] == node.Name) {
		printOverview(w, parser.Model.HelpFlag, node)
		return
	}
	text := plainly(err)
	if missing := missingArguments.FindStringSubmatch(err.Error()); missing != nil {
		text = fmt.Sprintf("%s is missing: %s", missing[1], "punctual "+node.Summary())
	}
	text = cmp.Or(flagCalledOtherwise(node, err.Error(), arguments), argumentNotFlag(node, err.Error()), text)
	if rest, ok := strings.CutPrefix(err.Error(), "unexpected argument "); ok && len(node.Children) > 0 {
		word, _, _ := strings.Cut(rest, ",") // the parser's own suggestion follows
		instead := cmp.Or(calledOtherwise(node, word), suggested(node, word, false), suggested(parser.Model.Node, word, node != parser.Model.Node))
		if instead == "" && node != parser.Model.Node {
			instead = "; allowed: " + strings.Join(commandNames(node), ", ")
		}
		text = fmt.Sprintf("there is no command %q%s", strings.TrimSpace(strings.TrimPrefix(node.FullPath()+" "+word, "punctual ")), instead)
	}
	fmt.Fprintf(w, "punctual: %s\nSee: %s --help\n", text, node.FullPath())
}

// missingArguments finds what the parser wants where the line ends too early.
var missingArguments = regexp.MustCompile(`^(?:expected "|missing positional arguments )(<.*?)"?$`)

func commandNames(group *kong.Node) []string {
	var names []string
	for _, child := range group.Children {
		names = append(names, child.Name)
	}
	return names
}

// plainly is a complaint of the parser without its own jargon.
func plainly(err error) string {
	text := err.Error()
	for _, jargon := range parserJargon {
		text = jargon.words.ReplaceAllString(text, jargon.meaning)
	}
	if found := notOneOf.FindStringSubmatch(text); found != nil {
		text += didYouMean(found[1], strings.Split(strings.ReplaceAll(found[2], `"`, ""), ","))
	}
	return text
}

// notOneOf is a complaint about a word that is none of those that are allowed.
var notOneOf = regexp.MustCompile(`"([^"]*)" is not one of (".*")$`)

// parserJargon is what the parser says, and what it means, one after the other.
var parserJargon = []struct {
	words   *regexp.Regexp
	meaning string
}{
	{regexp.MustCompile(`^(.*?)(?: \(from envar \w+=.*\))?: expected \w+ value but got "EOL".*$`), "$1 needs a value"},
	{regexp.MustCompile(`^(-.*?): expected \w+ value but got "(-.*?)" \(.*$`), `$1: "$2" begins with a dash; if it is meant as the value: $1=$2`},
	{regexp.MustCompile(`expected a valid [0-9]+ bit u?int but got (".*?")`), "$1 is not a whole number"},
	{regexp.MustCompile(`^(-.*?): bool value must be .* but got (".*")$`), `$1 takes no value, and $2 is one`},
	{regexp.MustCompile(`^(.*) must be one of (.*?)(?:,"")? but got (".*")$`), "$1: $3 is not one of $2"},
	{regexp.MustCompile(`\(from envar (\w+)=.*\)`), "(from the environment: $1)"},
	{regexp.MustCompile(`missing flags: `), "needs "},
	{regexp.MustCompile(`\bexpected `), "needs "},
	{regexp.MustCompile(`^unknown flag (\S+), did you mean (.*)\?$`), "there is no flag $1; did you mean $2?"},
}

// suggested names the commands below a node that a word probably meant: those so
// called, or else the nearest name. One that harms is named to nobody but who
// meant that very word, and nothing of another group.
func suggested(root *kong.Node, word string, elsewhere bool) string {
	const slip = 2 // letters
	paths := map[string][]string{}
	var names []string
	var walk func(*kong.Node)
	walk = func(node *kong.Node) {
		for _, child := range node.Children {
			if !harms(child.Name) || !elsewhere && nearest.Apart(word, child.Name) <= slip {
				names = append(names, child.Name)
				paths[child.Name] = append(paths[child.Name], child.FullPath())
			}
			walk(child)
		}
	}
	walk(root)
	found := paths[word]
	if found == nil {
		found = paths[meant(word, names)]
	}
	if found == nil {
		return ""
	}
	return "; did you mean " + strings.Join(found, ", or ") + "?"
}

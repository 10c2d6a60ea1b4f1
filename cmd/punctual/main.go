// Command punctual runs jobs at scheduled times: a clock that decides what is
// due and queues it, workers that run it, and a web process that tells how it
// went. This package turns flags into processes; every command has a file.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"golang.org/x/term"

	"github.com/punctual-dev/punctual/config"
	"github.com/punctual-dev/punctual/database"
)

// commandLine is every command and the settings they share. Flags beat the
// environment, which beats the default.
type commandLine struct {
	settings

	Start   startCommand   `cmd:"" group:"run" help:"Run clock, worker and web in one process, with the schedules of the file."`
	Clock   clockCommand   `cmd:"" group:"run" help:"Run the clock: decide what is due and queue it."`
	Worker  workerCommand  `cmd:"" group:"run" help:"Run a worker: take jobs off the queue and run them."`
	Web     webCommand     `cmd:"" group:"run" help:"Run the web process: health, API and dashboard."`
	Migrate migrateCommand `cmd:"" group:"run" help:"Bring the database's tables up to date."`

	Apply     applyCommand    `cmd:"" group:"schedules" help:"Make the database agree with the schedule file."`
	Schedules schedulesGroup  `cmd:"" group:"schedules" help:"List, show, pause, resume, skip, trigger and delete schedules."`
	Backfill  backfillCommand `cmd:"" group:"schedules" help:"Run the occurrences of a past range."`
	Backfills backfillsGroup  `cmd:"" group:"schedules" help:"List and stop backfills."`

	Runs      runsGroup        `cmd:"" group:"look" help:"What ran and what did not: list, show, output, retry, cancel, seen."`
	Queues    queuesGroup      `cmd:"" group:"look" help:"What waits in the queues: list, pause, resume."`
	Alerts    alertsGroup      `cmd:"" group:"look" help:"What was told to be wrong, and to whom: list, test."`
	Audit     auditCommand     `cmd:"" group:"look" help:"Account for every occurrence; exit 1 if one is missing, doubled or made up."`
	Health    healthCommand    `cmd:"" group:"look" help:"Say whether the clock keeps time; exit 1 if it does not."`
	Processes processesCommand `cmd:"" group:"look" help:"List the clocks, workers and web processes."`
	Activity  activityCommand  `cmd:"" group:"look" help:"Who did what, and when."`

	Tokens tokensGroup `cmd:"" group:"access" help:"The tokens of programs that use the API: create, list, revoke."`
	Users  usersGroup  `cmd:"" group:"access" help:"Who may log in to the web process: add, list, remove, role, password."`

	Init     initCommand     `cmd:"" group:"files" help:"Write a commented punctual.yaml and a Procfile."`
	Check    checkCommand    `cmd:"" group:"files" help:"Validate a schedule file, warn of hazards, show what is due next."`
	Next     nextCommand     `cmd:"" group:"files" help:"Show the next instants of a when."`
	Simulate simulateCommand `cmd:"" group:"files" help:"Show what a schedule file will do in a stretch of time: occurrences, herds, daylight saving."`
	Schema   schemaCommand   `cmd:"" group:"files" help:"Print the JSON Schema of the schedule file, for editors."`
	Version  versionCommand  `cmd:"" group:"files" help:"Print the versions of punctual, Go and the embedded tzdata."`
}

// app is what a command may touch of the outside world.
type app struct {
	Context     context.Context
	Signals     *signals // nil: none are caught
	Stdin       io.Reader
	Stdout      io.Writer
	Stderr      io.Writer
	Now         func() time.Time // nil: the host's clock
	Terminal    bool             // Stdout is a terminal: colour and tables are welcome
	Width       int              // of the terminal that Stdout is, in characters; 0: it is none
	TerminalErr bool             // Stderr is one
	Person      bool             // Stdin is one: somebody can be asked
}

// now is the time for commands that work without a database.
func (a *app) now() time.Time {
	if a.Now != nil {
		return a.Now()
	}
	return time.Now()
}

// exitError ends the process with Code. An empty Message means that the
// command has already said what there is to say.
type exitError struct {
	Code    int
	Message string
}

func (e *exitError) Error() string { return e.Message }

// usageError says that the command line cannot be right, whatever the database or
// a file holds (exit code 2).
func usageError(format string, arguments ...any) error {
	return &exitError{Code: 2, Message: fmt.Sprintf(format, arguments...)}
}

func main() {
	ctx, signals := catchSignals()
	os.Exit(run(&app{
		Context: ctx, Signals: signals, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Terminal: coloured(os.Stdout), Width: widthOf(os.Stdout), TerminalErr: coloured(os.Stderr),
		Person: isTerminal(os.Stdin),
	}, os.Args[1:]))
}

// run parses arguments, runs the command they name and returns the exit code:
// 0 done, 1 failed or found wanting, 2 wrong use.
func run(a *app, arguments []string) int {
	var line commandLine
	exited := -1
	parser, err := kong.New(&line,
		kong.Name("punctual"),
		kong.Description("Jobs at scheduled times, on one machine or many: a clock, workers, and a page that answers “did it run, and if not, why not?”."),
		kong.Writers(a.Stdout, a.Stderr),
		kong.Exit(func(code int) { exited = code; panic(errExited) }),
		kong.Bind(a, &line.settings),
		kong.ExplicitGroups(groups),
		kong.Help(printHelp),
	)
	if err != nil {
		fmt.Fprintf(a.Stderr, "punctual: %v\n", err)
		return 2
	}
	parser.Model.HelpFlag.Help = "Show this help."
	arguments = usual(arguments)
	command, err := parse(parser, arguments)
	if exited >= 0 {
		return exited
	}
	if err != nil {
		explainUse(a.Stderr, parser, arguments, err)
		return 2
	}
	if flag := emptyFlag(command); flag != "" {
		explainUse(a.Stderr, parser, arguments, fmt.Errorf("--%s is given with nothing in it; leave it out, or say which (a variable of a script may not be set)", flag))
		return 2
	}
	err = command.Run(a, &line.settings)
	if faulty, ok := errors.AsType[*config.Error](err); ok {
		a.printFaults(faulty.Faults)
		fmt.Fprintf(a.Stderr, "punctual: %s; nothing was %s.\n", faultsOf(faulty.Faults[0].File, len(faulty.Faults), faulty.More), cmp.Or(doneWithFile[command.Selected().Name], "done"))
		return 1
	}
	return a.exitCode(err, withoutPassword(line.Database))
}

// doneWithFile is what commands do with a schedule file without faults.
var doneWithFile = map[string]string{"start": "started", "simulate": "simulated"}

// usual are the arguments with what every other program understands put into the
// words of this one: help, and --version.
func usual(arguments []string) []string {
	if len(arguments) == 0 {
		return arguments
	}
	switch arguments[0] {
	case "help":
		return append(slices.Clone(arguments[1:]), "--help")
	case "--version":
		return []string{"version"}
	}
	return arguments
}

var errExited = errors.New("the parser ended the program")

// parse runs the parser, which prints help and ends by calling Exit; that is
// turned into an ordinary return so that tests can call run.
func parse(parser *kong.Kong, arguments []string) (command *kong.Context, err error) {
	defer func() {
		if r := recover(); r != nil {
			if r != any(errExited) {
				panic(r)
			}
			err = errExited
		}
	}()
	return parser.Parse(arguments)
}

// exitCode tells an error, and is what it ends the process with: 2 where the
// command line cannot be right whatever there is, 1 where it was understood and
// did not come about. where is the database's address, for what it says.
func (a *app) exitCode(err error, where string) int {
	if err == nil {
		return 0
	}
	code := 1
	if exit, ok := errors.AsType[*exitError](err); ok {
		code = exit.Code
	} else if errors.Is(err, database.ErrAddress) {
		code = 2
	}
	if message := err.Error(); message != "" {
		fmt.Fprintf(a.Stderr, "punctual: %s\n", message)
	}
	if advice := database.Advice(err); advice != "" {
		fmt.Fprintf(a.Stderr, "  the database is %s: %s\n", where, advice)
	}
	return code
}

// withoutPassword is the address of a database as it may be shown.
func withoutPassword(address string) string {
	if strings.HasPrefix(address, "sqlite:") {
		return address
	}
	if u, err := url.Parse(address); err == nil {
		return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
	}
	return "that of DATABASE_URL or --database"
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// widthOf is how many characters a line of a terminal takes; 0 where f is none.
func widthOf(f *os.File) int {
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// coloured says whether colour is welcome in what is written to f.
func coloured(f *os.File) bool {
	return isTerminal(f) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

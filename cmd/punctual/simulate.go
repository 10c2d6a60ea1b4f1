package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/schedule"
)

// simulateCommand shows what a schedule file will do. It needs no database.
type simulateCommand struct {
	File string `arg:"" optional:"" help:"The schedule file; that of --config by default. - reads standard input."`
	From string `placeholder:"INSTANT" help:"What is due after this instant, such as 2027-03-28T00:00:00Z. Default: now."`
	To   string `placeholder:"INSTANT" help:"And not after this one. Default: a year later."`
	TZ   string `name:"tz" placeholder:"ZONE" help:"The zone that --from, --to and the picture are read in; UTC by default."`
	List bool   `help:"List every occurrence, in the order in which they are due, instead of the summary."`
	SVG  string `name:"svg" placeholder:"PATH" help:"Write a picture too: jobs in each hour of each day. - writes it to standard output, alone."`
	JSON bool   `name:"json" help:"Print JSON; with --list a line each."`
}

// longestSimulation bounds one answer: ten years and their leap days.
const longestSimulation = 3653 * 24 * time.Hour

// Run prints the summary or the list, and writes the picture.
func (c *simulateCommand) Run(a *app, s *settings) error {
	if c.File != "" {
		s.Config = c.File
	}
	from, until, zone, err := c.stretch(a.now())
	if err != nil {
		return err
	}
	file, err := readFile(a, s)
	if err != nil {
		return err
	}
	if c.List {
		return c.list(a, file.Schedules, from, until)
	}
	forecast, err := schedule.NewForecast(a.Context, file.Schedules, from, until)
	if err != nil {
		return fmt.Errorf("simulate: %w", err)
	}
	if c.SVG == "-" {
		return drawForecast(a.Stdout, s.Config, forecast, zone)
	}
	if c.SVG != "" {
		if err := c.writePicture(s.Config, forecast, zone); err != nil {
			return err
		}
	}
	if c.JSON {
		return a.printJSON(forecast)
	}
	return a.writeForecast(s.Config, forecast, zone)
}

// stretch is what is simulated.
func (c *simulateCommand) stretch(now time.Time) (from, until time.Time, zone *time.Location, err error) {
	// A when in the zone is the way to a location of the embedded database.
	spec, err := calendar.When{Expressions: []string{"daily at 00:00"}, Zone: c.TZ}.Parse()
	if err != nil {
		return from, until, nil, usageError("simulate: --tz: %v", err)
	}
	from = now.Truncate(time.Second)
	if c.From != "" {
		if from, err = readInstant("simulate", "from", c.From, spec.Zone(), now); err != nil {
			return from, until, nil, err
		}
	}
	until = from.AddDate(1, 0, 0)
	if c.To != "" {
		if until, err = readInstant("simulate", "to", c.To, spec.Zone(), now); err != nil {
			return from, until, nil, err
		}
	}
	switch {
	case !from.Before(until):
		return from, until, nil, usageError("simulate: --to %s is not after --from %s", writeInstant(until), writeInstant(from))
	case until.Sub(from) > longestSimulation:
		return from, until, nil, usageError("simulate: from %s to %s is longer than ten years, which is the most", writeInstant(from), writeInstant(until))
	}
	return from, until, spec.Location(), nil
}

// list prints every occurrence on a line, until nobody reads any more.
func (c *simulateCommand) list(a *app, declared []schedule.Declaration, from, until time.Time) error {
	out := bufio.NewWriterSize(a.Stdout, 1<<16)
	encoder := json.NewEncoder(out)
	for d, n := range schedule.Occurrences(declared, from, until) {
		err := a.Context.Err()
		if c.JSON {
			err = errors.Join(err, encoder.Encode(struct {
				Occurrence string    `json:"occurrence"`
				Schedule   string    `json:"schedule"`
				Nominal    time.Time `json:"nominal"`
				Due        time.Time `json:"due"`
			}{schedule.OccurrenceName(d.Key, n.At), d.Key, n.At, n.Due}))
		} else {
			_, failed := fmt.Fprintf(out, "%s  %s\n", n.Due.UTC().Format("2006-01-02T15:04:05.000Z"), schedule.OccurrenceName(d.Key, n.At))
			err = errors.Join(err, failed)
		}
		if err != nil {
			return err
		}
	}
	return out.Flush()
}

func (c *simulateCommand) writePicture(name string, f *schedule.Forecast, zone *time.Location) (err error) {
	file, err := os.Create(c.SVG)
	if err != nil {
		return fmt.Errorf("simulate: writing the picture: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return drawForecast(file, name, f, zone)
}

const (
	shownHerds   = 5
	shownChanges = 12
	shownKeys    = 3
)

func (a *app) writeForecast(name string, f *schedule.Forecast, zone *time.Location) error {
	out := bufio.NewWriter(a.Stdout)
	fmt.Fprintf(out, "%s from %s to %s: %s of %s\n\n", name, local(f.From, zone), local(f.Until, zone),
		thousands(f.Occurrences)+" "+plural(f.Occurrences, "occurrence"), counted(len(f.Schedules), "schedule"))
	rows := newTable("SCHEDULE", "OCCURRENCES", "FIRST", "LAST", "LONGEST GAP", "WHEN")
	for _, s := range f.Schedules {
		gap := "–"
		if s.LongestGap > 0 {
			gap = inHowLong(time.Duration(s.LongestGap))
		}
		rows.row(cell{s.Key, bold}, cell{thousands(s.Occurrences), plain}, cell{instantOrNever(s.First), plain}, cell{instantOrNever(s.Last), plain}, cell{gap, plain}, cell{s.When, plain})
	}
	rows.write(out, a.Terminal)
	fmt.Fprintln(out)
	a.writeHerds(out, f.Herds)
	a.writeChanges(out, f.Changes)
	return out.Flush()
}

func instantOrNever(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return writeInstant(t)
}

func (a *app) writeHerds(out *bufio.Writer, herds []schedule.Herd) {
	if len(herds) == 0 {
		fmt.Fprintln(out, "No two jobs are due in the same second.")
		return
	}
	fmt.Fprintln(out, "Due in the same second (jitter spreads them):")
	for _, h := range herds[:min(len(herds), shownHerds)] {
		fmt.Fprintf(out, "  %s at %sZ, %s on %s: %s\n", a.paint(strconv.Itoa(h.Size)+" jobs", bold), h.At,
			"most on "+h.Most.Format(time.DateOnly)+", two or more", counted(h.Days, "day"), andMore(h.Schedules, shownKeys))
	}
	if more := len(herds) - shownHerds; more > 0 {
		fmt.Fprintf(out, "  and more at other times; --json has %d of them\n", len(herds))
	}
}

func (a *app) writeChanges(out *bufio.Writer, changes []schedule.ForecastChange) {
	if len(changes) == 0 {
		fmt.Fprintln(out, "No change of clocks moves, removes or repeats an occurrence.")
		return
	}
	fmt.Fprintln(out, "\nDaylight saving:")
	shown := 0
	for i := 0; i < len(changes); shown++ {
		if shown == shownChanges {
			fmt.Fprintf(out, "  and %d more; --json has them all\n", len(changes)-i)
			return
		}
		c, alike := changes[i], 1
		for i+alike < len(changes) && sameTransition(c, changes[i+alike]) {
			alike++
		}
		i += alike
		fmt.Fprintf(out, "  %s  %s %s: %s", writeInstant(c.Instant), c.Key, a.paint(string(c.Kind), yellow), c.Why)
		if alike > 1 {
			fmt.Fprintf(out, " (and %d more like it)", alike-1)
		}
		fmt.Fprintln(out)
	}
}

// sameTransition says that two changes are of one kind, schedule and day.
func sameTransition(a, b schedule.ForecastChange) bool {
	return a.Key == b.Key && a.Kind == b.Kind && a.Local.Date == b.Local.Date
}

// andMore names the first few of a list, and how many there are besides.
func andMore(names []string, few int) string {
	if len(names) <= few+1 {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:few], ", "), len(names)-few)
}

func plural(n int, noun string) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}

// thousands writes a number with commas.
func thousands(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/punctual-dev/punctual/config"
	"github.com/punctual-dev/punctual/schedule"
)

// checkCommand validates a schedule file, warns of hazards and shows what is
// due next. It needs no database.
type checkCommand struct {
	File string `arg:"" optional:"" help:"The schedule file; that of --config by default. - reads standard input."`
	JSON bool   `name:"json" help:"Print JSON."`
}

// shownNext is how many occurrences check shows.
const shownNext = 5

// checked is what there is to say about a file.
type checked struct {
	File     string            `json:"file"`
	OK       bool              `json:"ok"`
	Cut      bool              `json:"more_faults,omitempty"` // than are told
	Fine     int               `json:"fine"`                  // schedules without faults
	Faults   []config.Finding  `json:"faults"`
	Warnings []config.Warning  `json:"warnings"`
	Next     []nextOccurrence  `json:"next"`
	More     int               `json:"more,omitempty"`   // schedules that are due later
	Paused   map[string]string `json:"paused,omitempty"` // key → why
}

// nextOccurrence is the next occurrence of one schedule.
type nextOccurrence struct {
	Schedule string    `json:"schedule"`
	Nominal  time.Time `json:"nominal"`
	Due      time.Time `json:"due"`
	Local    string    `json:"local"`
	Runs     string    `json:"runs"` // the whole
	shown    string    // in one line
}

// Run prints faults, or warnings and the next occurrences. Faults end it with
// exit code 1.
func (c *checkCommand) Run(a *app, s *settings) error {
	if c.File != "" {
		s.Config = c.File
	}
	now := time.Now()
	result, err := checkFile(a, s, now)
	if err != nil {
		return err
	}
	if c.JSON {
		encoder := json.NewEncoder(a.Stdout)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		err = encoder.Encode(result)
	} else {
		err = result.write(a.Stdout, now, a.Terminal)
	}
	if err == nil && !result.OK {
		return &exitError{Code: 1}
	}
	return err
}

func checkFile(a *app, s *settings, now time.Time) (*checked, error) {
	file, err := readFile(a, s)
	result := &checked{File: s.Config, OK: err == nil, Faults: []config.Finding{}, Warnings: []config.Warning{}, Next: []nextOccurrence{}}
	if faulty, ok := errors.AsType[*config.Error](err); ok {
		result.Faults, result.Fine, result.Cut = faulty.Faults, faulty.Fine, faulty.More
		return result, nil
	}
	if err != nil {
		return nil, fmt.Errorf("check: %w", err)
	}
	result.Fine = len(file.Schedules)
	result.Warnings = append(result.Warnings, file.Warnings(now)...)
	result.Next, result.Paused = nextOf(file.Schedules, now)
	result.More = max(len(result.Next)-shownNext, 0)
	result.Next = result.Next[:len(result.Next)-result.More]
	return result, nil
}

// named is what a schedule file is called in messages.
func named(path string) string {
	if path == "-" {
		return "standard input"
	}
	return path
}

// readFile reads the schedule file, or for - standard input.
func readFile(a *app, s *settings) (*config.File, error) {
	if s.Config != "-" {
		return s.load(a)
	}
	s.Config = named(s.Config)
	data, err := io.ReadAll(a.Stdin)
	if err != nil {
		return nil, err
	}
	return config.Parse(s.Config, data, config.Options{Environment: s.Env})
}

// nextOf are the schedules that are due next, and those that are paused in
// this environment.
func nextOf(schedules []schedule.Declaration, now time.Time) ([]nextOccurrence, map[string]string) {
	next, paused := []nextOccurrence{}, map[string]string{}
	for _, s := range schedules {
		if s.Disabled != "" {
			paused[s.Key] = s.Disabled
			continue
		}
		timeline, err := schedule.NewTimeline([]schedule.Definition{{From: now, When: s.When, Jitter: s.Jitter, Seed: s.Key}})
		if err != nil {
			continue
		}
		if n, ok := timeline.Next(now); ok {
			local := n.Due.In(timeline.Spec().Location()).Format("Mon 2006-01-02 15:04:05 MST")
			next = append(next, nextOccurrence{Schedule: s.Key, Nominal: n.At, Due: n.Due, Local: local, Runs: s.Job.String(), shown: shownRun(s.Job)})
		}
	}
	slices.SortStableFunc(next, func(a, b nextOccurrence) int { return a.Due.Compare(b.Due) })
	return next, paused
}

func (r *checked) write(w io.Writer, now time.Time, terminal bool) error {
	out := bufio.NewWriter(w)
	for _, finding := range slices.Concat(r.Faults, r.Warnings) {
		fmt.Fprintf(out, "%s\n\n", finding.Render(terminal))
	}
	if !r.OK {
		switch {
		case r.Cut:
			fmt.Fprintf(out, "%s: more than %s; the rest is told when these are mended.\n", r.File, counted(len(r.Faults), "fault"))
		case r.Fine > 0:
			fmt.Fprintf(out, "%s: %s; %s without any.\n", r.File, counted(len(r.Faults), "fault"), counted(r.Fine, "schedule"))
		default:
			fmt.Fprintf(out, "%s: %s.\n", r.File, counted(len(r.Faults), "fault"))
		}
		return out.Flush()
	}
	fmt.Fprintf(out, "%s: %s, no faults", r.File, counted(r.Fine, "schedule"))
	if n := len(r.Warnings); n > 0 {
		fmt.Fprintf(out, ", %s", counted(n, "warning"))
	}
	fmt.Fprintln(out, ".")
	if len(r.Next) > 0 {
		fmt.Fprintln(out)
		table := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
		fmt.Fprintln(table, "NEXT\tDUE\tIN\tRUNS")
		for _, n := range r.Next {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", n.Schedule, n.Local, inHowLong(n.Due.Sub(now)), n.shown)
		}
		if err := table.Flush(); err != nil {
			return err
		}
		if r.More > 0 {
			fmt.Fprintf(out, "… and %s later; punctual simulate shows all.\n", counted(r.More, "schedule"))
		}
	}
	if len(r.Paused) > 0 {
		fmt.Fprintln(out)
		for _, key := range slices.Sorted(maps.Keys(r.Paused)) {
			fmt.Fprintf(out, "%s is paused here: %s.\n", key, r.Paused[key])
		}
	}
	return out.Flush()
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// oneLine is the beginning of a command that may have many lines.
func oneLine(text string) string {
	const enough = 60
	return shortened(inOneLine(text), enough)
}

// inOneLine is the whole of a text that may have many lines.
func inOneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

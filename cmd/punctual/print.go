package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

// printJSON writes a value for scripts. Instants in it are RFC 3339, in UTC.
func (a *app) printJSON(value any) error {
	encoder := json.NewEncoder(a.Stdout)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}

// colour is an ANSI colour; it shows on terminals only.
type colour string

const (
	plain  colour = ""
	bold   colour = "1"
	faint  colour = "2"
	red    colour = "31"
	green  colour = "32"
	yellow colour = "33"
)

func painted(text string, c colour, terminal bool) string {
	if !terminal || c == plain || text == "" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

func (a *app) paint(text string, c colour) string { return painted(text, c, a.Terminal) }

// cell is a field of a table.
type cell struct {
	text   string
	colour colour
}

// table is rows of equal length, the first of them the heads. It is aligned by
// what is seen, which colour codes are not.
type table [][]cell

func newTable(heads ...string) table {
	row := make([]cell, len(heads))
	for i, head := range heads {
		row[i] = cell{head, faint}
	}
	return table{row}
}

func (t *table) row(cells ...cell) { *t = append(*t, cells) }

// fit cuts what stands in the last column to the width of a terminal that the others
// leave, but not so short that it tells nothing. Where there is no terminal (0) all is
// kept: who reads it there may look for a word in it.
func (t table) fit(width int) {
	const least = 60
	if width == 0 {
		return
	}
	last := len(t[0]) - 1
	for _, taken := range t.widths()[:last] {
		width -= taken + len("  ")
	}
	for _, row := range t {
		if left := max(width, least); utf8.RuneCountInString(row[last].text) > left {
			row[last].text = shortened(row[last].text, left-1)
		}
	}
}

// widths are those of the columns.
func (t table) widths() []int {
	widths := make([]int, len(t[0]))
	for _, row := range t {
		for i, c := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(c.text))
		}
	}
	return widths
}

func (t table) write(w io.Writer, terminal bool) {
	widths := t.widths()
	for _, row := range t {
		var line strings.Builder
		for i, c := range row {
			line.WriteString(painted(c.text, c.colour, terminal))
			if i < len(row)-1 {
				line.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c.text)+2))
			}
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
}

// local writes an instant as a clock on the wall of its zone shows it, and in
// UTC beside it, in whole seconds.
func local(t time.Time, zone *time.Location) string { return localAnd(t, zone, "") }

// localNominal is local with the milliseconds that a nominal may have.
func localNominal(t time.Time, zone *time.Location) string {
	fraction := ""
	if ms := t.Nanosecond() / int(time.Millisecond); ms != 0 {
		fraction = fmt.Sprintf(".%03d", ms)
	}
	return localAnd(t, zone, fraction)
}

func localAnd(t time.Time, zone *time.Location, fraction string) string {
	if t.IsZero() {
		return "–"
	}
	here, utc := t.In(zone), t.UTC()
	text := here.Format("Mon 2006-01-02 15:04:05") + fraction + here.Format(" MST")
	switch {
	case zone.String() == "UTC":
		return text
	case here.Format(time.DateOnly) == utc.Format(time.DateOnly):
		return text + " (" + utc.Format("15:04:05") + fraction + "Z)"
	}
	return text + " (" + utc.Format("2006-01-02T15:04:05") + fraction + "Z)"
}

// relative writes how far an instant lies from now.
func relative(t, now time.Time) string {
	switch d := t.Sub(now); {
	case t.IsZero():
		return "–"
	case d < 0 && d > -time.Second:
		return "now"
	case d < 0:
		return inHowLong(-d) + " ago"
	case d < time.Second:
		return "now"
	default:
		return "in " + inHowLong(d)
	}
}

// zoneOf is the zone of a schedule's when; UTC where it cannot be read.
func zoneOf(s *schedule.Schedule) *time.Location {
	if s == nil {
		return time.UTC
	}
	if spec := s.Timeline.Spec(); spec != nil {
		return spec.Location()
	}
	return time.UTC
}

// zones are those of all schedules, by key.
type zones map[string]*time.Location

// zonesOfAll reads them. Times are beside the point where they cannot be read:
// then all are shown in UTC.
func zonesOfAll(a *app, st *store.Store) zones {
	overviews, err := st.Overviews(a.Context, "")
	if err != nil {
		return nil
	}
	return zonesOf(overviews)
}

func zonesOf(overviews []store.Overview) zones {
	all := zones{}
	for _, o := range overviews {
		all[o.Key] = zoneOf(o.Schedule)
	}
	return all
}

// of is the zone of a schedule, or of one of its runs; of one that is not there
// any more, and of what concerns several, it is the shared one.
func (z zones) of(name string) *time.Location {
	if end := strings.IndexAny(name, "@!"); end > 0 {
		name = name[:end]
	}
	if zone, there := z[name]; there {
		return zone
	}
	return z.shared()
}

// shared is the zone that all of them are in; UTC where they differ.
func (z zones) shared() *time.Location {
	shared := (*time.Location)(nil)
	for _, zone := range z {
		if shared != nil && zone.String() != shared.String() {
			return time.UTC
		}
		shared = zone
	}
	return cmp.Or(shared, time.UTC)
}

// instantAllowed is what readInstant reads, in words.
const instantAllowed = "now, an instant such as 2027-01-01T09:00:00Z, or a local date and time such as 2027-01-01T09:00 or 2027-01-01"

// readInstant reads the instant of a flag. What has no offset is read in a
// zone; a date alone is its local midnight.
func readInstant(command, flag, text, zone string, now time.Time) (time.Time, error) {
	if text == "now" {
		return now, nil
	}
	at, err := calendar.ParseInstant(text, zone)
	if err == nil {
		return at, nil
	}
	if fault, ok := errors.AsType[*calendar.Error](err); ok && fault.Field == "instant" {
		return time.Time{}, usageError("%s: --%s %q %s; allowed: %s", command, flag, text, fault.Problem, instantAllowed)
	}
	return time.Time{}, usageError("%s: --%s %q is not understood; allowed: %s", command, flag, text, instantAllowed)
}

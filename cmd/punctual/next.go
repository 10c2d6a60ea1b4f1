package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/schedule"
)

// nextCommand shows the next instants of a when, and what transitions of the
// zone's clocks do to them.
type nextCommand struct {
	When      []string `arg:"" optional:"" help:"What to look at: an interval, phrase, cron expression or once, quoted; several are merged."`
	Count     int      `short:"n" default:"10" help:"How many instants to show, 1 to 100000."`
	From      string   `placeholder:"INSTANT" help:"Show instants after this one, such as 2027-03-28T00:00:00Z, or a local date and time, or now, the default."`
	TZ        string   `name:"tz" placeholder:"ZONE" help:"IANA zone, such as Europe/Berlin. Default: that of a TZ= prefix, else UTC."`
	NotBefore string   `placeholder:"INSTANT" help:"No instant before this one."`
	NotAfter  string   `placeholder:"INSTANT" help:"No instant after this one; a date holds until it ends."`
	Except    []string `placeholder:"DATE" help:"Leave out a local date, such as 2026-12-25; may be repeated."`
	JSON      bool     `name:"json" help:"Print JSON."`
	Batch     bool     `help:"Read JSON Lines {\"expr\",\"tz\",\"from\",\"count\"[,\"anchor\"]} from standard input; answer one line each."`
}

// mostInstants bounds one answer, so that no question can hang the program.
const mostInstants = 100_000

// Run answers on standard output.
func (c *nextCommand) Run(a *app) error {
	if c.Batch {
		if len(c.When) > 0 {
			return usageError("next: --batch reads whens from standard input; leave out %q", c.When[0])
		}
		failed, err := nextBatch(a.Stdin, a.Stdout)
		if err == nil && failed > 0 {
			return &exitError{Code: 1, Message: fmt.Sprintf("next --batch: %s could not be answered; the error stands in its answer", counted(failed, "line"))}
		}
		return err
	}
	if len(c.When) == 0 {
		return usageError("next: say when, for example: punctual next 'weekdays at 09:00' --tz Europe/Paris")
	}
	if c.Count < 1 || c.Count > mostInstants {
		return usageError("next: --count %d is out of range; allowed: 1 to %d", c.Count, mostInstants)
	}
	spec, err := c.spec()
	if err != nil {
		return err
	}
	from, howLong := a.now(), "IN"
	if c.From != "" && c.From != "now" {
		howLong = "AFTER"
		if from, err = calendar.ParseInstant(c.From, spec.Zone()); err != nil {
			return usageError("next: --from: %v", err)
		}
	}
	preview := newPreview(spec, from, c.Count)
	if c.JSON {
		return preview.writeJSON(a.Stdout)
	}
	return preview.writeTable(a.Stdout, from, howLong, a.Terminal)
}

// spec parses the when with what the flags say.
func (c *nextCommand) spec() (*calendar.Spec, error) {
	when := calendar.When{Expressions: c.When, Zone: c.TZ}
	spec, err := when.Parse()
	if err != nil && len(c.When) > 1 && !slices.ContainsFunc(c.When, func(s string) bool { return strings.Contains(s, " ") }) {
		// Words without quotes around them: punctual next daily at 09:00
		when.Expressions = []string{strings.Join(c.When, " ")}
		spec, err = when.Parse()
	}
	if err != nil {
		return nil, c.explained(err)
	}
	for _, bound := range []struct {
		flag, text string
		parse      func(text, zone string) (time.Time, error)
		to         *time.Time
	}{
		{"not-before", c.NotBefore, calendar.ParseInstant, &when.NotBefore},
		{"not-after", c.NotAfter, calendar.ParseEnd, &when.NotAfter},
	} {
		if bound.text == "" {
			continue
		}
		if *bound.to, err = bound.parse(bound.text, spec.Zone()); err != nil {
			return nil, usageError("next: --%s: %v", bound.flag, err)
		}
	}
	for _, text := range c.Except {
		date, err := calendar.ParseDate(text)
		if err != nil {
			return nil, usageError("next: --except: %v", err)
		}
		when.Except = append(when.Except, date)
	}
	if spec, err = when.Parse(); err != nil {
		return nil, c.explained(err)
	}
	return spec, nil
}

// unquoted says that words begin as a cron expression does, and the shell has made
// file names of some.
func (c *nextCommand) unquoted() bool {
	return len(c.When) >= 5 && cronField.MatchString(c.When[0]) && slices.ContainsFunc(c.When, func(word string) bool {
		_, err := os.Stat(word)
		return err == nil
	})
}

var cronField = regexp.MustCompile(`^[0-9*][0-9*/,-]*$`)

// explained shows where in the expression the fault is. The expression stands on
// the command line, so a faulty one is wrong use.
func (c *nextCommand) explained(err error) error {
	fault, ok := errors.AsType[*calendar.Error](err)
	switch {
	case c.unquoted():
		return usageError("next: a cron expression goes in quotes, as in punctual next '0 9 * * *': without, the shell puts the names of files in the place of *")
	case ok && fault.Field == "zone" && c.TZ != "":
		return usageError("next: --tz: %v", err)
	case !ok || fault.Expression == "" || len(fault.Expression) > 100 || fault.Text == "":
		return usageError("next: %v", err)
	}
	after := ""
	if fault.Text == fault.Expression && schedule.ValidKey(fault.Text) && !strings.Contains(fault.Allowed, "did you mean") {
		after = fmt.Sprintf("\n  punctual schedules show %s   tells the next instants of a schedule of that name", fault.Expression)
	}
	return usageError("next: %v\n  %s\n  %s%s%s", err, fault.Expression, strings.Repeat(" ", utf8.RuneCountInString(fault.Expression[:fault.Offset])), strings.Repeat("^", utf8.RuneCountInString(fault.Text)), after)
}

// preview is what a person wants to know about a when.
type preview struct {
	Expressions []string       `json:"expressions"`
	Zone        string         `json:"zone"`
	Description string         `json:"description"`
	TZData      string         `json:"tzdata"`
	Advice      []string       `json:"advice,omitempty"`
	Next        []previewEntry `json:"next"`
	Ends        bool           `json:"ends"` // there are no more than these

	notes []previewNote // what is not among Next, in order of time
}

type previewEntry struct {
	UTC     string           `json:"utc"`
	Local   string           `json:"local"`
	Changes []calendarChange `json:"changes,omitempty"`
	at      time.Time
}

// calendarChange is a calendar.Change as JSON.
type calendarChange struct {
	Kind  calendar.ChangeKind `json:"kind"`
	Local calendar.LocalTime  `json:"local"`
	Why   string              `json:"why"`
}

type previewNote struct {
	at   time.Time
	text string
}

func newPreview(spec *calendar.Spec, from time.Time, count int) *preview {
	p := &preview{
		Expressions: spec.Expressions(), Zone: spec.Zone(), Description: spec.Describe(),
		TZData: calendar.TZDataVersion(), Advice: spec.Advice(), Next: []previewEntry{},
	}
	at := from
	for range count {
		nominal, ok := spec.Next(at)
		if !ok {
			p.Ends = true
			break
		}
		at = nominal
		p.Next = append(p.Next, previewEntry{UTC: writeInstant(nominal), Local: writeInstant(nominal.In(spec.Location())), at: nominal})
	}
	if len(p.Next) > 0 {
		p.mark(spec.Changes(from, at, 10*count+1000))
	}
	return p
}

// mark sorts changes to the entries they concern, or among the notes.
func (p *preview) mark(changes []calendar.Change) {
	for _, change := range changes {
		i, found := slices.BinarySearchFunc(p.Next, change.Instant, func(e previewEntry, t time.Time) int { return e.at.Compare(t) })
		if found && change.Kind != calendar.Removed {
			p.Next[i].Changes = append(p.Next[i].Changes, calendarChange{Kind: change.Kind, Local: change.Reading, Why: change.Why})
			continue
		}
		p.notes = append(p.notes, previewNote{at: change.Instant, text: change.Why})
	}
}

func (p *preview) writeJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(p)
}

// writeTable writes one line an instant: local time, UTC, how long after from
// it is, and what a transition did to it. Colour only marks the latter.
func (p *preview) writeTable(w io.Writer, from time.Time, howLong string, terminal bool) error {
	out := bufio.NewWriter(w)
	for _, expression := range p.Expressions {
		fmt.Fprintln(out, expression)
	}
	fmt.Fprintf(out, "%s (tzdata %s)\n\n", p.Description, p.TZData)
	table := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintf(table, "LOCAL\tUTC\t%s\t\n", howLong)
	notes := p.notes
	for _, entry := range p.Next {
		for len(notes) > 0 && !notes[0].at.After(entry.at) {
			notes = writeNotes(table, notes, terminal)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", writeLocal(entry), entry.UTC, inHowLong(entry.at.Sub(from)), entry.remark(terminal))
	}
	_ = table.Flush()
	if p.Ends {
		fmt.Fprintln(out, "There are no more.")
	}
	for _, advice := range p.Advice {
		fmt.Fprintf(out, "\nNote: %s\n", advice)
	}
	return out.Flush()
}

// writeNotes writes the notes of one transition, at most three lines, and
// returns the others.
func writeNotes(w io.Writer, notes []previewNote, terminal bool) []previewNote {
	n := 0
	for n < len(notes) && notes[n].at.Equal(notes[0].at) {
		n++
	}
	shown := n
	if n > 3 {
		shown = 2
	}
	for _, note := range notes[:shown] {
		fmt.Fprintf(w, "\t\t\t%s\n", highlighted("– "+note.text, terminal))
	}
	if n > shown {
		fmt.Fprintf(w, "\t\t\t%s\n", highlighted(fmt.Sprintf("– and %d more local times like it", n-shown), terminal))
	}
	return notes[n:]
}

// remark says what transitions did to the entry.
func (e previewEntry) remark(terminal bool) string {
	if len(e.Changes) == 0 {
		return ""
	}
	text := string(e.Changes[0].Kind) + ": " + e.Changes[0].Why
	if more := len(e.Changes) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more)", more)
	}
	return highlighted(text, terminal)
}

func highlighted(text string, terminal bool) string {
	if !terminal {
		return text
	}
	return "\x1b[33m" + text + "\x1b[0m"
}

// writeLocal writes the local time with its weekday and offset.
func writeLocal(e previewEntry) string {
	return weekday(e) + " " + strings.Replace(e.Local, "T", " ", 1)
}

func weekday(e previewEntry) string {
	date, err := calendar.ParseDate(e.Local[:10])
	if err != nil {
		return "   "
	}
	return date.Weekday().String()[:3]
}

// inHowLong writes a duration with its two largest units.
func inHowLong(d time.Duration) string {
	if d == math.MaxInt64 {
		return "over 292y"
	}
	units := []struct {
		name   string
		length time.Duration
	}{{"y", 365 * 24 * time.Hour}, {"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}}
	for i, unit := range units {
		if d < unit.length {
			continue
		}
		text := strconv.Itoa(int(d/unit.length)) + unit.name
		if i+1 < len(units) {
			if rest := d % unit.length / units[i+1].length; rest > 0 {
				text += " " + strconv.Itoa(int(rest)) + units[i+1].name
			}
		}
		return text
	}
	return "now"
}

// question is one line that --batch reads.
type question struct {
	Expression string  `json:"expr"`
	Zone       string  `json:"tz"`
	From       string  `json:"from"`
	Count      *int    `json:"count"`
	Anchor     *string `json:"anchor"`
}

const (
	longestQuestion = 1 << 20 // bytes; longer lines are answered with an error
	defaultCount    = 10
)

// nextBatch answers each line of JSON with one line of JSON, in order. What it
// has answered is written before it waits for more, so that a program may ask
// and wait for the answer.
func nextBatch(in io.Reader, out io.Writer) (failed int, err error) {
	reader := bufio.NewReaderSize(in, 1<<16)
	writer := bufio.NewWriterSize(out, 1<<16)
	var answer []byte
	for {
		line, err := readQuestion(reader)
		if err != nil && (len(line) == 0 || !errors.Is(err, io.EOF)) {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return failed, errors.Join(err, writer.Flush())
		}
		var ok bool
		if answer, ok = appendAnswer(answer[:0], line); !ok {
			failed++
		}
		if _, err := writer.Write(append(answer, '\n')); err != nil {
			return failed, err
		}
		if reader.Buffered() == 0 {
			if err := writer.Flush(); err != nil {
				return failed, err
			}
		}
	}
}

// readQuestion reads a line with its end. Of one that is too long it keeps
// the beginning only, which is no JSON.
func readQuestion(reader *bufio.Reader) (line []byte, err error) {
	for {
		part, err := reader.ReadSlice('\n')
		if line == nil && err == nil {
			return part, nil
		}
		if len(line) <= longestQuestion {
			line = append(line, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

// appendAnswer answers one line, whatever is in it; ok says that it could be.
func appendAnswer(answer, line []byte) (answered []byte, ok bool) {
	defer func() {
		if fault := recover(); fault != nil {
			answered, ok = appendError(answer, fmt.Errorf("internal fault: %v", fault)), false
		}
	}()
	instants, location, err := answerTo(line)
	if err != nil {
		return appendError(answer, err), false
	}
	answered = append(answer, `{"next":[`...)
	for i, t := range instants {
		if i > 0 {
			answered = append(answered, ',')
		}
		answered = append(answered, '"')
		answered = appendInstant(answered, t.In(location))
		answered = append(answered, '"')
	}
	return append(answered, `]}`...), true
}

func appendError(answer []byte, err error) []byte {
	text, _ := json.Marshal(err.Error())
	answer = append(answer, `{"error":`...)
	return append(append(answer, text...), '}')
}

func answerTo(line []byte) ([]time.Time, *time.Location, error) {
	if len(line) > longestQuestion {
		return nil, nil, fmt.Errorf("the line is longer than %d bytes", longestQuestion)
	}
	var q question
	if err := q.read(line); err != nil {
		return nil, nil, err
	}
	spec, err := calendar.When{Expressions: []string{q.Expression}, Zone: q.Zone}.Parse()
	if err == nil && q.Anchor != nil && *q.Anchor != "" {
		spec, err = anchored(spec, *q.Anchor)
	}
	if err != nil {
		return nil, nil, err
	}
	from := time.Now()
	if q.From != "" {
		if from, err = calendar.ParseInstant(q.From, spec.Zone()); err != nil {
			return nil, nil, fmt.Errorf("from: %w", err)
		}
	}
	count := defaultCount
	if q.Count != nil {
		count = *q.Count
	}
	if count < 0 || count > mostInstants {
		return nil, nil, fmt.Errorf("count %d is out of range; allowed: 0 to %d", count, mostInstants)
	}
	return instantsAfter(spec, from, count), spec.Location(), nil
}

// read reads a line, and says what is wrong with it in words of its own.
func (q *question) read(line []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(q)
	if err == nil {
		if _, more := decoder.Token(); more != io.EOF {
			return errors.New("the line has more than one JSON object; each belongs on a line of its own")
		}
		return nil
	}
	if fault, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if fault.Field == "" {
			return fmt.Errorf("the line is a JSON %s; an object belongs there, such as %s", fault.Value, exampleQuestion)
		}
		return fmt.Errorf("the line's %s is a JSON %s; %s", fault.Field, fault.Value, questionKeys[fault.Field])
	}
	if key, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return fmt.Errorf("the line has the key %s; known are expr, tz, from, count and anchor", key)
	}
	return fmt.Errorf("the line is no JSON; an object belongs there, such as %s", exampleQuestion)
}

const exampleQuestion = `{"expr":"daily at 09:00","tz":"Europe/Paris","count":3}`

// questionKeys are what belongs into the keys of a line.
var questionKeys = map[string]string{
	"expr": "a text belongs there", "tz": "a text belongs there", "from": "a text belongs there",
	"count": "a whole number belongs there", "anchor": "a text belongs there",
}

func instantsAfter(spec *calendar.Spec, from time.Time, count int) []time.Time {
	instants := make([]time.Time, 0, min(count, 100))
	for len(instants) < count {
		t, ok := spec.Next(from)
		if !ok {
			break
		}
		instants = append(instants, t)
		from = t
	}
	return instants
}

// anchored gives an interval, or every so many weeks, its from. Other whens
// have no phase and stay as they are.
func anchored(spec *calendar.Spec, anchor string) (*calendar.Spec, error) {
	expression := spec.Expressions()[0]
	if !strings.HasPrefix(expression, "every ") {
		return spec, nil
	}
	if strings.Contains(expression, " from ") {
		return nil, fmt.Errorf("anchor %q: the expression has a from of its own", anchor)
	}
	at, err := calendar.ParseInstant(anchor, spec.Zone())
	if err != nil {
		return nil, fmt.Errorf("anchor: %w", err)
	}
	from := writeInstant(at)
	if strings.Contains(expression, " on ") {
		from = at.In(spec.Location()).Format(time.DateOnly)
	}
	return calendar.When{Expressions: []string{expression + " from " + from}, Zone: spec.Zone()}.Parse()
}

func writeInstant(t time.Time) string { return string(appendInstant(nil, t)) }

// appendInstant writes RFC 3339, with a fraction where there is one. Where the
// offset has seconds, as before there were zones, RFC 3339 cannot write it:
// then in UTC.
func appendInstant(b []byte, t time.Time) []byte {
	if _, offset := t.Zone(); offset%60 != 0 {
		t = t.UTC()
	}
	return t.AppendFormat(b, "2006-01-02T15:04:05.999Z07:00")
}

package calendar

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Parse reads one expression, in the zone of its TZ= prefix, else UTC.
func Parse(expression string) (*Spec, error) {
	return When{Expressions: []string{expression}}.Parse()
}

// Parse reads a when. A when that can never occur is an error. Every error is
// an [*Error].
func (w When) Parse() (*Spec, error) {
	if len(w.Expressions) == 0 {
		return nil, &Error{Field: "when", Problem: "is empty", Allowed: "an interval, a phrase, a cron expression or a once"}
	}
	zone, prefixed, err := w.zone()
	if err != nil {
		return nil, err
	}
	for _, d := range w.Except {
		if dateOf(d.number()) != d || d.Year < 1 || d.Year > 9999 {
			return nil, &Error{Field: "except", Text: d.String(), Problem: "is not a date", Allowed: "days that exist, such as 2026-12-25"}
		}
	}
	s := &Spec{zone: zone, prefixed: prefixed, except: dayNumbers(w.Except), first: firstInstant, last: lastInstant}
	if err := s.bound(w.NotBefore, w.NotAfter); err != nil {
		return nil, err
	}
	s.rules = make([]rule, len(w.Expressions))
	for i, expression := range w.Expressions {
		if s.rules[i], err = parseRule(expression, exceptions{zone: zone, days: s.except}); err != nil {
			return nil, withMeant(err, expression)
		}
	}
	if err := s.mustOccur(); err != nil {
		return nil, err
	}
	s.forget(w.AfterLocal)
	s.findCommonCase()
	return s, nil
}

// zone finds the zone that the when names, in its own field or else in
// prefixes.
func (w When) zone() (z *zone, prefixed bool, err error) {
	name, from := w.Zone, "the zone given"
	for _, expression := range w.Expressions {
		prefix, _, offset := cutZone(expression)
		if prefix == "" && offset > 0 {
			return nil, false, &Error{Expression: expression, Field: "zone", Problem: "is empty", Allowed: "an IANA name after TZ=, such as TZ=Europe/Berlin"}
		}
		if prefix == "" {
			continue
		}
		if name == "" {
			name, from, prefixed = prefix, "the prefix of another expression", true
		}
		if prefix != name {
			return nil, false, &Error{
				Expression: expression, Field: "zone", Text: prefix, Offset: strings.Index(expression, prefix),
				Problem: fmt.Sprintf("does not agree with %s, %q", from, shortened(name)), Allowed: "one zone",
			}
		}
	}
	z, err = loadZone(name)
	return z, prefixed, err
}

// cutZone parts an expression into the zone of its TZ= or CRON_TZ= prefix and
// the rest, which begins at offset.
func cutZone(expression string) (zone, rest string, offset int) {
	start := 0
	for start < len(expression) && isSpace(expression[start]) {
		start++
	}
	for _, prefix := range [...]string{"TZ=", "CRON_TZ="} {
		if strings.HasPrefix(expression[start:], prefix) {
			name := expression[start+len(prefix):]
			end := 0
			for end < len(name) && !isSpace(name[end]) {
				end++
			}
			return name[:end], name[end:], start + len(prefix) + end
		}
	}
	return "", expression, 0
}

// bound narrows the spec to its bounds. Nominals lie on milliseconds.
func (s *Spec) bound(notBefore, notAfter time.Time) error {
	if !notBefore.IsZero() {
		s.first = milliseconds(notBefore)
		if notBefore.Nanosecond()%1_000_000 != 0 {
			s.first++
		}
		s.first = max(s.first, firstInstant)
	}
	if !notAfter.IsZero() {
		s.last = min(milliseconds(notAfter), lastInstant)
	}
	if s.first > s.last {
		return &Error{Field: "not_after", Text: notAfter.Format(time.RFC3339), Problem: "is before not_before, " + notBefore.Format(time.RFC3339), Allowed: "an instant at or after not_before"}
	}
	return nil
}

// mustOccur refuses a spec that is never due. That single dates exist was
// seen when its rules were parsed, so only bounds and exceptions can empty it.
func (s *Spec) mustOccur() error {
	if len(s.except) == 0 && s.first == firstInstant && s.last == lastInstant {
		return nil
	}
	if _, ok := s.next(s.first); ok {
		return nil
	}
	return &Error{Field: "when", Text: s.String(), Problem: "never occurs within its bounds and exceptions", Allowed: "bounds and exceptions that leave an instant"}
}

// forget makes local times up to and including l no nominals.
func (s *Spec) forget(l LocalTime) {
	if l.IsZero() {
		return
	}
	for _, r := range s.rules {
		if r, ok := r.(*readings); ok {
			r.floor = l.reading()
		}
	}
}

// findCommonCase notes that there is one rule on whole seconds.
func (s *Spec) findCommonCase() {
	s.firstSecond, s.lastSecond = floorDiv(s.first+999, 1000), floorDiv(s.last, 1000)
	if len(s.rules) > 1 {
		return
	}
	switch r := s.rules[0].(type) {
	case *readings:
		s.readings = r
	case *interval:
		whole := r.period%second == 0 && r.anchor%second == 0
		if whole && len(r.days) == 0 && 1 < r.period/second && r.period/second <= longestElapsed {
			s.elapsed = newElapsed(r)
		}
	}
}

// longest is the number of bytes an expression may have; the longest that
// makes sense, a phrase with each minute of a day, has 9 kB.
const longest = 10_000

// parser reads one expression. The text is in lower case, which has the same
// length: offsets hold for both.
type parser struct {
	original, text string
	exceptions     exceptions
}

// parseRule reads one expression. Its zone prefix has been seen to.
func parseRule(expression string, except exceptions) (rule, error) {
	p := &parser{original: expression, exceptions: except}
	if len(expression) > longest {
		return nil, p.fail("expression", 0, len(expression), "is too long", fmt.Sprintf("at most %d bytes", longest))
	}
	end := len(strings.TrimRight(expression, " \t\r\n"))
	for i := range end {
		if c := expression[i]; c > '~' || c < ' ' && c != '\t' {
			problem := "has a character that is not plain ASCII"
			switch character := firstCharacter(expression[i:]); {
			case unicode.Is(unicode.Zs, character):
				problem = "is a space that is not plain; type one in its place"
			case unicode.Is(unicode.Cf, character):
				problem = "is a character that nobody sees; delete it"
			}
			if strings.ContainsRune("“”„‟‘’‚‛«»‹›", firstCharacter(expression[i:])) {
				problem = "has typographic quotes; use plain ones"
			}
			if c < ' ' {
				problem = "has a control character, such as the end of a line"
			}
			return nil, p.fail("expression", i, i+characterLength(expression[i:]), problem, "letters, digits, spaces and * ? , - / # : @ =")
		}
	}
	_, _, offset := cutZone(expression)
	p.text = strings.ToLower(expression[:end])
	words := p.scan(offset)
	first, ok := words.next()
	if !ok {
		return nil, p.fail("expression", 0, 0, "is empty", "an interval, a phrase, a cron expression or a once")
	}
	if read := phrases[first.text]; read != nil {
		return read(p, words)
	}
	if first.text[0] == '@' {
		return p.macro(first, words)
	}
	return p.cron(offset)
}

// phrases are the readers of what begins with a word.
var phrases map[string]func(*parser, *words) (rule, error)

func init() { // not a literal: the readers refer to it through parseRule
	phrases = map[string]func(*parser, *words) (rule, error){
		"every":    (*parser).every,
		"hourly":   (*parser).hourly,
		"daily":    (*parser).daily,
		"weekdays": (*parser).everyWeekday,
		"weekly":   (*parser).weekly,
		"monthly":  (*parser).monthly,
		"once":     (*parser).once,
	}
}

// fail makes the error about the text from start to end.
func (p *parser) fail(field string, start, end int, problem, allowed string) *Error {
	return &Error{Expression: p.original, Field: field, Text: p.original[start:end], Offset: start, Problem: problem, Allowed: allowed}
}

func (p *parser) failWord(field string, w word, problem, allowed string) *Error {
	return p.fail(field, w.start, w.end, problem, allowed)
}

// words reads an expression word by word; a comma is a word of its own.
type words struct {
	text string
	at   int
}

type word struct {
	text       string
	start, end int
}

func (p *parser) scan(offset int) *words { return &words{text: p.text, at: offset} }

// peek returns the next word, false and an empty word at the end.
func (w *words) peek() (word, bool) {
	start := w.at
	for start < len(w.text) && isSpace(w.text[start]) {
		start++
	}
	end := start
	for end < len(w.text) && !isSpace(w.text[end]) && w.text[end] != ',' {
		end++
	}
	if end == start && end < len(w.text) { // a comma
		end++
	}
	return word{text: w.text[start:end], start: start, end: end}, end > start
}

func (w *words) next() (word, bool) {
	next, ok := w.peek()
	w.at = next.end
	return next, ok
}

// accept takes the next word if it is the one wanted.
func (w *words) accept(wanted string) bool {
	next, ok := w.peek()
	if !ok || next.text != wanted {
		return false
	}
	w.at = next.end
	return true
}

// rest returns all that is left, as one word.
func (w *words) rest() word {
	start := w.at
	for start < len(w.text) && isSpace(w.text[start]) {
		start++
	}
	w.at = len(w.text)
	return word{text: w.text[start:], start: start, end: len(w.text)}
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// number reads one to limit plain digits: no sign, no decimals.
func number(text string, limit int) (int, bool) {
	if len(text) == 0 || len(text) > limit {
		return 0, false
	}
	n := 0
	for i := range len(text) {
		if !isDigit(text[i]) {
			return 0, false
		}
		n = n*10 + int(text[i]-'0')
	}
	return n, true
}

func firstCharacter(text string) rune {
	c, _ := utf8.DecodeRuneInString(text)
	return c
}

func characterLength(text string) int {
	for i := range text {
		if i > 0 {
			return i
		}
	}
	return len(text)
}

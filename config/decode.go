package config

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"github.com/punctual-dev/punctual/calendar"
	"github.com/punctual-dev/punctual/schedule"
)

// decoder fills Go values from nodes and tells what does not fit.
type decoder struct {
	*findings           // the faults
	hazards   *findings // what is allowed, but may not be what was meant
	// wrong holds the nodes about which a fault has been told, so that what
	// follows from it is not told as another.
	wrong map[*node]bool
	// meant holds the keys that were probably meant by unknown ones.
	meant map[*node]map[string]bool
	again []*entry // schedules under a key that stands above, too
	steps int
}

// decodes is a type that fills itself, since YAML has several forms of it.
type decodes interface {
	decode(d *decoder, n *node, field string)
}

// fault tells what is wrong with a node.
func (d *decoder) fault(n *node, field, advice, problem string, arguments ...any) {
	if n.kind == broken || d.wrong[n] {
		return
	}
	d.wrong[n] = true
	if n.told {
		return
	}
	d.add(n.place, field, advice, fmt.Sprintf(problem, arguments...))
}

// value decodes n into v, which can be set.
func (d *decoder) value(n *node, v reflect.Value, field string) {
	if d.steps++; d.steps > maxNodes {
		d.fault(n, field, "", "the file is too large once its aliases are followed")
		return
	}
	if n.kind == broken {
		return
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, v.Elem(), field)
		if d.wrong[n] {
			v.SetZero()
		}
		return
	}
	switch into := v.Addr().Interface().(type) {
	case decodes:
		into.decode(d, n, field)
	case *schedule.Duration:
		d.duration(n, into, field)
	default:
		d.plain(n, v, field)
	}
}

func (d *decoder) plain(n *node, v reflect.Value, field string) {
	switch v.Kind() {
	case reflect.String:
		if written, ok := d.text(n, field); ok {
			v.SetString(written)
		}
	case reflect.Int:
		d.integer(n, v, field)
	case reflect.Bool:
		d.boolean(n, v, field)
	case reflect.Map:
		d.mapping(n, v, field)
	case reflect.Struct:
		d.object(n, v, field)
	default:
		panic("no decoding for " + v.Type().String())
	}
}

// otherBooleans are booleans in YAML 1.1.
var otherBooleans = []string{"yes", "no", "on", "off", "y", "n"}

// text accepts texts only: what YAML reads as a number or a boolean may not
// be what was meant.
func (d *decoder) text(n *node, field string) (written string, ok bool) {
	const advice = `put it in quotes: %q`
	if n.kind == null {
		if value := commentedOut.FindStringSubmatch(string(d.line(n.place.line))); value != nil {
			d.fault(n, field, fmt.Sprintf("put it in quotes if it belongs to the value: %q", value[1]), "is empty, for # begins a comment")
			return "", false
		}
	}
	if (n.kind == number || n.kind == boolean || n.kind == null) && (field == "when" || strings.HasSuffix(field, ".when")) {
		d.fault(n, field, `for example "every 5m" or "weekdays at 09:00"`, "%s; a when belongs here", n.describe())
		return "", false
	}
	if n.kind == null && strings.HasSuffix(field, "]") {
		d.fault(n, field, "write the item behind its dash, or take the dash out", "is a dash alone")
		return "", false
	}
	name := nameOf(field)
	allowed := cmp.Or(textMeant(n, name), allowedTexts[name])
	if example := exampleTexts[name]; n.kind == null && example != "" {
		d.fault(n, field, "for example "+example, "is empty")
		return "", false
	}
	switch n.kind {
	case text:
		if first, _, _ := strings.Cut(name, "["); takesNoVariable[first] && d.notFilledIn(n, field) {
			return "", false
		}
		if !n.quoted && slices.Contains(otherBooleans, strings.ToLower(n.text)) {
			d.hazards.add(n.place, field, fmt.Sprintf(advice, n.text), fmt.Sprintf("%s is text here, but a boolean to other readers of YAML", n.text))
		}
		if !n.quoted && strings.HasPrefix(n.text, "%") {
			d.hazards.add(n.place, field, "put it in quotes: "+inQuotesOf(n.text), "is text here, but other readers of YAML refuse a value that begins with %")
		}
		return n.text, true
	case number:
		d.fault(n, field, cmp.Or(allowed, fmt.Sprintf(advice, n.text)), "YAML reads %s as a number; text belongs here", n.text)
	case boolean:
		d.fault(n, field, cmp.Or(allowed, fmt.Sprintf(advice, n.text)), "YAML reads %s as a boolean; text belongs here", n.text)
	case null:
		d.fault(n, field, cmp.Or(allowed, `write "" for a text without characters, or leave the key out`), "is empty")
	case mapping:
		d.fault(n, field, cmp.Or(allowed, d.bracesMeant(n, field), mappingAdvice(n, field)), "is a mapping; text belongs here")
	case sequence:
		d.fault(n, field, cmp.Or(allowed, "give one text"), "is a list; one text belongs here")
	}
	return "", false
}

// commentedOut is a line with a key whose value begins with #.
var commentedOut = regexp.MustCompile(`^[ \t]*(?:- )?[^\s#:]+:[ \t]+(#.*)$`)

// nameOf is the last key of a path, unless people choose the keys there.
func nameOf(field string) string {
	for _, free := range []string{".env.", ".headers.", ".args."} {
		if strings.Contains(field, free) {
			return ""
		}
	}
	if strings.HasSuffix(field, "backoff.kind") {
		return "backoff.kind"
	}
	return field[strings.LastIndexByte(field, '.')+1:]
}

// allowedTexts are the values of keys that take no other.
var allowedTexts = map[string]string{
	"catch_up":     fmt.Sprintf("one of %s, %s, %s", schedule.CatchUpLatest, schedule.CatchUpAll, schedule.CatchUpNone),
	"overlap":      fmt.Sprintf("one of %s, %s, %s, %s, %s", schedule.OverlapSkip, schedule.OverlapWait, schedule.OverlapQueue, schedule.OverlapCancel, schedule.OverlapAllow),
	"backoff.kind": fmt.Sprintf("one of %s, %s", schedule.BackoffExponential, schedule.BackoffFixed),
	"timezone":     "an IANA name such as Europe/Paris",
	"inherit_env":  inheritAllowed,
	"not_before":   instantAllowed,
	"not_after":    instantAllowed,
}

// exampleTexts are of texts that cannot be without characters.
var exampleTexts = map[string]string{"run": `"./report.sh"`, "timezone": "Europe/Paris", "url": `"https://example.com/report"`, "queue": "reports", "kind": "send_report"}

// mappingAdvice knows that a colon and a space in a text make it a mapping.
func mappingAdvice(n *node, field string) string {
	name, _, _ := strings.Cut(nameOf(field), "[")
	if name == "when" {
		return whenAdvice(n)
	}
	if !n.flow && len(n.pairs) == 1 && n.pairs[0].value.kind != mapping && n.pairs[0].value.kind != sequence {
		p := n.pairs[0]
		return fmt.Sprintf("if it is one text, put it in quotes: %q", p.key.text+": "+p.value.text)
	}
	if name == "tags" || name == "except" || name == "enabled_in" {
		return "give one text, or a list such as [one, two]"
	}
	if example := exampleTexts[name]; example != "" {
		return "give one text, for example " + example
	}
	return "give one text"
}

// whenAdvice shows the when that a mapping such as {every: 5s} or {cron: "0 9 * * *"}
// means.
func whenAdvice(n *node) string {
	if len(n.pairs) == 1 {
		key, value := n.pairs[0].key.text, n.pairs[0].value.text
		for _, meant := range []string{key + " " + value, value} {
			if _, err := calendar.Parse(meant); err == nil {
				return fmt.Sprintf("write %q", meant)
			}
		}
	}
	return `for example "every 5m" or "weekdays at 09:00"`
}

func (d *decoder) integer(n *node, v reflect.Value, field string) {
	if d.notFilledIn(n, field) {
		return
	}
	if n.kind == number {
		if i, err := strconv.Atoi(n.text); err == nil && strconv.Itoa(i) == n.text {
			v.SetInt(int64(i))
			return
		}
		if strings.ContainsAny(n.text, ".eE") {
			d.fault(n, field, numberMeant(field), "%s is not a whole number", n.text)
		} else {
			d.fault(n, field, "write it in decimal digits, as 3", "%s is not a number that is possible here", n.text)
		}
		return
	}
	if n.kind == text && !n.quoted && n.text != "" && strings.Trim(n.text, "0123456789") == "" {
		d.fault(n, field, numberMeant(field), "%s is out of range", n.text)
		return
	}
	if n.kind == text && n.quoted {
		if _, err := strconv.Atoi(n.text); err == nil {
			d.fault(n, field, "leave out the quotes: "+n.text, "%s is text; a number belongs here", quoted(n.text))
			return
		}
	}
	d.fault(n, field, cmp.Or(withoutMark(n.text, isWhole), numberMeant(field)), "%s; a whole number belongs here", n.describe())
}

func isWhole(written string) bool {
	_, err := strconv.Atoi(written)
	return err == nil
}

func (d *decoder) boolean(n *node, v reflect.Value, field string) {
	if d.notFilledIn(n, field) {
		return
	}
	if n.kind != boolean {
		isBoolean := func(written string) bool { return written == "true" || written == "false" }
		d.fault(n, field, cmp.Or(withoutMark(n.text, isBoolean), "write true or false, without quotes"), "%s; true or false belongs here", n.describe())
		return
	}
	v.SetBool(strings.EqualFold(n.text, "true"))
}

func (d *decoder) mapping(n *node, v reflect.Value, field string) {
	if n.kind == null {
		return
	}
	if n.kind == sequence && field == "schedules" {
		d.fault(n, field, listAdvice(n), "is a list; schedules stand under their keys")
		return
	}
	if n.kind != mapping {
		d.fault(n, field, d.mappingMeant(n, v.Type().Elem(), field), "%s; a mapping belongs here", n.describe())
		return
	}
	if v.Type().Elem() == reflect.TypeFor[placeholder]() && len(n.pairs) > maxKeys {
		d.fault(n, field, fmt.Sprintf("at most %d", maxKeys), "holds %d names", len(n.pairs))
		return
	}
	v.Set(reflect.MakeMapWithSize(v.Type(), len(n.pairs)))
	for _, p := range n.pairs {
		value := reflect.New(v.Type().Elem()).Elem()
		d.value(p.value, value, below(field, p.key.text))
		v.SetMapIndex(reflect.ValueOf(p.key.text), value)
	}
	if field != "schedules" {
		return
	}
	for _, p := range n.twice { // one of them is to be renamed, so what is wrong in either is told
		e := &entry{key: p.key, node: p.value}
		if d.value(p.value, reflect.ValueOf(&e.definition).Elem(), below(field, p.key.text)); e.definition != nil {
			d.again = append(d.again, e)
		}
	}
}

// listAdvice shows the form that schedules have which were written as a list.
func listAdvice(n *node) string {
	key := "a key of your choice, such as hello:,"
	if len(n.items) > 0 {
		for _, name := range []string{"key", "name", "id"} {
			if named := n.items[0].get(name); named != nil && keyMeant(named.text) != "" {
				key = keyMeant(named.text) + ":"
				break
			}
		}
		if first := n.items[0].entries(); len(first) > 0 && !isScheduleKey(first[0].key.text) && (first[0].value.kind == mapping || first[0].value.kind == null) {
			key = first[0].key.text + ":" // - report:
		}
	}
	return "write " + key + " without a dash, and when: and run: below it, indented further"
}

var notOfKeys = regexp.MustCompile(`[^a-z0-9._-]+`)

// keyMeant makes a key of a name in other characters; empty if it has
// letters that keys do not have.
func keyMeant(name string) string {
	key := notOfKeys.ReplaceAllStringFunc(strings.ToLower(name), func(other string) string {
		if strings.ContainsFunc(other, unicode.IsLetter) {
			return other
		}
		return "-"
	})
	if key = strings.Trim(key, "._-"); !schedule.ValidKey(key) {
		return ""
	}
	return key
}

func (d *decoder) object(n *node, v reflect.Value, field string) {
	if n.kind == null {
		return
	}
	fields := fieldsOf(v.Type())
	if n.kind != mapping {
		d.fault(n, field, d.objectAdvice(n, fields, field), "%s; a mapping belongs here", n.describe())
		return
	}
	known := func(key string) bool { _, ok := fields.index[key]; return ok }
	for i := 0; i < len(n.pairs); i++ {
		p := n.pairs[i]
		index, ok := fields.index[p.key.text]
		if !ok {
			d.unknown(n, p.key, fields, field)
			continue
		}
		if p.key.text == "when" {
			if keys := swallowed(p.value, known); len(keys) > 0 {
				if d.meant[n] == nil {
					d.meant[n] = map[string]bool{}
				}
				maps.Copy(d.meant[n], keys)
				d.fault(p.value, below(field, "when"), "close them at the end of the when", "perhaps the quotes that begin here, in line %d, are not closed", p.value.place.line)
				continue
			}
			if meant, tail := d.splitWhen(n, i, known); tail > 0 {
				d.fault(p.value, below(field, "when"), fmt.Sprintf("put it in quotes: when: %q", meant), "YAML ends this value at the comma")
				i += tail
				continue
			}
		}
		if keys := lackComma(n, p, known); len(keys) > 0 {
			if d.meant[n] == nil {
				d.meant[n] = map[string]bool{}
			}
			maps.Copy(d.meant[n], keys)
			d.fault(p.value, below(field, p.key.text), "put a comma before "+listed(colons(slices.Sorted(maps.Keys(keys)))), "a key stands in this value")
			continue
		}
		d.gather(n, i, fields, field)
		d.value(n.pairs[i].value, v.FieldByIndex(index), below(field, p.key.text))
	}
}

// keyInText finds what may be a key in a text.
var keyInText = regexp.MustCompile(` ([a-z_]+):(?: |$)`)

// swallowed are the keys that a when in quotes holds, which none does: they stood on
// the lines below it.
func swallowed(when *node, known func(key string) bool) map[string]bool {
	if when.kind != text || !when.quoted {
		return nil
	}
	keys := map[string]bool{}
	for _, found := range keyInText.FindAllStringSubmatch(when.text, -1) {
		if known(found[1]) {
			keys[found[1]] = true
		}
	}
	return keys
}

// lackComma are the keys in a value in braces that a comma was to part from it.
func lackComma(n *node, p pair, known func(key string) bool) map[string]bool {
	if !n.flow || p.value.kind != text || p.value.quoted || takesText(p.key.text) {
		return nil
	}
	keys := map[string]bool{}
	for _, found := range keyInText.FindAllStringSubmatch(p.value.text, -1) {
		if known(found[1]) {
			keys[found[1]] = true
		}
	}
	return keys
}

// objectAdvice is for what stands where a mapping with known keys belongs.
func (d *decoder) objectAdvice(n *node, fields structFields, field string) string {
	name := field[strings.LastIndexByte(field, '.')+1:]
	switch {
	case isListOfMappings(n):
		return "write it without the dashes"
	case fields.of() == "alerts" && recipientsMeant(n) != "":
		meant := recipientsMeant(n)
		return "write alerts: {to: {team: " + meant + "}}" + mailNeeds(meant)
	case fields.of() == "recipient" && recipientsMeant(n) != "":
		meant := recipientsMeant(n)
		return "write " + name + ": " + meant + mailNeeds(meant)
	case n.kind == text && name == "http" && strings.Contains(n.text, "://") && !strings.HasPrefix(n.text, "url:"):
		return fmt.Sprintf("write http: {url: %q}", n.text)
	case n.kind == text && name == "job" && !strings.Contains(n.text, " "):
		return fmt.Sprintf("write job: {kind: %q}", n.text)
	case n.kind == text && !n.quoted:
		line := string(d.line(n.place.line))
		known := func(key string) bool { _, ok := fields.index[key]; return ok }
		if advice := withoutSpace(strings.TrimLeft(line, " "), known); advice != "" {
			return advice
		}
	}
	return itTakes + fields.list()
}

func isListOfMappings(n *node) bool {
	return n.kind == sequence && !n.flow && len(n.items) > 0 &&
		!slices.ContainsFunc(n.items, func(item *node) bool { return item.kind != mapping })
}

// structFields are the keys of a struct in order, and where each is.
type structFields struct {
	names []string
	index map[string][]int
}

// Advice that lists keys begins with one of these.
const (
	knownHere = "known here: "
	itTakes   = "it takes "
)

// list is the keys for a message.
func (f structFields) list() string { return strings.Join(f.names, ", ") }

func scheduleFields() structFields { return fieldsOf(reflect.TypeFor[definition]()) }

func fileFields() structFields { return fieldsOf(reflect.TypeFor[written]()) }

func defaultFields() structFields { return fieldsOf(reflect.TypeFor[defaults]()) }

var structFieldsOf sync.Map // reflect.Type → structFields

func fieldsOf(t reflect.Type) structFields {
	if known, ok := structFieldsOf.Load(t); ok {
		return known.(structFields)
	}
	fields := structFields{index: map[string][]int{}}
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
			fields.names = append(fields.names, name)
			fields.index[name] = f.Index
		}
	}
	structFieldsOf.Store(t, fields)
	return fields
}

func (w *words) decode(d *decoder, n *node, field string) {
	*w = []string{}
	if n.kind != sequence {
		if written, ok := d.text(n, field); ok {
			*w = append(*w, written)
		}
		return
	}
	for i, item := range n.items {
		written, _ := d.text(item, fmt.Sprintf("%s[%d]", field, i))
		*w = append(*w, written)
	}
}

func (l *dates) decode(d *decoder, n *node, field string) {
	if n.kind != sequence {
		d.fault(n, field, "for example [2026-12-25, 2027-01-01]", "%s; a list of dates belongs here", n.describe())
		return
	}
	(*words)(l).decode(d, n, field)
}

func (c *codes) decode(d *decoder, n *node, field string) {
	items := []*node{n}
	if n.kind == sequence {
		items = n.items
	}
	for _, item := range items {
		if item.kind == number {
			*c = append(*c, item.text)
		} else if written, ok := d.text(item, field); ok {
			*c = append(*c, written)
		}
	}
}

func (c *command) decode(d *decoder, n *node, field string) {
	if n.kind != sequence {
		c.shell, _ = d.text(n, field)
		return
	}
	c.program = []string{}
	for i, item := range n.items {
		word, _ := d.text(item, fmt.Sprintf("%s[%d]", field, i))
		c.program = append(c.program, word)
	}
}

func (b *backoff) decode(d *decoder, n *node, field string) {
	if n.kind == mapping {
		d.object(n, reflect.ValueOf(b).Elem(), field)
		return
	}
	if n.kind == sequence || n.kind == null {
		d.fault(n, field, "write a duration such as 30s, or {kind: exponential, initial: 10s, max: 1h}", "%s; a duration or a mapping belongs here", n.describe())
		return
	}
	if advice := backoffMeant(n.text); advice != "" {
		d.fault(n, field, advice, "%s is a kind of backoff; a duration or a mapping belongs here", quoted(n.text))
		return
	}
	b.fixed, b.Initial = true, new(schedule.Duration)
	d.duration(n, b.Initial, field)
}

func (o *object) decode(d *decoder, n *node, field string) {
	if n.kind == null {
		return
	}
	if n.kind != mapping {
		d.fault(n, field, "write it as name: value", "%s; a mapping belongs here", n.describe())
		return
	}
	data, err := json.Marshal(d.any(n, field, 0))
	if err != nil {
		d.fault(n, field, "", "cannot be written as JSON: %v", err)
		return
	}
	*o = data
}

// any is a node as JSON would hold it.
func (d *decoder) any(n *node, field string, depth int) any {
	if d.steps++; d.steps > maxNodes || depth > maxDepth {
		d.fault(n, field, "", "is too large or too deep once its aliases are followed")
		return nil
	}
	switch n.kind {
	case text:
		return n.text
	case number:
		if json.Valid([]byte(n.text)) {
			return json.Number(n.text)
		}
		d.fault(n, field, fmt.Sprintf("write it in digits, or put it in quotes: %q", n.text), "%s is not a number of JSON", n.text)
	case boolean:
		return strings.EqualFold(n.text, "true")
	case mapping:
		values := make(map[string]any, len(n.pairs))
		for _, p := range n.pairs {
			values[p.key.text] = d.any(p.value, below(field, p.key.text), depth+1)
		}
		return values
	case sequence:
		values := make([]any, len(n.items))
		for i, item := range n.items {
			values[i] = d.any(item, fmt.Sprintf("%s[%d]", field, i), depth+1)
		}
		return values
	}
	return nil
}

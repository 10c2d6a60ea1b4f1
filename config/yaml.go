package config

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Bounds on the form of a file.
const (
	maxDepth  = 50   // of lists and mappings in each other
	maxIndent = 200  // columns
	maxKeys   = 1000 // in one piece: the parser's time grows with their square
	maxNodes  = 2_000_000
	maxMended = 20 // faults that each need all to be read again
)

// yamlReader turns text into nodes. The text is cut into pieces, one for each
// key at the top and one for each key below those, so that a syntax error in
// one schedule does not hide the faults of the others.
type yamlReader struct {
	*findings
	anchors  map[string]*node
	field    string         // of the piece that is read
	nodes    int            // made so far
	unquoted map[place]bool // where a text was put together that lacks quotes
	ofFile   []pair         // keys of the file that stand among the schedules, and are told
	unclosed map[place]bool // where a brace or bracket begins that was closed for reading on
}

// readYAML reads the one mapping that a file is. A part that cannot be read is
// a fault, and missing in the mapping; a file of which nothing can be read
// gives nil. Texts at the places in replaced stand for what has been told as a fault.
func (f *findings) readYAML(data []byte, replaced map[place]bool) *node {
	r := &yamlReader{findings: f, anchors: map[string]*node{}, unquoted: replaced, unclosed: map[place]bool{}}
	if !r.readable(data) {
		return nil
	}
	tokens, ok := r.tokens(string(data))
	if !ok {
		return nil
	}
	if len(tokens) == 0 {
		r.add(place{line: 1, column: 1}, "", "punctual init writes an example", "the file is empty")
		return nil
	}
	if tokens[0].Type == token.MappingStartType { // JSON, for example
		return r.parse(tokens, "")
	}
	if !startsKey(tokens, 0) {
		at := placeOf(tokens[0])
		if advice := r.ofCrontab(); advice != "" {
			r.add(at, "", advice, "this is a crontab, not a file of schedules")
			return nil
		}
		problem := "the file is not a mapping of keys to values"
		if tokens[0].Type == token.SequenceEntryType || tokens[0].Type == token.SequenceStartType {
			problem = "the file is a list"
		}
		r.add(at, "", "begin with schedules: and put each schedule below it, under its key", problem)
		return nil
	}
	return r.mapping(tokens, "")
}

// readable refuses what is too large, and text that is not UTF-8.
func (r *yamlReader) readable(data []byte) bool {
	if len(data) > maxSize {
		r.add(place{line: 1, column: 1}, "", "split it into several files, each applied by itself", fmt.Sprintf("the file is larger than %d MiB", maxSize>>20))
		return false
	}
	marks := 0
	for _, mark := range []byte("-:,[]{}?*&!@") {
		marks += bytes.Count(data, []byte{mark})
	}
	if marks > maxMarks {
		r.add(place{line: 1, column: 1}, "", "split it into several files, each applied by itself", "the file is too large: its structure has too many parts")
		return false
	}
	if bytes.HasPrefix(data, []byte{0xff, 0xfe}) || bytes.HasPrefix(data, []byte{0xfe, 0xff}) {
		r.add(place{column: 1}, "", "save the file as UTF-8", "the text is UTF-16")
		return false
	}
	if bytes.IndexByte(data, 0) >= 0 {
		r.add(place{column: 1}, "", "name a schedule file; punctual init writes one to begin with", "this is no text file")
		return false
	}
	if utf8.Valid(data) {
		return true
	}
	for i, line := range bytes.Split(data, []byte("\n")) {
		if utf8.Valid(line) {
			continue
		}
		column := 1
		for rest := line; len(rest) > 0; column++ {
			c, size := utf8.DecodeRune(rest)
			if c == utf8.RuneError && size == 1 {
				break
			}
			rest = rest[size:]
		}
		r.add(place{i + 1, column, 1}, "", "save the file as UTF-8", "the text is not UTF-8")
		break
	}
	return false
}

// tokens cuts the text into tokens, without comments and directives, refuses
// what would take the parser too deep, and turns cron expressions that lack
// quotes into the texts they were meant to be.
func (r *yamlReader) tokens(text string) (token.Tokens, bool) {
	all, ok := r.lex(text)
	if !ok {
		return nil, false
	}
	tokens := make(token.Tokens, 0, len(all))
	directive := 0 // the line of one
	for _, t := range all {
		if t.Type == token.DirectiveType && t.Position.Column == 1 {
			directive = t.Position.Line
		}
		if t.Type != token.CommentType && t.Position.Line != directive {
			tokens = append(tokens, t)
		}
	}
	if len(tokens) > 0 && tokens[0].Type == token.DocumentHeaderType {
		tokens = tokens[1:]
	}
	if n := len(tokens); n > 0 && tokens[n-1].Type == token.DocumentEndType {
		tokens = tokens[:n-1]
	}
	tokens = r.quote(tokens)
	return tokens, r.shallow(tokens)
}

// lex cuts text into tokens. What follows a tab in the indentation, quotes that are
// not closed or an unknown escape would not make sense, so such a line is told,
// mended, and all is read again.
func (r *yamlReader) lex(text string) (tokens token.Tokens, ok bool) {
	defer r.survive(&ok, place{line: 1, column: 1})
	text = r.mendDashes(text)
	for again := 0; ; again++ {
		tokens = lexer.Tokenize(text)
		mended, ok := "", false
		if again < maxMended {
			mended, ok = r.mend(text, tokens)
		}
		if !ok {
			return tokens, true
		}
		text = mended
	}
}

// mendTab tells a tab in the indentation, and indents the line as its neighbours
// want it, with all that are indented alike.
func (r *yamlReader) mendTab(text string, tab *token.Token) string {
	line := tab.Position.Line
	problem, advice := explain(tab.Error)
	lines := strings.Split(text, "\n")
	more := untab(lines)
	if len(more) == 0 {
		tabbed := leading(lines[line-1])
		mended := wantedIndentation(lines, line-1)
		for i := line - 1; i < len(lines); i++ {
			if leading(lines[i]) == tabbed {
				lines[i] = mended + lines[i][len(tabbed):]
				more = append(more, i+1)
			}
		}
		more = more[1:]
	}
	if len(more) > 0 {
		problem += fmt.Sprintf(", here and in %s below", counted(len(more), "line"))
	}
	r.further = append(r.further, more...)
	r.add(place{line, 1, 1}, "", advice, problem)
	for _, number := range append(more, line) {
		r.reindented[number] = leading(lines[number-1])
	}
	return strings.Join(lines, "\n")
}

// leading is the white space that begins a line.
func leading(line string) string { return line[:len(line)-len(strings.TrimLeft(line, " \t"))] }

// wantedIndentation is that of the line before; where that is a key without a
// value, that of what stands below it, or two spaces more. A key that is none of ours
// and holds the keys below it is indented less than they are, as the one above that does.
func wantedIndentation(lines []string, at int) string {
	before := indentation(lines[:at])
	key := strings.TrimSuffix(strings.TrimSpace(lines[at]), ":")
	if below := firstBelow(lines, at); opensBlock(lines[at:at+1]) && !isAnyKey(key) && below < len(lines) && leading(lines[below]) == before {
		for _, line := range slices.Backward(lines[:at]) {
			if space := leading(line); strings.TrimSpace(line) != "" && len(space) < len(before) {
				return space
			}
		}
	}
	if at == 0 || !opensBlock(lines[:at]) {
		return before
	}
	for _, line := range lines[at+1:] {
		content := strings.TrimSpace(line)
		if content == "" || content[0] == '#' {
			continue
		}
		if space := leading(line); !strings.Contains(space, "\t") && len(space) > len(before) && !opensBlock(lines[at:at+1]) {
			return space
		}
		break
	}
	return before + "  "
}

// opensBlock says whether the last line that holds something is a key without a
// value.
func opensBlock(lines []string) bool {
	for _, line := range slices.Backward(lines) {
		if content := strings.TrimSpace(line); content != "" && content[0] != '#' {
			return strings.HasSuffix(content, ":")
		}
	}
	return false
}

// untab indents with spaces the lines of a file that only has tabs, and returns
// those besides the first. It leaves a file alone that has both:
// how wide its tabs were meant to be is not known.
func untab(lines []string) []int {
	var tabbed []int
	for i, line := range lines {
		switch content := strings.TrimLeft(line, "\t"); {
		case strings.HasPrefix(content, " "):
			return nil
		case content != line:
			tabbed = append(tabbed, i+1)
		}
	}
	if len(tabbed) < 2 {
		return nil
	}
	for i, line := range lines {
		content := strings.TrimLeft(line, "\t")
		lines[i] = strings.Repeat("  ", len(line)-len(content)) + content
	}
	return tabbed[1:]
}

// indentation is that of the last line that is not empty.
func indentation(lines []string) string {
	for _, line := range slices.Backward(lines) {
		if content := strings.TrimLeft(line, " "); strings.TrimSpace(content) != "" && content[0] != '#' {
			return line[:len(line)-len(content)]
		}
	}
	return ""
}

// survive turns a panic of the YAML library into a fault.
func (r *yamlReader) survive(ok *bool, at place) {
	if p := recover(); p != nil {
		*ok = false
		r.add(at, "", "check the quotes and the indentation", "this cannot be read as YAML")
	}
}

// shallow refuses several documents in one file, and what is nested so deep
// that reading it could exhaust the stack.
func (r *yamlReader) shallow(tokens token.Tokens) bool {
	flow := 0
	for i, t := range tokens {
		switch t.Type {
		case token.DocumentHeaderType, token.DocumentEndType:
			r.add(placeOf(t), "", "put everything into one document, or into two files", "the file holds more than one YAML document")
			return false
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow--
			continue
		case token.SequenceEntryType, token.MappingKeyType, token.AnchorType, token.TagType:
		default:
			if i > 0 && tokens[i-1].Position.Line == t.Position.Line || isBlock(tokens, i) {
				continue
			}
		}
		if flow > maxDepth || flow <= 0 && t.Position.Column > maxIndent {
			r.add(placeOf(t), "", "", "this is nested too deep")
			return false
		}
	}
	return true
}

// mapping reads a mapping in block style piece by piece: that of the file, and
// those below its keys, whose field is the key.
func (r *yamlReader) mapping(tokens token.Tokens, field string) *node {
	m := &node{kind: mapping, place: placeOf(tokens[0])}
	for _, piece := range r.pieces(tokens, field) {
		key := piece[0].Value
		if field == "" && hasBlockBelow(piece) {
			m.pairs = append(m.pairs, pair{key: keyNode(piece[0]), value: r.mapping(piece[2:], key)})
			continue
		}
		if read := r.parse(piece, below(field, key)); read != nil {
			m.pairs = append(m.pairs, read.pairs...)
			m.merges = append(m.merges, read.merges...)
		}
	}
	switch field {
	case "schedules":
		r.indentKeys(m)
	case "":
		m.pairs = append(m.pairs, slices.DeleteFunc(r.ofFile, func(p pair) bool { return m.get(p.key.text) != nil })...)
	}
	r.field = field
	r.settle(m)
	return m
}

// parse reads one piece with the YAML library.
func (r *yamlReader) parse(piece token.Tokens, field string) (m *node) {
	if keys := keysInBlocks(piece); keys > maxKeys {
		r.add(placeOf(piece[0]), field, "", fmt.Sprintf("this holds %d keys; at most %d are allowed", keys, maxKeys))
		return nil
	}
	ok := false
	r.field = field
	defer r.survive(&ok, placeOf(piece[0]))
	file, err := parser.Parse(piece, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		r.syntax(piece, field, err)
		return nil
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return nil
	}
	m = r.node(file.Docs[0].Body, 0)
	if m.kind != mapping {
		if r.belowHeader(m.place.line, field) != "" || r.lineAstray(m.place.line, m.place.line, field) {
			return nil
		}
		r.add(m.place, field, "write key: value, with a colon and a space after the key", fmt.Sprintf("%s is not a key with a value", quoted(m.text)))
		return nil
	}
	return m
}

// node makes a node of what the library read.
func (r *yamlReader) node(n ast.Node, depth int) *node {
	r.nodes++
	if n == nil {
		return &node{kind: null}
	}
	made := &node{place: placeOf(n.GetToken())}
	made.told = r.unclosed[place{line: made.place.line, column: made.place.column}]
	if depth > 2*maxDepth || r.nodes > maxNodes {
		r.add(made.place, r.field, "", "this is nested too deep, or too large")
		made.kind = broken
		return made
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		r.pairs(made, n.Values, depth)
		made.flow = n.IsFlowStyle
		if !made.flow && len(made.pairs) > 0 {
			made.place = made.pairs[0].key.place
		}
	case *ast.MappingValueNode:
		r.pairs(made, []*ast.MappingValueNode{n}, depth)
	case *ast.SequenceNode:
		made.kind, made.flow = sequence, n.IsFlowStyle
		for _, item := range n.Values {
			made.items = append(made.items, r.node(item, depth+1))
		}
	case *ast.AnchorNode:
		value := r.node(n.Value, depth+1)
		r.anchors[n.Name.GetToken().Value] = value
		return value
	case *ast.AliasNode:
		return r.alias(n, made.place)
	case *ast.TagNode:
		return r.tagged(n, depth)
	case *ast.LiteralNode:
		made.kind, made.text, made.quoted = text, n.Value.Value, true
	case *ast.StringNode:
		made.kind, made.text = text, n.Value
		if r.unquoted[place{line: made.place.line, column: made.place.column}] {
			made.kind = broken
		}
		made.quoted = n.Token.Type == token.DoubleQuoteType || n.Token.Type == token.SingleQuoteType
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		made.kind, made.text = number, n.GetToken().Value
	case *ast.BoolNode:
		made.kind, made.text = boolean, n.GetToken().Value
	case *ast.NullNode:
		made.kind = null
	default:
		made.kind = broken
		r.add(made.place, r.field, "", "this YAML means nothing here")
	}
	return made
}

// pairs reads the keys and values of a mapping.
func (r *yamlReader) pairs(m *node, values []*ast.MappingValueNode, depth int) {
	m.kind = mapping
	for _, v := range values {
		value := r.node(v.Value, depth+1)
		if v.Key.Type() == ast.MergeKeyType {
			m.merges = append(m.merges, value)
			continue
		}
		var written ast.Node = v.Key
		if explicit, ok := written.(*ast.MappingKeyNode); ok {
			written = explicit.Value
		}
		if anchor, ok := written.(*ast.AnchorNode); ok {
			written = anchor.Value
		}
		key := keyNode(written.GetToken())
		if value.kind == null && value.place.column <= key.place.column+key.place.width {
			value.place = key.place
		}
		m.pairs = append(m.pairs, pair{key: key, value: value})
	}
	if depth > 0 {
		r.settle(m)
	}
}

// settle refuses keys that stand twice, and merges the mappings that << names:
// what stands in the mapping itself comes first.
func (r *yamlReader) settle(m *node) {
	seen := make(map[string]*node, len(m.pairs))
	kept := m.pairs[:0]
	for _, p := range m.pairs {
		first, twice := seen[p.key.text]
		if twice {
			advice := "keep one of the two"
			if r.field == "schedules" && (looksLikeSchedule(p.value) || p.value.get("job") != nil) {
				advice += ", or rename one"
			}
			r.add(p.key.place, r.field, advice, fmt.Sprintf("the key %s stands twice; it stands first in line %d", quoted(p.key.text), first.place.line))
			m.twice = append(m.twice, p)
			continue
		}
		seen[p.key.text] = p.key
		kept = append(kept, p)
	}
	m.pairs = kept
	for _, merged := range m.merges {
		sources := []*node{merged}
		if merged.kind == sequence {
			sources = merged.items
		}
		for _, source := range sources {
			r.merge(m, source, seen)
		}
	}
	m.merges = nil
}

func (r *yamlReader) merge(m, source *node, seen map[string]*node) {
	if source.kind != mapping {
		if source.kind != broken {
			r.add(source.place, r.field, "write <<: *name, where &name marks a mapping above", "only a mapping can be merged")
		}
		return
	}
	r.nodes += len(source.pairs)
	if r.nodes > maxNodes {
		r.add(source.place, r.field, "", "this is nested too deep, or too large")
		return
	}
	for _, p := range source.pairs {
		if seen[p.key.text] == nil {
			seen[p.key.text] = p.key
			m.pairs = append(m.pairs, p)
		}
	}
}

// alias is the node an anchor above marks; it is shared, not copied.
func (r *yamlReader) alias(n *ast.AliasNode, at place) *node {
	name := n.Value.GetToken().Value
	if value, ok := r.anchors[name]; ok {
		return value
	}
	at.width = len(name) + 1
	r.add(at, r.field, fmt.Sprintf(`an unquoted * refers to a &%s above; if it is text, put it in quotes: "*%s"`, name, name), fmt.Sprintf("nothing is marked &%s", name))
	return &node{kind: broken, place: at}
}

// tagged understands !!str, which makes a text of a number; other tags mean
// nothing in a schedule file.
func (r *yamlReader) tagged(n *ast.TagNode, depth int) *node {
	value := r.node(n.Value, depth+1)
	switch n.Start.Value {
	case "!!str", "!":
		if value.kind == number || value.kind == boolean {
			value.kind, value.quoted = text, true
		}
	case "!!map", "!!seq", "!!int", "!!bool", "!!null", "!!float":
	default:
		advice := "leave it out"
		if line := r.line(placeOf(n.Start).line); value.kind == null {
			value.kind = broken
			if whole := behindKey(line, placeOf(n.Start).column); whole != "" {
				advice = "put it in quotes if it is text: " + whole
			}
		}
		r.add(placeOf(n.Start), r.field, advice, fmt.Sprintf("the tag %s means nothing here", quoted(n.Start.Value)))
	}
	return value
}

func keyNode(t *token.Token) *node {
	return &node{kind: text, text: t.Value, place: placeOf(t)}
}

// placeOf is where a token stands; its width is that of its first line.
func placeOf(t *token.Token) place {
	written := strings.TrimSpace(t.Origin)
	if cut := strings.IndexByte(written, '\n'); cut >= 0 {
		written = strings.TrimRight(written[:cut], " \r")
	}
	return place{line: t.Position.Line, column: t.Position.Column, width: max(1, utf8.RuneCountInString(written))}
}

// syntax tells a syntax error of the library in words that help.
func (r *yamlReader) syntax(piece token.Tokens, field string, err error) {
	if r.lineAstray(piece[0].Position.Line, piece[len(piece)-1].Position.Line, field) {
		return
	}
	at, problem := placeOf(piece[0]), err.Error()
	if e, ok := err.(yaml.Error); ok {
		problem = e.GetMessage()
		if t := e.GetToken(); t != nil {
			at = placeOf(t)
		}
	}
	whole := valueInQuotes(string(r.line(at.line)), problem)
	problem, advice := explain(problem)
	if whole != "" {
		advice = "put it in quotes: " + whole
	}
	if where, astray, indent := r.misindented(piece); astray != "" {
		at, problem, advice = where, astray, indent
	}
	r.add(at, field, advice, problem)
}

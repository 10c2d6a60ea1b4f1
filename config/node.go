package config

import "strconv"

// kind is what a node holds.
type kind int

const (
	broken kind = iota // a fault has been told; it counts as absent
	null
	text
	number
	boolean
	mapping
	sequence
)

// node is a piece of YAML, with its place. Aliases share nodes.
type node struct {
	kind   kind
	text   string // of a text, a number or a boolean; the latter two as they are written
	quoted bool   // in quotes or a block, so that nothing can be misread
	flow   bool   // of mappings and sequences: in brackets
	told   bool   // a fault of its form has been told, from which others may follow
	place  place
	pairs  []pair
	twice  []pair  // those whose key stands above, too, which has been told
	merges []*node // what << names, until settled
	items  []*node
}

type pair struct {
	key   *node
	value *node
}

// get is the value of a key; nil if there is none. A nil node has no keys.
func (n *node) get(key string) *node {
	if n == nil {
		return nil
	}
	for _, p := range n.pairs {
		if p.key.text == key {
			return p.value
		}
	}
	return nil
}

// key is the key of that name, else what is given.
func (n *node) key(name string, otherwise *node) *node {
	for _, p := range n.entries() {
		if p.key.text == name {
			return p.key
		}
	}
	return otherwise
}

// entries are the pairs of a mapping; a nil node has none.
func (n *node) entries() []pair {
	if n == nil {
		return nil
	}
	return n.pairs
}

// quoted puts text that may be long into quotes.
func quoted(text string) string {
	const enough = 60
	if characters := []rune(text); len(characters) > enough {
		text = string(characters[:enough]) + "…"
	}
	return strconv.Quote(text)
}

package config

import (
	"fmt"

	"github.com/goccy/go-yaml/token"
)

// pieces cuts the tokens of a mapping in block style before each of its keys.
// A piece that is indented less than the others is told and left out.
func (r *yamlReader) pieces(tokens token.Tokens, field string) []token.Tokens {
	var pieces []token.Tokens
	column, flow, start, astray := tokens[0].Position.Column, 0, 0, false
	end := func(i int) {
		if !astray {
			pieces = append(pieces, tokens[start:i])
		}
		start, flow, astray = i, 0, false
	}
	for i, t := range tokens {
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow = max(0, flow-1)
		}
		if i == 0 || t.Position.Column > column || t.Position.Line == tokens[i-1].Position.Line || isBlock(tokens, i) {
			continue
		}
		switch t.Type {
		case token.SequenceEntryType, token.MappingValueType, token.MappingEndType, token.SequenceEndType:
			continue
		}
		if flow > 0 && !startsKey(tokens, i) || astray && !hasBlockBelow(tokens[i:]) {
			continue
		}
		end(i)
		if t.Position.Column < column {
			astray = true
			r.add(placeOf(t), field, fmt.Sprintf("indent it to %s, like the ones above, or not at all", counted(column-1, "space")), shallowProblem)
		}
	}
	end(len(tokens))
	return pieces
}

// hasBlockBelow says whether a piece is a key with a mapping in block style
// below it.
func hasBlockBelow(piece token.Tokens) bool {
	return len(piece) > 2 && piece[1].Type == token.MappingValueType &&
		piece[2].Position.Line > piece[0].Position.Line &&
		piece[2].Position.Column > piece[0].Position.Column && startsKey(piece, 2)
}

// isBlock says whether token i is the text of a literal or folded block, whose
// position means nothing.
func isBlock(tokens token.Tokens, i int) bool {
	return i > 0 && (tokens[i-1].Type == token.LiteralType || tokens[i-1].Type == token.FoldedType)
}

// startsKey says whether a mapping written in block style begins at token i.
func startsKey(tokens token.Tokens, i int) bool {
	if i >= len(tokens) {
		return false
	}
	switch tokens[i].Type {
	case token.MappingKeyType, token.MergeKeyType:
		return true
	case token.SequenceEntryType, token.MappingValueType, token.SequenceStartType, token.MappingStartType:
		return false
	}
	for _, t := range tokens[i:] {
		if t.Type == token.MappingValueType {
			return true
		}
		if t.Position.Line > tokens[i].Position.Line {
			return false
		}
	}
	return false
}

// keysInBlocks counts the keys that stand outside of brackets.
func keysInBlocks(piece token.Tokens) int {
	keys, flow := 0, 0
	for _, t := range piece {
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow--
		case token.MappingValueType:
			if flow <= 0 {
				keys++
			}
		}
	}
	return keys
}

package config

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// odd is a class of characters that look like a space, or like nothing, and are text
// to YAML: they come along when text is copied from a web page or a chat.
const odd = `\p{Zs}\p{Cf}\x{85}\x0b\x0c`

// oddBetween are the places of a line where white space parts things: in the
// indentation, behind dashes, around the colon of a key, before a comment and at the
// end. What stands within a value is part of it.
var (
	oddIndent  = regexp.MustCompile(`^[ \t` + odd + `]+`)
	oddDash    = regexp.MustCompile(`^-[` + odd + `]+`)
	oddKey     = regexp.MustCompile(`^("[^"]*"|'[^']*'|[A-Za-z0-9_.\p{Cf}-]+)([` + odd + `]*:)($|[` + odd + `]+)`)
	oddEnd     = regexp.MustCompile(`[\p{Zs}\x{200b}\x{2060}\x{feff}]+$`) // other marks may end a text on purpose
	oddComment = regexp.MustCompile(`[` + odd + `]+#`)
)

// namesOfSpaces are what Unicode calls the most common of them.
var namesOfSpaces = map[rune]string{
	'\u00a0': "no-break space", '\u00ad': "soft hyphen", '\u2002': "en space", '\u2003': "em space", '\u2009': "thin space",
	'\u200b': "zero width space", '\u200c': "zero width non-joiner", '\u200d': "zero width joiner", '\u200e': "left-to-right mark",
	'\u202f': "narrow no-break space", '\u2060': "word joiner", '\u3000': "ideographic space", '\ufeff': "byte order mark",
}

// isOdd says whether a character is white space that YAML takes for text.
func isOdd(c rune) bool {
	return c != ' ' && (unicode.In(c, unicode.Zs, unicode.Cf) || c == '\u0085' || c == '\v' || c == '\f')
}

// plainSpaces is text with plain spaces for odd ones, and nothing for what is not seen,
// so that what is seen stays in its columns.
func plainSpaces(text string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case !isOdd(c):
			return c
		case unicode.Is(unicode.Cf, c):
			return -1
		}
		return ' '
	}, text)
}

// wideSpaces are as wide as two plain ones, which counts where they indent.
var wideSpaces = strings.NewReplacer("\u2001", "  ", "\u2003", "  ", "\u3000", "  ")

// plainInBraces is a value in braces with plain white space around its entries.
func plainInBraces(value string) string {
	var mended strings.Builder
	quotes, apart := rune(0), false // apart: what stands here parts entries
	for _, c := range value {
		switch {
		case quotes != 0:
			if c == quotes {
				quotes = 0
			}
		case c == '"' || c == '\'':
			quotes, apart = c, false
		case strings.ContainsRune("{[,:", c):
			apart = true
		case apart && isOdd(c):
			mended.WriteString(plainSpaces(string(c)))
			continue
		case c != ' ':
			apart = false
		}
		mended.WriteRune(c)
	}
	return mended.String()
}

// spacedPlainly is a line with plain white space wherever white space parts things.
func spacedPlainly(line string) string {
	if !strings.ContainsFunc(line, isOdd) || strings.HasPrefix(strings.TrimLeft(line, " \t"), "#") {
		return line
	}
	space := oddIndent.FindString(line)
	plain, rest := plainSpaces(wideSpaces.Replace(space)), line[len(space):]
	for dash := oddDash.FindString(rest); dash != ""; dash = oddDash.FindString(rest) {
		plain, rest = plain+plainSpaces(dash), rest[len(dash):]
	}
	if parts := oddKey.FindStringSubmatch(rest); parts != nil {
		if key := parts[1]; key[0] == '"' || key[0] == '\'' {
			plain += key
		} else {
			plain += plainSpaces(key)
		}
		plain, rest = plain+plainSpaces(parts[2]+parts[3]), rest[len(parts[0]):]
	}
	if strings.HasPrefix(rest, "{") || strings.HasPrefix(rest, "[") {
		rest = plainInBraces(rest)
	}
	if span := oddComment.FindStringIndex(rest); span != nil && !strings.ContainsAny(rest[:1], `"'`) {
		return plain + rest[:span[0]] + plainSpaces(rest[span[0]:span[1]]) + rest[span[1]:]
	}
	return plain + oddEnd.ReplaceAllStringFunc(rest, plainSpaces)
}

// oddSpaces finds the first odd space that parts things, and the other lines that have
// one, and mends all. Lines of a text below run: | are what they are.
func oddSpaces(lines []string) (first place, character rune, more []int) {
	block := -1
	for i, line := range lines {
		plain := strings.TrimLeft(line, " ")
		if block >= 0 && len(line)-len(plain) > block && plain != "" {
			continue
		}
		if mended := spacedPlainly(line); mended != line {
			lines[i] = mended
			if character == 0 {
				first, character = firstDifference(i+1, line, mended)
			} else {
				more = append(more, i+1)
			}
		}
		content, indent := indented(lines[i])
		if content == "" || content[0] == '#' || block >= 0 && indent > block {
			continue
		}
		block = -1
		if anyBlockHeader.MatchString(content) {
			block = indent
		}
	}
	return first, character, more
}

// firstDifference is where the odd spaces begin that a mended line has no more, how
// many there are, and which the first is.
func firstDifference(number int, line, mended string) (place, rune) {
	characters, kept := []rune(line), []rune(mended)
	at := 0
	for at < len(kept) && characters[at] == kept[at] {
		at++
	}
	end := at + 1
	for end < len(characters) && isOdd(characters[end]) {
		end++
	}
	return place{number, at + 1, end - at}, characters[at]
}

// problemOfSpace names an odd space.
func problemOfSpace(character rune) (problem, advice string) {
	name := namesOfSpaces[character]
	if name == "" {
		name = "space that is not plain"
	}
	article := "a"
	if strings.ContainsRune("aei", rune(name[0])) {
		article = "an"
	}
	problem = fmt.Sprintf("%s %s (U+%04X), which is text to YAML, stands here", article, name, character)
	if unicode.Is(unicode.Cf, character) {
		return problem, "delete it, though nobody sees it; an editor can replace all of them with nothing"
	}
	return problem, "put a plain space in its place; an editor can replace all of them at once"
}

// spaces tells odd spaces, and mends them.
func (d *document) spaces(lines []string) {
	if at, character, more := oddSpaces(lines); character != 0 {
		problem, advice := problemOfSpace(character)
		d.further = append(d.further, more...)
		d.add(at, "", advice, problem+strings.Replace(andBelow(len(more)), ", here", "", 1))
	}
}

// spaces warns of odd spaces that a file can be read with.
func (w *watch) spaces() {
	lines := make([]string, len(w.lines))
	copy(lines, w.lines)
	if at, character, more := oddSpaces(lines); character != 0 {
		problem, advice := problemOfSpace(character)
		w.found.add(at, "", advice, problem+strings.Replace(andBelow(len(more)), ", here", "", 1))
	}
}

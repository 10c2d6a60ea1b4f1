package schedule

import (
	"regexp"
	"strings"
)

// shellWord is a word that a shell leaves as it is.
var shellWord = regexp.MustCompile(`^[A-Za-z0-9_./@%+=:,-][A-Za-z0-9_./~@%+=:,-]*$`)

// ShellWords is a program and its arguments as a shell would read them: each word that
// a shell would part or replace is in quotes.
func ShellWords(program []string) string {
	words := make([]string, len(program))
	for i, word := range program {
		if words[i] = word; !shellWord.MatchString(word) {
			words[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}

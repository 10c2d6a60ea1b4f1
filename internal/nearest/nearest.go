// Package nearest guesses what a mistyped word was meant to be.
package nearest

import "strings"

// longest is the longest word that is compared: no name we know is longer.
const longest = 100

// To is the candidate that a misspelled word probably meant: one that few
// letters tell from it, whatever the case, and hyphens, underscores and spaces
// taken for the same. Empty if none is near.
func To(word string, candidates []string) string {
	best, least := "", 1+max(1, len(word)/3)
	if len(word) > longest {
		return ""
	}
	for _, candidate := range candidates {
		if d := letters(plain(word), plain(candidate)); d < least {
			best, least = candidate, d
		}
	}
	return best
}

// Apart is how many letters tell two words from each other, as To counts them.
func Apart(word, candidate string) int {
	if len(word) > longest || len(candidate) > longest {
		return longest
	}
	return letters(plain(word), plain(candidate))
}

func plain(word string) string {
	return strings.NewReplacer("-", "_", " ", "_").Replace(strings.ToLower(word))
}

// letters is how many letters have to be put in, taken out, replaced or swapped
// with their neighbour to make one word into another.
func letters(from, to string) int {
	rows := make([][]int, len(from)+1)
	for i := range rows {
		rows[i] = make([]int, len(to)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(from); i++ {
		for j := 1; j <= len(to); j++ {
			cost := 1
			if from[i-1] == to[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && from[i-1] == to[j-2] && from[i-2] == to[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(from)][len(to)]
}

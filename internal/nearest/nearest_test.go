package nearest

import (
	"strings"
	"testing"
)

func TestHowFarWordsAreApartIsCountedInLetters(t *testing.T) {
	for _, test := range []struct {
		name, word, candidate string
		want                  int
	}{
		{"the same in another case", "Skip_Next", "skip-next", 0},
		{"one left out", "skipnext", "skip-next", 1},
		{"a part", "next", "skip-next", 5},
		{"longer than any name", strings.Repeat("x", 101), "x", 100},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := Apart(test.word, test.candidate); got != test.want {
				t.Errorf("Apart(%q, %q) = %d, want %d", test.word, test.candidate, got, test.want)
			}
		})
	}
}

func TestTheNearestCandidateIsFound(t *testing.T) {
	candidates := []string{"report", "cleanup", "daily-mail", "catch_up"}
	for _, test := range []struct{ name, word, want string }{
		{"a letter too many", "reports", "report"},
		{"a letter too few", "clenup", "cleanup"},
		{"another letter", "rebort", "report"},
		{"two swapped", "reoprt", "report"},
		{"another case", "Report", "report"},
		{"a hyphen for an underscore", "catch-up", "catch_up"},
		{"an underscore for a hyphen", "daily_mail", "daily-mail"},
		{"nothing near", "invoice", ""},
		{"nothing at all", "", ""},
		{"longer than any name", strings.Repeat("x", 101), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := To(test.word, candidates); got != test.want {
				t.Errorf("To(%q) = %q, want %q", test.word, got, test.want)
			}
		})
	}
}

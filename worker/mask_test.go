package worker

import (
	"strings"
	"testing"
)

// inPieces masks a text that arrives in pieces of the given size.
func inPieces(m *masker, text string, size int) string {
	var shown strings.Builder
	for len(text) > 0 {
		n := min(size, len(text))
		shown.Write(m.mask([]byte(text[:n]), false))
		text = text[n:]
	}
	shown.Write(m.mask(nil, true))
	return shown.String()
}

func TestSecretsAreHiddenHoweverTheyArrive(t *testing.T) {
	tests := []struct {
		name    string
		secrets []string
		text    string
		want    string
	}{
		{"none", nil, "text", "text"},
		{"one", []string{"s3cret"}, "a s3cret b s3cret", "a *** b ***"},
		{"in a row", []string{"s3cret"}, "s3crets3cret!", "******!"},
		{"a beginning that comes to nothing", []string{"s3cret"}, "s3cre s3cre", "s3cre s3cre"},
		{"one that begins another", []string{"s3cret", "s3cret-long"}, "s3cret-long s3cret-lo s3cret", "*** ***-lo ***"},
		{"one that repeats itself", []string{"abab"}, "abababx abx", "***x abx"},
		{"overlapping", []string{"abcde", "defgh"}, "abcdefghi", "***i"},
		{"one within another", []string{"abcdefgh", "cdef"}, "abcdefgh cdef abcdef", "*** *** ab***"},
		{"too short to hide", []string{"abc", ""}, "abc", "abc"},
		{"without the newline a file ends in", []string{"s3cret\n"}, "s3cret.", "***."},
		{"the lines of a key", []string{"-----BEGIN-----\nMIIEvQIBADAN\nshort\n"}, "key: MIIEvQIBADAN short", "key: *** short"},
		{"not of ASCII", []string{"pässwörd"}, "<pässwörd>", "<***>"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for size := 1; size <= len(test.text)+1; size++ {
				if got := inPieces(newMasker(test.secrets), test.text, size); got != test.want {
					t.Errorf("in pieces of %d %q became %q, want %q", size, test.text, got, test.want)
				}
			}
			if got := newMasker(test.secrets).text(test.text); got != test.want {
				t.Errorf("in one piece %q became %q, want %q", test.text, got, test.want)
			}
		})
	}
}

func TestOutputThatCannotBecomeASecretIsNotHeldBack(t *testing.T) {
	m := newMasker([]string{"s3cret"})
	if got := string(m.mask([]byte("progress 10%"), false)); got != "progress 10%" {
		t.Errorf("of %q only %q was shown at once", "progress 10%", got)
	}
}

func FuzzMask(f *testing.F) {
	f.Add("a s3cret", "s3cret", "s3cret-long", uint8(3))
	f.Add("abababab", "abab", "baba", uint8(1))
	f.Fuzz(func(t *testing.T, text, one, other string, size uint8) {
		if strings.ContainsAny(one+other, "*") {
			t.Skip("a mask may itself complete such a secret")
		}
		m := newMasker([]string{one, other})
		whole := m.text(text)
		if got := inPieces(m, text, max(1, int(size))); got != whole {
			t.Errorf("in pieces of %d %q became %q, in one %q", size, text, got, whole)
		}
		for _, secret := range []string{one, other} {
			if len(secret) >= shortestSecret && strings.Contains(whole, secret) {
				t.Errorf("%q shows the secret %q", whole, secret)
			}
		}
	})
}

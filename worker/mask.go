package worker

import (
	"bytes"
	"slices"
	"strings"
)

const (
	// masked stands where a secret stood.
	masked = "***"
	// shortestSecret: shorter values occur by chance everywhere, and hiding
	// them would hide the output.
	shortestSecret = 4
	// shortestLine is the same for a line of a secret that has several, such as
	// a key in PEM, which programs also print line by line.
	shortestLine = 8
)

// masker hides secrets in a stream that arrives in pieces. It holds back the
// end of a piece while it may be the beginning of a secret, and nothing else,
// so output without secrets is never delayed.
type masker struct {
	secrets [][]byte // longest first
	first   [256]bool
	held    []byte
	covered int // this many of the bytes to come belong to a secret already hidden
}

func newMasker(values []string) *masker {
	m := &masker{}
	for _, value := range values {
		m.add(value, shortestSecret)
		m.add(strings.TrimSpace(value), shortestSecret)
		if strings.Contains(value, "\n") {
			for line := range strings.Lines(value) {
				m.add(strings.TrimSpace(line), shortestLine)
			}
		}
	}
	slices.SortStableFunc(m.secrets, func(a, b []byte) int { return len(b) - len(a) })
	return m
}

func (m *masker) add(value string, shortest int) {
	known := func(secret []byte) bool { return string(secret) == value }
	if len(value) >= shortest && !slices.ContainsFunc(m.secrets, known) {
		m.secrets = append(m.secrets, []byte(value))
		m.first[value[0]] = true
	}
}

// mask returns what may be shown after piece arrived; with last, all of it.
// Secrets that overlap are hidden as one.
func (m *masker) mask(piece []byte, last bool) []byte {
	if len(m.secrets) == 0 {
		return piece
	}
	text := slices.Concat(m.held, piece)
	m.held = nil
	shown := make([]byte, 0, len(text))
	for i, c := range text {
		if m.first[c] {
			if !last && m.mayBegin(text[i:]) {
				m.held = slices.Clone(text[i:])
				return shown
			}
			if length := m.match(text[i:]); length > m.covered {
				if m.covered == 0 {
					shown = append(shown, masked...)
				}
				m.covered = length
			}
		}
		if m.covered > 0 {
			m.covered--
			continue
		}
		shown = append(shown, c)
	}
	return shown
}

// text hides the secrets in one finished text.
func (m *masker) text(text string) string {
	return string(m.another().mask([]byte(text), true))
}

// another masker hides the same secrets in another stream.
func (m *masker) another() *masker { return &masker{secrets: m.secrets, first: m.first} }

// mayBegin says whether more bytes could make rest a secret, or a longer one.
func (m *masker) mayBegin(rest []byte) bool {
	for _, secret := range m.secrets {
		if len(secret) <= len(rest) {
			return false
		}
		if bytes.HasPrefix(secret, rest) {
			return true
		}
	}
	return false
}

// match is the length of the longest secret rest begins with.
func (m *masker) match(rest []byte) int {
	for _, secret := range m.secrets {
		if bytes.HasPrefix(rest, secret) {
			return len(secret)
		}
	}
	return 0
}

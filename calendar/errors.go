package calendar

import (
	"fmt"
	"strings"
)

// Error says what is wrong with a when, to the person who wrote it.
type Error struct {
	Expression string // the whole expression, empty where the fault is not in one
	Field      string // what is wrong: "hour", "zone", "interval", …
	Text       string // the offending text
	Offset     int    // where Text begins in Expression, in bytes
	Problem    string // what is wrong with it: "is out of range"
	Allowed    string // what is allowed there: "a number from 0 to 23, …"
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Field)
	if e.Text != "" {
		fmt.Fprintf(&b, " %q", shortened(e.Text))
	}
	fmt.Fprintf(&b, " %s", e.Problem)
	if e.Allowed != "" {
		fmt.Fprintf(&b, "; allowed: %s", e.Allowed)
	}
	return b.String()
}

// shortened keeps messages readable when the offending text is not.
func shortened(text string) string {
	const enough = 60
	if len(text) <= enough {
		return text
	}
	return text[:enough] + "…"
}

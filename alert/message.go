package alert

import (
	"fmt"
	"strings"
	"time"
)

// Message tells of everything that one look has found.
type Message struct {
	At     time.Time `json:"at"`
	Text   string    `json:"text"` // for people
	Alerts []Change  `json:"alerts"`
	// More is how many changes it does not list.
	More int `json:"more,omitempty"`
}

// MostAlerts bounds how many changes a message lists.
const MostAlerts = 200

// NewMessage tells of changes.
func NewMessage(changes []Change, now time.Time) Message {
	m := Message{At: now, Alerts: changes}
	if len(changes) > MostAlerts {
		m.Alerts, m.More = changes[:MostAlerts], len(changes)-MostAlerts
	}
	var lines []string
	for _, c := range m.Alerts {
		lines = append(lines, c.String())
	}
	if m.More > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", m.More))
	}
	m.Text = strings.Join(lines, "\n")
	return m
}

// TestMessage tells of nothing but that messages arrive.
func TestMessage(by string, now time.Time) Message {
	return Message{At: now, Text: "This is a test by " + by + ": the alerts of punctual arrive here.", Alerts: []Change{}}
}

// headline is the change in a few words.
func (c Change) headline() string {
	word := map[Kind]string{Late: "is late", Missed: "was missed", Failing: "is failing", Running: "runs too long"}[c.Kind]
	if !c.Raised {
		word = map[Kind]string{
			Late: "is no longer late", Missed: "is enqueued again after it was missed", Failing: "has succeeded again", Running: "no longer runs too long",
		}[c.Kind]
	}
	return c.Schedule + " " + word
}

// String is the change in words.
func (c Change) String() string {
	text := c.headline()
	if c.Raised && c.Detail != "" {
		text += ": " + c.Detail
	}
	if !c.Raised && !c.Since.IsZero() {
		text += ", since " + c.Since.UTC().Format("2006-01-02 15:04 MST")
	}
	return text
}

// Subject is the message in a line.
func (m Message) Subject() string {
	switch len(m.Alerts) {
	case 0:
		return "a test"
	case 1:
		return m.Alerts[0].headline()
	}
	raised := 0
	for _, c := range m.Alerts {
		if c.Raised {
			raised++
		}
	}
	return fmt.Sprintf("%d alerts, %d recovered", raised, len(m.Alerts)-raised)
}

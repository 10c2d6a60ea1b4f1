package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/store"
)

// alertsGroup looks at what was told of schedules.
type alertsGroup struct {
	List alertsListCommand `cmd:"" help:"List what was told to be wrong and has not ended, and the last messages."`
	Test alertsTestCommand `cmd:"" help:"Send a message that tells of nothing, to see whether it arrives."`
}

// alertsListCommand lists.
type alertsListCommand struct {
	Limit int  `short:"n" default:"10" help:"How many messages to show, 1 to 1000."`
	JSON  bool `name:"json" help:"Print JSON."`
}

// Validate refuses what cannot be meant.
func (c *alertsListCommand) Validate() error {
	return limitAllowed(c.Limit)
}

// Run lists.
func (c *alertsListCommand) Run(a *app, s *settings) error {
	st, err := s.look(a)
	if err != nil {
		return err
	}
	defer st.Database().Close()
	raised, err := st.RaisedAlerts(a.Context)
	if err != nil {
		return fmt.Errorf("listing the alerts: %w", err)
	}
	messages, err := st.AlertMessages(a.Context, c.Limit)
	if err != nil {
		return fmt.Errorf("listing the messages: %w", err)
	}
	if c.JSON {
		return a.printJSON(map[string]any{"raised": append([]store.RaisedAlert{}, raised...), "messages": append([]store.AlertMessage{}, messages...)})
	}
	now, err := st.Now(a.Context)
	if err != nil {
		return err
	}
	printRaised(a, raised, now)
	if len(messages) > 0 {
		fmt.Fprintln(a.Stdout)
		printMessages(a, messages, now)
	}
	return nil
}

func printRaised(a *app, raised []store.RaisedAlert, now time.Time) {
	if len(raised) == 0 {
		fmt.Fprintln(a.Stdout, "Nothing is wrong that somebody was told of.")
		return
	}
	t := newTable("SCHEDULE", "ALERT", "SINCE", "TOLD TO")
	for _, one := range raised {
		t.row(cell{one.Schedule, bold}, cell{string(one.Kind), red}, cell{relative(one.Since, now), plain}, cell{one.Owner, plain})
	}
	t.write(a.Stdout, a.Terminal)
}

func printMessages(a *app, messages []store.AlertMessage, now time.Time) {
	t := newTable("MESSAGE", "RECIPIENT", "STATE", "TEXT")
	for _, m := range messages {
		text, more, _ := strings.Cut(m.Text, "\n")
		if more != "" {
			text += " …"
		}
		t.row(cell{relative(m.At, now), plain}, cell{m.Recipient, bold}, messageState(m), cell{text, plain})
	}
	t.write(a.Stdout, a.Terminal)
}

// messageState says what became of a message.
func messageState(m store.AlertMessage) cell {
	switch {
	case !m.EndedAt.IsZero() && m.Error == "":
		return cell{"sent", green}
	case !m.EndedAt.IsZero():
		return cell{"given up: " + oneLine(m.Error), red}
	case m.Error != "":
		return cell{fmt.Sprintf("tried %d times: %s", m.Tries, oneLine(m.Error)), yellow}
	}
	return cell{"on its way", plain}
}

// alertsTestCommand sends a message that tells of nothing.
type alertsTestCommand struct {
	Recipient string `arg:"" optional:"" help:"Whom to send it to; everybody by default."`
}

// Help says who sends it.
func (c *alertsTestCommand) Help() string {
	return "A process that runs sends it within seconds: with its environment, as it would send an alert. punctual alerts list shows what became of it."
}

// Run writes the message.
func (c *alertsTestCommand) Run(a *app, s *settings) error {
	st, err := s.look(a)
	if err != nil {
		return err
	}
	defer st.Database().Close()
	recipients, err := st.TestAlerts(a.Context, c.Recipient, actor())
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.Stdout, "A test is on its way to %s: punctual alerts list shows what becomes of it.\n", strings.Join(recipients, ", "))
	return err
}

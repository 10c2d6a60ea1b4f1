package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/punctual-dev/punctual/store"
)

// queuesGroup looks at the queues and pauses them.
type queuesGroup struct {
	List   queuesListCommand   `cmd:"" help:"List the queues, what waits in them, and who works them."`
	Pause  queuesPauseCommand  `cmd:"" help:"Let workers take nothing more from a queue."`
	Resume queuesResumeCommand `cmd:"" help:"End such a pause."`
}

// queuesListCommand lists.
type queuesListCommand struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// Run lists.
func (c *queuesListCommand) Run(a *app, s *settings) error {
	st, err := s.look(a)
	if err != nil {
		return err
	}
	defer st.Database().Close()
	all, err := st.QueueOverviews(a.Context)
	if err != nil {
		return fmt.Errorf("listing the queues: %w", err)
	}
	if c.JSON {
		return a.printJSON(append([]store.QueueOverview{}, all...))
	}
	if len(all) == 0 {
		_, err := fmt.Fprintln(a.Stdout, "There are no queues yet: no schedule names one, and no worker has run.")
		return err
	}
	now, err := st.Now(a.Context)
	if err != nil {
		return err
	}
	t := newTable("QUEUE", "STATE", "WAITING", "OLDEST", "RETRYING", "RUNNING", "WORKERS", "SCHEDULES")
	for _, q := range all {
		t.row(cell{q.Name, bold}, queueState(q, now), cell{strconv.Itoa(q.Waiting), plain}, cell{relative(q.Oldest, now), plain},
			cell{strconv.Itoa(q.Retrying), plain}, cell{fmt.Sprintf("%d of %d", q.Running, q.Concurrency), plain},
			cell{strconv.Itoa(q.Workers), plain}, cell{strconv.Itoa(q.Schedules), plain})
	}
	t.write(a.Stdout, a.Terminal)
	for _, q := range all {
		for _, u := range q.Untaken {
			if q.Hold(u.Kind) == store.HeldUntaken {
				fmt.Fprintf(a.Stdout, "%s of the kind %s in %s: no worker alive takes that kind; %s.\n", counted(u.Waiting, "job")+" waiting", u.Kind, q.Name, store.StartsTaking(u.Kind))
			}
		}
	}
	return nil
}

// queueState says whether jobs of a queue get on.
func queueState(q store.QueueOverview, now time.Time) cell {
	switch {
	case !q.PausedAt.IsZero():
		return cell{"paused, " + relative(q.PausedAt, now), yellow}
	case q.Workers == 0 && q.Waiting > 0:
		return cell{"no worker", red}
	case q.Workers == 0:
		return cell{"no worker", yellow}
	}
	return cell{"open", green}
}

// queuesPauseCommand pauses a queue.
type queuesPauseCommand struct {
	Queue string `arg:"" help:"The name of the queue."`
	Note  string `help:"Why; it stands in the activity." placeholder:"TEXT"`
}

// Help says what goes on.
func (c *queuesPauseCommand) Help() string {
	return "Jobs that run go on, and the clock goes on queueing: nothing is skipped, it waits. To skip what falls due, pause the schedules instead."
}

// Run pauses. A repeat changes nothing.
func (c *queuesPauseCommand) Run(a *app, s *settings) error {
	st, err := s.look(a)
	if err != nil {
		return err
	}
	defer st.Database().Close()
	if err := queueExists(a, st, "pausing", c.Queue); err != nil {
		return err
	}
	paused, err := st.PauseQueue(a.Context, c.Queue, c.Note, actor())
	if err != nil {
		return err
	}
	all, err := st.QueueOverviews(a.Context)
	if err != nil {
		return err
	}
	for _, q := range all {
		if q.Name != c.Queue {
			continue
		}
		told := "Paused queue " + q.Name
		if !paused {
			told = fmt.Sprintf("Already paused: queue %s, since %s", q.Name, local(q.PausedAt, zonesOfAll(a, st).shared()))
			if c.Note != "" {
				told += "; the note is not kept"
			}
		}
		fmt.Fprintf(a.Stdout, "%s: %s waiting, %d running to their end. punctual queues resume %s\n", told, counted(q.Waiting, "job"), q.Running, q.Name)
	}
	return nil
}

// queueExists refuses a queue that nothing speaks of: to pause or resume it would
// change nothing, and a mistyped name would go on.
func queueExists(a *app, st *store.Store, doing, name string) error {
	all, err := st.QueueOverviews(a.Context)
	if err != nil {
		return err
	}
	var names []string
	for _, q := range all {
		if names = append(names, q.Name); q.Name == name {
			return nil
		}
	}
	text := fmt.Sprintf("%s queue %q: there is no such queue", doing, name)
	if near := meant(name, names); near != "" {
		text += fmt.Sprintf("; did you mean %s?", near)
	} else if len(names) > 0 {
		text += "; there are: " + some(names)
	}
	return &exitError{Code: 1, Message: text}
}

// queuesResumeCommand ends a pause.
type queuesResumeCommand struct {
	Queue string `arg:"" help:"The name of the queue."`
}

// Run resumes. A repeat changes nothing.
func (c *queuesResumeCommand) Run(a *app, s *settings) error {
	st, err := s.look(a)
	if err != nil {
		return err
	}
	defer st.Database().Close()
	if err := queueExists(a, st, "resuming", c.Queue); err != nil {
		return err
	}
	resumed, err := st.ResumeQueue(a.Context, c.Queue, actor())
	if err != nil {
		return fmt.Errorf("resuming queue %s: %w", c.Queue, err)
	}
	text := "Resumed queue %s.\n"
	if !resumed {
		text = "Queue %s is not paused; nothing was changed.\n"
	}
	_, err = fmt.Fprintf(a.Stdout, text, c.Queue)
	return err
}

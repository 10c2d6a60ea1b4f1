// Package watch looks, every few seconds in one of all processes, at what there
// is to be told of schedules, and sends it. What is told is decided by
// punctual/alert; each change is written down before it is sent, so that it is
// told once however many processes look, and sent until a recipient has taken it.
package watch

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/punctual-dev/punctual/alert"
)

// Store is what is needed of a store to find out what there is to tell.
type Store interface {
	WatchedAlerts(ctx context.Context) ([]alert.Watched, error)
	ClaimLook(ctx context.Context, w *alert.Watched) (bool, error)
	AlertFacts(ctx context.Context, w alert.Watched) ([]alert.Suspect, time.Time, error)
	TellAlerts(ctx context.Context, w alert.Watched, states map[int64]map[alert.Kind]alert.State, message alert.Message) (bool, error)
}

// Post is what is needed of it to send messages.
type Post interface {
	Now(ctx context.Context) (time.Time, error)
	ClaimDeliveries(ctx context.Context, ways []string, limit int) ([]alert.Delivery, error)
	EndDelivery(ctx context.Context, d alert.Delivery, failure string, again time.Time) error
	ClaimPing(ctx context.Context, w alert.Watched) (bool, error)
	// KeepsTime says whether the clocks do.
	KeepsTime(ctx context.Context) (bool, error)
}

// Options are the settings of a watch.
type Options struct {
	// Ways are those by which this process sends. Commands are for processes that
	// have the programs of the house.
	Ways []string
	// Directory is where commands run.
	Directory string
	// Variable looks up a name in the environment; os.LookupEnv by default.
	Variable func(name string) (string, bool)
	Logger   *slog.Logger
	// Transient says that an error is the database's condition, of which others
	// speak.
	Transient func(error) bool
}

// turnEvery is how often a process finds out whether there is something to do.
const turnEvery = 5 * time.Second

// Run looks and sends until ctx ends. Nothing that fails here ends the process.
func Run(ctx context.Context, store Store, post Post, o Options) error {
	w := newWatch(store, post, o)
	for ctx.Err() == nil {
		if err := w.turn(ctx); err != nil && ctx.Err() == nil && !o.Transient(err) {
			o.Logger.Error("alerts could not be looked at; it is tried again", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(turnEvery):
		}
	}
	return nil
}

type watch struct {
	Options
	store  Store
	post   Post
	client *http.Client
}

func newWatch(store Store, post Post, o Options) *watch {
	if o.Variable == nil {
		o.Variable = os.LookupEnv
	}
	client := &http.Client{
		Timeout:       sendTime,
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &watch{Options: o, store: store, post: post, client: client}
}

// turn does whatever is to be done now.
func (w *watch) turn(ctx context.Context) error {
	all, err := w.store.WatchedAlerts(ctx)
	if err != nil || len(all) == 0 {
		return err
	}
	settings := map[string]alert.Settings{}
	for _, one := range all {
		settings[one.Owner] = one.Settings
		if err := w.look(ctx, one); err != nil {
			return err
		}
		if err := w.ping(ctx, one); err != nil {
			return err
		}
	}
	return w.send(ctx, settings)
}

// look finds out what there is to tell, and writes it down together with the
// messages. If this process dies before, another finds the same; after it, another
// sends them.
func (w *watch) look(ctx context.Context, one alert.Watched) error {
	if len(one.Settings.To) == 0 {
		return nil
	}
	claimed, err := w.store.ClaimLook(ctx, &one)
	if err != nil || !claimed {
		return err
	}
	suspects, now, err := w.store.AlertFacts(ctx, one)
	if err != nil {
		return err
	}
	changes, states := alert.DecideAll(one.Settings, suspects, now)
	if len(states) == 0 {
		return nil
	}
	told, err := w.store.TellAlerts(ctx, one, states, alert.NewMessage(changes, now))
	if told {
		for _, change := range changes {
			w.Logger.Warn(change.String(), "schedule", change.Schedule, "alert", string(change.Kind), "raised", change.Raised)
		}
	}
	return err
}

// deliveriesAtOnce bounds how many messages a process takes upon itself.
const deliveriesAtOnce = 3

// send sends what is to be sent by now.
func (w *watch) send(ctx context.Context, settings map[string]alert.Settings) error {
	for ctx.Err() == nil {
		deliveries, err := w.post.ClaimDeliveries(ctx, w.Ways, deliveriesAtOnce)
		if err != nil || len(deliveries) == 0 {
			return err
		}
		for _, d := range deliveries {
			if err := w.deliver(ctx, settings[d.Owner], d); err != nil {
				return err
			}
		}
	}
	return nil
}

// deliver sends one message and writes down what became of it. If the process
// ends in between, the message is sent again.
func (w *watch) deliver(ctx context.Context, s alert.Settings, d alert.Delivery) error {
	failure := w.sendOne(ctx, s, d)
	if failure == nil {
		return w.post.EndDelivery(ctx, d, "", time.Time{})
	}
	now, err := w.post.Now(ctx)
	if err != nil {
		return err
	}
	again, more := d.NextTry(now)
	if !more {
		again = time.Time{}
		w.Logger.Error("an alert could not be sent and is given up", "recipient", d.Recipient, "error", failure, "tries", d.Tries)
	} else if d.Tries == 1 {
		w.Logger.Warn("an alert could not be sent; it is tried again", "recipient", d.Recipient, "error", failure)
	}
	return w.post.EndDelivery(ctx, d, failure.Error(), again)
}

package api

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/punctual-dev/punctual/alert"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
	"github.com/punctual-dev/punctual/web/access"
)

// Alerts are what somebody was told of, and who is told of what.
type Alerts struct {
	Raised   []store.RaisedAlert  `json:"raised" nullable:"false" doc:"What was told to be wrong and has not ended, in order of schedule."`
	Watched  []WatchedAlerts      `json:"watched" nullable:"false" doc:"Who is told of what; none: nobody is told of anything."`
	Messages []store.AlertMessage `json:"messages" nullable:"false" doc:"The newest, at most limit. One that has ended and has an error was given up."`
}

// WatchedAlerts are what one owner wants to be told.
type WatchedAlerts struct {
	Owner    string            `json:"owner" doc:"As in raised."`
	Late     schedule.Duration `json:"late,omitzero" doc:"How late tells somebody; left out: it does not."`
	Missed   bool              `json:"missed"`
	Failures int               `json:"failures,omitempty" doc:"How many in a row tell somebody; left out: they do not."`
	Running  schedule.Duration `json:"running,omitzero" doc:"How long a run tells somebody; left out: it does not."`
	Only     []string          `json:"only,omitempty" doc:"Keys and tags of those that are watched; left out: all."`
	Except   []string          `json:"except,omitempty" doc:"Keys and tags of those that are not."`
	To       []AlertRecipient  `json:"to" nullable:"false"`
	LookedAt time.Time         `json:"looked_at" doc:"When a process last looked."`
}

// AlertRecipient is somebody who is told.
type AlertRecipient struct {
	Name string `json:"name"`
	Way  string `json:"way" enum:"webhook,run,mail"`
}

type alertsInput struct {
	Limit int `query:"limit" minimum:"0" maximum:"1000" default:"20" doc:"How many messages."`
}

// alerts tells no addresses and no headers: they may be secrets.
func (a *api) alerts(ctx context.Context, in *alertsInput) (*answer[Alerts], error) {
	raised, err := a.Store.RaisedAlerts(ctx)
	if err != nil {
		return nil, err
	}
	watched, err := a.Store.WatchedAlerts(ctx)
	if err != nil {
		return nil, err
	}
	messages, err := a.Store.AlertMessages(ctx, in.Limit)
	all := Alerts{append([]store.RaisedAlert{}, raised...), []WatchedAlerts{}, append([]store.AlertMessage{}, messages...)}
	for _, one := range watched {
		all.Watched = append(all.Watched, watchedAlerts(one))
	}
	return reply(all, err)
}

func watchedAlerts(one alert.Watched) WatchedAlerts {
	s := one.Settings
	w := WatchedAlerts{
		Owner: one.Owner, Late: s.Late, Missed: s.Missed, Failures: s.Failures, Running: s.Running, Only: s.Only, Except: s.Except,
		To: []AlertRecipient{}, LookedAt: one.LookedAt,
	}
	for _, name := range slices.Sorted(maps.Keys(s.To)) {
		w.To = append(w.To, AlertRecipient{name, s.To[name].Way()})
	}
	return w
}

// alerting registers alerts.
func (a *api) alerting() {
	add(a, operation{
		id: "list-alerts", method: http.MethodGet, path: "/alerts", role: access.Viewer, tag: "state",
		summary: "List alerts", help: "What somebody was told to be wrong and has not ended, who is told of what, and the last messages.",
	}, a.alerts)
}

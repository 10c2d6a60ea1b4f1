package dashboard

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/punctual-dev/punctual/alert"
	"github.com/punctual-dev/punctual/store"
)

// raisedAlert is something that somebody was told of and that has not ended.
type raisedAlert struct {
	store.RaisedAlert
	Told []string // the recipients of its owner
}

// Who are they who were told, in words.
func (a raisedAlert) Who() string {
	if len(a.Told) == 0 {
		return "nobody any more"
	}
	return strings.Join(a.Told, ", ")
}

// alertsView is what the page of the alerts shows.
type alertsView struct {
	Raised   []raisedAlert
	Watched  []watchedRow
	Messages []messageRow
}

// watchedRow is what an owner wants to be told, in words.
type watchedRow struct {
	Owner string
	When  []string
	Which string
	Told  []toldRow
}

// toldRow is somebody who is told, and by which way.
type toldRow struct{ Name, Way string }

// messageRow is a message and what became of it.
type messageRow struct {
	store.AlertMessage
	Look  look
	State string
	Why   string
}

// alerts shows what somebody was told of, who is told of what, and what became of
// the last messages.
func (s *site) alerts(w http.ResponseWriter, r *http.Request) error {
	const most = 50
	p := s.newPage(r, "Alerts", "/alerts")
	watched, err := s.Store.WatchedAlerts(r.Context())
	if err != nil {
		return err
	}
	raised, err := s.Store.RaisedAlerts(r.Context())
	if err != nil {
		return err
	}
	messages, err := s.Store.AlertMessages(r.Context(), most)
	if err != nil {
		return err
	}
	v := alertsView{Raised: withTold(raised, watched)}
	for _, one := range watched {
		v.Watched = append(v.Watched, watchedOf(one))
	}
	for _, one := range messages {
		v.Messages = append(v.Messages, messageOf(one))
	}
	p.Main = v
	return s.show(w, r, "alerts", p)
}

// raisedAlerts are those of which somebody was told, by schedule.
func (s *site) raisedAlerts(ctx context.Context) (map[string][]raisedAlert, error) {
	raised, err := s.Store.RaisedAlerts(ctx)
	if err != nil || len(raised) == 0 {
		return nil, err
	}
	watched, err := s.Store.WatchedAlerts(ctx)
	all := map[string][]raisedAlert{}
	for _, one := range withTold(raised, watched) {
		all[one.Schedule] = append(all[one.Schedule], one)
	}
	return all, err
}

// withTold adds who was told.
func withTold(raised []store.RaisedAlert, watched []alert.Watched) []raisedAlert {
	told := map[string][]string{}
	for _, one := range watched {
		told[one.Owner] = slices.Sorted(maps.Keys(one.Settings.To))
	}
	all := make([]raisedAlert, len(raised))
	for i, one := range raised {
		all[i] = raisedAlert{one, told[one.Owner]}
	}
	return all
}

// watchedOf says what an owner wants to be told.
func watchedOf(one alert.Watched) watchedRow {
	set := one.Settings
	row := watchedRow{Owner: one.Owner, Which: "all its schedules"}
	if set.Late > 0 {
		row.When = append(row.When, fmt.Sprintf("late by %s", set.Late))
	}
	if set.Missed {
		row.When = append(row.When, "missed")
	}
	switch {
	case set.Failures == 1:
		row.When = append(row.When, "failing")
	case set.Failures > 1:
		row.When = append(row.When, fmt.Sprintf("failing %s in a row", counted(set.Failures, "time")))
	}
	if set.Running > 0 {
		row.When = append(row.When, fmt.Sprintf("running for %s", set.Running))
	}
	if len(set.Only) > 0 {
		row.Which = "only " + strings.Join(set.Only, ", ")
	}
	if len(set.Except) > 0 {
		row.Which += ", without " + strings.Join(set.Except, ", ")
	}
	for _, name := range slices.Sorted(maps.Keys(set.To)) {
		row.Told = append(row.Told, toldRow{name, set.To[name].Way()})
	}
	return row
}

// messageOf says what became of a message.
func messageOf(m store.AlertMessage) messageRow {
	row := messageRow{AlertMessage: m, Look: lookWaiting, State: "on its way"}
	switch {
	case !m.EndedAt.IsZero() && m.Error == "":
		row.Look, row.State = lookOK, "sent"
	case !m.EndedAt.IsZero():
		row.Look, row.State, row.Why = lookFailed, "given up", sentence(lastLine(m.Error))
	case m.Error != "":
		row.Look, row.State, row.Why = lookMissed, "tried "+counted(m.Tries, "time"), sentence(lastLine(m.Error))
	}
	return row
}

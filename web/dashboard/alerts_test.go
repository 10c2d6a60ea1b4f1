package dashboard

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/punctual-dev/punctual/alert"
	"github.com/punctual-dev/punctual/config"
	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
	"github.com/punctual-dev/punctual/web/access"
)

func TestWhoWasToldOfWhatIsShownWhereOneLooks(t *testing.T) {
	onBoth(t, "", func(h *house) {
		read, err := config.Parse("punctual.yaml", []byte(two), config.Options{})
		if err != nil {
			h.Fatal(err)
		}
		owner := schedule.Owner{Kind: schedule.OwnerFile, Name: "punctual.yaml"}
		_, err = h.store.Apply(h.Context(), read.Schedules, store.ApplyOptions{
			PlanOptions: schedule.PlanOptions{Owner: owner}, Actor: "ada",
			Alerts: &alert.Settings{Failures: 3, Missed: true, To: map[string]alert.Recipient{"ops": {Webhook: "https://example.com/${SECRET_PATH}"}}},
		})
		if err != nil {
			h.Fatal(err)
		}
		now := time.Now().UTC()
		err = h.store.Database().Transaction(h.Context(), func(tx database.Tx) error {
			_, err := tx.Exec(h.Context(), `INSERT INTO punctual_alert (owner, schedule_id, kind, raised, since_at)
				SELECT $1, id, 'failing', 1, $2 FROM punctual_schedule WHERE key = 'rare'`, owner.String(), now)
			if err != nil {
				return err
			}
			_, err = tx.Exec(h.Context(), "UPDATE punctual_schedule SET error = 'its zone is not known here', error_at = $1 WHERE key = 'rare'", now)
			return err
		})
		if err != nil {
			h.Fatal(err)
		}
		if _, err := h.store.TestAlerts(h.Context(), "ops", "ada"); err != nil {
			h.Fatal(err)
		}
		for path, says := range map[string]string{
			"/": "told ops", "/schedules/rare": "told to ops", "/alerts": "failing 3 times in a row",
		} {
			status, body := h.ask(access.Viewer, http.MethodGet, path, nil)
			if status != http.StatusOK || !strings.Contains(body, says) {
				h.Errorf("%s is answered with %d and does not say %q: %s", path, status, says, textOf(body))
			}
			if strings.Contains(body, "example.com/$") {
				h.Errorf("%s shows the address by which somebody is told", path)
			}
		}
		if _, body := h.ask(access.Viewer, http.MethodGet, "/schedules/night", nil); strings.Contains(body, "told to ops") {
			h.Error("a schedule of which nobody was told is said to be told of")
		}
		if _, body := h.ask(access.Viewer, http.MethodGet, "/alerts", nil); !strings.Contains(body, "on its way") {
			h.Error("the page of the alerts does not say what became of the messages")
		}
	})
}

package browsertest

import (
	"fmt"
	"testing"
	"time"

	"github.com/punctual-dev/punctual/store"
)

// some are schedules whose runs end in each way.
const some = `
timezone: Europe/Paris
alerts: { to: { ops: { run: "true" } } }
limits: { warehouse: 1 }
schedules:
  hello: { when: "every 1s", run: "echo hello; echo oops >&2", tags: [demo], description: "Says hello" }
  broken: { when: "every 10s", run: "echo about to fail; exit 3" }
  report: { when: "weekdays at 09:00", run: "echo report", catch_up: all, jitter: 5m, description: "The daily report", tags: [billing, nightly] }
  night: { when: "30 2 * * sun", timezone: America/New_York, http: { url: "https://example.com/prices", headers: { Authorization: "Bearer ${TOKEN}" } }, except: ["2026-12-27"] }
  stock: { when: "every 5s", run: "sleep 2", limit: warehouse, overlap: wait }
`

func TestSomebodyMakesAScheduleFollowsItsRunPausesItBackfillsItAndRetriesWhatFailed(t *testing.T) {
	onBoth(t, some, func(v *visit) {
		v.goTo("/schedules/new")
		v.write("input[name=key]", "mine")
		v.write("textarea[name=when]", "every 2 secs")
		v.sees("It cannot be saved like this")
		v.write("textarea[name=when]", "every 2s")
		v.write("select[name=kind]", "run")
		v.write("textarea[name=run]", `for i in 1 2 3; do echo "line $i"; sleep 0.3; done; test -e done || { touch done; exit 7; }`)
		v.await("the preview", `document.querySelector("#preview").innerText.toLowerCase().includes("every 2 seconds")`)
		v.click("button.primary", "Create")

		// It fires while one looks on: nobody reloads the page.
		v.sees("Created mine")
		v.await("a live row of the ledger", `document.querySelectorAll("tr[data-run]").length > 0`)
		v.click("tr[data-run] td a", "")
		v.sees("line 3")
		v.await("the end of the run", `/It ran and (failed|succeeded)/.test(document.querySelector("#verdict").innerText)`)

		v.goTo("/schedules/mine")
		v.write("form[action$='/pause'] input[name=note]", "to look at it")
		v.click("form[action$='/pause'] button", "Pause")
		v.sees("Paused mine")
		v.sees("to look at it")

		// What fell due in a pause is made up for after a look at what that means.
		paused := v.found(store.RunFilter{Key: "mine", State: "skipped", Error: "paused"}).Nominal
		v.goTo("/schedules/mine/backfill")
		v.write("input[name=from]", paused.Add(-time.Second).UTC().Format("2006-01-02T15:04:05"))
		v.write("input[name=to]", paused.Add(time.Second).UTC().Format("2006-01-02T15:04:05"))
		v.click("button", "Show what it would run")
		v.await("what it would run", `document.querySelector("#dry-run li")`)
		v.click("#dry-run button", "Run them")
		v.sees("has begun")
		v.await("a run of the backfill that ended well", `[...document.querySelectorAll("tr[data-run]")].some(r => r.innerText.includes("succeeded"))`)

		// The one that failed is found by the text of its error, and retried.
		v.goTo("/runs")
		v.write("input[name=schedule]", "mine")
		v.write("input[name=q]", "exit code 7")
		v.click("form.filter button", "Filter")
		v.sees("failed")
		v.click("tr[data-run] td a", "failed")
		v.sees("It ran and failed")
		v.click("form[action$='/retry'] button", "Retry")
		v.sees("runs again as soon as a worker is free")
		v.sees("It ran and succeeded")
		v.sees("in attempt 2")
	})
}

func TestEveryPageCanBeReadByEverybodyInLightAndDarkOnADeskAndOnAPhone(t *testing.T) {
	v := open(t, "sqlite:"+t.TempDir()+"/punctual.db", some)
	run := v.found(store.RunFilter{Key: "hello", State: "succeeded"})
	broken := v.found(store.RunFilter{Key: "broken", State: "failed"})
	pages := []struct{ name, path, has string }{
		{"overview", "/", "Needs attention"},
		{"schedules", "/schedules", "Says hello"},
		{"schedule", "/schedules/hello", "How it behaves"},
		{"daylight-saving", "/schedules/night", "America/New_York"},
		{"new", "/schedules/new", "What it would do"},
		{"trigger", "/schedules/hello/trigger", "Run now"},
		{"backfill", "/schedules/hello/backfill", "Show what it would run"},
		{"runs", "/runs", "hello"},
		{"run", fmt.Sprintf("/runs/%d", run.ID), "oops"},
		{"failed-run", fmt.Sprintf("/runs/%d", broken.ID), "exit code 3"},
		{"retry", "/runs/all?action=retry", "would be retried"},
		{"load", "/load", "Herds"},
		{"processes", "/processes", "worker"},
		{"alerts", "/alerts", "Told, and not ended"},
		{"activity", "/activity", "created"},
		{"why", "/schedules/night/why?at=2027-03-14T02:30", "What was due that day"},
		{"nothing", "/runs?schedule=nobody", "No run is like that"},
		{"fault", "/nowhere", "Not found"},
	}
	for _, scheme := range []string{"light", "dark"} {
		for _, size := range []struct {
			name          string
			width, height int64
		}{{"desk", 1280, 900}, {"phone", 390, 844}} {
			v.look(size.width, size.height, scheme)
			for _, page := range pages {
				v.goTo(page.path)
				v.sees(page.has)
				for _, found := range v.violations() {
					t.Errorf("%s, %s, %s: %s", page.path, scheme, size.name, found)
				}
				v.await("a page no wider than the window", "document.documentElement.scrollWidth <= innerWidth")
				v.picture(page.name + "-" + scheme + "-" + size.name)
			}
		}
	}
}

// found waits for the newest run that a filter lets through.
func (v *visit) found(f store.RunFilter) store.Run {
	v.Helper()
	f.Limit = 1
	for limit := time.Now().Add(patience); time.Now().Before(limit); time.Sleep(50 * time.Millisecond) {
		runs, err := v.Runs(v.Context(), f)
		if err != nil {
			v.Fatal(err)
		}
		if len(runs) > 0 {
			return runs[0]
		}
	}
	v.Fatalf("no run is like %+v", f)
	return store.Run{}
}

func TestAPageHasNoFaultInTheBrowsersConsoleAndTheKeyboardFindsASchedule(t *testing.T) {
	v := open(t, "sqlite:"+t.TempDir()+"/punctual.db", some)
	faults := v.consoleFaults()
	v.goTo("/")
	v.await("the scripts", "typeof htmx === 'object'")
	v.await("the search", `(() => { document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "/", bubbles: true})); return document.activeElement.id === "find"; })()`)
	v.write("#find", "repo")
	v.await("what was found", `document.querySelector("#found a[href='/schedules/report']")`)
	v.click("#found a", "report")
	v.sees("The daily report")
	v.await("times in the reader's zone", `[...document.querySelectorAll("time[data-form=relative]")].some(t => t.textContent.startsWith("in "))`)
	for _, path := range []string{"/schedules", "/schedules/new", "/runs", "/load", "/processes", "/activity"} {
		v.goTo(path)
	}
	v.goTo("/")
	for _, message := range faults() {
		t.Errorf("the console says %s", message)
	}
}

package examples_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/punctual-dev/punctual/internal/debian"
	"github.com/punctual-dev/punctual/internal/pgtest"
)

func TestAnAppInNodeIsStartedFromItsProcfileAndHasItsJobsDone(t *testing.T) {
	t.Parallel()
	if _, err := debian.Find("nodejs", "node"); err != nil {
		t.Fatalf("this example is an app in Node: %v", err)
	}
	address, port := pgtest.New(t), freePort(t)
	app := "http://127.0.0.1:" + port
	processes := release(t, "node-app", []string{
		"DATABASE_URL=" + address, "PORT=" + port, "APP_URL=" + app, "TASK_TOKEN=for-this-test",
	})
	if len(processes) != 3 || processes["web"] == nil || processes["worker"] == nil || processes["clock"] == nil {
		t.Fatalf("the Procfile names %v, want web, worker and clock", processes)
	}
	processes["web"].says("listening on port " + port)
	eventually(t, "the app has done two jobs of each kind", func() bool {
		done := counts(t, app)
		return done["report"] >= 2 && done["refresh"] >= 2
	})
	s := ledger(t, address)
	for _, key := range []string{"report", "refresh"} {
		eventually(t, "the ledger says that two of "+key+" succeeded", func() bool { return len(runsIn(t, s, key, "succeeded")) >= 2 })
	}
	lines, err := s.Outputs(t.Context(), runsIn(t, s, "report", "succeeded")[0].JobID, 0, 0)
	if err != nil || len(lines) == 0 {
		t.Errorf("what the command wrote is kept as %+v, %v", lines, err)
	}
	for _, key := range []string{"report", "refresh"} {
		if failed := runsIn(t, s, key, "failed"); len(failed) > 0 {
			t.Errorf("%s failed: %+v", key, failed)
		}
	}
	stopTogether(t, processes)
}

func TestTheReadmeOfTheAppInNodeDoesWhatItSays(t *testing.T) {
	t.Parallel()
	if _, err := debian.Find("nodejs", "node"); err != nil {
		t.Fatalf("this example is an app in Node: %v", err)
	}
	blocks := blocksOf(t, "node-app/README.md")
	if len(blocks) != 1 || blocks[0].language != "sh" {
		t.Fatalf("the README has %d blocks, want one of sh", len(blocks))
	}
	directory := t.TempDir()
	if err := os.CopyFS(directory, os.DirFS("node-app")); err != nil {
		t.Fatal(err)
	}
	script := strings.Replace(blocks[0].text, "PORT=3000", "PORT="+freePort(t), 1)
	output := succeeds(t, directory, nil, "bash", "-ec", "trap 'kill $(jobs -p); wait' EXIT\n"+script)
	for _, want := range []string{
		"punctual.yaml: 2 schedules, no faults", "2 created", `{"refresh":`, "succeeded", "2 schedules: every occurrence is accounted for",
	} {
		if !strings.Contains(output, want) {
			t.Errorf("no %q in:\n%s", want, output)
		}
	}
	if strings.Contains(output, " failed") {
		t.Errorf("something failed:\n%s", output)
	}
}

// stopTogether sends SIGTERM to all, as a platform does with an app that is
// restarted, and checks that each ends in order and in time.
func stopTogether(t *testing.T, processes map[string]*process) {
	t.Helper()
	began := time.Now()
	for _, p := range processes {
		p.signal(syscall.SIGTERM)
	}
	for _, p := range processes {
		p.ends(0)
		p.wroteNoTrace()
	}
	if took := time.Since(began); took > platformGrace {
		t.Errorf("the app took %s to end, which the platform bounds to %s", took, platformGrace)
	}
}

// counts asks the app what it has done.
func counts(t *testing.T, app string) map[string]int {
	t.Helper()
	response, err := http.Get(app + "/counts")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	done := map[string]int{}
	if err := json.NewDecoder(response.Body).Decode(&done); err != nil {
		t.Fatal(fmt.Errorf("reading the app's counts: %w", err))
	}
	return done
}

package examples_test

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/punctual-dev/punctual/internal/pgtest"
)

func TestAProgramThatKnowsOnlyRiverWorksWhatAScheduleFileAsksFor(t *testing.T) {
	t.Parallel()
	address := pgtest.New(t)
	environment := []string{"DATABASE_URL=" + address}
	succeeds(t, "river-worker", environment, "punctual", "apply")
	clock := start(t, "river-worker", environment, "punctual", "clock")
	// A worker of punctual leads River, and leaves alone what it does not know,
	// even in the queue it stands in.
	leader := start(t, "river-worker", environment, "punctual", "worker")
	foreign := start(t, t.TempDir(), environment, "river-worker")
	foreign.says("resized holidays to 300 for thumbnails@")
	s := ledger(t, address)
	eventually(t, "three jobs have succeeded", func() bool { return len(runsIn(t, s, "thumbnails", "succeeded")) >= 3 })
	for _, p := range []*process{clock, foreign, leader} {
		p.stops(10 * time.Second)
	}
	for _, run := range runsIn(t, s, "thumbnails", "succeeded") {
		if strings.Count(foreign.output.String(), " for "+run.Occurrence+"\n") != 1 {
			t.Errorf("the ledger says that %s succeeded; the foreign worker said\n%s", run.Occurrence, foreign.output)
		}
	}
	if failed := runsIn(t, s, "thumbnails", "failed"); len(failed) > 0 {
		t.Errorf("the worker of punctual failed what it does not know: %+v", failed)
	}
}

func TestTheForeignWorkerImportsNothingOfPunctual(t *testing.T) {
	t.Parallel()
	output, err := exec.Command("go", "list", "-json=Imports", "./river-worker").Output()
	if err != nil {
		t.Fatal(err)
	}
	var listed struct{ Imports []string }
	if err := json.Unmarshal(output, &listed); err != nil || len(listed.Imports) == 0 {
		t.Fatalf("go list answers %s, %v", output, err)
	}
	for _, path := range listed.Imports {
		if strings.Contains(path, "punctual") {
			t.Errorf("it imports %s", path)
		}
	}
}

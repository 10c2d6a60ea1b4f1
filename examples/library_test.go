package examples_test

import (
	"strings"
	"testing"
	"time"

	"github.com/punctual-dev/punctual/internal/pgtest"
	"github.com/punctual-dev/punctual/store"
)

func TestTheLibraryExampleGreetsOnItsOwnFileWithinSeconds(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	began := time.Now()
	greeter := start(t, directory, nil, "library")
	greeter.says("hello, world: this is greeting@")
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the first greeting came after %s, want seconds", took)
	}
	greeter.stops(5 * time.Second)
	if got := runsIn(t, ledger(t, "sqlite:"+directory+"/library.db"), "greeting", "succeeded"); len(got) == 0 {
		t.Error("the ledger knows of no greeting")
	}
}

func TestTwoOfTheLibraryExampleOnPostgresSayEachGreetingOnce(t *testing.T) {
	t.Parallel()
	address := pgtest.New(t)
	environment := []string{"DATABASE_URL=" + address}
	one, two := start(t, t.TempDir(), environment, "library"), start(t, t.TempDir(), environment, "library")
	s := openedBy(t, address, one, two)
	eventually(t, "three greetings have been said", func() bool { return len(runsIn(t, s, "greeting", "succeeded")) >= 3 })
	one.stops(5 * time.Second)
	two.stops(5 * time.Second)
	said := map[string]int{}
	for _, line := range append(greetings(one), greetings(two)...) {
		said[line]++
	}
	runs := runsIn(t, s, "greeting", "succeeded")
	if len(said) != len(runs) {
		t.Errorf("%d greetings were said and %d are in the ledger", len(said), len(runs))
	}
	for line, times := range said {
		if times != 1 {
			t.Errorf("%q was said %d times", line, times)
		}
	}
}

// openedBy is the ledger of a database once processes have made its tables.
func openedBy(t *testing.T, address string, processes ...*process) *store.Store {
	t.Helper()
	s := ledger(t, address)
	eventually(t, processes[0].name+" has made the tables", func() bool {
		ready, err := s.Migrated(t.Context())
		return err == nil && ready
	})
	return s
}

func greetings(p *process) (lines []string) {
	for line := range strings.Lines(p.output.String()) {
		if strings.HasPrefix(line, "hello, world") {
			lines = append(lines, line)
		}
	}
	return lines
}

package examples_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestTheFirstCommandOfTheReadmeTicksWithinSecondsAndSaysWhatItCaughtUp(t *testing.T) {
	directory := t.TempDir()
	file, err := os.ReadFile("../punctual.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(directory, "punctual.yaml"), file, 0o644); err != nil {
		t.Fatal(err)
	}
	startAgain := func() *process {
		return start(t, directory, nil, "punctual", "start", "--listen", "127.0.0.1:"+freePort(t))
	}
	first := startAgain()
	first.says("applied punctual.yaml")
	since := time.Now()
	first.says("| hello, it is ")
	if took := time.Since(since); took > 10*time.Second {
		t.Errorf("the first occurrence came %s after the first line; ten seconds are promised", took)
	}
	// Killed before the result is written down, the job would run again, and
	// what is caught up would be skipped behind it.
	eventually(t, "the run is on record", func() bool {
		return strings.Contains(succeeds(t, directory, nil, "punctual", "runs", "list", "--json"), `"succeeded"`)
	})
	first.signal(syscall.SIGKILL)
	<-first.ended

	// Two occurrences fall due while nothing runs.
	away := time.Now()
	eventually(t, "ten seconds go by", func() bool { return time.Since(away) > 11*time.Second })
	second := startAgain()
	second.says("hello missed 2, enqueued 1")
	succeeds(t, directory, nil, "punctual", "audit")
	list := succeeds(t, directory, nil, "punctual", "runs", "list", "--schedule", "hello")
	if !strings.Contains(list, "coalesced") {
		t.Errorf("what was coalesced is not listed:\n%s", list)
	}
	second.stops(platformGrace)
}

// TestEveryCommandInTheReadmeIsOne runs those that need no schedule of the
// reader's own.
func TestEveryCommandInTheReadmeIsOne(t *testing.T) {
	ran := 0
	for _, b := range blocksOf(t, "../README.md") {
		if b.language != "console" {
			continue
		}
		for line := range strings.Lines(b.text) {
			command, found := strings.CutPrefix(strings.TrimSpace(line), "$ ")
			if !found {
				continue
			}
			if arguments, found := strings.CutPrefix(command, "punctual next "); found {
				output := succeeds(t, t.TempDir(), nil, "sh", "-c", filepath.Join(programs, "punctual")+" next "+arguments)
				if !strings.Contains(output, "LOCAL") {
					t.Errorf("%s shows no instants:\n%s", command, output)
				}
				ran++
				continue
			}
			if err := commandsIn(command); err != nil {
				t.Error(err)
			}
		}
	}
	if ran != 2 {
		t.Errorf("%d commands of the README were run; the README has two that can be", ran)
	}
}

package main

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/punctual-dev/punctual/schedule"
)

const simulated = `
timezone: Europe/Berlin
schedules:
  report: {when: "daily at 02:30", run: "echo report"}
  backup: {when: "daily at 02:30", run: "echo backup"}
  often: {when: "every 15m", run: "echo often"}
  elsewhere: {when: "every 1s", run: "echo", enabled_in: production}
`

func TestSimulateTellsOccurrencesHerdsAndDaylightSaving(t *testing.T) {
	got := runIn(t, simulated, "simulate", "-", "--from", "2027-01-01", "--to", "2028-01-01")
	if got.code != 0 || got.errors != "" {
		t.Fatalf("simulate = %+v", got)
	}
	for _, want := range []string{
		"standard input from Fri 2027-01-01 00:00:00 UTC to Sat 2028-01-01 00:00:00 UTC: 35,770 occurrences of 3 schedules\n",
		"report    365          2027-01-01T01:30:00Z  2027-12-31T01:30:00Z  1d 1h        Every day at 02:30, Europe/Berlin\n",
		"3 jobs at 01:30:00Z, most on 2027-01-01, two or more on 147 days: backup, often, report\n",
		"report moved: 02:30 does not exist in Europe/Berlin on 2027-03-28",
	} {
		if !strings.Contains(got.out, want) {
			t.Errorf("no %q in:\n%s", want, got.out)
		}
	}
	if strings.Contains(got.out, "elsewhere") {
		t.Errorf("one that is paused here takes part:\n%s", got.out)
	}
}

func TestSimulateListsWhatIsDueInOrder(t *testing.T) {
	got := runIn(t, simulated, "simulate", "-", "--list", "--tz", "Europe/Berlin", "--from", "2027-03-28T00:50", "--to", "2027-03-28T03:10")
	want := `2027-03-28T00:00:00.000Z  often@2027-03-28T00:00:00Z
2027-03-28T00:15:00.000Z  often@2027-03-28T00:15:00Z
2027-03-28T00:30:00.000Z  often@2027-03-28T00:30:00Z
2027-03-28T00:45:00.000Z  often@2027-03-28T00:45:00Z
2027-03-28T01:00:00.000Z  backup@2027-03-28T01:00:00Z
2027-03-28T01:00:00.000Z  often@2027-03-28T01:00:00Z
2027-03-28T01:00:00.000Z  report@2027-03-28T01:00:00Z
`
	if got.code != 0 || got.out != want {
		t.Errorf("simulate --list = %+v, want\n%s", got, want)
	}
	lines := strings.Count(runIn(t, simulated, "simulate", "-", "--list", "--json", "--from", "2027-01-01", "--to", "2027-01-02").out, "\n")
	if lines != 98 {
		t.Errorf("%d lines of JSON, want 96 and 2", lines)
	}
}

func TestSimulatePrintsJSON(t *testing.T) {
	got := runIn(t, simulated, "simulate", "-", "--json", "--from", "2027-01-01", "--to", "2028-01-01")
	var f schedule.Forecast
	if err := json.Unmarshal([]byte(got.out), &f); err != nil {
		t.Fatalf("%v in %+v", err, got)
	}
	if f.Occurrences != 35770 || len(f.Schedules) != 3 || len(f.Herds) == 0 || len(f.Changes) != 4 {
		t.Errorf("the forecast is %+v", f)
	}
}

func TestSimulateDrawsAPictureThatIsWellFormed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "year.svg")
	if got := runIn(t, simulated, "simulate", "-", "--svg", path); got.code != 0 {
		t.Fatalf("simulate = %+v", got)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	paths := 0
	for decoder := xml.NewDecoder(file); ; {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == "path" {
			paths++
		}
	}
	if paths != len(shades) {
		t.Errorf("%d paths, want one for each of %d shades", paths, len(shades))
	}
}

func TestSimulateRefusesAStretchThatCannotBeMeant(t *testing.T) {
	for _, c := range []struct {
		name      string
		arguments []string
		want      string
	}{
		{"backwards", []string{"--from", "2027-01-02", "--to", "2027-01-01"}, "--to 2027-01-01T00:00:00Z is not after --from 2027-01-02T00:00:00Z"},
		{"a century", []string{"--from", "2027-01-01", "--to", "2127-01-01"}, "longer than ten years"},
		{"no instant", []string{"--from", "soon"}, `--from "soon" is not understood; allowed: now`},
		{"no zone", []string{"--tz", "EST5"}, "--tz: "},
	} {
		got := runIn(t, simulated, append([]string{"simulate", "-"}, c.arguments...)...)
		if got.code != 2 || !strings.Contains(got.errors, c.want) {
			t.Errorf("%s: %+v, want exit code 2 and %q", c.name, got, c.want)
		}
	}
}

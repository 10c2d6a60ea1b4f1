package config

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/punctual-dev/punctual/calendar"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestFaultsAreAllToldWithTheirPlaceAndAdvice(t *testing.T) {
	files, err := filepath.Glob("testdata/faults/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Parse("punctual.yaml", data, Options{})
			faulty, ok := errors.AsType[*Error](err)
			if !ok {
				t.Fatalf("Parse = %v, want an *Error", err)
			}
			got := strings.ReplaceAll(faulty.Error(), calendar.TZDataVersion(), "(version)") + "\n"
			golden := strings.TrimSuffix(file, ".yaml") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("faults:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

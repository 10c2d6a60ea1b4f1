// Package figure keeps what the measurements find: each figure beside a floor or
// a peer of the same run, and beside its goal.
package figure

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Figure is a line of the table.
type Figure struct {
	What string  `json:"what"`
	Unit string  `json:"unit"`
	Ours float64 `json:"ours"`
	// Beside is the floor or the peer; zero where the figure stands alone.
	Beside float64 `json:"beside,omitempty"`
	Peer   string  `json:"peer,omitempty"` // what stands beside it
	Goal   string  `json:"goal,omitempty"`
	Met    bool    `json:"met"`
	More   bool    `json:"more,omitempty"` // more is better
}

// Ratio is how many times worse ours is than what stands beside it; zero if
// nothing does.
func (f Figure) Ratio() float64 {
	switch {
	case f.Beside <= 0 || f.Ours <= 0: // as of what is early
		return 0
	case f.More:
		return f.Beside / f.Ours
	default:
		return f.Ours / f.Beside
	}
}

// At is the value below which a part of the values lies.
func At(values []float64, part float64) float64 {
	values = slices.Sorted(slices.Values(values))
	return values[int(math.Ceil(part*float64(len(values))))-1]
}

// Results are the figures of one program, and the machine they are of.
type Results struct {
	At      time.Time `json:"at"`
	Go      string    `json:"go"`
	OS      string    `json:"os"`
	Arch    string    `json:"arch"`
	CPUs    int       `json:"cpus"`
	Figures []Figure  `json:"figures"`
}

// Report prints the figures and keeps them in bench/results/NAME.json. Programs
// run in a folder of bench.
func Report(name string, all []Figure) error {
	if err := Print(os.Stdout, all); err != nil {
		return err
	}
	folder := filepath.Join("..", "results")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	text, err := json.MarshalIndent(Results{time.Now().UTC().Truncate(time.Second), runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), all}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, name+".json"), append(text, '\n'), 0o644)
}

// Print writes a table.
func Print(w io.Writer, all []Figure) error {
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(table, "what\tours\tbeside it\tratio\tgoal\tmet")
	for _, f := range all {
		beside, ratio, met := "–", "–", "no"
		if f.Beside != 0 {
			beside = strings.TrimSpace(number(f.Beside) + " " + f.Unit + " " + f.Peer)
			ratio = fmt.Sprintf("%.2f", f.Ratio())
		}
		switch {
		case f.Goal == "":
			met = "–"
		case f.Met:
			met = "yes"
		}
		fmt.Fprintf(table, "%s\t%s %s\t%s\t%s\t%s\t%s\n", f.What, number(f.Ours), f.Unit, beside, ratio, f.Goal, met)
	}
	return table.Flush()
}

// number has three digits that mean something.
func number(n float64) string {
	switch {
	case n >= 100:
		return fmt.Sprintf("%.0f", n)
	case n >= 10:
		return fmt.Sprintf("%.1f", n)
	default:
		return fmt.Sprintf("%.2f", n)
	}
}

// Grouped writes a number with its thousands apart.
func Grouped(n int) string {
	digits := fmt.Sprint(n)
	var parts []string
	for len(digits) > 3 {
		parts = append([]string{digits[len(digits)-3:]}, parts...)
		digits = digits[:len(digits)-3]
	}
	return strings.Join(append([]string{digits}, parts...), ",")
}

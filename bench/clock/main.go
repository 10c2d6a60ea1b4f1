// Command clock measures the clock: herds that are due at one instant, a spread
// load, a million schedules at rest, edits among them, catching up, and two
// clocks at once. The clocks are processes of their own. Beside them stands raw
// SQL that writes the same rows.
//
//	go run .                                     everything, about ten minutes
//	go run . -only herd -database postgres -small
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"

	"github.com/punctual-dev/punctual/bench/figure"
	"github.com/punctual-dev/punctual/bench/house"
)

// sizes are how much is measured.
type sizes struct {
	herds         []int
	spreadAmong   []int
	spreadSeconds int
	atRest        int
	missed        int
	pairSeconds   int
}

var (
	full = sizes{
		herds: []int{1_000, 10_000, 100_000}, spreadAmong: []int{20_000, 1_000_000}, spreadSeconds: 60,
		atRest: 1_000_000, missed: 240_000, pairSeconds: 40,
	}
	small = sizes{
		herds: []int{1_000, 10_000}, spreadAmong: []int{20_000}, spreadSeconds: 10,
		atRest: 20_000, missed: 12_000, pairSeconds: 10,
	}
)

// measurements are what there is to measure, on each kind of database.
var measurements = []struct {
	name    string
	measure func(context.Context, string, sizes) ([]figure.Figure, error)
}{
	{"herd", herds},
	{"spread", spreads},
	{"rest", rest},
	{"late", late},
	{"pair", pair},
}

// programs is the folder of what is built to be measured.
var programs string

func main() {
	database := flag.String("database", "", "measure only on this `kind`: postgres or sqlite")
	only := flag.String("only", "", "measure only this: `herd`, spread, rest, late or pair")
	less := flag.Bool("small", false, "small numbers, to see that it works")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *database, *only, *less); err != nil {
		fmt.Fprintf(os.Stderr, "clock: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, kind, only string, less bool) error {
	if runtime.GOOS != "linux" {
		return errors.New("the time and memory of other processes are read from /proc: this needs Linux")
	}
	var err error
	if programs, err = os.MkdirTemp("", "punctual-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(programs)
	if err := house.Build(ctx, programs); err != nil {
		return err
	}
	size := full
	if less {
		size = small
	}
	var all []figure.Figure
	for _, m := range measurements {
		if only != "" && only != m.name {
			continue
		}
		for _, k := range []string{"postgres", "sqlite"} {
			if kind != "" && kind != k {
				continue
			}
			found, err := m.measure(ctx, k, size)
			if err != nil {
				return fmt.Errorf("%s on %s: %w", m.name, k, err)
			}
			if err := figure.Print(os.Stderr, found); err != nil {
				return err
			}
			all = append(all, found...)
		}
	}
	if less || only != "" || kind != "" {
		return figure.Print(os.Stdout, all)
	}
	return figure.Report("clock", all)
}

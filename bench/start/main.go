// Command start measures how soon a command starts after its occurrence is due,
// and how many commands a second a worker runs, on each database, beside a loop
// that starts the same processes and does nothing else.
//
//	go run .
//	go run . -database sqlite -samples 50
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"text/tabwriter"
	"time"
)

// figure is a line of the table.
type figure struct {
	What  string  `json:"what"`
	Unit  string  `json:"unit"`
	Ours  float64 `json:"ours"`
	Floor float64 `json:"floor"`
	Goal  string  `json:"goal"`
	Met   bool    `json:"met"`
}

// goals are what is wanted of a database.
type goals struct {
	kind     string
	p50, p99 time.Duration // from due to the child's first instruction
	times    float64       // how much longer than the bare loop
}

var wanted = []goals{
	{"postgres", 15 * time.Millisecond, 60 * time.Millisecond, 1.5},
	{"sqlite", 30 * time.Millisecond, 90 * time.Millisecond, 2.5},
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == childArgument {
		note(os.Args[2])
		return
	}
	only := flag.String("database", "", "measure only on this `kind`: postgres or sqlite")
	samples := flag.Int("samples", 120, "how many starts to measure, four a second")
	commands := flag.Int("commands", 2000, "how many commands to run as fast as they go")
	flag.Parse()
	if err := measure(context.Background(), *only, *samples, *commands); err != nil {
		fmt.Fprintf(os.Stderr, "start: %v\n", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context, only string, samples, commands int) error {
	var all []figure
	for _, g := range wanted {
		if only != "" && only != g.kind {
			continue
		}
		for _, measure := range []func(*house, context.Context) ([]figure, error){
			func(h *house, ctx context.Context) ([]figure, error) { return h.latency(ctx, g, samples) },
			func(h *house, ctx context.Context) ([]figure, error) { return h.throughput(ctx, g, commands) },
		} {
			found, err := inHouse(ctx, g.kind, measure)
			if err != nil {
				return fmt.Errorf("on %s: %w", g.kind, err)
			}
			all = append(all, found...)
		}
	}
	if err := show(all); err != nil {
		return err
	}
	return keep(all)
}

// inHouse measures over an empty database.
func inHouse(ctx context.Context, kind string, measure func(*house, context.Context) ([]figure, error)) ([]figure, error) {
	h, err := newHouse(ctx, kind)
	defer h.close()
	if err != nil {
		return nil, err
	}
	return measure(h, ctx)
}

func show(all []figure) error {
	table := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "what\tours\tfloor\tratio\tgoal\tmet\t")
	for _, f := range all {
		ratio := f.Ours / f.Floor
		if f.Unit == "commands/s" {
			ratio = f.Floor / f.Ours
		}
		met := "no"
		if f.Met {
			met = "yes"
		}
		fmt.Fprintf(table, "%s\t%.1f %s\t%.1f %s\t%.2f\t%s\t%s\t\n", f.What, f.Ours, f.Unit, f.Floor, f.Unit, ratio, f.Goal, met)
	}
	return table.Flush()
}

// keep writes the figures down, with the machine they are of.
func keep(all []figure) error {
	if err := os.MkdirAll("../results", 0o755); err != nil {
		return err
	}
	text, err := json.MarshalIndent(map[string]any{
		"at": time.Now().UTC().Truncate(time.Second), "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH, "cpus": runtime.NumCPU(), "figures": all,
	}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile("../results/start.json", append(text, '\n'), 0o644)
}

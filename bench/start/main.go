// Command start measures how soon a command starts after its occurrence is due,
// and how many commands a second a worker runs, on each database, beside a loop
// that starts the same processes and does nothing else.
//
//	go run .
//	go run . -database sqlite -samples 50
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/punctual-dev/punctual/bench/figure"
)

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
	only := flag.String("database", "", "measure only on this `kind`: postgres or sqlite")
	samples := flag.Int("samples", 120, "how many starts to measure, four a second")
	commands := flag.Int("commands", 3000, fmt.Sprintf("how many commands to run as fast as they go, %d times", rounds))
	flag.Parse()
	if err := measure(context.Background(), *only, *samples, *commands); err != nil {
		fmt.Fprintf(os.Stderr, "start: %v\n", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context, only string, samples, commands int) error {
	var all []figure.Figure
	for _, g := range wanted {
		if only != "" && only != g.kind {
			continue
		}
		for _, measure := range []func(*house, context.Context) ([]figure.Figure, error){
			func(h *house, ctx context.Context) ([]figure.Figure, error) { return h.latency(ctx, g, samples) },
			func(h *house, ctx context.Context) ([]figure.Figure, error) { return h.throughput(ctx, g, commands) },
		} {
			found, err := inHouse(ctx, g.kind, measure)
			if err != nil {
				return fmt.Errorf("on %s: %w", g.kind, err)
			}
			all = append(all, found...)
		}
	}
	return figure.Report("start", all)
}

// inHouse measures over an empty database.
func inHouse(ctx context.Context, kind string, measure func(*house, context.Context) ([]figure.Figure, error)) ([]figure.Figure, error) {
	h, err := newHouse(ctx, kind)
	defer h.close()
	if err != nil {
		return nil, err
	}
	return measure(h, ctx)
}

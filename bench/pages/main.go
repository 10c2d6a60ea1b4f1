// Command pages measures how long the web process takes to answer for each page
// of the dashboard and each list of the API, over many schedules and a long
// ledger, on each database, beside /healthz in the same run.
//
//	go run .
//	go run . -database sqlite -rows 100000 -schedules 1000
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/bench/figure"
)

// goal is what a page may take at its 95th percentile.
const goal = 100 * time.Millisecond

// size is how much is in the database.
type size struct{ schedules, rows int }

func main() {
	only := flag.String("database", "", "measure only on this `kind`: postgres or sqlite")
	schedules := flag.Int("schedules", 10_000, "how many schedules there are")
	rows := flag.Int("rows", 1_000_000, "how many rows the ledger has")
	samples := flag.Int("samples", 40, "how often each page is asked for")
	which := flag.String("page", "", "ask only for pages with this `text` in their name")
	keep := flag.String("keep", "", "a `folder` to keep the databases in and to take them from")
	profile := flag.String("cpuprofile", "", "a `file` to write the profile of the asking to")
	flag.Parse()
	m := measurement{size: size{*schedules, *rows}, samples: *samples, which: *which, keep: *keep, profile: *profile}
	if err := m.report(context.Background(), *only); err != nil {
		fmt.Fprintf(os.Stderr, "pages: %v\n", err)
		os.Exit(1)
	}
}

type measurement struct {
	size
	samples              int
	which, keep, profile string
}

func (m measurement) report(ctx context.Context, only string) error {
	var all []figure.Figure
	for _, kind := range []string{"postgres", "sqlite"} {
		if only != "" && only != kind {
			continue
		}
		found, err := m.on(ctx, kind)
		if err != nil {
			return fmt.Errorf("on %s: %w", kind, err)
		}
		all = append(all, found...)
	}
	if only != "" || m.which != "" {
		return figure.Print(os.Stdout, all) // a part is not kept as if it were all
	}
	return figure.Report("pages", all)
}

// on measures on one kind of database.
func (m measurement) on(ctx context.Context, kind string) ([]figure.Figure, error) {
	h, err := openHouse(ctx, kind, m.size, m.keep)
	defer h.close()
	if err != nil {
		return nil, err
	}
	asked, err := h.pages(ctx)
	if err != nil {
		return nil, err
	}
	asked = slices.DeleteFunc(asked, func(p page) bool { return p.name != floor && !strings.Contains(p.name, m.which) })
	took, err := h.ask(ctx, asked, m.samples, m.profile)
	if err != nil {
		return nil, err
	}
	var all []figure.Figure
	for _, p := range asked {
		for _, part := range []float64{0.5, 0.95} {
			f := figure.Figure{What: fmt.Sprintf("%s: %s, p%.0f", kind, p.name, part*100), Unit: "ms", Ours: figure.At(took[p.name], part)}
			if p.name != floor {
				f.Beside, f.Peer = figure.At(took[floor], part), floor
			}
			if part == 0.95 {
				limit := goal.Seconds() * 1000
				f.Goal, f.Met = fmt.Sprintf("≤ %.0f ms", limit), f.Ours <= limit
			}
			all = append(all, f)
		}
	}
	return all, nil
}

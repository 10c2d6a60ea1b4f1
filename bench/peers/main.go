// Command peers measures the clock beside other schedulers: River's periodic
// jobs, asynq's scheduler, and robfig/cron with an insert of each entry. Each is
// a process of its own over an empty database of its own, one after the other.
//
//	go run .                        everything, about twenty minutes
//	go run . -only herd -small
//
// On Postgres the instant of a commit is the server's own
// (track_commit_timestamp). It is taken just before the commit goes to the disk,
// for all alike; what that takes is printed. Redis is asked some
// four hundred times a second.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"time"

	"github.com/punctual-dev/punctual/bench/figure"
	"github.com/punctual-dev/punctual/bench/house"
	"github.com/punctual-dev/punctual/bench/process"
)

// sizes are how much is measured.
type sizes struct {
	herds  []int
	spread int           // schedules
	every  time.Duration // each of them is due once
	warm   time.Duration // is not measured: our schedules are spread by it
	length time.Duration // a multiple, so that it is known how many are due
}

var (
	full  = sizes{herds: []int{10_000, 100_000}, spread: house.SpreadSchedules, every: house.SpreadEvery, warm: house.SpreadEvery + 5*time.Second, length: time.Minute}
	small = sizes{herds: []int{1_000}, spread: house.SpreadSchedules, every: house.SpreadEvery, warm: house.SpreadEvery + 5*time.Second, length: house.SpreadEvery}
)

// measurements are what there is to measure.
var measurements = []struct {
	name    string
	measure func(context.Context, sizes) ([]figure.Figure, error)
}{
	{"herd", herds},
	{"spread", spreads},
}

func main() {
	only := flag.String("only", "", "measure only this: `herd` or spread")
	less := flag.Bool("small", false, "small numbers, to see that it works")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *only, *less); err != nil {
		fmt.Fprintf(os.Stderr, "peers: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, only string, less bool) error {
	remove, err := build(ctx)
	if err != nil {
		return err
	}
	defer remove()
	size := full
	if less {
		size = small
	}
	var all []figure.Figure
	for _, m := range measurements {
		if only != "" && only != m.name {
			continue
		}
		found, err := m.measure(ctx, size)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		all = append(all, found...)
	}
	if less || only != "" {
		return figure.Print(os.Stdout, all)
	}
	return figure.Report("peers", all)
}

// programs is the folder of what is built to be measured.
var programs string

// build makes the programs, until they are removed.
func build(ctx context.Context) (remove func(), err error) {
	if runtime.GOOS != "linux" {
		return nil, errors.New("the time and memory of other processes are read from /proc: this needs Linux")
	}
	if programs, err = os.MkdirTemp("", "punctual-bench-"); err != nil {
		return nil, err
	}
	remove = func() { os.RemoveAll(programs) }
	err = house.Build(ctx, programs)
	for _, name := range []string{"river", "cron", "asynq"} {
		err = errors.Join(err, process.Build(ctx, ".", "./"+name, filepath.Join(programs, name)))
	}
	if err != nil {
		remove()
	}
	return remove, err
}

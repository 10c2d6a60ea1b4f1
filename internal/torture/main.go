// Command torture runs clocks, workers and the web process as real processes,
// kills, freezes and starves them and their database, and then asks, by the audit
// and by SQL of its own, whether anything was lost or doubled.
//
// There are scenarios, each with limits of its own, and with --for the random
// form: whatever comes into the mind of a seed, for as long as is asked.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/punctual-dev/punctual/internal/pgtest"
)

// scenario is one way to be cruel.
type scenario struct {
	name  string
	about string
	run   func(ctx context.Context, h *house, r *report) error
	kinds []string // of database
	long  bool     // left out of the short form, unless asked for
	small bool     // on a small disk of its own
}

var scenarios = []scenario{
	{"kill", "clocks are killed with kill -9 every few seconds and started again", killClocks, []string{"postgres", "sqlite"}, false, false},
	{"freeze", "a clock is stopped with SIGSTOP in mid-transaction", freezeClock, []string{"postgres"}, false, false},
	{"worker", "a worker is killed with kill -9 while all its commands run", killWorker, []string{"postgres", "sqlite"}, true, false},
	{"frozen", "a worker is stopped with SIGSTOP while all its commands run, and goes on when others have them", freezeWorker, []string{"postgres", "sqlite"}, true, false},
	{"away", "the database is away while a hundred commands run on three workers", awayFromWorkers, []string{"postgres"}, true, false},
	{"rolling", "one of three workers after the other is restarted, under load", rollingRestart, []string{"postgres", "sqlite"}, false, false},
	{"shifted", "every process is on a host whose clock is wrong by minutes, hours or a day", shiftClocks, []string{"postgres"}, true, false},
	{"full", "the disk under the database is full for seconds, again and again", fillDisk, []string{"postgres", "sqlite"}, true, true},
	{"outage", "the database crashes for three seconds across a due instant of a hundred schedules", databaseAway, []string{"postgres"}, false, false},
}

// lengths are how long each scenario goes on.
type lengths struct {
	kill, freeze, away time.Duration
	rolling            time.Duration
	frozen             time.Duration // how long a worker is stopped
	shifted, full      time.Duration
	longAway           time.Duration // more than it takes to be found dead
	jobs               int           // that run when a worker is lost
}

var (
	short = lengths{kill: 20 * time.Second, freeze: 15 * time.Second, away: 3 * time.Second,
		rolling: 20 * time.Second, frozen: 30 * time.Second, shifted: 20 * time.Second, full: 20 * time.Second, longAway: 25 * time.Second, jobs: 50}
	long = lengths{kill: 2 * time.Minute, freeze: time.Minute, away: 3 * time.Second,
		rolling: 2 * time.Minute, frozen: time.Minute, shifted: time.Minute, full: time.Minute, longAway: time.Minute, jobs: 1000}
)

func main() {
	isShort := flag.Bool("short", false, "a shorter form, for CI")
	jobs := flag.Int("jobs", long.jobs, fmt.Sprintf("how many `commands` run when a worker is lost; %d in the short form, unless this is given", short.jobs))
	only := flag.String("only", "", "run only the `scenario` of this name: "+names()+"; with --for: only events whose names have this in them")
	database := flag.String("database", "", "run only on this `kind`: postgres or sqlite")
	keep := flag.Bool("keep", false, "keep the directory with files and logs, which is kept anyway if something is wanting")
	length := flag.Duration("for", 0, "no scenarios, but random events for this `long` on each database")
	seed := flag.Uint64("seed", 0, "what the random events are drawn from: the same `number`, the same events; a new one by default")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	l := long
	if *isShort {
		l = short
	}
	flag.Visit(func(f *flag.Flag) {
		if f.Name == "jobs" {
			l.jobs = *jobs
		}
	})
	o := options{lengths: l, only: *only, database: *database, keep: *keep, random: *length, seed: *seed}
	if o.seed == 0 {
		o.seed = rand.Uint64N(1e6) + 1
	}
	if err := torture(ctx, o); err != nil {
		fmt.Fprintf(os.Stderr, "torture: %v\n", err)
		os.Exit(1)
	}
}

func names() string {
	var all []string
	for _, s := range scenarios {
		all = append(all, s.name)
	}
	return strings.Join(all, ", ")
}

// options are what is asked for.
type options struct {
	lengths
	only, database string
	keep           bool
	random         time.Duration // of the random form; 0: scenarios
	seed           uint64
}

// shortRandom is how long the random form takes on each database in the short
// form of all.
const shortRandom = 25 * time.Second

func torture(ctx context.Context, o options) (err error) {
	directory, err := os.MkdirTemp("", "punctual-torture-")
	if err != nil {
		return err
	}
	defer func() {
		if err == nil && !o.keep {
			os.RemoveAll(directory)
			return
		}
		fmt.Println("files and logs are in", directory)
	}()
	binary := filepath.Join(directory, "punctual")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/punctual").CombinedOutput(); err != nil {
		return fmt.Errorf("building punctual: %w\n%s", err, out)
	}
	wanting := 0
	if o.random == 0 {
		if wanting, err = scenariosOf(ctx, o, binary, directory); err != nil {
			return err
		}
		if o.lengths == short && o.only == "" {
			o.random = shortRandom
		}
	}
	if o.random > 0 {
		n, err := randomly(ctx, o, binary, directory)
		if err != nil {
			return err
		}
		wanting += n
	}
	if wanting > 0 {
		return fmt.Errorf("%d of what was tried found something wanting", wanting)
	}
	fmt.Println("nothing lost, nothing doubled")
	return nil
}

// scenariosOf runs the scenarios that are asked for, and says how many found
// something wanting.
func scenariosOf(ctx context.Context, o options, binary, directory string) (wanting int, err error) {
	for _, s := range scenarios {
		if o.only != "" && s.name != o.only || o.only == "" && s.long && o.lengths == short {
			continue
		}
		for _, kind := range s.kinds {
			if o.database != "" && kind != o.database {
				continue
			}
			ok, err := one(ctx, s, kind, binary, directory, o.lengths)
			if err != nil {
				return wanting, fmt.Errorf("%s on %s: %w", s.name, kind, err)
			}
			if !ok {
				wanting++
			}
		}
	}
	return wanting, nil
}

// randomly runs the random form on each database that is asked for.
func randomly(ctx context.Context, o options, binary, directory string) (wanting int, err error) {
	for _, kind := range both {
		if o.database != "" && kind != o.database {
			continue
		}
		ok, err := besiege(ctx, o, kind, binary, directory)
		if err != nil {
			return wanting, fmt.Errorf("the random form with seed %d on %s: %w", o.seed, kind, err)
		}
		if !ok {
			wanting++
		}
	}
	return wanting, nil
}

func one(ctx context.Context, s scenario, kind, binary, directory string, l lengths) (bool, error) {
	fmt.Printf("\n%s on %s: %s\n", s.name, kind, s.about)
	place := filepath.Join(directory, s.name+"-"+kind)
	var server []pgtest.Option
	if s.small {
		unmount, err := mountSmall(place)
		if errors.Is(err, syscall.EPERM) {
			fmt.Println("  LEFT OUT: to mount a small file system takes root")
			return true, nil
		}
		if err != nil {
			return false, err
		}
		defer unmount()
		server = onSmallDisk(place)
	}
	h, err := newHouse(kind, binary, place, server...)
	if err != nil {
		return false, err
	}
	defer h.close()
	h.lengths = l
	watch, err := watchDisk(h.directory)
	if err != nil {
		return false, err
	}
	r := &report{house: h, disk: watch}
	if err := s.run(ctx, h, r); err != nil {
		watch.close()
		return false, err
	}
	h.stopAll()
	watch.close()
	if err := r.check(ctx); err != nil {
		return false, err
	}
	r.print()
	return len(r.faults) == 0, nil
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/punctual-dev/punctual/internal/network"
)

// siege is a house to which things happen at random, for a while.
type siege struct {
	house   *house
	network *network.Network // nil on SQLite
	web     string           // where the web process is
	options
	members []*member
	events  *os.File

	mu     sync.Mutex
	past   []event
	faults []string
}

// event is a cruelty that is over.
type event struct {
	name, said string
	span
}

// restOf is how long each lane leaves in peace between two cruelties, on
// average.
var restOf = map[string]time.Duration{"processes": 1500 * time.Millisecond, "database": 4 * time.Second, "garbage": 4 * time.Second}

// besiege runs the random form on one kind of database, and prints its page.
func besiege(ctx context.Context, o options, kind, binary, directory string) (ok bool, err error) {
	fmt.Printf("\n%s, seed %d, for %s\n", kind, o.seed, o.random)
	h, err := newHouse(kind, binary, filepath.Join(directory, "random-"+kind))
	if err != nil {
		return false, err
	}
	defer h.close()
	s := &siege{house: h, options: o}
	if s.events, err = os.Create(filepath.Join(h.directory, "events")); err != nil {
		return false, err
	}
	defer s.events.Close()
	defer s.close()
	if err := s.run(ctx); err != nil {
		return false, err
	}
	s.close()
	came, err := s.judge(ctx)
	if err != nil {
		return false, err
	}
	came.print(os.Stdout, s)
	return len(s.faults) == 0, nil
}

// run starts the house, does what the seed says to it for as long as it is to
// last, and lets it come to rest.
func (s *siege) run(ctx context.Context) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer func() {
		for _, m := range s.members {
			_ = m.dismiss(stopLimit)
		}
	}()
	cruel, stop := context.WithTimeout(ctx, s.random)
	defer stop()
	failures := make([]error, len(lanes))
	var wg sync.WaitGroup
	for i, lane := range lanes {
		wg.Go(func() {
			failures[i] = s.proceed(cruel, newDice(s.seed, lane, s.house.kind, restOf[lane], s.asked()))
			if failures[i] != nil {
				stop()
			}
		})
	}
	wg.Wait()
	if err := errors.Join(failures...); err != nil {
		return err
	}
	return s.rest(ctx)
}

// close takes away the network, if there is one: who judges asks the server
// itself.
func (s *siege) close() {
	if s.network != nil {
		s.network.Close()
		s.network, s.house.address = nil, s.house.server.URL()
	}
}

// asked are the cruelties that are asked for.
func (s *siege) asked() (all []cruelty) {
	for _, c := range cruelties {
		if strings.Contains(c.name, s.only) {
			all = append(all, c)
		}
	}
	return all
}

// begin applies the schedules and starts two clocks, two workers and the web
// process.
func (s *siege) begin(ctx context.Context) error {
	if err := s.house.apply(ctx, besieged); err != nil {
		return err
	}
	if s.house.kind == "postgres" {
		address, err := url.Parse(s.house.address)
		if err != nil {
			return err
		}
		if s.network, err = network.New(address.Host); err != nil {
			return err
		}
		address.Host = s.network.Address()
		s.house.address = address.String()
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	free.Close()
	s.web = "http://" + free.Addr().String()
	for _, name := range []string{"clock-1", "clock-2", "worker-1", "worker-2", "web-1"} {
		role := strings.TrimRight(name, "-12")
		s.members = append(s.members, s.house.enlist(name, role, s.flagsOf(role)...))
	}
	return wait(ctx, 2*time.Second)
}

func (s *siege) flagsOf(role string) []string {
	switch role {
	case "worker":
		return []string{"--quiet", "--concurrency=20", "--stop-grace=5s"}
	case "web":
		return []string{"--listen=" + strings.TrimPrefix(s.web, "http://")}
	}
	return nil
}

// proceed does to the house what the dice say, until ctx ends.
func (s *siege) proceed(ctx context.Context, d *dice) error {
	for {
		p, ok := d.next()
		if !ok || wait(ctx, p.after) != nil {
			return nil
		}
		began := time.Now()
		said, err := p.do(ctx, s, rand.New(rand.NewPCG(p.draw, 0)))
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		s.note(event{p.name, said, span{began, time.Now()}})
	}
}

func (s *siege) note(e event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.past = append(s.past, e)
	fmt.Fprintf(s.events, "%s – %s  %s %s\n", clockTime(e.from), clockTime(e.until), e.name, e.said)
}

func clockTime(at time.Time) string { return at.UTC().Format("15:04:05.000") }

func (s *siege) fault(format string, arguments ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, fmt.Sprintf(format, arguments...))
}

// anyone draws a process.
func (s *siege) anyone(r *rand.Rand) *member { return s.members[r.IntN(len(s.members))] }

// settleLimit is how soon everything has to be decided once all is well, and
// drainLimit how soon every job has to have ended: those of a worker that was
// lost last are found within half a minute.
const (
	settleLimit = 90 * time.Second
	drainLimit  = 2 * time.Minute
)

// rest waits until everything is decided, ends the clocks, waits until every job
// has ended, and ends the rest.
func (s *siege) rest(ctx context.Context) error {
	began := time.Now()
	for {
		report, err := s.house.audit(ctx, "--live")
		if err == nil && report.OK && !report.has("in error") {
			break
		}
		if time.Since(began) > settleLimit {
			s.fault("%s after all was well again not everything is decided: %v %s", settleLimit, err, report.head())
			break
		}
		if err := wait(ctx, time.Second); err != nil {
			return err
		}
	}
	for _, m := range s.members {
		if m.role == "clock" {
			if err := m.dismiss(stopLimit); err != nil {
				s.fault("%v", err)
			}
		}
	}
	return s.drain(ctx)
}

// drain waits until every job has ended.
func (s *siege) drain(ctx context.Context) error {
	began := time.Now()
	for {
		var open int
		err := s.house.db.QueryRowContext(ctx, `SELECT count(*) FROM river_job
			WHERE state NOT IN ('completed', 'cancelled', 'discarded')`).Scan(&open)
		if err == nil && open == 0 {
			return nil
		}
		if time.Since(began) > drainLimit {
			s.fault("%s after the last decision %d jobs have not ended (%v)", drainLimit, open, err)
			return nil
		}
		if err := wait(ctx, 500*time.Millisecond); err != nil {
			return err
		}
	}
}

// audited is what `punctual audit --json` prints.
type audited struct {
	OK       bool `json:"ok"`
	Findings []struct {
		Kind       string `json:"kind"`
		Occurrence string `json:"occurrence"`
		Detail     string `json:"detail"`
		Count      int    `json:"count"`
		Failure    bool   `json:"failure"`
	} `json:"findings"`
}

func (h *house) audit(ctx context.Context, flags ...string) (report audited, err error) {
	limited, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	out, runErr := h.command(limited, append([]string{"audit", "--json"}, flags...)...).Output()
	if err := json.Unmarshal(out, &report); err != nil {
		return report, fmt.Errorf("the audit: %w; it wrote %q", errors.Join(runErr, err), out)
	}
	return report, nil
}

func (a audited) has(kind string) bool { return a.count(kind) > 0 }

// count is how many occurrences there are of a kind.
func (a audited) count(kind string) (n int) {
	for _, f := range a.Findings {
		if f.Kind == kind {
			n += max(f.Count, 1)
		}
	}
	return n
}

// head is the beginning of what was found.
func (a audited) head() string {
	var lines []string
	for _, f := range a.Findings {
		if len(lines) == 10 {
			lines = append(lines, "…")
			break
		}
		lines = append(lines, fmt.Sprintf("%s: %s: %s", f.Occurrence, f.Kind, f.Detail))
	}
	return strings.Join(lines, "\n    ")
}

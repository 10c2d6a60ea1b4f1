// Command calendar measures how long the calendar takes for the next instant
// of a schedule, beside six Go libraries and beside the least that any of them
// could do: taking an instant apart and putting one together in the zone. With
// -golden it prints what each library does on the golden vectors of the
// daylight-saving rule instead.
//
//	go run .
//	go run . -golden
package main

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"text/tabwriter"
	"time"
)

var lines = []struct{ expression, zone string }{
	{"*/5 * * * *", "UTC"},
	{"0 0 * * *", "UTC"},
	{"0 9 * * mon-fri", "America/New_York"},
	{"0 0 29 2 *", "UTC"},
	{"30 2 * * *", "Europe/Berlin"},
	{"every 5s", "UTC"},
}

func main() {
	golden := flag.Bool("golden", false, "print what each library does on the golden vectors, in Markdown")
	each := flag.Duration("time", 60*time.Millisecond, "how long to measure each cell; the best of three counts")
	flag.Parse()
	if *golden {
		printGolden(os.Stdout)
		return
	}
	printSpeed(*each)
}

func printSpeed(each time.Duration) {
	fmt.Println("Next: nanoseconds for one instant, and how many times our time; floor is Date, Clock and time.Date.")
	table := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "when\tfloor\t")
	for _, l := range libraries {
		fmt.Fprintf(table, "%s\t", l.name)
	}
	fmt.Fprintln(table)
	for _, line := range lines {
		ours := measureNext(libraries[0], line.expression, line.zone, each)
		floor := measureFloor(line.zone, each)
		fmt.Fprintf(table, "%s %s\t%.0f (%.1fx)\t", line.expression, line.zone, floor, floor/ours)
		for i, l := range libraries {
			took := ours
			if i > 0 {
				took = measureNext(l, line.expression, line.zone, each)
			}
			switch {
			case took == 0:
				fmt.Fprint(table, "–\t")
			case i == 0:
				fmt.Fprintf(table, "%.0f\t", took)
			default:
				fmt.Fprintf(table, "%.0f (%.0fx)\t", took, took/ours)
			}
		}
		fmt.Fprintln(table)
	}
	if err := table.Flush(); err != nil {
		panic(err)
	}

	fmt.Println("\nParse: nanoseconds for 0 9 * * mon-fri in America/New_York, the zone known to us, loaded by the others.")
	for _, l := range libraries {
		took := best(each, func() { _, _ = l.parse("0 9 * * mon-fri", "America/New_York") })
		fmt.Printf("%22s  %.0f\n", l.name, took)
	}
	next, err := libraries[0].parse("0 9 * * mon-fri", "America/New_York")
	if err != nil {
		panic(err)
	}
	at := time.Now()
	fmt.Printf("\nAllocations in our Next: %v\n", testing.AllocsPerRun(1000, func() { at = next(at) }))
}

// measureNext goes from instant to instant through ten years, over and over.
func measureNext(l library, expression, zone string, each time.Duration) float64 {
	f, err := l.parse(expression, zone)
	if err != nil {
		return 0
	}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	end := start.AddDate(10, 0, 0)
	at := start
	return best(each, func() {
		at = f(at)
		if at.After(end) || at.IsZero() {
			at = start
		}
	})
}

// measureFloor takes now, in the zone: the standard library is fastest there.
func measureFloor(zone string, each time.Duration) float64 {
	location, err := time.LoadLocation(zone)
	if err != nil {
		panic(err)
	}
	at := time.Now().In(location)
	return best(each, func() {
		year, month, day := at.Date()
		hour, minute, second := at.Clock()
		at = time.Date(year, month, day, hour, minute, second, 0, location)
	})
}

// best returns the nanoseconds that f takes, in the best of three rounds.
func best(each time.Duration, f func()) float64 {
	least := 0.0
	for range 3 {
		n := 0
		start := time.Now()
		for time.Since(start) < each/3 {
			for range 100 {
				f()
			}
			n += 100
		}
		if took := float64(time.Since(start).Nanoseconds()) / float64(n); least == 0 || took < least {
			least = took
		}
	}
	return least
}

// Package load is what a scheduler is given to do: schedules that are due at one
// instant, or one after the other. The program that measures gives it to the
// schedulers, each a program of its own, as arguments.
package load

import (
	"flag"
	"fmt"
	"strconv"
	"time"
)

// Load is a number of schedules that are due again and again.
type Load struct {
	Schedules int
	Due       time.Time // of the first
	Every     time.Duration
	Spread    bool // each at an instant of its own, else all at one
}

// Arguments are the load and the address of a queue, as a program takes them.
func (l Load) Arguments(address string) []string {
	return []string{
		"-address", address, "-schedules", strconv.Itoa(l.Schedules), "-due", l.Due.Format(time.RFC3339Nano),
		"-every", l.Every.String(), fmt.Sprintf("-spread=%v", l.Spread),
	}
}

// Arguments reads what a program was given.
func Arguments() (l Load, address string, err error) {
	flag.StringVar(&address, "address", "", "the `address` of the queue")
	flag.IntVar(&l.Schedules, "schedules", 1, "how many schedules there are")
	due := flag.String("due", "", "the `instant` at which the first is due")
	flag.DurationVar(&l.Every, "every", time.Hour, "how often each is due")
	flag.BoolVar(&l.Spread, "spread", false, "each is due at an instant of its own")
	flag.Parse()
	l.Due, err = time.Parse(time.RFC3339Nano, *due)
	return l, address, err
}

// Ready tells the program that measures that the schedules are in force.
func Ready() { fmt.Println(Word) }

// Word is what Ready says.
const Word = "ready: the schedules are in force"

// Schedule is the schedule with a number, from 0 on.
func (l Load) Schedule(number int) Schedule {
	s := Schedule{l.Due, l.Every}
	if l.Spread {
		s.due = s.due.Add(l.Every * time.Duration(number) / time.Duration(l.Schedules))
	}
	return s
}

// Schedule is due once and then always after the same time. It is as cheap as a
// schedule can be, and both River and robfig/cron take it as it is.
type Schedule struct {
	due   time.Time
	every time.Duration
}

// Next is the first instant after one.
func (s Schedule) Next(after time.Time) time.Time {
	if after.Before(s.due) {
		return s.due
	}
	return s.Last(after).Add(s.every)
}

// Last is the last instant that is not after one which is not before the first.
func (s Schedule) Last(now time.Time) time.Time {
	return now.Add(-(now.Sub(s.due) % s.every)).Round(0)
}

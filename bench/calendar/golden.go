package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// vector is a golden vector of the daylight-saving rule: all instants that an
// expression must yield in a span around a transition.
type vector struct {
	zone, expression string
	from, until      string // UTC
	want             string // hours and minutes in UTC
}

var vectors = []vector{
	{"America/New_York", "30 2 * * *", "2026-03-08 05:00", "2026-03-09 04:00", "07:00"},
	{"America/New_York", "0 2,3 * * *", "2026-03-08 05:00", "2026-03-09 04:00", "07:00"},
	{"America/New_York", "0 2-4 * * *", "2026-03-08 05:00", "2026-03-09 04:00", "07:00 08:00"},
	{"America/New_York", "*/15 2 * * *", "2026-03-08 05:00", "2026-03-09 04:00", "07:00"},
	{"America/New_York", "*/10 30 2 * * *", "2026-03-08 05:00", "2026-03-09 04:00", "07:00"},
	{"America/New_York", "30 0-23/2 * * *", "2026-03-08 05:00", "2026-03-08 09:00", "05:30 07:00 08:30"},
	{"America/New_York", "0 */2 * * *", "2026-03-08 04:59", "2026-03-08 12:00", "05:00 08:00 10:00 12:00"},
	{"America/New_York", "15 * * * *", "2026-03-08 05:00", "2026-03-08 09:00", "05:15 06:15 07:15 08:15"},
	{"America/New_York", "30 1 * * *", "2026-11-01 04:00", "2026-11-02 05:00", "05:30"},
	{"America/New_York", "0 1,2 * * *", "2026-11-01 04:00", "2026-11-02 05:00", "05:00 07:00"},
	{"America/New_York", "*/30 * * * *", "2026-11-01 04:30", "2026-11-01 07:00", "05:00 05:30 06:00 06:30 07:00"},
	{"America/Santiago", "0 0 * * *", "2026-09-05 04:30", "2026-09-07 02:59", "04:00"},
	{"Africa/Cairo", "30 0 * * *", "2026-04-22 23:00", "2026-04-24 21:00", "22:00"},
	{"Australia/Lord_Howe", "15 2 * * *", "2026-10-02 16:00", "2026-10-04 15:00", "15:30"},
	{"Australia/Lord_Howe", "45 1 * * *", "2026-04-03 15:00", "2026-04-05 15:00", "14:45"},
	{"Pacific/Apia", "0 9 * * fri", "2011-12-23 20:00", "2012-01-05 00:00", "10:00"},
}

// answer lists what a library yields for the vector, at most two more than
// there should be, or says why it does not.
func (v vector) answer(l library) string {
	result := make(chan string, 1)
	go func() { // it may not return
		defer func() {
			if fault := recover(); fault != nil {
				result <- "panics"
			}
		}()
		result <- v.yields(l)
	}()
	select {
	case text := <-result:
		return text
	case <-time.After(2 * time.Second):
		return "never returns"
	}
}

func (v vector) yields(l library) string {
	f, err := l.parse(v.expression, v.zone)
	if err != nil {
		return "not parsed"
	}
	at, until := v.time(v.from), v.time(v.until)
	var list []string
	for len(list) < strings.Count(v.want, " ")+3 {
		n := f(at)
		if n.IsZero() || n.After(until) {
			break
		}
		if !n.After(at) {
			return strings.TrimPrefix(shorten(list)+" then stuck", " then ")
		}
		list = append(list, n.UTC().Format("15:04:05"))
		at = n
	}
	if len(list) == 0 {
		return "none"
	}
	return shorten(list)
}

func (v vector) time(text string) time.Time {
	t, err := time.Parse("2006-01-02 15:04", text)
	if err != nil {
		panic(err)
	}
	return t
}

// printGolden prints the table of what the libraries do, in Markdown.
func printGolden(w io.Writer) {
	fmt.Fprint(w, "| zone | expression | rule |")
	for _, l := range libraries {
		fmt.Fprintf(w, " %s |", l.name)
	}
	fmt.Fprintf(w, "\n|---|---|---|%s\n", strings.Repeat("---|", len(libraries)))
	right := make([]int, len(libraries))
	for _, v := range vectors {
		fmt.Fprintf(w, "| %s | `%s` | %s |", v.zone, v.expression, v.want)
		for i, l := range libraries {
			text := v.answer(l)
			if text == v.want {
				right[i]++
				text = "✓"
			}
			fmt.Fprintf(w, " %s |", text)
		}
		fmt.Fprintln(w)
	}
	fmt.Fprint(w, "| | | **right of 16** |")
	for _, n := range right {
		fmt.Fprintf(w, " **%d** |", n)
	}
	fmt.Fprintln(w)
}

// shorten writes instants without seconds where they are 0.
func shorten(list []string) string {
	short := make([]string, len(list))
	for i, text := range list {
		short[i] = strings.TrimSuffix(text, ":00")
	}
	return strings.Join(short, " ")
}

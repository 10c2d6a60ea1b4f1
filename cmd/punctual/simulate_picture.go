package main

import (
	"bufio"
	"fmt"
	"html"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/schedule"
)

// The picture has a column for each day and a row for each hour of the day.
const (
	pictureLeft  = 46
	pictureTop   = 58
	pictureRow   = 14
	pictureWidth = 1100 // of the days together, if they are few enough
)

// shades are from few jobs to many; an hour without any has none.
var shades = []string{"#dbeafe", "#93c5fd", "#3b82f6", "#1d4ed8", "#172554"}

// dayAndHour is a field of the picture.
type dayAndHour struct{ day, hour int }

// drawForecast draws how many jobs come due in each hour of each day of a zone.
func drawForecast(w io.Writer, name string, f *schedule.Forecast, zone *time.Location) error {
	jobs := map[dayAndHour]int{}
	first := dayNumber(f.From.In(zone))
	days, most := 1, 0
	start := f.From.UTC().Truncate(time.Hour)
	for i, n := range f.Hours {
		if n == 0 {
			continue
		}
		at := start.Add(time.Duration(i) * time.Hour).In(zone)
		place := dayAndHour{dayNumber(at) - first, at.Hour()}
		jobs[place] += n
		most, days = max(most, jobs[place]), max(days, place.day+1)
	}
	column := max(1, min(24, pictureWidth/days))
	width := pictureLeft + column*days + 20
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="system-ui, sans-serif" font-size="11">
<rect width="100%%" height="100%%" fill="#ffffff"/>
<text x="8" y="18" font-size="14" font-weight="600">%s: jobs in each hour, at most %s</text>
<text x="8" y="36" fill="#475569">%s to %s, %s</text>
`, max(width, 560), pictureTop+24*pictureRow+16, html.EscapeString(name), thousands(most), f.From.In(zone).Format(time.DateOnly), f.Until.In(zone).Format(time.DateOnly), zone)
	for hour := 0; hour < 24; hour += 3 {
		fmt.Fprintf(out, "<text x=\"8\" y=\"%d\" fill=\"#475569\">%02d:00</text>\n", pictureTop+hour*pictureRow+11, hour)
	}
	shade := shadesOf(jobs)
	fields := make([]strings.Builder, len(shades))
	for day := range days {
		date := f.From.In(zone).AddDate(0, 0, day)
		x := pictureLeft + column*day
		if date.Day() == 1 || day == 0 && date.Day() < 24 {
			fmt.Fprintf(out, "<text x=\"%d\" y=\"%d\" fill=\"#475569\">%s</text>\n", x, pictureTop-6, date.Format("Jan"))
		}
		for hour := range 24 {
			if n := jobs[dayAndHour{day, hour}]; n > 0 {
				fmt.Fprintf(&fields[shade[n]], "M%d %dh%dv%dh%dz", x, pictureTop+hour*pictureRow, column, pictureRow, -column)
			}
		}
	}
	for i := range fields {
		fmt.Fprintf(out, "<path fill=\"%s\" d=\"%s\"/>\n", shades[i], fields[i].String())
	}
	fmt.Fprintln(out, "</svg>")
	return out.Flush()
}

// dayNumber counts local dates.
func dayNumber(t time.Time) int {
	return int(time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// shadesOf gives each number of jobs its shade by its rank among the numbers
// there are: a herd of ten shows beside a steady stream of thousands.
func shadesOf(jobs map[dayAndHour]int) map[int]int {
	numbers := slices.Compact(slices.Sorted(maps.Values(jobs)))
	shade := make(map[int]int, len(numbers))
	for rank, n := range numbers {
		shade[n] = (rank + 1) * len(shades) / (len(numbers) + 1)
	}
	return shade
}

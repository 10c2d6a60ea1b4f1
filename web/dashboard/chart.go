package dashboard

import (
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"
	"time"
)

// Charts are inline SVG. They stretch with the page: what is horizontal is in
// percent, what is vertical in pixels, so that no text is ever distorted.

// bar is one value of a chart.
type bar struct {
	Value float64
	Look  look
	Title string
}

// barChart draws values side by side, the last at the right.
func barChart(name string, height int, bars []bar) template.HTML {
	var out strings.Builder
	fmt.Fprintf(&out, `<svg class="chart" role="img" width="100%%" height="%d" aria-label="%s">`, height, escape(name))
	most := 0.0
	for _, b := range bars {
		most = max(most, b.Value)
	}
	fmt.Fprintf(&out, `<line class="base" x1="0" x2="100%%" y1="%[1]g" y2="%[1]g"/>`, float64(height)-0.5)
	for i, b := range bars {
		if b.Value <= 0 && b.Look == "" {
			continue
		}
		tall := 2.0 // what is there is seen
		if most > 0 {
			tall = max(2, b.Value/most*float64(height-3))
		}
		x, wide := share(i, len(bars))
		fmt.Fprintf(&out, `<g class="bar %s"><title>%s</title><rect class="hit" x="%s" y="0" width="%s" height="%d"/><rect x="%s" y="%.1f" width="%s" height="%.1f" rx="1"/></g>`,
			b.Look, escape(b.Title), x, wide, height, x, float64(height)-tall-1, narrower(len(bars)), tall)
	}
	out.WriteString("</svg>")
	return template.HTML(out.String())
}

// share is where the i-th of n columns begins, and how wide it is.
func share(i, n int) (x, wide string) {
	return percent(float64(i) / float64(n)), percent(1 / float64(n))
}

// narrower is the width of what is drawn in one of n columns, with air around.
func narrower(n int) string { return percent(0.8 / float64(max(n, 1))) }

func percent(part float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.3f", part*100), "0"), ".") + "%"
}

// delay is how late a number of occurrences was.
type delay struct {
	P50, P99, Max time.Duration
	Count         int
	Title         string
}

// delayLines are the levels a chart of delays has lines at.
var delayLines = []time.Duration{10 * time.Millisecond, 100 * time.Millisecond, time.Second, 10 * time.Second, time.Minute, 10 * time.Minute, time.Hour, 24 * time.Hour}

// delayChart draws delays on a logarithmic scale: a body from the median to the
// 99th percentile, and a line up to the latest.
func delayChart(name string, height int, delays []delay) template.HTML {
	top := 100 * time.Millisecond
	for _, d := range delays {
		top = max(top, d.Max)
	}
	least := math.Log10(float64(time.Millisecond))
	most := math.Log10(float64(top) * 1.5)
	y := func(d time.Duration) float64 {
		part := (math.Log10(float64(max(d, time.Millisecond))) - least) / (most - least)
		return float64(height) - 1 - part*float64(height-2)
	}
	var out strings.Builder
	fmt.Fprintf(&out, `<svg class="chart delays" role="img" width="100%%" height="%d" aria-label="%s">`, height, escape(name))
	for _, level := range delayLines {
		if level <= top {
			fmt.Fprintf(&out, `<line class="level" x1="0" x2="100%%" y1="%[1]d.5" y2="%[1]d.5"/><text class="level" x="100%%" y="%[2]d" text-anchor="end">%[3]s</text>`, int(y(level)), max(10, int(y(level))-3), took(level))
		}
	}
	fmt.Fprintf(&out, `<line class="base" x1="0" x2="100%%" y1="%[1]g" y2="%[1]g"/>`, float64(height)-0.5)
	for i, d := range delays {
		if d.Count == 0 {
			continue
		}
		x, wide := share(i, len(delays))
		middle := percent((float64(i) + 0.4) / float64(len(delays)))
		fmt.Fprintf(&out, `<g class="delay"><title>%s</title><rect class="hit" x="%s" y="0" width="%s" height="%d"/><line class="max" x1="%[5]s" x2="%[5]s" y1="%.1[6]f" y2="%.1[7]f"/><rect x="%[2]s" y="%.1[8]f" width="%[9]s" height="%.1[10]f" rx="1"/></g>`,
			escape(d.Title), x, wide, height, middle, y(d.Max), y(d.P50), y(d.P99), narrower(len(delays)), max(3, y(d.P50)-y(d.P99)))
	}
	out.WriteString("</svg>")
	return template.HTML(out.String())
}

// spread are the median, the 99th percentile and the largest of some spans.
func spread(spans []time.Duration) (p50, p99, most time.Duration) {
	if len(spans) == 0 {
		return 0, 0, 0
	}
	slices.Sort(spans)
	at := func(part float64) time.Duration { return spans[int(math.Ceil(part*float64(len(spans))))-1] }
	return at(0.5), at(0.99), spans[len(spans)-1]
}

// step is a moment in the life of a run, and what the time up to it went by with.
type step struct {
	Name string
	At   time.Time
	Span string // what the time since the step before was spent on; may be empty
	Look look
	Open bool // it has not come yet: At is now
	// After is the same span in words, with how long it was.
	After string
}

// lifeline draws the steps of a run from left to right, each span with its
// length. Short spans keep a width that can be seen.
func lifeline(steps []step) template.HTML {
	if len(steps) < 2 {
		return ""
	}
	whole := steps[len(steps)-1].At.Sub(steps[0].At)
	const least = 0.13 // of the width, for a span
	free := 1 - least*float64(len(steps)-1)
	var out strings.Builder
	out.WriteString(`<svg class="lifeline" role="img" width="100%" height="58" aria-label="` + escape(lifeInWords(steps)) + `">`)
	x := 0.0
	place := func(part float64) string { return percent(0.01 + part*0.98) }
	for i := 1; i < len(steps); i++ {
		span := steps[i].At.Sub(steps[i-1].At)
		wide := least
		if whole > 0 {
			wide += free * float64(max(span, 0)) / float64(whole)
		} else {
			wide += free / float64(len(steps)-1)
		}
		fmt.Fprintf(&out, `<line class="span %s" x1="%s" x2="%s" y1="30" y2="30"/><text class="length" x="%s" y="16" text-anchor="middle">%s</text><text class="what" x="%s" y="52" text-anchor="middle">%s</text>`,
			steps[i].Look, place(x), place(x+wide), place(x+wide/2), escape(took(span)), place(x+wide/2), escape(steps[i].Span))
		x += wide
	}
	x = 0
	for i, s := range steps {
		if i > 0 {
			wide := least
			if whole > 0 {
				wide += free * float64(max(s.At.Sub(steps[i-1].At), 0)) / float64(whole)
			} else {
				wide += free / float64(len(steps)-1)
			}
			x += wide
		}
		class := "point"
		if s.Open {
			class = "point open"
		}
		fmt.Fprintf(&out, `<circle class="%s" cx="%s" cy="30" r="5"><title>%s, %s</title></circle>`, class, place(x), escape(s.Name), utc(s.At))
	}
	out.WriteString("</svg>")
	return template.HTML(out.String())
}

func lifeInWords(steps []step) string {
	words := []string{steps[0].Name + " " + utc(steps[0].At)}
	for i := 1; i < len(steps); i++ {
		words = append(words, fmt.Sprintf("%s %s later", steps[i].Name, took(steps[i].At.Sub(steps[i-1].At))))
	}
	return strings.Join(words, "; ")
}

// heatLevels is how many shades a heat map has besides none.
const heatLevels = 6

// heatCell is a part of a heat map.
type heatCell struct {
	Count int
	Title string
}

// heatRow is a line of a heat map with its label.
type heatRow struct {
	Label template.HTML
	Cells []heatCell
}

// heatMap draws a line of a heat map: the shade of a cell grows with the
// logarithm of its count, up to the most of the whole map.
func heatLine(row heatRow, most int) template.HTML {
	var out strings.Builder
	fmt.Fprintf(&out, `<svg class="heat" width="100%%" height="18" aria-hidden="true">`)
	for i, cell := range row.Cells {
		x, wide := share(i, len(row.Cells))
		fmt.Fprintf(&out, `<g><title>%s</title><rect class="hit" x="%s" y="0" width="%s" height="18"/><rect class="heat-%d" x="%[2]s" y="1" width="%[5]s" height="16" rx="2"/></g>`,
			escape(cell.Title), x, wide, heatLevel(cell.Count, most), percent(0.9/float64(len(row.Cells))))
	}
	out.WriteString("</svg>")
	return template.HTML(out.String())
}

// heatLevel is the shade of a count, from 0 for none to heatLevels.
func heatLevel(count, most int) int {
	if count <= 0 || most <= 0 {
		return 0
	}
	if most == 1 {
		return 2
	}
	return 1 + int(math.Round(math.Log(float64(count))/math.Log(float64(most))*(heatLevels-1)))
}

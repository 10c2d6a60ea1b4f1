package dashboard

import (
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/schedule"
	"github.com/punctual-dev/punctual/store"
)

// stripLength is how many occurrences a strip shows.
const stripLength = 20

// strip draws the last occurrences of a schedule, the newest at the right. Every
// look has a shape of its own (the symbols of parts.html), and every cell a
// title that says what became of it and why.
func strip(runs []store.Run, policies *schedule.Policies, now time.Time) template.HTML {
	const width = 9 // of a cell
	runs = runs[:min(len(runs), stripLength)]
	var out strings.Builder
	fmt.Fprintf(&out, `<svg class="strip" role="img" width="%d" height="20" aria-label="%s">`, stripLength*width, escape(stripInWords(runs)))
	for i := range stripLength {
		x := (stripLength - 1 - i) * width
		if i >= len(runs) {
			fmt.Fprintf(&out, `<use href="#cell-none" x="%d" class="none"/>`, x)
			continue
		}
		r := runs[i]
		fmt.Fprintf(&out, `<use href="#cell-%[1]s" x="%[2]d" class="%[1]s"><title>%[3]s</title></use>`, lookOf(r), x, escape(cellTitle(r, policies, now)))
	}
	out.WriteString("</svg>")
	return template.HTML(out.String())
}

func cellTitle(r store.Run, policies *schedule.Policies, now time.Time) string {
	at := r.Nominal
	if at.IsZero() {
		at = r.Due
	}
	text := label(r) + ", " + at.UTC().Format("2 Jan 15:04:05 UTC")
	if r.Count > 1 {
		text = fmt.Sprintf("%s %s, %s to %s", grouped(r.Count), label(r), at.UTC().Format("2 Jan 15:04:05"), r.Until.UTC().Format("2 Jan 15:04:05 UTC"))
	}
	if words := originWords(r); words != "" {
		text += " (" + words + ")"
	}
	return text + "\n" + verdictOf(r, policies, now).Why
}

// stripInWords says what a strip shows to those who do not see it.
func stripInWords(runs []store.Run) string {
	if len(runs) == 0 {
		return "No occurrence yet."
	}
	counts := map[string]int{}
	var order []string
	for _, r := range runs {
		word := label(r)
		if counts[word] == 0 {
			order = append(order, word)
		}
		counts[word]++
	}
	slices.SortStableFunc(order, func(a, b string) int { return counts[b] - counts[a] })
	words := make([]string, len(order))
	for i, word := range order {
		words[i] = fmt.Sprintf("%d %s", counts[word], word)
	}
	return fmt.Sprintf("Last %d: %s. Newest: %s.", len(runs), strings.Join(words, ", "), label(runs[0]))
}

// badge is a run's state as a word with the shape of its look.
func badge(r store.Run) template.HTML { return mark(lookOf(r), label(r)) }

// mark is a word with the shape and the colour of a look.
func mark(l look, word string) template.HTML {
	return template.HTML(fmt.Sprintf(`<span class="mark %[1]s"><svg width="8" height="16" aria-hidden="true"><use href="#glyph-%[1]s" class="%[1]s"/></svg>%[2]s</span>`, l, escape(word)))
}

func escape(text string) string { return template.HTMLEscapeString(text) }

package dashboard

import (
	"fmt"
	"html/template"
	"math"
	"time"
)

// Times are written in UTC. With JavaScript, static/times.js puts them into the
// zone of whoever looks; the instant stays in the title.

// utc is an instant as a title shows it.
func utc(t time.Time) string {
	if t.Nanosecond() >= int(time.Millisecond) {
		return t.UTC().Format("Mon 2 Jan 2006, 15:04:05.000 UTC")
	}
	return t.UTC().Format("Mon 2 Jan 2006, 15:04:05 UTC")
}

// clockTime is a date and a time of day to the second.
func clockTime(t time.Time) template.HTML {
	if t.Year() != time.Now().Year() {
		return timeElement(t, "dated", "2 Jan 2006, 15:04:05")
	}
	return timeElement(t, "full", "2 Jan, 15:04:05")
}

// minute is a date and a time of day to the minute.
func minute(t time.Time) template.HTML { return timeElement(t, "minute", "2 Jan, 15:04") }

func timeElement(t time.Time, form, layout string) template.HTML {
	if t.IsZero() {
		return "–"
	}
	return template.HTML(fmt.Sprintf(`<time class="at" datetime="%s" data-form="%s" title="%s">%s<span class="utc"> UTC</span></time>`,
		t.UTC().Format(time.RFC3339Nano), form, utc(t), t.UTC().Format(layout)))
}

// relative is how far an instant is from now; a script keeps it up to date.
func relative(t, now time.Time) template.HTML {
	if t.IsZero() {
		return "–"
	}
	return template.HTML(fmt.Sprintf(`<time datetime="%s" data-form="relative" title="%s">%s</time>`,
		t.UTC().Format(time.RFC3339Nano), utc(t), fromNow(t.Sub(now))))
}

// fromNow says how far away an instant is. static/times.js says it likewise.
func fromNow(d time.Duration) string {
	text := roughly(d.Abs())
	switch {
	case d.Abs() < time.Second:
		return "now"
	case d > 0:
		return "in " + text
	}
	return text + " ago"
}

// roughly is a span in one or two units.
func roughly(d time.Duration) string {
	const day = 24 * time.Hour
	two := func(a int, unit string, b int, smaller string) string {
		if b == 0 {
			return fmt.Sprintf("%d %s", a, unit)
		}
		return fmt.Sprintf("%d %s %d %s", a, unit, b, smaller)
	}
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d/time.Second))
	case d < time.Hour:
		if d >= 10*time.Minute {
			return fmt.Sprintf("%d min", int(d/time.Minute))
		}
		return two(int(d/time.Minute), "min", int(d%time.Minute/time.Second), "s")
	case d < day:
		return two(int(d/time.Hour), "h", int(d%time.Hour/time.Minute), "min")
	case d < 14*day:
		return two(int(d/day), "d", int(d%day/time.Hour), "h")
	}
	return fmt.Sprintf("%d d", int(d/day))
}

// took is a span that was measured: precise where it is short.
func took(d time.Duration) string {
	switch {
	case d < 0:
		return "0 ms"
	case d < time.Second:
		return fmt.Sprintf("%d ms", int(math.Round(d.Seconds()*1000)))
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return roughly(d)
}

// inZone is an instant as the clocks of a schedule's zone show it.
func inZone(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return "–"
	}
	return t.In(zone).Format("Mon 2 Jan 2006, 15:04:05")
}

// bothZones is an instant in a schedule's zone, and in UTC where that differs.
func bothZones(t time.Time, name string) string {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "UTC" {
		return utc(t)
	}
	text, same := inZone(t, zone)+" in "+name, "15:04:05 UTC"
	if t.In(zone).Day() != t.UTC().Day() {
		same = "Mon 2 Jan, 15:04:05 UTC"
	}
	return text + " (" + t.UTC().Format(same) + ")"
}

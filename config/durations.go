package config

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/punctual-dev/punctual/schedule"
)

func (d *decoder) duration(n *node, into *schedule.Duration, field string) {
	if d.notFilledIn(n, field) {
		return
	}
	switch n.kind {
	case text:
		parsed, err := schedule.ParseDuration(n.text)
		if err != nil {
			d.fault(n, field, cmp.Or(withoutMark(n.text, isDuration), noDurationMeant(n.text, field), durationMeant(n.text)), "%s", err)
			return
		}
		*into = parsed
	case number:
		d.fault(n, field, fmt.Sprintf("say which unit: %ss is seconds, %sm is minutes", n.text, n.text), "%s has no unit", n.text)
	default:
		d.fault(n, field, "write "+schedule.DurationAllowed, "%s; a duration belongs here", n.describe())
	}
}

func isDuration(written string) bool {
	_, err := schedule.ParseDuration(written)
	return err == nil
}

// spelledPart begins a duration that may be spelled out: 5 minutes, 1.5h, or 1 hour
// and before 30 minutes.
var spelledPart = regexp.MustCompile(`^([0-9]{1,9}(?:\.[0-9]{1,3})?) *([a-z]+)(?:(?: *,)?(?: +and)? +)?`)

// spelledUnits are the units that people write, by the letter that we know.
var spelledUnits = map[string][]string{
	"ms": {"ms", "msec", "millisecond"}, "s": {"s", "sec", "second"}, "m": {"m", "min", "minute"},
	"h": {"h", "hr", "hour"}, "d": {"d", "day"}, "w": {"w", "week"}, "month": {"mo", "month"}, "year": {"y", "yr", "year"},
}

// durationMeant is advice where a duration is written in another way, and else
// how one is written.
func durationMeant(text string) string {
	const form = "write whole numbers with w, d, h, m, s or ms, the larger first, such as 5m or 1h30m"
	rest, total, written, reason := strings.ToLower(strings.TrimSpace(text)), time.Duration(0), "", ""
	for parts := 0; rest != "" || parts == 0; parts++ {
		found := spelledPart.FindStringSubmatch(rest)
		if found == nil || unitOf(found[2]) == "" {
			return form
		}
		unit := unitOf(found[2])
		n, _ := strconv.ParseFloat(found[1], 64)
		if days := map[string]float64{"month": 30, "year": 365}[unit]; days > 0 {
			reason, unit, n = "a "+unit+" is not of one length; ", "d", n*days
		}
		one, _ := schedule.ParseDuration("1" + unit)
		if total += time.Duration(n * float64(one)); n*float64(one) > float64(tenYears) || total > tenYears {
			return fmt.Sprintf("write at most %dd", tenYears/(24*time.Hour))
		}
		if written = strconv.FormatFloat(n, 'f', -1, 64) + unit; parts > 0 || n != math.Trunc(n) {
			written = schedule.Duration(total).String()
		}
		rest = rest[len(found[0]):]
	}
	if total%time.Millisecond != 0 {
		return form
	}
	return reason + "write " + written
}

// tenYears is a round number below the longest duration.
const tenYears = 3650 * 24 * time.Hour

func unitOf(word string) string {
	for unit, names := range spelledUnits {
		if slices.Contains(names, word) || len(word) > 2 && slices.Contains(names, strings.TrimSuffix(word, "s")) {
			return unit
		}
	}
	return ""
}

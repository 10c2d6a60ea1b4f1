package calendar

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The oracle is a second implementation, by definition and slow: it walks
// absolute time, asks the time package what clocks show, and tests each local
// time with a matcher of its own. It shares no code with the package.

// oracleNominals walks from more than a day before the span, because what
// clocks have shown before decides what is kept. It goes in steps of a minute
// where the expression has no seconds; since 2000 no transition was between
// minutes.
func oracleNominals(expression string, location *time.Location, except []Date, from, until time.Time) []time.Time {
	m := newMatcher(expression, except)
	step := int64(60)
	if m.seconds {
		step = 1
	}
	start := from.Add(-30*time.Hour).Unix() / 60 * 60
	const longestJump = 30 * 60 * 60
	base := start - longestJump
	shown := make([]bool, (until.Unix()-base+2*longestJump)/step+1) // by local time, counted from base
	var found []time.Time
	before := int64(-1)
	offset, known := 0, int64(0) // the offset, and until when it holds
	for at := start; at <= until.Unix(); at += step {
		if at >= known {
			t := time.Unix(at, 0).In(location)
			_, offset = t.Zone()
			_, end := t.ZoneBounds()
			known = at + 1
			if !end.IsZero() {
				known = max(known, end.Unix())
			}
		}
		local := at + int64(offset)
		due := false
		if m.flows {
			due = m.matches(local)
		} else {
			if before < 0 {
				before = local - step
			}
			for passed := min(before+step, local); passed <= local; passed += step { // more than one where clocks jumped
				if index := (passed - base) / step; !shown[index] {
					shown[index] = true
					due = due || m.matches(passed)
				}
			}
			before = local
		}
		if due && at > from.Unix() {
			found = append(found, time.Unix(at, 0).UTC())
		}
	}
	return found
}

// matcher tests a cron expression against a local time, item by item.
type matcher struct {
	fields         [6]string
	seconds, flows bool
	except         []Date
	second, minute [60]bool
	hour           [24]bool
	day            int64 // the day last tested
	dayMatches     bool
}

func newMatcher(expression string, except []Date) *matcher {
	m := &matcher{except: except, day: -1 << 62}
	texts := strings.Fields(strings.ToLower(expression))
	if len(texts) == 5 {
		texts = append([]string{"0"}, texts...)
	} else {
		m.seconds = true
	}
	copy(m.fields[:], texts)
	for i := range 60 {
		m.second[i] = matchNumber(m.fields[0], i, 0, 59)
		m.minute[i] = matchNumber(m.fields[1], i, 0, 59)
	}
	for h := range 24 {
		m.hour[h] = matchNumber(m.fields[2], h, 0, 23)
	}
	m.flows = strings.ContainsAny(m.fields[2][:1], "*?") || !slices.Contains(m.hour[:], false)
	return m
}

func (m *matcher) matches(local int64) bool {
	if !m.second[local%60] || !m.minute[local/60%60] || !m.hour[local/3600%24] {
		return false
	}
	if day := local / 86400; day != m.day {
		m.day, m.dayMatches = day, m.matchesDate(time.Unix(local, 0).UTC())
	}
	return m.dayMatches
}

func (m *matcher) matchesDate(t time.Time) bool {
	if !matchNumber(m.fields[4], int(t.Month()), 1, 12) || slices.Contains(m.except, Date{t.Year(), t.Month(), t.Day()}) {
		return false
	}
	day, weekday := m.matchDay(t), m.matchWeekday(t)
	if strings.ContainsAny(m.fields[3][:1], "*?") || strings.ContainsAny(m.fields[5][:1], "*?") {
		return day && weekday
	}
	return day || weekday
}

func (m *matcher) matchDay(t time.Time) bool {
	length := time.Date(t.Year(), t.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
	for item := range strings.SplitSeq(m.fields[3], ",") {
		day, workday := strings.CutSuffix(item, "w")
		target := 0
		if back, ok := strings.CutPrefix(day, "l"); ok {
			n, _ := strconv.Atoi(strings.TrimPrefix(back, "-"))
			target = length - n
		} else if workday {
			target, _ = strconv.Atoi(day)
		} else {
			if matchNumber(item, t.Day(), 1, 31) {
				return true
			}
			continue
		}
		if target < 1 || target > length {
			continue
		}
		if !workday && target == t.Day() {
			return true
		}
		if workday && t.Weekday() != time.Saturday && t.Weekday() != time.Sunday {
			// t is the nearest if no other working day of the month is nearer.
			best, bestDistance := 0, 100
			for d := 1; d <= length; d++ {
				w := time.Date(t.Year(), t.Month(), d, 0, 0, 0, 0, time.UTC).Weekday()
				if distance := max(d-target, target-d); w != time.Saturday && w != time.Sunday && distance < bestDistance {
					best, bestDistance = d, distance
				}
			}
			if best == t.Day() {
				return true
			}
		}
	}
	return false
}

func (m *matcher) matchWeekday(t time.Time) bool {
	length := time.Date(t.Year(), t.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
	for item := range strings.SplitSeq(m.fields[5], ",") {
		if name, nth, ok := strings.Cut(item, "#"); ok {
			if matchNumber(name, int(t.Weekday()), 0, 6) && (nth == strconv.Itoa((t.Day()-1)/7+1) || nth == "l" && t.Day()+7 > length) {
				return true
			}
		} else if name, ok := strings.CutSuffix(item, "l"); ok {
			if matchNumber(name, int(t.Weekday()), 0, 6) && t.Day()+7 > length {
				return true
			}
		} else if matchNumber(item, int(t.Weekday()), 0, 6) {
			return true
		}
	}
	return false
}

var oracleNames = strings.NewReplacer("sun", "0", "mon", "1", "tue", "2", "wed", "3", "thu", "4", "fri", "5", "sat", "6",
	"jan", "1", "feb", "2", "mar", "3", "apr", "4", "may", "5", "jun", "6", "jul", "7", "aug", "8", "sep", "9", "oct", "10", "nov", "11", "dec", "12")

// matchNumber tests a list of plain items by walking each from its start.
func matchNumber(list string, value, low, high int) bool {
	for item := range strings.SplitSeq(oracleNames.Replace(list), ",") {
		span, stepText, stepped := strings.Cut(item, "/")
		step := 1
		if stepped {
			step, _ = strconv.Atoi(stepText)
		}
		from, to := low, high
		if span != "*" && span != "?" {
			a, b, isRange := strings.Cut(span, "-")
			var err error
			if from, err = strconv.Atoi(a); err != nil {
				continue
			}
			to = from
			if isRange {
				to, _ = strconv.Atoi(b)
			} else if stepped {
				to = high
			}
		}
		size := high - low + 1
		if to < from {
			to += size
		}
		for v := from; v <= to; v += step {
			if low+(v-low)%size == value {
				return true
			}
		}
	}
	return false
}

// randomCron makes cron expressions that like to match.
func randomCron(r *rand.Rand) string {
	hour := func() string {
		return randomField(r, 0, 23, "2", "1", "0", "3", "1,2", "2-4", "0-23/2", "*/2", "22-2", "*/3", "?", "0-23", "23", "0-3", "1/2")
	}
	minute := randomField(r, 0, 59, "0", "30", "15", "45", "*/15", "*/30", "0,30", "*/7", "59", "50-10/5")
	fields := []string{
		minute, hour(),
		randomField(r, 1, 31, "*", "*", "*", "*", "*/2", "?", "L", "15W", "LW", "L-3", "1,15,L", "1-7", "28-3", "1W", "31", "L-3W", "1-31"),
		randomField(r, 1, 12, "*", "*", "*", "*", "*", "*/2", "mar,apr,sep,oct,nov", "nov-feb", "1-12"),
		randomField(r, 0, 6, "*", "*", "*", "*", "sun", "mon-fri", "fri-mon", "0", "5-6", "sun#1", "sunL", "fri#L,sat", "*/2", "0-6", "6#2,mon"),
	}
	if r.IntN(8) == 0 {
		fields = append([]string{randomField(r, 0, 59, "0", "*/10", "30", "5,59", "*")}, fields...)
	}
	return strings.Join(fields, " ")
}

func randomField(r *rand.Rand, low, high int, likely ...string) string {
	number := func() int { return low + r.IntN(high-low+1) }
	switch r.IntN(5) {
	case 0:
		return strconv.Itoa(number())
	case 1:
		switch r.IntN(4) {
		case 0:
			return fmt.Sprintf("%d-%d", number(), number())
		case 1:
			return fmt.Sprintf("*/%d", 1+r.IntN(high-low+1))
		case 2:
			return fmt.Sprintf("%d/%d", number(), 1+r.IntN(high-low+1))
		}
		return fmt.Sprintf("%d,%d-%d/%d", number(), number(), number(), 1+r.IntN(high-low+1))
	}
	return likely[r.IntN(len(likely))]
}

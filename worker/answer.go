package worker

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// codes are the status codes that mean success, as ranges.
type codes []struct{ from, to int }

// parseCodes reads "200", "2xx" and "200-299", with spaces between them.
func parseCodes(list string) (codes, error) {
	var parsed codes
	for text := range strings.FieldsSeq(list) {
		low, high, isRange := strings.Cut(text, "-")
		if !isRange {
			high = low
		}
		from, err1 := strconv.Atoi(strings.ReplaceAll(low, "xx", "00"))
		to, err2 := strconv.Atoi(strings.ReplaceAll(high, "xx", "99"))
		if err1 != nil || err2 != nil || from < 100 || to > 599 || from > to {
			return nil, fmt.Errorf("%q is not a status code; for example 200, 2xx or 200-299", text)
		}
		parsed = append(parsed, struct{ from, to int }{from, to})
	}
	return parsed, nil
}

func (c codes) include(code int) bool {
	for _, r := range c {
		if r.from <= code && code <= r.to {
			return true
		}
	}
	return false
}

// retryAfterMost caps what a server may ask for: beyond an hour the schedule's
// own retries know better.
const retryAfterMost = time.Hour

// retryAfter reads a number of seconds or a date; zero: it says nothing, or now.
func retryAfter(header string, now time.Time) time.Duration {
	header = strings.TrimSpace(header)
	if seconds, err := strconv.ParseUint(header, 10, 32); err == nil {
		return min(time.Duration(seconds)*time.Second, retryAfterMost)
	}
	if at, err := http.ParseTime(header); err == nil {
		return max(0, min(at.Sub(now).Round(time.Second), retryAfterMost))
	}
	return 0
}

package calendar

import (
	"math"
	"time"
)

// zone is the history and future of local time at one place: windows of
// constant offset, one after the other.
type zone struct {
	name     string
	location *time.Location
	windows  []window
	// bucket gives for each stretch of bucketSeconds since tableStart the
	// window at its beginning, so that a look-up needs no search.
	bucket  []uint16
	repeats bool // the windows go on for ever as in the last 400 years of the table
}

// window is a span of instants, in Unix seconds, in which one offset holds.
// The first begins before all time and the last ends after it.
type window struct {
	start, end int64 // [start, end)
	offset     int64 // reading = instant + offset
	// reached is the reading up to which clocks had come before the window
	// began: they have shown every reading below it that they ever will, or
	// have jumped over it. After a gap it lies before the window's first
	// reading, after an overlap beyond it.
	reached int64
}

// first is the reading that clocks show when the window begins.
func (w window) first() int64 { return w.start + w.offset }

// last is the reading that clocks would show when the window ends.
func (w window) last() int64 { return w.end + w.offset }

const (
	bucketBits = 23 // 97 days

	farPast, farFuture = math.MinInt64 / 4, math.MaxInt64 / 4

	// No place is or was further than this from UTC.
	maxOffset = 16 * 60 * 60
)

var (
	tableStart = time.Date(1800, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	// From repeatFrom on every zone follows a yearly rule or does not change:
	// the last year listed one by one in the database is 2087. The calendar
	// repeats every 400 years and so do such rules; 400 years are the table
	// for all years after.
	repeatFrom = time.Date(2101, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	tableEnd   = repeatFrom + secondsPerCycle
)

// newZone reads the windows from the location's zone bounds.
func newZone(name string, location *time.Location) *zone {
	z := &zone{name: name, location: location}
	enough := tableEnd + 2*366*secondsPerDay
	for at := tableStart; at < enough; {
		t := time.Unix(at, 0).In(location)
		_, offset := t.Zone()
		_, end := t.ZoneBounds()
		z.extend(at, int64(offset))
		if end.IsZero() {
			break
		}
		// Where a yearly rule holds, the bounds may be the year's instead of
		// the window's, and on the last day of a leap year they lie behind.
		if next := end.Unix(); next > at {
			at = next
		} else {
			at += secondsPerDay
		}
	}
	z.repeats = len(z.windows) > 1 && z.windows[len(z.windows)-1].start > repeatFrom
	if z.repeats {
		z.windows = z.windows[:len(z.windows)-1] // its end is not known
	}
	z.fillBuckets()
	return z
}

// extend says that offset holds from start on.
func (z *zone) extend(start, offset int64) {
	if len(z.windows) == 0 {
		z.windows = append(z.windows, window{start: farPast, end: farFuture, offset: offset, reached: farPast})
		return
	}
	before := &z.windows[len(z.windows)-1]
	if before.offset == offset { // only the abbreviation changed
		return
	}
	before.end = start
	z.windows = append(z.windows, window{
		start: start, end: farFuture, offset: offset,
		reached: max(before.reached, before.last()),
	})
}

func (z *zone) fillBuckets() {
	buckets := (tableEnd-tableStart)>>bucketBits + 1
	if len(z.windows) == 1 {
		buckets = 1
	}
	z.bucket = make([]uint16, buckets)
	i := 0
	for b := range z.bucket {
		for tableStart+int64(b)<<bucketBits >= z.windows[i].end {
			i++
		}
		z.bucket[b] = uint16(i)
	}
}

// at returns the window in which instant lies.
func (z *zone) at(instant int64) window {
	if instant >= tableEnd && z.repeats {
		cycles := (instant - repeatFrom) / secondsPerCycle
		return z.at(instant - cycles*secondsPerCycle).later(cycles)
	}
	i := z.bucketOf(instant)
	for instant >= z.windows[i].end {
		i++
	}
	return z.windows[i]
}

// firstShowing returns the instant at which clocks first show reading, or
// first show a later one because they jump over it, and its window. This one
// function is the rule for gaps and overlaps: it takes the first pass of an
// overlap, and the first valid instant after a gap. It never goes back as the
// reading goes forward.
func (z *zone) firstShowing(reading int64) (int64, window) {
	if reading >= tableEnd && z.repeats {
		cycles := (reading-tableEnd)/secondsPerCycle + 1
		instant, w := z.firstShowing(reading - cycles*secondsPerCycle)
		return instant + cycles*secondsPerCycle, w.later(cycles)
	}
	i := z.bucketOf(reading - maxOffset)
	for reading >= z.windows[i].last() {
		i++
	}
	w := z.windows[i]
	return max(w.start, reading-w.offset), w
}

// bucketOf returns a window that begins at or before instant, and not long.
func (z *zone) bucketOf(instant int64) int {
	b := (instant - tableStart) >> bucketBits
	return int(z.bucket[max(0, min(b, int64(len(z.bucket)-1)))])
}

// later moves a window by so many times 400 years.
func (w window) later(cycles int64) window {
	d := cycles * secondsPerCycle
	return window{start: w.start + d, end: w.end + d, offset: w.offset, reached: w.reached + d}
}

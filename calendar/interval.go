package calendar

import (
	"math"
	"math/bits"
)

// interval is a when that counts elapsed time: every so many milliseconds
// from an anchor, before it and after. Zones do not matter to it, but for the
// dates excluded.
type interval struct {
	exceptions
	period   int64 // milliseconds
	anchor   int64 // Unix milliseconds
	anchored bool  // an anchor was given; else it is the Unix epoch
}

func (i *interval) next(from int64) (int64, bool) {
	for {
		n := i.anchor + floorDiv(from-i.anchor+i.period-1, i.period)*i.period
		if len(i.days) == 0 {
			return n, true
		}
		_, end, excluded := i.excludedSpan(floorDiv(n, 1000))
		if !excluded {
			return n, true
		}
		from = end * 1000
	}
}

func (i *interval) prev(until int64) (int64, bool) {
	for {
		n := i.anchor + floorDiv(until-i.anchor, i.period)*i.period
		if len(i.days) == 0 {
			return n, true
		}
		start, _, excluded := i.excludedSpan(floorDiv(n, 1000))
		if !excluded {
			return n, true
		}
		until = start*1000 - 1
	}
}

// elapsed is an interval on whole seconds, without exceptions. It divides by
// multiplying, which is several times faster than the processor's division.
type elapsed struct {
	period     int64  // seconds, at most longestElapsed
	anchor     int64  // Unix seconds, the last one before the calendar begins
	reciprocal uint64 // 2⁶⁴ / period, rounded up
}

// longestElapsed makes the product of a period and any number of seconds of
// the calendar (below 2³⁹) less than 2⁶⁴, so that rounding the reciprocal up
// never changes a quotient.
const longestElapsed = 1 << 25

func newElapsed(i *interval) *elapsed {
	period, anchor := i.period/second, i.anchor/second
	before := firstInstant/1000 - 2
	return &elapsed{
		period:     period,
		anchor:     anchor + floorDiv(before-anchor, period)*period,
		reciprocal: math.MaxUint64/uint64(period) + 1,
	}
}

// nextSecond returns the first nominal at or after from, in Unix seconds.
func (e *elapsed) nextSecond(from int64) int64 {
	passed, _ := bits.Mul64(uint64(from-1-e.anchor), e.reciprocal)
	return e.anchor + (int64(passed)+1)*e.period
}

// once is a when with a single absolute instant, in Unix milliseconds.
type once struct {
	exceptions
	instant int64
}

func (o *once) next(from int64) (int64, bool)  { return o.instant, o.instant >= from && o.happens() }
func (o *once) prev(until int64) (int64, bool) { return o.instant, o.instant <= until && o.happens() }

func (o *once) happens() bool {
	if len(o.days) == 0 {
		return true
	}
	_, _, excluded := o.excludedSpan(floorDiv(o.instant, 1000))
	return !excluded
}

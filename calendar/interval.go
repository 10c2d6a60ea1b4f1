package calendar

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

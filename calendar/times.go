package calendar

import "math/bits"

// timeSet is a set of times of day, counted in seconds: either a listed one
// (phrases) or every combination of hours, minutes and seconds (cron).
type timeSet struct {
	hours            uint32 // bit h
	minutes, seconds uint64 // bit m, bit s
	listed           []int  // ascending; if not empty, the rest is unused
}

const allHours, allSixty = 1<<24 - 1, 1<<60 - 1

// next returns the earliest time in the set at or after second.
func (t *timeSet) next(second int) (int, bool) {
	if t.listed != nil {
		for _, s := range t.listed {
			if s >= second {
				return s, true
			}
		}
		return 0, false
	}
	hour, minute := second/3600, second/60%60
	if t.hours>>hour&1 != 0 {
		if t.minutes>>minute&1 != 0 {
			if left := t.seconds >> (second % 60); left != 0 {
				return second + bits.TrailingZeros64(left), true
			}
		}
		if left := t.minutes >> (minute + 1); left != 0 {
			return hour*3600 + (minute+1+bits.TrailingZeros64(left))*60 + bits.TrailingZeros64(t.seconds), true
		}
	}
	left := t.hours >> (hour + 1)
	if left == 0 {
		return 0, false
	}
	hour += 1 + bits.TrailingZeros32(left)
	return hour*3600 + bits.TrailingZeros64(t.minutes)*60 + bits.TrailingZeros64(t.seconds), true
}

// prev returns the latest time in the set at or before second.
func (t *timeSet) prev(second int) (int, bool) {
	if t.listed != nil {
		for i := len(t.listed) - 1; i >= 0; i-- {
			if t.listed[i] <= second {
				return t.listed[i], true
			}
		}
		return 0, false
	}
	hour, minute := second/3600, second/60%60
	if t.hours>>hour&1 != 0 {
		if t.minutes>>minute&1 != 0 {
			if left := below(t.seconds, second%60+1); left != 0 {
				return second/60*60 + highest(left), true
			}
		}
		if left := below(t.minutes, minute); left != 0 {
			return hour*3600 + highest(left)*60 + highest(t.seconds), true
		}
	}
	left := below(uint64(t.hours), hour)
	if left == 0 {
		return 0, false
	}
	return highest(left)*3600 + highest(t.minutes)*60 + highest(t.seconds), true
}

// first and last are the earliest and latest time in the set.
func (t *timeSet) first() int { s, _ := t.next(0); return s }
func (t *timeSet) last() int  { s, _ := t.prev(secondsPerDay - 1); return s }

// countBefore counts the times in the set before second (0 to 86400).
func (t *timeSet) countBefore(second int) int {
	if t.listed != nil {
		n := 0
		for n < len(t.listed) && t.listed[n] < second {
			n++
		}
		return n
	}
	hour, minute := second/3600, second/60%60
	inMinute := bits.OnesCount64(t.seconds)
	inHour := bits.OnesCount64(t.minutes) * inMinute
	n := bits.OnesCount64(below(uint64(t.hours), hour)) * inHour
	if t.hours>>hour&1 != 0 {
		n += bits.OnesCount64(below(t.minutes, minute)) * inMinute
		if t.minutes>>minute&1 != 0 {
			n += bits.OnesCount64(below(t.seconds, second%60))
		}
	}
	return n
}

// count is the size of the set.
func (t *timeSet) count() int { return t.countBefore(secondsPerDay) }

// below keeps the bits under n.
func below(set uint64, n int) uint64 { return set & (1<<n - 1) }

// highest is the position of the highest bit of a set that is not empty.
func highest(set uint64) int { return 63 - bits.LeadingZeros64(set) }

package calendar

import "time"

// Exclusion is what of a when leaves out an instant that its expressions yield.
type Exclusion string

// What leaves instants out, by the names the schedule file has for them.
const (
	NotExcluded Exclusion = ""
	ByNotBefore Exclusion = "not_before"
	ByNotAfter  Exclusion = "not_after"
	ByExcept    Exclusion = "except"
)

// LeavesOut says what keeps an instant that the expressions yield from being a
// nominal, and where that is an exception, the local date that is excepted. What
// they do not yield anyway is left out by nothing.
func (w When) LeavesOut(at time.Time) (by Exclusion, date Date) {
	bare := When{Expressions: w.Expressions, Zone: w.Zone}
	spec, yielded := bare.yields(at)
	if !yielded {
		return NotExcluded, Date{}
	}
	switch excepted := (When{Expressions: w.Expressions, Zone: w.Zone, Except: w.Except}); {
	case !w.NotBefore.IsZero() && at.Before(w.NotBefore):
		return ByNotBefore, Date{}
	case !w.NotAfter.IsZero() && at.After(w.NotAfter):
		return ByNotAfter, Date{}
	case len(w.Except) > 0 && !excepted.Yields(at):
		if reading := spec.LocalReading(at); reading != (LocalTime{}) {
			return ByExcept, reading.Date
		}
		return ByExcept, DateOf(at.In(spec.Location()))
	}
	return NotExcluded, Date{}
}

// Yields says whether an instant is a nominal of a when; of one that cannot be
// parsed, none is.
func (w When) Yields(at time.Time) bool {
	_, yielded := w.yields(at)
	return yielded
}

func (w When) yields(at time.Time) (*Spec, bool) {
	spec, err := w.Parse()
	if err != nil {
		return nil, false
	}
	next, ok := spec.Next(at.Add(-1))
	return spec, ok && next.Equal(at)
}

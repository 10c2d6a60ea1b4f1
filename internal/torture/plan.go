package main

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"
)

// cruelty is something that is done to the house at random.
type cruelty struct {
	name   string
	lane   string
	kinds  []string // of database
	weight int      // among those of its lane
	// do returns when all is as it was, also where ctx ends early, and says what
	// it did.
	do func(ctx context.Context, s *siege, r *rand.Rand) (said string, err error)
}

// lanes go on beside each other, so that a clock is killed while the database
// restarts; within one, things come one after the other.
var lanes = []string{"processes", "database", "garbage"}

// planned is a cruelty to come.
type planned struct {
	after time.Duration // the end of the one before
	cruelty
	draw uint64 // what its own choices are drawn from
}

// dice draws the cruelties of one lane. The seed decides which come, in which
// order and with what choices; when exactly is up to the machine.
type dice struct {
	r    *rand.Rand
	of   []cruelty
	rest time.Duration // between two of them, on average
}

func newDice(seed uint64, lane, kind string, rest time.Duration, all []cruelty) *dice {
	of := slices.DeleteFunc(slices.Clone(all), func(c cruelty) bool {
		return c.lane != lane || !slices.Contains(c.kinds, kind)
	})
	return &dice{r: rand.New(rand.NewPCG(seed, uint64(slices.Index(lanes, lane)))), of: of, rest: rest}
}

// next draws one, or none where the lane has none on this database.
func (d *dice) next() (_ planned, ok bool) {
	total := 0
	for _, c := range d.of {
		total += c.weight
	}
	if total == 0 {
		return planned{}, false
	}
	// Between a half and one and a half of the rest: neither a rhythm nor a lull.
	p := planned{after: d.rest/2 + time.Duration(d.r.Float64()*float64(d.rest)), draw: d.r.Uint64()}
	drawn := d.r.IntN(total)
	for _, c := range d.of {
		if drawn -= c.weight; drawn < 0 {
			p.cruelty = c
			break
		}
	}
	return p, true
}

// between draws a duration.
func between(r *rand.Rand, from, to time.Duration) time.Duration {
	return from + time.Duration(r.Float64()*float64(to-from)).Round(time.Millisecond)
}

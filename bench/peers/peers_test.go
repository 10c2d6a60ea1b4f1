package main

import (
	"slices"
	"testing"
	"time"
)

// The numbers mean nothing here, but that every scheduler makes what it is given,
// and that it is measured, is held.
func TestEverySchedulerIsMeasured(t *testing.T) {
	remove, err := build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// The tests below go on when this function has returned.
	t.Cleanup(remove)
	for _, who := range []scheduler{oneClock, twoClocks, river, cron, asynqAsItComes, asynqDurable} {
		t.Run("herd/"+who.name, func(t *testing.T) {
			t.Parallel()
			found, _, err := runHerd(t.Context(), who, 200)
			if err != nil {
				t.Fatal(err)
			}
			if found.lost > 0 || found.memory < 1 || found.seen == 0 || found.first > found.half || found.half > found.last || found.last > time.Minute {
				t.Errorf("%+v", found)
			}
		})
		if who.spread == nil || who.name == twoClocks.name {
			continue
		}
		t.Run("spread/"+who.name, func(t *testing.T) {
			t.Parallel()
			found, err := runSpread(t.Context(), who, sizes{spread: 250, every: 4 * time.Second, warm: time.Second, length: 4 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			if found.missing > 0 || found.share <= 0 || !slices.IsSorted(found.late) {
				t.Errorf("%d missing, a share of %f, from %f ms on", found.missing, found.share, found.late[0])
			}
			if who.name == oneClock.name && found.late[0] < 0 {
				t.Errorf("%f ms early", -found.late[0])
			}
		})
	}
}

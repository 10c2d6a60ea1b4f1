package worker

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// TestTheBeginningAndTheEndOfAnyOutputAreKept writes at random into both
// streams, records now and then, with failures that did and did not reach the
// recorder, and looks at what is on the tape at the end.
func TestTheBeginningAndTheEndOfAnyOutputAreKept(t *testing.T) {
	const half = DefaultOutputLimit / 2
	tests := []struct {
		name         string
		total, piece int // bytes; the largest piece
		room         int
	}{
		{"nothing", 0, 1, 2 * half},
		{"little", 1000, 10, 2 * half},
		{"as much as fits", half, 9000, 2 * half},
		{"more than the head", half + 10_000, 5000, 2 * half},
		{"more than both", 3 << 20, 40_000, 2 * half},
		{"in bytes", 100_000, 1, 2 * half},
		{"in bulk", 20 << 20, 1 << 20, 2 * half},
		{"in a small room", 1 << 20, 40_000, 20_000},
		{"in a tiny room", 100_000, 400, 700},
		{"in no room", 100_000, 400, 0},
	}
	for _, test := range tests {
		for seed := range uint64(5) {
			t.Run(fmt.Sprintf("%s, seed %d", test.name, seed), func(t *testing.T) {
				random := rand.New(rand.NewPCG(seed, 1))
				written := make([]byte, test.total)
				for i := range written {
					written[i] = byte(random.Uint32())
				}
				checkTape(t, record(t, random, written, test.piece, test.room), written, test.room)
			})
		}
	}
}

// record plays a recorder that fails half of the time.
func record(t *testing.T, random *rand.Rand, written []byte, piece, room int) *tape {
	k, tape, now := newKeep(room, random.IntN(9)), newTape(), time.Unix(0, 0)
	flush := func(fails bool) {
		chunks := k.pending()
		if !fails || random.IntN(2) == 0 {
			_ = tape.RecordOutput(t.Context(), 0, 0, chunks)
		}
		if !fails {
			k.commit(chunks)
		}
	}
	for rest := written; len(rest) > 0; {
		n := min(len(rest), 1+random.IntN(piece))
		now = now.Add(time.Duration(random.IntN(20)) * time.Millisecond)
		k.add(now, []string{StreamStdout, StreamStderr}[random.IntN(2)], rest[:n])
		rest = rest[n:]
		if random.IntN(20) == 0 {
			flush(random.IntN(2) == 0)
		}
		if len(k.head)*chunkCost > k.half || k.tailSize > k.half {
			t.Fatalf("%d chunks of the head and %d bytes of the tail are in memory", len(k.head), k.tailSize)
		}
	}
	flush(false)
	if again := k.pending(); len(again) != 0 {
		t.Errorf("%d chunks are pending although all is recorded", len(again))
	}
	return tape
}

// checkTape wants a beginning and an end of what was written, with a note of
// exactly the rest between them, or all of it.
func checkTape(t *testing.T, tape *tape, written []byte, room int) {
	var head, tail []byte
	var leftOut int64
	for _, chunk := range tape.ordered() {
		switch {
		case chunk.Stream == StreamNote:
			if leftOut != 0 {
				t.Error("there are two notes")
			}
			leftOut = chunk.LeftOut
		case leftOut == 0:
			head = append(head, chunk.Data...)
		default:
			tail = append(tail, chunk.Data...)
		}
	}
	if !bytes.HasPrefix(written, head) || !bytes.HasSuffix(written, tail) {
		t.Errorf("what was kept (%d and %d bytes) is not the beginning and the end", len(head), len(tail))
	}
	if got := len(head) + int(leftOut) + len(tail); got != len(written) {
		t.Errorf("%d bytes kept and %d counted, of %d written", len(head)+len(tail), leftOut, len(written))
	}
	if len(head)+len(tail) > room {
		t.Errorf("%d bytes are kept", len(head)+len(tail))
	}
}

func TestEveryAttemptFindsRoomAndTheJobStaysWithinItsLimit(t *testing.T) {
	const limit = 1 << 20
	tests := []struct {
		name     string
		attempts int // all of which write without end
		known    bool
		last     int // what the last finds at least
	}{
		{"without retries", 1, true, limit * 9 / 10},
		{"one retry", 2, true, limit * 4 / 10},
		{"three retries", 4, true, limit * 2 / 10},
		{"ten retries", 11, true, limit * 8 / 100},
		{"a hundred retries", 101, true, 8 << 10},
		{"put off again and again", 20, false, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			kept := KeptOutput{}
			for n := 1; n <= test.attempts; n++ {
				got := room(limit, kept, n, n == test.attempts || !test.known)
				if n == test.attempts && got < test.last {
					t.Errorf("the last attempt may keep %d bytes, want at least %d", got, test.last)
				}
				kept.Bytes += got
			}
			if kept.Bytes > limit {
				t.Errorf("the job keeps %d bytes", kept.Bytes)
			}
		})
	}
}

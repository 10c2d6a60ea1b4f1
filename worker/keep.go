package worker

import (
	"fmt"
	"time"
)

// The streams of a job's output.
const (
	StreamStdout = "stdout"
	StreamStderr = "stderr"
	StreamBody   = "body" // of the answer to an HTTP call
	StreamNote   = "note" // what punctual has to say of the output
)

// Chunk is a piece of what an attempt wrote. Chunks in order of Sequence are
// the output.
type Chunk struct {
	Sequence int // grows from 1 within an attempt; some numbers may stay unused
	At       time.Time
	Stream   string
	Data     []byte
	// LeftOut is zero but for the one note that stands for the middle of an
	// output too long to keep: so many bytes were left out there.
	LeftOut int64
	// Replaces asks the recorder to remove the chunks after this one up to and
	// including that sequence: they were part of the end once, and there is
	// more now. Zero: none.
	Replaces int
}

// KeptOutput is how much of a job's output is recorded already: of the attempts
// before, and of the same attempt where it was begun on a worker that stopped.
type KeptOutput struct {
	Bytes, Chunks int
	Last          int // sequence of the attempt's newest chunk; zero: it has none
}

const (
	// DefaultOutputLimit is how much is kept of what a job writes, in bytes, all
	// its attempts together.
	DefaultOutputLimit = 1 << 20

	chunkSize = 32 << 10
	// chunkCost is what a chunk counts besides its bytes, so that a child that
	// writes single bytes to either stream in turn is bounded as well.
	chunkCost = 128
	// chunkTime is how far apart bytes of one chunk may have been written: the
	// precision of the times shown.
	chunkTime = 50 * time.Millisecond
	// chunksInHalf is how many chunks the end of an output consists of at least,
	// unless they became tiny: it is cut by whole chunks.
	chunksInHalf  = 16
	smallestChunk = 256
)

// room is how much of a job's limit an attempt may use, the beginning of its
// output and the end together.
//
// Attempt n takes at most one part in n+1 of what those before it have left, so
// that a part of the limit is left for every attempt to come, however many there
// will be: of 1 MiB at least a half, a sixth, a twelfth and so on. The last, which
// often tells most, takes nearly all that is left, and that is at least the n-th
// part of the limit. It leaves a little: an attempt may be lost with its worker
// or be put off, and another follows.
func room(limit int, kept KeptOutput, attempt int, last bool) int {
	const lastLeaves = 16
	left := max(0, limit-kept.Bytes-kept.Chunks*chunkCost)
	if last {
		return left - left/lastLeaves
	}
	return left / (max(attempt, 1) + 1)
}

// keep holds the output of one attempt: the first half of its room, the last,
// and a count of what lay between. The head is given up as soon as it is
// recorded. It is plain data; output puts a lock around it.
type keep struct {
	half     int     // of the room, for head and tail each
	largest  int     // bytes of a chunk at most
	sequence int     // of the newest chunk
	head     []Chunk // not yet recorded
	headSize int     // of all that ever stood in it
	note     int     // sequence of the note; zero while the head has room
	noteAt   time.Time
	tail     []Chunk
	tailSize int
	// Chunks up to these were handed out (and may be recorded, may be not), and
	// were recorded for certain.
	handed, recorded  int
	leftOut, reported int64 // bytes; reported: by the note last recorded
	replaces          int
}

// newKeep keeps what follows the chunk with the sequence after.
func newKeep(room, after int) keep {
	return keep{
		half: room / 2, largest: min(chunkSize, max(smallestChunk, room/2/chunksInHalf)),
		sequence: after, handed: after, recorded: after,
	}
}

// add takes a piece of a stream; data may be used again by the caller.
func (k *keep) add(at time.Time, stream string, data []byte) {
	for len(data) > 0 {
		piece := data[:min(len(data), k.largest)]
		if k.note == 0 && k.headSize+chunkCost >= k.half {
			k.sequence++
			k.note = k.sequence
		}
		if k.note == 0 {
			piece = piece[:min(len(piece), k.half-k.headSize)]
			k.headSize += k.extend(&k.head, at, stream, piece)
		} else {
			k.tailSize += k.extend(&k.tail, at, stream, piece)
			k.trim()
		}
		data = data[len(piece):]
	}
}

// extend puts a piece into the newest chunk if it belongs there, else into a
// chunk of its own, and returns what it costs.
func (k *keep) extend(chunks *[]Chunk, at time.Time, stream string, piece []byte) int {
	if n := len(*chunks); n > 0 {
		last := &(*chunks)[n-1]
		if last.Sequence > k.handed && last.Stream == stream && len(last.Data)+len(piece) <= k.largest && at.Sub(last.At) < chunkTime {
			last.Data = append(last.Data, piece...)
			return len(piece)
		}
	}
	k.sequence++
	*chunks = append(*chunks, Chunk{Sequence: k.sequence, At: at, Stream: stream, Data: append([]byte(nil), piece...)})
	return len(piece) + chunkCost
}

// trim leaves out the oldest of the tail until the rest may be kept.
func (k *keep) trim() {
	for k.tailSize > k.half {
		oldest := k.tail[0]
		k.noteAt = oldest.At
		k.tail[0] = Chunk{} // lets go of its bytes
		k.tail = k.tail[1:]
		k.tailSize -= len(oldest.Data) + chunkCost
		k.leftOut += int64(len(oldest.Data))
		if oldest.Sequence <= k.handed {
			k.replaces = oldest.Sequence
		}
	}
}

// pending is what is not recorded yet, in order. Until commit it is handed out
// again, unchanged but for what was left out since.
func (k *keep) pending() []Chunk {
	chunks := append([]Chunk(nil), k.head...)
	if k.leftOut != k.reported {
		chunks = append(chunks, k.leftOutNote())
	}
	for i := range k.tail {
		if k.tail[i].Sequence > k.recorded {
			chunks = append(chunks, k.tail[i:]...)
			break
		}
	}
	k.handed = k.sequence
	return chunks
}

func (k *keep) leftOutNote() Chunk {
	return Chunk{
		Sequence: k.note,
		At:       k.noteAt,
		Stream:   StreamNote,
		Data:     fmt.Appendf(nil, "[%d bytes left out here]\n", k.leftOut),
		LeftOut:  k.leftOut,
		Replaces: k.replaces,
	}
}

// commit notes that what pending returned is recorded.
func (k *keep) commit(chunks []Chunk) {
	for _, chunk := range chunks {
		if chunk.LeftOut > 0 {
			k.reported = chunk.LeftOut
		}
		k.recorded = max(k.recorded, chunk.Sequence)
	}
	for len(k.head) > 0 && k.head[0].Sequence <= k.recorded {
		k.head = k.head[1:]
	}
	if len(k.head) == 0 {
		k.head = nil // lets go of what was recorded
	}
}

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

const (
	keptHead  = 512 << 10
	keptTail  = 512 << 10
	chunkSize = 32 << 10
	// chunkCost is what a chunk counts besides its bytes, so that a child that
	// writes single bytes to either stream in turn is bounded as well.
	chunkCost = 128
	// chunkTime is how far apart bytes of one chunk may have been written: the
	// precision of the times shown.
	chunkTime = 50 * time.Millisecond
)

// keep holds the output of one attempt: its first half MiB, its last, and a
// count of what lay between. The head is given up as soon as it is recorded.
// It is plain data; output puts a lock around it.
type keep struct {
	sequence int     // of the newest chunk
	head     []Chunk // not yet recorded
	headSize int     // of all that ever stood in it
	note     int     // sequence of the note; zero while the head has room
	tail     []Chunk
	tailSize int
	// Chunks up to these were handed out (and may be recorded, may be not), and
	// were recorded for certain.
	handed, recorded  int
	leftOut, reported int64 // bytes; reported: by the note last recorded
	replaces          int
}

// add takes a piece of a stream; data may be used again by the caller.
func (k *keep) add(at time.Time, stream string, data []byte) {
	for len(data) > 0 {
		piece := data[:min(len(data), chunkSize)]
		if k.note == 0 {
			piece = piece[:min(len(piece), keptHead-k.headSize)]
			k.headSize += k.extend(&k.head, at, stream, piece)
			if k.headSize+chunkCost >= keptHead {
				k.sequence++
				k.note = k.sequence
			}
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
		if last.Sequence > k.handed && last.Stream == stream && len(last.Data)+len(piece) <= chunkSize && at.Sub(last.At) < chunkTime {
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
	for k.tailSize > keptTail {
		oldest := k.tail[0]
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
		At:       k.tail[0].At,
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

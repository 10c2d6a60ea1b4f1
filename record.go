package punctual

import (
	"context"
	"time"

	"github.com/punctual-dev/punctual/database"
	"github.com/punctual-dev/punctual/internal/batch"
	"github.com/punctual-dev/punctual/store"
	"github.com/punctual-dev/punctual/worker"
)

// What the jobs of one worker ask of the store at the same time becomes one
// statement: a hundred commands that end in a tenth of a second would else wait
// for a hundred commits.
const (
	batchMost    = 100
	batchTimeout = 5 * time.Second
)

// mayBeOnes says of an error that the content of one question may be to blame for
// it, and not the database.
func mayBeOnes(err error) bool { return !database.Transient(err) }

// lastSuccess says when a job of a schedule last succeeded.
func lastSuccess(s *store.Store) func(context.Context, string) (time.Time, error) {
	return batch.New(batchMost, batchTimeout, mayBeOnes, func(ctx context.Context, keys []string) ([]time.Time, error) {
		found, err := s.LastSuccesses(ctx, keys)
		all := make([]time.Time, len(keys))
		for i, key := range keys {
			all[i] = found[key]
		}
		return all, err
	}).Ask
}

// recorder keeps what jobs write in the store, and has it told if somebody
// looks on.
type recorder struct {
	store    *store.Store
	narrator *narrator // nil: nobody does
	writes   *batch.Batcher[store.JobOutput, struct{}]
}

func newRecorder(s *store.Store, n *narrator) recorder {
	return recorder{s, n, batch.New(batchMost, batchTimeout, mayBeOnes, func(ctx context.Context, written []store.JobOutput) ([]struct{}, error) {
		return make([]struct{}, len(written)), s.RecordOutput(ctx, written)
	})}
}

// RecordOutput implements worker.OutputRecorder.
func (r recorder) RecordOutput(ctx context.Context, job int64, attempt int, chunks []worker.Chunk) error {
	written := store.JobOutput{Job: job, Pieces: make([]store.Output, len(chunks))}
	for i, c := range chunks {
		written.Pieces[i] = store.Output{Attempt: attempt, Sequence: c.Sequence, At: c.At, Stream: c.Stream, Data: c.Data, Replaces: c.Replaces}
	}
	if _, err := r.writes.Ask(ctx, written); err != nil {
		return err
	}
	if r.narrator != nil {
		r.narrator.output(job, chunks)
	}
	return nil
}

// KeptOutput implements worker.OutputRecorder.
func (r recorder) KeptOutput(ctx context.Context, job int64, attempt int) (kept worker.KeptOutput, err error) {
	kept.Bytes, kept.Chunks, kept.Last, err = r.store.KeptOutput(ctx, job, attempt)
	return kept, err
}

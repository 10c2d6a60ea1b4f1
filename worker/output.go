package worker

import (
	"cmp"
	"context"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode"
)

// OutputRecorder keeps what jobs write. It may be called by many attempts at
// once, for one attempt by one caller at a time. After an error the same chunks
// come again, so recording must be repeatable: a chunk takes the place of the
// one with its job, attempt and sequence (see Chunk.Replaces too).
type OutputRecorder interface {
	RecordOutput(ctx context.Context, jobID int64, attempt int, chunks []Chunk) error
	// KeptOutput says what is recorded of a job, up to and including an attempt.
	KeptOutput(ctx context.Context, jobID int64, attempt int) (KeptOutput, error)
}

const (
	// flushInterval is how far the record may lag behind a running job.
	flushInterval = 200 * time.Millisecond
	// flushSlowest is the same for a job whose output is too long to keep: its
	// end is written again and again, more and more rarely.
	flushSlowest = 10 * time.Second
	// flushLimit bounds one call of the recorder, and so how long a finished
	// attempt is held up by a database that does not answer.
	flushLimit = 5 * time.Second
	// keptLimit is how long a command that writes may be held up by the question
	// what is kept of its job already.
	keptLimit = 2 * time.Second
)

// output carries what one attempt writes to the recorder, while it runs and at
// the end. Nothing here ever fails the attempt.
type output struct {
	recorder OutputRecorder // nil: output is dropped
	limit    int            // of the job's output, in bytes
	logger   *slog.Logger
	task     *task
	masker   *masker
	lasting  context.Context // the output of an attempt that was ended is wanted most of all

	mu     sync.Mutex
	kept   *keep         // nil: nothing was written yet
	filled chan struct{} // holds a token when there is something to record
	closed chan struct{}
	done   sync.WaitGroup
	warned sync.Once
}

// openOutput begins the output of an attempt in which secrets never appear.
func (e *executor) openOutput(ctx context.Context, t *task, secrets []string) *output {
	o := &output{
		recorder: e.Output,
		limit:    cmp.Or(e.OutputLimit, DefaultOutputLimit),
		logger:   e.Logger,
		task:     t,
		masker:   newMasker(secrets),
		lasting:  context.WithoutCancel(ctx),
		filled:   make(chan struct{}, 1),
		closed:   make(chan struct{}),
	}
	if o.recorder != nil {
		o.done.Go(o.recordAsItComes)
	}
	return o
}

// close records what is left. All streams must have ended.
func (o *output) close() {
	close(o.closed)
	o.done.Wait()
}

func (o *output) recordAsItComes() {
	interval := flushInterval
	for {
		select {
		case <-o.closed:
			o.flush()
			return
		case <-o.filled:
		}
		select {
		case <-o.closed:
			o.flush()
			return
		case <-time.After(interval):
		}
		if leftOut, recorded := o.flush(); leftOut || !recorded {
			interval = min(2*interval, flushSlowest)
		} else {
			interval = flushInterval
		}
	}
}

// flush says whether it had to leave anything out and whether all is recorded.
// What is not is kept, within its bounds, and tried again.
func (o *output) flush() (leftOut, recorded bool) {
	o.mu.Lock()
	if o.kept == nil {
		o.mu.Unlock()
		return false, true
	}
	chunks := o.kept.pending()
	leftOut = o.kept.leftOut != o.kept.reported
	o.mu.Unlock()
	if len(chunks) == 0 {
		return false, true
	}
	ctx, cancel := context.WithTimeout(o.lasting, flushLimit)
	defer cancel()
	if err := o.recorder.RecordOutput(ctx, o.task.JobID, o.task.Number, chunks); err != nil {
		o.warn(err)
		o.announce()
		return leftOut, false
	}
	o.mu.Lock()
	o.kept.commit(chunks)
	o.mu.Unlock()
	return leftOut, true
}

func (o *output) add(stream string, data []byte) {
	if o.recorder == nil || len(data) == 0 {
		return
	}
	o.mu.Lock()
	if o.kept == nil {
		o.kept = o.begin()
	}
	o.kept.add(now(o.task.Attempt), stream, data)
	o.mu.Unlock()
	o.announce()
}

// note adds a line of the worker's own below what was written to a stream, which
// has ended. Empty: none.
func (o *output) note(below *stream, line string) {
	if line == "" {
		return
	}
	if n := len(below.last); n > 0 && below.last[n-1] != '\n' {
		line = "\n" + line
	}
	o.add(below.name, []byte(line+"\n"))
}

// begin finds out how much of the job's output may still be kept. It is asked
// when the first output comes, since many jobs have none. Where there is no
// answer, the attempts before are taken to have used up their parts.
func (o *output) begin() *keep {
	attempt := o.task.Number
	var kept KeptOutput
	if !o.task.First {
		ctx, cancel := context.WithTimeout(o.lasting, keptLimit)
		defer cancel()
		var err error
		if kept, err = o.recorder.KeptOutput(ctx, o.task.JobID, attempt); err != nil {
			o.warn(err)
			kept = KeptOutput{Bytes: o.limit - o.limit/max(1, attempt)}
		}
	}
	k := newKeep(room(o.limit, kept, attempt, attempt >= o.task.MaxAttempts), kept.Last)
	return &k
}

// warn tells the first failure.
func (o *output) warn(err error) {
	o.warned.Do(func() {
		o.logger.Warn("cannot record the output of a job; it runs on",
			"job", o.task.JobID, "occurrence", o.task.Payload.Occurrence, "error", err)
	})
}

func (o *output) announce() {
	select {
	case o.filled <- struct{}{}:
	default:
	}
}

// stream is one of the streams of an output, in pieces of any size. It is an
// io.Writer that never fails.
type stream struct {
	out         *output
	name        string
	masker      *masker
	first, last []byte // for error messages, without secrets
}

// glimpse is how much of the beginning and end of a stream is remembered.
const glimpse = 1 << 10

func (o *output) stream(name string) *stream {
	return &stream{out: o, name: name, masker: o.masker.another()}
}

func (s *stream) Write(piece []byte) (int, error) {
	s.show(s.masker.mask(piece, false))
	return len(piece), nil
}

// end gives out what was held back in case it became a secret.
func (s *stream) end() { s.show(s.masker.mask(nil, true)) }

func (s *stream) show(data []byte) {
	s.out.add(s.name, data)
	s.first = append(s.first, data[:min(len(data), glimpse-len(s.first))]...)
	s.last = append(s.last, data[max(0, len(data)-glimpse):]...)
	s.last = append(s.last[:0], s.last[max(0, len(s.last)-glimpse):]...)
}

var escapeSequence = regexp.MustCompile(`\x1b\[[0-9;?]*[ -/]*[@-~]`)

// lineLength bounds what of a job's output an error message quotes.
const lineLength = 200

// firstLine and lastLine are lines that say something, fit for an error message.
func firstLine(text []byte) string {
	for line := range strings.Lines(string(text)) {
		if line = tidy(line); line != "" {
			return line
		}
	}
	return ""
}

func lastLine(text []byte) string {
	lines := strings.Split(string(text), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		if line := tidy(lines[i]); line != "" {
			return line
		}
	}
	return ""
}

func tidy(line string) string {
	line = escapeSequence.ReplaceAllString(strings.ToValidUTF8(line, "�"), "")
	line = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, line))
	if runes := []rune(line); len(runes) > lineLength {
		return string(runes[:lineLength]) + "…"
	}
	return line
}

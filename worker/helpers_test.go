package worker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/punctual-dev/punctual/queue"
	"github.com/punctual-dev/punctual/schedule"
)

// doomedWorker makes this test binary a worker that waits to be killed.
const doomedWorker = "TEST_DOOMED_WORKER"

func TestMain(m *testing.M) {
	if script := os.Getenv(doomedWorker); script != "" {
		beDoomedWorker(script)
	}
	goleak.VerifyTestMain(m)
}

// beDoomedWorker runs a command and says when it is guarded.
func beDoomedWorker(script string) {
	e := newExecutor(Options{Environment: os.Environ()})
	go func() {
		for guarded := 0; guarded == 0; time.Sleep(time.Millisecond) {
			e.guard.mu.Lock()
			guarded = len(e.guard.groups)
			e.guard.mu.Unlock()
		}
		fmt.Println("guarded")
	}()
	fmt.Println(e.handlers()[queue.KindCommand](context.Background(), shell(script)))
	os.Exit(1)
}

// patience is how long a test waits for what must happen before it fails. It
// is no part of what is tested.
const patience = 30 * time.Second

// shell is an attempt at a command for the shell.
func shell(script string) queue.Attempt { return command(schedule.Command{Shell: script}) }

func command(c schedule.Command) queue.Attempt {
	return queue.Attempt{JobID: 7, Kind: queue.KindCommand, Number: 1, MaxAttempts: 1, Payload: schedule.Payload{Command: &c}}
}

func request(r schedule.Request) queue.Attempt {
	return queue.Attempt{JobID: 7, Kind: queue.KindHTTP, Number: 1, MaxAttempts: 1, Payload: schedule.Payload{HTTP: &r}}
}

// running is an attempt under way in the background.
type running struct {
	tape   *tape
	cancel context.CancelCauseFunc
	result chan error
}

// start runs an attempt; options get the test's environment and a tape.
func start(t *testing.T, o Options, a queue.Attempt) *running {
	t.Helper()
	r := &running{tape: newTape(), result: make(chan error, 1)}
	if o.Output == nil {
		o.Output = r.tape
	}
	if o.Environment == nil {
		o.Environment = os.Environ()
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	r.cancel = cancel
	t.Cleanup(func() { cancel(nil) })
	go func() { r.result <- Handlers(o)[a.Kind](ctx, a) }()
	return r
}

// end is what came of the attempt.
func (r *running) end(t *testing.T) error {
	t.Helper()
	select {
	case err := <-r.result:
		return err
	case <-time.After(patience):
		t.Fatalf("the attempt did not end; so far it wrote %q", r.tape.text())
		return nil
	}
}

// tape is a recorder in memory that does as Chunk says.
type tape struct {
	kept     KeptOutput // by attempts before
	mu       sync.Mutex
	chunks   map[int]Chunk
	replaced int           // chunks up to this one were removed
	changed  chan struct{} // closed and replaced with every recording
}

func newTape() *tape { return &tape{chunks: map[int]Chunk{}, changed: make(chan struct{})} }

func (r *tape) RecordOutput(_ context.Context, _ int64, _ int, chunks []Chunk) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, chunk := range chunks {
		for sequence := max(chunk.Sequence, r.replaced) + 1; sequence <= chunk.Replaces; sequence++ {
			delete(r.chunks, sequence)
			r.replaced = sequence
		}
		chunk.Data = bytes.Clone(chunk.Data)
		r.chunks[chunk.Sequence] = chunk
	}
	close(r.changed)
	r.changed = make(chan struct{})
	return nil
}

func (r *tape) KeptOutput(context.Context, int64, int) (KeptOutput, error) { return r.kept, nil }

// ordered are the chunks recorded so far.
func (r *tape) ordered() []Chunk {
	r.mu.Lock()
	defer r.mu.Unlock()
	chunks := make([]Chunk, 0, len(r.chunks))
	for _, chunk := range r.chunks {
		chunks = append(chunks, chunk)
	}
	slices.SortFunc(chunks, func(a, b Chunk) int { return a.Sequence - b.Sequence })
	return chunks
}

// text is all that was recorded of the streams named, or of all.
func (r *tape) text(streams ...string) string {
	var text strings.Builder
	for _, chunk := range r.ordered() {
		if len(streams) == 0 || slices.Contains(streams, chunk.Stream) {
			text.Write(chunk.Data)
		}
	}
	return text.String()
}

// awaits returns when the text was recorded while the job runs.
func (r *tape) awaits(t *testing.T, text string) {
	t.Helper()
	limit := time.After(patience)
	for {
		r.mu.Lock()
		changed := r.changed
		r.mu.Unlock()
		if strings.Contains(r.text(), text) {
			return
		}
		select {
		case <-changed:
		case <-limit:
			t.Fatalf("%q was not recorded; so far: %q", text, r.text())
		}
	}
}

// fifo is a named pipe: processes that open it for writing can be waited for
// until the last of them is gone, whoever their parent is.
type fifo struct {
	path string
	ours *os.File
}

func newFIFO(t *testing.T) *fifo {
	t.Helper()
	f := &fifo{path: filepath.Join(t.TempDir(), "fifo")}
	if err := syscall.Mkfifo(f.path, 0o600); err != nil {
		t.Fatal(err)
	}
	ours, err := os.OpenFile(f.path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ours.Close() })
	f.ours = ours
	return f
}

// letGo returns what was written when no process has the fifo open any more.
// At least one must have opened it before.
func (f *fifo) letGo(t *testing.T) string {
	t.Helper()
	if err := f.ours.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(f.ours)
	if err != nil {
		t.Fatalf("a process that should be gone still runs: %v", err)
	}
	return string(text)
}

// line waits for a line a process writes into the fifo. Until one has it open,
// reading says that all has been read.
func (f *fifo) line(t *testing.T) string {
	t.Helper()
	limit := time.Now().Add(patience)
	if err := f.ours.SetReadDeadline(limit); err != nil {
		t.Fatal(err)
	}
	var line []byte
	for one := make([]byte, 1); ; {
		if _, err := f.ours.Read(one); errors.Is(err, io.EOF) && time.Now().Before(limit) {
			time.Sleep(time.Millisecond)
			continue
		} else if err != nil {
			t.Fatalf("no line came through the fifo: %v; so far %q", err, line)
		}
		if one[0] == '\n' {
			return string(line)
		}
		line = append(line, one[0])
	}
}

// touch makes an empty file that a shell waits for.
func touch(path string) error { return os.WriteFile(path, nil, 0o600) }

package worker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/punctual-dev/punctual/schedule"
)

func TestOutputIsRecordedWhileTheJobRunsInOrderAndWithTimes(t *testing.T) {
	f := newFIFO(t)
	before := time.Now()
	r := start(t, Options{}, shell(`echo one; echo two >&2; until [ -e `+f.path+`.go ]; do sleep 0.01; done; echo three`))
	r.tape.awaits(t, "one\n")
	r.tape.awaits(t, "two\n")
	if err := touch(f.path + ".go"); err != nil {
		t.Fatal(err)
	}
	if err := r.end(t); err != nil {
		t.Fatal(err)
	}
	if out, err := r.tape.text(StreamStdout), r.tape.text(StreamStderr); out != "one\nthree\n" || err != "two\n" {
		t.Errorf("recorded %q and %q", out, err)
	}
	last := before
	for i, chunk := range r.tape.ordered() {
		if chunk.Sequence != i+1 || chunk.At.Before(last) || chunk.At.After(time.Now()) {
			t.Errorf("chunk %d (%q) has the number %d and the time %s after %s", i+1, chunk.Data, chunk.Sequence, chunk.At, last)
		}
		last = chunk.At
	}
}

func TestWhatACommandWritesToEitherStreamInTurnKeepsItsOrder(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells the order")
	}
	tests := []struct{ name, script, want string }{
		{"in turn", "for i in $(seq 200); do echo out $i; echo err $i >&2; done", inTurn(200, "out", "err")},
		{"the other first", "for i in $(seq 200); do echo err $i >&2; echo out $i; done", inTurn(200, "err", "out")},
		{"two and one", "for i in $(seq 100); do echo a $i; echo b $i; echo c $i >&2; done", inTurn(100, "a", "b", "c")},
		{"by several programs", "for i in $(seq 20); do sh -c \"echo out $i; echo err $i >&2\"; done", inTurn(20, "out", "err")},
		{"after a page and more", "printf %09000d 0; echo between >&2; printf %09000d 0", strings.Repeat("0", 9000) + "between\n" + strings.Repeat("0", 9000)},
		{"the last before its end", "echo out; printf err >&2", "out\nerr"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := start(t, Options{}, shell(test.script))
			if err := r.end(t); err != nil {
				t.Fatal(err)
			}
			if got := r.tape.text(); got != test.want {
				t.Errorf("recorded\n%q, want\n%q", got, test.want)
			}
		})
	}
}

// inTurn are lines of words with a number, as often as that.
func inTurn(n int, words ...string) string {
	var text strings.Builder
	for i := range n {
		for _, word := range words {
			fmt.Fprintln(&text, word, i+1)
		}
	}
	return text.String()
}

func TestACommandThatWritesALotIsReadWhole(t *testing.T) {
	tests := []struct {
		name, script string
		out, err     int
	}{
		{"many small writes", "for i in $(seq 3000); do echo out; echo err >&2; done", 12_000, 12_000},
		{"small ones, by the files' names", "for i in $(seq 3000); do echo out >/dev/stdout; echo err >/dev/stderr; done", 12_000, 12_000},
		{"large ones", "head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2", 300_000, 300_000},
		{"both at once", "head -c 300000 /dev/zero & head -c 300000 /dev/zero >&2; wait", 300_000, 300_000},
		{"small ones, and a large one", "for i in $(seq 100); do echo out; done; head -c 300000 /dev/zero >&2", 400, 300_000},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := start(t, Options{OutputLimit: 4 << 20}, shell(test.script))
			if err := r.end(t); err != nil {
				t.Fatal(err)
			}
			if out, err := len(r.tape.text(StreamStdout)), len(r.tape.text(StreamStderr)); out != test.out || err != test.err {
				t.Errorf("%d and %d bytes were recorded, want %d and %d", out, err, test.out, test.err)
			}
		})
	}
}

func TestAChildThatPrintsWithoutEndLeavesTheWorkersMemoryAlone(t *testing.T) {
	const printed = 1_000_000_000
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	watch := &memoryWatch{tape: newTape()}
	r := start(t, Options{Output: watch}, shell("echo the beginning; yes | head -c 999999977; echo; echo the end"))
	if err := r.end(t); err != nil {
		t.Fatal(err)
	}
	kept, leftOut := 0, int64(0)
	for _, chunk := range watch.tape.ordered() {
		if leftOut += chunk.LeftOut; chunk.LeftOut == 0 {
			kept += len(chunk.Data)
		}
	}
	if got := int64(kept) + leftOut; got != printed || kept > 1<<20 || kept < 900<<10 {
		t.Errorf("%d bytes kept and %d left out, of %d", kept, leftOut, printed)
	}
	if text := watch.tape.text(); !strings.HasPrefix(text, "the beginning\n") || !strings.HasSuffix(text, "\nthe end\n") {
		t.Error("the beginning or the end is missing")
	}
	if grown := int64(watch.most) - int64(before.HeapAlloc); grown > 32<<20 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
}

func TestTheAttemptsOfAJobShareItsLimit(t *testing.T) {
	const limit = 100_000
	tests := []struct {
		name             string
		number, attempts int
		kept             KeptOutput
		least, most      int
	}{
		{"the only one", 1, 1, KeptOutput{}, 85_000, limit * 15 / 16},
		{"the first of four", 1, 4, KeptOutput{}, 40_000, limit / 2},
		{"the last, after three that wrote all they could", 4, 4, KeptOutput{Bytes: 74_000, Chunks: 8}, 18_000, limit / 4},
		{"the last, after three that wrote little", 4, 4, KeptOutput{Bytes: 300, Chunks: 3}, 80_000, limit},
		{"one more after all is used up", 2, 2, KeptOutput{Bytes: limit}, 0, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tape := newTape()
			tape.kept = test.kept
			a := shell("yes | head -c 500000")
			a.Number, a.MaxAttempts = test.number, test.attempts
			if err := start(t, Options{Output: tape, OutputLimit: limit}, a).end(t); err != nil {
				t.Fatal(err)
			}
			if kept := len(tape.text(StreamStdout)); kept < test.least || kept > test.most {
				t.Errorf("%d bytes are kept, want %d to %d", kept, test.least, test.most)
			}
			if note := tape.text(StreamNote); !strings.Contains(note, "bytes left out here") {
				t.Errorf("the note is %q", note)
			}
		})
	}
}

func TestAnAttemptBegunAgainElsewhereWritesOnBehindWhatIsKept(t *testing.T) {
	tape := newTape()
	tape.kept = KeptOutput{Bytes: 100, Chunks: 3, Last: 3}
	if err := start(t, Options{Output: tape}, shell("echo on")).end(t); err != nil {
		t.Fatal(err)
	}
	if chunks := tape.ordered(); len(chunks) != 1 || chunks[0].Sequence != 4 {
		t.Errorf("recorded %+v, want one chunk with the number 4", chunks)
	}
}

func TestWhereNothingSaysWhatIsKeptAnAttemptStaysWithinItsPart(t *testing.T) {
	unknown := &unknownRecorder{newTape()}
	a := shell("yes | head -c 500000")
	a.Number, a.MaxAttempts = 4, 4
	if err := start(t, Options{Output: unknown, OutputLimit: 100_000}, a).end(t); err != nil {
		t.Fatal(err)
	}
	if kept := len(unknown.text(StreamStdout)); kept < 15_000 || kept > 25_000 {
		t.Errorf("%d bytes are kept, want a quarter of the limit", kept)
	}
}

// unknownRecorder does not know what is kept.
type unknownRecorder struct{ *tape }

func (unknownRecorder) KeptOutput(context.Context, int64, int) (KeptOutput, error) {
	return KeptOutput{}, errors.New("no database")
}

// memoryWatch looks at the heap whenever something is recorded.
type memoryWatch struct {
	*tape
	most uint64
}

func (w *memoryWatch) RecordOutput(ctx context.Context, job int64, attempt int, chunks []Chunk) error {
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	w.most = max(w.most, now.HeapAlloc)
	return w.tape.RecordOutput(ctx, job, attempt, chunks)
}

func TestARecorderThatFailsNeverFailsTheJobAndIsReportedOnce(t *testing.T) {
	var log bytes.Buffer
	broken := &brokenRecorder{tape: newTape(), failures: 2, failed: make(chan struct{})}
	f := newFIFO(t)
	r := start(t, Options{Output: broken, Logger: slog.New(slog.NewTextHandler(&log, nil))},
		shell("echo one; until [ -e "+f.path+" ] && [ -e "+f.path+".go ]; do sleep 0.01; done; echo two"))
	<-broken.failed
	if err := touch(f.path + ".go"); err != nil {
		t.Fatal(err)
	}
	if err := r.end(t); err != nil {
		t.Errorf("the job failed with its recorder: %v", err)
	}
	if got := broken.tape.text(); got != "one\ntwo\n" {
		t.Errorf("once the recorder worked again it got %q", got)
	}
	if got := strings.Count(log.String(), "cannot record the output"); got != 1 {
		t.Errorf("logged %d times: %s", got, log.String())
	}
}

// brokenRecorder fails a number of times and then works.
type brokenRecorder struct {
	*tape
	failures int
	failed   chan struct{} // closed with the last failure
}

func (b *brokenRecorder) RecordOutput(ctx context.Context, job int64, attempt int, chunks []Chunk) error {
	if b.failures > 0 {
		if b.failures--; b.failures == 0 {
			close(b.failed)
		}
		return errors.New("no database")
	}
	return b.tape.RecordOutput(ctx, job, attempt, chunks)
}

func TestASlowRecorderHoldsUpNeitherTheJobNorItsEnd(t *testing.T) {
	slow := &slowRecorder{tape: newTape(), entered: make(chan struct{}), leave: make(chan struct{})}
	f := newFIFO(t)
	r := start(t, Options{Output: slow}, shell("exec 9>"+f.path+"; echo ready; until [ -e "+f.path+".go ]; do sleep 0.01; done; yes | head -c 3000000; echo printed >&9"))
	<-slow.entered
	if err := touch(f.path + ".go"); err != nil {
		t.Fatal(err)
	}
	if got := f.line(t); got != "printed" { // while the recorder still hangs
		t.Errorf("the command wrote %q", got)
	}
	close(slow.leave)
	if err := r.end(t); err != nil {
		t.Error(err)
	}
}

// slowRecorder does not return from its first call until told to.
type slowRecorder struct {
	*tape
	once           sync.Once
	entered, leave chan struct{}
}

func (s *slowRecorder) RecordOutput(ctx context.Context, job int64, attempt int, chunks []Chunk) error {
	s.once.Do(func() { close(s.entered); <-s.leave })
	return s.tape.RecordOutput(ctx, job, attempt, chunks)
}

func TestSecretsAppearNeitherInOutputNorInErrors(t *testing.T) {
	const secret = "correct-horse-battery"
	c := schedule.Command{
		Shell: `printf 'out correct-'; sleep 0.1; printf 'horse-battery.'; echo "err $KEY" >&2; exit 1`,
		Env:   map[string]string{"KEY": "key=${SECRET}"},
	}
	r := start(t, Options{Environment: []string{"SECRET=" + secret, "PATH=/usr/bin:/bin"}}, command(c))
	err := r.end(t)
	if got := r.tape.text(StreamStdout); got != "out ***." {
		t.Errorf("stdout was recorded as %q", got)
	}
	if got := r.tape.text(StreamStderr); got != "err key=***\n" {
		t.Errorf("stderr was recorded as %q", got)
	}
	if got := message(err); got != "exit code 1: err key=***" {
		t.Errorf("the error is %q", got)
	}
}

func TestACommandRunsWithoutARecorder(t *testing.T) {
	a := shell("yes | head -c 1000000; echo bad >&2; exit 1")
	err := Handlers(Options{})[a.Kind](t.Context(), a)
	if message(err) != "exit code 1: bad" {
		t.Errorf("it ended with %v", err)
	}
}

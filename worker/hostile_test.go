package worker

import (
	"bufio"
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/punctual-dev/punctual/queue"
	"github.com/punctual-dev/punctual/schedule"
)

// never is a grace that must not be waited for: a test that does runs out of
// patience.
const never = time.Hour

// stubborn is a shell line that ignores SIGTERM, in itself and in a child and
// a grandchild of the same group, all of which hold the fifo open.
func stubborn(f *fifo) string {
	return "trap '' TERM; exec 9>" + f.path + "; (sh -c 'sleep 1000; true'; true) & echo ready; while :; do sleep 1000; done"
}

func TestACommandThatEndsWhenAskedIsGivenItsTime(t *testing.T) {
	tests := []struct {
		name  string
		cause error
		grace time.Duration
	}{
		{"at a stop", queue.ErrStopping, never},
		{"for any other reason", errors.New("lost"), never},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFIFO(t)
			r := start(t, Options{KillGrace: test.grace}, shell("exec 9>"+f.path+"; trap 'echo cleaned up >&2; exit 0' TERM; echo ready; while :; do sleep 0.01; done"))
			r.tape.awaits(t, "ready")
			r.cancel(test.cause)
			err := r.end(t)
			if !errors.Is(err, test.cause) {
				t.Errorf("it ended with %v, want %v although its exit code was 0", err, test.cause)
			}
			if !strings.HasSuffix(message(err), ": cleaned up") {
				t.Errorf("the error %q does not quote what the command said last", err)
			}
			f.letGo(t)
		})
	}
}

func TestAGroupWhoseLeaderEndsAtOnceStillGetsItsTime(t *testing.T) {
	f := newFIFO(t)
	// The shell dies of SIGTERM; its child has closed the descriptors and
	// cleans up for as long as it takes.
	script := "exec 9>" + f.path + `; sh -c 'trap "sleep 0.2; echo cleaned >&9; exit" TERM; echo up >&9; while :; do sleep 0.01; done' >/dev/null 2>&1 & wait`
	r := start(t, Options{KillGrace: never}, shell(script))
	if got := f.line(t); got != "up" {
		t.Fatalf("the child wrote %q", got)
	}
	r.cancel(queue.ErrStopping)
	if err := r.end(t); !errors.Is(err, queue.ErrStopping) {
		t.Errorf("it ended with %v", err)
	}
	if got := f.letGo(t); got != "cleaned\n" {
		t.Errorf("the child wrote %q after it was asked to end", got)
	}
}

func TestACommandThatIgnoresSIGTERMIsKilledWithItsWholeGroup(t *testing.T) {
	tests := []struct {
		name  string
		grace time.Duration
		cause error
	}{
		{"at a stop, after the grace", 20 * time.Millisecond, queue.ErrStopping},
		{"when cancelled, whatever the grace", never, queue.ErrCancelled},
		{"when the worker was taken for dead, without any", never, queue.ErrLost},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFIFO(t)
			r := start(t, Options{KillGrace: test.grace}, shell(stubborn(f)))
			r.tape.awaits(t, "ready")
			r.cancel(test.cause)
			if err := r.end(t); !errors.Is(err, test.cause) {
				t.Errorf("it ended with %v, want %v", err, test.cause)
			}
			f.letGo(t)
		})
	}
}

func TestACommandThatIsGivenItsTimeLosesItWhenAllIsToEndAtOnce(t *testing.T) {
	f := newFIFO(t)
	atOnce := make(chan struct{})
	r := start(t, Options{KillGrace: never, AtOnce: atOnce}, shell(stubborn(f)))
	r.tape.awaits(t, "ready")
	cause := errors.New("any cause")
	r.cancel(cause)
	close(atOnce)
	if err := r.end(t); !errors.Is(err, cause) {
		t.Errorf("it ended with %v, want %v", err, cause)
	}
	f.letGo(t)
}

func TestACancelledGroupIsGoneWithinASecond(t *testing.T) {
	const tries = 3 // a machine that is busy may hold up one
	var took time.Duration
	for range tries {
		f := newFIFO(t)
		r := start(t, Options{KillGrace: never}, shell(stubborn(f)))
		r.tape.awaits(t, "ready")
		began := time.Now()
		r.cancel(queue.ErrCancelled)
		f.letGo(t)
		if took = time.Since(began); took <= time.Second {
			return
		}
	}
	t.Errorf("the group was gone after %s", took)
}

func TestWhatLeftTheGroupIsEndedWithACommandThatIsToEnd(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux shows who descends from whom")
	}
	tests := []struct {
		name, left string
		cause      error
	}{
		{"a child in a session of its own", "setsid sh -c 'exec 9>FIFO; echo up >&9; sleep 1000' & wait", queue.ErrStopping},
		{"its children", "setsid sh -c 'exec 9>FIFO; sleep 1000 & setsid sleep 1000 & echo up >&9; wait' & wait", queue.ErrCancelled},
		{"ignoring SIGTERM", "setsid sh -c 'trap \"\" TERM; exec 9>FIFO; echo up >&9; while :; do sleep 1000; done' & wait", queue.ErrCancelled},
		{"ignoring it in a worker taken for dead", "setsid sh -c 'trap \"\" TERM; exec 9>FIFO; echo up >&9; while :; do sleep 1000; done' & wait", queue.ErrLost},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFIFO(t)
			r := start(t, Options{KillGrace: never}, shell(strings.ReplaceAll(test.left, "FIFO", f.path)))
			if got := f.line(t); got != "up" {
				t.Fatalf("the child wrote %q", got)
			}
			r.cancel(test.cause)
			if err := r.end(t); !errors.Is(err, test.cause) {
				t.Errorf("it ended with %v", err)
			}
			f.letGo(t)
		})
	}
}

func TestATimeoutEndsTheWholeGroupAndSaysSo(t *testing.T) {
	f := newFIFO(t)
	a := shell(stubborn(f))
	a.Payload.Timeout = schedule.Duration(300 * time.Millisecond)
	r := start(t, Options{KillGrace: time.Millisecond}, a)
	err := r.end(t)
	if !errors.Is(err, queue.ErrTimeout) || message(err) != "the attempt ran into its timeout of 300ms" {
		t.Errorf("it ended with %v", err)
	}
	if r.tape.text() != "" { // it got as far as opening the fifo
		f.letGo(t)
	}
}

func TestAStoppedCommandHearsThatItIsToEnd(t *testing.T) {
	f := newFIFO(t)
	r := start(t, Options{KillGrace: never}, shell("exec 9>"+f.path+"; echo ready; kill -STOP $$"))
	r.tape.awaits(t, "ready")
	r.cancel(queue.ErrStopping)
	if err := r.end(t); !errors.Is(err, queue.ErrStopping) {
		t.Errorf("it ended with %v", err)
	}
	f.letGo(t)
}

func TestWhatACommandLeavesRunningInItsGroupIsEndedAndTold(t *testing.T) {
	const one = "punctual: ended 1 process that the command left behind\n"
	tests := []struct{ name, left, told string }{
		{"holding the output", "sleep 1000 &", one},
		{"ignoring SIGTERM", "(trap '' TERM; sleep 1000; sleep 1000) &", "punctual: ended 2 processes that the command left behind\n"},
		{"without descriptors", "sleep 1000 <&- >/dev/null 2>&1 &", one},
		{"as nohup would", "nohup sleep 1000 >/dev/null 2>&1 &", one},
		{"in the middle of a line", "sleep 1000 & printf half >&2;", "half\n" + one},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := newFIFO(t)
			r := start(t, Options{KillGrace: never}, shell("exec 9>"+f.path+"; "+test.left+" echo done"))
			if err := r.end(t); err != nil {
				t.Errorf("the command itself succeeded, but the attempt ended with %v", err)
			}
			if got := r.tape.text(StreamStdout); got != "done\n" {
				t.Errorf("recorded %q", got)
			}
			if got := r.tape.text(StreamStderr); got != test.told && runtime.GOOS == "linux" {
				t.Errorf("told %q, want %q", got, test.told)
			}
			f.letGo(t)
		})
	}
}

func TestTheLastWordsOfAPipelineAreWaitedFor(t *testing.T) {
	r := start(t, Options{}, command(schedule.Command{Program: []string{
		"bash", "-c", "exec > >(sleep 0.1; cat; echo last words); echo first words",
	}}))
	if err := r.end(t); err != nil {
		t.Fatal(err)
	}
	if got := r.tape.text(); got != "first words\nlast words\n" {
		t.Errorf("recorded %q", got)
	}
}

// daemonised is a shell line that returns when body runs in a session of its
// own, with the fifo open as 9 and the command's stdout still in hand.
func daemonised(f *fifo, body string) string {
	up := f.path + ".up"
	return "setsid sh -c 'exec 9>" + f.path + "; touch " + up + "; " + body + "' & until [ -e " + up + " ]; do sleep 0.01; done; echo parent"
}

func TestADaemonThatLeftTheGroupLivesOnAndHoldsNobodyUp(t *testing.T) {
	f := newFIFO(t)
	r := start(t, Options{}, shell(daemonised(f, "until [ -e "+f.path+".go ]; do sleep 0.01; done; echo alive >&9")))
	if err := r.end(t); err != nil {
		t.Errorf("the attempt ended with %v", err)
	}
	if err := touch(f.path + ".go"); err != nil {
		t.Fatal(err)
	}
	if got := f.letGo(t); got != "alive\n" {
		t.Errorf("the daemon was ended with the command; it wrote %q", got)
	}
	if got := r.tape.text(); got != "parent\n" {
		t.Errorf("recorded %q", got)
	}
}

func TestAFloodingDaemonIsListenedToOnlyForAWhile(t *testing.T) {
	f := newFIFO(t)
	r := start(t, Options{}, shell(daemonised(f, "exec yes")))
	if err := r.end(t); err != nil {
		t.Errorf("the attempt ended with %v", err)
	}
	f.letGo(t) // its output is closed by now, and it dies of it
}

func TestACommandThatClosesItsDescriptorsIsStillWaitedFor(t *testing.T) {
	f := newFIFO(t)
	r := start(t, Options{}, shell("exec 9>"+f.path+"; echo bye; exec <&- >&- 2>&-; echo closed >&9; sleep 0.1; exit 4"))
	if got := f.line(t); got != "closed" {
		t.Fatalf("it wrote %q", got)
	}
	if err := r.end(t); message(err) != "exit code 4" {
		t.Errorf("it ended with %v", err)
	}
	if got := r.tape.text(); got != "bye\n" {
		t.Errorf("recorded %q", got)
	}
}

func TestACommandHasNothingToReadAndLeadsItsOwnGroup(t *testing.T) {
	r := start(t, Options{}, shell(`cat; readlink /proc/self/fd/0; test "$(ps -o pgid= -p $$ | tr -d ' ')" = $$`))
	if err := r.end(t); err != nil {
		t.Fatal(err)
	}
	if got := r.tape.text(); got != "/dev/null\n" {
		t.Errorf("recorded %q", got)
	}
}

func TestACommandOutlivesThreadsOfTheWorkerButNotTheWorker(t *testing.T) {
	gate := newFIFO(t)
	r := start(t, Options{}, shell("echo ready; exec 9>"+gate.path+"; read line <&0; while [ ! -e "+gate.path+".go ]; do sleep 0.01; done; echo alive"))
	r.tape.awaits(t, "ready")
	for range 200 { // each ends a thread of this process
		ended := make(chan struct{})
		go func() {
			runtime.LockOSThread()
			close(ended)
		}()
		<-ended
	}
	if err := touch(gate.path + ".go"); err != nil {
		t.Fatal(err)
	}
	if err := r.end(t); err != nil || r.tape.text() != "ready\nalive\n" {
		t.Errorf("it ended with %v and wrote %q", err, r.tape.text())
	}
}

func TestAKilledWorkerLeavesNoCommandBehind(t *testing.T) {
	for _, c := range []struct{ name, script string }{
		{"a program", "exec sleep 1000"},
		{"a shell and what it runs", "sleep 1000; echo never"},
		{"what runs in the background and hears no signal", "trap '' HUP TERM; sleep 1000 & sleep 1000 & wait"},
		{"what a command in the background left", "(sleep 1000 &) & sleep 1000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFIFO(t)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			worker := exec.CommandContext(ctx, os.Args[0])
			worker.Env = append(os.Environ(), doomedWorker+"=exec 9>"+f.path+"; echo up >&9; "+c.script)
			out, err := worker.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := worker.Start(); err != nil {
				t.Fatal(err)
			}
			if got := f.line(t); got != "up" {
				t.Fatalf("the command wrote %q", got)
			}
			said := bufio.NewReader(out)
			if line, err := said.ReadString('\n'); line != "guarded\n" {
				t.Fatalf("the worker said %q: %v", line, err)
			}
			if err := worker.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			if rest, _ := said.ReadString(0); rest != "" {
				t.Errorf("the worker said %q before it was killed", rest)
			}
			_ = worker.Wait()
			f.letGo(t)
		})
	}
}

func TestACommandThatEndedIsGuardedNoMore(t *testing.T) {
	g := newGuard(slog.New(slog.DiscardHandler))
	kept := exec.Command("sleep", "1000")
	kept.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	doomed := exec.Command("sleep", "1000")
	doomed.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	for _, command := range []*exec.Cmd{kept, doomed} {
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		g.watch(command.Process.Pid)
	}
	g.release(kept.Process.Pid)
	if err := g.pipe.Close(); err != nil { // as the worker's end does
		t.Fatal(err)
	}
	if _ = doomed.Wait(); doomed.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Errorf("the one that is guarded ended with %v, want SIGKILL", doomed.ProcessState)
	}
	if err := kept.Process.Kill(); err != nil {
		t.Errorf("the one that is guarded no more is gone: %v", err)
	}
	_ = kept.Wait()
}

func TestManyCommandsRunAtOnceWithoutMixingTheirOutput(t *testing.T) {
	const many = 50
	attempts := make([]*running, many)
	for i := range attempts {
		a := shell("echo $PUNCTUAL_OCCURRENCE; echo $PUNCTUAL_OCCURRENCE >&2; exit 0")
		a.Payload.Occurrence = strings.Repeat("x", i+1)
		attempts[i] = start(t, Options{}, a)
	}
	for i, r := range attempts {
		if err := r.end(t); err != nil {
			t.Errorf("attempt %d ended with %v", i, err)
		}
		want := strings.Repeat("x", i+1) + "\n"
		if out, err := r.tape.text(StreamStdout), r.tape.text(StreamStderr); out != want || err != want {
			t.Errorf("attempt %d recorded %q and %q, want %q each", i, out, err, want)
		}
	}
}

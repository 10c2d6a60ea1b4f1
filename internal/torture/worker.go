package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// killWorker kills a worker while all its commands run, and measures how soon
// they run again elsewhere.
func killWorker(ctx context.Context, h *house, r *report) error {
	return worker(ctx, h, r, syscall.SIGKILL)
}

// freezeWorker stops a worker while all its commands run, until others have
// them, and lets it go on.
func freezeWorker(ctx context.Context, h *house, r *report) error {
	return worker(ctx, h, r, syscall.SIGSTOP)
}

// allowedBack is how soon the jobs of a lost worker have to run again.
const allowedBack = 30 * time.Second

// gated is a command that says that it runs, waits at the gate, and then takes
// five seconds.
const gated = `echo "$PUNCTUAL_OCCURRENCE $PUNCTUAL_ATTEMPT" >>begun; read line <gate; sleep 5; echo "$PUNCTUAL_OCCURRENCE $PUNCTUAL_ATTEMPT" >>done`

func worker(ctx context.Context, h *house, r *report, cruelty syscall.Signal) error {
	if err := h.apply(ctx, once(h.jobs)); err != nil {
		return err
	}
	if err := h.closeGate(); err != nil {
		return err
	}
	concurrency := fmt.Sprintf("--concurrency=%d", h.jobs)
	first, err := h.startElsewhere(r, "worker-1", "worker", "--quiet", concurrency)
	if err != nil {
		return err
	}
	if _, err := h.start("clock-1", "clock"); err != nil {
		return err
	}
	r.limit, r.disturbedLimit = 20*time.Second, 20*time.Second
	if err := h.untilLines(ctx, "begun", h.jobs); err != nil {
		return err
	}
	if _, err := h.start("worker-2", "worker", "--quiet", concurrency); err != nil {
		return err
	}
	// Who sweeps has to have been beating for as long as who is found dead.
	if err := wait(ctx, 22*time.Second); err != nil {
		return err
	}
	if err := h.openGate(); err != nil {
		return err
	}
	lost := time.Now()
	signalAll(first, cruelty)
	r.event(fmt.Sprintf("%s of a worker with %d commands of 5 seconds running", cruelty, h.jobs))
	if err := h.untilLines(ctx, "begun", 2*h.jobs); err != nil {
		return err
	}
	back := time.Since(lost)
	r.event(fmt.Sprintf("all of them run again after %s", back.Round(100*time.Millisecond)))
	if back > allowedBack {
		r.fault("it took %s until all commands ran again; allowed are %s", back, allowedBack)
	}
	if cruelty == syscall.SIGSTOP {
		if err := thaw(ctx, h, r, first, lost); err != nil {
			return err
		}
	}
	if err := h.until(ctx, 2*time.Minute, "completed", h.jobs); err != nil {
		return err
	}
	r.event("all of them completed")
	return h.completedElsewhere(ctx, r)
}

// thaw lets a frozen worker go on when it has been away long enough, and sees it
// end of itself.
func thaw(ctx context.Context, h *house, r *report, frozen *process, since time.Time) error {
	if err := wait(ctx, time.Until(since.Add(h.frozen))); err != nil {
		return err
	}
	signalAll(frozen, syscall.SIGCONT)
	r.event(fmt.Sprintf("SIGCONT after %s", time.Since(since).Round(100*time.Millisecond)))
	thawed := time.Now()
	ended := make(chan error, 1)
	go func() { ended <- frozen.cmd.Wait() }()
	select {
	case err := <-ended:
		r.event(fmt.Sprintf("the frozen worker ended after %s: %v", time.Since(thawed).Round(100*time.Millisecond), err))
	case <-time.After(30 * time.Second):
		r.fault("the frozen worker did not end when it learnt that it had been taken for dead")
	}
	return nil
}

// completedElsewhere checks that every job has one lost attempt on record, and
// was completed by the second worker, which nobody wrote over.
func (h *house) completedElsewhere(ctx context.Context, r *report) error {
	query := "SELECT count(*) FROM river_job WHERE state = 'completed' AND array_length(errors, 1) = 1 AND array_length(attempted_by, 1) = 2"
	if h.kind == "sqlite" {
		query = "SELECT count(*) FROM river_job WHERE state = 'completed' AND json_array_length(json(errors)) = 1 AND json_array_length(json(attempted_by)) = 2"
	}
	var n int
	if err := h.db.QueryRowContext(ctx, query).Scan(&n); err != nil {
		return err
	}
	if n != h.jobs {
		r.fault("%d of %d jobs have one lost attempt on record and were completed by the second worker", n, h.jobs)
	}
	return nil
}

// awayFromWorkers takes the database away from workers whose commands run.
func awayFromWorkers(ctx context.Context, h *house, r *report) error {
	const jobs = 100
	if err := h.apply(ctx, once(jobs)); err != nil {
		return err
	}
	if err := h.closeGate(); err != nil {
		return err
	}
	for i := range 3 {
		if _, err := h.start(fmt.Sprintf("worker-%d", i+1), "worker", "--quiet", "--concurrency=40"); err != nil {
			return err
		}
	}
	if _, err := h.start("clock-1", "clock"); err != nil {
		return err
	}
	r.limit, r.disturbedLimit = 20*time.Second, 20*time.Second
	if err := h.untilLines(ctx, "begun", jobs); err != nil {
		return err
	}
	if err := wait(ctx, 22*time.Second); err != nil { // everybody may sweep by now
		return err
	}
	if err := h.server.Stop("fast"); err != nil {
		return err
	}
	r.event(fmt.Sprintf("the database is stopped while %d commands run on three workers", jobs))
	if err := wait(ctx, h.longAway); err != nil {
		return err
	}
	if err := h.server.Start(); err != nil {
		return err
	}
	r.event(fmt.Sprintf("it is back after %s", h.longAway))
	// Whoever would take others for dead does it now.
	if err := wait(ctx, 30*time.Second); err != nil {
		return err
	}
	if err := h.openGate(); err != nil {
		return err
	}
	if err := h.until(ctx, time.Minute, "completed", jobs); err != nil {
		return err
	}
	if n, err := h.lines("begun"); err != nil || n != jobs {
		r.fault("%d commands were begun, not %d: some were restarted (%v)", n, jobs, err)
	}
	for _, p := range h.processes {
		if !p.alive() {
			r.fault("%s did not live through it", p.name)
		}
	}
	r.event("all of them completed, none was restarted")
	return nil
}

// closeGate makes commands wait; openGate lets go those that wait and those to
// come.
func (h *house) closeGate() error {
	return syscall.Mkfifo(filepath.Join(h.directory, "gate"), 0o600)
}

func (h *house) openGate() error {
	gate := filepath.Join(h.directory, "gate")
	writer, err := os.OpenFile(gate, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := os.WriteFile(gate+".open", nil, 0o600); err != nil {
		return err
	}
	// Who opens it from now on reads the end of a file; who waits does so when
	// the pipe's last writer is gone.
	if err := os.Rename(gate+".open", gate); err != nil {
		return err
	}
	return writer.Close()
}

// startElsewhere starts a process in a PID namespace of its own, as a container
// has one: nobody can see that it is gone, and its silence has to tell.
func (h *house) startElsewhere(r *report, name string, arguments ...string) (*process, error) {
	unshare, err := exec.LookPath("unshare")
	if err != nil || os.Geteuid() != 0 {
		r.event("the worker is on the same machine as the others (another needs root and unshare)")
		return h.start(name, arguments...)
	}
	r.event("the worker is in a PID namespace of its own, as on another machine")
	binary := h.binary
	h.binary = unshare
	defer func() { h.binary = binary }()
	return h.start(name, append([]string{"--pid", "--fork", "--mount-proc", "--kill-child", binary}, arguments...)...)
}

// signalAll signals a process and its children: unshare passes nothing on.
func signalAll(p *process, s syscall.Signal) {
	children, _ := exec.Command("pgrep", "-P", fmt.Sprint(p.cmd.Process.Pid)).Output()
	for pid := range strings.FieldsSeq(string(children)) {
		_ = exec.Command("kill", fmt.Sprintf("-%d", int(s)), pid).Run()
	}
	if len(children) == 0 || s == syscall.SIGKILL {
		p.signal(s)
	}
}

// lines counts the lines of a file that commands write.
func (h *house) lines(name string) (n int, err error) {
	file, err := os.Open(filepath.Join(h.directory, name))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer file.Close()
	for scanner := bufio.NewScanner(file); scanner.Scan(); n++ {
	}
	return n, nil
}

func (h *house) untilLines(ctx context.Context, name string, n int) error {
	found := 0
	for end := time.Now().Add(90 * time.Second); time.Now().Before(end); {
		var err error
		if found, err = h.lines(name); err != nil || found >= n {
			return err
		}
		if err := wait(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
	return fmt.Errorf("after 90s %s has %d lines, not %d", name, found, n)
}

// once declares n schedules that run the gated command once.
func once(n int) string {
	var file strings.Builder
	at := time.Now().UTC().Add(8 * time.Second).Format("2006-01-02T15:04:05Z")
	file.WriteString("schedules:\n")
	for i := range n {
		fmt.Fprintf(&file, "  once-%04d:\n    when: %q\n    run: ['sh', '-c', '%s']\n", i, "once at "+at, gated)
	}
	return file.String()
}

// until waits until n jobs are in a state.
func (h *house) until(ctx context.Context, limit time.Duration, state string, n int) error {
	found := 0
	for end := time.Now().Add(limit); time.Now().Before(end); {
		if err := h.db.QueryRowContext(ctx, "SELECT count(*) FROM river_job WHERE state = '"+state+"'").Scan(&found); err != nil {
			return err
		}
		if found >= n {
			return nil
		}
		if err := wait(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	return fmt.Errorf("after %s %d jobs are %s, not %d", limit, found, state, n)
}

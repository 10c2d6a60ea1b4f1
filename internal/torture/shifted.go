package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// shifts are how far the clocks of the hosts are ahead.
var shifts = []struct {
	name, role string
	ahead      time.Duration
}{
	{"clock-1", "clock", 2 * time.Hour},
	{"clock-2", "clock", -3 * time.Hour},
	{"worker-1", "worker", 90 * time.Minute},
	{"worker-2", "worker", -40 * time.Minute},
	{"worker-3", "worker", -25 * time.Hour},
}

// underShift are schedules that know what time it is: jobs that expire, and such as
// fail first and are tried again a second later.
func underShift() string {
	var file strings.Builder
	file.WriteString(everySecond(10, "every 1s"))
	for i := range 5 {
		fmt.Fprintf(&file, `  expires-%d: { when: "every 1s", overlap: allow, catch_up: all, expires: 20s, run: ["true"] }
  retries-%[1]d: { when: "every 1s", overlap: allow, catch_up: all, retries: 1, backoff: 1s, run: 'exit $((PUNCTUAL_ATTEMPT < 2))' }
`, i)
	}
	return file.String()
}

// shiftClocks runs clocks and workers on hosts none of which knows the time. The
// database does, and nothing may be early, late, expired or retried later for it.
func shiftClocks(ctx context.Context, h *house, r *report) error {
	binary, err := buildShifted(ctx, h.directory)
	if err != nil {
		return err
	}
	if err := h.apply(ctx, underShift()); err != nil {
		return err
	}
	right := h.binary
	var clocks []*process
	for _, s := range shifts {
		h.binary, h.environment = binary, []string{fmt.Sprintf("TORTURE_AHEAD=%d", int(s.ahead.Seconds()))}
		p, err := h.start(s.name, s.role)
		if err != nil {
			return err
		}
		if s.role == "clock" {
			clocks = append(clocks, p)
		}
		r.event(fmt.Sprintf("%s on a host that is ahead by %s", s.name, s.ahead))
	}
	h.binary, h.environment = right, nil
	r.limit, r.disturbedLimit = 2*time.Second, 2*time.Second
	if err := wait(ctx, h.shifted); err != nil {
		return err
	}
	for _, p := range clocks {
		p.signal(syscall.SIGTERM)
		if err := p.cmd.Wait(); err != nil {
			r.fault("%s ended with %v when it was asked to stop", p.name, err)
		}
	}
	var jobs int
	if err := h.db.QueryRowContext(ctx, "SELECT count(*) FROM river_job").Scan(&jobs); err != nil {
		return err
	}
	if err := h.until(ctx, time.Minute, "completed", jobs); err != nil {
		r.fault("%v", err)
	}
	return h.toldInTime(ctx, r)
}

// toldInTime compares what workers wrote down with what the database knows: when a
// job was made, and the retry's backoff.
func (h *house) toldInTime(ctx context.Context, r *report) error {
	for what, wrong := range map[string]string{
		"were taken before they were made, or ten seconds later": "attempt = 1 AND (attempted_at < created_at - interval '150 milliseconds' OR attempted_at > created_at + interval '10 seconds')",
		"ended before they were taken, or ten seconds later":     "finalized_at < attempted_at - interval '150 milliseconds' OR finalized_at > attempted_at + interval '10 seconds'",
		"were tried again too soon, or too late": `attempt = 2 AND (attempted_at < (errors[1]->>'at')::timestamptz + interval '850 milliseconds'
			OR attempted_at > (errors[1]->>'at')::timestamptz + interval '15 seconds')`,
	} {
		var n int
		if err := h.db.QueryRowContext(ctx, "SELECT count(*) FROM river_job WHERE "+wrong).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			r.fault("%d jobs %s", n, what)
		}
	}
	return nil
}

// buildShifted builds a punctual for which time.Now is ahead by as many seconds as
// TORTURE_AHEAD says: the compiler is given a changed copy of Go's time package.
// Faked by a library it cannot be, since Go asks the kernel itself.
func buildShifted(ctx context.Context, directory string) (binary string, err error) {
	const now = "\tsec, nsec, mono := runtimeNow()\n"
	root, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("shifting the time: %w", err)
	}
	original := filepath.Join(strings.TrimSpace(string(root)), "src", "time", "time.go")
	text, err := os.ReadFile(original)
	if err != nil {
		return "", fmt.Errorf("shifting the time: %w", err)
	}
	head, rest, found := strings.Cut(string(text), "func Now() Time {\n"+now)
	if !found {
		return "", errors.New("shifting the time: Go's time.Now does not begin as it is known to; see " + original)
	}
	changed := filepath.Join(directory, "time.go")
	text = []byte(head + "func Now() Time {\n" + now + "\tsec += tortureAhead\n" + rest + `
var tortureAhead = func() (seconds int64) {
	text, _ := syscall.Getenv("TORTURE_AHEAD")
	for _, digit := range []byte(text) {
		if digit >= '0' {
			seconds = 10*seconds + int64(digit-'0')
		}
	}
	if text != "" && text[0] == '-' {
		return -seconds
	}
	return seconds
}()
`)
	text = []byte(strings.Replace(string(text), "import (\n", "import (\n\t\"syscall\"\n", 1))
	if err := os.WriteFile(changed, text, 0o644); err != nil {
		return "", err
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {original: changed}})
	if err != nil {
		return "", err
	}
	plan := filepath.Join(directory, "overlay.json")
	if err := os.WriteFile(plan, overlay, 0o644); err != nil {
		return "", err
	}
	binary = filepath.Join(directory, "punctual-shifted")
	if out, err := exec.CommandContext(ctx, "go", "build", "-overlay", plan, "-o", binary, "./cmd/punctual").CombinedOutput(); err != nil {
		return "", fmt.Errorf("building a punctual with another time: %w\n%s", err, out)
	}
	return binary, nil
}

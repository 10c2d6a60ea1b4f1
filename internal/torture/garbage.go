package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// noise is up to n bytes of what nobody would write, or of what somebody might.
func noise(r *rand.Rand, n int) []byte {
	const written = `{}[]":,'&*!|>%@-#?/\=` + "\t\n\x00\xff eE019.TZday"
	text := make([]byte, 1+r.IntN(n))
	plain := r.IntN(3) > 0
	for i := range text {
		if plain {
			text[i] = written[r.IntN(len(written))]
		} else {
			text[i] = byte(r.Uint32())
		}
	}
	return text
}

// nonsense is text with some of its bytes replaced, doubled or taken out.
func nonsense(r *rand.Rand, text string) []byte {
	garbled := []byte(text)
	for range 1 + r.IntN(20) {
		at := r.IntN(len(garbled))
		switch r.IntN(3) {
		case 0:
			garbled[at] = noise(r, 1)[0]
		case 1:
			garbled = append(garbled[:at:at], append(noise(r, 8), garbled[at:]...)...)
		case 2:
			garbled = append(garbled[:at:at], garbled[min(len(garbled), at+1+r.IntN(8)):]...)
		}
		if len(garbled) == 0 {
			return noise(r, 8)
		}
	}
	return garbled
}

// calls are requests of the API that are made with nonsense where %s stands.
var calls = []struct{ method, path, body string }{
	{"POST", "/api/v1/schedules", `{"key":"made","when":{"expressions":["every 5s"]},"job":{"kind":"command","command":{"shell":"true"}}}`},
	{"PUT", "/api/v1/schedules/plain-all-1", `{"when":{"expressions":["every 1s"]}}`},
	{"POST", "/api/v1/schedules/%s/trigger", `{"args":{}}`},
	{"POST", "/api/v1/schedules/plain-all-1/pause", `{"until":"2030-01-01T00:00:00Z","note":"a note"}`},
	{"POST", "/api/v1/preview", `{"when":{"expressions":["weekdays at 09:00"],"zone":"Europe/Paris"},"count":5}`},
	{"GET", "/api/v1/runs?cursor=%s&limit=%s", ""},
	{"GET", "/api/v1/runs?state=%s&since=%s", ""},
	{"GET", "/api/v1/schedules?search=%s&tag=%s", ""},
	{"GET", "/runs?text=%s&before=%s", ""},
	{"GET", "/schedules/%s", ""},
}

// sendGarbage asks the web process for what it cannot give. It may refuse; a
// database that is away it may say so of (503); anything else is a fault of its own.
func sendGarbage(ctx context.Context, s *siege, r *rand.Rand) (string, error) {
	client := &http.Client{Timeout: 20 * time.Second}
	sent, statuses := 20, map[int]int{}
	for range sent {
		call := calls[r.IntN(len(calls))]
		path := call.path
		for strings.Contains(path, "%s") {
			path = strings.Replace(path, "%s", strings.ReplaceAll(url.QueryEscape(string(noise(r, 40))), "%s", ""), 1)
		}
		var body io.Reader
		if call.body != "" {
			// It never ends, so it cannot be taken for anything.
			body = bytes.NewReader(append(nonsense(r, call.body), '{'))
		}
		request, err := http.NewRequestWithContext(ctx, call.method, s.web+path, body)
		if err != nil {
			return "", err
		}
		request.Header.Set("Content-Type", "application/json")
		answer, err := client.Do(request)
		if err != nil {
			continue // it may be dead, or frozen, just now
		}
		said, _ := io.ReadAll(io.LimitReader(answer.Body, 500))
		answer.Body.Close()
		statuses[answer.StatusCode]++
		if answer.StatusCode >= 500 && answer.StatusCode != http.StatusServiceUnavailable {
			s.fault("%s %s was answered with %d: %s", call.method, path, answer.StatusCode, said)
		}
	}
	return fmt.Sprintf("%d requests, answered with %v", sent, statuses), nil
}

// applyGarbage applies a schedule file that cannot be one.
func applyGarbage(ctx context.Context, s *siege, r *rand.Rand) (string, error) {
	path := filepath.Join(s.house.directory, "garbage.yaml")
	text := append(nonsense(r, besieged), "\n  ]: never\n"...)
	if err := os.WriteFile(path, text, 0o644); err != nil {
		return "", err
	}
	return refuses(ctx, s, "a file of garbage", s.house.command(ctx, "apply", path))
}

// startWithGarbage starts a process whose environment cannot be right.
func startWithGarbage(ctx context.Context, s *siege, r *rand.Rand) (string, error) {
	names := []string{"PORT", "PUNCTUAL_HISTORY", "PUNCTUAL_CONCURRENCY", "DATABASE_URL"}
	name := names[r.IntN(len(names))]
	command := s.house.command(ctx, map[string]string{"PORT": "web", "PUNCTUAL_CONCURRENCY": "worker"}[name])
	if len(command.Args) < 2 || command.Args[1] == "" {
		command = s.house.command(ctx, "clock")
	}
	value := "?" + strings.ReplaceAll(string(noise(r, 20)), "\x00", "0")
	command.Env = append(command.Env, name+"="+value)
	return refuses(ctx, s, fmt.Sprintf("%s=%q", name, value), command)
}

// refuses wants a command to fail in good order: soon, with something said.
func refuses(ctx context.Context, s *siege, what string, command *exec.Cmd) (string, error) {
	const soon = 20 * time.Second
	command.WaitDelay = time.Second
	var said bytes.Buffer
	command.Stdout, command.Stderr = &said, &said
	if err := command.Start(); err != nil {
		return "", err
	}
	late := time.AfterFunc(soon, func() { _ = command.Process.Kill() })
	err := command.Wait()
	switch exit := (*exec.ExitError)(nil); {
	case ctx.Err() != nil:
	case !late.Stop():
		s.fault("%s was not refused within %s", what, soon)
	case err == nil:
		s.fault("%s was accepted", what)
	case !errors.As(err, &exit) || exit.ExitCode() > 2 || exit.ExitCode() < 1:
		s.fault("%s ended with %v: %s", what, err, said.String())
	case said.Len() == 0 || bytes.Contains(said.Bytes(), []byte("goroutine ")):
		s.fault("%s was refused with %q", what, said.String())
	}
	return what, nil
}

// spoilRow makes the definition of one schedule unreadable for a moment. It goes
// to error, the others go on, and it catches up when it can be read again.
func spoilRow(ctx context.Context, s *siege, r *rand.Rand) (string, error) {
	const set = "UPDATE punctual_definition SET %s = $1 WHERE schedule_id = (SELECT id FROM punctual_schedule WHERE key = 'spoilt-row-waits')"
	column, right := "expressions", `["every 2s"]`
	if r.IntN(2) == 0 {
		column, right = "zone", ""
	}
	wrong := strings.ToValidUTF8(strings.ReplaceAll(string(noise(r, 30)), "\x00", "0"), "?")
	if _, err := s.house.db.ExecContext(ctx, fmt.Sprintf(set, column), wrong); err != nil {
		return "", nil // the database is away; next time
	}
	_ = wait(ctx, between(r, time.Second, 6*time.Second))
	var err error
	for range 60 {
		if _, err = s.house.db.ExecContext(context.WithoutCancel(ctx), fmt.Sprintf(set, column), right); err == nil {
			return fmt.Sprintf("its %s was %q", column, wrong), nil
		}
		time.Sleep(500 * time.Millisecond)
	}
	return "", err
}

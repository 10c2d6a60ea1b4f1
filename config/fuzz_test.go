package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// FuzzParse holds that no text panics or hangs, that faults stand within the
// file, and that what is declared is valid.
func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/*/*.yaml")
	hazards, _ := filepath.Glob("testdata/*.yaml")
	for _, file := range append(append(files, hazards...), "starter.yaml") {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
	}
	for _, text := range []string{
		"", "\n", "\ufeff", "a", ": ", "? ", "- ", "---", "...", "*", "&a", "<<: *a", "schedules: *s", "schedules: &s {a: *s}",
		"schedules:\n  a: {<<: [*x, {when: x}]}", "schedules: {a: {when: *, run: @}}", "a: [*x, */5 * *, @y]", "a: {b: %c}",
		"schedules:\n\ta:\n\t\twhen: x", "a: |\n  x\n b: >", "? a\n: b", "&a b: c\nd: *a", "!!map {a: b}", "a: !<x> b", "a: \"\\x",
		"schedules:\n  a:\n    - when: x\n    - run: y", "schedules:\n -\n  a: -", "<<<<<<< x\n=======", "schedules:\n\u00a0a:\u200b x", "schedules:\n {{ a }}: {b: {{ c }}}\n{% d %}", "a: {b: [c}\nd: ${e",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 64<<10 {
			t.Skip("other tests hold what is large")
		}
		start := time.Now()
		file, err := Parse("fuzz.yaml", []byte(text), Options{Environment: "fuzz"})
		if took := time.Since(start); took > 5*time.Second {
			t.Fatalf("took %s", took)
		}
		if err == nil {
			for _, s := range file.Schedules {
				if faults := s.Validate(); len(faults) > 0 {
					t.Errorf("%s was accepted with %v", s.Key, faults)
				}
			}
			file.Warnings(time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC))
			return
		}
		faulty, ok := errors.AsType[*Error](err)
		if !ok || len(faulty.Faults) == 0 {
			t.Fatalf("error %v holds no faults", err)
		}
		lines := strings.Count(strings.ReplaceAll(text, "\r", "\n"), "\n") + 1
		for _, fault := range faulty.Faults {
			if fault.Line < 1 || fault.Line > lines || fault.Column < 1 || fault.Problem == "" {
				t.Errorf("fault at %d:%d of %d lines: %q", fault.Line, fault.Column, lines, fault.Problem)
			}
		}
		_ = err.Error()
	})
}

package worker

import (
	"bytes"
	"context"
	"os/exec"
	"testing"

	"github.com/punctual-dev/punctual/queue"
)

// BenchmarkCommand runs a command that prints a line, as a job and as a bare
// fork and exec with captured output: what the executor adds is the difference.
func BenchmarkCommand(b *testing.B) {
	b.Run("job", func(b *testing.B) {
		run := Handlers(Options{Output: discard{}, Environment: []string{"PATH=/usr/bin:/bin"}})[queue.KindCommand]
		a := shell("echo hello")
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := run(b.Context(), a); err != nil {
					b.Error(err)
				}
			}
		})
	})
	b.Run("bare", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				var out bytes.Buffer
				command := exec.Command("/bin/sh", "-c", "echo hello")
				command.Env = []string{"PATH=/usr/bin:/bin"}
				command.Stdout, command.Stderr = &out, &out
				if err := command.Run(); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

type discard struct{}

func (discard) RecordOutput(context.Context, int64, int, []Chunk) error { return nil }

func (discard) KeptOutput(context.Context, int64, int) (KeptOutput, error) { return KeptOutput{}, nil }

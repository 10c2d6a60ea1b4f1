package worker

import (
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
)

// oddWriter makes this test binary a command that writes oddLength bytes in an odd way.
const (
	oddWriter = "TEST_ODD_WRITER"
	oddLength = 300_000
)

func init() {
	write := map[string]func() error{"enlarged": writeEnlarged, "spliced": writeSpliced}[os.Getenv(oddWriter)]
	if write == nil {
		return
	}
	if err := write(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// writeEnlarged gives its own pipe the usual size first.
func writeEnlarged() error {
	if _, err := control(1, setPipeSize, usualPipe); err != nil {
		return err
	}
	_, err := os.Stdout.WriteString(strings.Repeat("x", oddLength))
	return err
}

// writeSpliced has the kernel move what comes from a connection, which puts more than
// a page into the pipe at once.
func writeSpliced() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() {
		conn, err := l.Accept()
		if err == nil {
			_, _ = io.WriteString(conn, strings.Repeat("x", oddLength))
			_ = conn.Close()
		}
	}()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		return err
	}
	_, err = io.Copy(os.Stdout, conn)
	return err
}

func TestACommandThatFillsItsPipeInAnOddWayIsReadToTheEnd(t *testing.T) {
	for _, way := range []string{"enlarged", "spliced"} {
		t.Run(way, func(t *testing.T) {
			r := start(t, Options{OutputLimit: 4 << 20}, shell(oddWriter+"="+way+" exec "+os.Args[0]))
			if err := r.end(t); err != nil {
				t.Fatal(err)
			}
			if got := len(r.tape.text(StreamStdout)); got != oddLength {
				t.Errorf("%d bytes were recorded, want %d; it said %q", got, oddLength, r.tape.text(StreamStderr))
			}
		})
	}
}

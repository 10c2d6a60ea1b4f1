//go:build !linux

package worker

import (
	"errors"
	"os"
	"sync"
	"syscall"
	"time"
)

// pipes carry what a child writes. The order of what
// it writes to different streams within a moment is not known.
type pipes struct {
	childs  []*os.File // stdout, stderr
	ours    []*os.File
	reading sync.WaitGroup
}

func openPipes(streams ...*stream) (*pipes, error) {
	p := &pipes{}
	for range streams {
		read, write, err := os.Pipe()
		if err != nil {
			p.handOver()
			p.closeOurs()
			return nil, err
		}
		p.ours, p.childs = append(p.ours, read), append(p.childs, write)
	}
	for i, s := range streams {
		p.reading.Go(func() { readAll(p.ours[i], s) })
	}
	return p, nil
}

// handOver closes the child's ends: a stream ends when the child's copies close.
func (p *pipes) handOver() {
	for _, file := range p.childs {
		_ = file.Close()
	}
}

func (p *pipes) closeOurs() {
	for _, file := range p.ours {
		_ = file.Close()
	}
}

// drain returns when the streams have ended, or after the limit.
func (p *pipes) drain(limit time.Duration) {
	for _, file := range p.ours {
		_ = file.SetReadDeadline(time.Now().Add(limit))
	}
	p.reading.Wait()
	p.closeOurs()
}

// readAll reads until the stream ends, or is cut off by the deadline. Its
// buffer grows with what comes, since most of a thousand commands have little
// to say.
func readAll(file *os.File, s *stream) {
	defer s.end()
	buffer := make([]byte, 4<<10)
	for {
		n, err := file.Read(buffer)
		_, _ = s.Write(buffer[:n])
		if errors.Is(err, os.ErrDeadlineExceeded) {
			readRest(file, s)
		}
		if err != nil {
			return
		}
		if n == len(buffer) && n < chunkSize {
			buffer = make([]byte, 2*n)
		}
	}
}

// pipeCapacity is what a pipe holds by default on Linux.
const pipeCapacity = 64 << 10

// readRest takes what is in the pipe without waiting for more. On a machine so
// busy that the deadline passed before we came to read, that is what the
// command itself wrote.
func readRest(file *os.File, s *stream) {
	raw, err := file.SyscallConn()
	if err != nil || file.SetReadDeadline(time.Time{}) != nil {
		return
	}
	rest := make([]byte, pipeCapacity)
	length := 0
	_ = raw.Read(func(fd uintptr) bool {
		for length < len(rest) {
			n, err := syscall.Read(int(fd), rest[length:])
			if n <= 0 && !errors.Is(err, syscall.EINTR) {
				break
			}
			length += max(n, 0)
		}
		return true // do not wait
	})
	_, _ = s.Write(rest[:length])
}

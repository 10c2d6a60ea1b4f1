package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// member is a process that is started again whenever it ends, as a process
// manager does it.
type member struct {
	name, role string
	arguments  []string
	house      *house

	mu      sync.Mutex
	now     *process      // nil between an end and the next start
	ended   chan struct{} // closed when now has ended
	asked   bool          // the end of now was our doing
	closing bool
	endings []string // of its own: its last words
	done    chan struct{}
}

// restartRest is how long a process manager waits before it starts again what
// ended.
const restartRest = 300 * time.Millisecond

// enlist starts a process and sees to it from then on.
func (h *house) enlist(name, role string, arguments ...string) *member {
	m := &member{name: name, role: role, arguments: append([]string{role}, arguments...), house: h, done: make(chan struct{})}
	go m.supervise()
	return m
}

func (m *member) supervise() {
	defer close(m.done)
	for m.begin() {
		m.mu.Lock()
		p, ended := m.now, m.ended
		m.mu.Unlock()
		err := p.cmd.Wait()
		p.log.Close()
		m.mu.Lock()
		if !m.asked && !m.closing {
			m.endings = append(m.endings, fmt.Sprintf("%s: %v: %s", m.name, err, lastWords(tail(p.log.Name(), 4000))))
		}
		m.now, m.asked = nil, false
		close(ended)
		m.mu.Unlock()
		time.Sleep(restartRest)
	}
}

// begin starts the process, unless there is to be none any more.
func (m *member) begin() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closing {
		return false
	}
	p, err := m.house.launch(m.name, m.arguments...)
	if err != nil {
		m.endings = append(m.endings, fmt.Sprintf("%s could not be started: %v", m.name, err))
		return false
	}
	m.now, m.ended = p, make(chan struct{})
	return true
}

// signal reaches the process, if there is one just now.
func (m *member) signal(s syscall.Signal) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.now != nil {
		m.now.signal(s)
	}
}

// kill is kill -9.
func (m *member) kill() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.now != nil {
		m.asked = true
		m.now.signal(syscall.SIGKILL)
	}
}

// stop asks the process to end, and fails if it does not in time.
func (m *member) stop(limit time.Duration) error {
	m.mu.Lock()
	p, ended := m.now, m.ended
	if p == nil {
		m.mu.Unlock()
		return nil
	}
	m.asked = true
	p.signal(syscall.SIGTERM)
	m.mu.Unlock()
	select {
	case <-ended:
		return nil
	case <-time.After(limit):
		p.signal(syscall.SIGKILL)
		return fmt.Errorf("%s did not end within %s of being asked to", m.name, limit)
	}
}

// dismiss ends the process for good.
func (m *member) dismiss(limit time.Duration) error {
	m.mu.Lock()
	m.closing = true
	m.mu.Unlock()
	m.signal(syscall.SIGCONT)
	err := m.stop(limit)
	<-m.done
	return err
}

// lastWords are those of the process that ended last: its error, and the advice
// that may follow.
func lastWords(text string) string {
	text = "\n" + text
	if at := strings.LastIndex(text, "\npunctual: "); at >= 0 {
		return strings.TrimSpace(text[at:])
	}
	text = strings.TrimSpace(text)
	return text[strings.LastIndex(text, "\n")+1:]
}

func tail(path string, size int64) string {
	file, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.Size() > size {
		_, _ = file.Seek(-size, io.SeekEnd) // or all of it
	}
	text, err := io.ReadAll(file)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// cries are what only a broken program writes.
var cries = [][]byte{[]byte("panic: "), []byte("fatal error: "), []byte("[recovered]"), []byte("runtime error")}

// criesIn returns the lines of the logs of a directory that only a broken
// program writes.
func criesIn(directory string) (found []string, err error) {
	logs, err := filepath.Glob(filepath.Join(directory, "*.log"))
	for _, path := range logs {
		text, readErr := os.ReadFile(path)
		err = errors.Join(err, readErr)
		for line := range bytes.Lines(text) {
			for _, cry := range cries {
				if bytes.Contains(line, cry) {
					found = append(found, filepath.Base(path)+": "+strings.TrimSpace(string(line)))
					break
				}
			}
		}
	}
	return found, err
}

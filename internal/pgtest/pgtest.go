// Package pgtest gives tests a real PostgreSQL server to use and throw away.
//
// New is what nearly every test wants: a fresh, empty database on a server that
// the whole test process shares. Start is for tests that take the database down
// and bring it back.
//
//	pool, err := pgxpool.New(ctx, pgtest.New(t))
//
// Nothing has to be set up or ended by hand. The server is started on first use
// and belongs to a supervisor (supervise.sh) that reads from a pipe held by the
// test process. When that process ends, by a return, a panic, a time-out or
// kill -9, the pipe closes, and the supervisor stops the server and deletes its
// files. So there is no TestMain to forget.
//
// A machine without PostgreSQL fails the test, it never skips it; as root on a
// machine with apt-get the package is installed first.
//
// The server listens on a loopback port and trusts whoever connects: put nothing
// in it that matters. Its own time zone is deliberately not UTC, so that a
// statement which leans on the session's zone shows. Start servers and make
// databases outside of a synctest bubble: they run other processes.
package pgtest

import (
	"context"
	"fmt"
	"io"
	"sync"
	"testing"
)

// New returns the URL of a fresh, empty database, which is dropped when the test
// ends, whoever is still connected to it.
func New(t testing.TB) string {
	t.Helper()
	server, err := sharedServer()
	if err != nil {
		t.Fatal(err)
	}
	name, err := server.createDatabase()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.dropDatabase(name); err != nil {
			t.Error(err)
		}
	})
	return server.url(name)
}

// sharedServer is started by the first test that asks and ends with the process.
var sharedServer = sync.OnceValues(func() (*server, error) { return launch(options{}) })

// Server is a private server for one test, which ends with it.
type Server struct {
	t      testing.TB
	server *server
}

// Mode says how a server is stopped.
type Mode string

const (
	// Fast disconnects the clients and shuts down in order.
	Fast Mode = "fast"
	// Immediate drops everything at once, as a crash would: the next start
	// recovers from the write-ahead log. What was committed is still there.
	Immediate Mode = "immediate"
)

// Option changes how a server is started.
type Option func(*options)

type options struct {
	dir      string // kept afterwards; a temporary one, deleted afterwards, if empty
	port     int    // a free one if 0
	durable  bool
	settings []string
}

// Durable makes the server sync every commit to the disk. It is slower by far
// and matters only to tests that measure it or end the whole machine: a server
// that is killed keeps its commits without.
func Durable() Option { return func(o *options) { o.durable = true } }

// Setting sets a configuration parameter, as in postgresql.conf.
func Setting(name, value string) Option {
	return func(o *options) { o.settings = append(o.settings, name+"="+value) }
}

// Dir keeps the server's files in a directory of its own, and continues with
// what lies there from an earlier time.
func Dir(path string) Option { return func(o *options) { o.dir = path } }

// Port makes the server listen on a given port of the loopback interface.
func Port(number int) Option { return func(o *options) { o.port = number } }

// Start starts a private server. It holds one empty database, which URL names.
func Start(t testing.TB, change ...Option) *Server {
	t.Helper()
	server, err := launch(apply(change))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.close)
	return &Server{t: t, server: server}
}

// URL is the address of the server's database. It stays the same over stops and
// starts.
func (s *Server) URL() string { return s.server.url(defaultDatabase) }

// Stop takes the server down. It does nothing if the server is down already.
func (s *Server) Stop(mode Mode) {
	s.t.Helper()
	if err := s.server.order(string(mode)); err != nil {
		s.t.Fatal(err)
	}
}

// Start brings the server back on the same port, with all that was committed. It
// does nothing if the server is up.
func (s *Server) Start() {
	s.t.Helper()
	if err := s.server.start(); err != nil {
		s.t.Fatal(err)
	}
}

// Restart stops the server in order and starts it again.
func (s *Server) Restart() {
	s.t.Helper()
	s.Stop(Fast)
	s.Start()
}

// Run starts a server, writes its URL to w as one line and keeps the server
// until ctx ends. It is for programs; tests use New or Start.
func Run(ctx context.Context, w io.Writer, change ...Option) error {
	server, err := launch(apply(change))
	if err != nil {
		return err
	}
	defer server.close()
	if _, err := fmt.Fprintln(w, server.url(defaultDatabase)); err != nil {
		return fmt.Errorf("writing the URL: %w", err)
	}
	<-ctx.Done()
	return nil
}

// Running is a server for a program that takes it down and brings it back.
type Running struct{ server *server }

// Launch starts a server that lives until Close, or until the program ends.
func Launch(change ...Option) (*Running, error) {
	server, err := launch(apply(change))
	if err != nil {
		return nil, err // nothing is there to be closed
	}
	return &Running{server}, nil
}

// URL is the address of the server's database, over stops and starts.
func (r *Running) URL() string { return r.server.url(defaultDatabase) }

// Stop takes the server down.
func (r *Running) Stop(mode Mode) error { return r.server.order(string(mode)) }

// Start brings it back on the same port, with all that was committed.
func (r *Running) Start() error { return r.server.start() }

// Move takes the server down at once, and brings up another one at another address,
// with a copy of its files: everything that was committed.
func (r *Running) Move() error { return r.server.move() }

// Close stops the server for good and deletes its files.
func (r *Running) Close() { r.server.close() }

func apply(change []Option) (o options) {
	for _, f := range change {
		f(&o)
	}
	return o
}

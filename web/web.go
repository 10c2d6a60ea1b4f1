// Package web is the third of the three processes: it serves the JSON API and
// the dashboard to those with credentials, and health to everyone. Who asks is
// the matter of web/access.
package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/punctual-dev/punctual/store"
	"github.com/punctual-dev/punctual/web/access"
)

// Options are the settings of the web process.
type Options struct {
	// Address is where to listen. Without any credentials only a loopback
	// address is allowed.
	Address string
	// Listener is what Listen gave for the address; nil: Run listens itself.
	Listener net.Listener
	Store    *store.Store
	// Prefix is the path the site stands under: empty, or as "/punctual".
	Prefix   string
	Password string // of the user "punctual", an admin; empty: none
	Token    string // a bearer token of an admin; empty: none
	// Local is the author of what is done on a loopback address, as long as
	// nobody has credentials.
	Local string
	// Proxies are believed when they say, in X-Forwarded-For and
	// X-Forwarded-Proto, who asks and how he came.
	Proxies access.Proxies
	// UserHeader, where it is set, is believed when a proxy names a user in it;
	// he has UserRole, or the role that the proxy names in RoleHeader.
	UserHeader, RoleHeader string
	UserRole               access.Role
	// AllowCommands lets commands be created and edited from the network.
	AllowCommands bool
	// Metrics answers Prometheus at /metrics; nil: there is nothing at that path.
	Metrics http.Handler
	// MetricsOnly serves /metrics and /healthz and nothing else: processes that
	// serve no pages are watched that way.
	MetricsOnly bool
	Version     string // of punctual
	Logger      *slog.Logger
	// Listening is told the address once requests are answered; may be nil.
	Listening func(net.Addr)
}

// ErrCredentials says that a public address needs credentials.
var ErrCredentials = errors.New("the web process would be open to everyone: set PUNCTUAL_PASSWORD or PUNCTUAL_TOKEN, add a user with punctual users add, or listen on 127.0.0.1 only")

const (
	headerTimeout = 10 * time.Second // to send the head of a request
	bodyTimeout   = 30 * time.Second // to send its body
	writeTimeout  = 30 * time.Second // to take the answer; streams set their own
	idleTimeout   = 2 * time.Minute  // between requests
	// finishGrace is how long requests may go on at a stop; then their contexts
	// end, which ends streams. stopTimeout is when all connections are closed.
	finishGrace = 500 * time.Millisecond
	stopTimeout = 5 * time.Second
	maxHeader   = 64 << 10
)

// Run serves until ctx ends.
func Run(ctx context.Context, o Options) error {
	if !Loopback(o.Address) {
		o.Local = ""
		closed, err := o.anyCredentials(ctx)
		if err != nil {
			return fmt.Errorf("looking for users and tokens: %w", err)
		}
		if !closed {
			return fmt.Errorf("listening on %s: %w", o.Address, ErrCredentials)
		}
	}
	listener := o.Listener
	if listener == nil {
		var err error
		if listener, err = Listen(o.Address); err != nil {
			return err
		}
	}
	// A name such as localhost may lead anywhere.
	if !Loopback(listener.Addr().String()) {
		o.Local = ""
	}
	if o.Listening != nil {
		o.Listening(listener.Addr())
	}
	return serve(ctx, listener, Handler(o), o.Logger)
}

// Listen takes an address, before a store is there to serve.
func Listen(address string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("listening on %s: another process listens there already, perhaps another punctual start, in this folder or another; --listen %s, for example, chooses another address, and PORT another port", address, nextPort(address))
	case err != nil:
		return nil, fmt.Errorf("listening on %s: %w; an address is a host and a port, as 127.0.0.1:8080", address, err)
	}
	return listener, nil
}

// nextPort is an address like one that is taken.
func nextPort(address string) string {
	host, port, err := net.SplitHostPort(address)
	number, _ := strconv.Atoi(port)
	if err != nil || number == 0 || number == math.MaxUint16 {
		return "127.0.0.1:8081"
	}
	return net.JoinHostPort(host, strconv.Itoa(number+1))
}

func (o Options) anyCredentials(ctx context.Context) (bool, error) {
	if o.Password != "" || o.Token != "" || o.UserHeader != "" {
		return true, nil
	}
	return o.Store.AnyCredentials(ctx)
}

// serve answers requests until ctx ends, and then lets those in hand finish.
func serve(ctx context.Context, listener net.Listener, handler http.Handler, log *slog.Logger) error {
	// Requests outlive ctx by the grace, and no longer.
	requests, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	server := &http.Server{
		Handler: handler, BaseContext: func(net.Listener) context.Context { return requests },
		// A timeout of the whole request would end streams, too: see bounded.
		ReadHeaderTimeout: headerTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serving on %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	defer time.AfterFunc(finishGrace, end).Stop()
	finish, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if server.Shutdown(finish) != nil {
		_ = server.Close()
	}
	return nil
}

// Loopback says whether an address can be reached from this machine only.
func Loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// ParsePrefix reads the path a site stands under: "/punctual", or "" for none.
func ParsePrefix(text string) (string, error) {
	prefix := strings.TrimRight(text, "/")
	if prefix == "" {
		return "", nil
	}
	allowed := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-", r)
	}
	for part := range strings.SplitSeq(strings.TrimPrefix(prefix, "/"), "/") {
		if part == "" || part == "." || part == ".." || strings.ContainsFunc(part, func(r rune) bool { return !allowed(r) }) {
			return "", fmt.Errorf("the prefix %q: it is a path such as /punctual, of letters, digits and . _ -", text)
		}
	}
	if prefix[0] != '/' {
		return "", fmt.Errorf("the prefix %q: it begins with a slash, as /%s", text, prefix)
	}
	return prefix, nil
}

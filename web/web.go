// Package web is the third of the three processes: it says how the clock is,
// and nothing to those without credentials.
package web

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"
)

// Options are the settings of the web process.
type Options struct {
	// Address is where to listen. Without credentials only a loopback address
	// is allowed.
	Address  string
	Password string // of the user "punctual"; empty: none
	Token    string // a bearer token; empty: none
	// Health says whether the clock keeps time, with a report for people and
	// monitors.
	Health func(ctx context.Context) (healthy bool, report any, err error)
	Logger *slog.Logger
	// Listening is told the address once requests are answered; may be nil.
	Listening func(net.Addr)
}

// ErrCredentials says that a public address needs credentials.
var ErrCredentials = errors.New("the web process would be open to everyone: set PUNCTUAL_PASSWORD or PUNCTUAL_TOKEN, or listen on 127.0.0.1 only")

const (
	readTimeout  = 10 * time.Second
	writeTimeout = 30 * time.Second
	stopTimeout  = 5 * time.Second
	maxHeader    = 64 << 10
)

// Run serves until ctx ends.
func Run(ctx context.Context, o Options) error {
	if o.Password == "" && o.Token == "" && !loopback(o.Address) {
		return fmt.Errorf("listening on %s: %w", o.Address, ErrCredentials)
	}
	listener, err := net.Listen("tcp", o.Address)
	if err != nil {
		return fmt.Errorf("listening on %s: %w; is another process there? --listen and PORT choose another address", o.Address, err)
	}
	server := &http.Server{
		Handler: Handler(o), ReadHeaderTimeout: readTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(o.Logger.Handler(), slog.LevelDebug),
	}
	if o.Listening != nil {
		o.Listening(listener.Addr())
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serving on %s: %w", o.Address, err)
	case <-ctx.Done():
	}
	finish, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if server.Shutdown(finish) != nil {
		_ = server.Close()
	}
	return nil
}

// loopback says whether an address can be reached from this machine only.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Handler answers /healthz to everyone, and everything else to those who show
// their credentials.
func Handler(o Options) http.Handler {
	guarded := o.authenticated(http.NotFoundHandler())
	// A ServeMux stands behind the guard only: it redirects from paths that are
	// not clean before anybody has shown credentials.
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/healthz" && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
			o.healthz(w, r)
			return
		}
		guarded.ServeHTTP(w, r)
	})
}

// healthz answers 200 while the clock keeps time, and 503 while it does not.
func (o Options) healthz(w http.ResponseWriter, r *http.Request) {
	healthy, report, err := o.Health(r.Context())
	status := http.StatusOK
	if err != nil {
		o.Logger.Error("the health cannot be told", "error", err)
		healthy, report = false, map[string]any{"healthy": false, "reason": "the database does not answer"}
	}
	if !healthy {
		status = http.StatusServiceUnavailable
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(report)
}

// authenticated lets through who shows the password or the token. Where there
// are neither, nobody is let through.
func (o Options) authenticated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, password, _ := r.BasicAuth()
		token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if equal(password, o.Password) || bearer && equal(token, o.Token) {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="punctual", charset="UTF-8"`)
		http.Error(w, "credentials are needed: the password set as PUNCTUAL_PASSWORD, or the token set as PUNCTUAL_TOKEN", http.StatusUnauthorized)
	})
}

// equal compares secrets in constant time, whatever their length. An unset
// secret equals nothing.
func equal(given, secret string) bool {
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(secret))
	return secret != "" && subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

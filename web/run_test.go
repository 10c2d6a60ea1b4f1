package web

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/punctual-dev/punctual/web/access"
)

func TestAPublicAddressNeedsCredentials(t *testing.T) {
	tests := []struct {
		sentence string
		address  string
		change   func(*visit, *Options)
		refused  bool
	}{
		{"without any", "0.0.0.0:0", func(*visit, *Options) {}, true},
		{"without any, by no address", ":0", func(*visit, *Options) {}, true},
		{"this machine needs none", "127.0.0.1:0", func(*visit, *Options) {}, false},
		{"a password", "0.0.0.0:0", func(_ *visit, o *Options) { o.Password = "secret" }, false},
		{"a token", "0.0.0.0:0", func(_ *visit, o *Options) { o.Token = "secret" }, false},
		{"a proxy that names users", "0.0.0.0:0", func(_ *visit, o *Options) { o.UserHeader = "X-Forwarded-User" }, false},
		{"a user", "0.0.0.0:0", func(v *visit, _ *Options) { v.user("ada", access.Viewer) }, false},
		{"a token that holds", "0.0.0.0:0", func(v *visit, _ *Options) { v.token("ci", access.Viewer, time.Hour) }, false},
		{"a token that has expired", "0.0.0.0:0", func(v *visit, _ *Options) { v.token("ci", access.Viewer, time.Nanosecond) }, true},
	}
	for _, test := range tests {
		t.Run(test.sentence, func(t *testing.T) {
			v := open(t, nil)
			o := Options{Address: test.address, Store: v.store, Local: "ada (local)", Logger: slog.New(slog.DiscardHandler)}
			test.change(v, &o)
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			o.Listening = func(net.Addr) { stop() }
			if err := Run(ctx, o); errors.Is(err, ErrCredentials) != test.refused || err != nil && !test.refused {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestAnAddressThatIsTakenIsToldWithWhoMayHaveItAndWhatToDo(t *testing.T) {
	taken, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, err = Listen(taken.Addr().String())
	if err == nil {
		t.Fatal("it is taken twice")
	}
	for _, want := range []string{"perhaps another punctual start", "--listen " + nextPort(taken.Addr().String())} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
	}
	for address, want := range map[string]string{"127.0.0.1:8080": "127.0.0.1:8081", ":9000": ":9001", "[::1]:80": "[::1]:81", "127.0.0.1:65535": "127.0.0.1:8081", "nonsense": "127.0.0.1:8081"} {
		if got := nextPort(address); got != want {
			t.Errorf("beside %s it is %s, want %s", address, got, want)
		}
	}
}

func TestAtAStopStreamsEndAndWhatIsInHandIsFinished(t *testing.T) {
	stopped, stop := context.WithCancel(t.Context())
	streams, works, finished := make(chan struct{}), make(chan struct{}), make(chan string, 1)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/work" {
			close(works)
			<-stopped.Done()
			_, _ = io.WriteString(w, "done")
			return
		}
		_ = http.NewResponseController(w).Flush()
		close(streams)
		<-r.Context().Done()
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		ended <- serve(stopped, listener, bounded(handler), slog.New(slog.DiscardHandler))
	}()
	ask := func(path string) string {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+listener.Addr().String()+path, nil)
		if err != nil {
			t.Error(err)
			return ""
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			return err.Error()
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Errorf("%s was broken off: %v", path, err)
		}
		return string(body)
	}
	streaming := make(chan struct{})
	go func() { ask("/stream"); close(streaming) }()
	<-streams
	go func() { finished <- ask("/work") }()
	<-works
	stop()
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
	<-streaming
	if got := <-finished; got != "done" {
		t.Errorf("what was in hand was answered with %q", got)
	}
}

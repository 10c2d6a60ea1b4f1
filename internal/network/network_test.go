package network

import (
	"bufio"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"
)

// echoes listens and sends back every line it gets, behind its own name.
func echoes(t *testing.T, name string) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer connection.Close()
				for lines := bufio.NewScanner(connection); lines.Scan(); {
					if _, err := io.WriteString(connection, name+" "+lines.Text()+"\n"); err != nil {
						return
					}
				}
			}()
		}
	}()
	return listener.Addr().String()
}

func through(t *testing.T, p *Network) net.Conn {
	t.Helper()
	connection, err := net.Dial("tcp", p.Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	return connection
}

// ask sends a line and returns the answer's line.
func ask(connection net.Conn, line string) (string, error) {
	if _, err := io.WriteString(connection, line+"\n"); err != nil {
		return "", err
	}
	return answer(connection)
}

func answer(connection net.Conn) (string, error) {
	lines := bufio.NewScanner(connection)
	if !lines.Scan() {
		if lines.Err() == nil {
			return "", io.EOF
		}
		return "", lines.Err()
	}
	return lines.Text(), nil
}

func proxyTo(t *testing.T, target string) *Network {
	t.Helper()
	p, err := New(target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func TestTheNetworkCarriesWhatIsSentAndCutsWhatStands(t *testing.T) {
	p := proxyTo(t, echoes(t, "first"))
	connection := through(t, p)
	if got, err := ask(connection, "hello"); got != "first hello" || err != nil {
		t.Fatalf("got %q, %v; want %q", got, err, "first hello")
	}
	if n := p.Cut(); n != 1 {
		t.Errorf("%d connections were cut, want 1", n)
	}
	if got, err := ask(connection, "hello"); err == nil {
		t.Errorf("a connection that was cut answers %q", got)
	}
}

func TestWhatIsSentOnADeadConnectionDisappears(t *testing.T) {
	p := proxyTo(t, echoes(t, "server"))
	connection := through(t, p)
	if got, err := ask(connection, "hello"); got != "server hello" {
		t.Fatalf("got %q, %v", got, err)
	}
	if n := p.Forsake(); n != 1 {
		t.Errorf("%d connections are dead, want 1", n)
	}
	if err := connection.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if got, err := ask(connection, "unheard"); !isTimeout(err) {
		t.Errorf("got %q, %v; want silence", got, err)
	}
	if got, err := ask(through(t, p), "new"); got != "server new" || err != nil {
		t.Errorf("a new connection got %q, %v; want an answer", got, err)
	}
}

func TestTheNetworkSendsNewConnectionsToAnotherServer(t *testing.T) {
	p := proxyTo(t, echoes(t, "first"))
	before := through(t, p)
	if got, err := ask(before, "hello"); got != "first hello" {
		t.Fatalf("got %q, %v", got, err)
	}
	p.Point(echoes(t, "second"))
	if got, err := ask(through(t, p), "hello"); got != "second hello" || err != nil {
		t.Errorf("a new connection got %q, %v; want the second server", got, err)
	}
	if got, err := ask(before, "again"); got != "first again" || err != nil {
		t.Errorf("a connection that stood got %q, %v; want the first server still", got, err)
	}
}

func TestTheWeatherHoldsForConnectionsThatStand(t *testing.T) {
	cases := []struct {
		name    string
		weather Weather
		want    func(t *testing.T, p *Network, connection net.Conn)
	}{
		{"delay", Weather{Delay: 60 * time.Millisecond}, func(t *testing.T, _ *Network, connection net.Conn) {
			began := time.Now()
			if got, err := ask(connection, "slow"); got != "server slow" || err != nil {
				t.Errorf("got %q, %v", got, err)
			}
			if took := time.Since(began); took < 120*time.Millisecond {
				t.Errorf("the answer came after %s, want at least the delay twice", took)
			}
		}},
		{"silent", Weather{Silent: true}, func(t *testing.T, p *Network, connection net.Conn) {
			if err := connection.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
				t.Fatal(err)
			}
			if got, err := ask(connection, "unheard"); !isTimeout(err) {
				t.Errorf("got %q, %v; want silence", got, err)
			}
			if err := connection.SetReadDeadline(time.Time{}); err != nil {
				t.Fatal(err)
			}
			p.Turn(Weather{})
			if got, err := answer(connection); got != "server unheard" || err != nil {
				t.Errorf("after the silence got %q, %v; want what was held up", got, err)
			}
		}},
		{"torn", Weather{Torn: true}, func(t *testing.T, _ *Network, connection net.Conn) {
			if got, err := ask(connection, "a line of which half arrives"); err == nil {
				t.Errorf("got %q; want a connection that was reset", got)
			}
		}},
		{"refused", Weather{Refused: true}, func(t *testing.T, p *Network, connection net.Conn) {
			if got, err := ask(connection, "old"); got != "server old" || err != nil {
				t.Errorf("a connection that stands got %q, %v", got, err)
			}
			fresh, err := net.Dial("tcp", p.Address())
			if errors.Is(err, syscall.ECONNRESET) {
				return // before the dial was over
			}
			if err != nil {
				t.Fatal(err)
			}
			defer fresh.Close()
			if got, err := ask(fresh, "new"); err == nil {
				t.Errorf("a new connection got %q; want none", got)
			}
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := proxyTo(t, echoes(t, "server"))
			connection := through(t, p)
			if got, err := ask(connection, "hello"); got != "server hello" {
				t.Fatalf("in fair weather got %q, %v", got, err)
			}
			p.Turn(c.weather)
			c.want(t, p, connection)
		})
	}
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}

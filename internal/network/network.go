// Package network is a network that fails when it is told to: it stands between a
// program and a server, for tests of what the program makes of that.
package network

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Network carries connections to a server.
type Network struct {
	listener net.Listener
	wg       sync.WaitGroup

	mu      sync.Mutex
	target  string
	weather Weather
	changed chan struct{} // closed when the weather changes
	wires   map[*wire]struct{}
	closed  bool
}

// Weather is how the network is just now. The zero value is fair.
type Weather struct {
	Delay   time.Duration // of everything that is sent, in each direction
	Silent  bool          // connections stand, and nothing arrives
	Refused bool          // nobody is let in
	Torn    bool          // of what is sent next half arrives, and then the connection is reset
}

// wire is one connection that is carried.
type wire struct {
	near, far *net.TCPConn
	once      sync.Once
	gone      chan struct{}
	dead      atomic.Bool // whatever is sent disappears
}

// New begins to carry connections to a server.
func New(target string) (*Network, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	n := &Network{listener: listener, target: target, changed: make(chan struct{}), wires: map[*wire]struct{}{}}
	n.wg.Go(n.accept)
	return n, nil
}

// Address is where programs are to connect to, instead of to the server.
func (n *Network) Address() string { return n.listener.Addr().String() }

// Turn changes the weather, for connections that stand, too.
func (n *Network) Turn(w Weather) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.weather = w
	close(n.changed)
	n.changed = make(chan struct{})
}

// Point sends connections to another server from now on. Those that stand stay.
func (n *Network) Point(target string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.target = target
}

// Cut resets every connection that stands, and says how many there were.
func (n *Network) Cut() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	for w := range n.wires {
		w.reset()
	}
	return len(n.wires)
}

// Forsake makes every connection that stands a dead one: it stays open, and
// nothing that is sent arrives any more, as when the machine at the other end is
// gone. It says how many there were.
func (n *Network) Forsake() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	for w := range n.wires {
		w.dead.Store(true)
	}
	return len(n.wires)
}

// Close ends all connections and waits for what serves them.
func (n *Network) Close() {
	n.mu.Lock()
	n.closed = true
	n.mu.Unlock()
	n.listener.Close()
	n.Cut()
	n.wg.Wait()
}

func (n *Network) accept() {
	for {
		near, err := n.listener.Accept()
		if err != nil {
			return // it was closed
		}
		n.wg.Go(func() { n.serve(near.(*net.TCPConn)) })
	}
}

func (n *Network) serve(near *net.TCPConn) {
	w := &wire{near: near, gone: make(chan struct{})}
	now, _ := n.look()
	if now.Refused {
		w.reset()
		return
	}
	far, err := net.DialTimeout("tcp", n.at(), 5*time.Second)
	if err != nil {
		w.reset() // the server is away, and so it seems through us
		return
	}
	w.far = far.(*net.TCPConn)
	if !n.enter(w) {
		w.reset()
		return
	}
	defer n.leave(w)
	n.wg.Go(func() { n.carry(w, w.far, w.near) })
	n.carry(w, w.near, w.far)
}

func (n *Network) at() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.target
}

func (n *Network) look() (Weather, <-chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.weather, n.changed
}

func (n *Network) enter(w *wire) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return false
	}
	n.wires[w] = struct{}{}
	return true
}

func (n *Network) leave(w *wire) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.wires, w)
}

// carry carries one direction until either end is gone. On a dead connection
// nobody learns that the server gave it up.
func (n *Network) carry(w *wire, from, to *net.TCPConn) {
	defer func() {
		if from == w.near || !w.dead.Load() {
			w.end()
		}
	}()
	buffer := make([]byte, 16<<10)
	for {
		size, err := from.Read(buffer)
		if size > 0 && !w.dead.Load() {
			now := n.weathered(w)
			if now.Torn {
				_, _ = to.Write(buffer[:size/2])
				w.reset()
				return
			}
			if _, err := to.Write(buffer[:size]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// weathered holds up what is to be sent as the weather wants it.
func (n *Network) weathered(w *wire) Weather {
	now, changed := n.look()
	if now.Delay > 0 {
		select {
		case <-time.After(now.Delay):
		case <-w.gone:
		}
	}
	for now.Silent {
		select {
		case <-changed:
			now, changed = n.look()
		case <-w.gone:
			return now
		}
	}
	return now
}

func (w *wire) end() {
	w.once.Do(func() {
		close(w.gone)
		_ = w.near.Close()
		if w.far != nil {
			_ = w.far.Close()
		}
	})
}

// reset ends both sides as a network does that lost its mind: without a word of
// the protocol, and with whatever was under way.
func (w *wire) reset() {
	_ = w.near.SetLinger(0)
	if w.far != nil {
		_ = w.far.SetLinger(0)
	}
	w.end()
}

// During turns the weather for a while.
func (n *Network) During(ctx context.Context, w Weather, d time.Duration) {
	n.Turn(w)
	defer n.Turn(Weather{})
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
